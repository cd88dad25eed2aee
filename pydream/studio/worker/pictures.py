"""Files from outside → pictures and films by their ids; results → other kinds of files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from ...errors import ImageFileError, PydreamError, PydreamWarning
from ...files import file_sha256, move_whole, open_regular, write_text, write_whole
from ...media import (
    FORMATS,
    WRITABLE,
    decode_image,
    encode_image,
    read_dpi,
    read_note,
    read_samples,
    video,
    write_samples,
)
from ...media.decoding.moving import frame_count, is_film
from ...media.page import small
from ...picture import Picture, as_pixels
from ...record.provenance import parse, pixels_sha256
from ..folder import read_entry
from ..messages import DecodePicture, EncodePicture, Finished, PictureEntry
from .accounts import order_of
from .previews import SHOWN
from .task import Task

_QUICK = FORMATS["png"]._replace(options={"compress_level": 1})  # larger files, in a fifth of the time
_JPEG = FORMATS["jpeg"]._replace(options={"quality": 90})
_FILMS = {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".gif", ".webp"}


def decode(task: Task[DecodePicture]) -> Finished:
    """Read a file, and keep it by its id, with a small picture of it and what is known of it."""
    given = task.message
    path, folder = Path(given.file), Path(given.folder)
    with _by_its_name(given), warnings.catch_warnings(record=True, action="always", category=PydreamWarning) as said:
        entry, shown = (_film if _moves(path, "picture") else _picture)(path, given.name, folder)
    notes = tuple(str(each.message).replace(given.file, given.name) for each in said)
    entry = msgspec.structs.replace(entry, notes=notes)
    known = folder / f"{entry.id}.json"
    earlier = read_entry(known)
    if earlier is not None and entry.order is None and entry.account is None:  # a copy without the record that it had
        entry = msgspec.structs.replace(entry, account=earlier.account, order=earlier.order)
    write_whole(folder / f"{entry.id}.jpg", encode_image(small(shown, SHOWN), _JPEG))
    write_text(known, msgspec.json.encode(entry).decode())
    return Finished(task=task.id, facts=msgspec.to_builtins(entry))


def _moves(path: Path, noun: str) -> bool:
    with open_regular(path, noun, ImageFileError) as file:
        return is_film(file) or frame_count(file) > 1


def _picture(path: Path, name: str, folder: Path) -> tuple[PictureEntry, Picture]:
    with open_regular(path, "picture", ImageFileError) as file:
        pixels = decode_image(file, name)
    id, (height, width) = pixels_sha256(pixels), pixels.shape[:2]
    entry = PictureEntry(id=id, name=name, width=width, height=height, **_said(read_note(path)))
    write_whole(folder / f"{id}{entry.suffix}", encode_image(pixels, _QUICK, None, read_dpi(path)))
    return entry, pixels


def _film(path: Path, name: str, folder: Path) -> tuple[PictureEntry, Picture]:
    footage = video.read_video(path)
    id, suffix, (height, width) = file_sha256(path), Path(name).suffix.lower(), footage.size
    first = next(footage.frames())
    entry = PictureEntry(
        id=id,
        name=name,
        width=width,
        height=height,
        frames=len(footage),
        seconds=float(len(footage) / footage.times.rate),
        suffix=suffix if suffix in _FILMS else ".mp4",
        **_said(video.read_comment(path)),
    )
    move_whole(path, folder / f"{id}{entry.suffix}")
    return entry, first


def _said(note: str | None) -> dict[str, Any]:
    """Return what a note is for an entry; a camera writes into the same place."""
    if note is None:
        return {}
    order = order_of(note)
    try:
        parse(note)
    except PydreamError:  # nothing that can be replayed
        return {"order": order}
    return {"account": note, "order": order}


@contextmanager
def _by_its_name(given: DecodePicture) -> Iterator[None]:
    """Name the file in errors as its sender does."""
    try:
        yield
    except PydreamError as error:
        raise ImageFileError(str(error).replace(given.file, given.name)) from error


def encode(task: Task[EncodePicture]) -> Finished:
    """Write a picture in another format, with its record, or small; of a film the frame in its middle."""
    given = task.message
    path, output = Path(given.file), Path(given.output)
    if _moves(path, "result"):
        footage = video.read_video(path)
        pixels, note, dpi = next(islice(footage.frames(), len(footage) // 2, None)), None, None
    else:
        pixels, note, dpi = read_samples(path), read_note(path), read_dpi(path)
    if given.long_side is not None:
        pixels, note = small(as_pixels(pixels), given.long_side), None
    if 16 not in WRITABLE[output.suffix].depths:
        pixels = as_pixels(pixels)
    write_samples(output, pixels, note, dpi)
    return Finished(task=task.id, files={output.suffix[1:]: str(output)})
