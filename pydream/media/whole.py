"""A picture file → its note, its size, and whether it is whole; a PNG is not decoded, as its checksums say enough."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ..errors import ImageFileError
from ..files import is_blank, open_file, reason
from ..picture import Samples
from .decoding import decode, decode_deep, find_note, png
from .image import LONGEST_NOTE

_NOTE = png.KEYWORD.encode() + b"\0"
_LONGEST = len(_NOTE) + LONGEST_NOTE  # bytes of its chunk


class FileFacts(NamedTuple):
    """What a picture file is, as far as that was looked at.

    Attributes
    ----------
    note : str or None
        What `write_image` stored in it; it can be there in a damaged file too.
    size : (height, width) or None
    damage : str or None
        What is wrong with it; None: it is whole.
    blank : bool
        Nothing is lost with it: it has no bytes but zeros, or ends before its pixels.
    pixels : (H, W, 3) array or None
        Of a TIFF, which keeps them as they were written: uint8, uint16 or float32.
    """

    note: str | None = None
    size: tuple[int, ...] | None = None
    damage: str | None = None
    blank: bool = False
    pixels: Samples | None = None


def look_at(path: str | os.PathLike[str], thoroughly: bool = True) -> FileFacts | None:
    """Return what a picture file is; None if there is no such file.

    A PNG is whole if all its chunks have their checksums and nothing comes after the last: cut files, blocks that a
    disk lost and flipped bits are found without decoding it. Other formats have no checksums: they are decoded, and end
    where they say that they do.

    Parameters
    ----------
    path : path-like
    thoroughly : bool
        False: only for the note, and whether it is blank; the pixels are not looked at.
    """
    path = Path(path)
    try:
        with open_file(path) as file:
            if png.is_png(file):
                return _look_at_png(file, thoroughly)
            start = file.read(8)
            if not start.strip(b"\0") and is_blank(path):
                return FileFacts(damage="it is empty", blank=True)
            return _look_at_other(path, file, start, thoroughly)
    except FileNotFoundError:
        return None
    except OSError as error:
        return FileFacts(damage=reason(error))


def _look_at_png(file: BinaryIO, thoroughly: bool) -> FileFacts:
    """Go through the chunks."""
    note = size = None
    has_pixels = False
    end = file.seek(0, os.SEEK_END)
    for kind, start, length in png.chunks(file):
        if kind == b"IDAT":
            has_pixels = True
            if not thoroughly:
                return FileFacts(note, size)
        behind = start + length + 4
        if not png.is_right(file, kind, start, length):
            if behind > end:
                break
            return FileFacts(note, size, "a checksum is wrong")
        file.seek(start)
        if kind == b"IHDR" and length == 13:
            width, height = struct.unpack(">II", file.read(8))
            size = (height, width)
        elif kind == b"tEXt" and length <= _LONGEST and (text := file.read(length)).startswith(_NOTE):
            note = text.removeprefix(_NOTE).decode("latin-1")
        elif kind == b"IEND":
            whole = has_pixels and behind == end
            return FileFacts(note, size, None if whole else "it does not end where it says")
    # A wrong length leads anywhere.
    file.seek(0)
    blank = end < 2 * _LONGEST and b"IDAT" not in file.read()
    return FileFacts(note, size, "it is cut short", blank)


def _look_at_other(path: Path, file: BinaryIO, start: bytes, thoroughly: bool) -> FileFacts:
    """Read the note, and decode it."""
    note = None
    try:
        file.seek(0)
        note = find_note(file, str(path))
        if not thoroughly:
            return FileFacts(note)
        file.seek(0)
        image, damage, _ = decode(file, str(path))
    except ImageFileError as error:
        return FileFacts(note, damage=str(error))
    if damage is None and not _ends(file, start):
        damage = "it does not end where it says"
    pixels = None
    if start[:2] in (b"II", b"MM"):
        deep = decode_deep(file, str(path))
        pixels = np.array(image, np.uint8) if deep is None else deep
    return FileFacts(note, image.size[::-1], damage, pixels=pixels)


def _ends(file: BinaryIO, start: bytes) -> bool:
    """Return whether a JPEG has its last marker at its end, and a WebP its length; others were decoded to theirs."""
    length = file.seek(0, os.SEEK_END)
    if start.startswith(b"\xff\xd8"):
        file.seek(-2, os.SEEK_END)
        return file.read() == b"\xff\xd9"
    return not start.startswith(b"RIFF") or length == 8 + int.from_bytes(start[4:8], "little")
