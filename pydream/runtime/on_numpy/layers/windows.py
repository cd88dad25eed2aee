"""Windows are visited tap by tap.

`taps` yields, for each place in a kernel, the view of the padded map that the place sees as the kernel moves. Stacked,
the views are im2col; added to, they are col2im.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .base import Array, Pair


def taps(padded: Array, kernel: Pair, stride: Pair, dilation: Pair, out: Pair) -> Iterator[Array]:
    """Yield what each place (i, j) of the kernel sees, row by row: views (n, c, out_h, out_w)."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            yield padded[
                :,
                :,
                top : top + (out[0] - 1) * stride[0] + 1 : stride[0],
                left : left + (out[1] - 1) * stride[1] + 1 : stride[1],
            ]


def pad(x: Array, before: Pair, size: Pair, filler: float) -> Array:
    """Put x into a map that begins `before` it and has room for `size`, the rows and columns that windows reach."""
    h, w = (max(size[axis], before[axis] + x.shape[2 + axis]) for axis in (0, 1))
    padded = np.full((*x.shape[:2], h, w), filler, x.dtype)
    unpad(padded, before, x.shape)[...] = x
    return padded


def unpad(padded: Array, before: Pair, shape: tuple[int, ...]) -> Array:
    """Return the view of a padded map where x of that shape is."""
    return padded[:, :, before[0] : before[0] + shape[2], before[1] : before[1] + shape[3]]


def reached(out: Pair, stride: Pair, reach: Pair) -> Pair:
    """Return how many rows and columns `out` windows of size `reach` span."""
    return ((out[0] - 1) * stride[0] + reach[0], (out[1] - 1) * stride[1] + reach[1])
