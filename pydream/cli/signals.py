"""Ctrl-C, SIGTERM and SIGHUP end a command between two steps: never inside one, nor inside a file or an import.

Python would raise KeyboardInterrupt wherever it happens to be. In an import that becomes an ImportError, or worse;
between a step and its count the picture no longer matches its record; while it is written it is lost.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click


@dataclass
class _Signals:
    last: int = signal.SIGINT  # what the exit code is made of
    waits: bool = False
    holds: int = 0  # blocks of `uninterrupted` that have not ended

    def interrupt(self, number: int, _: object) -> None:
        """Raise KeyboardInterrupt, now or as soon as that does no harm."""
        self.last = number
        if self.holds:
            self.waits = True
        else:
            raise KeyboardInterrupt

    def let_in(self) -> None:
        """Raise it for a signal that waits."""
        if self.waits:
            self.waits = False
            raise KeyboardInterrupt


def _signals() -> _Signals:
    ctx = click.get_current_context(silent=True)
    found: _Signals = (ctx.meta if ctx else {}).setdefault(__name__, _Signals())  # of this run, whatever its commands
    return found


def exit_code() -> int:
    """Return 128 + the signal that came last; Ctrl-C's where none has."""
    return 128 + _signals().last


@contextmanager
def signals_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does: a job's time limit or a lost line cost no picture."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    # What is ignored stays ignored: `nohup` means that, and a shell's `&`.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    caught = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    interrupt = _signals().interrupt
    before = {number: signal.signal(number, interrupt) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted(done_then: bool = False) -> Iterator[None]:
    """Let signals wait for `between_steps`, or for the end of the block, which raises KeyboardInterrupt for them.

    Parameters
    ----------
    done_then : bool
        Nothing is left to be done behind the block: a signal that waited for its end was too late.
    """
    signals = _signals()
    with signals_as_ctrl_c():
        signals.holds += 1
        try:
            yield
        finally:
            signals.holds -= 1
        if done_then:
            signals.waits = False
        if not signals.holds:
            signals.let_in()


def between_steps() -> None:
    """Let in a signal that waits, inside `uninterrupted` too: here nothing is half done."""
    _signals().let_in()
