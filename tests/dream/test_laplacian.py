"""The Laplacian pyramid against the tutorial's own TensorFlow operations."""

import numpy as np
import pytest
from support.pyramid import tf_pyramid

from pydream.dream.laplacian import lap_merge, lap_normalize, lap_split, lap_split_n, normalize_std

SIZES = [(16, 24), (17, 24), (31, 7), (33, 65), (2, 3), (1, 1), (1, 6), (5, 1)]
# A sum of 25 products, rounded in another order: a few units in the last place of the largest values.
CLOSE = {"float32": 2e-6, "float64": 2e-15}


def gradient(size, dtype, channels=3):
    return np.random.default_rng(sum(size)).standard_normal((*size, channels)).astype(dtype)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("size", SIZES)
def test_split_is_tensorflows(size, dtype):
    img = gradient(size, dtype)
    split, split_n, _ = tf_pyramid(dtype)
    for got, wanted in zip(lap_split(img), split(img[None]), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted[0], rtol=0, atol=CLOSE[dtype])
    for got, wanted in zip(lap_split_n(img, 3), split_n(img[None], 3), strict=True):
        np.testing.assert_allclose(got, wanted[0], rtol=0, atol=CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("scale_n", [0, 1, 4, 7])
@pytest.mark.parametrize("size", SIZES)
def test_normalize_is_tensorflows(size, scale_n, dtype):
    img = gradient(size, dtype) * dtype_of(dtype, 1e-4)
    before = img.copy()
    got = lap_normalize(img, scale_n)
    wanted = tf_pyramid(dtype)[2](img[None], scale_n)[0]
    # Merged bands are of the size of their number; at 1x1 a band is a rounding error of the splitting, made 1.
    if min(size) > 1 or scale_n == 0:
        np.testing.assert_allclose(got, wanted, rtol=0, atol=(scale_n + 1) * 10 * CLOSE[dtype])
    assert (got.shape, got.dtype) == (img.shape, img.dtype)
    np.testing.assert_array_equal(img, before)


def dtype_of(dtype, value):
    return np.dtype(dtype).type(value)


@pytest.mark.parametrize("size", SIZES)
def test_merge_undoes_split(size):
    img = gradient(size, "float64")
    np.testing.assert_allclose(lap_merge(lap_split_n(img, 5)), img, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("order", "axes"), [((2, 0, 1), (1, 2)), ((0, 1, 2), (0, 1))], ids=["channels first", "channels last"]
)
def test_layouts(order, axes):
    """Only the sums of the root mean squares run in another order."""
    img = gradient((19, 26), "float64")
    wanted = lap_normalize(img, 3).transpose(order)
    batch = np.ascontiguousarray(img.transpose(order))[None]
    np.testing.assert_allclose(lap_normalize(batch[0], 3, axes), wanted, rtol=0, atol=2e-14)
    lap = lap_normalize(batch, 3, (axes[0] + 1, axes[1] + 1))
    np.testing.assert_array_equal(lap[0], lap_normalize(batch[0], 3, axes))


def test_every_band_comes_out_about_equally_strong():
    """In noise, as in a gradient, the finest band has nearly all the energy."""

    def strengths(img):
        return [np.sqrt(np.mean(band**2)) for band in lap_split_n(img, 4)]

    noise = gradient((64, 64), "float64")
    assert max(strengths(noise)) > 20 * min(strengths(noise))
    even = strengths(lap_normalize(noise, 4))
    assert max(even) < 4 * min(even)


def test_nothing_stays_nothing():
    np.testing.assert_array_equal(lap_normalize(np.zeros((8, 9, 3), np.float32)), 0)
    np.testing.assert_array_equal(normalize_std(np.full((2, 2, 1), 1e-12)), 0.01)
