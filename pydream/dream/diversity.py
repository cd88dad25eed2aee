"""Scores by what pictures show to a layer: away from those before, so that dreams differ, or between two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import SilentScoreError
from ..net import Array, Net
from ..picture import Picture
from .cells import activations
from .objectives import Kind, Score, Term, as_vector, direction


def apart(net: Net, score: Score, pictures: Sequence[Picture], weight: float) -> Score:
    """Return a score that leads away from what pictures show to the layer of its first term.

    ``score - weight * direction(layer, v)``: v is the sum of what the pictures show, without the channels that the
    score names at that layer, and has length 1: see `shown`.

    Parameters
    ----------
    net : Net
        Its input is reshaped to the pictures' sizes.
    score : Score
    pictures : sequence of (h, w, 3) uint8 array
        Of none the score is as it was.
    weight : float
    """
    first = score.terms[0]
    own = [term.channels for term in score.terms if term.layer == first.layer]
    left_out = [channel for channels in own for channel in channels]
    vector = _unit(sum((shown(net, first.layer, picture, left_out) for picture in pictures), np.zeros(())))
    if not vector.any():
        return score
    kind: Kind = "sum" if first.kind == "sum" else "mean"
    return score - weight * Score((Term(first.layer, kind, place=first.place, vector=as_vector(vector)),))


def between(layer: str, first: Array, last: Array, share: float) -> Score:
    """Return a score on the way from what one picture shows to a layer to what another does.

    ``direction(layer, (1 - share) first + share last, 1)``.

    Parameters
    ----------
    layer : str
    first, last : (channels,) array
        What `shown` returns of the pictures.
    share : float
        From 0, the first, to 1, the last.

    Raises
    ------
    SilentScoreError
        The layer finds nothing in a picture.
    """
    if not (first.any() and last.any()):
        raise SilentScoreError(f"{layer!r} finds nothing in one of the pictures; try an earlier layer")
    return direction(layer, (1 - share) * first + share * last, 1)


def shown(net: Net, layer: str, picture: Picture, left_out: Sequence[int] = ()) -> Array:
    """Return how strongly each channel of a layer answers to a picture, as a vector of length 1; zeros if none does.

    It is the mean over the places of each channel's ``max(x, 0)``, and 0 for those that are left out.
    """
    found = np.maximum(activations(net, layer, picture), 0).mean((0, 1))
    found[list(left_out)] = 0
    return _unit(found)


def _unit(vector: Array) -> Array:
    """Return a vector of length 1 in its direction; one of zeros as it is."""
    unit: Array = vector / (np.linalg.norm(vector) or 1.0)
    return unit
