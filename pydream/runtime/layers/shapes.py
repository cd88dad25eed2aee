"""Layers that only move values: facts."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ...errors import ShapeError
from .base import Layer, Shape, Windows, across


@dataclass(frozen=True)
class Split(Layer):
    """The bottom under several names; its gradient is their sum."""

    tops_wanted: ClassVar[tuple[int, int]] = (1, 2**15)


@dataclass(frozen=True)
class Concat(Layer):
    """The bottoms one after the other along an axis."""

    axis: int

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2**15)

    @property
    def windows(self) -> Windows | None:
        return across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        first = bottoms[0]
        axis = self.axis + len(first) if self.axis < 0 else self.axis
        if not 0 <= axis < len(first):
            raise ShapeError(f"layer {self.name!r}: no axis {self.axis} in {first}")
        for name, shape in zip(self.bottoms, bottoms, strict=True):
            if len(shape) != len(first) or any(
                a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
            ):
                raise ShapeError(
                    f"layer {self.name!r}: {name!r} is {shape}, which does not fit to {first} along axis {axis}"
                )
        return [(*first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :])]


@dataclass(frozen=True)
class Flatten(Layer):
    """Axes `axis` to `end_axis` as one."""

    axis: int
    end_axis: int

    @property
    def windows(self) -> None:
        return None

    def span(self, rank: int) -> tuple[int, int]:
        """Return the first axis to merge and the first behind them."""
        first = self.axis + rank if self.axis < 0 else self.axis
        last = self.end_axis + rank if self.end_axis < 0 else self.end_axis
        if not 0 <= first <= last < rank:
            raise ShapeError(f"layer {self.name!r}: no axes {self.axis} to {self.end_axis} among {rank}")
        return first, last + 1

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        first, behind = self.span(len(shape))
        return [(*shape[:first], prod(shape[first:behind]), *shape[behind:])]
