"""A table is rows of text under a head; numbers have as many digits as are significant."""

from __future__ import annotations

from collections.abc import Sequence

from ..table import aligned
from .timing import Quartiles

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows: the first column to the left, the others to the right."""
    rule = ["-" * max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(aligned([head, rule, *rows], right=range(1, len(head))))


def digits(number: float, count: int = 3) -> str:
    """Format a number with so many significant digits, without an exponent."""
    if number == 0 or number != number:
        return f"{number:.0f}"
    rounded = float(f"{number:.{count - 1}e}")
    places = count
    while places and abs(rounded) >= 10 ** (count - places):
        places -= 1
    if abs(rounded) < 1:  # digits after the zeros that follow the point
        places = count - 1 - int(f"{rounded:e}".partition("e")[2])
    return f"{rounded:.{places}f}"


def seconds(number: float) -> str:
    """Format a time in a unit of its magnitude."""
    factor, unit = next((each for each in _UNITS if abs(number) >= each[0]), _UNITS[-1])
    return f"{digits(number / factor)} {unit}"


def quartiles(found: Quartiles) -> str:
    """Format a median with its quartiles, in one unit."""
    factor, unit = next((each for each in _UNITS if found.median >= each[0]), _UNITS[-1])
    low, median, high = (digits(each / factor) for each in (found.low, found.median, found.high))
    return f"{median} {unit} ({low}–{high})"


def size(height: int, width: int) -> str:
    """Format a size, width first as for pictures."""
    return f"{width}x{height}"


def memory(count: int) -> str:
    """Format bytes in GB."""
    return f"{digits(count / 1e9)} GB"


def percent(share: float) -> str:
    """Format a share in percent."""
    return f"{100 * share:.1f} %"
