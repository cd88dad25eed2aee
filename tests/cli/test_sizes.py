"""`--long-side` and `--size` resize a picture before its dream; the record has the size, and the file as it was."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

from pydream.dream.octaves import octave_sizes, octaves_added
from pydream.media import read_dpi, read_image, resized, video
from pydream.media.image import read_note, write_image


@pytest.fixture
def quick(own_network):
    """Options of dreams that take no time, but for the octaves."""
    return [*own_network, "-l", "light", "--runtime", "numpy", "-n", "1", "--seed", "3"]


def account(name):
    return json.loads(read_note(name))


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (["--long-side", "48"], (36, 48)),
        (["--long-side", "192", "--octaves", "1"], (144, 192)),
        (["--size", "50x60", "--octaves", "2"], (60, 50)),
    ],
)
def test_the_dream_is_that_of_the_picture_in_that_size(run, picture, quick, given, size):
    assert run("dream", picture.name, "-o", "a.png", *quick, *given).code == 0
    made = account("a.png")
    assert made["dream"]["size"] == list(size)
    assert (made["input"]["height"], made["input"]["width"]) == (72, 96)
    assert read_image("a.png").shape == (*size, 3)
    # Pillow's own resampling, and a dream of its result
    small = Image.open(picture).resize(size[::-1], Image.Resampling.LANCZOS)
    small.save("small.png")
    octaves = str(made["dream"]["octave_n"])
    assert run("dream", "small.png", "-o", "b.png", *quick, "--octaves", octaves).code == 0
    assert account("b.png")["result"]["sha256"] == made["result"]["sha256"]
    assert account("b.png")["dream"]["size"] is None
    # from the record, and by the recorded command
    assert "identical" in run("replay", "a.png", *quick[:4]).out
    words = shlex.split(made["command"])
    assert f"--size {size[1]}x{size[0]}" in made["command"]
    assert run(*words[1:]).code == 0
    assert account("dream.png")["dream"] == made["dream"]
    assert account("dream.png")["result"] == made["result"]


def test_a_picture_of_that_size_stays_as_it_is(run, picture, quick):
    assert run("dream", picture.name, "-o", "a.png", *quick, "--long-side", "96").code == 0
    assert account("a.png")["dream"]["size"] is None


def test_each_of_a_batch_by_its_own_shape(run, picture, draw, folder, quick):
    draw(folder / "tall.png", 80, 40)
    for _ in range(2):
        seen = run("dream", picture.name, "tall.png", "-o", "dreams/", *quick, "--long-side", "60")
        assert seen.code == 0
    assert "2 of 2 are in 'dreams' already" in seen.err
    assert [read_image(f"dreams/{name}.png").shape for name in ("in", "tall")] == [(45, 60, 3), (60, 30, 3)]


# ---- octaves ----


@pytest.mark.parametrize("before", [(900, 1200), (1125, 1500), (3024, 4032)])
@pytest.mark.parametrize("side", [1500, 2400, 6000, 12000])
def test_the_smallest_octave_stays_as_large(before, side):
    """What is tried at 1,500 pixels looks the same at 6,000."""
    shape = np.array(before) / max(before)
    tried = tuple(np.int64(np.rint(shape * min(*[1500, max(before)]))))
    size = tuple(np.int64(np.rint(shape * side)))
    smallest = max(octave_sizes(*tried, 5)[-1])
    grown = max(octave_sizes(*size, 5 + octaves_added(size, before))[-1])
    assert 1.4**-0.52 < grown / smallest < 1.4**0.52


def test_none_are_added_to_a_smaller_picture_nor_where_all_are_as_large():
    assert octaves_added((300, 400), (3000, 4000)) == octaves_added((300, 400), (300, 400)) == 0
    assert octaves_added((3000, 4000), (300, 400), 1.0) == 0
    assert octaves_added((3000, 4000), (300, 400), 10.0) == 1


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (["--octaves", "2"], 4),
        ([], 6),  # the notebook's 4, and 2 for twice the size
        (["--octaves", "auto"], 4),
        (["--octaves", "2", "--octave-scale", "2"], 3),
    ],
)
def test_a_long_side_adds_octaves(run, picture, quick, given, number):
    assert run("dream", picture.name, "-o", "a.png", *quick, "--long-side", "192", *given).code == 0
    assert account("a.png")["dream"]["octave_n"] == number
    size = ["--size", "192x144"]
    assert run("dream", picture.name, "-o", "b.png", *quick, *size, *(given or ["--octaves", "1"])).code == 0
    literal = {"2": int(given[1]) if given and given[1] != "auto" else 4 if given else 1}
    assert account("b.png")["dream"]["octave_n"] == literal["2"]  # a size is to the letter, as records have it


# ---- with other things ----


def test_a_mask_is_resized_along(run, picture, quick):
    mask = np.zeros((72, 96, 3), np.uint8)
    mask[:, 48:] = 255
    write_image("mask.png", mask)
    assert run("dream", picture.name, "-o", "a.png", *quick, "--long-side", "192", "--mask", "mask.png").code == 0
    start, dream = resized(read_image(picture), (144, 192)), read_image("a.png")
    assert np.array_equal(dream[:, :96], start[:, :96])
    assert not np.array_equal(dream[:, 96:], start[:, 96:])
    assert "identical" in run("replay", "a.png", *quick[:4]).out


@pytest.mark.parametrize(
    ("command", "output", "made"),
    [
        ("octaves", ["-o", "a.png"], "a.png"),
        ("history", ["-o", "a.png"], "a.png"),
        ("sweep", ["-o", "a.png", "--pictures", "each"], "each/001-own.prototxt-light.png"),
        ("zoom", ["-o", "frames", "--frames", "2"], "frames/00000001.png"),
    ],
)
def test_other_commands(run, picture, quick, command, output, made):
    given = [*quick, "--long-side", "48", "--octaves", "1"]
    assert run(command, picture.name, *output, *given).code == 0
    assert account(made)["dream"]["size"] == [36, 48]
    if "/" in made:
        assert read_image(made).shape == (36, 48, 3)
        assert "identical" in run("replay", made, "--input", picture.name, *quick[:4]).out
        assert run(command, picture.name, *output, *given, "--resume").code == 0


def test_frames_of_a_film(run, folder, quick):
    video.write_video(folder / "in.gif", iter([np.full((48, 64, 3), 200, np.uint8)] * 2), 5)
    given = [*quick, "--octaves", "1", "--long-side", "128"]
    assert run("video", "in.gif", "-o", "out.gif", *given).code == 0
    film = json.loads(video.read_comment(folder / "out.gif"))
    assert film["size"] == [96, 128]
    assert film["dream"]["octave_n"] == 3
    assert "--size 128x96" in film["command"]


# ---- dpi ----


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_the_resolution_in_print_is_kept(run, picture, quick, suffix):
    Image.open(picture).save(f"printed.{suffix}", dpi=(300, 300))
    assert run("dream", f"printed.{suffix}", "-o", "a.png", *quick, "--long-side", "48").code == 0
    assert run("dream", f"printed.{suffix}", "-o", f"b.{suffix}", *quick, "--octaves", "1").code == 0
    assert read_dpi("a.png") == pytest.approx((300, 300), abs=0.01)
    assert read_dpi(f"b.{suffix}") == pytest.approx((300, 300), abs=0.01)
    assert read_dpi(picture) is None


def test_an_upright_picture_has_its_resolution_turned_too(picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(picture).save("turned.jpg", dpi=(204, 98), exif=exif)
    assert read_dpi("turned.jpg") == (98, 204)


def test_a_resolution_that_is_none_does_no_harm(run, picture, quick):
    Image.open(picture).save("odd.tif", dpi=(0, 10**9))
    assert read_dpi("odd.tif") is None
    assert run("dream", "odd.tif", "-o", "a.jpg", *quick, "--octaves", "1").code == 0


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--long-side", "9", "--size", "9x9"], "--size says both sides"),
        (["--long-side", "0"], "0 is not in the range"),
        (["--size", "9"], "'9' is not a size"),
    ],
)
def test_what_is_no_size(refused, picture, given, expected):
    assert expected in refused(2, "dream", picture.name, "-o", "a.png", *given)


def test_more_pixels_than_there_may_be(refused, picture, own_network):
    line = refused(2, "--max-pixels", "10000", "dream", picture.name, "-o", "a.png", "--long-side", "200", *own_network)
    assert "'--long-side': '200x150' is more than 10000 pixels; `pydream --max-pixels` sets that" in line


def test_noise_has_its_size(refused, folder):
    assert "noise has its size in its name" in refused(2, "dream", "noise", "-o", "a.png", "--long-side", "200")


def test_a_record_with_too_many_pixels_is_not_replayed(run, refused, picture, quick):
    assert (
        run("dream", picture.name, "-o", "a.png", *quick, "--long-side", "48", "--octaves", "1", "--sidecar").code == 0
    )
    record = json.loads((picture.parent / "a.png.json").read_text())
    record["dream"]["size"] = [10**6, 10**6]
    (picture.parent / "b.json").write_text(json.dumps(record))
    line = refused(1, "replay", "b.json", *quick[:4])
    assert "1000000x1000000 pixels of a resized picture: too many" in line
