"""The image side: the C++ against the 2015 notebook's NumPy and SciPy expressions, which compute the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from .. import imageops
from ..dream.octaves import Size, octave_sizes
from ..net import Array
from .inputs import gradient, image
from .timing import SAME_BITS, Contest

STEP = "image side of a step"
BACKENDS = ("numpy", "native")

_MEAN = np.array([104, 116, 122], np.float32).reshape(3, 1, 1)
_LOW, _HIGH = -_MEAN, 255 - _MEAN
_SHIFT = (13, -7)
_STEP_SIZE = 1.5
_CLOSER = 0.05  # the notebook's zoom loop
_LARGE = 575 * 1024  # pixels

Operation = Callable[[ModuleType, Array], Any]  # backend, image that it may write -> result


def contests(size: Size, dtype: str = "float32") -> Iterator[Contest]:
    """Yield the contests at a size: what a step does to the image, then each operation by itself.

    Parameters
    ----------
    size : (height, width)
    dtype : {"float32", "float64"}

    Yields
    ------
    Contest
        "numpy" against "native", to the same bits.
    """
    for name, operation in _operations(size, np.dtype(dtype)).items():
        yield Contest(
            f"{name}, {size[1]}x{size[0]}",
            {backend: _way(operation, imageops.backend(backend), size, dtype) for backend in BACKENDS},
            SAME_BITS,
        )


def bound(size: Size) -> float:
    """Return what the C++'s time is to be at most, as a share of NumPy's: alone, and inside a running dream."""
    return 0.5 if size[0] * size[1] >= _LARGE else 1.0


def names() -> list[str]:
    """Return the names of the operations, in the order of `contests`."""
    return list(_operations((8, 8), np.dtype("float32")))


def _way(operation: Operation, ops: ModuleType, size: Size, dtype: str) -> Callable[[], Any]:
    # Values reach beyond 0..255, so that there is something to clip. Operations in place continue from the last call.
    own = (1.5 * image(*size, _MEAN)).astype(dtype)
    return lambda: operation(ops, own)


def _operations(size: Size, dtype: np.dtype[Any]) -> dict[str, Operation]:
    height, width = size
    smaller = octave_sizes(height, width, 2)[1]
    g_tensor = gradient(height, width).astype(dtype)
    g = np.ascontiguousarray(g_tensor[0].transpose(2, 0, 1))
    low, high = _LOW.astype(dtype), _HIGH.astype(dtype)
    small = image(*smaller, _MEAN).astype(dtype)
    frame = np.ascontiguousarray(image(height, width, _MEAN).transpose(1, 2, 0), dtype)
    offset = [height * _CLOSER / 2, width * _CLOSER / 2]

    def ascend(ops: ModuleType, own: Array) -> Array:
        ops.ascend(own, g, _STEP_SIZE)
        return own

    def clip(ops: ModuleType, own: Array) -> Array:
        ops.clip(own, low, high)
        return own

    def ascend_tensor(ops: ModuleType, own: Array) -> tuple[Array, Array]:
        return ops.ascend_tensor(own, g_tensor, _STEP_SIZE, *_SHIFT, low, high), own

    def step(ops: ModuleType, own: Array) -> tuple[Array, ...]:
        tensor = ops.to_tensor(own, *_SHIFT)
        return (tensor, *ascend_tensor(ops, own))

    return {
        STEP: step,
        "to_tensor": lambda ops, own: ops.to_tensor(own, *_SHIFT),
        "ascend_tensor": ascend_tensor,
        "roll": lambda ops, own: ops.roll(own, *_SHIFT),
        "mean_abs": lambda ops, own: ops.mean_abs(g),
        "ascend": ascend,
        "clip": clip,
        "zoom up": lambda ops, own: ops.zoom(small, height, width),
        "zoom down": lambda ops, own: ops.zoom(own, *smaller),
        "affine_transform": lambda ops, own: ops.affine_transform(frame, [1 - _CLOSER] * 2, offset),
    }
