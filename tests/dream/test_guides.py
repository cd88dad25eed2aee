"""Guides over several layers: the gradient against finite differences, weights, tiles, and one layer as ever."""

import numpy as np
import pytest
from support import nets

import pydream
from pydream.net import Match, best_match

SIZE = (9, 8)
WEIGHTS = {"low": 1.0, "top": -0.3}
PICTURE = np.random.RandomState(0).uniform(0, 255, (70, 96, 3))


@pytest.fixture(scope="module", params=["numpy", "tensorflow"])
def net(request):
    return nets.two_layers(request.param)


def activations(net, image):
    net.resize(*SIZE)
    net.image.data[0] = image
    net.forward(end=tuple(WEIGHTS))
    return {end: net.blobs[end].data[0].reshape(net.blobs[end].shape[1], -1).copy() for end in WEIGHTS}


def test_the_gradient_against_finite_differences(net):
    """The score is the sum over layers and places of the largest dot product with a place of the guide."""
    rng = np.random.default_rng(5)
    picture = nets.spread(rng, (3, *SIZE), -100, 130)
    guide = rng.uniform(0, 255, (*SIZE, 3))
    seen = activations(net, pydream.preprocess(net, guide))

    def score(image):
        return sum(WEIGHTS[end] * (x.T @ seen[end]).max(1).sum() for end, x in activations(net, image).items())

    step = 1e-4
    directions = rng.normal(size=(12, *picture.shape))
    numerical = [(score(picture + step * each) - score(picture - step * each)) / (2 * step) for each in directions]
    objective = pydream.objective_guide(net, guide, list(WEIGHTS), weights=list(WEIGHTS.values()))
    net.image.data[0] = picture
    net.forward(end=tuple(WEIGHTS))
    objective(*(net.blobs[end] for end in WEIGHTS))
    net.backward(tuple(WEIGHTS))
    assert nets.off(np.einsum("dchw,chw->d", directions, net.image.diff[0]), np.array(numerical)) < 1e-7


@pytest.mark.parametrize("read", [False, True])
def test_a_gain(net, read):
    image = nets.spread(np.random.default_rng(1), (3, *SIZE), -100, 130)
    x, y = activations(net, image)["low"], nets.normal(np.random.default_rng(2), 4, 3, 3)
    net.forward(end=tuple(WEIGHTS))
    if read:
        net.blobs["low"].data  # noqa: B018
    net.blobs["low"].drive(Match(y, -0.3))
    expected = -0.3 * y.reshape(4, -1)[:, best_match(x, y.reshape(4, -1))]
    np.testing.assert_array_equal(net.blobs["low"].diff[0].reshape(4, -1), expected)


def test_one_layer_has_the_bytes_of_the_notebooks_guide(squeezenet32):
    """By name, in a list, with the weight 1; and with another weight, which the length of a step takes out again."""
    guide = PICTURE[:40, ::-1]
    given = [("fire4/concat", None), (["fire4/concat"], None), (["fire4/concat"], [1.0]), ("fire4/concat", [4.0])]
    dreams = [
        pydream.deepdream(
            squeezenet32,
            PICTURE[:48, :64],
            iter_n=2,
            octave_n=1,
            end="fire4/concat",
            objective=pydream.objective_guide(squeezenet32, guide, end, weights=weights),
            rng=np.random.RandomState(0),
        )
        for end, weights in given
    ]
    for other in dreams[1:]:
        np.testing.assert_array_equal(other, dreams[0])


def test_in_tiles(squeezenet64):
    ends = ("fire3/concat", "fire4/concat")
    objective = pydream.objective_guide(squeezenet64, PICTURE[::-1, :50], ends, weights=[1, -0.2])
    found = [
        pydream.deepdream(
            squeezenet64,
            PICTURE,
            end=ends,
            octave_n=1,
            iter_n=2,
            objective=objective,
            rng=np.random.RandomState(1),
            tile=tile,
        )
        for tile in (0, 48)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-9)


def test_weights_are_as_many_as_layers(net):
    with pytest.raises(ValueError, match=r"weights: \[1\], expected one for each of 'low', 'top'"):
        pydream.objective_guide(net, np.zeros((9, 8, 3)), ["low", "top"], weights=[1])
