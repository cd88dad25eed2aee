"""A live `tf.Module`, or what `tf.saved_model.load` returns, is frozen as the function that it serves, or its call."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, TypeGuard

from ...errors import NetFileError
from ...runtime.on_tensorflow.door import part, quiet_stderr, tensorflow
from .dilation import dilate
from .frozen import Frozen
from .inline import CALLS, connect, inlined, short_names
from .keras_model import first_line

_KINDS = frozenset({"Module", "AutoTrackable"})
_FIXED = 224  # pixels a side, where a module cannot be traced for any size


def is_module(model: object) -> TypeGuard[Any]:
    """Return whether this is a live module or a loaded SavedModel; TensorFlow is not imported for it."""
    kinds = (kind for kind in type(model).__mro__ if kind.__module__.split(".")[0] == "tensorflow")
    return any(kind.__name__ in _KINDS for kind in kinds)


def freeze_module(model: Any, source: str) -> Frozen:
    """Make a frozen GraphDef of a live module, in inference mode.

    Parameters
    ----------
    model : tf.Module, or what `tf.saved_model.load` returns
        With one input, pictures (n, h, w, 3): its signature, or the call.
    source : str
        For messages.

    Raises
    ------
    NetFileError
        For a module that has other inputs or cannot be traced.
    """
    traced = _function(model, source)
    images = traced.inputs[: len(traced.inputs) - len(traced.captured_inputs)]
    if len(images) != 1:
        names = ", ".join(repr(each.op.name) for each in images)
        raise NetFileError(f"{source}: {len(images)} inputs ({names}); a dream has one picture")
    image = images[0].op.name
    with quiet_stderr():
        constants = part("tensorflow.python.framework.convert_to_constants").convert_variables_to_constants_v2(traced)
    graph = constants.graph.as_graph_def()
    outputs = [tensor.op.name for tensor in constants.outputs]
    if any(node.op in CALLS for node in graph.node):
        graph = inlined(graph, [image, *outputs], source)
    connect(graph, set(outputs), source)
    dilate(graph)
    short = short_names({node.name for node in graph.node})
    for node in graph.node:
        node.name = short[node.name]
        inputs = [each.partition(":") for each in node.input]
        node.input[:] = [short[read] + colon + output for read, colon, output in inputs]
    return Frozen(graph.SerializeToString(), short[image])


def _function(model: Any, source: str) -> Any:
    """Return the function that a module serves, or a trace of its call."""
    signatures = dict(getattr(model, "signatures", None) or {})
    if signatures:
        return signatures.get("serving_default") or next(iter(signatures.values()))
    if not callable(model):
        raise NetFileError(f"{source}: it has no signature and cannot be called; a dream calls it with pictures")
    tf = tensorflow()
    training = {"training": False} if "training" in _parameters(model) else {}
    function = tf.function(lambda image: model(image, **training), autograph=False)
    problem: Exception | None = None
    for shape in _shapes(model):
        try:
            return function.get_concrete_function(tf.TensorSpec(shape, tf.float32, "input"))
        except Exception as error:  # of any kind: a module's own code meets an open size
            problem = problem or error
    raise NetFileError(f"{source}: it cannot be run on pictures: {first_line(problem)}") from problem


def _parameters(model: Any) -> frozenset[str]:
    call = getattr(model.__call__, "python_function", model.__call__)
    try:
        return frozenset(inspect.signature(call).parameters)
    except (TypeError, ValueError):  # a loaded function has none
        return frozenset()


def _shapes(model: Any) -> Iterator[Any]:
    """Yield the shapes to trace a call for: that of its own signature, any size, one size."""
    if signature := getattr(model.__call__, "input_signature", None):
        yield signature[0].shape
    for traced in getattr(model.__call__, "concrete_functions", ()):  # of a loaded SavedModel
        yield traced.inputs[0].shape
    for side in (None, _FIXED):
        yield (None, side, side, 3)
