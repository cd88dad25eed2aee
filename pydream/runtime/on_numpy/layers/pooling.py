"""Layers that take one value of each window: two formulas each, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from ... import layers
from ...base import LOWEST, TIE, Runner
from .base import Array, Arrays, Diffs, Memo, Pair
from .windows import pad, reached, taps, unpad


class PoolingRunner(Runner[layers.Pooling]):
    """The largest value of a window, or its mean, plain or weighted by the values themselves."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        if self.layer.stochastic:
            return self.weighted(x)
        return self.mean(x) if self.layer.average else self.maximum(x)

    def backward(self, memo: Memo, *diffs: Array | None) -> Diffs:
        (diff, *_) = diffs  # that of a mask does not count
        if diff is None:
            return (None,)
        if self.layer.stochastic:
            return self.weighted_back(memo, diff)
        return self.mean_back(memo, diff) if self.layer.average else self.maximum_back(memo, diff)

    # The largest value; its place, the first of equals row by row, gets all of the gradient.

    def maximum(self, x: Array) -> tuple[Arrays, Memo]:
        padded = self.padded(x, LOWEST)
        first, *rest = self.taps(padded, x.shape)
        best, winner = first, np.zeros_like(first, np.intp)
        for place, tap in enumerate(rest, start=1):
            wins = self.beats(tap, best)
            best, winner = np.where(wins, tap, best), np.where(wins, place, winner)
        tops = (best, self.places(winner, x.shape)) if len(self.layer.tops) > 1 else (best,)
        return tops, (winner, x.shape, padded.shape)

    def places(self, winner: Array, shape: tuple[int, ...]) -> Array:
        """``row * width + column`` in the map of the place of the window that wins."""
        (out_h, out_w), (_, kernel_w) = self.out(shape), self.kernel(shape)
        (stride_h, stride_w), (above, left) = self.layer.stride, self.before(shape)
        rows = np.arange(out_h)[:, None] * stride_h - above + winner // kernel_w
        columns = np.arange(out_w) * stride_w - left + winner % kernel_w
        places: Array = (rows * shape[3] + columns).astype(self.dtype)
        return places

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

    # The sum of squares over the sum, 0 where that is not positive: y = q / s, so dy/dx = (2 x - y) / s.

    def weighted(self, x: Array) -> tuple[Arrays, Memo]:
        padded = self.padded(x, 0)
        total = reduce(np.add, self.taps(padded, x.shape))
        squares = reduce(np.add, self.taps(padded * padded, x.shape))
        share = np.where(total > 0, 1 / total, 0)
        return (squares * share,), (padded, share, squares * share, x.shape)

    def weighted_back(self, memo: Memo, diff: Array) -> Arrays:
        padded, share, top, shape = memo
        back = np.zeros(padded.shape, diff.dtype)
        for view, tap in zip(self.taps(back, shape), self.taps(padded, shape), strict=True):
            view += diff * share * (2 * tap - top)
        return (unpad(back, self.before(shape), shape),)

    # Sizes.

    def divisor(self, shape: tuple[int, ...]) -> Array:
        """Count each window's values: (out_h, out_w)."""
        counts = []
        for out, size, kernel, stride, before in zip(
            self.out(shape), shape[2:], self.kernel(shape), self.layer.stride, self.before(shape), strict=True
        ):
            first = np.arange(out) * stride - before
            counts.append(np.minimum(first + kernel, size + before) - first)
        return (counts[0][:, None] * counts[1]).astype(self.dtype)

    def kernel(self, shape: tuple[int, ...]) -> Pair:
        """Return the window's size: the whole map in global pooling."""
        return (shape[2], shape[3]) if self.layer.everything else self.layer.kernel

    def before(self, shape: tuple[int, ...]) -> Pair:
        """Return the padding above and to the left."""
        return self.layer.pad

    def out(self, shape: tuple[int, ...]) -> Pair:
        """Return the top's height and width."""
        ((_, _, h, w), *_) = self.layer.top_shapes(shape)
        return h, w

    def padded(self, x: Array, filler: float) -> Array:
        """Pad x as far as its windows reach."""
        size = reached(self.out(x.shape), self.layer.stride, self.kernel(x.shape))
        return pad(x, self.before(x.shape), size, filler)

    def taps(self, padded: Array, shape: tuple[int, ...]) -> Iterator[Array]:
        """Yield what each place of the window sees in the padded map of an x of that shape."""
        return taps(padded, self.kernel(shape), self.layer.stride, (1, 1), self.out(shape))


class SPPRunner(Runner[layers.SPP]):
    """A pooling for each level, as vectors side by side."""

    pooling: type[PoolingRunner] = PoolingRunner

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        pools = [self.pooling(level, [], self.dtype) for level in self.layer.levels(x.shape)]
        made = [pool.forward(x) for pool in pools]
        tops = [top for (top,), _ in made]
        joined = tops[0] if len(tops) == 1 else np.concatenate([top.reshape(len(x), -1) for top in tops], 1)
        return (joined,), (pools, [memo for _, memo in made], [top.shape for top in tops])

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        pools, memos, shapes = memo
        (diff,) = diffs
        ends = np.cumsum([prod(shape[1:]) for shape in shapes])
        parts = np.split(diff.reshape(len(diff), -1), ends[:-1], 1)
        gradients = [
            pool.backward(made, part.reshape(shape))[0]
            for pool, made, part, shape in zip(pools, memos, parts, shapes, strict=True)
        ]
        return (reduce(np.add, gradients),)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Pooling: PoolingRunner,
    layers.SPP: SPPRunner,
}
