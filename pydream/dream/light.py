"""Light is a picture's brightness and contrast: the mean and the standard deviation of each of its channels."""

from __future__ import annotations

from typing import Literal, NamedTuple, Self, get_args

import numpy as np

from ..net import Array
from .bounds import require

Hold = Literal["brightness", "contrast", "both"]
HOLDS: tuple[Hold, ...] = get_args(Hold)

Channels = tuple[float, float, float]  # red, green, blue


class Light(NamedTuple):
    """Brightness and contrast of a picture.

    Attributes
    ----------
    mean, deviation : (float, float, float)
        Of each channel's values, in levels; computed in float64.
    """

    mean: Channels
    deviation: Channels

    @classmethod
    def of(cls, picture: Array) -> Self:
        """Measure a picture, (H, W, 3)."""
        red, green, blue = (_of_channel(picture[..., channel]) for channel in range(3))
        return cls(*zip(red, green, blue, strict=True))


def with_light(picture: Array, light: Light, hold: Hold, clip: bool) -> Array:
    """Return a picture with the brightness, the contrast or both of another one's light.

    Each channel x, of mean m and deviation s, becomes ``(x - m) * c + b`` in float64: b is the light's mean, or m for
    the contrast alone, and c its deviation / s, or 1 for the brightness alone and where s is 0.

    Parameters
    ----------
    picture : (H, W, 3) array
    light : Light
    hold : {"brightness", "contrast", "both"}
    clip : bool
        Whether what leaves 0..255 is clipped, which changes the light of a picture with much black and white.
    """
    made = np.empty_like(picture)
    for channel, (mean, deviation) in enumerate(zip(light.mean, light.deviation, strict=True)):
        values = picture[..., channel].astype(np.float64)
        m, s = _of_channel(values)
        values -= m
        if hold != "brightness" and s > 0:
            values *= deviation / s
        values += m if hold == "contrast" else mean
        made[..., channel] = np.clip(values, 0, 255, out=values) if clip else values
    return made


def check_hold(hold: str | None) -> None:
    """Raise `ValueError` for what `hold` cannot be."""
    require(hold is None or hold in HOLDS, "hold", repr(hold), f"one of {', '.join(map(repr, HOLDS))}")


def _of_channel(values: Array) -> tuple[float, float]:
    """Return the mean and the standard deviation of all values."""
    numbers = np.array(values, np.float64, order="C").ravel()  # summed in one order, whatever the array's
    mean = float(numbers.mean())
    numbers -= mean
    numbers *= numbers
    return mean, float(np.sqrt(numbers.mean()))
