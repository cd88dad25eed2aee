"""A film can be stopped at any moment: beside its frames is a file that says what it is to be."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec

from ..errors import CheckpointError
from ..files import read_file, write_text
from .provenance import Account, Side
from .recipe import Difference, changes
from .text import from_json

_MOST_TEXT = 2**20  # bytes

Number = Annotated[int, msgspec.Meta(ge=0, lt=10**9)]  # of a frame


class Film(Account, frozen=True, kw_only=True):
    """How a film was made, each of whose frames is a dream of a frame: its command makes it again.

    Attributes
    ----------
    film : str
        The kind: the command's name.
    recipe : Recipe
        Of every frame, which begins with its seed.
    input : PictureFacts
        The film that was dreamt on; the hash is its file's.
    first, frames : int
        The number of its first frame that was dreamt on, from 0, and how many.
    size : (int, int)
        Height and width that the frames were dreamt at.
    blend, flow, cut
        As for `pydream.dream_frames`.
    """

    film: str
    first: Number
    frames: Number
    size: tuple[Side, Side]
    blend: float
    flow: bool
    cut: float

    def unlike(self, other: Film) -> list[Difference]:
        """List what makes another film: not the device, as one that is lost can be replaced, nor how many frames."""
        own = changes(self, other, ("first", "size", "blend", "flow", "cut"))
        found = [*self.recipe.differences(other.recipe), *own, *self.differences(other)]
        return [each for each in found if each.what != "device"]


def save(path: str | os.PathLike[str], film: Film) -> None:
    """Write what a film is to be, whole or not at all: with the frames beside it the film can be resumed."""
    write_text(path, f"{film.to_json()}\n")


def load(path: str | os.PathLike[str]) -> Film | None:
    """Read what a film was to be; None where there is none, `CheckpointError` where it is damaged."""
    try:
        return from_json(read_file(path, _MOST_TEXT), Film)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError, msgspec.DecodeError, RecursionError) as error:
        raise CheckpointError(
            f"'{path}' is damaged, so the film cannot be resumed: {' '.join(str(error).split())}"
        ) from error
