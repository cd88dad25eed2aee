"""Noise to start a dream from: grey, with all that a network finds in it still to come."""

from __future__ import annotations

import numpy as np

from .net import Array


def noise(height: int, width: int, rng: np.random.RandomState | None = None) -> Array:
    """Draw a picture of noise, as the TensorFlow tutorial of 2016 does: ``uniform(size=(height, width, 3)) + 100``.

    Parameters
    ----------
    height, width : int
    rng : numpy.random.RandomState, optional
        None: NumPy's global legacy state.

    Returns
    -------
    (height, width, 3) float64 array
        100..101; the dream that follows may draw its jitter from the same `rng`.
    """
    drawn: Array = (np.random if rng is None else rng).uniform(size=(height, width, 3))
    drawn += 100.0
    return drawn
