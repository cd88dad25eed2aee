"""TIFF: its kinds of samples. Those that Pillow misreads or does not know are interpreted here, or refused by name."""

from __future__ import annotations

import io
import struct
from itertools import accumulate
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from ...picture import to_pixels
from .depth import high_bytes, lab_to_srgb, to_8_bits

ORIENTATION, SOFTWARE = 0x0112, 0x0131
OURS = "pydream"  # as the software that wrote a file
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
OFFSETS, SAMPLES, ROWS_PER_STRIP, COUNTS, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_EXTRA, FORMAT, _YCBCR_SUBSAMPLING, _ICC_PROFILE = 338, 339, 530, 34675

_WHITE_IS_ZERO, _BLACK_IS_ZERO, RGB, _CMYK, _YCBCR, _LAB = 0, 1, 2, 5, 6, 8
_COLOURS = {0: "grey, white is 0", 1: "grey", 2: "RGB", 3: "a palette", 4: "a mask", 5: "inks", 6: "YCbCr"}
_COLOURS |= {8: "CIELab", 9: "ICC Lab", 10: "ITU Lab", 32803: "a colour filter array", 34892: "linear raw"}
_COLOURS |= {32844: "LogL", 32845: "LogLuv"}
_PLANES = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, RGB: 3, _CMYK: 4, _LAB: 3}  # without extra samples
UNSIGNED, _SIGNED, FLOAT = 1, 2, 3
_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0")  # the last two are not legal, but Pillow's
_LETTERS = {UNSIGNED: "u", _SIGNED: "i", FLOAT: "f"}  # NumPy's
_FORMATS = {UNSIGNED: "unsigned integers", _SIGNED: "signed integers", FLOAT: "floats"}
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha
# Compressions of bytes: what they decode to does not depend on what the bytes mean.
_BYTES = {1: "none", 5: "LZW", 8: "deflate", 32773: "PackBits", 32946: "deflate", 34925: "LZMA", 50000: "Zstandard"}
_PREDICTED = {5, 8, 32946, 34925, 50000}

_BYTES_A_PIXEL = 8  # that `PIL.Image.MAX_IMAGE_PIXELS` allows for, on average


class Kind(NamedTuple):
    """What the samples of a TIFF's first picture are, from its tags."""

    tags: Any
    order: str  # of bytes, "<" or ">"
    width: int
    height: int
    photometric: int
    bits: int  # of each sample; 0: not the same for all
    format: int  # the same
    samples: int  # of a pixel
    extra: tuple[int, ...]  # what those beyond the colours are
    planar: bool
    compression: int
    predictor: int

    @classmethod
    def read(cls, file: BinaryIO) -> Self | None:
        """Read the tags of an open file, and return to its start; None if it is no TIFF, or they are damaged."""
        file.seek(0)
        head = file.read(8)
        if head[:4] not in _HEADS:
            file.seek(0)
            return None
        try:
            tags = TiffImagePlugin.ImageFileDirectory_v2(head + (file.read(8) if b"+" in head[:4] else b""))
            file.seek(tags.next)
            tags.load(file)
            return cls._of(tags, "<" if head.startswith(b"II") else ">")
        except MemoryError:
            raise
        except Exception:  # SyntaxError, struct.error, anything
            return None
        finally:
            file.seek(0)

    @classmethod
    def _of(cls, tags: Any, order: str) -> Self:
        samples = int(tags.get(SAMPLES, 1))
        bits, formats = set(tags.get(BITS, (1,))[:samples]), set(tags.get(FORMAT, (UNSIGNED,))[:samples])
        photometric = int(tags.get(PHOTOMETRIC, _WHITE_IS_ZERO))  # as Pillow does
        undeclared = (_UNASSOCIATED,) if photometric == RGB and samples == 4 else ()  # Pillow again
        compression = int(tags.get(COMPRESSION, 1))
        return cls(
            tags=tags,
            order=order,
            width=int(tags[WIDTH]),
            height=int(tags[HEIGHT]),
            photometric=photometric,
            bits=int(bits.pop()) if len(bits) == 1 else 0,
            format=int(formats.pop()) if len(formats) == 1 else 0,
            samples=samples,
            extra=tuple(tags.get(_EXTRA, undeclared)),
            planar=tags.get(_PLANAR, 1) == 2 and samples > 1,
            compression=compression,
            predictor=int(tags.get(_PREDICTOR, 1)) if compression in _PREDICTED else 1,
        )

    @property
    def profile(self) -> bytes | None:
        """The colour profile of its samples; what becomes sRGB without one has none."""
        content = self.tags.get(_ICC_PROFILE)
        return content if isinstance(content, bytes) and self.photometric != _LAB else None

    @property
    def deep(self) -> bool:
        """Whether its samples are those of `pydream.picture.to_samples`, of more than 8 bits."""
        plain = self.photometric == RGB and self.samples == 3 and not self.planar and self.by_samples
        return plain and (self.format, self.bits) in ((UNSIGNED, 16), (FLOAT, 32))

    @property
    def in_levels(self) -> bool:
        """Whether floats are a dream's: 0..255 is black to white, and what is beyond is clipped."""
        return self.format == FLOAT and self.tags.get(SOFTWARE) == OURS

    @property
    def block(self) -> tuple[int, int]:
        """Width and height of a tile, or of a strip."""
        if _TILE_OFFSETS in self.tags:
            return self.tags[_TILE_WIDTH], self.tags[_TILE_HEIGHT]
        return self.width, min(self.tags.get(ROWS_PER_STRIP, self.height), self.height)

    @property
    def grid(self) -> tuple[int, int]:
        """How many blocks there are across and down, in each plane."""
        width, height = self.block
        if min(width, height, self.width, self.height) < 1:
            raise ValueError(f"it is {self.width}×{self.height} pixels, in blocks of {width}×{height}")
        return -(-self.width // width), -(-self.height // height)

    def check_blocks(self) -> None:
        """Raise `ValueError` where tiles or strips are missing: Pillow leaves their pixels black."""
        across, down = self.grid
        count = across * down * (self.samples if self.planar else 1)
        there = min(len(self.tags.get(tag, range(count))) for tag in (OFFSETS, _TILE_OFFSETS))
        if there < count:
            raise ValueError(f"{there} of {count} tiles or strips are there")

    @property
    def by_pillow(self) -> bool:
        """Return whether Pillow reads this kind right, if it reads it at all."""
        if self.planar and (self.extra or (self.compression in _BYTES and self.photometric in _PLANES)):
            return False
        if self.photometric == _LAB:  # dark colours would differ from the formula by 30
            return False
        if self.photometric == _YCBCR and self.compression == 1:  # Pillow takes them as not subsampled
            return int(sum(self.tags.get(COUNTS, ()))) >= 3 * self.width * self.height
        if self.format != UNSIGNED or (self.bits == 16 and self.compression not in _BYTES):
            return False
        return self.bits <= 8 or (self.bits == 16 and (self.photometric in (RGB, _CMYK) or self._plain_grey))

    @property
    def _plain_grey(self) -> bool:
        return self.photometric == _BLACK_IS_ZERO and self.samples == 1

    @property
    def by_samples(self) -> bool:
        """Return whether `read_samples` reads this kind."""
        if self.compression not in _BYTES or self.samples != _PLANES.get(self.photometric, -9) + len(self.extra):
            return False
        if self.photometric in (_CMYK, _LAB) and any(self.extra):
            return False
        if self.photometric == _WHITE_IS_ZERO and _ASSOCIATED in self.extra:  # with which of the two as 0?
            return False
        if self.format == FLOAT:
            return self.bits in (16, 32, 64) and self.photometric in (_BLACK_IS_ZERO, RGB)
        if self.predictor not in (1, 2):
            return False
        if self.bits == 12:
            return self.format == UNSIGNED and self.samples == self.predictor == 1 and _TILE_OFFSETS not in self.tags
        return (self.format == UNSIGNED and self.bits in (8, 16)) or (self.bits == 32 and self._plain_grey)

    def __str__(self) -> str:
        numbers = _FORMATS.get(self.format, "samples of several kinds")
        colours = _COLOURS.get(self.photometric, f"photometric interpretation {self.photometric}")
        extra = f" and {len(self.extra)} more" if self.extra else ""
        packing = _BYTES.get(self.compression) or TiffImagePlugin.COMPRESSION_INFO.get(self.compression)
        return (
            f"TIFF of {f'{self.bits}-bit ' if self.bits else ''}{numbers}, {colours}{extra}"
            f"{', in planes' * self.planar}, compression {packing or self.compression}"
        )


def is_unknown(file: BinaryIO) -> bool:
    """Return whether an open file starts as a big-endian BigTIFF does, whose tags Pillow cannot read."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    return head == b"MM\0+"


def read_samples(file: BinaryIO, kind: Kind, name: str) -> Image.Image:
    """Read a picture of a kind that `Kind.by_samples` knows; anything may be raised if it is damaged."""
    samples = _samples(file, kind)
    count = _PLANES[kind.photometric]
    planes = [_in_8_bits(samples[..., :count], kind, name)]
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[count]
    alpha = next((place for place, meaning in enumerate(kind.extra) if meaning in (_ASSOCIATED, _UNASSOCIATED)), None)
    if alpha is not None:
        planes.append(_in_8_bits(samples[..., count + alpha, None], kind, name))
        mode += "a" if kind.extra[alpha] == _ASSOCIATED else "A"
    if kind.photometric == _WHITE_IS_ZERO:
        planes[0] = ~planes[0]
    return Image.frombytes(mode, (kind.width, kind.height), np.concatenate(planes, -1).tobytes())


def read_deep(file: BinaryIO, kind: Kind) -> NDArray[Any]:
    """Return the (H, W, 3) samples of a kind that is `Kind.deep`, in the byte order of this machine."""
    samples = _samples(file, kind)
    return samples.astype(samples.dtype.newbyteorder("="))


def _in_8_bits(samples: NDArray[Any], kind: Kind, name: str) -> NDArray[np.uint8]:
    if kind.in_levels:
        return to_pixels(samples, name)
    if kind.photometric == _LAB and samples.shape[-1] == 3:
        lightness = (samples[..., 0] / (2**kind.bits - 1) * 100).astype(np.float32)
        opponent = samples[..., 1:].view(samples.dtype.str.replace("u", "i")).astype(np.float32)
        return lab_to_srgb(lightness, opponent / np.float32(2 ** (kind.bits - 8)))
    if kind.bits == 8:
        return samples
    colour = kind.photometric in (RGB, _CMYK) and kind.format == UNSIGNED
    return high_bytes(samples) if colour else to_8_bits(samples, name)


def _samples(file: BinaryIO, kind: Kind) -> NDArray[Any]:
    """Return the samples as numbers: (height, width, samples)."""
    tags, tiled = kind.tags, _TILE_OFFSETS in kind.tags
    (width, height), (across, down) = kind.block, kind.grid
    rows = down * height if tiled else kind.height
    planes, together = (kind.samples, 1) if kind.planar else (1, kind.samples)
    row = -(-width * together * kind.bits // 8)  # bytes of a block's row
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and max(kind.width * kind.height, rows * across * row * planes // _BYTES_A_PIXEL) > most:
        raise Image.DecompressionBombError
    blocks = _blocks(file, tags, tiled, planes * across * down)
    each = across * down
    found = [
        _rows(blocks[plane * each : (plane + 1) * each], kind, (across * row, rows), (row, height) if tiled else height)
        for plane in range(planes)
    ]
    return np.concatenate([_numbers(plane, kind, width, together) for plane in found], -1)[: kind.height, : kind.width]


def _blocks(file: BinaryIO, tags: Any, tiled: bool, count: int) -> list[bytes]:
    """Return the strips or tiles as they are stored, at most as many bytes as the file has."""
    offsets, counts = (tags[tag] for tag in ((_TILE_OFFSETS, _TILE_COUNTS) if tiled else (OFFSETS, COUNTS)))
    if min(len(offsets), len(counts)) < count:
        raise ValueError(f"{min(len(offsets), len(counts))} of {count} {'tiles' if tiled else 'strips'} are there")
    if sum(counts[:count]) > file.seek(0, io.SEEK_END):
        raise ValueError("its strips have more bytes than the file")
    blocks = []
    for offset, length in zip(offsets[:count], counts, strict=False):
        file.seek(offset)
        blocks.append(file.read(length))
    return blocks


def _rows(
    blocks: list[bytes],
    kind: Kind,
    size: tuple[int, int],  # (bytes of a row, rows)
    block: tuple[int, int] | int,  # a tile's (bytes of a row, rows), or a strip's rows
) -> NDArray[np.uint8]:
    """Return what strips or tiles decode to: a TIFF of grey bytes around them is decoded by Pillow."""
    tags = {WIDTH: [size[0]], HEIGHT: [size[1]], BITS: [8], COMPRESSION: [kind.compression], PHOTOMETRIC: [1]}
    tags |= {_FILL_ORDER: [kind.tags.get(_FILL_ORDER, 1)], SAMPLES: [1]}
    places = list(accumulate(map(len, blocks), initial=8))
    lengths = [len(block) for block in blocks]
    if kind.compression == 1 and sum(lengths) < size[0] * size[1]:  # Pillow would go on behind them
        raise ValueError(f"{sum(lengths)} of {size[0] * size[1]} bytes of its pixels are there")
    if isinstance(block, tuple):
        tags |= {_TILE_WIDTH: [block[0]], _TILE_HEIGHT: [block[1]], _TILE_OFFSETS: places[:-1], _TILE_COUNTS: lengths}
    else:
        tags |= {ROWS_PER_STRIP: [block], OFFSETS: places[:-1], COUNTS: lengths}
    long = struct.Struct("<I")
    entries, more = b"", b""
    behind = places[-1] + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        raw = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            raw, more = long.pack(behind + len(more)), more + raw
        entries += struct.pack("<HHI", tag, 4, len(values)) + raw
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + more
    around = io.BytesIO(b"".join([b"II*\0", long.pack(places[-1]), *blocks, directory]))
    return np.asarray(TiffImagePlugin.TiffImageFile(around))  # not by Image.open, which would count bytes as pixels


def _numbers(rows: NDArray[np.uint8], kind: Kind, width: int, together: int) -> NDArray[Any]:
    """Return rows of bytes as numbers, the predictor's differences summed: (rows, width of all blocks, samples)."""
    if kind.bits == 12:
        return _of_12_bits(rows)[..., None]
    size = kind.bits // 8
    blocks = rows.reshape(len(rows), -1, width * together * size)  # (rows, blocks across, bytes)
    if kind.predictor == 3:  # of the bytes, those of equal weight side by side, the heaviest first
        summed = np.add.accumulate(blocks.reshape(*blocks.shape[:2], -1, together), 2, np.uint8)
        heavy_first = summed.reshape(*blocks.shape[:2], size, -1).swapaxes(2, 3)
        numbers = np.ascontiguousarray(heavy_first).view(f">f{size}")
    else:
        numbers = np.ascontiguousarray(blocks).view(f"{kind.order}u{size}")
        if kind.predictor == 2:
            pixels = numbers.reshape(*blocks.shape[:2], width, together)
            numbers = np.add.accumulate(pixels, 2, numbers.dtype.newbyteorder("="))
        numbers = numbers.view(numbers.dtype.str.replace("u", _LETTERS[kind.format]))
    return numbers.reshape(len(rows), -1, together)


def _of_12_bits(rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return numbers of 12 bits, two in three bytes, as ones of 16 bits."""
    threes = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 3))).reshape(len(rows), -1, 3).astype(np.uint16)
    twelve = np.stack([threes[..., 0] << 4 | threes[..., 1] >> 4, (threes[..., 1] & 15) << 8 | threes[..., 2]], -1)
    return (twelve << 4 | twelve >> 8).astype(np.uint16).reshape(len(rows), -1)
