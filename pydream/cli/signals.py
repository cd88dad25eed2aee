"""Ctrl-C, SIGTERM and SIGHUP end a command between two steps: never inside one, nor inside a file or an import.

Python would raise KeyboardInterrupt wherever it happens to be. In an import that becomes an ImportError, or worse;
between a step and its count the picture no longer matches its record; while it is written it is lost. So steps and
writing are `uninterrupted`, and what waits for a file or computes what a stranger's file asks for is `interruptible`.
A signal that has to wait is answered at once, with how long; a second one ends the process, whatever it is doing.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

import click

from .. import system
from ..host.signals import ENDING, block_in_thread

T = TypeVar("T")

GRACE = 1.5  # seconds that a second signal leaves to what is being written
_AT_ONCE = 0.2  # seconds in which a run that ends needs no other answer
_SAME = 0.25  # seconds in which several signals are one: a line that is lost sends SIGHUP twice


@dataclass
class Signals:
    """What has come to a run, and what it waits for: `of_this_run` finds it."""

    number: int = signal.SIGINT  # what the exit code is made of
    came: bool = False
    waits: bool = False
    done: bool = False  # nothing is left to be done
    raised: bool = False
    step: tuple[float, float] | None = None  # when the step began, and how long it is likely to take
    holds: int = 0  # blocks of `uninterrupted` that have not ended

    def interrupt(self, number: int, _: object) -> None:
        """Raise KeyboardInterrupt for the first signal, now or as soon as that does no harm."""
        if self.came or self.done:
            return  # finished work is being kept, or it is too late; `_end_at_second` counts
        self.number, self.came = number, True
        if self.holds:
            self.waits = True
        else:
            self.raised = True
            raise KeyboardInterrupt

    def let_in(self) -> None:
        """Raise it for a signal that waits."""
        if self.waits:
            self.waits, self.raised = False, True
            raise KeyboardInterrupt

    def expect(self, seconds: float | None) -> None:
        """Note that a step begins, and how long it is likely to take; None: no step."""
        self.step = None if seconds is None else (monotonic(), seconds)

    def answer(self) -> str:
        """Return the line about a signal that has to wait."""
        if self.step is None:
            when = "as soon as nothing is half done"
        else:
            when = f"after this step, about {max(sum(self.step) - monotonic(), 1):.0f} s"
        return f"pydream: stopping {when}; once more stops now\n"


def of_this_run() -> Signals:
    """Return the signals of the run, be it of several commands."""
    ctx = click.get_current_context(silent=True)
    known = ctx.meta if ctx else {}
    if __name__ not in known:
        known[__name__] = Signals()
    found: Signals = known[__name__]
    return found


def exit_code() -> int:
    """Return 128 + the signal that came first; Ctrl-C's where none has."""
    return 128 + of_this_run().number


@contextmanager
def signals_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does: a job's time limit or a lost line cost no picture."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    # What is ignored stays ignored: `nohup` means that, and a shell's `&`.
    caught = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    interrupt = of_this_run().interrupt
    before = {number: signal.signal(number, interrupt) for number in caught}
    imports, system.unbroken = system.unbroken, uninterrupted
    try:
        with _end_at_second(of_this_run()):
            yield
    finally:
        system.unbroken = imports
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _end_at_second(signals: Signals) -> Iterator[None]:
    """Have a thread answer signals and count them, also while the main thread is in machine code."""
    reading, writing = socket.socketpair()  # not a pipe: Windows lets no one wait for that
    writing.setblocking(False)
    thread = threading.Thread(target=_count, args=[reading, signals], name="pydream-signals", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writing.close()
        thread.join()
        reading.close()


def _count(reading: socket.socket, signals: Signals) -> None:
    """Read the numbers of signals; answer the first, and end the process soon after the second."""
    block_in_thread()
    first = None
    while number := reading.recv(1):
        now = monotonic()
        if number[0] not in ENDING:
            continue
        if first is None:
            first = now
            _answer(reading, signals)
        elif now - first > _SAME:
            _end(reading, number[0], now + GRACE)
            return


def _answer(reading: socket.socket, signals: Signals) -> None:
    select.select([reading], [], [], _AT_ONCE)
    if not (signals.raised or signals.done):
        with suppress(OSError):
            os.write(2, (b"\n" if os.isatty(2) else b"") + signals.answer().encode())  # below the bar


def _end(reading: socket.socket, number: int, deadline: float) -> None:
    while (left := deadline - monotonic()) > 0:
        if select.select([reading], [], [], left)[0] and not reading.recv(1):
            return
    with suppress(OSError):
        os.write(2, b"pydream: interrupted again; what was not written yet is lost\n")
    os._exit(128 + number)


@contextmanager
def uninterrupted(done_then: bool = False) -> Iterator[None]:
    """Let signals wait for `between_steps`, or for the end of the block, which raises KeyboardInterrupt for them.

    Parameters
    ----------
    done_then : bool
        Nothing is left to be done behind the block: a signal that waited for its end, or comes later, is too late.
    """
    signals = of_this_run()
    signals.holds += 1
    try:
        yield
        if done_then:
            signals.done = True
            signals.waits = False
    finally:
        signals.holds -= 1
    if not signals.holds:
        signals.let_in()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let signals in at any moment of the block, inside `uninterrupted` too: nothing is half done, and it may wait."""
    signals = of_this_run()
    holds, signals.holds = signals.holds, 0
    try:
        signals.let_in()
        yield
    finally:
        signals.holds = holds


def interruptible_each(items: Iterable[T]) -> Iterator[T]:
    """Yield items, each of which is made in an `interruptible` block."""
    iterator = iter(items)
    while True:
        with interruptible():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def between_steps() -> None:
    """Let in a signal that waits, inside `uninterrupted` too: here nothing is half done."""
    of_this_run().let_in()
