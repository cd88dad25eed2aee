"""Numbers are checked as they come: real or whole, and within their bounds."""

from __future__ import annotations

import math
import numbers

MOST_FRAMES = 10**8  # of a loop: their files have names of eight digits


def is_real(value: object) -> bool:
    """Return whether a value is a real number, of any type."""
    return isinstance(value, numbers.Real)


def require(fits: bool, name: str, value: object, expected: str) -> None:
    """Raise `ValueError` unless a parameter fits."""
    if not fits:
        raise ValueError(f"{name}: {value}, expected {expected}")


def whole_number(name: str, value: int, least: int, most: float = math.inf) -> int:
    """Return a whole number within its bounds as a Python integer, or raise `ValueError`."""
    require(isinstance(value, numbers.Integral), name, value, "a whole number")
    require(least <= value <= most, name, value, f"at least {least}" + (f", at most {most}" if most < math.inf else ""))
    return int(value)
