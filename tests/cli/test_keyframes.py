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


def test_weights_octaves_blend_and_light(run, words, monkeypatch):
    """Recorded, resumed after a stop and replayed to the byte, with what of the first frame's light is held."""
    layers = ["--layer", "fire2/concat=0:1,2:0", "--layer", "fire3/concat:3@1,1=0:0,3:-2", "--class", "flamingo=0.5"]
    more = ["--octaves", "0:1,2:2", "--blend", "0:0.5,2:0", "--hold", "both"]
    words = [
        *words[:2],
        "--iterations",
        "2",
        "--seed",
        "3",
        "--smooth",
        "1",
        "-q",
        "--runtime",
        "numpy",
        *layers,
        *more,
        "--scale",
        "0.1",
    ]
    assert run(*words, "-o", "whole", "--frames", "3").code == 0
    whole = frames("whole")
    note = read_note("whole/00000002.png")
    said, dream = parse(note), json.loads(note)["dream"]
    assert (
        " --frames 3 --scale 0.1 --octaves 0:1,2:2 --blend 0:0.5,2:0.0 --hold both"
        " --layer fire2/concat=0:1.0,2:0.0 --layer fire3/concat:3@1,1=0:0.0,3:-2.0 --class 130=0.5"
    ) in said.command
    assert dream["loop"]["octave_n"] == {"keyframes": [[0, 1], [2, 2]]}
    assert dream["loop"]["blend"] == {"keyframes": [[0, 0.5], [2, 0.0]]}
    assert dream["loop"]["hold"] == "both"
    assert (dream["octave_n"], dream["blend"]) == (4, 0.0)
    assert dream["objective"][0]["weight"] == {"keyframes": [[0, 1.0], [2, 0.0]]}
    assert run("replay", "whole/00000002.png", "-o", "again.png").out.startswith("identical: every byte")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 8)  # in the third frame
        assert run(*words, "-o", "out", "--frames", "3").code == 130
    assert len(frames("out")) == 2
    assert "hold was both, now contrast" in run(*words, "-o", "out", "--resume", "--hold", "contrast").err
    assert run(*words, "-o", "out", "--frames", "3", "--resume").code == 0
    assert frames("out") == whole


def test_numbers_are_recorded_as_before(run, words):
    assert run(*words, "-o", "out", "--frames", "1", "--scale", "0.1", "--blend", "0.25", "--step-size", "2").code == 0
    note = read_note("out/00000000.png")
    assert json.loads(note)["dream"]["blend"] == 0.25
    assert run("replay", "out/00000000.png").out.startswith("identical: every byte")
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


def test_a_plan_of_weights_and_whole_numbers(run, words):
    layers = ["--layer", "fire2/concat", "--layer", "fire3/concat=0:1"]
    seen = run(*words[:2], "--plan", "--frames", "5", "--octaves", "0:1,4:2", *layers, "--blend", "0:0")
    assert seen.out.splitlines()[5:] == [
        "step size: 1.5",
        "octaves: 0:1,4:2, linear",
        "         2 |  ***",
        *["           |"] * 5,
        "         1 |**",
        "     frame  0   4",
        "blend: 0:0.0, linear",
        "         0 |*****",
        "     frame  0   4",
        "weight of fire3/concat: 0:1.0, linear",
        "         1 |*****",
        "     frame  0   4",
    ]


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
        (["--octaves", "0:1,9:2.5"], "'--octaves': '2.5' is neither a whole number nor 'auto'"),
        (["--octaves", "0:1,9:auto"], "'--octaves': 'auto' in keyframes is no number"),
        (["--octaves", "0:0"], "'--octaves': 0 is not in the range 1<=x<=1000"),
        (["--blend", "0:0,9:1.5"], "'--blend': 1.5 is not in the range 0<=x<=1"),
        (["--hold", "light"], "'--hold': 'light' is not one of 'brightness', 'contrast', 'both'"),
        (["--ease", "cubic"], "'--ease': 'cubic' is not one of 'linear', 'smooth'"),
    ],
)
def test_refusals(refused, words, options, why):
    assert why in refused(2, *words, "--plan", *options)


@pytest.mark.parametrize(
    ("code", "options", "why"),
    [
        (2, ["zoom", "--layer", "fire2/concat=0:1,9"], "'0:1,9' in 'fire2/concat=0:1,9' is not a weight"),
        (2, ["zoom", "--layer", "fire2/concat=0:1,9:0"], "weights of 0 at frame 9, expected one that is not 0"),
        (1, ["zoom", "--octaves", "0:1,9:3"], "octave 1 of 3 (16x12) is too small"),
        (2, ["zoom", "--layer", "fire2/concat=0:1", "--guide", "in.png"], "a guide's layers have numbers as weights"),
        (2, ["zoom", "--hold", "both", "--mask", "in.png"], "it keeps pixels as they are, and --hold changes them all"),
        (
            2,
            ["dream", "--layer", "fire2/concat=0:1"],
            "a weight with keyframes, expected a number: it takes a zoom loop",
        ),
    ],
)
def test_refusals_before_the_first_frame(refused, words, code, options, why):
    command, *rest = options
    assert why in refused(code, command, "in.png", "-o", "out.png" if command == "dream" else "out", *rest)
    assert not Path("out").exists()
