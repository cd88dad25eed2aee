"""`LAYER:strongest3`: chosen on each picture before its dream, printed, and recorded as plain channels."""

import json

import numpy as np
import pytest
from PIL import Image

import pydream
from pydream.dream.images import noise
from pydream.dream.objectives import strongest
from pydream.errors import ParameterError
from pydream.media import resized
from pydream.media.image import read_image, read_note
from pydream.studio.orders import Order
from pydream.studio.worker.orders import Wanted
from pydream.zoo.load import load_net

SHORT = ["--octaves", "2", "--iterations", "1", "--seed", "3"]
LAYER = "fire2/concat"


@pytest.fixture(scope="module")
def net():
    return load_net("squeezenet_v1.1")


def text(channels):
    return ",".join(map(str, channels))


def score_in(name):
    return [
        (term["layer"], tuple(term["channels"]), term["weight"])
        for term in json.loads(read_note(name))["dream"]["objective"]
    ]


def test_a_dream_is_that_of_its_channels(run, picture, net):
    three = strongest(net, read_image("in.png"), LAYER, 3)
    two = strongest(net, read_image("in.png"), "conv1", 2)
    layers = ["-l", f"{LAYER}:strongest3", "-l", "conv1:strongest2=-0.5"]
    seen = run("dream", "in.png", "-o", "out.png", *layers, *SHORT)
    assert seen.code == 0, seen
    assert f"{LAYER}:strongest3 on in.png: {text(three)}\nconv1:strongest2 on in.png: {text(two)}\n" in seen.err
    assert score_in("out.png") == [(LAYER, three, 1), ("conv1", two, -0.5)]
    plain = ["-l", f"{LAYER}:{text(three)}", "-l", f"conv1:{text(two)}=-0.5"]
    assert run("dream", "in.png", "-o", "plain.png", *plain, *SHORT).code == 0
    np.testing.assert_array_equal(read_image("out.png"), read_image("plain.png"))
    assert json.loads(read_note("out.png")) == json.loads(read_note("plain.png"))
    assert run("replay", "out.png").out == "identical: every byte of 96x72 pixels, float32\n"
    made = pydream.dream_picture("in.png", layer=[layers[1], layers[3]], octaves=2, iterations=1, seed=3)
    np.testing.assert_array_equal(made.pixels, read_image("out.png"))


def test_every_picture_and_noise_has_its_own(run, picture, draw, folder, net):
    Image.fromarray(np.full((64, 80, 3), (20, 40, 160), np.uint8)).save(folder / "blue.png")
    words = ["in.png", "blue.png", "noise:64x48", "-o", "out", "-l", f"{LAYER}:strongest3", *SHORT]
    seen = run("dream", *words)
    assert seen.code == 0, seen
    starts = {"in": read_image("in.png"), "blue": read_image("blue.png")}
    starts["noise"] = noise(48, 64, np.random.RandomState(3))
    found = {name: strongest(net, start, LAYER, 3) for name, start in starts.items()}
    assert len(set(found.values())) == 3
    for name, channels in found.items():
        assert score_in(f"out/{name}.png") == [(LAYER, channels, 1)]
    assert "3 of 3 are in 'out' already" in run("dream", *words).err  # its recipe is the same


def test_at_the_size_of_the_result_and_in_tiles(run, picture, net):
    channels = strongest(net, resized(read_image("in.png"), (96, 128)), LAYER, 5)
    for tile in (0, 48):
        assert (
            run(
                "dream",
                "in.png",
                "-o",
                f"{tile}.png",
                "-l",
                f"{LAYER}:strongest5",
                "--size",
                "128x96",
                "--tile",
                tile,
                *SHORT,
            ).code
            == 0
        )
        assert score_in(f"{tile}.png") == [(LAYER, channels, 1)]


@pytest.mark.parametrize("command", ["zoom", "video", "octaves", "history", "classify"])
def test_other_commands(run, picture, folder, net, command):
    channels = strongest(net, read_image("in.png"), LAYER, 2)
    (folder / "frames").mkdir()
    for number in range(2):
        Image.fromarray(np.roll(read_image("in.png"), -30 * number, 1)).save(folder / "frames" / f"{number}.png")
    words = {
        "zoom": ["in.png", "--frames", 2, "-o", "out"],
        "video": ["frames", "-o", "out"],
        "octaves": ["in.png", "-o", "out.png"],
        "history": ["in.png", "-o", "out.png"],
        "classify": ["in.png", "--dream", "-o", "out.png"],
    }
    words = [*words[command], "-l", f"{LAYER}:strongest2", "--octaves", "1", "--iterations", "1", "--seed", "3"]
    seen = run(command, *words)
    assert seen.code == 0, seen
    name = "the first frame" if command == "video" else "in.png"
    assert seen.err.count(f"{LAYER}:strongest2 on {name}: {text(channels)}\n") == 1
    assert f"{LAYER}:{text(channels)}" in read_note("out.png" if (folder / "out.png").exists() else "out/00000001.png")
    if command in ("zoom", "video"):
        seen = run(command, *words, "--resume")
        assert seen.code == 0, seen
        assert "2 of 2 frames are in" in seen.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (f"-l {LAYER}:strongest0", "'strongest0' in 'fire2/concat:strongest0' is not a number of channels of"),
        (f"-l {LAYER}:strongest129=2", "of 'fire2/concat' (expected 1 to 128)"),
        (f"-l {LAYER}:strongest", "is not a list of channels (expected e.g. 3 or 3-7 or 3-7,12, or strongest10)"),
        (f"-l {LAYER}:strongest-3", "is not a list of channels"),
        (f"-l {LAYER}:strongest3 -g in.png", "a guide takes up whole layers, without channels and places"),
    ],
)
def test_what_cannot_be(refused, picture, options, said):
    assert said in refused(2, "dream", "in.png", "-q", "-o", "out.png", *options.split(), *SHORT)


def test_a_record_has_room_for_all_channels(run, picture):
    assert run("dream", "in.png", "-o", "out.png", "-l", "fire8/concat:strongest512", *SHORT).code == 0
    ((_, channels, _),) = score_in("out.png")
    assert sorted(channels) == list(range(512))


def test_in_python(picture, capfd, net):
    channels = strongest(net, read_image("in.png"), LAYER, 4, "mean")
    options = {"layer": f"{LAYER}:strongest4", "objective": "mean", "octaves": 1, "iterations": 1, "seed": 3}
    dream = pydream.dream_picture("in.png", **options)
    assert dream.recipe.objective[0].channels == channels
    assert f"{LAYER}:strongest4 on the picture: {text(channels)}\n" in capfd.readouterr().err
    assert f"--layer {LAYER}:{text(channels)}" in dream.command
    pydream.dream_picture("in.png", **options, progress=False)
    assert "strongest" not in capfd.readouterr().err
    with pytest.raises(ParameterError, match="expected 1 to 128"):
        pydream.dream_picture("in.png", layer=f"{LAYER}:strongest129")


@pytest.mark.parametrize("kind", ["picture", "noise"])
def test_an_order_of_the_studio(picture, net, kind):
    recipe = {"seed": 3, "size": (48, 64)} if kind == "picture" else {"seed": 3, "noise": (48, 64)}
    order = Order(
        kind="dream", picture="0" * 64 if kind == "picture" else None, layer=(f"{LAYER}:strongest3",), recipe=recipe
    )
    wanted = Wanted.of(order)
    start = wanted.start("in.png" if kind == "picture" else None, "in.png")
    prepared = wanted.prepare(start, "float32")
    (term,) = prepared.recipe.objective
    assert term.channels == strongest(net, prepared.recipe.start(start.picture)[0], LAYER, 3)
