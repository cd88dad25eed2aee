"""`--tile` and `--memory`: what is made in blocks, what is said of it, and what a picture remembers."""

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from pydream.cli.progress import Progress
from pydream.media.image import read_image, read_note
from pydream.record.provenance import read_provenance

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
    assert made.recipe == read_provenance("whole.png").recipe
    assert "--tile" not in made.command
    assert "tiles" not in run("dream", picture, "-o", "quiet.png", *SHORT, "--tile", 64, "--quiet").err


def test_float32_remembers_the_tile(run, picture):
    run("dream", picture, "-o", "out.png", *SHORT, "--tile", 64)
    made = read_provenance("out.png")
    assert made.recipe.tile == 64
    assert made.command.endswith("--tile 64 --seed 1")
    assert run("replay", "out.png").code == 0
    run("dream", picture, "-o", "whole.png", *SHORT)
    made = read_provenance("whole.png")
    assert made.recipe.tile == 0
    assert "--tile" not in made.command


def test_memory_decides(run, refused, picture, monkeypatch):
    monkeypatch.setattr("pydream.tiles.fitting.resident_bytes", lambda: 0)
    monkeypatch.setattr("pydream.tiles.fitting.OVERHEAD", 0)
    seen = run("dream", picture, "-o", "out.png", *SHORT, "--memory", "4M")
    plan = re.fullmatch(PLAN, seen.err.splitlines()[0])
    assert read_provenance("out.png").recipe.tile == int(plan[2]) > 0
    assert "--memory" not in read_provenance("out.png").command
    error = refused(1, "dream", picture, "-o", "none.png", *SHORT, "--memory", "0.5M")
    assert "0.0005 GB of memory are too little for 150x120 pixels and 'fire3/concat': about" in error


@pytest.mark.parametrize("wrong", ["0", "much", "-2G", "2X", "1e9"])
def test_memory_is_an_amount(refused, picture, wrong):
    error = refused(2, "dream", picture, "-o", "out.png", f"--memory={wrong}")
    assert f"{wrong!r} is not an amount of memory (expected a number with a unit, e.g. 2G)" in error


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
    assert read_provenance("twice/00000001.png").recipe.tile == 64


FIGURES = {
    "classify": ["in.png", "--dream", *SHORT],
    "octaves": ["in.png", *SHORT],
    "history": ["in.png", *SHORT],
    "sweep": ["in.png", *SHORT[:4], "--seed", "1", "--layer", "fire2/concat", "--layer", "fire3/concat"],
    "visualize": ["in.png", "-n", "2", "-l", "fire3/concat", "--renderer", "naive", "--seed", "1"],
    "channels": ["in.png", "-n", "2", "-l", "fire3/squeeze1x1:0-1", "--renderer", "naive", "--seed", "1"],
}


@pytest.mark.parametrize("command", FIGURES)
def test_every_command_that_dreams(run, picture, command):
    """The plan comes before the work; float64 is the same with tiles as without, and float32 says what it had."""
    for name, more in (("whole", ["--tile", 0]), ("tiled", ["--tile", 64])):
        seen = run(command, *FIGURES[command], "-o", f"{name}.png", "--dtype", "float64", *more)
        assert seen.code == 0, seen
        plans = re.findall(rf"^(?:fire./concat: )?{PLAN}$", seen.err, re.MULTILINE)
        assert len(plans) == (0 if name == "whole" else 2 if command == "sweep" else 1), seen
    np.testing.assert_array_equal(read_image("tiled.png"), read_image("whole.png"))
    assert json.loads(read_note("tiled.png"))["dream"]["tile"] is None

    first = run(command, *FIGURES[command], "-o", "float32.png", "--tile", 64).err.splitlines()[0]
    assert re.fullmatch(rf"(fire./concat: )?{PLAN}", first)
    made = json.loads(read_note("float32.png"))
    assert made["dream"]["tile"] == 64
    assert "--tile 64" in made["command"]


def test_a_sweeps_layers_may_have_other_tiles(run, picture, monkeypatch):
    """Those of each are in its own picture; the sheet does not say what is true of some only."""
    sides = iter([64, 0])
    monkeypatch.setattr("pydream.record.recipe.choose_side", lambda *_: next(sides))
    run("sweep", *FIGURES["sweep"], "-o", "sheet.png", "--pictures", "each")
    assert json.loads(read_note("sheet.png"))["dream"]["tile"] is None
    names = sorted(Path("each").iterdir())
    assert [read_provenance(name).recipe.tile for name in names] == [64, 0]
    assert [run("replay", name).code for name in names] == [0, 0]


@pytest.mark.parametrize("option", ["--tile", "--memory"])
@pytest.mark.parametrize("command", ["visualize", "channels"])
def test_renderers_with_tiles_of_their_own(refused, folder, command, option):
    error = refused(2, command, "-o", "out.png", option, 64)
    assert "the network sees 512x512 pixels at a time with decorrelated; naive and maco take blocks" in error


def test_replay_takes_memory_where_it_decides_no_pixel(run, refused, picture, monkeypatch):
    run("dream", picture, "-o", "64.png", *SHORT, "--dtype", "float64")
    monkeypatch.setattr("pydream.tiles.fitting.resident_bytes", lambda: 0)
    monkeypatch.setattr("pydream.tiles.fitting.OVERHEAD", 0)
    seen = run("replay", "64.png", "--memory", "5M")
    assert re.fullmatch(PLAN, seen.err.splitlines()[0])
    assert seen.out.startswith("identical")
    run("dream", picture, "-o", "32.png", *SHORT)
    assert "blocks decide pixels in float32" in refused(2, "replay", "32.png", "--memory", "5M")


def test_ctrl_c_between_tiles(run, picture, monkeypatch):
    """It costs the step that it falls into, and what is written says how many there were."""
    tiles = []
    tile = Progress.tile

    def interrupting(self, done, count):
        tiles.append(done)
        if len([each for each in tiles if each == 1]) == 2 and done == 2:
            signal.raise_signal(signal.SIGINT)
        tile(self, done, count)

    monkeypatch.setattr(Progress, "tile", interrupting)
    seen = run("dream", picture, "-o", "out.png", *SHORT[:2], "-n", "2", *SHORT[4:], "--tile", 48)
    assert seen.code == 130
    assert "wrote 'out.png' after 1 of 4 steps" in seen.err
    monkeypatch.setattr(Progress, "tile", tile)
    assert read_provenance("out.png").recipe.steps == 1
    assert run("replay", "out.png").out.startswith("identical")
