"""Layers that go along whole axes: two formulas each, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo


class SoftmaxRunner(Runner[layers.Softmax]):
    """``y = exp(x) / sum exp(x)``, ``dx = (dy - sum(dy y)) y``."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,), axis = bottoms, self.layer.axis
        power = np.exp(x - x.max(axis, keepdims=True))  # the largest is 1, so none overflows
        top = power / power.sum(axis, keepdims=True)
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (top,), (diff,) = memo, diffs
        return ((diff - (diff * top).sum(self.layer.axis, keepdims=True)) * top,)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Softmax: SoftmaxRunner,
}
