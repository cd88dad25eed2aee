"""What is done beside a dream: the picture before is written, and the next one is read."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

from ..host.signals import block_in_thread
from .input import InputPicture, Source


class Beside:
    """A thread that does one thing after the other, in the order in which they come, until `end`.

    The process does not wait for it when it ends: what has to be done is waited for by its future.
    """

    def __init__(self) -> None:
        self._orders: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def begin(self, work: Callable[[], Any]) -> Future[Any]:
        """Have something done; where there can be no thread, do it now."""
        future: Future[Any] = Future()
        order = partial(copy_context().run, _finish, work, future)
        try:
            if self._thread is None:
                thread = Thread(target=self._run, name="pydream-saving", daemon=True)
                thread.start()
                self._thread = thread
        except RuntimeError:  # a limit on memory, or on threads
            order()
        else:
            self._orders.put(order)
        return future

    def _run(self) -> None:
        block_in_thread()
        while (order := self._orders.get()) is not None:
            order()

    def end(self) -> None:
        """Let the thread end, once it has done what it has begun."""
        self._orders.put(None)


def _finish(work: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


class Saving:
    """One picture on its way to its file.

    Nothing is printed, and no signal answered, before `end`, which the main thread calls: so errors and messages come
    in the order of the pictures.

    Parameters
    ----------
    source : Source
    write : callable
        Writes it.
    locks : ExitStack
        The target's lock, released once it is written.
    beside : Beside
        What runs that.
    """

    def __init__(self, source: Source, write: Callable[[], None], locks: ExitStack, beside: Beside) -> None:
        self.source = source
        self._write, self._locks = write, locks
        self._written: Future[None] = beside.begin(self._whole)

    def _whole(self) -> None:
        with self._locks:
            self._write()

    @property
    def over(self) -> bool:
        """Whether it is written, or has failed."""
        return self._written.done()

    def end(self) -> None:
        """Wait until it is written; raise what went wrong."""
        self._written.result()


class Reading:
    """One picture that is read before its turn.

    Parameters
    ----------
    source : Source
    read : callable
        Reads it.
    beside : Beside
        What runs that.
    """

    def __init__(self, source: Source, read: Callable[[Source], InputPicture], beside: Beside) -> None:
        self.source = source
        self._read = read
        self._warnings: list[warnings.WarningMessage] = []
        self._start: Future[InputPicture] = beside.begin(self._before_its_turn)

    def _before_its_turn(self) -> InputPicture:
        with warnings.catch_warnings(record=True) as self._warnings:
            return self._read(self.source)

    def wait(self) -> None:
        """Wait until it is read, or has failed: till then Python's warnings are this thread's to record."""
        wait([self._start])

    def end(self) -> InputPicture:
        """Wait for it; warn of what was warned of, and raise what went wrong."""
        try:
            return self._start.result()
        finally:
            for each in self._warnings:
                warnings.showwarning(each.message, each.category, each.filename, each.lineno)
