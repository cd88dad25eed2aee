"""A network is loaded by a name of the registry, from its files, or from a live model of Keras or PyTorch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import DTypeLike

from .. import logs
from ..caffe import Classifier
from ..errors import LeftOutWarning, NetFileError, PydreamError, UnknownNameError, UnlikeCaffeWarning
from ..formats import SUFFIXES, Format, InputSpec, caffe, format_of, graphdef, keras, onnx, pytorch, read_mean
from ..net import ChannelOrder
from ..runtime.base import Runtime
from ..runtime.ends import default_end
from ..runtime.engines import AUTO
from ..runtime.graph import Graph
from ..runtime.net import Net
from .addresses import without_secrets
from .registry import Entry, find_copies, find_network, find_weights, is_name, weight_folders

# What makes the nets of a format. That of a live PyTorch module is a `pydream.net.Net` without a graph.
_NET: dict[Format, Callable[..., Any]] = {
    caffe: Classifier.load,
    graphdef: graphdef.net,
    keras: keras.net,
    onnx: onnx.net,
    pytorch: pytorch.net,
}


class NetFiles(NamedTuple):
    """Where a network is.

    Attributes
    ----------
    entry : Entry or None
        Of the registry, if it has the network.
    format : Format
    definition : Path
        Or a live model.
    weights : Path or None
        None: the definition is a caffemodel or a TensorFlow graph, which holds them too.
    """

    entry: Entry | None
    format: Format
    definition: Path
    weights: Path | None

    @property
    def name(self) -> str:
        """The registry's name, or the file's."""
        return self.entry.name if self.entry else self.format.name_of(self.definition)

    @property
    def spec(self) -> InputSpec:
        """What pictures it wants, if nothing else is specified."""
        return self.entry.spec if self.entry else self.format.DEFAULT_SPEC

    @property
    def frozen(self) -> bool:
        """Whether it is a frozen TensorFlow graph, or is made one."""
        return self.format is not caffe


def load_net(
    name_or_path: str | os.PathLike[str] | Any,
    weights: str | os.PathLike[str] | None = None,
    dtype: DTypeLike | None = None,
    device: str = "auto",
    runtime: str | type[Runtime] = AUTO,
    *,
    mean: Sequence[float] | str | os.PathLike[str] | None = None,
    scale: float | Sequence[float] | None = None,
    channel_order: ChannelOrder | None = None,
    input: str | None = None,
) -> Net:
    """Load a network, ready to dream.

    Parameters
    ----------
    name_or_path : str, path, keras.Model or torch.nn.Module
        A name of the registry (`networks`), a prototxt, a caffemodel, which holds its network too, a frozen TensorFlow
        graph, whose name ends with ``.pb``, a Keras model, ``.keras`` or ``.h5``, the folder of a SavedModel, an ONNX
        network; or a live Keras model, which is taken as it is now, or a live PyTorch module, which runs on PyTorch, as
        it is then.
    weights : path, optional
        The caffemodel. None: for a name, where `find_weights` finds it; for a prototxt, the caffemodel beside it, of
        the same name or the only one. For a name of a frozen graph, its file.
    dtype : {"float32", "float64"}, optional
        float64 is the exact mode: its pictures equal Caffe's, pixel for pixel. None: float32; for a PyTorch module its
        own, of which another makes a copy.
    device : {"auto", "cpu", "gpu", "gpu:N"}
    runtime : {"auto", "tensorflow", "native", "numpy"}, or another name, or a subclass of pydream.runtime.Runtime
        The engine: TensorFlow; C++, which is faster in float64 on a CPU, and "auto" there; or formulas in NumPy, which
        are a slow reference. In float64 the pictures are the same. Only TensorFlow runs frozen graphs. Another name is
        one that an installed package adds: see docs/porting.md.
    mean : sequence of 3 floats, or of 1, or path, optional
        Mean of the training pictures, 0..255, in the network's channel order; or a mean file, as
        `pydream.formats.read_mean` reads it. None: the registry's; for a file 104, 116, 122, as in the notebook, for a
        frozen graph 117, 117, 117, for a Keras model or a SavedModel 0, since most of these have a layer for it, for an
        ONNX network as `pydream.formats.onnx.format.wanted` says. A network of one channel takes the grey of three
        numbers, as it does of pictures.
    scale : float or sequence of 3 floats, optional
        Factor of the pixels minus the mean, or one for each channel; not for Caffe's files. None: the registry's, an
        ONNX network's as for the mean, or 1.
    channel_order : {"BGR", "RGB"}, optional
        None: the registry's; BGR for Caffe's files, an ONNX network's as for the mean, and RGB for others.
    input : str, optional
        Node of a frozen graph that the picture replaces, or an ONNX network's input. None: the registry's, or the one
        that takes pictures.

    Returns
    -------
    Net
        With mean, channel order and default layer set: the registry's, or the last convolution that sees most of the
        picture. One of Caffe's networks is a `pydream.caffe.Classifier`; that of a PyTorch module is a
        `pydream.net.Net`, which has no graph, and its default layer is the last convolution.

    Raises
    ------
    NetFileError
        For missing weights (it says where they were looked for and how to get them), files that are no network, and
        networks with layers that the runtime does not have.
    UnknownNameError
        For what is neither a file nor a name of the registry, and an input that is not a node.
    DeviceError
        For a GPU that is not there.
    PluginError
        For a runtime whose package is broken.
    ValueError
        For another dtype, runtime, mean, scale or channel order.

    Warns
    -----
    LeftOutWarning
        Some layers cannot be run.
    UnlikeCaffeWarning
        Caffe's gradient may be another, as layers in place overwrite what it reads.
    """
    files = find_files(name_or_path, weights)
    spec = InputSpec(numbers_of(mean), scale, channel_order, input).or_else(files.spec)
    make = _NET[files.format]
    exactness = {} if dtype is None else {"dtype": dtype}
    logs.debug("%s: from %s, weights in %s", files.name, files.definition, files.weights or "the same file")
    net: Net = make(files.definition, files.weights, spec, files.name, device=device, runtime=runtime, **exactness)
    net.name = files.name
    if files.format is not pytorch:
        logs.info("%s runs on %s, %s, %s", net.name, net.runtime.name, net.device, net.dtype)
        net.default_end = _default_end(files.entry, net.graph)
        _warn(net.graph)
        _warn_of_gradients(net)
    return net


def _warn(graph: Graph) -> None:
    if graph.notice is not None:
        warnings.warn(graph.notice, LeftOutWarning, stacklevel=3)


def _warn_of_gradients(net: Net) -> None:
    if unlike := net.runtime.unlike_caffe():
        names = ", ".join(map(repr, unlike[:3])) + (f" and {len(unlike) - 3} more" if unlike[3:] else "")
        text = f"{net.name}: Caffe's gradient may be another where layers overwrite what it reads: {names}"
        warnings.warn(text, UnlikeCaffeWarning, stacklevel=3)


def numbers_of(mean: Sequence[float] | str | os.PathLike[str] | None) -> Sequence[float] | None:
    """Return a mean's numbers: those of its file, where it is a path."""
    return read_mean(mean) if isinstance(mean, str | os.PathLike) else mean


def find_files(name_or_path: str | os.PathLike[str] | Any, weights: str | os.PathLike[str] | None = None) -> NetFiles:
    """Find the files that `load_net` reads.

    Parameters
    ----------
    name_or_path, weights
        As for `load_net`, which raises the same errors.
    """
    entry, form, definition = _find_model(name_or_path)
    if entry is None:
        return NetFiles(None, form, definition, form.find_weights(definition, weights))
    file = _weights_for(entry) if weights is None else Path(weights)
    return NetFiles(entry, form, definition or file, file if definition else None)


def network_files(name_or_path: str) -> list[Path]:
    """List the files that a network is read from; none where there is no such network, as `load_net` says."""
    path = Path(name_or_path)
    try:
        files = find_files(name_or_path)
    except PydreamError:  # of a prototxt, for want of weights
        return [path] if path.is_file() else []
    folder = files.definition.parent
    if files.format is keras and keras.model_file(folder) == files.definition:  # a SavedModel
        return [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in (files.definition, files.weights) if file is not None]


def read_graph(
    name_or_path: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None, input: str | None = None
) -> Graph:
    """Read a network without its weights: the blobs, and all that follows from the definition alone.

    Parameters
    ----------
    name_or_path, weights, input
        As for `load_net`, which raises the same errors. Only a frozen graph needs the weights, which it holds.
    """
    graph = _graph(*_find_model(name_or_path), name_or_path, weights, input)
    _warn(graph)
    return graph


def read_outline(
    name_or_path: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None, input: str | None = None
) -> Net | None:
    """Read a network without its weights and without TensorFlow, as a net that has names and shapes and is not run.

    Parameters
    ----------
    name_or_path, weights, input
        As for `read_graph`.

    Returns
    -------
    Net or None
        None: it is a Keras model, which TensorFlow alone reads.
    """
    entry, form, definition = _find_model(name_or_path)
    if form is keras:
        return None
    graph = _graph(entry, form, definition, name_or_path, weights, input)
    outline = Net(graph, {}, runtime="numpy")
    outline.name = entry.name if entry else form.name_of(definition)
    outline.default_end = _default_end(entry, graph)
    return outline


def _graph(
    entry: Entry | None,
    form: Format,
    definition: Any,
    name_or_path: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None,
    input: str | None,
) -> Graph:
    if definition is None:
        definition = find_files(name_or_path, weights).definition
    spec = InputSpec(node=input).or_else(entry.spec if entry else form.DEFAULT_SPEC)
    graph: Graph = form.graph(definition, spec, entry.name if entry else None)
    return graph


def _default_end(entry: Entry | None, graph: Graph) -> str | None:
    return (entry and entry.default_layer) or default_end(graph)


def default_layer(name_or_path: str | os.PathLike[str]) -> str | None:
    """Return the layer that the registry names for a network; None for a file."""
    entry, _, _ = _find_model(name_or_path)
    return entry.default_layer if entry else None


def _find_model(name_or_path: str | os.PathLike[str] | Any) -> tuple[Entry | None, Format, Any]:
    """Return a network's entry in the registry, its format, and what defines it; None: its weights do."""
    if not isinstance(name_or_path, str | os.PathLike):
        return None, format_of(name_or_path), name_or_path
    path = Path(name_or_path)
    name = str(name_or_path) if path.name == str(name_or_path) else None
    file = keras.model_file(path)
    if file.is_file() and (file == path or not (name and is_name(name))):
        return None, format_of(file), file
    if path.is_dir() and name is None:
        raise NetFileError(
            f"{path}: not a regular file, but a folder without a SavedModel's graph; name the file in it"
        )
    if path.exists() and name is None:
        raise NetFileError(f"{path}: not a regular file")
    if name is None or name.lower().endswith(SUFFIXES):
        raise UnknownNameError(f"no such file: '{path}'")
    entry = find_network(name)
    return entry, entry.format, entry.definition


def _weights_for(entry: Entry) -> Path:
    found = find_weights(entry)
    if found is None:
        folders = ", ".join(str(folder) for folder in [entry.folder, *weight_folders()])
        fetch = f"`pydream models fetch {entry.name}`"
        first, *more = [*map(without_secrets, entry.addresses), ""]
        others = f" or {len(more) - 1} more" if len(more) > 1 else ""
        copies = " or ".join(copy.name for copy in entry.copies if copy.name != entry.weights)
        there = "; ".join(f"'{path}' is there, of which {fetch} makes it" for _, path in find_copies(entry))
        raise NetFileError(
            f"no weights for {entry.name}: {entry.weights} is not in {folders}; "
            + (f"{there}; " if there else f"{fetch} gets it from {first}{others}; or " if first else "")
            + f"put it into one of these, {f'or {copies}, of which {fetch} makes it, ' if copies else ''}"
            "name its folder in PYDREAM_MODELS, or name the file itself as the weights"
        )
    return found
