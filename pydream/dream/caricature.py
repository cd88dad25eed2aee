"""A caricature is more of what a picture already is: the dream's activations x climb along the picture's own, y.

The score is that of lucid's `dot_compare`, ``x·y cos(x, y)^power``: see `Caricature`.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from ..net import Affine, Array, Blob, Net
from .objectives import Objective


class Caricature:
    """An objective that compares each step's activations with those of the dream's picture, shifted alike.

    At each octave the picture is of its size, and runs forward once a step, on a twin of the net.

    Parameters
    ----------
    power : float
        Of the cosine, at least 0: the larger, the nearer the dream stays to the picture's activations in all their
        proportions. At 0 only the dot product counts, and what is strong may grow without bounds.
    """

    def __init__(self, power: float = 0.0) -> None:
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

    def shifted(self, ends: tuple[str, ...], ox: int, oy: int, ops: ModuleType) -> Objective:
        """Return the objective of a step, which sees the image with this shift."""
        twin, base = self._twin, self._base
        twin.resize(*base.shape[1:])
        twin.image.data[0] = base
        twin.forward(end=ends, tensor=twin.feed(base, ox, oy, ops))
        features = [twin.blobs[end].data[0].copy() for end in ends]
        for end in ends:
            twin.blobs[end].clear_diff()  # in tiles it drops the values

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
            return Affine(-power * dot / float(np.vdot(x, x)), (1 + power) * features)
    return Affine(0, features)


def at_octave(objective: Objective, net: Net, base: Array) -> Objective:
    """Return an objective for an octave whose picture is `base`; one that knows no picture as it is."""
    return objective.at(net, base) if isinstance(objective, Caricature) else objective


def at_shift(objective: Objective, ends: tuple[str, ...], ox: int, oy: int, ops: ModuleType) -> Objective:
    """Return an objective for a step whose image is shifted."""
    return objective.shifted(ends, ox, oy, ops) if isinstance(objective, _AtOctave) else objective
