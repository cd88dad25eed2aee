"""`--tile` and `--memory`: what is made in blocks, what is said of it, and what a picture remembers."""

import re

import numpy as np
import pytest

from pydream.image import read_image
from pydream.provenance import read_provenance

SHORT = ["--octaves", "2", "-n", "1", "-l", "fire3/concat", "--seed", "1"]
PLAN = r"150x120 in (\d+) tiles of up to (\d+) pixels, crops of up to \d+x\d+, [\d.]+ times the work"


@pytest.fixture
def picture(folder, draw):
    return draw(folder / "in.png", 120, 150)


def test_the_plan_is_told_first_and_float64_is_the_same(run, picture):
    seen = run("dream", picture, "-o", "whole.png", *SHORT, "--dtype", "float64")
    assert "tiles" not in seen.err
    seen = run("dream", picture, "-o", "tiled.png", *SHORT, "--dtype", "float64", "--tile", 64)
    assert re.fullmatch(PLAN, seen.err.splitlines()[0])[2] == "64"
    np.testing.assert_array_equal(read_image("tiled.png"), read_image("whole.png"))
    made = read_provenance("tiled.png")
    assert made.dream == read_provenance("whole.png").dream
    assert "--tile" not in made.command
    assert "tiles" not in run("dream", picture, "-o", "quiet.png", *SHORT, "--tile", 64, "--quiet").err


def test_float32_remembers_the_tile(run, picture):
    run("dream", picture, "-o", "out.png", *SHORT, "--tile", 64)
    made = read_provenance("out.png")
    assert made.dream.tile == 64
    assert made.command.endswith("--tile 64 --seed 1")
    assert run("replay", "out.png").code == 0
    run("dream", picture, "-o", "whole.png", *SHORT)
    made = read_provenance("whole.png")
    assert made.dream.tile == 0
    assert "--tile" not in made.command


def test_memory_decides(run, refused, picture, monkeypatch):
    monkeypatch.setattr("pydream.tiles.resident_bytes", lambda: 0)
    monkeypatch.setattr("pydream.tiles.OVERHEAD", 0)
    seen = run("dream", picture, "-o", "out.png", *SHORT, "--memory", "4M")
    plan = re.fullmatch(PLAN, seen.err.splitlines()[0])
    assert read_provenance("out.png").dream.tile == int(plan[2]) > 0
    assert "--memory" not in read_provenance("out.png").command
    error = refused(1, "dream", picture, "-o", "none.png", *SHORT, "--memory", "0.5M")
    assert "0.0005 GB of memory are too little for 150x120 pixels and 'fire3/concat': about" in error


@pytest.mark.parametrize("wrong", ["0", "much", "-2G", "2X", "1e9"])
def test_memory_is_an_amount(refused, picture, wrong):
    error = refused(2, "dream", picture, "-o", "out.png", f"--memory={wrong}")
    assert f"{wrong!r} is no amount of memory, as 2G is one" in error


def test_a_layer_without_tiles(refused, picture):
    error = refused(1, "dream", picture, "-o", "out.png", "-l", "pool10", "--tile", 64)
    assert "sees the whole picture: through the layer 'pool10' (Pooling)" in error


def test_a_loop_goes_on_with_its_tiles(run, picture):
    for folder, counts in (("once", [2]), ("twice", [1, 2])):
        for count in counts:
            more = ["--tile", 64] if count == counts[0] else ["--resume"]
            seen = run("zoom", picture, "-o", folder, "--frames", count, *SHORT, *more)
            assert seen.code == 0
            assert re.search(PLAN, seen.err)
    np.testing.assert_array_equal(read_image("once/00000001.png"), read_image("twice/00000001.png"))
    assert read_provenance("twice/00000001.png").dream.tile == 64
