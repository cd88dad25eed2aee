"""Layers that multiply with weights: facts."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ...errors import ShapeError
from .base import Layer, Shape, Window, Windows


@dataclass(frozen=True)
class Convolution(Layer):
    """A correlation (Caffe does not flip the kernel) with symmetric padding; sizes round down."""

    num_output: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    group: int
    bias: bool

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap of the dilated kernel."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))  # type: ignore[return-value]

    def slide(self, size: int, axis: int) -> tuple[int, int]:
        """Return the padding before the first row (`axis` 0) or column (1) of a bottom, and how many the top has."""
        pad = self.pad[axis]
        return pad, (size + 2 * pad - self.reach[axis]) // self.stride[axis] + 1

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        n, c, *size = self._image(bottoms[0])
        if c % self.group:
            raise ShapeError(f"layer {self.name!r}: {c} channels do not fall into {self.group} groups")
        out = [self.slide(i, axis)[1] for axis, i in enumerate(size)]
        if min(out) < 1:
            raise ShapeError(
                f"layer {self.name!r}: {size[1]}x{size[0]} is smaller than its {self.reach[1]}x{self.reach[0]} kernel"
            )
        return [(n, self.num_output, *out)]

    @property
    def windows(self) -> Windows:
        rows, columns = map(Window, self.reach, self.stride, self.pad)
        return rows, columns

    def macs(self, *bottoms: Shape) -> int:
        return prod(self.top_shapes(*bottoms)[0][1:]) * prod(self.param_shapes(*bottoms)[0][1:])

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        kernel = (self.num_output, bottoms[0][1] // self.group, *self.kernel)
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
