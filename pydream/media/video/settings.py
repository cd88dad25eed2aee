"""What is known of a film before its first frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..image import Picture

if TYPE_CHECKING:
    from .sound import Sound

Add = Callable[[Picture], None]  # takes the next frame of a film


class Times(NamedTuple):
    """When the frames of a film are shown, if not at a constant rate.

    Attributes
    ----------
    ticks : sequence of int
        For each frame when it comes, rising, and at last when the film ends.
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
    """All of it but the size."""

    fps: Fraction  # on average, where there are times
    quality: int
    note: str | None = None
    times: Times | None = None
    pixel_aspect: Fraction = Fraction(1)  # a pixel's width to its height
    sound: Sound | None = None

    @property
    def tick(self) -> Fraction:
        """Seconds, of which the times of all frames are multiples."""
        return 1 / self.fps if self.times is None else self.times.tick

    def time(self, frame: int) -> Fraction:
        """Give when a frame comes, counted from 0: seconds after the first."""
        if self.times is None:
            return frame / self.fps
        return (self.times.ticks[frame] - self.times.ticks[0]) * self.times.tick


class Format(NamedTuple):
    """A format that films are written in."""

    longest: int  # the longest side that it can hold
    fastest: int  # frames per second
    silent: bool
    check: Callable[[], None]  # raises OSError where it cannot be written here
    opened: Callable[[Path, tuple[int, int], Settings], AbstractContextManager[Add]]
