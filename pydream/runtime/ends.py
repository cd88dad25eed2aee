"""An end is where a dream starts: a classifier's numbers, and the layers that are worth dreaming of.

All of it is read from the graph, whatever file it was made of: a layer counts by the name of its type.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..net import NOTEBOOK_END
from .geometry import fields
from .graph import Graph, Step
from .layers import POINT, Convolution, Shape, Softmax

# What hands the same numbers on, under another shape or name.
_SAME = frozenset({"Dropout", "ExpandDims", "Flatten", "Identity", "Reshape", "Split", "Squeeze", "StopGradient"})
_NORMALISED = frozenset({"Softmax", "LogSoftmax"})
_RESHAPING = frozenset({"ExpandDims", "Identity", "Reshape", "Squeeze"})
_ADDED = frozenset({"Add", "AddV2", "Affine", "Bias", "BiasAdd", "Scale"})  # behind a fully connected layer
_PASSED_OVER = frozenset({"Dropout", "LRN", *_NORMALISED})  # with what is before them, rather


def logits(graph: Graph) -> tuple[str, int] | None:
    """Return the blob with a classifier's numbers, one for each class, and the number of classes.

    That is what the last softmax over classes reads; without one, what the last sigmoid of (n, classes) reads, or an
    output (n, classes) that a fully connected layer makes. None: the network has no classes.
    """
    last = _last(graph)
    normalised = [step for step in graph.steps if step.layer.type in _NORMALISED and _over_classes(graph, step)]
    read = [step.bottoms[0] for step in normalised if step.tops[0] in last]
    flat = [step for step in graph.steps if step.tops[0] in last and len(graph.declared_shapes[step.tops[0]]) == 2]
    read = read or [step.bottoms[0] for step in flat if step.layer.type == "Sigmoid"]
    read = read or [step.tops[0] for step in flat if _is_connected(graph, step)]
    read = read or [step.bottoms[0] for step in normalised if isinstance(step.layer, Softmax)]
    if not read:
        return None
    value = _without_reshaping(graph, read[-1])
    return graph.blob(value), graph.declared_shapes[value][1]


def ends_in_sigmoid(graph: Graph) -> bool:
    """Return whether it is a sigmoid that makes probabilities of `logits`: of each class by itself."""
    found = logits(graph)
    read = {
        step.layer.type for step in graph.steps for value in step.bottoms if found and _is_of(graph, value, found[0])
    }
    return "Sigmoid" in read and read.isdisjoint(_NORMALISED)


def default_end(graph: Graph) -> str | None:
    """Return the layer to dream with where none is named; None: no convolution of the picture.

    The notebook's layer where the network has it, else the last of `worthwhile` whose values see at least half of the
    picture's height and width at the declared size; where none sees so much, the last.
    """
    if NOTEBOOK_END in graph.blobs:
        return NOTEBOOK_END
    found = worthwhile(graph)
    seen = fields(graph)
    sides = graph.declared[graph.image_input][2:]
    for blob in reversed(found):
        field = seen[_ended(graph, blob)]
        if field is None or all(2 * view.size >= side for view, side in zip(field, sides, strict=True)):
            return blob
    return found[-1] if found else None


def guide_end(graph: Graph) -> str | None:
    """Return the layer where a guide shows, of textures and parts; None: no convolution of the picture.

    The first of `worthwhile` behind a third of the convolutions on the way to the last of them, if it is not narrower
    than the one before it, as a squeeze is: fire4 of SqueezeNet, inception_3b of GoogLeNet.
    """
    found = worthwhile(graph)
    passed = _convolutions_passed(graph)
    deep = passed[_ended(graph, found[-1])] if found else 0
    widths = [graph.declared_shapes[_ended(graph, blob)][1] for blob in found]
    for blob, before, width in zip(found, [0, *widths], widths, strict=False):
        if 3 * passed[_ended(graph, blob)] >= deep and width >= before:
            return blob
    return found[-1] if found else None


def _convolutions_passed(graph: Graph) -> dict[int, int]:
    """Count the convolutions on the longest way from an input to each value."""
    passed = dict.fromkeys(graph.inputs.values(), 0)
    for step in graph.steps:
        count = max((passed[value] for value in step.bottoms), default=0) + isinstance(step.layer, Convolution)
        passed.update(dict.fromkeys(step.tops, count))
    return passed


def worthwhile(graph: Graph) -> list[str]:
    """Return the blobs that are worth dreaming of, in the order of the network.

    On the way to the classes, or to the last output, they are what nothing goes around and what convolutions end in,
    with what is added, joined and rectified behind them: a module's output, a block's sum. Maps of one place, and of
    classes, are none. Where something goes around every convolution, they are the convolutions.
    """
    classes = logits(graph)
    seen = fields(graph)
    inputs = set(graph.inputs.values())
    ends = [value for value in seen if value not in inputs]
    if classes:
        ends = [value for value in ends if graph.blob(value) == classes[0]]
    if not ends:
        return []
    steps = graph.needed([ends[-1]], graph.maker(ends[-1]))
    count = classes[1] if classes else 0
    found = list(_cuts(graph, steps, count)) or [s.layer.tops[0] for s in steps if _convolves(s, count)]
    return [blob for blob in dict.fromkeys(found) if _ended(graph, blob) in seen and _is_map(graph, blob)]


def _cuts(graph: Graph, steps: list[Step], classes: int) -> Iterator[str]:
    """Yield the last blob behind each convolution that nothing goes around, on the way along `steps`."""
    last_read = {value: i for i, step in enumerate(steps) for value in step.bottoms}
    image = graph.inputs[graph.image_input]
    alive = {image} & last_read.keys()
    fresh: set[int] = set()  # what a convolution made, and since then only what works place by place
    found: str | None = None
    for i, step in enumerate(steps):
        if isinstance(step.layer, Convolution) or step.layer.windows != POINT:
            if found is not None:
                yield found
            found = None
            fresh.update(step.tops if _convolves(step, classes) else ())
        elif not fresh.isdisjoint(step.bottoms):
            fresh.update(step.tops)
        alive.update(step.tops)
        alive.difference_update([value for value in step.bottoms if last_read[value] == i])
        if alive <= set(step.tops) <= fresh and step.layer.type not in _PASSED_OVER:
            found = step.layer.tops[0]
    if found is not None:
        yield found


def _convolves(step: Step, classes: int) -> bool:
    """Return whether a step is a convolution that makes features of features, not classes and no larger picture."""
    layer = step.layer
    if not isinstance(layer, Convolution) or layer.type == "Deconvolution":
        return False
    return layer.num_output not in (classes, layer.group)


def _is_map(graph: Graph, blob: str) -> bool:
    """Return whether a blob has more than one place."""
    places = graph.declared_shapes[_ended(graph, blob)][2:]
    return len(places) == 2 and max(places) > 1


def _ended(graph: Graph, blob: str) -> int:
    """Return the value of a blob where a forward pass ends at it."""
    value = graph.value(blob, graph.index(blob))
    return graph.first_value(blob) if value is None else value


def _over_classes(graph: Graph, step: Step) -> bool:
    """Return whether a softmax is over the channels: (n, classes), or (n, classes, h, w)."""
    shape = graph.declared_shapes[step.bottoms[0]]
    axis = step.layer.axis if isinstance(step.layer, Softmax) else 1 if len(shape) == 4 else len(shape) - 1
    return len(shape) > 1 and axis % len(shape) == 1


def _last(graph: Graph) -> set[int]:
    """Return the values of which nothing is computed; other shapes and names do not count."""
    last: set[int] = set()
    read: set[int] = set()
    for step in reversed(graph.steps):
        is_last = read.isdisjoint(step.tops)
        if is_last:
            last.update(step.tops)
        if not (is_last and step.layer.type in _SAME):
            read.update(step.bottoms)
    return last


def _is_connected(graph: Graph, step: Step) -> bool:
    """Return whether a step is a fully connected layer, on one place a convolution, or only adds to what one makes."""
    while step.layer.type in _SAME | _ADDED and graph.maker(step.bottoms[0]) >= 0:
        step = graph.steps[graph.maker(step.bottoms[0])]
    one_place = isinstance(step.layer, Convolution) and graph.declared_shapes[step.bottoms[0]][2:] == (1, 1)
    return one_place or step.layer.type == "InnerProduct"


def _without_reshaping(graph: Graph, value: int) -> int:
    """Return the value of the same classes before TensorFlow's reshaping, which fits one size."""
    while graph.maker(value) >= 0:
        step = graph.steps[graph.maker(value)]
        if step.layer.type not in _RESHAPING or _one_place(graph, value) != _one_place(graph, step.bottoms[0]):
            break
        value = step.bottoms[0]
    return value


def _is_of(graph: Graph, value: int, blob: str) -> bool:
    """Return whether a value is a blob's, but for reshaping."""
    return graph.blob(_without_reshaping(graph, value)) == blob


def _one_place(graph: Graph, value: int) -> Shape:
    """Return the batch and the classes of a value with one place; its shape where it has more."""
    shape = graph.declared_shapes[value]
    return shape[:2] if max(shape[2:], default=1) == 1 else shape
