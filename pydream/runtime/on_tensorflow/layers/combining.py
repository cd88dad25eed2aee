"""Layers that add and multiply blobs, or blobs and weights: two formulas each, in TensorFlow."""

from __future__ import annotations

from functools import reduce
from typing import Any

from numpy.typing import NDArray

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import tf_axis


class EltwiseRunner(TFRunner[layers.Eltwise]):
    """PROD, SUM with coefficients, or MAX."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        if self.layer.operation == "SUM":
            terms = [x if c == 1 else c * x for c, x in zip(self.layer.coeff, bottoms, strict=True)]
            return (reduce(lambda a, b: a + b, terms),), ()
        if self.layer.operation == "PROD":
            return (reduce(lambda a, b: a * b, bottoms),), bottoms
        # Of the first two the later wins a tie; a further one must be larger to win.
        first_wins = bottoms[0] > bottoms[1]
        best = self.tf.where(first_wins, bottoms[0], bottoms[1])
        winner = self.tf.where(first_wins, 0, 1)
        for i, x in enumerate(bottoms[2:], start=2):
            wins = x > best
            best, winner = self.tf.where(wins, x, best), self.tf.where(wins, i, winner)
        return (best,), (winner,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff,) = diffs
        if self.layer.operation == "SUM":
            return tuple(diff if c == 1 else c * diff for c in self.layer.coeff)
        if self.layer.operation == "PROD":
            return tuple(reduce(lambda a, b: a * b, memo[:i] + memo[i + 1 :], diff) for i in range(len(memo)))
        zero = self.tf.zeros_like(diff)
        return tuple(self.tf.where(memo[0] == i, diff, zero) for i in range(len(self.layer.bottoms)))


class ChannelwiseRunner(TFRunner[layers.BatchNorm | layers.Scale]):
    """``y = factor x + offset`` with a factor and an offset for each channel: BatchNorm and Scale."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.factor, self.offset = self.layer.affine(*params)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = bottoms[0] * self._along(self.factor, bottoms[0])
        return (top if self.offset is None else top + self._along(self.offset, bottoms[0]),), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * self._along(self.factor, diffs[0]),)

    def _along(self, values: NDArray[Any], x: Tensor) -> Tensor:
        """Lay one number for each channel along the channel axis of `x`."""
        shape = [1] * x.shape.rank
        shape[tf_axis(1, x.shape.rank)] = -1
        return self.constant(values.reshape(shape))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Eltwise: EltwiseRunner,
    layers.Scale: ChannelwiseRunner,
}
