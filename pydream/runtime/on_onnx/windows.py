"""Windows over maps of any height and width: the sizes are computed in the graph, where they are not known before.

`taps` are what the places of a kernel see as it moves; `spread` adds up what they give back. An extent is a height and
a width: an array where both are known, else a value of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

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


def pad(x: Value, before: Extent, size: Extent, filler: float, fits: bool | None = None) -> Value:
    """Put x into a map that begins `before` it, below 0 behind its first place, and has the extent `size`.

    `fits`: whether x is known to end within it (True), or to reach to its end or beyond (False). A Pad with widths
    below 0 would do as well, but not everything that runs ONNX has it.
    """
    own, end, none = extent(x.shape), size - before, np.zeros(2, np.int64)
    if not any(isinstance(each, Traced) for each in (own, end)):
        fits = True if (own <= end).all() else False if (own >= end).all() else None
        if (own == end).all() and not before.any():
            return x
    first, ahead = np.maximum(-before, none), np.maximum(before, none)
    inside = own if fits else end if fits is False else np.minimum(own, end)
    if fits is not True or isinstance(first, Traced) or first.any():
        x = x.op("Slice", first, inside, _SPACE, shape=(*x.shape[:2], *sized(inside - first)))
    if fits is not False or isinstance(ahead, Traced) or ahead.any():
        pads = [none, ahead, none, end - inside]
        open_sizes = any(isinstance(each, Traced) for each in pads)
        widths = joined(pads) if open_sizes else np.concatenate(pads)
        x = x.op("Pad", widths, x.like(filler), shape=(*x.shape[:2], *sized(size)), mode="constant")
    return x


def placed(part: Value, before: Extent, shape: Shape, fits: bool | None = None) -> Value:
    """Put the gradient of a part, which begins at `before`, into a field of zeros of a shape; `fits` as in `pad`."""
    found = pad(part, before, extent(shape), 0, fits)
    return Traced(found.nodes, found.name, shape, found.dtype)


class Sliding(NamedTuple):
    """Windows that slide over maps.

    Attributes
    ----------
    kernel, stride, dilation : (int, int)
    before : extent
        The padding before the maps.
    out : extent
        How many windows there are.
    whole : bool
        Whether no place of the maps is left over behind the last window.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Extent
    out: Extent
    whole: bool

    @property
    def shifts(self) -> Any:
        """How many whole strides the last tap lies behind the first."""
        both = zip(self.kernel, self.stride, self.dilation, strict=True)
        return np.array([(k - 1) * d // s for k, s, d in both], np.int64)

    @property
    def wide(self) -> Extent:
        """The extent of a phase: of the places of one remainder by the stride that the windows see."""
        return self.out + self.shifts

    @property
    def steps(self) -> list[tuple[Any, tuple[int, ...]]]:
        """The whole strides that each tap is shifted by, and what remains: its phase."""
        found = []
        for place in np.ndindex(*self.kernel):
            both = [divmod(i * d, s) for i, d, s in zip(place, self.dilation, self.stride, strict=True)]
            found.append((np.array([each for each, _ in both], np.int64), tuple(phase for _, phase in both)))
        return found

    @property
    def fits(self) -> bool | None:
        """Whether the maps end within the phases, as far as it is known."""
        return True if self.whole else None

    def padded(self, x: Value, filler: float) -> Value:
        """Put x into a map of whole strides that the windows fit into."""
        return pad(x, self.before, self.wide * np.array(self.stride, np.int64), filler, self.fits)


def taps(padded: Value, window: Sliding) -> list[Value]:
    """Return what each place of the kernel sees of a map that `Sliding.padded` made, row by row.

    The places are taken apart into phases: in each the taps lie side by side, where slices with a step take many times
    as long.
    """
    shape, phases = (*padded.shape[:2], *sized(window.out)), _phases(padded, window)
    return [phases[phase].op("Slice", shift, window.out + shift, _SPACE, shape=shape) for shift, phase in window.steps]


def spread(parts: Sequence[Value], window: Sliding, shape: Shape) -> Value:
    """Add up at each place of maps what the taps that saw it give back: the gradient of padding and `taps`."""
    stride, wide = window.stride, window.wide
    phases: dict[tuple[int, ...], list[Value]] = {phase: [] for phase in np.ndindex(*stride)}
    for part, (shift, phase) in zip(parts, window.steps, strict=True):
        phases[phase].append(pad(part, shift, wide, 0, fits=True))
    some = next(found[0] for found in phases.values() if found)
    sums = [reduce(np.add, found) if found else np.zeros_like(some) for found in phases.values()]
    together, channels, whole = sums[0], shape[1], wide * np.array(stride, np.int64)
    if len(sums) > 1 and stride[0] == stride[1]:
        maps = (shape[0], channels, *sized(whole))
        together = joined(sums, 1).op("DepthToSpace", shape=maps, blocksize=stride[0], mode="DCR")
    elif len(sums) > 1:
        apart = refolded(joined(sums, 1), (*stride, channels), wide)
        together = refolded(apart.transpose(2, 3, 0, 4, 1), (1, channels), whole)
    return placed(together, -window.before, shape, False if window.whole else None)


def _phases(padded: Value, window: Sliding) -> dict[tuple[int, ...], Value]:
    """Take a map of whole strides apart."""
    stride, wide = window.stride, window.wide
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
