"""A network of one's own goes into the registry as a folder: checked first, copied whole, or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from google.protobuf import text_format

from ..errors import NetFileError, ShapeError, UnknownNameError
from ..files import file_sha256, temporary_beside
from ..formats import graphdef
from ..formats.caffe.layers import graph_of
from ..formats.caffe.prototxt import holds_text, read_binary, read_text
from ..formats.caffe.weights import weights_of
from ..formats.keras import GRAPH_FILE
from ..net import ChannelOrder
from ..runtime.geometry import survey
from ..runtime.graph import Graph
from .load import FILES, file_name, frozen_file, holds_graph, usual_channel_order, usual_mean
from .registry import (
    FROZEN,
    NAME,
    Entry,
    check_channel_order,
    check_mean,
    check_scale,
    networks,
    own_folder,
    read_entry,
)


def add_network(
    name: str,
    files: Sequence[str | os.PathLike[str]],
    mean: Sequence[float] | None = None,
    layer: str | None = None,
    title: str | None = None,
    *,
    scale: float | None = None,
    channel_order: ChannelOrder | None = None,
    input: str | None = None,
) -> Entry:
    """Add a network to the registry, so that `load_net` finds it by name.

    Parameters
    ----------
    name : str
        Letters, digits and ``._+-``, 64 at most; none that the registry has.
    files : sequence of path
        A prototxt and a caffemodel, in any order, a caffemodel that holds its network, or one of TensorFlow's networks:
        a frozen graph, a Keras model or the folder of a SavedModel, of which the last two are frozen.
    mean, scale, channel_order, input
        As for `load_net`.
    layer : str, optional
        To dream with where none is named.
    title : str, optional
        For people. None: what the network calls itself.

    Returns
    -------
    Entry
        As `pydream.zoo.registry.find_network` gives it from now on.

    Raises
    ------
    NetFileError
        If the files are no network, or do not belong together.
    UnknownNameError
        If the network has no such layer.
    ValueError
        If the name or the mean cannot be.
    OSError
        If it cannot be written.
    """
    _check_name(name)
    paths = [path / GRAPH_FILE if (path / GRAPH_FILE).is_file() else path for path in map(Path, files)]
    frozen = any(map(holds_graph, paths))
    if frozen and len(paths) > 1:
        raise ValueError(f"{len(paths)} files; a frozen graph is a whole network, and goes without other files")
    if not frozen and (input is not None or scale is not None):
        raise ValueError("scale and input are for frozen TensorFlow graphs")
    text, weights = (None, _found(paths[0])) if frozen else _sorted(paths)
    held, node = frozen_file(weights) if frozen else (weights, None)
    graph = graphdef.read(held, input or node, name=file_name(weights))[0] if frozen else _checked(text, weights)
    _check_input(graph, str(text or weights))
    _check_layer(graph, layer)

    title = " ".join((title or graph.name).split()) or name
    file = f"{name}{FROZEN if frozen else '.caffemodel'}"
    facts: dict[str, Any] = {
        "name": name,
        "title": title,
        "weights": file,
        "urls": [],
        "license": "unknown",
        "mean": list(check_mean(usual_mean(text or weights) if mean is None else mean)),
        "scale": check_scale(1.0 if scale is None else scale),
        "channel_order": check_channel_order(
            usual_channel_order(text or weights) if channel_order is None else channel_order
        ),
        "input": input,
        "default_layer": layer,
        "bundled": False,
    }
    target = own_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    making = temporary_beside(target)
    making.mkdir()
    try:
        copy = making / file
        if isinstance(held, bytes):
            copy.write_bytes(held)
        else:
            shutil.copyfile(held, copy)
        if text is not None:
            shutil.copyfile(text, making / "deploy.prototxt")
        elif not frozen:
            (making / "deploy.prototxt").write_text(_without_weights(read_binary(weights)), encoding="utf-8")
            graph_of(read_text(making / "deploy.prototxt"), str(weights))
        facts |= {"size": copy.stat().st_size, "sha256": file_sha256(copy)}
        front = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
        (making / "README.md").write_text(
            f"---\n{front}---\n\n# {' '.join(facts['title'].split())}\n", encoding="utf-8"
        )
        read_entry(making / "README.md")
        making.rename(target)  # fails where another process has put a folder that is not empty
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return read_entry(target / "README.md")


def _checked(text: Path | None, weights: Path) -> Graph:
    """Read a network of Caffe's whole, weights and all."""
    held = read_binary(weights)
    graph = graph_of(held if text is None else read_text(text), str(text or weights))
    weights_of(held, graph.params, np.dtype(np.float32), str(weights))
    return graph


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a network: want letters, digits and ._+-, at most 64")
    if name.lower().endswith(FILES):
        raise ValueError(f"{name!r} is no name for a network: it would be taken for a file")
    taken = {entry.name.lower(): entry for entry in networks()}  # some disks do not tell A from a
    same = taken.get(name.lower())
    if same is not None and not same.own:
        raise ValueError(f"there is a network {same.name!r} already, which comes with pydream; choose another name")
    if same is not None or (own_folder() / name).exists():
        folder = same.folder if same else own_folder() / name
        raise ValueError(f"there is a network {folder.name!r} already: choose another name, or delete '{folder}' first")


def _sorted(files: Sequence[str | os.PathLike[str]]) -> tuple[Path | None, Path]:
    """Give the prototxt, if there is one, and the caffemodel."""
    paths = [_found(file) for file in files]
    texts = [path for path in paths if holds_text(path)]
    binaries = [path for path in paths if path not in texts]
    if len(binaries) != 1 or len(texts) > 1:
        raise ValueError(
            f"{len(texts)} prototxt and {len(binaries)} caffemodel files; want one of each, or a caffemodel alone"
        )
    return (texts[0] if texts else None), binaries[0]


def _found(file: str | os.PathLike[str]) -> Path:
    path = Path(file)
    if not path.exists():
        raise UnknownNameError(f"no such file: '{path}'")
    if not stat.S_ISREG(path.stat().st_mode):
        raise NetFileError(f"{path}: no regular file")
    return path


def _check_input(graph: Graph, source: str) -> None:
    shape = graph.declared.get("data", ())
    if len(shape) != 4 or shape[1] != 3:
        raise NetFileError(f"{source}: no input 'data' of three channels; a picture has nowhere to go in")


def _check_layer(graph: Graph, layer: str | None) -> None:
    if layer is None:
        return
    if layer not in graph.blobs:
        raise graph.unknown_blob(layer)
    (facts,) = [facts for facts in survey(graph, graph.declared) if facts.name == layer]
    if isinstance(facts.shape, ShapeError):
        raise facts.shape
    if not facts.dreamable:
        raise UnknownNameError(f"{layer!r} cannot be dreamt with: no gradient gets from it to the picture")


def _without_weights(model: Any) -> str:
    """Give the prototxt of a caffemodel that holds its network; its message has no numbers afterwards."""
    for layer in (*model.layer, *model.layers):
        layer.ClearField("blobs")
    return str(text_format.MessageToString(model))
