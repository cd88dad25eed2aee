"""Signals: which ones end a command, and how they are kept from threads and from other processes."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import WINDOWS

_signal: Any = signal  # a type checker knows the names of its own system only


def _those(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


ENDING = _those("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last is Windows', of its terminals
_OF_TERMINALS = _those("SIGINT", "SIGHUP")

# Numbers that codes are made of, and messages, on systems without these signals too.
READER_GONE = 13  # SIGPIPE
KILLED = 9  # SIGKILL


def block_in_thread() -> None:
    """Keep what ends a command from this thread: it is to wake the main one. Windows has it so by itself."""
    if hasattr(signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)


@contextmanager
def terminals_blocked() -> Iterator[None]:
    """Keep Ctrl-C and the end of the terminal from threads and processes that the block starts, and all they start.

    A terminal sends them to every process in it. This one alone decides what they lead to.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # it would let them in
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _OF_TERMINALS)
        try:
            yield
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    elif WINDOWS:
        from .windows import ctrl_c_ignored

        with ctrl_c_ignored():
            yield
    else:
        yield


def is_readers_end(error: OSError) -> bool:
    """Return whether a write failed because the other end of the pipe is gone; Windows says EINVAL."""
    return isinstance(error, BrokenPipeError) or (WINDOWS and error.errno == errno.EINVAL)
