"""Layers that go along whole axes: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import tf_axis


class SoftmaxRunner(TFRunner[layers.Softmax]):
    """``y = exp(x) / sum exp(x)``, ``dx = (dy - sum(dy y)) y``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.nn.softmax(bottoms[0], tf_axis(self.layer.axis, bottoms[0].shape.rank))
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (top,), (diff,) = memo, diffs
        axis = tf_axis(self.layer.axis, diff.shape.rank)
        return ((diff - self.tf.reduce_sum(diff * top, axis, keepdims=True)) * top,)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Softmax: SoftmaxRunner,
}
