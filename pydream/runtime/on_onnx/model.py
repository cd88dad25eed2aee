"""A layer of a network → a model that computes a step's gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from ...errors import ExportError, UnknownNameError
from ..base import Runtime
from ..graph import Graph, Params, Step
from .nodes import Nodes
from .runtime import OnnxRuntime
from .traced import Open, OpenSizeError, Traced, Value, as_traced
from .windows import extent, ones

Layout = Literal["nchw", "nhwc"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
Kind = Literal["l2", "mean", "sum"]

IMAGE, GRADIENT, ACTIVATIONS = "image", "gradient", "activations"
MOST_BYTES = 2**31 - 2**22  # of the weights: protobuf ends at 2 GB, nodes included


class Objective(NamedTuple):
    """What the gradient is of: a function of some channels of a layer.

    Attributes
    ----------
    kind : {"l2", "mean", "sum"}
        Half the sum of the squares of the activations, their mean or their sum.
    channels : tuple of int
        Empty: all of them.
    """

    kind: Kind = "l2"
    channels: tuple[int, ...] = ()

    def seed(self, top: Value) -> Value:
        """Return the gradient at the activations."""
        if self.kind == "l2" and not self.channels:
            return top
        if top.ndim < 2:
            raise ExportError("the layer has no channels: only 'l2' of all of it can be written")
        if max(self.channels, default=0) >= top.shape[1]:
            text = f"no channel {max(self.channels)}; the layer has {top.shape[1]}: 0 to {top.shape[1] - 1}"
            raise UnknownNameError(text)
        weight = np.zeros((1, top.shape[1], *[1] * (top.ndim - 2)), top.dtype)
        weight[0, list(self.channels or range(top.shape[1]))] = 1
        if self.kind == "l2":
            return top * weight
        places: Any = 1
        if top.ndim > 2:
            places = ones(top.nodes, extent(top.shape), top.dtype).sum((2, 3), keepdims=True)
        return np.zeros_like(top) + weight / (weight.sum() * places if self.kind == "mean" else 1)


_L2 = Objective()


class StepModel(NamedTuple):
    """A model and what it is for.

    Attributes
    ----------
    model : onnx.ModelProto
    size : (height, width), optional
        The only one that it takes; None: any.
    fixed_by : str
        The layer for which the size had to be fixed.
    """

    model: Any
    size: tuple[int, int] | None
    fixed_by: str = ""


def step_model(
    runtime: Runtime,
    end: str,
    objective: Objective = _L2,
    layout: Layout = "nchw",
    size: tuple[int, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> StepModel:
    """Make the model image → gradient at the image, and activations.

    Parameters
    ----------
    runtime : Runtime
        The network, with its weights and its dtype, on whatever it runs.
    end : str
        The layer.
    objective : Objective
    layout : {"nchw", "nhwc"}
        Of the image and its gradient, and of activations with four axes.
    size : (height, width), optional
        None: any; but the declared one where a layer up to `end` needs that.
    metadata : mapping of str to str, optional
        Kept in the file, with what is said here.

    Raises
    ------
    ExportError
        A layer cannot be written, or the weights are too large for a file.
    ShapeError
        The size does not fit.
    UnknownNameError
        There is no such layer or channel.
    """
    graph, dtype = runtime.graph, runtime.dtype
    value = _value(graph, end)
    steps = graph.needed([value], graph.index(end))
    _check_weights(graph, steps, end, dtype)
    params = {step.layer.name: runtime.weights(step.layer) for step in steps}
    image = graph.declared[graph.image_input]
    if len(image) != 4:
        raise ExportError(f"the input {graph.image_input!r} takes {len(image)} axes, and pictures have 4")
    fixed_by = ""
    if size is None:
        try:
            return StepModel(_written(graph, params, dtype, end, objective, layout, None, metadata or {}), None)
        except _SizeNeeded as needed:
            fixed_by, size = str(needed), (image[2], image[3])
    graph.shape(graph.blob(value), {**graph.declared, graph.image_input: (1, image[1], *size)}, in_one_run=True)
    try:
        model = _written(graph, params, dtype, end, objective, layout, size, metadata or {})
    except _SizeNeeded as needed:
        raise ExportError(f"layer {needed}: it needs a size that is only known when it runs") from None
    return StepModel(model, size, fixed_by)


class _SizeNeeded(Exception):
    """A layer, by name and type, needs a size that is open."""


def _value(graph: Graph, end: str) -> int:
    values = graph.values(end)
    if len(values) > 1:
        raise ExportError(f"layer {end!r} makes {len(values)} blobs; name one of them")
    return values[0]


def _check_weights(graph: Graph, steps: Sequence[Step], end: str, dtype: np.dtype[Any]) -> None:
    shapes = [shape for step in steps for shape in graph.params.get(step.layer.name, ())]
    count = sum(map(prod, shapes)) * dtype.itemsize
    if count > MOST_BYTES:
        raise ExportError(
            f"the weights up to {end!r} take {count / 1e9:.1f} GB in {dtype.name}, and an ONNX file holds 2 GB; a layer"
            " nearer to the image has fewer"
        )


def _written(
    graph: Graph,
    params: Params,
    dtype: np.dtype[Any],
    end: str,
    objective: Objective,
    layout: Layout,
    size: tuple[int, int] | None,
    metadata: Mapping[str, str],
) -> Any:
    """Write the passes for images of one size, or of any."""
    runtime = OnnxRuntime(graph, params, dtype)
    nodes, last = runtime.nodes, layout == "nhwc"
    value, index, source = _value(graph, end), graph.index(end), graph.inputs[graph.image_input]
    nodes.scope = "inputs"
    image = _image(nodes, graph.declared[graph.image_input][1], size, dtype, last)
    inputs = [
        image if name == graph.image_input else as_traced(nodes, np.zeros((1, *shape[1:]), dtype))
        for name, shape in graph.declared.items()
    ]
    try:
        (top,), memos = runtime.forward([value], index, inputs, [source])
        nodes.scope = "objective"
        (gradient,) = runtime.backward([value], index, memos, [objective.seed(top)], [source])
    except OpenSizeError:
        raise _SizeNeeded(runtime.at) from None
    except NotImplementedError as error:
        raise ExportError(f"layer {runtime.at}: no ONNX operators for it") from error
    if gradient is None:
        raise ExportError(f"no gradient goes from {end!r} back to the image")
    nodes.scope = "results"
    found = {GRADIENT: gradient, ACTIVATIONS: top}
    for name, each in found.items():
        nodes.named((each.transpose(0, 2, 3, 1) if last and each.ndim == 4 else each).name, name)
    shapes = {name: _shown(each, name, last) for name, each in found.items()}
    shapes[GRADIENT] = _shown(image, IMAGE, last)
    return nodes.model({IMAGE: shapes[GRADIENT]}, shapes, dtype, "step", _ABOUT, metadata)


def _image(nodes: Nodes, channels: int, size: tuple[int, int] | None, dtype: np.dtype[Any], last: bool) -> Traced:
    """Return the graph's input as (1, c, h, w)."""
    sizes: Any = size
    if size is None:
        first = 1 if last else 2
        (extent_of,) = nodes("Shape", IMAGE, start=first, end=first + 2)
        both = Traced(nodes, extent_of, (2,), np.int64)
        sizes = Open(both, 0), Open(both, 1)
    shape = (1, channels, *sizes)
    if not last:
        return Traced(nodes, IMAGE, shape, dtype)
    return Traced(nodes, IMAGE, (1, *sizes, channels), dtype).transpose(0, 3, 1, 2)


def _shown(value: Traced, name: str, last: bool) -> list[str | int]:
    """Return a shape as the file has it: what is open has a name."""
    axes = dict(zip(range(2, value.ndim), ("height", "width"), strict=False))
    prefix = "" if name == IMAGE else f"{name}_"
    shape = [f"{prefix}{axes.get(axis, axis)}" if isinstance(size, Open) else size
             for axis, size in enumerate(value.shape)]  # fmt: skip
    return [shape[0], *shape[2:], shape[1]] if last and value.ndim == 4 else shape


_ABOUT = (
    "A step's gradient: image -> gradient at the image of a function of a layer's activations. The image is what the"
    " network takes: in the channel order of the metadata, 0..255 minus the mean."
)
