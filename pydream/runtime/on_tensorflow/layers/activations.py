"""Layers that work value by value: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner


class ReLURunner(TFRunner[layers.ReLU]):
    """``y = x`` where x > 0, else ``negative_slope * x``; the gradient at 0 is that of the negative side."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        slope = self.layer.negative_slope
        if slope == 0:
            top = self.tf.nn.relu(x)
            return (top,), (top,)
        top = self.tf.where(x > 0, x, slope * x)
        return (top,), (x,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (sign,), (diff,) = memo, diffs
        if self.layer.negative_slope == 0:
            return (self.tf.raw_ops.ReluGrad(gradients=diff, features=sign),)
        return (self.tf.where(sign > 0, diff, self.layer.negative_slope * diff),)


class SigmoidRunner(TFRunner[layers.Sigmoid]):
    """``y = 1 / (1 + exp(-x))``, ``dx = dy y (1 - y)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.sigmoid(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * memo[0] * (1 - memo[0]),)


class TanHRunner(TFRunner[layers.TanH]):
    """``y = tanh(x)``, ``dx = dy (1 - y^2)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.tanh(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * (1 - memo[0] * memo[0]),)


class PowerRunner(TFRunner[layers.Power]):
    """``y = (shift + scale x)^power``, ``dx = dy power scale (shift + scale x)^(power - 1)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        base = self.layer.shift + self.layer.scale * bottoms[0]
        return (base if self.layer.power == 1 else base**self.layer.power,), (base,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        power, scale = self.layer.power, self.layer.scale
        if power * scale == 0:  # a constant, also where its base is 0
            return (self.tf.zeros_like(diffs[0]),)
        return (diffs[0] * scale if power == 1 else diffs[0] * (power * scale) * memo[0] ** (power - 1),)


class DropoutRunner(TFRunner[layers.Dropout]):
    """The identity, at test time."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms, ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return diffs


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Dropout: DropoutRunner,
    layers.Power: PowerRunner,
    layers.ReLU: ReLURunner,
    layers.Sigmoid: SigmoidRunner,
    layers.TanH: TanHRunner,
}
