"""The golden dream: what the real Caffe made of a picture of ours, in double precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..errors import PydreamError
from .report import Array

_FILE = Path(__file__).with_name("golden.npz")

END = "fire8/concat"
OCTAVES: dict[str, Any] = {"octave_n": 3, "octave_scale": 1.4, "iter_n": 6, "step_size": 1.5}


def golden_dream() -> dict[str, Array]:
    """Read the golden dream of the built-in network: to `END`, in `OCTAVES`, its shifts drawn from the seed 0.

    Returns
    -------
    dict of str to array
        ``image``, the picture, (128, 192, 3) uint8 RGB; ``out_u8``, its dream, the same; ``step_rms``, (18,) float64,
        the root of the mean square of the image after each step; ``sha256``, the hexadecimal hash of the dream's bytes.

    Raises
    ------
    PydreamError
        If the file, which comes with pydream, is missing or damaged.
    """
    try:
        with np.load(_FILE) as arrays:
            return dict(arrays)
    except (OSError, EOFError, ValueError, BadZipFile) as error:  # ValueError: NumPy takes other files for pickles
        raise PydreamError(f"'{_FILE}' is missing or damaged; install pydream again") from error
