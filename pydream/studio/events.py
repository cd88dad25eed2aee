"""What happens, sent to any number of readers, each of which gets the latest, and never a backlog.

A reader that is slow, or never reads, costs what it has not read yet: the latest state of each job, one progress and
one preview. Pictures are encoded once for all readers, and all together get no more than `MOST_PICTURES` a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

MOST_PICTURES = 40  # a second, of all readers together
MOST_EACH = 5  # a second, of one
MOST_WAITING = 1000  # events of a reader; instead of more it is asked to read everything again
PING = 15.0  # seconds without an event


class Event(NamedTuple):
    """A name, and JSON."""

    name: str
    data: bytes


PINGED = Event("ping", b"{}")  # shows a connection that is half open
JOBS = Event("jobs", b"{}")  # which jobs there are, or their order, has changed


def event(name: str, /, **data: Any) -> Event:
    """Return an event of these data."""
    return Event(name, msgspec.json.encode(data))


class _Reader:
    """What one reader has not read yet."""

    def __init__(self, job: str | None) -> None:
        self.job = job
        self.ended = False
        self.waiting: dict[object, Event] = {}  # sent at once, oldest first
        self.paced: dict[str, tuple[str, Event]] = {}  # progress and preview: name → (job, the latest)
        self.due = 0.0  # when the next of these may be sent
        self.news = asyncio.Event()

    def add(self, key: object, each: Event) -> None:
        """Note an event, which takes the place of an older one about the same."""
        self.waiting[key] = each
        if len(self.waiting) > MOST_WAITING:
            self.waiting = {JOBS.name: JOBS}
        self.news.set()

    def add_paced(self, job: str, each: Event) -> None:
        """Note the latest progress or preview."""
        if not self.paced:
            self.news.set()
        self.paced[each.name] = job, each

    def forget(self, job: str) -> None:
        """Drop progress and previews of a job that has ended, so that none comes after its result."""
        self.paced = {name: (of, each) for name, (of, each) in self.paced.items() if of != job}

    def take(self, now: float) -> list[Event]:
        """Return what may be sent now."""
        taken = list(self.waiting.values())
        self.waiting.clear()
        if self.paced and now >= self.due:
            taken += [each for _, each in self.paced.values()]
            self.paced.clear()
        return taken


class Hub:
    """Where events are published, and read."""

    def __init__(self) -> None:
        self._readers: set[_Reader] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._readers)

    def publish(self, each: Event, job: str | None = None, key: object = None) -> None:
        """Send an event to all that read everything, or its job.

        Parameters
        ----------
        each : Event
        job : str, optional
            The id of the job that it is about.
        key : object, optional
            An unread event of the same key is replaced.
        """
        for reader in self._readers:
            if reader.job is None or reader.job == job:
                reader.add((each.name, key), each)

    def publish_paced(self, each: Event, job: str) -> None:
        """Send progress or a preview of the job that runs; readers get the latest when it is time."""
        for reader in self._readers:
            if reader.job is None or reader.job == job:
                reader.add_paced(job, each)

    def end_job(self, job: str) -> None:
        """End the streams of those that read this job only, after what they have not read yet."""
        for reader in self._readers:
            reader.forget(job)
            if reader.job == job:
                reader.ended = True
                reader.news.set()

    def close(self) -> None:
        """End all streams."""
        self._ended = True
        for reader in self._readers:
            reader.ended = True
            reader.news.set()

    async def read(
        self, job: str | None, stands: Callable[[], tuple[list[Event], bool]]
    ) -> AsyncGenerator[Event, None]:
        """Yield events until the job has ended, or the hub.

        Parameters
        ----------
        job : str, optional
            The id of the one job to read about.
        stands : callable
            Returns events of how things stand, and whether they are all; called when the reading begins.
        """
        reader = _Reader(job)
        first, ended = stands()
        reader.ended = ended or self._ended
        self._readers.add(reader)
        loop = asyncio.get_running_loop()
        try:
            for each in first:
                yield each
            while True:
                reader.news.clear()
                paced = bool(reader.paced)
                taken = reader.take(loop.time())
                for each in taken:
                    yield each
                if paced and not reader.paced:
                    reader.due = loop.time() + max(1 / MOST_EACH, len(self._readers) / MOST_PICTURES)
                if taken:
                    continue
                if reader.ended:
                    return
                wait = max(reader.due - loop.time(), 0) if reader.paced else PING
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await reader.news.wait()
                        continue
                if not reader.paced:
                    yield PINGED
        finally:
            self._readers.discard(reader)
