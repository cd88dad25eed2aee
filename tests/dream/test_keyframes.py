"""Keyframes: values at and between them, the loop that takes them, and what is refused."""

import math

import numpy as np
import pytest

import pydream
from pydream.dream.keyframes import Curve, as_curve
from pydream.dream.zoom import move_at

CURVE = Curve(((10, 1.0), (20, 3.0), (40, -1.0)))
QUICK = {"octave_n": 1, "iter_n": 1, "end": "fire2/concat"}


@pytest.fixture
def picture():
    return np.random.RandomState(5).randint(0, 256, (24, 31, 3), np.uint8)


def zoom(net, picture, **params):
    return list(pydream.zoom_loop(net, picture, **{"frames": 3, "rng": np.random.RandomState(0), **QUICK, **params}))


@pytest.mark.parametrize(
    ("frame", "linear", "smooth"),
    [
        (0, 1, 1), (10, 1, 1), (15, 2, 2), (12, 1.4, 1 + 2 * 0.104), (20, 3, 3), (35, 0, 3 - 4 * 0.84375),
        (40, -1, -1), (10**7, -1, -1),
    ],
)  # fmt: skip
def test_values_at_keyframes_and_between(frame, linear, smooth):
    assert math.isclose(CURVE.at(frame), linear, abs_tol=1e-12)
    assert math.isclose(CURVE.at(frame, "smooth"), smooth, abs_tol=1e-12)
    if frame in (10, 20, 40):
        assert CURVE.at(frame) == CURVE.at(frame, "smooth") == linear


def test_equal_keyframes_are_a_number():
    curve = Curve(((0, 0.05), (7, 0.05)))
    assert {curve.at(frame, ease) for frame in range(9) for ease in ("linear", "smooth")} == {0.05}


def test_a_curve_is_what_a_mapping_or_pairs_say():
    curve = Curve(((0, 0.05), (60, 0.2)))
    for given in ({0: 0.05, 60: 0.2}, [(0, 0.05), (60, 0.2)], np.array([[0, 0.05], [60, 0.2]]).tolist(), curve):
        given = [(int(frame), value) for frame, value in given] if isinstance(given, list) else given
        assert as_curve(given) == curve
    assert str(curve) == "0:0.05,60:0.2"
    assert as_curve(0.05) == 0.05


@pytest.mark.parametrize("ease", ["linear", "smooth"])
def test_the_loop_takes_them(squeezenet32, picture, ease):
    """Frame n is moved to, and dreamt, with the values at n; one of several frames is continued from, to the bit."""
    curves = {"scale": Curve(((0, 0.0), (2, 0.3))), "rotate": Curve(((1, 0.0), (4, 9.0))), "ease": ease}
    curves["shift"] = (Curve(((0, 0.0), (3, 2.0))), 1.0)
    steps = Curve(((0, 1.0), (3, 4.0)))
    frames = zoom(squeezenet32, picture, frames=4, step_size=steps, **curves)
    rng, start = np.random.RandomState(0), picture
    for number, frame in enumerate(frames):
        if number:
            start = pydream.zoom_frame(frames[number - 1], **move_at(number, **curves))
        made = pydream.deepdream(squeezenet32, start, rng=rng, step_size=steps.at(number, ease), **QUICK)
        np.testing.assert_array_equal(frame, made)
        if number == 1:
            state = rng.get_state()
    rng.set_state(state)
    start = pydream.zoom_frame(frames[1], **move_at(2, **curves))
    rest = zoom(squeezenet32, start, frames=2, first=2, rng=rng, step_size=steps, **curves)
    np.testing.assert_array_equal(rest, frames[2:])


def test_a_held_keyframe_is_the_number(squeezenet32, picture):
    wanted = zoom(squeezenet32, picture, frames=2, scale=0.1, rotate=3.0, shift=(1.0, 0.5), step_size=2.0)
    held = {"scale": {5: 0.1}, "rotate": [(0, 3.0)], "shift": ({1: 1.0, 9: 1.0}, 0.5), "step_size": {0: 2.0}}
    np.testing.assert_array_equal(zoom(squeezenet32, picture, frames=2, ease="smooth", **held), wanted)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"scale": {}}, "keyframes: 0, expected from 1 to 100 of them"),
        ({"scale": dict.fromkeys(range(101), 0.1)}, "keyframes: 101, expected from 1 to 100 of them"),
        ({"scale": {60: 0.1, 0: 0.2}}, "keyframes: frame 0 after 60, expected frames that ascend"),
        ({"scale": [(0, 0.1), (0, 0.2)]}, "keyframes: frame 0 after 0, expected frames that ascend"),
        ({"scale": {-1: 0.1}}, "keyframes: -1, expected at least 0"),
        ({"scale": {0.5: 0.1}}, "keyframes: 0.5, expected a whole number"),
        ({"scale": [0.1, 0.2]}, "keyframes: (0.1,), expected a frame and a value"),
        ({"scale": {0: 0.1, 9: 1}}, "scale: 1.0, expected a number above -1 and below 1"),
        ({"rotate": {0: math.nan}}, "keyframes: nan at frame 0, expected a number"),
        ({"rotate": {0: 10**400}}, "expected a number"),
        ({"shift": ({0: "a"}, 0)}, "keyframes: a at frame 0, expected a number"),
        ({"shift": {0: 1, 9: 2, 12: 3}}, "expected two finite numbers of pixels"),
        ({"step_size": {0: 1, 9: 0}}, "step_size: 0.0, expected a number above 0"),
        (
            {"step_size": {0: 1, 9: -1}},
            "step_size: 0:1.0,9:-1.0, expected keyframes that are all above 0, or all below",
        ),
        ({"ease": "cubic"}, "ease: 'cubic', expected one of 'linear', 'smooth'"),
        ({"first": -1}, "first: -1, expected at least 0"),
    ],
)
def test_bad_keyframes_are_refused_at_once(squeezenet32, picture, params, text):
    with pytest.raises(ValueError, match="expected") as caught:
        pydream.zoom_loop(squeezenet32, picture, **params)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
