"""Folders that keep what a run has made until the whole is there, so that a stopped one can be resumed; and films."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from ..errors import VideoFileError
from ..files import clear_dead, sync_folder, write_text
from ..media import FORMATS, read_image, video
from ..picture import Picture
from ..record.command import option_words
from ..record.provenance import sidecar_of
from .input import Size, Target
from .options import Decorator, FiniteRange, option, together
from .places import OUTPUT, claim_folder, claim_made
from .signals import between_steps, interruptible

_PNG = FORMATS["png"]


@dataclass(frozen=True)
class OutputFolder:
    """A folder of numbered pictures."""

    folder: Path
    temporary: bool  # its pictures go when the whole is there
    what: str  # the pictures are: ``frames``
    prefix: str = ""  # of a picture's name, which ends with its number
    digits: int = 8
    state: str = ""  # the name of the file that it takes to resume, if there is one

    def target(self, number: int) -> Target:
        """Return where a picture goes."""
        return Target(str(self.folder / f"{self.prefix}{number:0{self.digits}d}.png"), _PNG)

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self.folder / self.state

    def existing(self) -> list[Path]:
        """List what an earlier run left: pictures, their sidecars, and the state."""
        if not self.folder.is_dir():
            return []
        ours = re.compile(rf"{re.escape(self.prefix)}\d{{{self.digits}}}\.png(\.json)?")
        found = self.folder.iterdir()
        return sorted(path for path in found if ours.fullmatch(path.name) or path.name == self.state)

    def check(self, resume: bool, force: bool, hint: str = OUTPUT) -> list[Path]:
        """Return what an earlier run left; `click.BadParameter` where it would be lost without being asked for.

        The folder is claimed, as `claim_folder` does.
        """
        claim_folder(self.folder, hint, lock=not self.temporary)  # a temporary one belongs to a file that is locked
        if resume and force:
            raise click.BadParameter("it continues, and --force begins again; choose one", param_hint="'--resume'")
        existing = self.existing()
        if existing and not (resume or force):
            raise click.BadParameter(
                f"'{self.folder}' holds {self.what} already: --resume continues with them, --force overwrites them",
                param_hint=hint,
            )
        claim_made(existing, hint)
        return existing

    def clear(self) -> None:
        """Remove that, and what was being written when a run was killed."""
        for path in self.existing():
            path.unlink()
        clear_dead(self.folder)

    def finish(self) -> None:
        """Remove it all, unless it is kept, and the folder, unless something else is in it."""
        if self.temporary and self.folder.is_dir():
            self.clear()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
                sync_folder(self.folder.parent)

    def made(self, most: int) -> int:
        """Count the pictures that are there, one after the other from the first."""
        return next(number for number in range(most + 1) if number == most or not self.target(number).exists())

    def picture(self, number: int) -> Picture:
        """Read a picture that is there."""
        with interruptible():
            return read_image(self.target(number).given)

    def pictures(self, count: int, on_frame: Callable[[], object] = between_steps) -> Iterator[Picture]:
        """Yield the pictures to a film, and let Ctrl-C in before each."""
        for number in range(count):
            on_frame()
            yield self.picture(number)


def frames_beside(film: Path, state: str) -> OutputFolder:
    """Return the folder of a film alone: beside it until it is whole."""
    return OutputFolder(film.with_name(f"{film.name}.frames"), True, "frames", state=state)


# ---- films ----

quality_option = option(
    "--quality", "Quality of an .mp4 film, up to 100.", click.IntRange(1, 100), default=video.QUALITY
)


def film_options(fps: int) -> Decorator:
    """Make the options of a film, which has `fps` frames a second by default."""
    fps_option = option(
        "--fps", "Frames per second of a film.", FiniteRange(0, video.FASTEST, min_open=True), default=fps
    )
    return together(fps_option, quality_option)


def quality_words(film: Path, quality: int) -> list[str]:
    """Write the option for a film's quality, where it is not the default."""
    counts = quality != video.QUALITY and not video.WRITABLE[film.suffix.lower()].silent
    return option_words({"--quality": quality if counts else None})


def films_apart(output: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Split outputs into films and others, by the suffix."""
    films = [Path(name) for name in output if video.is_film(name)]
    return films, [name for name in output if not video.is_film(name)]


def check_films(films: Sequence[Path], size: Size, fps: float | Fraction, hint: str = "'--output'") -> None:
    """Raise `click.BadParameter` for a film that cannot be made of pictures of this size."""
    for film in films:
        try:
            video.check_video(film, size, fps)
        except VideoFileError as error:
            raise click.BadParameter(str(error), param_hint=hint) from error


def film_targets(films: Sequence[Path]) -> list[Target]:
    """Return films as targets, for what is to be checked of both."""
    return [Target(str(film), _PNG) for film in films]


def write_sidecar(film: Path, note: str | None, wanted: bool) -> None:
    """Write a film's record beside it, if that is wanted."""
    if wanted and note is not None:
        write_text(sidecar_of(film), f"{note}\n")
