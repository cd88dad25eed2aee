"""Ops that TensorFlow runs itself: each has a rule for the shape of its output and what the values there see.

An op that is not in the table is never run, whatever a file says: it might read or write files.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ...errors import ShapeError
from ...runtime.layers import POINT, Shape, Window, Windows
from ...runtime.tf_layers import Operation, Padding, Rule
from .proto import NodeDef


def _integers(layer: Operation, place: int) -> list[int]:
    """Return a constant input with axes or sizes as a list."""
    values = layer.constants.get(place)
    if values is None or not np.issubdtype(values.dtype, np.integer) or values.size > 64:
        raise ShapeError(f"layer {layer.name!r} ({layer.op}): its input {place} is not a constant with sizes or axes")
    return [int(value) for value in values.reshape(-1)]


def _attribute(layer: Operation, name: str) -> list[int]:
    node = NodeDef.FromString(layer.node)
    found = [entry.value for entry in node.attr if entry.key == name]
    return [*found[0].list.i, *([found[0].i] if found[0].HasField("i") else [])] if found else []


def _axes(layer: Operation, axes: list[int], rank: int) -> list[int]:
    if not all(-rank <= axis < rank for axis in axes):
        raise ShapeError(f"layer {layer.name!r} ({layer.op}): no axes {axes} among {rank}")
    return [axis % rank for axis in axes]


def _misfit(layer: Operation, *bottoms: Shape) -> ShapeError:
    shapes = " and ".join(map(str, bottoms))
    return ShapeError(f"layer {layer.name!r} ({layer.op}) does not fit (n, h, w, c) {shapes}")


class Broadcast(Rule):
    """Value by value, of inputs that NumPy would broadcast."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        shapes = [*bottoms, *(values.shape for values in layer.constants.values())]
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise _misfit(layer, *shapes) from None


class Elsewhere(Rule):
    """Base of rules whose values have no place in the image any more."""

    def windows(self, layer: Operation) -> Windows | None:
        return None


class Reduction(Elsewhere):
    """Over the axes that the second input names."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,) = bottoms
        axes = _axes(layer, _integers(layer, 1), len(shape))
        if len(set(axes)) < len(axes):
            raise _misfit(layer, shape)
        node = NodeDef.FromString(layer.node)
        if any(entry.key == "keep_dims" and entry.value.b for entry in node.attr):
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def windows(self, layer: Operation) -> Windows | None:
        # Over the channels alone, which stay an axis.
        kept = any(entry.key == "keep_dims" and entry.value.b for entry in NodeDef.FromString(layer.node).attr)
        return POINT if kept and set(_integers(layer, 1)) <= {-1, 3} else None


class Reshape(Elsewhere):
    """To the shape that the second input is; one -1 stands for the rest."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        wanted, count = _integers(layer, 1), prod(bottoms[0])
        known = prod(size for size in wanted if size != -1)
        if wanted.count(-1) == 1 and known > 0:
            wanted[wanted.index(-1)] = count // known
        if min(wanted, default=1) < 1 or prod(wanted) != count:
            raise ShapeError(
                f"layer {layer.name!r} makes {'x'.join(map(str, _integers(layer, 1)))} of what {layer.bottoms[0]!r} is"
                " at the size that the network was made for; this size does not fit"
            )
        return tuple(wanted)


class Squeeze(Elsewhere):
    """Without the axes of size 1 that are named; without names the shape would depend on the size."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,) = bottoms
        gone = _axes(layer, _attribute(layer, "squeeze_dims"), len(shape))
        if not gone or any(shape[axis] != 1 for axis in gone):
            raise _misfit(layer, shape)
        return tuple(size for axis, size in enumerate(shape) if axis not in gone)


class ExpandDims(Elsewhere):
    """With one more axis, of size 1."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,) = bottoms
        (axis,) = _axes(layer, _integers(layer, 1), len(shape) + 1)
        return (*shape[:axis], 1, *shape[axis:])


class Pad(Rule):
    """More rows and columns around: of one number, or the image mirrored."""

    def _widths(self, layer: Operation) -> list[tuple[int, int]]:
        flat = _integers(layer, 1)
        if len(flat) % 2:
            raise ShapeError(f"layer {layer.name!r} ({layer.op}): {len(flat)} widths, expected two an axis")
        return list(zip(flat[::2], flat[1::2], strict=True))

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), widths = bottoms, self._widths(layer)
        if len(widths) != len(shape) or min(map(min, widths)) < 0:
            raise _misfit(layer, shape)
        if layer.op == "MirrorPad" and any(max(pair) >= size for pair, size in zip(widths, shape, strict=True)):
            raise _misfit(layer, shape)
        return tuple(before + size + behind for (before, behind), size in zip(widths, shape, strict=True))

    def windows(self, layer: Operation) -> Windows | None:
        widths = self._widths(layer)
        return (Window(pad=widths[1][0]), Window(pad=widths[2][0])) if len(widths) == 4 else None


class Transpose(Elsewhere):
    """The axes in another order."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), axes = bottoms, _integers(layer, 1)
        if sorted(axes) != list(range(len(shape))):
            raise _misfit(layer, shape)
        return tuple(shape[axis] for axis in axes)


class Resize(Elsewhere):
    """The image at another size."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), size = bottoms, _integers(layer, 1)
        if len(shape) != 4 or len(size) != 2 or min(size) < 1:
            raise _misfit(layer, shape)
        return (shape[0], *size, shape[3])


class Blocks(Elsewhere):
    """Between squares of pixels and channels."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), block = bottoms, max(_attribute(layer, "block_size"), default=0)
        fits = len(shape) == 4 and block > 1
        if fits and layer.op == "DepthToSpace" and shape[3] % block**2 == 0:
            return (shape[0], shape[1] * block, shape[2] * block, shape[3] // block**2)
        if fits and layer.op == "SpaceToDepth" and shape[1] % block == 0 == shape[2] % block:
            return (shape[0], shape[1] // block, shape[2] // block, shape[3] * block**2)
        raise _misfit(layer, shape)


class Split(Rule):
    """Parts of one size along the axis that the first input is."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), parts = bottoms, max(_attribute(layer, "num_split"), default=0)
        (axis,) = _axes(layer, _integers(layer, 0), len(shape))
        if parts < 1 or shape[axis] % parts or layer.output >= parts:
            raise _misfit(layer, shape)
        return tuple(size // parts if i == axis else size for i, size in enumerate(shape))

    def windows(self, layer: Operation) -> Windows | None:
        return POINT if _integers(layer, 0) in ([-1], [3]) else None


class Slice(Elsewhere):
    """A part; a size of -1 is all from there on."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), begin, size = bottoms, _integers(layer, 1), _integers(layer, 2)
        if len(begin) != len(shape) or len(size) != len(shape):
            raise _misfit(layer, shape)
        part = [whole - b if s == -1 else s for whole, b, s in zip(shape, begin, size, strict=True)]
        if any(b < 0 or s < 1 or b + s > whole for whole, b, s in zip(shape, begin, part, strict=True)):
            raise _misfit(layer, shape)
        return tuple(part)


WHOLE = slice(None, None, 1)  # all of an axis


class StridedSlice(Rule):
    """A part of each axis: from a place up to another, in steps; or one place, which takes the axis away."""

    def _places(self, layer: Operation, rank: int) -> list[int | slice]:
        begin, end, step = (_integers(layer, place) for place in (1, 2, 3))
        masks = {
            name: sum(_attribute(layer, f"{name}_mask"))
            for name in ("begin", "end", "shrink_axis", "ellipsis", "new_axis")
        }
        ellipses = masks["ellipsis"] & (masks["ellipsis"] - 1)  # more than one
        if not len(begin) == len(end) == len(step) <= rank or 0 in step or masks["new_axis"] or ellipses:
            raise ShapeError(f"layer {layer.name!r} ({layer.op}): its places do not fit {rank} axes")
        places: list[int | slice] = []
        for i, (first, behind, stride) in enumerate(zip(begin, end, step, strict=True)):
            if masks["ellipsis"] >> i & 1:
                places += [WHOLE] * (rank - len(begin) + 1)
            elif masks["shrink_axis"] >> i & 1:
                places.append(first)
            else:
                begins, ends = (masks[name] >> i & 1 for name in ("begin", "end"))
                places.append(slice(None if begins else first, None if ends else behind, stride))
        return places + [WHOLE] * (rank - len(places))

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,) = bottoms
        made = []
        for size, place in zip(shape, self._places(layer, len(shape)), strict=True):
            if isinstance(place, slice):
                made.append(len(range(*place.indices(size))))
            elif not -size <= place < size:
                raise _misfit(layer, shape)
        if min(made, default=1) < 1:
            raise _misfit(layer, shape)
        return tuple(made)

    def windows(self, layer: Operation) -> Windows | None:
        try:
            places = self._places(layer, 4)  # of an image
        except ShapeError:
            return None
        windows = []
        for place in places[1:3]:
            if not isinstance(place, slice) or min(place.start or 0, -(place.stop or 0), place.step) < 0:
                return None
            # As a convolution that takes one of its pixels: it too has no values where some are outside.
            windows.append(Window(1 + (place.start or 0) - (place.stop or 0), place.step))
        return (windows[0], windows[1]) if all(isinstance(place, slice) for place in places) else None


class Tile(Elsewhere):
    """Several times along each axis."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), times = bottoms, _integers(layer, 1)
        if len(times) != len(shape) or min(times, default=1) < 1:
            raise _misfit(layer, shape)
        return tuple(size * each for size, each in zip(shape, times, strict=True))


class Transposed(Elsewhere):
    """A transposed convolution: to the size that the first input is, with the kernel that the second is."""

    def top_shape(self, layer: Operation, *bottoms: Shape) -> Shape:
        (shape,), wanted, kernel = bottoms, _integers(layer, 0), layer.constants.get(1)
        strides, dilations = _attribute(layer, "strides"), _attribute(layer, "dilations") or [1, 1, 1, 1]
        if kernel is None or not len(shape) == len(wanted) == kernel.ndim == len(strides) == len(dilations) == 4:
            raise _misfit(layer, shape)
        if (wanted[0], shape[3], wanted[3]) != (shape[0], *kernel.shape[:1:-1]) or min(wanted) < 1:
            raise _misfit(layer, shape)
        explicit = _attribute(layer, "explicit_paddings") or [0] * 8
        padding = [e.value.s for e in NodeDef.FromString(layer.node).attr if e.key == "padding"]
        for axis in (1, 2):
            around = Padding(explicit[2 * axis], explicit[2 * axis + 1], padding == [b"SAME"])
            reach = dilations[axis] * (kernel.shape[axis - 1] - 1) + 1
            if around.windows(wanted[axis], reach, strides[axis]) != shape[axis]:
                raise _misfit(layer, shape)
        return tuple(wanted)


_SINGLE = """
    Abs Asinh Atan Cos Cosh Elu Erf Erfc Exp Expm1 Inv LeakyRelu Log Log1p LogSoftmax Neg Reciprocal Relu Relu6 Rsqrt
    Selu Sigmoid Sin Sinh Softmax Softplus Softsign Sqrt Square StopGradient Tan Tanh
"""
_TOGETHER = """
    Add AddV2 BiasAdd ClipByValue Div DivNoNan Maximum Minimum Mul Pow RealDiv SquaredDifference Sub
"""

OPS: dict[str, Rule] = {
    **dict.fromkeys(_SINGLE.split(), Rule()),
    **dict.fromkeys(_TOGETHER.split(), Broadcast()),
    **dict.fromkeys(["Max", "Mean", "Min", "Prod", "Sum"], Reduction()),
    **dict.fromkeys(["MirrorPad", "Pad", "PadV2"], Pad()),
    **dict.fromkeys(["ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor"], Resize()),
    **dict.fromkeys(["DepthToSpace", "SpaceToDepth"], Blocks()),
    "ExpandDims": ExpandDims(),
    "Reshape": Reshape(),
    "Slice": Slice(),
    "Conv2DBackpropInput": Transposed(),
    "Split": Split(),
    "Squeeze": Squeeze(),
    "StridedSlice": StridedSlice(),
    "Tile": Tile(),
    "Transpose": Transpose(),
}
