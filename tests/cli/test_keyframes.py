"""Keyframes of `pydream zoom`: recorded, resumed and replayed to the byte; planned; refused in one line."""

import json
from pathlib import Path

import pytest
from support.interrupting import interrupt_at

from pydream.media.image import read_note
from pydream.record.provenance import parse

CURVES = ["--scale", "0:0,3:0.3", "--rotate", "1:0,2:-8", "--shift", "0:0,3:2", "1", "--step-size", "0:1,3:4"]
SMOOTH = [*CURVES, "--ease", "smooth"]
QUICK = ["--octaves", "1", "--iterations", "2", "--layer", "fire2/concat", "--seed", "3", "-q"]
WORDS = (
    " --frames 3 --scale 0:0.0,3:0.3 --rotate 1:0.0,2:-8.0 --shift 0:0.0,3:2.0 1.0 --ease smooth"
    " --step-size 0:1.0,3:4.0 "
)


@pytest.fixture
def words(draw, folder):
    draw(folder / "in.png", 24, 31)
    return ["zoom", "in.png", *QUICK]


def frames(folder):
    return [path.read_bytes() for path in sorted(Path(folder).glob("*.png"))]


def test_recorded_resumed_and_replayed(run, words, monkeypatch):
    assert run(*words, "-o", "whole", "--frames", "4", *SMOOTH).code == 0
    whole = frames("whole")
    note = read_note("whole/00000002.png")
    said = parse(note)
    assert WORDS in said.command
    assert json.loads(note)["dream"]["loop"] == {
        "frame": 2,
        "scale": {"keyframes": [[0, 0.0], [3, 0.3]]},
        "rotate": {"keyframes": [[1, 0.0], [2, -8.0]]},
        "shift": [{"keyframes": [[0, 0.0], [3, 2.0]]}, 1.0],
        "ease": "smooth",
        "step_size": {"keyframes": [[0, 1.0], [3, 4.0]]},
    }
    assert run("replay", "whole/00000002.png", "-o", "again.png").out.startswith("identical: every byte")
    assert Path("again.png").read_bytes() == whole[2]
    assert run(*said.command.split()[1:], "-q").code == 0
    assert frames("frames") == whole[:3]
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        assert run(*words, "-o", "out", "--frames", "4", *SMOOTH).code == 130
    assert len(frames("out")) == 2
    seen = run(*words, "-o", "out", "--frames", "4", "--resume", *CURVES)
    assert "holds another loop: ease was smooth, now linear" in seen.err
    seen = run(*words, "-o", "out", "--frames", "4", "--resume", *SMOOTH, "--scale", "0:0,3:0.2", "--step-size", "1")
    assert "scale was 0:0.0,3:0.3, now 0:0.0,3:0.2" in seen.err
    assert run(*words, "-o", "out", "--frames", "4", "--resume", *SMOOTH).code == 0
    assert frames("out") == whole


def test_numbers_are_recorded_as_before(run, words):
    assert run(*words, "-o", "out", "--frames", "1", "--scale", "0.1", "--step-size", "2").code == 0
    note = read_note("out/00000000.png")
    assert json.loads(note)["dream"]["loop"] == {"frame": 0, "scale": 0.1, "rotate": 0.0, "shift": [0.0, 0.0]}
    assert " --frames 1 --scale 0.1 --layer" in parse(note).command


def test_a_plan(run, words):
    seen = run(*words, "--plan", "--frames", "5", "--fps", "10", "--scale", "0:0,4:0.06", "--rotate", "2")
    assert seen.out.splitlines() == [
        "5 frames, 0.5 seconds at 10 frames a second",
        "scale: 0:0.0,4:0.06, linear",
        "      0.06 |    *",
        "           |",
        "           |   *",
        "           |  *",
        "           | *",
        "           |",
        "         0 |*",
        "     frame  0   4",
        "rotate: 2",
        "shift to the right: 0",
        "shift down: 0",
        "step size: 1.5",
    ]
    assert sorted(path.name for path in Path().iterdir()) == ["in.png"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--scale", "60:0,0:0.2"], "'--scale': keyframes: frame 0 after 60, expected frames that ascend"),
        (["--scale", "0:0.1,60:1"], "'--scale': 1.0 is not in the range -1<x<1"),
        (["--scale", "0:0.1,60"], "'--scale': '60' is no keyframe (expected FRAME:NUMBER, e.g. 0:0.05,60:0.2)"),
        (["--scale", "-1:0.1"], "'--scale': '-1:0.1' is no keyframe"),
        (["--scale", "0:sin(t)"], "'--scale': 'sin(t)' is not a valid float"),
        (["--rotate", "0:nan"], "'--rotate': nan is not a finite number"),
        (["--shift", "0:1,0:2", "1"], "'--shift': keyframes: frame 0 after 0"),
        (["--shift", "1e99:1", "1"], "'--shift': '1e99:1' is no keyframe"),
        (["--shift", "0:1e99", "1"], "'--shift': keyframes: 1e+99 at frame 0, expected a number"),
        (["--step-size", "0:1,9:-1"], "'--step-size': step_size: 0:1.0,9:-1.0, expected keyframes that are all above"),
        (["--step-size", "0:1,9:0"], "--step-size': 0 is no step"),
        (["--ease", "cubic"], "'--ease': 'cubic' is not one of 'linear', 'smooth'"),
    ],
)
def test_refusals(refused, words, options, why):
    assert why in refused(2, *words, "--plan", *options)
