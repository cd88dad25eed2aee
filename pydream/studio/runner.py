"""What the process that dreams does next: a question, the first job that waits, and else the small dreams of the page.

A job is taken up again whenever the process ends, until it has ended `MOST_DEATHS` times in a row without getting any
further. Small dreams give way to anything else within a step, and go on later.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from ..errors import StudioError
from ..files import make_folder, reason
from .events import JOBS, Event, Hub, event
from .folder import Folder
from .jobs import Made, Record
from .messages import (
    Began,
    Classify,
    DrawThumbnails,
    Failed,
    Finished,
    Message,
    Preview,
    Progress,
    ReplayPicture,
    Run,
    Warm,
)
from .messages import Made as MadeOne
from .orders import Network
from .process import ProcessEndedError, WorkerProcess
from .queue import Queue
from .thumbnails import Thumbnails

MOST_DEATHS = 5
MOST_QUESTIONS = 8
Question = ReplayPicture | Classify
_PAUSE = 1.0  # seconds after an error that was not foreseen


class Runner:
    """Carries out jobs, small dreams and what is asked beside them, one after the other.

    Parameters
    ----------
    folder, queue, hub, thumbnails
    network : Network
        The one that is loaded when there is nothing else to do, until a job has another one.
    memory : int or None
        Bytes that a dream may take.
    program, arguments : sequence of str
        As for `WorkerProcess`.

    Attributes
    ----------
    preview : (str, bytes) or None
        The job that runs, and its last preview: a JPEG file.
    """

    def __init__(
        self,
        folder: Folder,
        queue: Queue,
        hub: Hub,
        thumbnails: Thumbnails,
        *,
        network: Network,
        memory: int | None,
        program: Sequence[str],
        arguments: Sequence[str] = (),
    ) -> None:
        self.preview: tuple[str, bytes] | None = None
        self._latest: dict[str, Event] = {}
        self._folder, self._queue, self._hub, self._thumbnails = folder, queue, hub, thumbnails
        self._network, self._memory = network, memory
        self._elsewhere = False  # whether the process may have another network loaded
        self._wake = asyncio.Event()
        self._questions: deque[tuple[Question, asyncio.Future[dict[str, Any]]]] = deque()
        self._drawing: str | None = None
        self._begun = False  # whether the process has begun with the job that runs
        self._serving: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self.process = WorkerProcess("dreams", program, arguments, self._process_changed)

    def start(self) -> None:
        """Start the process, and carry out what waits."""
        self.process.start()
        self._serving = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """End in the middle of whatever it is: what runs is taken up again next time."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        for _, answer in self._questions:
            answer.cancel()
        await self.process.close()

    def wake(self) -> None:
        """Look at what there is to do; small dreams give way."""
        self._wake.set()
        if self._drawing is not None and (self._queue.waits or self._questions):
            self.process.stop(self._drawing)

    def _process_changed(self) -> None:
        self._hub.publish(event("worker", state=self.process.state, line=self.process.line))
        self._wake.set()

    async def _serve(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._do_next()
            except Exception as error:  # outside a job: those that wait are not to wait for ever
                self.process.line = reason(error)
                self._process_changed()
                await asyncio.sleep(_PAUSE)

    async def _do_next(self) -> None:
        if self._questions:
            await self._answer(*self._questions.popleft())
        elif (record := self._queue.take()) is not None:
            await self._carry_out(record)
        elif self.process.fresh and self.process.silent_ends < MOST_DEATHS:
            await self._warm()
        elif (batch := self._thumbnails.take()) is not None:
            await self._draw(batch)
        elif self._elsewhere and self.process.silent_ends < MOST_DEATHS:
            await self._warm()
        else:
            await self._wake.wait()

    async def _warm(self) -> None:
        """Load the network, so that the next dream begins at once."""
        self._elsewhere = False
        try:
            answer = await self.process.ask(Warm(task=_new_task(), network=self._network))
        except ProcessEndedError:
            return
        if isinstance(answer, Failed):
            self.process.line = answer.error
            self._process_changed()

    # ---- jobs ----

    async def _carry_out(self, record: Record) -> None:
        """Make a job's result, or find out why there is none."""
        began = monotonic()
        try:
            if record.made is None:
                await self._make(record)
            if record.made is not None and not record.dropped:
                await self._keep(record)
        except Exception as error:  # those that wait are not to wait for ever
            record.state, record.error = "failed", reason(error)
        record.what = record.seconds_left = self.preview = None
        self._latest.clear()
        record.stopping = False
        if record.seconds is None:
            record.seconds = monotonic() - began
        await self.end(record)

    async def end(self, record: Record) -> None:
        """Write down that a job has ended, or remove it if it is dropped."""
        self._queue.end(record)
        try:
            if record.dropped:
                with suppress(StudioError):  # a full disk
                    await self._queue.save(record)
                await self._queue.on_disk(self._folder.remove, record)
            else:
                await self._queue.save(record)
                if record.made is None:
                    await self._queue.on_disk(self._folder.remove_work, record.id)
        except (OSError, StudioError) as error:
            self.process.line = reason(error)
        if record.dropped:
            self._hub.publish(JOBS)
        else:
            self.publish_state(record)
        self._hub.end_job(record.id)

    async def _make(self, record: Record) -> None:
        """Have the process carry out a job, again and again until it gets through."""
        deaths = furthest = 0
        while not self._is_over(record):
            record.state, record.attempts, record.step = "running", record.attempts + 1, 0
            await self._queue.save(record)
            self.publish_state(record)
            await self._queue.on_disk(make_folder, self._folder.made(record.id))
            if self._is_over(record):  # while this was written
                break
            self._begun = self._elsewhere = False
            self._network = record.order.network
            try:
                answer = await self.process.ask(self._run(record), self._hear)
            except ProcessEndedError as ended:
                deaths = 1 if record.step > furthest else deaths + 1
                furthest = max(furthest, record.step)
                if deaths < MOST_DEATHS:
                    continue
                record.state, record.error = "failed", f"{ended}, {deaths} times in a row"
                return
            await self._note(record, answer)
            return
        record.state = "stopped"

    @staticmethod
    def _is_over(record: Record) -> bool:
        """Whether nothing more comes of a job; what an earlier process has made of one that stops is to be kept."""
        return record.dropped or (record.stopping and not record.leaves_parts)

    def stop(self, record: Record) -> None:
        """End the job that runs within one step; one that was made in part by another process when it goes on."""
        if self._begun or record.attempts < 2 or not record.leaves_parts:
            self.process.stop(record.id)

    def _run(self, record: Record) -> Run:
        paths = {}
        for role, picture in record.order.pictures.items():
            entry = self._folder.picture(picture)
            if entry is None:
                raise StudioError(f"the {role} is not in '{self._folder.pictures}' any more", 404)
            paths[role] = str(self._folder.picture_file(entry))
        return Run(
            task=record.id,
            order=record.order,
            picture=paths.get("picture"),
            guide=paths.get("guide"),
            mask=paths.get("mask"),
            names=record.names,
            folder=str(self._folder.work(record.id)),
            output=str(self._folder.made(record.id) / record.name),
            resumed=record.recipe,
            memory=self._memory,
        )

    async def _note(self, record: Record, answer: Finished | Failed) -> None:
        """Write down what came of it, before the files go to where they are kept."""
        if isinstance(answer, Failed):
            record.state, record.error = "failed", answer.error
        elif not answer.files:
            record.state = "stopped" if answer.stopped else "failed"
            record.error = None if answer.stopped else "nothing was made"
        elif not record.dropped:
            facts = answer.facts
            record.command, record.python = facts.get("command", record.command), facts.get("python", record.python)
            record.seconds = facts.get("seconds")
            names = {kind: Path(path).name for kind, path in answer.files.items()}
            record.made = Made(
                files=await self._queue.on_disk(self._folder.named, record, names),
                stopped=answer.stopped,
                width=facts.get("width"),
                height=facts.get("height"),
                sha256=facts.get("sha256"),
            )
            await self._queue.save(record)

    async def _keep(self, record: Record) -> None:
        """Move the files of a result to where they are kept."""
        while record.made is not None:
            try:
                await self._queue.on_disk(self._folder.keep, record)
                await self._queue.on_disk(self._folder.remove_work, record.id)  # before other files are made there
                record.state = "stopped" if record.made.stopped else "done"
                return
            except FileExistsError:
                files = await self._queue.on_disk(self._folder.renamed, record)
                record.made = msgspec.structs.replace(record.made, files=files)
                await self._queue.save(record)

    def _hear(self, message: Message, data: bytes) -> None:
        """Take up what the process says of the job that runs."""
        record = self._queue.running
        if record is None or record.dropped:
            return
        if isinstance(message, Began):
            record.steps = message.steps
            record.recipe = message.recipe or record.recipe
            record.command, record.python = message.command, message.python
            self._saving = asyncio.get_running_loop().create_task(self._save_quietly(record))  # kept, or it may vanish
            self.publish_state(record)
            self._begun = True
            if record.stopping:
                self.process.stop(record.id)
        elif isinstance(message, Progress):
            record.step, record.steps = message.step, message.steps
            record.seconds_left, record.what = message.seconds_left, message.what
            self._publish_paced(progress(record), record.id)
        elif isinstance(message, Preview):
            self.preview = record.id, data
            self._publish_paced(preview(record.id, message, data), record.id)

    def _publish_paced(self, each: Event, job: str) -> None:
        self._latest[each.name] = each
        self._hub.publish_paced(each, job)

    async def _save_quietly(self, record: Record) -> None:
        """Write down what a job began with; where it cannot be, the job begins as the first time."""
        try:
            await self._queue.save(record)
        except StudioError as error:
            self.process.line = str(error)

    def publish_state(self, record: Record) -> None:
        """Send what clients see of a job."""
        if not record.dropped:
            self._hub.publish(state(record), record.id, key=record.id)

    def latest(self) -> list[Event]:
        """Return the last progress and preview of the job that runs, for a new reader."""
        return list(self._latest.values())

    # ---- what is not a job ----

    def ask(self, task: Question) -> asyncio.Future[dict[str, Any]]:
        """Have a picture made again, or looked at, before the jobs that wait; `StudioError` if too many are."""
        self._questions = deque(each for each in self._questions if not each[1].done())  # those of others gave up
        if len(self._questions) >= MOST_QUESTIONS:
            raise StudioError(f"{MOST_QUESTIONS} questions wait already: wait for one", 429)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._questions.append((task, answer))
        self.wake()
        return answer

    async def _answer(self, task: Question, answer: asyncio.Future[dict[str, Any]]) -> None:
        if answer.cancelled():
            return
        self._elsewhere = isinstance(task, ReplayPicture) or task.order.network != self._network
        answer.add_done_callback(lambda _: self.process.stop(task.task, discard=True))  # the client may be gone
        try:
            found = await self.process.ask(task)
        except ProcessEndedError as ended:
            found = Failed(task=task.task, error=str(ended))
        if answer.done():
            return
        if isinstance(found, Failed):
            answer.set_exception(StudioError(found.error, 422))
        else:
            answer.set_result(found.facts)

    async def _draw(self, task: DrawThumbnails) -> None:
        """Make small dreams until something else is to be done."""
        left = [item.key for item in task.items]

        def hear(message: Message, data: bytes) -> None:
            if isinstance(message, MadeOne) and message.key in left:
                left.remove(message.key)
                self._thumbnails.made(message.key)

        self._drawing, self._elsewhere = task.task, task.items[0].order.network != self._network
        try:
            answer = await self.process.ask(task, hear)
        except ProcessEndedError as ended:
            if left:
                self._thumbnails.died(left[0], str(ended))
            return
        finally:
            self._drawing = None
        if isinstance(answer, Failed):
            for key in left[:1]:
                self._thumbnails.fail(key, answer.error)
        elif not answer.stopped:
            for key in left:
                self._thumbnails.fail(key, answer.facts.get("errors", {}).get(key, "it was not made"))


def _new_task() -> str:
    return secrets.token_hex(6)


def state(record: Record) -> Event:
    """Return the event with what clients see of a job."""
    return event("state", job=record.id, **msgspec.structs.asdict(record.shown()))


def progress(record: Record) -> Event:
    """Return the event of how far a job is."""
    fields = ("step", "steps", "seconds_left", "what")
    return event("progress", job=record.id, **{name: getattr(record, name) for name in fields})


def preview(job: str, message: Preview, jpeg: bytes) -> Event:
    """Return the event of a job's picture so far; encoded once, for all readers."""
    return event("preview", job=job, width=message.width, height=message.height, jpeg=jpeg)  # bytes become base64
