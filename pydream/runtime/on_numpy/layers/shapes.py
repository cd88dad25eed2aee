"""Layers that only move values: two formulas each, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Diffs, Memo
from .windows import pad, reached, taps, unpad


class SplitRunner(Runner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Memo, *diffs: Array | None) -> Arrays:
        return (reduce(np.add, [diff for diff in diffs if diff is not None]),)


class OverwrittenRunner(Runner[layers.Overwritten]):
    """``y = x2`` in the shape of x1, ``dx1 = dy``."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (bottoms[1].reshape(bottoms[0].shape),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Diffs:
        return diffs[0], None


class ConcatRunner(Runner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        ends = np.cumsum([bottom.shape[self.layer.axis] for bottom in bottoms])
        return (np.concatenate(bottoms, self.layer.axis),), (ends[:-1],)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return tuple(np.split(diffs[0], memo[0], self.layer.axis))


class SliceRunner(Runner[layers.Slice]):
    """Parts of the bottom; the gradients side by side, 0 for a part that has none."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,), axis = bottoms, self.layer.axis
        ends = np.cumsum([top[axis] for top in self.layer.top_shapes(x.shape)])
        tops = tuple(np.split(x, ends[:-1], axis))
        return tops, tops

    def backward(self, memo: Memo, *diffs: Array | None) -> Arrays:
        parts = [np.zeros_like(top) if diff is None else diff for top, diff in zip(memo, diffs, strict=True)]
        return (np.concatenate(parts, self.layer.axis),)


class RefoldedRunner(Runner[layers.Refolded]):
    """The same values on other axes: Flatten and Reshape."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        return (x.reshape(shape),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0].reshape(memo[0]),)


class CropRunner(Runner[layers.Crop]):
    """A part of the first bottom; the gradient in a field of zeros. Of the second only the size counts."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        x, reference = bottoms
        (shape,) = self.layer.top_shapes(x.shape, reference.shape)
        part = tuple(slice(at, at + size) for at, size in zip(self.layer.begin(x.ndim), shape, strict=True))
        return (x[part],), (part, x.shape)

    def backward(self, memo: Memo, *diffs: Array) -> Diffs:
        part, shape = memo
        diff = np.zeros(shape, self.dtype)
        diff[part] = diffs[0]
        return diff, None


class TileRunner(Runner[layers.Tile]):
    """The bottom again and again; the gradients of all add up."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return (np.concatenate([x] * self.layer.tiles, self.layer.axis),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (reduce(np.add, np.split(diffs[0], self.layer.tiles, self.layer.axis)),)


class Im2colRunner(Runner[layers.Im2col]):
    """What each place of the kernel sees; what it saw gets its gradient back."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        padded = self.padded(x, shape)
        return (np.stack(list(self.taps(padded, shape)), axis=2).reshape(shape),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (shape,), (diff,) = memo, diffs
        padded = self.padded(np.zeros(shape, diff.dtype), diff.shape)
        columns = diff.reshape(*shape[:2], -1, *diff.shape[2:])
        for tap, view in enumerate(self.taps(padded, diff.shape)):
            view += columns[:, :, tap]
        return (unpad(padded, self.layer.pad, shape),)

    def padded(self, x: Array, top: tuple[int, ...]) -> Array:
        """Pad x as far as the windows of a top of that shape reach."""
        reach = self.layer.convolution.reach
        return pad(x, self.layer.pad, reached((top[2], top[3]), self.layer.stride, reach), 0)

    def taps(self, padded: Array, top: tuple[int, ...]) -> Iterator[Array]:
        """Yield what each place of the kernel sees, for a top of that shape."""
        return taps(padded, self.layer.kernel, self.layer.stride, self.layer.dilation, (top[2], top[3]))


class ParameterRunner(Runner[layers.Parameter]):
    """The weights."""

    def prepare(self, params: list[Array]) -> None:
        (self.values,) = params

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (self.values,), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return ()


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Concat: ConcatRunner,
    layers.Crop: CropRunner,
    layers.Flatten: RefoldedRunner,
    layers.Im2col: Im2colRunner,
    layers.Overwritten: OverwrittenRunner,
    layers.Parameter: ParameterRunner,
    layers.Reshape: RefoldedRunner,
    layers.Slice: SliceRunner,
    layers.Split: SplitRunner,
    layers.Tile: TileRunner,
}
