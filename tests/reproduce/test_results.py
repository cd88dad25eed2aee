"""The four results are the library's dreams, with each octave and frame kept, and their times measured."""

import signal
import time

import numpy as np
import pytest
from support.watching import watching

import pydream
from pydream.bench.clock import TimedNet
from pydream.errors import UnknownNameError
from pydream.media.image import read_image
from pydream.picture import to_pixels
from pydream.record.provenance import pixels_sha256
from pydream.reproduce.results import BORDER, FRAMES, GRID, LAYERS, RESULTS, example, layer_for, make, recipe_for
from pydream.zoo.load import read_graph

QUICK = {"octave_n": 2, "iter_n": 2}
SHORT = {"seed": 3, "era": "2015", **QUICK}
LAYER = "fire5/concat"


@pytest.fixture(autouse=True)
def ctrl_c():
    """Whoever starts the tests in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def sky():
    return np.random.RandomState(5).randint(0, 256, (63, 93, 3), np.uint8)


def recipe(key, frames=3, exact=True, layer=LAYER, **params):
    return recipe_for(RESULTS[key], layer, exact=exact, frames=frames, **{**SHORT, **params})


def test_a_dream_and_its_octaves(squeezenet32, sky):
    outcome = make(squeezenet32, RESULTS["4c"], recipe("4c"), sky)
    seen = []
    rng = np.random.RandomState(3)
    dream = pydream.deepdream(
        squeezenet32,
        sky,
        end=LAYER,
        rng=rng,
        era="2015",
        watch=watching(step=lambda *step: seen.append(step[2])),
        **QUICK,
    )
    np.testing.assert_array_equal(outcome.picture, to_pixels(dream))
    for snapshot, picture in zip(outcome.snapshots, (seen[1], seen[3]), strict=True):
        np.testing.assert_array_equal(snapshot.picture, to_pixels(picture))
        assert snapshot.sha256 == pixels_sha256(to_pixels(picture))
    assert outcome.hashes[-1] == pixels_sha256(outcome.picture)
    assert (outcome.steps, outcome.steps_wanted, outcome.interrupted) == (4, 4, False)


def test_values_on_a_border(squeezenet64, sky):
    outcome = make(squeezenet64, RESULTS["4c"], recipe("4c"), sky)
    rng = np.random.RandomState(3)
    dream = pydream.deepdream(squeezenet64, sky, end=LAYER, rng=rng, era="2015", **QUICK).ravel()
    assert outcome.borders
    for index, level in outcome.borders.items():
        assert level == outcome.picture.flat[index]
        assert min(dream[index] - level, level + 1 - dream[index]) < BORDER
    others = np.delete(dream, list(outcome.borders))
    others = others[(others > 0.5) & (others < 255)]
    assert np.abs(others - np.rint(others)).min() >= BORDER


def test_a_guided_dream(squeezenet32, sky):
    guide = np.ascontiguousarray(sky[::-1, :64])
    outcome = make(squeezenet32, RESULTS["guided"], recipe("guided"), sky, guide)
    objective = pydream.objective_guide(squeezenet32, guide, LAYER)
    rng = np.random.RandomState(3)
    dream = pydream.deepdream(squeezenet32, sky, end=LAYER, rng=rng, objective=objective, **QUICK)
    np.testing.assert_array_equal(outcome.picture, to_pixels(dream))


@pytest.mark.parametrize("exact", [True, False])
def test_the_loop(squeezenet32, sky, exact):
    seen = []
    outcome = make(
        squeezenet32, RESULTS["zoom"], recipe("zoom", exact=exact), sky, on_frame=lambda *frame: seen.append(frame)
    )
    rng = np.random.RandomState(3)
    grid = GRID if exact else None
    frames = pydream.zoom_loop(squeezenet32, sky, frames=3, end=LAYER, rng=rng, era="2015", grid=grid, **QUICK)
    for number, frame in enumerate(frames):
        assert seen[number][0] == number
        np.testing.assert_array_equal(seen[number][1], to_pixels(frame))
        assert outcome.hashes[number] == pixels_sha256(to_pixels(frame))
    assert (len(outcome.snapshots), outcome.shown, outcome.steps, outcome.steps_wanted) == (3, 2, 12, 12)
    np.testing.assert_array_equal(outcome.picture, seen[-1][1])


def test_the_frame_that_the_notebook_shows(squeezenet32, sky):
    quick = recipe("zoom", frames=FRAMES + 2, octave_n=1, iter_n=1, layer="conv1")
    seen = {}
    outcome = make(squeezenet32, RESULTS["zoom"], quick, sky[:16, :16], on_frame=seen.__setitem__)
    assert (FRAMES, outcome.shown, len(outcome.snapshots)) == (30, 29, 32)
    np.testing.assert_array_equal(outcome.picture, seen[29])


def test_time(squeezenet32, sky):
    outcome = make(squeezenet32, RESULTS["4c"], recipe("4c"), sky, watch=watching(step=lambda *_: time.sleep(0.1)))
    assert 0 < outcome.network_seconds < outcome.seconds - 0.4
    loop = recipe("zoom", octave_n=1, iter_n=1)
    outcome = make(squeezenet32, RESULTS["zoom"], loop, sky, on_frame=lambda *_: time.sleep(1.5))
    assert 0 < outcome.network_seconds < outcome.seconds < 4.5  # writing frames is not part of it


def test_a_timed_net_is_the_net(squeezenet32, sky):
    timed = TimedNet(squeezenet32)
    for name in ("name", "blobs", "dtype", "channels_last", "channel_order", "default_end"):
        assert getattr(timed, name) is getattr(squeezenet32, name)
    np.testing.assert_array_equal(timed.mean, squeezenet32.mean)
    timed.blobs["data"].reshape(1, 3, 64, 64)
    timed.reshape()
    assert timed.seconds == 0
    timed.forward(end="conv1")
    forward = timed.seconds
    assert forward > 0
    timed.backward(start="conv1")
    assert timed.seconds > forward
    with pytest.raises(UnknownNameError):
        timed.forward(end="no")


# Ctrl-C


def interrupting(step):
    count = iter(range(1, 1000))
    return lambda *_: signal.raise_signal(signal.SIGINT) if next(count) == step else None


def test_ctrl_c_in_a_dream(squeezenet32, sky):
    outcome = make(squeezenet32, RESULTS["4c"], recipe("4c"), sky, watch=watching(step=interrupting(3)))
    assert (outcome.interrupted, outcome.steps, outcome.steps_wanted, len(outcome.snapshots)) == (True, 3, 4, 1)
    assert outcome.picture.shape == sky.shape
    assert not np.array_equal(outcome.picture, sky)


def test_ctrl_c_in_a_loop(squeezenet32, sky):
    outcome = make(squeezenet32, RESULTS["zoom"], recipe("zoom"), sky, watch=watching(step=interrupting(7)))
    assert (outcome.interrupted, outcome.steps, len(outcome.snapshots), outcome.shown) == (True, 7, 1, 0)


def test_ctrl_c_before_there_is_anything(squeezenet32, sky, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        make(squeezenet32, RESULTS["zoom"], recipe("zoom"), sky, watch=watching(step=interrupting(2)))
    monkeypatch.setattr("pydream.dream.notebook._make_step", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        make(squeezenet32, RESULTS["4c"], recipe("4c"), sky)


# Layers and pictures


@pytest.mark.parametrize("network", LAYERS)
def test_every_stand_in_is_a_layer(network):
    graph = read_graph(network)
    shapes = graph.shapes(graph.declared)
    for key, layer in LAYERS[network].items():
        assert RESULTS[key]
        assert len(shapes[layer]) == 4


def test_stand_ins(squeezenet32):
    assert [layer_for(squeezenet32, key) for key in RESULTS] == [
        "fire8/concat",
        "fire5/squeeze1x1",
        "fire5/concat",
        "fire8/concat",
    ]


def test_a_network_that_has_none(squeezenet32):
    class Other:
        name = "other"
        blobs = squeezenet32.blobs

    with pytest.raises(UnknownNameError, match=r"other has no 'inception_4c/output'.* --layer 4c NAME"):
        layer_for(Other, "zoom")


def test_our_pictures():
    assert read_image(example("sky.jpg")).shape == (512, 768, 3)
    assert read_image(example("flowers.jpg")).shape == (320, 480, 3)
