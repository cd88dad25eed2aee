"""How ONNX' operators run the layers for which height and width matter: two formulas each.

What other layers do is NumPy's formula, which nodes are made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from .. import layers, onnx_layers, tf_layers
from ..base import LOWEST, Runner
from ..on_numpy.layers.activations import ReLURunner
from ..on_numpy.layers.linear import ConvolutionRunner, DeconvolutionRunner, InnerProductRunner
from ..on_numpy.layers.normalising import LRNRunner
from ..on_numpy.layers.pooling import PoolingRunner, SPPRunner
from ..on_numpy.layers.shapes import CropRunner, Im2colRunner
from ..on_numpy.onnx_layers import GatherRunner, PadRunner, PartRunner, ReduceRunner
from .traced import LAST, Open, OpenSizeError, Shape, Traced, Value, as_traced
from .windows import (
    Extent,
    Sliding,
    extent,
    flattened,
    ones,
    pad,
    padded_as,
    placed,
    pooled,
    refolded,
    sized,
    spread,
    taps,
)

Memo = tuple[Any, ...]
Tops = tuple[Value, ...]


class Convolution(ConvolutionRunner):
    """Conv; back a Conv with the kernel the other way round where the stride is 1, else ConvTranspose.

    In float64, for which ONNX Runtime has neither, the matrix product of NumPy's formula.
    """

    def prepare(self, params: list[Any]) -> None:
        super().prepare(params)
        self.params = params
        self.stride, self.reach = (np.array(each, np.int64) for each in (self.layer.stride, self.layer.reach))

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        return tuple(map(self.slide, bottoms)), tuple(bottom.shape for bottom in bottoms)

    def window(self, shape: Shape) -> tuple[Extent, Extent]:
        """Return the padding before maps of a shape, and the extent of the top."""
        layer, size = self.layer, extent(shape)
        if not isinstance(size, Traced):
            before, out = np.array([layer.slide(int(each), axis) for axis, each in enumerate(size)], np.int64).T
            return before, out
        if isinstance(layer, tf_layers.Conv2D):
            return padded_as(layer.padding, layer.reach, layer.stride, size)
        before = np.array(layer.pad, np.int64)
        return before, (size + (2 * before - self.reach)) // self.stride + 1

    def slide(self, x: Value) -> Value:
        layer, (before, out) = self.layer, self.window(x.shape)
        if self.dtype == np.float64:
            self.matrix = x.like(self.matrix)
            seen = self.seen(x)
            columns = flattened(seen, 1, layer.group, self.matrix.shape[2])
            top = refolded(self.matrix @ columns, (1, layer.num_output), out)
            return top if self.bias is None else top + self.bias
        wanted = (out - 1) * self.stride + self.reach
        if isinstance(before, Traced):
            x, before = pad(x, before, wanted, 0), np.zeros(2, np.int64)
            behind = before
        elif not isinstance(wanted, Traced):
            behind = np.maximum(wanted - extent(x.shape) - before, 0)
        elif isinstance(layer, tf_layers.Conv2D):
            sides = zip(layer.padding, self.reach - 1 - before, strict=True)
            behind = np.array([rest if padding.same else padding.behind for padding, rest in sides])
        else:
            behind = before
        pads = [*map(int, before), *map(int, behind)]
        shape = (1, layer.num_output, *sized(out))
        return x.op("Conv", *self.params, shape=shape, pads=pads, **self.attributes)

    def seen(self, x: Value) -> Value:
        """Return im2col: what each tap of the kernel sees, (n, c, taps, h, w)."""
        window = self.sliding(x.shape)
        found: Value = np.stack(taps(window.padded(x, 0), window), 2)
        return found

    def sliding(self, shape: Shape) -> Sliding:
        """Return the windows over maps of a shape."""
        layer, same = self.layer, isinstance(self.layer, tf_layers.Conv2D) and all_same(self.layer.padding)
        whole = layer.stride == (1, 1) or same
        return Sliding(layer.kernel, layer.stride, layer.dilation, *self.window(shape), whole)

    def given_back(self, columns: Value, out: Extent, shape: Shape) -> Value:
        """Return col2im: what each tap of the kernel saw gets its share, of an extent."""
        count = self.layer.kernel[0] * self.layer.kernel[1]
        apart = refolded(columns, (shape[1], count), out)
        parts = [refolded(apart[:, tap : tap + 1], (1, shape[1]), out) for tap in range(count)]
        return spread(parts, self.sliding(shape), shape)

    @property
    def attributes(self) -> dict[str, Any]:
        """What Conv and ConvTranspose have in common."""
        layer = self.layer
        return {"kernel_shape": layer.kernel, "strides": layer.stride, "dilations": layer.dilation,
                "group": layer.group}  # fmt: skip

    def spread(self, diff: Value, shape: Shape) -> Value:
        layer, group, (before, _) = self.layer, self.layer.group, self.window(shape)
        if self.dtype == np.float64:
            columns = diff.like(self.matrix).transpose(0, 2, 1) @ flattened(diff, 1, group, layer.num_output // group)
            return self.given_back(columns, extent(diff.shape), shape)
        kernel = as_traced(diff.nodes, self.params[0])
        whole = (extent(diff.shape) - 1) * self.stride + self.reach
        if layer.stride == (1, 1) and not isinstance(before, Traced) and (self.reach - 1 >= before).all():
            pads = [*map(int, self.reach - 1 - before)]  # before; behind all there is, which is then cut
            pads += pads if type(layer) is layers.Convolution else map(int, self.reach - 1)
            full = diff.op("Conv", turned(kernel, group), shape=shape, pads=pads, **self.attributes)
            if type(layer) is layers.Convolution:
                return full
            cut = Traced(full.nodes, full.name, (1, shape[1], *sized(whole - before)), full.dtype)
            return placed(cut, np.zeros(2, np.int64), shape, fits=False)
        maps = (1, shape[1], *sized(whole))
        return placed(diff.op("ConvTranspose", kernel, shape=maps, **self.attributes), -before, shape)


def all_same(padding: tf_layers.Paddings) -> bool:
    """Return whether rows and columns are padded as many windows need."""
    return all(each.same for each in padding)


def turned(kernel: Value, group: int) -> Value:
    """Return the kernel of a convolution, (out, in / group, h, w), for the way back: (in, out / group, h, w)."""
    outs, ins, *size = kernel.shape
    apart = kernel.reshape(group, outs // group, ins, *size).transpose(0, 2, 1, 3, 4)
    whole = apart.reshape(group * ins, outs // group, *size)
    numbers = [np.array(each, np.int64) for each in ([-1, -1], [-LAST, -LAST], [2, 3], [-1, -1])]
    return whole.op("Slice", *numbers, shape=whole.shape)


class Deconvolution(DeconvolutionRunner):
    """The two formulas of a convolution from top to bottom, the other way round."""

    def prepare(self, params: list[Any]) -> None:
        super().prepare(params)
        self.convolution: Convolution = Convolution(self.layer.convolution(len(params[0])), params[:1], self.dtype)

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        tops = [self.convolution.spread(x, self.shape(x)) for x in bottoms]
        return tuple(tops if self.bias is None else (top + self.bias for top in tops)), ()

    def shape(self, x: Value) -> Shape:
        """Return the shape of the top of x."""
        whole = (extent(x.shape) - 1) * self.convolution.stride + self.convolution.reach
        return (1, self.layer.num_output, *sized(whole - 2 * np.array(self.layer.pad, np.int64)))


class InnerProduct(InnerProductRunner):
    """As NumPy's, with one matrix for both ways."""

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        self.matrix = bottoms[0].like(self.matrix)
        return super().forward(*bottoms)


class Pooling(PoolingRunner):
    """As NumPy's; the largest value is MaxPool's in float32, and its place the first tap that equals it."""

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        self.nodes = bottoms[0].nodes
        return super().forward(*bottoms)

    def window(self, shape: Shape) -> tuple[Extent, Extent]:
        """Return the padding before maps of a shape, and the extent of the top."""
        if self.layer.everything:
            return np.zeros(2, np.int64), np.ones(2, np.int64)
        return pooled(self.layer, extent(shape))

    def padded(self, x: Value, filler: float) -> Value:
        return self.sliding(x.shape).padded(x, filler)

    def sliding(self, shape: Shape) -> Sliding:
        """Return the windows over maps of a shape."""
        layer, same = self.layer, isinstance(self.layer, tf_layers.MaxPool) and all_same(self.layer.padding)
        whole = layer.round_up or layer.stride == (1, 1) or same
        return Sliding(self.kernel(shape), layer.stride, (1, 1), *self.window(shape), whole)

    def taps(self, padded: Value, shape: Shape) -> Iterator[Value]:
        yield from taps(padded, self.sliding(shape))

    def gathered(self, parts: list[Value], shape: Shape) -> Value:
        """Add up the gradients that each place of the window gets."""
        return spread(parts, self.sliding(shape), shape)

    def maximum(self, x: Value) -> tuple[Tops, Memo]:
        if self.dtype == np.float64:
            found, (winner, *_) = super().maximum(x)
            return found, (winner, x.shape)
        if self.layer.everything:
            flat = flattened(x, *x.shape[:2])
            place = flat.op("ArgMax", shape=(*x.shape[:2], 1), dtype=np.int64, axis=2)  # the first of equal ones
            tops = (x.max((2, 3), keepdims=True), place.reshape(*x.shape[:2], 1, 1).astype(self.dtype))
            return tops[: len(self.layer.tops)], (place, x.shape)
        padded, (_, out) = self.padded(x, LOWEST), self.window(x.shape)
        shape = (*x.shape[:2], *sized(out))
        best = padded.op("MaxPool", shape=shape, kernel_shape=self.layer.kernel, strides=self.layer.stride)
        *equal, _ = [tap == best for tap in self.taps(padded, x.shape)]
        winners: list[Value] = []
        others: Value = None
        for each in equal:
            winners.append(each if others is None else each & others)
            others = ~each if others is None else others & ~each
        winners.append(np.ones_like(best) > 0 if others is None else others)  # the last, where no tap before it is
        if len(self.layer.tops) == 1:
            return (best,), (winners, x.shape)
        number = reduce(np.add, [place * wins.astype(np.int64) for place, wins in enumerate(winners)])
        return (best, self.places(number, x.shape)), (winners, x.shape)

    def maximum_back(self, memo: Memo, diff: Value) -> Tops:
        winner, shape = memo
        if self.dtype != np.float64 and self.layer.everything:
            here = np.where(indices(diff, extent(shape)) == winner, flattened(diff, *shape[:2]), 0)
            return (refolded(here, shape[:2], extent(shape)),)
        if self.dtype == np.float64:
            kernel = self.kernel(shape)
            winner = [winner == place for place in range(kernel[0] * kernel[1])]
        return (self.gathered([diff * wins for wins in winner], shape),)

    def mean(self, x: Value) -> tuple[Tops, Memo]:
        if self.layer.everything:
            return (x.mean((2, 3), keepdims=True),), (x.shape, x.shape)
        return super().mean(x)

    def mean_back(self, memo: Memo, diff: Value) -> Tops:
        shape, _ = memo
        share = diff / self.divisor(shape)
        if self.layer.everything:
            return ((share * ones(self.nodes, extent(shape), self.dtype)).reshape(shape),)
        kernel = self.kernel(shape)
        return (self.gathered([share] * (kernel[0] * kernel[1]), shape),)

    def weighted_back(self, memo: Memo, diff: Value) -> Tops:
        padded, share, top, shape = memo
        return (self.gathered([diff * share * (2 * tap - top) for tap in self.taps(padded, shape)], shape),)

    def divisor(self, shape: Shape) -> Value:
        """Count each window's values, on a map of ones: with the padding, but not what windows reach beyond it."""
        size = extent(shape)
        field = ones(self.nodes, size, self.dtype)
        if self.layer.everything:
            return field.sum((2, 3), keepdims=True)
        before, _ = self.window(shape)
        if not isinstance(self.layer, tf_layers.MaxPool):
            own = self.layer if isinstance(self.layer, onnx_layers.Pool) else None
            sides = [(each, each) for each in self.layer.pad] if own is None else own.padding
            if own is None or own.counted:
                field = pad(field, before, size + np.array(sides, np.int64).sum(1), 1, fits=True)
                before = np.zeros(2, np.int64)
        window = self.sliding(shape)._replace(before=before, whole=False)
        return reduce(np.add, taps(window.padded(field, 0), window))


def indices(x: Value, size: Extent) -> Any:
    """Return the numbers from 0 on of the places of a map."""
    if not isinstance(size, Traced):
        return np.arange(int(np.prod(size)), dtype=np.int64)
    count = size.op("ReduceProd", shape=(), keepdims=0)
    return x.like(0).astype(np.int64).op("Range", count, np.int64(1), shape=(Open(),))


class SPP(SPPRunner):
    """As NumPy's."""

    pooling = Pooling


class LRN(LRNRunner):
    """As NumPy's; over channels, in float32, the neighbours are added up by a convolution with a band matrix."""

    def scale(self, x: Value) -> Value:
        if self.banded:
            band = (self.layer.alpha / self.count * self.band(x)).astype(self.dtype)
            return (x * x).op("Conv", band, np.full(x.shape[1], self.k, self.dtype), shape=x.shape)
        return super().scale(x)

    @property
    def banded(self) -> bool:
        """Whether it is so here."""
        return not self.layer.within and self.dtype == np.float32

    def band(self, x: Value) -> Any:
        """Return the matrix whose row for a channel has ones at its neighbours, as a kernel."""
        near = np.arange(x.shape[1])
        inside = abs(near[:, None] - near) <= self.layer.local_size // 2
        return inside.astype(self.dtype)[:, :, None, None]

    def neighbours(self, x: Value) -> Value:
        """Add up the n values around each one; beyond the ends there are none."""
        if self.banded:
            return x.op("Conv", self.band(x), shape=x.shape)
        if not self.layer.within:
            return super().neighbours(x)
        size, half, out = self.layer.local_size, self.layer.local_size // 2, extent(x.shape)
        for kernel in ((size, 1), (1, size)):
            before = np.array([half if side > 1 else 0 for side in kernel], np.int64)
            window = Sliding(kernel, (1, 1), (1, 1), before, out, whole=True)
            sums = reduce(np.add, taps(window.padded(x, 0), window))
            x = Traced(sums.nodes, sums.name, x.shape, sums.dtype)
        return x


class ReLU(ReLURunner):
    """As NumPy's; the operator where nothing of the negative part is kept, and its result says where x was positive."""

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        if self.layer.negative_slope != 0:
            return super().forward(*bottoms)
        (x,) = bottoms
        top = x.op("Relu", shape=x.shape)
        return (top,), (top,)

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        if self.layer.negative_slope != 0:
            return super().backward(memo, *diffs)
        (top,), (diff,) = memo, diffs
        return (diff * (top > 0),)  # in ONNX Runtime a product is many times as fast as a choice


class Im2col(Im2colRunner):
    """As NumPy's."""

    def prepare(self, params: list[Any]) -> None:
        self.convolution = Convolution(self.layer.convolution, [np.zeros((1, 1, *self.layer.kernel))], self.dtype)

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        (x,) = bottoms
        seen, (_, out) = self.convolution.seen(x), self.convolution.window(x.shape)
        return (refolded(seen, (1, x.shape[1] * seen.shape[2]), out),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        (shape,), (diff,) = memo, diffs
        return (self.convolution.given_back(diff, extent(diff.shape), shape),)


class Crop(CropRunner):
    """A part of the first bottom; back with zeros around it."""

    def forward(self, *bottoms: Value) -> tuple[Tops, Memo]:
        x, reference = bottoms
        begin = self.layer.begin(x.ndim)
        if any(isinstance(size, Open) for size in x.shape):
            if self.layer.axis % 4 < 2 or x.ndim != 4:
                raise OpenSizeError
            before = -np.array(begin[2:], np.int64)
            return (pad(x, before, extent(reference.shape), 0, fits=False),), (x.shape, before)
        (top,), (part, shape) = super().forward(*bottoms)
        return (top,), (shape, part)

    def backward(self, memo: Memo, *diffs: Value) -> tuple[Value, ...]:
        (shape, part), (diff,) = memo, diffs
        if isinstance(part, tuple):
            return surrounded(diff, part, shape), None
        return placed(diff, -part, shape, fits=True), None


def surrounded(diff: Value, part: tuple[slice, ...], shape: Shape) -> Value:
    """Put the gradient of a part that lies together into a field of zeros of a shape; whole axes may be open."""
    widths = [(0, 0) if each == slice(None) else (each.start, size - each.stop)
              for each, size in zip(part, shape, strict=True)]  # fmt: skip
    found: Value = np.pad(diff, widths)
    return found


class Part(PartRunner):
    """Some places of each axis; back each to its own."""

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        (shape,), (diff,) = memo, diffs
        for axis, each in enumerate(self.layer.slices):
            if each != slice(None):
                diff = given_back(diff, range(shape[axis])[each], axis, shape[axis])
        return (diff,)


class Gather(GatherRunner):
    """Places by index; back each to its own, added up."""

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        (shape,), (diff,), axis = memo, diffs, self.layer.axis
        flat = self.layer.indices.ravel()
        rows = diff.reshape(*shape[:axis], len(flat), *shape[axis + 1 :])
        return (given_back(rows, flat, axis, shape[axis]),)


class Pad(PadRunner):
    """More places around; what is mirrored gets the gradient of all its images."""

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        (shape,), (diff,) = memo, diffs
        for axis, (before, behind) in enumerate(self.layer.widths):
            if self.layer.reflect and before + behind:
                places = np.pad(np.arange(int(shape[axis])), (before, behind), "reflect")
                diff = given_back(diff, places, axis, shape[axis])
            elif before + behind:
                diff = diff[(slice(None),) * axis + (slice(before, -behind or None),)]
        return (Traced(diff.nodes, diff.name, shape, diff.dtype),)


def given_back(diff: Value, places: Any, axis: int, size: int) -> Value:
    """Add up the gradients along an axis at the places, of so many, that they come from: a product with a matrix."""
    chosen = np.zeros((len(places), size), diff.dtype)
    chosen[np.arange(len(places)), places] = 1
    last = diff.ndim - 1
    return (diff.swapaxes(axis, last) @ chosen).swapaxes(axis, last)


class Reduce(ReduceRunner):
    """As NumPy's; a mean over maps of any size."""

    def backward(self, memo: Memo, *diffs: Value) -> Tops:
        x, top = memo
        if self.layer.op != "Mean" or not any(isinstance(size, Open) for size in x.shape):
            return super().backward(memo, *diffs)
        field = ones(x.nodes, extent(x.shape), self.dtype)
        if self.layer.axes != (2, 3):
            raise OpenSizeError
        return (diffs[0].reshape(top.shape) * (field / field.sum((2, 3), keepdims=True)),)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Convolution: Convolution,
    layers.Crop: Crop,
    layers.Deconvolution: Deconvolution,
    layers.Im2col: Im2col,
    layers.InnerProduct: InnerProduct,
    layers.LRN: LRN,
    layers.Pooling: Pooling,
    layers.ReLU: ReLU,
    layers.SPP: SPP,
    onnx_layers.Gather: Gather,
    onnx_layers.Pad: Pad,
    onnx_layers.Part: Part,
    onnx_layers.Pool: Pooling,
    onnx_layers.Reduce: Reduce,
    tf_layers.AvgPool: Pooling,
    tf_layers.Conv2D: Convolution,
    tf_layers.DepthwiseConv2D: Convolution,
    tf_layers.MaxPool: Pooling,
}
