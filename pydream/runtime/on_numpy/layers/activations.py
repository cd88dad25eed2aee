"""Layers that work value by value: two formulas each, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo


class ReLURunner(Runner[layers.ReLU]):
    """``y = x`` where x > 0, else ``negative_slope * x``; the gradient at 0 is that of the negative side."""

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

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = 1 / (1 + np.exp(-bottoms[0]))
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * memo[0] * (1 - memo[0]),)


class TanHRunner(Runner[layers.TanH]):
    """``y = tanh(x)``, ``dx = dy (1 - y^2)``."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = np.tanh(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * (1 - memo[0] * memo[0]),)


class PowerRunner(Runner[layers.Power]):
    """``y = (shift + scale x)^power``, ``dx = dy power scale (shift + scale x)^(power - 1)``."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        base = self.layer.shift + self.layer.scale * bottoms[0]
        return (base**self.layer.power,), (base,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        power, scale = self.layer.power, self.layer.scale
        if power * scale == 0:  # a constant, also where its base is 0
            return (np.zeros_like(diffs[0]),)
        return (diffs[0] * (power * scale) * memo[0] ** (power - 1),)


class DropoutRunner(Runner[layers.Dropout]):
    """The identity, at test time."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms, ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return diffs


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Dropout: DropoutRunner,
    layers.Power: PowerRunner,
    layers.ReLU: ReLURunner,
    layers.Sigmoid: SigmoidRunner,
    layers.TanH: TanHRunner,
}
