"""Pictures of other sizes, as pycaffe's `io` makes them: with scikit-image of 2015 to 2017, in SciPy's words."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..net import Array


def resize_image(im: ArrayLike, new_dims: Sequence[int], interp_order: Any = 1) -> Array:
    """Resize a picture: pixels are areas, and what is outside of the picture is its darkest value.

    Without a filter before it, as scikit-image resized until 0.14. With 1 or 3 channels; others, as in pycaffe, have
    corners on corners.

    Parameters
    ----------
    im : (h, w, c) array_like
    new_dims : (int, int)
        Height and width.
    interp_order : int
        Of the spline; 1 is linear.

    Returns
    -------
    (new_dims[0], new_dims[1], c) float32 array
    """
    from scipy import ndimage

    image = np.asarray(im)
    height, width = map(int, new_dims)
    if image.shape[-1] not in (1, 3):
        zoom = (height / image.shape[0], width / image.shape[1], 1)
        return np.asarray(ndimage.zoom(image, zoom, order=interp_order), np.float32)
    low, high = float(image.min()), float(image.max())
    if high == low:
        return np.full((height, width, image.shape[-1]), low, np.float32)
    scale = np.array([image.shape[0] / height, image.shape[1] / width])
    place: dict[str, Any] = {"offset": scale / 2 - 0.5, "output_shape": (height, width)}
    place |= {"order": interp_order, "mode": "grid-constant"}
    with warnings.catch_warnings():  # SciPy before 1.16 says that it changed in 0.18
        warnings.filterwarnings("ignore", "The behavior of affine_transform", UserWarning)
        planes = [
            ndimage.affine_transform((plane - low) / (high - low), scale, **place)
            for plane in (each.astype(np.float64) for each in np.rollaxis(image, 2))  # one by one, as it may be large
        ]
    return np.asarray(np.dstack(planes) * (high - low) + low, np.float32)


def oversample(images: Sequence[ArrayLike], crop_dims: Sequence[int]) -> Array:
    """Cut the four corners and the middle out of each picture, and mirror them.

    Parameters
    ----------
    images : sequence of (h, w, c) array_like
        Of one size.
    crop_dims : (int, int)
        Height and width of a crop.

    Returns
    -------
    (10 * len(images), h, w, c) float32 array
        Of each picture the five crops, then these mirrored.
    """
    height, width = map(int, crop_dims)
    made = []
    for each in images:
        image = np.asarray(each, np.float32)
        bottom, right = image.shape[0] - height, image.shape[1] - width
        places = [(0, 0), (0, right), (bottom, 0), (bottom, right), middle(image.shape, crop_dims)]
        crops = [image[y : y + height, x : x + width] for y, x in places]
        made += [*crops, *(crop[:, ::-1] for crop in crops)]
    return np.stack(made)


def middle(shape: Sequence[int], crop_dims: Sequence[int]) -> tuple[int, int]:
    """Return the row and the column where the crop in the middle of a picture begins."""
    y, x = (int(size / 2 - crop / 2) for size, crop in zip(shape[:2], crop_dims, strict=True))
    return y, x
