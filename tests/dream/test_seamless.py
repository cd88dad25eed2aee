"""A dream without a seam: a rolled picture has the rolled dream, byte for byte; retouches know that edges meet."""

import numpy as np
import pytest
from scipy import ndimage

import pydream
from pydream.dream.laplacian import lap_merge, lap_split_n
from pydream.dream.octaves import octave_sizes
from pydream.dream.retouch import (
    Decorrelate,
    DecorrelateColors,
    KeepColors,
    Laplacian,
    PullBack,
    Robust,
    Smooth,
    TotalVariation,
    total_variation_gradient,
)
from pydream.errors import ShapeError


@pytest.fixture(scope="module")
def picture():
    noise = ndimage.gaussian_filter(np.random.RandomState(5).rand(48, 64, 3), (2, 2, 0), mode="wrap")
    return np.uint8((noise - noise.min()) / np.ptp(noise) * 255)


def dream(net, picture, **params):
    params = {"end": "fire2/concat", "octave_n": 1, "iter_n": 2, "seamless": True, **params}
    return pydream.deepdream(net, picture, rng=np.random.RandomState(1), **params)


@pytest.mark.parametrize(
    ("params", "shift"),
    [
        ({}, (4, 20)),
        ({"tile": 16, "clip": False, "backend": "numpy"}, (4, 20)),
        ({"octave_sizes": [(24, 32), (36, 48), (48, 64)], "grid": 1 / 64}, (16, 48)),
        ({"octave_n": 2, "octave_scale": 1.5}, (12, 32)),
        ({"retouches": [Laplacian(4), Decorrelate(0.5), DecorrelateColors(), Smooth(1)]}, (16, 32)),
        ({"retouches": [TotalVariation(0.3), PullBack(0.05), KeepColors()]}, (4, 20)),
        ({"objective": pydream.objectives.Caricature()}, (4, 20)),
    ],
)
def test_a_rolled_picture_has_the_rolled_dream(squeezenet32, picture, params, shift):
    """Every byte, in float32: where it is rolled by multiples of the stride, 4, in every octave."""
    found = dream(squeezenet32, picture, **params)
    rolled = dream(squeezenet32, np.roll(picture, shift, (0, 1)), **params)
    assert rolled.tobytes() == np.roll(found, shift, (0, 1)).tobytes()
    assert np.abs(found - picture).mean() > 0.5


def test_a_plain_dream_has_edges(squeezenet32, picture):
    found, rolled = (dream(squeezenet32, np.roll(picture, n, (0, 1)), seamless=False) for n in ((0, 0), (4, 20)))
    assert np.abs(rolled - np.roll(found, (4, 20), (0, 1))).max() > 1


def test_octaves_are_multiples():
    assert octave_sizes(576, 1024, 4, seamless=True) == [(576, 1024), (416, 736), (288, 512), (224, 384)]
    assert octave_sizes(48, 24, 3, 2.0, seamless=True) == [(48, 24), (32, 24), (32, 24)]


def test_what_is_refused(squeezenet32, picture):
    with pytest.raises(ValueError, match="robust: what is scaled or turned has no opposite edges"):
        dream(squeezenet32, picture, retouches=[Robust()])
    with pytest.raises(ShapeError, match="no seamless dream: a value of 'pool10' sees the whole picture"):
        dream(squeezenet32, picture, end="pool10")
    with pytest.raises(
        ShapeError, match="62x48 pixels without a seam: 'fire2/concat' takes multiples of 4x4, as 64x48"
    ):
        dream(squeezenet32, picture[:, :62])
    with pytest.raises(ShapeError, match="34x24 pixels without a seam"):
        dream(squeezenet32, picture, octave_sizes=[(24, 34), (48, 64)])


# ---- retouches ----


def test_total_variation_against_finite_differences():
    image = np.random.RandomState(0).uniform(-9, 9, (2, 4, 5))

    def energy(image):
        down, right = (np.roll(image, -1, axis) - image for axis in (1, 2))
        return np.sqrt(down**2 + right**2 + 1).sum()

    wanted = np.zeros_like(image)
    for place in np.ndindex(*image.shape):
        step = np.zeros_like(image)
        step[place] = 1e-5
        wanted[place] = (energy(image + step) - energy(image - step)) / 2e-5
    np.testing.assert_allclose(total_variation_gradient(image, wrap=True), wanted, atol=1e-9)


def test_bands_of_copies():
    """A pyramid on a torus is the middle of that of copies side by side; its bands make the image again."""
    image = np.random.RandomState(0).rand(3, 32, 48)
    found = lap_split_n(image, 3, (1, 2), wrap=True)
    for band, copies in zip(found, lap_split_n(np.tile(image, (1, 5, 5)), 3, (1, 2)), strict=True):
        height, width = band.shape[1:]
        np.testing.assert_allclose(band, copies[:, 2 * height : 3 * height, 2 * width : 3 * width], atol=1e-15)
    np.testing.assert_allclose(lap_merge(found, (1, 2), wrap=True), image, atol=1e-15)
