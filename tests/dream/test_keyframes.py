"""Keyframes: values at and between them, the loop that takes them, and what is refused."""

import math

import numpy as np
import pytest

import pydream
from pydream import objectives
from pydream.dream.keyframes import Curve, as_curve, as_whole
from pydream.dream.light import Light, with_light
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
        ({"octave_n": {0: 1, 9: 2.5}}, "octave_n: 2.5, expected a whole number"),
        ({"octave_n": {0: 0}}, "octave_n: 0, expected at least 1"),
        ({"blend": {0: 0, 9: 1.5}}, "blend: 1.5, expected a number, 0..1"),
        ({"blend": "much"}, "blend: much, expected a number, 0..1"),
        ({"hold": "light"}, "hold: 'light', expected one of 'brightness', 'contrast', 'both'"),
        (
            {"objective": {0: 1, 9: 0} * objectives.l2("fire2/concat")},
            "objective: weights of 0 at frame 9, expected one that is not 0",
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


def test_octaves_between_keyframes_are_rounded_halves_up():
    curve = as_whole("octave_n", {0: 1, 4: 3})
    assert [curve.at(frame) for frame in range(6)] == [1, 2, 2, 3, 3, 3]
    assert (str(curve), curve.at(1, "smooth"), curve.largest) == ("0:1,4:3", 1, 3)


@pytest.mark.parametrize("ease", ["linear", "smooth"])
def test_weights_octaves_and_blend(squeezenet32, picture, ease):
    """Each frame is dreamt with the numbers there, mixed with what it was dreamt on; plain ones as ever."""
    fire2, fire3 = objectives.l2("fire2/concat"), objectives.mean("fire3/concat", 3)
    weight, octaves, share = {0: 1.0, 3: 0.0}, {0: 1, 2: 2}, {0: 1.0, 2: 0.0}
    params = {"objective": weight * fire2 - fire3, "octave_n": octaves, "blend": share, "end": None, "ease": ease}
    frames = zoom(squeezenet32, picture, scale=0.1, **params)
    rng, start = np.random.RandomState(0), picture.astype(np.float32)
    for number, frame in enumerate(frames):
        score = Curve(tuple(weight.items())).at(number, ease) * fire2 - fire3
        count = as_whole("octave_n", octaves).at(number, ease)
        dream = pydream.deepdream(squeezenet32, start, octave_n=count, iter_n=1, objective=score, rng=rng)
        mixed = np.float32(Curve(tuple(share.items())).at(number, ease))
        np.testing.assert_array_equal(frame, (start - dream) * mixed + dream if mixed else dream)
        start = pydream.zoom_frame(frame, 0.1)
    np.testing.assert_array_equal(frames[0], picture)  # all of it
    held = {"objective": {5: 0.5} * fire2 - fire3, "octave_n": {1: 2}, "blend": [(0, 0.25)], "end": None}
    plain = {"objective": 0.5 * fire2 - fire3, "octave_n": 2, "blend": 0.25, "end": None}
    for frame, wanted in zip(zoom(squeezenet32, picture, **held), zoom(squeezenet32, picture, **plain), strict=True):
        np.testing.assert_array_equal(frame, wanted)


def test_a_weight_with_keyframes_is_for_loops(squeezenet32, picture):
    score = objectives.l2("fire2/concat") * {0: 1, 9: -2} + objectives.mean("fire3/concat", 3)
    assert repr(score) == "(0:1.0,9:-2.0) * l2 of 'fire2/concat' + mean of 'fire3/concat':3"
    assert (0.5 * score).terms[0].weight == Curve(((0, 0.5), (9, -1.0)))
    with pytest.raises(ValueError, match="keyframes are for zoom loops"):
        pydream.deepdream(squeezenet32, picture, octave_n=1, objective=score)
    with pytest.raises(TypeError):
        _ = score * {0: 1}


@pytest.mark.parametrize("hold", ["brightness", "contrast", "both"])
def test_light_is_held(hold):
    rng = np.random.RandomState(1)
    first, later = rng.uniform(90, 110, (9, 7, 3)), rng.uniform(60, 200, (9, 7, 3))
    light, made = Light.of(first), Light.of(with_light(later, Light.of(first), hold, clip=True))
    np.testing.assert_allclose(light, (first.mean((0, 1)), first.std((0, 1))), rtol=1e-14)
    wanted = light if hold != "contrast" else Light.of(later), light if hold != "brightness" else Light.of(later)
    np.testing.assert_allclose(made, (wanted[0].mean, wanted[1].deviation), rtol=1e-13)
    bright = with_light(later * 3, Light.of(later * 3), hold, clip=True)
    np.testing.assert_allclose(bright, np.clip(later * 3, 0, 255), rtol=1e-12)
    flat = with_light(np.full((4, 4, 3), 7.0), light, hold, clip=False)
    np.testing.assert_allclose(flat, np.broadcast_to(light.mean if hold != "contrast" else 7.0, flat.shape), rtol=1e-14)
    assert with_light(later.astype(np.float32), light, hold, clip=True).dtype == np.float32


def test_a_loop_that_holds_light_goes_on_to_the_bit(squeezenet32, picture):
    params = {"scale": 0.2, "step_size": 5.0, "hold": "both"}
    picture = picture // 3 + 80
    frames = zoom(squeezenet32, picture, frames=4, **params)
    first = zoom(squeezenet32, picture, frames=1, scale=0.2, step_size=5.0)[0]
    np.testing.assert_array_equal(frames[0], first)
    light = Light.of(first)
    for frame in frames[1:]:
        np.testing.assert_allclose(Light.of(frame), light, atol=2)  # what is clipped is missing
    rng = np.random.RandomState(0)
    zoom(squeezenet32, picture, frames=2, rng=rng, **params)
    start = pydream.zoom_frame(frames[1], 0.2)
    rest = zoom(squeezenet32, start, frames=2, first=2, rng=rng, light=light, **params)
    np.testing.assert_array_equal(rest, frames[2:])
