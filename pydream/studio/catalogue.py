"""What there is to choose from, by name: networks with their layers, looks, classes and pictures of ours.

All of it is read without TensorFlow; a network whose file only TensorFlow reads is listed without its layers.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ..dream.labels import imagenet_names
from ..dream.zoom import zoom_default
from ..errors import PydreamError, ShapeError, StudioError
from ..record.presets import PRESETS, SMOOTHING, ZOOM_FPS, with_class
from ..record.recipe import DEFAULTS
from ..reproduce.results import example
from ..runtime.ends import logits, worthwhile
from ..runtime.geometry import BlobFacts, survey
from ..runtime.net import Net
from ..zoo import registry
from ..zoo.load import read_outline

_OF_ZOOM = ("scale", "rotate", "shift", "frames")


def networks(default: str) -> dict[str, Any]:
    """Return every network of the registry."""
    return {"default": default, "networks": [_network(entry) for entry in registry.networks()]}


def network_of(preset: object, default: str) -> str:
    """Return the network of an order that names none: that of a look with layers, as on the command line."""
    look = PRESETS.get(preset) if isinstance(preset, str) else None
    return look.network if look is not None and look.layers else default


def absence(name: str) -> str | None:
    """Return a line for a network of the registry whose weights are not here; None: they are."""
    if registry.find_weights(registry.find_network(name)) is not None:
        return None
    return f"the weights of {name} are not here; `pydream models fetch {name}` gets them"


def presets() -> dict[str, Any]:
    """Return the looks, and what holds where a look says nothing."""
    looks = [
        {
            "name": preset.name,
            "about": preset.about,
            "network": preset.network,
            "here": registry.find_weights(registry.find_network(preset.network)) is not None,
            "layer": preset.layers,
            "recipe": {name: value for name, value in preset.params.items() if name != "layer"},
        }
        for preset in PRESETS.values()
    ]
    defaults = {name: value for name, value in DEFAULTS.items() if isinstance(value, (bool, int, float, str))}
    return {
        "presets": looks,
        "defaults": defaults,
        "class_recipe": with_class({}),
        "smoothing": sorted(SMOOTHING),
        "zoom": {**{name: zoom_default(name) for name in _OF_ZOOM}, "fps": ZOOM_FPS},
    }


def classes() -> dict[str, Any]:
    """Return the names of the classes, by number."""
    return {"classes": imagenet_names()}


def samples() -> dict[str, Any]:
    """Return the names of pydream's own pictures."""
    return {"samples": [{"name": path.name} for path in sorted(example("sky.jpg").parent.glob("*.jpg"))]}


def sample(name: str) -> Path:
    """Return one of them; `StudioError` for any other name."""
    names = [each["name"] for each in samples()["samples"]]
    if name not in names:
        raise StudioError(f"no sample {name!r}; there are {', '.join(names)}", 404)
    return example(name)


def outline(name: str) -> Net | None:
    """Read a network's names and shapes; None where TensorFlow alone reads it, or its file is not here."""
    entry = registry.find_network(name)
    weights = registry.find_weights(entry)
    if entry.frozen and weights is None:
        return None
    file = weights if entry.definition is None else entry.definition
    return _outline(name, str(file), file.stat().st_mtime_ns if file else 0)


@lru_cache(maxsize=64)
def _outline(name: str, *_: object) -> Net | None:
    return read_outline(name)


def _network(entry: registry.Entry) -> dict[str, Any]:
    here = registry.find_weights(entry) is not None
    try:
        net = outline(entry.name)
    except (PydreamError, OSError):  # a damaged file: `models verify` says what it is
        net = None
    return {
        "name": entry.name,
        "title": entry.title,
        "here": here,
        "fetch": None if here else f"pydream models fetch {entry.name}",
        "default_layer": net.default_end if net else entry.default_layer,
        "classes": net is not None and _has_names(net),
        "layers": None if net is None else _layers(net),
    }


def _has_names(net: Net) -> bool:
    """Return whether the names of ImageNet's classes are those of a network."""
    found = logits(net.graph)
    return found is not None and found[1] == len(imagenet_names())


def _layers(net: Net) -> list[dict[str, Any]]:
    good = set(worthwhile(net.graph))
    facts = survey(net.graph, dict(net.graph.declared))
    return [_layer(each, each.name in good) for each in facts if each.type != "Input"]


def _layer(facts: BlobFacts, good: bool) -> dict[str, Any]:
    shape = () if isinstance(facts.shape, ShapeError) else facts.shape
    return {
        "name": facts.name,
        "type": facts.type,
        "channels": shape[1] if len(shape) > 1 else None,
        "field": max(view.size for view in facts.field) if facts.field else None,
        "dreamable": facts.dreamable,
        "fixed": facts.fixed,
        "worthwhile": good,
    }
