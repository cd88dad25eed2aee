"""What `pydream dream` and `zoom` can make larger, and where: options are the library's, recorded and replayed."""

import json
import shlex
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from support.interrupting import interrupt_at

from pydream.caffe import Net
from pydream.dream import objectives
from pydream.dream.colors import color_correlations
from pydream.dream.images import noise, preprocess
from pydream.dream.notebook import deepdream
from pydream.dream.objectives import Term, l2, mean
from pydream.dream.octaves import AUTO
from pydream.dream.retouch import (
    Decorrelate,
    DecorrelateColors,
    KeepColors,
    Laplacian,
    Mask,
    PullBack,
    Robust,
    Smooth,
    TotalVariation,
)
from pydream.media.image import read_image, read_note, write_image
from pydream.record.presets import PRESETS
from pydream.record.scoring import score_of
from pydream.zoo.load import load_net

SHORT = ["--octaves", "2", "--iterations", "2", "--seed", "3"]


@pytest.fixture(scope="module")
def net():
    return load_net("squeezenet_v1.1")


@pytest.fixture
def mask(folder):
    """White on the right, grey between."""
    shades = np.clip(np.linspace(-400, 600, 96), 0, 255)
    Image.fromarray(np.tile(np.uint8(shades), (72, 1))).save(folder / "mask.png")
    return Path("mask.png")


def library(net, picture, **options):
    dream = deepdream(net, read_image(picture), iter_n=2, octave_n=2, rng=np.random.RandomState(3), **options)
    return np.uint8(np.clip(dream, 0, 255))


# ---- objectives ----

SCORES = {
    "-l fire8/concat:3-7,12": l2("fire8/concat", (3, 4, 5, 6, 7, 12)),
    "-l fire8/concat:7 --objective mean": mean("fire8/concat", 7),
    "-l fire4/concat -l fire6/concat=0.5": l2("fire4/concat") + 0.5 * l2("fire6/concat"),
    "-l fire6/concat -l conv1:0-9=-1e-2": l2("fire6/concat") - 1e-2 * l2("conv1", range(10)),
    "-l fire6/concat=-1": -l2("fire6/concat"),
    "-l fire8/concat:7@2,1 --objective mean": mean("fire8/concat", 7, place=(2, 1)),
    "-l fire6/concat@center=2 -l conv1:0-9": 2 * l2("fire6/concat", place="center") + l2("conv1", range(10)),
    "--objective sum": objectives.total("fire8/concat"),
    "--class tabby --smooth 0": objectives.total("pool10", 281),
    "--class 985 --class tabby=-0.5 --smooth 0": objectives.total("pool10", 985)
    - 0.5 * objectives.total("pool10", 281),
    "--class daisy -l fire8/concat=1e-6 --smooth 0": 1e-6 * l2("fire8/concat") + objectives.total("pool10", 985),
    "--class dogs --smooth 0": 1 / 118 * objectives.total("pool10", range(151, 269)),
}


@pytest.mark.parametrize("options", SCORES)
def test_a_score(run, picture, net, options):
    seen = run("dream", picture.name, "-o", "out.png", *options.split(), *SHORT)
    assert seen.code == 0, seen
    assert seen.err.startswith(f"squeezenet_v1.1 {SCORES[options]} on CPU:0, float32, seed 3\n")
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, objective=SCORES[options]))
    said = json.loads(read_note("out.png"))
    assert msgspec.convert(said["dream"]["objective"], tuple[Term, ...]) == SCORES[options].terms
    seen = run("replay", "out.png")
    assert (seen.code, seen.out) == (0, "identical: every byte of 96x72 pixels, float32\n")


@pytest.mark.parametrize("smoothing", ["", "--smooth 0"])
def test_the_command_of_a_word_beside_a_layer_makes_the_same(run, picture, smoothing):
    score = ["--class", "dog=0.3", "-l", "fire8/concat=1e-6", *smoothing.split()]
    assert run("dream", "in.png", "-o", "out.png", *score, *SHORT).code == 0
    command = json.loads(read_note("out.png"))["command"]
    assert f"--class 151-268={0.3 / 118!r}" in command
    assert run(*shlex.split(command)[1:], "-o", "again.png").code == 0
    assert json.loads(read_note("again.png"))["dream"] == json.loads(read_note("out.png"))["dream"]
    np.testing.assert_array_equal(read_image("again.png"), read_image("out.png"))


class ReadError(Exception):
    """Nothing is dreamt: the options have been read."""


@pytest.fixture
def options_of(run, picture, monkeypatch):
    """A function: words of a command line → the values of its options."""
    seen = {}

    def prepare(**options):
        seen.update(options)
        raise ReadError

    def options_of(*words):
        monkeypatch.setattr("pydream.cli.commands.dream.prepare", prepare)
        assert "ReadError" in run("dream", "in.png", "-o", "out.png", *words).err
        return tuple(seen[name] for name in ("smooth", "laplacian", "tv", "iter_n", "octave_n"))

    return options_of


CLASS_LOOK = (0.5, 3, 0, 20, AUTO)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("", (0, 0, 0, 10, 4)),
        ("-l fire8/concat", (0, 0, 0, 10, 4)),
        ("--class tabby", CLASS_LOOK),
        ("-l fire8/concat --class tabby --class 3=-1", CLASS_LOOK),
        ("--class tabby -n 5", (*CLASS_LOOK[:3], 5, AUTO)),
        ("-n 10 --class tabby --octaves 4", (*CLASS_LOOK[:3], 10, 4)),
        ("--class tabby --smooth 0", (0, 0, 0, 20, AUTO)),
        ("--laplacian 4 --class tabby", (0, 4, 0, 20, AUTO)),
        ("--class tabby --tv 0.1", (0, 0, 0.1, 20, AUTO)),
        ("--class tabby --decorrelate 1", (0, 0, 0, 20, AUTO)),
    ],
)
def test_a_class_takes_the_smoothing_that_it_needs(options_of, words, values):
    assert options_of(*words.split()) == values


@pytest.mark.parametrize("words", ["--preset {} --class tabby", "--class tabby --preset {}"])
def test_a_presets_own_smoothing_and_steps_come_first(options_of, words):
    several = set()
    for name, preset in PRESETS.items():
        said = preset.params
        smoothing = CLASS_LOOK[:3]
        if said.keys() & {"smooth", "laplacian", "tv", "decorrelate"}:
            smoothing = tuple(said.get(each, 0) for each in ("smooth", "laplacian", "tv"))
        several.add(smoothing)
        assert options_of(*words.format(name).split()) == (
            *smoothing,
            said.get("iter_n", 20),
            said.get("octave_n", AUTO),
        ), name
    assert len(several) > 1


@pytest.mark.parametrize("options", ["", "-l fire8/concat", "--layer fire8/concat --objective l2", "-l fire8/concat=1"])
def test_one_layer_is_the_notebooks_dream(run, picture, net, options):
    assert run("dream", picture, "-o", "out.png", *options.split(), *SHORT).code == 0
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture))
    assert json.loads(read_note("out.png"))["dream"]["objective"] == []


class Odd:
    """A network whose blobs have names of the kind that TensorFlow gives, and worse."""

    name = "odd"
    blobs = dict.fromkeys(["data", "x", "x:0", "x:0=2", "a=b", "a", "a:1", "y/z:out", "b@1,2"])
    logits = None


@pytest.mark.parametrize(
    ("given", "term"),
    [
        ("x", Term("x")),
        ("x:0", Term("x:0")),  # a name before all else
        ("x:1", Term("x", channels=(1,))),
        ("x:0:0", Term("x:0", channels=(0,))),
        ("x:0=3", Term("x:0", weight=3)),
        ("x:0=2", Term("x:0=2")),
        ("x:0=2=-1", Term("x:0=2", weight=-1)),
        ("x:0-1=2", Term("x", channels=(0, 1), weight=2)),
        ("a=b", Term("a=b")),
        ("a=b:3", Term("a=b", channels=(3,))),
        ("a=b:3=.5", Term("a=b", channels=(3,), weight=0.5)),
        ("a=3", Term("a", weight=3)),
        ("y/z:out:7-8,3", Term("y/z:out", channels=(7, 8, 3))),
        ("x@3,7", Term("x", place=(3, 7))),
        ("x:0:4@center=2", Term("x:0", channels=(4,), weight=2, place="center")),
        ("b@1,2@0,0", Term("b@1,2", place=(0, 0))),
        ("b@1,2", Term("b@1,2")),
    ],
)
def test_names_with_colons_and_equals_signs(given, term):
    score = score_of(Odd(), [given, "x"], "l2", [])
    assert score.terms == (term, Term("x"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("-l fire8/conct:3=2", "no blob 'fire8/conct'; close: 'fire8/concat'"),
        ("-l fire8/concat -l fire8/relu_expand1x1:2", "works in place on the blob 'fire8/expand1x1'; name that blob"),
        ("-l data:0", "'data' is the image itself"),
        (
            "-l fire8/concat:3-",
            "'3-' in 'fire8/concat:3-' is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12, or strongest10)",
        ),
        ("-l fire8/concat:", "'' in 'fire8/concat:' is not a list of channels"),
        ("-l fire8/concat:7-3", "Invalid value for '--layer': '7-3' in 'fire8/concat:7-3' is not a range of channels"),
        ("-l fire8/concat:0-999999", "'0-999999' in 'fire8/concat:0-999999' is not a range of channels"),
        ("-l fire8/concat:3,3", "channels: 3,3, expected each once"),
        ("-l fire8/concat:512", "no channel 512 in 'fire8/concat', which has 512: 0 to 511"),
        ("-l fire8/concat:7@middle", "'middle' in 'fire8/concat:7@middle' is not a place of the layer's grid"),
        ("-l fire8/concat=x", "'x' in 'fire8/concat=x' is not a weight (expected a number, e.g. 0.5 or -1)"),
        ("-l fire8/concat=inf", "'inf' in 'fire8/concat=inf' is not a weight"),
        ("--class irish", "class 'irish' could be 170 'Irish wolfhound', 184 'Irish terrier'"),
        ("--class tabbi", "no class 'tabbi'; close: 281 'tabby'"),
        ("--class 1000", "no class 1000; there are 1000, 0 to 999"),
        ("--class tabby -g in.png", "a guide goes with layers, without --objective and --class"),
        ("--objective mean -g in.png", "a guide goes with layers"),
        ("-l conv1 -l pool1:3 -g in.png", "a guide takes up whole layers, without channels and places"),
        ("--caricature 0 -g in.png", "it goes with one layer, without --guide, --objective and --class"),
        ("--caricature 0 -l conv1:3", "it takes up a whole layer, without channels, places and weights"),
        ("--caricature -1", "'--caricature': -1.0 is not in the range"),
        ("--direction v.npy -g in.png", "it goes without --guide and --caricature"),
        ("--direction v.npy -l conv1:3", "it has a number for each channel of the layer: leave the channels out"),
        ("--direction-power 2", "it is of a --direction"),
        ("--invert", "it is of a --guide"),
        ("--across -l conv1 -l pool1", "it is of a --series"),
        ("--diverse 0.2", "it is of a --series"),
        ("--between in.png in.png", "it is of a --series"),
        ("--series 2 --between in.png in.png --across", "it is for a --series without --between"),
        ("--series 2 --between in.png in.png -l conv1 -l pool1", "it takes one whole layer"),
        ("--mask in.png --no-clip", "it keeps pixels as they are, and --no-clip rescales them all"),
        ("--mask no.png", "'no.png' does not exist"),
        ("--tv -1", "'--tv': -1.0 is not in the range"),
        ("--pull-back 2", "'--pull-back': 2.0 is not in the range"),
        ("--smooth nan", "'--smooth': nan is not a finite number"),
        ("--laplacian 17", "'--laplacian': 17 is not in the range"),
    ],
)
def test_what_cannot_be(refused, picture, options, text):
    np.save("v.npy", np.ones(512))
    assert text in refused(2, "dream", "in.png", "-q", "-o", "out.png", *options.split(), *SHORT)


def test_a_caricature(run, picture, net):
    seen = run("dream", picture.name, "-o", "out.png", "-l", "fire4/concat", "--caricature", "1.5", *SHORT)
    assert seen.code == 0, seen
    made = library(net, picture, end="fire4/concat", objective=objectives.Caricature(1.5))
    np.testing.assert_array_equal(read_image("out.png"), made)
    said = json.loads(read_note("out.png"))
    assert said["dream"]["caricature"] == 1.5
    assert "--layer fire4/concat --caricature 1.5 " in said["command"]
    assert run("replay", "out.png").out == "identical: every byte of 96x72 pixels, float32\n"


def test_a_series_across_layers(run, picture):
    """Each dream's record has its own weights: neighbours fade into each other, in the order of the command line."""
    layers = ["-l", "conv1", "-l", "fire2/concat:3=2", "--class", "tabby", "--smooth", "0"]
    seen = run("dream", "noise:40x30", "-o", "strip", "--series", "5", "--across", *layers, *SHORT)
    assert seen.code == 0, seen
    found = [json.loads(read_note(f"strip/{number}.png")) for number in range(1, 6)]
    assert [msgspec.convert(each["dream"]["objective"], tuple[Term, ...]) for each in found] == [
        (),
        (0.5 * l2("conv1") + l2("fire2/concat", 3)).terms,
        (2 * l2("fire2/concat", 3)).terms,
        (l2("fire2/concat", 3) + 0.5 * objectives.total("pool10", 281)).terms,
        objectives.total("pool10", 281).terms,
    ]
    assert [each["dream"]["end"] for each in found] == ["conv1", "conv1", *["fire2/concat"] * 2, "pool10"]
    assert "--layer conv1=0.5 --layer fire2/concat:3 " in found[1]["command"]
    assert run("replay", "strip/2.png").out == "identical: every byte of 40x30 pixels, float32\n"
    again = run("dream", "noise:40x30", "-o", "strip", "--series", "5", "--across", *layers, *SHORT)
    assert "5 of 5 are in 'strip' already" in again.err


@pytest.mark.parametrize("kind", ["l2", "sum"])
def test_a_series_of_dreams_that_differ(run, picture, kind):
    """Each is led away from the files of those before; its record has the numbers, and is replayed without them."""
    words = ["noise:40x30", "-o", "several", "--series", "3", "--diverse", "0.5", "-l", "fire2/concat:3-5"]
    words += ["--objective", kind, *SHORT]
    assert run("dream", *words).code == 0
    found = [json.loads(read_note(f"several/{number}.png")) for number in (1, 2, 3)]
    terms = [msgspec.convert(each["dream"]["objective"], tuple[Term, ...]) for each in found]
    assert [len(each) for each in terms] == [1, 2, 2]
    assert terms[1][1].weight == -0.5
    assert terms[1][1].vector != terms[2][1].vector
    Path("several/2.png").unlink()
    seen = run("dream", *words)
    assert "wrote 'several/2.png'" in seen.err, seen
    assert run("replay", "several/2.png").out == "identical: every byte of 40x30 pixels, float32\n"
    np.save("direction.npy", terms[2][1].vector)
    assert run(*shlex.split(found[2]["command"])[1:], "-o", "again.png").code == 0
    assert json.loads(read_note("again.png"))["dream"] == found[2]["dream"]


def test_a_series_between_pictures(run, picture, net):
    """From what a layer finds in one to what it finds in the other; each record has the numbers."""
    write_image("other.png", np.random.RandomState(2).randint(0, 256, (50, 40, 3), np.uint8))
    words = ["noise:40x30", "-o", "way", "--series", "3", "--between", picture.name, "other.png", "-l", "fire2/concat"]
    seen = run("dream", *words, *SHORT)
    assert seen.code == 0, seen
    terms = [
        msgspec.convert(json.loads(read_note(f"way/{number}.png"))["dream"]["objective"], tuple[Term, ...])
        for number in (1, 2, 3)
    ]
    vectors = np.array([term.vector for (term,) in terms])
    np.testing.assert_allclose(vectors[1], (vectors[0] + vectors[2]) / 2, atol=1e-6)
    net.resize(50, 40)
    net.image.data[0] = preprocess(net, read_image("other.png"))
    net.forward(end="fire2/concat")
    found = np.maximum(net.blobs["fire2/concat"].data[0], 0).mean((1, 2))
    np.testing.assert_allclose(vectors[2], found / np.linalg.norm(found), rtol=1e-4)
    assert run("replay", "way/2.png").out == "identical: every byte of 40x30 pixels, float32\n"
    seen = run("dream", *words[:-1], "fire2/concat:3", *SHORT, "--force")
    assert "it takes one whole layer, without channels" in seen.err


def test_an_inversion(run, picture, net):
    words = ["noise:40x30", "-o", "out.png", "-l", "fire2/concat", "-l", "conv1=0.5", "--guide", "in.png", "--invert"]
    seen = run("dream", *words, *SHORT)
    assert seen.err.startswith("squeezenet_v1.1 inversion at l2 of 'fire2/concat' + 0.5 * l2 of 'conv1' on"), seen
    rng = np.random.RandomState(3)
    objective = objectives.Inversion(read_image(picture), weights=(1, 0.5))
    made = deepdream(net, noise(30, 40, rng), 2, 2, end=("fire2/concat", "conv1"), objective=objective, rng=rng)
    np.testing.assert_array_equal(read_image("out.png"), np.uint8(np.clip(made, 0, 255)))
    said = json.loads(read_note("out.png"))
    assert (said["dream"]["invert"], said["guide"]["name"]) == (True, "in.png")
    assert "--layer fire2/concat --layer conv1=0.5 --guide in.png --invert " in said["command"]
    assert run("replay", "out.png").out == "identical: every byte of 40x30 pixels, float32\n"


def test_a_direction(run, picture, net):
    """It is recorded by its numbers; the command needs a file of the name that it has."""
    vector = np.random.RandomState(1).normal(size=512)
    np.save("direction.npy", vector)
    words = ["-l", "fire8/concat@center=2", "--direction", "direction.npy", "--direction-power", "1.5"]
    seen = run("dream", picture.name, "-o", "out.png", *words, *SHORT)
    assert seen.err.startswith("squeezenet_v1.1 2 * mean of 'fire8/concat'@center along a direction, power 1.5 on"), (
        seen
    )
    score = 2 * objectives.direction("fire8/concat", vector, 1.5, place="center")
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, objective=score))
    said = json.loads(read_note("out.png"))
    assert msgspec.convert(said["dream"]["objective"], tuple[Term, ...]) == score.terms
    assert run(*shlex.split(said["command"])[1:], "-o", "again.png").code == 0
    assert read_note("again.png") == read_note("out.png")
    Path("direction.npy").unlink()
    assert run("replay", "out.png").out == "identical: every byte of 96x72 pixels, float32\n"


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (np.ones(511), 1, "a direction of 511 numbers, and 'fire8/concat' has 512 channels"),
        (np.ones((512, 1)), 1, "expected one axis, a number for each channel"),
        (np.zeros(512), 2, "vector: expected finite numbers, and not only 0"),
        (np.array([{}]), 1, "expected numbers, and all"),
        (None, 1, "v.npy: not a NumPy array"),
    ],
)
def test_a_file_without_a_direction(refused, picture, content, code, text):
    np.save("v.npy", content if content is not None else 0)
    if content is None:
        Path("v.npy").write_bytes(b"no array")
    line = refused(code, "dream", "in.png", "-q", "-o", "out.png", "--direction", "v.npy", "-l", "fire8/concat", *SHORT)
    assert text in line


def test_a_place_outside_of_the_grid(refused, picture):
    line = refused(1, "dream", "in.png", "-q", "-o", "out.png", "-l", "fire8/concat:7@9,2", *SHORT)
    assert "no place 9,2 in 'fire8/concat', whose grid has 3 rows and 4 columns at the smallest octave" in line
    line = refused(1, "dream", "in.png", "-q", "-o", "out.png", "-l", "fire8/concat", "-l", "pool10:7@0,2", *SHORT)
    assert "no place 0,2 in 'pool10', whose grid has 1 rows and 1 columns" in line


def test_a_network_without_classes(refused, picture, own_network):
    line = refused(2, "dream", "in.png", "-o", "out.png", *own_network, "--class", "tabby", *SHORT)
    assert "has no softmax and so no classes; dream with a channel of a layer" in line


def test_a_mask_that_is_no_picture(refused, picture, folder):
    (folder / "mask.png").write_text("no picture")
    assert "'mask.png'" in refused(1, "dream", "in.png", "-o", "out.png", "--mask", "mask.png", *SHORT)


def test_a_mask_is_not_written_over(refused, picture, mask):
    assert "it would overwrite 'mask.png', which is read" in refused(
        2, "dream", "in.png", "-o", "mask.png", "--mask", "mask.png", *SHORT
    )


def test_the_logits_of_a_size(refused, picture, shared):
    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    line = refused(
        1, "dream", "in.png", "-q", "-o", "out.png", "-m", "bvlc_googlenet", "-w", weights, "--class", "daisy"
    )
    assert "fits only the size that the network was made for, data 3x224x224" in line


# ---- retouches ----

RETOUCHES = {
    "--keep-colors": [KeepColors()],
    "--tv 0.25": [TotalVariation(0.25)],
    "--pull-back 0.05": [PullBack(0.05)],
    "--smooth 1.5": [Smooth(1.5)],
    "--laplacian 3": [Laplacian(3)],
    "--decorrelate 1.5": [Decorrelate(1.5)],
    "--decorrelate-color --tv 0.5": [DecorrelateColors(), TotalVariation(0.5)],
    "--color-correlations 0.8,0.5,0.9": [DecorrelateColors((0.8, 0.5, 0.9))],
    "--robust-scale 0.2 --robust-rotate 5.0": [Robust(0.2, 5)],
    "--keep-colors --pull-back 0.05 --tv 0.25 --decorrelate 0.5 --laplacian 3 --smooth 1.5": [
        Smooth(1.5), Laplacian(3), Decorrelate(0.5), TotalVariation(0.25), PullBack(0.05), KeepColors(),
    ],
}  # fmt: skip


@pytest.mark.parametrize("options", RETOUCHES)
def test_a_retouch(run, picture, net, options):
    assert run("dream", picture.name, "-o", "out.png", *options.split(), *SHORT).code == 0
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, retouches=RETOUCHES[options]))
    assert not np.array_equal(read_image("out.png"), library(net, picture))
    assert run("replay", "out.png").code == 0
    command = json.loads(read_note("out.png"))["command"]
    assert set(options.split()) <= set(command.split())


def test_colors_of_a_folder(run, picture, net):
    """They are measured, and recorded as numbers: the folder is not needed again."""
    Path("photos").mkdir()
    shutil.copy(picture, "photos")
    Path("photos/notes.txt").touch()
    seen = run("dream", picture.name, "-o", "out.png", "--color-correlations", "photos", *SHORT)
    assert seen.code == 0
    assert "notes.txt (no picture)" in seen.err
    found = color_correlations([read_image(picture)])
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, retouches=[DecorrelateColors(found)]))
    assert json.loads(read_note("out.png"))["dream"]["color_correlations"] == list(found)
    shutil.rmtree("photos")
    assert run("replay", "out.png").code == 0
    for wrong, problem in {"1,1,1": "no correlations", "a": "neither a folder", "1,2": "3 numbers"}.items():
        seen = run("dream", picture.name, "-o", "new.png", "--color-correlations", wrong)
        assert (seen.code, seen.err.count("\n")) == (2, 1)
        assert problem in seen.err


def test_robust(run, picture, net):
    """It sets the ranges that no option says; in a loop every frame draws on."""
    assert run("dream", picture.name, "-o", "out.png", "--robust", *SHORT).code == 0
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, retouches=[Robust()]))
    assert run("dream", picture.name, "-o", "out.png", "--robust-rotate", "3", "--robust", *SHORT, "--force").code == 0
    np.testing.assert_array_equal(read_image("out.png"), library(net, picture, retouches=[Robust(0.1, 3)]))
    assert run("zoom", picture.name, "-o", "whole", "--frames", "2", "--robust", *SHORT).code == 0
    assert run("zoom", picture.name, "-o", "parts", "--frames", "1", "--robust", *SHORT).code == 0
    assert run("zoom", picture.name, "-o", "parts", "--frames", "2", "--robust", *SHORT, "--resume").code == 0
    np.testing.assert_array_equal(read_image("whole/00000001.png"), read_image("parts/00000001.png"))
    assert run("replay", "whole/00000001.png").code == 0


def test_a_mask(run, picture, mask, net):
    """Black keeps the picture's bytes, and the mask is found again by its name and its pixels."""
    assert run("dream", picture.name, "-o", "out.png", "--mask", mask, "--smooth", "1", *SHORT).code == 0
    numbers = read_image(mask)[..., 0] / 255
    found, before = read_image("out.png"), read_image(picture)
    np.testing.assert_array_equal(found[numbers == 0], before[numbers == 0])
    assert np.abs(found[numbers == 1].astype(int) - before[numbers == 1]).mean() > 1
    np.testing.assert_array_equal(found, library(net, picture, retouches=[Smooth(1.0), Mask(numbers)]))
    assert json.loads(read_note("out.png"))["mask"]["name"] == "mask.png"
    assert run("replay", "out.png").code == 0

    shutil.move("mask.png", "other.png")
    seen = run("replay", "out.png")
    assert seen.code == 1
    assert "no 'mask.png' with the same pixels (96x72) beside the picture or here: name it with --mask" in seen.err
    assert run("replay", "out.png", "--mask", "other.png").code == 0
    write_image("other.png", np.full((72, 96, 3), 255))
    seen = run("replay", "out.png", "--mask", "other.png")
    assert seen.code == 1
    assert "mask was mask.png (96x72, sha256 " in seen.out


def test_ctrl_c_keeps_what_a_mask_keeps(run, picture, mask, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        seen = run("dream", picture.name, "-o", "out.png", "--mask", mask, "--class", "tabby", "--keep-colors", *SHORT)
    assert seen.code == 130
    assert seen.err.splitlines()[1:] == ["pydream: interrupted; wrote 'out.png' after 3 of 4 steps"]
    black = read_image(mask)[..., 0] == 0
    np.testing.assert_array_equal(read_image("out.png")[black], read_image(picture)[black])
    assert run("replay", "out.png").code == 0


def test_pictures_from_before(run, picture):
    """What a picture says that knows nothing of all this still holds."""
    assert run("dream", picture.name, "-o", "out.png", "-l", "fire4/concat", *SHORT).code == 0
    said = json.loads(read_note("out.png"))
    for name in ("objective", "smooth", "laplacian", "tv", "pull_back", "keep_colors"):
        del said["dream"][name]
    del said["mask"]
    write_image("old.png", read_image("out.png"), json.dumps(said))
    seen = run("replay", "old.png")
    assert (seen.code, seen.out) == (0, "identical: every byte of 96x72 pixels, float32\n")


@pytest.mark.parametrize(
    "objective",
    [
        [{"layer": "fire4/concat", "kind": "max"}],
        [{"layer": "fire4/concat", "weight": "much"}],
        [{"layer": "fire4/concat", "channels": [-1]}],
        [{"layer": "fire4/concat", "weight": 1e999}],
        [{"layer": "conv1"}] * 1_001,
        {"layer": "conv1"},
    ],
)
def test_a_strangers_objective(run, picture, objective, monkeypatch):
    assert run("dream", picture.name, "-o", "out.png", "--objective", "mean", *SHORT).code == 0
    said = json.loads(read_note("out.png"))
    said["dream"]["objective"] = objective
    Path("out.png.json").write_text(json.dumps(said))
    monkeypatch.setattr(Net, "forward", lambda *args, **options: pytest.fail("it was run"))
    seen = run("replay", "out.png.json")
    assert seen.code == 1
    assert seen.err.startswith("pydream: error: what 'out.png.json' says of itself cannot be used: ")
    assert seen.err.count("\n") == 1


def test_a_loop(run, picture, mask):
    """Frames with a score and a mask, resumed and replayed; a loop with another mask is another loop."""
    options = ["-l", "fire4/concat", "-l", "conv1:3=-0.5", "--mask", "mask.png", "--keep-colors", *SHORT]
    assert run("zoom", picture.name, "-o", "whole", "--frames", "3", *options).code == 0
    assert run("zoom", picture.name, "-o", "parts", "--frames", "1", *options).code == 0
    assert run("zoom", picture.name, "-o", "parts", "--frames", "3", *options, "--resume").code == 0
    for frame in ("00000000.png", "00000001.png", "00000002.png"):
        np.testing.assert_array_equal(read_image(f"whole/{frame}"), read_image(f"parts/{frame}"))
    black = read_image(mask)[..., 0] == 0
    np.testing.assert_array_equal(read_image("whole/00000000.png")[black], read_image(picture)[black])
    seen = run("replay", "whole/00000001.png", "--input", "in.png", "--mask", "mask.png")
    assert (seen.code, seen.out) == (0, "identical: every byte of 96x72 pixels, float32\n")
    write_image("mask.png", np.full((72, 96, 3), 255))
    seen = run("zoom", picture.name, "-o", "parts", "--frames", "4", *options, "--resume")
    assert seen.code == 1
    assert "mask was mask.png (96x72, sha256 " in seen.err
    seen = run("zoom", picture.name, "-o", "parts", "--frames", "4", *options[:2], *options[4:], "--resume")
    assert "objective was" in seen.err
