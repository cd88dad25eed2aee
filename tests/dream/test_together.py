"""Networks together: their sum against finite differences, whatever their colours; a network with itself is one."""

import numpy as np
import pytest
from support import nets

import pydream
from pydream import objectives
from pydream.dream.images import deprocess, preprocess
from pydream.dream.retouch import Robust
from pydream.dream.together import Also, Together
from pydream.errors import ShapeError, UnknownNameError, ZeroGradientError
from pydream.net import Net
from pydream.runtime.net import Net as LocalNet

SIZE = (9, 8)
PICTURE = np.random.RandomState(0).uniform(0, 255, (70, 96, 3))
COLOURS = {"BGR": ([104, 116, 122], "BGR", 3), "RGB": ([90, 80, 70], "RGB", 3), "grey": ([99], "BGR", 1)}


def tiny(colours, runtime="numpy", seed=3, dtype="float64"):
    mean, order, channels = COLOURS[colours]
    convolution = nets.layer("a", "Convolution", "data", "a", "convolution_param { num_output: 4 kernel_size: 3 }")
    text = nets.inputs(data=(1, channels, *SIZE)) + convolution + nets.layer("r", "ReLU", "a", "r")
    rng = np.random.default_rng(seed)
    built = nets.build(text, dtype, runtime, a=[nets.normal(rng, 4, channels, 3, 3), nets.normal(rng, 4)])
    net = LocalNet(built.graph, built._weights, dtype, runtime, "cpu", mean=mean, channel_order=order)
    net.name = f"tiny {colours}"
    return net


def gradient(net, image, ends, objective=pydream.objective_L2):
    """The gradient at an image, as planes."""
    net.resize(*image.shape[1:])
    net.image.data[0] = image
    net.forward(end=ends)
    objective(*(net.blobs[end] for end in ends))
    g = net.gradient(ends)[0]
    return np.array(np.rollaxis(g, 2) if net.channels_last else g)


@pytest.mark.parametrize("first", COLOURS)
@pytest.mark.parametrize(
    ("runtime", "second"), [("numpy", "BGR"), ("numpy", "RGB"), ("numpy", "grey"), ("tensorflow", "RGB")]
)
def test_the_gradient_against_finite_differences(first, second, runtime):
    """Of the sum of the scores, with the factors of this image; the other sees the picture through its own colours."""
    rng = np.random.default_rng(5)
    net, other = tiny(first, runtime), tiny(second, runtime, seed=4)
    image = nets.spread(rng, (len(net.mean), *SIZE), -60, 80)
    own, theirs = objectives.l2("r"), objectives.mean("r", (1, 2)) - 0.01 * objectives.l2("a")

    def score(net, image):
        net.resize(*SIZE)
        net.image.data[0] = image
        net.forward(end=("r", "a"))
        return net.blobs["r"].data[0], net.blobs["a"].data[0]

    def own_score(image):
        return (score(net, image)[0] ** 2).sum() / 2

    def other_score(image):
        r, a = score(other, preprocess(other, deprocess(net, image)))
        return r[[1, 2]].mean() - 0.005 * (a**2).sum()

    step = 1e-4
    directions = rng.normal(size=(6, *image.shape))
    along = [
        np.array([(each(image + step * d) - each(image - step * d)) / (2 * step) for d in directions])
        for each in (own_score, other_score)
    ]
    g = gradient(net, image, own.ends, own)
    h = gradient(Together(net, Also(other, objective=theirs, weight=-0.5)), image, own.ends, own) - g
    assert np.abs(h).mean() == pytest.approx(0.5 * np.abs(g).mean(), rel=1e-12)
    scale = np.vdot(along[1], np.einsum("dchw,chw->d", directions, h)) / np.vdot(along[1], along[1])
    assert scale < 0
    assert nets.off(np.einsum("dchw,chw->d", directions, g), along[0]) < 1e-6
    assert nets.off(np.einsum("dchw,chw->d", directions, h), scale * along[1]) < 1e-6


@pytest.mark.parametrize("runtime", ["numpy", "tensorflow"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_with_itself_has_the_bytes_of_one(runtime, dtype):
    """In equal parts; so its gradient comes back as it was, and each step's length stays."""
    net = tiny("BGR", runtime, dtype=dtype)
    params = {"end": "a", "octave_n": 2, "iter_n": 2}
    for more in ({}, {"tile": 32}, {"retouches": [Robust(0.1, 5)]}):
        one, two = (
            pydream.deepdream(each, PICTURE[:40, :50], rng=np.random.RandomState(0), **params, **more)
            for each in (net, Together(net, Also(net, "a")))
        )
        np.testing.assert_array_equal(one, two)


def test_the_same_bytes_with_numpys_image_operations():
    net = Together(tiny("BGR", dtype="float32"), Also(tiny("RGB", dtype="float32", seed=4), "r", weight=0.5))
    found = [
        pydream.deepdream(
            net, PICTURE[:40, :50], end="a", octave_n=2, iter_n=2, rng=np.random.RandomState(0), backend=each
        )
        for each in ("native", "numpy")
    ]
    np.testing.assert_array_equal(*found)


def test_in_tiles_each_has_its_own():
    net = Together(tiny("BGR"), Also(tiny("RGB", seed=4), "r", weight=0.5), Also(tiny("grey"), "a"))
    found = [
        pydream.deepdream(net, PICTURE, end="r", octave_n=1, iter_n=2, rng=np.random.RandomState(1), tile=tile)
        for tile in (0, 32)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-9)


def test_on_a_torus_each_has_its_own():
    """With itself up to rounding: where sums begin depends on the numbers, and the gradient is twice as large."""
    net = tiny("RGB")
    params = {"end": "a", "octave_n": 1, "iter_n": 2, "seamless": True}
    one, two = (
        pydream.deepdream(each, PICTURE[:40, :50], rng=np.random.RandomState(0), **params)
        for each in (net, Together(net, Also(net, "a")))
    )
    np.testing.assert_allclose(two, one, atol=1e-9)
    mixed = Together(net, Also(tiny("grey"), "r"))
    dream, rolled = (
        pydream.deepdream(mixed, np.roll(PICTURE[:40, :50], by, 1), rng=np.random.RandomState(0), **params)
        for by in (0, 9)
    )
    np.testing.assert_allclose(rolled, np.roll(dream, 9, 1), atol=1e-9)


def test_what_does_not_fit_names_the_network():
    net, other = tiny("BGR"), tiny("RGB")
    with pytest.raises(UnknownNameError, match="no blob 'b'"):
        Together(net, Also(other, "b"))
    with pytest.raises(ValueError, match="weight: nan, expected a finite number"):
        Also(other, "a", weight=float("nan"))
    large = nets.layer("a", "Convolution", "data", "a", "convolution_param { num_output: 1 kernel_size: 30 }")
    wide = nets.build(nets.inputs(data=(1, 3, 40, 40)) + large, runtime="numpy", a=[np.ones((1, 3, 30, 30)), [0]])
    wide.name = "wide"
    together = Together(net, Also(wide, "a"))
    with pytest.raises(ShapeError, match=r"octave 1 of 2 \(36x29\) is too small for 'a': .*wide: "):
        pydream.deepdream(together, PICTURE[:40, :50], end="a", octave_n=2)
    dark = objectives.l2("a") * 0
    with pytest.raises(ZeroGradientError, match="the gradient of 'a' of tiny RGB at the image is 0, so no step"):
        pydream.deepdream(Together(net, Also(other, objective=dark)), PICTURE[:40, :50], end="a", octave_n=1)


def test_memory_and_tiles_are_those_of_the_largest():
    net, other = tiny("BGR"), tiny("RGB")
    other.step_bytes = lambda ends, height, width: 10**9 * len(ends)
    together = Together(net, Also(other, ("a", "r")))
    assert together.step_bytes(["a"], *SIZE) == 2 * 10**9
    assert Together(together, Also(net, "a")).copies == 2 * together.copies > 0
    other.locality = lambda end: Net.locality(other, end)
    with pytest.raises(ShapeError, match="tiny RGB has no known receptive fields"):
        together.locality("a")
