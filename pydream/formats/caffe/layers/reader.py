"""A layer's type decides how its message is read: LayerParameter → the constants of a layer's dataclass."""

from __future__ import annotations

from typing import Any

from ....errors import NetFileError
from ....runtime.graph import Graph
from ....runtime.layers import Layer
from ..prototxt import define
from . import activations, combining, linear, normalising, pooling, reductions, shapes
from .fields import Readers, wrong

READERS: Readers = {
    **activations.READERS,
    **combining.READERS,
    **linear.READERS,
    **normalising.READERS,
    **pooling.READERS,
    **reductions.READERS,
    **shapes.READERS,
}
TYPES = {kind.__name__: kind for kind in READERS}


def layer_from_proto(proto: Any) -> Layer:
    """Read a LayerParameter.

    Raises
    ------
    NetFileError
        For an unknown type, with the known ones, or constants that are not valid.
    """
    kind = TYPES.get(proto.type)
    if kind is None:
        raise NetFileError(
            f"layer {proto.name!r} has the unknown type {proto.type!r}; known: Input, {', '.join(sorted(TYPES))}"
        )
    for what, names, (low, high) in (
        ("bottoms", proto.bottom, kind.bottoms_wanted),
        ("tops", proto.top, kind.tops_wanted),
    ):
        if not low <= len(names) <= high:
            raise wrong(proto, f"{len(names)} {what}, expected {_count(low, high)}")
    reader = READERS[kind]
    return kind(proto.name, tuple(proto.bottom), tuple(proto.top), **(reader(proto) if reader else {}))


def _count(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} or {high}" if high == low + 1 else f"{low} or more"


def graph_of(net: Any, source: str) -> Graph:
    """Make the graph of a NetParameter: see `define`, which raises the same errors."""
    definition = define(net, source)
    return Graph(definition.name, definition.inputs, map(layer_from_proto, definition.layers))
