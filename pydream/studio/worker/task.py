"""A task is a message to a worker, what the worker sends about it, and whether it is to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ...record.names import quoting_names
from ...record.recipe import Recipe
from ..messages import Began, FromWorker, Made, Message, Preview, Progress, Stop

M = TypeVar("M", bound=Message)


def in_a_line(error: object) -> str:
    """Return an error, or its text, as one line with the names of files for their paths."""
    return quoting_names(" ".join(str(error).split()))


class Task(Generic[M]):
    """A task.

    Attributes
    ----------
    message : Message
        What is to be done.
    stopped : Stop or None
        That it is to end: the thread that reads sets it.
    """

    def __init__(self, message: M, send: Callable[[FromWorker, bytes], None]) -> None:
        self.message = message
        self.stopped: Stop | None = None
        self._send = send

    @property
    def id(self) -> str:
        """The task's name in messages."""
        return self.message.task

    def check(self) -> None:
        """Raise KeyboardInterrupt if it is to stop, as Ctrl-C does in a command."""
        if self.stopped is not None:
            raise KeyboardInterrupt

    @property
    def keeps(self) -> bool:
        """Whether it is to stop, and what there is is kept."""
        return self.stopped is not None and not self.stopped.discard

    def check_kept(self) -> None:
        """Raise KeyboardInterrupt if it is to stop and nothing of it is kept: else what there is is being written."""
        if not self.keeps:
            self.check()

    # ---- what is sent ----

    def began(
        self, steps: int, recipe: Recipe | None = None, command: str | None = None, python: str | None = None
    ) -> None:
        """Say that it has begun, and with what."""
        self._send(Began(task=self.id, steps=steps, recipe=recipe, command=command, python=python), b"")

    def progress(self, step: int, steps: int, seconds_left: float | None = None, what: str | None = None) -> None:
        """Say how far it is."""
        self._send(Progress(task=self.id, step=step, steps=steps, seconds_left=seconds_left, what=what), b"")

    def preview(self, width: int, height: int, jpeg: bytes) -> None:
        """Show the picture so far."""
        self._send(Preview(task=self.id, width=width, height=height), jpeg)

    def made(self, key: str) -> None:
        """Say that one of several things is there."""
        self._send(Made(task=self.id, key=key), b"")
