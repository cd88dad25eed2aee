"""Numbers of any kind as 8 bits: integers mean 0..65535, floats 0..1 or 0..255, CIELab what ICC says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageFileError

# XYZ by D50 → linear sRGB by D65, with Bradford's adaptation
_XYZ_TO_RGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]],
    np.float32,
)
_D50 = np.array([0.9642, 1, 0.8249], np.float32)


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


def lab_to_srgb(lightness: NDArray[np.float32], opponent: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return CIELab by D50, L* (H, W) of 0..100 and a*, b* (H, W, 2), as sRGB (H, W, 3)."""
    y = (lightness + 16) / 116
    roots = np.stack([y + opponent[..., 0] / 500, y, y - opponent[..., 1] / 200], -1)
    xyz = np.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * (3 * (6 / 29) ** 2)) * _D50
    linear = (xyz @ _XYZ_TO_RGB.T).clip(0, 1)
    srgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.asarray(np.rint(srgb * 255), np.uint8)
