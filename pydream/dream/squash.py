"""Values that may be any ↔ pixels that cannot leave 0..255."""

from __future__ import annotations

import numpy as np

from ..net import Array

HALF = 127.5  # of the levels
_STEEP = 0.98  # of HALF; a start that is black or white would not change again


def bounded(values: Array) -> Array:
    """Return the picture of values that may be any: ``127.5 (1 + u / sqrt(1 + u^2))`` for ``127.5 u``."""
    u = values / HALF
    picture: Array = HALF * (1 + u / np.sqrt(1 + u * u))
    return picture


def bounded_slope(values: Array) -> Array:
    """Return the derivative of `bounded` at values: ``(1 + u^2)^(-3/2)``."""
    slope = 1 / (1 + (values / HALF) ** 2)
    found: Array = slope * np.sqrt(slope)
    return found


def unbounded(picture: Array) -> Array:
    """Return the values of a picture: the inverse of `bounded`, of what is not quite black or white."""
    part = np.clip(picture / HALF - 1, -_STEEP, _STEEP)
    values: Array = HALF * (part / np.sqrt(1 - part * part))
    return values
