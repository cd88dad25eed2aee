"""`--octaves auto`: every picture's size decides, and what is recorded is the number."""

import json
import shlex

import numpy as np
import pytest

from pydream.cli import job
from pydream.cli.progress import Progress
from pydream.media.image import read_note, write_image


@pytest.fixture
def auto(own_network):
    """Options of quick dreams whose octaves go by the size."""
    return [*own_network, "-l", "light", "--runtime", "numpy", "-n", "1", "--seed", "3", "--octaves", "auto"]


@pytest.fixture
def wide(folder, draw):
    return draw(folder / "wide.png", 140, 160)  # 4 octaves; `picture` has 72x96, 2 of them


def account(name):
    return json.loads(read_note(name))


def test_a_number_is_recorded_and_makes_the_same(run, wide, auto):
    assert run("dream", wide.name, "-o", "a.png", *auto).code == 0
    made = account("a.png")
    assert made["dream"]["octave_n"] == 4
    assert "auto" not in made["command"]
    assert run(*shlex.split(made["command"])[1:-1], "3", "--force").code == 0  # as recorded, to dream.png
    assert account("dream.png")["result"] == made["result"]
    assert account("dream.png")["dream"] == made["dream"]
    assert "identical" in run("replay", "a.png", *auto[:4]).out


def test_each_picture_of_a_batch_has_its_own(run, picture, wide, auto):
    assert run("dream", picture.name, wide.name, "-o", "dreams/", *auto).code == 0
    numbers = {name: account(f"dreams/{name}.png")["dream"]["octave_n"] for name in ("in", "wide")}
    assert numbers == {"in": 2, "wide": 4}
    again = run("dream", picture.name, wide.name, "-o", "dreams/", *auto)
    assert "2 of 2 are in 'dreams' already" in again.err


@pytest.mark.parametrize(
    ("command", "output", "made"),
    [
        ("octaves", ["-o", "a.png"], "a.png"),
        ("history", ["-o", "a.png"], "a.png"),
        ("sweep", ["-o", "a.png"], "a.png"),
        ("zoom", ["-o", "frames", "--frames", "2"], "frames/00000001.png"),
    ],
)
def test_other_commands(run, wide, auto, command, output, made):
    assert run(command, wide.name, *output, *auto).code == 0
    assert account(made)["dream"]["octave_n"] == 4
    assert "auto" not in account(made)["command"]
    if command == "zoom":
        more = run(command, wide.name, *output[:2], "--frames", "3", *auto, "--resume")
        assert "2 of 3 frames are in 'frames' already" in more.err


def test_frames_of_a_film_by_the_size_that_they_are_dreamt_at(run, folder, auto):
    video = pytest.importorskip("pydream.media.video")
    frame = np.full((48, 64, 3), 200, np.uint8)
    video.write_video(folder / "in.gif", iter([frame] * 2), 5)
    assert run("video", "in.gif", "-o", "out.gif", *auto, "--size", "96x72").code == 0
    assert json.loads(video.read_comment(folder / "out.gif"))["dream"]["octave_n"] == 2


def test_progress_counts_the_steps_of_the_resolved_number(run, wide, auto, monkeypatch):
    seen = []

    def progress(title, sizes, *more):
        seen.append(sizes)
        return Progress(title, sizes, *more)

    monkeypatch.setattr(job, "Progress", progress)
    assert run("dream", wide.name, "-o", "a.png", *auto).code == 0
    assert list(map(len, seen)) == [4]


def test_a_preset_is_auto_and_a_number_wins(run, picture):
    quick = ["--preset", "strokes", "--seed", "3", "-n", "1", "--runtime", "numpy"]
    assert run("dream", picture.name, "-o", "a.png", *quick).code == 0
    assert account("a.png")["dream"]["octave_n"] == 2
    assert run("dream", picture.name, "-o", "b.png", *quick, "--octaves", "1").code == 0
    assert account("b.png")["dream"]["octave_n"] == 1


@pytest.mark.parametrize("given", ["automatic", "0", "Auto", "1.5"])
def test_what_is_neither_a_number_nor_auto(refused, picture, given):
    line = refused(2, "dream", picture.name, "-o", "a.png", "--octaves", given)
    assert "--octaves" in line
    assert given in line


@pytest.mark.parametrize("given", ["AUTO", "autos", "2.5", ""])
def test_what_is_neither(refused, folder, given):
    assert f"{given!r} is neither a whole number nor 'auto'" in refused(2, "dream", "noise", "--octaves", given)


def test_reproduce_takes_a_number(refused, folder):
    assert "'auto' is not a valid integer" in refused(2, "reproduce", "-o", "results", "--octaves", "auto")


@pytest.fixture
def large(folder):
    write_image(folder / "large.png", np.full((900, 1000, 3), 128, np.uint8))
    return "large.png"


@pytest.fixture
def no_dream(monkeypatch):
    """Commands whose dream takes no time: the recipes that they would follow."""
    recipes = []

    def dream(self, recipe, picture, watch):
        recipes.append(recipe)
        return picture

    monkeypatch.setattr(job.Job, "dream", dream)
    return recipes


LARGE = "creatures will have up to about"
OF = "of 1000x900 pixels; --octaves auto, here 6, makes them as large as"
QUICK = ["--runtime", "numpy", "--seed", "3", "-l", "fire8/squeeze1x1"]


def test_a_plain_dream_of_a_large_picture_says_how_large_things_become(run, large, no_dream):
    seen = run("dream", large, "-o", "a.png", *QUICK)
    # what 'fire8/squeeze1x1' sees, 143 pixels, at 1.4³ and at 1.4⁵: a third
    assert seen.err.splitlines()[0] == f"{LARGE} 130 {OF} 260"
    assert no_dream[0].octave_n == 4
    assert "creatures" not in run("dream", large, "-o", "a.png", *QUICK, "--quiet", "--force").err


@pytest.mark.parametrize("more", [["--octaves", "4"], ["--octaves", "auto"], ["--preset", "report"]])
def test_who_chose_the_octaves_is_told_nothing(run, large, no_dream, more):
    assert "creatures" not in run("dream", large, "-o", "a.png", *QUICK, *more).err


def test_a_small_picture_says_nothing_and_a_batch_says_it_once(run, large, folder, no_dream):
    write_image(folder / "small.png", np.full((800, 900, 3), 128, np.uint8))
    write_image(folder / "other.png", np.full((950, 1000, 3), 128, np.uint8))
    seen = run("dream", "small.png", large, "other.png", "-o", "dreams/", *QUICK)
    assert seen.code == 0
    assert [line for line in seen.err.splitlines() if "creatures" in line] == [f"{LARGE} 130 {OF} 260"]


def test_layers_that_see_everything_know_things_of_a_size(run, large, no_dream):
    seen = run("dream", large, "-o", "a.png", *QUICK[:-1], "pool10")
    assert f"{LARGE} 200 {OF} 300" in seen.err  # a third of 224, and of the whole picture
