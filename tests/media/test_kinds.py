"""Kinds of pictures that Pillow does not read: HEIC by another package, the others named."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import photograph

from pydream.errors import ImageFileError
from pydream.media import decode_image, decoding, is_readable, read_note, unread_kind

pillow_heif = pytest.importorskip("pillow_heif")
DJXL = "JPEG XL picture, which is not read: `djxl` makes a PNG of it"
OPJ = "JPEG 2000 picture, which is not read: `opj_decompress` makes a PNG of it"
RAW = "camera RAW picture, which is not read: `darktable-cli` makes a PNG of it"


def read(content, name="x"):
    return decode_image(io.BytesIO(content), name)


def heic(image=None, **options):
    file = io.BytesIO()
    pillow_heif.from_pillow(image or photograph()).save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


def test_a_heic_is_read():
    pixels = read(heic())
    assert pixels.shape == (60, 80, 3)
    assert np.abs(pixels.astype(int) - np.asarray(photograph())).max() <= 3  # from and to YCbCr
    assert "HEIF" not in Image.OPEN  # other code's Image.open is as it was


def test_a_heic_is_upright():
    turned = Image.Exif()
    turned[0x0112] = 6
    pixels = read(heic(exif=turned.tobytes()))
    assert pixels.shape == (80, 60, 3)
    assert np.abs(pixels.astype(int) - np.rot90(np.asarray(photograph()), -1)).max() <= 3


def test_a_transparent_heic_is_on_white():
    clear = photograph()
    clear.putalpha(Image.new("L", clear.size, 0))
    assert (read(heic(clear)) == 255).all()


def test_a_heic_of_10_bits():
    deep = (np.asarray(photograph()).astype(np.uint16) << 8).tobytes()
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (80, 60), deep).save(file, quality=-1, chroma=444)
    assert np.abs(read(file.getvalue()).astype(int) - np.asarray(photograph())).max() <= 4


def test_a_heic_of_too_many_pixels_is_not_decoded(monkeypatch):
    content = heic()
    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", lambda image: pytest.fail("decoded"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60 * 80 - 1)
    with pytest.raises(
        ImageFileError, match=r"^'x' claims more than 4799 pixels: too large to read safely; `pydream --max"
    ):
        read(content)


def test_a_damaged_heic_is_one_line():
    content = heic()
    for end in (40, len(content) // 2, len(content) - 10):
        with pytest.raises(ImageFileError, match=r"^'x' is damaged or cut short: [^\n]*$"):
            read(content[:end])


def test_a_heic_without_the_package_says_how_to_install_it(monkeypatch):
    content = heic()
    monkeypatch.setattr(decoding.kinds, "find_spec", lambda name: None)
    line = r"^'x' is a HEIC picture: pip install 'pydeepdream\[heif\]' reads it$"
    with pytest.raises(ImageFileError, match=line):
        read(content)
    with pytest.raises(ImageFileError, match=line):
        read(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(99))


def test_the_package_is_imported_for_such_files_only(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # to import it raises
    for form in ("PNG", "JPEG", "AVIF"):
        file = io.BytesIO()
        photograph().save(file, form)
        assert read(file.getvalue()).shape == (60, 80, 3)


def test_a_heic_has_no_note(tmp_path):
    path = tmp_path / "x.heic"
    path.write_bytes(heic())
    assert read_note(path) is None


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\xff\x0a\x01", DJXL),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0", DJXL),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0", OPJ),
        (b"\xff\x4f\xff\x51\0", OPJ),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", RAW),
        (b"FUJIFILMCCD-RAW 0201", RAW),
        (b"IIU\0\x18\0\0\0", RAW),
        (b"IIRO\x08\0\0\0", RAW),
    ],
)
def test_others_are_named(start, what):
    with pytest.raises(ImageFileError, match=f"^'x' is a {what}$"):
        read(start + bytes(100))


def tiff(tags=(), **options):
    file = io.BytesIO()
    photograph().save(file, "TIFF", tiffinfo=dict(tags), **options)
    return file.getvalue()


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}], ids=["DNG", "NEF"])
def test_the_thumbnail_of_a_raw_picture_is_not_taken_for_it(tags):
    with pytest.raises(ImageFileError, match=f"^'x' is a {RAW}$"):
        read(tiff(tags))


def test_a_tiff_with_the_name_of_a_raw_picture():
    with pytest.raises(ImageFileError, match=f"^'IMG_1.CR2' is a {RAW}$"):
        read(tiff(), "IMG_1.CR2")
    np.testing.assert_array_equal(read(tiff({254: 0}), "IMG_1.tif"), photograph())


@pytest.mark.parametrize(
    ("name", "readable", "kind"),
    [
        ("a.png", True, None),
        ("A.JPEG", True, None),
        ("a.heic", True, None),
        ("a.txt", False, None),
        ("a", False, None),
        ("a.NEF", False, "camera RAW; `darktable-cli` makes a PNG of it"),
        ("a.jxl", False, "JPEG XL; `djxl` makes a PNG of it"),
        ("a.jp2", False, "JPEG 2000; `opj_decompress` makes a PNG of it"),
        ("a.mp4", False, "film; `pydream video` dreams on it"),
    ],
)
def test_a_kind_by_its_suffix(name, readable, kind):
    assert is_readable(Path(name)) is readable
    found = unread_kind(Path(name))
    assert (found and str(found)) == kind


def test_heic_by_its_suffix_without_what_reads_it(monkeypatch):
    monkeypatch.setattr(decoding.kinds, "reads_heic", lambda: False)
    assert not is_readable(Path("a.heic"))
    assert str(unread_kind(Path("a.HEIF"))) == "HEIC; pip install 'pydeepdream[heif]' reads it"
