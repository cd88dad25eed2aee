"""`pydream grid`: a sheet or a page of a picture and its cells, made again by its record's command."""

import json
import shlex

import numpy as np

from pydream.cli import signals
from pydream.cli.commands import grid as command
from pydream.media import read_image, read_note
from pydream.media.page import page_note

SMALL = ["--cell", "24", "--octaves", "1", "-n", "1", "--dpi", "50", "--runtime", "numpy"]


def test_its_command_makes_it_again(run, picture):
    seen = run(
        "grid",
        picture.name,
        "-o",
        "a.png",
        "--layer",
        "pool5",
        "--size",
        "64x48",
        "--direction-power",
        "2",
        "--sized",
        *SMALL,
    )
    assert seen.code == 0, seen
    assert "cells of pool5 on CPU:0, float32, seed " in seen.err
    record = json.loads(read_note("a.png"))
    assert record["figure"] == "grid"
    line = record["command"]
    options = "--iterations 1 --octaves 1 --direction-power 2.0 --cell 24 --sized --dpi 50.0 --size 64x48"
    assert line.startswith(f"pydream grid in.png -o grid.png {options}")
    assert run(*shlex.split(line)[1:]).code == 0
    np.testing.assert_array_equal(read_image("a.png"), read_image("grid.png"))
    assert (
        run("grid", picture.name, "-o", "b.png", "--layer", "pool5", "--size", "64x48", "--seed", "1", *SMALL, "-q").err
        == ""
    )
    assert (read_image("a.png").shape[1]) == (read_image("b.png").shape[1])


def test_a_page(run, picture, folder):
    seen = run("grid", "noise:48x48", "-o", "a.html", "--layer", "pool5", "--seed", "1", *SMALL[:6], *SMALL[8:])
    assert seen.code == 0, seen
    assert json.loads(page_note("a.html"))["command"].startswith("pydream grid noise:48x48 -o grid.html")
    assert "pool5, 2x2 places" in (folder / "a.html").read_text()


def test_too_many_cells(refused, picture):
    said = refused(2, "grid", picture.name, "-o", "a.png", "--layer", "pool1", "--most-cells", "9", *SMALL)
    assert "Invalid value for '--most-cells': pool1 has 23x17 = 391 places on this picture, and each is drawn" in said


def test_a_large_picture_is_made_small(run, folder, draw):
    draw(folder / "large.png", 240, 300)
    seen = run("grid", "large.png", "-o", "a.png", "--layer", "pool5", "--seed", "1", *SMALL)
    assert seen.code == 0
    assert " --size 224x179 " in json.loads(read_note("a.png"))["command"]


def test_ctrl_c_keeps_what_is_done(run, picture, monkeypatch):
    def drawn(*_):
        yield np.zeros((24, 24, 3), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "drawn", drawn)
    monkeypatch.setattr(signals, "_received", [2], raising=False)
    seen = run("grid", picture.name, "-o", "a.png", "--layer", "pool5", "--seed", "1", *SMALL)
    assert seen.code != 0
    assert "pydream: interrupted; wrote 'a.png' with 1 of " in seen.err
    assert read_image("a.png").size


def test_factors(run, picture):
    line = ["grid", picture.name, "--layer", "pool5", "--size", "96x72", "--factors", "2", "--seed", "1", *SMALL]
    assert run(*line, "-o", "a.png").code == 0
    command = json.loads(read_note("a.png"))["command"]
    assert " --factors 2 --iterations 1 --octaves 1 --cell 24 " in command
    assert run(*shlex.split(command)[1:]).code == 0
    np.testing.assert_array_equal(read_image("a.png"), read_image("grid.png"))
