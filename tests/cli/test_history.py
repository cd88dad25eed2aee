"""`pydream history`: the pictures that a dream goes through, on a sheet and in a film."""

import json
import os
import shlex
from pathlib import Path

import av
import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest
from support.interrupting import interrupt_at
from support.watching import watching

import pydream
from pydream.cli.commands.history import iterations
from pydream.media.image import read_image, read_note
from pydream.media.sheet import Sheet, fitting_columns, fitting_width

DREAM = ["--octaves", "2", "--octave-scale", "2", "--seed", "3", "--layer", "fire4/concat"]
BARE = ["--title", "", "--no-caption"]


@pytest.fixture
def steps(picture):
    """Every step of a dream, from the library."""

    def steps(**params):
        seen = []
        net, rng = pydream.load_net("squeezenet_v1.1"), np.random.RandomState(3)
        pydream.deepdream(
            net,
            read_image(picture),
            **{"octave_scale": 2, "octave_n": 2, "end": "fire4/concat", **params},
            rng=rng,
            watch=watching(step=lambda octave, i, image: seen.append(np.uint8(np.clip(image, 0, 255)))),
        )
        return seen

    return steps


def test_each_octave_is_a_row(run, picture, steps):
    assert run("history", picture, "-o", "history.png", *DREAM, *BARE, "-n", "6").code == 0
    seen = steps(iter_n=6)
    headings = ["1 iteration", "2 iterations", "5 iterations", "6 iterations"]
    expected = Sheet(4, fitting_width(4, 2, (72, 96)), headings=headings)
    for octave, size in enumerate(("48×36", "96×72")):
        for column, iteration in enumerate((1, 2, 5, 6)):
            text = (f"octave {octave + 1}", f"{size} pixels") if column == 0 else ("", "")
            expected.add(seen[octave * 6 + iteration - 1], *text)
    np.testing.assert_array_equal(read_image("history.png"), expected.draw())


def test_one_scale_fills_a_page(run, picture, steps):
    options = [*DREAM, *BARE, "--octaves", "1", "-n", "4", "--at", "4,1,3"]
    assert run("history", picture, "-o", "history.png", *options).code == 0
    seen = steps(iter_n=4, octave_n=1)
    expected = Sheet(fitting_columns(3, (72, 96)))
    for iteration, label in ((1, "1 iteration"), (3, "3 iterations"), (4, "4 iterations")):
        expected.add(seen[iteration - 1], label)
    np.testing.assert_array_equal(read_image("history.png"), expected.draw())


def test_films_have_every_iteration_at_the_pictures_size(run, picture, steps):
    options = [*DREAM, "-n", "2", "--fps", "4", "--step-size", "20"]
    assert run("history", picture, "-o", "h.png", "-o", "h.mp4", "--gif", *options).code == 0
    seen = [PIL.Image.fromarray(image) for image in steps(iter_n=2, step_size=20)]
    large = [np.asarray(image.resize((96, 72), PIL.Image.Resampling.BICUBIC)).mean(2) for image in seen]
    with av.open("h.mp4") as film:
        frames = [frame.to_ndarray(format="rgb24").mean(2) for frame in film.decode(video=0)]
    held = 6  # a second and a half of the last
    nearest = [np.argmin([np.abs(frame - image).mean() for image in large]) for frame in frames]
    assert nearest == [0, 1, 2, 3, *[3] * held]
    with PIL.Image.open("h.gif") as film:
        assert film.size == (96, 72)
        shown = sum(frame.info["duration"] for frame in PIL.ImageSequence.Iterator(film))
    assert shown == pytest.approx((4 + held) * 250, abs=10)


def test_it_says_how_it_was_made(run, picture):
    assert run("history", picture.name, "-o", "history.png", *DREAM, "-n", "2", "--gif", "--at", "2").code == 0
    made = json.loads(read_note("history.png"))
    assert (made["figure"], made["layers"]) == ("history", [["fire4/concat"]])
    with PIL.Image.open("history.gif") as film:
        assert json.loads(film.info["comment"])["figure"] == "history"
    before = read_image("history.png")
    words = shlex.split(made["command"])
    assert "--gif" not in words
    assert run(*words[1:], "--force").code == 0
    np.testing.assert_array_equal(read_image("history.png"), before)


def test_a_films_command_has_its_frame_rate(run, picture):
    assert run("history", picture.name, "-o", "h.gif", *DREAM, "-n", "2", "--fps", "4").code == 0
    with PIL.Image.open("h.gif") as film:
        made = json.loads(film.info["comment"])
    assert "-o history.gif --fps 4" in made["command"]
    assert run(*shlex.split(made["command"])[1:], "--force").code == 0
    assert Path("history.gif").read_bytes() == Path("h.gif").read_bytes()
    assert run("history", picture.name, "-o", "usual.gif", *DREAM, "-n", "2").code == 0
    with PIL.Image.open("usual.gif") as film:
        assert "--fps" not in film.info["comment"].decode()


def test_ctrl_c_keeps_what_there_is(run, picture, monkeypatch):
    interrupt_at(monkeypatch, 4)
    seen = run("history", picture, "-o", "history.png", "-o", "history.gif", *DREAM, "-n", "3")
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; wrote 'history.png' and 'history.gif' after 4 of 6 steps\n")
    assert read_image("history.png").size
    with PIL.Image.open("history.gif") as film:
        assert film.n_frames >= 4


def test_ctrl_c_before_there_is_anything_to_show(run, picture, monkeypatch):
    interrupt_at(monkeypatch, 1)
    seen = run("history", picture, "-o", "history.png", *DREAM, "-n", "3", "--at", "3")
    assert (seen.code, seen.err.splitlines()[-1]) == (130, "pydream: interrupted; nothing was written")
    assert not os.path.exists("history.png")


@pytest.mark.parametrize(
    ("iter_n", "shown"),
    [(1, [1]), (2, [1, 2]), (10, [1, 2, 5, 10]), (47, [1, 2, 5, 10, 20, 47]), (100, [1, 2, 5, 10, 20, 50, 100])],
)
def test_which_iterations_are_shown(iter_n, shown):
    assert iterations(None, iter_n) == shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--at", "1,20"], "there are 10 iterations, none of number 20"),
        (["--at", "1,,2"], "'1,,2' is not a list of iterations (expected numbers, e.g. 1,2,5,10)"),
        (["--at", "0"], "'0' is not a list of iterations"),
        (["--at", "²"], "'²' is not a list of iterations"),
        (["-o", "h.gif", "--fps", "100"], "fps: 100.0, expected 0.1..50"),
        (["-o", "nowhere/h.gif"], "there is no folder 'nowhere'"),
        (["-o", "in.png"], "it would overwrite 'in.png', which is read"),
    ],
)
def test_what_cannot_be(refused, picture, options, told):
    assert told in refused(2, "history", picture.name, "-o", "history.png", *DREAM, *options)


def test_a_gif_beside_nothing(refused, picture):
    assert "no figure's file to put it beside" in refused(2, "history", picture.name, "-o", "h.mp4", "--gif")
