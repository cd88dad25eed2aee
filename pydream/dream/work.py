"""Work is pixels that steps go over: an octave's step costs what its size costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple, Self

from .octaves import Size


class Work(NamedTuple):
    """The steps of a dream, in pixels.

    Attributes
    ----------
    pixels : tuple of int
        Those of a step in each octave, the smallest first.
    iter_n : int
        Steps in each octave.
    """

    pixels: tuple[int, ...]
    iter_n: int

    @classmethod
    def of(cls, sizes: Sequence[Size], iter_n: int) -> Self:
        """Return the work of octaves of these sizes, the largest first, as `octave_sizes` returns them."""
        return cls(tuple(prod(size) for size in reversed(sizes)), iter_n)

    @property
    def whole(self) -> int:
        """Pixels of all steps."""
        return self.iter_n * sum(self.pixels)

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return self.iter_n * len(self.pixels)

    def done(self, octave: int, steps: int) -> int:
        """Return the pixels that are done after so many steps of an octave, counted from 0."""
        return self.iter_n * sum(self.pixels[:octave]) + steps * self.pixels[octave]
