"""What a studio does in its folder, each piece in one process: what its server and its workers do for a request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from pydream.cli.errors import one_line
from pydream.errors import StudioError
from pydream.studio.folder import Folder
from pydream.studio.jobs import Made, Record
from pydream.studio.messages import DecodePicture
from pydream.studio.orders import Network, Order
from pydream.studio.queue import Queue
from pydream.studio.uploads import Uploads
from pydream.studio.worker.pictures import decode
from pydream.studio.worker.task import Task

_JOB, _OTHER = "0" * 11 + "1", "0" * 11 + "2"
_MODIFIED = 10**18  # nanoseconds, of a result


def add_picture(folder: Folder) -> None:
    """Keep a picture of this machine, and list it."""
    copy = Uploads(folder.incoming).copy(Path("in.png"))
    try:
        decode(Task(DecodePicture(task="1", file=str(copy), name="in.png", folder=str(folder.pictures)), _hear))
    finally:
        with suppress(OSError):  # what is on its way is removed when the studio is opened
            copy.unlink(missing_ok=True)


def _hear(*_: object) -> None:
    """Take no notice of what a worker says by the way."""


def _record(job: str, number: int) -> Record:
    return Record(id=job, number=number, order=Order(kind="dream", network=Network()), name="sky")


def order_jobs(folder: Folder) -> None:
    """Have two jobs wait, the second before the first."""

    async def order() -> None:
        queue = Queue(folder)
        try:
            await queue.load()
            first, second = _record(_JOB, 1), _record(_OTHER, 2)
            for record in (first, second):
                if not queue.listed() or record.id not in [each.id for each in queue.listed()]:
                    await queue.add(record)
            found = {each.id: each for each in queue.listed()}
            await queue.move(found[_OTHER], found[_JOB])
            await queue.write(folder.save_page, b'{"long_side": 640}')
        finally:
            await queue.close()

    asyncio.run(order())


def make_result(folder: Folder) -> None:
    """Put a result where a job makes it, as a worker does, and note it."""
    made = folder.made(_JOB)
    made.mkdir(parents=True)
    (made / "sky.png").write_bytes(Path("in.png").read_bytes())
    os.utime(made / "sky.png", ns=(_MODIFIED, _MODIFIED))
    record = _record(_JOB, 1)
    record.state = "running"
    record.made = Made(files=folder.named(record, {"png": "sky.png"}), stopped=False)
    folder.save(_JOB, msgspec.json.encode(record))


def keep_result(folder: Folder) -> None:
    """Move a result to where it is kept, and end the job."""
    record = _there(folder)
    if not record.ended:
        folder.keep(record)
        folder.remove_work(record.id)
        record.state = "done"
        folder.save(record.id, msgspec.json.encode(record))


def remove_job(folder: Folder) -> None:
    """Remove a job with its result."""
    if not (folder.jobs / f"{_JOB}.json").exists():  # by the last attempt
        return
    record = _there(folder)
    record.dropped = True
    folder.save(record.id, msgspec.json.encode(record))
    folder.remove(record)


def _there(folder: Folder) -> Record:
    record = folder.record(_JOB)
    if record is None:
        raise StudioError(f"there is no job {_JOB}")
    return record


def in_studio(*pieces: Callable[[Folder], None]) -> Callable[[], int]:
    """Return what does pieces of work in the folder `studio`, and returns an exit code as a command does."""
    return partial(_code, pieces)


def _code(pieces: tuple[Callable[[Folder], None], ...]) -> int:
    folder = Folder(Path("studio"))
    try:
        with folder.opened():
            for piece in pieces:
                piece(folder)
    except Exception as error:
        failed = one_line(error)
        failed.show()
        return failed.exit_code
    return 0
