"""How NumPy runs each layer: two formulas, to be read.

Arrays are Caffe's, (n, c, h, w). Windows are visited tap by tap: `taps` yields, for each place in a kernel, the view of
the padded map that the place sees as the kernel moves. Stacked, the views are im2col; added to, they are col2im.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from ..base import LOWEST, TIE, Runner

Array = NDArray[Any]  # float32 or float64
Arrays = tuple[Array, ...]
Memo = tuple[Any, ...]
Pair = tuple[int, int]  # (vertical, horizontal)


def taps(padded: Array, kernel: Pair, stride: Pair, dilation: Pair, out: Pair) -> Iterator[Array]:
    """Yield what each place (i, j) of the kernel sees, row by row: views (n, c, out_h, out_w)."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            yield padded[
                :,
                :,
                top : top + (out[0] - 1) * stride[0] + 1 : stride[0],
                left : left + (out[1] - 1) * stride[1] + 1 : stride[1],
            ]


def pad(x: Array, before: Pair, size: Pair, filler: float) -> Array:
    """Put x into a map that begins `before` it and has room for `size`, the rows and columns that windows reach."""
    h, w = (max(size[axis], before[axis] + x.shape[2 + axis]) for axis in (0, 1))
    padded = np.full((*x.shape[:2], h, w), filler, x.dtype)
    unpad(padded, before, x.shape)[...] = x
    return padded


def unpad(padded: Array, before: Pair, shape: tuple[int, ...]) -> Array:
    """Return the view of a padded map where x of that shape is."""
    return padded[:, :, before[0] : before[0] + shape[2], before[1] : before[1] + shape[3]]


def reached(out: Pair, stride: Pair, reach: Pair) -> Pair:
    """Return how many rows and columns `out` windows of size `reach` span."""
    return ((out[0] - 1) * stride[0] + reach[0], (out[1] - 1) * stride[1] + reach[1])


class ConvolutionRunner(Runner[layers.Convolution]):
    """``y = W im2col(x) + b``, ``dx = col2im(W^T dy)``, group by group; a correlation, the kernel is not flipped."""

    def prepare(self, params: list[Array]) -> None:
        group = self.layer.group
        self.matrix = params[0].reshape(group, self.layer.num_output // group, -1)  # (group, out, in * taps)
        self.bias = params[1].reshape(-1, 1, 1) if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        ((n, _, h, w),) = self.layer.top_shapes(x.shape)
        padded = pad(x, self.layer.pad, self._reached((h, w)), 0)
        columns = np.stack(list(self._taps(padded, (h, w))), axis=2)  # im2col: (n, c, taps, h, w)
        columns = columns.reshape(n, self.layer.group, -1, h * w)
        top = (self.matrix @ columns).reshape(n, -1, h, w)
        return (top if self.bias is None else top + self.bias,), (x.shape, padded.shape)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (shape, padded_shape), (diff,) = memo, diffs
        n, _, h, w = diff.shape
        columns = self.matrix.transpose(0, 2, 1) @ diff.reshape(n, self.layer.group, -1, h * w)
        columns = columns.reshape(n, shape[1], -1, h, w)
        padded = np.zeros(padded_shape, diff.dtype)
        for tap, view in enumerate(self._taps(padded, (h, w))):  # col2im: what a tap saw gets its share back
            view += columns[:, :, tap]
        return (unpad(padded, self.layer.pad, shape),)

    def _taps(self, padded: Array, out: Pair) -> Iterator[Array]:
        return taps(padded, self.layer.kernel, self.layer.stride, self.layer.dilation, out)

    def _reached(self, out: Pair) -> Pair:
        return reached(out, self.layer.stride, self.layer.reach)


class InnerProductRunner(Runner[layers.InnerProduct]):
    """``y = x W^T + b``, ``dx = dy W``, with x flattened in the order c, h, w."""

    def prepare(self, params: list[Array]) -> None:
        self.matrix = params[0].T if self.layer.transpose else params[0]  # (out, in)
        self.bias = params[1] if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        top = x.reshape(len(x), -1) @ self.matrix.T
        return (top if self.bias is None else top + self.bias,), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return ((diffs[0] @ self.matrix).reshape(memo[0]),)


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


class SplitRunner(Runner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (reduce(np.add, diffs),)


class ConcatRunner(Runner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        ends = np.cumsum([bottom.shape[self.layer.axis] for bottom in bottoms])
        return (np.concatenate(bottoms, self.layer.axis),), (ends[:-1],)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return tuple(np.split(diffs[0], memo[0], self.layer.axis))


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


class FlattenRunner(Runner[layers.Flatten]):
    """Axes merged in Caffe's order."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        return (x.reshape(shape),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0].reshape(memo[0]),)


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
    layers.BatchNorm: ChannelwiseRunner,
    layers.Concat: ConcatRunner,
    layers.Convolution: ConvolutionRunner,
    layers.Dropout: DropoutRunner,
    layers.Eltwise: EltwiseRunner,
    layers.Flatten: FlattenRunner,
    layers.InnerProduct: InnerProductRunner,
    layers.LRN: LRNRunner,
    layers.Pooling: PoolingRunner,
    layers.Power: PowerRunner,
    layers.ReLU: ReLURunner,
    layers.Scale: ChannelwiseRunner,
    layers.Sigmoid: SigmoidRunner,
    layers.Softmax: SoftmaxRunner,
    layers.Split: SplitRunner,
    layers.TanH: TanHRunner,
}
