"""JPEGs whose markers are unusual: what is read of them, and what is said."""

import io

import numpy as np
import pytest
from PIL import Image
from support.pictures import photograph

from pydream.errors import DamagedPictureWarning, ImageFileError
from pydream.media import decode_image
from pydream.media.decoding.jpeg import Pixels, find_pixels

_FILE = io.BytesIO()
photograph(64, 80).save(_FILE, "JPEG", quality=90)
CONTENT = _FILE.getvalue()
PIXELS = np.asarray(Image.open(_FILE))
FRAME, SCAN = CONTENT.index(b"\xff\xc0"), CONTENT.index(b"\xff\xda")
COMMENT = b"\xff\xfe\xff\xff" + 65_533 * b"x"


def read(content):
    return decode_image(io.BytesIO(content), "x")


@pytest.mark.parametrize("fill", [1, 2, 5])
def test_bytes_that_fill_up_before_a_marker(fill):
    filled = CONTENT[:SCAN] + fill * b"\xff" + CONTENT[SCAN:]
    assert find_pixels(io.BytesIO(filled)) == Pixels(len(CONTENT) - 2 + fill)
    np.testing.assert_array_equal(read(filled), PIXELS)


@pytest.mark.parametrize("segment", [b"\xff\xda\0\2", b"\xff\xda\0\4\1\0"])
def test_a_segment_that_is_too_short(segment):
    short = CONTENT[:SCAN] + segment + CONTENT[SCAN + 14 :]
    with pytest.raises(ValueError, match="not enough values"):
        find_pixels(io.BytesIO(short))
    with pytest.raises(ImageFileError, match=r"^'x' is damaged or cut short: "):
        read(short)


@pytest.mark.parametrize("frame", [0xC3, 0xC5, 0xC9])
def test_pixels_of_another_coding_are_left_to_libjpeg(frame):
    """Lossless, hierarchical, arithmetic: where they end is not looked for."""
    assert find_pixels(io.BytesIO(CONTENT[: FRAME + 1] + bytes([frame]) + CONTENT[FRAME + 2 :])) == Pixels(None)


@pytest.mark.parametrize("comments", [0, 1, 3])
def test_pixels_that_are_missing_before_a_marker(comments):
    """However many bytes come behind, which libjpeg reads as well."""
    with pytest.warns(DamagedPictureWarning) as warned:
        found = read(CONTENT[:-400] + comments * COMMENT + b"\xff\xd9")
    assert [str(each.message) for each in warned] == ["'x' is damaged: its last pixels are missing"]
    np.testing.assert_array_equal(found[:32], PIXELS[:32])


def test_comments_behind_the_pixels_are_no_damage(recwarn):
    np.testing.assert_array_equal(read(CONTENT[:-2] + 3 * COMMENT + b"\xff\xd9"), PIXELS)
    assert not recwarn.list
