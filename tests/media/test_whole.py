"""Whether a picture file is whole: every cut, every wrong byte, and what is no picture of ours."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pydream.files import NotRegularError
from pydream.media.image import write_image
from pydream.media.whole import FileFacts, look_at

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
NOTE = '{"a": "note"}'
SUFFIXES = [".png", ".jpg", ".tif", ".webp"]


@pytest.fixture
def png(tmp_path):
    write_image(tmp_path / "a.png", PIXELS, NOTE)
    return tmp_path / "a.png"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("note", [NOTE, None, "n" * 60_000])
def test_whole(tmp_path, suffix, note):
    path = tmp_path / f"a{suffix}"
    write_image(path, PIXELS, note)
    found = look_at(path)
    assert (found.note, found.size, found.damage, found.blank) == (note, (3, 4), None, False)
    assert look_at(path, thoroughly=False)[::3] == (note, False)
    if suffix == ".tif":
        np.testing.assert_array_equal(found.pixels, PIXELS)
    else:
        assert found.pixels is None


@pytest.mark.parametrize("thoroughly", [True, False])
def test_every_cut_of_a_png(png, thoroughly):
    content = png.read_bytes()
    pixels, note = content.index(b"IDAT") + 4, content.index(b"pydream\0") + 8 + len(NOTE) + 4  # and its checksum
    for length in range(len(content)):
        png.write_bytes(content[:length])
        found = look_at(png, thoroughly)
        if thoroughly:
            assert found.damage is not None, length
        assert found.blank == (length == 0 or 8 <= length < pixels), length
        assert found.note == (NOTE if length >= note else None), length


def test_every_byte_of_a_png(png):
    content = bytearray(png.read_bytes())
    for place in range(len(content)):
        content[place] ^= 1
        png.write_bytes(content)
        found = look_at(png)
        assert found.damage is not None, place
        assert not found.blank, place
        content[place] ^= 1


def test_more_than_a_png(png):
    png.write_bytes(png.read_bytes() + b"\0")
    assert look_at(png).damage is not None


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
def test_cuts_of_other_formats(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, PIXELS, NOTE)
    content = path.read_bytes()
    for length in range(1, len(content), 5):
        path.write_bytes(content[:length])
        assert look_at(path).damage is not None, length
    path.write_bytes(content[: -len(content) // 5] + bytes(len(content) // 5))  # a block that never reached the disk
    found = look_at(path)
    lost = found.pixels is not None and (found.pixels != PIXELS).any()  # which shows in their hash
    assert lost or found.damage is not None or found.note != NOTE  # a WebP has it behind the pixels


def test_what_a_power_cut_leaves_is_blank(png):
    for content in (b"", bytes(4096), png.read_bytes()[:40]):
        png.write_bytes(content)
        assert look_at(png).blank


def test_what_may_be_someones_is_not_blank(png):
    """Not even if it cannot be read here: another program may."""
    content = png.read_bytes()
    wrong = bytearray(content)
    wrong[content.index(b"IHDR") + 12] ^= 1  # a checksum before the pixels is wrong
    for other in (b"a text", b"\0" * 100 + b"\1", bytes(wrong), b"\x89PNG\r\n"):
        png.write_bytes(other)
        found = look_at(png)
        assert (found.note, found.blank) == (None, False)
        assert found.damage is not None
        assert not look_at(png, thoroughly=False).blank


def test_a_note_behind_the_pixels_is_found_too(png):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    Image.fromarray(PIXELS).save(png)
    content = png.read_bytes()
    png.write_bytes(content[:-12] + chunk(b"tEXt", b"pydream\0late") + content[-12:])
    assert look_at(png)[:3] == ("late", (3, 4), None)


def test_what_is_no_file(tmp_path):
    assert look_at(tmp_path / "nothing") is None
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert look_at(tmp_path / "link") is None
    os.mkfifo(tmp_path / "pipe")  # opening it would wait
    for path in (tmp_path, tmp_path / "pipe"):
        assert look_at(path) == FileFacts(damage=NotRegularError().strerror)


@pytest.mark.parametrize(("suffix", "damage"), [(".jpg", True), (".webp", True), (".tif", False)])
def test_more_than_a_picture(tmp_path, suffix, damage):
    """A TIFF has its parts anywhere, and anything between them."""
    path = tmp_path / f"a{suffix}"
    write_image(path, PIXELS, NOTE)
    path.write_bytes(path.read_bytes() + b"\0")
    assert look_at(path).damage == ("it does not end where it says" if damage else None)
