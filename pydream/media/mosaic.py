"""A mosaic is a picture with small ones laid over it, each around a place; a wash is one with colours over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from colorsys import hsv_to_rgb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..picture import Picture, grey
from .sheet import check_pixels

_FAINT = 0.25  # what is left of the picture's contrast to white
_DARK = 0.35  # how bright white is under a wash


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


def wash(
    picture: Picture, weights: NDArray[np.float64], middles: Sequence[NDArray[np.float64]], first: int, of: int
) -> Picture:
    """Colour a picture, made grey and dark, where weights are large: one hue for each map.

    Parameters
    ----------
    picture : (h, w, 3) array
    weights : (n, rows, columns) array
        Maps, 0..1: 1 is the full colour.
    middles : (rows,) array, (columns,) array
        The places of the weights, in pixels; between them they are interpolated.
    first, of : int
        The first map's hue, counted from 0, and how many hues there are.
    """
    height, width = picture.shape[:2]
    red, green, blue = (picture[..., channel].astype(np.float64) for channel in range(3))
    shade = grey(red, green, blue)[..., np.newaxis] / 255
    colours = np.zeros((height, width, 3))
    for number, each in enumerate(weights):
        rows = np.stack([np.interp(np.arange(height) + 0.5, middles[0], column) for column in each.T], 1)
        there = np.stack([np.interp(np.arange(width) + 0.5, middles[1], row) for row in rows])
        colours += there[..., np.newaxis] * np.array(hsv_to_rgb((first + number) / of, 0.85, 1))
    washed = shade * _DARK + colours * (0.4 + 0.6 * shade) * (1 - _DARK)
    found: Picture = (np.minimum(washed, 1) * 255).astype(np.uint8)
    return found
