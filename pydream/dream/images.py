"""picture, (H, W, 3) RGB ↔ a network's image, (3, H, W) minus its mean: the notebook's pair of functions.

The notebook's network takes BGR; for one that takes RGB the channels keep their order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..net import Array, Net
from ..picture import as_picture


def preprocess(net: Net, img: ArrayLike, out: Array | None = None) -> Array:
    """Turn a picture into a network's image: ``float32(rollaxis(img, 2)[::-1]) - mean``.

    Parameters
    ----------
    net : Net
        Its mean, channel order and, in place of float32, its dtype are used.
    img : (H, W, 3) array_like
        RGB, 0..255.
    out : (3, H, W) array, optional
        Array to write to, of the network's dtype. None: a new one.

    Returns
    -------
    (3, H, W) array
        In the network's channel order, C-contiguous, of its dtype; `out` if given.

    Raises
    ------
    ValueError
        The shape is another, or there is NaN or infinity among the pixels.
    """
    picture = np.rollaxis(as_picture(img, "img"), 2)[_order(net)]
    image: Array = np.empty(picture.shape, net.dtype) if out is None else out
    np.copyto(image, picture, casting="unsafe")
    if not np.isfinite([image.min(), image.max()]).all():  # min and max of NaN are NaN: no array of booleans
        raise ValueError("img: NaN or infinity among its pixels, expected 0..255")
    image -= net.mean
    return image


def deprocess(net: Net, img: Array) -> Array:
    """Turn a network's image into a picture: ``dstack((img + mean)[::-1])``.

    Parameters
    ----------
    net : Net
    img : (3, H, W) array
        In the network's channel order, minus the mean.

    Returns
    -------
    (H, W, 3) array
        RGB, of the image's dtype, neither clipped nor rounded.
    """
    order = _order(net)
    # In one operation: a picture may be most of what memory holds.
    picture: Array = np.add(np.rollaxis(img[order], 0, 3), np.rollaxis(net.mean[order], 0, 3), order="C")
    return picture


def picture_gradient(net: Net, g: Array) -> Array:
    """Turn the gradient at a network's image into the gradient at the picture: the transpose of `preprocess`.

    Parameters
    ----------
    net : Net
    g : (1, h, w, 3) array, or (1, 3, h, w) without `Net.channels_last`
        In the network's channel order, as `Net.backward` returns it.

    Returns
    -------
    (h, w, 3) array
        RGB, C-contiguous, of the network's dtype.
    """
    channels_last = g[0] if net.channels_last else g[0].transpose(1, 2, 0)
    return np.ascontiguousarray(channels_last[..., _order(net)])


def _order(net: Net) -> slice:
    """Return the index that turns RGB into the network's channel order, or back."""
    return slice(None, None, -1 if net.channel_order == "BGR" else 1)


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
    """Adjust the contrast of a picture made without clipping: ``vis * (255 / percentile(vis, 99.98))``."""
    top = np.percentile(vis, 99.98)
    adjusted: Array = vis * (255.0 / top) if top > 0 else vis  # black stays black
    return adjusted
