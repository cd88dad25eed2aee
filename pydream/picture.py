"""A picture is an (H, W, 3) array, RGB, 0..255; what is read, shown or written has 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.uint8]  # (H, W, 3), RGB

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
    picture = as_picture(image, name)
    if picture.dtype.kind not in "buif":
        raise ValueError(f"{name}: dtype {picture.dtype}, expected real numbers")
    if picture.dtype.kind == "f" and np.isnan(picture.max()):
        raise ValueError(f"{name}: NaN among its pixels, expected 0..255")
    pixels: Picture = np.empty(picture.shape, np.uint8)
    np.clip(picture, 0, 255, out=pixels, casting="unsafe")  # buffer by buffer: no other array of this size
    return pixels
