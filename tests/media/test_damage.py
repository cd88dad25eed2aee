"""Metadata that is damaged or huge moves no pixel; pixels that are damaged are told of."""

import io
import re
import struct
import time
import tracemalloc
import warnings
import zlib
from contextlib import suppress
from itertools import product

import numpy as np
import PIL
import pytest
from PIL import Image
from support.pictures import photograph
from support.pngs import chunk, png

from pydream.errors import DamagedPictureWarning, ImageFileError
from pydream.media import decode_image, read_image, read_note, write_image

RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[10, 20, 30], [200, 100, 50], [128, 128, 128]]], np.uint8)


def read(content):
    return decode_image(io.BytesIO(content), "x")


def rgb_png(**options):
    return png([row.tobytes() for row in RGB], 3, 8, 2, **options)


# ---- transparent colours of a PNG ----


def transparent(*values):
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


@pytest.mark.parametrize(
    ("depth", "packed", "value", "expected"),
    [
        (1, 0b01010101, 0, [255] * 8),
        (1, 0b01010101, 1, [0, 255] * 4),
        (2, 0b00011011, 0, [255, 85, 170, 255]),
        (2, 0b00011011, 1, [0, 255, 170, 255]),
        (2, 0b00011011, 0x0101, [0, 255, 170, 255]),  # the bits above are not looked at
        (4, 0x3C, 3, [255, 204]),
        (4, 0x3C, 12, [51, 255]),
        (8, 0x3C, 0x3C, [255]),
        (8, 0x3C, 0x013C, [255]),
        (8, 0x3C, 0x3B, [60]),
    ],
)
def test_a_transparent_grey_of_any_depth(depth, packed, value, expected):
    content = png([bytes([packed])], 8 // depth, depth, 0, before=transparent(value))
    assert read(content)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("colour", [(0, 65535, 0), (0, 65534, 0), (1, 65535, 0)])
def test_a_transparent_colour_of_16_bits_is_that_one_only(colour):
    row = struct.pack(">6H", 0, 65535, 0, *colour)
    expected = [255, 255, 255] if colour == (0, 65535, 0) else [0, 255, 0]
    assert read(png([row], 2, 16, 2, before=transparent(0, 65535, 0))).tolist() == [[[255] * 3, expected]]


def test_alpha_of_16_bits():
    grey = struct.pack(">4H", 30000, 65535, 30000, 0)
    assert read(png([grey], 2, 16, 4)).tolist() == [[[117] * 3, [255] * 3]]
    colours = struct.pack(">8H", 30000, 100, 65535, 65535, 30000, 0, 0, 0)
    assert read(png([colours], 2, 16, 6)).tolist() == [[[117, 0, 255], [255] * 3]]


# ---- what is beside the pixels of a PNG ----

BOMB = zlib.compress(bytes(20_000_000), 9)


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize(
    "chunks",
    [
        chunk(b"zTXt", b"key\0\0" + BOMB),
        chunk(b"iTXt", b"key\0\1\0\0\0" + BOMB),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(1_000_000), 9)) * 70,
        chunk(b"tEXt", b"key\0text", checksum=1),
        chunk(b"abCd", b"unknown", checksum=1),
        chunk(b"eXIf", b"II*\0\x08\0\0\0", checksum=1),
        chunk(b"gAMA", b""),
        chunk(b"tIME", bytes(3)),
    ],
    ids=["zTXt", "iTXt", "many", "text", "unknown", "exif", "gamma", "time"],
)
def test_what_is_not_needed_is_skipped(chunks, where, recwarn):
    content = rgb_png(**{where: chunks})
    start = time.process_time()
    np.testing.assert_array_equal(read(content), RGB)
    assert time.process_time() - start < 2
    assert not recwarn.list


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_metadata_of_megabytes_is_no_damage(tmp_path, kind, recwarn):
    """More than Pillow's MAX_TEXT_CHUNK, as programs write it."""
    text = zlib.compress(np.random.default_rng(0).integers(32, 127, 3_000_000, np.uint8).tobytes())
    path = tmp_path / "x.png"
    head = b"Raw profile type APP1\0" + (b"\0" if kind == b"zTXt" else b"\1\0\0\0")
    path.write_bytes(rgb_png(before=chunk(kind, head + text)))
    np.testing.assert_array_equal(read_image(path), RGB)
    assert read_note(path) is None
    assert not recwarn.list


def test_the_cases(shared, recwarn):
    for path in (shared / "cases" / "png-chunks").glob("*.png"):
        assert read_image(path).shape == (120, 160, 3)
    assert not recwarn.list


def test_what_is_needed_is_kept_beside_what_is_skipped(tmp_path):
    """Orientation, transparency and the note."""
    path = tmp_path / "x.png"
    write_image(path, RGB, note="made so")
    turned = Image.Exif()
    turned[0x0112] = 6
    needed = chunk(b"eXIf", turned.tobytes()) + transparent(255, 0, 0)
    content = path.read_bytes()
    end = content.index(b"IDAT") - 4
    path.write_bytes(content[:end] + chunk(b"zTXt", b"key\0\0" + BOMB) + needed + content[end:])
    white = RGB.copy()
    white[0, 0] = 255
    np.testing.assert_array_equal(read_image(path), np.rot90(white, -1))
    assert read_note(path) == "made so"


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_of_what_is_needed_is_an_error(kind):
    content = png([b"\0"], 1, 8, 3, before=chunk(b"PLTE", bytes(3)))
    assert read(content).max() == 0
    at = content.index(kind)
    length = int.from_bytes(content[at - 4 : at], "big")
    with pytest.raises(ImageFileError):
        read(content[: at + 4 + length] + b"\1\2\3\4" + content[at + 8 + length :])


@pytest.mark.filterwarnings("ignore::pydream.errors.DamagedPictureWarning")
@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"tEXt"])
def test_a_length_of_gigabytes_takes_none(tmp_path, kind):
    content = rgb_png(before=chunk(b"tEXt", b"key\0text"))
    at = content.index(kind)
    path = tmp_path / "x.png"
    path.write_bytes(content[: at - 4] + b"\x7f\xff\xff\xff" + content[at:])
    tracemalloc.start()
    for use in (read_image, read_note):
        with suppress(ImageFileError):
            use(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_wrong_checksum_of_pixels_is_told():
    with pytest.warns(DamagedPictureWarning, match=r"^'x' is damaged: the checksum of its pixels is wrong or missing$"):
        np.testing.assert_array_equal(read(rgb_png(checksum=1)), RGB)
    with pytest.warns(DamagedPictureWarning, match="of its transparent colours"):
        np.testing.assert_array_equal(read(rgb_png(before=transparent(1, 2, 3)[:-1] + b"?")), RGB)


# ---- JPEG ----


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def noise(height, width, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


WAYS = [{}, {"subsampling": 0}, {"progressive": True}, {"restart_marker_blocks": 3}, {"optimize": True}]


def test_whole_jpegs_are_as_pillow_reads_them(recwarn):
    sizes = [(1, 1), (8, 8), (17, 33), (1, 300), (300, 1), (60, 80), (200, 300)]
    flat = [Image.new("RGB", size, colour) for size in ((1, 1), (90, 70)) for colour in ((128,) * 3, "black", "red")]
    for image, mode, quality in product([noise(*size) for size in sizes] + flat, ("RGB", "L", "CMYK"), (10, 100)):
        for options in WAYS:
            content = jpeg(image.convert(mode), quality=quality, **options)
            with Image.open(io.BytesIO(content)) as expected:
                np.testing.assert_array_equal(read(content), np.asarray(expected.convert("RGB")))
    assert not recwarn.list


def test_behind_a_jpeg_there_may_be_anything(recwarn):
    content = jpeg(photograph())
    for more in (b"\0" * 1000, b"\xff\xd9", content, b"\xff" * 30):
        np.testing.assert_array_equal(read(content + more), read(content))
    padded = content[:-2] + b"\0" * 8 + content[-2:]  # as some cameras do
    np.testing.assert_array_equal(read(padded), read(content))
    assert not recwarn.list


@pytest.mark.parametrize("options", [way for way in WAYS if "progressive" not in way])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_is_cut_and_closed_is_told(options, mode):
    content = jpeg(noise(60, 80, mode), quality=75, **options)
    start = content.index(b"\xff\xda") + 20
    for end in np.linspace(start, len(content) - 100, 20).astype(int):
        with pytest.warns(DamagedPictureWarning, match=r"^'x' is damaged: its last pixels are missing$"):
            assert read(content[:end] + b"\xff\xd9").shape == (60, 80, 3)


def test_a_progressive_jpeg_without_some_scans_is_told():
    content = jpeg(photograph(), progressive=True)
    scans = [place for place in range(len(content)) if content[place : place + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for place in scans[1:]:
        before = content.rindex(b"\xff\xc4", 0, place)  # its table
        with pytest.warns(DamagedPictureWarning, match="some of its scans are missing"):
            assert read(content[:before] + b"\xff\xd9").shape == (60, 80, 3)


# ---- a JPEG that ends too early ----


def rows_missing(made, content):
    """Count the rows from the first on that is not as in the whole picture."""
    apart = np.flatnonzero((made != read(content)).any((1, 2)))
    return len(made) - apart[0] if len(apart) else 0


@pytest.mark.parametrize("options", [way for way in WAYS if "progressive" not in way])
def test_a_jpeg_that_lacks_its_last_bytes_is_read_and_told(options):
    content = jpeg(photograph(), **options)
    with pytest.warns(DamagedPictureWarning, match="^'x' is damaged: its last bytes are missing$"):
        np.testing.assert_array_equal(read(content[:-2]), read(content))
    start = content.index(b"\xff\xda") + 14
    found = set()
    for end in np.linspace(start, len(content) - 3, 60).astype(int):
        with warnings.catch_warnings(record=True, action="always") as told:
            try:
                made = read(content[:end])
            except ImageFileError as error:
                found.add(str(error))
                continue
        missing = int(
            re.fullmatch(r"'x' is damaged: the last (\d+) of its 60 rows are missing", str(told[0].message))[1]
        )
        assert missing <= 30
        assert abs(missing - rows_missing(made, content)) <= 16  # a row of blocks, of which one more may be there
        found.add(missing)
    assert found >= {"'x' is damaged or cut short: the last 60 of its 60 rows are missing"}
    assert {number for number in found if isinstance(number, int)} >= ({12} if options == {"subsampling": 0} else {29})


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 1])
def test_a_progressive_jpeg_that_ends_too_early_is_less_sharp(part):
    content = jpeg(photograph(), progressive=True)
    start = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)  # the second scan: the first has all means
    for end in (start, start + int(part * (len(content) - 4 - start)), content.rindex(b"\xff\xda") + 3):
        with pytest.warns(
            DamagedPictureWarning, match="^'x' is damaged: its last scans are missing, which make it sharp$"
        ):
            assert np.abs(read(content[:end]).astype(int) - read(content)).mean() < 20
    with pytest.warns(DamagedPictureWarning, match="its last bytes are missing"):
        np.testing.assert_array_equal(read(content[:-1]), read(content))
    with pytest.raises(
        ImageFileError, match=r"^'x' is damaged or cut short: the last [0-9]+ of its 60 rows are missing$"
    ):
        read(content[: content.index(b"\xff\xda") + 30])


def test_a_cut_jpeg_without_some_of_its_colours_is_refused():
    """Scans of one component each: of the last two there is nothing."""
    content = jpeg(photograph(), progressive=True)
    one = bytearray(content[: content.index(b"\xff\xda")])
    recognised = int(PIL.__version__.partition(".")[0]) >= 13
    with pytest.raises(ImageFileError, match="is damaged or cut short" if recognised else "is not a picture, or is"):
        read(bytes(one))
    with pytest.raises(ImageFileError, match="is damaged or cut short"):
        read(content[:-1].replace(b"\xff\xda\0\x0c\3", b"\xff\xda\0\x0c\1", 1))


def test_more_data_than_pixels_is_told():
    content = jpeg(photograph())
    with pytest.warns(DamagedPictureWarning, match="there is more data than pixels"):
        np.testing.assert_array_equal(read(content[:-2] + b"\x55" * 50 + content[-2:]), read(content))


def test_segments_of_any_length_are_one_line_or_pixels():
    content = jpeg(photograph(8, 8))
    for at in range(2, 400):
        if content[at] == 0xFF:
            for length in (b"\0\0", b"\0\1", b"\0\2", b"\xff\xff"):
                try:
                    read(content[: at + 2] + length + content[at + 4 :])
                except ImageFileError as error:
                    assert "\n" not in str(error)  # noqa: PT017


def test_a_warning_names_the_place_that_reads(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(rgb_png(checksum=1))
    with pytest.warns(DamagedPictureWarning) as told:
        read_image(path)
    assert told[0].filename == __file__
