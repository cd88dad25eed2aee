"""JPEG: whether all of its pixels are there, as libjpeg fills up what is missing, and only warns of it."""

from __future__ import annotations

import io
import re
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from .pillow import load as load_pixels
from .pillow import open_image

_EOI, _SOS = 0xD9, 0xDA
_END = b"\xff\xd9"
# Codes of some pixels; what waits for a restart gets one.
_FILLER = b"".join(b"\x55\x99" * 1000 + bytes([0xFF, 0xD0 + restart]) for restart in range(8))
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2  # start of frame, with Huffman codes
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # within compressed data: neither stuffing nor a restart
_BLOCK = 2**20  # bytes
_TAIL = 16  # bytes at the end of a scan: the last pixel is decoded only with them; some encoders add a few
_LOOKAHEAD = bytes(8)  # libjpeg waits for as many behind those that it needs
_UNDECODED = 1, 254, 3, 254  # a colour that decoding replaces


def is_jpeg(file: BinaryIO) -> bool:
    """Return whether an open file starts as a JPEG does; its position becomes 0."""
    file.seek(0)
    head = file.read(3)
    file.seek(0)
    return head == b"\xff\xd8\xff"


def load(file: BinaryIO) -> tuple[Image.Image, str | None]:
    """Decode the pixels of a JPEG; return what is damaged of them, too."""
    try:
        pixels = find_pixels(file)
    except ValueError:  # a segment that is too short
        pixels = Pixels(None)
    file.seek(0)
    if pixels.cut:
        return _load_cut(file, pixels)
    if pixels.end is None:
        return load_pixels(open_image(file)), None if pixels.complete else "some of its scans are missing"
    watched = Watched(file, pixels.end)
    image = open_image(watched)
    watched.watch(image)
    load_pixels(image)
    return image, watched.damage


def _load_cut(file: BinaryIO, pixels: Pixels) -> tuple[Image.Image, str]:
    """Decode a JPEG that ends within its pixels, of which libjpeg makes the missing ones, and count the rows of those.

    Raises
    ------
    ValueError
        If less than half of the picture is there.
    """
    assert pixels.end is not None
    file.seek(pixels.end - 1)
    filler = b"\0" * (file.read(1) == b"\xff") + _FILLER  # no marker begins in the file and ends here
    image, other = (load_pixels(open_image(_Ended(file, pixels.end, ending + _END))) for ending in (b"", filler))
    rows = np.flatnonzero((np.asarray(image) != np.asarray(other)).reshape(image.height, -1).any(1))
    if pixels.coarse and (len(rows) or not pixels.complete):
        return image, "its last scans are missing, which make it sharp"
    if not len(rows):
        return image, "its last bytes are missing"
    missing = f"the last {image.height - rows[0]} of its {image.height} rows are missing"
    if 2 * rows[0] < image.height:
        raise ValueError(missing)
    return image, missing


class _Ended:
    """A file that goes on with other bytes from a place."""

    def __init__(self, file: BinaryIO, end: int, ending: bytes) -> None:
        self.tell = file.tell
        self._file = file
        self._end = end
        self._ending = self._left = ending
        self.seek(0)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place within the file."""
        self._left = self._ending
        return self._file.seek(place, whence)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes of the file, and then all others at once."""
        if content := self._file.read(max(min(size, self._end - self._file.tell()), 0)):
            return content
        content, self._left = self._left, b""
        return content


class Pixels(NamedTuple):
    """Where the compressed pixels of a JPEG end, if one scan has all of them or the file ends, and what is missing."""

    end: int | None
    complete: bool = True  # not so: scans are missing
    cut: bool = False  # the file ends among them
    coarse: bool = False  # but what is there shows all of the picture


def find_pixels(file: BinaryIO) -> Pixels:
    """Look through a file's markers; what is not understood counts as complete.

    Raises
    ------
    ValueError
        For a segment that is too short.
    """
    file.seek(0)
    file.read(2)  # start of image
    fractions: dict[int, list[int]] = {}  # component → for each coefficient the bits that are still to come; -1: all
    begun: set[int] = set()  # components of which there is something
    sequential = False
    place = file.tell()
    while (marker := _marker(file)) != _EOI:
        size = file.read(2)
        length = int.from_bytes(size, "big") - 2
        segment = file.read(max(length, 0))
        if marker is None or len(size) < 2 or len(segment) < length:
            cut = not file.read(1) and begun == {*fractions} != set()
            return (
                Pixels(place, not any(map(any, fractions.values())), True, _is_coarse(fractions))
                if cut
                else Pixels(None)
            )
        if marker in _FRAMES:
            sequential = marker in _SEQUENTIAL
            if not sequential and marker != _PROGRESSIVE:
                return Pixels(None)
            fractions = {component: [-1] * 64 for component in segment[6::3]}
        elif marker == _SOS:
            first, last, bits = segment[-3:]
            found = [component for component in segment[1:-3:2] if component in fractions]
            begun.update(found)
            coarse = _is_coarse(fractions)
            end = _next_marker(file)
            if end is not None and sequential and len(found) == len(fractions):
                return Pixels(end)
            for component in found:
                fractions[component][first : last + 1] = [bits & 15] * (min(last, 63) + 1 - first)
            if end is None:
                complete = sequential or not any(map(any, fractions.values()))
                return Pixels(file.tell(), complete, True, coarse) if begun == {*fractions} else Pixels(None)
            file.seek(end)
        place = file.tell()
    return Pixels(None, not any(map(any, fractions.values())))


def _is_coarse(fractions: dict[int, list[int]]) -> bool:
    """Return whether the mean of every block of every component is there."""
    return all(bits[0] >= 0 for bits in fractions.values())


def _marker(file: BinaryIO) -> int | None:
    """Read a marker; None if something else is there."""
    if file.read(1) != b"\xff":
        return None
    while (code := file.read(1)) == b"\xff":  # fill bytes
        pass
    return code[0] if code else None


def _next_marker(file: BinaryIO) -> int | None:
    """Return the place of the first marker behind compressed data that begins here; None if there is none."""
    start, kept = file.tell(), b""
    while block := file.read(_BLOCK):
        found = _MARKER.search(kept + block)
        if found:
            return start - len(kept) + found.start()
        start, kept = start + len(block), block[-1:]
    return None


class Watched:
    """A JPEG that is read piece by piece towards the end of its pixels, to see when the last one is decoded.

    libjpeg fills up what is missing where it meets a marker, and skips what is left over: both look well to Pillow.
    """

    def __init__(self, file: BinaryIO, end: int) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file = file
        self._end = end
        self._pixels: Any = None
        self._too_early: bool | None = None  # unknown as long as the data behind is not asked for
        self._too_late: bool | None = None

    def watch(self, image: ImageFile.ImageFile) -> None:
        """Watch the last pixel of a picture that was opened from here, before it is decoded."""
        image.load_prepare()
        self._pixels, self._last = image.im, (image.width - 1, image.height - 1)
        self._undecoded = _UNDECODED[: len(image.getbands())] if image.mode != "L" else _UNDECODED[0]
        self._pixels.putpixel(self._last, self._undecoded)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes."""
        place = self._file.tell()
        if self._pixels is None:
            return self._file.read(size)
        if place < self._end - _TAIL:
            return self._file.read(min(size, self._end - _TAIL - place))
        decoded = self._pixels.getpixel(self._last) != self._undecoded
        if place < self._end:
            self._too_early = decoded
            return self._file.read(self._end - place) + _LOOKAHEAD  # skipped if all pixels are there
        if self._too_late is None:
            self._too_late = not decoded
        return self._file.read(size)

    @property
    def damage(self) -> str | None:
        """What is wrong, once the picture is decoded."""
        if self._too_late:
            return "its last pixels are missing"
        return "there is more data than pixels" if self._too_early is not False else None
