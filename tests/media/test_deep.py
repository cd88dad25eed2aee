"""Files of 16 bits and of floats: what libpng and libtiff (OpenCV) read in them, and what is read again here."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from support.pngs import chunk

from pydream.errors import ImageFileError
from pydream.media import check_writable, look_at, read_dpi, read_image, read_note, read_samples, write_samples
from pydream.media.decoding.png import chunks
from pydream.media.png import as_png
from pydream.picture import to_samples

NUMBERS = np.random.RandomState(0).uniform(-20, 280, (37, 23, 3))
KINDS = [(".png", 16), (".tif", 16), (".tiff", "float")]

kinds = pytest.mark.parametrize(("suffix", "depth"), KINDS)


@kinds
@pytest.mark.parametrize("note", [None, '{"a": "note"}'])
def test_another_library_reads_them(tmp_path, suffix, depth, note):
    samples = to_samples(NUMBERS, depth)
    path = tmp_path / f"deep{suffix}"
    write_samples(path, samples, note, (120, 90))
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert found.dtype == samples.dtype
    np.testing.assert_array_equal(found, samples)
    np.testing.assert_array_equal(read_samples(path), samples)
    assert read_samples(path).dtype == samples.dtype
    assert read_note(path) == note
    if depth == 16:  # Pillow does not open the other
        assert read_dpi(path) == pytest.approx((120, 90), abs=0.02)


def test_a_png_by_hand(monkeypatch):
    """Chunks, filters and bytes, of rows that are compressed one by one."""
    monkeypatch.setattr("pydream.media.png._BLOCK", 1)
    samples = np.array([[[0, 1, 65535]], [[258, 3, 4]]], np.uint16)
    file = as_png(samples, "note")
    found = [(kind, file[start : start + length]) for kind, start, length in chunks(io.BytesIO(file))]
    header = chunk(b"IHDR", struct.pack(">2I5B", 1, 2, 16, 2, 0, 0, 0))
    texts = chunk(b"tEXt", b"Software\0pydream") + chunk(b"tEXt", b"pydream\0note")
    assert file.startswith(b"\x89PNG\r\n\x1a\n" + header + texts)
    assert file.endswith(chunk(b"IEND", b""))
    rows = b"".join(data for kind, data in found if kind == b"IDAT")
    assert zlib.decompress(rows) == bytes([0, 0, 0, 0, 1, 255, 255, 0, 1, 2, 0, 3, 0, 4])


def test_a_png_of_8_bits_by_hand(monkeypatch):
    """Less the average of the left one and the one above, in rows that are compressed one by one."""
    monkeypatch.setattr("pydream.media.png._BLOCK", 1)
    samples = np.array([[[10, 20, 30], [16, 25, 250]], [[12, 200, 255], [3, 255, 254]]], np.uint8)
    file = as_png(samples)
    rows = b"".join(file[at : at + length] for kind, at, length in chunks(io.BytesIO(file)) if kind == b"IDAT")
    first = [3, 10, 20, 30, 16 - 5, 25 - 10, 250 - 15]
    second = [3, 12 - 5, 200 - 10, 255 - 15, 3 - 14 + 256, 255 - 112, 254 - 252]
    assert zlib.decompress(rows) == bytes(first + second)


@pytest.mark.parametrize("block", [1, 500, 2**20])
def test_a_png_of_8_bits_is_read_by_another_library(tmp_path, monkeypatch, block):
    monkeypatch.setattr("pydream.media.png._BLOCK", block)
    samples = np.random.RandomState(1).randint(0, 256, (37, 23, 3), np.uint8)
    path = tmp_path / "runs.png"
    path.write_bytes(as_png(samples, '{"a": "note"}', (120, 90)))
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], samples)
    np.testing.assert_array_equal(read_image(path), samples)
    assert (read_note(path), read_dpi(path)) == ('{"a": "note"}', pytest.approx((120, 90), abs=0.02))


@kinds
def test_as_pictures(tmp_path, suffix, depth):
    """16 bits have the high byte, as any picture of 16 bits; floats of ours are clipped, their fractions dropped."""
    path = tmp_path / f"deep{suffix}"
    write_samples(path, to_samples(NUMBERS, depth))
    clipped = np.clip(NUMBERS, 0, 255)
    expected = np.rint(clipped * 257) // 256 if depth == 16 else np.float32(clipped) // 1
    np.testing.assert_array_equal(read_image(path), expected)


def test_floats_of_others_have_no_agreed_range(tmp_path):
    """Those of OpenCV do not say that they are levels; those that are dark are not 0..1 in ours."""
    path = tmp_path / "other.tif"
    cv2.imwrite(str(path), np.float32(NUMBERS), [cv2.IMWRITE_TIFF_COMPRESSION, 1])  # none; old ones take LogLuv
    with pytest.raises(ImageFileError, match=r"values from -.* \(expected 0\.\.1 or 0\.\.255\)$"):
        read_image(path)
    write_samples(path, np.full((4, 5, 3), 1, np.float32))
    assert (read_image(path) == 1).all()


@kinds
def test_whole_or_not(tmp_path, suffix, depth):
    path = tmp_path / f"deep{suffix}"
    write_samples(path, to_samples(NUMBERS, depth), "note")
    found = look_at(path)
    assert (found.note, found.size, found.damage) == ("note", (37, 23), None)
    if suffix != ".png":  # whose checksums are enough
        np.testing.assert_array_equal(found.pixels, to_samples(NUMBERS, depth))
    path.write_bytes(path.read_bytes()[:-9])
    assert look_at(path).damage is not None


def test_others_are_read_as_8_bits(tmp_path):
    Image.new("RGB", (3, 2), "red").save(tmp_path / "8.png")
    Image.fromarray(np.full((2, 3), 40000, np.uint16)).save(tmp_path / "grey.png")
    for name in ("8.png", "grey.png"):
        assert read_samples(tmp_path / name).dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [
        ("a.jpg", 16, r"a JPEG file cannot hold 16 bits a colour \(expected \.png, \.tif, \.tiff\)"),
        ("a.webp", "float", r"a WEBP file cannot hold floats \(expected \.tif, \.tiff\)"),
        ("a.png", "float", r"a PNG file cannot hold floats \(expected \.tif, \.tiff\)"),
    ],
)
def test_formats_that_cannot(tmp_path, name, depth, message):
    with pytest.raises(ImageFileError, match=message):
        write_samples(tmp_path / name, to_samples(NUMBERS, depth))
    assert not list(tmp_path.iterdir())


def test_a_tiff_has_4_gib(tmp_path):
    assert check_writable(tmp_path / "a.tif", (18000, 18000), "float")
    with pytest.raises(ImageFileError, match="at most 4 GiB"):
        check_writable(tmp_path / "a.tif", (20000, 18000), "float")
