"""Numbers of more than 8 bits as 8 bits: integers mean 0..65535, floats 0..1 or 0..255."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageFileError


def to_8_bits(deep: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Return integers and floats of any depth rounded to 8 bits; `name` is for messages.

    Raises
    ------
    ImageFileError
        For values without an agreed meaning: integers outside 0..65535, floats outside 0..255, NaN.
    """
    low, high = deep.min(), deep.max()
    if deep.dtype.kind == "f":
        if not (low >= 0 and high <= 255):  # NaN too
            raise ImageFileError(f"'{name}' has values from {low:g} to {high:g} (expected 0..1 or 0..255)")
        return np.asarray(np.rint(deep * 255 if high <= 1 else deep), np.uint8)
    if low < 0 or high > 65535:
        raise ImageFileError(f"'{name}' has values from {low} to {high} (expected 0..65535)")
    return np.asarray((deep.astype(np.uint32) + 128) // 257, np.uint8)  # 65535 = 255 * 257


def high_bytes(deep: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return 16-bit colours as Pillow does: their high bytes, which differ from rounded ones by at most 1."""
    return (deep >> 8).astype(np.uint8)
