"""The input of a graph is the node that the picture replaces: the one that is named, or the one that takes pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...errors import NetFileError
from ...net import unknown_name
from ...runtime.layers import Shape
from ...runtime.tf_layers import FLOATS
from .layout import is_first
from .nodes import Node, listed, sizes

BYTE = 4  # TensorFlow's type of pictures as they are in files
_NUMBERS = FLOATS | {BYTE}
_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_DECODERS = frozenset({"DecodeBmp", "DecodeGif", "DecodeImage", "DecodeJpeg", "DecodePng"})
# What stands between a decoder and a network's own scaling.
_PREPARING = frozenset({"Cast", "ExpandDims", "Identity", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"})
_LARGEST_SIDE = 2**14


class NoInputError(NetFileError):
    """A graph has no node for a picture, or several.

    Attributes
    ----------
    nodes : list of (str, str)
        Names and ops of its nodes but the constants.
    """

    def __init__(self, text: str, nodes: Iterable[Node]) -> None:
        super().__init__(text)
        self.nodes = [(node.name, node.op) for node in nodes if node.op != "Const"]


def input_node(nodes: Sequence[Node], source: str, name: str | None) -> Node:
    """Return the node that the picture replaces.

    Where none is named, that is the one placeholder for pictures in colour; without such, of those in grey; for bytes;
    with a default; or what decoded pictures are made, before their numbers are scaled.

    Raises
    ------
    UnknownNameError
        There is no node of that name.
    NoInputError
        No node fits, or several do.
    """
    placeholders = [node for node in nodes if node.op in ("Placeholder", "PlaceholderV2")]
    if name is not None:
        found = [node for node in nodes if node.name == name.removesuffix(":0")]
        if not found:
            raise unknown_name("node", name, [node.name for node in (*placeholders, *_leading(nodes), *nodes)])
        return found[0]
    defaults = [node for node in nodes if node.op == "PlaceholderWithDefault" and declared_shape(node)]
    for fitting in (
        [node for node in placeholders if _takes_pictures(node, FLOATS, (-1, 3))],
        [node for node in placeholders if _takes_pictures(node, FLOATS, (1,))],
        [node for node in placeholders if _takes_pictures(node, _NUMBERS, (-1, 3, 1))],
        [node for node in defaults if _takes_pictures(node, _NUMBERS, (-1, 3, 1))],
        _prepared(nodes),
    ):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = listed(node.name for node in fitting)
            raise NoInputError(f"{source}: {len(fitting)} placeholders: {names}; name the input", nodes)
    others = f" among {listed(node.name for node in placeholders)}" if placeholders else ""
    could = listed(node.name for node in _leading(nodes))
    lead = f": {could} lead to the first convolution" if could else ""
    raise NoInputError(
        f"{source}: no placeholder for a picture{others}; name the node that the picture replaces (--input-node){lead}",
        nodes,
    )


def is_channels_first(node: Node, nodes: Sequence[Node]) -> bool:
    """Return whether an input takes (n, c, h, w): as it declares, or as the first convolution does."""
    shape = declared_shape(node)
    if shape is None:
        first = next((each for each in nodes if each.op in _CONVOLUTIONS and each.inputs), None)
        moved = any(each.op == "Transpose" for each in _leading(nodes))
        return first is not None and is_first(first) and not moved
    return len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3)


def channels(node: Node, first: bool) -> int:
    """Return the channels of the pictures that an input takes: 1 where it declares that, else 3."""
    shape = declared_shape(node)
    return 1 if shape is not None and len(shape) == 4 and shape[1 if first else 3] == 1 else 3


def declared_shape(node: Node) -> Shape | None:
    """Return the shape that a placeholder declares; None where it declares none, for which old files write no axes."""
    attribute = node.attributes.get("shape")
    shape = None if attribute is None else sizes(attribute.shape)
    return shape or None


def declared_size(node: Node, first: bool) -> tuple[int, int] | None:
    """Return the height and width that a placeholder declares."""
    shape = declared_shape(node)
    if shape is None or len(shape) != 4:
        return None
    height, width = shape[2:] if first else shape[1:3]
    return (height, width) if min(height, width) >= 1 and max(height, width) <= _LARGEST_SIDE else None


def _takes_pictures(node: Node, kinds: frozenset[int], channels: tuple[int, ...]) -> bool:
    """Return whether a placeholder is for such numbers, and has four axes and so many channels, or leaves that open."""
    kind, shape = node.attributes.get("dtype"), declared_shape(node)
    if kind is not None and kind.type not in kinds:
        return False
    if shape is None:
        return -1 in channels
    first = len(shape) == 4 and shape[1] in channels and shape[1] > 0 and shape[3] not in (1, 3)
    return first or (len(shape) == 4 and shape[3] in channels)


def _prepared(nodes: Sequence[Node]) -> list[Node]:
    """Return what the one picture that the graph decodes is made, before its numbers are scaled."""
    decoders = [node for node in nodes if node.op in _DECODERS]
    if len(decoders) != 1:
        return []
    (last,) = decoders
    for node in nodes:  # each is behind what it reads
        if node.op in _PREPARING and node.inputs and node.inputs[0].node == last.name:
            last = node
    return [] if last.op in _DECODERS else [last]


def _leading(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes from the first convolution back to where their values come from, those nearest to it first."""
    by_name = {node.name: node for node in nodes}
    first = next((node for node in nodes if node.op in _CONVOLUTIONS and node.inputs), None)
    found: list[Node] = []
    while first is not None and first.inputs and len(found) < len(nodes):
        before = [by_name[each.node] for each in first.inputs if each.node in by_name]
        first = next((node for node in before if node.op != "Const"), None)
        if first is not None:
            found.append(first)
    return found
