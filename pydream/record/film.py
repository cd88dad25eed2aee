"""A film can be stopped at any moment: beside its frames is a file that says what it is to be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec.structs import asdict

from ..errors import CheckpointError, ProvenanceError
from ..files import is_blank, read_file, reason, write_text
from ..media import LONGEST_NOTE
from ..picture import Picture
from .differences import Difference, changes
from .provenance import Account, PictureFacts, Side, picture_facts
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

    def frame(self, number: int, pixels: Picture) -> FilmFrame:
        """Return what the picture of a frame says of itself."""
        return FilmFrame(**asdict(self), number=number, result=picture_facts("result", pixels))

    def unlike(self, other: Film) -> list[Difference]:
        """List what makes another film: not the device, as one that is lost can be replaced, nor how many frames."""
        own = changes(self, other, ("first", "size", "blend", "flow", "cut"))
        found = [*self.recipe.differences(other.recipe), *own, *self.differences(other)]
        return [each for each in found if each.what != "device"]


class FilmFrame(Film, frozen=True, kw_only=True):
    """How a frame of a film was made.

    Attributes
    ----------
    number : int
        Among those that were dreamt on, from 0.
    result : PictureFacts
    """

    number: Number
    result: PictureFacts


class FilmPlan(Film, frozen=True, kw_only=True):
    """What a film is to be.

    Attributes
    ----------
    frames_say : bool
        Whether its frames say of themselves what they are; once they did not.
    """

    frames_say: bool = False


def read_frame(note: str) -> FilmFrame:
    """Read what a frame says of itself; `ProvenanceError` where that is nothing of the kind."""
    try:
        return from_json(note[: LONGEST_NOTE + 1], FilmFrame)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ProvenanceError(f"it is not a frame of a film: {error}") from error


def is_plan(path: Path) -> bool:
    """Return whether a file says what a film is to be, or nothing is in it: no other file is lost with it."""
    try:
        return load(path) is not None
    except CheckpointError:
        return is_blank(path)


def save(path: str | os.PathLike[str], film: Film) -> None:
    """Write what a film is to be, whole or not at all: with the frames beside it the film can be resumed."""
    write_text(path, f"{FilmPlan(**asdict(film), frames_say=True).to_json()}\n")


def load(path: str | os.PathLike[str]) -> FilmPlan | None:
    """Read what a film was to be; None where there is none, `CheckpointError` where it is damaged."""
    try:
        return from_json(read_file(path, _MOST_TEXT), FilmPlan)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError, msgspec.DecodeError, RecursionError) as error:
        raise CheckpointError(f"'{path}' is damaged, so the film cannot be resumed: {reason(error)}") from error
