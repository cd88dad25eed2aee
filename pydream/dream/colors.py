"""Correlations of red, green and blue in pictures, and the root of such a matrix: the same numbers on any machine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations

import numpy as np

from ..net import Array
from ..picture import Picture

Correlations = tuple[float, float, float]  # of red and green, red and blue, green and blue

_PAIRS = tuple(combinations(range(3), 2))
_LEAST_VOLUME = 1e-6  # the determinant; of three channels that are nearly one the root has no direction
_ZERO = 1e-20
_SWEEPS = 8  # of Jacobi's method; the fourth changes no digit of the matrices that were tried


def color_correlations(pictures: Iterable[Picture]) -> Correlations:
    """Return the correlations of the channels in pictures, for `pydream.retouch.DecorrelateColors`.

    They are those of the mean of the pictures' covariances, ``mean(x xᵀ) - mean(x) mean(x)ᵀ`` over the pixels x of
    each: a picture counts by its contrast, whatever its size.

    Parameters
    ----------
    pictures : iterable of (h, w, 3) uint8 array
        RGB. They are looked at one by one.

    Returns
    -------
    (float, float, float)
        Of red and green, red and blue, green and blue, in four decimals.

    Raises
    ------
    ValueError
        The pictures have no contrast, or nearly no colours.
    """
    covariance = np.zeros((3, 3))
    for picture in pictures:
        covariance += _covariance(picture)
    deviations = np.sqrt(covariance.diagonal())
    if deviations.min() == 0:
        raise ValueError("there is no picture with contrast in red, green and blue")
    red_green, red_blue, green_blue = (
        round(float(covariance[a, b] / (deviations[a] * deviations[b])), 4) for a, b in _PAIRS
    )
    found = red_green, red_blue, green_blue
    check_correlations(found)
    return found


def check_correlations(correlations: Correlations) -> None:
    """Raise `ValueError` for three numbers that are no correlations, or of channels that are nearly the same."""
    a, b, c = correlations
    volume = 1 + 2 * a * b * c - a * a - b * b - c * c
    if not (all(-1 < each < 1 for each in correlations) and volume >= _LEAST_VOLUME):  # NaN included
        shown = ",".join(f"{each:g}" for each in correlations)
        raise ValueError(f"{shown}: no correlations of three colours, or of nearly grey ones (natural: 0.9,0.81,0.9)")


def root(correlations: Correlations) -> Array:
    """Return the symmetric square root of the matrix of correlations, (3, 3), in RGB.

    By Jacobi's rotations, in Python's own numbers: those of a linear algebra library differ from machine to machine.
    """
    r, s, t = correlations
    matrix = [[1.0, r, s], [r, 1.0, t], [s, t, 1.0]]
    axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]  # the columns
    for p, q in _PAIRS * _SWEEPS:
        if abs(matrix[p][q]) > _ZERO:
            _diagonalize(matrix, axes, p, q)
    roots = [math.sqrt(matrix[k][k]) for k in range(3)]
    return np.array([[sum(x * y * z for x, y, z in zip(a, b, roots, strict=True)) for b in axes] for a in axes])


def _covariance(picture: Picture) -> Array:
    """Return the covariance of a picture's channels, from sums of whole numbers, which no order of adding changes."""
    channels = np.asarray(picture).reshape(-1, 3).T.astype(np.int64)
    count, sums = channels.shape[1], [int(channel.sum()) for channel in channels]
    products = channels @ channels.T
    return np.array(
        [[(int(products[i, j]) * count - sums[i] * sums[j]) / count**2 for j in range(3)] for i in range(3)]
    )


def _diagonalize(matrix: list[list[float]], axes: list[list[float]], p: int, q: int) -> None:
    """Rotate the axes p and q until their correlation is 0."""
    ratio = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q])
    tangent = math.copysign(1 / (abs(ratio) + math.sqrt(ratio * ratio + 1)), ratio)
    cosine = 1 / math.sqrt(tangent * tangent + 1)
    sine = tangent * cosine
    for rows in (axes, matrix):
        for row in rows:
            row[p], row[q] = cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]
    matrix[p], matrix[q] = (
        [cosine * x - sine * y for x, y in zip(matrix[p], matrix[q], strict=True)],
        [sine * x + cosine * y for x, y in zip(matrix[p], matrix[q], strict=True)],
    )
    matrix[p][q] = matrix[q][p] = 0.0
