"""All renderers by name: the tutorial's four, and two of today."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..imageops import backend
from ..net import Array, Net
from . import tutorial
from .images import deprocess
from .maco import Magnitudes as Magnitudes
from .maco import magnitudes_of as magnitudes_of
from .maco import render_maco
from .retouch import Robust
from .spectrum import check_power, divide_spectrum, mix_colors
from .squash import bounded, bounded_slope, unbounded
from .tutorial import TILE_SIZE, Channels, Gradient, Multiscale, RandomState, calc_grad_tiled
from .watch import Watch

SHIFT = 16  # the stride of a late layer: so far, all places of the picture are alike to it


def render_decorrelated(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 40,
    step: float = 3.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    power: float = 1.0,
    robust_scale: float = Robust.scale,
    robust_rotate: float = Robust.rotate,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb through growing sizes with decorrelated steps, and show the network a possible picture, always moved.

    The picture is ``127.5 (1 + u / sqrt(1 + u^2))`` of values ``127.5 u`` that are climbed in, so that no pixel leaves
    0..255. At each step the network sees it shifted by up to `SHIFT` pixels (one larger than a tile of the tutorial's:
    tile by tile, shifted by up to a tile), scaled and turned as `pydream.retouch.Robust` does it. Its gradient gets the
    spectrum and the colours of natural pictures.

    Parameters and errors are those of `render_naive` and `render_multiscale`; `step` is the mean size of a step.

    Parameters
    ----------
    power : float
        That of the frequency that the gradient is divided by, 0 to `pydream.dream.spectrum.STEEPEST`.
    robust_scale, robust_rotate : float
        Those of `pydream.retouch.Robust`; both 0: without.
    """
    check_power(power)
    robust = Robust(robust_scale, robust_rotate)
    return _Decorrelated(net, octave_n, octave_scale, power, robust).render(
        layer, channel, img0, iter_n, step, rng, watch
    )


RENDERERS: dict[str, Callable[..., Array]] = {
    **tutorial.RENDERERS,
    "decorrelated": render_decorrelated,
    "maco": render_maco,
}
DEFAULT = "decorrelated"


class _Decorrelated(Multiscale):
    name = "decorrelated"

    def __init__(self, net: Net, octave_n: int, octave_scale: float, power: float, robust: Robust) -> None:
        super().__init__(net, octave_n, octave_scale)
        self._power = power
        self._robust = robust
        self._mean = deprocess(net, np.zeros((len(net.mean), 1, 1), net.dtype))  # what is seen outside of a picture

    def start(self, img: Array, octave: int) -> Array:
        if octave > 0:
            return super().start(img, octave)
        return unbounded(img)

    def picture(self, img: Array) -> Array:
        return bounded(img)

    def gradient(self, t_grad: Gradient, img: Array, rng: RandomState | None) -> Array:
        seen = self.picture(img)
        moved = self._moved(t_grad, rng)
        g = calc_grad_tiled(seen, moved, rng=rng) if max(seen.shape) > TILE_SIZE else _shifted(seen, moved, rng)
        g *= bounded_slope(img)
        return g

    def normalize(self, g: Array, step: float) -> Array:
        return decorrelated_step(self.net, g, step, self._power)

    def _moved(self, t_grad: Gradient, rng: RandomState | None) -> Gradient:
        """Return the gradient at a picture that the network sees scaled and turned."""
        if not (self._robust.scale or self._robust.rotate):
            return t_grad
        ops = backend("native")

        def gradient(picture: Array) -> Array:
            move = self._robust.draw(rng, *picture.shape[:2])
            moved = ops.affine_transform(np.ascontiguousarray(picture - self._mean), *move)
            found: Array = ops.affine_transform_adjoint(t_grad(moved + self._mean), *move)
            return found

        return gradient


def _shifted(img: Array, t_grad: Gradient, rng: RandomState | None) -> Array:
    """Compute a gradient of a picture that is shifted by up to `SHIFT` pixels, cyclically."""
    shift = (np.random if rng is None else rng).randint(SHIFT, size=2)
    return np.roll(t_grad(np.roll(img, shift, (0, 1))), -shift, (0, 1))


def decorrelated_step(net: Net, g: Array, step: float, power: float = 1.0) -> Array:
    """Return what a decorrelated step of a mean size adds to a picture, (h, w, 3), whose gradient is `g`."""
    change = divide_spectrum(g, power)
    if net.image.shape[1] > 1:  # otherwise it is grey, and stays so
        change = np.moveaxis(mix_colors(np.moveaxis(change, -1, 0)), 0, -1)
    size = np.abs(change).mean()
    return change * (step / size) if size > 0 else change
