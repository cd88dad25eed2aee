"""The first layer of a network that wants its pictures scaled: it makes the network's own input of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runtime.layers import Layer, Numbers, Power
from ..runtime.tf_layers import Affine, Identity

IMAGE = "data"  # the blob that is the picture, as in every network


def entrance(name: str, scale: float | Sequence[float] | None) -> tuple[Layer, list[Numbers]]:
    """Return the layer that makes the blob `name` of the picture, times `scale`, and its weights."""
    wanted = np.unique([1.0] if scale is None else scale)
    facts = (name, (IMAGE,), (name,))
    if wanted.size > 1:
        factor = np.asarray(scale, np.float64)
        return Affine(*facts, op="Scale", channels=factor.size, factor=True, offset=False), [factor]
    (one,) = map(float, wanted)
    return (Identity(*facts) if one == 1 else Power(*facts, power=1.0, scale=one, shift=0.0)), []
