"""A definition is what runs at test time: inputs with shapes, layers in running order, and why the others do not.

Files of any age are upgraded first, so that all other modules see new-style `LayerParameter` messages and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import NetFileError
from ...runtime.layers import Shape
from . import caffe_pb2
from .inputs import inputs_of, is_input
from .upgrade import ignored_layers, upgraded

Shared = dict[tuple[str, int], list[tuple[str, int]]]


@dataclass(frozen=True)
class Definition:
    """The network of a file: inputs, and new-style layers.

    Attributes
    ----------
    name : str
        The network's own name, or its file's.
    inputs : dict of str to tuple of int
        Blob name → declared shape, (n, c, h, w).
    assumed : bool
        Whether the file leaves a size open, and the usual one was taken.
    layers : list of LayerParameter
        In running order, without inputs.
    lost : dict of str to str
        Blobs that are not made, though a layer may read them → the reason.
    unused : dict of str to str
        Layers and blobs that a dream has no use for, such as a loss → the reason.
    shared : dict of (str, int) to list of (str, int)
        Layer and index of weights that have a name → all that have the same name.
    """

    name: str
    inputs: dict[str, Shape]
    assumed: bool
    layers: list[Any]
    lost: dict[str, str]
    unused: dict[str, str]
    shared: Shared


def define(net: Any, source: str) -> Definition:
    """Convert a NetParameter to inputs and new-style layers.

    Parameters
    ----------
    net : NetParameter
        As read; not changed.
    source : str
        Where it came from, for messages and as the name of a nameless network.

    Raises
    ------
    NetFileError
        For a network without an input or layers, and what Caffe itself refuses to upgrade.
    """
    new = upgraded(net, source)
    at_test = [layer for layer in new.layer if _runs_at_test(layer, new.state)]
    others = [layer for layer in new.layer if not _runs_at_test(layer, new.state) and layer.type != "Input"]
    inputs = inputs_of([*at_test, *others], source)
    if not inputs.shapes:
        raise _no_input(new, source)
    kept = []
    # Blobs that only training has, labels and what is made of them → the first of these, and the reason.
    training: dict[str, tuple[str, str]] = {}
    unused = {layer.name: "Caffe passes over `layer` beside `layers`" for layer in ignored_layers(net)}
    for layer in new.layer:
        if is_input(layer):
            missing = [top for top in layer.top if top not in inputs.shapes and top not in inputs.unsized]
            training.update((top, (top, "only training has it")) for top in missing)
            continue
        made = [top for top in layer.top if top not in layer.bottom]
        origin = next((training[bottom] for bottom in layer.bottom if bottom in training), None)
        why = _not_at_test(layer, new.state) or (origin and f"it needs {origin[0]!r}: {origin[1]}")
        if why is None:
            for top in layer.top:
                training.pop(top, None)
            kept.append(layer)
        else:
            training.update((top, origin or (top, why)) for top in made)
            unused.update(dict.fromkeys([layer.name, *made], why))
    if not kept:
        raise NetFileError(f"{source}: no layer that runs at test time")
    there = {name for layer in kept for name in (layer.name, *layer.top)} | inputs.shapes.keys()
    return Definition(
        new.name or Path(source).stem,
        inputs.shapes,
        inputs.assumed,
        kept,
        inputs.unsized,
        {name: why for name, why in unused.items() if name not in there},
        _shared(kept),
    )


def _no_input(net: Any, source: str) -> NetFileError:
    if not any(layer.bottom for layer in net.layer):
        return NetFileError(
            f"{source}: it holds weights but no network; name its prototxt, and this file as the weights"
        )
    return NetFileError(
        f"{source}: no input: neither 'input:' with sizes, nor an Input layer with a shape, nor a data layer"
    )


def _not_at_test(layer: Any, state: Any) -> str | None:
    """Return why a layer itself has no part in a dream; None: it has."""
    if not _runs_at_test(layer, state):
        return _rules(layer, state)
    if layer.type.endswith("Loss") or layer.type in ("Accuracy", "Silence", "HDF5Output"):
        return f"{layer.type} layers are for training and its tests"
    return None


def _rules(layer: Any, state: Any) -> str:
    """Return why the rules of a layer leave it out, with the stage that would keep it."""
    stages = sorted({stage for rule in layer.include for stage in rule.stage} - set(state.stage))
    if stages:
        words = " ".join(f'stage: "{stage}"' for stage in stages)
        return f"its rules want another state; `state {{ {words} }}` in the text chooses it"
    return "its rules leave it out of tests"


def _runs_at_test(layer: Any, state: Any) -> bool:
    """Caffe's phase rules: kept if it has no include rule or meets one, and meets no exclude rule."""
    if layer.include:
        return any(_meets(rule, state) for rule in layer.include)
    return not any(_meets(rule, state) for rule in layer.exclude)


def _meets(rule: Any, state: Any) -> bool:
    return bool(
        (not rule.HasField("phase") or rule.phase == caffe_pb2.TEST)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and set(rule.stage) <= set(state.stage)
        and not set(rule.not_stage) & set(state.stage)
    )


def _shared(layers: Iterable[Any]) -> Shared:
    """Return for each of the weights that have a name those that have the same one, of several layers."""
    named: dict[str, list[tuple[str, int]]] = {}
    for layer in layers:
        for index, param in enumerate(layer.param):
            if param.name:
                named.setdefault(param.name, []).append((layer.name, index))
    return {each: group for group in named.values() if len(group) > 1 for each in group}
