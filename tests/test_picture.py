"""A picture is (H, W, 3), RGB: one check, one message; and 8 bits are clipped, fractions dropped."""

import numpy as np
import pytest

from pydream.picture import DTYPES, LUMA, as_picture, as_pixels, to_pixels, to_samples


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_16_bits(dtype):
    """Levels of 8 bits are at multiples of 257; what is between is rounded, halves to even."""
    values = np.array([-3, 0, 0.5 / 257, 1.5 / 257, 1, 100.25, 254.999, 255, 300], dtype)
    samples = to_samples(np.repeat(values, 3).reshape(1, -1, 3), 16)
    assert samples.dtype == np.uint16
    assert samples[0, :, 0].tolist() == [0, 0, 0, 2, 257, 25764, 65535, 65535, 65535]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_levels_in_any_depth(dtype):
    levels = np.arange(256).astype(dtype).repeat(3).reshape(16, 16, 3)
    for depth in DTYPES:
        samples = to_samples(levels, depth)
        assert samples.dtype == DTYPES[depth]
        np.testing.assert_array_equal(samples / (257 if depth == 16 else 1), levels)
        np.testing.assert_array_equal(as_pixels(samples), levels)


def test_floats_are_not_clipped():
    picture = np.array([[[-3.5, 0.1, 300]]])
    assert to_samples(picture, "float").tolist() == np.float32(picture).tolist()
    with pytest.raises(ValueError, match="NaN among its pixels"):
        to_samples(picture * np.nan, "float")
