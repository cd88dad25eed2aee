"""A network of Caffe's without protobuf: its layers in plain values, its weights as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formats.caffe import format as caffe_format
from ..formats.caffe.plain import constants
from ..zoo.load import find_files
from .report import Array

_ABOUT = (
    "The network: `layers` in running order. A picture, (H, W, 3) RGB of 0..255, becomes the blob `input.blob`, (1, "
    "3, H, W): channels in `input.channel_order`, minus `input.mean`, which is in that order too, times "
    "`input.scale`. `constants` have Caffe's names and all defaults; `weights` are .npy files in Caffe's order: "
    "kernels, then bias. Where a layer's top is its bottom, it works in place: a blob that is asked for by name is "
    "what its first layer made."
)


def network_files(name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return a description of a network of the registry, for JSON, and its weights by the names of their files."""
    files = find_files(name)
    definition = caffe_format.definition(files.definition)
    graph, params = caffe_format.read(files.definition, files.weights)
    arrays: dict[str, Array] = {}
    layers = []
    for number, layer in enumerate(definition.layers):
        weights = params[layer.name] if layer.name in graph.params else []
        named = {f"network.{number:03d}.weights{index}.npy": array for index, array in enumerate(weights)}
        arrays |= {file: np.asarray(array, np.float32) for file, array in named.items()}
        layers.append(
            {
                "name": layer.name,
                "type": layer.type,
                "bottoms": list(layer.bottom),
                "tops": list(layer.top),
                "constants": constants(layer),
                "weights": list(named),
            }
        )
    spec = files.spec
    description = {
        "about": _ABOUT,
        "format": 1,
        "name": files.name,
        "input": {
            "blob": graph.image_input,
            "shape": list(definition.inputs[graph.image_input]),
            "mean": spec.mean,
            "scale": spec.scale,
            "channel_order": spec.channel_order,
        },
        "layers": layers,
    }
    return description, arrays
