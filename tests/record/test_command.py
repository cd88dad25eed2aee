"""The command line that makes a dream again has what differs from the defaults, and no more."""

import pytest

from pydream.dream.keyframes import WholeCurve
from pydream.dream.objectives import Term
from pydream.record import Loop, NetFacts, Recipe, Rendering
from pydream.record.command import command_of, option_words

NETWORK = NetFacts(
    name="net", weights="w", weights_sha256="a" * 64, definition_sha256="a" * 64, dtype="float32",
    runtime="tensorflow", device="CPU:0",
)  # fmt: skip
EXACT = NetFacts(
    name="net", weights="w", weights_sha256="a" * 64, definition_sha256="a" * 64, dtype="float64", runtime="numpy",
    device="CPU:0", mean=(104.0, 116.5, 122.0), scale=0.5, channel_order="RGB", input="in",
)  # fmt: skip


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({}, "--layer conv"),
        ({"octave_n": 2, "step_size": 2.0, "clip": False, "tv": 0.5, "keep_colors": True, "era": "2015", "tile": 64},
         "--layer conv --octaves 2 --step-size 2.0 --no-clip --era 2015 --tv 0.5 --keep-colors --tile 64"),
        ({"objective": (Term("conv", "l2", (3, 4, 5)), Term("pool", "l2", weight=-0.5))},
         "--layer conv:3-5 --layer pool=-0.5"),
        ({"objective": (Term("pool", "l2"), Term("conv", "mean", vector=(1.0, 2.0), cosine_power=1.5))},
         "--layer pool --layer conv --direction direction.npy --direction-power 1.5"),
        ({"objective": (Term("conv", "mean", vector=(1.0, 2.0)), Term("logits", "sum", (3, 4)))},
         "--layer conv --objective mean --class 3-4 --direction direction.npy"
         " --octaves 4 --iterations 10 --smooth 0.0"),
        ({"objective": (Term("pool", "sum"), Term("conv", "sum", vector=(1.0, 2.0)), Term("logits", "sum", (3,)))},
         "--layer pool --layer conv --objective sum --class 3 --direction direction.npy"
         " --octaves 4 --iterations 10 --smooth 0.0"),
        ({"objective": (Term("pool", "l2"), Term("conv", "mean", vector=(1.0, 2.0)), Term("logits", "sum", (3,)))},
         "--layer pool --layer conv --class 3 --direction direction.npy --octaves 4 --iterations 10 --smooth 0.0"),
        ({"objective": (Term("conv", "mean"), Term("logits", "sum", (281,), 2.0))},
         "--layer conv --objective mean --class 281=2.0 --octaves 4 --iterations 10 --smooth 0.0"),
        ({"objective": (Term("conv", "mean"), Term("logits", "sum", (281,))),
          "loop": Loop(frame=4, scale=0.05, rotate=0.0, shift=(0.0, 0.0), octave_n=WholeCurve(((0, 1), (4, 3))))},
         "--frames 5 --octaves 0:1,4:3 --layer conv --objective mean --class 281 --iterations 10 --smooth 0.0"),
        ({"objective": (Term("logits", "sum", (281,)),)}, "--layer logits:281 --objective sum"),
        ({"loop": Loop(frame=4, scale=0.1, rotate=0.0, shift=(1.0, 0.0)), "grid": 0.5},
         "--frames 5 --scale 0.1 --shift 1.0 0.0 --layer conv --grid 0.5"),
        ({"rendering": Rendering(renderer="lapnorm", channels=(7,), lap_n=4), "iter_n": 20, "octave_n": 3,
          "step_size": 1.0}, "--layer conv:7 --renderer lapnorm --iterations 20"),
        ({"rendering": Rendering(renderer="decorrelated", power=0.75), "iter_n": 20, "step_size": 1.0, "octave_n": 3},
         "--layer conv --iterations 20 --step-size 1.0 --decorrelate 0.75 --robust-scale 0.0 --robust-rotate 0.0"),
        ({"size": (480, 640), "octave_n": 2, "octave_sizes": ((240, 320), (480, 640)), "also": ("net:a", "net:b=2")},
         "--size 640x480 --layer conv --also net:a --also net:b=2 --octave-sizes 320x240,640x480"),
        ({"color_correlations": (0.5, 0.25, 0.125), "invert": True},
         "--layer conv --invert --color-correlations 0.5,0.25,0.125"),
        ({"loop": Loop(frame=4, scale=0.05, rotate=0.0, shift=(0.0, 0.0), octave_n=WholeCurve(((0, 2), (4, 3)))),
          "objective": (Term("logits", "sum", (281,)), Term("conv"))},
         "--frames 5 --octaves 0:2,4:3 --layer conv --class 281 --iterations 10 --smooth 0.0"),
    ],
)  # fmt: skip
def test_of_a_recipe(recipe, words):
    line = command_of("dream", ["sky.png", "-o", "dream.png"], Recipe(end="conv", seed=7, **recipe), NETWORK)
    assert line == f"pydream dream sky.png -o dream.png {words} --seed 7"


def test_of_a_network_and_files():
    files = {"model": "my net.pb", "weights": "w.npz", "guide": "g.png", "mask": "m.png"}
    line = command_of("dream", ["sky.png", "-o", "dream.png"], Recipe(end="conv", seed=7), EXACT, **files)
    assert line == (
        "pydream dream sky.png -o dream.png --model 'my net.pb' --weights w.npz --mean 104,116.5,122 --pixel-scale 0.5"
        " --channel-order RGB --input-node in --layer conv --guide g.png --mask m.png --runtime numpy --exact --seed 7"
    )


def test_options():
    options = {"--a": 1, "--b": None, "--c": True, "--d": False, "--e": ["x", "y"], "--f": (1, 2), "--g": 0, "--h": ""}
    assert " ".join(option_words(options)) == "--a 1 --c --e x --e y --f 1 2 --g 0 --h "
