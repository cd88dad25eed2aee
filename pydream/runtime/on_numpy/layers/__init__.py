"""How NumPy runs each layer: two formulas, to be read. Arrays are Caffe's, (n, c, h, w).

The files are those of `pydream.runtime.layers`.
"""

from __future__ import annotations

from typing import Any

from ... import layers
from ...base import Runner
from . import activations, combining, linear, normalising, pooling, reductions, shapes

RUNNERS: dict[type[layers.Layer], type[Runner[Any]]] = {
    **activations.RUNNERS,
    **combining.RUNNERS,
    **linear.RUNNERS,
    **normalising.RUNNERS,
    **pooling.RUNNERS,
    **reductions.RUNNERS,
    **shapes.RUNNERS,
}
