"""`pydream channels`: tiles that are what `pydream visualize` makes, on a sheet that nothing stops for good."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at

import pydream
from pydream.files import temporary_beside
from pydream.media.image import read_image, read_note
from pydream.record.provenance import read_provenance

LAYER = "fire2/expand3x3"  # before its ReLU
RENDERER = ["noise:48x40", "--iterations", "2", "--octaves", "2"]  # four steps a tile
SHORT = [*RENDERER, "--seed", "3", "--dpi", "50"]
FOUR = ["-l", f"{LAYER}:2-5"]


def tile(channel):
    return f"channel-{channel:06d}.png"


@pytest.fixture
def whole(run, folder):
    """The sheet of four channels, made in one go."""
    assert run("channels", "-o", "whole.png", *FOUR, *SHORT, "-q").code == 0
    return Path("whole.png").read_bytes()


# ---- the sheet and its tiles ----


def test_tiles_are_what_visualize_makes(run, folder):
    seen = run("channels", "-o", "channels.png", *FOUR, *SHORT, "--pictures", "tiles")
    assert seen.code == 0, seen
    title = f"squeezenet_v1.1 decorrelated of {LAYER} on CPU:0, float32, seed 3"
    assert seen.err.splitlines() == [title, "wrote 'channels.png'"]
    assert sorted(os.listdir("tiles")) == [tile(channel) for channel in (2, 3, 4, 5)]
    assert run("visualize", "-o", "4.png", "-l", f"{LAYER}:4", *SHORT[:-2]).code == 0
    np.testing.assert_array_equal(read_image(f"tiles/{tile(4)}"), read_image("4.png"))
    said = read_provenance(f"tiles/{tile(4)}")
    assert said.command == (
        f"pydream visualize noise:48x40 -o dream.png --layer {LAYER}:4 --iterations 2 --octaves 2 --seed 3"
    )
    assert run("replay", f"tiles/{tile(4)}").out.startswith("identical")
    assert run(*said.command.split()[1:]).code == 0
    np.testing.assert_array_equal(read_image(f"tiles/{tile(4)}"), read_image("dream.png"))


def test_a_range_has_the_tiles_of_the_whole(run, folder):
    assert run("channels", "-o", "all.png", "-l", "fire2/squeeze1x1", *SHORT, "--pictures", "all").code == 0
    assert run("channels", "-o", "two.png", "-l", "fire2/squeeze1x1:14,3", *SHORT, "--pictures", "two").code == 0
    assert len(os.listdir("all")) == 16
    for channel in (14, 3):
        assert Path("two", tile(channel)).read_bytes() == Path("all", tile(channel)).read_bytes()


def test_the_tiles_are_on_the_sheet_in_order(run, folder):
    """At the size that they have, so that the sheet does not scale them."""
    width = (2 * 8 + 4 * 67 + 3 * 3) / 50 * 25.4  # margins, tiles and gutters, in mm
    options = ["--columns", "4", "--width", str(width), "--no-caption", "--title", ""]
    assert (
        run("channels", "-o", "channels.png", "-l", f"{LAYER}:5,2-4", *SHORT, *options, "--pictures", "tiles").code == 0
    )
    sheet = read_image("channels.png")
    tiles = [read_image(f"tiles/{tile(channel)}") for channel in (5, 2, 3, 4)]
    left = -1
    for each in tiles:
        h, w = each.shape[:2]
        places = [
            x for x in range(sheet.shape[1] - w + 1) for y in range(12) if (sheet[y : y + h, x : x + w] == each).all()
        ]
        assert len(places) == 1
        assert places[0] > left
        left = places[0]


def test_the_sheet_says_how_it_was_made(run, whole):
    note = read_note("whole.png")
    command = f"pydream channels noise:48x40 -o channels.png --dpi 50.0 --layer {LAYER}:2-5 --iterations 2 --octaves 2"
    assert command in note
    assert not Path("whole.png.tiles").exists()
    seen = run("replay", "whole.png")
    assert seen.code == 1
    assert seen.err.startswith("pydream: error: what 'whole.png' says of itself cannot be used: it is a figure")
    assert seen.err.count("\n") == 1
    assert run("channels", "-o", "again.png", *FOUR, *SHORT, "-q").code == 0
    assert Path("again.png").read_bytes() == whole


def test_the_documented_command_made_the_documented_picture(root):
    lines = (root / "docs" / "visualize.md").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("pydream channels")]
    made = json.loads(read_note(root / "docs" / "channels.jpg"))["command"]
    made = made.removeprefix("pydream channels noise:96x96 -o channels.jpg --columns 8 --dpi 80.0")
    assert line == f"pydream channels -o channels.jpg{made.removesuffix(' --seed 0')} --columns 8 --dpi 80 --seed 0"
    assert (root / "docs" / "channels.jpg").stat().st_size < 150_000


def test_from_a_picture(run, picture):
    options = ["-r", "deepdream", "-n", "1", "--octaves", "1", "--seed", "3", "--dpi", "50", "--pictures", "tiles"]
    assert run("channels", picture, "-o", "channels.png", *FOUR, *options).code == 0
    assert read_image(f"tiles/{tile(2)}").shape == (72, 96, 3)
    assert run("replay", f"tiles/{tile(2)}", "-i", picture).out.startswith("identical")


def test_a_channel_that_nothing_moves_stays_empty(run, folder):
    """Behind its ReLU channel 7 sees nothing in this noise."""
    options = [*SHORT, "--renderer", "lapnorm"]
    seen = run("channels", "-o", "channels.png", "-l", "fire4/concat:7,8", *options, "--pictures", "tiles", "--sidecar")
    assert seen.code == 0, seen
    assert os.listdir("tiles") == [tile(8)]
    assert Path("channels.png").exists()
    assert Path("channels.png.json").exists()
    assert run("channels", "-o", "none.png", "-l", "fire4/concat:7", *options).code == 0
    assert not Path("none.png.tiles").exists()


# ---- stopped, and on ----


@pytest.mark.parametrize("step", [1, 6, 15])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_resume_ends_with_the_same_bytes(run, whole, monkeypatch, step, number, code):
    arguments = ["channels", "-o", "out.png", *FOUR, *RENDERER, "--dpi", "50"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, step, number)
        seen = run(*arguments, "--seed", "3")
    assert seen.code == code
    done = (step - 1) // 4
    told = f"pydream: interrupted; {done} of 4 tiles are in 'out.png.tiles'; --resume continues"
    assert seen.err.splitlines()[-1] == told
    assert not Path("out.png").exists()
    # The seed need not be told again, unless there is nothing that holds it.
    assert run(*arguments, "--resume", *([] if done else ["--seed", "3"])).code == 0
    assert Path("out.png").read_bytes() == whole
    assert not Path("out.png.tiles").exists()


def test_killed(whole):
    """SIGKILL, at several moments."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    arguments = [sys.executable, "-m", "pydream", "channels", "-o", "out.png", *FOUR, *SHORT, "--resume"]
    for channel in (2, 4):
        process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
        while not Path("out.png.tiles", tile(channel)).exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
        process.wait()
    temporary_beside(Path("out.png.tiles", tile(5))).write_bytes(b"what was being written")
    assert subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL).returncode == 0
    assert Path("out.png").read_bytes() == whole
    assert not Path("out.png.tiles").exists()


def test_what_is_not_a_tile_is_left_alone(run, whole):
    Path("out.png.tiles").mkdir()
    Path("out.png.tiles", "notes.txt").write_text("kept")
    assert run("channels", "-o", "out.png", *FOUR, *SHORT).code == 0
    assert Path("out.png").read_bytes() == whole
    assert os.listdir("out.png.tiles") == ["notes.txt"]


def test_tiles_of_another_sheet_are_not_overwritten(run, whole):
    arguments = ["channels", "-o", "out.png", *FOUR, *RENDERER, "--dpi", "50", "--pictures", "tiles"]
    assert run(*arguments, "--seed", "4").code == 0
    assert Path("out.png").read_bytes() != whole
    made = Path("tiles", tile(2)).read_bytes()
    seen = run(*arguments, "--seed", "3", "--resume")
    assert (seen.code, seen.err) == (
        1, f"pydream: error: 'tiles/{tile(2)}' is another dream: seed was 4, now 3\n"
    )  # fmt: skip
    assert Path("tiles", tile(2)).read_bytes() == made
    assert run(*arguments, "--seed", "3", "--force").code == 0
    assert Path("out.png").read_bytes() == whole


def test_damaged_tiles_are_made_again(run, whole):
    arguments = ["channels", "-o", "out.png", *FOUR, *RENDERER, "--dpi", "50", "--pictures", "tiles"]
    assert run(*arguments, "--seed", "3").code == 0
    for channel in (2, 4):
        path = Path("tiles", tile(channel))
        path.write_bytes(b"" if channel == 2 else path.read_bytes()[:-20])
    assert run(*arguments, "--resume").code == 0  # the seed is found in one that says it
    assert Path("out.png").read_bytes() == whole
    Path("tiles", tile(3)).write_bytes(b"no picture")
    assert f"'tiles/{tile(3)}' does not say that it was made" in run(*arguments, "--resume").err
    assert Path("tiles", tile(3)).read_bytes() == b"no picture"


def test_force_begins_again(run, folder):
    arguments = ["channels", "-o", "out.png", *SHORT, "--pictures", "tiles"]
    assert run(*arguments, *FOUR).code == 0
    Path("tiles/notes.txt").write_text("kept")
    assert run(*arguments, "-l", f"{LAYER}:2", "--force").code == 0
    assert sorted(os.listdir("tiles")) == [tile(2), "notes.txt"]


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "-"], "name a file"),
        (["-o", "out.xyz"], "its suffix names no known format"),
        (["-o", "no/out.png"], "there is no folder"),
        (["-o", "out.png", "--resume", "--force"], "choose one"),
        (["-o", "out.png", "-l", f"{LAYER}:0-64"], f"no channel 64 in '{LAYER}', which has 64: 0 to 63"),
        (["-o", "out.png", "-l", "fire2"], "no blob 'fire2'; close:"),
        (["-o", "out.png", "-r", "naive", "--laplacian", "2"], "the renderer naive does not have it"),
        (["-o", "out.png", "-l", f"{LAYER}:1", "--columns", "1000"], "columns"),
        (["in.png", "-o", "in.png"], "it would overwrite 'in.png'"),
    ],
)
def test_refused(refused, picture, arguments, said):
    assert said in refused(2, "channels", *arguments)


def test_what_is_there_is_not_lost(refused, folder):
    Path("out.png.tiles").mkdir()
    Path("out.png.tiles", tile(2)).write_bytes(b"")
    assert "'out.png.tiles' holds tiles already: --resume" in refused(2, "channels", "-o", "out.png", *FOUR)


def test_a_tile_that_is_read_is_not_written(run, refused, folder):
    arguments = ["-o", "out.png", *FOUR, "-r", "naive", "-n", "1", "--seed", "3", "--dpi", "50", "--pictures", "tiles"]
    assert run("channels", "noise:40x40", *arguments).code == 0
    assert "it would overwrite" in refused(2, "channels", f"tiles/{tile(2)}", *arguments, "--force")


def test_too_small(refused, folder):
    assert "it needs at least" in refused(1, "channels", "noise:8x8", "-o", "out.png", "-r", "naive")
