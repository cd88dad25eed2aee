"""A likeness pulls activations along others: along a direction of a layer's channels, or to what a picture gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..media import resized
from ..net import Affine, Array, Blob, Net
from ..picture import Picture
from .images import preprocess

Objective = Callable[..., None]  # takes the blob of each layer to dream with

MOST_POWER = 100  # of a cosine; from 10 or so only proportions count
LEAST_COSINE = 0.1  # as lucid's: below it a place is pulled along a direction as at it


class Likeness(ABC):
    """What pulls activations x to a picture's, y, which is seen as the dream is: at each octave's size, shifted alike.

    The picture runs forward once a step, on a twin of the net.

    Attributes
    ----------
    weights : sequence of float
        A factor for the gradient at each layer; empty: 1.
    """

    weights: Sequence[float] = ()

    @abstractmethod
    def seed(self, blob: Blob, features: Array) -> Affine:
        """Return the gradient at a layer, for a blob's x and features y."""

    def image(self, net: Net, base: Array) -> Array:
        """Return the picture of an octave, an image of the net; `base` is the octave's own."""
        return base

    def at(self, net: Net, base: Array) -> Objective:
        """Return the objective of an octave."""
        return _AtOctave(self, net, self.image(net, base))

    def __call__(self, *dst: Blob) -> None:
        """Raise TypeError: only what `at` returns knows a picture."""
        raise TypeError("a likeness is to a picture: `deepdream` gives it that of each octave")


class Caricature(Likeness):
    """More of what the picture already is: activations x climb along the picture's own, y, at each octave and shift.

    The score is lucid's `dot_compare`, ``x·y cos(x, y)^power``.

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

    def seed(self, blob: Blob, features: Array) -> Affine:
        """Return the gradient: see `toward`."""
        return toward(blob, features, self.power)


class Inversion(Likeness):
    """Another picture's activations, y, themselves: the score is ``-|x - y|² / 2|y|²``, the sum of several layers'.

    So a dream from noise shows what the layers keep of the picture (Mahendran and Vedaldi, 2015).

    Parameters
    ----------
    picture : (h, w, 3) array
        RGB, 0..255; resized to the size of each octave.
    weights : sequence of float
        A factor for each layer's share; below 0 the dream is turned away from the picture there. Empty: 1.
    """

    def __init__(self, picture: Picture, *, weights: Sequence[float] = ()) -> None:
        self._picture = picture
        self.weights = weights

    def image(self, net: Net, base: Array) -> Array:
        """Return the picture in the size of `base`."""
        height, width = base.shape[1:]
        return preprocess(net, resized(self._picture, (height, width)))

    def seed(self, blob: Blob, features: Array) -> Affine:
        """Return the gradient, ``(y - x) / |y|²``."""
        factor = 1 / (float(np.vdot(features, features)) or 1.0)
        return Affine(-factor, factor * features)  # exactly 0 where x is y


class _AtOctave:
    def __init__(self, likeness: Likeness, net: Net, image: Array) -> None:
        self._likeness = likeness
        self._twin = net.twin()
        self._image = image

    def seen(self, ends: tuple[str, ...], feed: Callable[[Array], Any]) -> Objective:
        """Return the objective of a step, for which `feed` makes the net's tensor of an image."""
        twin, image = self._twin, self._image
        twin.resize(*image.shape[1:])
        twin.forward(end=ends, tensor=feed(image))
        features = [twin.blobs[end].data[0].copy() for end in ends]
        twin.resize(1, 1)  # its values would take as much memory as the step's

        weights = self._likeness.weights or [1.0] * len(ends)

        def objective(*dst: Blob) -> None:
            for blob, each, weight in zip(dst, features, weights, strict=True):
                gain, bias = self._likeness.seed(blob, each)
                blob.drive(Affine(gain, bias) if weight == 1 else Affine(weight * gain, weight * bias))

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
    return objective.at(net, base()) if isinstance(objective, Likeness) else objective


def at_step(objective: Objective, ends: tuple[str, ...], feed: Callable[[Array], Any]) -> Objective:
    """Return an objective for a step, for which `feed` makes the net's tensor of an image."""
    return objective.seen(ends, feed) if isinstance(objective, _AtOctave) else objective
