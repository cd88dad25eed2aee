"""The format of Keras models, live or in a file, and of SavedModels: all are frozen, and read as frozen graphs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

from ...runtime.base import Runtime
from ...runtime.engines import AUTO
from ...runtime.graph import Graph
from ...runtime.net import Net
from ...runtime.on_tensorflow.door import tensorflow
from .. import graphdef
from ..base import Packed
from ..graphdef.format import only_file
from ..head import Head
from ..spec import InputSpec
from .apart import reading
from .frozen import Frozen
from .keras_model import freeze_model, is_keras_model
from .live import freeze_module, is_module
from .saved_model import GRAPH_FILE, VARIABLES

# Keras models since 2021 have layers that scale their pictures, and so do most SavedModels that are made of them.
MEAN = (0.0, 0.0, 0.0)
DEFAULT_SPEC = InputSpec(MEAN, 1.0, "RGB")
SUFFIXES: tuple[str, ...] = (".keras", ".h5", ".hdf5")
_MARKS = (b"model_weights", b"model_config")  # in the root of an HDF5 file, which comes first


def holds(head: Head) -> bool:
    """Return whether it is a Keras model, or the graph of a SavedModel under its own name."""
    archive = len(head.members & {"config.json", "metadata.json", "model.weights.h5"}) > 1  # one may be missing
    graph = head.message == "SavedModel" and head.name == GRAPH_FILE
    return archive or graph or (head.hdf5 and any(mark in head.start for mark in _MARKS))


def reads(model: object) -> bool:
    """Return whether it is a live model or module, or by its name the file of a model or a SavedModel's graph."""
    if isinstance(model, Path):
        name = model.name.lower()
        return (name.endswith(SUFFIXES) and not name.endswith(".caffemodel.h5")) or model.name == GRAPH_FILE
    return is_keras_model(model) or is_module(model)


def model_file(path: Path) -> Path:
    """Return the graph's file for the folder of a SavedModel, and any other path as it is."""
    graph_file = path / GRAPH_FILE
    return graph_file if graph_file.is_file() else path


def name_of(model: Path | Any) -> str:
    """Return a live model's own name, a file's without its ending, or a folder's."""
    if not isinstance(model, Path):
        name = getattr(model, "name", None)  # what is loaded from a SavedModel has none
        return name if isinstance(name, str) else "a module"
    return model.parent.resolve().name if model.name == GRAPH_FILE else model.stem


def find_weights(model: Path | Any, weights: str | os.PathLike[str] | None) -> Path | None:
    """Return the index of a SavedModel's variables; None for a model that holds its weights.

    Raises
    ------
    NetFileError, ValueError
        Where weights are named: of a file, and of a live model.
    """
    if not isinstance(model, Path):
        if weights is not None:
            raise ValueError(f"a live model has its weights; '{weights}' has no use here")
        return None
    graphdef.find_weights(model, weights)
    return model.parent / VARIABLES if model.name == GRAPH_FILE else None


def freeze(model: Path | Any, meanwhile: Callable[[], object] = lambda: None) -> Frozen:
    """Make a frozen graph of a model; `NetFileError` where that cannot be done.

    Parameters
    ----------
    model : Path or keras.Model
    meanwhile : callable
        What this process does while another one reads a file.
    """
    if not isinstance(model, Path):
        return freeze_model(model) if is_keras_model(model) else freeze_module(model, name_of(model))
    with reading(model) as result:
        meanwhile()
        return result()


def graph(model: Path | Any, spec: InputSpec, name: str | None = None) -> Graph:
    """Freeze a model and read its graph: see `graphdef.read`."""
    frozen = freeze(model)
    return graphdef.read(frozen.graph, _with_node(spec, frozen), name or name_of(model))[0]


def net(
    model: Path | Any,
    weights: Path | None,
    spec: InputSpec,
    name: str | None = None,
    *,
    dtype: DTypeLike = "float32",
    device: str = "auto",
    runtime: str | type[Runtime] = AUTO,
) -> Net:
    """Freeze a model and make the net of its graph: see `graphdef.net`. The weights are where the model says."""
    frozen = freeze(model, tensorflow if runtime in (AUTO, "tensorflow") else lambda: None)
    spec = _with_node(spec.or_else(DEFAULT_SPEC), frozen)
    name = name or name_of(model)
    return graphdef.net(frozen.graph, None, spec, name, dtype=dtype, device=device, runtime=runtime)


def pack(files: Sequence[Path], spec: InputSpec) -> Packed:
    """Freeze a model for the registry, which keeps the frozen graph."""
    file = only_file(files)
    frozen = freeze(file)
    graph, _ = graphdef.read(frozen.graph, _with_node(spec, frozen), name_of(file))
    return Packed(graph, str(file), graphdef.SUFFIXES[0], frozen.graph)


def _with_node(spec: InputSpec, frozen: Frozen) -> InputSpec:
    return spec if spec.node is not None else replace(spec, node=frozen.input)
