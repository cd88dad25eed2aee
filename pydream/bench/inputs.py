"""Inputs of the measurements: a picture, and a gradient to climb."""

from __future__ import annotations

import numpy as np

from ..net import Array


def picture(height: int, width: int, seed: int = 2015) -> Array:
    """Compute a picture: waves of many lengths, with grain.

    It has no flat parts: where values are equal, rounding decides which is the maximum of a pooling window.

    Returns
    -------
    (height, width, 3) float32 array
        RGB, 0..255.
    """
    rng = np.random.RandomState(seed)
    y, x = np.ogrid[:height, :width]
    made = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        waves = np.zeros((height, width))
        for length in (7.0, 12.0, 23.0, 41.0, 90.0, 170.0):
            angle, phase = rng.uniform(0, 2 * np.pi, 2)
            waves += np.sin((np.cos(angle) * x + np.sin(angle) * y) * (2 * np.pi / length) + phase)
        made[..., channel] = np.clip(128 + 22 * waves + rng.normal(0, 6, (height, width)), 0, 255)
    return made


def image(height: int, width: int, mean: Array, seed: int = 2015) -> Array:
    """Return the picture as a network's image, (3, height, width) of the mean's dtype."""
    made: Array = np.ascontiguousarray(picture(height, width, seed).transpose(2, 0, 1)[::-1], mean.dtype) - mean
    return made


def gradient(height: int, width: int) -> Array:
    """Draw a gradient laid out as by a network with channels last, (1, height, width, 3) float32."""
    drawn = np.random.RandomState(0).standard_normal((1, height, width, 3))
    return drawn.astype(np.float32)
