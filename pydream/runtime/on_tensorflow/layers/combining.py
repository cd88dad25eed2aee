"""Layers that add and multiply blobs, or blobs and weights: two formulas each, in TensorFlow."""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeVar

from numpy.typing import NDArray

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import along, caffe_order, sizes, tf_axis, tf_order

A = TypeVar("A", bound=layers.Scale | layers.Bias)


class EltwiseRunner(TFRunner[layers.Eltwise]):
    """PROD, SUM with coefficients, or MAX.

    Caffe empties the top of a SUM before it adds: a bottom that the top overwrites does not count.
    """

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        if self.layer.operation == "SUM":
            terms = [x if c == 1 else c * x for c, x in zip(self.layer.coeff, bottoms, strict=True)]
            return (reduce(lambda a, b: a + b, terms[self.layer.in_place :]),), ()
        if self.layer.operation == "PROD":
            top = reduce(lambda a, b: a * b, bottoms)
            return (top,), bottoms if self.layer.stable else (top, *bottoms)
        # Of the first two the later wins a tie; a further one must be larger to win.
        first_wins = bottoms[0] > bottoms[1]
        best = self.tf.where(first_wins, bottoms[0], bottoms[1])
        winner = self.tf.where(first_wins, 0, 1)
        for i, x in enumerate(bottoms[2:], start=2):
            wins = x > best
            best, winner = self.tf.where(wins, x, best), self.tf.where(wins, i, winner)
        return (best,), (winner,)

    @classmethod
    def reads(cls, layer: layers.Eltwise) -> tuple[str, ...]:
        """As `Runner.reads`: only an unstable product reads its top."""
        return ("top",) if layer.operation == "PROD" and not layer.stable else ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff,) = diffs
        if self.layer.operation == "SUM":
            first, *others = self.layer.coeff
            passed = diff if first == 1 else first * diff
            diff = passed if self.layer.in_place else diff
            return passed, *(diff if c == 1 else c * diff for c in others)
        if self.layer.operation == "PROD" and not self.layer.stable:
            top, *factors = memo
            return tuple(diff * (top / x) for x in factors)
        if self.layer.operation == "PROD":
            return tuple(reduce(lambda a, b: a * b, memo[:i] + memo[i + 1 :], diff) for i in range(len(memo)))
        zero = self.tf.zeros_like(diff)
        return tuple(self.tf.where(memo[0] == i, diff, zero) for i in range(len(self.layer.bottoms)))


class AlongRunner(TFRunner[A]):
    """Numbers along some axes of the first bottom: a weight, or the second bottom."""

    def _along(self, values: NDArray[Any], x: Tensor) -> Tensor:
        """Lay weights along their axes of `x`."""
        return self.constant(along(values, self._start(x, values.ndim), x.shape.rank))

    def _spread(self, numbers: Tensor, x: Tensor) -> Tensor:
        """Lay the second bottom along its axes of `x`."""
        tf, rank = self.tf, numbers.shape.rank
        start = self._start(x, rank)
        if rank == x.shape.rank:
            return numbers
        numbers = caffe_order(tf, numbers)
        numbers = tf.reshape(numbers, [*[1] * start, *sizes(tf, numbers), *[1] * (x.shape.rank - start - rank)])
        return tf_order(tf, numbers)

    def _total(self, diff: Tensor, numbers: Tensor) -> Tensor:
        """Sum a gradient over all axes but those that the second bottom, of that shape, lies along."""
        tf, rank = self.tf, diff.shape.rank
        if numbers.shape.rank == rank:
            return diff
        start = self._start(diff, numbers.shape.rank)
        others = (*range(start), *range(start + numbers.shape.rank, rank))
        total = tf.reduce_sum(diff, [tf_axis(axis, rank) for axis in others], keepdims=True)
        shape = sizes(tf, caffe_order(tf, numbers))
        return tf_order(tf, tf.reshape(caffe_order(tf, total), shape))

    def _start(self, x: Tensor, rank: int) -> int:
        return self.layer.axis % x.shape.rank if rank else 0


class ScaleRunner(AlongRunner[layers.Scale]):
    """``y = factor x + offset``, ``dx = dy factor``, ``dfactor = sum dy x`` over the other axes."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.factor = params[:-1] if self.layer.bias else params
        self.offset = params[-1] if self.layer.bias else None

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        x = bottoms[0]
        top = x * (self._along(self.factor[0], x) if self.factor else self._spread(bottoms[1], x))
        return (top if self.offset is None else top + self._along(self.offset, x),), () if self.factor else bottoms

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff,) = diffs
        if self.factor:
            return (diff * self._along(self.factor[0], diff),)
        x, factor = memo
        return diff * self._spread(factor, x), self._total(diff * x, factor)


class BiasRunner(AlongRunner[layers.Bias]):
    """``y = x + offset``, ``dx = dy``, ``doffset = sum dy`` over the other axes."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.offset = params

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        x = bottoms[0]
        offset = self._along(self.offset[0], x) if self.offset else self._spread(bottoms[1], x)
        return (x + offset,), bottoms[1:]

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0], *(self._total(diffs[0], offset) for offset in memo))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Eltwise: EltwiseRunner,
    layers.Bias: BiasRunner,
    layers.Scale: ScaleRunner,
}
