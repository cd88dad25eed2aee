"""Layers that multiply with weights: two formulas each, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import layers
from ...base import Runner
from .base import Array, Arrays, Diffs, Memo, Pair
from .windows import pad, reached, taps, unpad


class ConvolutionRunner(Runner[layers.Convolution]):
    """``y = W im2col(x) + b``, ``dx = col2im(W^T dy)``, group by group; a correlation, the kernel is not flipped.

    Of several bottoms each by itself.
    """

    def prepare(self, params: list[Array]) -> None:
        group = self.layer.group
        self.matrix = params[0].reshape(group, self.layer.num_output // group, -1)  # (group, out, in * taps)
        self.bias = params[1].reshape(-1, 1, 1) if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return tuple(map(self.slide, bottoms)), tuple(bottom.shape for bottom in bottoms)

    def backward(self, memo: Memo, *diffs: Array | None) -> Diffs:
        return tuple(
            None if diff is None else self.spread(diff, shape) for diff, shape in zip(diffs, memo, strict=True)
        )

    def slide(self, x: Array) -> Array:
        """``W im2col(x) + b``."""
        ((n, _, h, w),) = self.layer.top_shapes(x.shape)
        padded = pad(x, self._before(x.shape), self._reached((h, w)), 0)
        columns = np.stack(list(self._taps(padded, (h, w))), axis=2)  # im2col: (n, c, taps, h, w)
        columns = columns.reshape(n, self.layer.group, -1, h * w)
        top: Array = (self.matrix @ columns).reshape(n, -1, h, w)
        return top if self.bias is None else top + self.bias

    def spread(self, diff: Array, shape: tuple[int, ...]) -> Array:
        """``col2im(W^T dy)``, for an x of that shape."""
        n, _, h, w = diff.shape
        columns = self.matrix.transpose(0, 2, 1) @ diff.reshape(n, self.layer.group, -1, h * w)
        columns = columns.reshape(n, shape[1], -1, h, w)
        padded = pad(np.zeros(shape, diff.dtype), self._before(shape), self._reached((h, w)), 0)
        for tap, view in enumerate(self._taps(padded, (h, w))):  # col2im: what a tap saw gets its share back
            view += columns[:, :, tap]
        return unpad(padded, self._before(shape), shape)

    def _before(self, shape: tuple[int, ...]) -> Pair:
        return self.layer.slide(shape[2], 0)[0], self.layer.slide(shape[3], 1)[0]

    def _taps(self, padded: Array, out: Pair) -> Iterator[Array]:
        return taps(padded, self.layer.kernel, self.layer.stride, self.layer.dilation, out)

    def _reached(self, out: Pair) -> Pair:
        return reached(out, self.layer.stride, self.layer.reach)


class DeconvolutionRunner(Runner[layers.Deconvolution]):
    """The two formulas of a convolution from top to bottom, the other way round: ``y = col2im(W^T x) + b``."""

    def prepare(self, params: list[Array]) -> None:
        self.convolution = ConvolutionRunner(self.layer.convolution(len(params[0])), params[:1], self.dtype)
        self.bias = params[1].reshape(-1, 1, 1) if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        shapes = self.layer.top_shapes(*(bottom.shape for bottom in bottoms))
        tops = [self.convolution.spread(x, shape) for x, shape in zip(bottoms, shapes, strict=True)]
        return tuple(tops if self.bias is None else (top + self.bias for top in tops)), ()

    def backward(self, memo: Memo, *diffs: Array | None) -> Diffs:
        return tuple(None if diff is None else self.convolution.slide(diff) for diff in diffs)


class InnerProductRunner(Runner[layers.InnerProduct]):
    """``y = x W^T + b``, ``dx = dy W``, with x flattened from an axis on, in the order c, h, w."""

    def prepare(self, params: list[Array]) -> None:
        self.matrix = params[0].T if self.layer.transpose else params[0]  # (out, in)
        self.bias = params[1] if self.layer.bias else None

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        top = x.reshape(*shape[:-1], -1) @ self.matrix.T
        return (top if self.bias is None else top + self.bias,), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return ((diffs[0] @ self.matrix).reshape(memo[0]),)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Convolution: ConvolutionRunner,
    layers.Deconvolution: DeconvolutionRunner,
    layers.InnerProduct: InnerProductRunner,
}
