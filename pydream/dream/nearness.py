"""Nearness is how like a drawing's activations are to natural ones, as a cosine: drawings show what nothing else has.

A picture that was made to please a layer can do so with activations that no photograph gives. The cosine of both says
how far to trust it: 1 where the channels are in the same proportions, 0 where they have nothing in common.
"""

from __future__ import annotations

import numpy as np

from ..net import Array, Net
from ..picture import Picture
from .cells import activations


def nearness_to(net: Net, layer: str, picture: Picture, vector: Array) -> float:
    """Return the cosine of a direction and what a picture gives: its activations' mean over the places of a layer."""
    values = activations(net, layer, picture)
    return float(cosines(values.reshape(-1, values.shape[-1]).mean(0)[np.newaxis], vector[np.newaxis])[0, 0])


def cosines(rows: Array, others: Array) -> Array:
    """Return the cosine of each of (n, c) rows with each of (m, c) others, (n, m) float64; that of zeros is 0."""
    found: Array = _directions(rows) @ _directions(others).T
    return found


def _directions(rows: Array) -> Array:
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return found
