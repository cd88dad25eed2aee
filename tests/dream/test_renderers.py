"""The renderer of today: its step, its sizes, and what is no power. The tutorial's four have tests of their own."""

import numpy as np
import pytest
from support import inputs, nets

from pydream import renderers, tutorial
from pydream.caffe import Classifier
from pydream.dream.spectrum import COLORS, divide_spectrum


@pytest.fixture(scope="module")
def net():
    weights = nets.weights(**inputs.weights(3))
    return Classifier(
        nets.parse(inputs.text(3, "data")), weights, mean=np.full(3, 100.0), runtime="numpy", dtype="float64"
    )


def drawn():
    return np.random.RandomState(4).uniform(0, 255, (26, 31, 3))


@pytest.mark.parametrize("power", [0, 0.7, 1])
def test_a_step(net, power):
    """The gradient's spectrum and colours, at a mean size of the step's."""
    img = drawn()
    found = renderers.render_decorrelated(
        net, "two", 1, img, iter_n=1, step=2.5, octave_n=1, power=power, rng=np.random.RandomState(0)
    )
    g = tutorial.calc_grad_tiled(img, tutorial.score_gradient(net, "two", 1), rng=np.random.RandomState(0))
    change = divide_spectrum(g, power) @ COLORS
    np.testing.assert_allclose(found - img, 2.5 * change / np.abs(change).mean(), atol=1e-9)


def test_its_sizes_and_its_dtype(net):
    found = renderers.render_decorrelated(net, "two", 1, drawn(), iter_n=2, rng=np.random.RandomState(0))
    assert found.shape == (50, 60, 3)
    assert found.dtype == np.float64
    shown = tutorial.to_display("decorrelated", found)
    np.testing.assert_allclose([shown.mean(), shown.std()], [127.5, 51], rtol=1e-12)


@pytest.mark.parametrize("power", [-0.1, 4.5, float("nan"), "1"])
def test_what_is_no_power(net, power):
    with pytest.raises(ValueError, match=f"power: {power}, expected a number from 0 to 4"):
        renderers.render_decorrelated(net, "two", 1, drawn(), power=power)


def test_the_tutorials_are_there_too():
    assert {**renderers.RENDERERS, "decorrelated": None} == {**tutorial.RENDERERS, "decorrelated": None}
