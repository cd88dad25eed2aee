"""A Keras model is its layers: traced once, its weights made constants, each layer's output under the layer's name.

The result is a frozen GraphDef like any other. From a file only what Keras itself defines is built, and no code is run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from math import prod
from pathlib import Path
from typing import Any, TypeGuard

from ...errors import NetFileError
from ...files import temporary_folder
from ...host.disk import second_name
from ...runtime.on_tensorflow.door import part, quiet_stderr, tensorflow
from ..graphdef.nodes import LAYER
from .dilation import dilate
from .frozen import Frozen
from .inline import CALLS, connect, inlined
from .keras2 import drop_unused
from .known import KNOWN, check_config

_MAX_BYTES = 2**31 - 1  # of a file, and of what it unpacks to
_MAX_CONFIG_BYTES = 16 * 2**20
_WEIGHTS = "model.weights.h5"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPED = re.compile(
    r"Error when deserializing class '(\w+)' using config=.*?\n\nException encountered: "
    r"|Exception encountered when calling ([\w.]+?)\.call\(\)\.\n",
    re.DOTALL,
)


def is_keras_model(model: object) -> TypeGuard[Any]:
    """Return whether this is a live Keras model; Keras is not imported for it."""
    return any(kind.__name__ == "Model" and "keras" in kind.__module__.split(".")[0] for kind in type(model).__mro__)


def read_keras(path: str | os.PathLike[str]) -> Any:
    """Build the model of a ``.keras`` or ``.h5`` file.

    Parameters
    ----------
    path : path

    Returns
    -------
    keras.Model
        Not compiled.

    Raises
    ------
    NetFileError
        For another file, one that is too large or claims more weights than it holds; for a Lambda layer, which is
        Python code, and for layers that Keras does not define.
    """
    path = Path(path)
    if not path.is_file():
        raise NetFileError(f"{path}: not a regular file")
    if path.stat().st_size > _MAX_BYTES:
        raise NetFileError(
            f"{path}: {path.stat().st_size} bytes, more than the {_MAX_BYTES} that a model can have here"
        )
    archive = zipfile.is_zipfile(path)
    config, count = (_unzipped if archive else _hdf5)(path)
    config["compile_config"] = None  # how it was trained
    check_config(config, str(path))
    drop_unused(config)
    keras = _keras()
    try:
        with keras.StatelessScope(initialize_variables=False):  # shapes without memory
            claimed = _count(_built(config, archive).weights)
        if claimed > count:
            raise NetFileError(f"{path}: its layers want {claimed} weights; the file holds {count}")
        with _named(path, ".keras" if archive else ".h5") as file:
            model = _built(config, archive)
            model.load_weights(file)
            return model
    except NetFileError:
        raise
    except Exception as error:  # of any kind: it depends on the layer whose configuration is wrong
        damaged = _unreadable(path, archive)
        if damaged is not None:
            raise NetFileError(f"{path}: weights {damaged!r} are damaged: {first_line(error)}") from error
        raise NetFileError(
            f"{path}: Keras cannot build this model ({first_line(error)}); where you can, pass load_net the live model"
        ) from error


@contextlib.contextmanager
def _named(path: Path, suffix: str) -> Iterator[Path]:
    """Yield a name of the file with this suffix: Keras chooses the reader by it."""
    if path.name.endswith(suffix):
        yield path
        return
    with temporary_folder() as folder:
        link = folder / f"model{suffix}"
        second_name(path.resolve(), link)
        yield link


def freeze_model(model: Any, source: str | None = None) -> Frozen:
    """Make a frozen GraphDef of a live model, in inference mode.

    Parameters
    ----------
    model : keras.Model
        With one input, pictures of three channels or one, (n, h, w, 3); on the backend TensorFlow.
    source : str, optional
        For messages. None: the model's name.

    Returns
    -------
    Frozen
        The node that is a layer's output has the layer's name, with the names of the models around it before:
        ``inner/conv``; the layer's other nodes are below it, ``inner/conv/BiasAdd``. Several outputs are ``layer/0``,
        ``layer/1`` and so on. Sizes are open where the layers allow that.

    Raises
    ------
    NetFileError
        For a model that is not built, has another input or cannot be traced.
    """
    _keras()
    source = source or model.name
    (height, width, channels), name = _input(model, source)
    problem: Exception | None = None
    for size in ((None, None), (height, width)):
        try:
            graph, image = _traced(model, (None, *size, channels), name, source)
            break
        except NetFileError:
            raise
        except Exception as error:  # of any kind: a layer's own code meets an open size
            problem = problem or error
    else:
        raise NetFileError(f"{source}: it cannot be run on pictures: {first_line(problem)}") from problem
    # The size at which its fully connected layers fit.
    declared = tensorflow().TensorShape((None, height, width, channels)).as_proto()
    next(node for node in graph.node if node.name == image).attr["shape"].shape.CopyFrom(declared)
    return Frozen(graph.SerializeToString(), image)


def _keras() -> Any:
    keras = part("keras")
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise NetFileError(f"Keras runs on {backend} here; KERAS_BACKEND=tensorflow in the environment would work")
    return keras


def _input(model: Any, source: str) -> tuple[tuple[int | None, int | None, int], str]:
    """Return the declared height and width of the model's input, its channels, and its name."""
    inputs = list(getattr(model, "inputs", None) or [])
    if len(inputs) > 1:
        names = ", ".join(repr(each.name) for each in inputs)
        raise NetFileError(f"{source}: {len(inputs)} inputs ({names}); a dream has one picture")
    if not inputs and not model.built:
        raise NetFileError(f"{source}: not built yet: call it on a picture once, or give its input a shape")
    shape = tuple(inputs[0].shape) if inputs else (None, None, None, 3)
    if len(shape) != 4 or shape[3] not in (3, 1, None):
        raise NetFileError(
            f"{source}: its input is {shape}; expected (n, height, width, 3), a colour picture, or 1 for a grey one"
        )
    return (*shape[1:3], shape[3] or 3), inputs[0].name.split(":")[0] if inputs else "input"


def _traced(model: Any, shape: tuple[int | None, ...], name: str, source: str) -> tuple[Any, str]:
    """Return the graph of a model for pictures of this shape, and the node that they replace."""
    tf = tensorflow()
    tensors: dict[str, Any] = {}
    with _recorded(model, tensors), _resized_at_any_size():
        function = tf.function(lambda image: model(image, training=False), autograph=False)
        traced = function.get_concrete_function(tf.TensorSpec(shape, tf.float32, name))
    image = traced.inputs[0].op.name
    conversion = part("tensorflow.python.framework.convert_to_constants")
    with quiet_stderr():
        constants = conversion.convert_variables_to_constants_v2(traced)
    graph = constants.graph.as_graph_def()
    # A layer's loops and functions of its own are not nodes here.
    there = {node.name for node in graph.node}
    outputs = {name: t.op.name for name, t in tensors.items() if t.graph is traced.graph and t.op.name in there}
    if not outputs:
        raise NetFileError(f"{source}: no layers")
    if any(node.op in CALLS for node in graph.node):  # else it stays in the order of the layers
        graph = inlined(graph, [image, *outputs.values()], source)
    connect(graph, {tensor.op.name for tensor in constants.outputs}, source)
    dilate(graph)
    _rename(graph, outputs, image)
    return graph, image


@contextlib.contextmanager
def _recorded(model: Any, tensors: dict[str, Any]) -> Iterator[None]:
    """Record the layers' outputs in `tensors` by name meanwhile, each tensor under one name only."""
    tf = tensorflow()
    base: Any = next(kind for kind in type(model).__mro__ if kind.__name__ == "Layer")
    call: Callable[..., Any] = base.__call__
    path: list[str] = []

    def record(tensor: Any, name: str) -> Any:
        if not isinstance(tensor, tf.Tensor):
            return tensor
        # Two layers may share an output (dropout in inference), and an op may have several: each gets its own node.
        shared = any(tensor is each for each in tensors.values()) or len(tensor.op.outputs) > 1
        if shared or tensor.op.type in ("Placeholder", *CALLS):
            tensor = tf.identity(tensor)
        tensors[name] = tensor
        return tensor

    def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
        path.append(layer.name)
        try:
            made = call(layer, *args, **kwargs)
        finally:
            path.pop()
        if not path:
            return made
        name = _free("/".join([*path[1:], layer.name]), tensors)
        flat = tf.nest.flatten(made)
        if len(flat) == 1:
            return tf.nest.map_structure(lambda tensor: record(tensor, name), made)
        return tf.nest.pack_sequence_as(made, [record(tensor, f"{name}/{i}") for i, tensor in enumerate(flat)])

    base.__call__ = called
    try:
        yield
    finally:
        base.__call__ = call


@contextlib.contextmanager
def _resized_at_any_size() -> Iterator[None]:
    """Have Keras resize to sizes that are tensors meanwhile; it asks them whether they are above 0."""
    module, backend = part("keras.src.ops.image"), part("keras.src.backend.tensorflow.image")
    checked = module.resize

    def resize(images: Any, size: Any, **options: Any) -> Any:
        of_tensors = any(isinstance(each, tensorflow().Tensor) for each in size)
        return (backend.resize if of_tensors else checked)(images, size, **options)

    module.resize = resize
    try:
        yield
    finally:
        module.resize = checked


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name, numbered as TensorFlow does where a layer is called twice."""
    numbered = (name if i == 0 else f"{name}_{i}" for i in range(len(taken) + 1))
    return next(each for each in numbered if each not in taken and f"{each}/0" not in taken)


def _rename(graph: Any, outputs: Mapping[str, str], image: str) -> None:
    """Rename the nodes that are layers' outputs to the layers' names, and the scopes around them accordingly."""
    names = {image: image} | {node: name for name, node in outputs.items()}
    scopes = {
        "/".join(node.split("/")[: name.count("/") + 2]): name
        for name, node in outputs.items()
        if _unnumbered(node)[1 : name.count("/") + 2] == _unnumbered(name)
    }
    taken = set(names.values())
    for node in graph.node:
        if node.name not in names:
            scope = next((scope for scope in _scopes(node.name) if scope in scopes), None)
            name = node.name if scope is None else scopes[scope] + node.name.removeprefix(scope)
            names[node.name] = _free(name, taken)
            taken.add(names[node.name])
    layers = set(outputs.values())
    for node in graph.node:
        if node.name in layers:
            node.attr[LAYER].b = True
        node.name = names[node.name]
        inputs = [each.partition(":") for each in node.input]
        node.input[:] = [names[source] + colon + output for source, colon, output in inputs]


def _scopes(name: str) -> Iterator[str]:
    """Yield the scopes that a node is in, the innermost first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _unnumbered(name: str) -> list[str]:
    """Return a name's parts without the numbers that Keras puts behind the names of models and layers."""
    return re.sub(r"(_\d+)+(?=/|$)", "", name).split("/")


def _unzipped(path: Path) -> tuple[dict[str, Any], int]:
    """Read the configuration of a .keras file, and count the numbers of its weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            missing = {"config.json", _WEIGHTS} - set(sizes)
            if missing:
                raise NetFileError(f"{path}: not a Keras model: no {min(missing)} in it")
            if sum(sizes.values()) > _MAX_BYTES or sizes["config.json"] > _MAX_CONFIG_BYTES:
                raise NetFileError(f"{path}: it unpacks to more than the {_MAX_BYTES} bytes that a model can have here")
            config = _parsed(archive.read("config.json"), path)
            with archive.open(_WEIGHTS) as weights:
                return config, _numbers(weights, path)
    except NetFileError:
        raise
    except Exception as error:  # zipfile's and zlib's are of many kinds
        raise NetFileError(f"{path}: not a Keras model, or damaged: {first_line(error)}") from error


def _hdf5(path: Path) -> tuple[dict[str, Any], int]:
    """Read the same of an HDF5 file."""
    try:
        with part("h5py").File(path, "r") as file:
            text = file.attrs.get("model_config")
            if text is None:
                raise NetFileError(f"{path}: no network in it, only weights; expected a model that was saved whole")
            config = _parsed(text, path)
    except NetFileError:
        raise
    except OSError as error:
        raise NetFileError(f"{path}: not a Keras model: neither a .keras file nor HDF5") from error
    except Exception as error:  # h5py's are of many kinds
        raise NetFileError(f"{path}: its attribute 'model_config' is damaged: {first_line(error)}") from error
    return config, _numbers(path, path)


def _numbers(file: Any, path: Path) -> int:
    """Count the numbers in an HDF5 file without reading them; a size may be claimed that is not there."""
    h5py = part("h5py")
    counts: list[int] = []
    seen = "/"

    def count(name: str, link: Any) -> str | None:
        nonlocal seen
        seen = name
        item = None if isinstance(link, h5py.ExternalLink) else h5.get(name)
        if isinstance(item, h5py.Group):
            return None
        if item is None or item.is_virtual or item.external or (item.nbytes and not item.id.get_storage_size()):
            return name
        counts.append(item.size)
        return None

    try:
        with h5py.File(file, "r") as h5:
            hollow = h5.visititems_links(count)  # ends at the first name
    except Exception as error:  # h5py's are of many kinds
        raise NetFileError(f"{path}: its weights are damaged at {seen!r} or behind it: {first_line(error)}") from error
    if hollow is not None:
        raise NetFileError(f"{path}: weights {hollow!r} are claimed, but not in the file")
    if sum(counts) > _MAX_BYTES // 4:
        raise NetFileError(f"{path}: {sum(counts)} weights, more than a model can have here")
    return sum(counts)


def _unreadable(path: Path, archive: bool) -> str | None:
    """Return the first dataset that HDF5 cannot read; None where all can be."""
    seen = "/"

    def read(name: str, item: Any) -> None:
        nonlocal seen
        seen = name
        if hasattr(item, "read_direct"):
            item[()]

    try:
        with contextlib.ExitStack() as opened:
            weights = opened.enter_context(zipfile.ZipFile(path)).open(_WEIGHTS) if archive else path
            opened.enter_context(part("h5py").File(weights, "r")).visititems(read)
    except Exception:  # h5py's are of many kinds
        return seen
    return None


def _parsed(text: str | bytes, path: Path) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NetFileError(f"{path}: not a Keras model: its configuration is not JSON") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise NetFileError(f"{path}: not a Keras model: its configuration names no class")
    return config


def _built(config: dict[str, Any], archive: bool) -> Any:
    config = deepcopy(config)  # Keras takes parts out
    if archive:
        return part("keras").saving.deserialize_keras_object(config, safe_mode=True)
    own = part("keras.src.applications.convnext")  # HDF5 files do not say where a class is
    custom_objects = {name: getattr(own, name) for name in KNOWN["applications"]}
    # as load_model does with HDF5
    return part("keras.src.legacy.saving.saving_utils").model_from_config(config, custom_objects)


def _count(weights: list[Any]) -> int:
    return sum(prod(weight.shape) for weight in weights)


def first_line(error: Exception | None) -> str:
    """Return the line of an error's text that says why, or its kind where it has none.

    Keras wraps an error in a configuration of many lines, or in the call of a layer; the layer's class comes before it.
    """
    text = _COLOUR.sub("", str(error))
    wrapped = _WRAPPED.search(text)
    before = f"{wrapped[1] or wrapped[2]}: " if wrapped else ""
    lines = text[wrapped.end() if wrapped else 0 :].splitlines()
    return before + next((line.strip() for line in lines if line.strip()), type(error).__name__)[:300]
