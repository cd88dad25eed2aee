"""A graph is the layers of a network with every value named once: an in-place layer makes a new value of its blob.

Caffe overwrites a blob in place; here each write is a value of its own, a number. What a blob holds when the layers up
to some point have run is its latest value up to there. So `inception_3b/5x5_reduce` asked for by name is the
convolution's output, and the ReLU that would overwrite it has not run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from ..errors import NetFileError, ShapeError, UnknownNameError
from ..net import unknown_name
from .layers import POINT, Layer, Overwritten, Shape

Params = Mapping[str, Sequence[NDArray[Any]]]  # layer → its weights, which may be read when they are asked for

MAX_AXES = 32  # of a blob, as in Caffe
MAX_COUNT = 2**31 - 1  # numbers in a blob, as in Caffe
_MOST_OVERWRITTEN = 10_000  # blobs that layers in place overwrite under other names
_MOST_KNOWN = 1024  # shapes that are kept for when they are asked for again


@dataclass(frozen=True)
class Step:
    """A layer with the values that it reads and makes."""

    layer: Layer
    bottoms: tuple[int, ...]
    tops: tuple[int, ...]


class Graph:
    """The layers of a network, linked.

    Parameters
    ----------
    name : str
    inputs : mapping of str to tuple of int
        Input blob → declared shape, (n, c, h, w).
    layers : iterable of Layer
        In running order, without inputs.
    left_out : mapping of str to str
        Layer or node of the file that cannot be run → the reason.
    unit : str
        What the file's parts are called, "layers" or "nodes".
    parts : collection of str, optional
        Those of which `notice` counts; None: all layers.

    Attributes
    ----------
    name : str
    inputs : dict of str to int
        Input blob → its value.
    declared : dict of str to tuple of int
        Input blob → shape in the file.
    left_out : dict of str to str
        Layer or node of the file that cannot be run → the reason.
    image_input : str
        The input that is dreamt on: of those with four axes and 3 or 1 channels "data", or else the first with the most
        channels; where none has these, the first of all.
    steps : list of Step
        In running order.
    blobs : list of str
        Every blob's name, inputs first, in the order of their first write.
    unread : list of (str, str)
        Layers in place, each with a blob in the same memory that is not read behind it.
    declared_shapes : dict of int to tuple of int
        Value → its shape at the declared input size.
    params : dict of str to list of tuple of int
        Layer → the shapes of its weights, at the declared input size: the only ones that fit.
    """

    def __init__(
        self,
        name: str,
        inputs: Mapping[str, Shape],
        layers: Iterable[Layer],
        left_out: Mapping[str, str] | None = None,
        unit: str = "layers",
        parts: Collection[str] | None = None,
    ) -> None:
        self.name = name
        self.declared = dict(inputs)
        self.left_out = dict(left_out or {})
        self._unit, self._parts = unit, parts
        self.image_input = _image_input(self.declared)
        self.inputs = {name: value for value, name in enumerate(inputs)}
        self._blob_of = list(self.inputs)  # value → blob
        self._maker = [-1] * len(self.inputs)  # value → index of its step
        self.steps: list[Step] = []
        layer_at: dict[str, int] = {}  # name → index of its first step
        blob_at: dict[str, int] = {}
        latest = dict(self.inputs)
        self.unread: list[tuple[str, str]] = []
        for layer in _in_memory(list(layers), self.unread):
            for bottom in layer.bottoms:
                if bottom not in latest:
                    raise NetFileError(f"layer {layer.name!r}: no blob {bottom!r} before it")
            bottoms = tuple(latest[bottom] for bottom in layer.bottoms)
            tops = tuple(range(len(self._blob_of), len(self._blob_of) + len(layer.tops)))
            self._blob_of += layer.tops
            self._maker += [len(self.steps)] * len(tops)
            layer_at.setdefault(layer.name, len(self.steps))
            for top, value in zip(layer.tops, tops, strict=True):
                if top in latest and top not in layer.bottoms:
                    raise NetFileError(f"layer {layer.name!r}: blob {top!r} is made twice")
                latest[top] = value
                blob_at.setdefault(top, len(self.steps))
            self.steps.append(Step(layer, bottoms, tops))
        self._index = blob_at | layer_at
        self._blob_at = blob_at
        self._values_of: dict[str, list[int]] = {}
        for value, blob in enumerate(self._blob_of):
            self._values_of.setdefault(blob, []).append(value)
        self.blobs = list(self._values_of)
        self._overwriting = self._find_overwriting()
        self._known_shapes: dict[tuple[str, tuple[Shape, ...], bool], Shape] = {}
        self.params: dict[str, list[Shape]] = {}
        self.declared_shapes = self._infer(self.declared, len(self.steps))
        for step in self.steps:
            wanted = step.layer.param_shapes(*(self.declared_shapes[value] for value in step.bottoms))
            if wanted and step.layer.name in self.params:
                raise NetFileError(f"two layers with weights are named {step.layer.name!r}")
            if wanted:
                self.params[step.layer.name] = wanted

    def _find_overwriting(self) -> dict[int, int]:
        """Return the values that are overwritten, each with the one that is then in its blob.

        Where others read a value too, Caffe refuses to overwrite it: then they all read what they are given.
        """
        readers: dict[int, set[int]] = {}
        for place, step in enumerate(self.steps):
            for value in [] if isinstance(step.layer, Overwritten) else step.bottoms:
                readers.setdefault(value, set()).add(place)
        return {
            bottom: top
            for step in self.steps
            for bottom, top in zip(step.bottoms, step.tops, strict=False)
            if self.blob(bottom) == self.blob(top)
            and (isinstance(step.layer, Overwritten) or len(readers[bottom]) == 1)
        }

    def overwritten(self, value: int, end: int) -> int | None:
        """Return what is in a value's blob after the layers up to and including `end`; None: the value itself."""
        found = None
        following = self._overwriting.get(value)
        while following is not None and self.maker(following) <= end:
            found, following = following, self._overwriting.get(following)
        return found

    def index(self, name: str | None) -> int:
        """Return the index of the first layer named `name`, as Caffe's `forward(end=)` does; None: the last layer.

        The name of a blob that no layer shares stands for the layer that makes it.
        """
        if name in self.left_out and name not in self._values_of:
            raise self.unknown_blob(str(name))
        if name is None:
            return len(self.steps) - 1
        if name in self._index:
            return self._index[name]
        if name in self.inputs:
            raise UnknownNameError(f"{name!r} is an input, not a layer")
        raise unknown_name("layer", name, [step.layer.name for step in self.steps])

    def values(self, name: str) -> tuple[int, ...]:
        """Return the values that a name stands for: all tops of the first layer of that name, or the one blob."""
        step = self.steps[self.index(name)]
        if name == step.layer.name or name not in step.layer.tops:
            return step.tops
        return (step.tops[step.layer.tops.index(name)],)

    def unknown_blob(self, name: str) -> UnknownNameError:
        """Make the error for an unknown blob; for an in-place layer's name, say which blob it writes."""
        if name in self.left_out:
            return UnknownNameError(f"{name!r} is a {self._unit[:-1]} that cannot be run: {self.left_out[name]}")
        for step in self.steps:
            if step.layer.name == name:
                how = "works in place on" if step.layer.in_place else "writes"
                return UnknownNameError(
                    f"{name!r} is a layer that {how} the blob {step.layer.tops[0]!r}; name that blob"
                )
        from .ends import worthwhile  # which reads graphs

        return unknown_name("blob", name, [*dict.fromkeys([*worthwhile(self), *self.blobs])])

    @property
    def notice(self) -> str | None:
        """How many of the layers or nodes cannot be run, and why not the first, in one line; None: all can be."""
        reasons = {name: why for name, why in self.left_out.items() if self._parts is None or name in self._parts}
        if not reasons:
            return None
        names = reasons.keys() | {step.layer.name for step in self.steps}
        count = len(names if self._parts is None else self._parts)
        name, why = next(iter(reasons.items()))
        first = why if name in why else f"{name!r}: {why}"
        return f"{self.name}: {len(reasons)} of {count} {self._unit} cannot be run; the first: {first}"

    def value(self, blob: str, end: int) -> int | None:
        """Return the value of `blob` after the layers up to and including `end` have run; None: no value yet."""
        values = self._values_of[blob]
        made = bisect_right(values, end, key=self.maker)
        return values[made - 1] if made else None

    def maker(self, value: int) -> int:
        """Return the index of the step that makes a value; below 0: it is an input."""
        return self._maker[value]

    def kind(self, blob: str) -> str:
        """Return the types of the layers that write a blob, in order: ``Convolution, ReLU``."""
        makers = [self.maker(value) for value in self._values_of[blob]]
        return ", ".join("Input" if maker < 0 else self.steps[maker].layer.type for maker in makers)

    def first_value(self, blob: str) -> int:
        """Return the first value of `blob`, which in-place layers then overwrite."""
        return self._values_of[blob][0]

    def blob(self, value: int) -> str:
        """Return the blob that holds a value."""
        return self._blob_of[value]

    def needed(self, values: list[int], end: int) -> list[Step]:
        """Return the steps up to and including `end` that `values` are made of, in running order."""
        wanted = set(values)
        steps = []
        for step in reversed(self.steps[: end + 1]):
            if wanted.intersection(step.tops):
                wanted.update(step.bottoms)
                steps.append(step)
        return steps[::-1]

    def shape(self, blob: str, inputs: dict[str, Shape], in_one_run: bool = False) -> Shape:
        """Return the shape of `blob` for these input shapes; raise `ShapeError` where a layer before it does not fit.

        `in_one_run`: no layer may make more values than a blob can hold. Tiles make fewer.
        """
        if blob in inputs:
            return inputs[blob]
        key = (blob, tuple(inputs.values()), in_one_run)
        if key not in self._known_shapes:
            if len(self._known_shapes) >= _MOST_KNOWN:  # of a batch every picture may have its own size
                self._known_shapes.clear()
            made = self._blob_at[blob]
            step = self.steps[made]
            value = step.tops[step.layer.tops.index(blob)]
            self._known_shapes[key] = self._infer(inputs, made, [value], in_one_run)[value]
        return self._known_shapes[key]

    def shapes(self, inputs: dict[str, Shape]) -> dict[str, Shape]:
        """Return the shape of every blob for these input shapes."""
        shapes = self._infer(inputs, len(self.steps))
        return {blob: shapes[self.first_value(blob)] for blob in self.blobs}

    def fitting(self, inputs: dict[str, Shape]) -> dict[int, Shape | ShapeError]:
        """Return the shape of every value for these input shapes, or the error of the first layer that does not fit."""
        found: dict[int, Shape | ShapeError] = {value: inputs[name] for name, value in self.inputs.items()}
        for step in self.steps:
            try:
                found.update(zip(step.tops, self._tops(step, [_fit(found[v]) for v in step.bottoms]), strict=True))
            except ShapeError as error:
                found.update(dict.fromkeys(step.tops, error))
        return found

    def check(self, inputs: dict[str, Shape]) -> None:
        """Raise `ShapeError` where any layer does not fit these input shapes."""
        self._infer(inputs, len(self.steps))

    def _infer(
        self, inputs: dict[str, Shape], end: int, values: list[int] | None = None, in_one_run: bool = True
    ) -> dict[int, Shape]:
        shapes = {value: inputs[name] for name, value in self.inputs.items()}
        steps: list[Step] = self.steps if values is None else self.needed(values, end)
        for step in steps:
            tops = self._tops(step, [shapes[value] for value in step.bottoms], in_one_run)
            shapes.update(zip(step.tops, tops, strict=True))
        return shapes

    def _tops(self, step: Step, bottoms: list[Shape], in_one_run: bool = True) -> list[Shape]:
        """Return the shapes that a step makes; raise `ShapeError` where its bottoms do not fit."""
        tops = step.layer.top_shapes(*bottoms)
        known = self.params.get(step.layer.name)
        wanted = step.layer.param_shapes(*bottoms)  # none, where only the name is that of a layer with weights
        if known is not None and wanted and wanted != known:
            raise self._fixed_size(step.layer)
        for shape in tops:
            if len(shape) > MAX_AXES:
                raise ShapeError(f"layer {step.layer.name!r} would make {len(shape)} axes, more than {MAX_AXES}")
        for shape in [*tops, *_padded(step.layer, bottoms, tops)] if in_one_run else []:
            if prod(shape) > MAX_COUNT:
                size = "x".join(map(str, shape))
                raise TooLargeError(f"layer {step.layer.name!r} would make {size} values, more than {MAX_COUNT}")
        return tops

    def _fixed_size(self, layer: Layer) -> ShapeError:
        sizes = ", ".join(f"{name} {'x'.join(map(str, shape[1:]))}" for name, shape in self.declared.items())
        return ShapeError(f"layer {layer.name!r} fits only the size that the network was made for, {sizes}")


def _image_input(declared: Mapping[str, Shape]) -> str:
    fitting = [name for name, shape in declared.items() if takes_pictures(shape)]
    if "data" in fitting:
        return "data"
    return max(fitting, key=lambda name: declared[name][1], default=next(iter(declared)))


def takes_pictures(shape: Shape) -> bool:
    """Return whether an input of that shape takes a picture: in colour, with three channels, or grey, with one."""
    return len(shape) == 4 and shape[1] in (1, 3)


def _in_memory(layers: Sequence[Layer], unread: list[tuple[str, str]]) -> Iterator[Layer]:
    """Yield the layers; behind one in place also what it does to blobs in the same memory that are read later.

    Those that are not are noted in `unread`, each with the layer.
    """
    last_read = {bottom: place for place, layer in enumerate(layers) for bottom in layer.bottoms}
    shared: dict[str, set[str]] = {}  # blob → the blobs in its memory
    count = 0
    for place, layer in enumerate(layers):
        yield layer
        if layer.shares and layer.bottoms:
            memory = shared.setdefault(layer.bottoms[0], {layer.bottoms[0]})
            memory.update(layer.tops)
            shared.update(dict.fromkeys(layer.tops, memory))
        elif layer.in_place:
            others = shared.get(layer.tops[0], set()) - {layer.tops[0]}
            count += len(others)
            if count > _MOST_OVERWRITTEN:
                raise NetFileError(f"layer {layer.name!r}: in place on memory that too many blobs share")
            for other in sorted(others):
                if last_read.get(other, 0) > place:
                    yield Overwritten(f"{layer.name} on {other}", (other, layer.tops[0]), (other,))
                else:
                    unread.append((layer.name, other))


def _padded(layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> Iterator[Shape]:
    """Yield the shapes of the bottoms with as much padding as a layer's windows reach into, where it is a copy."""
    windows = layer.windows
    if windows is None or windows == POINT or max(window.up for window in windows) > 1:
        return
    for bottom, top in zip(bottoms, tops, strict=False):
        if len(top) != 4:
            return
        sizes = ((size - 1) * window.stride + window.reach for size, window in zip(top[2:], windows, strict=True))
        yield (*bottom[:2], *sizes)


class TooLargeError(ShapeError):
    """A blob would have more values than one can hold, where a smaller image, or a tile of it, would do."""


def _fit(shape: Shape | ShapeError) -> Shape:
    if isinstance(shape, ShapeError):
        raise shape
    return shape
