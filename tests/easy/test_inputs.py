"""A path, Pillow's picture and an array become the pixels that a file of them would have."""

import warnings

import numpy as np
import pytest
from PIL import Image
from support.profiles import DISPLAY_P3, rgb_profile

from pydream.easy.inputs import Input
from pydream.errors import IgnoredProfileWarning, ImageFileError, ParameterError, UnitRangeWarning
from pydream.media import read_image

COLOURS = np.random.RandomState(0).randint(0, 256, (6, 9, 4)).astype(np.uint8)


def pixels(given):
    return Input.of(given, "picture").pixels


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pillows_picture_is_as_its_file(tmp_path, mode):
    image = Image.fromarray(COLOURS)
    image = Image.fromarray(COLOURS[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image.save(path)
    expected = read_image(path)
    np.testing.assert_array_equal(pixels(path), expected)
    np.testing.assert_array_equal(pixels(str(path)), expected)
    np.testing.assert_array_equal(pixels(image), expected)
    with Image.open(path) as opened:
        found = Input.of(opened, "picture")
    assert found.name == str(path)
    np.testing.assert_array_equal(found.pixels, expected)
    assert Input.of(image, "picture").name == "picture.png"


def test_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOURS[..., :3]).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        turned = pixels(opened)
    np.testing.assert_array_equal(turned, np.rot90(COLOURS[..., :3], -1))
    np.testing.assert_array_equal(turned, read_image(tmp_path / "a.png"))


def test_colour_profiles(tmp_path):
    """As of a file: sRGB, or as in 2015; one that cannot be used is ignored with a warning."""
    image = Image.fromarray(COLOURS[..., :3])
    image.save(tmp_path / "a.png", icc_profile=rgb_profile(DISPLAY_P3))
    with Image.open(tmp_path / "a.png") as opened:
        np.testing.assert_array_equal(pixels(opened), read_image(tmp_path / "a.png"))
        np.testing.assert_array_equal(Input.of(opened, "picture", to_srgb=False).pixels, COLOURS[..., :3])
    assert not np.array_equal(pixels(tmp_path / "a.png"), COLOURS[..., :3])
    image.info["icc_profile"] = b"none"
    with pytest.warns(IgnoredProfileWarning, match="the colour profile of 'picture' is ignored"):
        np.testing.assert_array_equal(pixels(image), COLOURS[..., :3])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_arrays(dtype):
    rgb = COLOURS[..., :3]
    np.testing.assert_array_equal(pixels(rgb.astype(dtype)), rgb)
    np.testing.assert_array_equal(pixels(rgb.astype(dtype).tolist()), rgb)
    for grey in (rgb[..., 0], rgb[..., :1]):
        np.testing.assert_array_equal(pixels(grey.astype(dtype)), np.repeat(rgb[..., :1], 3, axis=2))
    np.testing.assert_array_equal(pixels(COLOURS.astype(dtype)), pixels(Image.fromarray(COLOURS)))
    assert not np.array_equal(pixels(COLOURS), rgb)  # transparency is composited on white


def test_fractions_are_dropped():
    np.testing.assert_array_equal(pixels(np.full((2, 2, 3), 7.9)), np.full((2, 2, 3), 7))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (np.zeros((5, 5, 2)), r"shape \(5, 5, 2\) is no picture \(expected a path, a Pillow picture, or an array"),
        (np.zeros(5), r"shape \(5,\) is no picture"),
        (np.zeros((0, 5, 3)), r"shape \(0, 5, 3\) is no picture"),
        (None, "NoneType is no picture"),
        (object(), "object is no picture"),
        (np.full((2, 2), 256.0), r"values of 256 to 256 \(expected 0..255\)"),
        (np.full((2, 2), -1), r"values of -1 to -1"),
        (np.full((2, 2), np.nan), "values of nan to nan"),
        (np.full((2, 2, 3), True), "dtype bool"),
        (np.full((2, 2, 3), "a"), "dtype <U1"),
    ],
)
def test_what_is_no_picture(given, problem):
    with pytest.raises(ParameterError, match=f"^guide: {problem}"):
        Input.of(given, "guide")


def test_no_such_file(tmp_path):
    with pytest.raises(ImageFileError, match="no such file"):
        pixels(tmp_path / "no.png")


def test_a_picture_of_0_to_1_is_warned_of():
    with pytest.warns(UnitRangeWarning) as seen:
        pixels(np.random.RandomState(0).uniform(0, 1, (4, 4, 3)))
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels(COLOURS / 255 * 255)
