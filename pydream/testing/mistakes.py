"""Common mistakes in ports of a network, each as a runtime or a call that makes it.

A port that computes the numbers of one of these gets its name in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..runtime import layers
from ..runtime.base import TIE, Runner, Runtime
from ..runtime.on_numpy.layers.activations import ReLURunner
from ..runtime.on_numpy.layers.base import Memo, Pair
from ..runtime.on_numpy.layers.linear import ConvolutionRunner, DeconvolutionRunner
from ..runtime.on_numpy.layers.normalising import BatchNormRunner, LRNRunner, MVNRunner
from ..runtime.on_numpy.layers.pooling import PoolingRunner
from ..runtime.on_numpy.layers.shapes import RefoldedRunner
from ..runtime.on_numpy.layers.windows import unpad
from ..runtime.on_numpy.runtime import NumpyRuntime
from .report import Array


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong way to run a network.

    Attributes
    ----------
    text : str
        Completes "as if …".
    runners : dict of layer type to Runner type
        Runners with the mistake; the others are NumPy's.
    behind : bool
        Whether the layer that works in place after `end` has run too.
    reversed_channels : bool
        Whether the image came in as RGB.
    total : callable, optional
        In place of `Runtime.total`: what becomes of the gradients at a value that several layers read.
    """

    text: str
    runners: Mapping[type[layers.Layer], type[Runner[Any]]] = field(default_factory=dict)
    behind: bool = False
    reversed_channels: bool = False
    total: Callable[[Any, list[Array]], Array] | None = None

    def runtime(self) -> type[Runtime]:
        """Return NumPy's runtime with the mistake in it."""
        members: dict[str, Any] = {"runners": {**NumpyRuntime.runners, **self.runners}}
        if self.total is not None:
            members["total"] = self.total
        return type("MistakenRuntime", (NumpyRuntime,), members)


class FlooredPooling(PoolingRunner):
    """Sizes round down."""

    def __init__(self, layer: layers.Pooling, params: list[Array], dtype: np.dtype[Any]) -> None:
        super().__init__(replace(layer, round_up=False), params, dtype)


class SamePooling(PoolingRunner):
    """TensorFlow's SAME: ``ceil(size / stride)`` windows, padding before and after."""

    def before(self, shape: tuple[int, ...]) -> Pair:
        reach = [
            (out - 1) * s + k for out, s, k in zip(self.out(shape), self.layer.stride, self.kernel(shape), strict=True)
        ]
        return max(reach[0] - shape[2], 0) // 2, max(reach[1] - shape[3], 0) // 2

    def out(self, shape: tuple[int, ...]) -> Pair:
        if self.layer.everything:
            return super().out(shape)
        return -(-shape[2] // self.layer.stride[0]), -(-shape[3] // self.layer.stride[1])


class WithoutTolerance(PoolingRunner):
    """In float64 too the larger value wins, however little it is larger."""

    def beats(self, tap: Array, best: Array) -> Array:
        return tap > best


class LastOfEquals(PoolingRunner):
    """The last of equal values gets the gradient."""

    def beats(self, tap: Array, best: Array) -> Array:
        limit = TIE * (1 + np.abs(best)) if self.dtype == np.float64 else 0
        return tap >= best - limit


class ZeroPadded(PoolingRunner):
    """The padding is 0, and so larger than a negative value."""

    def padded(self, x: Array, value: float) -> Array:
        return super().padded(x, 0)


class _EqualsAlike(PoolingRunner):
    """Every value that equals the largest gets a part of the gradient, or all of it."""

    shared: bool

    def maximum(self, x: Array) -> tuple[tuple[Array, ...], Memo]:
        tops, (_, *shapes) = super().maximum(x)
        best = tops[0]
        limit = TIE * (1 + np.abs(best)) if self.dtype == np.float64 else 0
        equal = [tap >= best - limit for tap in self.taps(self.padded(x, -np.inf), x.shape)]
        return tops, (equal, *shapes)

    def maximum_back(self, memo: Memo, diff: Array) -> tuple[Array, ...]:
        equal, shape, padded_shape = memo
        padded = np.zeros(padded_shape, diff.dtype)
        part = diff / np.sum(equal, axis=0) if self.shared else diff
        for mask, view in zip(equal, self.taps(padded, shape), strict=True):
            view += np.where(mask, part, 0)
        return (unpad(padded, self.before(shape), shape),)


class SharedAmongEquals(_EqualsAlike):
    """Equal values share the gradient."""

    shared = True


class AllToEachEqual(_EqualsAlike):
    """Each of the equal values gets all of the gradient."""

    shared = False


class InsideOnlyMean(PoolingRunner):
    """The mean does not count padding."""

    def divisor(self, shape: tuple[int, ...]) -> Array:
        counts: list[Array] = []
        for out, size, kernel, stride, before in zip(
            self.out(shape), shape[2:], self.kernel(shape), self.layer.stride, self.before(shape), strict=True
        ):
            first = np.arange(out) * stride - before
            counts.append(np.minimum(first + kernel, size) - np.maximum(first, 0))
        area: Array = counts[0][:, None] * counts[1]
        return area.astype(self.dtype)


class WholeWindowMean(PoolingRunner):
    """The mean is divided by the window's size, wherever it stands."""

    def divisor(self, shape: tuple[int, ...]) -> Array:
        return np.full(self.out(shape), np.prod(self.kernel(shape)), self.dtype)


class FlippedConvolution(ConvolutionRunner):
    """A convolution in the mathematical sense."""

    def prepare(self, params: list[Array]) -> None:
        super().prepare([params[0][:, :, ::-1, ::-1], *params[1:]])


class UnbiasedConvolution(ConvolutionRunner):
    """The bias is left out."""

    def prepare(self, params: list[Array]) -> None:
        super().prepare([params[0], *(np.zeros_like(bias) for bias in params[1:])])


class FlippedDeconvolution(DeconvolutionRunner):
    """The same in its transpose."""

    def prepare(self, params: list[Array]) -> None:
        super().prepare([params[0][:, :, ::-1, ::-1], *params[1:]])


class LastChannels(RefoldedRunner):
    """Values are taken in TensorFlow's order: h, w, c."""

    def forward(self, *bottoms: Array) -> tuple[tuple[Array, ...], Memo]:
        (x,) = bottoms
        return super().forward(np.moveaxis(x, 1, -1).reshape(x.shape))

    def backward(self, memo: Memo, *diffs: Array) -> tuple[Array, ...]:
        (diff,) = super().backward(memo, *diffs)
        n, channels, *places = diff.shape
        return (np.moveaxis(diff.reshape(n, *places, channels), -1, 1),)


class GuidedReLU(ReLURunner):
    """Negative gradients are dropped too."""

    def backward(self, memo: Memo, *diffs: Array) -> tuple[Array, ...]:
        (diff,) = super().backward(memo, *diffs)
        return (np.maximum(diff, 0),)


class OpenReLU(ReLURunner):
    """The gradient goes through at 0."""

    def backward(self, memo: Memo, *diffs: Array) -> tuple[Array, ...]:
        return super().backward((np.where(memo[0] == 0, 1, memo[0]),), *diffs)


class UndividedLRN(LRNRunner):
    """Alpha is not divided by the number of channels."""

    def __init__(self, layer: layers.LRN, params: list[Array], dtype: np.dtype[Any]) -> None:
        super().__init__(replace(layer, alpha=layer.alpha * layer.local_size), params, dtype)


class KWithin(LRNRunner):
    """Within a channel k counts too."""

    def prepare(self, params: list[Array]) -> None:
        super().prepare(params)
        self.k = self.layer.k


class SampleVariance(BatchNormRunner):
    """The variance of the batch is divided by the count less one."""

    def forward(self, *bottoms: Array) -> tuple[tuple[Array, ...], Memo]:
        (top,), memo = super().forward(*bottoms)
        if not memo:
            return (top,), memo
        (x,), (_, deviation) = bottoms, memo
        count = x.size // x.shape[1]
        eps = self.layer.eps
        longer = np.sqrt((deviation**2 - eps) * count / (count - 1) + eps)
        return (top * deviation / longer,), (top * deviation / longer, longer)


class EpsInVariance(MVNRunner):
    """Eps is added to the variance, not to the deviation."""

    def forward(self, *bottoms: Array) -> tuple[tuple[Array, ...], Memo]:
        (top,), (shape, *normalised) = super().forward(*bottoms)
        if not normalised:
            return (top,), (shape,)
        _, deviation = normalised
        eps = self.layer.eps
        other = np.sqrt((deviation - eps) ** 2 + eps)
        return (top * deviation / other,), (shape, top * deviation / other, other)


KNOWN = (
    Mistake("the in-place layer behind it, a ReLU, had run: `end` is the first layer of that name", behind=True),
    Mistake("the image were RGB and not BGR", reversed_channels=True),
    Mistake("pooling sizes were rounded down, not up", {layers.Pooling: FlooredPooling}),
    Mistake("pooling were padded as TensorFlow's SAME, before and after", {layers.Pooling: SamePooling}),
    Mistake("in max pooling values that count as equal in float64 were different", {layers.Pooling: WithoutTolerance}),
    Mistake("of equal values in max pooling the last had the gradient, not the first", {layers.Pooling: LastOfEquals}),
    Mistake("max pooling were padded with 0, which wins against negative values", {layers.Pooling: ZeroPadded}),
    Mistake("equal values in max pooling shared the gradient", {layers.Pooling: SharedAmongEquals}),
    Mistake("each of equal values in max pooling had all of the gradient", {layers.Pooling: AllToEachEqual}),
    Mistake("average pooling counted no padding", {layers.Pooling: InsideOnlyMean}),
    Mistake("average pooling counted what lies beyond the padding", {layers.Pooling: WholeWindowMean}),
    Mistake(
        "convolution kernels were flipped",
        {layers.Convolution: FlippedConvolution, layers.Deconvolution: FlippedDeconvolution},
    ),
    Mistake("convolution's bias were left out", {layers.Convolution: UnbiasedConvolution}),
    Mistake(
        "where several layers read a blob, the last one's gradient were its only one", total=lambda _, diffs: diffs[0]
    ),
    Mistake(
        "where several layers read a blob, the first one's gradient were its only one", total=lambda _, diffs: diffs[-1]
    ),
    Mistake("deconvolution kernels were flipped", {layers.Deconvolution: FlippedDeconvolution}),
    Mistake(
        "values were flattened in TensorFlow's order, h, w, c",
        {layers.Flatten: LastChannels, layers.Reshape: LastChannels},
    ),
    Mistake("ReLU dropped negative gradients (guided backpropagation)", {layers.ReLU: GuidedReLU}),
    Mistake("ReLU's gradient at 0 were 1", {layers.ReLU: OpenReLU}),
    Mistake("LRN's alpha were not divided by local_size", {layers.LRN: UndividedLRN}),
    Mistake("LRN within a channel had a k", {layers.LRN: KWithin}),
    Mistake("BatchNorm's variance of a batch were divided by the count less one", {layers.BatchNorm: SampleVariance}),
    Mistake("MVN's eps were added to the variance, not to the deviation", {layers.MVN: EpsInVariance}),
)
