"""What TensorFlow is asked to run is written here anew: an op, and of its node's attributes those that the op has.

A stranger's attributes may be of another kind than the op wants, contradict one another, or mean something to
TensorFlow alone. It would complain in the middle of a dream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...runtime.tf_layers import FLOATS
from .inputs import BYTE
from .nodes import LeftOutError, Node, Values
from .proto import NodeDef

_FLOAT, _INT32 = 1, 3
# What moves pixels, and makes floats of bytes where it computes.
_RESIZES = ["ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor"]
_OF_BYTES = frozenset(["ExpandDims", "Pad", "Reshape", "Slice", "Squeeze", "StridedSlice", *_RESIZES])


class Signature(NamedTuple):
    """What an op has.

    Attributes
    ----------
    inputs : int or None
        How many; None: any number.
    integers : mapping of int to str or None
        Inputs that are constant integers, and the attribute that is their type; None: they are int32 always.
    attributes : mapping of str to str
        Others, and the field of an AttrValue that has their value.
    """

    inputs: int | None = 1
    integers: Mapping[int, str | None] = {}
    attributes: Mapping[str, str] = {}


_RESIZE = Signature(2, {1: None}, {"align_corners": "b", "half_pixel_centers": "b"})
_CONVOLUTION = {"strides": "list", "dilations": "list", "explicit_paddings": "list", "padding": "s"}
_PAIR = "Add AddV2 BiasAdd Div DivNoNan Maximum Minimum Mul Pow RealDiv SquaredDifference Sub"

_ONE = "AvgPool Cast CheckNumerics Identity LRN MaxPool PlaceholderWithDefault Relu Snapshot"
_FIVE = "BatchNormWithGlobalNormalization FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3"

# Other ops that TensorFlow runs have one input, and no attribute but their type.
_SIGNATURES: dict[str, Signature] = {
    **dict.fromkeys(_ONE.split(), Signature()),
    **dict.fromkeys(["BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative", "MatMul"], Signature(2)),
    **dict.fromkeys(_FIVE.split(), Signature(5)),
    **dict.fromkeys(["AddN", "Concat", "ConcatV2"], Signature(None)),
    **dict.fromkeys(_PAIR.split(), Signature(2)),
    **dict.fromkeys(["Max", "Mean", "Min", "Prod", "Sum"], Signature(2, {1: "Tidx"}, {"keep_dims": "b"})),
    **dict.fromkeys(_RESIZES, _RESIZE),
    **dict.fromkeys(["DepthToSpace", "SpaceToDepth"], Signature(attributes={"block_size": "i"})),
    "ClipByValue": Signature(3),
    "Conv2DBackpropInput": Signature(3, {0: None}, _CONVOLUTION),
    "ExpandDims": Signature(2, {1: "Tdim"}),
    "LeakyRelu": Signature(attributes={"alpha": "f"}),
    "MirrorPad": Signature(2, {1: "Tpaddings"}, {"mode": "s"}),
    "Pad": Signature(2, {1: "Tpaddings"}),
    "PadV2": Signature(3, {1: "Tpaddings"}),
    "Reshape": Signature(2, {1: "Tshape"}),
    "Slice": Signature(3, {1: "Index", 2: "Index"}),
    "Split": Signature(2, {0: None}, {"num_split": "i"}),
    "Squeeze": Signature(attributes={"squeeze_dims": "list"}),
    "StridedSlice": Signature(
        4,
        dict.fromkeys((1, 2, 3), "Index"),
        {f"{name}_mask": "i" for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")},
    ),
    "Tile": Signature(2, {1: "Tmultiples"}),
    "Transpose": Signature(2, {1: "Tperm"}),
}


def check_inputs(node: Node) -> None:
    """Raise `LeftOutError` for a node that has not as many inputs as its op."""
    wanted = _SIGNATURES.get(node.op, Signature()).inputs
    if wanted is not None and len(node.inputs) != wanted:
        raise LeftOutError(f"{node.name!r} ({node.op}) has {len(node.inputs)} inputs, expected {wanted}")


def rewritten(node: Node, output: int, constants: Mapping[int, Values]) -> tuple[bytes, dict[int, Values]]:
    """Return the NodeDef of an op that TensorFlow runs, and its constants in the types that this says.

    Parameters
    ----------
    node : Node
    output : int
        Which of its outputs is wanted.
    constants : mapping of int to array
        The node's inputs that are constant.

    Raises
    ------
    LeftOutError
        Where the node has not what its op wants.
    """
    signature = _SIGNATURES.get(node.op, Signature())
    if output and node.op != "Split":
        raise LeftOutError(f"{node.name!r} ({node.op}) has no output {output}")
    kind = node.attributes["T"].type if "T" in node.attributes else _FLOAT
    if kind not in FLOATS and not (kind == BYTE and node.op in _OF_BYTES):
        raise LeftOutError(f"{node.name!r} ({node.op}) works on TensorFlow's type {kind}, expected floats")
    made = NodeDef(name=node.name, op=node.op)
    _add(made, "T").type = _FLOAT
    for name, field in signature.attributes.items():
        found = node.attributes.get(name)
        if found is not None and found.HasField(field):
            _add(made, name).CopyFrom(found)
    for name in sorted({name for name in signature.integers.values() if name is not None}):
        _add(made, name).type = _INT32
    _check_values(node, constants)
    return made.SerializeToString(), {
        place: _integers(node, place, values) if place in signature.integers else _floats(node, place, values)
        for place, values in constants.items()
    }


def _add(node: NodeDef, name: str) -> NodeDef:
    """Add an attribute, and return its value."""
    return node.attr.add(key=name).value


def _integers(node: Node, place: int, values: Values) -> Values:
    if values.dtype.kind != "i" or (values.size and np.abs(values.astype(np.float64)).max() >= 2**31):
        raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} is not integers of 32 bits")
    return values.astype(np.int32)


def _floats(node: Node, place: int, values: Values) -> Values:
    if values.dtype.kind != "f":
        raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} is {values.dtype}, expected floats")
    return values


def _check_values(node: Node, constants: Mapping[int, Values]) -> None:
    """Raise for values that TensorFlow refuses only when it runs the op."""
    if node.op.startswith("Resize") and node.flag("align_corners") and node.flag("half_pixel_centers"):
        raise LeftOutError(f"{node.name!r} ({node.op}): align_corners and half_pixel_centers exclude each other")
    if node.op == "MirrorPad" and node.text("mode", "") not in ("REFLECT", "SYMMETRIC"):
        raise LeftOutError(f"{node.name!r} ({node.op}): mode {node.text('mode', '')!r} is not supported")
    if node.op == "Conv2DBackpropInput":
        if node.text("padding", "") not in ("SAME", "VALID", "EXPLICIT"):
            raise LeftOutError(f"{node.name!r} ({node.op}): padding {node.text('padding', '')!r} is not supported")
        if not all(1 <= n <= 2**15 for name in ("strides", "dilations") for n in node.integers(name, (1,))):
            raise LeftOutError(f"{node.name!r} ({node.op}): its strides or dilations are not sizes")
        explicit = node.integers("explicit_paddings", ())
        if len(explicit) != (8 if node.text("padding", "") == "EXPLICIT" else 0) or min(explicit, default=0) < 0:
            raise LeftOutError(f"{node.name!r} ({node.op}): explicit_paddings {list(explicit)} are not supported")
    if node.op == "BiasAdd":  # another is made a layer
        raise LeftOutError(f"{node.name!r} ({node.op}): its input 1 is not one number for each channel")
    scalars = {"ClipByValue": (1, 2), "PadV2": (2,), "Split": (0,), "ExpandDims": (1,)}.get(node.op, ())
    for place in scalars:
        if place not in constants or constants[place].size != 1 or (node.op != "ExpandDims" and constants[place].ndim):
            raise LeftOutError(f"{node.name!r} ({node.op}): its input {place} is not one number")
