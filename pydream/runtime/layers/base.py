"""A layer is its facts: what it reads and writes, its constants, and the shapes it makes.

Shapes are Caffe's, (n, c, h, w).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from ...errors import ShapeError

Shape = tuple[int, ...]
Numbers = NDArray[Any]  # float32 or float64


class Window(NamedTuple):
    """What one value of a top is made of, along one axis of the bottom.

    Attributes
    ----------
    reach : int
        Rows (or columns) from the first to the last.
    stride : int
        Rows of the bottom from one row of the top to the next.
    pad : int
        Rows before the bottom's first that the first window takes in.
    up : int
        Rows that the bottom is stretched by: what comes before is counted in these smaller rows.
    """

    reach: int = 1
    stride: int = 1
    pad: int = 0
    up: int = 1


Windows = tuple[Window, Window]  # of rows, of columns
POINT: Windows = (Window(), Window())


@dataclass(frozen=True)
class Layer:
    """Base: any number of bottoms, one top of the first bottom's shape, no weights."""

    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 1)
    tops_wanted: ClassVar[tuple[int, int]] = (1, 1)

    @property
    def type(self) -> str:
        """Caffe's name for it, or that of the format that it comes from: for messages and tables."""
        return type(self).__name__

    @property
    def in_place(self) -> bool:
        """Whether the first top overwrites the first bottom."""
        return self.tops[:1] == self.bottoms[:1]

    @property
    def shares(self) -> bool:
        """Whether the tops are in the bottom's memory in Caffe, so that in place on one is in place on all."""
        return False

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        """Return the tops' shapes for the bottoms'; raise `ShapeError` where there can be none."""
        return [bottoms[0]] * len(self.tops)

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        """Return the shapes of the weights, in Caffe's order."""
        return []

    @property
    def windows(self) -> Windows | None:
        """What a value of the top sees of each bottom; None: all of it, or no place that has a meaning."""
        return POINT

    @property
    def slides(self) -> bool:
        """Whether its windows begin elsewhere on a bottom of another size: by half its stride at most."""
        return False

    def macs(self, *bottoms: Shape) -> int:
        """Count the multiplications with a weight for one picture, each with its addition."""
        return 0

    @property
    def reads(self) -> int:
        """How many bottoms count for their values; those behind them give their shapes alone."""
        return len(self.bottoms)

    @property
    def drives(self) -> int:
        """How many tops pass a gradient on; those behind them do not."""
        return len(self.tops)

    def _axis(self, axis: int, shape: Shape) -> int:
        """Return an axis of a bottom counted from the first; below 0 it is counted from the last."""
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"layer {self.name!r}: no axis {axis} in {shape}")
        return axis % len(shape)

    def _image(self, shape: Shape) -> Shape:
        if len(shape) != 4:
            raise ShapeError(f"layer {self.name!r} expects (n, c, h, w), bottom {self.bottoms[0]!r} is {shape}")
        return shape


def across(axis: int) -> Windows | None:
    """Return the windows of a layer that works along an axis of (n, c, h, w): points, unless that axis is h or w."""
    return POINT if axis in (0, 1, -4, -3) else None
