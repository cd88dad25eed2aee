"""The resolution of a picture in print, which its file may say."""

from __future__ import annotations

import math
from typing import BinaryIO

from ..errors import ImageFileError
from .decoding import exif, open_image, pillow_errors, tiff
from .decoding.png import in_spite_of_metadata

_RANGE = (1, 30_000)  # dpi that every format can store
_SIDEWAYS = range(5, 9)  # EXIF's orientations whose rows are columns

Dpi = tuple[float, float]  # pixels per inch, across and down


def find_dpi(file: BinaryIO) -> Dpi | None:
    """Return the pixels per inch of the picture in an open seekable file, upright; None: it does not say.

    What is damaged, or out of the range that files can store, does not count.
    """
    file.seek(0)
    try:
        with pillow_errors("it"):
            image = in_spite_of_metadata(open_image, file)
            across, down = map(float, image.info["dpi"])
            sideways = exif(image).get(tiff.ORIENTATION) in _SIDEWAYS
    except (ImageFileError, LookupError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not all(math.isfinite(each) and _RANGE[0] <= each <= _RANGE[1] for each in (across, down)):
        return None
    return (down, across) if sideways else (across, down)
