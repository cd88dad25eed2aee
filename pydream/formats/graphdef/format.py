"""The format of frozen TensorFlow graphs: one file, whose weights are constants among the nodes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from numpy.typing import DTypeLike

from ...errors import NetFileError
from ...net import ChannelOrder
from ...runtime.base import Runtime
from ...runtime.engines import AUTO
from ...runtime.graph import Graph, Params
from ...runtime.net import Net
from ..base import Packed
from ..head import Head
from ..spec import InputSpec
from .nodes import read_nodes
from .translation import translate

# Of Inception5h, the file that every tutorial used.
MEAN = (117.0, 117.0, 117.0)
_ORDER: ChannelOrder = "RGB"
DEFAULT_SPEC = InputSpec(MEAN, 1.0, _ORDER)
SUFFIXES: tuple[str, ...] = (".pb", ".pbtxt")


def holds(head: Head) -> bool:
    """Return whether it is a GraphDef."""
    return head.message == "GraphDef" or head.word in ("node", "versions", "library")


def reads(model: object) -> bool:
    """Return whether a path's name ends with ``.pb`` or ``.pbtxt``."""
    return isinstance(model, Path) and model.name.lower().endswith(SUFFIXES)


def name_of(model: Path) -> str:
    """Return the file's name without its ending."""
    return model.stem


def find_weights(model: Path, weights: str | os.PathLike[str] | None) -> None:
    """Raise `NetFileError` for weights that are named: the file holds its own."""
    if weights is not None:
        raise NetFileError(f"{model}: it holds its weights; '{weights}' has no use here")


def graph(model: Path, spec: InputSpec, name: str | None = None) -> Graph:
    """Read the graph of a file: see `read`."""
    return read(model, spec, name)[0]


def read(
    file: str | os.PathLike[str] | bytes, spec: InputSpec = DEFAULT_SPEC, name: str | None = None
) -> tuple[Graph, Params]:
    """Read a frozen graph: blobs and layers are the nodes that depend on the picture, by their names.

    Parameters
    ----------
    file : path, or bytes
        A GraphDef whose weights are constants: its file, or the content of one.
    spec : InputSpec
        Its node and scale become part of the graph. The blob ``"data"`` is the picture minus the mean; the node's own
        name is what the network sees.
    name : str, optional
        None: the file's.

    Raises
    ------
    NetFileError
        For a file that is not a frozen GraphDef, that has no input or several, or of which nothing can be run.
    UnknownNameError
        For an input that is not a node.
    """
    source = name or "a graph" if isinstance(file, bytes) else str(file)
    return translate(read_nodes(file, source), source, name or Path(source).stem, spec)


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
    """Make the net of a frozen graph.

    Parameters
    ----------
    file, spec, name
        As for `read`, which raises the same errors.
    weights : None
        The file holds them.
    dtype, device, runtime
        As for `pydream.runtime.net.Net`.

    Raises
    ------
    ValueError
        For the runtimes "numpy" and "native", or as `Net` does.
    """
    if runtime in ("numpy", "native"):
        raise ValueError(
            f"the runtime {runtime!r} has Caffe's layers only; a frozen TensorFlow graph wants 'tensorflow'"
        )
    if runtime == AUTO:
        runtime = "tensorflow"  # whose layout and ops they are made for
    graph, params = read(file, spec, name)
    order = spec.channel_order or _ORDER
    return Net(graph, params, dtype, runtime, device, mean=spec.mean or MEAN, channel_order=order)


def pack(files: Sequence[Path], spec: InputSpec) -> Packed:
    """Read a frozen graph for the registry, which keeps the file as it is."""
    file = only_file(files)
    return Packed(graph(file, spec), str(file), SUFFIXES[0], file)


def only_file(files: Sequence[Path]) -> Path:
    """Return the one file of a network; `ValueError` where there are others."""
    if len(files) > 1:
        raise ValueError(f"{len(files)} files; a frozen graph is a whole network, and goes without other files")
    return files[0]
