"""Translation makes layers of nodes: one that depends on the picture becomes a layer, any other is computed.

A node that cannot be run is left out with all that is made of it, so that a detector's backbone can be dreamt with;
asking for one of them raises an error with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ...errors import NetFileError, ShapeError
from ...net import Array
from ...runtime.graph import Graph, Params
from ...runtime.layers import Layer, Shape
from ...runtime.sizes import Size
from ...runtime.tf_layers import Identity, Operation, nhwc
from ..entrance import IMAGE, SIZES, entrance
from ..spec import InputSpec
from .attributes import check_inputs, rewritten
from .folding import fold
from .inputs import channels, declared_size, input_node, is_channels_first
from .layout import is_first, to_first, to_last, with_channels_last
from .nodes import LAYER, Budget, LeftOutError, Node, Source, Values, constant
from .ops import OPS, Broadcast
from .rules import RULES, Inputs

_MOST_AXES = 5  # that all of TensorFlow's ops take

_CONTROL_FLOW = {
    "Switch", "RefSwitch", "Merge", "RefMerge", "Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "LoopCond",
    "RefNextIteration", "While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase", "For",
    "PartitionedCall", "StatefulPartitionedCall",
}  # fmt: skip


def translate(nodes: Sequence[Node], source: str, name: str, spec: InputSpec) -> tuple[Graph, Params]:
    """Make a graph of a frozen GraphDef's nodes, and its weights.

    Parameters
    ----------
    nodes : sequence of Node
        Each behind what it reads.
    source : str
        For messages.
    name : str
        The network's.
    spec : InputSpec
        Its node and its scale: see `pydream.formats.graphdef.read`.

    Raises
    ------
    NetFileError
        For no or several placeholders, or a graph of which nothing can be run.
    UnknownNameError
        For an input that is not a node.
    """
    place = input_node(nodes, source, spec.node)
    first = is_channels_first(place, nodes)
    declared = declared_size(place, first)
    budget = Budget()  # of all sizes together
    constants, unknown = _constants(nodes, place, budget)
    if declared is None and place.op.startswith("Resize"):
        declared = _made_size(place, constants)
    made = _made_of(place, nodes)
    layers = {node.name for node in nodes if LAYER in node.attributes} & made  # of a Keras model
    tried: list[_Translator] = []
    for size in SIZES if declared is None else [declared]:
        tried.append(_Translator(place, spec.scale, constants, unknown, budget, first))
        tried[-1].run(nodes, (1, channels(place, first), *size))
        if not tried[-1].misfits:
            break
    best = min(tried, key=lambda each: each.misfits)
    if all(layer.name == place.name for layer in best.layers):
        reasons = list(best.left_out.values())
        raise NetFileError(f"{source}: nothing in it can be run" + (f": {reasons[0]}" if reasons else ""))
    return Graph(
        name,
        {IMAGE: best.shapes[IMAGE]},
        best.layers,
        best.left_out,
        unit="layers" if layers else "nodes",
        parts=layers or made,
    ), best.params


def _made_size(place: Node, constants: Mapping[str, Values]) -> tuple[int, int] | None:
    """Return the size that a graph resizes its pictures to, in the place of which others are."""
    found = constants.get(place.inputs[1].node) if len(place.inputs) > 1 else None
    if found is None or found.dtype.kind != "i" or found.shape != (2,) or not 1 <= found.min() <= found.max() <= 2**14:
        return None
    return int(found[0]), int(found[1])


def _made_of(place: Node, nodes: Sequence[Node]) -> set[str]:
    """Return the nodes that are made of the picture, whether they can be run or not."""
    made = {place.name}
    for node in nodes:
        if not made.isdisjoint(each.node for each in node.inputs):
            made.add(node.name)
    return made - {place.name}


def _constants(nodes: Sequence[Node], place: Node, budget: Budget) -> tuple[dict[str, Values], dict[str, str]]:
    """Compute what does not depend on the picture; return the values, and for the others the reasons."""
    found: dict[str, Values] = {}
    unknown: dict[str, str] = {}
    depending = {place.name}
    for node in nodes:
        if node is place:
            continue
        if node.op not in _CONTROL_FLOW and not depending.isdisjoint(each.node for each in node.inputs):
            depending.add(node.name)
            continue
        try:
            found[node.name] = _value(node, found, unknown, budget)
        except (LeftOutError, NetFileError) as error:
            unknown[node.name] = str(error)
    return found, unknown


def _value(node: Node, found: Mapping[str, Values], unknown: Mapping[str, str], budget: Budget) -> Values:
    if node.op in _CONTROL_FLOW:
        raise LeftOutError(f"{node.name!r} ({node.op}) is control flow: freeze the graph for inference")
    if node.op == "Const":
        return constant(node, budget)
    if not node.inputs:
        raise LeftOutError(f"{node.name!r} ({node.op}) has no value")
    for each in node.inputs:
        if each.node in unknown:
            raise LeftOutError(unknown[each.node])
    return fold(node, budget, *(found[each.node] for each in node.inputs))


class _Translator(Inputs):
    """One pass over the nodes, for one size of the picture."""

    def __init__(
        self,
        place: Node,
        scale: float | Sequence[float] | None,
        constants: Mapping[str, Values],
        unknown: Mapping[str, str],
        budget: Budget,
        first: bool,
    ) -> None:
        super().__init__(constants, budget)
        self._place = place
        self._scale = scale
        self._channels_first = first
        # Constants that depend on the picture's size, as numbers and sizes; None: in a way that cannot be followed.
        self._sized: dict[str, Values | None] = {}
        self._first: set[str] = set()  # blobs that have their channels first, as the graph sees them
        self._readers: dict[str, list[Node]] = {}
        self.left_out = dict(unknown)
        self.layers: list[Layer] = []
        self.params: dict[str, list[Array]] = {}
        self.misfits = 0

    def run(self, nodes: Sequence[Node], shape: Shape) -> None:
        """Translate what depends on a picture of this shape."""
        self.shapes[IMAGE] = shape
        self._begin()
        outputs: dict[str, set[int]] = {}
        for node in nodes:
            for each in node.inputs:
                outputs.setdefault(each.node, set()).add(each.output)
                self._readers.setdefault(each.node, []).append(node)
        for node in nodes:
            if node is self._place or node.name in self.constants or node.name in self.left_out:
                continue
            try:
                with np.errstate(all="ignore"):  # `_add` names the layer whose weights are not finite
                    self._translate(node, sorted(outputs.get(node.name, set()) | {0}))
            except (LeftOutError, ShapeError) as error:
                self.left_out[node.name] = str(error)
                self.misfits += isinstance(error, ShapeError)

    def _begin(self) -> None:
        """Put the picture in the input's place, scaled, and under the input's name too."""
        name = self._place.name
        self.blob_of[Source(name, 0)] = name
        if self._channels_first:
            self._first.add(name)
        layer, weights = entrance(name, self._scale)
        if name != IMAGE or not isinstance(layer, Identity):
            self._add(layer, weights)

    def _translate(self, node: Node, outputs: Sequence[int]) -> None:
        for each in node.inputs:
            if each.node in self.left_out:
                raise LeftOutError(self.left_out[each.node])
            if each.node not in self.constants and each not in self.blob_of:
                raise LeftOutError(f"{node.name!r} ({node.op}) reads {each.name!r}, which is not supported")
        sized = [each.node for each in node.inputs if each.node in self._sized]
        if node.op == "Shape" or all(each.node in self.constants for each in node.inputs):
            self.constants[node.name] = self._folded(node)
            self._sized[node.name] = self._followed(node)
            return
        if self._flattens(node):
            return
        unknown = [name for name in sized if self._sized[name] is None]
        if unknown and node.op != "Reshape":
            raise LeftOutError(f"{node.name!r} ({node.op}) depends on the picture's size, through {unknown[0]!r}")
        node, first = self._with_channels_last(node)
        if node.op in RULES or node.op in OPS:
            check_inputs(node)
        for output in outputs:
            made = RULES[node.op](self, node) if node.op in RULES and output == 0 else None
            layer, weights = made or (self._operation(node, output), [])
            self._add(layer, weights)
            self.blob_of[Source(node.name, output)] = layer.tops[0]
            if first and len(self.shapes[layer.tops[0]]) == 4:
                self._first.add(layer.tops[0])
            if node.op == "Reshape" and self.shapes[layer.tops[0]][0] != 1:
                self.misfits += 1  # a picture became several: it fits, but is hardly intended

    def _with_channels_last(self, node: Node) -> tuple[Node, bool]:
        """Return a node that reads channels last, and whether what it makes has them first, as the graph sees it."""
        read = [self.blob_of[each] for each in node.inputs if each in self.blob_of]
        axes = self.constants.get(node.inputs[1].node) if node.op == "Transpose" and len(node.inputs) == 2 else None
        if self._first.isdisjoint(read):
            if is_first(node):
                raise LeftOutError(f"{node.name!r} ({node.op}) has its channels first, what it reads has them last")
            if axes is not None and to_first(axes):
                return replace(node, op="Identity", inputs=node.inputs[:1]), True
            return node, False
        if axes is not None and to_last(axes):
            return replace(node, op="Identity", inputs=node.inputs[:1]), False
        if not self._first.issuperset(read):
            raise LeftOutError(f"{node.name!r} ({node.op}) reads values with channels first and others")
        if node.op == "Reshape" and len(node.inputs) == 2:
            n, *places = self.shapes[read[0]]
            wanted = self.constants[node.inputs[1].node].tolist()
            if wanted in ([n, prod(places)], [-1, prod(places)], [n, -1]):
                return replace(node, op="Flatten", inputs=node.inputs[:1]), False
        last = with_channels_last(node, lambda place: self.constant(node, place), self.constants.__setitem__)
        if any(new != old and old.node in self._sized for new, old in zip(last.inputs, node.inputs, strict=True)):
            raise LeftOutError(f"{node.name!r} ({node.op}) depends on the picture's size, with channels first")
        return last, True

    def _folded(self, node: Node) -> Values:
        if node.op != "Shape":
            return fold(node, self.budget, *(self.constants[each.node] for each in node.inputs))
        kind = node.attributes.get("out_type")
        blob = self.bottom(node, 0)
        shape = self.shapes[blob] if blob in self._first else nhwc(self.shapes[blob])
        return np.array(shape, np.int64 if kind and kind.type == 9 else np.int32)

    def _followed(self, node: Node) -> Values | None:
        """Return what `_folded` does as numbers and sizes; None where it cannot be followed."""
        if node.op == "Shape":
            blob = self.bottom(node, 0)
            shape = nhwc(self.shapes[blob])
            # The batch and the channels are the network's.
            sizes = [Size(blob, i) if 0 < i < len(shape) - 1 else size for i, size in enumerate(shape)]
            return np.array([sizes[i] for i in (0, 3, 1, 2)] if blob in self._first else sizes, object)
        found = [self._sized.get(each.node, self.constants[each.node]) for each in node.inputs]
        inputs = [each for each in found if each is not None]
        if len(inputs) < len(found):
            return None
        try:
            made = fold(node, self.budget, *inputs)
        except LeftOutError:
            return None
        return made if made.dtype.kind in "iO" else None

    def _flattens(self, node: Node) -> bool:
        """Take this node out if it is one of the two Reshapes around a product of each place's channels with a matrix.

        TensorFlow writes a fully connected layer on images so, through shapes that depend on the picture's size.
        """
        if node.op != "Reshape" or len(node.inputs) != 2 or node.inputs[1].node not in self.constants:
            return False
        first = node.inputs[0]
        blob = self.blob_of[first]
        shape = nhwc(self.shapes[blob])
        wanted = self.constants[node.inputs[1].node].tolist()
        if first.node in self.flattened:
            if wanted != [*shape]:
                raise LeftOutError(f"{node.name!r} ({node.op}) makes {wanted} of the places of {shape}")
            self._add(Identity(node.name, (blob,), (node.name,)))
            self.blob_of[Source(node.name, 0)] = node.name
            return True
        products = self._readers.get(node.name, [])
        if len(shape) != 4 or wanted not in ([prod(shape[:-1]), shape[-1]], [-1, shape[-1]]) or not products:
            return False
        if not all(each.op == "MatMul" and each.inputs[0].node == node.name for each in products):
            return False
        if not all(last.op == "Reshape" for each in products for last in self._readers.get(each.name, [])):
            return False
        self.flattened.add(node.name)
        self.blob_of[Source(node.name, 0)] = blob
        return True

    def _add(self, layer: Layer, weights: Sequence[Values] = ()) -> None:
        bottoms = [self.shapes[bottom] for bottom in layer.bottoms]
        (self.shapes[layer.tops[0]],) = layer.top_shapes(*bottoms)
        wanted = layer.param_shapes(*bottoms)
        if [each.shape for each in weights] != wanted:
            found = ", ".join("x".join(map(str, each.shape)) for each in weights)
            raise ShapeError(f"layer {layer.name!r}: its weights, {found}, do not fit {bottoms[0]}")
        if not all(np.isfinite(each).all() for each in weights):
            raise NetFileError(f"layer {layer.name!r}: NaN or infinity among its weights")
        if weights:
            self.params[layer.name] = list(weights)
        self.layers.append(layer)

    def _operation(self, node: Node, output: int) -> Operation:
        """Make a layer of a node that TensorFlow runs itself."""
        rule = OPS.get(node.op)
        if rule is None:
            raise LeftOutError(f"{node.name!r} has the op {node.op!r}, which is not supported")
        places = [i for i, each in enumerate(node.inputs) if each.node not in self.constants]
        if len(places) > 1 and not isinstance(rule, Broadcast):
            raise LeftOutError(f"{node.name!r} ({node.op}) reads {len(places)} values of the picture, expected one")
        found = {i: self.constants[e.node] for i, e in enumerate(node.inputs) if e.node in self.constants}
        axes = max([*(len(self.shape(node, place)) for place in places), *(values.ndim for values in found.values())])
        if axes > _MOST_AXES:
            raise LeftOutError(f"{node.name!r} ({node.op}) reads a value with {axes} axes, more than {_MOST_AXES}")
        proto, constants = rewritten(node, output, found)
        sizes = {i: values for i in found if (values := self._sized.get(node.inputs[i].node)) is not None}
        sizes = {i: values for i, values in sizes.items() if any(isinstance(each, Size) for each in values.flat)}
        name, bottoms, tops = self.names(node, *places, output=output)
        sized_by = {
            blob for values in sizes.values() for each in values.flat if isinstance(each, Size) for blob in each.blobs
        }
        layer = Operation(
            name,
            (*bottoms, *sorted(sized_by - set(bottoms))),
            tops,
            op=node.op,
            node=proto,
            output=output,
            arguments=tuple(places.index(i) if i in places else None for i in range(len(node.inputs))),
            constants=constants,
            rule=rule,
            sizes=sizes,
        )
        if any(
            each.node in self._sized and self._sized[each.node] is None for each in node.inputs
        ):  # a Reshape: fix what it makes at this size
            made = layer.rule.top_shape(layer, *(nhwc(self.shapes[bottom]) for bottom in layer.bottoms))
            constants[1] = np.array(made, constants[1].dtype)
        return layer
