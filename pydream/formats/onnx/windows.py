"""Rules for ops that go over the picture in windows, or over all of it: convolutions, pooling, normalisation."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ...runtime import layers, onnx_layers
from ...runtime.tf_layers import Affine, Conv2D, DepthwiseConv2D, Padding, Paddings
from ..graphdef.nodes import MAX_NUMBERS, LeftOutError
from .inputs import Inputs
from .nodes import Node, Values

Rule = Callable[[Inputs, Node], None]

_LARGEST_SIDE = 2**15  # of a window, a stride or padding
Pair = tuple[int, int]


def _pair(node: Node, attribute: str, least: int = 1) -> Pair:
    """Read an attribute with a number for rows and one for columns, by default 1."""
    found = node.integers(attribute, (1, 1))
    if len(found) != 2 or not all(least <= size <= _LARGEST_SIDE for size in found):
        raise LeftOutError(f"{node}: {attribute} {list(found)}, expected two numbers from {least} on")
    return found[0], found[1]


def _padding(node: Node) -> Paddings:
    """Read the padding of rows and columns."""
    automatic, pads = node.text("auto_pad", "NOTSET"), node.integers("pads", (0, 0, 0, 0))
    if automatic == "SAME_UPPER":
        return Padding(same=True), Padding(same=True)
    if automatic == "VALID":
        return Padding(), Padding()
    if automatic != "NOTSET" or len(pads) != 4 or not all(0 <= size <= _LARGEST_SIDE for size in pads):
        raise LeftOutError(f"{node}: padding {automatic} {list(pads)} is not supported")
    return Padding(pads[0], pads[2]), Padding(pads[1], pads[3])


def _convolution(inputs: Inputs, node: Node) -> None:
    bottom, kernel = inputs.image(node), inputs.weights(node, 1)
    weights = [kernel] if inputs.fixed(node, 2) is None else [kernel, inputs.weights(node, 2)]
    if kernel.ndim != 4 or not kernel.size:
        raise LeftOutError(f"{node}: its kernel has shape {kernel.shape}, expected four sizes")
    group, size = node.integer("group", 1), (kernel.shape[2], kernel.shape[3])
    stride, dilation, padding = _pair(node, "strides"), _pair(node, "dilations"), _padding(node)
    if not 1 <= group <= kernel.shape[0] or kernel.shape[0] % group:
        raise LeftOutError(f"{node}: {kernel.shape[0]} outputs do not fall into {group} groups")
    reach = prod(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))
    if reach * prod(kernel.shape[:2]) > MAX_NUMBERS:
        raise LeftOutError(f"{node}: its dilated kernel reaches too far to be run")
    facts = inputs.facts(node, bottom)
    even = not padding[0].same and all(each.before == each.behind for each in padding)
    pad = (padding[0].before, padding[1].before) if even else (0, 0)
    depthwise = group > 1 and kernel.shape[1] == 1 and stride[0] == stride[1]  # TensorFlow has no gradient of others
    if even and not depthwise:
        layer = layers.Convolution(*facts, kernel.shape[0], size, stride, pad, dilation, group, len(weights) > 1)
    else:
        kind = DepthwiseConv2D if depthwise else Conv2D
        layer = kind(*facts, kernel.shape[0], size, stride, (0, 0), dilation, group, len(weights) > 1, padding)
    inputs.add(node, layer, weights)


def _pooling(inputs: Inputs, node: Node) -> None:
    bottom, average = inputs.image(node), node.op == "AveragePool"
    if _pair(node, "dilations") != (1, 1):
        raise LeftOutError(f"{node}: dilations {node.integers('dilations')} are not supported")
    kernel, stride, padding = _pair(node, "kernel_shape"), _pair(node, "strides"), _padding(node)
    if padding[0].same:
        raise LeftOutError(f"{node}: padding SAME_UPPER is not supported here")
    up, counted = bool(node.integer("ceil_mode", 0)), bool(node.integer("count_include_pad", 0))
    widths = tuple((each.before, each.behind) for each in padding)
    pad = (padding[0].before, padding[1].before)
    facts = (*inputs.facts(node, bottom), average, False, kernel, stride, pad, up)
    # Where Caffe's own layer does the same, that is the faster one.
    even = all(before == behind for before, behind in widths) and (counted or not average or pad == (0, 0))
    if even and (pad != (0, 0) or not up or all(s <= k for k, s in zip(kernel, stride, strict=True))):
        inputs.add(node, layers.Pooling(*facts))
    else:
        inputs.add(node, onnx_layers.Pool(*facts, padding=(widths[0], widths[1]), counted=counted))


def pool_everything(inputs: Inputs, node: Node, bottom: str, average: bool) -> None:
    """Add the layer that makes one row and column of a map."""
    facts = (*inputs.facts(node, bottom), average, True, (0, 0), (1, 1), (0, 0), False)
    inputs.add(node, layers.Pooling(*facts))


def _everything(inputs: Inputs, node: Node) -> None:
    pool_everything(inputs, node, inputs.image(node), node.op == "GlobalAveragePool")


def affine(
    inputs: Inputs, node: Node, bottom: str, order: tuple[int, ...] | None = None, *,
    factor: Values | None = None, offset: Values | None = None,
) -> None:  # fmt: skip
    """Add the layer that multiplies each channel with a number, and adds one."""
    layer, weights = Affine.of(*inputs.facts(node, bottom), node.op, factor, offset)
    inputs.add(node, layer, weights, order)


def _batch_normalization(inputs: Inputs, node: Node) -> None:
    # scale (x - mean) / sqrt(variance + epsilon) + bias
    rank = len(inputs.shape(node))
    if rank not in (2, 4) or node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise LeftOutError(f"{node} is in training, not of channels, or of {rank} axes; export for inference")
    scale, bias, mean, variance = (inputs.weights(node, place).astype(np.float64) for place in (1, 2, 3, 4))
    if len({values.shape for values in (scale, bias, mean, variance)}) > 1 or mean.ndim != 1:
        raise LeftOutError(f"{node}: scale, bias, mean and variance are not of one length")
    epsilon = node.number("epsilon", 1e-5)
    if not (variance + epsilon > 0).all():
        raise LeftOutError(f"{node}: a variance plus epsilon is not above 0")
    factor = scale / np.sqrt(variance + epsilon)
    affine(inputs, node, inputs.bottom(node), factor=factor, offset=bias - mean * factor)


def _image_scaler(inputs: Inputs, node: Node) -> None:
    # scale x + bias
    bottom, bias = inputs.image(node), np.array(node.numbers("bias"), np.float64)
    if bias.shape != (inputs.shapes[bottom][1],):
        raise LeftOutError(f"{node}: {bias.size} numbers in bias, expected one for each channel")
    affine(inputs, node, bottom, factor=np.full(bias.shape, node.number("scale", 1.0)), offset=bias)


def _lrn(inputs: Inputs, node: Node) -> None:
    bottom, size = inputs.image(node), node.integer("size", 1)
    if size % 2 == 0 or not 1 <= size <= _LARGEST_SIDE:
        raise LeftOutError(f"{node}: size {size}, expected an odd number")
    alpha, beta, k = node.number("alpha", 1e-4), node.number("beta", 0.75), node.number("bias", 1.0)
    inputs.add(node, layers.LRN(*inputs.facts(node, bottom), size, alpha, beta, k))


def _layer_normalization(inputs: Inputs, node: Node) -> None:
    value, shape = inputs.value(node), inputs.shape(node)
    axis = node.integer("axis", -1)
    if not -len(shape) <= axis < len(shape):
        raise LeftOutError(f"{node}: no axis {axis} among {len(shape)}")
    weights = [inputs.weights(node, place) for place in (1, 2) if inputs.has(node, place)]
    weights = [in_blob_order(each, value.order) for each in weights]
    axes = tuple(sorted(value.order[axis % len(shape) :]))
    normalize(inputs, node, value.blob, axes, node.number("epsilon", 1e-5), weights, value.order)


def _instance_normalization(inputs: Inputs, node: Node) -> None:
    bottom = inputs.bottom(node)
    rank = len(inputs.shapes[bottom])
    weights = [inputs.weights(node, place).reshape(1, -1, *[1] * (rank - 2)) for place in (1, 2)]
    normalize(inputs, node, bottom, tuple(range(2, rank)), node.number("epsilon", 1e-5), weights)


def normalize(
    inputs: Inputs, node: Node, bottom: str, axes: tuple[int, ...], epsilon: float, weights: list[Values],
    order: tuple[int, ...] | None = None,
) -> None:  # fmt: skip
    """Add the layer that normalises along some axes."""
    if not axes:
        raise LeftOutError(f"{node} has no axes to normalise along")
    shapes = tuple(each.shape for each in weights)
    layer = onnx_layers.Normalization(*inputs.facts(node, bottom), op=node.op, axes=axes, eps=epsilon, weights=shapes)
    inputs.add(node, layer, weights, order)


def in_blob_order(values: Values, order: tuple[int, ...]) -> Values:
    """Return a constant that is broadcast with a value with its axes in the order of that value's blob."""
    widened = values.reshape(*[1] * (len(order) - values.ndim), *values.shape)
    return widened.transpose(np.argsort(order))


RULES: dict[str, Rule] = {
    "AveragePool": _pooling,
    "BatchNormalization": _batch_normalization,
    "Conv": _convolution,
    "GlobalAveragePool": _everything,
    "GlobalMaxPool": _everything,
    "ImageScaler": _image_scaler,
    "InstanceNormalization": _instance_normalization,
    "LRN": _lrn,
    "LayerNormalization": _layer_normalization,
    "MaxPool": _pooling,
}
