"""MaCo: a spectrum keeps the magnitudes of natural pictures, and its phases alone climb.

After Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..imageops import backend
from ..media import resized
from ..net import Array, Net
from ..picture import LUMA, Picture
from ..tiles.plan import LARGEST_TILE
from .bounds import require
from .octaves import Size
from .spectrum import check_power, falling, frequencies, mix_colors
from .squash import HALF, bounded, bounded_slope, unbounded
from .tutorial import Channels, Gradient, RandomState, Renderer
from .watch import Watch

Magnitudes = tuple[float, ...]  # at BINS frequencies, each the root of two times the one before: the last is Nyquist's
BINS = 15
CROPS = 4  # of the picture, in each step
NEAREST = 0.4  # side of the smallest crop, of the picture's
CONTRAST = 55.0  # standard deviation of a channel, in levels, before pixels are bounded: a photograph's
_SPREAD = 0.15  # of the crops' middles around the picture's
_NOISE = 0.1 * HALF  # standard deviation at the first step; at the last there is none
_SIDE = 256  # of a picture whose magnitudes are measured
_DECAYS = (0.9, 0.99)  # of the means of the gradient and of its square, as Adam's


def render_maco(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 128,
    step: float = 0.1,
    power: float = 1.0,
    magnitudes: Magnitudes | None = None,
    *,
    tile: int | None = 0,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb in the phases of a picture's spectrum, whose magnitudes are those of natural pictures.

    With phases p and magnitudes r the channels are ``irfft2(r exp(ip))``, mixed by natural colours and bounded as by
    `render_decorrelated`. Each step sees `CROPS` random parts of the picture, enlarged to its size, with some noise,
    and goes along the mean gradient divided by the root of its mean square, as Adam does.

    Parameters and errors are those of `render_naive`.

    Parameters
    ----------
    img0 : (h, w, 3) array_like, optional
        Its phases are the start.
    iter_n : int
    step : float
        Size of a step, in radians.
    power : float
        Of the frequency that magnitudes are divided by, where none are given.
    magnitudes : tuple of float, optional
        Those of pictures, as `magnitudes_of` finds them.
    """
    check_power(power)
    if magnitudes is not None:
        check_magnitudes(magnitudes)
    return _MaCo(net, iter_n, power, magnitudes).render(layer, channel, img0, iter_n, step, rng, watch, tile)


def magnitudes_of(pictures: Iterable[Picture]) -> Magnitudes:
    """Return the mean magnitudes of pictures at `BINS` frequencies, for `render_maco`.

    Of each picture the middle square is resized to 256x256 pixels, and its luma, minus the mean and times a Hann
    window, transformed. The k-th number, from 0, is the mean over frequencies around ``2^(k / 2)`` periods in 256
    pixels, in four digits; the largest is 1.

    Raises
    ------
    ValueError
        The pictures have no contrast.
    """
    from scipy import fft

    window = np.hanning(_SIDE + 1)[:-1]
    bins = np.rint(_places(_SIDE, _SIDE)).astype(int)
    bins[0, 0] = BINS  # no frequency
    sums = np.zeros(BINS + 1)
    for picture in pictures:
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        luma = resized(picture[top : top + side, left : left + side], (_SIDE, _SIDE)).astype(np.float64) @ LUMA
        found = np.abs(fft.rfft2((luma - luma.mean()) * window * window[:, np.newaxis]))
        sums += np.bincount(bins.ravel(), found.ravel(), BINS + 1) / np.maximum(np.bincount(bins.ravel()), 1)
    largest = sums[:BINS].max()
    if not (largest > 0 and (sums[:BINS] > 0).all()):
        raise ValueError("there is no picture with contrast at all frequencies")
    return tuple(float(f"{each:.4g}") for each in sums[:BINS] / largest)


def check_magnitudes(magnitudes: Magnitudes) -> None:
    """Raise `ValueError` for what `render_maco` cannot take."""
    fits = len(magnitudes) == BINS and all(0 < each < math.inf for each in magnitudes)
    require(fits, "magnitudes", magnitudes, f"{BINS} numbers above 0")


class _MaCo(Renderer):
    name = "maco"
    seen = LARGEST_TILE

    def __init__(self, net: Net, iter_n: int, power: float, magnitudes: Magnitudes | None) -> None:
        super().__init__(net)
        self._iter_n, self._power, self._magnitudes = iter_n, power, magnitudes
        self._done = 0
        self._means: tuple[Array, Array] = (np.zeros(()), np.zeros(()))  # of the gradient, and of its square

    def start(self, img: Array, octave: int) -> Array:
        """Return the phases of a picture, (c, h, w // 2 + 1)."""
        from scipy import fft

        self._size = img.shape[:2]
        self._radii = spectrum(self._size, self._power, self._magnitudes)
        planes = np.moveaxis(unbounded(img.astype(np.float64)), -1, 0)
        return np.angle(fft.rfft2(planes))

    def picture(self, img: Array) -> Array:
        return bounded(self._values(self._frequencies(img))).astype(self.net.dtype)

    def gradient(self, t_grad: Gradient, img: Array, rng: RandomState | None) -> Array:
        z, draws = self._frequencies(img), np.random if rng is None else rng
        values = self._values(z)
        picture = np.ascontiguousarray(bounded(values), self.net.dtype)
        noise = _NOISE * (1 - self._done / self._iter_n)
        g = sum(self._crop(t_grad, picture, noise, draws) for _ in range(CROPS))
        return self._phases(g * bounded_slope(values), z)

    def normalize(self, g: Array, step: float) -> Array:
        self._done += 1
        kept, kept_square = _DECAYS
        mean, square = self._means
        self._means = mean, square = kept * mean + (1 - kept) * g, kept_square * square + (1 - kept_square) * g * g
        size = np.sqrt(square / (1 - kept_square**self._done))
        found = mean / (1 - kept**self._done)
        return step * np.divide(found, size, out=np.zeros_like(found), where=size > 0)

    def _frequencies(self, phases: Array) -> Array:
        """Return the spectrum, (c, h, w // 2 + 1), that has these phases."""
        spectra: Array = self._radii * np.exp(1j * phases)
        return spectra

    def _values(self, z: Array) -> Array:
        """Return the values, (h, w, c), of a spectrum, which are bounded as pixels."""
        from scipy import fft

        planes = fft.irfft2(z, self._size)
        return np.ascontiguousarray(np.moveaxis(self._mixed(planes), 0, -1))

    def _phases(self, g: Array, z: Array) -> Array:
        """Return the gradient at the phases of a spectrum z of a score whose gradient at its values is `g`."""
        from scipy import fft

        planes = self._mixed(np.moveaxis(g.astype(np.float64), -1, 0))
        height, width = self._size
        twice = np.full(width // 2 + 1, 2.0)  # all frequencies but two stand for their conjugates too
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        found: Array = twice / (height * width) * (z.conj() * fft.rfft2(planes)).imag
        return found

    def _mixed(self, planes: Array) -> Array:
        """Return channels in natural colours; those of a grey picture, alike, as they are."""
        return mix_colors(planes) if self.net.image.shape[1] > 1 else planes

    def _crop(self, t_grad: Gradient, picture: Array, noise: float, rng: Any) -> Array:
        """Return the gradient at the picture of what the network makes of a part of it, its mean size 1."""
        ops, sides = backend("native"), np.array(picture.shape[:2]) - 1
        part = rng.uniform(NEAREST, 1)
        middle = np.clip(rng.normal(0.5, _SPREAD, 2), part / 2, 1 - part / 2)
        move = [part, part], sides * (middle - part / 2)
        crop = ops.affine_transform(picture, *move) + rng.normal(0, noise, picture.shape).astype(picture.dtype)
        g = t_grad(crop)
        size = np.abs(g).mean()
        back: Array = ops.affine_transform_adjoint(np.ascontiguousarray(g / size if size > 0 else g), *move)
        return back


def spectrum(size: Size, power: float = 1.0, magnitudes: Magnitudes | None = None) -> Array:
    """Return the magnitudes, as `scipy.fft.rfft2` has them, of a channel with a deviation of `CONTRAST`."""
    height, width = size
    if magnitudes is None:
        found = falling(height, width, power)
    else:
        found = np.exp(np.interp(_places(height, width), np.arange(BINS), np.log(magnitudes)))
    found[0, 0] = 0  # the mean is grey
    whole = 2 * (found**2).sum() - (found[:, 0] ** 2).sum()
    if width % 2 == 0:
        whole -= (found[:, -1] ** 2).sum()
    found *= CONTRAST * height * width / math.sqrt(whole) if whole > 0 else 0
    return found


def _places(height: int, width: int) -> Array:
    """Return where frequencies lie among those of `Magnitudes`, from 0 to ``BINS - 1``."""
    periods = np.maximum(_SIDE * frequencies(height, width), 1)
    places: Array = np.minimum(2 * np.log2(periods), BINS - 1)
    return places
