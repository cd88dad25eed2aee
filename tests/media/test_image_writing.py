"""A picture is written whole or not at all, with its note, in the format of its suffix."""

import json
import os
import stat
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from support.pictures import photograph, pixels, saved

from pydream.errors import ImageFileError
from pydream.media.image import (
    LONGEST_NOTE,
    WRITABLE,
    _quickest_png,
    check_writable,
    read_dpi,
    read_image,
    read_note,
    write_image,
)


def test_fractions_are_dropped_and_the_rest_clipped(tmp_path):
    values = [-3.0, -0.1, 0.9, 1.0, 254.999, 255.0, 255.9, 300.0, np.inf, -np.inf]
    write_image(tmp_path / "out.png", np.repeat(np.array(values), 3).reshape(1, -1, 3))
    written = [r for r, _, _ in pixels(tmp_path / "out.png")]
    assert written == [0, 0, 0, 1, 254, 255, 255, 255, 255, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_dtypes(tmp_path, dtype):
    image = np.asarray(photograph())
    write_image(tmp_path / "out.png", image.astype(dtype))
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), image)


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("change_case", [str.lower, str.upper])
def test_format_by_suffix(tmp_path, suffix, change_case):
    path = tmp_path / f"out{change_case(suffix)}"
    image = np.full((16, 16, 3), (200, 100, 50))
    write_image(path, image)
    with Image.open(path) as again:
        assert again.format == WRITABLE[suffix].name
    np.testing.assert_allclose(read_image(path), image, atol=0 if again.format in ("PNG", "TIFF") else 3)
    assert os.listdir(tmp_path) == [path.name]


def test_jpeg_quality_is_95(tmp_path):
    write_image(tmp_path / "out.jpg", np.asarray(photograph()))
    photograph().save(tmp_path / "wanted.jpg", quality=95)
    assert (tmp_path / "out.jpg").read_bytes() == (tmp_path / "wanted.jpg").read_bytes()


@pytest.mark.parametrize("height", [64, 91])
def test_a_small_png_keeps_its_patterns(tmp_path, height):
    """Rows that repeat themselves further apart than a band of rows that would be looked at."""
    rows = np.random.default_rng(0).integers(0, 256, (12, 100, 3), np.uint8)
    image = np.tile(rows, (height // 12 + 1, 1, 1))[:height]
    write_image(tmp_path / "out.png", image)
    Image.fromarray(image).save(tmp_path / "wanted.png")
    assert (tmp_path / "out.png").stat().st_size == (tmp_path / "wanted.png").stat().st_size


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((4, 4)), "shape"),
        (np.zeros((4, 4, 4)), "shape"),
        (np.zeros((0, 4, 3)), "shape"),
        (np.zeros((4, 4, 3), complex), "dtype"),
        (np.full((4, 4, 3), np.nan), "NaN"),
    ],
)
def test_no_picture_is_not_written(tmp_path, image, match):
    with pytest.raises(ImageFileError, match=match):
        write_image(tmp_path / "out.png", image)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("encoding error"), KeyboardInterrupt()]
)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error):
    path = saved(tmp_path, photograph(), "out.png")
    before = path.read_bytes()

    def fail(self, file, **options):
        file.write(b"half a picture")
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ImageFileError
    with pytest.raises(expected):
        write_image(path, np.zeros((4, 4, 3)))
    assert os.listdir(tmp_path) == ["out.png"]
    assert path.read_bytes() == before


def test_a_failure_to_rename_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(ImageFileError, match="Input/output error"):
        write_image(tmp_path / "out.png", np.zeros((4, 4, 3)))
    assert not os.listdir(tmp_path)


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        write_image(tmp_path / "out.png", np.zeros((4, 4, 3)))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == 0o640


def test_an_older_file_keeps_its_permissions(tmp_path):
    path = saved(tmp_path, photograph(), "out.png")
    path.chmod(0o604)
    write_image(path, np.zeros((4, 4, 3)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert read_image(path).shape == (4, 4, 3)


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "out.png"
    link.symlink_to(tmp_path / "folder" / "real.png")
    write_image(link, np.zeros((4, 4, 3)))
    assert link.is_symlink()
    assert read_image(tmp_path / "folder" / "real.png").shape == (4, 4, 3)


# ---- before the work ----


def unwritable(path: object, match: str, size: tuple[int, int] | None = None) -> None:
    with pytest.raises(ImageFileError, match=match) as raised:
        check_writable(path, size)
    assert "\n" not in str(raised.value)


def test_check_leaves_nothing(tmp_path):
    check_writable(tmp_path / "out.png", (4, 4))
    assert not os.listdir(tmp_path)


def test_check_leaves_an_older_file(tmp_path):
    path = saved(tmp_path, photograph(), "out.png")
    before = path.read_bytes()
    check_writable(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["out", "out.bpm", "out.pngg", ".png", "out."])
def test_unknown_suffix(tmp_path, name):
    unwritable(tmp_path / name, r"expected \.png, \.jpg, \.jpeg, \.webp, \.tif, \.tiff")


def test_folder_missing(tmp_path):
    unwritable(tmp_path / "no" / "out.png", "there is no folder")


def test_folder_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    unwritable(tmp_path / "file" / "out.png", "is not a folder")
    unwritable(tmp_path / "file" / "deeper" / "out.png", "cannot write")


def test_target_is_a_folder(tmp_path):
    (tmp_path / "out.png").mkdir()
    unwritable(tmp_path / "out.png", "it is a folder")


def test_target_is_special(tmp_path):
    os.mkfifo(tmp_path / "out.png")
    unwritable(tmp_path / "out.png", "special file")


def test_target_has_an_impossible_name(tmp_path):
    unwritable(tmp_path / f"{'x' * 300}.png", "too long")


def test_loop_of_links(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    unwritable(tmp_path / "a.png", "cannot write")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that even root cannot write to")
def test_folder_takes_no_file():
    unwritable("/proc/out.png", "cannot write")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_permission_bits(tmp_path):
    path = saved(tmp_path, photograph(), "out.png")
    path.chmod(0o444)
    unwritable(path, "read-only")
    tmp_path.chmod(0o555)
    unwritable(tmp_path / "new.png", "Permission denied")
    tmp_path.chmod(0o755)


def test_larger_than_the_format():
    unwritable("out.webp", "at most 16383 pixels", (3, 20000))
    unwritable("out.jpg", "at most 65500 pixels", (70000, 3))


@pytest.mark.parametrize(("suffix", "longest"), [(".webp", 16383), (".jpg", 65500)])
def test_the_longest_that_a_format_holds(tmp_path, suffix, longest):
    assert WRITABLE[suffix].longest == longest
    write_image(tmp_path / f"out{suffix}", np.zeros((1, longest, 3), np.uint8))
    assert read_image(tmp_path / f"out{suffix}").shape == (1, longest, 3)


# ---- the note ----


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("length", [2, LONGEST_NOTE])
def test_a_note_comes_back_and_moves_no_pixel(tmp_path, suffix, length):
    note = json.dumps("x" * (length - 2))
    pixels = np.asarray(photograph())
    write_image(tmp_path / f"with{suffix}", pixels, note)
    write_image(tmp_path / f"without{suffix}", pixels)
    assert read_note(tmp_path / f"with{suffix}") == note
    assert read_note(tmp_path / f"without{suffix}") is None
    np.testing.assert_array_equal(read_image(tmp_path / f"with{suffix}"), read_image(tmp_path / f"without{suffix}"))


def test_where_a_note_is(tmp_path):
    """In a text of a PNG; else where no program takes it for the caption."""
    for name in ("out.png", "out.jpg", "out.webp", "out.tif"):
        write_image(tmp_path / name, np.zeros((4, 4, 3)), "how it was made")
    with Image.open(tmp_path / "out.png") as image:
        assert image.text == {"Software": "pydream", "pydream": "how it was made"}
    for name in ("out.jpg", "out.webp", "out.tif"):
        with Image.open(tmp_path / name) as image:
            exif = image.getexif()
            own = dict(exif if name == "out.tif" else exif.get_ifd(ExifTags.IFD.Exif))
        assert own[ExifTags.Base.MakerNote] == b"pydream\0how it was made"
        assert exif[ExifTags.Base.Software] == "pydream"
        shown = {"ImageDescription", "UserComment", "XPTitle", "XPComment", "XPSubject", "XPKeywords"}
        assert not {ExifTags.Base[field] for field in shown} & {*exif, *own, *exif.get_ifd(ExifTags.IFD.Exif)}
        content = (tmp_path / name).read_bytes()
        assert content.count(b"how it was made") == 1
        assert b"photoshop" not in content.lower()  # no IPTC, no XMP
        assert b"xmp" not in content.lower()


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif"])
def test_a_note_where_earlier_versions_have_it(tmp_path, suffix):
    """In the image description; a note of today's comes first."""
    path, exif = tmp_path / f"out.{suffix}", Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "made before"
    Image.new("RGB", (4, 4)).save(path, exif=exif)
    assert read_note(path) == "made before"
    fields = exif if suffix == "tif" else exif.get_ifd(ExifTags.IFD.Exif)
    fields[ExifTags.Base.MakerNote] = b"Canon\0\1\2"  # a camera's
    Image.new("RGB", (4, 4)).save(path, exif=exif)
    assert read_note(path) == "made before"
    fields[ExifTags.Base.MakerNote] = b"pydream\0today"
    Image.new("RGB", (4, 4)).save(path, exif=exif)
    assert read_note(path) == "today"


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_damaged_fields_have_no_note(tmp_path, suffix):
    """A place of EXIF's own fields that leads anywhere, or back."""
    for place in (8, 26, 10**6, 2**32 - 1):
        exif = b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, place) + bytes(4)
        Image.new("RGB", (4, 4)).save(tmp_path / f"out.{suffix}", exif=exif)
        assert read_note(tmp_path / f"out.{suffix}") is None


@pytest.mark.parametrize("note", ["x" * (LONGEST_NOTE + 1), "ü"])
@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_note_that_does_not_fit(tmp_path, suffix, note):
    with pytest.raises(ImageFileError, match=r"cannot write '.*': note: \d+ characters, expected ASCII, at most 60000"):
        write_image(tmp_path / f"out{suffix}", np.zeros((4, 4, 3)), note)
    assert not os.listdir(tmp_path)


def test_the_note_of_what_is_no_picture(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageFileError, match="is not a picture"):
        read_note(tmp_path / "text.png")
    with pytest.raises(ImageFileError, match="no such file"):
        read_note(tmp_path / "none.png")


def test_a_note_is_read_without_the_pixels(tmp_path):
    write_image(tmp_path / "out.png", np.zeros((400, 400, 3)), "note")
    (tmp_path / "cut.png").write_bytes((tmp_path / "out.png").read_bytes()[:200])
    assert read_note(tmp_path / "cut.png") == "note"


DRAW = np.random.default_rng(0)
SMOOTH = np.asarray(Image.fromarray(DRAW.integers(0, 256, (28, 28, 3), np.uint8)).resize((220, 220)))


@pytest.mark.parametrize(
    ("image", "how"),
    [
        (np.clip(SMOOTH + DRAW.integers(-9, 10, SMOOTH.shape), 0, 255).astype(np.uint8), "averages"),
        (SMOOTH, "runs"),
        (np.tile(DRAW.integers(0, 256, (11, 11, 3), np.uint8), (20, 20, 1)), None),  # a pattern
        (SMOOTH[:100], None),  # small
    ],
)
def test_a_png_is_written_in_the_quickest_way(tmp_path, image, how):
    """Which moves no pixel, keeps what is said of them, and costs 3 % at most."""
    assert _quickest_png(image) == how
    path = tmp_path / "out.png"
    write_image(path, image, "note", (100, 200))
    np.testing.assert_array_equal(read_image(path), image)
    assert read_note(path) == "note"
    assert read_dpi(path) == pytest.approx((100, 200), abs=0.02)
    saved(tmp_path, Image.fromarray(image), "pillow.png")
    assert path.stat().st_size <= 1.03 * (tmp_path / "pillow.png").stat().st_size + 200


@pytest.mark.parametrize("dpi", [None, 0.5, 40_000])
def test_a_resolution_that_not_all_files_can_store_does_not_count(tmp_path, dpi):
    write_image(tmp_path / "out.png", np.zeros((2, 2, 3)), dpi=dpi)
    assert read_dpi(tmp_path / "out.png") is None
