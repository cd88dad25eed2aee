"""All renderers by name: the tutorial's four, and one of today, whose steps are decorrelated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..net import Array, Net
from . import tutorial
from .bounds import is_real, require
from .spectrum import STEEPEST, divide_spectrum, mix_colors
from .tutorial import Channels, Multiscale, RandomState
from .watch import Watch


def render_decorrelated(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 20,
    step: float = 3.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    power: float = 1.0,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb as `render_multiscale` does, with gradients of the spectrum and the colours of natural pictures.

    Parameters and errors are those of `render_naive` and `render_multiscale`; `step` is the mean size of a step.
    `power` is that of the frequency that the gradient is divided by, 0 to `pydream.dream.spectrum.STEEPEST`.
    """
    check_power(power)
    return _Decorrelated(net, octave_n, octave_scale, power).render(layer, channel, img0, iter_n, step, rng, watch)


RENDERERS: dict[str, Callable[..., Array]] = {**tutorial.RENDERERS, "decorrelated": render_decorrelated}


class _Decorrelated(Multiscale):
    name = "decorrelated"

    def __init__(self, net: Net, octave_n: int, octave_scale: float, power: float) -> None:
        super().__init__(net, octave_n, octave_scale)
        self._power = power

    def normalize(self, g: Array, step: float) -> Array:
        return decorrelated_step(self.net, g, step, self._power)


def decorrelated_step(net: Net, g: Array, step: float, power: float = 1.0) -> Array:
    """Return what a decorrelated step of a mean size adds to a picture, (h, w, 3), whose gradient is `g`."""
    change = divide_spectrum(g, power)
    if net.image.shape[1] > 1:  # otherwise it is grey, and stays so
        change = np.moveaxis(mix_colors(np.moveaxis(change, -1, 0)), 0, -1)
    size = np.abs(change).mean()
    return change * (step / size) if size > 0 else change


def check_power(power: float) -> None:
    """Raise ValueError for what is no power of the frequency."""
    require(is_real(power) and 0 <= power <= STEEPEST, "power", power, f"a number from 0 to {STEEPEST:g}")
