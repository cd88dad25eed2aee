"""A picture as a notebook shows it, and keeps it in its file: not too large."""

from __future__ import annotations

from math import sqrt

from ..picture import Picture
from .image import FORMATS, encode_image
from .page import small

SIDE = 1024  # pixels of the longer side
MOST = 1_000_000  # bytes of a PNG


def as_jpeg(pixels: Picture) -> bytes:
    """Return a JPEG of a picture, as large as a notebook shows it."""
    return bytes(encode_image(small(pixels, SIDE), FORMATS["jpeg"]))


def as_png(pixels: Picture) -> bytes:
    """Return a PNG of a picture, as large as a notebook shows it, or smaller: of at most `MOST` bytes."""
    side = SIDE
    while True:
        shown = small(pixels, side)
        png = bytes(encode_image(shown, FORMATS["png"]))
        if len(png) <= MOST:
            return png
        side = int(max(shown.shape) * min(0.9, sqrt(MOST / len(png))))
