"""A prototxt or a caffemodel becomes a NetParameter, as it stands in the file: `definition` makes a network of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...errors import NetFileError
from ..files import read_bytes
from ..head import Head
from . import caffe_pb2
from .caffemodel import Caffemodel, from_message, read_binary
from .snapshot import read_snapshot
from .text import TextError, parse

MAX_TEXT_BYTES = 16 * 2**20


def read_text(path: str | os.PathLike[str]) -> Any:
    """Read the NetParameter of a prototxt; `NetFileError` with line and column for another text."""
    return parse_text(read_bytes(path, MAX_TEXT_BYTES, "a prototxt"), str(path))


def parse_text(content: bytes, source: str) -> Any:
    """Read the NetParameter that is the text of a prototxt; `NetFileError` as `read_text`."""
    net = caffe_pb2.NetParameter()
    try:
        parse(content, net)
    except TextError as error:
        if error.byte is not None:
            raise NetFileError(
                f"{source}: not a prototxt: byte {error.byte} is not text; is it a caffemodel?"
            ) from error
        raise NetFileError(f"{source}: not a prototxt that Caffe would read: {error}") from error
    return net


def read_model(path: str | os.PathLike[str]) -> Any:
    """Read the NetParameter of a prototxt or a caffemodel, whichever the file is, of the latter without numbers."""
    return open_model(path).net


def open_model(path: str | os.PathLike[str]) -> Caffemodel:
    """Open a prototxt or a caffemodel, which both may have numbers; `NetFileError` for weights alone in HDF5."""
    path = Path(path)
    if holds_text(path):
        return from_message(read_text(path), str(path))
    if path.is_file() and Head.of(path).hdf5:
        raise NetFileError(
            f"{path}: HDF5, which holds weights but no network; name its prototxt, and this file as the weights"
        )
    return read_binary(path)


def open_weights(path: str | os.PathLike[str]) -> Caffemodel:
    """Open a caffemodel, or weights in HDF5."""
    path = Path(path)
    return read_snapshot(path) if path.is_file() and Head.of(path).hdf5 else read_binary(path)


def holds_text(path: Path) -> bool:
    """Return whether a file is a prototxt and not a caffemodel: by its beginning, or else by its name."""
    if path.is_file():
        head = Head.of(path)
        if head.word or head.message == "NetParameter" or head.hdf5:
            return bool(head.word)
        if not head.text:
            return path.name.lower().endswith(".prototxt")
    return not path.name.lower().endswith((".caffemodel", ".h5"))
