"""The spectrum of a step: a linear map that is its own transpose, known frequencies, and sizes without any."""

import numpy as np
import pytest

from pydream.dream.spectrum import COLORS, CORRELATIONS, divide_spectrum, mix_colors

CHW = (1, 2)
SHAPES = [(3, 16, 16), (3, 9, 14), (3, 13, 7), (1, 8, 5), (3, 1, 6), (3, 5, 1), (3, 1, 1), (3, 2, 2)]


def drawn(shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape)


def wave(height, width, down, across, phase=0.3):
    """So many periods in each direction."""
    y, x = np.mgrid[:height, :width]
    return np.cos(2 * np.pi * (down * y / height + across * x / width) + phase)[np.newaxis]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("power", [0.5, 1, 4])
def test_it_is_linear_and_its_own_transpose(shape, power):
    x, y = drawn(shape), drawn(shape, 1)
    divided = [divide_spectrum(each, power, CHW) for each in (x, y)]
    assert abs((divided[0] * y).sum() - (x * divided[1]).sum()) < 1e-12 * np.linalg.norm(x) * np.linalg.norm(y)
    np.testing.assert_allclose(divide_spectrum(3 * x - 2 * y, power, CHW), 3 * divided[0] - 2 * divided[1], atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_power_of_0_changes_nothing(shape):
    np.testing.assert_allclose(divide_spectrum(drawn(shape), 0, CHW), drawn(shape), atol=1e-14)


@pytest.mark.parametrize(("height", "width"), [(24, 32), (32, 24), (15, 21)])
@pytest.mark.parametrize(("down", "across"), [(0, 0), (0, 1), (1, 0), (3, 4), (-3, 4), (7, 0), (2, 10)])
def test_a_known_frequency(height, width, down, across):
    """Below one period of the longer side none is divided by less."""
    periods = max(1, max(height, width) * np.hypot(down / height, across / width))
    found = divide_spectrum(wave(height, width, down, across), 1.5, CHW)
    np.testing.assert_allclose(found, wave(height, width, down, across) / periods**1.5, atol=1e-13)


def test_shifts_go_through():
    """It has no place of its own: jitter does not matter."""
    x = drawn((3, 12, 17))
    rolled = divide_spectrum(np.roll(x, (5, -3), CHW), 1, CHW)
    np.testing.assert_allclose(rolled, np.roll(divide_spectrum(x, 1, CHW), (5, -3), CHW), atol=1e-13)


def test_layouts_and_dtypes():
    x = drawn((3, 9, 14))
    found = divide_spectrum(x, 1, CHW)
    np.testing.assert_array_equal(
        divide_spectrum(np.ascontiguousarray(x.transpose(1, 2, 0)), 1), found.transpose(1, 2, 0)
    )
    single = x.astype(np.float32)
    np.testing.assert_array_equal(
        divide_spectrum(single, 1, CHW), divide_spectrum(single.astype(float), 1, CHW).astype(np.float32)
    )


# ---- colours ----


def test_the_matrix_is_a_symmetric_root_of_the_correlations():
    np.testing.assert_allclose(COLORS @ COLORS, CORRELATIONS, atol=1e-15)
    np.testing.assert_array_equal(COLORS, COLORS.T)
    np.testing.assert_array_equal(COLORS, COLORS[::-1, ::-1])  # red and blue may change places
    assert np.linalg.eigvalsh(COLORS).min() > 0
    distance = np.abs(np.subtract.outer(range(3), range(3)))
    np.testing.assert_allclose(CORRELATIONS, 0.9**distance, atol=1e-15)


def test_colours_are_a_linear_map_and_its_own_transpose():
    x, y = drawn((3, 9, 14)), drawn((3, 9, 14), 1)
    assert abs((mix_colors(x) * y).sum() - (x * mix_colors(y)).sum()) < 1e-12 * np.linalg.norm(x) * np.linalg.norm(y)
    np.testing.assert_allclose(mix_colors(3 * x - 2 * y), 3 * mix_colors(x) - 2 * mix_colors(y), atol=1e-12)
    both = mix_colors(divide_spectrum(x, 1, CHW))
    np.testing.assert_allclose(divide_spectrum(mix_colors(x), 1, CHW), both, atol=1e-13)
