"""picture, (H, W, 3) RGB ↔ a network's image, (C, H, W) minus its mean: the notebook's pair of functions.

The notebook's network takes BGR; for one that takes RGB the channels keep their order. A network of one channel sees
the picture's grey, and its dream is a grey picture.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError, UnitRangeWarning
from ..net import Array, Net
from ..picture import as_picture, grey

MOST_STRETCH = 49.0  # percent at either end: what is left between them is not empty


def preprocess(net: Net, img: ArrayLike, out: Array | None = None) -> Array:
    """Turn a picture into a network's image: ``float32(rollaxis(img, 2)[::-1]) - mean``, of one channel its `grey`.

    Parameters
    ----------
    net : Net
        Its mean, channel order and, in place of float32, its dtype are used.
    img : (H, W, 3) array_like
        RGB, 0..255.
    out : (C, H, W) array, optional
        Array to write to, of the network's dtype. None: a new one.

    Returns
    -------
    (C, H, W) array
        In the network's channel order, C-contiguous, of its dtype; `out` if given.

    Raises
    ------
    ValueError
        The shape is another, or there is NaN or infinity among the pixels.

    Warns
    -----
    UnitRangeWarning
        The pixels are floats within 0..1.
    """
    warn_of_unit_range(np.asarray(img))
    return as_image(net, img, out)


def as_image(net: Net, img: ArrayLike, out: Array | None = None) -> Array:
    """Turn a picture into a network's image as `preprocess` does, without its warning."""
    picture = np.rollaxis(as_picture(img, "img"), 2)
    image: Array = np.empty((len(net.mean), *picture.shape[1:]), net.dtype) if out is None else out
    if len(image) == 1:
        image[0] = grey(*picture.astype(net.dtype))
    else:
        np.copyto(image, _in_order(net, picture), casting="unsafe")
    if not np.isfinite([image.min(), image.max()]).all():  # min and max of NaN are NaN: no array of booleans
        raise ValueError("img: NaN or infinity among its pixels, expected 0..255")
    image -= net.mean
    return image


def warn_of_unit_range(img: Array) -> None:
    """Warn the caller of pydream of a float picture of 0..1; one that is as good as black, of a few ones, is none."""
    if img.dtype.kind != "f" or not img.size or not (img.max() <= 1 and img.min() >= 0):
        return
    if img.mean() <= 0.5 and ((img == 0) | (img == 1)).all():
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "pydream":
        frame, level = frame.f_back, level + 1
    text = "img: all pixels are within 0..1, and 0..255 is expected; picture * 255 would be"
    warnings.warn(text, UnitRangeWarning, stacklevel=level)


def deprocess(net: Net, img: Array) -> Array:
    """Turn a network's image into a picture: ``dstack((img + mean)[::-1])``.

    Parameters
    ----------
    net : Net
    img : (C, H, W) array
        In the network's channel order, minus the mean.

    Returns
    -------
    (H, W, 3) array
        RGB, of the image's dtype, neither clipped nor rounded.
    """
    # In one operation, as a picture may be most of what memory holds, and plane by plane, which NumPy does if the last
    # axis is the longest.
    planes = _in_order(net, img)
    picture: Array = np.empty((*planes.shape[1:], 3), np.result_type(img, net.mean))
    np.add(planes, _in_order(net, net.mean), out=np.rollaxis(picture, 2))
    return picture


def picture_gradient(net: Net, g: Array) -> Array:
    """Turn the gradient at a network's image into the gradient at the picture: the transpose of `preprocess`.

    Of one channel it is the gradient at a picture that stays grey, the same for red, green and blue.

    Parameters
    ----------
    net : Net
    g : (1, h, w, c) array, or (1, c, h, w) without `Net.channels_last`
        In the network's channel order, as `Net.backward` returns it.

    Returns
    -------
    (h, w, 3) array
        RGB, C-contiguous, of the network's dtype.
    """
    channels_first = g[0].transpose(2, 0, 1) if net.channels_last else g[0]
    return np.ascontiguousarray(np.rollaxis(_in_order(net, channels_first), 0, 3))


def check_image(net: Net) -> None:
    """Raise `ShapeError` if the network's input takes no picture: of 3 channels, or of 1, grey."""
    shape = net.image.shape
    if len(shape) != 4:
        raise ShapeError(f"{net.name} takes {shape} at {net.image_input!r}; a picture has four axes, (n, c, h, w)")
    if shape[1] not in (1, 3):
        raise ShapeError(f"{net.name} takes {shape[1]} channels; a picture has 3, or 1 if it is grey")


def as_seen(net: Net, picture: Array) -> Array:
    """Return a picture of real numbers in the colours that the network sees: grey where it has one channel."""
    if len(net.mean) > 1:
        return picture
    seen: Array = np.repeat(grey(*np.rollaxis(picture, 2))[..., np.newaxis], 3, axis=2)
    return seen


def _in_order(net: Net, planes: Array) -> Array:
    """Return a view of planes, (C, H, W), from RGB in the network's channel order, or back; one plane becomes three."""
    if len(planes) == 1:
        return np.broadcast_to(planes, (3, *planes.shape[1:]))
    return planes[:: -1 if net.channel_order == "BGR" else 1]


def noise(height: int, width: int, rng: np.random.RandomState | None = None) -> Array:
    """Draw a picture of noise, as the TensorFlow tutorial of 2016 does: ``uniform(size=(height, width, 3)) + 100``.

    Parameters
    ----------
    height, width : int
    rng : numpy.random.RandomState, optional
        None: NumPy's global legacy state.

    Returns
    -------
    (height, width, 3) float64 array
        100..101. The dream that follows may draw its jitter from the same `rng`.
    """
    drawn: Array = (np.random if rng is None else rng).uniform(size=(height, width, 3))
    drawn += 100.0
    return drawn


def display_range(vis: Array) -> Array:
    """Adjust the contrast of a picture made without clipping: ``vis * (255 / percentile(vis, 99.98))``.

    That is the notebook's line. A few values far above all others make everything else dark: see `stretched`.
    """
    top = np.percentile(vis, 99.98)
    adjusted: Array = vis * (255.0 / top) if top > 0 else vis  # black stays black
    return adjusted


def as_shown(dream: Array, clip: bool, stretch: float = 0.0) -> Array:
    """Return a dream as it is shown: `stretched` by a percentage above 0, or else by `display_range` without `clip`."""
    if stretch:
        return stretched(dream, stretch)
    return dream if clip else display_range(dream)


def blended(dream: Array, picture: ArrayLike, share: float) -> Array:
    """Return ``dream + share * (picture - dream)``."""
    mixed: Array = np.asarray(picture) - dream  # in place: a picture may fill the memory
    mixed *= mixed.dtype.type(share)
    mixed += dream
    return mixed


def stretched(picture: Array, percent: float) -> Array:
    """Adjust the contrast by percentiles: so many percent of the values become 0 or less, and as many 255 or more.

    Parameters
    ----------
    picture : (H, W, 3) array
    percent : float
        0..`MOST_STRETCH`; at 0 nothing is adjusted.
    """
    if percent == 0:
        return picture
    low, high = np.percentile(picture, [percent, 100 - percent]).astype(picture.dtype)
    if low == high:  # a picture of one grey
        return picture
    adjusted: Array = picture - low
    adjusted *= 255.0 / (high - low)
    return adjusted
