"""Caricatures and inversions: gradients against finite differences, the picture shifted as the dream is, and tiles."""

import numpy as np
import pytest
from support import nets

import pydream
from pydream.dream.likeness import Caricature, Inversion, toward
from pydream.dream.retouch import Decorrelate, Robust
from pydream.errors import ZeroGradientError
from pydream.media import resized

SIZE = (9, 8)
PICTURE = np.random.RandomState(3).randint(0, 256, (45, 60, 3), np.uint8)


@pytest.fixture(scope="module", params=["numpy", "tensorflow"])
def net(request):
    return nets.two_layers(request.param)


def activations(net, image):
    net.resize(*SIZE)
    net.image.data[0] = image
    net.forward(end="top")
    return net.blobs["top"].data[0].copy()


POWERS = [0, 0.5, 2, "inversion"]


@pytest.mark.parametrize("power", POWERS)
def test_the_gradient_against_finite_differences(net, power):
    rng = np.random.default_rng(5)
    picture = nets.spread(rng, (3, *SIZE), -100, 130)
    image = picture + rng.normal(0, 10, picture.shape)
    y = activations(net, picture)
    inverted = power == "inversion"

    def score(image):
        x = activations(net, image)
        if inverted:
            return -np.vdot(x - y, x - y) / 2 / np.vdot(y, y)
        return np.vdot(x, y) * (np.vdot(x, y) / np.linalg.norm(x)) ** power

    numerical = np.zeros_like(image)
    step = 1e-4
    for place in np.ndindex(*image.shape):
        moved = np.zeros_like(image)
        moved[place] = step
        numerical[place] = score(image + moved) - score(image - moved)
    x = activations(net, image)
    top = net.blobs["top"]
    top.drive(Inversion(picture).seed(top, y) if inverted else toward(top, y, power))
    net.backward(start="top")
    gradient = net.image.diff[0] * (1 if inverted else (np.vdot(x, y) / np.linalg.norm(x)) ** power)
    assert nets.off(gradient, numerical / (2 * step)) < 1e-6


@pytest.mark.parametrize("retouches", [[], [Robust(0.1, 5)]])
def test_the_picture_is_shifted_and_moved_as_the_dream_is(squeezenet64, retouches):
    """At the first step dream and picture are the same, whatever the shift: the gradient is that of the notebook."""
    picture = np.random.RandomState(0).randint(0, 256, (60, 70, 3), np.uint8)
    one = {"end": "fire4/concat", "octave_n": 1, "iter_n": 1, "retouches": retouches}
    found = [
        pydream.deepdream(squeezenet64, picture, rng=np.random.RandomState(1), **one, **more)
        for more in ({}, {"objective": Caricature()}, {"objective": Caricature(2.0)})
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-9)
    np.testing.assert_allclose(found[2], found[0], atol=1e-9)


def test_a_picture_is_found_again(squeezenet64):
    """In the sizes of the octaves; at the picture itself the gradient is 0."""
    rng = np.random.RandomState(0)
    coarse = rng.randint(0, 256, (6, 8, 3), np.uint8)
    picture, start = resized(coarse, (96, 128)), rng.uniform(100, 150, (48, 64, 3))
    params = {"end": "fire2/concat", "objective": Inversion(picture), "jitter": 4, "retouches": [Decorrelate(1)]}
    made = pydream.deepdream(squeezenet64, start, octave_n=2, iter_n=12, rng=rng, **params)
    small = resized(picture, (48, 64)).astype(float)
    assert np.corrcoef(made.ravel(), small.ravel())[0, 1] > 0.6 > 0.1 > np.corrcoef(start.ravel(), small.ravel())[0, 1]
    with pytest.raises(ZeroGradientError):
        pydream.deepdream(squeezenet64, picture, octave_n=1, iter_n=1, **params)


@pytest.mark.parametrize("objective", [Caricature(0), Caricature(1), Inversion(PICTURE)])
def test_in_tiles(squeezenet64, objective):
    picture = np.random.RandomState(0).randint(0, 256, (90, 120, 3), np.uint8)
    found = [
        pydream.deepdream(
            squeezenet64,
            picture,
            end="fire4/concat",
            octave_n=2,
            iter_n=2,
            objective=objective,
            rng=np.random.RandomState(1),
            tile=tile,
        )
        for tile in (0, 48)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
