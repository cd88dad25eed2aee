"""image → image on a torus, where opposite edges meet: a rolled image has the rolled result, to the bit.

Sums are rounded in the order of their terms, and a rolled image has them in another order. So what sums over an image
starts at an origin that the image itself decides on, and that is rolled with it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pydream.imageops import _check
from pydream.imageops._check import Bounds, Image, Real, Tensor

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, odd: products with it reach all higher bits
_HALF = np.uint64(32)


class TorusOps(ModuleType):
    """The operations of a backend, of which those that know edges, or an order, are those of a torus."""

    def __init__(self, ops: ModuleType) -> None:
        super().__init__(f"{ops.__name__} on a torus")
        self._ops = ops

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def zoom(self, image: Image[Real], height: int, width: int) -> Image[Real]:
        """Resample an image to another size, as ``scipy.ndimage.zoom(…, order=1, mode="grid-wrap", grid_mode=True)``.

        Pixels are areas: output `o` is at ``(o + 1/2) in / out - 1/2``, and behind the last pixel comes the first. The
        weights are fractions of whole numbers, so that they repeat to the bit wherever the places do.
        """
        _check.image("image", image)
        height, width = _check.size(height, width, image)
        zoomed = _resampled(_resampled(image, 1, height), 2, width)
        return np.ascontiguousarray(zoomed, image.dtype)

    def mean_abs(self, gradient: Image[Real]) -> Real:
        """Compute mean|g|, summed from the origin of g."""
        y, x = origin(gradient)
        mean: Real = self._ops.mean_abs(np.roll(gradient, (-y, -x), (1, 2)))
        return mean

    def ascend_tensor(
        self,
        image: Image[Real],
        gradient: Tensor[Real],
        step_size: float,
        ox: int,
        oy: int,
        low: Bounds[Real] | None = None,
        high: Bounds[Real] | None = None,
        channels_last: bool = True,
    ) -> Real:
        """As the backend's, from the origin of the gradient."""
        planes = np.moveaxis(gradient[0], 2, 0) if channels_last else gradient[0]
        y, x = origin(planes)
        rolled = np.roll(gradient, (-y, -x), (1, 2) if channels_last else (2, 3))
        mean: Real = self._ops.ascend_tensor(image, rolled, step_size, ox - x, oy - y, low, high, channels_last)
        return mean


def origin(image: NDArray[Any], cells: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Choose a pixel of an image on a torus, by what there is to be seen from it.

    Parameters
    ----------
    image : (C, H, W) float32 or float64
    cells : (int, int)
        What the row and the column are multiples of; they divide the height and the width.

    Returns
    -------
    (int, int)
        Row and column. Rolled by multiples of `cells`, an image has the origin rolled with it, unless it is periodic:
        then the origin is one of those from which the image looks the same.
    """
    high, wide = cells
    bits = image.view(np.uint32 if image.itemsize == 4 else np.uint64)
    seen = np.zeros((image.shape[1] // high, image.shape[2] // wide), np.uint64)
    for plane in bits:
        for row in range(high):
            for column in range(wide):
                seen *= _FACTOR
                seen += plane[row::high, column::wide]
    for axis in (1, 0):  # hash by hash, twice as far each time, until one of them is the least
        step = 1
        while step < seen.shape[axis] and np.count_nonzero(seen == seen.min()) > 1:
            _mix(seen)
            seen = seen * _FACTOR + np.roll(seen, -step, axis)
            step *= 2
        _mix(seen)
    y, x = divmod(int(seen.argmin()), seen.shape[1])
    return y * high, x * wide


def _mix(hashes: NDArray[np.uint64]) -> None:
    """Let the higher bits decide on the lower ones, in place."""
    hashes ^= hashes >> _HALF
    hashes *= _FACTOR
    hashes ^= hashes >> _HALF


def _resampled(image: NDArray[Any], axis: int, size: int) -> NDArray[Any]:
    """Interpolate linearly along an axis, in double; a copy where the size is the same."""
    before = image.shape[axis]
    if size == before:
        return image.copy()
    first, part = np.divmod((2 * np.arange(size) + 1) * before - size, 2 * size)  # of where it is, times 2 size
    weight = np.expand_dims(part / (2 * size), tuple(range(1, 3 - axis)))
    left, right = (image.take((first + after) % before, axis) for after in (0, 1))
    between: NDArray[Any] = left * (1 - weight) + right * weight
    return between
