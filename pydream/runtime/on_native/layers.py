"""Runners that call C++ for NumPy's formulas; what the kernels do not have stays NumPy's.

Pooling, rectifiers and sums have NumPy's bits, convolutions and normalisation differ by rounding.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from .. import layers, onnx_layers, tf_layers
from ..base import LOWEST, TIE, Runner
from ..on_numpy.layers import activations, linear, normalising, pooling, shapes
from ..on_numpy.layers.base import Array, Arrays, Diffs, Memo
from ..on_numpy.onnx_layers import PoolRunner as OnnxPoolRunner
from .fusion import Convolutions, RectifiedPooling
from .kernels import kernels

_MOST_PLACES = 256  # of a window, whose winner is one byte


class ConvolutionRunner(linear.ConvolutionRunner):
    """As NumPy's, without a copy of what the taps see."""

    def prepare(self, params: list[Array]) -> None:
        layer = self.layer
        kernel = np.ascontiguousarray(params[0].reshape(layer.num_output, -1, *layer.kernel))
        self.kernels = kernels().convolution(kernel, layer.stride, layer.dilation, layer.group)
        self.offsets = np.ascontiguousarray(params[1].reshape(-1)) if layer.bias else None

    def slide(self, x: Array, rectify: bool = False, out: Array | None = None) -> Array:
        """As NumPy's; rectified where that is wanted, and written into `out`."""
        ((*_, h, w),) = self.layer.top_shapes(x.shape)
        top: Array = self.kernels.forward(whole(x), self._before(x.shape), (h, w), self.offsets, rectify, out)
        return top

    def spread(
        self, diff: Array, shape: tuple[int, ...], onto: Array | None = None, positive: Array | None = None
    ) -> Array:
        """As NumPy's; added to what is in `onto`, and 0 where `positive` is not above 0."""
        positive = None if positive is None else whole(positive)
        bottom: Array = self.kernels.backward(
            whole(diff), self._before(shape), shape[2:], positive, onto, onto is not None
        )
        return bottom


class ConvolutionsRunner(Runner[Convolutions]):
    """Convolutions side by side: ``y = max(convolution, 0)``, whose gradient goes on where y > 0; or without max."""

    def prepare(self, params: list[Array]) -> None:
        """Make the convolutions, whose weights come one after the other."""
        left = iter(params)
        self.parts = [
            ConvolutionRunner(part, list(islice(left, 2 if part.bias else 1)), self.dtype) for part in self.layer.parts
        ]

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        layer = self.layer
        if len(self.parts) == 1:
            top = self.parts[0].slide(bottoms[0], layer.rectified)
        elif len(bottoms[0]) == 1:
            top = self.side_by_side(bottoms)
        else:
            tops = [part.slide(bottoms[i], layer.rectified) for part, i in zip(self.parts, layer.sources, strict=True)]
            top = kernels().join(tops)
        masked = layer.rectified and not layer.dropped
        read = [x if drops else None for x, drops in zip(bottoms, layer.drops, strict=True)]
        return (top,), (top if masked else None, read, [x.shape for x in bottoms])

    def side_by_side(self, bottoms: tuple[Array, ...]) -> Array:
        """Compute the parts of one image's top in place."""
        x = bottoms[0]
        shapes = [
            part.layer.top_shapes(bottoms[i].shape)[0] for part, i in zip(self.parts, self.layer.sources, strict=True)
        ]
        top: Array = kernels().empty((1, sum(shape[1] for shape in shapes), *shapes[0][2:]), x.dtype)
        first = 0
        for part, i, shape in zip(self.parts, self.layer.sources, shapes, strict=True):
            part.slide(bottoms[i], self.layer.rectified, out=top[:, first : first + shape[1]])
            first += shape[1]
        return top

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (top, read, shapes), (diff,) = memo, diffs
        if top is not None:
            diff = kernels().rectify(whole(top), whole(diff))
        ends = np.cumsum([part.layer.num_output for part in self.parts])
        found: list[Array | None] = [None] * len(shapes)
        last = {source: place for place, source in enumerate(self.layer.sources)}
        for place, (part, source) in enumerate(zip(self.parts, self.layer.sources, strict=True)):
            piece = diff[:, ends[place] - part.layer.num_output : ends[place]]
            positive = read[source] if last[source] == place else None
            found[source] = part.spread(piece, shapes[source], onto=found[source], positive=positive)
        return tuple(bottom for bottom in found if bottom is not None)


class DeconvolutionRunner(linear.DeconvolutionRunner):
    """As NumPy's, with a convolution in C++."""

    def prepare(self, params: list[Array]) -> None:
        super().prepare(params)
        self.convolution = ConvolutionRunner(self.convolution.layer, params[:1], self.dtype)


class ReLURunner(activations.ReLURunner):
    """As NumPy's."""

    def slope(self, x: Array, values: Array) -> Array:
        """As NumPy's."""
        if not x.size:
            return super().slope(x, values)
        chosen: Array = kernels().rectify(whole(x), whole(values), self.layer.negative_slope)
        return chosen


class PoolingRunner(pooling.PoolingRunner):
    """As NumPy's; the winner is one byte."""

    rectified = False  # whether all values are those of a rectifier, which leaves its gradient to the pooling

    def maximum(self, x: Array) -> tuple[Arrays, Memo]:
        kernel = self.kernel(x.shape)
        if kernel[0] * kernel[1] > _MOST_PLACES:
            return super().maximum(x)
        tie = TIE if self.dtype == np.float64 else 0
        best, winner = kernels().pool_maximum(
            whole(x), self.out(x.shape), kernel, self.layer.stride, self.before(x.shape), LOWEST, tie
        )
        tops = (best, self.places(winner.astype(np.intp), x.shape)) if len(self.layer.tops) > 1 else (best,)
        return tops, (winner, x.shape, best if self.rectified else None)

    def maximum_back(self, memo: Memo, diff: Array) -> Arrays:
        winner, shape, pooled = memo
        if winner.dtype != np.uint8:
            return super().maximum_back(memo, diff)
        back: Array = kernels().pool_maximum_back(
            whole(diff), winner, shape[2:], self.kernel(shape), self.layer.stride, self.before(shape), pooled
        )
        return (back,)


class RectifiedPoolingRunner(Runner[RectifiedPooling]):
    """Max pooling; the gradient goes on where the top > 0."""

    def prepare(self, params: list[Array]) -> None:
        self.pooling = PoolingRunner(self.layer.pooling, [], self.dtype)
        self.pooling.rectified = True

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return self.pooling.forward(*bottoms)

    def backward(self, memo: Memo, *diffs: Array | None) -> Diffs:
        return self.pooling.backward(memo, *diffs)


class PoolRunner(PoolingRunner, OnnxPoolRunner):
    """As NumPy's; means have its divisor."""


class LRNRunner(normalising.LRNRunner):
    """As NumPy's, over channels; the scale is computed again on the way back, which takes less than to keep it."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        if self.layer.within or self.loses:
            return super().forward(x)
        top: Array = kernels().normalise(whole(x), *self.rule)
        return (top,), (x, None)

    def reread(self, memo: Memo, **overwritten: Array) -> Memo:
        """As NumPy's, of the scale of what was normalised."""
        x, scale = memo
        if scale is None:
            scale = self.scale(x)
        return super().reread((x, scale), **overwritten)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        if memo[1] is not None:
            return super().backward(memo, *diffs)
        back: Array = kernels().normalise_back(whole(memo[0]), whole(diffs[0]), *self.rule)
        return (back,)

    @property
    def rule(self) -> tuple[float, float, float, int]:
        """Return k, alpha of a sum, beta, and how many channels to either side count."""
        layer = self.layer
        return self.k, layer.alpha / self.count, layer.beta, layer.local_size // 2


class ConcatRunner(shapes.ConcatRunner):
    """As NumPy's."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        ends = np.cumsum([bottom.shape[self.layer.axis] for bottom in bottoms])
        if self.layer.axis != 1 or not all(bottom.size for bottom in bottoms):
            return super().forward(*bottoms)
        joined: Array = kernels().join([whole(bottom) for bottom in bottoms])
        return (joined,), (ends[:-1],)


def add_up(terms: list[Array]) -> Array:
    """Add up arrays of one shape, from the first to the last."""
    total: Array = kernels().add_up([whole(term) for term in terms])
    return total


def whole(x: Array) -> Array:
    """Return an array as the kernels read it: C-contiguous and aligned."""
    return np.require(x, requirements=("C", "A"))


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    Convolutions: ConvolutionsRunner,
    RectifiedPooling: RectifiedPoolingRunner,
    layers.Concat: ConcatRunner,
    layers.Convolution: ConvolutionRunner,
    layers.Deconvolution: DeconvolutionRunner,
    layers.LRN: LRNRunner,
    layers.Pooling: PoolingRunner,
    layers.ReLU: ReLURunner,
    onnx_layers.Pool: PoolRunner,
    tf_layers.Conv2D: ConvolutionRunner,
    tf_layers.DepthwiseConv2D: ConvolutionRunner,
}
