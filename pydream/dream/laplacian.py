"""The tutorial's Laplacian pyramid: a gradient is split into bands of detail, each made equally strong, and merged.

Height and width are blurred by the outer product of [1, 4, 6, 4, 1] / 16 with itself, channels apart, with zeros around
the image. That is TensorFlow's convolution of stride 2 and padding SAME, and its transpose with four times the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..net import Array

KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # along each axis; of the 5x5 kernel, which sums to 1
MOST_LEVELS = 16  # a pixel is left of 65,536
EPS = 1e-10  # below it a band counts as empty

Axes = tuple[int, int]  # of height and width
HWC: Axes = (0, 1)  # those of a picture


def lap_normalize(grad: Array, scale_n: int = 4, axes: Axes = HWC) -> Array:
    """Make every band of a gradient equally strong: split, divide each band by its root mean square, merge.

    Parameters
    ----------
    grad : array
        A gradient at an image; left as it is.
    scale_n : int
        Levels of detail that are split off, `MOST_LEVELS` being more than any picture has; what is left below them is a
        band too.
    axes : (int, int)
        Those of height and width: (0, 1) of (H, W, C), (1, 2) of (C, H, W) or (1, H, W, C), (2, 3) of (1, C, H, W).

    Returns
    -------
    array
        Of the gradient's shape and dtype, laid out as it is.
    """
    return lap_merge([normalize_std(band) for band in lap_split_n(grad, scale_n, axes)], axes)


def lap_split_n(img: Array, n: int, axes: Axes = HWC) -> list[Array]:
    """Give the n bands of an image and what is left below them, the smallest first; `axes` as for `lap_normalize`."""
    levels = []
    for _ in range(n):
        img, hi = lap_split(img, axes)
        levels.append(hi)
    return [*levels, img][::-1]


def lap_split(img: Array, axes: Axes = HWC) -> tuple[Array, Array]:
    """Give an image of half the size, rounded up, and the detail that it lacks: what `lap_merge` makes one again."""
    lo = _down(img, axes)
    return lo, img - _up(lo, img.shape, axes)


def lap_merge(levels: Sequence[Array], axes: Axes = HWC) -> Array:
    """Put the bands of `lap_split_n` together again; without change between, that is the image up to rounding."""
    img = levels[0]
    for hi in levels[1:]:
        img = _up(img, hi.shape, axes) + hi
    return img


def normalize_std(img: Array, eps: float = EPS) -> Array:
    """Divide by the root mean square over all axes: ``img / max(sqrt(mean(img^2)), eps)``, in the image's dtype."""
    normalized: Array = img / np.maximum(np.sqrt(np.mean(np.square(img))), img.dtype.type(eps))
    return normalized


def _down(img: Array, axes: Axes) -> Array:
    """Blur, and keep every second row and column."""
    from scipy.ndimage import correlate1d  # sums in double and rounds once for each axis

    for axis in axes:
        img = correlate1d(img, KERNEL, axis, mode="constant")[_kept(img.shape[axis], axis)]
    return np.ascontiguousarray(img)


def _up(img: Array, shape: tuple[int, ...], axes: Axes) -> Array:
    """Put the rows and columns where `_down` found them, zeros between, and blur: its transpose, times 4."""
    from scipy.ndimage import correlate1d

    for axis in axes:
        spread = np.zeros((*img.shape[:axis], shape[axis], *img.shape[axis + 1 :]), img.dtype)
        spread[_kept(shape[axis], axis)] = img
        img = correlate1d(spread, 2 * KERNEL, axis, mode="constant")
    return img


def _kept(size: int, axis: int) -> tuple[slice, ...]:
    """Give the places along an axis that a convolution of stride 2, padding SAME, is centred on."""
    return (*[slice(None)] * axis, slice(1 - size % 2, None, 2))
