"""Settings of a film that is written, and its formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...picture import Picture

if TYPE_CHECKING:
    from .sound import Sound

AddFrame = Callable[[Picture], None]  # writes the next frame of a film


class Times(NamedTuple):
    """When the frames of a film are shown, if not at a constant rate.

    Attributes
    ----------
    ticks : sequence of int
        The time of each frame, increasing, and at last the film's end.
    tick : Fraction
        Seconds.
    """

    ticks: Sequence[int]
    tick: Fraction

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return Fraction(len(self.ticks) - 1, self.ticks[-1] - self.ticks[0]) / self.tick


class Settings(NamedTuple):
    """Everything about a film but the size of its frames."""

    fps: Fraction  # the average if there are times
    quality: int
    note: str | None = None
    times: Times | None = None
    pixel_aspect: Fraction = Fraction(1)  # a pixel's width to its height
    sound: Sound | None = None

    @property
    def tick(self) -> Fraction:
        """Seconds of which the times of all frames are multiples."""
        return 1 / self.fps if self.times is None else self.times.tick

    def time(self, frame: int) -> Fraction:
        """Return when a frame, counted from 0, is shown: seconds after the first."""
        if self.times is None:
            return frame / self.fps
        return (self.times.ticks[frame] - self.times.ticks[0]) * self.times.tick


class VideoFormat(NamedTuple):
    """A format that films are written in."""

    longest: int  # side that the format can store, in pixels
    fastest: int  # frames per second
    silent: bool
    check: Callable[[], None]  # raises OSError if the format cannot be written on this machine
    opened: Callable[[Path, tuple[int, int], Settings], AbstractContextManager[AddFrame]]
