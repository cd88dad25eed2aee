"""Layers that go along whole axes: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import caffe_order, sizes, tf_axis, tf_order


class SoftmaxRunner(TFRunner[layers.Softmax]):
    """``y = exp(x) / sum exp(x)``, ``dx = (dy - sum(dy y)) y``."""

    memory = ("top",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.nn.softmax(bottoms[0], tf_axis(self.layer.axis, bottoms[0].shape.rank))
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (top,), (diff,) = memo, diffs
        axis = tf_axis(self.layer.axis, diff.shape.rank)
        return ((diff - self.tf.reduce_sum(diff * top, axis, keepdims=True)) * top,)


class ReductionRunner(TFRunner[layers.Reduction]):
    """``y = coeff sum f(x)`` over an axis and all behind it, ``dx = coeff dy f'(x)``; MEAN is divided by the count."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, x = self.tf, caffe_order(self.tf, bottoms[0])
        values = {"ASUM": tf.abs(x), "SUMSQ": x * x}.get(self.layer.operation, x)
        reduce = tf.reduce_mean if self.layer.operation == "MEAN" else tf.reduce_sum
        top = reduce(values, self._axes(x)) * self.layer.coeff
        return (tf_order(tf, top),), bottoms

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, x = self.tf, caffe_order(self.tf, memo[0])
        share = tf.reshape(caffe_order(tf, diffs[0]), self._kept(x)) * self.layer.coeff
        if self.layer.operation == "MEAN":
            share /= tf.cast(tf.reduce_prod(tf.shape(x)[self._axes(x)[0] :]), share.dtype)
        slope = {"ASUM": tf.sign(x), "SUMSQ": 2 * x}.get(self.layer.operation, tf.ones_like(x))
        return (tf_order(tf, share * slope),)

    def _axes(self, x: Tensor) -> list[int]:
        return list(range(self.layer.axis % x.shape.rank, x.shape.rank))

    def _kept(self, x: Tensor) -> list[Any]:
        axes = self._axes(x)
        return [*sizes(self.tf, x)[: axes[0]], *[1] * len(axes)]


class ArgMaxRunner(TFRunner[layers.ArgMax]):
    """The places of the largest values, the largest first, of equal ones the last; no gradient."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,), k = self.tf, bottoms, self.layer.top_k
        if self.layer.axis is None:
            values = tf.reshape(caffe_order(tf, x), (tf.shape(x)[0], -1))
        else:
            axis = tf_axis(self.layer.axis, x.shape.rank)
            order = [other for other in range(x.shape.rank) if other != axis] + [axis]
            values = tf.transpose(x, order)
        # Of equal values top_k takes the first.
        best, behind = tf.math.top_k(tf.reverse(values, [-1]), k)
        places = tf.cast(tf.shape(values)[-1] - 1 - behind, x.dtype)
        if self.layer.axis is None:
            top = tf.stack([places, best] if self.layer.values else [places], 1)
            top = tf.reshape(top, [*sizes(tf, top), *[1] * (x.shape.rank - 3)])
            return (tf_order(tf, top),), ()
        top = best if self.layer.values else places
        return (tf.transpose(top, np.argsort(order)),), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (None,)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.ArgMax: ArgMaxRunner,
    layers.Reduction: ReductionRunner,
    layers.Softmax: SoftmaxRunner,
}
