"""Layers that go along whole axes: facts."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ...errors import ShapeError
from .base import Layer, Shape, Windows, across


@dataclass(frozen=True)
class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` along an axis."""

    axis: int

    @property
    def windows(self) -> Windows | None:
        return across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        self._axis(self.axis, bottoms[0])
        return [bottoms[0]]


@dataclass(frozen=True)
class Reduction(Layer):
    """A sum over an axis and all behind it, which vanish."""

    operation: str  # "SUM", "ASUM", "SUMSQ" or "MEAN"
    axis: int
    coeff: float

    @property
    def windows(self) -> None:
        return None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [bottoms[0][: self._axis(self.axis, bottoms[0])]]


@dataclass(frozen=True)
class ArgMax(Layer):
    """The places of the largest values along an axis or behind the first one, or these values; no gradient."""

    values: bool  # along an axis in place of the indices, else behind them
    top_k: int
    axis: int | None  # None: everything behind the first axis as one

    @property
    def drives(self) -> int:
        return 0

    @property
    def windows(self) -> Windows | None:
        return None if self.axis is None else across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        axis = self._axis(0 if self.axis is None else self.axis, shape)
        length = prod(shape[1:]) if self.axis is None else shape[axis]
        if self.top_k > length:
            raise ShapeError(f"layer {self.name!r}: top_k {self.top_k} of {length} values")
        if self.axis is None:
            return [(shape[0], 2 if self.values else 1, self.top_k, *[1] * (len(shape) - 3))]
        return [(*shape[:axis], self.top_k, *shape[axis + 1 :])]
