"""What pydream put on the disk for a network is removed, and nothing else: fetched weights, a network of one's own."""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from pathlib import Path

from ..files import clear_dead, sync_folder
from ..locks import locked
from .check import record_of
from .registry import DEFINITION, Entry, damaged_networks, fetched_place, find_network, own_folder


def removable(name: str) -> list[Path]:
    """Return the files that pydream put on the disk for a network, in the order to remove them.

    The last of one of the user's own is that which names it: where a file cannot be removed, it can be tried again.

    Parameters
    ----------
    name : str
        Of one of the user's own networks, which may be damaged, or of one whose weights were fetched.

    Returns
    -------
    list of Path
        Empty: there are none. Files that are in folders of ``PYDREAM_MODELS``, and copies that were put there by hand,
        are the user's.

    Raises
    ------
    UnknownNameError
        For a name that the registry does not have.
    ValueError
        For the network that comes with pydream.
    """
    if name in damaged_networks():
        folder = own_folder() / name
        return _there([folder / DEFINITION, *sorted(folder.glob(f"{name}.*")), folder / "README.md"])
    entry = find_network(name)
    if entry.bundled:
        raise ValueError(f"{name} comes with pydream and stays; what was fetched or added can be removed")
    target = fetched_place(entry)
    weights = [*_parts(entry, target), record_of(target), target]
    return _there([entry.folder / DEFINITION, *weights, entry.folder / "README.md"] if entry.own else weights)


def remove_network(name: str) -> list[Path]:
    """Remove what `removable` lists, and the folder of one of the user's own networks if nothing else is in it.

    Returns
    -------
    list of Path
        What was removed.

    Raises
    ------
    BusyError
        If another process is fetching it.
    OSError
        If a file cannot be removed.
    """
    if not removable(name):
        return []
    folder, removed = own_folder() / name, []
    entry = None if name in damaged_networks() else find_network(name)
    with nullcontext() if entry is None else locked(fetched_place(entry)):
        for file in removable(name):
            file.unlink()
            removed.append(file)
    for parent in {file.parent for file in removed}:
        clear_dead(parent)
        sync_folder(parent)
    if entry is None or entry.own:
        with suppress(OSError):  # something else is in it
            folder.rmdir()
            removed.append(folder)
    return removed


def _parts(entry: Entry, target: Path) -> list[Path]:
    names = [entry.weights, f"{entry.weights}.layers", *(copy.name for copy in entry.copies)]
    names += [entry.archive.name] if entry.archive else []
    return [target.with_name(f"{name}.part") for name in dict.fromkeys(names)]


def _there(files: list[Path]) -> list[Path]:
    return [file for file in dict.fromkeys(files) if os.path.lexists(file) and (file.is_symlink() or file.is_file())]
