"""A network of the user's own goes into the registry as a folder: checked first, copied whole, or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import NetFileError, UnknownNameError, printable
from ..files import (
    check_place,
    file_sha256,
    make_folder,
    open_file,
    write_errors,
    write_text,
    write_whole,
    written_file,
    written_folder,
)
from ..formats import SUFFIXES, InputSpec, format_of, keras
from ..formats.base import Packed
from ..locks import locked
from ..net import ChannelOrder
from ..runtime.geometry import survey
from ..runtime.graph import Graph, takes_pictures
from .load import numbers_of
from .registry import (
    DEFINITION,
    NAME,
    Entry,
    damaged_networks,
    fetched_place,
    find_network,
    networks,
    own_folder,
    read_entry,
)
from .removal import removable


def add_network(
    name: str,
    files: Sequence[str | os.PathLike[str]],
    mean: Sequence[float] | str | os.PathLike[str] | None = None,
    layer: str | None = None,
    title: str | None = None,
    *,
    scale: float | Sequence[float] | None = None,
    channel_order: ChannelOrder | None = None,
    input: str | None = None,
    replace: bool = False,
) -> Entry:
    """Add a network to the registry, so that `load_net` finds it by name.

    Parameters
    ----------
    name : str
        Letters, digits and ``._+-``, 64 at most; not a name that the registry has.
    files : sequence of path
        A prototxt and a caffemodel, in any order, a caffemodel that holds its network, or one of TensorFlow's networks:
        a frozen graph, a Keras model or the folder of a SavedModel, of which the last two are frozen.
    mean, scale, channel_order, input
        As for `load_net`.
    layer : str, optional
        Default layer to dream with.
    title : str, optional
        Title for people. None: the network's own name.
    replace : bool
        Whether it may take the place of a network of the user's own, which goes when the new one is whole.

    Returns
    -------
    Entry
        As `pydream.zoo.registry.find_network` returns it from now on.

    Raises
    ------
    NetFileError
        If the files are no network, or do not belong together, or the registry's folder cannot be written.
    UnknownNameError
        If the network has no such layer.
    ValueError
        If the name or the mean is not valid, or the registry has the name.
    OSError
        If the folder cannot be written to its end.
    """
    _check_name(name, replace)
    target = own_folder() / name
    with write_errors(target, NetFileError):  # before the network is read
        check_place(next(folder for folder in target.absolute().parents if folder.exists()) / ".pydream")
    asked = InputSpec(numbers_of(mean), scale, channel_order, input)
    paths = [_found(keras.model_file(Path(file))) for file in files]
    form = format_of(*paths)
    packed = form.pack(paths, asked)
    _check_input(packed.graph, packed.source)
    _check_layer(packed.graph, layer)

    spec = asked.or_else(packed.spec).or_else(form.DEFAULT_SPEC)
    file = f"{name}{packed.suffix}"
    facts: dict[str, Any] = {
        "name": name,
        "title": " ".join((title or packed.graph.name).split()) or name,
        "weights": file,
        "urls": [],
        "license": "unknown",
        "mean": list(spec.mean or ()),
        "scale": spec.scale,
        "channel_order": spec.channel_order,
        "input": spec.node,
        "default_layer": layer,
        "bundled": False,
    }
    make_folder(target.parent)
    # It fails where another process has put a folder that is not empty.
    with written_folder(target, replace) as temporary:
        _write(packed, temporary, file, facts)
        try:
            read_entry(temporary / "README.md")
        except NetFileError as error:
            raise NetFileError(str(error).replace(str(temporary), str(target))) from error
        if replace and name not in damaged_networks() and target.exists():
            with locked(fetched_place(find_network(name))):  # `BusyError` while it is fetched
                pass
    return read_entry(target / "README.md")


def _write(packed: Packed, folder: Path, file: str, facts: dict[str, Any]) -> None:
    """Write the files of a network, and its facts in a README."""
    copy = folder / file
    if isinstance(packed.weights, bytes):
        write_whole(copy, packed.weights)
    else:
        with open_file(packed.weights) as source, written_file(copy) as there:
            shutil.copyfileobj(source, there, 2**20)
    if packed.definition is not None:
        write_whole(folder / DEFINITION, packed.definition)
    facts = facts | {"size": copy.stat().st_size, "sha256": file_sha256(copy)}
    front = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    write_text(folder / "README.md", f"---\n{front}---\n\n# {printable(facts['title'])}\n")


def _check_name(name: str, replace: bool) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name for a network (expected letters, digits and ._+-, at most 64)")
    if name.lower().endswith(SUFFIXES):
        raise ValueError(f"{name!r} is not a name for a network: it would be taken for a file")
    taken = {entry.name.lower(): entry for entry in networks()}  # some file systems ignore case
    same = taken.get(name.lower())
    if same is not None and not same.own:
        raise ValueError(f"there is a network {same.name!r} already, which comes with pydream; choose another name")
    if replace and (name in damaged_networks() or (same is not None and same.name == name)):
        if others := sorted({*(own_folder() / name).iterdir()}.difference(removable(name))):
            raise ValueError(f"'{others[0]}' was not written by pydream, and would be lost: move it")
        return
    if same is not None:
        way = "--force replaces it" if same.name == name else "choose another name"
        raise ValueError(f"there is a network {same.name!r} already: {way}")
    folder = own_folder() / name
    if folder.exists():
        raise ValueError(f"'{folder}' is there already: choose another name, or delete it first")


def _found(path: Path) -> Path:
    if not path.exists():
        raise UnknownNameError(f"no such file: '{path}'")
    if not stat.S_ISREG(path.stat().st_mode):
        raise NetFileError(f"{path}: not a regular file")
    return path


def _check_input(graph: Graph, source: str) -> None:
    if not takes_pictures(graph.declared[graph.image_input]):
        found = ", ".join(f"{name!r} {shape}" for name, shape in graph.declared.items())
        raise NetFileError(f"{source}: no input of four axes with three channels or one, for a picture, but {found}")


def _check_layer(graph: Graph, layer: str | None) -> None:
    if layer is None:
        return
    if layer not in graph.blobs:
        raise graph.unknown_blob(layer)
    (facts,) = [facts for facts in survey(graph, graph.declared) if facts.name == layer]
    if not facts.dreamable:
        raise UnknownNameError(f"{layer!r} cannot be dreamt with: it passes no gradient back to the picture")
