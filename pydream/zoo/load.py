"""The registry is the folder `models/`: a network a folder, its facts in the front matter of its README.

The user's own networks are in a folder of the same layout, `own_folder()`; `pydream.zoo.own` puts them there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import DTypeLike

from ..caffe import Classifier
from ..errors import NetFileError, UnknownNameError
from ..formats import graphdef
from ..formats.caffe.layers import graph_of
from ..formats.caffe.prototxt import read_model
from ..formats.graphdef import CHANNEL_ORDER, MEAN
from ..formats.keras import GRAPH_FILE, SUFFIXES, VARIABLES, freeze_file, freeze_model, is_keras_model, to_be_frozen
from ..net import ChannelOrder
from ..runtime.base import Runtime
from ..runtime.graph import Graph
from ..runtime.net import Net
from .registry import (
    FROZEN,
    Entry,
    _built_in,
    _own_names,
    check_channel_order,
    check_mean,
    check_scale,
    find_network,
    find_weights,
    weight_folders,
)

NOTEBOOK_MEAN = (104.0, 116.0, 122.0)  # BGR
# Keras models since 2021 have layers that scale their pictures, and so do most SavedModels that are made of them.
KERAS_MEAN = (0.0, 0.0, 0.0)
FILES = (".prototxt", ".caffemodel", FROZEN, *SUFFIXES)  # how the names of files end that define networks


class NetFiles(NamedTuple):
    """Where a network is: its entry in the registry, if it has one, and its files."""

    entry: Entry | None
    definition: Path
    weights: Path | None  # None: the definition is a caffemodel or a TensorFlow graph, which holds them too

    @property
    def frozen(self) -> bool:
        """Whether it is a frozen TensorFlow graph, or is made one."""
        return self.entry.frozen if self.entry else holds_graph(self.definition)


def load_net(
    name_or_path: str | os.PathLike[str] | Any,
    weights: str | os.PathLike[str] | None = None,
    dtype: DTypeLike = "float32",
    device: str = "auto",
    runtime: str | type[Runtime] = "tensorflow",
    *,
    mean: Sequence[float] | None = None,
    scale: float | None = None,
    channel_order: ChannelOrder | None = None,
    input: str | None = None,
) -> Net:
    """Load a network, ready to dream.

    Parameters
    ----------
    name_or_path : str, path or keras.Model
        A name of the registry (`networks`), a prototxt, a caffemodel, which holds its network too, a frozen TensorFlow
        graph, whose name ends with ``.pb``, a Keras model, ``.keras`` or ``.h5``, the folder of a SavedModel; or a live
        Keras model, which is taken as it is now.
    weights : path, optional
        The caffemodel. None: for a name, where `find_weights` finds it; for a prototxt, the caffemodel beside it, of
        the same name or the only one. For a name of a frozen graph, its file.
    dtype : {"float32", "float64"}
        float64 is the exact mode: its pictures equal Caffe's, pixel for pixel.
    device : {"auto", "cpu", "gpu", "gpu:N"}
    runtime : {"tensorflow", "numpy"}, or a subclass of pydream.runtime.base.Runtime
        Who computes: TensorFlow, or formulas in NumPy, which are slower and to be read. In float64 the same pictures.
        NumPy runs no frozen graphs.
    mean : sequence of 3 floats, optional
        Of its training pictures, 0..255, in its channel order. None: the registry's; for a file 104, 116, 122, as in
        the notebook, for a frozen graph 117, 117, 117, and for a Keras model or a SavedModel 0, since these mostly have
        a layer for it.
    scale : float, optional
        What one of TensorFlow's networks wants its pixels, minus the mean, multiplied by. None: the registry's, or 1.
    channel_order : {"BGR", "RGB"}, optional
        None: the registry's; for a file of Caffe's BGR, and for one of TensorFlow's networks RGB.
    input : str, optional
        The node of a frozen graph whose place the picture takes. None: the registry's, or its one placeholder.

    Returns
    -------
    Net
        With mean, channel order and default layer set. One of Caffe's networks is a `pydream.caffe.Classifier`.

    Raises
    ------
    NetFileError
        For missing weights (it says where they were looked for and how to get them) and files that are no network.
    UnknownNameError
        For what is neither a file nor a name of the registry, and an input that is no node.
    DeviceError
        For a GPU that is not there.
    ValueError
        For another dtype, runtime, mean, scale or channel order.
    """
    if is_keras_model(name_or_path):
        if weights is not None:
            raise ValueError(f"a live model has its weights; '{weights}' has no use here")
        entry, definition, held, frozen, name = None, None, None, True, name_or_path.name
    else:
        entry, definition, held = files = find_files(name_or_path, weights)
        frozen, name = files.frozen, entry.name if entry else file_name(definition)
    mean = check_mean(mean if mean is not None else entry.mean if entry else usual_mean(definition))
    scale = check_scale(scale if scale is not None else entry.scale if entry else 1.0)
    order = channel_order or (entry.channel_order if entry else usual_channel_order(definition))
    order = check_channel_order(order)
    net: Net
    if frozen:
        file, node = frozen_file(name_or_path if definition is None else definition)
        node = input or (entry.input if entry else None) or node
        if runtime == "numpy":
            raise ValueError(
                "the runtime 'numpy' has Caffe's layers only; a frozen TensorFlow graph wants 'tensorflow'"
            )
        graph, params = graphdef.read(file, node, scale, name)
        net = Net(graph, params, dtype, runtime, device, mean=mean, channel_order=order)
    elif input is not None or scale != 1:
        raise ValueError(f"scale and input are for frozen TensorFlow graphs; '{definition}' is a network of Caffe's")
    else:
        net = Classifier(definition, held, mean, (2, 1, 0), dtype=dtype, device=device, runtime=runtime)
        net.channel_order = order
    net.name = name
    net.default_end = entry.default_layer if entry else None
    return net


def holds_graph(definition: Path) -> bool:
    """Tell by its name whether a file is a frozen TensorFlow graph, or is made one."""
    return definition.suffix == FROZEN or to_be_frozen(definition)


def frozen_file(model: Path | Any) -> tuple[Path | bytes, str | None]:
    """Give a frozen graph, as a file or as what that would hold, and the node for the picture where that is known.

    Parameters
    ----------
    model : path or keras.Model
        That `holds_graph`, or is live.
    """
    if isinstance(model, Path) and not to_be_frozen(model):
        return model, None
    frozen = freeze_file(model) if isinstance(model, Path) else freeze_model(model)
    return frozen.graph, frozen.input


def file_name(definition: Path) -> str:
    """Give the name of a network that nobody has named: its file's, or its folder's."""
    return definition.parent.resolve().name if definition.name == GRAPH_FILE else definition.stem


def usual_mean(definition: Path | None) -> tuple[float, float, float]:
    """Give the mean of a file, or of a live model (None), that nobody has told of."""
    if definition is None or to_be_frozen(definition):
        return KERAS_MEAN
    return MEAN if definition.suffix == FROZEN else NOTEBOOK_MEAN


def usual_channel_order(definition: Path | None) -> ChannelOrder:
    """Give the channel order of a file, or of a live model (None), that nobody has told of."""
    return CHANNEL_ORDER if definition is None or holds_graph(definition) else "BGR"


def find_files(name_or_path: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None) -> NetFiles:
    """Find the files that `load_net` reads.

    Parameters
    ----------
    name_or_path, weights
        As for `load_net`, which raises the same errors.
    """
    found = _find_model(name_or_path)
    if isinstance(found, Entry):
        held = _weights_for(found) if weights is None else Path(weights)
        return NetFiles(found, held, None) if found.frozen else NetFiles(found, found.definition, held)
    if weights is not None and holds_graph(found):
        raise NetFileError(f"{found}: it holds its weights; '{weights}' has no use here")
    if found.name == GRAPH_FILE:
        return NetFiles(None, found, found.parent / VARIABLES)
    return NetFiles(None, found, _weights_beside(found) if weights is None else Path(weights))


def read_graph(
    name_or_path: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None, input: str | None = None
) -> Graph:
    """Read a network without its weights: the blobs, and all that follows from the definition alone.

    Parameters
    ----------
    name_or_path, weights, input
        As for `load_net`, which raises the same errors. Only a frozen graph, which holds the weights, wants them.
    """
    found = _find_model(name_or_path)
    if isinstance(found, Entry) and found.frozen:
        file = _weights_for(found) if weights is None else Path(weights)
        return graphdef.read(file, input or found.input, found.scale)[0]
    if isinstance(found, Path) and holds_graph(found):
        graph, node = frozen_file(found)
        return graphdef.read(graph, input or node, name=file_name(found))[0]
    model = found.definition if isinstance(found, Entry) else found
    return graph_of(read_model(model), str(model))


def default_layer(name_or_path: str | os.PathLike[str]) -> str | None:
    """Give the layer that the registry names for a network; None for a file."""
    found = _find_model(name_or_path)
    return found.default_layer if isinstance(found, Entry) else None


def _find_model(name_or_path: str | os.PathLike[str]) -> Entry | Path:
    """Give the registry's entry, if it is a name of that, or else the file that defines the network."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    named = path.name == str(name_or_path)
    if (path / GRAPH_FILE).is_file() and not (named and (path.name in _built_in() or path.name in _own_names())):
        return path / GRAPH_FILE
    if path.exists() and not named:
        raise NetFileError(f"{path}: no regular file")
    if not named or path.suffix in FILES:
        raise UnknownNameError(f"no such file: '{path}'")
    return find_network(str(name_or_path))


def _weights_for(entry: Entry) -> Path:
    found = find_weights(entry)
    if found is None:
        looked = ", ".join(str(folder) for folder in [entry.folder, *weight_folders()])
        fetch = f"`pydream models fetch {entry.name}` gets it from {' or '.join(entry.addresses)}; or "
        raise NetFileError(
            f"no weights for {entry.name}: {entry.weights} is not in {looked}; {fetch if entry.addresses else ''}"
            "put it into one of these, name its folder in PYDREAM_MODELS, or name the file itself as the weights"
        )
    return found


def _weights_beside(path: Path) -> Path | None:
    """Give the weights of a prototxt that came without: None for a caffemodel, which holds its own."""
    if path.suffix != ".prototxt":
        return None
    there = sorted(path.parent.glob("*.caffemodel"))
    same = [weights for weights in there if weights.stem == path.stem]
    if not same and len(there) != 1:
        raise NetFileError(f"{path}: name its weights: {len(there) or 'no'} caffemodel files in {path.parent}")
    return (same or there)[0]
