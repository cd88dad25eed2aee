"""What an activation atlas says of how it was made."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .made import dream_in
from .provenance import Figure, Sha256

Number = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class AtlasFigure(Figure, frozen=True, kw_only=True):
    """How an atlas was made: its recipe is that of a cell's drawing, without its direction, and its input the noise.

    Attributes
    ----------
    pictures : int
        How many went in.
    pictures_sha256 : str
        Of the SHA-256 of each one's pixels, in hexadecimal digits, at the size that the network was shown, in order.
    activations : int
        How many there are.
    places, side : int
        As for `pydream.activation_atlas`.
    """

    pictures: Number
    pictures_sha256: Sha256
    activations: Number
    places: Number
    side: Number


def is_cell(note: str | None, number: int) -> bool:
    """Return whether a picture says that it is drawn for a direction, of whatever atlas."""
    dream = dream_in(note)
    return dream is not None and any(term.vector for term in dream.recipe.objective)
