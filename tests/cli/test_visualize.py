"""`pydream visualize`: the library's renderers, pictures that say how they were made, and what cannot be."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at

import pydream
from pydream.dream.images import noise
from pydream.dream.renderers import RENDERERS, magnitudes_of, render_decorrelated, render_maco
from pydream.dream.tutorial import render_deepdream, render_lapnorm, to_display
from pydream.media.image import read_image, read_note, write_image
from pydream.picture import to_pixels
from pydream.record.provenance import parse

LAYER = "fire4/expand3x3"  # before its ReLU
SHORT = ["noise:64x48", "--iterations", "2", "--seed", "3"]


@pytest.fixture(scope="module")
def net():
    return pydream.load_net("squeezenet_v1.1")


@pytest.mark.parametrize("name", RENDERERS)
def test_the_picture_is_the_librarys(run, folder, net, name):
    seen = run("visualize", "-o", "out.png", "-l", f"{LAYER}:7", "--renderer", name, *SHORT)
    assert seen.code == 0, seen
    title = f"squeezenet_v1.1 {name} of {LAYER}:7 on CPU:0, float32, seed 3"
    assert seen.err.splitlines() == [title, "wrote 'out.png'"]
    rng = np.random.RandomState(3)
    img = RENDERERS[name](net, LAYER, 7, noise(48, 64, rng), iter_n=2, rng=rng)
    np.testing.assert_array_equal(read_image("out.png"), to_pixels(to_display(name, img)))
    seen = run("replay", "out.png", "-o", "again.png", "-q")
    assert seen.out.startswith("identical: every byte")
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


def test_every_option_reaches_the_renderer(run, picture, net):
    options = ["--step-size", "0.7", "--octaves", "2", "--octave-scale", "1.5", "--laplacian", "2"]
    seen = run(
        "visualize", picture, "-o", "out.png", "-l", f"{LAYER}:7,9-10", "-n", 1, *options, "-r", "lapnorm", "--seed", 5
    )
    assert seen.code == 0, seen
    img = render_lapnorm(
        net, LAYER, [7, 9, 10], read_image(picture), iter_n=1, step=0.7, octave_n=2, octave_scale=1.5, lap_n=2,
        rng=np.random.RandomState(5),
    )  # fmt: skip
    np.testing.assert_array_equal(read_image("out.png"), to_pixels(to_display("lapnorm", img)))
    said = parse(read_note("out.png"))
    assert said.command == (
        f"pydream visualize in.png -o dream.png --layer {LAYER}:7,9-10 --renderer lapnorm --iterations 1"
        " --step-size 0.7 --octaves 2 --octave-scale 1.5 --laplacian 2 --seed 5"
    )
    assert (said.result.width, said.result.height) == (144, 108)
    assert run("replay", "out.png").out.startswith("identical")


@pytest.mark.parametrize(("power", "scale"), [("0.5", "0.2"), ("0.0", "0.0")])
def test_its_own_options_reach_the_decorrelated_one(run, folder, net, power, scale):
    """They are in the record, a power of 0 too, and in no other renderer's."""
    options = ["--octaves", "1", "--decorrelate", power, "--robust-scale", scale]
    assert run("visualize", "-o", "out.png", "-l", f"{LAYER}:7", *options, *SHORT).code == 0
    rng = np.random.RandomState(3)
    start = noise(48, 64, rng)
    img = render_decorrelated(
        net, LAYER, 7, start, 2, octave_n=1, power=float(power), robust_scale=float(scale), rng=rng
    )
    np.testing.assert_array_equal(read_image("out.png"), to_pixels(to_display("decorrelated", img)))
    said = json.loads(read_note("out.png"))
    assert said["dream"]["rendering"]["power"] == float(power)
    assert said["dream"]["robust_rotate"] == 10
    assert said["dream"].get("robust_scale", 0) == float(scale)
    assert f"--iterations 2 --octaves 1 --decorrelate {power} --robust-scale {scale}" in said["command"]
    assert run("replay", "out.png").out.startswith("identical")


def test_maco_with_the_magnitudes_of_a_folder(run, picture, net):
    """They are measured, and recorded as numbers: the folder is not needed again."""
    Path("photos").mkdir()
    shutil.copy(picture, "photos")
    words = ["visualize", "-o", "out.png", "-l", f"{LAYER}:7", "-r", "maco", *SHORT]
    assert run(*words, "--magnitudes", "photos").code == 0
    found = magnitudes_of([read_image(picture)])
    rng = np.random.RandomState(3)
    img = render_maco(net, LAYER, 7, noise(48, 64, rng), 2, magnitudes=found, rng=rng)
    np.testing.assert_array_equal(read_image("out.png"), to_pixels(img))
    said = json.loads(read_note("out.png"))
    assert said["dream"]["rendering"]["magnitudes"] == list(found)
    assert f" --renderer maco --iterations 2 --magnitudes {','.join(f'{each:g}' for each in found)} " in said["command"]
    shutil.rmtree("photos")
    assert run("replay", "out.png").out.startswith("identical")
    assert run(*shlex.split(said["command"])[1:]).code == 0
    np.testing.assert_array_equal(read_image("dream.png"), read_image("out.png"))


def test_a_layer_without_channels_and_the_networks_own(run, picture, net):
    arguments = ["visualize", picture, "-o", "out.png", "--renderer", "deepdream", "--octaves", "1", "-n", "2"]
    assert run(*arguments, "--seed", "3").code == 0
    img = render_deepdream(
        net, "fire8/concat", None, read_image(picture), octave_n=1, iter_n=2, rng=np.random.RandomState(3)
    )
    np.testing.assert_array_equal(read_image("out.png"), to_pixels(img))
    assert run(*arguments, "--layer", ":3", "--seed", "3", "--force").code == 0
    assert parse(read_note("out.png")).recipe.rendering.channels == (3,)


def test_what_it_says(run, folder):
    assert run("visualize", "-o", "out.jpg", "-l", f"{LAYER}:7", *SHORT, "--sidecar", "-q").code == 0
    said = json.loads(read_note("out.jpg"))
    assert said == json.loads(Path("out.jpg.json").read_text())
    assert said["dream"]["rendering"] == {"renderer": "decorrelated", "channels": [7], "lap_n": None, "power": 1.0}
    assert said["dream"]["noise"] == [48, 64]
    command = said["command"]
    assert command == f"pydream visualize noise:64x48 -o dream.jpg --layer {LAYER}:7 --iterations 2 --seed 3"
    assert run(*command.split()[1:]).code == 0
    assert Path("dream.jpg").read_bytes() == Path("out.jpg").read_bytes()


def test_float64_and_numpy(run, folder):
    """The exact mode; the other runtime has the same picture in 8 bits."""
    arguments = ["visualize", "-o", "out.png", "-l", "conv1:5", *SHORT, "--octaves", "2", "--dtype", "float64"]
    assert run(*arguments).code == 0
    exact = read_image("out.png")
    assert run(*arguments, "--runtime", "numpy", "--force").code == 0
    np.testing.assert_array_equal(read_image("out.png"), exact)


def test_defaults_are_the_tutorials(run):
    shown = " ".join(run("visualize", "--help-all").out.split())
    for default in ("20 for naive, 10 for multiscale and lapnorm and deepdream, 40 for decorrelated",
                    "1.0 for naive and multiscale and lapnorm, 1.5 for deepdream, 3.0 for decorrelated",
                    "3 for multiscale and lapnorm and decorrelated, 4 for deepdream", "1.4", "4",
                    "decorrelated", "0.1", "10.0"):  # fmt: skip
        assert f"[default: {default}" in shown
    assert "noise of 224x224 pixels" in shown


# ---- interrupted ----


@pytest.mark.parametrize(("name", "size"), [("decorrelated", (48, 64)), ("deepdream", (48, 64))])
def test_an_interrupted_picture(run, folder, monkeypatch, name, size):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        seen = run("visualize", "-o", "out.png", "-l", f"{LAYER}:7", "-r", name, "--octaves", "2", *SHORT)
    assert seen.code == 130
    assert seen.err.splitlines()[-1] == "pydream: interrupted; wrote 'out.png' after 2 of 4 steps"
    assert read_image("out.png").shape[:2] == size
    assert run("replay", "out.png").out.startswith("identical")


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-l", f"{LAYER}:128"], f"no channel 128 in '{LAYER}', which has 128: 0 to 127"),
        (["-l", "fire44/concat:1"], "no blob 'fire44/concat'; close: "),
        (["-l", f"{LAYER}=2"], f"the renderers take '{LAYER}=2' without a weight"),
        (["-l", f"{LAYER}:strongest2"], "without a weight, and channels by their numbers"),
        (["-l", f"{LAYER}:5-3"], "'5-3' in 'fire4/expand3x3:5-3' is not a range of channels (expected e.g. 3-7)"),
        (["-l", f"{LAYER}:5,3-6"], "names a channel twice"),
        (["-l", f"{LAYER}:0-999999"], "is not a range of channels"),
        (["-l", f"{LAYER}:0-4096"], f"'{LAYER}:0-4096' is more than 4096 channels"),
        (["-r", "naive", "--octaves", "2"], "the renderer naive does not have it"),
        (["-r", "deepdream", "--laplacian", "2"], "Invalid value for '--laplacian'"),
        (["-r", "lapnorm", "--decorrelate", "1"], "'--decorrelate': the renderer lapnorm does not have it"),
        (["--magnitudes", "1,2"], "neither a folder nor 15 numbers"),
        (["-r", "naive", "--magnitudes", ",".join("9" * 15)], "the renderer naive does not have it"),
        (["--step-size", "nan"], "not a finite number"),
        (["--octaves", "100"], "octaves of at most 100000000 pixels from 224x224"),
        (["-r", "wavy"], "'wavy' is not one of 'naive', 'multiscale', 'lapnorm', 'deepdream', 'decorrelated', 'maco'"),
        (["in.png", "--size", "64x64"], "No such option"),
        (["nosuch.png"], "'nosuch.png' does not exist"),
    ],
)
def test_refused(refused, picture, arguments, said):
    assert said in refused(2, "visualize", "-o", "out.png", *arguments)


def test_it_fails_in_one_line(refused, picture):
    assert "octave 1 of 20" in refused(1, "visualize", "-o", "out.png", "-r", "deepdream", "--octaves", "20")
    assert "it would overwrite 'in.png'" in refused(2, "visualize", "in.png", "-o", "in.png")
    error = refused(2, "visualize", "-o", "out.webp", "--octaves", "2", "--octave-scale", "300")
    assert "at most 16383 pixels wide" in error or "at most 100000000 pixels" in error


def test_a_channel_that_nothing_moves(run, folder):
    seen = run("visualize", "-o", "out.png", "-l", "fire4/concat:7", "-r", "naive", *SHORT)
    assert seen.code == 1
    assert seen.err.splitlines()[1:] == [
        "pydream: error: the gradient of 'fire4/concat':7 was zero at every step: nothing in the picture moves it; try"
        " another seed or picture, or a layer before its ReLU"
    ]
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"renderer": "wavy"}, 1, "it is not as pydream writes it: Invalid enum value 'wavy'"),
        ({"channels": list(range(4097))}, 1, "it is not as pydream writes it: Expected `array` of length <= 4096"),
        ({"channels": [128]}, 2, "no channel 128"),
        ({"channels": [-1]}, 2, "no channel -1"),
        ({"channels": []}, 1, "was zero at every step"),
        ({"lap_n": 10**9}, 1, "lap_n: 1000000000"),
    ],
)
def test_what_a_picture_says_is_checked(run, folder, change, code, said):
    assert run("visualize", "-o", "out.png", "-l", f"{LAYER}:7", *SHORT).code == 0
    note = json.loads(read_note("out.png"))
    note["dream"]["rendering"] |= change
    write_image("out.png", read_image("out.png"), json.dumps(note))
    seen = run("replay", "out.png", "-q")
    assert (seen.code, seen.err.count("\n")) == (code, 1), seen
    assert said in seen.err


def test_what_the_renderer_does_not_know_plays_no_part(run, folder):
    assert run("visualize", "-o", "out.png", "-l", f"{LAYER}:7", "-r", "naive", *SHORT).code == 0
    note = json.loads(read_note("out.png"))
    note["dream"] |= {"octave_n": 900, "jitter": 0, "rendering": note["dream"]["rendering"] | {"lap_n": 3}}
    write_image("out.png", read_image("out.png"), json.dumps(note))
    assert run("replay", "out.png", "-q").out.startswith("identical")
