"""Layers that add and multiply blobs, or blobs and weights: facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import ShapeError
from .base import POINT, Layer, Shape, Windows


@dataclass(frozen=True)
class Eltwise(Layer):
    """The product, weighted sum or maximum of bottoms of one shape."""

    operation: str  # "PROD", "SUM" or "MAX"
    coeff: tuple[float, ...]
    stable: bool = True  # a product's gradient is that of the others, else top / bottom

    bottoms_wanted: ClassVar[tuple[int, int]] = (2, 2**15)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(set(bottoms)) > 1:
            raise ShapeError(f"layer {self.name!r}: bottoms of different shapes: {', '.join(map(str, bottoms))}")
        return [bottoms[0]]


@dataclass(frozen=True)
class Along(Layer):
    """What Scale and Bias share: numbers along some axes of the first bottom, from a weight or the second bottom."""

    axis: int
    num_axes: int  # of a weight; -1: all behind `axis`

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2)

    @property
    def windows(self) -> Windows | None:
        # A weight for every row or column has no meaning for a part of a picture.
        if len(self.bottoms) == 2 or self.num_axes == 0:
            return POINT
        return POINT if 0 < self.num_axes <= 2 - self.axis % 4 else None

    def start(self, shape: Shape, numbers: Shape) -> int:
        """Return the first axis of a bottom that the numbers, of that shape, lie along."""
        return self._axis(self.axis, shape) if numbers else 0

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape, numbers = bottoms[0], self._numbers(*bottoms)
        start = self.start(shape, numbers)
        if shape[start : start + len(numbers)] != numbers:
            raise ShapeError(
                f"layer {self.name!r}: bottom {self.bottoms[1]!r} is {numbers}, which is not what {self.bottoms[0]!r}, "
                f"{shape}, has from axis {start} on"
            )
        return [shape]

    def _numbers(self, *bottoms: Shape) -> Shape:
        """Return the shape of the numbers."""
        if len(bottoms) == 2:
            return bottoms[1]
        start = self._axis(self.axis, bottoms[0])
        end = len(bottoms[0]) if self.num_axes == -1 else start + self.num_axes
        if end > len(bottoms[0]):
            raise ShapeError(f"layer {self.name!r}: no {self.num_axes} axes from {start} on in {bottoms[0]}")
        return bottoms[0][start:end]


@dataclass(frozen=True)
class Scale(Along):
    """A factor and, optionally, a bias for each channel, or along other axes."""

    bias: bool

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self._numbers(*bottoms)] * ((len(bottoms) == 1) + self.bias)


@dataclass(frozen=True)
class Bias(Along):
    """An offset for each channel, or along other axes."""

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self._numbers(*bottoms)] if len(bottoms) == 1 else []
