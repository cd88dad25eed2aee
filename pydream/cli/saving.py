"""A picture of a batch is written by a thread, while the next one is read and its first step prepared."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import copy_context
from threading import Thread

from .input import Source
from .signals import NUMBERS


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
    """

    def __init__(self, source: Source, write: Callable[[], None], locks: ExitStack) -> None:
        self.source = source
        self._write, self._locks = write, locks
        self._error: BaseException | None = None
        self._thread = Thread(target=copy_context().run, args=[self._beside], name="pydream-saving")
        try:
            self._thread.start()
        except RuntimeError:  # a limit on memory, or on threads
            self._run()

    def _beside(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)  # they are to wake the main thread
        self._run()

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:
            self._error = error

    def end(self) -> None:
        """Wait until it is written; raise what went wrong."""
        with self._locks:
            if self._thread.ident is not None:
                self._thread.join()
            if self._error is not None:
                raise self._error
