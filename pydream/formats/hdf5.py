"""The numbers of an HDF5 file are found by a reader of its simplest form, the one that Caffe writes.

Groups are symbol tables, numbers stand in one piece, and nothing is compressed (superblocks 0 and 1, object headers 1
of the HDF5 File Format Specification). HDF5's own library is C code that a stranger's file can break; this one follows
no link out of the file, and counts what it looks at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import NetFileError
from .source import Source, read_part

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_LOOKS = 2**18  # headers with their messages, tables with their entries: ten times as many as in large networks
MOST_NESTED = 16
_LONGEST_NAME = 1024
_LONGEST_HEADER = 2**16
_MOST_AXES = 32

# Messages of an object header.
_SPACE, _LINKS, _TYPE, _FILES, _LAYOUT, _FILTERS, _CONTINUED, _TABLE = 1, 2, 3, 7, 8, 11, 16, 17
_SHARED = 2  # a flag: the message is elsewhere
_SOFT_LINK = 2  # in a symbol table
# Floats of IEEE 754, little-endian: bit offset, precision, exponent's place and size, mantissa's, exponent's bias.
_FLOATS = {
    4: struct.pack("<HHBBBBI", 0, 32, 23, 8, 0, 23, 127),
    8: struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023),
}


class Dataset(NamedTuple):
    """Numbers in a file.

    Attributes
    ----------
    shape : tuple of int
    at : int
        Place of the first.
    size : int
        Bytes of one: 4 or 8, little-endian.
    """

    shape: tuple[int, ...]
    at: int
    size: int


class _Error(Exception):
    """What is not as it should be."""


def datasets(source: Source) -> Iterator[tuple[tuple[str, ...], Dataset]]:
    """Yield every dataset with the names of its groups and its own.

    Raises
    ------
    NetFileError
        For a file that is damaged, or of another form than Caffe writes.
    """
    try:
        yield from _Reader(source).all()
    except (_Error, struct.error) as error:
        raise NetFileError(f"{source.name}: damaged, or not HDF5 as Caffe writes it: {error}") from error


class _Reader:
    """A file, and how much of it has been looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._looks = 0

    def all(self) -> Iterator[tuple[tuple[str, ...], Dataset]]:
        """Yield the datasets of the root group."""
        head = self._read(0, 64)
        version = head[8]
        if head[:8] != SIGNATURE or version > 1 or head[13:15] != b"\x08\x08":
            raise _Error(f"superblock {version} with sizes of {head[13]} and {head[14]} bytes")
        more = 4 * version  # version 1 has one more field
        (base,) = struct.unpack_from("<Q", head, 24 + more)
        if base:
            raise _Error(f"it begins at byte {base}")
        _, root = struct.unpack("<QQ", self._read(56 + more, 16))
        yield from self._object((), root)

    def _object(self, names: tuple[str, ...], address: int) -> Iterator[tuple[tuple[str, ...], Dataset]]:
        if len(names) > MOST_NESTED:
            raise _Error(f"more than {MOST_NESTED} groups inside each other")
        messages = self._messages(address)
        if _TABLE in messages:
            tree, heap = struct.unpack_from("<QQ", messages[_TABLE])
            place = self._read(heap, 32)
            if place[:4] != b"HEAP":
                raise _Error("a group without names")
            (texts,) = struct.unpack_from("<Q", place, 24)
            for name, member in self._members(tree, texts):
                yield from self._object((*names, name), member)
        elif _LINKS in messages:
            raise _Error(f"the group {'/'.join(names)!r} is of HDF5 1.8's form")
        elif _LAYOUT in messages:
            yield names, self._dataset("/".join(names), messages)

    def _members(self, tree: int, texts: int) -> Iterator[tuple[str, int]]:
        """Yield the names and the addresses of a group's members, from its B-tree."""
        nodes = [tree]
        while nodes:
            address = nodes.pop()
            kind = self._read(address, 8)
            (used,) = struct.unpack_from("<H", kind, 6)
            self._count(1 + used)  # a table may list itself
            if kind[:4] == b"TREE" and kind[4] == 0:
                entries = self._read(address + 24, 16 * used)
                nodes += [child for _, child in struct.iter_unpack("<QQ", entries)][::-1]
            elif kind[:4] == b"SNOD":
                for name, member, cached, _, _ in struct.iter_unpack("<QQII16s", self._read(address + 8, 40 * used)):
                    if cached != _SOFT_LINK:  # where it leads, its target is found too
                        yield self._name(texts + name), member
            else:
                raise _Error("a group whose table is damaged")

    def _name(self, address: int) -> str:
        raw = self._read(address, min(_LONGEST_NAME, max(self._source.size - address, 1)))
        name, zero, _ = raw.partition(b"\0")
        try:
            text = name.decode()
        except UnicodeDecodeError as error:
            raise _Error("a name in it is not text") from error
        if not zero:
            raise _Error("a name that does not end")
        return text

    def _messages(self, address: int) -> dict[int, bytes]:
        """Return the messages of an object header by their type; of one type the first."""
        head = self._read(address, 16)
        version, _, count, _, size = struct.unpack_from("<BBHII", head)
        if version != 1:
            raise _Error(f"object header {version}")
        self._count(1 + count)
        found: dict[int, bytes] = {}
        blocks = [(address + 16, size)]
        while blocks and count:
            start, length = blocks.pop(0)
            if length > _LONGEST_HEADER:
                raise _Error(f"an object header of {length} bytes")
            block, at = self._read(start, length), 0
            while at + 8 <= length and count:
                kind, size, flags = struct.unpack_from("<HHB", block, at)
                content = block[at + 8 : at + 8 + size]
                at, count = at + 8 + size, count - 1
                if kind == _CONTINUED:
                    blocks.append(struct.unpack_from("<QQ", content))
                elif flags & _SHARED and kind in (_SPACE, _TYPE, _LAYOUT, _FILTERS):
                    raise _Error("an object that shares its description")
                else:
                    found.setdefault(kind, content)
        return found

    def _dataset(self, name: str, messages: dict[int, bytes]) -> Dataset:
        kind, layout = messages.get(_TYPE, b""), messages[_LAYOUT]
        (size,) = struct.unpack_from("<I", kind, 4)
        if kind[0] & 15 != 1 or kind[1] & 65 or kind[8:20] != _FLOATS.get(size):
            raise _Error(f"{name!r} has no little-endian floats")
        if messages.keys() & {_FILES, _FILTERS} or layout[:2] != b"\x03\x01":
            raise _Error(f"{name!r} is compressed, in pieces, or in another file")
        shape = _shape(messages.get(_SPACE, b""))
        at, length = struct.unpack_from("<QQ", layout, 2)
        count = size
        for axis in shape:
            count *= axis
        if count and (length < count or at + count > self._source.size):
            raise _Error(f"{name!r} is cut short")
        return Dataset(shape, at if count else 0, size)

    def _count(self, looks: int) -> None:
        """Count what is about to be looked at, before memory or time is spent on it."""
        self._looks += looks
        if self._looks > MOST_LOOKS:
            raise _Error(f"more than {MOST_LOOKS} messages and entries")

    def _read(self, at: int, count: int) -> bytes:
        if at + count > self._source.size:
            raise _Error(f"it ends before byte {at + count}")
        return read_part(self._source, at, count)


def _shape(space: bytes) -> tuple[int, ...]:
    version, axes, _, kind = struct.unpack_from("<BBBB", space)
    if version not in (1, 2) or axes > _MOST_AXES or (version == 2 and kind > 1):
        raise _Error(f"a dataspace {version} of {axes} axes")
    return struct.unpack_from(f"<{axes}Q", space, 8 if version == 1 else 4)
