"""Graphs that have their channels first, (n, c, h, w), are written anew with the channels last, as all others.

Blobs are the same either way: only what a node says of its axes changes, and constants that go with all axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .nodes import LeftOutError, Node, Source, Values
from .proto import AttrValue

FIRST = "NCHW"
_TO_LAST = (0, 3, 1, 2)  # axis of (n, c, h, w) -> axis of (n, h, w, c)
_ORDER = (0, 2, 3, 1)  # of the axes of (n, c, h, w), for (n, h, w, c)

_WINDOWED = frozenset({"AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool"})
_WITH_FORMAT = frozenset({"BiasAdd", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_PADS = frozenset({"MirrorPad", "Pad", "PadV2"})
_OVER_AXES = frozenset({"Max", "Mean", "Min", "Prod", "Sum"})
_UNARY = """
    Abs AddN Cast CheckNumerics ClipByValue Elu Erf Exp Identity LeakyRelu Log Neg PlaceholderWithDefault Relu Relu6
    Rsqrt Selu Sigmoid Snapshot Softplus Softsign Sqrt Square StopGradient Tanh
"""
_SAME = frozenset(_UNARY.split())
_BINARY = "Add AddV2 Div Maximum Minimum Mul Pow RealDiv SquaredDifference Sub"
_TOGETHER = frozenset(_BINARY.split())


def is_first(node: Node) -> bool:
    """Return whether a node says that its channels come first."""
    return node.text("data_format", "NHWC") == FIRST


def to_first(axes: Values) -> bool:
    """Return whether a transposition puts the channels first."""
    return tuple(axes.reshape(-1)) == _TO_LAST


def to_last(axes: Values) -> bool:
    """Return whether a transposition puts the channels last."""
    return tuple(axes.reshape(-1)) == _ORDER


def with_channels_last(
    node: Node, constant: Callable[[int], Values | None], keep: Callable[[str, Values], None]
) -> Node:
    """Return a node that reads channels first as one that reads them last and does the same.

    Parameters
    ----------
    node : Node
        Its first blob has four axes.
    constant : callable
        Input → its constant; None: a blob.
    keep : callable
        Takes a name and a value: a constant that the new node reads.

    Raises
    ------
    LeftOutError
        Where that cannot be done.
    """

    def reading(values: Mapping[int, Values]) -> Node:
        inputs = list(node.inputs)
        for place, each in values.items():
            inputs[place] = Source(f"{node.name}/channels_last/{place}", 0)
            keep(inputs[place].node, each)
        return replace(node, inputs=tuple(inputs))

    if node.op in _WINDOWED | _WITH_FORMAT:
        if not is_first(node):
            raise _wrong(node)
        return replace(node, attributes={name: _moved(name, value) for name, value in node.attributes.items()})
    if node.op in _SAME:
        return node
    if node.op in _TOGETHER:
        found = {place: constant(place) for place in range(len(node.inputs))}
        return reading({place: _all_axes(node, each) for place, each in found.items() if each is not None})
    if node.op in ("Concat", "ConcatV2", *_OVER_AXES, *_PADS):
        place = {"Concat": 0, "ConcatV2": len(node.inputs) - 1}.get(node.op, 1)
        values = constant(place)
        if values is None or values.dtype.kind != "i" or values.size > 8:
            raise _wrong(node)
        if node.op in _PADS:
            if values.shape != (4, 2):
                raise _wrong(node)
            return reading({place: values[list(_ORDER)]})
        if not all(-4 <= axis < 4 for axis in values.reshape(-1)):
            raise _wrong(node)
        if node.op in _OVER_AXES and not node.flag("keep_dims"):
            _check_order(node, values.reshape(-1).tolist())
        return reading({place: np.array(_TO_LAST, values.dtype)[values % 4]})
    if node.op == "Squeeze" and all(-4 <= axis < 4 for axis in node.integers("squeeze_dims", ())):
        _check_order(node, node.integers("squeeze_dims", ()) or (0, 2, 3))
        return replace(node, attributes={name: _moved(name, value) for name, value in node.attributes.items()})
    raise _wrong(node)


def _check_order(node: Node, gone: Sequence[int]) -> None:
    """Raise `LeftOutError` where the axes that are left have another order with channels last."""
    left = [axis for axis in _ORDER if axis not in {each % 4 for each in gone}]
    if left != sorted(left):
        raise _wrong(node)


def _wrong(node: Node) -> LeftOutError:
    return LeftOutError(f"{node.name!r} ({node.op}) has its channels first in a way that is not supported")


def _moved(name: str, value: Any) -> Any:
    """Return an attribute for channels last."""
    made = AttrValue()
    made.CopyFrom(value)
    found = list(value.list.i)
    if name == "data_format":
        made.s = b"NHWC"
    elif name in ("dilations", "ksize", "strides") and len(found) == 4:
        made.list.i[:] = [found[axis] for axis in _ORDER]
    elif name == "explicit_paddings" and len(found) == 8:
        made.list.i[:] = [each for axis in _ORDER for each in found[2 * axis : 2 * axis + 2]]
    elif name == "squeeze_dims":
        made.list.i[:] = [_TO_LAST[axis % 4] for axis in found]
    return made


def _all_axes(node: Node, values: Values) -> Values:
    """Return a constant that goes with all axes, as it is broadcast."""
    if values.ndim > 4:
        raise _wrong(node)
    return values.reshape((1,) * (4 - values.ndim) + values.shape).transpose(_ORDER) if values.ndim else values
