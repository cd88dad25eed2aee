"""Layers that multiply with weights: facts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ...errors import ShapeError
from .base import Layer, Shape, Window, Windows


@dataclass(frozen=True)
class Sliding(Layer):
    """A kernel that slides over each bottom, symmetrically padded: a top for each bottom, of the same weights."""

    num_output: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    group: int
    bias: bool

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2**15)
    tops_wanted: ClassVar[tuple[int, int]] = (1, 2**15)
    _why_empty: ClassVar[str]

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap of the dilated kernel."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))  # type: ignore[return-value]

    @abstractmethod
    def slide(self, size: int, axis: int) -> tuple[int, int]:
        """Return the padding before the first row (`axis` 0) or column (1) of a bottom, and how many the top has."""

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        n, c, *size = self._image(bottoms[0])
        if len(set(bottoms)) > 1:
            raise ShapeError(f"layer {self.name!r}: bottoms of different shapes: {', '.join(map(str, bottoms))}")
        if c % self.group:
            raise ShapeError(f"layer {self.name!r}: {c} channels do not fall into {self.group} groups")
        out = [self.slide(i, axis)[1] for axis, i in enumerate(size)]
        if min(out) < 1:
            kernel = f"its {self.reach[1]}x{self.reach[0]} kernel"
            raise ShapeError(f"layer {self.name!r}: {size[1]}x{size[0]} {self._why_empty} {kernel}")
        return [(n, self.num_output, *out)] * len(bottoms)


@dataclass(frozen=True)
class Convolution(Sliding):
    """A correlation (Caffe does not flip the kernel); sizes round down."""

    _why_empty = "is smaller than"

    def slide(self, size: int, axis: int) -> tuple[int, int]:
        pad = self.pad[axis]
        return pad, (size + 2 * pad - self.reach[axis]) // self.stride[axis] + 1

    @property
    def windows(self) -> Windows:
        rows, columns = map(Window, self.reach, self.stride, self.pad)
        return rows, columns

    def macs(self, *bottoms: Shape) -> int:
        return sum(prod(top[1:]) for top in self.top_shapes(*bottoms)) * prod(self.param_shapes(*bottoms)[0][1:])

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        kernel = (self.num_output, bottoms[0][1] // self.group, *self.kernel)
        return [kernel, (self.num_output,)] if self.bias else [kernel]


@dataclass(frozen=True)
class Deconvolution(Sliding):
    """The transpose of a convolution: each value is spread over as much as a kernel of `stride` and `pad` would see."""

    _why_empty = "leaves nothing within the padding, for"

    def slide(self, size: int, axis: int) -> tuple[int, int]:
        pad = self.reach[axis] - 1 - self.pad[axis]
        return pad, self.stride[axis] * (size - 1) + self.reach[axis] - 2 * self.pad[axis]

    @property
    def windows(self) -> Windows:
        # In rows of the top: `reach` of them share a value of the bottom, whose own rows are `stride` apart.
        rows, columns = (
            Window(reach, 1, reach - 1 - pad, up)
            for reach, pad, up in zip(self.reach, self.pad, self.stride, strict=True)
        )
        return rows, columns

    def convolution(self, channels: int) -> Convolution:
        """Return the convolution, from top to bottom, that this is the transpose of."""
        return Convolution(
            self.name, self.tops, self.bottoms, channels, self.kernel, self.stride, self.pad, self.dilation,
            self.group, bias=False,
        )  # fmt: skip

    def macs(self, *bottoms: Shape) -> int:
        return sum(prod(bottom[1:]) for bottom in bottoms) * prod(self.param_shapes(*bottoms)[0][1:])

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        kernel = (bottoms[0][1], self.num_output // self.group, *self.kernel)
        return [kernel, (self.num_output,)] if self.bias else [kernel]


@dataclass(frozen=True)
class InnerProduct(Layer):
    """A matrix product with the bottom flattened from an axis on, in the order c, h, w."""

    num_output: int
    bias: bool
    transpose: bool
    axis: int = 1

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [(*bottoms[0][: self._axis(self.axis, bottoms[0])], self.num_output)]

    @property
    def windows(self) -> None:
        return None

    def macs(self, *bottoms: Shape) -> int:
        return prod(self.param_shapes(*bottoms)[0]) * prod(bottoms[0][1 : self._axis(self.axis, bottoms[0])])

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        matrix = (self.num_output, prod(bottoms[0][self._axis(self.axis, bottoms[0]) :]))
        matrix = matrix[::-1] if self.transpose else matrix
        return [matrix, (self.num_output,)] if self.bias else [matrix]
