"""A signal that comes in the middle of a command."""

import signal

import pytest

from pydream.cli.progress import Progress


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int, number: int = signal.SIGINT) -> None:
    """Send this process a signal when a command has taken so many steps."""
    count = 0
    counted = Progress.step

    def interrupting(self: Progress, *args: object) -> None:
        nonlocal count
        count += 1
        if count == step:
            signal.raise_signal(number)  # waits until the step is counted
        counted(self, *args)

    monkeypatch.setattr(Progress, "step", interrupting)
