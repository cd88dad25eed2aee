"""An era is a set of library versions: what those of 2015 computed otherwise, so that a dream can be made as then.

There are two differences: Python 2 rounded halves away from zero, which decides sizes of octaves; and SciPy before 0.18
added the offset of an affine transform with a diagonal matrix before it multiplied, which moves the picture in the zoom
loop (`pydream.dream.zoom`).
"""

from __future__ import annotations

import math

MODERN = "modern"
ERAS = (MODERN, "2015")


def check_era(era: str) -> None:
    """Raise `ValueError` for an unknown era."""
    if era not in ERAS:
        raise ValueError(f"era: {era!r}, expected one of {', '.join(map(repr, ERAS))}")


def round_half(x: float, era: str = MODERN) -> int:
    """Round as ``round`` does: halves to even in Python 3, away from zero in Python 2.

    Parameters
    ----------
    x : float
        Not negative.
    era : {"modern", "2015"}
    """
    if era == MODERN:
        return round(x)
    whole = math.floor(x)
    return whole + (x - whole >= 0.5)
