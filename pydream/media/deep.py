"""(H, W, 3) samples of 16 bits or float32 → TIFF: colour files that Pillow does not write."""

from __future__ import annotations

import io

from PIL import TiffImagePlugin

from ..picture import Samples
from .decoding import MAKER_NOTE, NOTE_START, tiff
from .resolution import Dpi

_PER_INCH = 2  # TIFF's
_UNDEFINED = 7  # TIFF's type of bytes


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
