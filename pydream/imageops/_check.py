"""Argument → the checked argument, or an error in one line: which argument, what it is, what is expected."""

from __future__ import annotations

import numbers
import operator
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Image: TypeAlias = NDArray[Real]  # (C, H, W)
Frame: TypeAlias = NDArray[Real]  # (H, W, C)
Tensor: TypeAlias = NDArray[Real]  # (1, H, W, C) with channels_last, else (1, C, H, W)
Bounds: TypeAlias = NDArray[Real]  # (C, 1, 1)
Numbers: TypeAlias = NDArray[np.float64]


def image(name: str, array: Any, *, written: bool = False) -> None:
    """Check that an array is (C, H, W), C-contiguous, float32 or float64."""
    _has_axes(name, array, "(C, H, W)")
    if written and not array.flags.writeable:
        raise ValueError(f"{name}: read-only, expected a writable array")


def frame(array: Any) -> None:
    """Check that an array is (H, W, C), C-contiguous, float32 or float64."""
    _has_axes("frame", array, "(H, W, C)")


def gradient(array: Any, image: Image[Any]) -> None:
    """Check that a gradient has the image's shape and dtype, and shares no memory with it."""
    _is_like("gradient", array, image, image.shape, " like image")


def gradient_tensor(array: Any, image: Image[Any], channels_last: bool) -> None:
    """Check that a gradient is the image's in the network's layout."""
    channels, height, width = image.shape
    if channels_last:
        _is_like("gradient", array, image, (1, height, width, channels), " for this image, channels last")
    else:
        _is_like("gradient", array, image, (1, channels, height, width), " for this image, channels first")


def bounds(low: Any, high: Any, image: Image[Any]) -> None:
    """Check that there is a lower and an upper bound for each channel."""
    for name, array in (("low", low), ("high", high)):
        _is_like(name, array, image, (image.shape[0], 1, 1), ", one for each channel of image")


def optional_bounds(low: Any, high: Any, image: Image[Any]) -> None:
    """Check that there are both bounds, or neither."""
    if (low is None) != (high is None):
        given, missing = ("high", "low") if low is None else ("low", "high")
        raise ValueError(f"{missing}: None, expected an array because {given} is given")
    if low is not None:
        bounds(low, high, image)


def integer(name: str, value: Any) -> int:
    """Return a value of any integer type as a Python integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {type(value).__name__}, expected an integer") from None


def shift(ox: Any, oy: Any, image: Image[Any]) -> tuple[int, int]:
    """Return the shift modulo the image's size: ox in 0..W-1, oy in 0..H-1."""
    return integer("ox", ox) % image.shape[-1], integer("oy", oy) % image.shape[-2]


def size(height: Any, width: Any, image: Image[Any]) -> tuple[int, int]:
    """Return the height and width of an image that memory can address."""
    height, width = integer("height", height), integer("width", width)
    for name, value in (("height", height), ("width", width)):
        if value < 1:
            raise ValueError(f"{name}: {value}, expected at least 1")
    if image.shape[0] * height * width * image.itemsize > np.iinfo(np.intp).max:
        raise ValueError(f"height, width: {height}, {width}, expected an image that memory can address")
    return height, width


def finite(name: str, value: Any, *shapes: tuple[int, ...]) -> Numbers:
    """Return finite numbers as a new C-contiguous array, which has one of the shapes."""
    expected = " or ".join(map(str, shapes))
    try:
        array = np.asarray(value)
    except ValueError:  # a sequence of sequences of different lengths
        raise ValueError(f"{name}: not an array, expected shape {expected}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: dtype {array.dtype}, expected numbers")
    if array.shape not in shapes:
        raise ValueError(f"{name}: shape {array.shape}, expected {expected}")
    numbers = array.astype(np.float64, order="C")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name}: contains NaN or infinity, expected finite numbers")
    return numbers


def move(matrix: Any, offset: Any) -> tuple[Numbers, Numbers]:
    """Return the matrix and the offset of an affine transform as arrays, which are finite."""
    return finite("matrix", matrix, (2,), (2, 2)), finite("offset", offset, (2,))


def number(name: str, value: Any) -> float:
    """Return any real number as a Python float."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: {type(value).__name__}, expected a number")
    return float(value)


def _is_array(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: {type(array).__name__}, expected a NumPy array")
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: dtype {array.dtype}, expected float32 or float64")


def _has_axes(name: str, array: Any, axes: str) -> None:
    _is_array(name, array)
    if array.ndim != 3:
        raise ValueError(f"{name}: {array.ndim} dimensions, expected 3: {axes}")
    if array.size == 0:
        raise ValueError(f"{name}: shape {array.shape}, expected no axis of size 0")
    _is_plain(name, array)


def _is_plain(name: str, array: NDArray[Any]) -> None:
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"{name}: not C-contiguous and aligned; use np.array({name}, order='C')")


def _is_like(name: str, array: Any, image: Image[Any], shape: tuple[int, ...], why: str) -> None:
    _is_array(name, array)
    if array.dtype != image.dtype:
        raise TypeError(f"{name}: dtype {array.dtype}, expected {image.dtype} like image")
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape}, expected {shape}{why}")
    _is_plain(name, array)
    if np.may_share_memory(array, image):  # exact, as both are contiguous
        raise ValueError(f"{name}: shares memory with image; use {name}.copy()")
