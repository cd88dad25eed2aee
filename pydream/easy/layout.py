"""Vectors → groups of vectors of alike directions → a map of the groups, the same on every machine.

Sums are rounded otherwise where they are summed in another order, as linear algebra libraries do on other machines.
So vectors become whole numbers first: products and sums of these are exact in double precision, whatever their order.
What is left, one rounding a value, is the same everywhere; the costs of places on the map are whole numbers again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..net import Array

LENGTH = 2**14  # of a vector of whole numbers
MOST_VECTORS = 2**17  # sums of so many products stay below 2^62, and those that are taken in floats below 2^53
MOST_SIDE = 32  # of a map, in cells
ROUNDS = 100  # of grouping, at most; and of the search for an axis
_BLOCK = 2**22  # numbers that are compared at once


def directions(vectors: Array) -> Array:
    """Return vectors, (n, c), at the length `LENGTH`, rounded to whole numbers, as float64; zeros stay zeros."""
    found = vectors.astype(np.float64)
    lengths = np.sqrt((found * found).sum(1, keepdims=True))
    np.divide(found, lengths, out=found, where=lengths > 0)
    found *= LENGTH
    return np.rint(found, out=found)


def group(points: Array, count: int, rng: np.random.RandomState, between: Callable[[], object] = lambda: None) -> Array:
    """Group directions so that those of a group are alike: spherical k-means.

    Parameters
    ----------
    points : (n, c) array
        As `directions` returns them.
    count : int
        The most groups, at most n.
    rng : numpy.random.RandomState
        Draws the points that the groups begin with.
    between : callable
        Is called between rounds; what it raises ends everything.

    Returns
    -------
    (n,) intp array
        The number of each one's group: 0 to at most `count` - 1, without gaps.
    """
    centres = points[np.sort(rng.choice(len(points), count, replace=False))]
    groups = np.full(len(points), -1)
    for _ in range(ROUNDS):
        between()
        before, groups = groups, _nearest(points, centres)
        if (groups == before).all():
            break
        sums = np.zeros_like(centres)
        np.add.at(sums, groups, points)
        centres = directions(sums)
    return np.unique(groups, return_inverse=True)[1]


def _nearest(points: Array, centres: Array) -> Array:
    """Return the centre of the largest dot product with each point; of equal ones the first."""
    rows = max(_BLOCK // len(centres), 1)
    blocks = (points[first : first + rows] @ centres.T for first in range(0, len(points), rows))
    return np.concatenate([block.argmax(1) for block in blocks])


def principal_axes(points: Array) -> Array:
    """Return the two directions of the largest variance, (2, c), each of length 1, or zeros where there is none.

    The covariance, times n^2, is a matrix of exact whole numbers; its eigenvectors are found by the power method. The
    component of the largest size is positive, of equally large ones the first.
    """
    count, sums = len(points), points.sum(0).astype(np.int64)
    covariance = (count * (points.T @ points).astype(np.int64) - np.outer(sums, sums)).astype(np.float64)
    axes = covariance[np.argsort(-covariance.diagonal(), kind="stable")[:2]]
    if len(axes) < 2:
        axes = np.resize(axes, (2, points.shape[1]))
    for _ in range(ROUNDS):
        first = _unit(_times(covariance, axes[0]))
        second = _times(covariance, axes[1])
        axes = np.stack([first, _unit(second - (first * second).sum() * first)])
    largest = axes[np.arange(2), np.abs(axes).argmax(1)]
    found: Array = axes * np.where(largest < 0, -1.0, 1.0)[:, np.newaxis]
    return found


def _times(matrix: Array, vector: Array) -> Array:
    """Multiply by NumPy's sums, whose order is the same everywhere; that of `@` is the library's."""
    product: Array = (matrix * vector).sum(1)
    return product


def _unit(vector: Array) -> Array:
    scaled: Array = vector / max(np.abs(vector).max(), np.finfo(np.float64).tiny)
    unit: Array = scaled / max(np.sqrt((scaled * scaled).sum()), 1.0)
    return unit


def assign(points: Array, axes: Array, side: int) -> Array:
    """Place points on a square map of `side` cells along each side, each in a cell of its own, near its neighbours.

    A point's coordinates are its ranks along the axes, so that the map is filled evenly; of equal ones the first point
    is before the others. The sum of the squared distances from there to the cells is the smallest that there is. It is
    a sum of whole numbers, so nothing is rounded; of equally good maps SciPy always finds the same.

    Parameters
    ----------
    points : (n, c) array
        At most side^2.
    axes : (2, c) array
        As `principal_axes` returns them: the first from left to right, the second from top to bottom.
    side : int

    Returns
    -------
    (n,) intp array
        The cell of each, counted from 0, row by row.
    """
    from scipy.optimize import linear_sum_assignment

    count = len(points)
    costs = np.zeros((count, side * side))
    cells = np.arange(side * side)
    for axis, at in zip(axes, (cells % side, cells // side), strict=True):
        ranks = np.argsort(np.argsort(_times(points, axis), kind="stable"), kind="stable")
        # in units in which both the ranks, 0 to count - 1, and the cells, 0 to side - 1, are whole numbers
        costs += (ranks[:, np.newaxis] * (side - 1) - at * (count - 1)) ** 2.0
    found: Array = linear_sum_assignment(costs)[1]
    return found
