"""The head of a file is what tells its format: its first and last bytes, whatever its name.

No parser runs here: it is signatures, the first fields of a protobuf message, the first word of a text, and the names
in a zip file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..errors import NetFileError
from ..files import open_file, reason

_MOST = 2**14  # bytes read at each end
_HDF5 = b"\x89HDF\r\n\x1a\n"
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}  # wire type -> bytes
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_WORD = re.compile(rb"(?:\s|#[^\n]*(?:\n|\Z))*+([A-Za-z_]\w*)\s*[:{<]")
_OP = re.compile(rb"[A-Za-z0-9_.>]+")
# The names of a zip file's members, in their own headers and in the directory at its end.
_MEMBER = re.compile(rb"PK\x03\x04.{22}(..)..|PK\x01\x02.{24}(..).{16}", re.DOTALL)


class Field(NamedTuple):
    """A field of a protobuf message: its number, and its number or bytes, of which there may be more."""

    number: int
    value: int | bytes


@dataclass(frozen=True)
class Head:
    """The first and the last bytes of a file, and what they say.

    Attributes
    ----------
    name : str
        The file's, in small letters.
    start, end : bytes
    size : int
        Of the file.
    """

    name: str
    start: bytes
    end: bytes
    size: int

    @classmethod
    def of(cls, path: str | os.PathLike[str], noted: bool = True) -> Head:
        """Read the head of a regular file; `NetFileError` for anything else. See `open_file` for `noted`."""
        try:
            with open_file(path, noted) as file:
                start = file.read(_MOST)
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - _MOST))
                return cls(Path(path).name.lower(), start, file.read(_MOST), size)
        except OSError as error:
            raise NetFileError(f"{path}: {reason(error)}") from error

    @cached_property
    def text(self) -> bytes:
        """The beginning of a text of any encoding that has ASCII in it; nothing of what is not text."""
        text = self.start.removeprefix(b"\xef\xbb\xbf")
        return b"" if _CONTROL.search(text) else text

    @cached_property
    def word(self) -> str:
        """The first field's name in the text form of a protobuf message, after comments; nothing for another text."""
        found = _WORD.match(self.text)
        return found[1].decode() if found else ""

    @property
    def hdf5(self) -> bool:
        """Whether it is an HDF5 file, perhaps after bytes of the user's."""
        return any(self.start.startswith(_HDF5, place) for place in (0, 512, 1024, 2048, 4096, 8192))

    @property
    def zipped(self) -> bool:
        """Whether it is a zip file."""
        return self.start.startswith(b"PK\x03\x04")

    @cached_property
    def members(self) -> frozenset[str]:
        """Names in a zip file, of the first and the last members."""
        if not self.zipped:
            return frozenset()
        both = self.start + self.end
        found = ((match.end(), int.from_bytes(match[1] or match[2], "little")) for match in _MEMBER.finditer(both))
        return frozenset(both[end : end + length].decode("utf-8", "replace") for end, length in found)

    @cached_property
    def message(self) -> str:
        """The kind of protobuf message that its first fields are of; nothing for another file."""
        return _kind(list(fields(self.start)))


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a protobuf message up to the end of the data, or up to what is no field."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or at > len(data):
            return
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield Field(number, value)
        elif wire == _BYTES:
            length, at = _varint(data, at)
            yield Field(number, data[at : at + length])
            at += length
        elif wire in _FIXED:
            yield Field(number, 0)
            at += _FIXED[wire]
        else:
            return


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and where it ends; beyond the data if it does not end there."""
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    return value, len(data) + 1


def _kind(found: list[Field]) -> str:
    """Return the kind of message, by numbers and types from the schemas; messages are written in their order."""
    if not found:
        return ""
    first, second, *_ = *found, Field(0, 0)
    if first.number == 1 and isinstance(first.value, bytes):
        if _is_node(first.value):
            return "GraphDef"
        if not _CONTROL.search(first.value) and second.number in (0, 2, 3, 4, 5, 6, 7, 8, 100):
            return "NetParameter"
        return "MetaGraphDef" if second.number == 2 and any(fields(first.value)) else ""
    if first.number in (2, 3, 100) and isinstance(first.value, bytes):
        return "NetParameter" if first.number == 3 or any(fields(first.value)) else ""
    if first.number == 5 and isinstance(first.value, bytes):
        return "BlobProto"
    if first.number == 1:
        return _versioned(second, {field.number: field.value for field in found})
    return ""


def _versioned(second: Field, values: dict[int, int | bytes]) -> str:
    """Return the kind of message that begins with a number."""
    if second.number == 2 and isinstance(second.value, int):
        return "BlobProto"  # num, channels
    if any(number >= 200 for number in values):
        return "CoreML"
    if isinstance(values.get(7), bytes) or isinstance(values.get(8), bytes):
        return "ModelProto"
    if second.number != 2 or not isinstance(second.value, bytes):
        return ""
    if isinstance(values.get(4), int) or _kind(list(fields(_bytes(values.get(3))))) == "BlobProto":
        return "SolverState"
    if not _CONTROL.search(second.value):
        return "ModelProto"  # the producer's name
    return "SavedModel" if next(fields(second.value), Field(0, 0)).number == 1 else ""


def _bytes(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""


def _is_node(data: bytes) -> bool:
    """Return whether a message is a NodeDef: a name and an op come first."""
    name, op, *_ = *fields(data), Field(0, 0), Field(0, 0)
    return (name.number, op.number) == (1, 2) and bool(_OP.fullmatch(_bytes(op.value)))
