"""The renderer of today: its step, its bounds, its sizes, and what is no power. The tutorial's four have their own."""

import numpy as np
import pytest
from support import inputs, nets

from pydream import renderers, tutorial
from pydream.caffe import Classifier
from pydream.dream.renderers import SHIFT
from pydream.dream.retouch import Robust
from pydream.dream.spectrum import COLORS, divide_spectrum
from pydream.dream.squash import HALF
from pydream.imageops import numpy_ops


@pytest.fixture(scope="module")
def net():
    weights = nets.weights(**inputs.weights(3))
    return Classifier(
        nets.parse(inputs.text(3, "data")), weights, mean=np.full(3, 100.0), runtime="numpy", dtype="float64"
    )


def drawn():
    return np.random.RandomState(4).uniform(20, 240, (26, 31, 3))


def free(picture):
    u = picture / HALF - 1
    return HALF * u / np.sqrt(1 - u**2)


@pytest.mark.parametrize(("power", "robust"), [(0, (0, 0)), (0.7, (0, 0)), (1, (0.1, 10))])
def test_a_step(net, power, robust):
    """The gradient where the network sees the picture, back at it, with the spectrum and the colours, of that size."""
    img = drawn()
    found = renderers.render_decorrelated(
        net, "two", 1, img, 1, 2.5, 1, 1.4, power, *robust, rng=np.random.RandomState(0)
    )
    rng = np.random.RandomState(0)
    shift = rng.randint(SHIFT, size=2)
    seen, back = np.roll(img, shift, (0, 1)), lambda g: g
    if any(robust):
        move = Robust(*robust).draw(rng, 26, 31)
        seen, back = (
            numpy_ops.affine_transform(seen - 100, *move) + 100,
            lambda g: numpy_ops.affine_transform_adjoint(g, *move),
        )
    g = np.roll(back(tutorial.score_gradient(net, "two", 1)(seen)), -shift, (0, 1))
    g *= (1 - (img / HALF - 1) ** 2) ** 1.5
    change = divide_spectrum(g, power) @ COLORS
    np.testing.assert_allclose(free(found) - free(img), 2.5 * change / np.abs(change).mean(), atol=1e-8)


def test_its_gradient_is_that_of_what_is_climbed_in(net):
    """By finite differences of the score at the picture that the network sees."""
    made = renderers._Decorrelated(net, 1, 1.4, 1.0, Robust(0, 0))
    t_grad, at = tutorial.score_gradient(net, "two", 1), free(drawn())

    def score(values):
        t_grad(made.picture(values))
        return net.blobs["two"].data[0, 1].mean()

    class Still:
        randint = staticmethod(lambda most, size: np.zeros(size, int))

    g, step = made.gradient(t_grad, at, Still), np.random.RandomState(5).standard_normal(at.shape)
    np.testing.assert_allclose((g * step).sum(), (score(at + 1e-5 * step) - score(at - 1e-5 * step)) / 2e-5, rtol=1e-4)


def test_its_sizes_its_dtype_and_its_range(net):
    found = renderers.render_decorrelated(
        net, "two", 1, drawn() * 2 - 150, iter_n=3, step=90.0, rng=np.random.RandomState(0)
    )
    assert found.shape == (50, 60, 3)
    assert found.dtype == np.float64
    assert found.min() > 0
    assert found.max() < 255
    np.testing.assert_array_equal(tutorial.to_display("decorrelated", found), found)


@pytest.mark.parametrize("power", [-0.1, 4.5, float("nan"), "1"])
def test_what_is_no_power(net, power):
    with pytest.raises(ValueError, match=f"power: {power}, expected a number from 0 to 4"):
        renderers.render_decorrelated(net, "two", 1, drawn(), power=power)


def test_the_tutorials_are_there_too():
    assert tutorial.RENDERERS.items() <= renderers.RENDERERS.items()
