"""Layers that divide by what values are like together: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import along, caffe_order, sizes, tf_axis, tf_order


class LRNRunner(TFRunner[layers.LRN]):
    """``y = x s^-beta``, ``s = k + alpha/n sum x^2`` over the n neighbouring channels, or n places of a channel.

    Within a channel n is the square of the size, also where part of it is outside of the map, and k is 1. In place over
    channels Caffe overwrites x with s^-beta before it multiplies, and dy too: s^-2 beta stands for x s^-beta, and for
    dy s^-beta.
    The sum over neighbours is a product with a band matrix, which is faster than TensorFlow's own LRN and works in
    float64 too. Most of a wide matrix is zeros: then channels are taken in blocks, and a block sees its neighbours.
    """

    memory = ("bottom", "", "top")

    def prepare(self, params: list[NDArray[Any]]) -> None:
        within, size = self.layer.within, self.layer.local_size
        self.loses = self.layer.in_place and not within
        self.k, self.count = (1.0, size**2) if within else (self.layer.k, size)
        self._neighbours = self._places if within else self._channels

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        scale = self._neighbours(x * x, self.layer.alpha / self.count, self.k)
        power = self._power(scale)
        return (power * power if self.loses else x * power,), (x, scale)

    @classmethod
    def reads(cls, layer: layers.LRN) -> tuple[str, ...]:
        """As `Runner.reads`: within a channel the top is not read."""
        return cls.memory[:2] if layer.within else cls.memory

    def reread(self, memo: Tensors, **overwritten: Tensor) -> Tensors:
        """As `Runner.reread`; over channels the top comes behind, where it is not what x makes."""
        top = overwritten.get("top", overwritten.get("bottom"))
        return (*super().reread(memo, **overwritten), *([] if self.layer.within else [top]))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        # dx = dy s^-beta - 2 alpha beta / n * x * sum over neighbours of (dy y / s)
        (x, scale, *top), (diff,) = memo, diffs
        power = self._power(scale)
        diff = power if self.loses else diff
        passed = diff * power
        times_top = (passed if self.loses else diff) * top[0] if top else passed * x
        ratio = 2 * self.layer.alpha * self.layer.beta / self.count
        shares = self.tf.ensure_shape(times_top / scale, x.shape)  # one channel: a diff's shape may be unknown here
        return (passed - x * self._neighbours(shares, ratio),)

    def _power(self, scale: Tensor) -> Tensor:
        # The exponents of Caffe's networks and of Inception5h; a power is slow.
        if self.layer.beta == 0.75:
            return self.tf.math.rsqrt(scale * self.tf.sqrt(scale))
        if self.layer.beta == 0.5:
            return self.tf.math.rsqrt(scale)
        return scale**-self.layer.beta

    def _places(self, x: Tensor, factor: float, offset: float = 0.0) -> Tensor:
        """Compute ``offset + factor * sum over the n neighbouring places``, row by row and then column by column."""
        size, reach = self.layer.local_size, self.layer.local_size // 2
        padded = self.tf.pad(x, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
        rows = self.tf.nn.avg_pool2d(padded, (size, 1), 1, "VALID")
        return self.tf.nn.avg_pool2d(rows, (1, size), 1, "VALID") * (size**2 * factor) + offset

    def _channels(self, x: Tensor, factor: float, offset: float = 0.0) -> Tensor:
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


class BatchNormRunner(TFRunner[layers.BatchNorm]):
    """``y = (x - m) / s``, ``dx = dy / s``, or with the batch's own ``dx = (dy - mean dy - y mean(dy y)) / s``.

    m is the mean of each channel and s the root of its variance plus eps.
    """

    def prepare(self, params: list[NDArray[Any]]) -> None:
        if not self.layer.batch:
            self.factor, self.offset = self.layer.affine(*params)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        if not self.layer.batch:
            return (x * self._along(self.factor, x) + self._along(self.offset, x),), ()
        centred = x - self._mean(x)
        deviation = self.tf.sqrt(self._mean(centred * centred) + self.layer.eps)
        top = centred / deviation
        return (top,), (top, deviation)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff,) = diffs
        if not self.layer.batch:
            return (diff * self._along(self.factor, diff),)
        top, deviation = memo
        return ((diff - self._mean(diff) - top * self._mean(diff * top)) / deviation,)

    def _mean(self, x: Tensor) -> Tensor:
        """Compute the mean of each channel, on the axes of `x`."""
        rank = x.shape.rank
        return self.tf.reduce_mean(x, [axis for axis in range(rank) if axis != tf_axis(1, rank)], keepdims=True)

    def _along(self, values: NDArray[Any], x: Tensor) -> Tensor:
        """Lay one number for each channel along the channel axis of `x`."""
        return self.constant(along(values, 1, x.shape.rank))


class MVNRunner(TFRunner[layers.MVN]):
    """``y = (x - m) / s``, ``dx = (dy - mean dy - y mean(dy y)) / s``, m the mean and s the deviation plus eps.

    Caffe's gradient, which is the derivative where eps is 0. Without the variance s is 1 and there is no last term.
    In place Caffe overwrites dy before it reads it again: ``dx = -2 (y + sum y) mean(dy y) / s``, where sum y is 0.
    """

    memory = ("", "top")

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.axes = [tf_axis(axis, 4) for axis in self.layer.axes]

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, x = self.tf, caffe_order(self.tf, bottoms[0])
        shape = tf.shape(x)
        image = bottoms[0]
        if x.shape.rank < 4:
            image = tf_order(tf, tf.reshape(x, [*sizes(tf, x), *[1] * (4 - x.shape.rank)]))
        centred = image - self._mean(image)
        if not self.layer.normalize_variance:
            return (centred,), (shape,)
        deviation = tf.sqrt(self._mean(centred * centred)) + self.layer.eps
        top = centred / deviation
        return (top,), (shape, top, deviation)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (shape, *normalised), (diff,) = memo, diffs
        passed = diff - self._mean(diff)
        if normalised:
            top, deviation = normalised
            if self.layer.in_place:
                passed = (
                    -2 * (top + self.tf.reduce_sum(top, self.axes, keepdims=True)) * self._mean(diff * top) / deviation
                )
            else:
                passed = (passed - top * self._mean(diff * top)) / deviation
        return (passed if shape.shape[0] == 4 else self.tf.reshape(caffe_order(self.tf, passed), shape),)

    def _mean(self, x: Tensor) -> Tensor:
        """Compute the mean of each map, or of each picture, on the axes of `x`."""
        return self.tf.reduce_mean(x, self.axes, keepdims=True)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.BatchNorm: BatchNormRunner,
    layers.LRN: LRNRunner,
    layers.MVN: MVNRunner,
}
