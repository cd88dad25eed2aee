"""How TensorFlow pools: the largest value or the mean of windows, on maps padded to what Caffe's output size covers.

Four-axis tensors are (n, h, w, c), and sizes are read inside the graph, as in `layers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import layers
from ...base import LOWEST, TIE, Runner, Tensor, Tensors
from ..runner import TFRunner, once, same_size, shape_of, size_of


class PoolingRunner(TFRunner[layers.Pooling]):
    """Windows over a map padded to exactly what Caffe's output size covers."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        axes = list(zip(self.layer.kernel, self.layer.stride, self.layer.pad, strict=True))
        # "SAME" spares the plain maximum the padded copy; its windows are Caffe's for maps of any size,
        self.same = all(k == 2 * p + 1 and s == 1 for k, s, p in axes)
        # or for those that the stride divides: then just one row is missing behind the map.
        self.same_where_whole = all(k == s + 1 > 2 and p == 0 for k, s, p in axes)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        if self.layer.stochastic:
            return self._weighted(x)
        if self.layer.everything:
            return self._everything(x)
        if self.layer.average:
            return self._mean(x)
        return self._scanned_maximum(x) if self.scans else self._plain_maximum(x)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        (diff, *_) = diffs  # that of a mask does not count
        if diff is None:
            return (None,)
        if self.layer.stochastic:
            return self._weighted_back(memo, diff)
        if self.layer.everything:
            return self._everything_back(memo, diff)
        if self.layer.average:
            return self._mean_back(memo, diff)
        return self._scanned_maximum_back(memo, diff) if self.scans else self._plain_maximum_back(memo, diff)

    # The window over the whole map.

    def _everything(self, x: Tensor) -> tuple[Tensors, Tensors]:
        if self.layer.average:
            return (self.tf.reduce_mean(x, (1, 2), keepdims=True),), (self.tf.shape(x),)
        flat = self.tf.reshape(x, (self.tf.shape(x)[0], -1, x.shape[3]))
        if self.dtype == np.float64:
            best, winner = self._tolerant_scan(flat)
            best = best[:, None, None]
        else:
            best = self.tf.reduce_max(x, (1, 2), keepdims=True)
            winner = self.tf.argmax(flat, axis=1)  # of equal values the first, row by row
        tops = (best, self.tf.cast(winner, self.dtype)[:, None, None]) if len(self.layer.tops) > 1 else (best,)
        return tops, (winner, self.tf.shape(x))

    def _tolerant_scan(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """Return the winning values and their places along axis 1, compared in order with the tolerance for ties."""
        tf = self.tf

        def turn(i: Tensor, best: Tensor, winner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            tap = flat[:, i]
            wins = tap > best + TIE * (1 + tf.abs(best))
            return i + 1, tf.where(wins, tap, best), tf.where(wins, i, winner)

        first = flat[:, 0]
        start = (tf.constant(1), first, tf.zeros_like(first, tf.int32))
        _, best, winner = tf.while_loop(lambda i, *_: i < tf.shape(flat)[1], turn, start)
        return best, winner

    def _everything_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        shape = memo[-1]
        if self.layer.average:
            return (self.tf.broadcast_to(diff / self.tf.cast(shape[1] * shape[2], diff.dtype), shape),)
        winner = self.tf.one_hot(memo[0], shape[1] * shape[2], axis=1, dtype=diff.dtype)  # (n, h*w, c)
        return (self.tf.reshape(winner, shape) * diff,)

    # Sizes: Pooling.out_size in the graph, for rows and columns at once.

    def _out_size(self, size: Tensor) -> Tensor:
        """Compute the rows and columns of the top from those of the map."""
        kernel, stride, pad = np.array((self.layer.kernel, self.layer.stride, self.layer.pad), np.int32)
        room = size + (2 * pad - kernel)
        out = (-(-room // stride) if self.layer.round_up else room // stride) + 1
        if pad.any():
            out -= self.tf.cast((out - 1) * stride >= size + pad, out.dtype)
        return out

    def _widths(self, shape: Tensor) -> Tensor:
        """Compute what is padded around a map of this shape: as far as the windows reach."""
        kernel, stride, pad = np.array((self.layer.kernel, self.layer.stride, self.layer.pad), np.int32)
        if self.layer.round_up and not pad.any():
            # What the other comes to, in fewer nodes, which take time to trace; all that 1 divides has no remainder.
            behind = ([0, *kernel, 0] - shape) % [1, *stride, 1]
            return self.tf.stack(([0, 0, 0, 0], behind), axis=1)
        size = shape[1:3]
        behind = self.tf.maximum(self._out_size(size) * stride + (kernel - stride - pad) - size, 0)
        return self.tf.stack(([0, *pad, 0], self.tf.pad(behind, [[1, 1]])), axis=1)

    def _padded(self, x: Tensor, filler: float) -> Tensor:
        """Pad the map before the first row and column, and behind the last as far as the windows reach."""
        return self._padded_by(self._widths(self.tf.shape(x)), x, filler)

    def _padded_by(self, widths: Tensor, x: Tensor, filler: float) -> Tensor:
        tf = self.tf
        padded = once(
            lambda: tf.pad(x, widths, constant_values=tf.constant(filler, x.dtype)),
            *("padded", x.ref(), widths.ref(), filler),
        )
        padded.set_shape((None, None, None, x.shape[3]))
        return padded

    def _unpadded(self, padded: Tensor, shape: Tensor) -> Tensor:
        return self.tf.slice(padded, (0, *self.layer.pad, 0), shape)

    # The largest value; of equal ones the first, row by row, and all of the gradient to it.

    def _plain_maximum(self, x: Tensor) -> tuple[Tensors, Tensors]:
        widths: Tensors = ()
        whole: Tensors = ()
        if not self.same:  # computed once, and kept for the backward pass: nodes take time to trace
            shape, layer = size_of(x), self.layer
            geometry = layer.kernel, layer.stride, layer.pad, layer.round_up
            widths = (once(lambda: self._widths(shape), "widths", shape.ref(), *geometry),)
            if self.same_where_whole:
                whole = (once(lambda: self._whole(shape), "whole", shape.ref(), layer.stride),)
        top = self._by_size(
            whole,
            lambda x: self._largest(x, "SAME"),
            lambda x: self._largest(self._padded_by(widths[0], x, LOWEST), "VALID"),
            x,
        )
        return (top,), (x, *widths, *whole)

    def _whole(self, shape: Tensor) -> Tensor:
        """Compute whether the stride divides rows and columns."""
        # A sum of remainders, not "all are 0": GPUs leave whole numbers to the CPU, but fetch a truth from there.
        return self.tf.reduce_sum(shape % [1, *self.layer.stride, 1]) == 0

    def _plain_maximum_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        x, *widths = memo[:2]
        back = self._by_size(
            memo[2:],
            lambda x, diff: self._largest_back(x, diff, "SAME"),
            lambda part, diff: self._unpadded(
                self._largest_back(self._padded_by(widths[0], part, LOWEST), diff, "VALID"), shape_of(x)
            ),
            x,
            diff,
        )
        return (back,)

    def _by_size(
        self, whole: Tensors, same: Callable[..., Tensor], filled: Callable[..., Tensor], *values: Tensor
    ) -> Tensor:
        """Run `same` on the values where "SAME" is Caffe's padding, as `whole` says if sizes decide, else `filled`."""
        if not whole:
            return (same if self.same else filled)(*values)
        # tf.cond would do, but it makes a function of each branch, and takes 0.4 s a network to trace.
        ops = self.tf.raw_ops
        (pred,) = whole
        ways = [once(partial(ops.Switch, data=value, pred=pred), "switch", value.ref(), pred.ref()) for value in values]
        results = [filled(*(way.output_false for way in ways)), same(*(way.output_true for way in ways))]
        return ops.Merge(inputs=results).output

    def _filled(self, x: Tensor) -> Tensor:
        return self._padded(x, LOWEST)

    def _largest(self, x: Tensor, padding: str) -> Tensor:
        largest = partial(self.tf.nn.max_pool2d, x, self.layer.kernel, self.layer.stride, padding)
        return once(largest, "largest", x.ref(), self.layer.kernel, self.layer.stride, padding)

    def _largest_back(self, x: Tensor, diff: Tensor, padding: str) -> Tensor:
        return self.tf.raw_ops.MaxPoolGrad(
            orig_input=x,
            # Computed again where the forward pass has a trace of its own: oneDNN's gradient, 10 to 40 times as fast as
            # the other, runs only where its own maximum is in the same trace and tells it which taps won.
            orig_output=self._largest(x, padding),
            grad=diff,
            ksize=[1, *self.layer.kernel, 1],
            strides=[1, *self.layer.stride, 1],
            padding=padding,
        )

    # The same, tap by tap: with a tolerance for ties, the exact mode's; and where the winners' places are a top.

    @property
    def scans(self) -> bool:
        return self.dtype == np.float64 or len(self.layer.tops) > 1

    def _scanned_maximum(self, x: Tensor) -> tuple[Tensors, Tensors]:
        tf = self.tf
        padded = self._filled(x)
        best, *taps = self._taps(padded)
        # TensorFlow fills whole numbers on the CPU: for a GPU zeros are cast.
        winner = tf.cast(tf.zeros_like(best, tf.bool), tf.int32)
        for number, tap in enumerate(taps, start=1):
            wins = tap > best + TIE * (1 + tf.abs(best)) if self.dtype == np.float64 else tap > best
            best, winner = tf.where(wins, tap, best), tf.where(wins, number, winner)
        tops = (best, self._places(winner, tf.shape(x))) if len(self.layer.tops) > 1 else (best,)
        return tops, (winner, tf.shape(padded), tf.shape(x))

    def _places(self, winner: Tensor, shape: Tensor) -> Tensor:
        """Compute ``row * width + column`` in the map of the place of the window that wins."""
        (stride_h, stride_w), (above, left) = self.layer.stride, self.layer.pad
        out, kernel_w = self.tf.shape(winner), self.layer.kernel[1]
        rows = self.tf.range(out[1])[:, None, None] * stride_h - above + winner // kernel_w
        columns = self.tf.range(out[2])[:, None] * stride_w - left + winner % kernel_w
        return self.tf.cast(rows * shape[2] + columns, self.dtype)

    def _taps(self, padded: Tensor) -> list[Tensor]:
        """Return what each tap of the window sees, row by row."""
        tf, (stride_h, stride_w), channels = self.tf, self.layer.stride, padded.shape[3]
        n, h, w = (tf.shape(padded)[axis] for axis in range(3))
        out_h, out_w = (
            (size - k) // s + 1 for size, k, s in zip((h, w), self.layer.kernel, self.layer.stride, strict=True)
        )
        # Strided slices are slow, plain ones are not: let the remainders of rows and columns be axes.
        whole = tf.pad(padded, [[0, 0], [0, -h % stride_h], [0, -w % stride_w], [0, 0]])
        apart = tf.reshape(whole, (n, -(-h // stride_h), stride_h, -(-w // stride_w), stride_w * channels))
        return [
            tf.reshape(
                tf.slice(
                    apart,
                    (0, i // stride_h, i % stride_h, j // stride_w, j % stride_w * channels),
                    (n, out_h, 1, out_w, channels),
                ),
                (n, out_h, out_w, channels),
            )
            for i in range(self.layer.kernel[0])
            for j in range(self.layer.kernel[1])
        ]

    def _scanned_maximum_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        winner, padded_shape, shape = memo
        tf = self.tf
        # Where in the flat (h, w, c) map each window's first value stands, and its winner.
        _, h, w, c = tf.unstack(tf.cast(padded_shape, tf.int64))
        (kernel_h, kernel_w), (stride_h, stride_w) = self.layer.kernel, self.layer.stride
        rows, columns = (
            tf.range(size, delta=s) for size, s in ((h - kernel_h + 1, stride_h), (w - kernel_w + 1, stride_w))
        )
        corner = (rows[:, None, None] * w + columns[:, None]) * c + tf.range(c)
        tap = (tf.range(tf.cast(kernel_h, tf.int64))[:, None] * w + tf.range(tf.cast(kernel_w, tf.int64))) * c
        back = tf.raw_ops.MaxPoolGradWithArgmax(
            input=tf.raw_ops.Empty(shape=padded_shape, dtype=diff.dtype),  # only its shape is read
            grad=diff,
            argmax=corner + tf.gather(tf.reshape(tap, (-1,)), winner),
            ksize=[1, *self.layer.kernel, 1],
            strides=[1, *self.layer.stride, 1],
            padding="VALID",
        )
        return (self._unpadded(back, shape),)

    # The mean; the divisor is the window clipped to the map and the padding after it.

    def _divisor(self, shape: Tensor) -> Tensor:
        counts = []
        for axis, out in enumerate(self.tf.unstack(self._out_size(shape[1:3]))):
            size, pad = shape[1 + axis], self.layer.pad[axis]
            first = self.tf.range(out) * self.layer.stride[axis] - pad
            counts.append(self.tf.minimum(first + self.layer.kernel[axis], size + pad) - first)
        return self.tf.cast(counts[0][:, None, None] * counts[1][:, None], self.dtype)

    def _mean(self, x: Tensor) -> tuple[Tensors, Tensors]:
        padded = self._padded(x, 0.0)
        return (self._sums(padded) / self._divisor(self.tf.shape(x)),), (self.tf.shape(padded), self.tf.shape(x))

    def _mean_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        padded_shape, shape = memo
        return (self._unpadded(self._spread(diff / self._divisor(shape), padded_shape), shape),)

    def _sums(self, padded: Tensor) -> Tensor:
        """Add up each window."""
        area = self.layer.kernel[0] * self.layer.kernel[1]
        return self.tf.nn.avg_pool2d(padded, self.layer.kernel, self.layer.stride, "VALID") * area

    def _spread(self, diff: Tensor, padded_shape: Tensor) -> Tensor:
        """Compute the gradient at the padded map from that at the sums."""
        return self.tf.raw_ops.AvgPoolGrad(
            orig_input_shape=padded_shape,
            grad=diff * (self.layer.kernel[0] * self.layer.kernel[1]),
            ksize=[1, *self.layer.kernel, 1],
            strides=[1, *self.layer.stride, 1],
            padding="VALID",
        )

    # The sum of squares over the sum, 0 where that is not positive: y = q / s, so dy/dx = (2 x - y) / s.

    def _weighted(self, x: Tensor) -> tuple[Tensors, Tensors]:
        tf = self.tf
        if self.layer.everything:
            total, squares = (tf.reduce_sum(each, (1, 2), keepdims=True) for each in (x, x * x))
        else:
            padded = self._padded(x, 0.0)
            total, squares = self._sums(padded), self._sums(padded * padded)
        share = tf.where(total > 0, 1 / total, tf.zeros_like(total))
        return (squares * share,), (x, share, squares * share)

    def _weighted_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        x, share, top = memo
        passed = diff * share
        if self.layer.everything:
            return (passed * (2 * x - top),)
        shape = self.tf.shape(x)
        padded_shape = self.tf.shape(self._padded(x, 0.0))
        twice, once = (self._unpadded(self._spread(each, padded_shape), shape) for each in (passed, passed * top))
        return (2 * x * twice - once,)


class RectifiedPoolingRunner(PoolingRunner):
    """Max pooling of ``max(x, 0)``: no gradient where the largest is 0."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (top,), memo = super().forward(same_size(self.tf.nn.relu(bottoms[0]), bottoms[0]))
        return (top,), (top, *memo)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        top, *rest = memo
        return super().backward(tuple(rest), self.tf.raw_ops.ReluGrad(gradients=diffs[0], features=top))


class SPPRunner(TFRunner[layers.SPP]):
    """Each level's bins as pictures of their own, pooled whole; as vectors side by side.

    A level's windows are the padded map's bins, so none overlap, and an average counts all of a bin.
    """

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer = self.layer
        whole = layers.Pooling(layer.name, layer.bottoms, layer.tops, layer.average, True, (0, 0), (1, 1), (0, 0), True)
        self.pool = PoolingRunner(whole, [], self.dtype)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, (x,) = self.tf, bottoms
        n, channels = tf.shape(x)[0], x.shape[3]
        tops, memos = [], []
        for level in range(self.layer.height):
            bins = 2**level
            kernel, pads = self._level(tf.shape(x), bins)
            padded = tf.pad(x, pads, constant_values=tf.constant(0.0 if self.layer.average else LOWEST, x.dtype))
            apart = tf.reshape(padded, (n, bins, kernel[0], bins, kernel[1], channels))
            pictures = tf.reshape(tf.transpose(apart, (0, 1, 3, 2, 4, 5)), (-1, *kernel, channels))
            (top,), memo = self.pool.forward(pictures)
            tops.append(tf.transpose(tf.reshape(top, (n, bins * bins, channels)), (0, 2, 1)))
            memos.append(memo)
        joined = tf.concat([tf.reshape(top, (n, channels * top.shape[2])) for top in tops], 1)
        return (joined[:, None, None] if len(tops) == 1 else joined,), (*memos, tf.shape(x))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (*memos, shape) = self.tf, memo
        n, channels = shape[0], shape[3]
        sizes = [channels * 4**level for level in range(self.layer.height)]
        parts = tf.split(tf.reshape(diffs[0], (n, -1)), tf.stack(sizes), 1, num=len(sizes))
        gradients = []
        for level, (made, part) in enumerate(zip(memos, parts, strict=True)):
            bins = 2**level
            kernel, pads = self._level(shape, bins)
            diff = tf.reshape(
                tf.transpose(tf.reshape(part, (n, channels, bins * bins)), (0, 2, 1)), (-1, 1, 1, channels)
            )
            (pictures,) = self.pool.backward(made, diff)
            apart = tf.transpose(tf.reshape(pictures, (n, bins, bins, *kernel, channels)), (0, 1, 3, 2, 4, 5))
            padded = tf.reshape(apart, (n, bins * kernel[0], bins * kernel[1], channels))
            gradients.append(tf.slice(padded, pads[:, 0], shape))
        return (tf.add_n(gradients),)

    def _level(self, shape: Tensor, bins: int) -> tuple[Tensors, Tensor]:
        """Compute a level's kernel, and what is added before and behind each axis: `SPP.level` in the graph."""
        kernel = -(-shape[1:3] // bins)
        before = (kernel * bins - shape[1:3] + 1) // 2
        behind = kernel * bins - shape[1:3] - before
        pads = self.tf.pad(self.tf.stack((before, behind), 1), [[1, 1], [0, 0]])
        return (kernel[0], kernel[1]), pads


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Pooling: PoolingRunner,
    layers.SPP: SPPRunner,
}
