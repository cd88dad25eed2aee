"""Layers that go along whole axes: two formulas each, in NumPy."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Diffs, Memo


class SoftmaxRunner(Runner[layers.Softmax]):
    """``y = exp(x) / sum exp(x)``, ``dx = (dy - sum(dy y)) y``."""

    memory = ("top",)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,), axis = bottoms, self.layer.axis
        power = np.exp(x - x.max(axis, keepdims=True))  # the largest is 1, so none overflows
        top = power / power.sum(axis, keepdims=True)
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (top,), (diff,) = memo, diffs
        return ((diff - (diff * top).sum(self.layer.axis, keepdims=True)) * top,)


class ReductionRunner(Runner[layers.Reduction]):
    """``y = coeff sum f(x)`` over an axis and all behind it, ``dx = coeff dy f'(x)``; MEAN is divided by the count."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        values = {"ASUM": np.abs(x), "SUMSQ": x * x}.get(self.layer.operation, x)
        (shape,) = self.layer.top_shapes(x.shape)
        top = values.reshape(*shape, -1).sum(-1, keepdims=True) * self.factor(x.shape)
        return (top.reshape(shape),), (x,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (x,), (diff,) = memo, diffs
        share = diff.reshape(*diff.shape, *[1] * (x.ndim - diff.ndim)) * self.factor(x.shape)
        slope = {"ASUM": np.sign(x), "SUMSQ": 2 * x}.get(self.layer.operation, np.ones_like(x))
        return (share * slope,)

    def factor(self, shape: tuple[int, ...]) -> float:
        """Return what the sum is multiplied with."""
        (kept,) = self.layer.top_shapes(shape)
        return self.layer.coeff / (prod(shape[len(kept) :]) if self.layer.operation == "MEAN" else 1)


class ArgMaxRunner(Runner[layers.ArgMax]):
    """The places of the largest values, the largest first, of equal ones the last; no gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        values = x.reshape(len(x), -1) if self.layer.axis is None else np.moveaxis(x, self.layer.axis, -1)
        places = np.argsort(values, -1, kind="stable")[..., ::-1][..., : self.layer.top_k]
        best = np.take_along_axis(values, places, -1)
        if self.layer.axis is None:
            (shape,) = self.layer.top_shapes(x.shape)
            both = (places.astype(x.dtype), best)
            return (np.stack(both if self.layer.values else both[:1], 1).reshape(shape),), ()
        top = best if self.layer.values else places.astype(x.dtype)
        return (np.moveaxis(top, -1, self.layer.axis),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Diffs:
        return (None,)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.ArgMax: ArgMaxRunner,
    layers.Reduction: ReductionRunner,
    layers.Softmax: SoftmaxRunner,
}
