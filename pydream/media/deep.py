"""(H, W, 3) samples of 16 bits → PNG or TIFF, and of float32 → TIFF: colour files that Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import TiffImagePlugin

from ..picture import Samples
from .decoding import MAKER_NOTE, NOTE_START, PNG_KEYWORD, tiff
from .decoding.png import SIGNATURE
from .resolution import Dpi

_BLOCK = 2**20  # bytes of rows that are compressed at a time
_INCH = 0.0254  # metres
_METRE = 1  # PNG's unit of resolution
_PER_INCH = 2  # TIFF's
_TRUE_COLOURS = (2, 0, 0, 0)  # PNG's colour type, compression, kind of filters, interlacing
_UNDEFINED = 7  # TIFF's type of bytes


def as_png(samples: Samples, note: str | None = None, dpi: Dpi | None = None) -> bytes:
    """Return the PNG of uint16 samples, deflated without filters, which save less than a tenth of a dream."""
    height, width, _ = samples.shape
    chunks = [(b"IHDR", struct.pack(">2I5B", width, height, 16, *_TRUE_COLOURS))]
    if dpi is not None:
        chunks.append((b"pHYs", struct.pack(">2IB", *(round(each / _INCH) for each in dpi), _METRE)))
    if note is not None:
        chunks += [(b"tEXt", f"{key}\0{text}".encode()) for key, text in (("Software", tiff.OURS), (PNG_KEYWORD, note))]
    parts = [SIGNATURE]
    for kind, content in (*chunks, *((b"IDAT", block) for block in _deflated(samples)), (b"IEND", b"")):
        checksum = zlib.crc32(content, zlib.crc32(kind))
        parts += [struct.pack(">I4s", len(content), kind), content, struct.pack(">I", checksum)]
    return b"".join(parts)


def _deflated(samples: Samples) -> Iterator[bytes]:
    """Compress the rows, each behind the number of its filter, 0."""
    compressor = zlib.compressobj()
    step = max(1, _BLOCK // samples[0].nbytes)
    for start in range(0, len(samples), step):
        rows = samples[start : start + step].astype(">u2")
        with_filters = np.pad(rows.reshape(len(rows), -1).view(np.uint8), ((0, 0), (1, 0)))
        if block := compressor.compress(with_filters.tobytes()):
            yield block
    yield compressor.flush()


def as_tiff(samples: Samples, note: str | None = None, dpi: Dpi | None = None) -> bytes:
    """Return the TIFF of uint16 or float32 samples, in one strip that is not compressed."""
    height, width, count = samples.shape
    fields = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    fields[tiff.WIDTH], fields[tiff.HEIGHT], fields[tiff.ROWS_PER_STRIP] = width, height, height
    fields[tiff.SAMPLES], fields[tiff.BITS] = count, (8 * samples.itemsize,) * count
    fields[tiff.FORMAT] = (tiff.FLOAT if samples.dtype.kind == "f" else tiff.UNSIGNED,) * count
    fields[tiff.COMPRESSION], fields[tiff.PHOTOMETRIC] = 1, tiff.RGB
    fields[tiff.OFFSETS], fields[tiff.COUNTS] = 0, samples.nbytes  # the first is counted from the directory's end
    fields[tiff.SOFTWARE] = tiff.OURS
    if dpi is not None:
        fields[TiffImagePlugin.X_RESOLUTION], fields[TiffImagePlugin.Y_RESOLUTION] = dpi
        fields[TiffImagePlugin.RESOLUTION_UNIT] = _PER_INCH
    if note is not None:
        fields.tagtype[MAKER_NOTE] = _UNDEFINED
        fields[MAKER_NOTE] = NOTE_START + note.encode("ascii")
    file = io.BytesIO()
    fields.save(file)
    file.write(samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes())
    return file.getvalue()
