"""A rule makes a layer and its weights of a node: one for each op that the runtime's layers can express.

What TensorFlow has to run itself, for want of such a layer, is in `ops`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from ...errors import NetFileError
from ...runtime import layers as caffe_layers
from ...runtime.layers import Layer, Shape
from ...runtime.tf_layers import (
    FLOATS,
    Affine,
    AvgPool,
    Conv2D,
    DepthwiseConv2D,
    Identity,
    MaxPool,
    Padding,
    Paddings,
    nhwc,
)
from ..entrance import IMAGE
from .folding import IDENTITIES
from .nodes import MAX_NUMBERS, Budget, LeftOutError, Node, Source, Values

_COPIES = 5 * 8  # bytes of each channel while its factor and offset are computed
_LARGEST_SIDE = 2**15  # of a window, and of a stride


class Inputs:
    """The inputs of nodes, as far as they are translated: constants, and blobs with their shapes.

    Attributes
    ----------
    constants : dict of str to array
        Node → its value, where that does not depend on the picture.
    blob_of : dict of Source to str
        Output of a node → blob.
    shapes : dict of str to tuple of int
        Blob → (n, c, h, w).
    flattened : set of str
        Nodes whose output is the places of an image as rows, (places, c); its blob is the image.
    budget : Budget
        For weights that are computed.
    """

    def __init__(self, constants: Mapping[str, Values], budget: Budget) -> None:
        self.constants = dict(constants)
        self.budget = budget
        self.blob_of: dict[Source, str] = {}
        self.flattened: set[str] = set()
        self.shapes: dict[str, Shape] = {}

    def names(self, node: Node, *places: int, output: int = 0) -> tuple[str, tuple[str, ...], tuple[str]]:
        """Return a layer's name, its bottoms, which are the node's inputs at these places, and its top."""
        name = Source(node.name, output).name
        name = f"{name}:0" if name == IMAGE else name  # that is the picture's
        return name, tuple(self.bottom(node, place) for place in places), (name,)

    def bottom(self, node: Node, place: int) -> str:
        """Return the blob at one of the node's inputs; `LeftOutError` where there is none."""
        if place >= len(node.inputs) or node.inputs[place] not in self.blob_of:
            raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} does not come from the picture")
        return self.blob_of[node.inputs[place]]

    def shape(self, node: Node, place: int = 0) -> Shape:
        """Return the shape of the blob there, (n, c, h, w)."""
        return self.shapes[self.bottom(node, place)]

    def image_shape(self, node: Node) -> Shape:
        """Return the shape of the node's first input; `LeftOutError` where it is not an image."""
        shape = self.shape(node)
        if len(shape) != 4:
            raise LeftOutError(f"{node.name!r} ({node.op}) wants four axes, its input has {len(shape)}")
        return shape

    def constant(self, node: Node, place: int) -> Values | None:
        """Return the constant at one of the node's inputs; None: there is a blob."""
        return self.constants.get(node.inputs[place].node) if place < len(node.inputs) else None

    def weights(self, node: Node, place: int) -> Values:
        """Return the constant there; `LeftOutError` where there is none."""
        found = self.constant(node, place)
        if found is None:
            raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} is not a constant")
        return found

    def channelwise(self, node: Node, values: Values | None, place: int = 0) -> Values | None:
        """Return a constant as one number per channel of the blob at `place`; None where it is not that."""
        shape = nhwc(self.shape(node, place))
        if values is None or len(shape) < 2 or values.ndim > len(shape) or values.size not in (1, shape[-1]):
            return None
        if values.size > 1 and values.shape[-1] != shape[-1]:
            return None
        self.budget.check(node, _COPIES * shape[-1])
        return np.broadcast_to(values.reshape(-1), (shape[-1],))


Made = tuple[Layer, list[Values]] | None  # a layer and its weights; None: TensorFlow has to run it


def _windowed(node: Node, attribute: str) -> tuple[int, int]:
    """Read an attribute that has a number for each axis, and 1 for all but rows and columns."""
    found = node.integers(attribute, (1, 1, 1, 1))
    if len(found) != 4 or found[0] != 1 or found[3] != 1 or not all(1 <= size <= _LARGEST_SIDE for size in found):
        raise LeftOutError(f"{node.name!r} ({node.op}): {attribute} {list(found)}, expected [1, rows, columns, 1]")
    return found[1], found[2]


def _padding(node: Node) -> Paddings:
    padding = node.text("padding", "")
    explicit = node.integers("explicit_paddings", ())
    if padding == "SAME":
        return Padding(same=True), Padding(same=True)
    if padding == "VALID":
        return Padding(), Padding()
    if padding == "EXPLICIT" and len(explicit) == 8 and all(0 <= n <= _LARGEST_SIDE for n in explicit):
        return Padding(*explicit[2:4]), Padding(*explicit[4:6])
    raise LeftOutError(f"{node.name!r} ({node.op}): padding {padding!r} {list(explicit)} is not supported")


def _convolution(inputs: Inputs, node: Node) -> Made:
    kernel, channels = inputs.weights(node, 1), inputs.image_shape(node)[1]
    if kernel.ndim != 4 or not kernel.size:
        raise LeftOutError(f"{node.name!r} ({node.op}): its kernel has shape {kernel.shape}, expected four sizes")
    h, w, each, out = kernel.shape
    depthwise = node.op == "DepthwiseConv2dNative"
    kind = DepthwiseConv2D if depthwise else Conv2D
    if depthwise:  # (h, w, channel, multiplier) -> (out, 1, h, w)
        inputs.budget.take(node, kernel.nbytes)
        kernel, out = kernel.transpose(2, 3, 0, 1).reshape(each * out, 1, h, w), each * out
        group = each
    else:
        kernel, group = kernel.transpose(3, 2, 0, 1), max(channels // each, 1)
    if out % group:
        raise LeftOutError(f"{node.name!r} ({node.op}): {out} outputs do not fall into {group} groups")
    stride, dilation = _windowed(node, "strides"), _windowed(node, "dilations")
    if depthwise and stride[0] != stride[1]:
        raise LeftOutError(f"{node.name!r} ({node.op}): strides {stride}; TensorFlow has no gradient for two of them")
    if prod(d * (k - 1) + 1 for k, d in zip((h, w), dilation, strict=True)) * prod(kernel.shape[:2]) > MAX_NUMBERS:
        raise LeftOutError(f"{node.name!r} ({node.op}): its dilated kernel reaches too far to be run")
    layer = kind(
        *inputs.names(node, 0),
        num_output=out,
        kernel=(h, w),
        stride=stride,
        pad=(0, 0),
        dilation=dilation,
        group=group,
        bias=False,
        padding=_padding(node),
    )
    return layer, [kernel]


def _pooling(inputs: Inputs, node: Node) -> Made:
    inputs.image_shape(node)
    if node.text("padding", "") == "EXPLICIT":
        raise LeftOutError(f"{node.name!r} ({node.op}): padding 'EXPLICIT' is not supported here")
    average = node.op == "AvgPool"
    layer = (AvgPool if average else MaxPool)(
        *inputs.names(node, 0),
        average=average,
        everything=False,
        kernel=_windowed(node, "ksize"),
        stride=_windowed(node, "strides"),
        pad=(0, 0),
        round_up=False,
        padding=_padding(node),
    )
    return layer, []


def _sum(inputs: Inputs, node: Node) -> Made:
    """Translate BiasAdd, Add, AddV2, Sub of a blob and a constant, or of two blobs."""
    second = -1.0 if node.op == "Sub" else 1.0
    if inputs.constant(node, 0) is None and inputs.constant(node, 1) is None:
        return _together(inputs, node, "SUM", (1.0, second))
    place = 0 if inputs.constant(node, 0) is None else 1
    values = inputs.channelwise(node, inputs.constant(node, 1 - place), place)
    if values is None or (place == 1 and second < 0):
        return None
    return _affine(inputs, node, place, offset=values * np.asarray(second, values.dtype))


def _product(inputs: Inputs, node: Node) -> Made:
    """Translate Mul, RealDiv of a blob and a constant, or of two blobs."""
    if inputs.constant(node, 0) is None and inputs.constant(node, 1) is None:
        return _together(inputs, node, "PROD", (1.0, 1.0)) if node.op == "Mul" else None
    place = 0 if inputs.constant(node, 0) is None else 1
    values = inputs.channelwise(node, inputs.constant(node, 1 - place), place)
    if values is None or (node.op == "RealDiv" and (place == 1 or not values.all())):
        return None
    return _affine(inputs, node, place, factor=values if node.op == "Mul" else 1 / values.astype(np.float64))


def _together(inputs: Inputs, node: Node, operation: str, coeff: tuple[float, ...]) -> Made:
    """Make Caffe's Eltwise of blobs of one shape."""
    places = range(len(node.inputs))
    if len({inputs.shape(node, place) for place in places}) > 1:
        return None
    return caffe_layers.Eltwise(*inputs.names(node, *places), operation=operation, coeff=coeff), []


def _sum_of_all(inputs: Inputs, node: Node) -> Made:
    made = _together(inputs, node, "SUM", (1.0,) * len(node.inputs))
    if made is None:
        raise LeftOutError(f"{node.name!r} ({node.op}) adds what are not blobs of one shape")
    return made


def _affine(
    inputs: Inputs, node: Node, place: int, *, factor: Values | None = None, offset: Values | None = None
) -> Made:
    return Affine.of(*inputs.names(node, place), node.op, factor, offset)


def _fused_batch_norm(inputs: Inputs, node: Node) -> Made:
    if node.flag("is_training", True):
        raise LeftOutError(f"{node.name!r} ({node.op}) is in training: freeze the graph for inference")
    gamma, beta, mean, variance = (inputs.weights(node, place) for place in (1, 2, 3, 4))
    return _normalisation(inputs, node, node.number("epsilon", 1e-4), mean, variance, beta, gamma)


def _global_batch_norm(inputs: Inputs, node: Node) -> Made:
    mean, variance, beta, gamma = (inputs.weights(node, place) for place in (1, 2, 3, 4))
    if not node.flag("scale_after_normalization"):
        gamma = np.ones_like(beta)
    return _normalisation(inputs, node, node.number("variance_epsilon", 0.0), mean, variance, beta, gamma)


def _normalisation(
    inputs: Inputs, node: Node, epsilon: float, mean: Values, variance: Values, beta: Values, gamma: Values
) -> Made:
    # gamma (x - mean) / sqrt(variance + epsilon) + beta
    inputs.image_shape(node)
    if len({values.shape for values in (mean, variance, beta, gamma)}) > 1 or mean.ndim != 1:
        raise LeftOutError(f"{node.name!r} ({node.op}): mean, variance, beta and gamma are not of one length")
    inputs.budget.check(node, _COPIES * mean.size)
    if not (variance.astype(np.float64) + epsilon > 0).all():
        raise NetFileError(f"layer {node.name!r}: a variance plus epsilon of its weights is not above 0")
    factor = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    return _affine(inputs, node, 0, factor=factor, offset=beta - mean * factor)


def _lrn(inputs: Inputs, node: Node) -> Made:
    """Translate LRN: Caffe divides alpha by the number of neighbours, TensorFlow does not."""
    inputs.image_shape(node)
    radius = node.integer("depth_radius", 5)
    if not 0 <= radius <= _LARGEST_SIDE:
        raise LeftOutError(f"{node.name!r} ({node.op}): depth_radius {radius}, expected 0 to {_LARGEST_SIDE}")
    neighbours = 2 * radius + 1
    layer = caffe_layers.LRN(
        *inputs.names(node, 0),
        local_size=neighbours,
        alpha=node.number("alpha", 1.0) * neighbours,
        beta=node.number("beta", 0.5),
        k=node.number("bias", 1.0),
    )
    return layer, []


def _concat(inputs: Inputs, node: Node) -> Made:
    """Translate Concat, which has its axis first, and ConcatV2, which has it last."""
    places = list(range(len(node.inputs)))
    axis = inputs.weights(node, places.pop(0 if node.op == "Concat" else -1))
    names = inputs.names(node, *places)
    rank = len(inputs.shape(node, places[0]))
    if axis.shape != () or axis.dtype.kind != "i" or not -rank <= axis < rank:
        raise LeftOutError(f"{node.name!r} ({node.op}): its axis is not a constant of {-rank} to {rank - 1}")
    along = int(axis) % rank
    return caffe_layers.Concat(*names, axis=(0, 2, 3, 1)[along] if rank == 4 else along), []


def _matrix_product(inputs: Inputs, node: Node) -> Made:
    matrix, shape = inputs.weights(node, 1), inputs.shape(node)
    if node.inputs[0].node in inputs.flattened:
        return _product_of_places(inputs, node, matrix)
    if len(shape) != 2 or matrix.ndim != 2 or node.flag("transpose_a"):
        raise LeftOutError(f"{node.name!r} ({node.op}): want (n, c) times a constant matrix")
    turned = node.flag("transpose_b")
    layer = caffe_layers.InnerProduct(
        *inputs.names(node, 0), num_output=matrix.shape[0 if turned else 1], bias=False, transpose=not turned
    )
    return layer, [matrix]


def _product_of_places(inputs: Inputs, node: Node, matrix: Values) -> Made:
    """Translate the product of each place's channels, which are rows, with a matrix."""
    if matrix.ndim != 2 or node.flag("transpose_a"):
        raise LeftOutError(f"{node.name!r} ({node.op}): want rows times a constant matrix")
    inputs.flattened.add(node.name)
    return _pixelwise(inputs, node, matrix if node.flag("transpose_b") else matrix.T)


def _batch_matrix_product(inputs: Inputs, node: Node) -> Made:
    """Translate the product of an image's channels with a matrix, as Keras writes it before 3.15."""
    matrix = inputs.weights(node, 1)
    inputs.image_shape(node)
    if matrix.ndim != 2 or node.flag("adj_x"):
        raise LeftOutError(f"{node.name!r} ({node.op}): want an image's channels times a constant matrix")
    return _pixelwise(inputs, node, matrix if node.flag("adj_y") else matrix.T)


def _pixelwise(inputs: Inputs, node: Node, kernel: Values) -> Made:
    """Make a convolution of one pixel; kernel (to, from)."""
    one = (1, 1)
    layer = Conv2D(
        *inputs.names(node, 0),
        num_output=kernel.shape[0],
        kernel=one,
        stride=one,
        pad=(0, 0),
        dilation=one,
        group=1,
        bias=False,
        padding=(Padding(), Padding()),
    )
    return layer, [kernel[:, :, np.newaxis, np.newaxis]]


def _transposition(inputs: Inputs, node: Node) -> Made:
    """Translate a Transpose that leaves the axes where they are, as tensordot may have; TensorFlow runs others."""
    axes = inputs.weights(node, 1)
    return _identity(inputs, node) if axes.tolist() == list(range(len(inputs.shape(node)))) else None


def _flattened(inputs: Inputs, node: Node) -> Made:
    """Translate a Reshape of (n, c, h, w) to (n, c h w), which is no op of TensorFlow's own."""
    return caffe_layers.Flatten(*inputs.names(node, 0), axis=1, end_axis=-1), []


def _rectifier(inputs: Inputs, node: Node) -> Made:
    slope = node.number("alpha", 0.2) if node.op == "LeakyRelu" else 0.0
    return caffe_layers.ReLU(*inputs.names(node, 0), negative_slope=slope), []


def _identity(inputs: Inputs, node: Node) -> Made:
    return Identity(*inputs.names(node, 0)), []


def _cast(inputs: Inputs, node: Node) -> Made:
    made = node.attributes["DstT"].type if "DstT" in node.attributes else 0
    if made not in FLOATS:  # numbers of the picture are floats, whatever they are in the graph
        raise LeftOutError(f"{node.name!r} ({node.op}) does not make floats")
    return _identity(inputs, node)


RULES: dict[str, Callable[[Inputs, Node], Made]] = {
    **dict.fromkeys(IDENTITIES - {"StopGradient"}, _identity),
    **dict.fromkeys(["Add", "AddV2", "BiasAdd", "Sub"], _sum),
    **dict.fromkeys(["AvgPool", "MaxPool"], _pooling),
    **dict.fromkeys(["Concat", "ConcatV2"], _concat),
    **dict.fromkeys(["Conv2D", "DepthwiseConv2dNative"], _convolution),
    **dict.fromkeys(["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"], _fused_batch_norm),
    **dict.fromkeys(["LeakyRelu", "Relu"], _rectifier),
    **dict.fromkeys(["Mul", "RealDiv"], _product),
    "AddN": _sum_of_all,
    "BatchMatMulV2": _batch_matrix_product,
    "BatchNormWithGlobalNormalization": _global_batch_norm,
    "Cast": _cast,
    "Flatten": _flattened,
    "LRN": _lrn,
    "MatMul": _matrix_product,
    "Transpose": _transposition,
}
