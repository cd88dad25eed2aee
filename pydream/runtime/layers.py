"""A layer is its facts: what it reads and writes, its constants, and the shapes it makes; how it runs is elsewhere.

Shapes are Caffe's, (n, c, h, w). A new layer type is a dataclass here, a reader of its constants in
`pydream.formats.caffe.layers`, and the formulas of its passes in `on_numpy.layers` and `on_tensorflow.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import NetFileError, ShapeError

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
    """

    reach: int = 1
    stride: int = 1
    pad: int = 0


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
        """Whether the top overwrites the bottom."""
        return self.tops == self.bottoms

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

    def _image(self, shape: Shape) -> Shape:
        if len(shape) != 4:
            raise ShapeError(f"layer {self.name!r} expects (n, c, h, w), bottom {self.bottoms[0]!r} is {shape}")
        return shape


def _across(axis: int) -> Windows | None:
    """Return the windows of a layer that works along an axis of (n, c, h, w): points, unless that axis is h or w."""
    return POINT if axis in (0, 1, -4, -3) else None


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
    """A matrix product with the bottom flattened in the order c, h, w."""

    num_output: int
    bias: bool
    transpose: bool

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [(bottoms[0][0], self.num_output)]

    @property
    def windows(self) -> None:
        return None

    def macs(self, *bottoms: Shape) -> int:
        return prod(self.param_shapes(*bottoms)[0])

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        matrix = (self.num_output, prod(bottoms[0][1:]))
        matrix = matrix[::-1] if self.transpose else matrix
        return [matrix, (self.num_output,)] if self.bias else [matrix]


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest value or the mean of a window; sizes round up, as nowhere else."""

    average: bool
    everything: bool  # global pooling: the window is the whole map
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    round_up: bool

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        n, c, *size = self._image(bottoms[0])
        if self.everything:
            return [(n, c, 1, 1)]
        out = [self.out_size(i, axis) for axis, i in enumerate(size)]
        if min(out) < 1:
            raise ShapeError(
                f"layer {self.name!r}: {size[1]}x{size[0]} is too small for a {self.kernel[1]}x{self.kernel[0]} window"
            )
        return [(n, c, *out)]

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
class LRN(Layer):
    """Local response normalisation over neighbouring channels."""

    local_size: int
    alpha: float
    beta: float
    k: float

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self._image(bottoms[0])]


@dataclass(frozen=True)
class ReLU(Layer):
    """The positive part, and `negative_slope` times the negative one."""

    negative_slope: float


@dataclass(frozen=True)
class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``."""


@dataclass(frozen=True)
class TanH(Layer):
    """``tanh(x)``."""


@dataclass(frozen=True)
class Power(Layer):
    """``(shift + scale * x) ** power``."""

    power: float
    scale: float
    shift: float


@dataclass(frozen=True)
class Dropout(Layer):
    """Nothing, at test time."""


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
        return _across(self.axis)

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
class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` along an axis."""

    axis: int

    @property
    def windows(self) -> Windows | None:
        return _across(self.axis)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if not -len(bottoms[0]) <= self.axis < len(bottoms[0]):
            raise ShapeError(f"layer {self.name!r}: no axis {self.axis} in {bottoms[0]}")
        return [bottoms[0]]


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


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Subtract the stored mean and divide by the stored deviation, channel by channel; no affine part."""

    eps: float

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        channels = bottoms[0][1] if len(bottoms[0]) > 1 else 1
        return [(channels,), (channels,), (1,)]

    def affine(self, mean: Numbers, variance: Numbers, count: Numbers) -> tuple[Numbers, Numbers]:
        """Compute the factor and the offset for each channel from the weights.

        Mean and variance are stored times `count`, (1,); 0: there are none. A negative variance raises `NetFileError`.
        """
        times = 0 if count[0] == 0 else 1 / count[0]
        if not (variance * times + self.eps > 0).all():
            raise NetFileError(f"layer {self.name!r}: a variance plus eps of its weights is not above 0")
        factor = 1 / np.sqrt(variance * times + self.eps)
        return factor, -mean * times * factor


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
