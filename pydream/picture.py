"""A picture is an (H, W, 3) array, RGB, 0..255; what is read or shown has 8 bits, what is written may have more."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.uint8]  # (H, W, 3), RGB
Samples = NDArray[Any]  # the same as a file stores it: uint8, uint16 of 0..65535, or float32 of 0..255 and beyond
Depth = Literal[16, "float"]  # of samples that have not 8 bits

DTYPES: dict[Depth | None, type[np.generic]] = {None: np.uint8, 16: np.uint16, "float": np.float32}  # of samples
FULL_SCALE = 257  # 65535 / 255: a level of 8 bits in 16

LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B: ITU-R BT.601, as in JPEG


def grey(red: NDArray[Any], green: NDArray[Any], blue: NDArray[Any]) -> NDArray[Any]:
    """Compute the luma of real numbers, which is the grey that networks of one channel are trained on.

    OpenCV has these weights, and with it Caffe's `force_gray`; so have Pillow's "L", Keras and torchvision. Only
    ``caffe.io.load_image(color=False)`` has those of BT.709. What is grey already stays as it is, to the bit.
    """
    luma: NDArray[Any] = green + LUMA[0].astype(red.dtype) * (red - green) + LUMA[2].astype(red.dtype) * (blue - green)
    return luma


def as_picture(image: ArrayLike, name: str = "picture") -> NDArray[Any]:
    """Return a picture as an array of its own dtype; raise `ValueError` for a shape other than (H, W, 3)."""
    picture: NDArray[Any] = np.asarray(image)
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"{name}: shape {picture.shape}, expected (H, W, 3), RGB")
    return picture


def to_pixels(image: ArrayLike, name: str = "picture") -> Picture:
    """Return a picture as 8 bits: clipped to 0..255, fractions dropped, as the notebook's ``uint8(frame)`` does.

    Parameters
    ----------
    image : (H, W, 3) array_like
        RGB, any real dtype.
    name : str
        For messages.

    Returns
    -------
    (H, W, 3) uint8 array
        A new one.

    Raises
    ------
    ValueError
        For another shape or dtype, or NaN.
    """
    picture = _real(image, name)
    pixels: Picture = np.empty(picture.shape, np.uint8)
    np.clip(picture, 0, 255, out=pixels, casting="unsafe")  # buffer by buffer: no other array of this size
    return pixels


def to_samples(image: ArrayLike, depth: Depth | None, name: str = "picture") -> Samples:
    """Return a picture as a file of some depth stores it.

    Parameters
    ----------
    image : (H, W, 3) array_like
        RGB, any real dtype, 0..255.
    depth : {None, 16, "float"}
        None: `to_pixels`. 16: ``rint(clip(image, 0, 255) * 257)``, uint16, computed in the picture's own float type,
        halves to even. "float": float32, neither clipped nor scaled.
    name : str
        For messages.

    Raises
    ------
    ValueError
        As `to_pixels`.
    """
    if depth is None:
        return to_pixels(image, name)
    picture = _real(image, name)
    if depth == "float":
        return picture.astype(np.float32, copy=False)
    samples = np.empty(picture.shape, np.uint16)
    scale = np.result_type(picture, np.float32).type(FULL_SCALE)
    for row, out in zip(picture, samples, strict=True):  # row by row: no other array of this size
        np.rint(np.clip(row, 0, 255) * scale, out=out, casting="unsafe")
    return samples


def as_pixels(samples: Samples) -> Picture:
    """Return what `to_samples` made as 8 bits: fractions dropped, as `to_pixels` does."""
    if samples.dtype == np.uint8:
        return samples
    return to_pixels(samples // FULL_SCALE if samples.dtype == np.uint16 else samples)


def _real(image: ArrayLike, name: str) -> NDArray[Any]:
    """Return a picture as an array; raise `ValueError` for another shape or dtype, or NaN."""
    picture = as_picture(image, name)
    if picture.dtype.kind not in "buif":
        raise ValueError(f"{name}: dtype {picture.dtype}, expected real numbers")
    if picture.dtype.kind == "f" and np.isnan(picture.max()):
        raise ValueError(f"{name}: NaN among its pixels, expected 0..255")
    return picture
