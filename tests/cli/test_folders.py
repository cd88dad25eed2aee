"""A folder in, a folder out: nothing of it is left out in silence, equal stems stay apart, trees are kept."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pydream.cli.input import Source, folder_targets
from pydream.media import decoding, read_image, read_note

WARNING = "pydream: warning: "


@pytest.fixture
def photos(folder, draw):
    (folder / "photos").mkdir()
    draw(folder / "photos" / "a.png", 8, 12)
    return folder / "photos"


@pytest.fixture
def dream(run, quick):
    def dream(*words):
        return run("dream", *words, *quick, "--seed", 1)

    return dream


@pytest.fixture
def no_heif(monkeypatch):
    monkeypatch.setattr(decoding.kinds, "find_spec", lambda name: None)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def warnings_of(seen):
    return [line.removeprefix(WARNING) for line in seen.err.splitlines() if line.startswith(WARNING)]


# ---- what is left out ----


def test_what_cannot_be_read_is_named(dream, photos, no_heif):
    for name in ("b.heic", "c.jp2"):
        (photos / name).write_bytes(b"x")
    seen = dream("photos", "-o", "out")
    assert (seen.code, files("out")) == (0, ["a.png"])
    assert warnings_of(seen) == [
        "2 files of 'photos' are left out: b.heic (HEIC; pip install 'pydeepdream[heif]' reads it),"
        " c.jp2 (JPEG 2000; `opj_decompress` makes a PNG of it)"
    ]
    assert warnings_of(dream("photos", "-o", "again", "-q")) == []


@pytest.mark.parametrize("more", [[], ["--recursive"]])
def test_a_link_to_itself_is_named(dream, photos, more):
    (photos / "b.png").symlink_to("b.png")
    seen = dream("photos", "-o", "out", *more)
    assert (seen.code, files("out")) == (0, ["a.png"])
    assert warnings_of(seen) == ["1 file of 'photos' is left out: b.png (a broken link)"]


def test_one_file(dream, photos):
    (photos / "d.JXL").write_bytes(b"x")
    seen = dream("photos", "-o", "out")
    assert warnings_of(seen) == ["1 file of 'photos' is left out: d.JXL (JPEG XL; `djxl` makes a PNG of it)"]


def test_long_lists_are_shortened(dream, photos):
    for number in range(40):
        (photos / f"DSC_{number:02d}.NEF").write_bytes(b"x")
    for name in ("clip.mov", "notes.txt", ".DS_Store", "Thumbs.db"):
        (photos / name).write_bytes(b"x")
    (photos / "sub").mkdir()
    os.symlink("nowhere.png", photos / "gone.png")
    os.mkfifo(photos / "pipe.png")
    (line,) = warnings_of(dream("photos", "-o", "out"))
    assert line == (
        "46 files and 1 folder of 'photos' are left out: .DS_Store (hidden),"
        " DSC_00.NEF, DSC_01.NEF, DSC_02.NEF and 37 more (camera RAW; `darktable-cli` makes a PNG of it),"
        " Thumbs.db, notes.txt (no picture), clip.mov (film; `pydream video` dreams on it), gone.png (a broken link),"
        " pipe.png (no regular file), sub (a folder: --recursive reads it)"
    )


def test_a_name_of_control_characters_is_one_line(dream, photos):
    (photos / "a\n\x1b[31m.txt").write_bytes(b"x")
    (line,) = warnings_of(dream("photos", "-o", "out"))
    assert line == r"1 file of 'photos' is left out: a\n\x1b[31m.txt (no picture)"


def test_a_folder_without_pictures_says_what_it_holds(refused, folder, no_heif):
    (folder / "phone").mkdir()
    assert "there is no picture in the folder 'phone' (see" in refused(2, "dream", "phone", "-o", "out")
    (folder / "phone" / "b.heic").write_bytes(b"x")
    line = refused(2, "dream", "phone", "-o", "out")
    assert "in the folder 'phone': 1 file of 'phone' is left out: b.heic (HEIC; pip install 'pydeepdream[heif]'" in line


# ---- names ----


def test_one_picture_makes_a_folder(dream, photos):
    assert dream("photos", "-o", "dreams").code == 0
    assert files("dreams") == ["a.png"]


def test_equal_stems_get_names_of_their_own(dream, photos, draw):
    draw(photos / "a.jpg", 8, 12)
    draw(photos / "b.png", 8, 12)
    seen = dream("photos", "-o", "out")
    assert (seen.code, files("out")) == (0, ["a.jpg.png", "a.png.png", "b.png"])
    assert read_image("out/a.png.png").shape == (8, 12, 3)
    again = dream("photos", "-o", "out")
    assert again.err.splitlines()[-1] == "3 of 3 are in 'out' already; --force replaces them"


def test_names_that_differ_in_capitals_only(dream, photos, draw):
    """Are one file where the file system does not tell them apart."""
    draw(photos / "A.jpg", 8, 12)
    assert dream("photos", "-o", "out").code == 0
    assert files("out") == ["A.jpg.png", "a.png.png"]


def test_the_same_name_in_two_folders_is_numbered(dream, photos, draw):
    photos.with_name("more").mkdir()
    draw(photos.with_name("more") / "a.png", 9, 12)
    assert dream("photos", "more/a.png", "-o", "out").code == 0
    assert files("out") == ["a.png-2.png", "a.png.png"]
    assert read_image("out/a.png-2.png").shape == (9, 12, 3)
    noise = [Source("noise:6x5", noise=(5, 6)), Source("noise:7x5", noise=(5, 7))]
    assert [target.given for target in folder_targets(Path("new"), noise, "jpeg")] == [
        "new/noise.jpeg",
        "new/noise-2.jpeg",
    ]


def test_a_picture_with_the_name_that_another_gets(dream, photos, draw):
    draw(photos / "a.jpg", 8, 12)
    draw(photos / "a.jpg.png", 9, 12)  # its own name, without suffix, is a.jpg
    assert dream("photos", "-o", "out").code == 0
    assert files("out") == ["a.jpg-2.png", "a.jpg.png", "a.png.png"]
    assert read_image("out/a.jpg-2.png").shape == (9, 12, 3)


# ---- trees ----


@pytest.fixture
def tree(photos, draw):
    (photos / "sub" / "deep").mkdir(parents=True)
    draw(photos / "sub" / "a.png", 9, 12)
    draw(photos / "sub" / "deep" / "a.jpg", 10, 12)
    draw(photos / "sub" / "deep" / "a.png", 11, 12)
    return photos


def test_a_tree_is_kept(dream, tree):
    seen = dream("photos", "--recursive", "-o", "out")
    assert (seen.code, warnings_of(seen)) == (0, [])
    assert files("out") == ["a.png", "sub/a.png", "sub/deep/a.jpg.png", "sub/deep/a.png.png"]
    assert [read_image(Path("out", name)).shape[0] for name in files("out")] == [8, 9, 10, 11]
    assert "4 of 4 are there already" in dream("photos", "--recursive", "-o", "out").err


def test_without_it_only_the_folder_is_read(dream, tree):
    seen = dream("photos", "-o", "out")
    assert files("out") == ["a.png"]
    assert warnings_of(seen) == ["1 folder of 'photos' is left out: sub (a folder: --recursive reads it)"]


def test_the_output_in_the_tree_is_not_an_input(dream, tree):
    for _ in range(2):
        seen = dream("photos", "--recursive", "-o", "photos/out")
        assert seen.code == 0
        assert len(files("photos/out")) == 4
    assert warnings_of(seen) == ["1 folder of 'photos' is left out: out (the output)"]


def test_links_do_not_leave_the_tree(dream, tree, draw, folder):
    (folder / "private").mkdir()
    draw(folder / "private" / "secret.png", 8, 12)
    os.symlink("../private", tree / "elsewhere")
    os.symlink("../../private/secret.png", tree / "sub" / "secret.png")
    os.symlink(".", tree / "sub" / "loop")
    os.symlink("../a.png", tree / "sub" / "linked.png")  # within it
    seen = dream("photos", "--recursive", "-o", "out")
    assert (seen.code, len(files("out"))) == (0, 5)
    assert "out/sub/linked.png" in seen.err
    assert warnings_of(seen) == [
        "1 file and 2 folders of 'photos' are left out: elsewhere, sub/loop (a link to a folder),"
        " sub/secret.png (a link out of the folder)"
    ]


def test_a_failed_tree_leaves_no_folders(run, photos, tree, quick):
    for path in tree.rglob("*.*"):
        path.write_bytes(b"no picture")
    seen = run("dream", "photos", "--recursive", "-o", "out", *quick)
    assert (seen.code, seen.err.splitlines()[-1]) == (1, "pydream: error: 4 of 4 pictures failed")
    assert not Path("out").exists()


# ---- the folders of the issue ----


def test_the_cases(dream, shared, folder, no_heif):
    cases = shared / "cases" / "folders"
    for name, made in (("one", ["rgb.png"]), ("phone", ["a.png"]), ("twins", ["a.jpg.png", "a.png.png"])):
        seen = dream(cases / name, "-o", name)
        assert (seen.code, files(name)) == (0, made)
    assert np.ptp(read_image("one/rgb.png")) > 0


def test_a_heic_is_dreamt_on(run, photos, quick):
    """From a folder, and by its name."""
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(read_image(photos / "a.png"))).save(photos / "b.HEIC", quality=-1)
    seen = run("dream", "photos", "-o", "out", *quick)
    assert (seen.code, files("out"), warnings_of(seen)) == (0, ["a.png", "b.png"], [])
    assert run("dream", photos / "b.HEIC", "-o", "b.png", *quick).code == 0
    assert '"name": "b.HEIC"' in read_note("b.png")
