"""`--strength` scales the iterations, and `--blend` mixes the finished dream with its input."""

import json
import shlex

import numpy as np
import pytest
from support.interrupting import interrupt_at

from pydream import load_net
from pydream.cli import job
from pydream.dream.images import noise
from pydream.media import read_image
from pydream.media.image import read_note, write_image
from pydream.picture import to_pixels
from pydream.record.presets import PRESETS
from pydream.record.recipe import Recipe, follow


def account(name):
    return json.loads(read_note(name))


@pytest.mark.parametrize(
    ("strength", "given", "number"), [("3", [], 3), ("0.25", ["-n", "3"], 1), ("0.5", ["-n", "5"], 2)]
)
def test_strength_is_recorded_as_iterations(run, picture, quick, strength, given, number):
    assert run("dream", picture.name, "-o", "a.png", *quick, *given, "--seed", "3", "--strength", strength).code == 0
    made = account("a.png")
    assert made["dream"]["iter_n"] == number
    assert "--strength" not in made["command"]
    assert run("dream", picture.name, "-o", "b.png", *quick, "-n", number, "--seed", "3").code == 0
    assert account("b.png")["result"] == made["result"]


def test_strength_of_a_preset(run, picture, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(job.Job, "dream", lambda self, recipe, picture, watch: picture)
        given = ["--preset", "dogs", "--runtime", "numpy", "--strength", "2"]
        assert run("dream", picture.name, "-o", "a.png", *given).code == 0
    assert account("a.png")["dream"]["iter_n"] == 2 * PRESETS["dogs"].params["iter_n"]


def test_strength_in_other_commands(run, picture, quick):
    assert run("zoom", picture.name, "-o", "frames", "--frames", "1", *quick, "--strength", "4").code == 0
    assert account("frames/00000000.png")["dream"]["iter_n"] == 4
    assert run("history", picture.name, "-o", "c.png", *quick, "--strength", "4", "--at", "1,4").code == 0


@pytest.mark.parametrize("option", ["--strength", "--blend"])
@pytest.mark.parametrize("value", ["4.5", "-1", "nan", "much"])
def test_out_of_range(refused, picture, option, value):
    assert f"'{option}'" in refused(2, "dream", picture.name, "-o", "a.png", option, value)


# ---- blend ----


NOTHING = {}


def dreamt(quick, start=None, spec=NOTHING, **more):
    """Return the finished dream, in floats."""
    net = load_net(quick[1], quick[3], runtime="numpy", **spec)
    recipe = Recipe(end="light", seed=3, octave_n=1, iter_n=1, **more)
    return follow(recipe, net, start)


@pytest.mark.parametrize(
    ("given", "more"), [([], {}), (["--no-clip"], {"clip": False}), (["--keep-colors"], {"keep_colors": True})]
)
def test_the_formula(run, picture, quick, given, more):
    assert run("dream", picture.name, "-o", "a.png", *quick, "--seed", "3", "--blend", "0.3", *given).code == 0
    made, start = account("a.png"), read_image(picture)
    dream = dreamt(quick, start, **more)
    assert np.array_equal(read_image("a.png"), to_pixels(dream + np.float32(0.3) * (start - dream)))
    assert made["dream"]["blend"] == 0.3
    assert "--blend 0.3" in made["command"]
    assert "identical" in run("replay", "a.png", *quick[:4]).out
    assert run(*shlex.split(made["command"])[1:]).code == 0
    assert account("dream.png")["result"] == made["result"]


def test_the_whole_input_and_nothing_of_it(run, picture, quick):
    assert run("dream", picture.name, "-o", "a.png", *quick, "--seed", "3", "--blend", "1").code == 0
    assert np.abs(np.int16(read_image("a.png")) - read_image(picture)).max() <= 1  # float32, and no rounding
    assert run("dream", picture.name, "-o", "b.png", *quick, "--seed", "3", "--blend", "0").code == 0
    assert run("dream", picture.name, "-o", "c.png", *quick, "--seed", "3").code == 0
    assert account("b.png") == account("c.png")


def test_black_of_a_mask_stays_to_the_byte(run, picture, quick):
    mask = np.zeros((72, 96, 3), np.uint8)
    mask[:, 48:] = 255
    write_image("mask.png", mask)
    given = ["--blend", "0.7", "--mask", "mask.png", "--long-side", "48"]
    assert run("dream", picture.name, "-o", "a.png", *quick, *given).code == 0
    assert run("dream", picture.name, "-o", "b.png", *quick, *given, "--blend", "1").code == 0
    assert np.array_equal(read_image("a.png")[:, :24], read_image("b.png")[:, :24])
    assert "identical" in run("replay", "a.png", *quick[:4]).out


def test_noise_is_an_input_too(run, folder, quick):
    assert run("dream", "noise:40x30", "-o", "a.png", *quick, "--seed", "3", "--mean", "0", "--blend", "0.5").code == 0
    start = noise(30, 40, np.random.RandomState(3))
    dream = dreamt(quick, spec={"mean": (0.0,)}, noise=(30, 40))
    assert np.array_equal(read_image("a.png"), to_pixels(dream + np.float32(0.5) * (start - dream)))
    assert "identical" in run("replay", "a.png", *quick[:4]).out


def test_what_an_interrupt_leaves_is_blended(run, picture, quick, monkeypatch):
    """And made again from its record."""
    interrupt_at(monkeypatch, 1)
    given = [*quick, "-n", "3", "--seed", "3", "--blend", "0.5"]
    seen = run("dream", picture.name, "-o", "a.png", *given)
    assert seen.code == 130, seen
    assert "after 1 of" in seen.err
    assert account("a.png")["dream"]["steps"] == 1
    start = read_image(picture)
    dream = dreamt(quick, start)
    assert np.array_equal(read_image("a.png"), to_pixels(dream + np.float32(0.5) * (start - dream)))


@pytest.mark.parametrize("blend", [-0.1, 1.1, float("nan")])
def test_a_recipe_checks_it(blend):
    with pytest.raises(ValueError, match="blend: "):
        Recipe(end="light", seed=3, blend=blend)


def test_video_has_another_name_for_another_thing(refused, folder):
    (folder / "in.mp4").write_bytes(b"")
    assert "No such option" in refused(2, "video", "in.mp4", "-o", "out.mp4", "--blend", "0.5")
