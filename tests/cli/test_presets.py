"""Presets are defaults: what is on the command line wins, and a picture tells the parameters and not the name."""

import inspect
import json
import shlex

import pytest

import pydream
from pydream.cli.commands.presets import options
from pydream.media.image import read_note
from pydream.record.presets import PRESETS
from pydream.record.recipe import Recipe
from pydream.zoo.load import read_graph

PARAMS = {
    "iter_n",
    "step_size",
    "octave_n",
    "octave_scale",
    "jitter",
    "clip",
    "era",
    "layer",
    "keep_colors",
    "laplacian",
}


def made(name):
    return json.loads(read_note(name))


def test_presets_set_what_there_is():
    recipe = inspect.signature(Recipe).parameters
    blobs = read_graph("squeezenet_v1.1").blobs
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.about
        assert set(preset.params) <= PARAMS
        assert set(preset.params) - {"layer"} <= set(recipe)
        assert preset.params.get("layer", "conv1") in blobs


def test_2015_is_the_notebook():
    defaults = inspect.signature(pydream.deepdream).parameters
    step = inspect.signature(pydream.make_step).parameters
    for name, value in PRESETS["2015"].params.items():
        assert value == ("2015" if name == "era" else (defaults.get(name) or step[name]).default), name
    assert PRESETS["report"].params == {"iter_n": 47, "step_size": 4.4, "octave_n": 4, "octave_scale": 1.4}


def test_a_preset_gives_defaults_and_options_win(run, picture):
    given = ["--preset", "strokes", "--iterations", "2", "--octaves", "1", "--seed", "3"]
    assert run("dream", picture.name, "-o", "dream.png", *given).code == 0
    dream = made("dream.png")["dream"]
    assert (dream["end"], dream["step_size"]) == ("fire3/concat", 1.0)  # the preset's
    assert (dream["iter_n"], dream["octave_n"]) == (2, 1)  # the command line's
    assert (dream["jitter"], dream["clip"]) == (32, True)  # nobody's


def test_where_the_preset_stands_does_not_matter(run, picture):
    for name, given in {
        "a.png": ["-n", "1", "--no-clip", "--preset", "2015"],
        "b.png": ["--preset", "2015", "--no-clip", "-n", "1"],
    }.items():
        assert run("dream", picture.name, "-o", name, *given, "--octaves", "2", "--seed", "3").code == 0
    assert made("a.png") == made("b.png")
    assert made("a.png")["dream"]["clip"] is False


def test_the_command_tells_the_parameters(run, picture):
    assert run("dream", picture.name, "-o", "dream.png", "--preset", "tutorial", "-n", "1", "--octaves", "2").code == 0
    before = made("dream.png")
    words = shlex.split(before["command"])
    assert "--preset" not in words
    assert words.count("--iterations") == 1
    assert "--no-clip" in words
    assert run(*words[1:]).code == 0
    assert made("dream.png")["result"] == before["result"]


@pytest.mark.parametrize("command", ["zoom", "sweep", "octaves", "history"])
def test_every_command_that_dreams_takes_them(run, picture, command):
    output = {"zoom": ["-o", "frames", "--frames", "1"], "sweep": ["-o", "a.png", "--layer", "conv1"]}
    given = ["--preset", "beads", "-n", "1", "--octaves", "1", "--seed", "3"]
    seen = run(command, picture.name, *output.get(command, ["-o", "a.png"]), *given)
    assert seen.code == 0, seen
    dream = made("frames/00000000.png" if command == "zoom" else "a.png")["dream"]
    assert dream["step_size"] == 1.0
    assert dream["end"] == ("conv1" if command == "sweep" else "fire5/expand3x3")


def test_the_list(run):
    seen = run("presets")
    assert seen.code == 0
    for preset in PRESETS.values():
        assert f"{preset.name:<10}{preset.about}\n" in seen.out
    assert "--iterations 47 --step-size 4.4" in seen.out
    assert "--no-clip" in seen.out
    listed = json.loads(run("presets", "--json").out)
    assert [each["name"] for each in listed] == list(PRESETS)
    assert listed[1]["step_size"] == 4.4


def test_every_preset_is_what_its_options_are(run, picture):
    """As listed: so whoever copies them gets the same dream."""
    quick = ["-n", "1", "--octaves", "1", "--seed", "3", "--force"]
    for name in ("2015", "facets", "carved"):
        assert run("dream", picture.name, "-o", "a.png", "--preset", name, *quick).code == 0
        assert run("dream", picture.name, "-o", "b.png", *options(PRESETS[name]), *quick).code == 0
        assert made("a.png")["result"] == made("b.png")["result"]
        assert made("a.png")["dream"] == made("b.png")["dream"]


def test_no_such_preset(refused, picture):
    assert "'cats' is not one of '2015', 'report'" in refused(
        2, "dream", picture, "-o", "dream.png", "--preset", "cats"
    )
