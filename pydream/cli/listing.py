"""The pictures of a folder, and its other files: what is left out of a dream is named."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import PydreamWarning
from ..media import is_readable, unread_kind
from .errors import bad_value
from .input import Source
from .places import note_read

_SHOWN = 3  # names of those that are left out for the same reason


@dataclass
class LeftOut:
    """Files and folders that are left out, by the reason; of each reason a few names."""

    files: int = 0
    folders: int = 0
    _names: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, reason: str, folder: bool = False) -> None:
        """Count one; its name is kept if it is one of the first."""
        self.folders += folder
        self.files += not folder
        self._counts[reason] = self._counts.get(reason, 0) + 1
        names = self._names.setdefault(reason, [])
        if len(names) < _SHOWN:
            names.append(name)

    def of(self, folder: str) -> str:
        """Describe them in one line; empty if there are none."""
        counts = [(self.files, "file"), (self.folders, "folder")]
        what = " and ".join(f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count)
        verb = "is" if self.files + self.folders == 1 else "are"
        return what and f"{what} of '{folder}' {verb} left out: {', '.join(self._reasons())}"

    def _reasons(self) -> Iterator[str]:
        for reason, names in self._names.items():
            more = self._counts[reason] - len(names)
            yield f"{', '.join(names)}{f' and {more} more' * bool(more)} ({reason})"


def expanded(sources: Iterable[Source], recursive: bool | None, output: Path | None) -> list[Source]:
    """Return sources with a folder's pictures in its place, noted as read; warn of what is left out.

    `recursive` is that of `list_pictures`.

    Raises
    ------
    click.BadParameter
        If there is no picture in a folder.
    """
    found = []
    for source in sources:
        if not source.folder:
            found.append(source)
            continue
        pictures, left_out = list_pictures(Path(source.given), recursive, output)
        line = left_out.of(source.given)
        if not pictures:
            why = f": {line}" if line else ""
            raise bad_value("INPUT", f"there is no picture in the folder '{source.given}'{why}")
        if line:
            warnings.warn(line, PydreamWarning, stacklevel=2)
        for picture in pictures:
            note_read(Path(picture.given))
        found += pictures
    return found


def list_pictures(folder: Path, recursive: bool | None, output: Path | None = None) -> tuple[list[Source], LeftOut]:
    """Return the pictures of a folder, in the order of their names, and what else is in it.

    With `recursive` those of its folders too, but not of `output`, where dreams go; None: the command has no such
    option. What leaves the folder by a link is left out.
    """
    root, written = folder.resolve(), output and output.resolve()
    pictures: list[Source] = []
    left_out = LeftOut()
    pending = [Path()]  # relative to the folder
    while pending:
        inside = pending.pop()
        try:
            entries = sorted(os.scandir(folder / inside), key=lambda entry: entry.name)
        except OSError as error:
            if not inside.parts:
                raise
            left_out.add(str(inside), (error.strerror or "unreadable").lower(), folder=True)
            continue
        deeper = []
        for entry in entries:
            path, name = Path(entry.path), str(inside / entry.name)
            if path.is_dir():  # an entry would raise for a link to itself
                reason = _reason_of_folder(entry, recursive, path.resolve() == written)
                if reason is None:
                    deeper.append(inside / entry.name)
                else:
                    left_out.add(name, reason, folder=True)
                continue
            reason = _reason_of_file(entry, path, root if recursive else None)
            if reason is None:
                pictures.append(Source(str(path), listed=True, inside=str(inside) if inside.parts else ""))
            else:
                left_out.add(name, reason)
        pending += reversed(deeper)
    return pictures, left_out


def _reason_of_folder(entry: os.DirEntry[str], recursive: bool | None, written: bool) -> str | None:
    """Return why a folder is left out; None if it is gone into."""
    if entry.name.startswith("."):
        return "hidden"
    if not recursive:
        return "a folder" if recursive is None else "a folder: --recursive reads it"
    if written:
        return "the output"
    return "a link to a folder" if entry.is_symlink() else None


def _reason_of_file(entry: os.DirEntry[str], path: Path, within: Path | None) -> str | None:
    """Return why a file is left out; None if it is read. `within` is a folder that no link may leave."""
    if entry.name.startswith("."):
        return "hidden"
    if (kind := unread_kind(path)) is not None:
        return str(kind)
    if not is_readable(path):
        return "no picture"
    if not path.is_file():
        return "a broken link" if entry.is_symlink() else "no regular file"
    if within is not None and entry.is_symlink() and not path.resolve().is_relative_to(within):
        return "a link out of the folder"
    return None
