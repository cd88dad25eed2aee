"""Layers that take one value of each window: facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, TypeGuard

from ...errors import ShapeError
from .base import Layer, Shape, Window, Windows


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest value or the mean of a window; sizes round up, as nowhere else.

    A second top is the place of the largest value in its map, ``row * width + column``; it has no gradient.
    """

    average: bool
    everything: bool  # global pooling: the window is the whole map
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    round_up: bool
    # ``sum(x^2) / sum(x)``, 0 where the sum is not positive: what drawing a value in proportion to it gives on average.
    stochastic: bool = field(default=False, kw_only=True)

    tops_wanted: ClassVar[tuple[int, int]] = (1, 2)

    @property
    def drives(self) -> int:
        return 1

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        n, c, *size = self._image(bottoms[0])
        if self.everything:
            return [(n, c, 1, 1)] * len(self.tops)
        out = [self.out_size(i, axis) for axis, i in enumerate(size)]
        if min(out) < 1:
            raise ShapeError(
                f"layer {self.name!r}: {size[1]}x{size[0]} is too small for a {self.kernel[1]}x{self.kernel[0]} window"
            )
        return [(n, c, *out)] * len(self.tops)

    @property
    def windows(self) -> Windows | None:
        if self.everything:
            return None
        rows, columns = map(Window, self.kernel, self.stride, self.pad)
        return rows, columns

    def out_size(self, size: int, axis: int) -> int:
        """Compute the number of rows (`axis` 0) or columns (1) of the top from the bottom's.

        ``ceil((size + 2 pad - kernel) / stride) + 1``; one less where, with padding, the last window would start
        beyond the image and the padding before it.
        """
        kernel, stride, pad = self.kernel[axis], self.stride[axis], self.pad[axis]
        room = size + 2 * pad - kernel
        out = (-(-room // stride) if self.round_up else room // stride) + 1
        if max(self.pad) > 0 and (out - 1) * stride >= size + pad:
            out -= 1
        return out


@dataclass(frozen=True)
class SPP(Layer):
    """Spatial pyramid pooling: the map in 1, 4, 16, … bins, each pooled, as one vector."""

    height: int  # levels
    average: bool

    @property
    def windows(self) -> None:
        return None

    def level(self, shape: Shape, number: int) -> Pooling:
        """Return the pooling of a level, from 0, for a bottom of that shape; `ShapeError` where there is none."""
        bins, size = 2**number, self._image(shape)[2:]
        kernel = tuple(-(-each // bins) for each in size)
        pad = tuple((k * bins - each + 1) // 2 for k, each in zip(kernel, size, strict=True))
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            raise ShapeError(f"layer {self.name!r}: {size[1]}x{size[0]} does not divide into {bins}x{bins} bins")
        return Pooling(self.name, self.bottoms, self.tops, self.average, False, kernel, kernel, pad, True)

    def levels(self, shape: Shape) -> list[Pooling]:
        """Return the poolings of all levels for a bottom of that shape."""
        return [self.level(shape, number) for number in range(self.height)]

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        pooled = [level.top_shapes(*bottoms)[0] for level in self.levels(bottoms[0])]
        return pooled if len(pooled) == 1 else [(bottoms[0][0], sum(prod(shape[1:]) for shape in pooled))]


def takes_maximum(layer: Layer) -> TypeGuard[Pooling]:
    """Return whether a layer is Caffe's max pooling, of values alone; subclasses are padded differently."""
    return type(layer) is Pooling and not (layer.average or layer.stochastic or layer.tops[1:])
