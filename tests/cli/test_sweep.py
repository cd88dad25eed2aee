"""`pydream sweep`: each layer's own dream, from low to high, whatever becomes of the others."""

import json
import os
import shlex
import shutil

import numpy as np
import PIL.Image
import pytest
from support.interrupting import interrupt_at

import pydream
from pydream.cli.commands.sweep import choose
from pydream.media.image import read_image, read_note
from pydream.media.sheet import Sheet, fitting_columns
from pydream.zoo.load import read_graph

QUICK = ["--octaves", "1", "--iterations", "2", "--seed", "3"]
BARE = ["--title", "", "--no-caption"]
LAYERS = ["conv1", "fire4/concat", "fire8/squeeze1x1"]
CHOSEN = ["--layer", "fire8/squeeze1x1", "--layer", "conv1", "--layer", "fire4/conc*"]
FILES = ["001-squeezenet_v1.1-conv1.png", "015-squeezenet_v1.1-fire4-concat.png"]
FILES += ["029-squeezenet_v1.1-fire8-squeeze1x1.png"]


def dreams(picture, layers=LAYERS, **params):
    net = pydream.load_net("squeezenet_v1.1")
    made = []
    for layer in layers:
        rng = np.random.RandomState(3)
        dream = pydream.deepdream(
            net, read_image(picture), end=layer, **{"octave_n": 1, "iter_n": 2, **params}, rng=rng
        )
        made.append(np.uint8(np.clip(dream, 0, 255)))
    return made


def content(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_the_sheet_has_every_layers_dream_in_the_networks_order(run, picture, folder):
    seen = run("sweep", picture.name, "-o", "sheet.png", "--pictures", "all", *CHOSEN, *QUICK, *BARE, "--columns", "2")
    assert seen.code == 0, seen
    assert "wrote 'sheet.png'" in seen.err
    expected = Sheet(2)
    assert sorted(os.listdir("all")) == FILES
    for layer, dream, file, pixels in zip(LAYERS, dreams(picture), FILES, (3, 47, 143), strict=True):
        np.testing.assert_array_equal(read_image(folder / "all" / file), dream)
        expected.add(dream, layer, f"sees {pixels} px")
    np.testing.assert_array_equal(read_image("sheet.png"), expected.draw())
    with PIL.Image.open("sheet.png") as image:
        assert round(image.info["dpi"][0]) == 300


def test_a_single_picture_is_that_of_dream_and_is_replayed(run, picture, folder):
    assert (
        run("sweep", picture.name, "-o", "sheet.png", "--pictures", "all", *CHOSEN, *QUICK, "--theme", "dark").code == 0
    )
    made = json.loads(read_note(folder / "all" / FILES[1]))
    words = shlex.split(made["command"])
    assert words[:2] == ["pydream", "dream"]
    assert run(*words[1:]).code == 0
    assert read_note("dream.png") == read_note(folder / "all" / FILES[1])
    assert run("replay", folder / "all" / FILES[1], "--input", picture).out.startswith("identical")


def test_the_sheet_says_how_it_was_made(run, refused, picture):
    options = ["--at-most", "2", "--width", "60", "--dpi", "100", "--step-size", "2"]
    assert run("sweep", picture.name, "-o", "sheet.png", *CHOSEN, *QUICK, *options).code == 0
    made = json.loads(read_note("sheet.png"))
    assert made["figure"] == "sweep"
    assert made["layers"] == [["conv1", "fire8/squeeze1x1"]]
    assert made["dream"]["step_size"] == 2
    assert made["input"]["name"] == "in.png"
    before = read_image("sheet.png")
    assert run(*shlex.split(made["command"])[1:]).code == 0
    np.testing.assert_array_equal(read_image("sweep.png"), before)
    assert "it is a figure, not a dream; `pydream sweep in.png -o sweep.png " in refused(1, "replay", "sheet.png")


def test_all_layers_are_those_that_dream_at_any_size():
    def names(*patterns):
        chosen = choose({"bvlc_alexnet": read_graph("bvlc_alexnet")}, patterns, None, (300, 400))
        return [layer.facts.name for layer in chosen["bvlc_alexnet"]]

    convolutional = ["conv1", "norm1", "pool1", "conv2", "norm2", "pool2", "conv3", "conv4", "conv5", "pool5"]
    assert names("all") == names("*") == convolutional
    assert names("fc7", "conv1", "norm?") == ["conv1", "norm1", "norm2", "fc7"]  # whose dream will say what it wants


@pytest.mark.parametrize(("at_most", "numbers"), [(1, [0]), (2, [0, 38]), (3, [0, 19, 38]), (50, list(range(39)))])
def test_at_most_is_evenly_from_low_to_high(at_most, numbers):
    graphs = {"squeezenet_v1.1": read_graph("squeezenet_v1.1")}
    every = choose(graphs, ["all"], None, (72, 96))["squeezenet_v1.1"]
    assert len(every) == 39
    some = choose(graphs, ["all"], at_most, (72, 96))["squeezenet_v1.1"]
    assert [layer.facts.name for layer in some] == [every[number].facts.name for number in numbers]


def test_a_layer_that_cannot_costs_only_itself(run, draw, folder, picture):
    draw(folder / "small.png", 40, 40)
    options = [
        "--layer",
        "conv1",
        "--layer",
        "fire8/concat",
        "--layer",
        "fire2/concat",
        "--octaves",
        "3",
        "-n",
        "1",
        "--seed",
        "3",
    ]
    seen = run("sweep", "small.png", "-o", "sheet.png", "--pictures", "all", *options, "--octave-scale", "2", *BARE)
    assert seen.code == 1
    first, *_, last = seen.err.splitlines()[1:]
    assert first.startswith("pydream: error: octave 1 of 3 (10x10) is too small for 'fire8/concat'")
    assert last == "pydream: error: 1 of 3 layers could not be dreamt with; the sheet tells why"
    assert sorted(os.listdir("all")) == [FILES[0], "006-squeezenet_v1.1-fire2-concat.png"]
    expected = Sheet(fitting_columns(3, (40, 40)))
    made = dreams(folder / "small.png", ["conv1", "fire2/concat"], octave_n=3, iter_n=1, octave_scale=2)
    expected.add(made[0], "conv1", "sees 3 px")
    expected.add(made[1], "fire2/concat", "sees 15 px")
    reason = first.removeprefix("pydream: error: ")
    expected.add(None, "fire8/concat", "sees 175 px", reason)
    np.testing.assert_array_equal(read_image("sheet.png"), expected.draw())


def test_a_zero_gradient_costs_only_its_layer(run, folder, draw):
    (folder / "own.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
        'layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }\n'
        'layer { name: "none" type: "Power" bottom: "twice" top: "none" power_param { scale: 0 } }\n'
    )
    layer = b"\x0a\x05twice\x12\x05Power"
    (folder / "own.caffemodel").write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    draw(folder / "in.png", 20, 30)
    seen = run("sweep", "in.png", "-o", "sheet.png", "-m", "own.prototxt", *QUICK)
    assert seen.code == 1, seen
    assert "error: the gradient of 'none' at the image is zero" in seen.err
    assert json.loads(read_note("sheet.png"))["layers"] == [["twice"]]
    seen = run("sweep", "in.png", "-o", "nothing.png", "-m", "own.prototxt", "--layer", "none", *QUICK)
    assert seen.code == 1
    assert seen.err.endswith("no layer could be dreamt with: nothing was written\n")
    assert not os.path.exists("nothing.png")


def test_several_networks_stand_side_by_side(run, folder, own_network, picture):
    shutil.copy("own.prototxt", "other.prototxt")
    shutil.copy("own.caffemodel", "other.caffemodel")
    models = ["-m", "squeezenet_v1.1", "-m", "other.prototxt"]
    layers = ["--layer", "light", "--layer", "conv1", "--layer", "pool1"]
    seen = run("sweep", picture, "-o", "s.png", *models, *layers, *QUICK, *BARE)
    assert seen.code == 0, seen
    assert json.loads(read_note("s.png"))["layers"] == [["conv1", "pool1"], ["light"]]
    conv1, pool1 = dreams(picture, ["conv1", "pool1"])
    light = pydream.load_net("other.prototxt")
    dream = pydream.deepdream(light, read_image(picture), 2, 1, end="light", rng=np.random.RandomState(3))
    expected = Sheet(2, headings=["squeezenet_v1.1", "other.prototxt"])
    expected.add(conv1, "conv1", "sees 3 px")
    expected.add(np.uint8(np.clip(dream, 0, 255)), "light", "sees 1 px")
    expected.add(pool1, "pool1", "sees 7 px")
    np.testing.assert_array_equal(read_image("s.png"), expected.draw())


def test_a_guide_guides_every_layer(run, picture, draw, folder):
    draw(folder / "guide.png", 50, 60)
    options = ["--guide", "guide.png", "--layer", "conv1", "--layer", "fire4/concat", *QUICK]
    assert run("sweep", picture, "-o", "s.png", "--pictures", "all", *options).code == 0
    net = pydream.load_net("squeezenet_v1.1")
    objective = pydream.objective_guide(net, read_image("guide.png"), "fire4/concat")
    rng = np.random.RandomState(3)
    dream = pydream.deepdream(net, read_image(picture), 2, 1, end="fire4/concat", objective=objective, rng=rng)
    np.testing.assert_array_equal(read_image(folder / "all" / FILES[1]), np.uint8(np.clip(dream, 0, 255)))
    assert run("replay", folder / "all" / FILES[1], "-i", picture, "-g", "guide.png").out.startswith("identical")


def test_ctrl_c_keeps_what_was_done(run, picture, monkeypatch, folder):
    interrupt_at(monkeypatch, 5)  # in the third of three layers
    seen = run("sweep", picture.name, "-o", "sheet.png", "--pictures", "all", *CHOSEN, *QUICK)
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; wrote 'sheet.png' with 2 of 3 layers; --resume continues\n")
    assert json.loads(read_note("sheet.png"))["layers"] == [LAYERS[:2]]
    assert sorted(os.listdir("all")) == FILES[:2]


def test_ctrl_c_before_the_first_dream_writes_nothing(run, picture, monkeypatch, folder):
    interrupt_at(monkeypatch, 1)
    seen = run("sweep", picture.name, "-o", "sheet.png", *CHOSEN, *QUICK)
    assert seen.code == 130
    assert seen.err.endswith("pydream: interrupted; nothing was written\n")
    assert not os.path.exists("sheet.png")


def test_resume_makes_what_is_missing_and_no_more(run, refused, picture, folder):
    again = ["sweep", picture.name, "-o", "sheet.png", "--pictures", "all", *CHOSEN, "--octaves", "1", "-n", "2"]
    assert run(*again).code == 0  # with a seed of its own, which --resume finds
    whole, sheet = content(folder / "all"), read_image("sheet.png")
    ways = "--force replaces it, --resume continues an earlier run"
    assert f"'sheet.png' is there already: {ways}" in refused(2, *again)
    ways = "--resume continues with them, --force replaces them"
    assert f"'all' holds such pictures already: {ways}" in refused(2, *again[:3], "other.png", *again[4:])
    (folder / "all" / FILES[0]).unlink()
    (folder / "all" / FILES[1]).write_bytes(whole[FILES[1]][0][:3000])
    assert run(*again, "--resume").code == 0
    after = content(folder / "all")
    assert {name: after[name][0] for name in FILES} == {name: whole[name][0] for name in FILES}
    assert after[FILES[2]] == whole[FILES[2]]
    np.testing.assert_array_equal(read_image("sheet.png"), sheet)
    seen = run(*again, "--resume", "--step-size", "3")
    assert (seen.code, seen.err.count(" is another dream: step_size was 1.5, now 3.0\n")) == (1, len(FILES))
    assert content(folder / "all") == after
    assert run(*again, "--force", "--step-size", "3").code == 0  # another dream: all of it anew
    assert all(content(folder / "all")[name][0] != whole[name][0] for name in FILES)
    (folder / "all" / FILES[0]).write_text("a text")
    assert f"'all/{FILES[0]}' does not say that it was made by this command" in refused(2, *again, "--force")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--layer", "fire8/conct"], "no layer to dream with 'fire8/conct'; close: 'fire8/concat'"),
        (["--layer", "data"], "no layer to dream with 'data'"),
        (["--layer", "fire*/nothing"], "no layer to dream with 'fire*/nothing'"),
        (["--layer", "conv1", "--layer", ""], "a name is empty"),
        (["--model", "squeezenet_v1.2"], "no network 'squeezenet_v1.2'; close: 'squeezenet_v1.1'"),
        (["-m", "squeezenet_v1.1", "-m", "bvlc_alexnet", "--layer", "fire2/concat"], "none is of 'bvlc_alexnet'"),
        (["-m", "squeezenet_v1.1", "-m", "bvlc_alexnet", "--columns", "3"], "has one column"),
        (["-m", "squeezenet_v1.1", "-m", "bvlc_alexnet", "--weights", "in.png"], "it is for one network"),
        (["-m", "squeezenet_v1.1", "-m", "bvlc_alexnet", "--mean", "1,2,3"], "'--mean': it is for one network"),
        (["--resume"], "it continues with what is in --pictures"),
        (["--columns", "100", "--dpi", "50"], "columns: 100, too many for a sheet 170 mm wide at 50 dpi"),
        (["--image-size", "10x10"], "No such option"),
        (["--theme", "pink"], "'pink' is not one of 'light', 'dark'"),
        (["-o", "sheet.bmp"], "its suffix names no known format"),
        (["-o", "in.png"], "it would overwrite 'in.png', which is read"),
    ],
)
def test_what_cannot_be(refused, picture, options, told):
    assert told in refused(2, "sweep", picture.name, "-o", "sheet.png", *options)


def test_weights_that_are_missing_are_told_before_the_first_dream(refused, picture):
    said = refused(
        1, "sweep", picture.name, "-o", "s.png", "-m", "squeezenet_v1.1", "-m", "bvlc_alexnet", "--layer", "conv1"
    )
    assert "no weights for bvlc_alexnet" in said


def test_a_sheet_too_large_is_refused_at_once(refused, picture):
    said = refused(1, "sweep", picture.name, "-o", "s.png", "--width", "2000", "--dpi", "1200")
    assert "the sheet is too large" in said


def test_retouches_and_a_mask_go_with_every_layer(run, picture, draw, folder):
    draw(folder / "mask.png", 72, 96)
    options = ["--keep-colors", "--laplacian", "2", "--mask", "mask.png", "--layer", "conv1", "--layer", "fire4/concat"]
    assert run("sweep", picture.name, "-o", "s.png", "--pictures", "all", *options, *QUICK).code == 0
    first = folder / "all" / FILES[0]
    made = json.loads(read_note(first))
    assert (made["dream"]["laplacian"], made["mask"]["name"]) == (2, "mask.png")
    assert run("replay", first, "-i", picture, "--mask", "mask.png").out.startswith("identical")
    bare = [
        "sweep",
        picture.name,
        "-o",
        "s.png",
        "--pictures",
        "all",
        "--layer",
        "conv1",
        "--layer",
        "fire4/concat",
        *QUICK,
    ]
    before = first.read_bytes()
    seen = run(*bare, "--resume")
    assert (seen.code, "is another dream: laplacian was 2" in seen.err) == (1, True)
    assert first.read_bytes() == before
