"""Layers that divide by what values are like together: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo
from .combining import ChannelwiseRunner


class LRNRunner(Runner[layers.LRN]):
    """``y = x s^-beta``, ``s = k + alpha/n sum x^2`` over the n neighbouring channels."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        scale = self.layer.k + self.layer.alpha / self.layer.local_size * self.neighbours(x * x)
        return (x * scale**-self.layer.beta,), (x, scale)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        # dx = dy s^-beta - 2 alpha beta / n * x * sum over neighbours of (dy y / s)
        (x, scale), (diff,) = memo, diffs
        passed = diff * scale**-self.layer.beta
        ratio = 2 * self.layer.alpha * self.layer.beta / self.layer.local_size
        return (passed - ratio * x * self.neighbours(passed * x / scale),)

    def neighbours(self, x: Array) -> Array:
        """Add up the n channels around each one; beyond the ends there are none."""
        channels, reach = x.shape[1], min(self.layer.local_size // 2, x.shape[1])
        padded = np.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)))
        return reduce(np.add, (padded[:, i : i + channels] for i in range(2 * reach + 1)))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.BatchNorm: ChannelwiseRunner,
    layers.LRN: LRNRunner,
}
