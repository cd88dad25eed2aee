"""Layers that only move values: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo


class SplitRunner(Runner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (reduce(np.add, diffs),)


class ConcatRunner(Runner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        ends = np.cumsum([bottom.shape[self.layer.axis] for bottom in bottoms])
        return (np.concatenate(bottoms, self.layer.axis),), (ends[:-1],)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return tuple(np.split(diffs[0], memo[0], self.layer.axis))


class FlattenRunner(Runner[layers.Flatten]):
    """Axes merged in Caffe's order."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        return (x.reshape(shape),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0].reshape(memo[0]),)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Concat: ConcatRunner,
    layers.Flatten: FlattenRunner,
    layers.Split: SplitRunner,
}
