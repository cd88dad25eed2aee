"""Layers that only move values: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Diffs, Memo


class SplitRunner(Runner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Memo, *diffs: Array | None) -> Arrays:
        return (reduce(np.add, [diff for diff in diffs if diff is not None]),)


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
        return tops, tuple(top.shape for top in tops)

    def backward(self, memo: Memo, *diffs: Array | None) -> Arrays:
        parts = [np.zeros(shape, self.dtype) if diff is None else diff for shape, diff in zip(memo, diffs, strict=True)]
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
    layers.Parameter: ParameterRunner,
    layers.Reshape: RefoldedRunner,
    layers.Slice: SliceRunner,
    layers.Split: SplitRunner,
    layers.Tile: TileRunner,
}
