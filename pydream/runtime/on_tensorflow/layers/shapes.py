"""Layers that only move values: two formulas each, in TensorFlow."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from math import prod
from typing import Any

from numpy.typing import NDArray

from ... import layers
from ...base import Runner, Tensor, Tensors
from ..runner import TFRunner
from .base import caffe_order, laid, tf_axis, tf_order


class SplitRunner(TFRunner[layers.Split]):
    """The identity to every top; the gradients add up."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return bottoms * len(self.layer.tops), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (reduce(lambda a, b: a + b, [diff for diff in diffs if diff is not None]),)


class OverwrittenRunner(TFRunner[layers.Overwritten]):
    """``y = x2`` in the shape of x1, ``dx1 = dy``."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        was, now = (caffe_order(self.tf, bottom) for bottom in bottoms)
        top = tf_order(self.tf, self.tf.reshape(now, self.tf.shape(was)))
        top.set_shape(bottoms[0].shape)
        return (top,), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return diffs[0], None


class ConcatRunner(TFRunner[layers.Concat]):
    """The bottoms side by side; each gets its slice of the gradient."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        axis = tf_axis(self.layer.axis, bottoms[0].shape.rank)
        known = [bottom.shape[axis] for bottom in bottoms]
        sizes = known if None not in known else [self.tf.shape(bottom)[axis] for bottom in bottoms]
        return (self.tf.concat(bottoms, axis),), tuple(sizes)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        axis = tf_axis(self.layer.axis, diffs[0].shape.rank)
        return tuple(self.tf.split(diffs[0], self.tf.stack(memo), axis, num=len(memo)))


class SliceRunner(TFRunner[layers.Slice]):
    """Parts of the bottom; the gradients side by side, 0 for a part that has none."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,), count, points = self.tf, bottoms, len(self.layer.tops), self.layer.points
        axis = tf_axis(self.layer.axis, x.shape.rank)
        known = x.shape[axis]
        sizes: Any = [behind - first for first, behind in pairwise((0, *points))]
        sizes = [*sizes, -1 if known is None else known - sum(sizes)] if points or count == 1 else count
        tops = tuple(tf.split(x, sizes, axis))
        return tops, tuple(map(tf.shape, tops))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf = self.tf
        parts = [tf.zeros(shape, self.dtype) if diff is None else diff for shape, diff in zip(memo, diffs, strict=True)]
        return (tf.concat(parts, tf_axis(self.layer.axis, parts[0].shape.rank)),)


class RefoldedRunner(TFRunner[layers.Refolded]):
    """The same values on other axes, in Caffe's order: Flatten and Reshape."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, x = self.tf, caffe_order(self.tf, bottoms[0])
        shape = tf.shape(x)
        parts = self.layer.parts(x.shape.rank)
        sizes = [part.size if part.axis is None else shape[part.axis] for part in parts]
        top = tf.reshape(x, tf.stack(sizes) if sizes else ())
        top.set_shape(self._known(parts, x.shape.as_list()))
        return (tf_order(tf, top),), (shape,)

    def _known(self, parts: list[layers.Part], known: list[int | None]) -> list[int | None]:
        """Return what is known of the top's shape from what is known of the bottom's."""
        copied = [part.axis for part in parts if part.axis is not None]
        merged = [size for axis, size in enumerate(known) if axis not in copied]
        given = prod(part.size for part in parts if part.axis is None and part.size != -1)
        # An axis that is copied twice has no part in what remains.
        whole = None in merged or len(set(copied)) < len(copied)
        rest = None if whole else prod(size for size in merged if size is not None) // given
        return [known[part.axis] if part.axis is not None else rest if part.size == -1 else part.size for part in parts]

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (tf_order(self.tf, self.tf.reshape(caffe_order(self.tf, diffs[0]), memo[0])),)


class CropRunner(TFRunner[layers.Crop]):
    """A part of the first bottom; the gradient in a field of zeros. Of the second only the size counts."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x, reference) = self.tf, bottoms
        rank = x.shape.rank
        first, begin = self.layer._axis(self.layer.axis, (1,) * rank), laid(self.layer.begin(rank))
        like = [reference if axis >= first else x for axis in range(rank)]
        places = [(each, tf_axis(axis, each.shape.rank)) for axis, each in enumerate(like)]
        top = tf.slice(x, begin, laid([tf.shape(each)[place] for each, place in places]))
        top.set_shape(laid([each.shape[place] for each, place in places]))
        return (top,), (tf.shape(x),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,), (diff,) = self.tf, memo, diffs
        begin = laid(self.layer.begin(diff.shape.rank))
        return tf.pad(diff, tf.stack((begin, shape - begin - tf.shape(diff)), 1)), None


class TileRunner(TFRunner[layers.Tile]):
    """The bottom again and again; the gradients of all add up."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,), tiles = self.tf, bottoms, self.layer.tiles
        axis, shape = tf_axis(self.layer.axis, x.shape.rank), tf.shape(x)
        block = tf.reshape(x, (tf.reduce_prod(shape[:axis]), 1, tf.reduce_prod(shape[axis:])))
        known = x.shape.as_list()
        known[axis] = None if known[axis] is None else known[axis] * tiles
        top = tf.reshape(
            tf.tile(block, (1, tiles, 1)), tf.concat((shape[:axis], [shape[axis] * tiles], shape[axis + 1 :]), 0)
        )
        top.set_shape(known)
        return (top,), (shape,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,), (diff,) = self.tf, memo, diffs
        axis = tf_axis(self.layer.axis, diff.shape.rank)
        outer, block = tf.reduce_prod(shape[:axis]), tf.reduce_prod(shape[axis:])
        return (tf.reshape(tf.reduce_sum(tf.reshape(diff, (outer, self.layer.tiles, block)), 1), shape),)


class Im2colRunner(TFRunner[layers.Im2col]):
    """TensorFlow's patches, with channels in front of places; what a place saw gets its gradient back."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        columns = self._patches(x)  # (n, h, w, taps * c)
        taps, channels = prod(self.layer.kernel), x.shape[3]
        shape = self.tf.shape(columns)
        columns = self.tf.reshape(columns, (shape[0] * shape[1] * shape[2], taps, channels))
        top = self.tf.reshape(self.tf.transpose(columns, (0, 2, 1)), (*self.tf.unstack(shape[:3]), channels * taps))
        return (top,), (self.tf.shape(x),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,), (diff,) = self.tf, memo, diffs
        n, h, w, channels = tf.unstack(shape)
        # The pixels that the taps see, counted from 1, since the padding is 0.
        pixels = self._patches(tf.reshape(tf.range(1, h * w + 1), (1, h, w, 1)))
        taps = prod(self.layer.kernel)
        shares = tf.reshape(diff, (n, -1, channels, taps))
        shares = tf.reshape(tf.transpose(shares, (1, 3, 0, 2)), (-1, n * channels))
        sums = tf.math.unsorted_segment_sum(shares, tf.reshape(pixels, (-1,)), h * w + 1)[1:]
        return (tf.reshape(tf.transpose(tf.reshape(sums, (h * w, n, channels)), (1, 0, 2)), shape),)

    def _patches(self, x: Tensor) -> Tensor:
        layer = self.layer
        padded = self.tf.pad(x, [[0, 0], [layer.pad[0]] * 2, [layer.pad[1]] * 2, [0, 0]])
        return self.tf.raw_ops.ExtractImagePatches(
            images=padded, ksizes=[1, *layer.kernel, 1], strides=[1, *layer.stride, 1], rates=[1, *layer.dilation, 1],
            padding="VALID",
        )  # fmt: skip


class ParameterRunner(TFRunner[layers.Parameter]):
    """The weights."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        (values,) = params
        self.values = self.constant(values.transpose(laid(range(values.ndim))))

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return (self.values,), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return ()


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Concat: ConcatRunner,
    layers.Crop: CropRunner,
    layers.Flatten: RefoldedRunner,
    layers.Im2col: Im2colRunner,
    layers.Overwritten: OverwrittenRunner,
    layers.Parameter: ParameterRunner,
    layers.Reshape: RefoldedRunner,
    layers.Slice: SliceRunner,
    layers.Split: SplitRunner,
    layers.Tile: TileRunner,
}
