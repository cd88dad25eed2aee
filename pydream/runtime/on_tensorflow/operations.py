"""How TensorFlow runs the layers of a GraphDef: two formulas, as in `layers` for Caffe's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers as caffe_layers
from .. import tf_layers as layers
from ..base import Runner, Tensor, Tensors
from ..sizes import value_of
from ..tf_layers import FLOATS, Paddings
from .layers import RUNNERS as CAFFE_RUNNERS
from .layers.activations import DropoutRunner
from .layers.linear import ConvolutionRunner
from .layers.pooling import PoolingRunner
from .onnx_layers import RUNNERS as ONNX_RUNNERS
from .runner import Differentiated, TFRunner


class Conv2DRunner(ConvolutionRunner):
    """Caffe's convolution with TensorFlow's padding."""

    layer: layers.Conv2D

    def prepare(self, params: list[NDArray[Any]]) -> None:
        super().prepare(params)
        self.padding = _padding(self.layer.padding)


class DepthwiseConv2DRunner(TFRunner[layers.DepthwiseConv2D]):
    """Each channel with its own kernels."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer = self.layer
        out, _, h, w = params[0].shape
        kernel = params[0].reshape(layer.group, out // layer.group, h, w).transpose(2, 3, 0, 1)  # (h, w, c, each)
        holed = np.zeros((*layer.reach, *kernel.shape[2:]), kernel.dtype)
        holed[:: layer.dilation[0], :: layer.dilation[1]] = kernel
        self.kernel = self.constant(holed)
        self.bias = self.constant(params[1]) if layer.bias else None
        around = [[each.before, each.behind] for each in layer.padding]
        even = layer.stride == (1, 1) and around == [[reach // 2, (reach - 1) // 2] for reach in layer.reach]
        same = layer.padding[0].same or (even and all(reach % 2 for reach in layer.reach))
        # With explicit paddings TensorFlow's optimiser crashes where a bias is merged into the convolution.
        self.widths = [[0, 0], *around, [0, 0]] if not same and any(map(any, around)) else None
        self.how = {"strides": [1, *layer.stride, 1], "padding": "SAME" if same else "VALID"}

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        padded = x if self.widths is None else self.tf.pad(x, self.widths)
        top = self.tf.raw_ops.DepthwiseConv2dNative(input=padded, filter=self.kernel, **self.how)
        if self.bias is not None:
            top = self.tf.nn.bias_add(top, self.bias)
        return (top,), (self.tf.shape(padded), self.tf.shape(x))

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        padded, shape = memo
        back = self.tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=padded, filter=self.kernel, out_backprop=diffs[0], **self.how
        )
        if self.widths is None:
            return (back,)
        return (self.tf.slice(back, [before for before, _ in self.widths], shape),)


def _padding(padding: Paddings) -> Any:
    if padding[0].same:
        return "SAME"
    widths = [[each.before, each.behind] for each in padding]
    return [[0, 0], *widths, [0, 0]] if any(map(any, widths)) else "VALID"


class MaxPoolRunner(PoolingRunner):
    """Caffe's maximum, plain or tolerant of ties, with TensorFlow's padding."""

    layer: layers.MaxPool

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.padding = "SAME" if self.layer.padding[0].same else "VALID"

    def _plain_maximum(self, x: Tensor) -> tuple[Tensors, Tensors]:
        return (self._largest(x, self.padding),), (x,)

    def _plain_maximum_back(self, memo: Tensors, diff: Tensor) -> Tensors:
        return (self._largest_back(memo[0], diff, self.padding),)

    def _padded(self, x: Tensor, filler: float) -> Tensor:
        shape = self.tf.shape(x)
        widths = [[0, 0], self._around(shape[1], 0), self._around(shape[2], 1), [0, 0]]
        return self.tf.pad(x, widths, constant_values=self.tf.constant(filler, x.dtype))

    def _unpadded(self, padded: Tensor, shape: Tensor) -> Tensor:
        (above, _), (left, _) = self._around(shape[1], 0), self._around(shape[2], 1)
        return self.tf.slice(padded, (0, above, left, 0), shape)

    def _around(self, size: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """As `Padding.at`, in the graph."""
        layer = self.layer
        if not layer.padding[axis].same:
            return layer.padding[axis][:2]
        stride = layer.stride[axis]
        total = self.tf.maximum((-(-size // stride) - 1) * stride + layer.kernel[axis] - size, 0)
        return total // 2, total - total // 2


class AvgPoolRunner(TFRunner[layers.AvgPool]):
    """The mean of the values of a window that are inside the map."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer = self.layer
        padding = "SAME" if layer.padding[0].same else "VALID"
        self.how = {"ksize": [1, *layer.kernel, 1], "strides": [1, *layer.stride, 1], "padding": padding}

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (x,) = bottoms
        return (self.tf.raw_ops.AvgPool(value=x, **self.how),), (self.tf.shape(x),)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (self.tf.raw_ops.AvgPoolGrad(orig_input_shape=memo[0], grad=diffs[0], **self.how),)


class AffineRunner(TFRunner[layers.Affine]):
    """``y = factor x + offset``, ``dx = dy factor``."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.factor = self.constant(params[0]) if self.layer.factor else None
        self.offset = self.constant(params[-1]) if self.layer.offset else None

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        (top,) = bottoms
        if self.factor is not None:
            top = top * self.factor
        if self.offset is not None:
            top = self.tf.nn.bias_add(top, self.offset)
        return (top,), ()

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        return (diffs[0] if self.factor is None else diffs[0] * self.factor,)


class OperationRunner(Differentiated[layers.Operation]):
    """TensorFlow's own op, and its own gradient."""

    def prepare(self, params: list[NDArray[Any]]) -> None:
        layer, tf = self.layer, self.tf
        self.graph = tf.compat.v1.GraphDef()
        node = self.graph.node.add()
        node.ParseFromString(layer.node)
        node.name, node.device = "op", ""
        del node.input[:]
        node.input.extend(f"{i}:0" for i in range(len(layer.arguments)))
        for key in [key for key in node.attr if key.startswith("_")]:  # colocation and other annotations
            del node.attr[key]
        for value in node.attr.values():
            if value.type in FLOATS:
                value.type = tf.as_dtype(self.dtype).as_datatype_enum
        self.constants = {
            index: values.astype(self.dtype) if values.dtype.kind == "f" else values
            for index, values in layer.constants.items()
        }

    def top(self, *bottoms: Tensor) -> Tensor:
        tf = self.tf
        inputs = {
            f"{index}:0": self._constant(index, bottoms) if bottom is None else bottoms[bottom]
            for index, bottom in enumerate(self.layer.arguments)
        }
        (top,) = tf.graph_util.import_graph_def(self.graph, inputs, [f"op:{self.layer.output}"])
        return tf.cast(top, self.dtype)  # some ops make float32 of everything

    def _constant(self, index: int, bottoms: Sequence[Tensor]) -> Tensor:
        """Return a constant of the trace itself, from which TensorFlow infers shapes, or what the sizes there make."""
        tf, numbers = self.tf, self.layer.sizes.get(index)
        if numbers is None:
            return tf.constant(self.constants[index])

        def size(blob: str, axis: int) -> Tensor:
            return tf.shape(bottoms[self.layer.bottoms.index(blob)])[axis]

        return tf.reshape(tf.stack([value_of(number, size) for number in numbers.flat]), numbers.shape)


RUNNERS: dict[type[caffe_layers.Layer], type[Runner[Any]]] = {
    **CAFFE_RUNNERS,
    **ONNX_RUNNERS,
    layers.Affine: AffineRunner,
    layers.AvgPool: AvgPoolRunner,
    layers.Conv2D: Conv2DRunner,
    layers.DepthwiseConv2D: DepthwiseConv2DRunner,
    layers.Identity: DropoutRunner,
    layers.MaxPool: MaxPoolRunner,
    layers.Operation: OperationRunner,
}
