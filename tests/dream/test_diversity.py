"""A score that leads away from pictures: from what they show beside the score's own channels."""

import numpy as np

from pydream.dream.cells import activations
from pydream.dream.diversity import apart
from pydream.dream.objectives import l2, mean, total


def test_away_from_pictures(squeezenet64):
    net, rng, layer = squeezenet64, np.random.RandomState(0), "fire2/squeeze1x1"
    pictures = list(rng.randint(0, 256, (2, 48, 56, 3), np.uint8))
    score = 2 * mean(layer, (3, 5)) + mean("conv1", 7)
    *same, away = apart(net, score, pictures, 0.25).terms
    assert tuple(same) == score.terms
    assert (away.layer, away.kind, away.weight) == (layer, "mean", -0.25)
    shown = np.array([np.maximum(activations(net, layer, each), 0).mean((0, 1)) for each in pictures])
    shown[:, [3, 5]] = 0
    shown /= np.linalg.norm(shown, axis=1, keepdims=True)
    np.testing.assert_allclose(away.vector, shown.sum(0) / np.linalg.norm(shown.sum(0)), rtol=1e-6)
    assert apart(net, score, [], 0.25) == score
    assert apart(net, total("pool10", 281), pictures, 1).terms[-1].kind == "sum"
    assert len(apart(net, l2(layer), pictures[:1], 1).terms) == 2
