"""Layers that only move values: facts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import ClassVar, NamedTuple

from ...errors import ShapeError
from .base import Layer, Shape, Window, Windows, across
from .linear import Convolution


@dataclass(frozen=True)
class Split(Layer):
    """The bottom under several names; its gradient is their sum."""

    tops_wanted: ClassVar[tuple[int, int]] = (1, 2**15)

    @property
    def shares(self) -> bool:
        return True


@dataclass(frozen=True)
class Overwritten(Layer):
    """A blob in whose memory a layer has worked in place on another blob, the second bottom.

    The gradient goes as if nothing was shared: to what was there before.
    """

    bottoms_wanted: ClassVar[tuple[int, int]] = (2, 2)


@dataclass(frozen=True)
class Concat(Layer):
    """The bottoms one after the other along an axis."""

    axis: int

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2**15)

    @property
    def shares(self) -> bool:
        return len(self.bottoms) == 1

    @property
    def windows(self) -> Windows | None:
        return across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        first = bottoms[0]
        axis = self._axis(self.axis, first)
        for name, shape in zip(self.bottoms, bottoms, strict=True):
            if len(shape) != len(first) or any(
                a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
            ):
                raise ShapeError(
                    f"layer {self.name!r}: {name!r} is {shape}, which does not fit to {first} along axis {axis}"
                )
        return [(*first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :])]


@dataclass(frozen=True)
class Slice(Layer):
    """Parts of the bottom along an axis, a top each: up to each point and behind the last one, or equal parts."""

    axis: int
    points: tuple[int, ...]

    tops_wanted: ClassVar[tuple[int, int]] = (1, 2**15)

    @property
    def shares(self) -> bool:
        return len(self.tops) == 1

    @property
    def windows(self) -> Windows | None:
        return across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        axis, parts = self._axis(self.axis, shape), len(self.tops)
        size = shape[axis]
        if not self.points and size % parts:
            raise ShapeError(f"layer {self.name!r}: {size} along axis {axis} does not fall into {parts} equal parts")
        bounds = (0, *(self.points or (i * (size // parts) for i in range(1, parts))), size)
        sizes = [behind - first for first, behind in pairwise(bounds)]
        if min(sizes) < 1:
            raise ShapeError(f"layer {self.name!r}: a part of the {size} along axis {axis} would be empty")
        return [(*shape[:axis], part, *shape[axis + 1 :]) for part in sizes]


class Part(NamedTuple):
    """The size of an axis of a top.

    Attributes
    ----------
    axis : int or None
        The bottom's axis that has it.
    size : int
        Without such an axis; -1: what remains.
    """

    axis: int | None
    size: int = -1


class Refolded(Layer):
    """The same values, in Caffe's order, on other axes."""

    @property
    def shares(self) -> bool:
        return True

    @property
    def windows(self) -> None:
        return None

    @abstractmethod
    def parts(self, rank: int) -> list[Part]:
        """Return what the axes of the top are, for a bottom of so many; raise `ShapeError` where that is too few."""

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        top = [part.size if part.axis is None else shape[part.axis] for part in self.parts(len(shape))]
        if -1 in top:
            top[top.index(-1)] = prod(shape) // prod(size for size in top if size != -1)
        if prod(top) != prod(shape):
            raise ShapeError(f"layer {self.name!r}: {shape} cannot become {tuple(top)}")
        return [tuple(top)]


@dataclass(frozen=True)
class Flatten(Refolded):
    """Axes `axis` to `end_axis` as one."""

    axis: int
    end_axis: int

    def parts(self, rank: int) -> list[Part]:
        first = self.axis + rank if self.axis < 0 else self.axis
        last = self.end_axis + rank if self.end_axis < 0 else self.end_axis
        if not 0 <= first <= last < rank:
            raise ShapeError(f"layer {self.name!r}: no axes {self.axis} to {self.end_axis} among {rank}")
        return [*map(Part, range(first)), Part(None), *map(Part, range(last + 1, rank))]


@dataclass(frozen=True)
class Reshape(Refolded):
    """Axes from `axis` on, `num_axes` of them, replaced by those of `sizes`.

    Attributes
    ----------
    axis : int
        Below 0: counted from behind the last.
    num_axes : int
        -1: all from `axis` on.
    sizes : tuple of int
        0: the size that the bottom has there; -1: what remains.
    """

    axis: int
    num_axes: int
    sizes: tuple[int, ...]

    def parts(self, rank: int) -> list[Part]:
        first = self.axis + rank + 1 if self.axis < 0 else self.axis
        behind = rank if self.num_axes < 0 else first + self.num_axes
        made = [Part(None, size) if size else Part(first + i) for i, size in enumerate(self.sizes)]
        copied = [part.axis for part in made if part.axis is not None]
        if not 0 <= first <= behind <= rank or max(copied, default=-1) >= rank:
            raise ShapeError(
                f"layer {self.name!r}: no such axes (axis {self.axis}, num_axes {self.num_axes}, "
                f"sizes {', '.join(map(str, self.sizes))}) among {rank}"
            )
        return [*map(Part, range(first)), *made, *map(Part, range(behind, rank))]


@dataclass(frozen=True)
class Crop(Layer):
    """The first bottom, cut to the second's size on an axis and all behind it.

    Attributes
    ----------
    offset : tuple of int
        Where the part begins on each of these axes; one number holds for all.
    """

    axis: int
    offset: tuple[int, ...]

    bottoms_wanted: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def reads(self) -> int:
        return 1

    @property
    def windows(self) -> Windows | None:
        begin = self.begin(4)
        return Window(pad=-begin[2]), Window(pad=-begin[3])

    def begin(self, rank: int) -> tuple[int, ...]:
        """Return where the part begins on each axis."""
        first = self._axis(self.axis, (1,) * rank)
        offset = self.offset * (rank - first) if len(self.offset) == 1 else self.offset
        if len(offset) != rank - first:
            raise ShapeError(f"layer {self.name!r}: {len(offset)} numbers for offset, expected 1 or {rank - first}")
        return (0,) * first + offset

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape, reference = bottoms
        first, begin = self._axis(self.axis, shape), self.begin(len(shape))
        if len(reference) < len(shape):
            raise ShapeError(f"layer {self.name!r}: {reference} has no size for each axis of {shape}")
        top = (*shape[:first], *reference[first : len(shape)])
        if any(at + size > whole for at, size, whole in zip(begin, top, shape, strict=True)):
            raise ShapeError(f"layer {self.name!r}: {shape} cut from {begin} on is smaller than {reference}")
        return [top]


@dataclass(frozen=True)
class Tile(Layer):
    """The bottom repeated along an axis."""

    axis: int
    tiles: int

    @property
    def windows(self) -> Windows | None:
        return across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        axis = self._axis(self.axis, shape)
        return [(*shape[:axis], self.tiles * shape[axis], *shape[axis + 1 :])]


@dataclass(frozen=True)
class Im2col(Layer):
    """What each place of a kernel sees, as channels: those of a channel side by side, row by row; 0 in the padding."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]

    @property
    def convolution(self) -> Convolution:
        """A convolution with this kernel."""
        return Convolution(
            self.name, self.bottoms, self.tops, 1, self.kernel, self.stride, self.pad, self.dilation, 1, bias=False
        )

    @property
    def windows(self) -> Windows:
        return self.convolution.windows

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        ((n, _, *out),) = self.convolution.top_shapes(*bottoms)
        return [(n, bottoms[0][1] * prod(self.kernel), *out)]


@dataclass(frozen=True)
class Parameter(Layer):
    """Weights as a blob."""

    shape: Shape

    bottoms_wanted: ClassVar[tuple[int, int]] = (0, 0)

    @property
    def windows(self) -> None:
        return None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self.shape]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self.shape]
