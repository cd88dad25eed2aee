"""Layers that go along whole axes: facts."""

from __future__ import annotations

from dataclasses import dataclass

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
        if not -len(bottoms[0]) <= self.axis < len(bottoms[0]):
            raise ShapeError(f"layer {self.name!r}: no axis {self.axis} in {bottoms[0]}")
        return [bottoms[0]]
