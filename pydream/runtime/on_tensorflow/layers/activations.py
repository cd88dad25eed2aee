"""Layers that work value by value: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import along


class ReLURunner(TFRunner[layers.ReLU]):
    """``y = x`` where x > 0, else ``negative_slope * x``; the gradient at 0 is that of the negative side."""

    memory = ("bottom",)

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

    memory = ("top",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.sigmoid(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * memo[0] * (1 - memo[0]),)


class TanHRunner(TFRunner[layers.TanH]):
    """``y = tanh(x)``, ``dx = dy (1 - y^2)``."""

    memory = ("top",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.tanh(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * (1 - memo[0] * memo[0]),)


class PowerRunner(TFRunner[layers.Power]):
    """``y = v^power`` with ``v = shift + scale x``, ``dx = dy power scale y / v``.

    In place Caffe writes the slope over dy before it multiplies: the slope comes out squared.
    """

    memory = ("bottom", "top")

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        inner = self.layer.shift + self.layer.scale * bottoms[0]
        if self.layer.power == 1:
            return (inner,), ()
        top = inner**self.layer.power
        return (top,), (bottoms[0], top)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff,) = diffs
        slope = self.slope(*memo)
        return (diff * slope if not self.layer.in_place else self.tf.zeros_like(diff) + slope * slope,)

    def slope(self, *memo: Tensor) -> Tensor | float:
        """Compute what the gradient is multiplied with, as Caffe does: without a value where y and v are 0."""
        power, scale, shift = self.layer.power, self.layer.scale, self.layer.shift
        if power == 1 or power * scale == 0:  # a constant, also where v is 0
            return power * scale
        x, top = memo
        if power == 2:
            return power * scale * (scale * x + shift)
        return power * top / x if shift == 0 else power * scale * top / (shift + scale * x)


class ExpRunner(TFRunner[layers.Exp]):
    """``y = base^(shift + scale x)``, ``dx = dy y log(base) scale``."""

    memory = ("top",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.exp(self.layer.log_base * self.layer.scale * bottoms[0]) * self.layer.outer
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * memo[0] * (self.layer.log_base * self.layer.scale),)


class LogRunner(TFRunner[layers.Log]):
    """``y = log(shift + scale x) / log(base)``, ``dx = dy scale / (log(base) (shift + scale x))``.

    In place Caffe writes the slope over dy before it multiplies: the slope comes out squared.
    """

    memory = ("bottom",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        inner = self.layer.shift + self.layer.scale * bottoms[0]
        return (self.tf.math.log(inner) / self.layer.log_base,), (bottoms[0],)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        inner = self.layer.shift + self.layer.scale * memo[0]
        slope = self.layer.scale / self.layer.log_base / inner
        return (slope * (slope if self.layer.in_place else diffs[0]),)


class PReLURunner(TFRunner[layers.PReLU]):
    """``y = x`` where x > 0, else ``slope x``; the gradient at 0 is that of the negative side."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        (self.slope,) = params

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        return (self.tf.where(x > 0, x, self._along(x) * x),), (x,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (x,), (diff,) = memo, diffs
        return (self.tf.where(x > 0, diff, self._along(x) * diff),)

    def _along(self, x: Tensor) -> Tensor:
        """Lay the slopes along the channel axis of `x`."""
        return self.constant(along(self.slope, 1, x.shape.rank))


class ELURunner(TFRunner[layers.ELU]):
    """``y = x`` where x > 0, else ``alpha (exp(x) - 1)``; ``dx = dy``, else ``dy (alpha + y)``."""

    memory = ("bottom", "top")

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        top = self.tf.where(x > 0, x, self.layer.alpha * (self.tf.exp(self.tf.minimum(x, 0)) - 1))
        return (top,), (x, top)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (x, top), (diff,) = memo, diffs
        return (self.tf.where(x > 0, diff, diff * (self.layer.alpha + top)),)


class AbsValRunner(TFRunner[layers.AbsVal]):
    """``y = |x|``, ``dx = dy sign(x)``, 0 at 0."""

    memory = ("bottom",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return (self.tf.abs(bottoms[0]),), bottoms

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * self.tf.sign(memo[0]),)


class BNLLRunner(TFRunner[layers.BNLL]):
    """``y = log(1 + exp(x))``, ``dx = dy e / (e + 1)`` with ``e = exp(min(x, 50))``."""

    memory = ("bottom",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        return (self.tf.maximum(x, 0) + self.tf.math.log(1 + self.tf.exp(-self.tf.abs(x))),), (x,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        power = self.tf.exp(self.tf.minimum(memo[0], 50))
        return (diffs[0] * power / (power + 1),)


class ThresholdRunner(TFRunner[layers.Threshold]):
    """``y = 1`` where x > threshold, else 0; no gradient."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return (self.tf.cast(bottoms[0] > self.layer.threshold, self.dtype),), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (None,)


class ClipRunner(TFRunner[layers.Clip]):
    """``y = max(least, min(x, most))``, ``dx = dy`` where x is between them or one of them, else 0."""

    memory = ("bottom",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return (self.tf.clip_by_value(bottoms[0], self.layer.least, self.layer.most),), bottoms

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        inside = (memo[0] >= self.layer.least) & (memo[0] <= self.layer.most)
        return (self.tf.where(inside, diffs[0], self.tf.zeros_like(diffs[0])),)


class SwishRunner(TFRunner[layers.Swish]):
    """``y = x s`` with ``s = 1 / (1 + exp(-beta x))``, ``dx = dy (beta y + s (1 - beta y))``."""

    memory = ("top",)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        gate = self.tf.sigmoid(self.layer.beta * bottoms[0])
        top = bottoms[0] * gate
        return (top,), (top, gate)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        top, gate = memo
        passed = self.layer.beta * top
        return (diffs[0] * (passed + gate * (1 - passed)),)


class DropoutRunner(TFRunner[layers.Dropout]):
    """The identity, at test time."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms, ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return diffs


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.BNLL: BNLLRunner,
    layers.ELU: ELURunner,
    layers.AbsVal: AbsValRunner,
    layers.Clip: ClipRunner,
    layers.Dropout: DropoutRunner,
    layers.Exp: ExpRunner,
    layers.Log: LogRunner,
    layers.PReLU: PReLURunner,
    layers.Power: PowerRunner,
    layers.ReLU: ReLURunner,
    layers.Sigmoid: SigmoidRunner,
    layers.Swish: SwishRunner,
    layers.TanH: TanHRunner,
    layers.Threshold: ThresholdRunner,
}
