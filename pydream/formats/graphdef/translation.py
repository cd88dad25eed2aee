"""Translation makes layers of nodes: what depends on the picture becomes a layer, what does not is computed.

A node that cannot be run is left out with all that is made of it, so that a detector's backbone can be dreamt with;
whoever asks for one of them is told the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from ...errors import NetFileError, ShapeError
from ...net import unknown_name
from ...runtime import layers as caffe_layers
from ...runtime.graph import Graph, Params
from ...runtime.layers import Layer, Shape
from ...runtime.tf_layers import (
    FLOATS,
    Affine,
    AvgPool,
    Conv2D,
    DepthwiseConv2D,
    Identity,
    MaxPool,
    Operation,
    Padding,
    Paddings,
    nhwc,
)
from .folding import IDENTITIES, fold
from .nodes import MAX_NUMBERS, LeftOutError, Node, Source, Values, constant, listed, sizes
from .ops import RULES, Broadcast

IMAGE = "data"  # what the input's blob is called, as in every network

# Of an input whose size is open: the first at which all fits together, as fully connected layers want it.
_SIZES = ((224, 224), (299, 299), (227, 227), (331, 331), (256, 256), (192, 192), (160, 160), (128, 128), (32, 32))

_CONTROL_FLOW = {
    "Switch", "RefSwitch", "Merge", "RefMerge", "Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "LoopCond",
    "RefNextIteration", "While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase", "For",
    "PartitionedCall", "StatefulPartitionedCall",
}  # fmt: skip
_LARGEST_SIDE = 2**15  # of a window, and of a stride


def translate(
    nodes: Sequence[Node], source: str, name: str, input: str | None = None, scale: float = 1.0
) -> tuple[Graph, Params]:
    """Make layers of a frozen graph, and their weights.

    Parameters
    ----------
    nodes : sequence of Node
        Each behind what it reads.
    source : str
        For messages.
    name : str
        The network's.
    input : str, optional
        The node whose place the picture takes. None: the one placeholder for pictures.
    scale : float
        What the picture minus its mean is multiplied by first.

    Raises
    ------
    NetFileError
        For no or several placeholders, or a graph of which nothing can be run.
    UnknownNameError
        For an input that is no node.
    """
    place = _input_node(nodes, source, input)
    declared = _declared(place)
    constants, unknown = _constants(nodes, place, source)
    tried: list[_Translator] = []
    for size in _SIZES if declared is None else [declared]:
        tried.append(_Translator(place, scale, constants, unknown))
        tried[-1].run(nodes, (1, 3, *size))
        if not tried[-1].misfits:
            break
    best = min(tried, key=lambda each: each.misfits)
    if all(layer.name == place.name for layer in best.layers):
        reasons = list(best.left_out.values())
        raise NetFileError(f"{source}: nothing in it can be run" + (f": {reasons[0]}" if reasons else ""))
    return Graph(name, {IMAGE: best.shapes[IMAGE]}, best.layers, best.left_out), best.params


def _input_node(nodes: Sequence[Node], source: str, told: str | None) -> Node:
    placeholders = [node for node in nodes if node.op in ("Placeholder", "PlaceholderV2")]
    if told is not None:
        found = [node for node in nodes if node.name == told.removesuffix(":0")]
        if not found:
            raise unknown_name("node", told, [node.name for node in (*placeholders, *nodes)])
        return found[0]
    fitting = [node for node in placeholders if _takes_pictures(node)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NetFileError(f"{source}: {len(fitting)} placeholders: {listed(n.name for n in fitting)}; name the input")
    others = f" among {listed(node.name for node in placeholders)}" if placeholders else ""
    raise NetFileError(f"{source}: no placeholder for a picture{others}; name the node that the picture is to replace")


def _takes_pictures(node: Node) -> bool:
    """Tell whether a placeholder is for numbers, and has four axes, three channels, or does not say."""
    kind, shape = node.attributes.get("dtype"), _placed(node)
    return (kind is None or kind.type in FLOATS) and (shape is None or (len(shape) == 4 and shape[3] in (-1, 3)))


def _placed(node: Node) -> Shape | None:
    """Give the shape that a placeholder declares; None where it does not. Old files write no axes for that."""
    held = node.attributes.get("shape")
    shape = None if held is None else sizes(held.shape)
    return shape or None


def _declared(node: Node) -> tuple[int, int] | None:
    """Give the height and width that a placeholder declares."""
    shape = _placed(node)
    if shape is None or len(shape) != 4 or min(shape[1:3]) < 1 or max(shape[1:3]) > 2**14:
        return None
    return shape[1], shape[2]


def _constants(nodes: Sequence[Node], place: Node, source: str) -> tuple[dict[str, Values], dict[str, str]]:
    """Compute what does not depend on the picture; and say of what could not be, why."""
    found: dict[str, Values] = {}
    unknown: dict[str, str] = {}
    depending = {place.name}
    made = 0
    for node in nodes:
        if node is place:
            continue
        if node.op not in _CONTROL_FLOW and not depending.isdisjoint(each.node for each in node.inputs):
            depending.add(node.name)
            continue
        try:
            found[node.name] = _value(node, found, unknown)
        except (LeftOutError, NetFileError) as error:
            unknown[node.name] = str(error)
            continue
        made += 0 if _holds(node, found) else found[node.name].size
        if made > MAX_NUMBERS:
            raise NetFileError(f"{source}: more than {MAX_NUMBERS} numbers are to be made of those that it holds")
    return found, unknown


def _holds(node: Node, found: Mapping[str, Values]) -> bool:
    """Tell whether a node's value takes no more memory than the file, or its input, does already."""
    if node.op == "Const":
        return bool(node.attributes["value"].tensor.tensor_content)
    return any(found[node.name] is found.get(each.node) for each in node.inputs)


def _value(node: Node, found: Mapping[str, Values], unknown: Mapping[str, str]) -> Values:
    if node.op in _CONTROL_FLOW:
        raise LeftOutError(f"{node.name!r} ({node.op}) is control flow: freeze the graph for inference")
    if node.op == "Const":
        return constant(node)
    if not node.inputs:
        raise LeftOutError(f"{node.name!r} ({node.op}) has no value here")
    for each in node.inputs:
        if each.node in unknown:
            raise LeftOutError(unknown[each.node])
    return fold(node, *(found[each.node] for each in node.inputs))


class _Translator:
    """One pass over the nodes, for one size of the picture."""

    def __init__(self, place: Node, scale: float, constants: Mapping[str, Values], unknown: Mapping[str, str]) -> None:
        self._place = place
        self._scale = scale
        self._constants = dict(constants)
        self._sized: set[str] = set()  # constants that would be others at another size
        self._blob_of: dict[Source, str] = {}
        self.left_out = dict(unknown)
        self.layers: list[Layer] = []
        self.params: Params = {}
        self.shapes: dict[str, Shape] = {}  # of blobs
        self.misfits = 0

    def run(self, nodes: Sequence[Node], shape: Shape) -> None:
        """Translate what depends on a picture of this shape."""
        self.shapes[IMAGE] = shape
        self._begin()
        outputs: dict[str, set[int]] = {}
        for each in (each for node in nodes for each in node.inputs):
            outputs.setdefault(each.node, set()).add(each.output)
        for node in nodes:
            if node is self._place or node.name in self._constants or node.name in self.left_out:
                continue
            try:
                with np.errstate(all="ignore"):  # weights that are not finite are told of by their layer's name
                    self._translate(node, sorted(outputs.get(node.name, set()) | {0}))
            except (LeftOutError, ShapeError) as error:
                self.left_out[node.name] = str(error)
                self.misfits += isinstance(error, ShapeError)

    def _begin(self) -> None:
        """Put the picture in the input's place, under its name too; scaled there."""
        name = self._place.name
        self._blob_of[Source(name, 0)] = name
        if self._scale != 1:
            scaled = caffe_layers.Power(name, (IMAGE,), (name,), power=1.0, scale=self._scale, shift=0.0)
            self._add(scaled)
        elif name != IMAGE:
            self._add(Identity(name, (IMAGE,), (name,)))

    def _translate(self, node: Node, outputs: Sequence[int]) -> None:
        for each in node.inputs:
            if each.node in self.left_out:
                raise LeftOutError(self.left_out[each.node])
            if each.node not in self._constants and each not in self._blob_of:
                raise LeftOutError(f"{node.name!r} ({node.op}) reads {each.name!r}, which is not known here")
        sized = [each.node for each in node.inputs if each.node in self._sized]
        if node.op == "Shape" or all(each.node in self._constants for each in node.inputs):
            self._constants[node.name] = self._folded(node)
            self._sized.add(node.name)
            return
        if sized and node.op != "Reshape":
            raise LeftOutError(f"{node.name!r} ({node.op}) goes by the picture's size, through {sized[0]!r}")
        if node.text("data_format", "NHWC") not in ("NHWC", ""):
            raise LeftOutError(f"{node.name!r} ({node.op}) has its channels first; only NHWC is known here")
        for output in outputs:
            made = _TRANSLATORS[node.op](self, node) if node.op in _TRANSLATORS and output == 0 else None
            layer, weights = made or (self._operation(node, output), [])
            self._add(layer, weights)
            self._blob_of[Source(node.name, output)] = layer.tops[0]
            if node.op == "Reshape" and self.shapes[layer.tops[0]][0] != 1:
                self.misfits += 1  # a picture became several: it fits, but is hardly what was meant

    def _folded(self, node: Node) -> Values:
        if node.op != "Shape":
            return fold(node, *(self._constants[each.node] for each in node.inputs))
        kind = node.attributes.get("out_type")
        return np.array(nhwc(self.shapes[self.bottom(node, 0)]), np.int64 if kind and kind.type == 9 else np.int32)

    def _add(self, layer: Layer, weights: Sequence[Values] = ()) -> None:
        bottoms = [self.shapes[bottom] for bottom in layer.bottoms]
        (self.shapes[layer.tops[0]],) = layer.top_shapes(*bottoms)
        wanted = layer.param_shapes(*bottoms)
        if [each.shape for each in weights] != wanted:
            found = ", ".join("x".join(map(str, each.shape)) for each in weights)
            raise ShapeError(f"layer {layer.name!r}: its weights, {found}, do not fit to {bottoms[0]}")
        if not all(np.isfinite(each).all() for each in weights):
            raise NetFileError(f"layer {layer.name!r}: NaN or infinity among its weights")
        if weights:
            self.params[layer.name] = list(weights)
        self.layers.append(layer)

    def _operation(self, node: Node, output: int) -> Operation:
        """Make a layer of a node that TensorFlow runs itself."""
        rule = RULES.get(node.op)
        if rule is None:
            raise LeftOutError(f"{node.name!r} has the op {node.op!r}, which is not known here")
        places = [i for i, each in enumerate(node.inputs) if each.node not in self._constants]
        if len(places) > 1 and not isinstance(rule, Broadcast):
            raise LeftOutError(f"{node.name!r} ({node.op}) reads {len(places)} values of the picture, want one")
        held = {i: self._constants[e.node] for i, e in enumerate(node.inputs) if e.node in self._constants}
        layer = Operation(
            *self.names(node, *places, output=output),
            op=node.op,
            node=node.proto.SerializeToString(),
            output=output,
            arguments=tuple(places.index(i) if i in places else None for i in range(len(node.inputs))),
            constants=held,
            rule=rule,
        )
        if any(each.node in self._sized for each in node.inputs):  # a Reshape: to what it makes at this size
            made = layer.rule.top_shape(layer, *(nhwc(self.shapes[bottom]) for bottom in layer.bottoms))
            held[1] = np.array(made, held[1].dtype)
        return layer

    # What the translators of the ops below ask for.

    def names(self, node: Node, *places: int, output: int = 0) -> tuple[str, tuple[str, ...], tuple[str]]:
        """Give a layer's name, its bottoms, which are these of the node's inputs, and its top."""
        name = Source(node.name, output).name
        name = f"{name}:0" if name == IMAGE else name  # that is the picture's
        return name, tuple(self.bottom(node, place) for place in places), (name,)

    def bottom(self, node: Node, place: int) -> str:
        """Give the blob that has to be at one of the node's inputs."""
        if place >= len(node.inputs) or node.inputs[place] not in self._blob_of:
            raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} does not come from the picture")
        return self._blob_of[node.inputs[place]]

    def shape(self, node: Node, place: int = 0) -> Shape:
        """Give the shape of the blob there, (n, c, h, w)."""
        return self.shapes[self.bottom(node, place)]

    def image_shape(self, node: Node) -> Shape:
        """Give the shape of the node's first input, which has to be an image."""
        shape = self.shape(node)
        if len(shape) != 4:
            raise LeftOutError(f"{node.name!r} ({node.op}) wants four axes, its input has {len(shape)}")
        return shape

    def constant(self, node: Node, place: int) -> Values | None:
        """Give the constant at one of the node's inputs; None: there is a blob."""
        return self._constants.get(node.inputs[place].node) if place < len(node.inputs) else None

    def weights(self, node: Node, place: int) -> Values:
        """Give the constant that has to be there."""
        found = self.constant(node, place)
        if found is None:
            raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} is no constant")
        return found

    def channelwise(self, node: Node, values: Values | None, place: int = 0) -> Values | None:
        """Give a constant as one number a channel of the blob at `place`; None where it is not that."""
        shape = nhwc(self.shape(node, place))
        if values is None or len(shape) < 2 or values.ndim > len(shape) or values.size not in (1, shape[-1]):
            return None
        if values.size > 1 and values.shape[-1] != shape[-1]:
            return None
        return np.broadcast_to(values.reshape(-1), (shape[-1],))


Made = tuple[Layer, list[Values]] | None  # a layer and its weights; None: TensorFlow is to run it


def _windowed(node: Node, attribute: str) -> tuple[int, int]:
    """Read an attribute that has a number for each axis, and 1 for all but rows and columns."""
    found = node.integers(attribute, (1, 1, 1, 1))
    if len(found) != 4 or found[0] != 1 or found[3] != 1 or not all(1 <= size <= _LARGEST_SIDE for size in found):
        raise LeftOutError(f"{node.name!r} ({node.op}): {attribute} {list(found)}, want [1, rows, columns, 1]")
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
    raise LeftOutError(f"{node.name!r} ({node.op}): padding {padding!r} {list(explicit)} is not known here")


def _convolution(t: _Translator, node: Node) -> Made:
    kernel, channels = t.weights(node, 1), t.image_shape(node)[1]
    if kernel.ndim != 4 or not kernel.size:
        raise LeftOutError(f"{node.name!r} ({node.op}): its kernel has shape {kernel.shape}, want four sizes")
    h, w, each, out = kernel.shape
    depthwise = node.op == "DepthwiseConv2dNative"
    kind = DepthwiseConv2D if depthwise else Conv2D
    if depthwise:  # (h, w, channel, which of its own) -> (out, 1, h, w)
        kernel, out = kernel.transpose(2, 3, 0, 1).reshape(each * out, 1, h, w), each * out
        group = each
    else:
        kernel, group = kernel.transpose(3, 2, 0, 1), max(channels // each, 1)
    if out % group:
        raise LeftOutError(f"{node.name!r} ({node.op}): {out} outputs do not fall into {group} groups")
    dilation = _windowed(node, "dilations")
    if prod(d * (k - 1) + 1 for k, d in zip((h, w), dilation, strict=True)) * prod(kernel.shape[:2]) > MAX_NUMBERS:
        raise LeftOutError(f"{node.name!r} ({node.op}): its dilated kernel reaches too far to be run")
    layer = kind(
        *t.names(node, 0),
        num_output=out,
        kernel=(h, w),
        stride=_windowed(node, "strides"),
        pad=(0, 0),
        dilation=dilation,
        group=group,
        bias=False,
        padding=_padding(node),
    )
    return layer, [kernel]


def _pooling(t: _Translator, node: Node) -> Made:
    t.image_shape(node)
    if node.text("padding", "") == "EXPLICIT":
        raise LeftOutError(f"{node.name!r} ({node.op}): padding 'EXPLICIT' is not known of it here")
    average = node.op == "AvgPool"
    layer = (AvgPool if average else MaxPool)(
        *t.names(node, 0),
        average=average,
        everything=False,
        kernel=_windowed(node, "ksize"),
        stride=_windowed(node, "strides"),
        pad=(0, 0),
        round_up=False,
        padding=_padding(node),
    )
    return layer, []


def _sum(t: _Translator, node: Node) -> Made:
    """BiasAdd, Add, AddV2, Sub: of a blob and a constant, or of two blobs."""
    second = -1.0 if node.op == "Sub" else 1.0
    if t.constant(node, 0) is None and t.constant(node, 1) is None:
        return _together(t, node, "SUM", (1.0, second))
    place = 0 if t.constant(node, 0) is None else 1
    values = t.channelwise(node, t.constant(node, 1 - place), place)
    if values is None or (place == 1 and second < 0):
        return None
    return _affine(t, node, place, offset=values * np.asarray(second, values.dtype))


def _product(t: _Translator, node: Node) -> Made:
    """Mul, RealDiv: of a blob and a constant, or of two blobs."""
    if t.constant(node, 0) is None and t.constant(node, 1) is None:
        return _together(t, node, "PROD", (1.0, 1.0)) if node.op == "Mul" else None
    place = 0 if t.constant(node, 0) is None else 1
    values = t.channelwise(node, t.constant(node, 1 - place), place)
    if values is None or (node.op == "RealDiv" and (place == 1 or not values.all())):
        return None
    return _affine(t, node, place, factor=values if node.op == "Mul" else 1 / values.astype(np.float64))


def _together(t: _Translator, node: Node, operation: str, coeff: tuple[float, ...]) -> Made:
    """Make Caffe's Eltwise of blobs of one shape."""
    places = range(len(node.inputs))
    if len({t.shape(node, place) for place in places}) > 1:
        return None
    return caffe_layers.Eltwise(*t.names(node, *places), operation=operation, coeff=coeff), []


def _sum_of_all(t: _Translator, node: Node) -> Made:
    made = _together(t, node, "SUM", (1.0,) * len(node.inputs))
    if made is None:
        raise LeftOutError(f"{node.name!r} ({node.op}) adds up other than blobs of one shape")
    return made


def _affine(
    t: _Translator, node: Node, place: int, *, factor: Values | None = None, offset: Values | None = None
) -> Made:
    weights = [values for values in (factor, offset) if values is not None]
    layer = Affine(
        *t.names(node, place),
        op=node.op,
        channels=weights[0].size,
        factor=factor is not None,
        offset=offset is not None,
    )
    return layer, weights


def _fused_batch_norm(t: _Translator, node: Node) -> Made:
    if node.flag("is_training", True):
        raise LeftOutError(f"{node.name!r} ({node.op}) is in training: freeze the graph for inference")
    gamma, beta, mean, variance = (t.weights(node, place) for place in (1, 2, 3, 4))
    return _normalisation(t, node, node.number("epsilon", 1e-4), mean, variance, beta, gamma)


def _global_batch_norm(t: _Translator, node: Node) -> Made:
    mean, variance, beta, gamma = (t.weights(node, place) for place in (1, 2, 3, 4))
    if not node.flag("scale_after_normalization"):
        gamma = np.ones_like(beta)
    return _normalisation(t, node, node.number("variance_epsilon", 0.0), mean, variance, beta, gamma)


def _normalisation(
    t: _Translator, node: Node, epsilon: float, mean: Values, variance: Values, beta: Values, gamma: Values
) -> Made:
    # gamma (x - mean) / sqrt(variance + epsilon) + beta
    t.image_shape(node)
    if len({values.shape for values in (mean, variance, beta, gamma)}) > 1 or mean.ndim != 1:
        raise LeftOutError(f"{node.name!r} ({node.op}): mean, variance, beta and gamma are not of one length")
    if not (variance.astype(np.float64) + epsilon > 0).all():
        raise NetFileError(f"layer {node.name!r}: a variance plus epsilon of its weights is not above 0")
    factor = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    return _affine(t, node, 0, factor=factor, offset=beta - mean * factor)


def _lrn(t: _Translator, node: Node) -> Made:
    """Caffe divides alpha by how many neighbours there are, TensorFlow does not."""
    t.image_shape(node)
    radius = node.integer("depth_radius", 5)
    if not 0 <= radius <= _LARGEST_SIDE:
        raise LeftOutError(f"{node.name!r} ({node.op}): depth_radius {radius}, want 0 to {_LARGEST_SIDE}")
    neighbours = 2 * radius + 1
    layer = caffe_layers.LRN(
        *t.names(node, 0),
        local_size=neighbours,
        alpha=node.number("alpha", 1.0) * neighbours,
        beta=node.number("beta", 0.5),
        k=node.number("bias", 1.0),
    )
    return layer, []


def _concat(t: _Translator, node: Node) -> Made:
    """`Concat` has its axis first, ConcatV2 last."""
    places = list(range(len(node.inputs)))
    axis = t.weights(node, places.pop(0 if node.op == "Concat" else -1))
    names = t.names(node, *places)
    rank = len(t.shape(node, places[0]))
    if axis.shape != () or axis.dtype.kind != "i" or not -rank <= axis < rank:
        raise LeftOutError(f"{node.name!r} ({node.op}): its axis is no constant of {-rank} to {rank - 1}")
    along = int(axis) % rank
    return caffe_layers.Concat(*names, axis=(0, 2, 3, 1)[along] if rank == 4 else along), []


def _matrix_product(t: _Translator, node: Node) -> Made:
    matrix, shape = t.weights(node, 1), t.shape(node)
    if len(shape) != 2 or matrix.ndim != 2 or node.flag("transpose_a"):
        raise LeftOutError(f"{node.name!r} ({node.op}): want (n, c) times a constant matrix")
    turned = node.flag("transpose_b")
    layer = caffe_layers.InnerProduct(
        *t.names(node, 0), num_output=matrix.shape[0 if turned else 1], bias=False, transpose=not turned
    )
    return layer, [matrix]


def _rectifier(t: _Translator, node: Node) -> Made:
    slope = node.number("alpha", 0.2) if node.op == "LeakyRelu" else 0.0
    return caffe_layers.ReLU(*t.names(node, 0), negative_slope=slope), []


def _identity(t: _Translator, node: Node) -> Made:
    return Identity(*t.names(node, 0)), []


def _cast(t: _Translator, node: Node) -> Made:
    kinds = [node.attributes[name].type for name in ("SrcT", "DstT") if name in node.attributes]
    if not set(kinds) <= FLOATS:
        raise LeftOutError(f"{node.name!r} ({node.op}) makes other than floats of floats")
    return _identity(t, node)


_TRANSLATORS: dict[str, Callable[[_Translator, Node], Made]] = {
    **dict.fromkeys(IDENTITIES - {"StopGradient"}, _identity),
    **dict.fromkeys(["Add", "AddV2", "BiasAdd", "Sub"], _sum),
    **dict.fromkeys(["AvgPool", "MaxPool"], _pooling),
    **dict.fromkeys(["Concat", "ConcatV2"], _concat),
    **dict.fromkeys(["Conv2D", "DepthwiseConv2dNative"], _convolution),
    **dict.fromkeys(["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"], _fused_batch_norm),
    **dict.fromkeys(["LeakyRelu", "Relu"], _rectifier),
    **dict.fromkeys(["Mul", "RealDiv"], _product),
    "AddN": _sum_of_all,
    "BatchNormWithGlobalNormalization": _global_batch_norm,
    "Cast": _cast,
    "LRN": _lrn,
    "MatMul": _matrix_product,
}
