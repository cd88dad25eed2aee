"""What a notebook keeps of a picture is the picture, if that is small, and a smaller one otherwise."""

import io

import numpy as np
import pytest
from PIL import Image

from pydream.media import shown
from pydream.media.page import small

NOISE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


def opened(content):
    with Image.open(io.BytesIO(content)) as image:
        return image.format, np.asarray(image)


def test_a_small_picture_keeps_its_pixels():
    form, pixels = opened(shown.as_png(NOISE))
    assert form == "PNG"
    np.testing.assert_array_equal(pixels, NOISE)


def test_a_wide_picture_is_smaller():
    plain = np.full((40, 2048, 3), 90, np.uint8)
    assert opened(shown.as_png(plain))[1].shape == (20, 1024, 3)
    form, pixels = opened(shown.as_jpeg(plain))
    assert (form, pixels.shape) == ("JPEG", (20, 1024, 3))


@pytest.mark.parametrize("most", [12_000, 3_000, 300])
def test_a_png_of_many_bytes_is_smaller(monkeypatch, most):
    assert len(shown.as_png(NOISE)) > 12_000
    monkeypatch.setattr(shown, "MOST", most)
    content = shown.as_png(NOISE)
    assert len(content) <= most
    pixels = opened(content)[1]
    assert pixels.shape[1] < 90
    np.testing.assert_array_equal(pixels, small(small(NOISE, pixels.shape[1]), pixels.shape[1]))
    assert len(content) > most / 4  # and not much smaller than it must be
