"""A retouch alters how a dream changes a picture: each step's change before it is made, and the dream when it is done.

A dream without any is the notebook's. With several, each is given what the one before it has left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..net import Array
from ..picture import LUMA
from .laplacian import MOST_LEVELS, lap_normalize

CHW = (1, 2)  # the axes of height and width
STRONGEST_PULL = 1.0  # one step of size 1 is back; beyond 2 a pull overshoots for ever
STRONGEST_TV = 10.0
WIDEST_BLUR = 100.0


class Retouch:
    """One that does nothing: its methods are there to be replaced."""

    def at(self, base: Array) -> Retouch:
        """Give the retouch for an octave that starts from the image `base`, (3, h, w), without details."""
        return self

    def change(self, change: Array, image: Array) -> Array:
        """Give what is to be added to an image, times the step size.

        Parameters
        ----------
        change : (3, h, w) array
            At first the gradient over its mean size: without a retouch, pixels change by the step size on average.
        image : (3, h, w) array
            In the network's channel order, 0..255 minus its mean; not to be written.
        """
        return change

    def finish(self, dream: Array, picture: Array) -> Array:
        """Give the picture that a dream, (H, W, 3) RGB, becomes; `picture` is what was dreamt on."""
        return dream


@dataclass(frozen=True)
class Smooth(Retouch):
    """Blur each step's change: coarse shapes grow, and fine grain does not. It is as large as before on average.

    Attributes
    ----------
    sigma : float
        Of the Gaussian, in pixels: above 0, at most `WIDEST_BLUR`.
    """

    sigma: float

    def __post_init__(self) -> None:
        _within("sigma", self.sigma, WIDEST_BLUR)

    def change(self, change: Array, image: Array) -> Array:
        """Blur it."""
        from scipy.ndimage import gaussian_filter

        blurred: Array = gaussian_filter(change, (0, self.sigma, self.sigma), mode="nearest")
        return _as_large(blurred, change)


@dataclass(frozen=True)
class Laplacian(Retouch):
    """Make every scale of each step's change equally strong, as the TensorFlow tutorial of 2016 does.

    Attributes
    ----------
    levels : int
        Scales that are told apart from what is coarser: 1 to `MOST_LEVELS`; the tutorial has 4.
    """

    levels: int = 4

    def __post_init__(self) -> None:
        if self.levels != int(self.levels):
            raise ValueError(f"levels: {self.levels}, want a whole number")
        _within("levels", self.levels, MOST_LEVELS)

    def change(self, change: Array, image: Array) -> Array:
        """Split, normalise, merge; it is as large as before on average."""
        return _as_large(lap_normalize(change, self.levels, CHW), change)


@dataclass(frozen=True)
class TotalVariation(Retouch):
    """Go down the total variation too, the size of the differences between neighbours: grain fades, edges stay.

    What falls is ``sum(sqrt(dx^2 + dy^2 + 1))`` over pixels and channels, with dx and dy the differences from the
    next pixels to the right and below, in levels.

    Attributes
    ----------
    weight : float
        How strong it is beside the dream: above 0, at most `STRONGEST_TV`.
    """

    weight: float

    def __post_init__(self) -> None:
        _within("weight", self.weight, STRONGEST_TV)

    def change(self, change: Array, image: Array) -> Array:
        """Add the way down."""
        smoothed: Array = change - change.dtype.type(self.weight) * total_variation_gradient(image)
        return smoothed


@dataclass(frozen=True)
class PullBack(Retouch):
    """Go down the squared distance to the picture that was dreamt on, ``|image - base|^2 / 2``, too.

    Attributes
    ----------
    weight : float
        At a distance of 1/weight levels it is as strong as the dream is on average: above 0, at most `STRONGEST_PULL`.
    base : (3, h, w) array, optional
        The picture, as the network's image; `deepdream` gives each octave its own.
    """

    weight: float
    base: Array | None = None

    def __post_init__(self) -> None:
        _within("weight", self.weight, STRONGEST_PULL)

    def at(self, base: Array) -> PullBack:
        """Pull back to that."""
        return replace(self, base=base)

    def change(self, change: Array, image: Array) -> Array:
        """Add the way back."""
        if self.base is None:
            raise ValueError("PullBack: it has no base to pull back to; PullBack(weight).at(image.copy()) gives it one")
        pulled: Array = change + change.dtype.type(self.weight) * (self.base - image)
        return pulled


class Mask(Retouch):
    """Dream where a mask is white, leave alone what is black, and halfway between do it by halves.

    Each step's change is multiplied by the mask, at the pixels of the picture. So what is dreamt fits in with what
    stays; and where the mask is black, the result is the picture that was dreamt on, to the bit.

    Parameters
    ----------
    mask : (h, w) array_like
        0, black, to 1, white. Of another size than the picture it is stretched over it, octaves being pictures too:
        each pixel has the mean of what falls on it.

    Raises
    ------
    ValueError
        For another shape, or numbers that are not 0 to 1.
    """

    def __init__(self, mask: ArrayLike) -> None:
        self._mask = np.asarray(mask, np.float32)
        if self._mask.ndim != 2 or not self._mask.size:
            raise ValueError(f"mask: shape {self._mask.shape}, want (h, w)")
        if not (np.min(self._mask) >= 0 and np.max(self._mask) <= 1):
            raise ValueError("mask: want numbers from 0, black, to 1, white")

    @classmethod
    def of(cls, picture: Array) -> Mask:
        """Make one of a picture, (h, w, 3) uint8 RGB: its luma (BT.601)."""
        return cls(np.minimum(picture @ LUMA / 255, 1))

    def at(self, base: Array) -> Mask:
        """Stretch it over an octave."""
        return Mask(self._stretched(*base.shape[1:]))

    def change(self, change: Array, image: Array) -> Array:
        """Multiply it by the mask."""
        masked: Array = change * self._stretched(*image.shape[1:]).astype(change.dtype)
        return masked

    def finish(self, dream: Array, picture: Array) -> Array:
        """Put back what is black: between octaves, details were resampled and came over the border."""
        black = self._stretched(*dream.shape[:2])[..., np.newaxis] == 0
        return np.where(black, picture.astype(dream.dtype), dream)

    def _stretched(self, height: int, width: int) -> Array:
        if self._mask.shape == (height, width):
            return self._mask
        from PIL import Image

        stretched = Image.fromarray(self._mask).resize((width, height), Image.Resampling.BOX)
        mask: Array = np.clip(np.asarray(stretched), 0, 1)
        return mask


@dataclass(frozen=True)
class KeepColors(Retouch):
    """Keep the picture's colours: the dream's luma with the picture's chroma, as image editors blend "luminosity".

    Red, green and blue of each pixel are raised or lowered alike until the luma (BT.601) is the dream's; what is beyond
    0..255 then is drawn towards that grey, which keeps luma and hue. So is blended what is done; the steps on the way
    add the same to red, green and blue, so that what the network makes stronger can still be seen then.
    """

    def change(self, change: Array, image: Array) -> Array:
        """Take its part along the greys."""
        grey: Array = np.repeat(change.mean(axis=0, keepdims=True), len(change), axis=0)
        return grey

    def finish(self, dream: Array, picture: Array) -> Array:
        """Blend the two."""
        luma = np.clip(dream, 0, 255) @ LUMA.astype(dream.dtype)
        grey = luma[..., np.newaxis]
        chroma = picture.astype(dream.dtype) - (picture @ LUMA)[..., np.newaxis].astype(dream.dtype)
        # The largest share of the chroma, at most all of it, that stays within 0..255.
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(chroma > 0, (255 - grey) / chroma, np.where(chroma < 0, -grey / chroma, 1))
        share = np.clip(room.min(axis=-1, keepdims=True), 0, 1)
        blended: Array = (grey + share * chroma).astype(dream.dtype)
        return blended


def total_variation_gradient(image: Array) -> Array:
    """Give the gradient of ``sum(sqrt(dx^2 + dy^2 + 1))`` at a (C, h, w) image: see `TotalVariation`."""
    down, right = (np.diff(image, axis=axis, append=image.take([-1], axis)) for axis in CHW)
    size = np.sqrt(down * down + right * right + 1)
    gradient = np.zeros_like(image)
    for difference, axis in ((down, 1), (right, 2)):
        flow = difference / size  # the last is 0: nothing is beyond
        gradient -= np.diff(flow, axis=axis, prepend=image.dtype.type(0))
    return gradient


def _as_large(change: Array, before: Array) -> Array:
    """Give it the mean size that it had before."""
    size = np.abs(change).mean()
    return change * (np.abs(before).mean() / size) if size > 0 else change


def _within(name: str, value: float, most: float) -> None:
    if not 0 < value <= most:  # as NaN
        raise ValueError(f"{name}: {value}, want a number above 0, at most {most:g}")
