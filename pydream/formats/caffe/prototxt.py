"""A definition is what a prototxt or a caffemodel says: inputs with shapes, then layers in running order.

Old `layers` files, the three ways to declare an input, and the layers that only training needs are dealt with here,
so that all other modules see new-style `LayerParameter` messages and nothing else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from ...errors import NetFileError
from ...runtime.graph import MAX_AXES, MAX_COUNT
from ...runtime.layers import Shape
from ..files import read_bytes
from ..head import Head
from . import caffe_pb2
from .caffemodel import read_binary

MAX_TEXT_BYTES = 16 * 2**20

_DATA_TYPES = frozenset({"Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "DummyData"})
_DEFAULT_CROP = 224  # for a training file that does not crop: ImageNet's usual size

# V1LayerParameter.LayerType -> LayerParameter.type, where it is not the enum's name in camel case.
_V1_TYPES = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}


@dataclass(frozen=True)
class Definition:
    """The network of a file: inputs, and new-style layers.

    Attributes
    ----------
    name : str
        The network's own name, or its file's.
    inputs : dict of str to tuple of int
        Blob name → declared shape, (n, c, h, w).
    layers : list of LayerParameter
        In running order, without inputs.
    """

    name: str
    inputs: dict[str, Shape]
    layers: list[Any]


def read_text(path: str | os.PathLike[str]) -> Any:
    """Read the NetParameter of a prototxt; `NetFileError` with line and column for another text."""
    try:
        text = read_bytes(path, MAX_TEXT_BYTES, "a prototxt").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NetFileError(f"{path}: not a prototxt: byte {error.start} is not text; is it a caffemodel?") from error
    return parse_text(text, str(path))


def parse_text(text: str, source: str) -> Any:
    """Read the NetParameter that is the text of a prototxt; `NetFileError` as `read_text`."""
    try:
        return text_format.Parse(text, caffe_pb2.NetParameter())
    except text_format.ParseError as error:
        # "line:column : message" of one or more lines
        raise NetFileError(f"{source}: not a prototxt that Caffe would read: {' '.join(str(error).split())}") from error


def read_model(path: str | os.PathLike[str]) -> Any:
    """Read the NetParameter of a prototxt or a caffemodel, whichever the file is, of the latter without numbers."""
    path = Path(path)
    if holds_text(path):
        return read_text(path)
    if path.is_file() and Head.of(path).hdf5:
        raise NetFileError(
            f"{path}: HDF5, which holds weights but no network; name its prototxt, and this file as the weights"
        )
    return read_binary(path).net


def holds_text(path: Path) -> bool:
    """Return whether a file is a prototxt and not a caffemodel: by its beginning, or else by its name."""
    if path.is_file():
        head = Head.of(path)
        if head.word or head.message == "NetParameter" or head.hdf5:
            return bool(head.word)
    return not path.name.lower().endswith((".caffemodel", ".h5"))


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
        For a network without an input or layers, or one that is older than 2014.
    """
    layers = [_upgraded(layer, source) for layer in net.layers] + list(net.layer)
    inputs = _declared_inputs(net, layers, source)
    kept = []
    training_only: set[str] = set()  # blobs that only training has: labels and what is made of them
    for layer in layers:
        if layer.type in _DATA_TYPES or layer.type == "Input":
            training_only.update(top for top in layer.top if top not in inputs)
        elif not _runs_at_test(layer, net.state) or _trains(layer) or training_only.intersection(layer.bottom):
            training_only.update(set(layer.top) - set(layer.bottom))
        else:
            training_only.difference_update(layer.top)
            kept.append(layer)
    if not kept:
        raise NetFileError(f"{source}: no layer that runs at test time")
    return Definition(net.name or Path(source).stem, inputs, kept)


def _upgraded(old: Any, source: str) -> Any:
    """Write one `layers` entry (V1LayerParameter) as a `layer` entry (LayerParameter)."""
    if old.HasField("layer"):
        raise NetFileError(f"{source}: written before 2014 (V0 layers); Caffe's upgrade_net_proto_binary converts it")
    enum = caffe_pb2.V1LayerParameter.LayerType.Name(old.type)
    kind = _V1_TYPES.get(enum) or "".join(word.capitalize() for word in enum.split("_"))
    new = caffe_pb2.LayerParameter(name=old.name, type=kind, bottom=old.bottom, top=old.top)
    known = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    for field, value in old.ListFields():
        same = known.get(field.name)
        if same is None or same.message_type is not field.message_type or field.message_type is None:
            continue  # learning rates, and the plain fields set above
        if isinstance(value, field.message_type._concrete_class):
            getattr(new, field.name).CopyFrom(value)
        else:
            getattr(new, field.name).extend(value)
    return new


def _declared_inputs(net: Any, layers: list[Any], source: str) -> dict[str, Shape]:
    """Gather `input:` with its dims or shapes, Input layers, and the images of data layers."""
    inputs: dict[str, Shape] = {}
    dims = [tuple(shape.dim) for shape in net.input_shape] or [
        tuple(net.input_dim[i : i + 4]) for i in range(0, len(net.input_dim), 4)
    ]
    if len(dims) < len(net.input):
        raise NetFileError(f"{source}: {len(net.input)} inputs, but {len(dims)} shapes for them")
    inputs.update(zip(net.input, dims, strict=False))
    for layer in layers:
        if layer.type == "Input":
            shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
            if len(shapes) not in (1, len(layer.top)):
                raise NetFileError(f"{source}: layer {layer.name!r}: {len(layer.top)} tops, but {len(shapes)} shapes")
            inputs.update(zip(layer.top, shapes * len(layer.top) if len(shapes) == 1 else shapes, strict=False))
        elif layer.type in _DATA_TYPES and layer.top and layer.top[0] not in inputs:
            # Files before transform_param have the crop beside the source.
            params = (layer.transform_param, layer.data_param, layer.image_data_param, layer.window_data_param)
            crop = next((param.crop_size for param in params if param.crop_size), _DEFAULT_CROP)
            inputs[layer.top[0]] = (1, 3, crop, crop)
    if not inputs and not any(layer.bottom for layer in layers):
        raise NetFileError(
            f"{source}: it holds weights but no network; name its prototxt, and this file as the weights"
        )
    if not inputs:
        raise NetFileError(f"{source}: no input: neither 'input:', nor an Input layer, nor a data layer")
    for name, shape in inputs.items():
        if not 1 <= len(shape) <= MAX_AXES or min(shape) < 1 or prod(shape) > MAX_COUNT:
            raise NetFileError(
                f"{source}: input {name!r} has shape {shape}; expected 1 to {MAX_AXES} sizes, 1 to {MAX_COUNT} values"
            )
    return inputs


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


def _trains(layer: Any) -> bool:
    return layer.type.endswith("Loss") or layer.type in ("Accuracy", "Silence", "HDF5Output")
