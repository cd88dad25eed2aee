"""Layers that multiply with weights: two formulas each, in TensorFlow."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import NetFileError
from ... import layers
from ...base import Runner, Tensor, Tensors
from ..fusion import ConcatConvolution
from ..phases import Phases
from ..runner import TFRunner, same_size, shape_of
from .base import caffe_order, sizes, tf_order

_LARGEST_KERNEL = 2**28  # numbers that a dilated kernel reaches over, or has with its holes


class ConvolutionRunner(TFRunner[layers.Convolution]):
    """A cross-correlation, group by group; of several bottoms each by itself."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer = self.layer
        kernel = params[0].transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)
        self.dilation, self.turned = (1, 1), []
        if layer.reach != layer.kernel:
            slides = layer.stride == (1, 1)
            # What is padded grows with the reach, and so does a kernel with its holes written out.
            if prod(layer.reach) * prod(kernel.shape[2:3] if slides else kernel.shape[2:]) > _LARGEST_KERNEL:
                reach = "x".join(map(str, layer.reach))
                raise NetFileError(f"layer {layer.name!r}: its dilated kernel reaches {reach}, too far to be run")
            if slides:
                self.dilation = layer.dilation
                turned = np.split(kernel[::-1, ::-1], layer.group, axis=3)
                self.turned = [self.constant(part.transpose(0, 1, 3, 2)) for part in turned]
            else:  # TensorFlow has no gradient of a dilated convolution on the CPU
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
        tops = tuple(map(self.slide, bottoms))
        if self.padding == "SAME":
            tops = tuple(map(same_size, tops, bottoms))
        return tops, tuple(map(shape_of, bottoms))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return tuple(
            None if diff is None else self.spread(diff, shape) for diff, shape in zip(diffs, memo, strict=True)
        )

    def slide(self, x: Tensor) -> Tensor:
        """Compute the top of a bottom."""
        parts = self.tf.split(x, self.layer.group, axis=3) if self.layer.group > 1 else [x]
        tops = [
            self.tf.nn.conv2d(part, kernel, self.layer.stride, self.padding, dilations=self.dilation)
            for part, kernel in zip(parts, self.kernels, strict=True)
        ]
        top = tops[0] if len(tops) == 1 else self.tf.concat(tops, axis=3)
        if self.bias is not None:
            top = self.tf.nn.bias_add(top, self.bias)
        return top

    def spread(self, diff: Tensor, shape: Tensor) -> Tensor:
        """Compute the gradient at a bottom of that shape from the one at its top."""
        if self.phases is not None:
            return self.phases.gradient(diff, shape)
        group = self.layer.group
        parts = self.tf.split(diff, group, axis=3) if group > 1 else [diff]
        if group > 1:
            shape = self.tf.concat((shape[:3], [self.kernels[0].shape[2]]), 0)
        if self.turned:
            bottoms = [self.correlate_back(part, kernel) for part, kernel in zip(parts, self.turned, strict=True)]
        else:
            bottoms = [
                self.tf.nn.conv2d_transpose(part, kernel, shape, self.layer.stride, self.padding)
                for part, kernel in zip(parts, self.kernels, strict=True)
            ]
        return bottoms[0] if group == 1 else self.tf.concat(bottoms, axis=3)

    def correlate_back(self, diff: Tensor, turned: Tensor) -> Tensor:
        """Compute the gradient of a dilated convolution without strides: a correlation with the turned kernel."""
        cut, pads = [], []
        for axis, reach in enumerate(self.layer.reach):
            known = {"SAME": ((reach - 1) // 2, reach // 2), "VALID": (0, 0)}
            before, behind = known[self.padding] if isinstance(self.padding, str) else self.padding[1 + axis]
            wanted = (reach - 1 - before, reach - 1 - behind)
            cut.append(slice(max(-wanted[0], 0), min(wanted[1], 0) or None))
            pads.append([max(each, 0) for each in wanted])
        within = diff[:, cut[0], cut[1]]
        return self.tf.nn.conv2d(within, turned, 1, [[0, 0], *pads, [0, 0]], dilations=self.dilation)


class ConcatConvolutionRunner(ConvolutionRunner):
    """The sum of a convolution of each blob, with its part of the kernel."""

    layer: ConcatConvolution

    def prepare(self, params: list[NDArray[Any]]) -> None:
        super().prepare(params)
        self.kernels = self.tf.split(self.kernels[0], self.layer.channels, axis=2)
        self.turned = [part for whole in self.turned for part in self.tf.split(whole, self.layer.channels, axis=3)]

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        first, second = (
            self.tf.nn.conv2d(bottom, kernel, self.layer.stride, self.padding, dilations=self.dilation)
            for bottom, kernel in zip(bottoms, self.kernels, strict=True)
        )
        if self.bias is not None:
            second = self.tf.nn.bias_add(second, self.bias)
        # So TensorFlow makes one operation of the second convolution, its bias, the sum and a rectifier behind it.
        return (second + first,), tuple(map(shape_of, bottoms))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        if self.turned:
            return tuple(self.correlate_back(diffs[0], kernel) for kernel in self.turned)
        return tuple(
            self.tf.nn.conv2d_transpose(diffs[0], kernel, shape, self.layer.stride, self.padding)
            for kernel, shape in zip(self.kernels, memo, strict=True)
        )


class DeconvolutionRunner(TFRunner[layers.Deconvolution]):
    """The passes of a convolution from top to bottom, the other way round."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.convolution = ConvolutionRunner(self.layer.convolution(len(params[0])), params[:1], self.dtype)
        self.bias = self.constant(params[1]) if self.layer.bias else None

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        return tuple(map(self.spread, bottoms)), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return tuple(None if diff is None else self.convolution.slide(diff) for diff in diffs)

    def spread(self, x: Tensor) -> Tensor:
        """Compute the top of a bottom."""
        n, *size, _ = self.tf.unstack(self.tf.shape(x))
        size = [self.layer.slide(each, axis)[1] for axis, each in enumerate(size)]
        top = self.convolution.spread(x, self.tf.stack((n, *size, self.layer.num_output)))
        top.set_shape((None, None, None, self.layer.num_output))
        return top if self.bias is None else self.tf.nn.bias_add(top, self.bias)


class InnerProductRunner(TFRunner[layers.InnerProduct]):
    """``y = W x + b`` with x flattened from an axis on, in the order c, h, w."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.matrix = self.constant(params[0] if self.layer.transpose else params[0].T)  # (in, out)
        self.bias = self.constant(params[1]) if self.layer.bias else None

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        tf, x = self.tf, caffe_order(self.tf, bottoms[0])
        axis = self.layer.axis % x.shape.rank
        rows = tf.reshape(x, (tf.shape(x)[0] if axis == 1 else -1, self.matrix.shape[0]))
        top = tf.matmul(rows, self.matrix)
        if self.bias is not None:
            top = top + self.bias
        if axis != 1:
            top = tf_order(tf, tf.reshape(top, [*sizes(tf, x)[:axis], self.layer.num_output]))
        return (top,), (tf.shape(x),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        tf, (shape,) = self.tf, memo
        rows = diffs[0]
        if rows.shape.rank != 2:
            rows = tf.reshape(caffe_order(tf, rows), (-1, self.layer.num_output))
        diff = tf.reshape(tf.matmul(rows, self.matrix, transpose_b=True), shape)
        return (tf_order(tf, diff),)


RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    layers.Convolution: ConvolutionRunner,
    layers.Deconvolution: DeconvolutionRunner,
    layers.InnerProduct: InnerProductRunner,
}
