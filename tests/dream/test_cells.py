"""Cells: the gradient of a batch against finite differences, a batch and each of its cells alone, the same bytes."""

import numpy as np
import pytest
from support import nets

from pydream.dream import cells
from pydream.dream.cells import CellParams, activations, batches, draw, drawn, grid_size
from pydream.errors import ShapeError

TEXT = (
    nets.inputs(data=(1, 3, 16, 16))
    + nets.layer("low", "Convolution", "data", "low", "convolution_param { num_output: 4 kernel_size: 3 }")
    + nets.layer("low/relu", "ReLU", "low", "low")
    + nets.layer("top", "Convolution", "low", "top", "convolution_param { num_output: 5 kernel_size: 2 stride: 2 }")
    + nets.layer("flat", "InnerProduct", "top", "flat", "inner_product_param { num_output: 2 }")
)
SMALL = CellParams(side=12, iter_n=2, octave_n=2, seed=3)


@pytest.fixture(scope="module", params=["numpy", "native", "tensorflow"])
def net(request):
    rng = np.random.default_rng(3)
    weights = {"low": [nets.normal(rng, 4, 3, 3, 3), nets.normal(rng, 4)]}
    weights["top"] = [nets.normal(rng, 5, 4, 2, 2), nets.normal(rng, 5)]
    weights["flat"] = [nets.normal(rng, 2, 5 * 7 * 7), nets.normal(rng, 2)]
    return nets.build(TEXT, "float64", request.param, **weights)


@pytest.fixture
def vectors():
    return np.random.default_rng(4).normal(0, 1, (3, 5))


@pytest.mark.parametrize("power", [0, 2])
def test_the_gradient_of_a_batch_against_finite_differences(net, vectors, power):
    rng = np.random.default_rng(5)
    pictures = [nets.spread(rng, (7, 6, 3), 0, 255) for _ in vectors]
    cells._reshape(net, len(vectors), (7, 6))
    found = list(cells._gradients(net, "top", vectors, pictures, np.zeros(2, int), power))

    def score(picture, vector):
        values = activations(net, "top", picture).reshape(-1, 5)
        dots = values @ vector
        cosines = dots / np.linalg.norm(values, axis=1) / np.linalg.norm(vector)
        return (dots * np.maximum(cosines, 0.1) ** power).sum()

    for picture, vector, gradient in zip(pictures, vectors, found, strict=True):
        numerical = np.zeros_like(picture)
        for place in np.ndindex(*picture.shape):
            moved = np.zeros_like(picture)
            moved[place] = 1e-4
            numerical[place] = (score(picture + moved, vector) - score(picture - moved, vector)) / 2e-4
        assert nets.off(gradient, numerical) < 1e-6


def test_a_cell_is_the_same_in_a_batch_and_alone(net, vectors):
    together = draw(net, "top", vectors, SMALL)
    assert {cell.shape for cell in together} == {(12, 12, 3)}
    assert len({cell.tobytes() for cell in together}) == 3
    for vector, cell in zip(vectors, together, strict=True):
        np.testing.assert_array_equal(draw(net, "top", vector[None], SMALL)[0], cell)


def test_batches(net, monkeypatch):
    assert batches(net, "top", 33, SMALL) == [range(16), range(16, 32), range(32, 33)]
    assert len(list(drawn(net, "top", np.ones((17, 5)), CellParams(side=8, iter_n=1, octave_n=1)))) == 17
    monkeypatch.setattr(cells, "_takes", lambda *_: False)
    assert batches(net, "top", 2, SMALL) == [range(1), range(1, 2)]
    with pytest.raises(ShapeError):
        batches(net, "top", 2, CellParams(side=2, octave_n=1))


def test_a_cell_that_nothing_moves(net):
    weights = {"low": [np.zeros((4, 3, 3, 3)), np.full(4, -1.0)], "top": [np.ones((5, 4, 2, 2)), np.zeros(5)]}
    weights["flat"] = [np.zeros((2, 245)), np.zeros(2)]
    dark = nets.build(TEXT, "float64", "numpy", **weights)
    assert draw(dark, "top", np.ones((1, 5)), SMALL) == [None]


def test_the_grid_of_a_layer(net):
    assert grid_size(net, "top", (16, 12)) == (7, 5)
    assert activations(net, "top", np.zeros((16, 12, 3))).shape == (7, 5, 5)
    with pytest.raises(ShapeError, match="'flat' has no grid"):
        grid_size(net, "flat", (16, 16))


@pytest.mark.parametrize(
    "wrong", [{"side": 0}, {"iter_n": 0}, {"step_size": np.nan}, {"octave_n": 0}, {"power": -1}, {"power": 101}]
)
def test_what_is_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CellParams(**wrong)
