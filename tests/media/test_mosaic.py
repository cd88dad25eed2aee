"""A mosaic's pieces lie where they belong, over a faint picture; a wash has its colours where its weights are."""

from colorsys import hsv_to_rgb

import numpy as np
import pytest
from PIL import Image

from pydream.errors import ShapeError
from pydream.media.mosaic import Piece, mosaic, wash

BLACK, RED, BLUE = (np.full((4, 4, 3), colour, np.uint8) for colour in ((0, 0, 0), (255, 0, 0), (0, 0, 255)))
FAINT = 191  # a quarter of black's contrast to white


def test_pieces_lie_over_a_faint_picture():
    pieces = [Piece(RED, (2, 2), 4), Piece(BLUE, (5, 4), 4), Piece(RED, (15, 15), 4)]
    found = mosaic(BLACK, (16, 16), pieces)
    wanted = np.full((16, 16, 3), FAINT, np.uint8)
    wanted[0:4, 0:4] = RED
    wanted[3:7, 2:6] = BLUE  # over the one before
    wanted[13:, 13:] = RED[:3, :3]  # the rest is outside
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("side", "pixels"), [(0.2, 1), (4.4, 4), (7.6, 8)])
def test_a_piece_is_scaled(side, pixels):
    found = mosaic(BLACK, (16, 16), [Piece(RED, (8, 8), side)])
    assert ((found == (255, 0, 0)).all(2)).sum() == pixels**2


def test_a_mosaic_that_viewers_refuse(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 255)
    with pytest.raises(ShapeError, match=r"^the mosaic is too large: 16×16 are 256 pixels \(at most 255\)"):
        mosaic(BLACK, (16, 16), [])


@pytest.mark.parametrize(("number", "of"), [(0, 1), (1, 3), (2, 3)])
def test_a_wash_has_the_hue_of_its_map(number, of):
    """White is dark where the weight is 0, and has the map's hue where it is 1."""
    white = np.full((4, 8, 3), 255, np.uint8)
    weights = np.zeros((1, 2, 2))
    weights[0, :, 1] = 1
    found = wash(white, weights, (np.array([1.0, 3.0]), np.array([1.0, 7.0])), number, of)
    assert (found[:, 0] == int(0.35 * 255)).all()
    full = np.minimum(0.35 + 0.65 * np.array(hsv_to_rgb(number / of, 0.85, 1)), 1)
    np.testing.assert_array_equal(found[:, -1], np.broadcast_to((full * 255).astype(np.uint8), (4, 3)))
    assert (np.diff(found.astype(int).sum(2), axis=1) >= 0).all()  # between them it is interpolated


def test_black_has_less_colour_than_white():
    ones = np.ones((1, 1, 1))
    middles = (np.array([2.0]), np.array([2.0]))
    black, white = (wash(np.full((4, 4, 3), shade, np.uint8), ones, middles, 0, 1) for shade in (0, 255))
    assert black[0, 0].tolist() == [int(0.4 * 0.65 * 255), *[int(0.4 * 0.65 * 0.15 * 255)] * 2]
    assert (white > black).all()
