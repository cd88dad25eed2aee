"""Layers that divide by what values are like together: two formulas each, in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .combining import ChannelwiseRunner


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


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.BatchNorm: ChannelwiseRunner,
    layers.LRN: LRNRunner,
}
