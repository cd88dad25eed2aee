"""Nearness: the largest cosine with natural activations, place by place, against loops; these among themselves."""

import numpy as np
import pytest
from support import nets

from pydream.dream import nearness
from pydream.dream.cells import activations
from pydream.dream.nearness import Natural, nearness_to

TEXT = nets.inputs(data=(1, 3, 8, 8)) + nets.layer(
    "low", "Convolution", "data", "low", "convolution_param { num_output: 4 kernel_size: 3 stride: 2 }"
)


@pytest.fixture(scope="module")
def net():
    rng = np.random.default_rng(3)
    return nets.build(TEXT, "float64", "numpy", low=[nets.normal(rng, 4, 3, 3, 3), nets.normal(rng, 4)])


def picture(seed, height=9, width=7):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def nearest(net, one, others):
    """In loops."""
    rows = [activations(net, "low", each).reshape(-1, 4) for each in others]
    return np.mean(
        [max(cosine(x, y) for y in np.concatenate(rows)) for x in activations(net, "low", one).reshape(-1, 4)]
    )


def test_the_nearest_place(net):
    pictures = [picture(1), picture(2, 12, 9), picture(3)]
    natural = Natural.of(net, "low", pictures)
    assert [len(each) for each in natural.values] == [12, 20, 12]
    np.testing.assert_allclose(natural.nearness(net, picture(4)), nearest(net, picture(4), pictures), rtol=1e-6)
    np.testing.assert_allclose(natural.nearness(net, pictures[1]), 1, rtol=1e-6)
    among = np.mean([nearest(net, pictures[k], pictures[:k] + pictures[k + 1 :]) for k in range(3)])
    np.testing.assert_allclose(natural.among_themselves, among, rtol=1e-6)
    assert Natural.of(net, "low", pictures[:1]).among_themselves is None
    with pytest.raises(ValueError, match="natural: 0, expected at least one picture"):
        Natural.of(net, "low", [])


def test_not_all_places_of_a_large_picture(net, monkeypatch):
    monkeypatch.setattr(nearness, "MOST_OF_ONE", 5)
    rows = activations(net, "low", picture(1)).reshape(-1, 4)
    np.testing.assert_allclose(Natural.of(net, "low", [picture(1)]).values[0], rows[[0, 3, 6, 8, 11]], rtol=1e-6)


def test_the_cosine_with_a_direction(net):
    vector = np.array([1.0, 2.0, 0.0, -1.0])
    mean = activations(net, "low", picture(1)).mean((0, 1))
    np.testing.assert_allclose(nearness_to(net, "low", picture(1), vector), cosine(mean, vector))
