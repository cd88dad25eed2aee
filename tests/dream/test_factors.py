"""Factors: those that were put in come out again, in one order, and the drawing's cosine with them."""

import numpy as np
import pytest

from pydream.dream.factors import factorise
from pydream.dream.nearness import cosines
from pydream.errors import ShapeError


def mixed(seed=0):
    """Places that each see one of three directions or mixtures, (6, 5, 12), and these directions."""
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(0, 1, (3, 12)) * (rng.uniform(0, 1, (3, 12)) < 0.5)
    weights = rng.uniform(0, 1, (30, 3)) * [3, 2, 1]
    weights[:3] = np.diag([3, 2, 1])
    return (weights @ vectors).reshape(6, 5, 12), vectors, weights


def test_known_factors_come_out():
    values, vectors, _ = mixed()
    found = factorise(values, 3)
    assert found.kept > 0.999
    assert found.vectors.shape == (3, 12)
    assert (cosines(found.vectors, vectors).max(0) > 0.999).all()
    assert (np.diff(found.shares) <= 0).all()
    np.testing.assert_allclose(found.shares.sum(), 1)
    made = np.einsum("nyx,nc->yxc", found.weights, found.vectors)
    assert np.abs(made - values).max() < 0.05 * values.max()
    assert found.weights.min() >= 0
    assert found.vectors.max(1).tolist() == [1, 1, 1]


def test_more_factors_keep_more():
    values = np.random.default_rng(2).uniform(-1, 1, (5, 6, 9))  # below 0 it is 0
    kept = [factorise(values, count).kept for count in (1, 3, 6)]
    assert kept == sorted(kept)
    assert kept[-1] < 1
    np.testing.assert_array_equal(factorise(values, 3).vectors, factorise(np.maximum(values, 0), 3).vectors)


def test_rounding_changes_nothing():
    """Activations that another machine rounds otherwise have the same directions, in the same order."""
    values, *_ = mixed(3)
    other = values * (1 + 1e-7 * np.random.default_rng(1).normal(0, 1, values.shape))
    np.testing.assert_allclose(factorise(values, 3).vectors, factorise(other, 3).vectors, atol=2e-4)


def test_what_has_no_factors():
    with pytest.raises(ShapeError, match="3 factors, and only 2 of the places differ"):
        factorise(np.tile(np.eye(2), (2, 2, 1)), 3)
    with pytest.raises(ValueError, match="factors: 17"):
        factorise(np.ones((2, 2, 2)), 17)


def test_cosines():
    np.testing.assert_allclose(cosines(np.array([[3, 4], [0, 0]]), np.array([[0, 2], [-6, -8]])), [[0.8, -1], [0, 0]])
