"""Layers that only move values: two formulas each, in TensorFlow."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import tf_axis


class SplitRunner(TFRunner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (reduce(lambda a, b: a + b, diffs),)


class ConcatRunner(TFRunner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        axis = tf_axis(self.layer.axis, bottoms[0].shape.rank)
        return (self.tf.concat(bottoms, axis),), tuple(self.tf.shape(bottom)[axis] for bottom in bottoms)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        axis = tf_axis(self.layer.axis, diffs[0].shape.rank)
        return tuple(self.tf.split(diffs[0], self.tf.stack(memo), axis, num=len(memo)))


class FlattenRunner(TFRunner[layers.Flatten]):
    """Axes merged in Caffe's order."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,) = self.tf, bottoms
        rank = x.shape.rank
        first, behind = self.layer.span(rank)
        known = [x.shape[tf_axis(axis, rank)] for axis in range(rank)]
        if rank == 4:
            x = tf.transpose(x, (0, 3, 1, 2))
        shape = tf.shape(x)
        top = tf.reshape(x, tf.concat((shape[:first], [-1], shape[behind:]), 0))
        merged = known[first:behind]
        top.set_shape((*known[:first], None if None in merged else int(np.prod(merged)), *known[behind:]))
        return (tf.transpose(top, (0, 2, 3, 1)) if top.shape.rank == 4 else top,), (shape,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,), (diff,) = self.tf, memo, diffs
        if diff.shape.rank == 4:
            diff = tf.transpose(diff, (0, 3, 1, 2))
        diff = tf.reshape(diff, shape)
        return (tf.transpose(diff, (0, 2, 3, 1)) if shape.shape[0] == 4 else diff,)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Concat: ConcatRunner,
    layers.Flatten: FlattenRunner,
    layers.Split: SplitRunner,
}
