"""Presets are defaults: what is on the command line wins, and a picture tells the parameters and not the name."""

import inspect
import json
import shlex

import pytest

import pydream
from pydream.cli.commands.presets import options
from pydream.media.image import read_image, read_note
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
    "smooth",
    "stretch",
    "decorrelate",
    "decorrelate_color",
    "robust_scale",
    "robust_rotate",
}
GOOGLENETS = ["towers", "creatures", "fair", "starry", "report", "2015"]


def made(name):
    return json.loads(read_note(name))


def test_presets_set_what_there_is():
    recipe = inspect.signature(Recipe).parameters
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.about
        assert set(preset.params) <= PARAMS
        assert set(preset.params) - {"layer"} <= set(recipe)


def test_the_layers_are_of_the_network():
    assert [name for name, preset in PRESETS.items() if preset.network == "bvlc_googlenet"] == GOOGLENETS
    for preset in PRESETS.values():
        if preset.layers:
            blobs = read_graph(preset.network).blobs
            assert {layer.partition(":")[0] for layer in preset.layers} <= set(blobs)


def test_the_strong_ones_come_first():
    """Those of the built-in network, which run at once; the notebook's and the tutorial's own numbers are last."""
    names = list(PRESETS)
    assert names[:3] == ["dogs", "eyes", "masks"]
    assert names[-2:] == ["2015", "tutorial"]
    assert {preset.network for preset in list(PRESETS.values())[:7]} == {"squeezenet_v1.1"}


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
    assert words[words.index("--stretch") + 1] == "1.0"
    assert run(*words[1:], "--force").code == 0
    assert made("dream.png")["result"] == before["result"]


@pytest.mark.parametrize("command", ["zoom", "sweep", "octaves", "history"])
def test_every_command_that_dreams_takes_them(run, picture, command):
    output = {"zoom": ["-o", "frames", "--frames", "1"], "sweep": ["-o", "a.png", "--layer", "conv1"]}
    given = ["--preset", "beads", "-n", "1", "--octaves", "1", "--seed", "3", "--runtime", "numpy"]
    seen = run(command, picture.name, *output.get(command, ["-o", "a.png"]), *given)
    assert seen.code == 0, seen
    dream = made("frames/00000000.png" if command == "zoom" else "a.png")["dream"]
    assert dream["smooth"] == 0.7
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
    assert {each["name"]: each.get("step_size") for each in listed}["report"] == 4.4
    assert {each["name"]: each["network"] for each in listed} == {each.name: each.network for each in PRESETS.values()}
    assert " --layer fire8/squeeze1x1 --layer fire6/squeeze1x1 " in seen.out


def test_every_preset_is_what_its_options_are(run, picture):
    """As listed: so whoever copies them gets the same dream."""
    quick = ["-n", "1", "--octaves", "1", "--seed", "3", "--runtime", "numpy"]
    for name in ("2015", "eyes", "hounds", "tutorial"):
        assert run("dream", picture.name, "-o", "a.png", "--preset", name, *quick, "--force").code == 0
        assert run("dream", picture.name, "-o", "b.png", *options(PRESETS[name]), *quick, "--force").code == 0
        assert made("a.png")["result"] == made("b.png")["result"]
        assert made("a.png")["dream"] == made("b.png")["dream"]


def test_no_such_preset(refused, picture):
    said = refused(2, "dream", picture, "-o", "dream.png", "--preset", "quiet")
    assert "no preset 'quiet'; there are: 'dogs', 'eyes'" in said


# a look and its network


def test_the_layers_of_a_preset_are_on_its_network(run, refused, picture):
    """Which has to be there: nothing else is dreamt with in silence."""
    line = refused(1, "dream", picture, "-o", "dream.png", "--preset", "towers")
    assert "--preset towers is a look of bvlc_googlenet, whose weights are missing: " in line
    assert "`pydream models fetch bvlc_googlenet` gets them" in line
    line = refused(2, "dream", picture, "-o", "dream.png", "--preset", "towers", "--model", "squeezenet_v1.1")
    assert "--preset towers is a look of bvlc_googlenet, and squeezenet_v1.1 is another network: no blob" in line


def test_a_preset_of_the_built_in_network_with_another(refused, picture, own_network):
    line = refused(2, "dream", picture, "-o", "dream.png", "--preset", "dogs", *own_network)
    assert "--preset dogs is a look of squeezenet_v1.1, and own.prototxt is another network: no blob" in line


def test_another_layer_on_another_network(run, refused, picture, own_network):
    """What a preset did not name is not its fault, and a look that works on another network says so in one line."""
    given = ["--preset", "plush", "--runtime", "numpy", *own_network, "-n", "1", "--laplacian", "0", "--octaves", "1"]
    line = refused(2, "dream", picture, "-o", "dream.png", "--preset", "plush", "--class", "dahg", *given[2:4])
    assert "'dahg'" in line
    assert "a look of" not in line
    line = refused(2, "dream", picture, "-o", "dream.png", *given, "--layer", "dark")
    assert "no blob 'dark'" in line
    assert "preset" not in line
    seen = run("dream", picture, "-o", "dream.png", *given, "--layer", "light")
    assert seen.code == 0, seen
    known = "--preset plush is known by squeezenet_v1.1, and this is own.prototxt: it will look otherwise\n"
    assert seen.err.count(known) == 1


@pytest.mark.parametrize("name", ["2015", "report", "tutorial"])
def test_parameters_without_a_layer_run_on_any_network(run, picture, name):
    given = ["--preset", name, "--runtime", "numpy", "-n", "1", "--octaves", "1"]
    seen = run("dream", picture, "-o", "dream.png", *given)
    assert seen.code == 0
    known = f"--preset {name} is known by {PRESETS[name].network}, and this is squeezenet_v1.1: it will look otherwise"
    assert known in seen.err.splitlines()
    assert made("dream.png")["network"]["name"] == "squeezenet_v1.1"
    assert known not in run("dream", picture, "-o", "quiet.png", *given, "-q").err


@pytest.mark.parametrize("name", ["masks", "birds", "scales"])
def test_a_look_of_the_networks_own_has_nothing_to_say(run, picture, name):
    given = ["--preset", name, "--runtime", "numpy", "-n", "1", "--octaves", "1", "--seed", "0"]
    seen = run("dream", picture, "-o", "dream.png", *given)
    assert seen.code == 0
    assert "preset" not in seen.err


def test_a_preset_chooses_its_network(run, picture, shared, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODELS", str(shared / "models"))
    assert run("dream", picture, "-o", "dream.png", "--preset", "starry", "-n", "1", "--octaves", "1").code == 0
    assert made("dream.png")["network"]["name"] == "bvlc_googlenet"
    assert made("dream.png")["dream"]["end"] == "inception_3b/output"


def test_an_outlier_does_not_make_the_tutorials_dream_black(run, picture):
    """As the notebook's own rescaling does, which pictures of earlier versions are replayed with."""
    given = [
        "--preset",
        "tutorial",
        "--octaves",
        "1",
        "-n",
        "4",
        "--step-size",
        "30",
        "--seed",
        "3",
        "--runtime",
        "numpy",
    ]
    means = {}
    for name, more in {"new.png": [], "old.png": ["--stretch", "0"]}.items():
        assert run("dream", picture, "-o", name, *given, *more).code == 0
        means[name] = read_image(name).mean()
    assert means["old.png"] < 0.7 * read_image(picture).mean()
    assert means["new.png"] == pytest.approx(read_image(picture).mean(), rel=0.25)
    assert made("new.png")["dream"]["stretch"] == 1


def test_a_mask_and_a_stretch(refused, picture):
    line = refused(2, "dream", picture, "-o", "dream.png", "--mask", picture, "--stretch", "1")
    assert "it keeps pixels as they are, and --stretch rescales them all" in line


# a zoom loop's own numbers


def looped(run, picture, *given):
    seen = run("zoom", picture, "-o", "frames", "--frames", "1", "--octaves", "1", "--seed", "0", *given)
    assert seen.code == 0, seen
    dream = made("frames/00000000.png")["dream"]
    return dream["end"], dream["iter_n"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ("fire7/concat", 3)),
        ("--layer conv1", ("conv1", 10)),
        ("--iterations 4", ("fire8/concat", 4)),
        ("--preset strokes", ("fire3/concat", 3)),
        ("--preset strokes --iterations 4", ("fire3/concat", 4)),
        ("--class tabby", ("pool10", 3)),
        ("--class tabby --preset beads", ("fire5/expand3x3", 3)),
        ("--class tabby --iterations 4", ("pool10", 4)),
    ],
)
def test_frames_of_a_zoom_loop(run, picture, given, expected):
    """The notebook's number is for other networks, and for what is chosen by name: so recorded commands stay true."""
    assert looped(run, picture, *given.split(), "--runtime", "numpy") == expected
    words = shlex.split(made("frames/00000000.png")["command"])[1:]
    assert run(*words, "--force").code == 0
    dream = made("frames/00000000.png")["dream"]
    assert (dream["end"], dream["iter_n"]) == expected


def test_frames_of_another_network(run, picture, root):
    files = root / "models" / "squeezenet_v1.1"
    network = ["--model", files / "deploy.prototxt", "--weights", files / "squeezenet_v1.1.caffemodel"]
    assert looped(run, picture, *network, "--runtime", "numpy")[1] == 10


def test_a_loop_of_an_earlier_version_goes_on(run, picture):
    """Whose defaults were the notebook's."""
    before = ["--layer", "fire8/concat", "--iterations", "10", "--runtime", "numpy"]
    assert looped(run, picture, *before) == ("fire8/concat", 10)
    given = ["--frames", "2", "--octaves", "1", "--seed", "0", "--runtime", "numpy", "--resume"]
    seen = run("zoom", picture, "-o", "frames", *given)
    assert seen.code == 0, seen
    assert made("frames/00000001.png")["dream"]["iter_n"] == 10


def test_a_loop_of_a_strength_goes_on(run, picture):
    """Its number of iterations is not the default's, and its layer is."""
    assert looped(run, picture, "--strength", "2", "--runtime", "numpy") == ("fire7/concat", 6)
    given = ["--frames", "2", "--octaves", "1", "--strength", "2", "--runtime", "numpy", "--resume"]
    seen = run("zoom", picture, "-o", "frames", *given)
    assert seen.code == 0, seen
    dream = made("frames/00000001.png")["dream"]
    assert (dream["end"], dream["iter_n"]) == ("fire7/concat", 6)
