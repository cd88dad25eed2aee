"""The format of Caffe's files: whatever is not TensorFlow's is a prototxt or a caffemodel."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from numpy.typing import DTypeLike

from ...errors import NetFileError
from ...runtime.graph import Graph, Params
from ..base import Packed
from ..files import read_bytes
from ..foreign import refuse
from ..head import Head
from ..spec import InputSpec
from . import caffe_pb2
from .caffemodel import Caffemodel, from_message, read_binary
from .definition import Definition, define
from .layers import graph_of, linked
from .prototxt import MAX_TEXT_BYTES, holds_text, open_model, open_weights, parse_text, read_model
from .weights import Weights

MEAN = (104.0, 116.0, 122.0)  # the notebook's, BGR
DEFAULT_SPEC = InputSpec(MEAN, 1.0, "BGR")
_WEIGHTS = (".caffemodel", ".caffemodel.h5")
SUFFIXES: tuple[str, ...] = (".prototxt", ".prototxt.txt", *_WEIGHTS)
_HDF5_GROUP = re.compile(rb"(?<![A-Za-z_])data(?![A-Za-z_])")  # the one in the root of Caffe's snapshots
_MOST_FILES = 1000  # in a folder, whose content is looked at


def holds(head: Head) -> bool:
    """Return whether it is a prototxt, a caffemodel, or weights in HDF5."""
    return head.word in caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name or _holds_weights(head)


def _holds_weights(head: Head) -> bool:
    return head.message == "NetParameter" or (head.hdf5 and _HDF5_GROUP.search(head.start) is not None)


def reads(model: object) -> bool:
    """Return whether it is a path: Caffe's files may have any name."""
    return isinstance(model, str | os.PathLike)


def name_of(model: Path) -> str:
    """Return the file's name without its ending."""
    ending = max((suffix for suffix in SUFFIXES if model.name.lower().endswith(suffix)), key=len, default="")
    return model.name[: -len(ending)] if ending else model.stem


def find_weights(model: Path, weights: str | os.PathLike[str] | None) -> Path | None:
    """Return the weights of a prototxt: those that are named, or the caffemodel beside it; None for a caffemodel.

    Files with a caffemodel's suffix come first; where there is none, the files' content decides.

    Raises
    ------
    NetFileError
        Where there are several caffemodels or none, and none of the prototxt's name.
    """
    if weights is not None:
        return Path(weights)
    if not holds_text(model):
        return None
    files = sorted(path for path in islice(model.parent.iterdir(), _MOST_FILES) if path.is_file())
    there = [path for path in files if path.name.lower().endswith(_WEIGHTS)]
    there = there or [path for path in files if _holds_weights(Head.of(path, noted=False))]
    same = [each for each in there if name_of(each).lower() == name_of(model).lower()]
    if not same and len(there) != 1:
        raise NetFileError(f"{model}: name its weights: {len(there) or 'no'} caffemodel files in {model.parent}")
    return (same or there)[0]


def graph(model: Path, spec: InputSpec, name: str | None = None) -> Graph:
    """Read a network without its weights; its name is the file's own."""
    return graph_of(read_model(model), str(model))


def read(
    model: str | os.PathLike[str] | Any,
    weights: str | os.PathLike[str] | Any | None = None,
    dtype: DTypeLike = "float32",
) -> tuple[Graph, Params]:
    """Read a network and its weights.

    Parameters
    ----------
    model : path or NetParameter
        A prototxt; or a caffemodel, which may hold its network too.
    weights : path or NetParameter, optional
        A caffemodel, or a snapshot in HDF5, whose weights are matched by layer name. None: the model holds them.
    dtype : {"float32", "float64"}
        Type of the weights.

    Raises
    ------
    NetFileError
        For files that are no network, or weights of which none fit. Weights of a layer that are missing, misshapen or
        not finite are an error when they are asked for.
    """
    graph, params = _read(model, weights, np.dtype(dtype))
    params.check()
    return graph, params


def misfits(model: Path, weights: Path | None = None) -> dict[str, str]:
    """Return the layers of a network whose weights do not fit → "missing", or their shapes and the wanted ones."""
    return _read(model, weights, np.dtype("float32"))[1].misfits()


def without_weights(model: str | os.PathLike[str] | Any, dtype: DTypeLike = "float32") -> tuple[Graph, Params]:
    """Read a network whose weights may follow: where it has none, they are an error when they are asked for."""
    return _read(model, None, np.dtype(dtype))


def weights_for(weights: str | os.PathLike[str] | Any, graph: Graph, dtype: DTypeLike) -> Params:
    """Open the weights of a caffemodel that are of a network's layers; `NetFileError` where there are none."""
    stored = _open(weights) if _is_message(weights) else read_binary(weights)
    wanted = {name: shapes for name, shapes in graph.params.items() if name in stored.blobs}
    if not wanted:
        raise NetFileError(f"{stored.source}: no weights for any layer of {graph.name}")
    return Weights(stored, wanted, np.dtype(dtype))


def definition(model: str | os.PathLike[str] | Any) -> Definition:
    """Read a network's inputs and layers: new-style messages without weights."""
    whole = _open(model)
    return define(_bare(whole.net), whole.source)


def check_spec(spec: InputSpec, model: Any) -> None:
    """Raise `ValueError` for a scale or a node: a network of Caffe's has neither."""
    if spec.node is not None or spec.scale not in (None, 1):
        source = _source(model)
        raise ValueError(f"scale and input are for frozen TensorFlow graphs; '{source}' is a network of Caffe's")


def pack(files: Sequence[Path], spec: InputSpec) -> Packed:
    """Read a prototxt and its caffemodel, or a caffemodel that holds its network, which becomes a prototxt.

    Raises
    ------
    NetFileError
        As `read`.
    ValueError
        For other files than these, or as `check_spec`.
    """
    check_spec(spec, files[0])
    texts = [file for file in files if holds_text(file)]
    binaries = [file for file in files if file not in texts]
    if len(binaries) != 1 or len(texts) > 1:
        raise ValueError(
            f"{len(texts)} prototxt and {len(binaries)} caffemodel files; expected one of each, or a caffemodel alone"
        )
    (weights,) = binaries
    if texts:
        graph = _checked(texts[0], weights)
        suffix = ".caffemodel.h5" if Head.of(weights).hdf5 else ".caffemodel"
        return Packed(graph, str(texts[0]), suffix, weights, read_bytes(texts[0], MAX_TEXT_BYTES, "a prototxt"))
    graph = _checked(weights)
    text = text_format.MessageToString(_bare(read_binary(weights).net), print_unknown_fields=True).encode()
    graph_of(parse_text(text, str(weights)), str(weights))
    return Packed(graph, str(weights), ".caffemodel", weights, text)


def _is_message(model: object) -> bool:
    return isinstance(model, caffe_pb2.NetParameter)


def _source(model: Any) -> str:
    """Return where a network comes from, for messages."""
    return model.name or "network" if _is_message(model) else str(model)


def _read(model: Any, weights: Any, dtype: np.dtype[Any]) -> tuple[Graph, Weights]:
    for file in (model, weights):
        if isinstance(file, str | os.PathLike) and Path(file).is_file():
            refuse(file, Head.of(file))
    whole = _open(model)
    definition = define(whole.net, whole.source)
    graph = linked(definition, whole.source)
    stored = whole
    if weights is not None:
        stored = _open(weights) if _is_message(weights) else open_weights(weights)
    return graph, Weights(stored, graph.params, dtype, definition.shared)


def _open(model: Any) -> Caffemodel:
    """Open a network that may hold its weights, in whatever it is."""
    return from_message(model, _source(model)) if _is_message(model) else open_model(model)


def _checked(model: Path, weights: Path | None = None) -> Graph:
    """Read a network and all its weights that fit; the first layer's must be among them."""
    graph, params = _read(model, weights, np.dtype("float32"))
    wrong = params.misfits()
    for index, name in enumerate(params):
        if index == 0 or name not in wrong:
            params[name]
    return graph


def _bare(model: Any) -> Any:
    """Return the NetParameter of a caffemodel without its blobs."""
    for layer in (*model.layer, *model.layers):
        layer.ClearField("blobs")
    return model
