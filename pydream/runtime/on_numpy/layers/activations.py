"""Layers that work value by value: two formulas each, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Diffs, Memo


class ReLURunner(Runner[layers.ReLU]):
    """``y = x`` where x > 0, else ``negative_slope * x``; the gradient at 0 is that of the negative side."""

    memory = ("bottom",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return (self.slope(x, x),), (x,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (self.slope(memo[0], diffs[0]),)

    def slope(self, x: Array, values: Array) -> Array:
        """``values`` where x > 0, else ``negative_slope * values``."""
        if self.layer.negative_slope == 0:  # 0 times infinity would be NaN
            return np.where(x > 0, values, values.dtype.type(0))
        return np.where(x > 0, values, self.layer.negative_slope * values)


class SigmoidRunner(Runner[layers.Sigmoid]):
    """``y = 1 / (1 + exp(-x))``, ``dx = dy y (1 - y)``."""

    memory = ("top",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = 1 / (1 + np.exp(-bottoms[0]))
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * memo[0] * (1 - memo[0]),)


class TanHRunner(Runner[layers.TanH]):
    """``y = tanh(x)``, ``dx = dy (1 - y^2)``."""

    memory = ("top",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = np.tanh(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * (1 - memo[0] * memo[0]),)


class PowerRunner(Runner[layers.Power]):
    """``y = v^power`` with ``v = shift + scale x``, ``dx = dy power scale y / v``.

    In place Caffe writes the slope over dy before it multiplies: the slope comes out squared.
    """

    memory = ("bottom", "top")

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        inner = self.layer.shift + self.layer.scale * bottoms[0]
        if self.layer.power == 1:
            return (inner,), ()
        top = inner**self.layer.power
        return (top,), (bottoms[0], top)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (diff,) = diffs
        slope = self.slope(*memo)
        return (diff * slope if not self.layer.in_place else np.zeros_like(diff) + slope * slope,)

    def slope(self, *memo: Array) -> Array | float:
        """Compute what the gradient is multiplied with, as Caffe does: without a value where y and v are 0."""
        power, scale, shift = self.layer.power, self.layer.scale, self.layer.shift
        if power == 1 or power * scale == 0:  # a constant, also where v is 0
            return power * scale
        x, top = memo
        if power == 2:
            return power * scale * (scale * x + shift)
        return power * top / x if shift == 0 else power * scale * top / (shift + scale * x)


class ExpRunner(Runner[layers.Exp]):
    """``y = base^(shift + scale x)``, ``dx = dy y log(base) scale``."""

    memory = ("top",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = np.exp(self.layer.log_base * self.layer.scale * bottoms[0]) * self.layer.outer
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * memo[0] * (self.layer.log_base * self.layer.scale),)


class LogRunner(Runner[layers.Log]):
    """``y = log(shift + scale x) / log(base)``, ``dx = dy scale / (log(base) (shift + scale x))``.

    In place Caffe writes the slope over dy before it multiplies: the slope comes out squared.
    """

    memory = ("bottom",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        inner = self.layer.shift + self.layer.scale * bottoms[0]
        return (np.log(inner) / self.layer.log_base,), (bottoms[0],)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        inner = self.layer.shift + self.layer.scale * memo[0]
        slope = self.layer.scale / self.layer.log_base / inner
        return (slope * (slope if self.layer.in_place else diffs[0]),)


class PReLURunner(Runner[layers.PReLU]):
    """``y = x`` where x > 0, else ``slope x``; the gradient at 0 is that of the negative side."""

    def prepare(self, params: list[Array]) -> None:
        (self.slope,) = params

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return (np.where(x > 0, x, self.along(x) * x),), (x,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (x,), (diff,) = memo, diffs
        return (np.where(x > 0, diff, self.along(x) * diff),)

    def along(self, x: Array) -> Array:
        """Lay the slopes along the channel axis of `x`."""
        return self.slope.reshape(-1, *[1] * (x.ndim - 2))


class ELURunner(Runner[layers.ELU]):
    """``y = x`` where x > 0, else ``alpha (exp(x) - 1)``; ``dx = dy``, else ``dy (alpha + y)``."""

    memory = ("bottom", "top")

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        top = np.where(x > 0, x, self.layer.alpha * (np.exp(np.minimum(x, 0)) - 1))
        return (top,), (x, top)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (x, top), (diff,) = memo, diffs
        return (np.where(x > 0, diff, diff * (self.layer.alpha + top)),)


class AbsValRunner(Runner[layers.AbsVal]):
    """``y = |x|``, ``dx = dy sign(x)``, 0 at 0."""

    memory = ("bottom",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (np.abs(bottoms[0]),), bottoms

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * np.sign(memo[0]),)


class BNLLRunner(Runner[layers.BNLL]):
    """``y = log(1 + exp(x))``, ``dx = dy e / (e + 1)`` with ``e = exp(min(x, 50))``."""

    memory = ("bottom",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return (np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x))),), (x,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        power = np.exp(np.minimum(memo[0], 50))
        return (diffs[0] * power / (power + 1),)


class ThresholdRunner(Runner[layers.Threshold]):
    """``y = 1`` where x > threshold, else 0; no gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return ((bottoms[0] > self.layer.threshold).astype(self.dtype),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Diffs:
        return (None,)


class ClipRunner(Runner[layers.Clip]):
    """``y = max(least, min(x, most))``, ``dx = dy`` where x is between them or one of them, else 0."""

    memory = ("bottom",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (np.maximum(np.minimum(bottoms[0], self.layer.most), self.layer.least),), bottoms

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        inside = (memo[0] >= self.layer.least) & (memo[0] <= self.layer.most)
        return (np.where(inside, diffs[0], diffs[0].dtype.type(0)),)


class SwishRunner(Runner[layers.Swish]):
    """``y = x s`` with ``s = 1 / (1 + exp(-beta x))``, ``dx = dy (beta y + s (1 - beta y))``."""

    memory = ("top",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        gate = 1 / (1 + np.exp(-self.layer.beta * bottoms[0]))
        top = bottoms[0] * gate
        return (top,), (top, gate)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        top, gate = memo
        passed = self.layer.beta * top
        return (diffs[0] * (passed + gate * (1 - passed)),)


class DropoutRunner(Runner[layers.Dropout]):
    """The identity, at test time."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms, ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
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
