"""A layer's type decides how its message is read: LayerParameter → the constants of a layer's dataclass."""

from __future__ import annotations

from typing import Any

from ....errors import NetFileError, ShapeError
from ....runtime.graph import Graph
from ....runtime.layers import Layer, Shape
from ..definition import Definition, define
from ..text import unknown_in
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


# Of Caffe, but not of pictures: what is made of them is left out.
_NEVER = ("BatchReindex", "Embed", "Filter", "LSTM", "Python", "RNN")


def layer_from_proto(proto: Any) -> Layer:
    """Read a LayerParameter of a type in `TYPES`; `NetFileError` for constants that are not valid."""
    kind = TYPES[proto.type]
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
    """Make the graph of a NetParameter: see `define` and `linked`, which raise the same errors."""
    return linked(define(net, source), source)


def linked(definition: Definition, source: str) -> Graph:
    """Make the graph of a definition, without layers that cannot be run and what is made of them.

    Raises
    ------
    NetFileError
        Where nothing can be run, or a layer reads a blob that nothing makes.
    """
    layers = []
    left_out: dict[str, str] = {}
    # Blobs that are not made → the layer or blob that is the reason, and why.
    lost = {name: (name, why) for name, why in definition.lost.items()}
    shapes = dict(definition.inputs)
    weighted: set[str] = set()
    for proto in definition.layers:
        origin = next((lost[bottom] for bottom in proto.bottom if bottom in lost), None)
        why = f"it needs {origin[0]!r}: {origin[1]}" if origin else _cannot_run(proto)
        if why is None:
            try:
                layer = layer_from_proto(proto)
                if type(layer).param_shapes is not Layer.param_shapes:  # it may have weights
                    if layer.name in weighted:
                        raise wrong(proto, "a layer before it has its name, and so its weights")
                    weighted.add(layer.name)
                try:
                    made = _shapes_of(layer, shapes)
                except ShapeError:
                    if definition.assumed:
                        raise
                    made = {}  # the graph says what does not fit
                for name in {*layer.bottoms} & made.keys():
                    if made[name] != shapes[name]:
                        raise wrong(proto, f"it writes {made[name]} over its bottom {name!r}, which is {shapes[name]}")
                shapes.update(made)
                layers.append(layer)
            except NetFileError as error:
                why = str(error)
            except ShapeError as error:
                why = f"the file states no size of its pictures, and the usual one does not fit: {error}"
        if why is not None:
            for name in (proto.name, *proto.top):
                left_out.setdefault(name, why)
            lost.update(dict.fromkeys(proto.top, origin or (proto.name, why)))
    if not layers:
        name, why = next(iter(left_out.items()))
        raise NetFileError(f"{source}: nothing in it can be run: {name!r}: {why}")
    there = {name for layer in layers for name in (layer.name, *layer.tops)} | definition.inputs.keys()
    left_out = {name: why for name, why in left_out.items() if name not in there}
    reasons = {**left_out, **definition.lost, **definition.unused}
    parts = {proto.name for proto in definition.layers}
    return Graph(definition.name, definition.inputs, layers, reasons, parts=parts)


def _cannot_run(proto: Any) -> str | None:
    """Return why a layer cannot be run by itself; None: it can."""
    if proto.type in _NEVER:
        return f"layers of type {proto.type!r} are not run"
    if proto.type not in TYPES:
        meant = [name for name in TYPES if name.lower() == proto.type.lower()]
        return f"its type {proto.type!r} is not known" + (f"; Caffe's name is {meant[0]!r}" if meant else "")
    unknown = unknown_in(proto)
    return None if unknown is None else f"its field '{unknown}' is not known"


def _shapes_of(layer: Layer, shapes: dict[str, Shape]) -> dict[str, Shape]:
    """Return the shapes that a layer makes; none where a bottom has none, of which the graph says what is wrong."""
    if not all(bottom in shapes for bottom in layer.bottoms):
        return {}
    return dict(zip(layer.tops, layer.top_shapes(*(shapes[bottom] for bottom in layer.bottoms)), strict=True))
