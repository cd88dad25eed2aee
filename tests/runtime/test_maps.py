"""What the arguments of the compiled pooling, normalisation, rectifiers, sums and concatenations must be."""

import gc

import numpy as np
import pytest

from pydream.runtime.on_native import _kernels

WINDOWS = ((3, 3), (1, 1), (0, 0))
X, DIFF = np.zeros((1, 3, 4, 5)), np.zeros((1, 3, 2, 3))
WON = np.zeros(DIFF.shape, np.uint8)


def misaligned(*shape):
    size = int(np.prod(shape)) * 8
    return np.zeros(size + 1, np.uint8)[1:].view(np.float64).reshape(shape)


@pytest.mark.parametrize(
    "windows",
    [
        ((0, 3), (1, 1), (0, 0)),
        ((257, 1), (1, 1), (0, 0)),
        ((17, 16), (1, 1), (0, 0)),
        ((3, 3), (0, 1), (0, 0)),
        ((3, 3), (1, 2**24 + 1), (0, 0)),
        ((3, 3), (1, 1), (2**24 + 1, 0)),
        ((3, 3), (1, 1), (0, -(2**24) - 1)),
    ],
)
def test_windows(windows):
    with pytest.raises(ValueError, match=r"^expected "):
        _kernels.pool_maximum(X, (2, 3), *windows, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"^expected "):
        _kernels.pool_maximum_back(DIFF, WON, (4, 5), *windows)


@pytest.mark.parametrize(
    "call",
    [
        lambda: _kernels.pool_maximum(X[0], (2, 3), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(X[:0], (2, 3), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(X, (2, 0), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(X, (2**25, 1), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(misaligned(1, 3, 4, 5), (2, 3), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum_back(DIFF, WON + 9, (4, 5), *WINDOWS),
        lambda: _kernels.pool_maximum_back(DIFF, WON[:, :2], (4, 5), *WINDOWS),
        lambda: _kernels.pool_maximum_back(DIFF, WON, (4, 0), *WINDOWS),
        lambda: _kernels.pool_maximum_back(DIFF, WON, (4, 5), *WINDOWS, X),
        lambda: _kernels.normalise(X, 1.0, 1.0, 0.75, -1),
        lambda: _kernels.normalise(X[0], 1.0, 1.0, 0.75, 2),
        lambda: _kernels.normalise_back(X, DIFF, 1.0, 1.0, 0.75, 2),
        lambda: _kernels.rectify(X, DIFF),
        lambda: _kernels.rectify(X[:0]),
        lambda: _kernels.rectify(misaligned(3)),
        lambda: _kernels.add_up([]),
        lambda: _kernels.add_up([X]),
        lambda: _kernels.add_up([X, DIFF]),
        lambda: _kernels.join([]),
        lambda: _kernels.join([np.zeros(3)]),
        lambda: _kernels.join([X, X[0]]),
        lambda: _kernels.join([X, DIFF]),
        lambda: _kernels.join([X, X[:, :0]]),
    ],
)
def test_values(call):
    with pytest.raises(ValueError, match=r"^expected "):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: _kernels.pool_maximum(X.astype(int), (2, 3), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(X[..., ::2], (2, 3), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum(X, 2, *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum_back(DIFF, WON.astype(np.int8), (4, 5), *WINDOWS),
        lambda: _kernels.pool_maximum_back(DIFF, WON, (4, 5), *WINDOWS, DIFF.astype(np.float32)),
        lambda: _kernels.normalise_back(X, X.astype(np.float32), 1.0, 1.0, 0.75, 2),
        lambda: _kernels.rectify(X, X.astype(np.float32)),
        lambda: _kernels.rectify([1.0]),
        lambda: _kernels.add_up([X, None]),
        lambda: _kernels.add_up([X, X.astype(np.float32)]),
        lambda: _kernels.join([X, X.astype(np.float32)]),
        lambda: _kernels.join(None),
        _kernels.Convolution64,
    ],
)
def test_types(call):
    with pytest.raises(TypeError):
        call()


def test_more_than_memory_is_an_error():
    one = np.zeros((1, 1, 1, 1))
    far = _kernels.convolution(np.zeros((1, 1, 2**16, 2)), (2**16, 1), (1, 2**24 - 1), 1)
    won = one.astype(np.uint8)
    for call in (
        lambda: _kernels.pool_maximum(one, (2**24, 2**24), *WINDOWS, 0.0, 0.0),
        lambda: _kernels.pool_maximum_back(one, won, (2**24, 2**24), *WINDOWS),
        lambda: far.forward(one, (0, 0), (2**24, 1)),  # of its planes 2^64 numbers would be read
    ):
        with pytest.raises(MemoryError):
            call()
    _kernels.clear_pool()


def test_a_reach_beyond_all_channels_is_that_to_the_last():
    x = np.random.default_rng(1).normal(size=(1, 3, 4, 5))
    wanted = _kernels.normalise(x, 1.0, 1.0, 0.75, 2).tobytes()
    assert _kernels.normalise(x, 1.0, 1.0, 0.75, 2**62).tobytes() == wanted
    back = _kernels.normalise_back(x, x, 1.0, 1.0, 0.75, 2).tobytes()
    assert _kernels.normalise_back(x, x, 1.0, 1.0, 0.75, 2**62).tobytes() == back


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rectifiers_sums_and_concatenations_are_numpys(dtype):
    x, y, z = np.random.default_rng(2).normal(size=(3, 2, 3, 4, 5)).astype(dtype)
    np.testing.assert_array_equal(_kernels.rectify(x), np.maximum(x, 0))
    np.testing.assert_array_equal(_kernels.rectify(x, slope=0.5), np.where(x > 0, x, dtype(0.5) * x))
    np.testing.assert_array_equal(_kernels.rectify(x, y), np.where(x > 0, y, 0))
    np.testing.assert_array_equal(_kernels.add_up([x, y, z]), x + y + z)
    np.testing.assert_array_equal(_kernels.join([x, y[:, :1].copy(), z]), np.concatenate([x, y[:, :1], z], 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_maximum_and_its_way_back(dtype):
    x = np.arange(25, dtype=dtype).reshape(1, 1, 5, 5)
    top, winner = _kernels.pool_maximum(x, (2, 2), (3, 3), (2, 2), (0, 0), -np.inf, 0.0)
    np.testing.assert_array_equal(top[0, 0], [[12, 14], [22, 24]])
    diff = np.ones_like(top)
    wanted = np.where(np.isin(x, top), 1, 0)
    np.testing.assert_array_equal(_kernels.pool_maximum_back(diff, winner, (5, 5), (3, 3), (2, 2), (0, 0)), wanted)
    # With the maxima, no gradient reaches those that are not above 0.
    back = _kernels.pool_maximum_back(diff, winner, (5, 5), (3, 3), (2, 2), (0, 0), -top)
    np.testing.assert_array_equal(back, np.zeros_like(x))


def test_out_shares_no_memory_with_what_is_read():
    both = np.zeros((1, 8, 6, 7))
    convolution = _kernels.convolution(np.zeros((4, 4, 3, 3)), (1, 1), (1, 1), 1)
    one = ((1, 1), (6, 7))
    flat = both.reshape(-1)
    for call in (
        lambda: convolution.forward(both[:, :4], *one, out=both[:, :4]),
        lambda: convolution.forward(both[:, :4], *one, out=both[:, 3:7]),
        lambda: convolution.forward(both[:, 4:], *one, out=both[:, 1:5]),
        lambda: convolution.forward(both[:, 4:], *one, flat[164:168], out=both[:, :4]),
        lambda: convolution.backward(both[:, :4], *one, out=both[:, 2:6]),
        lambda: convolution.backward(both[:, :4], *one, both[:, 4:], out=both[:, 4:]),
    ):
        with pytest.raises(ValueError, match="shares no memory"):
            call()
    convolution.forward(both[:, :4], *one, flat[164:168], out=both[:, 4:])


def test_what_was_never_constructed_has_no_channels():
    made = _kernels.Convolution64.__new__(_kernels.Convolution64)
    with pytest.raises(ValueError, match="number of channels"):
        made.forward(X, (0, 0), (2, 2))
    with pytest.raises(ValueError, match="number of channels"):
        made.backward(X, (0, 0), (2, 2))


def test_a_result_outlives_what_made_it():
    gc.collect()  # networks of other tests
    others, _ = _kernels.pool_bytes()
    top, won = _kernels.pool_maximum(X + 3, (2, 3), *WINDOWS, 0.0, 0.0)
    view = top[0, 1:]
    del top, won
    gc.collect()
    assert _kernels.pool_bytes()[0] >= others + view.size * 8
    assert (view == 3).all()
    del view
    assert _kernels.pool_bytes()[0] == others
    _kernels.clear_pool()
