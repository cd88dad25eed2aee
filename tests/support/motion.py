"""Pictures that move."""

import numpy as np
from scipy.ndimage import gaussian_filter


def landscape(seed=0, height=160, width=220):
    """Draw something that looks the same nowhere."""
    draw = np.random.default_rng(seed)
    coarse = gaussian_filter(draw.normal(size=(height, width, 3)), (6, 6, 0)) * 900
    fine = gaussian_filter(draw.normal(size=(height, width, 3)), (2, 2, 0)) * 120
    return np.uint8(np.clip(128 + coarse + fine, 0, 255))


def window(picture, down, right, height=96, width=128):
    return np.ascontiguousarray(picture[down : down + height, right : right + width])
