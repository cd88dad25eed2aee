"""PNG: chunks that are not needed do no harm, transparent colours of any depth, checksums of pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import pillow
from .profiles import LONGEST_PROFILE

KEYWORD = "pydream"  # the keyword of the text chunk that `write_image` stores a note in
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_USED = (b"tRNS", b"eXIf")  # and of texts these:
_TEXTS = {b"tEXt": KEYWORD.encode() + b"\0", b"iTXt": b"XML:com.adobe.xmp\0\0"}  # not compressed
_LONGEST = 2**20  # bytes of such a chunk
_BLOCK = 2**20  # bytes

Result = TypeVar("Result")


def in_spite_of_metadata(use: Callable[[BinaryIO], Result], file: BinaryIO) -> Result:
    """Return what `use` makes of a picture file; of a PNG that it refuses, what it makes of its needed chunks alone."""
    try:
        return use(file)
    except MemoryError:
        raise
    except Exception:
        if not is_png(file):
            raise
        return use(_needed(file))


def is_png(file: BinaryIO) -> bool:
    """Return whether an open file starts as a PNG does; its position becomes 0."""
    file.seek(0)
    head = file.read(len(SIGNATURE))
    file.seek(0)
    return head == SIGNATURE


class _Within:
    """An open file that makes room for no more bytes than it has, whatever length a chunk claims."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._read = file.read
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes."""
        return self._read(max(min(size, self._size - self.tell()), 0))


def load(file: BinaryIO) -> Image.Image:
    """Decode the pixels of a PNG, with the transparent colour at the depth of its pixels."""
    image = pillow.open_image(_Within(file))
    transparent = image.info.get("transparency")
    if image.mode in ("L", "RGB") and transparent is not None:
        raw = image.tile[0][3]
        if raw == "RGB;16B":
            return _deep_with_transparent(file, image, transparent)
        most = {"L;2": 3, "L;4": 15}.get(str(raw), 255)
        at_8_bits = np.bitwise_and(transparent, most) * (255 // most)
        image.info["transparency"] = int(at_8_bits) if image.mode == "L" else tuple(map(int, at_8_bits))
    return pillow.load(image)


def _deep_with_transparent(file: BinaryIO, high: Image.Image, transparent: tuple[int, ...]) -> Image.Image:
    """Decode 16-bit colours of which one is transparent: to 8 bits others may be equal to it."""
    deep = _of_16_bits(file, high)
    high.info.pop("transparency")
    high.putalpha(Image.fromarray(np.where((deep == transparent).all(-1), 0, 255).astype(np.uint8)))
    return high


def _of_16_bits(file: BinaryIO, high: Image.Image) -> NDArray[np.uint16]:
    """Return 16-bit colours of an opened picture; Pillow decodes one byte of each at a time."""
    pillow.load(high)
    file.seek(0)
    low = pillow.open_image(file)
    low.tile = [(*low.tile[0][:3], "RGB;16L")]  # type: ignore[list-item]  # the other byte of each sample
    pillow.load(low)
    samples: NDArray[np.uint16] = np.asarray(high).astype(np.uint16) << 8 | np.asarray(low)
    return samples


def read_deep(file: BinaryIO) -> NDArray[np.uint16] | None:
    """Return the (H, W, 3) samples of 16-bit colours; None where there are others."""
    image = pillow.open_image(_Within(file))
    return _of_16_bits(file, image) if image.tile[0][3] == "RGB;16B" else None


def damage(file: BinaryIO) -> str | None:
    """Return which part of the picture has a wrong checksum; None if none has."""
    for kind, start, length in chunks(file):
        if kind in (b"IDAT", b"tRNS") and not is_right(file, kind, start, length):
            return f"the checksum of its {'pixels' if kind == b'IDAT' else 'transparent colours'} is wrong or missing"
    return None


def profile(file: BinaryIO) -> bytes | None:
    """Return the colour profile, of which no more is decompressed than a profile may have; None if there is none."""
    for kind, start, length in chunks(file):
        if kind in (b"PLTE", b"IDAT"):
            return None
        if kind == b"iCCP":
            if not is_right(file, kind, start, length):
                return b"?"  # which is none, and said to be ignored
            file.seek(start)
            compressed = file.read(min(length, 2 * LONGEST_PROFILE)).partition(b"\0")[2][1:]
            try:
                return zlib.decompressobj().decompress(compressed, LONGEST_PROFILE + 1)
            except zlib.error:
                return b"?"
    return None


def _needed(file: BinaryIO) -> BinaryIO:
    """Return a copy without the chunks that decide nothing, are too long or have a wrong checksum."""
    kept = io.BytesIO(SIGNATURE)
    kept.seek(0, io.SEEK_END)
    for kind, start, length in chunks(file):
        if kind not in _CRITICAL:
            if length > _LONGEST or not is_right(file, kind, start, length):
                continue
            file.seek(start)
            if kind not in _USED and not (kind in _TEXTS and file.read(length).startswith(_TEXTS[kind])):
                continue
        file.seek(start - 8)
        kept.write(file.read(8 + length + 4))
    kept.seek(0)
    return kept


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield a PNG's chunks: kind, place and length of their data, of the last one as far as the file goes."""
    size = file.seek(0, io.SEEK_END)
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        start = file.tell()
        yield kind, start, min(length, size - start)
        file.seek(start + length + 4)


def is_right(file: BinaryIO, kind: bytes, start: int, length: int) -> bool:
    """Return whether a chunk has its checksum."""
    file.seek(start)
    checksum = zlib.crc32(kind)
    while length and (block := file.read(min(length, _BLOCK))):
        checksum = zlib.crc32(block, checksum)
        length -= len(block)
    return file.read(4) == checksum.to_bytes(4, "big")
