"""A caffemodel is scanned on protobuf's wire: where its numbers are, and the message without them.

So a network of a gigabyte is opened by reading some kilobytes of it. Numbers are read when a layer needs them, as
bytes; they may be packed, as Caffe writes them, or one by one, and come in several pieces, as any message may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import NetFileError
from ..source import Source, read_part

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; groups, 3 and 4, Caffe has none
_WINDOW = 2**16
MOST_FIELDS = 2**18  # of the messages that are looked into: some hundred times as many as the largest networks have
MOST_BYTES = 2**26  # of a caffemodel beside its numbers

# Fields of the messages on the way to numbers: number -> the message there.
_BLOB: dict[int, Any] = {}
_LAYER = {7: _BLOB}
_V0_LAYER = {50: _BLOB}
_V1_LAYER = {1: _V0_LAYER, 6: _BLOB}
_NET = {2: _V1_LAYER, 100: _LAYER}
# Fields of a BlobProto with numbers: data, diff, double_data, double_diff -> the type, and its wire type.
_NUMBERS = {5: ("<f4", _FIXED32), 6: ("<f4", _FIXED32), 8: ("<f8", _FIXED64), 9: ("<f8", _FIXED64)}
DATA, _DOUBLE_DATA = 5, 8


class DamagedError(Exception):
    """The bytes are no message."""


class Piece(NamedTuple):
    """Numbers at equal distances.

    Attributes
    ----------
    at : int
        Place of the first number.
    length : int
    stride : int
        Bytes from one to the next: their size, or more where each has a key before it.
    """

    at: int
    length: int
    stride: int


@dataclass
class Numbers:
    """The numbers of a blob, in a source.

    Attributes
    ----------
    data, double_data : list of Piece
        Where there are doubles, Caffe reads these alone.
    """

    source: Source
    data: list[Piece] = field(default_factory=list)
    double_data: list[Piece] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(piece.length for piece in self._pieces)

    @property
    def _pieces(self) -> list[Piece]:
        return self.double_data or self.data

    def read(self) -> NDArray[Any]:
        """Read them: float64 or float32, as they stand in the file."""
        kind = np.dtype("<f8" if self.double_data else "<f4")
        array = np.empty(len(self), kind)
        done = 0
        for piece in self._pieces:
            part = array[done : done + piece.length]
            if piece.stride == kind.itemsize:
                self.source.fill(piece.at, part.data.cast("B"))
            else:  # the last number has no key behind it
                raw = np.zeros(piece.length * piece.stride, np.uint8)
                self.source.fill(piece.at, raw.data[: (piece.length - 1) * piece.stride + kind.itemsize])
                part[:] = raw.reshape(-1, piece.stride)[:, : kind.itemsize].copy().view(kind)[:, 0]
            done += piece.length
        return array


@dataclass
class LayerNumbers:
    """The numbers of a layer's blobs, in the order of its message.

    Attributes
    ----------
    number : int
        The layer's field in NetParameter: 2 for `layers`, 100 for `layer`.
    blobs, inner : list of Numbers
        `inner` are those of the V0 layer in it.
    """

    number: int
    blobs: list[Numbers] = field(default_factory=list)
    inner: list[Numbers] = field(default_factory=list)


def scan(source: Source) -> tuple[bytes, list[LayerNumbers]]:
    """Return the NetParameter of a source without its numbers, serialised, and where those are.

    Raises
    ------
    NetFileError
        For bytes that are no message, or one with more in it than a network has.
    """
    scanner = _Scanner(source)
    try:
        return scanner.message(0, source.size, _NET), scanner.layers
    except DamagedError as error:
        kind = "not a caffemodel, or cut short or damaged"
        raise NetFileError(f"{source.name}: {kind} ({source.size} bytes; {error})") from error


class _Field(NamedTuple):
    """A field on the wire: its number, its wire type, and where its key, its content and what follows begin."""

    number: int
    kind: int
    key: int
    begin: int
    end: int


class _Scanner:
    """A pass over a source, and the layers that it has found."""

    def __init__(self, source: Source) -> None:
        self.layers: list[LayerNumbers] = []
        self._source = source
        self._window = b""
        self._start = 0  # of the window
        self._fields = 0
        self._kept = 0

    def message(self, at: int, end: int, inside: dict[int, Any]) -> bytes:
        """Return a message without numbers, and note where those are."""
        parts = []
        kept = at  # from here on
        while at < end:
            each = self._field(at, end)
            at = each.end
            if each.kind != _BYTES or each.number not in inside:
                continue
            if inside is _NET:
                self.layers.append(LayerNumbers(each.number))
            if inside[each.number] is _BLOB:
                content = self._blob(each, self.layers[-1].inner if inside is _V0_LAYER else self.layers[-1].blobs)
            else:
                content = self.message(each.begin, each.end, inside[each.number])
            parts += [self._keep(kept, each.key), tag(each.number, len(content)), content]
            kept = each.end
        return b"".join([*parts, self._keep(kept, end)])

    def _blob(self, blob: _Field, found: list[Numbers]) -> bytes:
        """Return a BlobProto without numbers, and note where those are."""
        numbers = Numbers(self._source)
        found.append(numbers)
        parts = []
        at = blob.begin
        while at < blob.end:
            each = self._field(at, blob.end)
            at = each.end
            kind, fixed = _NUMBERS.get(each.number, ("", None))
            size = np.dtype(kind).itemsize if kind else 0
            if each.kind == fixed:  # one by one, each with its key
                piece = Piece(each.begin, self._run(each, blob.end, size), 1 + size)
                at = each.begin + (piece.length - 1) * piece.stride + size
            elif fixed is not None and each.kind == _BYTES:
                if each.begin == each.end:
                    continue
                if (each.end - each.begin) % size:
                    raise DamagedError("a number is cut")
                piece = Piece(each.begin, (each.end - each.begin) // size, size)
            else:
                parts.append(self._keep(each.key, each.end))
                continue
            if each.number == DATA:
                numbers.data.append(piece)
            elif each.number == _DOUBLE_DATA:
                numbers.double_data.append(piece)
        return b"".join(parts)

    def _run(self, first: _Field, end: int, size: int) -> int:
        """Count the numbers from a field on that stand one by one, each with the same key of one byte."""
        stride, most = 1 + size, _WINDOW // (1 + size)
        count, at = 1, first.end
        if first.begin - first.key != 1:
            return count
        key = first.number << 3 | first.kind
        while room := min(most, (end - at) // stride):
            same = np.frombuffer(read_part(self._source, at, room * stride), np.uint8)[::stride] == key
            here = room if same.all() else int(same.argmin())
            count += here
            at += here * stride
            if here < room:
                break
        return count

    def _field(self, at: int, end: int) -> _Field:
        """Read the key of the field at a place, and find its end."""
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise DamagedError(f"more than {MOST_FIELDS} fields")
        key, begin = self._read_varint(at, end)
        kind = key & 7
        if kind == _VARINT:
            _, stop = self._read_varint(begin, end)
        elif kind == _BYTES:
            length, begin = self._read_varint(begin, end)
            stop = begin + length
        elif kind in (_FIXED32, _FIXED64):
            stop = begin + (4 if kind == _FIXED32 else 8)
        else:
            raise DamagedError(f"wire type {kind} at byte {at}")
        if not key >> 3 or stop > end:
            raise DamagedError(f"a field that does not fit at byte {at}")
        return _Field(key >> 3, kind, at, begin, stop)

    def _read_varint(self, at: int, end: int) -> tuple[int, int]:
        """Read a whole number, and return it with the place behind it."""
        if not self._start <= at <= self._start + len(self._window) - 10:  # no whole number is longer
            self._window = read_part(self._source, at, min(_WINDOW, self._source.size - at))
            self._start = at
        value = 0
        for i, byte in enumerate(self._window[at - self._start : min(at + 10, end) - self._start]):
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                return value, at + i + 1
        raise DamagedError(f"a number that does not end at byte {at}")

    def _keep(self, at: int, end: int) -> bytes:
        self._kept += end - at
        if self._kept > MOST_BYTES:
            raise DamagedError(f"more than {MOST_BYTES} bytes beside its numbers")
        return read_part(self._source, at, end - at) if end > at else b""


def tag(field: int, size: int) -> bytes:
    """Return what stands on the wire before a field's content of so many bytes."""
    return _varint(field << 3 | _BYTES) + _varint(size)


def _varint(value: int) -> bytes:
    """Return a whole number as protobuf writes it."""
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def packed(values: NDArray[Any]) -> bytes:
    """Return the field of a BlobProto that holds numbers: `data`, or `double_data` where float32 would round them."""
    single = values.astype("<f4")
    number = DATA if np.array_equal(single, values) else _DOUBLE_DATA
    content = (single if number == DATA else values.astype("<f8")).tobytes()
    return tag(number, len(content)) + content
