"""Robust steps: the gradient against finite differences, what is drawn and when, and the same in parts and in NumPy."""

import math

import numpy as np
import pytest
from scipy import ndimage
from support import nets

import pydream
from pydream.dream.moved import turn
from pydream.dream.retouch import Mask, Retouch, Robust
from pydream.imageops import numpy_ops

TEXT = nets.inputs(data=(1, 3, 6, 7)) + nets.layer(
    "a", "Convolution", "data", "a", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }"
)


@pytest.fixture(params=["tensorflow", "native", "numpy"])
def small(request):
    rng = np.random.RandomState(0)
    return nets.build(TEXT, runtime=request.param, a=[nets.normal(rng, 4, 3, 3, 3), nets.normal(rng, 4)])


@pytest.fixture
def picture():
    return np.random.RandomState(5).randint(0, 256, (45, 60, 3), np.uint8)


def seen(image, ox, oy, scale, degrees):
    """What the network sees, by SciPy: the middle stays, at (size - 1) / 2."""
    angle, middle = math.radians(degrees), (np.array(image.shape[1:]) - 1) / 2
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / scale
    rolled = np.roll(np.roll(image, ox, -1), oy, -2)
    offset = middle - matrix @ middle
    return np.stack([ndimage.affine_transform(channel, matrix, offset, order=1) for channel in rolled])


def test_the_gradient_against_finite_differences(small):
    """At the image, where it is not moved; with the numbers that are drawn after the shift."""
    image = np.random.RandomState(1).uniform(-110, 140, (3, 6, 7))
    drawn = np.random.RandomState(3)
    ox, oy = drawn.randint(-4, 5, 2)
    scale, degrees = drawn.uniform(-1, 1, 2) * [0.3, 40] + [1, 0]
    weights = np.random.RandomState(2).standard_normal((1, 4, 6, 7))

    def energy(image):
        small.image.data[0] = seen(image, ox, oy, scale, degrees)
        return float((small.forward(end="a")["a"] * weights).sum())

    wanted = np.zeros_like(image)
    for place in np.ndindex(*image.shape):  # the energy is affine: any step does
        at = image.copy()
        at[place] += 100
        wanted[place] = (energy(at) - energy(image)) / 100

    def objective(dst):
        dst.diff[...] = weights

    small.resize(6, 7)
    small.image.data[0] = image
    rng = np.random.RandomState(3)
    pydream.make_step(small, 1.5, "a", 4, False, objective, rng=rng, retouches=[Robust(0.3, 40)])
    found = (small.image.data[0] - image) / 1.5
    assert nets.off(found, wanted / np.abs(wanted).mean()) < 1e-10
    np.testing.assert_array_equal(rng.uniform(size=3), drawn.uniform(size=3))  # nothing else was drawn


def test_ranges_of_nothing_change_nothing(squeezenet64, picture):
    """Not a bit of a step; without the retouch nothing is drawn either."""
    plain, still = (
        pydream.deepdream(
            squeezenet64, picture, 1, 1, rng=np.random.RandomState(0), retouches=[retouch], backend=backend
        )
        for retouch, backend in ((Retouch(), "native"), (Robust(0, 0), "numpy"))
    )
    np.testing.assert_array_equal(still, plain)


@pytest.mark.parametrize("degrees", [0, 25, -90])
def test_the_move(degrees):
    """A point to the right of the middle turns counter-clockwise, and is twice as far away."""
    frame = np.zeros((21, 21, 1))
    frame[10, 14] = 1
    moved = numpy_ops.affine_transform(frame, *turn(0.5, degrees, (10, 10), (10, 10)))[..., 0]
    y, x = (np.tensordot(moved, place) / moved.sum() for place in np.mgrid[:21, :21])
    angle = math.radians(degrees)
    np.testing.assert_allclose([y, x], [10 - 8 * math.sin(angle), 10 + 8 * math.cos(angle)], atol=0.2)


@pytest.mark.parametrize("others", [[], [Mask(np.ones((2, 2)))]])
def test_the_same_by_numpy_and_in_tiles(squeezenet64, picture, others):
    """NumPy's bits; tiles up to the rounding of their sums."""

    def dream(**params):
        rng, retouches = np.random.RandomState(0), [Robust(), *others]
        return pydream.deepdream(
            squeezenet64, picture, 2, 2, rng=rng, retouches=retouches, end="fire4/concat", **params
        )

    whole = dream(tile=0)
    np.testing.assert_array_equal(dream(tile=0, backend="numpy"), whole)
    np.testing.assert_allclose(dream(tile=16), whole, atol=1e-9)
    assert np.abs(whole - picture).mean() > 1


@pytest.mark.parametrize(
    ("scale", "rotate", "text"),
    [
        (-0.1, 1, "scale: -0.1, expected a number from 0 to 0.5"),
        (0.6, 1, "scale: 0.6"),
        (0.1, 181, "rotate: 181, expected a number from 0 to 180"),
        (0.1, float("nan"), "rotate: nan"),
    ],
)
def test_what_is_out_of_range(scale, rotate, text):
    with pytest.raises(ValueError, match=text):
        Robust(scale, rotate)
