"""`--seamless` and `--octave-sizes`: the library's dream, recorded, replayed, and the same in Python."""

import json

import numpy as np
import pytest

import pydream
from pydream.media import read_image, read_note
from pydream.zoo.load import load_net

SHORT = ["-l", "fire2/concat", "-n", "1", "--seed", "3", "--runtime", "numpy", "-q"]
SIZES = [(32, 40), (56, 96), (72, 96)]


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["--seamless", "--octaves", "2", "--smooth", "1.0"], {"seamless": True, "octaves": 2, "smooth": 1}),
        (["--octave-sizes", "40x32,96x56,96x72"], {"octave_sizes": "40x32,96x56,96x72"}),
        (
            ["--octave-sizes", "40x32,96x56,96x72", "--seamless", "--tile", "32"],
            {"octave_sizes": "40x32,96x56,96x72", "seamless": True, "tile": 32},
        ),
    ],
)
def test_dreamt_and_replayed(run, picture, words, params):
    assert run("dream", picture.name, "-o", "out.png", *words, *SHORT).code == 0
    found, said = read_image("out.png"), json.loads(read_note("out.png"))
    made = pydream.dream_picture(
        picture.name, layer="fire2/concat", iterations=1, seed=3, runtime="numpy", progress=False, **params
    )
    np.testing.assert_array_equal(made.pixels, found)
    assert made.command == said["command"]
    assert " ".join(words) in said["command"] or set(words) <= set(said["command"].split())
    assert said["dream"].get("octave_sizes") == ([list(size) for size in SIZES] if "octave_sizes" in params else None)
    given = {"octave_sizes": SIZES} if "octave_sizes" in params else {"octave_n": 2}
    given |= {"retouches": [pydream.retouch.Smooth(1)]} if "smooth" in params else {}
    dream = pydream.deepdream(
        load_net("squeezenet_v1.1", runtime="numpy"), read_image(picture), 1, end="fire2/concat",
        seamless="seamless" in params, tile=params.get("tile"), rng=np.random.RandomState(3), **given,
    )  # fmt: skip
    np.testing.assert_array_equal(np.uint8(np.clip(dream, 0, 255)), found)
    seen = run("replay", "out.png", "-q")
    assert (seen.code, seen.out) == (0, "identical: every byte of 96x72 pixels, float32\n")


def test_a_record_without_them_is_as_before(run, picture):
    assert run("dream", picture.name, "-o", "out.png", "--octaves", "1", *SHORT).code == 0
    assert "seamless" not in read_note("out.png")
    assert "octave_sizes" not in read_note("out.png")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--octave-sizes 40x32,96x72 --octaves 2", "it says all sizes, so --octaves and --octave-scale say nothing"),
        ("--octave-sizes 40x32,96x", "'96x' is not a size (expected WIDTHxHEIGHT, e.g. 640x480)"),
        ("--octave-sizes 99999x99999,96x72", "'99999x99999' is more than"),
        ("--octave-sizes 97x32,96x72", "97x32 before 96x72, expected the largest last"),
    ],
)
def test_words_that_do_not_go(refused, picture, words, problem):
    assert problem in refused(2, "dream", picture.name, "-o", "out.png", *words.split(), *SHORT)


@pytest.mark.parametrize(
    ("code", "words", "problem"),
    [
        (2, "--octave-sizes 40x32,90x72", "octave_sizes: the last is 90x72, and the picture 96x72"),
        (2, "--seamless --robust", "robust: what is scaled or turned has no opposite edges that meet"),
        (1, "--seamless --size 96x70", "96x70 pixels without a seam: 'fire2/concat' takes multiples of 4x4, as 96x72"),
    ],
)
def test_pictures_that_do_not_go(refused, picture, code, words, problem):
    assert problem in refused(code, "dream", picture.name, "-o", "out.png", *words.split(), *SHORT)


def test_python_says_sizes_once(picture):
    with pytest.raises(pydream.PydreamError, match="it says all sizes: leave octaves and octave_scale out"):
        pydream.dream_picture(picture.name, octave_sizes="96x72", octaves=2)
