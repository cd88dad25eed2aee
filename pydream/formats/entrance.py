"""Where the picture enters a network: at which sizes it is tried, and the layer that scales it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runtime.layers import Layer, Numbers, Scale
from ..runtime.tf_layers import Affine, Identity

IMAGE = "data"  # the blob that is the picture, as in every network

# Sizes to try where the input declares none: the first at which all layers fit, fully connected ones too.
SIZES = ((224, 224), (299, 299), (227, 227), (331, 331), (256, 256), (192, 192), (160, 160), (128, 128), (32, 32))


def entrance(name: str, scale: float | Sequence[float] | None) -> tuple[Layer, list[Numbers]]:
    """Return the layer that makes the blob `name` of the picture, times `scale`, and its weights."""
    wanted = np.unique([1.0] if scale is None else scale)
    facts = (name, (IMAGE,), (name,))
    if wanted.size > 1:
        return Affine.of(*facts, "Scale", factor=np.asarray(scale, np.float64))
    if wanted == 1:
        return Identity(*facts), []
    # In place where the input is called as the picture is, which a Scale may be.
    return Scale(*facts, axis=0, num_axes=0, bias=False), [wanted.reshape(())]
