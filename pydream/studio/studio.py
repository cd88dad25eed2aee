"""`Studio`: pictures, jobs and results in a folder, and two worker processes, as the interface over HTTP needs them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from .. import __version__
from ..errors import StudioError
from ..files import make_folder, reason
from ..record.names import NOISE
from ..record.recipe import MOST_SEED
from ..zoo.registry import is_name
from . import catalogue
from .events import JOBS, Event, Hub, event
from .folder import Folder
from .jobs import Job, Record
from .messages import Classify, DecodePicture, EncodePicture, Failed, Finished, Message, PictureEntry, ReplayPicture
from .orders import ClassesWanted, Network, Order, ThumbnailsWanted
from .process import PROGRAM, ProcessEndedError, WorkerProcess
from .queue import Queue
from .runner import Runner, state
from .thumbnails import Thumbnails, orders

MOST_DECODED = 20  # uploads that wait for one another
DECODE_SECONDS = 300.0
SMALL = 320  # pixels, of the long side
MOST_ORDER = 2**16  # bytes; a record has no more


class Studio:
    """A studio in a folder.

    Parameters
    ----------
    folder : Path
    model : str
        The network that is loaded at the start.
    memory : int or None
        Bytes that a dream may take.
    most_pixels : int
        Of a picture.
    program : sequence of str
        The worker's command.
    """

    def __init__(
        self, folder: Path, *, model: str, memory: int | None, most_pixels: int, program: Sequence[str] = PROGRAM
    ) -> None:
        self._folder, self._memory, self._most_pixels = Folder(folder), memory, most_pixels
        self._hub = Hub()
        self._queue = Queue(self._folder)
        self._thumbnails = Thumbnails(self._folder, self._hub)
        arguments = (str(most_pixels),)
        self._pictures = WorkerProcess("decodes pictures", program, arguments, lambda: None)
        self._runner = Runner(
            self._folder,
            self._queue,
            self._hub,
            self._thumbnails,
            network=Network(name=model),
            memory=memory,
            program=program,
            arguments=arguments,
        )
        self._decoding = 0
        self._encoding: dict[Path, asyncio.Task[None]] = {}
        self._opened = ExitStack()

    async def start(self) -> None:
        """Start both workers, and take up what the last studio left; `BusyError` where another one has the folder."""
        with ExitStack() as stack:
            stack.enter_context(self._folder.opened())
            await self._queue.load()
            self._opened = stack.pop_all()
        self._pictures.start()
        self._runner.start()

    async def close(self) -> None:
        """End both workers, and all streams of events; what runs is taken up again next time."""
        self._hub.close()
        await self._runner.close()
        await self._pictures.close()
        await self._queue.close()
        self._opened.close()

    def status(self) -> dict[str, Any]:
        """Return what this studio is, and how its worker is."""
        line = self._runner.process.line or self._pictures.line or next(iter(self._queue.lines), None)
        return {
            "version": __version__,
            "worker": {"state": self._runner.process.state, "line": line},
            "memory": self._memory,
            "max_pixels": self._most_pixels,
            "folder": str(self._folder.place),
        }

    # ---- pictures ----

    async def add_picture(self, name: str, file: Path) -> PictureEntry:
        """Read a file that came from outside, and keep it by its id.

        Parameters
        ----------
        name : str
            What it is called.
        file : Path
            In the folder of what is on its way; it is removed.
        """
        if self._decoding >= MOST_DECODED:
            file.unlink(missing_ok=True)
            raise StudioError(f"{MOST_DECODED} pictures are being read already: wait for one", 429)
        self._decoding += 1
        task = DecodePicture(
            task=secrets.token_hex(6),
            file=str(file),
            name=name,
            folder=str(self._folder.pictures),
        )
        try:
            answer = await self._ask_pictures(task, f"{name!r} cannot be read")
            entry = msgspec.convert(answer.facts, PictureEntry)
        finally:
            self._decoding -= 1
            with suppress(OSError):  # the next studio in this folder removes it
                file.unlink(missing_ok=True)
        self._hub.publish(event("picture", id=entry.id), key=entry.id)
        return entry

    async def _ask_pictures(self, task: Message, failing: str) -> Finished:
        """Have the process without TensorFlow do something; `StudioError` where it cannot, or takes too long."""
        loop = asyncio.get_running_loop()
        patience: asyncio.TimerHandle | None = None

        def began() -> None:
            nonlocal patience
            why = f"took longer than {DECODE_SECONDS:g} s and was killed"
            patience = loop.call_later(DECODE_SECONDS, self._pictures.kill, why)

        try:
            answer = await self._pictures.ask(task, on_sent=began)
        except ProcessEndedError as ended:
            raise StudioError(f"{failing}: {ended}", 422) from ended
        finally:
            if patience is not None:
                patience.cancel()
        if isinstance(answer, Failed):
            raise StudioError(answer.error, 400 if answer.fault == "input" else 422)
        return answer

    def picture(self, id: str) -> PictureEntry:
        """Return what is known of a picture."""
        entry = self._folder.picture(id)
        if entry is None:
            raise StudioError(f"there is no picture {id!r}: send it first", 404)
        return entry

    def picture_file(self, id: str, kind: Literal["jpg", "png", "film"]) -> Path:
        """Return a picture's file: to be shown, or all of it."""
        entry = self.picture(id)
        is_picture = entry.frames is None
        if kind == "jpg":
            return self._folder.shown(id)
        if (kind == "png") != is_picture:
            raise StudioError(f"{entry.name!r} is {'a picture' if is_picture else 'a film'}", 404)
        return self._folder.picture_file(entry)

    def missing(self, entry: PictureEntry) -> list[str]:
        """Return a line for each thing that is not here and that a picture's record names."""
        order, lines = entry.order, []
        if order is None:
            return []
        for role, id in order.pictures.items():
            if self._folder.picture(id) is None:
                noun = "film" if (order.kind, role) == ("film", "picture") else role
                lines.append(f"the {noun} that it was made with is not here: drop it too")
        name = order.network.name
        if not is_name(name):
            lines.append(f"the network that it was made with, {name!r}, is not in the registry")
        elif (absence := catalogue.absence(name)) is not None:
            lines.append(absence)
        return lines

    # ---- jobs ----

    async def submit(self, order: Order) -> Job:
        """Have an order carried out, after those that wait, or in the place of the one that it replaces."""
        self._check(order)
        given = {name: value for name, value in order.recipe.items() if value is not None}
        recipe = {"seed": secrets.randbelow(MOST_SEED + 1), **given}
        number = self._queue.next_number()
        names = {role: self.picture(id).name for role, id in order.pictures.items()}
        stem = _plain(names["picture"]) if "picture" in names else NOISE
        record = Record(
            id=secrets.token_hex(6),
            number=number,
            order=msgspec.structs.replace(order, recipe=recipe, replaces=None),
            name=f"{stem}-{number}",
            names=names,
            replaces=order.replaces,
        )
        if (replaced := await self._queue.add(record)) is not None:
            with suppress(StudioError):  # where that cannot be written, the next studio drops it: it is replaced
                await self._drop(replaced)
        self._runner.publish_state(record)
        self._hub.publish(JOBS)
        self._runner.wake()
        return record.shown()

    def _check(self, order: Order) -> None:
        """Raise `StudioError` for an order that is too long, or whose pictures are none; see also `checking`."""
        if len(msgspec.json.encode(order)) > MOST_ORDER:
            raise StudioError(f"the order is longer than {MOST_ORDER} bytes", 413)
        for role, id in order.pictures.items():
            entry = self.picture(id)
            if (entry.frames is not None) != (order.kind == "film" and role == "picture"):
                kind = "a picture" if entry.frames is None else "a film"
                raise StudioError(f"{role}: {entry.name!r} is {kind}")
        if order.kind == "film" and order.picture is None:
            raise StudioError("picture: a film is made of a film: send one")

    def jobs(self) -> list[Job]:
        """Return the jobs: those that have ended, the one that runs, and those that wait, in their order."""
        return [record.shown() for record in self._queue.listed()]

    def job(self, id: str) -> Job:
        """Return a job."""
        return self._queue.find(id).shown()

    async def stop(self, id: str) -> None:
        """End a job within one step; what there is of it is kept. One that has ended stays as it is."""
        record = self._queue.find(id)
        if record.ended:
            return
        record.stopping = True
        if self._queue.running is record:
            self._runner.stop(record)  # on a full disk too
            await self._queue.save(record)
        else:
            record.state, record.stopping = "stopped", False
            await self._runner.end(record)

    async def delete(self, id: str) -> None:
        """Remove a job and its result, and nothing else."""
        await self._drop(self._queue.find(id))

    async def _drop(self, record: Record) -> None:
        record.dropped = True
        if self._queue.running is record:
            self._hub.publish(JOBS)
            self._runner.process.stop(record.id, discard=True)
            await self._queue.save(record)
        else:
            await self._runner.end(record)

    async def move(self, id: str, before: str | None) -> None:
        """Have a job that waits carried out before another one that waits, or last."""
        record, other = self._queue.find(id), None if before is None else self._queue.find(before)
        for each in (record, other):
            if each is not None and not self._queue.is_waiting(each):
                raise StudioError(f"job {each.number} does not wait any more", 409)
        await self._queue.move(record, other)
        self._hub.publish(JOBS)

    # ---- results ----

    async def result_file(self, id: str, suffix: str) -> Path:
        """Return a result as a kind of file; it is made of what there is where there is none yet."""
        record = self._queue.find(id)
        kinds = self._kinds(record)
        if suffix in kinds:
            return kinds[suffix]
        if suffix == "mp4":
            raise StudioError(f"the result of job {record.number} is a picture, and no film", 404)
        return await self._encoded(record, f"{record.name}.{suffix}", None)

    async def small_file(self, id: str) -> Path:
        """Return a result, small, as a JPEG file."""
        return await self._encoded(self._queue.find(id), "small.jpg", SMALL)

    def _kinds(self, record: Record) -> dict[str, Path]:
        """Return the files of a result by their kind; `StudioError` where there are none."""
        if record.made is None or not record.made.files or not record.ended:
            raise StudioError(f"job {record.number} has no result{'' if record.ended else ' yet'}", 404)
        paths = {kind: self._folder.dreams / each.name for kind, each in record.made.files.items()}
        for path in paths.values():
            if not path.is_file():
                raise StudioError(f"{path.name!r} is not in '{self._folder.dreams}' any more", 404)
        return paths

    async def _encoded(self, record: Record, name: str, long_side: int | None) -> Path:
        """Return a file that is made of a result, once for all that ask."""
        source = next(iter(self._kinds(record).values()))
        target = self._folder.work(record.id) / name
        if target.exists():
            return target
        task = self._encoding.get(target)
        if task is None:
            task = self._encoding[target] = asyncio.create_task(self._encode(record.id, source, target, long_side))
            task.add_done_callback(lambda _: self._encoding.pop(target, None))
        await asyncio.shield(task)
        return target

    async def _encode(self, job: str, source: Path, target: Path, long_side: int | None) -> None:
        await self._queue.on_disk(make_folder, self._folder.work(job))
        task = EncodePicture(task=secrets.token_hex(6), file=str(source), output=str(target), long_side=long_side)
        try:
            await self._ask_pictures(task, f"{source.name!r} cannot be made into {target.suffix}")
        finally:
            await self._queue.on_disk(self._folder.remove_orphaned, job)

    def preview(self, id: str) -> bytes:
        """Return the last preview of the job that runs: a JPEG file."""
        job, data = self._runner.preview or (None, b"")
        if job != id:
            raise StudioError("there is no preview of this job", 404)
        return data

    def command(self, id: str) -> str:
        """Return the command line that makes the same."""
        return _there(self._queue.find(id).command, "command")

    def python(self, id: str) -> str:
        """Return the Python that makes the same."""
        return _there(self._queue.find(id).python, "Python")

    async def replay(self, file: Path | None, job: str | None, picture: str | None) -> dict[str, Any]:
        """Make a picture again from its record: whether it is ``identical``, and ``why``.

        Parameters
        ----------
        file : Path, optional
            One that came from outside.
        job, picture : str, optional
            The id of the job that made it; or its own.
        """
        account = None
        if job is not None:
            file = self._kinds(self._queue.find(job)).get("png")
        elif picture is not None:
            entry = self.picture(picture)
            file, account = self._folder.picture_file(entry), entry.account
        if file is None:
            raise StudioError("only a picture can be made again from its record")
        task = ReplayPicture(
            task=secrets.token_hex(6),
            picture=str(file),
            account=account,
            known=str(self._folder.pictures),
            memory=self._memory,
        )
        return await self._runner.ask(task)

    async def classify(self, wanted: ClassesWanted, model: str) -> dict[str, Any]:
        """Return the ``network``, and what it takes a picture for, ``before`` and ``after`` a dream.

        `model` is the network that looks at a picture where none is named.
        """
        if (wanted.job is None) == (wanted.picture is None):
            raise StudioError("either a job or a picture is shown to a network")
        result = recipe = None
        if wanted.job is not None:
            record = self._queue.find(wanted.job)
            order, recipe = record.order, record.recipe
            if order.kind != "dream":
                raise StudioError(f"the result of job {record.number} is no single picture")
            result = str(self._kinds(record)["png"])
        else:
            order = Order(kind="dream", picture=wanted.picture, network=Network(name=wanted.network or model))
        picture = None if order.picture is None else self.picture_file(order.picture, "png")
        task = Classify(
            task=secrets.token_hex(6),
            order=order,
            picture=None if picture is None else str(picture),
            result=result,
            recipe=recipe,
        )
        return await self._runner.ask(task)

    # ---- small dreams, and the page ----

    async def thumbnails(self, request: ThumbnailsWanted) -> list[dict[str, Any]]:
        """Have small dreams made that are wanted and not there."""
        if request.picture is not None:
            self.picture(request.picture)
        found = self._thumbnails.want(await asyncio.to_thread(orders, request))
        self._runner.wake()
        return found

    def thumbnail_file(self, key: str) -> Path:
        """Return a small dream: a JPEG file."""
        path = self._thumbnails.file(key)
        if not path.is_file():
            raise StudioError("it is not made yet", 404)
        return path

    def page(self) -> bytes:
        """Return the page's state: JSON; `StudioError` where it cannot be read."""
        try:
            return self._folder.page()
        except OSError as error:
            raise StudioError(f"the page's state cannot be read: {reason(error)}", 507) from error

    async def save_page(self, data: bytes) -> None:
        """Keep the page's state; the last one stays, and `StudioError` where it cannot be written."""
        await self._queue.write(self._folder.save_page, data)

    def subscribe(self, job: str | None) -> AsyncGenerator[Event, None]:
        """Return what happens from now on, beginning with how things stand: to one job, or to all."""
        if job is None:
            return self._hub.read(None, lambda: ([JOBS, *self._runner.latest()], False))
        record = self._queue.find(job)

        def stands() -> tuple[list[Event], bool]:
            latest = self._runner.latest() if self._queue.running is record else []
            return [state(record), *latest], record.ended or record.dropped

        return self._hub.read(job, stands)


def _plain(name: str) -> str:
    """Return the beginning of a file's name that can be that of another file."""
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(name).stem)
    return stem.strip("-.")[:60] or "picture"


def _there(text: str | None, noun: str) -> str:
    if text is None:
        raise StudioError(f"there is no {noun} for this job, or not yet", 404)
    return text
