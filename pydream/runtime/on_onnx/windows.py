"""Windows over maps of any height and width: the sizes are computed in the graph, where they are not known before.

`taps` are what the places of a kernel see as it moves; `spread` adds up what they give back. An extent is a height and
a width: an array where both are known, else a value of the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .. import onnx_layers, tf_layers
from ..layers import Pooling
from .nodes import Nodes
from .traced import Open, OpenSizeError, Shape, Traced, Value, as_traced, joined

Pair = tuple[int, int]  # (vertical, horizontal)
Extent = Any  # an array of two int64, or a Traced one

_SPACE = np.array([2, 3], np.int64)  # the axes of height and width


def extent(shape: Shape) -> Extent:
    """Return the height and the width of maps of a shape."""
    height, width = shape[2:]
    if not (isinstance(height, Open) or isinstance(width, Open)):
        return np.array([height, width], np.int64)
    found = getattr(height, "extent", None)
    if found is None or getattr(width, "extent", None) is not found or (height.axis, width.axis) != (0, 1):
        raise OpenSizeError
    return found


def sized(found: Extent) -> Shape:
    """Return an extent as two sizes of a shape."""
    if isinstance(found, Traced):
        return Open(found, 0), Open(found, 1)
    return tuple(int(size) for size in found)


def pooled(layer: Pooling, size: Extent) -> tuple[Extent, Extent]:
    """Compute the padding before a map of that extent, and the extent of what a pooling makes of it.

    Known sizes are the layer's; of open ones it is the same formula as `out_size` of each type of layer.
    """
    if not isinstance(size, Traced):
        height, width = map(int, size)
        if isinstance(layer, tf_layers.MaxPool):
            both = zip(layer.padding, (height, width), layer.kernel, layer.stride, strict=True)
            before = np.array([padding.at(*rest)[0] for padding, *rest in both], np.int64)
        else:
            before = np.array(layer.pad, np.int64)
        return before, np.array(layer.top_shapes((1, 1, height, width))[0][2:], np.int64)
    kernel, stride = np.array(layer.kernel, np.int64), np.array(layer.stride, np.int64)
    if isinstance(layer, tf_layers.MaxPool):
        return padded_as(layer.padding, layer.kernel, layer.stride, size)
    sides = layer.padding if isinstance(layer, onnx_layers.Pool) else [(pad, pad) for pad in layer.pad]
    before, behind = np.array(sides, np.int64).T
    room = size + (before + behind - kernel)
    out = (room + (stride - 1) * layer.round_up) // stride + 1
    if layer.round_up and (isinstance(layer, onnx_layers.Pool) or before.any()):
        out = out - ((out - 1) * stride >= size + before).astype(np.int64)
    return before, out


def padded_as(
    padding: Sequence[tf_layers.Padding], reach: Sequence[int], stride: Sequence[int], size: Traced
) -> tuple[Extent, Extent]:
    """Compute the rows and columns before an open map, and the number of windows, as TensorFlow does."""
    same = np.array([each.same for each in padding])
    reaches, strides = np.array(reach, np.int64), np.array(stride, np.int64)
    written = np.array([[each.before, each.behind] for each in padding], np.int64)
    valid = (size + (written.sum(1) - reaches)) // strides + 1
    if not same.any():
        return written[:, 0], valid
    out = (size + (strides - 1)) // strides
    if (strides == 1).all():  # as many at any size
        before = np.where(same, (reaches - 1) // 2, written[:, 0])
        return before, np.where(same, 1, 0) * size + np.where(same, 0, 1) * valid
    needed = np.maximum((out - 1) * strides + reaches - size, np.zeros(2, np.int64))
    before = needed // np.array([2, 2])
    if same.all():
        return before, out
    whole = same.astype(np.int64)
    return before * whole + written[:, 0] * (1 - whole), out * whole + valid * (1 - whole)


def pad(x: Value, before: Extent, size: Extent, filler: float) -> Value:
    """Put x into a map that begins `before` it, below 0 behind its first place, and has the extent `size`."""
    behind = size - extent(x.shape) - before
    if not isinstance(before, Traced) and not isinstance(behind, Traced):
        if not (before.any() or behind.any()):
            return x
        pads: Any = np.concatenate([[0, 0], before, [0, 0], behind]).astype(np.int64)
    else:
        none = np.zeros(2, np.int64)
        pads = joined([none, before, none, behind])
    return x.op("Pad", pads, x.like(filler), shape=(*x.shape[:2], *sized(size)), mode="constant")


def placed(part: Value, before: Extent, shape: Shape) -> Value:
    """Put the gradient of a part, which begins at `before`, into a field of zeros of a shape."""
    found = pad(part, before, extent(shape), 0)
    return Traced(found.nodes, found.name, shape, found.dtype)


def padded_for(
    x: Value, kernel: Pair, stride: Pair, dilation: Pair, before: Extent, out: Extent, filler: float
) -> Value:
    """Put x into a map of whole strides that `out` windows fit into, which begins `before` it."""
    return pad(x, before, (out + _shifts(kernel, stride, dilation)) * np.array(stride, np.int64), filler)


def taps(padded: Value, kernel: Pair, stride: Pair, dilation: Pair, out: Extent) -> list[Value]:
    """Return what each place of the kernel sees of a map that `padded_for` made, row by row.

    The places are taken apart into phases, those of a remainder by the stride: in each the taps lie side by side, where
    slices with a step take many times as long.
    """
    shape = (*padded.shape[:2], *sized(out))
    phases = _phases(padded, stride, out + _shifts(kernel, stride, dilation))
    found = []
    for _, shift, phase in _steps(kernel, stride, dilation):
        found.append(phases[phase].op("Slice", shift, out + shift, _SPACE, shape=shape))
    return found


def spread(parts: Sequence[Value], kernel: Pair, stride: Pair, dilation: Pair, before: Extent, shape: Shape) -> Value:
    """Add up at each place of maps what the taps that saw it give back: the gradient of padding and `taps`."""
    wide = extent(parts[0].shape) + _shifts(kernel, stride, dilation)
    phases: dict[tuple[int, ...], list[Value]] = {phase: [] for phase in np.ndindex(*stride)}
    for tap, shift, phase in _steps(kernel, stride, dilation):
        phases[phase].append(pad(parts[tap], shift, wide, 0))
    some = next(found[0] for found in phases.values() if found)
    sums = [reduce(np.add, found) if found else np.zeros_like(some) for found in phases.values()]
    if len(sums) == 1:
        return placed(sums[0], -before, shape)
    together, channels = joined(sums, 1), shape[1]
    whole = wide * np.array(stride, np.int64)
    if stride[0] == stride[1]:
        maps = (shape[0], channels, *sized(whole))
        interleaved = together.op("DepthToSpace", shape=maps, blocksize=stride[0], mode="DCR")
    else:
        apart = refolded(together, (*stride, channels), wide)
        interleaved = refolded(apart.transpose(2, 3, 0, 4, 1), (1, channels), whole)
    return placed(interleaved, -before, shape)


def _shifts(kernel: Pair, stride: Pair, dilation: Pair) -> Any:
    """Return how many whole strides the last tap lies behind the first."""
    return np.array([(k - 1) * d // s for k, s, d in zip(kernel, stride, dilation, strict=True)], np.int64)


def _steps(kernel: Pair, stride: Pair, dilation: Pair) -> Iterator[tuple[int, Any, tuple[int, ...]]]:
    """Yield each tap's number, the whole strides that it is shifted by, and what remains: its phase."""
    for tap, place in enumerate(np.ndindex(*kernel)):
        both = [divmod(i * d, s) for i, d, s in zip(place, dilation, stride, strict=True)]
        yield tap, np.array([each for each, _ in both], np.int64), tuple(phase for _, phase in both)


def _phases(padded: Value, stride: Pair, wide: Extent) -> dict[tuple[int, ...], Value]:
    """Take a map of whole strides apart."""
    if stride == (1, 1):
        return {(0, 0): padded}
    batch, channels = padded.shape[:2]
    count, maps = stride[0] * stride[1], (channels * stride[0] * stride[1], *sized(wide))
    if stride[0] == stride[1]:
        deep = padded.op("SpaceToDepth", shape=(batch, *maps), blocksize=stride[0])
    else:
        rows, columns = (wide[axis : axis + 1] for axis in (0, 1))
        numbers = [np.array([each], np.int64) for each in (channels, *stride)]
        sizes = [numbers[0], rows, numbers[1], columns, numbers[2]]
        shape = joined(sizes) if isinstance(wide, Traced) else np.concatenate(sizes)
        height, width = sized(wide)
        apart = padded.op("Reshape", shape, shape=(channels, height, stride[0], width, stride[1]))
        deep = refolded(apart.transpose(2, 4, 0, 1, 3), (1, maps[0]), wide)
    return dict(zip(np.ndindex(*stride), np.split(deep, count, 1), strict=True))


def refolded(x: Value, leading: Sequence[int], size: Extent) -> Value:
    """Return the values of x on some known axes and those of an extent."""
    first = np.array(leading, np.int64)
    shape = joined([first, size]) if isinstance(size, Traced) else np.concatenate([first, size])
    return x.op("Reshape", shape, shape=(*leading, *sized(size)))


def flattened(x: Value, *leading: int) -> Value:
    """Return the values of x on some known axes and one for all others."""
    rest = Open() if any(isinstance(size, Open) for size in x.shape) else x.size // int(np.prod(leading))
    return x.op("Reshape", np.array([*leading, -1], np.int64), shape=(*leading, rest))


def ones(nodes: Nodes, size: Extent, dtype: np.dtype[Any]) -> Value:
    """Return a map of ones, (1, 1, h, w)."""
    if isinstance(size, Traced):
        return as_traced(nodes, np.ones((1, 1, 1, 1), dtype)).op("Expand", size, shape=(1, 1, *sized(size)))
    return as_traced(nodes, np.ones((1, 1, *size), dtype))
