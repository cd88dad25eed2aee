"""Vectors are inputs and expected outputs as files, for ports in any language: .npy arrays and a JSON manifest."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, system
from ..errors import PydreamError
from ..files import is_temporary, make_folder, start_of, sync_folder, write_whole
from ..zoo.registry import DEFAULT_NETWORK, find_network
from . import cases
from .case import Case
from .readme import README_TEXT
from .report import Array
from .weights import network_files

MANIFEST = "vectors.json"
NETWORK = "network.json"
README = "README.md"
SCHEMA = "vectors.schema.json"  # of both JSON files
OUTPUT = re.compile(r"\d{3}\.[a-z_]+\.out\.\w+")  # the name of an output, without suffix
_ARRAY = re.compile(r"(\d{3}\.[a-z_]+\.(in|out)\.\w+|network\.\d{3}\.weights\d)\.npy")  # an array's file
_STARTS = {  # of our own files
    README: b"# Vectors for ports\n",
    NETWORK: b'{\n "$schema": "vectors.schema.json",\n "about": "The network: ',
    SCHEMA: b'{\n "$schema": "https://json-schema.org/',
}

_ABOUT = (
    "Each case: run `function` on the arrays `inputs` with `parameters`, and compare with the arrays `outputs`: "
    "|found - expected| / |expected| in L2 is at most `tolerance`, where 0 means the same bits. For float32 ports of "
    "the float64 cases beyond the image side, use `tolerance_float32`. Arrays are C-contiguous .npy files, version "
    "1.0. README.md says what is not obvious."
)


class VectorsError(PydreamError, OSError):
    """The folder has other files in it."""


def write_vectors(folder: str | os.PathLike[str], weights: bool = False) -> list[Path]:
    """Write the vectors, the same bytes at every call on one machine.

    The manifest is the last file, and an older one goes first: a folder without it is not whole.

    Parameters
    ----------
    folder : path
        Made if it does not exist. Earlier vectors in it are replaced.
    weights : bool
        Write the built-in network too: its layers as network.json, its weights as arrays, 5 MB.

    Returns
    -------
    list of Path
        The files, the manifest first; less than 5 MB without the weights.

    Raises
    ------
    VectorsError
        For a folder with other files in it.
    """
    folder = Path(folder)
    make_folder(folder)
    manifest = folder / MANIFEST
    before = [path for path in folder.iterdir() if _is_own(path)]
    if not manifest.exists() and len(before) < sum(not is_temporary(path) for path in folder.iterdir()):
        raise VectorsError(f"'{folder}' is not empty and has no {MANIFEST}; name a new folder")
    files: dict[str, Array] = {}
    entries = []
    for number, case in numbered():
        entry = case._asdict()
        del entry["mistakes"], entry["run"]
        if case.tolerance_float32 is None:
            del entry["tolerance_float32"]
        for ends, way in (("inputs", "in"), ("outputs", "out")):
            entry[ends] = {name: f"{array_name(number, case, way, name)}.npy" for name in entry[ends]}
            files |= zip(entry[ends].values(), getattr(case, ends).values(), strict=True)
        entries.append(entry)
    network = find_network(DEFAULT_NETWORK)
    about = {
        "name": network.name,
        "weights": network.weights,
        "sha256": network.sha256,
        "mean_bgr": list(network.mean),
    }
    texts = {README: README_TEXT, SCHEMA: Path(__file__).with_name(SCHEMA).read_text(encoding="utf-8")}
    if weights:
        about["layers"] = NETWORK
        description, arrays = network_files(DEFAULT_NETWORK)
        texts[NETWORK] = _json({"$schema": SCHEMA, **description})
        files |= arrays
    for old in [manifest, *before]:
        old.unlink(missing_ok=True)
    sync_folder(folder)
    for file, array in files.items():
        # Version 1.0 of the format, whatever NumPy's default is; no object arrays, so no pickle.
        stream = io.BytesIO()  # NumPy would write to a file's descriptor
        np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        _write(folder / file, stream.getbuffer())
    for file, text in texts.items():
        _write(folder / file, text.encode())
    content = {
        "$schema": SCHEMA,
        "about": _ABOUT,
        "format": 1,
        "pydream": __version__,
        "network": about,
        "cases": entries,
    }
    _write(manifest, _json(content).encode())
    return [manifest, *(folder / file for file in (*texts, *files))]


def _write(path: Path, data: bytes | memoryview) -> None:
    """Write a file; a signal waits for the whole of it, which leaves no temporary one."""
    with system.unbroken():
        write_whole(path, data)


def numbered() -> Iterator[tuple[int, Case]]:
    """Yield the cases with their numbers."""
    return enumerate(cases.cases(), start=1)


def array_name(number: int, case: Case, way: str, name: str) -> str:
    """Return the name of an array's file, without suffix."""
    return f"{number:03d}.{case.stage}.{way}.{name}"


def _is_own(path: Path) -> bool:
    """Return whether a file is one of earlier vectors, whose place may be taken."""
    if path.name in _STARTS:
        return start_of(path, 64).startswith(_STARTS[path.name])
    return _ARRAY.fullmatch(path.name) is not None


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
