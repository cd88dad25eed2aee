"""Factors of a layer's activations: a few directions whose sums, at each place with weights of its own, come near them.

Non-negative matrix factorisation, X ≈ W H: the rows of X are the activations at each place, those of H the directions,
and W has their weights, which no place has below 0. So a factor is a part that is there more or less, and never less
than nothing: "The Building Blocks of Interpretability" (Olah et al., Distill 2018) groups what a layer sees that way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import ShapeError
from ..net import Array
from .bounds import whole_number

MOST_FACTORS = 16
ROUNDS = 30
_DECIMALS = 4  # of a direction's numbers, whose largest is 1: rounding on other machines is far below
_TINY = 1e-12  # of the largest square of a row: what is no more is rounding


class Factors(NamedTuple):
    """What activations are made of.

    Attributes
    ----------
    weights : (n, rows, columns) array
        How much of each factor there is at each place, at least 0.
    vectors : (n, channels) array
        The directions, each with a largest number of 1, or all 0.
    shares : (n,) array
        What a factor's activations add up to, as a part of what all factors' do; the first has most.
    kept : float
        The part of the squares of the activations that the factors hold: ``1 - |X - W H|^2 / |X|^2``.
    """

    weights: Array
    vectors: Array
    shares: Array
    kept: float


def factorise(values: Array, count: int) -> Factors:
    """Find factors by non-negative least squares in turns, from places that are most unlike each other.

    Of given directions H the best weights W are a problem of `scipy.optimize.nnls` at each place, and of these weights
    the best directions one for each channel (Paatero and Tapper, 1994): neither makes |X - W H| larger. H starts as the
    activations at the strongest place, and at each next one what is strongest when the parts along those before have
    been taken out (the successive projection of Araujo et al., 2001): no chance is in it.

    Parameters
    ----------
    values : (rows, columns, channels) array
        Activations; those below 0 are taken as 0.
    count : int
        1 to `MOST_FACTORS`.

    Raises
    ------
    ValueError
        The count is out of its range.
    ShapeError
        There are not so many places that differ.
    """
    whole_number("factors", count, 1, MOST_FACTORS)
    found = np.maximum(values.reshape(-1, values.shape[-1]), 0.0).astype(np.float64)
    vectors = found[_unlike(found, count)]
    weights = _parts(vectors, found)
    for _ in range(ROUNDS):
        vectors = _parts(weights.T, found.T).T
        weights = _parts(vectors, found)
    squares = float(((found - weights @ vectors) ** 2).sum() / (found**2).sum())
    tops = vectors.max(1)
    weights, vectors = weights * tops, vectors / np.where(tops > 0, tops, 1)[:, np.newaxis]
    sums = weights.sum(0) * vectors.sum(1)
    order = np.argsort(-sums, kind="stable")
    return Factors(
        weights.T[order].reshape(count, *values.shape[:2]),
        np.round(vectors[order], _DECIMALS),
        sums[order] / sums.sum(),
        1 - squares,
    )


def _parts(vectors: Array, rows: Array) -> Array:
    """Return the weights, at least 0, with which sums of the vectors, (k, c), come nearest to rows, (n, c): (n, k)."""
    from scipy.optimize import nnls

    return np.stack([nnls(vectors.T, row)[0] for row in rows])


def _unlike(rows: Array, count: int) -> list[int]:
    """Return the numbers of the row that is longest, and of those with the longest remainders behind it."""
    rest, chosen = rows.copy(), list[int]()
    lengths = (rest * rest).sum(1)
    least = lengths.max() * _TINY
    for _ in range(count):
        longest = int(np.argmax(lengths))
        if lengths[longest] <= least:
            raise ShapeError(f"{count} factors, and only {len(chosen)} of the places differ in their activations")
        chosen.append(longest)
        along = rest[longest] / np.sqrt(lengths[longest])
        rest -= np.outer(rest @ along, along)
        lengths = (rest * rest).sum(1)
    return chosen
