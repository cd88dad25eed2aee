"""Pictures and numbers to check a port with: the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def picture(height: int, width: int, seed: int = 0, saturated: bool = True) -> Array:
    """Make an (H, W, 3) uint8 RGB picture: waves and noise and, if saturated, a white corner, where poolings tie."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    waves = [
        sum(
            np.sin(2 * np.pi * (y * rng.uniform(-0.1, 0.1) + x * rng.uniform(-0.1, 0.1) + rng.uniform()))
            for _ in range(6)
        )
        for _ in range(3)
    ]
    pixels = 128 + 30 * np.dstack(waves) + rng.uniform(-20, 20, (height, width, 3))
    if saturated:
        pixels[: height // 3, : width // 3] = 255
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def numbers(shape: tuple[int, ...], seed: int, low: float = -2.0, high: float = 2.0) -> Array:
    """Draw float64 multiples of 1/64: float32 represents them, and sums of products of two such are exact."""
    values = np.random.RandomState(seed).uniform(low, high, shape)
    return np.round(values * 64) / 64
