"""Layers that add and multiply blobs, or blobs and weights: facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import ShapeError
from .base import Layer, Numbers, Shape


@dataclass(frozen=True)
class Eltwise(Layer):
    """The product, weighted sum or maximum of bottoms of one shape."""

    operation: str  # "PROD", "SUM" or "MAX"
    coeff: tuple[float, ...]

    bottoms_wanted: ClassVar[tuple[int, int]] = (2, 2**15)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(set(bottoms)) > 1:
            raise ShapeError(f"layer {self.name!r}: bottoms of different shapes: {', '.join(map(str, bottoms))}")
        return [bottoms[0]]


@dataclass(frozen=True)
class Scale(Layer):
    """A factor and, optionally, a bias for each channel."""

    bias: bool

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(bottoms[0]) < 2:
            raise ShapeError(f"layer {self.name!r} expects channels, bottom {self.bottoms[0]!r} is {bottoms[0]}")
        return [bottoms[0]]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [(bottoms[0][1],)] * (2 if self.bias else 1)

    def affine(self, gamma: Numbers, beta: Numbers | None = None) -> tuple[Numbers, Numbers | None]:
        """Return the factor and the offset for each channel, as `BatchNorm.affine` does: the weights themselves."""
        return gamma, beta
