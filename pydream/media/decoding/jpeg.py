"""JPEG: whether all of its pixels are there, as libjpeg fills up what is missing, and only warns of it."""

from __future__ import annotations

import re
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, ImageFile

from .pillow import load as load_pixels
from .pillow import open_image

_EOI, _SOS = 0xD9, 0xDA
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
        end, complete = find_pixels(file)
    except ValueError:  # a segment that is too short
        end, complete = None, True
    file.seek(0)
    if end is None:
        return load_pixels(open_image(file)), None if complete else "some of its scans are missing"
    watched = Watched(file, end)
    image = open_image(watched)
    watched.watch(image)
    load_pixels(image)
    return image, watched.damage


class Pixels(NamedTuple):
    """Where the compressed pixels of a JPEG end, if one scan has all of them; whether scans are missing, if not."""

    end: int | None
    complete: bool = True


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
    sequential = False
    while (marker := _marker(file)) != _EOI:
        if marker is None:
            return Pixels(None)
        length = int.from_bytes(file.read(2), "big") - 2
        segment = file.read(max(length, 0))
        if marker in _FRAMES:
            sequential = marker in _SEQUENTIAL
            if not sequential and marker != _PROGRESSIVE:
                return Pixels(None)
            fractions = {component: [-1] * 64 for component in segment[6::3]}
        elif marker == _SOS:
            first, last, bits = segment[-3:]
            found = [fractions[component] for component in segment[1:-3:2] if component in fractions]
            end = _next_marker(file)
            if end is None:
                return Pixels(None)
            if sequential and len(found) == len(fractions):
                return Pixels(end)
            for component in found:
                component[first : last + 1] = [bits & 15] * (min(last, 63) + 1 - first)
            file.seek(end)
    return Pixels(None, not any(map(any, fractions.values())))


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
