"""A size is a number that depends on the sizes of blobs: one of these, or a sum, difference, product or quotient.

Graphs compute some shapes from the picture's: what is enlarged twofold has twice its height. NumPy's functions work on
arrays of sizes as on numbers, and so the arithmetic of a graph can be followed without knowing the picture.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}
_MOST = 64  # sizes and numbers that one is computed of


@dataclass(frozen=True, eq=False)
class Size:
    """An axis of a blob, or what an operation makes of two numbers or sizes.

    Attributes
    ----------
    blob : str
    axis : int
        In TensorFlow's order, (n, h, w, c).
    operation : str
        One of `OPERATIONS`; empty: it is the axis itself.
    left, right : int or Size
        What the operation is of.
    count : int
        Of all sizes and numbers in it.
    """

    blob: str = ""
    axis: int = 0
    operation: str = ""
    left: Any = 0
    right: Any = 0
    count: int = 1

    def __add__(self, other: Any) -> Size:
        return _made("+", self, other)

    def __radd__(self, other: Any) -> Size:
        return _made("+", other, self)

    def __sub__(self, other: Any) -> Size:
        return _made("-", self, other)

    def __rsub__(self, other: Any) -> Size:
        return _made("-", other, self)

    def __mul__(self, other: Any) -> Size:
        return _made("*", self, other)

    def __rmul__(self, other: Any) -> Size:
        return _made("*", other, self)

    def __floordiv__(self, other: Any) -> Size:
        return _made("//", self, other)

    def __rfloordiv__(self, other: Any) -> Size:
        return _made("//", other, self)

    def __bool__(self) -> bool:
        raise TypeError("a size is not known yet")

    @property
    def blobs(self) -> set[str]:
        """The blobs that it depends on."""
        parts = (each.blobs for each in (self.left, self.right) if isinstance(each, Size))
        return set().union(*parts) if self.operation else {self.blob}


def value_of(number: Any, size: Callable[[str, int], Any]) -> Any:
    """Compute a size, or return a number; `size` has a blob's size along an axis, as a number or a tensor."""
    if not isinstance(number, Size):
        return number
    if not number.operation:
        return size(number.blob, number.axis)
    return OPERATIONS[number.operation](value_of(number.left, size), value_of(number.right, size))


def _made(operation: str, left: Any, right: Any) -> Size:
    counts = []
    for each in (left, right):
        if isinstance(each, bool) or not isinstance(each, int | Size):
            raise TypeError(f"a size {operation} {each!r}")
        counts.append(each.count if isinstance(each, Size) else 1)
    if sum(counts) > _MOST:
        raise ValueError(f"a size that is computed of more than {_MOST} others")
    return Size(operation=operation, left=left, right=right, count=sum(counts))
