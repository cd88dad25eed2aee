"""`pydream octaves`: base, detail and sum of each octave, as the dream had them."""

import json
import os
import shlex

import numpy as np
import pytest
from scipy import ndimage
from support.interrupting import interrupt_at
from support.watching import watching

import pydream
from pydream.cli.commands.octaves import Octave, fitting_gain
from pydream.media.image import read_image, read_note
from pydream.media.sheet import Sheet, fitting_width

QUICK = ["--octaves", "2", "--octave-scale", "2", "--iterations", "2", "--seed", "3", "--layer", "fire4/concat"]
BARE = ["--title", "", "--no-caption"]


@pytest.fixture
def steps(picture):
    """Return what the notebook's loop has after each octave, seen by a watch; and its bases, by SciPy."""

    def steps(**params):
        last = {}
        net, rng = pydream.load_net("squeezenet_v1.1"), np.random.RandomState(3)
        shape = {"iter_n": 2, "octave_n": 2, "octave_scale": 2, "end": "fire4/concat", "rng": rng}
        watch = watching(step=lambda o, i, image: last.update({o: image}))
        pydream.deepdream(net, read_image(picture), **shape, **params, watch=watch)
        whole = read_image(picture).astype(np.float32)
        return [ndimage.zoom(whole, (0.5, 0.5, 1), order=1), whole], [last[0], last[1]]

    return steps


def close(one, other):
    """Tell whether two figures are the same but for the rounding of 8-bit values that were scaled."""
    return one.shape == other.shape and np.abs(one.astype(int) - other).max() <= 4 and (one == other).mean() > 0.9


@pytest.mark.parametrize("clip", [True, False])
def test_the_figure(run, picture, steps, clip):
    options = ["--clip" if clip else "--no-clip", "--gain", "2", "--step-size", "9"]
    assert run("octaves", picture, "-o", "octaves.png", *QUICK, *BARE, *options).code == 0
    bases, sums = steps(clip=clip, step_size=9)
    expected = Sheet(3, fitting_width(3, 2, (72, 96)), headings=["Base", "Detail", "Sum"])
    for number, (base, total) in enumerate(zip(bases, sums, strict=True), start=1):
        height, width, _ = base.shape
        detail = total - base
        expected.add(base, f"octave {number}", f"{width}×{height} pixels")
        expected.add(128 + 2 * detail, "× 2", f"{np.abs(detail).mean():.1f} levels on average")
        expected.add(total, "")
    drawn = read_image("octaves.png")
    if clip:
        assert close(drawn, expected.draw())
    else:  # the watch's step has it scaled already, so its detail is no difference of the two
        column = drawn.shape[1] // 3
        assert close(drawn[:, :column], expected.draw()[:, :column])
        assert close(drawn[:, -column:], expected.draw()[:, -column:])


def test_the_gain_is_told_and_hardly_anything_is_cut(run, picture):
    rng = np.random.default_rng(0)
    base = np.zeros((50, 60, 3))
    for strength, gain in ((1, 16), (25, 2), (55, 1), (300, 0.25)):
        octaves = [Octave(base, rng.normal(0, strength, base.shape)), Octave(base, base + strength / 9)]
        assert fitting_gain(octaves) == gain
        assert (np.abs(gain * octaves[0].detail) > 127).mean() < 0.05 or gain == 0.25
    plain = run("octaves", picture, "-o", "a.png", *QUICK)
    chosen = run("octaves", picture, "-o", "b.png", *QUICK, "--gain", "3.5")
    assert plain.code == chosen.code == 0
    assert (read_image("a.png") != read_image("b.png")).any()


def test_it_says_how_it_was_made(run, picture):
    assert run("octaves", picture.name, "-o", "octaves.png", *QUICK, "--theme", "dark", "--width", "80").code == 0
    made = json.loads(read_note("octaves.png"))
    assert (made["figure"], made["layers"]) == ("octaves", [["fire4/concat"]])
    before = read_image("octaves.png")
    assert (before[0, 0] < 30).all()
    assert run(*shlex.split(made["command"])[1:], "--force").code == 0
    np.testing.assert_array_equal(read_image("octaves.png"), before)


def test_noise(run, folder):
    assert run("octaves", "noise:90x60", "-o", "octaves.png", *QUICK).code == 0
    assert json.loads(read_note("octaves.png"))["dream"]["noise"] == [60, 90]


def test_ctrl_c_keeps_the_octaves_that_are_done(run, picture, monkeypatch):
    interrupt_at(monkeypatch, 3)
    seen = run("octaves", picture, "-o", "octaves.png", *QUICK)
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; wrote 'octaves.png' with 1 of 2 octaves\n")
    assert read_image("octaves.png").shape[0] < read_image("octaves.png").shape[1]


def test_ctrl_c_in_the_first_octave_writes_nothing(run, picture, monkeypatch):
    interrupt_at(monkeypatch, 1)
    seen = run("octaves", picture, "-o", "octaves.png", *QUICK)
    assert (seen.code, seen.err.splitlines()[-1]) == (130, "pydream: interrupted; nothing was written")
    assert not os.path.exists("octaves.png")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--gain", "0"], "0.0 is not in the range 0<x<=1000"),
        (["--gain", "nan"], "nan is not a finite number"),
        (["--layer", "fire4/conct"], "no blob 'fire4/conct'; close: 'fire4/concat'"),
        (["-o", "in.png"], "it would overwrite 'in.png', which is read"),
        (["-o", "octaves.gif"], "its suffix names no known format"),
    ],
)
def test_what_cannot_be(refused, picture, options, told):
    assert told in refused(2, "octaves", picture.name, "-o", "octaves.png", *QUICK, *options)


def test_objectives_retouches_and_a_mask_are_told(run, picture, draw, folder):
    draw(folder / "mask.png", 72, 96)
    options = ["-l", "conv1", "--layer", "fire2/concat:3-5=0.5", "--smooth", "0.5", "--mask", "mask.png"]
    assert run("octaves", picture.name, "-o", "octaves.png", *QUICK[:-2], *options).code == 0
    made = json.loads(read_note("octaves.png"))
    assert made["layers"] == [["conv1", "fire2/concat"]]
    assert (made["dream"]["smooth"], made["mask"]["name"]) == (0.5, "mask.png")
    before = read_image("octaves.png")
    assert run(*shlex.split(made["command"])[1:], "--force").code == 0
    np.testing.assert_array_equal(read_image("octaves.png"), before)
