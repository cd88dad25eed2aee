"""A retouch alters how a dream changes a picture: what the network sees, each step's change, and the finished dream.

A dream without retouches is the notebook's. Of several, each takes the result of the one before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from ..imageops.torus import origin
from ..net import Array, ChannelOrder, Net
from ..picture import LUMA
from .colors import Correlations, check_correlations, root
from .colors import color_correlations as color_correlations
from .laplacian import MOST_LEVELS, lap_normalize
from .moved import Move, Moved, turn
from .spectrum import COLORS, STEEPEST, divide_spectrum, mix_colors

CHW = (1, 2)  # the axes of height and width
WIDEST_SCALE = 0.5
WIDEST_TURN = 180.0
STRONGEST_PULL = 1.0  # a step of size 1 goes all the way back; above 2 a pull overshoots for ever
STRONGEST_TV = 10.0
WIDEST_BLUR = 100.0


class Retouch:
    """A retouch that changes nothing; subclasses override its methods."""

    def on(self, net: Net) -> Retouch:
        """Return the retouch for the images of a net."""
        return self

    def at(self, base: Array) -> Retouch:
        """Return the retouch for an octave whose image, without details, is `base`, (3, h, w)."""
        return self

    def around(self, net: Net, rng: np.random.RandomState | None) -> Net:
        """Return the net that a step runs in place of `net`; it may draw from `rng`, after the step's shift."""
        return net

    def seamless(self) -> Retouch:
        """Return the retouch for a picture whose opposite edges meet; `ValueError` where there is none."""
        return self

    def change(self, change: Array, image: Array) -> Array:
        """Return what is added to an image, times the step's length.

        Parameters
        ----------
        change : (3, h, w) array
            The result of the retouch before; for the first, the gradient divided by its mean absolute value, and
            turned round where the step size is below 0.
        image : (3, h, w) array
            In the network's channel order, 0..255 minus its mean; read-only.
        """
        return change

    def finish(self, dream: Array, picture: Array) -> Array:
        """Return the final picture of a dream, (H, W, 3) RGB; `picture` is the dream's input."""
        return dream


@dataclass(frozen=True)
class Robust(Retouch):
    """Show the network the picture at another scale and angle at each step, so that what grows is seen from all.

    After the step's shift, a factor from 1 - scale to 1 + scale and an angle from -rotate to rotate are drawn, both
    uniformly. The gradient is the exact one at the picture, which is not moved: see `pydream.dream.moved.Moved`.

    Attributes
    ----------
    scale : float
        0 to `WIDEST_SCALE`.
    rotate : float
        Degrees: 0 to `WIDEST_TURN`. The defaults are the ranges of lucid's `standard_transforms`.
    """

    scale: float = 0.1
    rotate: float = 10.0

    def __post_init__(self) -> None:
        for name, most in (("scale", WIDEST_SCALE), ("rotate", WIDEST_TURN)):
            value = getattr(self, name)
            if not 0 <= value <= most:  # NaN included
                raise ValueError(f"{name}: {value}, expected a number from 0 to {most:g}")

    def around(self, net: Net, rng: np.random.RandomState | None) -> Net:
        """Return the net that sees the picture moved."""
        return Moved(net, partial(self.draw, rng))

    def draw(self, rng: np.random.RandomState | None, height: int, width: int) -> Move:
        """Draw the move of a picture of that size."""
        scale, rotate = (np.random if rng is None else rng).uniform(-1, 1, 2)
        middle = ((height - 1) / 2, (width - 1) / 2)
        return turn(1 / (1 + self.scale * scale), self.rotate * rotate, middle, middle)

    def seamless(self) -> Retouch:
        """Raise `ValueError`."""
        raise ValueError(
            "robust: what is scaled or turned has no opposite edges that meet; it does not go with seamless"
        )


@dataclass(frozen=True)
class Rolled(Retouch):
    """A retouch of the change alone, begun at the change's origin: a rolled change is retouched to the same bits.

    Attributes
    ----------
    retouch : Retouch
        Which takes opposite edges as neighbours.
    halvings : int
        How often it halves the change, where its sides are even.
    """

    retouch: Retouch
    halvings: int = 0

    def change(self, change: Array, image: Array) -> Array:
        """Return what the retouch makes of the rolled change, rolled back."""
        cell = 2 ** halvings_of(change.shape[1:], self.halvings)
        y, x = origin(change, (cell, cell))
        retouched = self.retouch.change(np.roll(change, (-y, -x), CHW), image)
        return np.roll(retouched, (y, x), CHW)


@dataclass(frozen=True)
class Smooth(Retouch):
    """Blur each step's change, so that coarse shapes grow and fine grain does not. Its mean size stays the same.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels: above 0, at most `WIDEST_BLUR`.
    wrap : bool
        Whether opposite edges meet; else pixels beyond an edge are as those at it.
    """

    sigma: float
    wrap: bool = False

    def __post_init__(self) -> None:
        _within("sigma", self.sigma, WIDEST_BLUR)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change, blurred."""
        from scipy.ndimage import gaussian_filter

        blurred: Array = gaussian_filter(change, (0, self.sigma, self.sigma), mode="wrap" if self.wrap else "nearest")
        return _rescaled(blurred, change)

    def seamless(self) -> Retouch:
        """Return the blur over opposite edges."""
        return Rolled(replace(self, wrap=True))


@dataclass(frozen=True)
class Laplacian(Retouch):
    """Make every scale of each step's change equally strong, as the TensorFlow tutorial of 2016 does.

    Attributes
    ----------
    levels : int
        Bands that are split off, the finest first: 1 to `MOST_LEVELS`; the tutorial has 4.
    wrap : bool
        Whether opposite edges meet. Then there are only as many bands as both sides can be halved without a rest.
    """

    levels: int = 4
    wrap: bool = False

    def __post_init__(self) -> None:
        if self.levels != int(self.levels):
            raise ValueError(f"levels: {self.levels}, expected a whole number")
        _within("levels", self.levels, MOST_LEVELS)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change, split, normalised and merged; its mean size stays the same."""
        levels = halvings_of(change.shape[1:], self.levels) if self.wrap else self.levels
        return _rescaled(lap_normalize(change, levels, CHW, self.wrap), change)

    def seamless(self) -> Retouch:
        """Return the pyramid over opposite edges."""
        return Rolled(replace(self, wrap=True), self.levels)


@dataclass(frozen=True)
class Decorrelate(Retouch):
    """Divide each step's change by a power of the frequency, so that whole shapes grow: the Fourier parameterisation.

    Attributes
    ----------
    power : float
        Of the frequency: above 0, at most `STEEPEST`; 1 is the fall of natural pictures' amplitudes.
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        _within("power", self.power, STEEPEST)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change, its spectrum divided by the power of the frequency; its mean size stays the same."""
        return _rescaled(divide_spectrum(change, self.power, CHW), change)

    def seamless(self) -> Retouch:
        """Return the same: a spectrum is that of a picture whose opposite edges meet."""
        return Rolled(self)


@dataclass(frozen=True)
class DecorrelateColors(Retouch):
    """Draw each step in the colours of natural pictures: mostly in light and dark, least in green and purple.

    Attributes
    ----------
    correlations : (float, float, float), optional
        Those of red and green, red and blue, green and blue in the pictures, as `color_correlations` finds them. None:
        0.9, 0.81 and 0.9.
    channel_order : {"BGR", "RGB"}
        That of the images; `deepdream` takes the net's.
    """

    correlations: Correlations | None = None
    channel_order: ChannelOrder = "BGR"

    def __post_init__(self) -> None:
        if self.correlations is not None:
            check_correlations(self.correlations)

    @cached_property
    def colors(self) -> Array:
        """The matrix that the channels are multiplied by, in their order."""
        if self.correlations is None:
            return COLORS
        found = root(self.correlations)
        return found[::-1, ::-1] if self.channel_order == "BGR" else found

    def on(self, net: Net) -> DecorrelateColors:
        """Return the retouch with the net's order of the channels."""
        return replace(self, channel_order=net.channel_order)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change, its colours mixed; its mean size stays the same."""
        return _rescaled(mix_colors(change, self.colors), change)

    def seamless(self) -> Retouch:
        """Return the same, with the mean size of a rolled change."""
        return Rolled(self)


@dataclass(frozen=True)
class TotalVariation(Retouch):
    """Descend the total variation too, the size of the differences between neighbours: grain fades, edges stay.

    The total variation is ``sum(sqrt(dx^2 + dy^2 + 1))`` over pixels and channels, with dx and dy the differences from
    the next pixels to the right and below, in levels.

    Attributes
    ----------
    weight : float
        Strength relative to the dream: above 0, at most `STRONGEST_TV`.
    wrap : bool
        Whether opposite edges meet; else the last pixels have no next ones.
    """

    weight: float
    wrap: bool = False

    def __post_init__(self) -> None:
        _within("weight", self.weight, STRONGEST_TV)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change minus the gradient of the total variation."""
        smoothed: Array = change - change.dtype.type(self.weight) * total_variation_gradient(image, self.wrap)
        return smoothed

    def seamless(self) -> Retouch:
        """Return that of differences over opposite edges, too."""
        return replace(self, wrap=True)


@dataclass(frozen=True)
class PullBack(Retouch):
    """Descend the squared distance to the input picture too, ``|image - base|^2 / 2``.

    Attributes
    ----------
    weight : float
        At a distance of 1/weight levels the pull is as strong as the dream is on average: above 0, at most
        `STRONGEST_PULL`.
    base : (3, h, w) array, optional
        The input picture, as the network's image; `deepdream` sets it for each octave.
    """

    weight: float
    base: Array | None = None

    def __post_init__(self) -> None:
        _within("weight", self.weight, STRONGEST_PULL)

    def at(self, base: Array) -> PullBack:
        """Return a pull towards that image."""
        return replace(self, base=base)

    def change(self, change: Array, image: Array) -> Array:
        """Return the change plus the pull."""
        if self.base is None:
            raise ValueError("PullBack: it has no base; PullBack(weight).at(image.copy()) sets one")
        pulled: Array = change + change.dtype.type(self.weight) * (self.base - image)
        return pulled


class Mask(Retouch):
    """Dream where a mask is white, keep the picture where it is black, and do so in part in between.

    Each step's change is multiplied by the mask, at the pixels of the picture. So the dream fits in with what stays;
    and where the mask is black, the result is the input picture, to the bit.

    Parameters
    ----------
    mask : (h, w) array_like
        0, black, to 1, white. A mask of another size is stretched over the picture, and over each octave: each pixel
        takes the mean of the part of the mask that it covers.

    Raises
    ------
    ValueError
        The shape is another, or a number is outside 0..1.
    """

    def __init__(self, mask: ArrayLike) -> None:
        self._mask = np.asarray(mask, np.float32)
        if self._mask.ndim != 2 or not self._mask.size:
            raise ValueError(f"mask: shape {self._mask.shape}, expected (h, w)")
        if not (np.min(self._mask) >= 0 and np.max(self._mask) <= 1):
            raise ValueError("mask: expected numbers from 0, black, to 1, white")

    @classmethod
    def of(cls, picture: Array) -> Mask:
        """Make a mask from a picture, (h, w, 3) uint8 RGB: its luma (BT.601)."""
        return cls(np.minimum(picture @ LUMA / 255, 1))

    def at(self, base: Array) -> Mask:
        """Return the mask stretched over an octave."""
        return Mask(self._stretched(*base.shape[1:]))

    def change(self, change: Array, image: Array) -> Array:
        """Return the change times the mask."""
        masked: Array = change * self._stretched(*image.shape[1:]).astype(change.dtype)
        return masked

    def finish(self, dream: Array, picture: Array) -> Array:
        """Restore the picture where the mask is black: details resampled between octaves cross the mask's border."""
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

    Red, green and blue of each pixel are raised or lowered alike until the luma (BT.601) is the dream's; colours that
    leave 0..255 are then drawn towards that grey, which keeps luma and hue. This is done to the finished dream; each
    step before adds the same to red, green and blue, so that the result still shows what the network amplifies.
    """

    def change(self, change: Array, image: Array) -> Array:
        """Return the change's mean over the channels, for each of them."""
        grey: Array = np.repeat(change.mean(axis=0, keepdims=True), len(change), axis=0)
        return grey

    def finish(self, dream: Array, picture: Array) -> Array:
        """Return the dream's luma with the picture's chroma."""
        luma = np.clip(dream, 0, 255) @ LUMA.astype(dream.dtype)
        grey = luma[..., np.newaxis]
        chroma = picture.astype(dream.dtype) - (picture @ LUMA)[..., np.newaxis].astype(dream.dtype)
        # The largest part of the chroma, at most all of it, that stays within 0..255.
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(chroma > 0, (255 - grey) / chroma, np.where(chroma < 0, -grey / chroma, 1))
        share = np.clip(room.min(axis=-1, keepdims=True), 0, 1)
        blended: Array = (grey + share * chroma).astype(dream.dtype)
        return blended


def ascend(
    ops: ModuleType,
    image: Array,
    g: Array,
    step_size: float,
    low: Array | None,
    high: Array | None,
    retouches: Sequence[Retouch],
) -> float:
    """Add a retouched step to an image, in place: as `ascend_tensor`, for a gradient with the image's layout.

    The gradient is overwritten. Returns its mean absolute value; if that is 0 or not finite, the image is unchanged.
    """
    mean = float(ops.mean_abs(g))
    if 0 < mean < math.inf:
        g /= g.dtype.type(math.copysign(mean, step_size))  # only the dream climbs down: a pull stays a pull
        change = g
        for retouch in retouches:
            change = retouch.change(change, image)
        image += image.dtype.type(abs(step_size)) * change
        if low is not None and high is not None:
            ops.clip(image, low, high)
    return mean


def finish(retouches: Sequence[Retouch], dream: Array, picture: ArrayLike) -> Array:
    """Return the final picture of a dream: see `Retouch.finish`."""
    for retouch in retouches:
        dream = retouch.finish(dream, np.asarray(picture))
    return dream


def total_variation_gradient(image: Array, wrap: bool = False) -> Array:
    """Compute the gradient of ``sum(sqrt(dx^2 + dy^2 + 1))`` at a (C, h, w) image: see `TotalVariation`."""
    ends = [image.take([0 if wrap else -1], axis) for axis in CHW]
    down, right = (np.diff(image, axis=axis, append=end) for axis, end in zip(CHW, ends, strict=True))
    size = np.sqrt(down * down + right * right + 1)
    gradient = np.zeros_like(image)
    for difference, axis in ((down, 1), (right, 2)):
        flow = difference / size  # without `wrap` 0 at the last pixel, which has no next
        gradient -= np.diff(flow, axis=axis, prepend=flow.take([-1], axis))
    return gradient


def halvings_of(size: tuple[int, ...], most: int) -> int:
    """Return how often, at most so often, all sides can be halved without a rest."""
    return next(count for count in range(most, -1, -1) if not any(side % 2**count for side in size))


def _rescaled(change: Array, before: Array) -> Array:
    """Scale a change to the mean absolute value of the one before."""
    size = np.abs(change).mean()
    return change * (np.abs(before).mean() / size) if size > 0 else change


def _within(name: str, value: float, most: float) -> None:
    if not 0 < value <= most:  # NaN included
        raise ValueError(f"{name}: {value}, expected a number above 0, at most {most:g}")
