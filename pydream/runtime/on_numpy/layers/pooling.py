"""Layers that take one value of each window: two formulas each, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import LOWEST, TIE, Runner
from .base import Array, Arrays, Memo, Pair
from .windows import pad, reached, taps, unpad


class PoolingRunner(Runner[layers.Pooling]):
    """The largest value of a window, or its mean."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return self.mean(x) if self.layer.average else self.maximum(x)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        back = self.mean_back if self.layer.average else self.maximum_back
        return back(memo, diffs[0])

    # The largest value; its place, the first of equals row by row, gets all of the gradient.

    def maximum(self, x: Array) -> tuple[Arrays, Memo]:
        padded = self.padded(x, LOWEST)
        first, *rest = self.taps(padded, x.shape)
        best, winner = first, np.zeros(first.shape, np.intp)
        for place, tap in enumerate(rest, start=1):
            wins = self.beats(tap, best)
            best, winner = np.where(wins, tap, best), np.where(wins, place, winner)
        return (best,), (winner, x.shape, padded.shape)

    def beats(self, tap: Array, best: Array) -> Array:
        """``tap > best``; in float64 by more than rounding could do."""
        return tap > best + TIE * (1 + np.abs(best)) if self.dtype == np.float64 else tap > best

    def maximum_back(self, memo: Memo, diff: Array) -> Arrays:
        winner, shape, padded_shape = memo
        padded = np.zeros(padded_shape, diff.dtype)
        for place, view in enumerate(self.taps(padded, shape)):
            view += np.where(winner == place, diff, 0)
        return (unpad(padded, self.before(shape), shape),)

    # The mean; the divisor counts the padding, but not what windows reach beyond it.

    def mean(self, x: Array) -> tuple[Arrays, Memo]:
        padded = self.padded(x, 0)
        return (reduce(np.add, self.taps(padded, x.shape)) / self.divisor(x.shape),), (x.shape, padded.shape)

    def mean_back(self, memo: Memo, diff: Array) -> Arrays:
        shape, padded_shape = memo
        padded = np.zeros(padded_shape, diff.dtype)
        for view in self.taps(padded, shape):
            view += diff / self.divisor(shape)
        return (unpad(padded, self.before(shape), shape),)

    def divisor(self, shape: tuple[int, ...]) -> Array:
        """Count each window's values: (out_h, out_w)."""
        counts = []
        for out, size, kernel, stride, before in zip(
            self.out(shape), shape[2:], self.kernel(shape), self.layer.stride, self.before(shape), strict=True
        ):
            first = np.arange(out) * stride - before
            counts.append(np.minimum(first + kernel, size + before) - first)
        return (counts[0][:, None] * counts[1]).astype(self.dtype)

    # Sizes.

    def kernel(self, shape: tuple[int, ...]) -> Pair:
        """Return the window's size: the whole map in global pooling."""
        return (shape[2], shape[3]) if self.layer.everything else self.layer.kernel

    def before(self, shape: tuple[int, ...]) -> Pair:
        """Return the padding above and to the left."""
        return self.layer.pad

    def out(self, shape: tuple[int, ...]) -> Pair:
        """Return the top's height and width."""
        ((_, _, h, w),) = self.layer.top_shapes(shape)
        return h, w

    def padded(self, x: Array, filler: float) -> Array:
        """Pad x as far as its windows reach."""
        size = reached(self.out(x.shape), self.layer.stride, self.kernel(x.shape))
        return pad(x, self.before(x.shape), size, filler)

    def taps(self, padded: Array, shape: tuple[int, ...]) -> Iterator[Array]:
        """Yield what each place of the window sees in the padded map of an x of that shape."""
        return taps(padded, self.kernel(shape), self.layer.stride, (1, 1), self.out(shape))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Pooling: PoolingRunner,
}
