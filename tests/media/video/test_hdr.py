"""HDR in 8 bits: pixel by pixel as the recommendations write it, in Python's own numbers."""

import math

import numpy as np
import pytest

from pydream.media.video.hdr import HLG, PQ, tone_mapped

M1, M2, C1, C2, C3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875  # BT.2100, table 4


def pq_eotf(value):
    power = value ** (1 / M2)
    return 10000 * (max(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1)


def pq_inverse(light):
    power = (light / 10000) ** M1
    return ((C1 + C2 * power) / (1 + C3 * power)) ** M2


def hlg_light(values):
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * math.log(4 * a)
    scene = [x * x / 3 if x <= 0.5 else (math.exp((x - c) / a) + b) / 12 for x in values]
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    return [1000 * luminance**0.2 * each if luminance else 0.0 for each in scene]


def eetf(light):
    """Compute BT.2390's, section 5.4.1, of black 0 and 1000 cd/m², for black 0 and 203."""
    e1, most = pq_inverse(light) / pq_inverse(1000), pq_inverse(203) / pq_inverse(1000)
    knee = 1.5 * most - 0.5
    if e1 >= knee:
        t = (e1 - knee) / (1 - knee)
        e1 = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return pq_eotf(e1 * pq_inverse(1000))


def oracle(pixel, transfer):
    values = [number / 65535 for number in pixel]
    light = [min(pq_eotf(value), 1000) for value in values] if transfer == PQ else hlg_light(values)
    largest = max(light)
    light = [each * eetf(largest) / largest / 203 if largest else 0 for each in light]
    rows = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))  # BT.2087
    linear = [sum(weight * each for weight, each in zip(row, light, strict=True)) for row in rows]
    return [round(255 * min(max(each, 0), 1) ** (1 / 2.4)) for each in linear]


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_pixels_are_those_of_the_recommendations(transfer):
    values = np.random.RandomState(0).randint(0, 65536, (150, 4, 3)).astype(np.uint16)  # more than one block of rows
    values[:2] //= 40  # dark
    values[2, :2] = [0, 0, 0], [65535, 65535, 65535]
    seen = tone_mapped(values, transfer)
    wanted = np.reshape([oracle(pixel, transfer) for pixel in values.reshape(-1, 3).tolist()], values.shape)
    assert seen.dtype == np.uint8
    assert np.abs(seen.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize(("transfer", "paper"), [(PQ, 0.58069), (HLG, 0.75)])
def test_the_white_of_paper_stays_white_and_grey_stays_grey(transfer, paper):
    """BT.2408's reference white, 203 cd/m², is bright, and leaves room for what is brighter."""
    greys = np.round(65535 * np.array([0, 0.2, paper, 1])).astype(np.uint16)
    seen = tone_mapped(np.repeat(greys[None, :, None], 3, -1), transfer)[0]
    assert (np.ptp(seen, axis=-1) == 0).all()
    black, dark, white, peak = seen[:, 0].tolist()
    assert (black, peak) == (0, 255)
    assert 10 < dark < 70
    assert 225 <= white <= 235


def test_brighter_light_is_never_darker():
    for transfer in (PQ, HLG):
        ramp = np.repeat(np.arange(0, 65536, 64, dtype=np.uint16)[None, :, None], 3, -1)  # of 10 bits
        assert (np.diff(tone_mapped(ramp, transfer)[0, :, 1].astype(int)) >= 0).all()
