"""What was made is read, not guessed by its name: a file is a result if it says so of itself, and is whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ..errors import ForeignFileError, ProvenanceError
from ..files import read_file
from ..media import LONGEST_NOTE, look_at
from ..media.page import is_page, page_note
from .differences import Difference
from .film import Film, FilmFrame, read_frame
from .provenance import DreamAccount, parse, pixels_sha256

T = TypeVar("T", DreamAccount, FilmFrame)


def made_note(
    path: str | os.PathLike[str], read: Callable[[str], T], unlike: Callable[[T], Sequence[Difference]]
) -> str | None:
    """Return what a picture file says of itself, if it is the result, and whole; None if that is to be made.

    It is to be made where there is no file, and again where it is damaged, or blank: cut before its pixels.

    Parameters
    ----------
    path : path-like
    read : callable
        Its note → an account; `ProvenanceError` where that is another kind of account.
    unlike : callable
        An account → what differs from the result's.

    Raises
    ------
    ForeignFileError
        If it is something else, damaged or not, which would be lost.
    """
    found = look_at(path)
    if found is None or found.blank:
        return None
    if found.note is None:
        raise ForeignFileError(f"'{path}' does not say that it was made here")
    try:
        account = read(found.note)
    except ProvenanceError as error:
        raise ForeignFileError(f"'{path}' is something else: {error}") from error
    if others := unlike(account):
        raise ForeignFileError(f"'{path}' is another dream: {', '.join(map(str, others))}")
    if found.damage is not None:
        return None
    result = account.result
    changed = found.pixels is not None and pixels_sha256(found.pixels) != result.sha256
    if changed or found.size != (result.height, result.width):
        raise ForeignFileError(f"'{path}' is not as it was made: its pixels were changed since")
    return found.note


def frame_made(path: str | os.PathLike[str], film: Film, number: int, says: bool = True) -> bool:
    """Return whether a picture file is a frame of a film, and whole, as `made_note` does.

    Frames that do not say what they are, of a film that was begun before they did, are so by their size.
    """
    found = None if says else look_at(path)
    if found is not None and found.note is None and found.size == film.size:
        return found.damage is None

    def unlike(frame: FilmFrame) -> list[Difference]:
        at = [] if frame.number == number else [Difference("number", frame.number, number)]
        return [*frame.unlike(film), *at]

    return made_note(path, read_frame, unlike) is not None


def dream_in(note: str | None) -> DreamAccount | None:
    """Return what a note says of a dream; None if it says nothing of the kind."""
    try:
        return None if note is None else parse(note)
    except ProvenanceError:
        return None


def is_record(path: Path, claims: Callable[[DreamAccount], bool] = lambda _: True) -> bool:
    """Return whether a picture or a sidecar says that it is a dream, such as is claimed, or nothing is lost with it."""
    note, blank = note_of(path)
    dream = dream_in(note)
    return blank or (dream is not None and claims(dream))


def note_of(path: Path) -> tuple[str | None, bool]:
    """Return what a picture, a page or a sidecar says of itself, and whether nothing would be lost with it."""
    if path.suffix != ".json" and not is_page(path):
        found = look_at(path, thoroughly=False)
        return (None, True) if found is None else (found.note, found.blank)
    try:
        text = page_note(path) if is_page(path) else read_file(path, LONGEST_NOTE + 1).decode().removesuffix("\n")
    except FileNotFoundError:
        return None, True
    except (OSError, UnicodeDecodeError):
        return None, False
    return text, text is not None and not text.strip("\0")
