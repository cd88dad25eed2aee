"""What nodes read, as far as it is translated: constants, and blobs, whose axes may have another order in the file.

Blobs are (n, c, h, w) throughout. A Transpose makes no values: it is noted which axis of the blob each axis of the
file's value is, and rules that can work with that do. So a normalisation of channels that PyTorch puts last for it
stays one of channels, in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...errors import ShapeError
from ...runtime.layers import Layer, Shape
from ...runtime.onnx_layers import Transpose
from ..entrance import IMAGE
from ..graphdef.nodes import Budget, LeftOutError
from .nodes import Node, Values

Order = tuple[int, ...]  # for each axis of the file's value the blob's axis


class Seen(NamedTuple):
    """A value of the file as a blob."""

    blob: str
    order: Order

    @property
    def plain(self) -> bool:
        """Whether the axes are those of the blob."""
        return self.order == tuple(range(len(self.order)))


class Inputs:
    """The values of the file, as far as they are translated.

    Attributes
    ----------
    constants : dict of str to array
    sized : set of str
        Those constants that depend on the picture's size.
    seen : dict of str to Seen
    shapes : dict of str to tuple of int
        Blob → (n, c, h, w).
    names : mapping of str to str
        Value → blob, where it becomes one.
    layers, params
        Made so far.
    budget : Budget
        For weights that are computed.
    batch : int
        Pictures at once that the file is made for.
    """

    def __init__(self, constants: Mapping[str, Values], names: Mapping[str, str], budget: Budget, batch: int) -> None:
        self.constants = dict(constants)
        self.names = names
        self.budget = budget
        self.batch = batch
        self.sized: set[str] = set()
        self.seen: dict[str, Seen] = {}
        self.shapes: dict[str, Shape] = {}
        self.layers: list[Layer] = []
        self.params: dict[str, list[Values]] = {}

    # What a node reads.

    def has(self, node: Node, place: int) -> bool:
        """Return whether a node has an input at a place."""
        return place < len(node.inputs) and node.inputs[place] != ""

    def constant(self, node: Node, place: int) -> Values | None:
        """Return the constant at one of the node's inputs; None: there is a blob, or nothing."""
        return self.constants.get(node.inputs[place]) if self.has(node, place) else None

    def fixed(self, node: Node, place: int) -> Values | None:
        """As `constant`; `LeftOutError` for a blob, or a constant that depends on the picture's size."""
        if not self.has(node, place):
            return None
        if node.inputs[place] in self.sized:
            raise LeftOutError(f"{node} depends on the picture's size, through its input {node.inputs[place]!r}")
        found = self.constant(node, place)
        if found is None:
            raise LeftOutError(f"{node}: its input {place} is not a constant")
        return found

    def weights(self, node: Node, place: int) -> Values:
        """As `fixed`; `LeftOutError` where there is none, or other than floats."""
        found = self.fixed(node, place)
        if found is None or found.dtype.kind != "f":
            raise LeftOutError(f"{node}: its input {place} is not a constant of floats")
        return found

    def value(self, node: Node, place: int = 0) -> Seen:
        """Return the value at one of the node's inputs; `LeftOutError` where it does not come from the picture."""
        if not self.has(node, place) or node.inputs[place] not in self.seen:
            raise LeftOutError(f"{node}: its input {place} does not come from the picture")
        return self.seen[node.inputs[place]]

    def shape(self, node: Node, place: int = 0) -> Shape:
        """Return the shape of the value there, as the file has it."""
        return self.shape_of(self.value(node, place))

    def shape_of(self, value: Seen) -> Shape:
        """Return the shape of a value, as the file has it."""
        return tuple(self.shapes[value.blob][axis] for axis in value.order)

    def bottom(self, node: Node, place: int = 0) -> str:
        """Return a blob whose axes are those of the value there, made where there is none."""
        return self.plain(self.value(node, place))

    def plain(self, value: Seen) -> str:
        """Return a blob whose axes are those of a value."""
        if value.plain:
            return value.blob
        name = f"{value.blob}:{''.join(map(str, value.order))}"
        if name not in self.shapes:
            self.append(Transpose(name, (value.blob,), (name,), axes=value.order))
        return name

    def image(self, node: Node) -> str:
        """Return the blob of the node's first input; `LeftOutError` where it is not an image."""
        rank = len(self.shape(node))
        if rank != 4:
            raise LeftOutError(f"{node} wants four axes, its input has {rank}")
        return self.bottom(node)

    # What a node makes.

    def name(self, node: Node, output: int = 0) -> str:
        """Return the name of the blob that a node makes."""
        if not node.outputs[output]:
            raise LeftOutError(f"{node} leaves out its output {output}, which has to have a name")
        name = self.names[node.outputs[output]]
        return f"{name}:0" if name == IMAGE else name  # that is the picture's

    def facts(self, node: Node, *blobs: str, output: int = 0) -> tuple[str, tuple[str, ...], tuple[str]]:
        """Return a layer's name, its bottoms and its top."""
        name = self.name(node, output)
        return name, blobs, (name,)

    def add(
        self, node: Node, layer: Layer, weights: Sequence[Values] = (), order: Order | None = None, output: int = 0
    ) -> None:
        """Add the layer that makes an output of a node; `order` is as for `Seen`, by default the blob's own."""
        self.append(layer, weights)
        (top,) = layer.tops
        self.seen[node.outputs[output]] = Seen(top, order or tuple(range(len(self.shapes[top]))))

    def append(self, layer: Layer, weights: Sequence[Values] = ()) -> None:
        """Add a layer; `ShapeError` where its bottoms or weights do not fit."""
        bottoms = [self.shapes[bottom] for bottom in layer.bottoms]
        (shape,) = layer.top_shapes(*bottoms)
        if min(shape, default=1) < 1:
            raise ShapeError(f"layer {layer.name!r} makes no values: {shape}")
        wanted = layer.param_shapes(*bottoms)
        if [each.shape for each in weights] != wanted:
            found = ", ".join("x".join(map(str, each.shape)) for each in weights)
            raise ShapeError(f"layer {layer.name!r}: its weights, {found}, do not fit {bottoms[0]}")
        if not all(np.isfinite(each).all() for each in weights):
            raise LeftOutError(f"layer {layer.name!r} has NaN or infinity among its weights")
        self.shapes[layer.tops[0]] = shape
        if weights:
            self.params[layer.name] = list(weights)
        self.layers.append(layer)
