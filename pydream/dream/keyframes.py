"""A curve is a number at each frame of a loop, by keyframes: pairs of a frame and the value there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .bounds import MOST_FRAMES, is_real, require, whole_number

Ease = Literal["linear", "smooth"]
EASES: tuple[Ease, ...] = get_args(Ease)
LINEAR: Ease = "linear"
MOST_KEYFRAMES = 100  # of a curve, so that a frame's note can hold several
LARGEST = 1e9  # of a value: differences of such are finite


@dataclass(frozen=True, repr=False)
class Curve:
    """A number that changes from frame to frame.

    Attributes
    ----------
    keyframes : tuple of (int, float)
        Frames from 0, ascending, and the values there. Before the first and after the last the value stays the same.

    Raises
    ------
    ValueError
        The frames do not ascend, or there are none or too many, or a value is not a number of at most `LARGEST`.
    """

    keyframes: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        count = len(self.keyframes)
        require(1 <= count <= MOST_KEYFRAMES, "keyframes", count, f"from 1 to {MOST_KEYFRAMES} of them")
        last = -1
        for frame, value in self.keyframes:
            whole_number("keyframes", frame, 0, MOST_FRAMES - 1)
            require(frame > last, "keyframes", f"frame {frame} after {last}", "frames that ascend")
            require(
                is_real(value) and abs(value) <= LARGEST,
                "keyframes",
                f"{value} at frame {frame}",
                f"a number of at most {LARGEST:g}",
            )
            last = frame

    def __repr__(self) -> str:
        return ",".join(f"{frame}:{value}" for frame, value in self.keyframes)

    def __mul__(self, factor: Any) -> Curve:
        """Multiply all its values."""
        if not is_real(factor):
            return NotImplemented
        return Curve(tuple((frame, value * float(factor)) for frame, value in self.keyframes))

    __rmul__ = __mul__

    def at(self, frame: int, ease: Ease = LINEAR) -> float:
        """Compute ``a + (b - a) * u`` between the values a and b of two keyframes; at a keyframe it is its value.

        u is t, the part of the frames between them that has passed, or with "smooth" ``t * t * (3 - 2 * t)``, whose
        slope is 0 at both.
        """
        before = [each for each in self.keyframes if each[0] <= frame]
        after = self.keyframes[len(before) :]
        if not before or not after:
            return (before[-1:] or after)[0][1]
        (start, a), (end, b) = before[-1], after[0]
        t = (frame - start) / (end - start)
        return a + (b - a) * (t if ease == LINEAR else t * t * (3 - 2 * t))


@dataclass(frozen=True, repr=False)
class WholeCurve(Curve):
    """A whole number that changes from frame to frame; between keyframes it is rounded, halves up.

    Attributes
    ----------
    keyframes : tuple of (int, int)
    """

    keyframes: tuple[tuple[int, int], ...]

    def at(self, frame: int, ease: Ease = LINEAR) -> int:
        """Compute ``floor(value + 0.5)`` of a `Curve`'s value."""
        return math.floor(super().at(frame, ease) + 0.5)

    @property
    def largest(self) -> int:
        """The largest value of any frame."""
        return max(value for _, value in self.keyframes)


def as_curve(given: Any) -> Any:
    """Return the `Curve` of a mapping or a sequence of pairs; anything else, a number, as it is."""
    if isinstance(given, (Curve, str)) or not isinstance(given, Iterable):
        return given
    pairs = [
        tuple(each) if isinstance(each, Iterable) else (each,)
        for each in (given.items() if isinstance(given, Mapping) else given)
    ]
    for pair in pairs:
        require(len(pair) == 2, "keyframes", pair, "a frame and a value")
    checked = Curve(tuple(pairs))
    return Curve(tuple((int(frame), float(value)) for frame, value in checked.keyframes))


def as_whole(name: str, given: Any) -> Any:
    """Return the `WholeCurve` of a mapping or a sequence of pairs; anything else, a number, as it is."""
    curve = as_curve(given)
    if not isinstance(curve, Curve):
        return given
    for _, value in curve.keyframes:
        require(float(value).is_integer(), name, value, "a whole number")
    return WholeCurve(tuple((frame, int(value)) for frame, value in curve.keyframes))


def read_curve(text: str, number: Callable[[str], float] = float) -> Curve:
    """Read ``FRAME:NUMBER,FRAME:NUMBER``, each number by a function; `ValueError` for what is none."""
    keyframes = []
    for pair in text.split(","):
        frame, _, value = pair.partition(":")
        if not (re.fullmatch("[0-9]{1,8}", frame) and value):
            raise ValueError(f"{pair!r} is no keyframe (expected FRAME:NUMBER, e.g. 0:0.05,60:0.2)")
        keyframes.append((int(frame), number(value)))
    return Curve(tuple(keyframes))


def value_at(value: Any, frame: int, ease: Ease = LINEAR) -> Any:
    """Return a curve's value at a frame; a number is the same in all."""
    return value.at(frame, ease) if isinstance(value, Curve) else value


def check_ease(ease: str) -> None:
    """Raise `ValueError` for an unknown way from one keyframe to the next."""
    require(ease in EASES, "ease", repr(ease), f"one of {', '.join(map(repr, EASES))}")
