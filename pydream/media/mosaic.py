"""A mosaic is a picture with small ones laid over it, each around a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..picture import Picture
from .sheet import check_pixels

_FAINT = 0.25  # what is left of the picture's contrast to white


class Piece(NamedTuple):
    """A small picture, the place of its middle, (y, x) in pixels of the mosaic, and its side there."""

    picture: Picture
    middle: tuple[float, float]
    side: float


def mosaic(picture: Picture, size: tuple[int, int], pieces: Iterable[Piece]) -> Picture:
    """Lay pieces over a picture, which is enlarged to (height, width) `size` and made faint; `ShapeError` if too large.

    A later piece lies over those before; what would lie outside is cut off.
    """
    check_pixels(size[0] * size[1], f"{size[1]}×{size[0]}", "mosaic")
    faint = 255 - (255 - np.float32(picture)) * np.float32(_FAINT)
    ground = Image.fromarray(np.uint8(faint.round())).resize(size[::-1], Image.Resampling.BICUBIC)
    for piece in pieces:
        side = max(1, round(piece.side))
        y, x = (round(middle - side / 2) for middle in piece.middle)
        ground.paste(_scaled(piece.picture, side), (x, y))
    return np.asarray(ground)


def _scaled(picture: Picture, side: int) -> Image.Image:
    image = Image.fromarray(picture)
    return image if image.size == (side, side) else image.resize((side, side), Image.Resampling.LANCZOS)
