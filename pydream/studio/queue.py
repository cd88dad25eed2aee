"""Jobs, one after the other: which there are, in what order they wait, on the disk before anyone is answered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import msgspec

from ..errors import StudioError
from ..files import reason
from .folder import Folder
from .jobs import Record

MOST_WAITING = 500
LISTED = 200  # jobs that have ended; older ones are on the disk only
T = TypeVar("T")


class Queue:
    """The jobs of a folder.

    Attributes
    ----------
    running : Record or None
        The job that is carried out; it may be `dropped` already.
    lines : list of str
        What could not be read.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._disk = ThreadPoolExecutor(1, "studio-disk")  # one: what is written later is there later
        self._waiting: list[Record] = []
        self._ended: OrderedDict[str, Record] = OrderedDict()
        self._last_number = 0
        self.running: Record | None = None
        self.lines: list[str] = []

    async def load(self) -> None:
        """Read what there is: what ran waits first, what was dropped goes, what was to stop has stopped."""
        records, self.lines = await self.on_disk(self._folder.records)
        order: dict[str, int] = {}
        with self._said("the order of jobs cannot be read"):
            order = {job: place for place, job in enumerate(await self.on_disk(self._folder.order))}
        records.sort(key=lambda record: record.number)
        self._last_number = records[-1].number if records else 0
        for record in _superseded(records):
            record.dropped = True
        for record in records:
            if record.dropped:
                with self._said(f"job {record.number} cannot be removed"):
                    await self.on_disk(self._folder.remove, record)
                continue
            if record.made is not None and record.state == "failed":  # its files could not be kept: perhaps now
                record.state, record.error = "running", None
            if record.stopping and record.made is None and not record.leaves_parts:
                record.state, record.stopping = "stopped", False
                await self.save(record)
            if not record.ended:
                self._waiting.append(record)
                continue
            self._note_ended(record)
            if self._folder.made(record.id).exists():  # the studio ended before it was removed
                await self.on_disk(self._folder.remove_work, record.id)
        last = len(order)
        self._waiting.sort(key=lambda record: (record.state != "running", order.get(record.id, last), record.number))
        for record in self._waiting:
            if record.made is None:
                record.state = "queued"

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Note an error of the block, and go on without."""
        try:
            yield
        except OSError as error:
            self.lines.append(f"{what}: {reason(error)}")

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.to_thread(self._disk.shutdown)

    async def on_disk(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function that reads or writes, after those before it."""
        call = partial(copy_context().run, function, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._disk, call)

    async def save(self, record: Record) -> None:
        """Write a job as it is now; `StudioError` where it cannot be written."""
        await self.write(self._folder.save, record.id, msgspec.json.encode(record))

    async def write(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function that writes, after those before it; `StudioError` where it cannot."""
        try:
            await self.on_disk(function, *arguments)
        except OSError as error:
            raise StudioError(f"cannot write to '{self._folder.place}': {reason(error)}", 507) from error

    # ---- which there are ----

    def listed(self) -> list[Record]:
        """Return the jobs that clients see: the ended ones, the one that runs, those that wait in their order."""
        running = [self.running] if self.running is not None and not self.running.dropped else []
        return [*self._ended.values(), *running, *self._waiting]

    def find(self, job: str) -> Record:
        """Return a job, of those on the disk too; `StudioError` if there is none."""
        for record in (self._ended.get(job), self.running, *self._waiting):
            if record is not None and record.id == job and not record.dropped:
                return record
        record = self._folder.record(job)
        if record is None or record.dropped or not record.ended:
            raise StudioError(f"there is no job {job!r}", 404)
        return record

    def is_waiting(self, record: Record) -> bool:
        """Return whether a job waits."""
        return record in self._waiting

    @property
    def waits(self) -> bool:
        """Whether any job waits."""
        return bool(self._waiting)

    def place_for(self, replaces: str | None) -> Record | None:
        """Return the job whose place a new one takes: that of the id, or the one that has replaced it."""
        candidates = [*self._waiting, *([self.running] if self.running is not None else [])]
        found = [each for each in candidates if replaces is not None and replaces in (each.id, each.replaces)]
        found = [each for each in found if not each.stopping]  # what there is of that one is kept
        return min(found, key=lambda each: each.dropped, default=None)

    # ---- what becomes of them ----

    def next_number(self) -> int:
        """Return the number of a new job; `StudioError` if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise StudioError(f"{MOST_WAITING} jobs wait already: stop one, or wait", 429)
        self._last_number += 1
        return self._last_number

    async def add(self, record: Record) -> Record | None:
        """Have a new job wait: last, or in the place of the one that it replaces, which is returned."""
        await self.save(record)
        instead = self.place_for(record.replaces)
        if instead is None:
            self._waiting.append(record)
        else:
            self._waiting.insert(self._waiting.index(instead) if instead in self._waiting else 0, record)
            with suppress(StudioError):  # the job is there: a full disk costs its place in the next studio only
                await self._save_order()
        return instead

    async def move(self, record: Record, before: Record | None) -> None:
        """Have a job that waits wait before another one, or last."""
        if before is record:
            return
        self._waiting.remove(record)
        self._waiting.insert(len(self._waiting) if before is None else self._waiting.index(before), record)
        await self._save_order()

    def take(self) -> Record | None:
        """Return the first job that waits, which runs now."""
        self.running = self._waiting.pop(0) if self._waiting else None
        return self.running

    def end(self, record: Record) -> None:
        """Note that a job has ended, or goes."""
        if record in self._waiting:
            self._waiting.remove(record)
        if self.running is record and (record.ended or record.dropped):
            self.running = None
        self._ended.pop(record.id, None)
        if not record.dropped:
            self._note_ended(record)

    def _note_ended(self, record: Record) -> None:
        self._ended[record.id] = record
        while len(self._ended) > LISTED:
            self._ended.popitem(last=False)

    async def _save_order(self) -> None:
        await self.write(self._folder.save_order, [each.id for each in self._waiting])


def _superseded(records: list[Record]) -> list[Record]:
    """Return jobs whose place another one had taken when the studio ended before they were dropped."""
    newest = {record.replaces: record for record in records if record.replaces is not None and not record.ended}
    return [
        record
        for record in records
        if not record.ended
        and not record.stopping
        and (record.id in newest or (record.replaces is not None and newest[record.replaces] is not record))
    ]
