"""Which place of a guide is most like each place of a dream: the notebook's ``(x.T @ y).argmax(1)``, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows of the matrix of similarities that are held at once: at 575x1024 all of it would take 9216 x 1200 numbers.
ROWS = 1024


def best_match(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.intp]:
    """Give for each column of x, (channels, places), the first column of y whose dot product with it is largest."""
    blocks = (x[:, i : i + ROWS].T.dot(y).argmax(1) for i in range(0, x.shape[1], ROWS))
    return np.concatenate(list(blocks))
