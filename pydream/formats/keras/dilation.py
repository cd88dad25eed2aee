"""A dilated convolution is written as a plain one on an image cut into phases; here it becomes one node again.

TensorFlow writes ``tf.nn.convolution(x, dilations=d)`` as SpaceToBatchND → Conv2D → BatchToSpaceND, with paddings that
it computes from the image's size. At every size this equals a convolution with a dilation of d.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...runtime.on_tensorflow.door import tensorflow

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def dilate(graph: Any) -> None:
    """Replace every BatchToSpaceND that ends a dilated convolution by that convolution."""
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        if node.op != "BatchToSpaceND":
            continue
        convolution = nodes[_name(node.input[0])]
        cut = nodes[_name(convolution.input[0])] if convolution.op in _CONVOLUTIONS else convolution
        if cut.op != "SpaceToBatchND" or convolution.attr["padding"].s != b"VALID":
            continue
        block = _values(nodes, cut.input[1])
        padding = _padding(nodes, cut.input[2], node.input[2])
        if block is None or padding is None or len(block) != 2:
            continue
        image, kernel = cut.input[0], convolution.input[1]
        node.op = convolution.op
        node.input[:] = [image, kernel]
        node.attr.clear()
        for key, value in convolution.attr.items():
            node.attr[key].CopyFrom(value)
        node.attr["dilations"].list.i[:] = [1, *map(int, block), 1]
        node.attr["padding"].s = b"EXPLICIT"
        node.attr["explicit_paddings"].list.i[:] = [0, 0, *padding, 0, 0]


def _padding(nodes: Mapping[str, Any], paddings: str, crops: str) -> list[int] | None:
    """Return the convolution's own rows and columns before and behind, without those that fill up phases."""
    padded, cropped = _values(nodes, paddings), _values(nodes, crops)
    if padded is not None and cropped is not None:
        return [int(number) for number in (padded - cropped).reshape(-1)]
    # They are computed from a constant and the image's size.
    found, seen, waiting = [], set(), [_name(paddings)]
    while waiting:
        name = waiting.pop()
        if name in seen or nodes[name].op == "Shape":
            continue
        seen.add(name)
        values = _values(nodes, name)
        if values is not None and values.shape == (2, 2):
            found.append(values)
        waiting += map(_name, nodes[name].input)
    return [int(number) for number in found[0].reshape(-1)] if len(found) == 1 else None


def _values(nodes: Mapping[str, Any], tensor: str) -> Any:
    node = nodes[_name(tensor)]
    return tensorflow().make_ndarray(node.attr["value"].tensor) if node.op == "Const" else None


def _name(tensor: str) -> str:
    return tensor.partition(":")[0].removeprefix("^")
