"""Picture files of every mode have known pixels; damaged ones are refused in one line."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import photograph, pixels, saved
from support.profiles import ADOBE_RGB, rgb_profile

from pydream.errors import IgnoredProfileWarning, ImageFileError
from pydream.media.decoding.pillow import to_rgb
from pydream.media.decoding.profiles import Profile
from pydream.media.image import decode_image, picture_of, read_image, read_note, resized

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def row(*pixels: object, mode: str) -> Image.Image:
    image = Image.new(mode, (len(pixels), 1))
    for x, pixel in enumerate(pixels):
        image.putpixel((x, 0), pixel)
    return image


# ---- modes ----


def test_rgb(tmp_path):
    image = photograph()
    np.testing.assert_array_equal(read_image(saved(tmp_path, image)), np.asarray(image))


def test_a_path_may_be_a_string(tmp_path):
    assert read_image(str(saved(tmp_path, photograph(3, 5)))).shape == (3, 5, 3)


def test_grey(tmp_path):
    assert pixels(saved(tmp_path, row(0, 7, 255, mode="L"))) == [BLACK, (7, 7, 7), WHITE]


def test_one_bit(tmp_path):
    assert pixels(saved(tmp_path, row(0, 1, mode="1"))) == [BLACK, WHITE]


def test_palette(tmp_path):
    image = row(0, 1, mode="P")
    image.putpalette([*RED, *GREEN])
    assert pixels(saved(tmp_path, image)) == [RED, GREEN]


def test_transparency_is_white(tmp_path):
    image = row((255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128), mode="RGBA")
    assert pixels(saved(tmp_path, image)) == [RED, WHITE, (127, 127, 127)]


def test_transparent_grey_is_white(tmp_path):
    assert pixels(saved(tmp_path, row((9, 255), (9, 0), mode="LA"))) == [(9, 9, 9), WHITE]


def test_transparent_palette_entry_is_white(tmp_path):
    image = row(0, 1, mode="P")
    image.putpalette([*RED, *GREEN])
    path = saved(tmp_path, image, transparency=1)
    with Image.open(path) as again:
        assert again.mode == "P"
    assert pixels(path) == [RED, WHITE]


def test_palette_with_half_transparency(tmp_path):
    image = row(0, 1, mode="P")
    image.putpalette([*BLACK, *BLUE])
    assert pixels(saved(tmp_path, image, transparency=bytes([128, 255]))) == [(127, 127, 127), BLUE]


@pytest.mark.parametrize(
    ("mode", "values", "transparent", "expected"),
    [
        ("RGB", (RED, GREEN), GREEN, [RED, WHITE]),
        ("L", (3, 4), 4, [(3, 3, 3), WHITE]),
        ("1", (0, 1), 0, [WHITE, WHITE]),
    ],
)
def test_transparent_colour_is_white(tmp_path, mode, values, transparent, expected):
    assert pixels(saved(tmp_path, row(*values, mode=mode), transparency=transparent)) == expected


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_premultiplied_alpha(
    mode,
):  # no format that Pillow writes opens so: the converter gets the image itself
    straight = row((80, 80, 80, 255), (80, 80, 80, 0), mode="RGBA").convert(mode[:-1] + "A")
    rgb = to_rgb(straight.convert(mode), "in", Profile(None))
    assert np.asarray(rgb).tolist() == [[[80, 80, 80], [255, 255, 255]]]


def test_16_bit_grey_is_scaled_by_257_and_rounded(tmp_path):
    values = np.array([[0, 128, 129, 257, 1000, 65406, 65407, 65535]], dtype=np.uint16)
    path = saved(tmp_path, Image.fromarray(values))
    assert [r for r, _, _ in pixels(path)] == [0, 0, 1, 1, 4, 254, 255, 255]


def test_16_bit_grey_big_endian_tiff(tmp_path):
    big = Image.frombytes("I;16B", (2, 1), struct.pack(">2H", 257, 65535))
    assert pixels(saved(tmp_path, big, "in.tif")) == [(1, 1, 1), WHITE]


def test_16_bit_grey_with_a_transparent_value(tmp_path):
    header = png_chunk(b"IHDR", struct.pack(">2I5B", 2, 1, 16, 0, 0, 0, 0))
    transparent = png_chunk(b"tRNS", struct.pack(">H", 514))
    data = png_chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">2H", 257, 514)))
    path = tmp_path / "in.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + transparent + data + png_chunk(b"IEND", b""))
    assert pixels(path) == [(1, 1, 1), WHITE]


def test_16_bit_rgb(tmp_path):
    header = png_chunk(b"IHDR", struct.pack(">2I5B", 1, 1, 16, 2, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">3H", 0, 0x8080, 0xFFFF)))
    path = tmp_path / "in.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + png_chunk(b"IEND", b""))
    assert pixels(path) == [(0, 128, 255)]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_32_bit_integers_mean_16(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[0, 257, 65535]], dtype=np.int32)), "in.tif")
    assert pixels(path) == [BLACK, (1, 1, 1), WHITE]


@pytest.mark.parametrize("value", [-1, 65536])
def test_larger_integers_are_refused(tmp_path, value):
    path = saved(tmp_path, Image.fromarray(np.array([[value]], dtype=np.int32)), "in.tif")
    with pytest.raises(ImageFileError, match=r"expected 0\.\.65535"):
        read_image(path)


@pytest.mark.parametrize(("values", "expected"), [([0, 0.5, 1], [0, 128, 255]), ([0, 1, 127.6, 255], [0, 1, 128, 255])])
def test_floats_are_0_to_1_or_0_to_255(tmp_path, values, expected):
    path = saved(tmp_path, Image.fromarray(np.array([values], dtype=np.float32)), "in.tif")
    assert [r for r, _, _ in pixels(path)] == expected


@pytest.mark.parametrize("value", [-0.5, 256, np.nan, np.inf])
def test_other_floats_are_refused(tmp_path, value):
    path = saved(tmp_path, Image.fromarray(np.array([[value, 0.5]], dtype=np.float32)), "in.tif")
    with pytest.raises(ImageFileError, match=r"0\.\.1 or 0\.\.255"):
        read_image(path)


def test_cmyk(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    path = saved(tmp_path, image, "in.tif")
    assert set(pixels(path)) == {RED}


def test_cmyk_jpeg(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "in.jpg", quality=100)
    np.testing.assert_allclose(read_image(path), np.broadcast_to(RED, (8, 8, 3)), atol=3)


# ---- orientation and frames ----


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation, suffix):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = RED  # the corner that tells all eight apart, being oblong
    upright[:8, 16:] = BLUE
    # EXIF: where the stored picture's first row and first column belong.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), f"in.{suffix}", exif=exif, **options)
    np.testing.assert_allclose(read_image(path), upright, atol=3 if suffix == "jpg" else 0)


def test_an_unknown_orientation_is_no_matter(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 77
    assert read_image(saved(tmp_path, photograph(4, 6), exif=exif)).shape == (4, 6, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize(
    "exif",
    [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(40), b"MM" * 999],
)
def test_broken_exif_moves_no_pixel(tmp_path, exif, suffix):
    plain, broken = (
        saved(tmp_path, photograph(), f"{name}.{suffix}", **options)
        for name, options in (("plain", {}), ("broken", {"exif": exif}))
    )
    np.testing.assert_array_equal(read_image(broken), read_image(plain))
    read_note(broken)


@pytest.mark.filterwarnings("ignore::pydream.errors.IgnoredProfileWarning")
@pytest.mark.parametrize("profile", [b"", b"no profile", bytes(5000)])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_broken_profiles_move_no_pixel(tmp_path, profile, suffix):
    plain = saved(tmp_path, photograph(), f"plain.{suffix}")
    with_one = saved(tmp_path, photograph(), f"with.{suffix}", icc_profile=profile)
    np.testing.assert_array_equal(read_image(with_one), read_image(plain))


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_first_frame(tmp_path, suffix):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE))
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, first, f"in.{suffix}", save_all=True, append_images=[second], **options)
    assert set(pixels(path)) == {RED}


# ---- files that are no pictures ----


def refused(path: object, match: str) -> None:
    with pytest.raises(ImageFileError, match=match) as raised:
        read_image(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value) or "\0" in str(path)


def test_missing(tmp_path):
    refused(tmp_path / "no.png", "no such file")


def test_folder(tmp_path):
    refused(tmp_path, "is a folder")


def test_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "in.png", "cannot read")


def test_name_that_no_file_has():
    refused("a\0b", "cannot read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path):
    path = saved(tmp_path, photograph())
    path.chmod(0)
    refused(path, "Permission denied")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0"])
def test_no_picture(tmp_path, content):
    path = tmp_path / "in.png"
    path.write_bytes(content)
    refused(path, "is not a picture")


@pytest.mark.filterwarnings("ignore::pydream.errors.DamagedPictureWarning")
@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "gif", "bmp", "ppm"])  # a JPEG: see test_damage.py
def test_truncated_anywhere_is_never_a_partial_picture(tmp_path, suffix):
    path = saved(tmp_path, photograph(), f"in.{suffix}")
    whole, content = read_image(path), path.read_bytes()
    lengths = np.linspace(0, len(content) - 1, 60).astype(int)
    for length in [*map(int, lengths), *range(len(content) - 30, len(content))]:
        path.write_bytes(content[:length])
        try:
            image = read_image(path)
        except ImageFileError:
            continue
        np.testing.assert_array_equal(image, whole)  # only a trailer is missing


def test_truncated_in_the_middle_says_so(tmp_path):
    path = saved(tmp_path, photograph(), "in.jpg")
    path.write_bytes(path.read_bytes()[:-1000])
    refused(path, "damaged or cut short: the last [0-9]+ of its 60 rows are missing")


@pytest.mark.filterwarnings("ignore::pydream.errors.DamagedPictureWarning")
def test_damaged_files_raise_nothing_else(tmp_path):
    draw = np.random.default_rng(0)
    path = tmp_path / "in"
    for form in ["PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM"]:
        buffer = io.BytesIO()
        photograph().save(buffer, format=form)
        for _ in range(60):
            content = bytearray(buffer.getvalue())
            for place in draw.integers(0, len(content), 5):
                content[place] = draw.integers(0, 256)
            path.write_bytes(content)
            try:
                read_image(path)
            except ImageFileError as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_bomb(tmp_path, monkeypatch, recwarn):
    path = saved(tmp_path, photograph(10, 10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)  # Pillow's warning begins here,
    refused(path, "more than 60 pixels")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)  # its error at twice that
    refused(path, "more than 40 pixels")
    assert not recwarn.list


def test_a_header_that_claims_a_huge_picture(tmp_path):
    path = tmp_path / "in.png"
    header = png_chunk(b"IHDR", struct.pack(">2I5B", 100_000, 100_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"")))
    refused(path, "too large to read safely")


def test_zero_size(tmp_path):
    path = tmp_path / "in.gif"
    path.write_bytes(b"GIF89a" + struct.pack("<2H3B", 0, 0, 0, 0, 0) + b";")
    with pytest.raises(ImageFileError):
        read_image(path)
    path.write_bytes(b"P6 0 5 255\n")
    with pytest.raises(ImageFileError):
        read_image(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(ImageFileError, match="is not a regular file"):
            read_image(path)


def test_decode_image_takes_an_open_file(tmp_path):
    path = saved(tmp_path, photograph(), "in.png")
    np.testing.assert_array_equal(decode_image(io.BytesIO(path.read_bytes()), "standard input"), read_image(path))
    with pytest.raises(ImageFileError, match="'standard input' is not a picture"):
        decode_image(io.BytesIO(b"hello"), "standard input")


# ---- pictures of Pillow's ----


def test_a_picture_of_pillows_is_converted_as_a_file_is():
    clear = row((255, 0, 0, 255), (255, 0, 0, 0), mode="RGBA")
    clear.getexif()[0x0112] = 6
    assert picture_of(clear).tolist() == [[list(RED)], [list(WHITE)]]
    wide = row((255, 0, 0), mode="RGB")
    wide.info["icc_profile"] = rgb_profile(ADOBE_RGB, 563 / 256)
    assert picture_of(wide, to_srgb=False).tolist() == [[list(RED)]]
    wide.info["icc_profile"] = b"none"
    with pytest.warns(IgnoredProfileWarning, match=r"^the colour profile of 'cell 3' is ignored: "):
        assert picture_of(wide, "cell 3").tolist() == [[list(RED)]]


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Image.new("RGB", (0, 5)), "'picture' is damaged or cut short: it is 0×5 pixels"),
        (row(-1.0, mode="F"), "'picture' has "),
    ],
)
def test_what_is_no_picture_of_pillows(image, why):
    with pytest.raises(ImageFileError) as raised:
        picture_of(image)
    assert str(raised.value).startswith(why)


def test_another_size():
    image = np.asarray(photograph(60, 80))
    assert resized(image, (60, 80)) is image
    smaller = resized(image, (30, 20))
    np.testing.assert_array_equal(smaller, photograph(60, 80).resize((20, 30), Image.Resampling.LANCZOS))
