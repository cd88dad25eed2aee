"""Colours by a profile become sRGB while reading; sRGB and no profile keep every byte; a broken one is told."""

import io
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.pictures import photograph
from support.pngs import chunk, png
from support.profiles import ADOBE_RGB, DISPLAY_P3, SRGB, cmyk_profile, encode_srgb, grey_profile, in_srgb, rgb_profile
from support.tiffs import tiff

from pydream.errors import IgnoredProfileWarning
from pydream.media import decode_image, read_image
from pydream.media.decoding import png as chunks

P3 = rgb_profile(DISPLAY_P3)
ADOBE_GAMMA = 563 / 256
ADOBE = rgb_profile(ADOBE_RGB, ADOBE_GAMMA)
PIXELS = np.asarray(photograph())
# What ImageCms rounds on the way, of 8 bits; dark colours of a gamma are steep.
NEAR = 1.5


def saved(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(content, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return decode_image(io.BytesIO(content), "x", **options)


def plain(content):
    return read(content, to_srgb=False)


def assert_near(made, expected, tolerance=NEAR):
    assert np.abs(made - expected).max() <= tolerance


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(P3, in_srgb(PIXELS, DISPLAY_P3)), (ADOBE, in_srgb(PIXELS, ADOBE_RGB, ADOBE_GAMMA))],
    ids=["Display P3", "Adobe RGB"],
)
def test_wide_colours_become_srgb(profile, expected):
    content = saved(photograph(), icc_profile=profile)
    assert_near(read(content), expected)
    assert np.abs(expected - PIXELS).max() > 20
    np.testing.assert_array_equal(plain(content), PIXELS)


def test_known_colours():
    """A red that sRGB does not have becomes its reddest; a grey stays the same grey."""
    colours = Image.fromarray(np.uint8([[[255, 0, 0], [128, 128, 128], [0, 128, 0], [255, 255, 255]]]))
    assert_near(read(saved(colours, icc_profile=P3))[0, :2], [[255, 0, 0], [128, 128, 128]], 1)
    green = read(saved(colours, icc_profile=ADOBE))[0, 2]
    assert_near(green, [0, 128, 0], 1)  # the same red and blue primaries but another green: only its red is outside
    assert_near(read(saved(colours, icc_profile=ADOBE))[0, 3], [255] * 3, 0)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_in_every_format(form):
    lossless = {"WEBP": {"lossless": True}}.get(form, {})
    content = saved(photograph(), form, icc_profile=P3, **lossless)
    assert_near(read(content), in_srgb(plain(content), DISPLAY_P3))


def test_in_heic():
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    image = photograph()
    image.info["icc_profile"] = P3
    pillow_heif.from_pillow(image).save(file, quality=-1, chroma=444)
    assert_near(read(file.getvalue()), in_srgb(plain(file.getvalue()), DISPLAY_P3))


LCMS = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OF_GREYS = ("L", "LA", "1")


@pytest.mark.parametrize(
    ("profile", "modes"),
    [
        (rgb_profile(SRGB), ("RGB", "P", "RGBA", *OF_GREYS)),
        (LCMS, ("RGB", "P", "RGBA", *OF_GREYS)),
        (grey_profile(None), OF_GREYS),
        (None, ("RGB", "P", "RGBA", *OF_GREYS)),
    ],
    ids=["sRGB", "lcms's sRGB", "grey", "none"],
)
def test_srgb_keeps_every_byte(profile, modes):
    for mode in modes:
        _keeps_every_byte(profile, mode)


def _keeps_every_byte(profile, mode):
    image = photograph().convert("RGBA" if "A" in mode else "RGB")
    if "A" in mode:
        image.putalpha(photograph().convert("L"))
    content = saved(image.convert(mode), icc_profile=profile)
    np.testing.assert_array_equal(read(content), plain(content))


@pytest.mark.parametrize("mode", ["P", "L", "1", "RGBA", "LA"])
def test_every_mode_of_an_rgb_profile(mode):
    """Transparency is composited in sRGB, on white."""
    steep = rgb_profile(DISPLAY_P3, 1.0)  # greys change too
    image = photograph().convert("RGBA")
    if "A" in mode:
        image.putalpha(photograph().convert("L").point(lambda value: 0 if value < 100 else 255))
    content = saved(image.convert(mode) if "A" in mode else image.convert("RGB").convert(mode), icc_profile=steep)
    clear = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[..., 3:] == 0
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[..., :3]
    assert clear.any() == ("A" in mode)
    assert_near(read(content), np.where(clear, 255, in_srgb(shown, DISPLAY_P3, 1.0)))


def test_greys_of_a_gamma():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    expected = encode_srgb((np.arange(256) / 255) ** 1.8) * 255
    for content in (saved(ramp, icc_profile=grey_profile(1.8)), saved(ramp, "TIFF", icc_profile=grey_profile(1.8))):
        assert_near(read(content), expected[None, :, None], 2)
    deep = Image.fromarray((np.arange(256, dtype=np.uint16) * 257)[None])
    assert_near(read(saved(deep, icc_profile=grey_profile(1.8))), expected[None, :, None], 2)


def test_16_bits_of_colour():
    """Read in 8 bits, then converted."""
    deep = PIXELS.astype(np.uint16) * 257
    profile = chunk(b"iCCP", b"P3\0\0" + zlib.compress(P3))
    in_planes = tiff(deep, 2, planar=True, tags=[(34675, 1, list(P3))])
    for content in (png([row.astype(">u2").tobytes() for row in deep], 80, 16, 2, before=profile), in_planes):
        assert_near(read(content), in_srgb(PIXELS, DISPLAY_P3))
        np.testing.assert_array_equal(plain(content), PIXELS)


def test_inks():
    inks = Image.fromarray(np.uint8([[[0, 0, 0, 0], [255, 255, 255, 255], [255, 0, 255, 0]]]), "CMYK")
    for form in ("JPEG", "TIFF"):
        made = read(saved(inks, form, icc_profile=cmyk_profile(), **({"quality": 100} if form == "JPEG" else {})))
        assert_near(made[0], [[255] * 3, [0] * 3, [119] * 3], 3)  # L* 100, 0 and 50


# ---- profiles that cannot be used ----


def told(content):
    with pytest.warns(IgnoredProfileWarning) as seen:
        pixels = decode_image(io.BytesIO(content), "x")
    np.testing.assert_array_equal(pixels, plain(content))
    (warning,) = seen
    line = str(warning.message)
    assert line.startswith("the colour profile of 'x' is ignored: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_broken_profile_is_told_and_ignored(form):
    for profile in (b"no profile", P3[:200], P3[:128] + bytes(len(P3) - 128)):
        told(saved(photograph(), form, icc_profile=profile))


def test_a_profile_of_something_else_is_told_and_ignored():
    assert "of CMYK colours, the picture of RGB" in told(saved(photograph(), icc_profile=cmyk_profile()))
    assert "of GRAY colours, the picture of RGB" in told(saved(photograph(), icc_profile=grey_profile(1.8)))
    assert "it is a link profile of RGB" in told(saved(photograph(), icc_profile=rgb_profile(DISPLAY_P3, kind=b"link")))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_a_profile_of_more_than_a_mebibyte_is_used(form):
    content = saved(photograph(), form, icc_profile=rgb_profile(DISPLAY_P3, more=3_000_000))
    assert_near(read(content), in_srgb(plain(content), DISPLAY_P3))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_huge_profile_is_not_used(form):
    content = saved(photograph(), form, icc_profile=rgb_profile(DISPLAY_P3, more=5_000_000))
    assert told(content).endswith("it has more than 4194304 bytes")


def test_a_bomb_takes_no_memory():
    content = saved(photograph(), icc_profile=bytes(60_000_000))
    tracemalloc.start()
    told(content)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


def test_a_wrong_checksum_of_a_profile_is_told():
    content = bytearray(saved(photograph(), icc_profile=P3))
    place = content.index(b"iCCP")
    content[place + int.from_bytes(content[place - 4 : place], "big") + 4] ^= 1
    told(bytes(content))


def test_a_warning_names_the_place_that_reads(tmp_path):
    path = tmp_path / "x.png"
    photograph().save(path, icc_profile=b"?")
    with pytest.warns(IgnoredProfileWarning) as seen:
        read_image(path)
    assert seen[0].filename == __file__


def test_a_png_whose_profile_cannot_be_decompressed():
    """Its checksum is right, and its pixels are read."""
    content = png([bytes([200, 30, 30])], 1, 8, 2, before=chunk(b"iCCP", b"wide\0\0no deflate"))
    with pytest.warns(IgnoredProfileWarning) as warned:
        assert decode_image(io.BytesIO(content), "x").tolist() == [[[200, 30, 30]]]
    assert str(warned[0].message).startswith("the colour profile of 'x' is ignored: ")
    assert plain(content).tolist() == [[[200, 30, 30]]]


def test_a_png_without_pixels_has_no_profile():
    assert chunks.profile(io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)))) is None
