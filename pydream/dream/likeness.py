"""A likeness pulls activations along others: along a direction of a layer's channels, or to what a picture gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..net import Affine, Array, Blob, Net

Objective = Callable[..., None]  # takes the blob of each layer to dream with

MOST_POWER = 100  # of a cosine; from 10 or so only proportions count
LEAST_COSINE = 0.1  # as lucid's: below it a place is pulled along a direction as at it


class Caricature:
    """More of what the picture already is: activations x climb along the picture's own, y, at each octave and shift.

    The score is lucid's `dot_compare`, ``x·y cos(x, y)^power``. The picture of an octave runs forward once a step, on a
    twin of the net.

    Parameters
    ----------
    power : float
        Of the cosine, at least 0: the larger, the nearer the dream stays to the picture's activations in all their
        proportions. At 0 only the dot product counts, and what is strong may grow without bounds.
    """

    def __init__(self, power: float = 0.0) -> None:
        if not 0 <= power <= MOST_POWER:  # NaN included
            raise ValueError(f"caricature: {power}, expected a number from 0 to {MOST_POWER}")
        self.power = power

    def at(self, net: Net, base: Array) -> Objective:
        """Return the objective of an octave, whose picture is `base`, an image of the net."""
        return _AtOctave(self, net, base)

    def __call__(self, *dst: Blob) -> None:
        """Raise TypeError: only what `at` returns knows a picture."""
        raise TypeError("a caricature is of a picture: `deepdream` gives it that of each octave")


class _AtOctave:
    def __init__(self, caricature: Caricature, net: Net, base: Array) -> None:
        self._power = caricature.power
        self._twin = net.twin()
        self._base = base

    def seen(self, ends: tuple[str, ...], feed: Callable[[Array], Any]) -> Objective:
        """Return the objective of a step, for which `feed` makes the net's tensor of an image."""
        twin, base = self._twin, self._base
        twin.resize(*base.shape[1:])
        twin.forward(end=ends, tensor=feed(base))
        features = [twin.blobs[end].data[0].copy() for end in ends]
        twin.resize(1, 1)  # its values would take as much memory as the step's

        def objective(*dst: Blob) -> None:
            for blob, each in zip(dst, features, strict=True):
                blob.drive(toward(blob, each, self._power))

        return objective

    def __call__(self, *dst: Blob) -> None:
        raise TypeError("a step shifts the picture first")


def toward(blob: Blob, features: Array, power: float = 0.0) -> Affine:
    """Return the seed of the direction in which ``x·y (x·y / |x|)^power`` grows, for a blob's x and features y.

    ``(1 + power) y - power (x·y / x·x) x``: the gradient without its factor ``(x·y / |x|)^power``, which no normalised
    step shows. Where x·y is not positive the power is left out.
    """
    if power:
        x = blob.data[0]
        dot = float(np.vdot(x, features))
        if dot > 0:
            gain, share = _slope(dot, float(np.vdot(x, x)), power)
            return Affine(gain, share * features)
    return Affine(0, features)


def along(x: Array, vector: Array, power: float) -> tuple[Array, Array]:
    """Return the gradient of ``x·v max(cos(x, v), LEAST_COSINE)^power`` at each place: factors of x and of v.

    Parameters
    ----------
    x : (c, ...) array
        Activations.
    vector : (c,) array
        v, with a number other than 0.
    power : float

    Returns
    -------
    (...) array, (...) array
    """
    dot, square = np.tensordot(vector, x, 1), np.einsum("c...,c...->...", x, x, dtype=np.float64)
    cosine = np.divide(dot, np.sqrt(square) * np.linalg.norm(vector), out=np.zeros_like(dot), where=square > 0)
    close = cosine > LEAST_COSINE
    gain, share = _slope(dot, np.where(close, square, 1), power)
    factor = np.maximum(cosine, LEAST_COSINE) ** power
    return factor * np.where(close, gain, 0), factor * np.where(close, share, 1)


def _slope(dot: Any, square: Any, power: float) -> tuple[Any, float]:
    """Return the gradient of ``x·y (x·y / |x|)^power`` without that last factor: factors of x and of y."""
    return -power * dot / square, 1 + power


def at_octave(objective: Objective, net: Net, base: Callable[[], Array]) -> Objective:
    """Return an objective for an octave whose picture `base` makes; one that needs no picture as it is."""
    return objective.at(net, base()) if isinstance(objective, Caricature) else objective


def at_step(objective: Objective, ends: tuple[str, ...], feed: Callable[[Array], Any]) -> Objective:
    """Return an objective for a step, for which `feed` makes the net's tensor of an image."""
    return objective.seen(ends, feed) if isinstance(objective, _AtOctave) else objective
