"""How TensorFlow runs each layer: two formulas.

Gradients are written out rather than taped: only what the gradient at the input needs is kept (no weight gradients),
and each pass is a formula that can be compared with Caffe's. Four-axis tensors are (n, h, w, c) here; others are as in
Caffe. Sizes are read inside the graph, so one trace serves every image size.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NetFileError
from .. import layers
from ..base import Runner, Tensor, Tensors
from .fusion import ConcatConvolution, RectifiedPooling
from .phases import Phases
from .pooling import PoolingRunner, RectifiedPoolingRunner
from .runner import TFRunner

_LARGEST_KERNEL = 2**28  # numbers in a dilated kernel with its holes


def _axis(axis: int, rank: int) -> int:
    """Return the place of Caffe's axis in a tensor of TensorFlow's."""
    axis %= rank
    return (0, 3, 1, 2)[axis] if rank == 4 else axis


class ConvolutionRunner(TFRunner[layers.Convolution]):
    """A cross-correlation, group by group."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer = self.layer
        kernel = params[0].transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)
        if layer.reach != layer.kernel:
            # TensorFlow has no gradient of a dilated convolution on the CPU: write the holes into the kernel.
            if prod(layer.reach) * prod(kernel.shape[2:]) > _LARGEST_KERNEL:
                reach = "x".join(map(str, layer.reach))
                raise NetFileError(f"layer {layer.name!r}: its dilated kernel reaches {reach}, too far to be run")
            holed = np.zeros((*layer.reach, *kernel.shape[2:]), kernel.dtype)
            holed[:: layer.dilation[0], :: layer.dilation[1]] = kernel
            kernel = holed
        self.kernels = [self.constant(part) for part in np.split(kernel, layer.group, axis=3)]
        self.bias = self.constant(params[1]) if layer.bias else None
        self.phases = None
        if layer.group == 1 and Phases.pay(kernel, layer.stride, self.dtype):
            self.phases = Phases(self.tf, kernel.astype(self.dtype), layer.stride, layer.slide)
        if layer.stride == (1, 1) and all(k == 2 * p + 1 for k, p in zip(layer.reach, layer.pad, strict=True)):
            self.padding: Any = "SAME"  # the same numbers, and oneDNN's kernels both ways
        elif layer.pad == (0, 0):
            self.padding = "VALID"
        else:
            self.padding = [[0, 0], [layer.pad[0]] * 2, [layer.pad[1]] * 2, [0, 0]]

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        parts = self.tf.split(x, self.layer.group, axis=3) if self.layer.group > 1 else [x]
        tops = [
            self.tf.nn.conv2d(part, kernel, self.layer.stride, self.padding)
            for part, kernel in zip(parts, self.kernels, strict=True)
        ]
        top = tops[0] if len(tops) == 1 else self.tf.concat(tops, axis=3)
        if self.bias is not None:
            top = self.tf.nn.bias_add(top, self.bias)
        return (top,), (self.tf.shape(parts[0]),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        if self.phases is not None:
            return (self.phases.gradient(diffs[0], memo[0][1], memo[0][2]),)
        parts = self.tf.split(diffs[0], self.layer.group, axis=3) if self.layer.group > 1 else [diffs[0]]
        bottoms = [
            self.tf.nn.conv2d_transpose(part, kernel, memo[0], self.layer.stride, self.padding)
            for part, kernel in zip(parts, self.kernels, strict=True)
        ]
        return (bottoms[0] if len(bottoms) == 1 else self.tf.concat(bottoms, axis=3),)


class ConcatConvolutionRunner(ConvolutionRunner):
    """The sum of a convolution of each blob, with its part of the kernel."""

    layer: ConcatConvolution

    def prepare(self, params: list[NDArray[Any]]) -> None:
        super().prepare(params)
        self.kernels = self.tf.split(self.kernels[0], self.layer.channels, axis=2)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        first, second = (
            self.tf.nn.conv2d(bottom, kernel, self.layer.stride, self.padding)
            for bottom, kernel in zip(bottoms, self.kernels, strict=True)
        )
        if self.bias is not None:
            second = self.tf.nn.bias_add(second, self.bias)
        # So TensorFlow makes one operation of the second convolution, its bias, the sum and a rectifier behind it.
        return (second + first,), tuple(map(self.tf.shape, bottoms))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return tuple(
            self.tf.nn.conv2d_transpose(diffs[0], kernel, shape, self.layer.stride, self.padding)
            for kernel, shape in zip(self.kernels, memo, strict=True)
        )


class InnerProductRunner(TFRunner[layers.InnerProduct]):
    """``y = W x + b`` with x flattened in the order c, h, w."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.matrix = self.constant(params[0] if self.layer.transpose else params[0].T)  # (in, out)
        self.bias = self.constant(params[1]) if self.layer.bias else None

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,) = self.tf, bottoms
        if x.shape.rank == 4:
            x = tf.transpose(x, (0, 3, 1, 2))
        top = tf.matmul(tf.reshape(x, (tf.shape(x)[0], self.matrix.shape[0])), self.matrix)
        if self.bias is not None:
            top = top + self.bias
        return (top,), (tf.shape(x),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (shape,) = memo
        diff = self.tf.reshape(self.tf.matmul(diffs[0], self.matrix, transpose_b=True), shape)
        return (self.tf.transpose(diff, (0, 2, 3, 1)) if shape.shape[0] == 4 else diff,)


class LRNRunner(TFRunner[layers.LRN]):
    """``y = x s^-beta``, ``s = k + alpha/n sum x^2`` over the n neighbouring channels.

    The sum over neighbours is a product with a band matrix, which is faster than TensorFlow's own LRN and works in
    float64 too. Most of a wide matrix is zeros: then channels are taken in blocks, and a block sees its neighbours.
    """

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        scale = self._neighbours(x * x, self.layer.alpha / self.layer.local_size, self.layer.k)
        return (x * self._power(scale),), (x, scale)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        # dx = dy s^-beta - 2 alpha beta / n * x * sum over neighbours of (dy y / s)
        (x, scale), (diff,) = memo, diffs
        passed = diff * self._power(scale)
        ratio = 2 * self.layer.alpha * self.layer.beta / self.layer.local_size
        return (passed - x * self._neighbours(passed * x / scale, ratio),)

    def _power(self, scale: Tensor) -> Tensor:
        # The exponents of Caffe's networks and of Inception5h; a power is slow.
        if self.layer.beta == 0.75:
            return self.tf.math.rsqrt(scale * self.tf.sqrt(scale))
        if self.layer.beta == 0.5:
            return self.tf.math.rsqrt(scale)
        return scale**-self.layer.beta

    def _neighbours(self, x: Tensor, factor: float, offset: float = 0.0) -> Tensor:
        """Compute ``offset + factor * sum over the n neighbouring channels``."""
        tf, channels, reach = self.tf, x.shape[-1], self.layer.local_size // 2
        block = self._block(channels)
        blocks = channels // block
        seen = 1 if blocks == 1 else 3  # a block's neighbours and itself
        source = np.arange(seen * block) - (seen // 2) * block
        band = factor * (np.abs(source[:, None] - np.arange(block)) <= reach)
        sums = tf.nn.conv2d(
            tf.reshape(x, (1, -1, blocks, block)), self.constant(band.reshape(1, seen, block, block)), 1, "SAME"
        )
        if offset:
            sums = tf.nn.bias_add(sums, self.constant(np.full(block, offset)))
        return tf.reshape(sums, tf.shape(x))

    def _block(self, channels: int) -> int:
        """Return the width that is fastest, as measured."""
        block, worth_it = (8, 16) if self.dtype == np.float64 else (16, 128)
        fits = channels % block == 0 and self.layer.local_size // 2 <= block
        return block if fits and channels >= worth_it else channels


class ReLURunner(TFRunner[layers.ReLU]):
    """``y = x`` where x > 0, else ``negative_slope * x``; the gradient at 0 is that of the negative side."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        slope = self.layer.negative_slope
        if slope == 0:
            top = self.tf.nn.relu(x)
            return (top,), (top,)
        top = self.tf.where(x > 0, x, slope * x)
        return (top,), (x,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (sign,), (diff,) = memo, diffs
        if self.layer.negative_slope == 0:
            return (self.tf.raw_ops.ReluGrad(gradients=diff, features=sign),)
        return (self.tf.where(sign > 0, diff, self.layer.negative_slope * diff),)


class SigmoidRunner(TFRunner[layers.Sigmoid]):
    """``y = 1 / (1 + exp(-x))``, ``dx = dy y (1 - y)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.sigmoid(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * memo[0] * (1 - memo[0]),)


class TanHRunner(TFRunner[layers.TanH]):
    """``y = tanh(x)``, ``dx = dy (1 - y^2)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.tanh(bottoms[0])
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] * (1 - memo[0] * memo[0]),)


class PowerRunner(TFRunner[layers.Power]):
    """``y = (shift + scale x)^power``, ``dx = dy power scale (shift + scale x)^(power - 1)``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        base = self.layer.shift + self.layer.scale * bottoms[0]
        return (base if self.layer.power == 1 else base**self.layer.power,), (base,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        power, scale = self.layer.power, self.layer.scale
        if power * scale == 0:  # a constant, also where its base is 0
            return (self.tf.zeros_like(diffs[0]),)
        return (diffs[0] * scale if power == 1 else diffs[0] * (power * scale) * memo[0] ** (power - 1),)


class DropoutRunner(TFRunner[layers.Dropout]):
    """The identity, at test time."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms, ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return diffs


class SplitRunner(TFRunner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (reduce(lambda a, b: a + b, diffs),)


class ConcatRunner(TFRunner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        axis = _axis(self.layer.axis, bottoms[0].shape.rank)
        return (self.tf.concat(bottoms, axis),), tuple(self.tf.shape(bottom)[axis] for bottom in bottoms)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        axis = _axis(self.layer.axis, diffs[0].shape.rank)
        return tuple(self.tf.split(diffs[0], self.tf.stack(memo), axis, num=len(memo)))


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


class SoftmaxRunner(TFRunner[layers.Softmax]):
    """``y = exp(x) / sum exp(x)``, ``dx = (dy - sum(dy y)) y``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        top = self.tf.nn.softmax(bottoms[0], _axis(self.layer.axis, bottoms[0].shape.rank))
        return (top,), (top,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (top,), (diff,) = memo, diffs
        axis = _axis(self.layer.axis, diff.shape.rank)
        return ((diff - self.tf.reduce_sum(diff * top, axis, keepdims=True)) * top,)


class FlattenRunner(TFRunner[layers.Flatten]):
    """Axes merged in Caffe's order."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,) = self.tf, bottoms
        rank = x.shape.rank
        first, behind = self.layer.span(rank)
        known = [x.shape[_axis(axis, rank)] for axis in range(rank)]
        if rank == 4:
            x = tf.transpose(x, (0, 3, 1, 2))
        shape = tf.shape(x)
        top = tf.reshape(x, tf.concat((shape[:first], [-1], shape[behind:]), 0))
        merged = known[first:behind]
        top.set_shape((*known[:first], None if None in merged else int(np.prod(merged)), *known[behind:]))
        return (tf.transpose(top, (0, 2, 3, 1)) if top.shape.rank == 4 else top,), (shape,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,), (diff,) = self.tf, memo, diffs
        if diff.shape.rank == 4:
            diff = tf.transpose(diff, (0, 3, 1, 2))
        diff = tf.reshape(diff, shape)
        return (tf.transpose(diff, (0, 2, 3, 1)) if shape.shape[0] == 4 else diff,)


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
        shape[_axis(1, x.shape.rank)] = -1
        return self.constant(values.reshape(shape))


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

FUSED: dict[type[layers.Layer], type[Runner[Any]]] = {
    ConcatConvolution: ConcatConvolutionRunner,
    RectifiedPooling: RectifiedPoolingRunner,
}
