"""Layers that neither Caffe nor TensorFlow's graphs have: ONNX' ops on values of any number of axes.

Shapes are ONNX', and so Caffe's: (n, c, h, w) for images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from . import layers
from .layers import POINT, Layer, Shape, Window, Windows

Widths = tuple[int, int]  # before and behind


@dataclass(frozen=True)
class Pool(layers.Pooling):
    """Caffe's pooling, with padding of its own on each side and in the mean's divisor or not.

    Attributes
    ----------
    padding : pair of pair of int
        Before and behind, of rows and of columns; `pad` is what is before.
    counted : bool
        Whether the divisor of a mean counts the padding.
    """

    padding: tuple[Widths, Widths]
    counted: bool

    def out_size(self, size: int, axis: int) -> int:
        """Compute the number of rows or columns of the top; rounding up makes no window that starts behind the map."""
        (before, behind), stride = self.padding[axis], self.stride[axis]
        room = size + before + behind - self.kernel[axis]
        out = (-(-room // stride) if self.round_up else room // stride) + 1
        return out - (self.round_up and (out - 1) * stride >= size + before)


@dataclass(frozen=True)
class Elementwise(Layer):
    """A function of two operands, broadcast as NumPy does; one of them may be a weight.

    Attributes
    ----------
    op : str
        ONNX' name.
    constant : tuple of int or None
        Shape of the weight; None: both are blobs.
    turned : bool
        Whether the weight is the first operand.
    """

    op: str
    constant: Shape | None = None
    turned: bool = False

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2)

    @property
    def type(self) -> str:
        return self.op

    @property
    def windows(self) -> Windows | None:
        return POINT if self.constant is None or prod(self.constant[2:]) == 1 else None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shapes = bottoms if self.constant is None else (*bottoms, self.constant)
        try:
            return [np.broadcast_shapes(*shapes)]
        except ValueError:
            raise _misfit(self, *shapes) from None

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [] if self.constant is None else [self.constant]


@dataclass(frozen=True)
class Pointwise(Layer):
    """A function of each value.

    Attributes
    ----------
    op : str
        ONNX' name.
    constants : tuple of float
        Its attributes, in ONNX' order.
    """

    op: str
    constants: tuple[float, ...] = ()

    @property
    def type(self) -> str:
        return self.op


@dataclass(frozen=True)
class Transpose(Layer):
    """The axes in another order: axis i of the top is axis ``axes[i]`` of the bottom."""

    axes: tuple[int, ...]

    @property
    def windows(self) -> None:
        return None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(self.axes) != len(bottoms[0]):
            raise _misfit(self, *bottoms)
        return [tuple(bottoms[0][axis] for axis in self.axes)]


@dataclass(frozen=True)
class View(Layer):
    """The same values with other axes.

    Attributes
    ----------
    sizes : tuple of int or tuple of int
        For each axis its size, or the bottom's axes whose product it is; one may be -1, which stands for the rest.
    """

    sizes: tuple[int | tuple[int, ...], ...]

    @property
    def type(self) -> str:
        return "Reshape"

    @property
    def windows(self) -> None:
        return None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        top = tuple(size if isinstance(size, int) else prod(shape[axis] for axis in size) for size in self.sizes)
        if -1 in top and prod(shape) % -prod(top) == 0:
            top = tuple(prod(shape) // -prod(top) if size == -1 else size for size in top)
        if prod(top) != prod(shape):
            found, wanted = ("x".join(map(str, each)) for each in (shape, top))
            raise ShapeError(
                f"layer {self.name!r} makes {wanted} of {self.bottoms[0]!r}, which is {found} here: the size that the"
                " network was made for fits"
            )
        return [top]


@dataclass(frozen=True)
class ViewBack(Layer):
    """The first bottom's values with the axes of the second, whose values are not read."""

    bottoms_wanted: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def type(self) -> str:
        return "Reshape"

    @property
    def windows(self) -> None:
        return None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if prod(bottoms[0]) != prod(bottoms[1]):
            raise _misfit(self, *bottoms)
        return [bottoms[1]]


@dataclass(frozen=True)
class Reduce(Layer):
    """One value of all along some axes.

    Attributes
    ----------
    op : {"Mean", "Sum", "Max", "Min", "L2"}
    axes : tuple of int
        From 0 on.
    kept : bool
        Whether they stay, with size 1.
    """

    op: str
    axes: tuple[int, ...]
    kept: bool

    @property
    def type(self) -> str:
        return f"Reduce{self.op}"

    @property
    def windows(self) -> Windows | None:
        return POINT if self.kept and set(self.axes) <= {1} else None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        if max(self.axes, default=0) >= len(shape):
            raise _misfit(self, shape)
        if self.kept:
            return [tuple(1 if axis in self.axes else size for axis, size in enumerate(shape))]
        return [tuple(size for axis, size in enumerate(shape) if axis not in self.axes)]


@dataclass(frozen=True)
class Normalization(Layer):
    """``(x - mean) / sqrt(variance + eps)`` with what is found along some axes, times and plus weights.

    Attributes
    ----------
    op : str
        ONNX' name.
    axes : tuple of int
    eps : float
    weights : tuple of tuple of int
        Shapes of the factor and of the offset, where there are any; broadcast.
    """

    op: str
    axes: tuple[int, ...]
    eps: float
    weights: tuple[Shape, ...]

    @property
    def type(self) -> str:
        return self.op

    @property
    def windows(self) -> Windows | None:
        return POINT if self.axes == (1,) else None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        try:
            fits = np.broadcast_shapes(shape, *self.weights) == shape
        except ValueError:
            fits = False
        if not fits or max(self.axes) >= len(shape):
            raise _misfit(self, shape, *self.weights)
        return [shape]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return list(self.weights)


@dataclass(frozen=True)
class Part(Layer):
    """Of each axis the places that a slice names."""

    slices: tuple[slice, ...]

    @property
    def type(self) -> str:
        return "Slice"

    @property
    def windows(self) -> Windows | None:
        return POINT if all(each == slice(None) for each in self.slices[2:]) else None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        if len(self.slices) != len(shape):
            raise _misfit(self, shape)
        top = tuple(len(range(*each.indices(size))) for each, size in zip(self.slices, shape, strict=True))
        if 0 in top:
            raise _misfit(self, shape)
        return [top]


@dataclass(frozen=True)
class Pad(Layer):
    """More places before and behind each axis: of one number, or the values mirrored."""

    widths: tuple[Widths, ...]
    value: float
    reflect: bool

    @property
    def windows(self) -> Windows | None:
        if len(self.widths) != 4:
            return None
        return Window(pad=self.widths[2][0]), Window(pad=self.widths[3][0])

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        if len(self.widths) != len(shape):
            raise _misfit(self, shape)
        if self.reflect and any(max(pair) >= size for pair, size in zip(self.widths, shape, strict=True)):
            raise _misfit(self, shape)
        return [tuple(before + size + behind for (before, behind), size in zip(self.widths, shape, strict=True))]


@dataclass(frozen=True)
class MatMul(Layer):
    """Products of matrices, the last two axes; one of the operands may be a weight.

    Attributes
    ----------
    constant : tuple of int or None
        Shape of the weight; None: both are blobs.
    turned : bool
        Whether the weight is the first operand.
    """

    constant: Shape | None = None
    turned: bool = False

    bottoms_wanted: ClassVar[tuple[int, int]] = (1, 2)

    @property
    def windows(self) -> None:
        return None

    def operands(self, *bottoms: Any) -> tuple[Any, Any]:
        """Return the two operands' shapes, or values, of the bottoms' and the weight's."""
        first, second = reversed(bottoms) if self.turned else bottoms
        return first, second

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        first, second = self.operands(*bottoms, *self.param_shapes())
        try:
            batch = np.broadcast_shapes(first[:-2], second[:-2])
        except ValueError:
            raise _misfit(self, first, second) from None
        if min(len(first), len(second)) < 2 or first[-1] != second[-2]:
            raise _misfit(self, first, second)
        return [(*batch, first[-2], second[-1])]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [] if self.constant is None else [self.constant]

    def macs(self, *bottoms: Shape) -> int:
        first, _ = self.operands(*bottoms, *self.param_shapes())
        return prod(self.top_shapes(*bottoms)[0]) * int(first[-1])


@dataclass(frozen=True)
class Gather(Layer):
    """The places of one axis that indices name, which are put in the axis' place."""

    axis: int
    indices: NDArray[np.int64] = field(compare=False, repr=False)

    @property
    def windows(self) -> Windows | None:
        return POINT if self.axis == 1 and self.indices.ndim == 1 else None

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        (shape,) = bottoms
        size = shape[self.axis] if self.axis < len(shape) else 0
        if not ((self.indices >= 0) & (self.indices < size)).all():
            raise _misfit(self, shape)
        return [(*shape[: self.axis], *self.indices.shape, *shape[self.axis + 1 :])]


def _misfit(layer: Layer, *shapes: Shape) -> ShapeError:
    return ShapeError(f"layer {layer.name!r} ({layer.type}) does not fit {' and '.join(map(str, shapes))}")
