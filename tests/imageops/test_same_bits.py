"""The notebook's expressions, written out here, against `numpy_ops` and `native_ops`: equal to the last bit."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import scipy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pydream.imageops import backend

NATIVE, NUMPY = backend("native"), backend("numpy")
BACKENDS = [NUMPY, NATIVE]
SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -1e-45, 5e-324, 3e38, -3e38]

thorough = settings(deadline=None, max_examples=150)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of threads of the native functions, which read the environment at every call."""
    before = os.environ.get("PYDREAM_NUM_THREADS")
    os.environ["PYDREAM_NUM_THREADS"] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYDREAM_NUM_THREADS"]
        else:
            os.environ["PYDREAM_NUM_THREADS"] = before


def assert_same(actual, expected):
    """Check that type, shape and bits are the same; sign and payload of NaN do not count."""
    assert type(actual) is type(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert np.array_equal(actual, expected, equal_nan=True)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


def pixels(shape, dtype, kind, seed):
    rng = np.random.RandomState(seed)
    image = rng.uniform(-130, 130, shape)
    if kind == "special":
        image = np.where(rng.rand(*shape) < 0.1, rng.choice(SPECIAL, shape), image)
    elif kind == "tiny":
        image *= 1e-43 if dtype == np.float32 else 1e-321
    elif kind == "huge":
        image *= np.finfo(dtype).max / 130
    elif kind == "zero":
        image *= 0  # of either sign
    with np.errstate(over="ignore"):
        return image.astype(dtype)


dtypes = st.sampled_from([np.float32, np.float64])
kinds = st.sampled_from(["plain", "plain", "special", "tiny", "huge", "zero"])
sides = st.one_of(st.integers(1, 12), st.integers(1, 300))
shapes = st.tuples(st.sampled_from([1, 2, 3, 3, 3, 4, 7]), sides, sides)
seeds = st.integers(0, 2**32 - 1)
shifts = st.one_of(st.integers(-32, 32), st.integers(-(10**6), 10**6), st.integers(-(2**70), 2**70))
steps = st.one_of(st.sampled_from([1.5, 4.4, 0.1, 1, 0.0, -1.5, 1e300, np.float32(0.1), np.inf]), st.floats(-10, 10))
thread_counts = st.sampled_from([1, 2, 3, 7])
images = st.builds(pixels, shapes, dtypes, kinds, seeds)
images_and_gradients = st.builds(
    lambda shape, dtype, kind, kind_g, seed: (pixels(shape, dtype, kind, seed), pixels(shape, dtype, kind_g, seed + 1)),
    shapes,
    dtypes,
    kinds,
    kinds,
    st.integers(0, 2**32 - 2),
)


def notebook_roll(image, ox, oy):
    return np.roll(np.roll(image, ox, -1), oy, -2)


def notebook_ascend(image, gradient, step_size):
    with np.errstate(all="ignore"):
        return image + float(step_size) / np.abs(gradient).mean() * gradient


def as_tensor(image, channels_last):
    return np.ascontiguousarray(image.transpose(1, 2, 0) if channels_last else image)[None]


def bounds_like(image):
    """Return the notebook's bounds, -mean and 255-mean, for any number of channels."""
    mean = np.resize(np.array([104, 116, 122], image.dtype), image.shape[0]).reshape(-1, 1, 1)
    return -mean, 255 - mean


@thorough
@given(images, shifts, shifts, thread_counts)
def test_roll(image, ox, oy, count):
    expected = notebook_roll(image, ox % image.shape[2], oy % image.shape[1])
    before = image.copy()
    for ops in BACKENDS:
        with threads(count):
            rolled = ops.roll(image, ox, oy)
        assert_same(rolled, expected)
        assert rolled.flags.c_contiguous
        assert not np.may_share_memory(rolled, image)
    assert_same(image, before)


@thorough
@given(images, sides, sides, thread_counts)
def test_zoom(image, height, width, count):
    _, h, w = image.shape
    expected = ndimage.zoom(image, (1, height / h, width / w), order=1)
    if (height, width) == (h, w):
        expected = image  # SciPy's own result since 1.16
    assert expected.shape == (image.shape[0], height, width)
    for ops in BACKENDS:
        with threads(count):
            zoomed = ops.zoom(image, height, width)
        assert_same(zoomed, expected)
        assert zoomed.flags.c_contiguous
        assert not np.may_share_memory(zoomed, image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("side", [490, 976, 979, 960, 1366, 1920, 1024, 575, 411, 731])
def test_zoom_of_octave_sizes(side, dtype):
    """Down by 1.4 and up again, along either axis. Some of these sizes have SciPy's row or column of zeros."""
    small = round(side / 1.4)
    for shape, there in (((2, 3, side), (2, small)), ((2, side, 3), (small, 2))):
        image = pixels(shape, dtype, "plain", side)
        down = ndimage.zoom(image, (1, there[0] / shape[1], there[1] / shape[2]), order=1)
        up = ndimage.zoom(down, (1, shape[1] / there[0], shape[2] / there[1]), order=1)
        if side in (490, 976, 979):
            assert not down[:, -1, :].any() or not down[:, :, -1].any()
        for ops in BACKENDS:
            assert_same(ops.zoom(image, *there), down)
            assert_same(ops.zoom(down, *shape[1:]), up)


def coordinates(shape, matrix, offset, offset_first):
    """Compute where each pixel reads, (2, H, W), with Python's floats and in the order of today's SciPy."""
    matrix, offset = np.asarray(matrix, float).tolist(), np.asarray(offset, float).tolist()
    at = np.empty((2, *shape))
    for y in range(shape[0]):
        for x in range(shape[1]):
            for axis, o in enumerate((y, x)):
                m, d = matrix[axis], offset[axis]
                if isinstance(m, list):
                    place = (d + y * m[0]) + x * m[1]
                elif offset_first:
                    place = (o + d) * m
                else:
                    place = (o + (d / m if m else d * math.inf)) * m  # Python does not divide by 0
                at[axis, y, x] = place
    return at


def neighbours(place, size):
    """Return the two pixels of a place along an axis, with weights; the last one's is mirrored, and has weight 0."""
    whole = math.floor(place)
    weight = 1 - (place - whole)
    return [(whole, weight), (whole + 1 if whole + 1 < size else max(size - 2, 0), 1 - weight)]


def mixed(frame, at):
    """Compute an affine transform pixel by pixel: four neighbours, times two weights, added in double."""
    out = np.zeros_like(frame)
    height, width, channels = frame.shape
    for y, x in np.ndindex(height, width):
        v, u = at[:, y, x].tolist()
        if not (0 <= v <= height - 1 and 0 <= u <= width - 1):
            continue
        pairs = neighbours(v, height), neighbours(u, width)
        for c in range(channels):
            beside = c + 1 if c + 1 < channels else max(channels - 2, 0)
            total = np.float64(0)
            for i, by_v in pairs[0]:
                for j, by_u in pairs[1]:
                    total += np.float64(frame[i, j, c]) * by_v * by_u
                    total += np.float64(frame[i, j, beside]) * by_v * by_u * 0.0
            out[y, x, c] = total
    return out


def rotation(scale, angle):
    return [[scale * math.cos(angle), scale * math.sin(angle)], [-scale * math.sin(angle), scale * math.cos(angle)]]


factors = st.one_of(
    st.sampled_from([0.95, 1.05, 1.0, 0.5, 2.0, -1.0, -0.95, 0.0, -0.0, 1e300, -1e-300, 5e-324]), st.floats(-3, 3)
)
matrices = st.one_of(
    st.lists(factors, min_size=2, max_size=2),
    st.lists(st.lists(factors, min_size=2, max_size=2), min_size=2, max_size=2),
    st.builds(rotation, st.floats(0.3, 1.5), st.one_of(st.floats(-7, 7), st.sampled_from([0.0, np.pi / 2, np.pi]))),
)
offsets = st.lists(
    st.one_of(st.sampled_from([0.0, 1.0, 0.5, -1e300, 1e-300]), st.floats(-10, 10), st.floats(-300, 300)),
    min_size=2,
    max_size=2,
)


@thorough
@given(images.map(lambda image: image.transpose(1, 2, 0).copy()), matrices, offsets, st.booleans(), thread_counts)
def test_affine_transform(frame, matrix, offset, offset_first, count):
    """Against SciPy's own call, or, if this SciPy has none, its interpolation at the same coordinates."""
    new_order = np.lib.NumpyVersion(scipy.__version__) >= "1.16.0"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the change in SciPy 0.18
        if np.ndim(matrix) == 2 and new_order:
            whole = np.eye(3)
            whole[:2, :2] = matrix
            expected = ndimage.affine_transform(frame, whole, [*offset, 0], order=1)
        elif np.ndim(matrix) == 1 and not offset_first:
            expected = ndimage.affine_transform(frame, [*matrix, 1], [*offset, 0], order=1)
        else:
            at = coordinates(frame.shape[:2], matrix, offset, offset_first)
            expected = ndimage.map_coordinates(
                frame,
                [*np.broadcast_arrays(*at[..., np.newaxis], np.arange(frame.shape[2]))],
                order=1,
            )
    before = frame.copy()
    for ops in BACKENDS:
        with threads(count):
            moved = ops.affine_transform(frame, matrix, offset, offset_first)
        assert_same(moved, expected)
        assert moved.flags.c_contiguous
        assert not np.may_share_memory(moved, frame)
    assert_same(frame, before)


small_frames = st.builds(
    pixels,
    st.tuples(st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 2, 3, 4])),
    dtypes,
    kinds,
    seeds,
)


@thorough
@given(small_frames, matrices, offsets, st.booleans())
@example(np.float32(np.arange(30).reshape(5, 2, 3)), [0.9, 0.9], [0.7, 0.1], True)
@example(np.float64(np.arange(30).reshape(5, 2, 3)), [0.9, 0.9], [0.7, 0.1], True)
def test_affine_transform_pixel_by_pixel(frame, matrix, offset, offset_first):
    """Against loops in Python, without SciPy, which show that its different calls above agree."""
    with np.errstate(all="ignore"):
        expected = mixed(frame, coordinates(frame.shape[:2], matrix, offset, offset_first))
    for ops in BACKENDS:
        assert_same(ops.affine_transform(frame, matrix, offset, offset_first), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("height", "width"), [(64, 82), (65, 81), (1, 9), (8, 1)])
def test_affine_transform_of_the_zoom_loop(height, width, dtype):
    frame, s = pixels((height, width, 3), dtype, "plain", 3), 0.05
    h, w = frame.shape[:2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ndimage.affine_transform(frame, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1)
    for ops in BACKENDS:
        assert_same(ops.affine_transform(frame, [1 - s, 1 - s], [h * s / 2, w * s / 2]), expected)


@pytest.mark.parametrize("ops", BACKENDS, ids=["numpy", "native"])
def test_affine_transform_offset_first_is_rounded_as_then(ops):
    """At 22 pixels and 5 %, no offset makes today's SciPy, which divides it by the matrix, read the same places."""
    size, s = 22, 0.05
    m, d = 1 - s, size * s / 2
    then = (np.arange(size) + d) * m
    for steps in range(-5, 6):
        offset = d * m + steps * np.spacing(d * m)
        assert ((np.arange(size) + offset / m) * m != then).any()
    frame = np.random.RandomState(0).uniform(0, 255, (1, size, 1))
    expected = ndimage.map_coordinates(frame[0, :, 0], [then], order=1)
    assert_same(ops.affine_transform(frame, [1, m], [0, d], True)[0, :, 0], expected)


def spread(frame, at):
    """Compute the adjoint of an affine transform pixel by pixel: the value of each output, at what it reads."""
    height, width, channels = frame.shape
    sums = np.zeros(frame.shape, np.float64)
    for y, x in np.ndindex(height, width):
        v, u = at[:, y, x].tolist()
        if not (0 <= v <= height - 1 and 0 <= u <= width - 1):
            continue
        for i, by_v in neighbours(v, height):
            for j, by_u in neighbours(u, width):
                for c in range(channels):
                    sums[i, j, c] += np.float64(frame[y, x, c]) * by_v * by_u
    return sums.astype(frame.dtype)


@thorough
@given(small_frames, matrices, offsets, st.booleans(), thread_counts)
def test_affine_transform_adjoint_pixel_by_pixel(frame, matrix, offset, offset_first, count):
    with np.errstate(all="ignore"):
        expected = spread(frame, coordinates(frame.shape[:2], matrix, offset, offset_first))
    before = frame.copy()
    for ops in BACKENDS:
        with threads(count):
            back = ops.affine_transform_adjoint(frame, matrix, offset, offset_first)
        assert_same(back, expected)
        assert back.flags.c_contiguous
        assert not np.may_share_memory(back, frame)
    assert_same(frame, before)


frame_shapes = st.tuples(sides, sides, st.sampled_from([1, 3, 4]))


@thorough
@given(frame_shapes, dtypes, kinds, seeds, matrices, offsets, st.booleans(), thread_counts)
def test_affine_transform_adjoint(shape, dtype, kind, seed, matrix, offset, offset_first, count):
    """Both backends, and the dot products that define it: ⟨T x, y⟩ = ⟨x, Tᵀ y⟩ to 1e-12 in float64."""
    y = pixels(shape, dtype, kind, seed)
    with threads(count):
        assert_same(*(ops.affine_transform_adjoint(y, matrix, offset, offset_first) for ops in BACKENDS))
    x, y = (pixels(shape, np.float64, "plain", seed % 1000 + more) for more in (0, 1))
    for ops in BACKENDS:
        left = ops.affine_transform(x, matrix, offset, offset_first) * y
        right = x * ops.affine_transform_adjoint(y, matrix, offset, offset_first)
        assert abs(left.sum() - right.sum()) <= 1e-12 * np.abs(left).sum()


@pytest.mark.parametrize("ops", BACKENDS, ids=["numpy", "native"])
@pytest.mark.parametrize(
    ("matrix", "offset_first"),
    [
        ([0.9, 1.1], False),
        ([0.9, 1.1], True),
        ([0.9, -1], False),
        (rotation(1.05, 0.3), False),
        ([[0, 1], [-1, 1]], True),
    ],
)
def test_affine_transform_adjoint_is_the_transposed_matrix(ops, matrix, offset_first):
    """Its columns, one for each pixel, are the rows of the transform's matrix, to the bit."""
    shape = (5, 7, 1)
    units = np.eye(35).reshape(35, *shape)
    there, back = (
        np.array([function(unit, matrix, [0.25, 3.5], offset_first).ravel() for unit in units])
        for function in (ops.affine_transform, ops.affine_transform_adjoint)
    )
    assert there.any()
    assert_same(back, np.ascontiguousarray(there.T))


def test_affine_transform_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ops in BACKENDS:
            for matrix in ([0.95, 0.0], [1e-300, 1e300], [[1e308, -1e308], [1e308, 1e308]]):
                for offset_first in (False, True):
                    ops.affine_transform(np.ones((4, 5, 3)), matrix, [1e300, -1], offset_first)
                    ops.affine_transform_adjoint(np.full((4, 5, 3), 1e308), matrix, [1e300, -1], offset_first)


@thorough
@given(images, thread_counts)
def test_mean_abs(gradient, count):
    with np.errstate(all="ignore"):
        expected = np.abs(gradient).mean()
    for ops in BACKENDS:
        with threads(count):
            assert_same(ops.mean_abs(gradient), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_abs_of_every_small_size(dtype):
    """Below 8, from 8 to 128, and the first divisions: every shape of the ends of NumPy's tree."""
    numbers = pixels((1, 1, 1100), dtype, "plain", 5)
    for size in range(1, 1100):
        gradient = np.ascontiguousarray(numbers[:, :, :size])
        expected = np.abs(gradient).mean()
        assert NATIVE.mean_abs(gradient) == expected
        last = np.ascontiguousarray(np.resize(gradient, (1, 1, size, 3)))
        expected = np.abs(np.ascontiguousarray(last[0].transpose(2, 0, 1))).mean()
        image = np.zeros((3, 1, size), dtype)
        assert NATIVE.ascend_tensor(image, last, 1.5, 0, 0) == expected


@thorough
@given(images_and_gradients, steps, thread_counts)
def test_ascend(pair, step_size, count):
    image, gradient = pair
    expected = notebook_ascend(image, gradient, step_size)
    before = gradient.copy()
    for ops in BACKENDS:
        stepped = image.copy()
        with threads(count):
            assert ops.ascend(stepped, gradient, step_size) is None
        assert_same(stepped, expected)
        assert_same(gradient, before)


bound = st.one_of(st.sampled_from([*SPECIAL[:3], 0.0, 1.0]), st.floats(-150, 150, width=32))


@thorough
@given(images, st.data(), thread_counts)
def test_clip(image, data, count):
    """Any bounds, also NaN and low above high."""
    channels = image.shape[0]
    low, high = (
        np.array(data.draw(st.lists(bound, min_size=channels, max_size=channels)), image.dtype).reshape(-1, 1, 1)
        for _ in range(2)
    )
    expected = np.clip(image, low, high)
    for ops in BACKENDS:
        clipped = image.copy()
        with threads(count):
            assert ops.clip(clipped, low, high) is None
        assert np.array_equal(clipped, expected, equal_nan=True)  # NumPy's sign of zero depends on the shape


@thorough
@given(images, shifts, shifts, st.booleans(), thread_counts)
def test_to_tensor(image, ox, oy, channels_last, count):
    expected = as_tensor(notebook_roll(image, ox % image.shape[2], oy % image.shape[1]), channels_last)
    for ops in BACKENDS:
        with threads(count):
            tensor = ops.to_tensor(image, ox, oy, channels_last)
        assert_same(tensor, expected)
        assert tensor.flags.c_contiguous
        assert not np.may_share_memory(tensor, image)


@thorough
@given(images_and_gradients, steps, shifts, shifts, st.booleans(), st.booleans(), thread_counts)
@example((np.ones((3, 2, 2), np.float32), np.zeros((3, 2, 2), np.float32)), 1.5, 1, 1, True, True, 1)
@example((np.ones((3, 2, 2)), np.full((3, 2, 2), np.nan)), 1.5, 1, 1, True, True, 1)
@example((np.ones((3, 2, 2)), np.full((3, 2, 2), -np.inf)), 1.5, 1, 1, False, True, 1)
def test_ascend_tensor(pair, step_size, ox, oy, channels_last, clipped, count):
    image, g = pair
    low, high = bounds_like(image) if clipped else (None, None)
    tensor = as_tensor(g, channels_last)
    tensor.flags.writeable = False  # as TensorFlow's memory is

    with np.errstate(all="ignore"):
        mean = np.abs(g).mean()
        rate = step_size / mean
    if 0 < mean < np.inf and np.isfinite(rate):
        dx, dy = ox % image.shape[2], oy % image.shape[1]
        src = notebook_roll(image, dx, dy)
        src = notebook_ascend(src, g, step_size)
        expected = notebook_roll(src, -dx, -dy)
        if clipped:
            expected = np.clip(expected, low, high)
    else:  # no step is possible; a mean that is too small for one is returned as 0
        expected = image.copy()
        mean = mean if not np.isfinite(mean) else mean.dtype.type(0)

    for ops in BACKENDS:
        stepped = image.copy()
        with threads(count):
            assert_same(ops.ascend_tensor(stepped, tensor, step_size, ox, oy, low, high, channels_last), mean)
        assert_same(stepped, expected)


@thorough
@given(images, shifts, shifts)
def test_tensor_of_a_step_belongs_to_the_image(image, ox, oy):
    """Both functions shift in the same way: a gradient equal to the tensor scales every pixel."""
    assume(np.isfinite(image).all())
    for ops in BACKENDS:
        stepped = image.copy()
        tensor = ops.to_tensor(image, ox, oy)
        mean = ops.ascend_tensor(stepped, tensor, 1.5, ox, oy)
        if 0 < mean < np.inf:
            with np.errstate(all="ignore"):
                assert_same(stepped, image + 1.5 / mean * image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 700, 1024), (3, 411, 731), (1, 1, 70001), (4, 333, 211), (3, 3001, 7)])
def test_large_images_on_any_number_of_threads(shape, dtype):
    """Many blocks of the pairwise sum and every threshold for threads; the same result for all counts."""
    _, height, width = shape
    image, g = pixels(shape, dtype, "plain", 1), pixels(shape, dtype, "plain", 2)
    low, high = bounds_like(image)
    small, broken = (height * 5 // 7 + 1, width * 5 // 7 + 1), image.copy()
    broken[0, height // 2, width // 2] = np.nan

    def everything(ops):
        yield ops.roll(image, 17, -23)
        yield ops.zoom(image, *small)
        yield ops.zoom(broken, *small)
        for frame in (image, broken):
            frame = frame.transpose(1, 2, 0).copy()
            yield ops.affine_transform(frame, [0.95, -0.95], [3.25, width - 1.5])
            yield ops.affine_transform(frame, [0.95, 0.95], [3.25, -2], True)
            yield ops.affine_transform(frame, [[0.9, 0.1], [-0.1, 0.9]], [3.25, 2])
            yield ops.affine_transform_adjoint(frame, [0.95, -0.95], [3.25, width - 1.5])
            yield ops.affine_transform_adjoint(frame, [[0.9, 0.1], [-0.1, 0.9]], [3.25, 2])
        yield ops.mean_abs(g)
        stepped = image.copy()
        ops.ascend(stepped, g, 4.4)
        yield stepped.copy()
        ops.clip(stepped, low, high)
        yield stepped
        for channels_last in (True, False):
            yield ops.to_tensor(image, -5, 31, channels_last)
            stepped = image.copy()
            yield ops.ascend_tensor(stepped, as_tensor(g, channels_last), 0.1, -5, 31, low, high, channels_last)
            yield stepped

    expected = list(everything(NUMPY))
    for count in (1, 2, 3, 7):
        with threads(count):
            for actual, wanted in zip(everything(NATIVE), expected, strict=True):
                assert_same(actual, wanted)
