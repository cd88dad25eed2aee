"""Layers that add and multiply blobs, or blobs and weights: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo


class EltwiseRunner(Runner[layers.Eltwise]):
    """PROD, SUM with coefficients, or MAX."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        if self.layer.operation == "SUM":
            return (reduce(np.add, [c * x for c, x in zip(self.layer.coeff, bottoms, strict=True)]),), ()
        if self.layer.operation == "PROD":
            return (reduce(np.multiply, bottoms),), bottoms
        # Of the first two the later wins a tie; a further one must be larger to win.
        first_wins = bottoms[0] > bottoms[1]
        best, winner = np.where(first_wins, bottoms[0], bottoms[1]), np.where(first_wins, 0, 1)
        for i, x in enumerate(bottoms[2:], start=2):
            wins = x > best
            best, winner = np.where(wins, x, best), np.where(wins, i, winner)
        return (best,), (winner,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (diff,) = diffs
        if self.layer.operation == "SUM":
            return tuple(c * diff for c in self.layer.coeff)
        if self.layer.operation == "PROD":
            return tuple(reduce(np.multiply, memo[:i] + memo[i + 1 :], diff) for i in range(len(memo)))
        return tuple(np.where(memo[0] == i, diff, diff.dtype.type(0)) for i in range(len(self.layer.bottoms)))


class ChannelwiseRunner(Runner[layers.BatchNorm | layers.Scale]):
    """``y = factor x + offset`` with a factor and an offset for each channel: BatchNorm and Scale."""

    def prepare(self, params: list[Array]) -> None:
        self.factor, self.offset = self.layer.affine(*params)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = bottoms[0] * self.along(self.factor, bottoms[0])
        return (top if self.offset is None else top + self.along(self.offset, bottoms[0]),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * self.along(self.factor, diffs[0]),)

    def along(self, values: Array, x: Array) -> Array:
        """Lay one number for each channel along the channel axis of `x`."""
        return values.reshape(-1, *[1] * (x.ndim - 2))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Eltwise: EltwiseRunner,
    layers.Scale: ChannelwiseRunner,
}
