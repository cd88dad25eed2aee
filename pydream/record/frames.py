"""A folder of numbered pictures keeps what a run has made until the whole is there: a stopped one can be resumed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import PydreamWarning
from ..files import clear_dead, reason, sync_folder
from ..media import read_image, write_image
from ..picture import Picture
from .made import dream_in, note_of
from .provenance import Account
from .recipe import Recipe

Claims = Callable[[str | None, int], bool]  # of a picture: its note, and its number by its name


def is_frame(note: str | None, number: int) -> bool:
    """Return whether a picture says that it is this frame of a zoom loop, whatever loop."""
    dream = dream_in(note)
    return dream is not None and dream.recipe.loop is not None and dream.recipe.loop.frame == number


@dataclass(frozen=True)
class FrameFolder:
    """A folder of numbered pictures, in which other files may be too.

    A picture is its own if it says so of itself, or if there is nothing in it that could be lost.
    """

    folder: Path
    temporary: bool  # its pictures go when the whole is there
    what: str  # the pictures are: ``frames``
    prefix: str = ""  # of a picture's name, which ends with its number
    digits: int = 8
    state: str = ""  # the name of the file that it takes to resume, if there is one
    claims: Claims = is_frame  # whether a picture says that it is its own
    is_state: Callable[[Path], bool] = Path.is_file  # whether a file of that name is the state

    def path(self, number: int) -> Path:
        """Return where a picture goes."""
        return self.folder / f"{self.prefix}{number:0{self.digits}d}.png"

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self.folder / self.state

    def numbered(self) -> list[tuple[int, Path]]:
        """List the files with the names of its pictures, and of their sidecars, with their numbers."""
        if not self.folder.is_dir():
            return []
        name = re.compile(rf"{re.escape(self.prefix)}([0-9]{{{self.digits}}})\.png(\.json)?")
        found = ((name.fullmatch(path.name), path) for path in self.folder.iterdir())
        return sorted((int(match[1]), path) for match, path in found if match)

    def there(self, most: int) -> list[int]:
        """List the numbers of the pictures that are there, of the first `most`."""
        return [number for number, path in self.numbered() if number < most and path == self.path(number)]

    def existing(self) -> list[Path]:
        """List what an earlier run left: pictures, their sidecars, and the state."""
        return self.own_and_others()[0]

    def own_and_others(self) -> tuple[list[Path], list[tuple[int, Path]]]:
        """List what an earlier run left, and what has the names of that and is something else."""
        own, others = [], []
        for number, path in self.numbered():
            note, blank = note_of(path)
            if blank or self.claims(note, number):
                own.append(path)
            else:
                others.append((number, path))
        if self.state and self.state_file.exists():
            if self.is_state(self.state_file):
                own.append(self.state_file)
            else:
                others.append((0, self.state_file))
        return own, others

    def clear(self) -> None:
        """Remove what an earlier run left, and what was being written when a run was killed."""
        for path in self.existing():
            path.unlink()
        clear_dead(self.folder)

    def finish(self) -> None:
        """Remove it all, unless it is kept, and the folder; warn where something else is in it, or stays."""
        if not (self.temporary and self.folder.is_dir()):
            return
        why = f"it holds what does not say that it is of these {self.what}"
        try:
            self.clear()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
                sync_folder(self.folder.parent)
                return
        except OSError as error:  # the whole is there: what was for it may stay
            why = reason(error)
        warnings.warn(f"'{self.folder}' is left: {why}", PydreamWarning, stacklevel=2)

    def write(self, number: int, pixels: Picture, record: Account) -> None:
        """Write a picture with its record."""
        write_image(self.path(number), pixels, record.to_json())

    def picture(self, number: int) -> Picture:
        """Read a picture that is there."""
        return read_image(self.path(number))

    def pictures(self, count: int, on_frame: Callable[[], object]) -> Iterator[Picture]:
        """Yield the pictures to a film, and call before each."""
        for number in range(count):
            on_frame()
            yield self.picture(number)


def earlier_recipe(existing: Iterable[Path]) -> Recipe | None:
    """Return the recipe of the first of the pictures that says it: what is resumed has its seed."""
    dreams = (dream_in(note_of(path)[0]) for path in existing)
    return next((dream.recipe for dream in dreams if dream is not None), None)
