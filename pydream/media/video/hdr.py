"""HDR → 8 bits: PQ and HLG (ITU-R BT.2100) become the BT.709 of a display with a white of 203 cd/m².

======================= ======================================================================================
light, of PQ            BT.2100's EOTF, in cd/m², up to 1000
light, of HLG           BT.2100's inverse OETF, then its OOTF for a display of 1000 cd/m²: `E Y^0.2`
the tone curve          BT.2390's EETF from 1000 to 203 cd/m², in PQ, of the largest of R, G and B, which all
                        three are scaled by, so that hues stay
BT.2020's primaries     BT.709's by BT.2087's matrix; what lies outside is clipped
back to numbers         BT.1886's inverse: a display's gamma of 2.4
======================= ======================================================================================

203 cd/m² is the white of a sheet of paper in HDR (BT.2408). Tables have an entry for each square root of a light in
65535ths: with them, and with sums in one order, frames do not depend on the processor.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...picture import Picture

PQ, HLG = 16, 18  # H.273's numbers of transfer functions
HDR = (PQ, HLG)

_PEAK, _WHITE = 1000.0, 203.0  # cd/m²: of the film, and of the result
_STEPS = 65535
_ROWS = 64  # which are converted at a time: floats take 12 times the memory of 8 bits

_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020

Light = NDArray[np.float32]  # 0..1: up to the film's peak, or to white


class _Tables(NamedTuple):
    light: Light  # by a value of PQ
    scene: Light  # by a value of HLG
    system: Light  # HLG's OOTF is a factor, by the square root of the scene's luminance
    curve: Light  # so is the tone curve, by that of the largest of R, G and B
    value: NDArray[np.uint8]  # by that of the light of the result


def tone_mapped(values: NDArray[np.uint16], transfer: int) -> Picture:
    """Return a frame of HDR in 8 bits, BT.709.

    Parameters
    ----------
    values : (H, W, 3) uint16 array
        R'G'B' of BT.2100, full range.
    transfer : int
        `PQ` or `HLG`.
    """
    picture = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        picture[top : top + _ROWS] = _rows(values[top : top + _ROWS], transfer)
    return picture


def _rows(values: NDArray[np.uint16], transfer: int) -> Picture:
    tables = _tables()
    channels = np.moveaxis(values, -1, 0)
    if transfer == PQ:
        light = tables.light[channels]
    else:
        light = tables.scene[channels]
        light *= tables.system[_index(_mix(_LUMINANCE, light))]
    light *= tables.curve[_index(light.max(0))]
    return np.stack([tables.value[_index(_mix(weights, light))] for weights in _TO_BT709], -1)


def _mix(weights: Light, light: Light) -> Light:
    mixed: Light = weights[0] * light[0] + weights[1] * light[1] + weights[2] * light[2]
    return mixed


def _index(light: Light) -> NDArray[np.uint16]:
    index: NDArray[np.uint16] = np.rint(np.sqrt(light.clip(0, 1)) * np.float32(_STEPS)).astype(np.uint16)
    return index


@cache
def _tables() -> _Tables:
    steps = np.arange(_STEPS + 1) / _STEPS
    light = steps**2
    brightest = np.maximum(light, light[1]) * _PEAK
    return _Tables(
        light=_float32(np.minimum(pq_light(steps) / _PEAK, 1)),
        scene=_float32(hlg_scene(steps)),
        system=_float32(light**0.2),
        curve=_float32(shown(brightest) / brightest * (_PEAK / _WHITE)),
        value=np.rint(255 * light ** (1 / 2.4)).astype(np.uint8),
    )


def _float32(numbers: NDArray[Any]) -> Light:
    return np.asarray(numbers, np.float32)


# ---- the formulas ----

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_light(values: NDArray[Any]) -> NDArray[Any]:
    """Return the light of values of PQ, in cd/m²."""
    power = values ** (1 / _M2)
    lit: NDArray[Any] = 10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)
    return lit


def pq_value(light: NDArray[Any]) -> NDArray[Any]:
    """Return the value of PQ of a light in cd/m²."""
    power = (light / 10000) ** _M1
    value: NDArray[Any] = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return value


def hlg_scene(values: NDArray[Any]) -> NDArray[Any]:
    """Return the light of the scene, 0..1, of values of HLG."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def shown(light: NDArray[Any]) -> NDArray[Any]:
    """Return the light that the tone curve makes of one up to 1000 cd/m², at most 203."""
    peak, most = pq_value(np.array([_PEAK, _WHITE]))
    value, top = pq_value(light) / peak, most / peak
    knee = 1.5 * top - 0.5
    t = (value - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return pq_light(np.where(value < knee, value, spline) * peak)
