"""A picture is (H, W, 3), RGB: one check, one message; and 8 bits are clipped, fractions dropped."""

import numpy as np
import pytest

from pydream.picture import LUMA, as_picture, to_pixels


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 4), (4, 5, 1), (0, 5, 3), (4, 0, 3), (1, 4, 5, 3), (3,), ()])
@pytest.mark.parametrize("check", [as_picture, to_pixels])
def test_other_shapes_are_refused(check, shape):
    with pytest.raises(ValueError, match=r"^frame 2: shape \(.*\), expected \(H, W, 3\), RGB$"):
        check(np.zeros(shape), "frame 2")


def test_as_picture_copies_nothing():
    picture = np.zeros((4, 5, 3), np.float16)
    assert as_picture(picture) is picture
    assert as_picture(picture.tolist()).shape == (4, 5, 3)


def test_8_bits():
    values = [-np.inf, -3.0, -0.1, 0.9, 254.999, 255.9, 300.0, np.inf]
    pixels = to_pixels(np.repeat(values, 3).reshape(1, -1, 3))
    assert pixels.dtype == np.uint8
    assert pixels[0, :, 0].tolist() == [0, 0, 0, 0, 254, 255, 255, 255]


def test_8_bits_are_a_copy():
    picture = np.full((4, 5, 3), 7, np.uint8)
    pixels = to_pixels(picture)
    picture[:] = 9
    assert (pixels == 7).all()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((4, 5, 3), complex), "picture: dtype complex128, expected real numbers"),
        (np.zeros((4, 5, 3), str), "picture: dtype <U1, expected real numbers"),
        (np.full((4, 5, 3), np.nan), "picture: NaN among its pixels, expected 0..255"),
    ],
)
def test_other_values_are_refused(picture, message):
    with pytest.raises(ValueError, match=message):
        to_pixels(picture)


def test_luma_of_white_is_white():
    assert LUMA.sum() == pytest.approx(1)
