"""Layers that add and multiply blobs, or blobs and weights: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeVar

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo

A = TypeVar("A", bound=layers.Scale | layers.Bias)


class EltwiseRunner(Runner[layers.Eltwise]):
    """PROD, SUM with coefficients, or MAX.

    Caffe empties the top of a SUM before it adds: a bottom that the top overwrites does not count.
    """

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        if self.layer.operation == "SUM":
            terms = [c * x for c, x in zip(self.layer.coeff, bottoms, strict=True)]
            return (reduce(np.add, terms[self.layer.in_place :]),), ()
        if self.layer.operation == "PROD":
            top = reduce(np.multiply, bottoms)
            return (top,), bottoms if self.layer.stable else (top, *bottoms)
        # Of the first two the later wins a tie; a further one must be larger to win.
        first_wins = bottoms[0] > bottoms[1]
        best, winner = np.where(first_wins, bottoms[0], bottoms[1]), np.where(first_wins, 0, 1)
        for i, x in enumerate(bottoms[2:], start=2):
            wins = x > best
            best, winner = np.where(wins, x, best), np.where(wins, i, winner)
        return (best,), (winner,)

    @classmethod
    def reads(cls, layer: layers.Eltwise) -> tuple[str, ...]:
        """As `Runner.reads`: only an unstable product reads its top."""
        return ("top",) if layer.operation == "PROD" and not layer.stable else ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (diff,) = diffs
        if self.layer.operation == "SUM":
            first, *others = self.layer.coeff
            passed = first * diff
            return passed, *(c * (passed if self.layer.in_place else diff) for c in others)
        if self.layer.operation == "PROD" and not self.layer.stable:
            top, *factors = memo
            return tuple(diff * (top / x) for x in factors)
        if self.layer.operation == "PROD":
            return tuple(reduce(np.multiply, memo[:i] + memo[i + 1 :], diff) for i in range(len(memo)))
        return tuple(np.where(memo[0] == i, diff, diff.dtype.type(0)) for i in range(len(self.layer.bottoms)))


class AlongRunner(Runner[A]):
    """Numbers along some axes of the first bottom: a weight, or the second bottom."""

    def along(self, values: Array, x: Array) -> Array:
        """Lay the numbers along their axes of `x`."""
        behind = x.ndim - self.layer.start(x.shape, values.shape) - values.ndim
        return values.reshape((*values.shape, *[1] * behind))

    def total(self, diff: Array, shape: tuple[int, ...]) -> Array:
        """Sum a gradient over all axes but those that the numbers, of that shape, lie along."""
        start = self.layer.start(diff.shape, shape)
        others = (*range(start), *range(start + len(shape), diff.ndim))
        total: Array = np.sum(diff, others).reshape(shape)
        return total


class ScaleRunner(AlongRunner[layers.Scale]):
    """``y = factor x + offset``, ``dx = dy factor``, ``dfactor = sum dy x`` over the other axes."""

    def prepare(self, params: list[Array]) -> None:
        self.factor = params[:-1] if self.layer.bias else params
        self.offset = params[-1] if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        x, factor = (*bottoms, *self.factor)
        top = x * self.along(factor, x)
        return (top if self.offset is None else top + self.along(self.offset, x),), bottoms[1:] and bottoms

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (diff,) = diffs
        if not memo:
            return (diff * self.along(self.factor[0], diff),)
        x, factor = memo
        return diff * self.along(factor, x), self.total(diff * x, factor.shape)


class BiasRunner(AlongRunner[layers.Bias]):
    """``y = x + offset``, ``dx = dy``, ``doffset = sum dy`` over the other axes."""

    def prepare(self, params: list[Array]) -> None:
        self.offset = params

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        x, offset = (*bottoms, *self.offset)
        return (x + self.along(offset, x),), tuple(bottom.shape for bottom in bottoms[1:])

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0], *(self.total(diffs[0], shape) for shape in memo))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Eltwise: EltwiseRunner,
    layers.Bias: BiasRunner,
    layers.Scale: ScaleRunner,
}
