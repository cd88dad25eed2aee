"""The registry is the folder `models/`: a network a folder, its facts in the front matter of its README.

The user's own networks are in a folder of the same layout, `own_folder()`; `pydream.own` puts them there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import yaml
from numpy.typing import DTypeLike

from . import graphdef
from .caffe import Classifier
from .caffe.definition import read_model
from .caffe.graph import Graph
from .caffe.layer_readers import graph_of
from .caffe.net import Net
from .caffe.runtime import Runtime
from .errors import NetFileError, UnknownNameError
from .files import file_sha256
from .freeze import GRAPH_FILE, SUFFIXES, VARIABLES, freeze_file, freeze_model, is_keras_model, to_be_frozen
from .graphdef import CHANNEL_ORDER, MEAN
from .net import CHANNEL_ORDERS, ChannelOrder, unknown_name

DEFAULT_NETWORK = "squeezenet_v1.1"
NOTEBOOK_MEAN = (104.0, 116.0, 122.0)  # BGR
# Keras models since 2021 have layers that scale their pictures, and so do most SavedModels that are made of them.
KERAS_MEAN = (0.0, 0.0, 0.0)
FROZEN = ".pb"  # how the name of a frozen TensorFlow graph ends, which is definition and weights in one
FILES = (".prototxt", ".caffemodel", FROZEN, *SUFFIXES)  # how the names of files end that define networks
URL_VARIABLE = "PYDREAM_MODEL_URL_"

# No path and no hidden file: names are folders' and files'.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
FileName = Annotated[str, msgspec.Meta(pattern=rf"^{NAME.pattern}\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, msgspec.Meta(ge=1)]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A zip file that holds the weights, where that is what the addresses give.

    Attributes
    ----------
    name : str
        Its file name.
    size : int
        Its bytes.
    sha256 : str
    member : str
        The name of the weights in it, to the letter.
    """

    name: FileName
    size: Bytes
    sha256: Sha256
    member: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A network of the registry: the front matter of its README, and where that is.

    Attributes
    ----------
    name, title : str
        What to ask for, and what people call it.
    folder : Path
        With ``README.md`` and, unless it is a frozen graph, ``deploy.prototxt``.
    weights : str
        The file name of the caffemodel, or of the frozen graph.
    size : int
        Its bytes.
    sha256 : str
    urls : tuple of str
        Where it, or the archive, can be had, in the order to try.
    archive : Archive or None
    license : str
    mean : tuple of float
        In the network's channel order.
    scale : float
        Of a frozen graph: it sees ``(pixel - mean) * scale``.
    channel_order : {"BGR", "RGB"}
    input : str or None
        Of a frozen graph: the node whose place the picture takes; None: its placeholder.
    default_layer : str or None
    bundled : bool
        Whether the weights come with pydream.
    own : bool
        Whether the user has added it.
    """

    name: FileName
    title: str
    weights: FileName
    size: Bytes
    sha256: Sha256
    urls: tuple[str, ...] = ()
    archive: Archive | None = None
    license: str
    mean: tuple[float, float, float]
    scale: float = 1.0
    channel_order: ChannelOrder = "BGR"
    input: str | None = None
    default_layer: str | None = None
    bundled: bool = False
    own: bool = False
    folder: Path = Path()

    @property
    def frozen(self) -> bool:
        """Whether it is a frozen TensorFlow graph, and no network of Caffe's."""
        return self.weights.endswith(FROZEN)

    @property
    def definition(self) -> Path:
        """The prototxt of a network of Caffe's."""
        return self.folder / "deploy.prototxt"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where to fetch it from: the user's mirrors in ``PYDREAM_MODEL_URL_<NAME>`` first, then `urls`."""
        return (*os.environ.get(url_variable(self.name), "").split(), *self.urls)


class NetFiles(NamedTuple):
    """Where a network is: its entry in the registry, if it has one, and its files."""

    entry: Entry | None
    definition: Path
    weights: Path | None  # None: the definition is a caffemodel or a TensorFlow graph, which holds them too

    @property
    def frozen(self) -> bool:
        """Whether it is a frozen TensorFlow graph, or is made one."""
        return self.entry.frozen if self.entry else holds_graph(self.definition)


def networks() -> list[Entry]:
    """Give the networks of the registry: the built-in one, those whose weights are to be fetched, the user's own."""
    own = [found for found in map(_own, _own_names()) if isinstance(found, Entry)]
    return sorted([*_built_in().values(), *own], key=lambda entry: (entry.own, not entry.bundled, entry.name))


def damaged_networks() -> dict[str, NetFileError]:
    """Give what is wrong with those of the user's own networks that `networks` leaves out, by name."""
    return {name: found for name in _own_names() if isinstance(found := _own(name), NetFileError)}


def find_network(name: str) -> Entry:
    """Give the network of that name; `UnknownNameError` lists the others."""
    if name in _built_in():
        return _built_in()[name]
    if name not in _own_names():
        raise unknown_name("network", name, [entry.name for entry in networks()])
    found = _own(name)
    if isinstance(found, NetFileError):
        raise found
    return found


def url_variable(name: str) -> str:
    """Give the environment variable for a network's mirrors, addresses with spaces between."""
    return URL_VARIABLE + re.sub("[^A-Z0-9]", "_", name.upper())


def own_folder() -> Path:
    """Give the folder of the user's own networks, which may not be there yet."""
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data_home) / "pydream" / "models"


def weight_folders() -> list[Path]:
    """Give the folders where weights are looked for, in order, beside the network's own.

    The ones of ``PYDREAM_MODELS`` (as in ``PATH``), then the user's cache.
    """
    told = [Path(folder) for folder in os.environ.get("PYDREAM_MODELS", "").split(os.pathsep) if folder]
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [*told, Path(cache_home) / "pydream" / "models"]


def find_weights(entry: Entry) -> Path | None:
    """Give the weights' file: in the network's folder, or in a weight folder or its subfolder of the network's name."""
    candidates = [entry.folder / entry.weights]
    for folder in weight_folders():
        candidates += [folder / entry.weights, folder / entry.name / entry.weights]
    return next((path for path in candidates if path.is_file()), None)


def fetched_place(entry: Entry) -> Path:
    """Give the file that `pydream models fetch` writes: in the user's cache, or with the user's own network."""
    return (entry.folder if entry.own else weight_folders()[-1]) / entry.weights


def fault(path: Path, size: int, sha256: str) -> str | None:
    """Say what is wrong with a file that should have this size and hash; None: nothing."""
    found = path.stat().st_size
    if found != size:
        return f"{found} bytes, not {size}"
    digest = file_sha256(path)
    return None if digest == sha256 else f"sha256 {digest}, not {sha256}"


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
    runtime : {"tensorflow", "numpy"}, or a subclass of pydream.caffe.runtime.Runtime
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


def check_mean(mean: Sequence[float]) -> tuple[float, float, float]:
    """Give a mean of training pictures; `ValueError` for other than three finite numbers."""
    found = np.asarray(mean, np.float64)
    if found.shape != (3,) or not np.isfinite(found).all():
        raise ValueError(f"mean {mean}, want three numbers")
    first, second, third = map(float, found)
    return first, second, third


def check_scale(scale: float) -> float:
    """Give what pixels are multiplied by; `ValueError` for what would leave nothing of them."""
    if not np.isfinite(scale) or scale == 0:
        raise ValueError(f"scale {scale}, want a number other than 0")
    return float(scale)


def check_channel_order(order: ChannelOrder) -> ChannelOrder:
    """Give a channel order; `ValueError` for what is none."""
    if order not in CHANNEL_ORDERS:
        raise ValueError(f"channel_order {order!r}, want one of {', '.join(CHANNEL_ORDERS)}")
    return order


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


@cache
def _built_in() -> dict[str, Entry]:
    package = Path(__file__).resolve().parent
    # In an installed package the folder is inside it, in a checkout beside it.
    roots = [folder for folder in (package / "models", package.parent / "models") if folder.is_dir()]
    if not roots:
        raise NetFileError(f"the networks' folder {package / 'models'} is missing; install pydream again")
    return {entry.name: entry for entry in map(read_entry, sorted(roots[0].glob("*/README.md")))}


def _own_names() -> list[str]:
    """Give the names of the user's own networks; a folder that has a built-in one's is not looked at."""
    names = [readme.parent.name for readme in sorted(own_folder().glob("*/README.md"))]
    return [name for name in names if NAME.fullmatch(name) and name not in _built_in()]


def _own(name: str) -> Entry | NetFileError:
    readme = own_folder() / name / "README.md"
    try:
        entry = read_entry(readme)
        if entry.name != name:
            raise NetFileError(f"{readme}: its name is {entry.name!r}, its folder's {name!r}")
    except NetFileError as error:
        return error
    return msgspec.structs.replace(entry, own=True, bundled=False)


def read_entry(readme: Path) -> Entry:
    """Read the front matter of a network's README; `NetFileError` says what is wrong with it."""
    try:
        front = re.match(r"---\n(.*?\n)---\n", readme.read_text(encoding="utf-8-sig"), re.DOTALL)
        facts = yaml.safe_load(front[1]) if front else None
        entry = msgspec.convert(facts, Entry)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        what = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise NetFileError(f"{readme}: not the front matter of a network: {what}") from error
    try:
        check_mean(entry.mean)
        check_scale(entry.scale)
    except ValueError as error:
        raise NetFileError(f"{readme}: {error}") from error
    return msgspec.structs.replace(entry, folder=readme.parent)
