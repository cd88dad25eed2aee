"""Layers that divide by what values are like together: two formulas each, in NumPy."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Memo


class LRNRunner(Runner[layers.LRN]):
    """``y = x s^-beta``, ``s = k + alpha/n sum x^2`` over the n neighbouring channels, or n places of a channel.

    Within a channel n is the square of the size, also where part of it is outside of the map, and k is 1. In place over
    channels Caffe overwrites x with s^-beta before it multiplies, and dy too: s^-2 beta stands for x s^-beta, and for
    dy s^-beta.
    """

    memory = ("bottom", "", "top")

    def prepare(self, params: list[Array]) -> None:
        within, size = self.layer.within, self.layer.local_size
        self.loses = self.layer.in_place and not within
        self.k, self.count = (1.0, size**2) if within else (self.layer.k, size)
        self.axes = (2, 3) if within else (1,)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        scale = self.scale(x)
        power = scale**-self.layer.beta
        return (power * power if self.loses else x * power,), (x, scale)

    def scale(self, x: Array) -> Array:
        """``k + alpha/n sum x^2``."""
        return self.k + self.layer.alpha / self.count * self.neighbours(x * x)

    @classmethod
    def reads(cls, layer: layers.LRN) -> tuple[str, ...]:
        """As `Runner.reads`: within a channel the top is not read."""
        return cls.memory[:2] if layer.within else cls.memory

    def reread(self, memo: Memo, **overwritten: Array) -> Memo:
        """As `Runner.reread`; over channels the top comes behind, where it is not what x makes."""
        top = overwritten.get("top", overwritten.get("bottom"))
        return (*super().reread(memo, **overwritten), *([] if self.layer.within else [top]))

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        # dx = dy s^-beta - 2 alpha beta / n * x * sum over neighbours of (dy y / s)
        (x, scale, *top), (diff,) = memo, diffs
        power = scale**-self.layer.beta
        diff = power if self.loses else diff
        passed = diff * power
        times_top = (passed if self.loses else diff) * top[0] if top else passed * x
        ratio = 2 * self.layer.alpha * self.layer.beta / self.count
        return (passed - ratio * x * self.neighbours(times_top / scale),)

    def neighbours(self, x: Array) -> Array:
        """Add up the n values around each one; beyond the ends there are none."""
        for axis in self.axes:
            size, reach = x.shape[axis], min(self.layer.local_size // 2, x.shape[axis])
            padded = np.pad(x, [(reach, reach) if i == axis else (0, 0) for i in range(4)])
            x = reduce(np.add, (padded.take(range(i, i + size), axis) for i in range(2 * reach + 1)))
        return x


class BatchNormRunner(Runner[layers.BatchNorm]):
    """``y = (x - m) / s``, ``dx = dy / s``, or with the batch's own ``dx = (dy - mean dy - y mean(dy y)) / s``.

    m is the mean of each channel and s the root of its variance plus eps.
    """

    def prepare(self, params: list[Array]) -> None:
        if not self.layer.batch:
            self.factor, self.offset = self.layer.affine(*params)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        if not self.layer.batch:
            return (x * self.along(self.factor, x) + self.along(self.offset, x),), ()
        centred = x - self.mean(x)
        deviation = np.sqrt(self.mean(centred * centred) + self.layer.eps)
        top = centred / deviation
        return (top,), (top, deviation)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (diff,) = diffs
        if not self.layer.batch:
            return (diff * self.along(self.factor, diff),)
        top, deviation = memo
        return ((diff - self.mean(diff) - top * self.mean(diff * top)) / deviation,)

    def mean(self, x: Array) -> Array:
        """Compute the mean of each channel, on the axes of `x`."""
        mean: Array = np.mean(x, (0, *range(2, x.ndim)), keepdims=True)
        return mean

    def along(self, values: Array, x: Array) -> Array:
        """Lay one number for each channel along the channel axis of `x`."""
        return values.reshape(-1, *[1] * (x.ndim - 2))


class MVNRunner(Runner[layers.MVN]):
    """``y = (x - m) / s``, ``dx = (dy - mean dy - y mean(dy y)) / s``, m the mean and s the deviation plus eps.

    Caffe's gradient, which is the derivative where eps is 0. Without the variance s is 1 and there is no last term.
    In place Caffe overwrites dy before it reads it again: ``dx = -2 (y + sum y) mean(dy y) / s``, where sum y is 0.
    """

    memory = ("", "top")

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        centred = x.reshape(shape) - self.mean(x.reshape(shape))
        if not self.layer.normalize_variance:
            return (centred,), (x.shape,)
        deviation = np.sqrt(self.mean(centred * centred)) + self.layer.eps
        top = centred / deviation
        return (top,), (x.shape, top, deviation)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (shape, *normalised), (diff,) = memo, diffs
        passed = diff - self.mean(diff)
        if normalised:
            top, deviation = normalised
            if self.layer.in_place:
                passed = -2 * (top + np.sum(top, self.layer.axes, keepdims=True)) * self.mean(diff * top) / deviation
            else:
                passed = (passed - top * self.mean(diff * top)) / deviation
        return (passed.reshape(shape),)

    def mean(self, x: Array) -> Array:
        """Compute the mean of each map, or of each picture, on the axes of `x`."""
        mean: Array = np.mean(x, self.layer.axes, keepdims=True)
        return mean


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.BatchNorm: BatchNormRunner,
    layers.LRN: LRNRunner,
    layers.MVN: MVNRunner,
}
