"""Nearness is how like a drawing's activations are to natural ones, as a cosine: drawings show what nothing else has.

A picture that was made to please a layer can do so with activations that no photograph gives. The cosine of both says
how far to trust it: 1 where the channels are in the same proportions, 0 where they have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..net import Array, Net
from ..picture import Picture
from .bounds import require
from .cells import activations

MOST_OF_ONE = 400  # places of a picture that are compared


def nearness_to(net: Net, layer: str, picture: Picture, vector: Array) -> float:
    """Return the cosine of a direction and what a picture gives: its activations' mean over the places of a layer."""
    return cosine(activations(net, layer, picture).mean((0, 1)), vector)


def cosine(one: Array, other: Array) -> float:
    """Return the cosine of two vectors, by sums whose order is the same on every machine; that of zeros is 0."""
    length = np.sqrt((one * one).sum() * (other * other).sum())
    return float((one * other).sum() / length) if length > 0 else 0.0


def cosines(rows: Array, others: Array) -> Array:
    """Return the cosine of each of (n, c) rows with each of (m, c) others, (n, m) float64; that of zeros is 0."""
    found: Array = _directions(rows) @ _directions(others).T
    return found


def _directions(rows: Array) -> Array:
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return found


class Natural(NamedTuple):
    """What a layer makes of natural pictures, at some places of each.

    Attributes
    ----------
    layer : str
    values : tuple of (n, channels) array
        One for each picture.
    """

    layer: str
    values: tuple[Array, ...]

    @classmethod
    def of(cls, net: Net, layer: str, pictures: Iterable[Picture]) -> Natural:
        """Run pictures to a layer; of each at most `MOST_OF_ONE` places count, evenly spaced.

        Raises
        ------
        ShapeError
            The layer has no grid, or a picture is too small for it.
        ValueError
            There is no picture.
        """
        found = tuple(_places(net, layer, picture) for picture in pictures)
        require(bool(found), "natural", 0, "at least one picture")
        return cls(layer, found)

    def nearness(self, net: Net, picture: Picture) -> float:
        """Return how near a picture's activations are to natural ones.

        At each of its places the largest cosine with any place of a natural picture; the mean over the places.
        """
        return _nearest(_places(net, self.layer, picture), self.values)

    @property
    def among_themselves(self) -> float | None:
        """The same of the natural pictures, each with all others, as the mean; None: there is only one."""
        if len(self.values) == 1:
            return None
        others = ((each, [*self.values[:k], *self.values[k + 1 :]]) for k, each in enumerate(self.values))
        return float(np.mean([_nearest(each, rest) for each, rest in others]))


def _places(net: Net, layer: str, picture: Picture) -> Array:
    values = activations(net, layer, picture)
    rows = values.reshape(-1, values.shape[-1])
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), MOST_OF_ONE)).round().astype(int)
    found: Array = rows[chosen].astype(np.float32)
    return found


def _nearest(rows: Array, others: Iterable[Array]) -> float:
    largest = np.full(len(rows), -1.0)
    for each in others:
        np.maximum(largest, cosines(rows, each).max(1), out=largest)
    return float(largest.mean())
