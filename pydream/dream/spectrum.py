"""Decorrelated steps: a gradient gets the spectrum, and the colours, that natural pictures have.

Neighbouring pixels of a natural picture are alike: its amplitudes fall roughly as 1/frequency. So are its channels.
Steps in coordinates in which they are not alike, the parameterisation of Olah, Mordvintsev and Schubert, "Feature
Visualization", Distill (2017), are steps at the pixels to which these linear maps are applied.
"""

from __future__ import annotations

import numpy as np

from ..net import Array
from .bounds import is_real, require
from .laplacian import HWC, Axes

STEEPEST = 4.0  # power of the frequency; from 2 on little but blurs is left

# Correlations of a natural picture's channels, which are three samples along the wavelengths: with 0.9 between
# neighbours, and the square of that between red and blue. The order of the channels, RGB or BGR, makes no difference.
CORRELATIONS = np.array([[1.0, 0.9, 0.81], [0.9, 1.0, 0.9], [0.81, 0.9, 1.0]])
# Its symmetric square root: numbers, since those of a linear algebra library differ from machine to machine.
COLORS = np.array(
    [
        [0.8031789627081094, 0.469044021527559, 0.36728906835404207],
        [0.469044021527559, 0.7483284116873484, 0.469044021527559],
        [0.36728906835404207, 0.469044021527559, 0.8031789627081094],
    ]
)


def divide_spectrum(grad: Array, power: float, axes: Axes = HWC) -> Array:
    """Divide each frequency of a gradient by ``max(frequency, lowest)^power``, in units of the lowest.

    The frequency is ``sqrt(fy^2 + fx^2)`` in periods per pixel, and the lowest is one period of the picture's longer
    side, ``1 / max(height, width)``: so the mean stays as it is. It is a linear map, and its own transpose.

    Parameters
    ----------
    grad : (H, W, C) or (C, H, W) array
        Left as it is. The transform takes it as periodic.
    power : float
    axes : (int, int)
        The axes of height and width.

    Returns
    -------
    array
        Of the gradient's shape and dtype; computed in double precision.
    """
    from scipy import fft

    found = np.empty_like(grad)
    planes, divided = (np.moveaxis(each, axes, (1, 2)) for each in (grad, found))
    height, width = planes.shape[1:]
    factors = falling(height, width, power)
    for plane, result in zip(planes, divided, strict=True):  # one by one, to save memory
        spectrum = fft.rfft2(plane.astype(np.float64))
        spectrum *= factors
        result[...] = fft.irfft2(spectrum, (height, width), overwrite_x=True)
    return found


def mix_colors(grad: Array, colors: Array = COLORS) -> Array:
    """Multiply the channels of a (3, H, W) gradient by a matrix, in double precision; grey, (1, H, W), has no colours.

    Linear, and of a symmetric matrix its own transpose.
    """
    if len(grad) == 1:
        return grad
    mixed = np.empty_like(grad)
    for row, result in zip(colors, mixed, strict=True):
        result[...] = sum(weight * channel for weight, channel in zip(row, grad, strict=True))
    return mixed


def check_power(power: float) -> None:
    """Raise ValueError for what is no power of the frequency."""
    require(is_real(power) and 0 <= power <= STEEPEST, "power", power, f"a number from 0 to {STEEPEST:g}")


def frequencies(height: int, width: int) -> Array:
    """Return the frequencies of `scipy.fft.rfft2`, in periods per pixel."""
    found: Array = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    return found


def falling(height: int, width: int, power: float) -> Array:
    """Return ``(lowest / frequency)^power`` for the frequencies of `scipy.fft.rfft2`, floored at the lowest."""
    lowest = 1 / max(height, width)
    factors: Array = (lowest / np.maximum(frequencies(height, width), lowest)) ** power
    return factors
