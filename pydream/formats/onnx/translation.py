"""Translation makes layers of nodes: one that depends on the picture becomes a layer, any other is computed.

A node that cannot be run is left out with all that is made of it; asking for one of them raises an error with the
reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...errors import NetFileError, ShapeError
from ...net import unknown_name
from ...runtime.graph import Graph, Params
from ...runtime.layers import Shape
from ...runtime.tf_layers import Identity
from ..entrance import IMAGE, SIZES, entrance
from ..graphdef.nodes import Budget, LeftOutError, listed
from ..spec import InputSpec
from . import moving, values, windows
from .folding import fold, shape_of
from .inputs import Inputs, Seen
from .naming import blob_names
from .nodes import FLOATS, INTEGERS, Model, Node

RULES = {**windows.RULES, **values.RULES, **moving.RULES}

_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_QUANTIZED = ("Quantize", "Dequantize", "Dynamic", "QLinear", "ConvInteger", "MatMulInteger")
_MOVES = frozenset({"Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})
_MOST_AXES = 5


class Place(NamedTuple):
    """The input that the picture becomes.

    Attributes
    ----------
    name : str
    batch, channels : int
    size : (height, width) or None
        None: open.
    channels_last : bool
    """

    name: str
    batch: int
    channels: int
    size: tuple[int, int] | None
    channels_last: bool


def translate(model: Model, source: str, name: str, spec: InputSpec) -> tuple[Graph, Params]:
    """Make a graph of a network's nodes, and its weights.

    Parameters
    ----------
    model : Model
    source : str
        For messages.
    name : str
        The network's.
    spec : InputSpec
        Its node and its scale become part of the graph.

    Raises
    ------
    NetFileError
        For no or several inputs for a picture, or a network of which nothing can be run.
    UnknownNameError
        For an input that does not exist.
    """
    place = _input(model, source, spec.node)
    budget = Budget()  # of all sizes together
    constants, unknown = _constants(model, place, budget)
    known = constants.keys() | unknown.keys()
    names = blob_names(model, [node for node in model.nodes if not known.issuperset(node.outputs[:1])])
    tried: list[_Translator] = []
    for size in SIZES if place.size is None else [place.size]:
        tried.append(_Translator(place, spec.scale, Inputs(constants, names, budget, place.batch), unknown))
        tried[-1].run(model.nodes, (1, place.channels, *size))
        if not tried[-1].misfits:
            break
    best = min(tried, key=lambda each: each.misfits)
    reasons = {best.inputs.names.get(value, value): reason for value, reason in best.left_out.items()}
    if len(best.inputs.layers) == best.before:
        first = list(reasons.values())[:1]
        raise NetFileError(f"{source}: nothing in it can be run" + "".join(f": {each}" for each in first))
    layers = best.inputs.layers
    return Graph(name, {IMAGE: best.inputs.shapes[IMAGE]}, layers, reasons), best.inputs.params


def _input(model: Model, source: str, name: str | None) -> Place:
    places = {each: _place(each, *facts) for each, facts in model.inputs.items()}
    if name is not None:
        if name not in places:
            raise unknown_name("input", name, list(places))
        kind, shape = model.inputs[name]
        found = places[name]
        if found is None:
            raise NetFileError(f"{source}: the input {name!r}, of type {kind} and shape {shape}, takes no pictures")
        return found
    fitting = [each for each in places.values() if each is not None]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NetFileError(f"{source}: {len(fitting)} inputs: {listed(each.name for each in fitting)}; name the input")
    raise NetFileError(f"{source}: no input for a picture among {listed(places)}")


def _place(name: str, kind: int, shape: tuple[int, ...] | None) -> Place | None:
    """Return what pictures an input takes; None: none."""
    if kind not in FLOATS | INTEGERS or (shape is not None and len(shape) != 4):
        return None
    batch, *image = shape or (-1, -1, -1, -1)
    last = image[0] not in (1, 3) and image[2] in (1, 3)
    channels, size = (image[2], image[:2]) if last else (image[0], image[1:])
    if channels not in (-1, 1, 3):
        return None
    known = min(size) > 0 and max(size) <= 2**14
    return Place(name, max(batch, 1), 3 if channels < 0 else channels, (size[0], size[1]) if known else None, last)


def _constants(model: Model, place: Place, budget: Budget) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Compute what does not depend on the picture; return the values, and for the others the reasons."""
    found = dict(model.constants)
    unknown = dict(model.unread)
    depending = {place.name}
    for node in model.nodes:
        if not node.outputs:
            continue
        if not depending.isdisjoint(node.inputs):
            depending.update(filter(None, node.outputs))
            continue
        try:
            missing = [each for each in node.inputs if each and each not in found]
            if missing:
                raise LeftOutError(
                    unknown.get(missing[0], f"{node} reads the input {missing[0]!r}, which has no value")
                )
            if node.op in _CONTROL_FLOW:
                raise LeftOutError(f"{node} is control flow, which is not supported")
            made = fold(node, budget, [found[each] if each else None for each in node.inputs])
            found.update((name, value) for name, value in zip(node.outputs, made, strict=False) if name)
        except (LeftOutError, NetFileError) as error:
            unknown.update((name, str(error)) for name in node.outputs if name)
    return found, unknown


class _Translator:
    """One pass over the nodes, for one size of the picture."""

    def __init__(
        self,
        place: Place,
        scale: float | Sequence[float] | None,
        inputs: Inputs,
        unknown: Mapping[str, str],
    ) -> None:
        self._place = place
        self._scale = scale
        self.inputs = inputs
        self.left_out = dict(unknown)  # value → reason
        self._depend: dict[str, np.ndarray] = {}  # constant made of sizes → which of its numbers depend on the picture
        self.misfits = 0
        self.before = 0  # layers that the picture goes through first

    def run(self, nodes: Sequence[Node], shape: Shape) -> None:
        """Translate what depends on a picture of this shape."""
        self.inputs.shapes[IMAGE] = shape
        self._begin()
        for node in nodes:
            outputs = [each for each in node.outputs if each]
            if not outputs or outputs[0] in self.inputs.constants or outputs[0] in self.left_out:
                continue
            try:
                with np.errstate(all="ignore"):  # `append` names the layer whose weights are not finite
                    self._translate(node)
            except (LeftOutError, ShapeError, ValueError, IndexError, ArithmeticError) as error:
                self.left_out.update((each, str(error)) for each in outputs if each not in self.inputs.seen)
                self.misfits += isinstance(error, ShapeError)
            else:
                missing = [
                    each for each in outputs if each not in self.inputs.seen and each not in self.inputs.constants
                ]
                self.left_out.update(
                    (each, f"{node} makes {each!r} in a way that is not supported") for each in missing
                )

    def _begin(self) -> None:
        """Put the picture in the input's place, scaled, and under the input's name too."""
        name, image = self._place.name, IMAGE
        layer, weights = entrance(name if name != f"{IMAGE}_0" else IMAGE, self._scale)
        if layer.name != IMAGE or not isinstance(layer, Identity):
            self.inputs.append(layer, weights)
            image = layer.tops[0]
        self.before = len(self.inputs.layers)
        self.inputs.seen[name] = Seen(image, (0, 2, 3, 1) if self._place.channels_last else (0, 1, 2, 3))

    def _translate(self, node: Node) -> None:
        inputs = self.inputs
        read = [each for each in node.inputs if each]
        for each in read:
            if each in self.left_out:
                raise LeftOutError(self.left_out[each])
        if node.op in ("Shape", "Size") or all(each in inputs.constants for each in read):
            self._fold(node)
            return
        if node.op.startswith(_QUANTIZED):
            raise LeftOutError(f"{node} works on numbers of 8 bits, which have no gradient; export the float network")
        if node.op in _CONTROL_FLOW:
            raise LeftOutError(f"{node} is control flow, which is not supported")
        if node.op not in RULES:
            raise LeftOutError(f"{node.name!r} has the op {node.op!r}, which is not supported")
        if max(len(inputs.seen[each].order) for each in read if each in inputs.seen) > _MOST_AXES:
            raise LeftOutError(f"{node} reads a value with more than {_MOST_AXES} axes")
        RULES[node.op](inputs, node)
        if node.op == "Reshape" and inputs.shape_of(inputs.seen[node.outputs[0]])[0] != 1:
            self.misfits += 1  # a picture became several: it fits, but is hardly intended

    def _fold(self, node: Node) -> None:
        """Compute what depends on the picture's size alone."""
        inputs = self.inputs
        if node.op in ("Shape", "Size"):
            shape = inputs.shape(node)
            made = [shape_of(node, shape) if node.op == "Shape" else np.array(int(np.prod(shape)))]
        else:
            made = fold(node, inputs.budget, [inputs.constants[each] if each else None for each in node.inputs])
        depend = self._dependence(node, made[0].shape)
        for name, value in zip(node.outputs, made, strict=False):
            inputs.constants[name] = value
            self._depend[name] = depend if depend.shape == value.shape else np.full(value.shape, depend.any())
            if depend.any():
                inputs.sized.add(name)

    def _dependence(self, node: Node, shape: Shape) -> np.ndarray:
        """Return which numbers of what a node makes depend on the picture's size, not on counts of channels."""
        inputs = self.inputs
        if node.op in ("Shape", "Size"):
            order = inputs.value(node).order
            moves = np.array([(len(order) != 4 and axis > 0) or axis in (2, 3) for axis in order])
            if node.op == "Size":
                return np.array(moves.any())
            return shape_of(node, tuple(moves.astype(int).tolist())).astype(bool)
        masks = [self._depend.get(each) for each in node.inputs]
        if node.op in _MOVES:
            moved = masks if node.op == "Concat" else masks[:1]
            known = [
                None
                if not each
                else inputs.constants[each]
                if place >= len(moved)
                else np.zeros(inputs.constants[each].shape, bool)
                if moved[place] is None
                else moved[place]
                for place, each in enumerate(node.inputs)
            ]
            return fold(node, inputs.budget, known)[0].astype(bool)
        return np.full(shape, any(mask is not None and mask.any() for mask in masks))
