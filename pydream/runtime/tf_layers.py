"""Layers that Caffe does not have: TensorFlow's padding, which depends on the size, and any other op of TensorFlow.

Shapes of blobs are Caffe's, (n, c, h, w), unless a docstring names TensorFlow's, (n, h, w, c).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from . import layers
from .layers import POINT, Layer, Numbers, Shape, Window, Windows
from .sizes import value_of

FLOATS = frozenset({1, 2, 14, 19})  # TensorFlow's types that become the network's own; 14 is bfloat16


class Padding(NamedTuple):
    """What is added along one axis.

    Attributes
    ----------
    before, behind : int
        Rows (or columns) before the first and behind the last.
    same : bool
        TensorFlow's SAME in their place: as many as ``ceil(size / stride)`` windows need, the odd one behind.
    """

    before: int = 0
    behind: int = 0
    same: bool = False

    def at(self, size: int, reach: int, stride: int) -> tuple[int, int]:
        """Compute the rows before and behind a bottom of `size` rows, for windows over `reach` of them."""
        if not self.same:
            return self.before, self.behind
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        return total // 2, total - total // 2

    def windows(self, size: int, reach: int, stride: int) -> int:
        """Count the windows; below 1 where not one fits."""
        if self.same:
            return -(-size // stride)
        return (size + self.before + self.behind - reach) // stride + 1

    def window(self, reach: int, stride: int) -> Window:
        """Return what one value sees; with SAME, for sizes that are multiples of the stride."""
        return Window(reach, stride, self.at(reach * stride, reach, stride)[0])


Paddings = tuple[Padding, Padding]  # of rows, of columns


@dataclass(frozen=True)
class Identity(Layer):
    """The bottom under another name."""


@dataclass(frozen=True)
class Conv2D(layers.Convolution):
    """Caffe's convolution, with TensorFlow's padding in place of `pad`."""

    padding: Paddings

    def slide(self, size: int, axis: int) -> tuple[int, int]:
        padding, reach, stride = self.padding[axis], self.reach[axis], self.stride[axis]
        return padding.at(size, reach, stride)[0], padding.windows(size, reach, stride)

    @property
    def slides(self) -> bool:
        return any(padding.same for padding in self.padding)

    @property
    def windows(self) -> Windows:
        rows, columns = map(Padding.window, self.padding, self.reach, self.stride)
        return rows, columns


@dataclass(frozen=True)
class DepthwiseConv2D(Conv2D):
    """A convolution of each channel by itself: as many groups as channels."""


@dataclass(frozen=True)
class MaxPool(layers.Pooling):
    """The largest value of a window, with TensorFlow's padding in place of `pad`."""

    padding: Paddings

    def out_size(self, size: int, axis: int) -> int:
        return self.padding[axis].windows(size, self.kernel[axis], self.stride[axis])

    @property
    def slides(self) -> bool:
        return any(padding.same for padding in self.padding)

    @property
    def windows(self) -> Windows:
        rows, columns = map(Padding.window, self.padding, self.kernel, self.stride)
        return rows, columns


@dataclass(frozen=True)
class AvgPool(MaxPool):
    """The mean of a window; padding does not count."""


@dataclass(frozen=True)
class Affine(Layer):
    """``factor x + offset`` with factor and offset per channel: BiasAdd, batch normalisation, sums and products."""

    op: str
    channels: int
    factor: bool
    offset: bool

    @classmethod
    def of(
        cls,
        name: str,
        bottoms: tuple[str, ...],
        tops: tuple[str, ...],
        op: str,
        factor: Numbers | None = None,
        offset: Numbers | None = None,
    ) -> tuple[Affine, list[Numbers]]:
        """Return the layer for these numbers, one or both (channels,), and its weights."""
        weights = [numbers for numbers in (factor, offset) if numbers is not None]
        channels = weights[0].size
        return cls(name, bottoms, tops, op, channels, factor is not None, offset is not None), weights

    @property
    def type(self) -> str:
        return self.op

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        if nhwc(shape)[-1] != self.channels:
            raise ShapeError(f"layer {self.name!r} expects {self.channels} channels, {self.bottoms[0]!r} is {shape}")
        return [shape]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [(self.channels,)] * (self.factor + self.offset)


@dataclass(frozen=True)
class Operation(Layer):
    """An op that TensorFlow runs and differentiates.

    Attributes
    ----------
    op : str
    node : bytes
        Its NodeDef.
    output : int
        Which of its outputs the top is.
    arguments : tuple of int or None
        For each of its inputs the index of the bottom; None: a constant.
    constants : mapping of int to array
        Index among the inputs → the constant there.
    sizes : mapping of int to array of objects
        Index among the inputs → numbers and sizes of bottoms there, in place of a constant. Bottoms behind those that
        `arguments` names are there for their sizes alone.
    rule : Rule
        For its op: see `pydream.formats.graphdef.ops`.
    """

    op: str
    node: bytes = field(repr=False)
    output: int
    arguments: tuple[int | None, ...]
    constants: Mapping[int, Numbers] = field(compare=False, repr=False)
    rule: Rule = field(compare=False, repr=False)
    sizes: Mapping[int, NDArray[Any]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def type(self) -> str:
        return self.op

    @property
    def windows(self) -> Windows | None:
        return None if self.sizes else self.rule.windows(self)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shapes = [nhwc(shape) for shape in bottoms]
        read = shapes[: sum(argument is not None for argument in self.arguments)]
        return [nchw(self.rule.top_shape(self._at(shapes), *read))]

    def _at(self, shapes: list[Shape]) -> Operation:
        """Return this op with the constants that its sizes are for bottoms of these shapes."""
        if not self.sizes:
            return self
        made: dict[int, NDArray[Any]] = {}
        try:
            for place, numbers in self.sizes.items():
                flat = [value_of(n, lambda blob, axis: shapes[self.bottoms.index(blob)][axis]) for n in numbers.flat]
                made[place] = np.array(flat, np.int64).reshape(numbers.shape)
        except (ArithmeticError, IndexError) as error:
            raise ShapeError(f"layer {self.name!r} ({self.op}): a size cannot be computed: {error}") from error
        return replace(self, constants={**self.constants, **made}, sizes={})


class Rule:
    """What is known of an op before it runs. The default: the top is as the bottom, value by value."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        """Return the shape of the top for those of the bottoms, all (n, h, w, c); `ShapeError` if they do not fit."""
        return bottoms[0]

    def windows(self, layer: Operation) -> Windows | None:
        """Return what a value of the top sees of each bottom; None: all of it, or nothing that has a place."""
        return POINT


def nhwc(shape: Shape) -> Shape:
    """Return Caffe's shape in TensorFlow's order, which differs for images only."""
    return (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else shape


def nchw(shape: Shape) -> Shape:
    """Return TensorFlow's shape in Caffe's order."""
    return (shape[0], shape[3], *shape[1:3]) if len(shape) == 4 else shape
