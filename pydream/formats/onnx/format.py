"""The format of ONNX networks: one file, whose weights are constants among the nodes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from numpy.typing import DTypeLike

from ...net import ChannelOrder
from ...runtime.base import Runtime
from ...runtime.engines import AUTO
from ...runtime.graph import Graph, Params
from ...runtime.net import Net
from ..base import Packed
from ..graphdef.format import only_file
from ..head import Head
from ..spec import InputSpec
from .naming import is_caffe
from .nodes import Model, read_model
from .translation import translate

# The mean and deviation of ImageNet's pictures in 0..1, as PyTorch's networks want them.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_PYTORCH = InputSpec(tuple(255 * each for each in _MEAN), tuple(1 / (255 * each) for each in _DEVIATION), "RGB")
_CAFFE = InputSpec((104.0, 116.0, 122.0), 1.0, "BGR")
_GREY = InputSpec((0.0,), 1 / 255, "RGB")
_PLAIN = InputSpec((0.0, 0.0, 0.0), 1.0, "RGB")

# What the file says, or who wrote it, decides: see `wanted`.
DEFAULT_SPEC = InputSpec()
SUFFIXES: tuple[str, ...] = (".onnx",)

_RANGES: dict[str, tuple[float, float]] = {  # mean and scale
    "NominalRange_0_255": (0.0, 1.0),
    "Normalized_0_1": (0.0, 1 / 255),
    "Normalized_1_1": (127.5, 1 / 127.5),
}
_ORDERS: dict[str, ChannelOrder] = {"Bgr8": "BGR", "Rgb8": "RGB"}


def holds(head: Head) -> bool:
    """Return whether it is an ONNX network."""
    return head.message == "ModelProto"


def reads(model: object) -> bool:
    """Return whether a path's name ends with ``.onnx``."""
    return isinstance(model, Path) and model.name.lower().endswith(SUFFIXES)


def wanted(model: Model) -> InputSpec:
    """Return what pictures a network wants, as far as the file tells.

    By its metadata (``Image.BitmapPixelFormat``, ``Image.NominalPixelRange``); a network that came through Caffe2 as
    Caffe's do, one that was TensorFlow's as Keras models do, one of a single channel in 0..1, any other as PyTorch's.
    """
    order = _ORDERS.get(model.metadata.get("Image.BitmapPixelFormat", ""))
    found = _RANGES.get(model.metadata.get("Image.NominalPixelRange", ""))
    said = InputSpec(None if found is None else (found[0],) * 3, None if found is None else found[1], order)
    if any(shape and len(shape) == 4 and shape[1] == 1 for _, shape in model.inputs.values()):
        return said.or_else(_GREY)
    if is_caffe(model):
        return said.or_else(_CAFFE)
    return said.or_else(_PLAIN if model.producer in ("tf2onnx", "keras2onnx") else _PYTORCH)


def graph(model: Path, spec: InputSpec, name: str | None = None) -> Graph:
    """Read the graph of a file: see `read`."""
    return read(model, spec, name)[0]


def read(
    file: str | os.PathLike[str] | bytes, spec: InputSpec = DEFAULT_SPEC, name: str | None = None
) -> tuple[Graph, Params, InputSpec]:
    """Read a network: blobs and layers are the nodes that depend on the picture; `naming` says how they are called.

    Parameters
    ----------
    file : path, or bytes
        An ONNX file, or the content of one.
    spec : InputSpec
        Its node, an input, and its scale become part of the graph; what is unspecified is as `wanted` says. The blob
        ``"data"`` is the picture minus the mean; the input's own name is what the network sees.
    name : str, optional
        None: the file's.

    Returns
    -------
    Graph, Params, InputSpec
        The last with nothing unspecified but the node.

    Raises
    ------
    NetFileError
        For a file that is not an ONNX network, that has no input for pictures or several, or of which nothing can be
        run.
    UnknownNameError
        For an input that does not exist.
    """
    source = name or "a network" if isinstance(file, bytes) else str(file)
    model = read_model(file, source)
    spec = spec.or_else(wanted(model))
    return (*translate(model, source, name or Path(source).stem, spec), spec)


def net(
    file: str | os.PathLike[str] | bytes,
    weights: None,
    spec: InputSpec,
    name: str | None = None,
    *,
    dtype: DTypeLike = "float32",
    device: str = "auto",
    runtime: str | type[Runtime] = AUTO,
) -> Net:
    """Make the net of an ONNX network.

    Parameters
    ----------
    file, spec, name
        As for `read`, which raises the same errors.
    weights : None
        The file holds them.
    dtype, device, runtime
        As for `pydream.runtime.net.Net`.
    """
    graph, params, spec = read(file, spec, name)
    return Net(
        graph, params, dtype, runtime, device, mean=spec.mean or (0, 0, 0), channel_order=spec.channel_order or "RGB"
    )


def pack(files: Sequence[Path], spec: InputSpec) -> Packed:
    """Read a network for the registry, which keeps the file as it is."""
    file = only_file(files)
    graph, _, spec = read(file, spec)
    return Packed(graph, str(file), SUFFIXES[0], file, spec=spec)
