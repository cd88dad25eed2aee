"""Wrong arguments: the same one-line error from both backends, and nothing written."""

from __future__ import annotations

import mmap
import re

import numpy as np
import pytest

from pydream.imageops import backend

NATIVE, NUMPY = backend("native"), backend("numpy")
NORESERVE = 0x4000  # Linux's MAP_NORESERVE
MEAN = np.float32([104, 116, 122]).reshape(3, 1, 1)


@pytest.fixture(params=[NUMPY, NATIVE], ids=["numpy", "native"])
def ops(request):
    return request.param


def image(shape=(3, 4, 6), dtype=np.float32):
    return np.ones(shape, dtype)


def read_only(array):
    array.flags.writeable = False
    return array


def misaligned():
    memory = np.zeros(3 * 4 * 6 * 4 + 1, np.uint8)
    return memory[1:].view(np.float32).reshape(3, 4, 6)


# Every function with its arguments; `array` is the named argument.
CALLS = {
    "roll": (lambda ops, array: ops.roll(array, 1, 2), "image"),
    "zoom": (lambda ops, array: ops.zoom(array, 3, 5), "image"),
    "affine_transform": (lambda ops, array: ops.affine_transform(array, [0.9, 0.9], [1, 2]), "frame"),
    "affine_transform_adjoint": (lambda ops, array: ops.affine_transform_adjoint(array, [0.9, 0.9], [1, 2]), "frame"),
    "mean_abs": (lambda ops, array: ops.mean_abs(array), "gradient"),
    "ascend": (lambda ops, array: ops.ascend(array, image(), 1.5), "image"),
    "clip": (lambda ops, array: ops.clip(array, -MEAN, 255 - MEAN), "image"),
    "to_tensor": (lambda ops, array: ops.to_tensor(array, 1, 2), "image"),
    "ascend_tensor": (lambda ops, array: ops.ascend_tensor(array, image((1, 4, 6, 3)), 1.5, 1, 2), "image"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        ([[[1.0]]], TypeError, "list, expected a NumPy array"),
        (None, TypeError, "NoneType, expected a NumPy array"),
        (image(dtype=np.int64), TypeError, "dtype int64, expected float32 or float64"),
        (image(dtype=np.float16), TypeError, "dtype float16, expected float32 or float64"),
        (image(dtype=np.complex64), TypeError, "dtype complex64, expected float32 or float64"),
        (image(dtype=np.dtype(np.float32).newbyteorder()), TypeError, "dtype >f4, expected float32 or float64"),
        (image((4, 6)), ValueError, "2 dimensions, expected 3: (C, H, W)"),
        (image((1, 3, 4, 6)), ValueError, "4 dimensions, expected 3: (C, H, W)"),
        (image((3, 0, 6)), ValueError, "shape (3, 0, 6), expected no axis of size 0"),
        (image((0, 4, 6)), ValueError, "shape (0, 4, 6), expected no axis of size 0"),
        (image((4, 6, 3)).transpose(2, 0, 1), ValueError, "not C-contiguous and aligned; use np.array({}, order='C')"),
        (image((3, 4, 12))[:, :, ::2], ValueError, "not C-contiguous and aligned; use np.array({}, order='C')"),
        (image()[:, ::-1], ValueError, "not C-contiguous and aligned; use np.array({}, order='C')"),
        (misaligned(), ValueError, "not C-contiguous and aligned; use np.array({}, order='C')"),
    ],
)
def test_an_image_is_an_image(ops, name, array, error, text):
    call, argument = CALLS[name]
    if argument == "frame":
        text = text.replace("(C, H, W)", "(H, W, C)")
    with pytest.raises(error, match=f"^{re.escape(f'{argument}: ' + text.format(argument))}$"):
        call(ops, array)


@pytest.mark.parametrize("name", ["ascend", "clip", "ascend_tensor"])
def test_what_is_written_can_be_written(ops, name):
    with pytest.raises(ValueError, match=r"^image: read-only, expected a writable array$"):
        CALLS[name][0](ops, read_only(image()))


@pytest.mark.parametrize(
    "name", ["roll", "zoom", "affine_transform", "affine_transform_adjoint", "mean_abs", "to_tensor"]
)
def test_what_is_read_may_be_read_only(ops, name):
    CALLS[name][0](ops, read_only(image()))


def test_arguments_may_be_read_only(ops):
    x = image()
    ops.ascend(x, read_only(image()), 1.5)
    ops.clip(x, read_only(-MEAN), read_only(255 - MEAN))
    ops.ascend_tensor(x, read_only(image((1, 4, 6, 3))), 1.5, 0, 0, read_only(-MEAN), read_only(255 - MEAN))


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        ("g", TypeError, "gradient: str, expected a NumPy array"),
        (image(dtype=np.float64), TypeError, "gradient: dtype float64, expected float32 like image"),
        (image((3, 4, 5)), ValueError, "gradient: shape (3, 4, 5), expected (3, 4, 6) like image"),
        (image((4, 6)), ValueError, "gradient: shape (4, 6), expected (3, 4, 6) like image"),
        (
            image((3, 6, 4)).transpose(0, 2, 1),
            ValueError,
            "gradient: not C-contiguous and aligned; use np.array(gradient, order='C')",
        ),
        (misaligned(), ValueError, "gradient: not C-contiguous and aligned; use np.array(gradient, order='C')"),
    ],
)
def test_a_gradient_is_as_its_image(ops, array, error, text):
    x = image()
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        ops.ascend(x, array, 1.5)
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("array", "channels_last", "error", "text"),
    [
        (None, True, TypeError, "gradient: NoneType, expected a NumPy array"),
        (image((1, 4, 6, 3), np.float64), True, TypeError, "gradient: dtype float64, expected float32 like image"),
        (image(), True, ValueError, "gradient: shape (3, 4, 6), expected (1, 4, 6, 3) for this image, channels last"),
        (
            image((1, 3, 4, 6)),
            True,
            ValueError,
            "gradient: shape (1, 3, 4, 6), expected (1, 4, 6, 3) for this image, channels last",
        ),
        (
            image((1, 4, 6, 3)),
            False,
            ValueError,
            "gradient: shape (1, 4, 6, 3), expected (1, 3, 4, 6) for this image, channels first",
        ),
        (
            image((1, 3, 4, 6)).transpose(0, 2, 3, 1),
            True,
            ValueError,
            "gradient: not C-contiguous and aligned; use np.array(gradient, order='C')",
        ),
    ],
)
def test_a_gradient_tensor_is_as_its_image(ops, array, channels_last, error, text):
    x = image()
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        ops.ascend_tensor(x, array, 1.5, 0, 0, channels_last=channels_last)
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("low", "high", "error", "text"),
    [
        (-104, 255 - MEAN, TypeError, "low: int, expected a NumPy array"),
        (-MEAN, np.float64(255 - MEAN), TypeError, "high: dtype float64, expected float32 like image"),
        (-MEAN[:, 0], 255 - MEAN, ValueError, "low: shape (3, 1), expected (3, 1, 1), one for each channel of image"),
        (-MEAN, 255 - MEAN[:2], ValueError, "high: shape (2, 1, 1), expected (3, 1, 1), one for each channel of image"),
        (-MEAN, MEAN[::-1], ValueError, "high: not C-contiguous and aligned; use np.array(high, order='C')"),
    ],
)
def test_bounds_are_one_a_channel(ops, low, high, error, text):
    for call in (
        lambda x: ops.clip(x, low, high),
        lambda x: ops.ascend_tensor(x, image((1, 4, 6, 3)), 1.5, 0, 0, low, high),
    ):
        x = image()
        with pytest.raises(error, match=f"^{re.escape(text)}$"):
            call(x)
        assert (x == 1).all()


def test_both_bounds_or_none(ops):
    with pytest.raises(ValueError, match=r"^high: None, expected an array because low is given$"):
        ops.ascend_tensor(image(), image((1, 4, 6, 3)), 1.5, 0, 0, low=-MEAN)
    with pytest.raises(ValueError, match=r"^low: None, expected an array because high is given$"):
        ops.ascend_tensor(image(), image((1, 4, 6, 3)), 1.5, 0, 0, high=-MEAN)


def test_arrays_share_no_memory(ops):
    memory = image((3, 8, 6))
    x = memory[0:1]
    with pytest.raises(ValueError, match=r"^gradient: shares memory with image; use gradient\.copy\(\)$"):
        ops.ascend(x, x, 1.5)
    overlapping = memory.reshape(-1)[24:72].reshape(1, 8, 6)
    with pytest.raises(ValueError, match=r"^gradient: shares memory with image"):
        ops.ascend(x, overlapping, 1.5)
    with pytest.raises(ValueError, match=r"^gradient: shares memory with image"):
        ops.ascend_tensor(x, x.reshape(1, 8, 6, 1), 1.5, 0, 0)
    with pytest.raises(ValueError, match=r"^low: shares memory with image"):
        ops.clip(x, x[:, :1, :1], np.ones((1, 1, 1), np.float32))
    ops.ascend(x, memory[1:2], 1.5)  # adjacent arrays do not overlap


@pytest.mark.parametrize("name", ["ox", "oy"])
@pytest.mark.parametrize("value", [1.0, "1", None, np.float32(1)])
def test_shifts_are_integers(ops, name, value):
    shift = {"ox": 0, "oy": 0, name: value}
    for call in (
        lambda: ops.roll(image(), **shift),
        lambda: ops.to_tensor(image(), **shift),
        lambda: ops.ascend_tensor(image(), image((1, 4, 6, 3)), 1.5, **shift),
    ):
        with pytest.raises(TypeError, match=f"^{name}: {type(value).__name__}, expected an integer$"):
            call()


@pytest.mark.parametrize("value", [np.int8(-3), np.uint64(3), True, 2**200])
def test_shifts_are_any_integers(ops, value):
    assert ops.roll(image(), value, value).shape == (3, 4, 6)


@pytest.mark.parametrize(
    ("height", "width", "error", "text"),
    [
        (0, 5, ValueError, "height: 0, expected at least 1"),
        (5, -3, ValueError, "width: -3, expected at least 1"),
        (5.0, 5, TypeError, "height: float, expected an integer"),
        (5, "5", TypeError, "width: str, expected an integer"),
        (2**62, 2**62, ValueError, f"height, width: {2**62}, {2**62}, expected an image that memory can address"),
        (1, 2**70, ValueError, f"height, width: 1, {2**70}, expected an image that memory can address"),
        (2**31, 2**31, ValueError, f"height, width: {2**31}, {2**31}, expected an image that memory can address"),
    ],
)
def test_sizes_are_possible(ops, height, width, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        ops.zoom(image(), height, width)


def test_size_beyond_memory(ops):
    with pytest.raises(MemoryError):
        ops.zoom(image((1, 1, 1)), 2**30, 2**30)


def test_sums_beyond_memory():
    """A sum in blocks of one element needs ten times the memory of its array, whose pages are never touched here."""
    try:
        memory = mmap.mmap(-1, 2**40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE, prot=mmap.PROT_READ)
    except (AttributeError, OSError):
        pytest.skip("NOT PROVEN HERE: no address space without memory")
    from pydream.imageops import _native

    gradient = np.frombuffer(memory, np.float32).reshape(1, 2**19, 2**19)
    with pytest.raises(MemoryError):
        _native.mean_abs(gradient, 1)


@pytest.mark.parametrize(
    ("matrix", "offset", "error", "text"),
    [
        ([1, 1, 1], [0, 0], ValueError, "matrix: shape (3,), expected (2,) or (2, 2)"),
        (np.eye(3), [0, 0], ValueError, "matrix: shape (3, 3), expected (2,) or (2, 2)"),
        (0.95, [0, 0], ValueError, "matrix: shape (), expected (2,) or (2, 2)"),
        ([[1, 2], [3]], [0, 0], ValueError, "matrix: not an array, expected shape (2,) or (2, 2)"),
        ([1, np.nan], [0, 0], ValueError, "matrix: contains NaN or infinity, expected finite numbers"),
        (["1", "1"], [0, 0], TypeError, "matrix: dtype <U1, expected numbers"),
        ([1, 1j], [0, 0], TypeError, "matrix: dtype complex128, expected numbers"),
        (None, [0, 0], TypeError, "matrix: dtype object, expected numbers"),
        ([1, 1], [0, 0, 0], ValueError, "offset: shape (3,), expected (2,)"),
        ([1, 1], 14.375, ValueError, "offset: shape (), expected (2,)"),
        ([1, 1], [[0, 0]], ValueError, "offset: shape (1, 2), expected (2,)"),
        ([1, 1], [0, -np.inf], ValueError, "offset: contains NaN or infinity, expected finite numbers"),
        ([1, 1], [0, None], TypeError, "offset: dtype object, expected numbers"),
    ],
)
def test_a_matrix_and_an_offset_are_of_two_axes(ops, matrix, offset, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        ops.affine_transform(image(), matrix, offset)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int8, np.uint64, np.bool_, ">f8"])
def test_a_matrix_and_an_offset_are_any_arrays(ops, kind):
    x = np.arange(24.0).reshape(2, 4, 3)
    memory = np.array([[1, 1], [0, 0], [1, 0]], kind)
    matrix, offset = memory.T[:, ::2], memory[2, ::-1]  # not contiguous
    expected = ops.affine_transform(x, [[1.0, 1.0], [1.0, 0.0]], [0.0, 1.0])
    assert np.array_equal(ops.affine_transform(x, matrix, offset), expected)
    assert expected.any()


@pytest.mark.parametrize("value", ["1.5", None, 1.5j, np.ones(1)])
def test_step_size_is_a_number(ops, value):
    x = image()
    for call in (
        lambda: ops.ascend(x, image(), value),
        lambda: ops.ascend_tensor(x, image((1, 4, 6, 3)), value, 0, 0),
    ):
        with pytest.raises(TypeError, match=f"^step_size: {type(value).__name__}, expected a number$"):
            call()
    assert (x == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("value", "mean"), [(0, 0), (1e-40, 0), (np.inf, np.inf), (np.nan, np.nan)])
def test_a_gradient_that_allows_no_step(ops, dtype, value, mean):
    x, g = image(dtype=dtype), np.full((1, 4, 6, 3), value, dtype)
    np.testing.assert_equal(ops.ascend_tensor(x, g, 1e300, 0, 0), dtype(mean))
    assert (x == 1).all()


@pytest.mark.parametrize("text", ["0", "-1", "1025", "two", "1.5", "2 "])
def test_thread_count_is_a_number(monkeypatch, text):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", text)
    expected = re.escape(f"PYDREAM_NUM_THREADS: '{text}' is not a whole number from 1 to 1024")
    for call, _ in CALLS.values():
        x = image()
        with pytest.raises(ValueError, match=f"^{expected}$"):
            call(NATIVE, x)
        assert (x == 1).all()


def test_empty_thread_count_is_none(monkeypatch):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "")
    assert NATIVE.mean_abs(image()) == 1


def test_the_compiled_functions_stay_in_their_memory_by_themselves():
    """No argument makes `_native` read or write past an array's end, although it is private and checked before."""
    from pydream.imageops import _native

    x, t, b = image(), image((1, 4, 6, 3)), MEAN
    for call in (
        lambda: _native.roll(x, 6, 0),
        lambda: _native.roll(x, 0, -1),
        lambda: _native.roll(x[0], 0, 0),
        lambda: _native.roll(image((3, 0, 6)), 0, 0),
        lambda: _native.roll(misaligned(), 0, 0),
        lambda: _native.zoom(x, 0, 1),
        lambda: _native.zoom(x, 2**62, 2**62),
        lambda: _native.affine_transform(x[0], np.ones(2), np.ones(2), False),
        lambda: _native.affine_transform(image((3, 0, 6)), np.ones(2), np.ones(2), False),
        lambda: _native.affine_transform(misaligned(), np.ones(2), np.ones(2), False),
        lambda: _native.affine_transform(x, np.ones(3), np.ones(2), False),
        lambda: _native.affine_transform(x, np.ones((2, 2)), np.ones(1), True),
        lambda: _native.affine_transform(x, np.ones((2, 2)), np.ones(4), True),
        lambda: _native.affine_transform_adjoint(x[0], np.ones(2), np.ones(2), False),
        lambda: _native.affine_transform_adjoint(misaligned(), np.ones(2), np.ones(2), False),
        lambda: _native.affine_transform_adjoint(x, np.ones((2, 2)), np.ones(1), True),
        lambda: _native.ascend(x, image((3, 4, 5)), 1.5, 8192),
        lambda: _native.ascend(read_only(image()), x, 1.5, 8192),
        lambda: _native.ascend(x, x, 1.5, 8192),
        lambda: _native.clip(x, b[:2], b),
        lambda: _native.clip(x, b, b[:2]),
        lambda: _native.clip(x, x[:, :1, :1].copy(), x.reshape(-1)[3:6].reshape(3, 1, 1)),
        lambda: _native.to_tensor(x, 6, 0, True),
        lambda: _native.mean_abs(x, 0),
        lambda: _native.ascend(x, image(), 1.5, 0),
        lambda: _native.ascend_tensor(x, t, 1.5, 0, 0, None, None, True, -1),
        lambda: _native.ascend_tensor(x, t[:, 1:], 1.5, 0, 0, None, None, True, 8192),
        lambda: _native.ascend_tensor(x, x.reshape(1, 4, 6, 3), 1.5, 0, 0, None, None, True, 8192),
        lambda: _native.ascend_tensor(x, t, 1.5, 0, 4, None, None, True, 8192),
        lambda: _native.ascend_tensor(x, t, 1.5, 0, 0, b, None, True, 8192),
        lambda: _native.ascend_tensor(x, t, 1.5, 0, 0, b, b[1:], True, 8192),
        lambda: _native.ascend_tensor(read_only(image()), t, 1.5, 0, 0, None, None, True, 8192),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            call()
    for call in (
        lambda: _native.roll(x.tolist(), 0, 0),
        lambda: _native.roll(x[:, ::2], 0, 0),
        lambda: _native.affine_transform(x, [1.0, 1.0], np.ones(2), False),
        lambda: _native.affine_transform(x, np.ones(2, np.float32), np.ones(2), False),
        lambda: _native.ascend(x, x.astype(np.float64), 1.5, 8192),
        lambda: _native.mean_abs(np.ones((1, 1, 1), np.int32), 8192),
    ):
        with pytest.raises(TypeError):
            call()
