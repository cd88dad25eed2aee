"""The tutorial's Laplacian pyramid: a gradient is split into bands of detail, each made equally strong, and merged.

Each channel is blurred with the outer product of [1, 4, 6, 4, 1] / 16 with itself, with zeros around the image. That is
TensorFlow's convolution of stride 2 and padding SAME, and its transpose with four times the kernel. With `wrap` the
image itself is around it, for sides that are even at every level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..net import Array

KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # along each axis; of the 5x5 kernel, which sums to 1
MOST_LEVELS = 16  # after which one pixel of 65,536 is left
EPS = 1e-10  # a band below this is empty

Axes = tuple[int, int]  # of height and width
HWC: Axes = (0, 1)  # of a picture


def lap_normalize(grad: Array, scale_n: int = 4, axes: Axes = HWC, wrap: bool = False) -> Array:
    """Make every band of a gradient equally strong: split, divide each band by its root mean square, merge.

    Parameters
    ----------
    grad : array
        A gradient at an image; left as it is.
    scale_n : int
        Levels of detail that are split off; `MOST_LEVELS` are more than any picture has. The rest is a band too.
    axes : (int, int)
        The axes of height and width: (0, 1) of (H, W, C), (1, 2) of (C, H, W) or (1, H, W, C), (2, 3) of (1, C, H, W).
    wrap : bool
        Whether opposite edges meet.

    Returns
    -------
    array
        Of the gradient's shape, dtype and layout.
    """
    return lap_merge([normalize_std(band) for band in lap_split_n(grad, scale_n, axes, wrap)], axes, wrap)


def lap_split_n(img: Array, n: int, axes: Axes = HWC, wrap: bool = False) -> list[Array]:
    """Return the n bands of an image and the rest, the smallest first; `axes` as for `lap_normalize`."""
    levels = []
    for _ in range(n):
        img, hi = lap_split(img, axes, wrap)
        levels.append(hi)
    return [*levels, img][::-1]


def lap_split(img: Array, axes: Axes = HWC, wrap: bool = False) -> tuple[Array, Array]:
    """Return an image of half the size, rounded up, and the detail that it lacks: `lap_merge` is the inverse."""
    lo = _down(img, axes, wrap)
    return lo, img - _up(lo, img.shape, axes, wrap)


def lap_merge(levels: Sequence[Array], axes: Axes = HWC, wrap: bool = False) -> Array:
    """Merge the bands of `lap_split_n`: unchanged bands make the image again, up to rounding."""
    img = levels[0]
    for hi in levels[1:]:
        img = _up(img, hi.shape, axes, wrap) + hi
    return img


def normalize_std(img: Array, eps: float = EPS) -> Array:
    """Divide by the root mean square over all axes: ``img / max(sqrt(mean(img^2)), eps)``, in the image's dtype."""
    normalized: Array = img / np.maximum(np.sqrt(np.mean(np.square(img))), img.dtype.type(eps))
    return normalized


def _down(img: Array, axes: Axes, wrap: bool) -> Array:
    """Blur, and keep every second row and column."""
    from scipy.ndimage import correlate1d  # sums in double and rounds once for each axis

    for axis in axes:
        img = correlate1d(img, KERNEL, axis, mode="wrap" if wrap else "constant")[_kept(img.shape[axis], axis)]
    return np.ascontiguousarray(img)


def _up(img: Array, shape: tuple[int, ...], axes: Axes, wrap: bool) -> Array:
    """Put rows and columns back at their places, zeros between, and blur: the transpose of `_down`, times 4."""
    from scipy.ndimage import correlate1d

    for axis in axes:
        apart = np.zeros((*img.shape[:axis], shape[axis], *img.shape[axis + 1 :]), img.dtype)
        apart[_kept(shape[axis], axis)] = img
        img = correlate1d(apart, 2 * KERNEL, axis, mode="wrap" if wrap else "constant")
    return img


def _kept(size: int, axis: int) -> tuple[slice, ...]:
    """Return the index of the centres of a convolution of stride 2 and padding SAME, along an axis."""
    return (*[slice(None)] * axis, slice(1 - size % 2, None, 2))
