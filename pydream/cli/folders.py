"""Folders that keep what a run has made until the whole is there, so that a stopped one can be resumed; and films."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from ..easy.film import is_silent
from ..errors import CheckpointError, VideoFileError
from ..files import write_text
from ..media import FORMATS, video
from ..media.video import read_comment
from ..picture import Picture
from ..record.command import option_words
from ..record.frames import FrameFolder
from ..record.provenance import Account, sidecar_of
from .input import Size, Target
from .options import Decorator, option, together
from .places import OUTPUT, claim_folder, claim_made, forced
from .progress import Bar
from .ranges import FiniteRange
from .signals import interruptible

_PNG = FORMATS["png"]


@dataclass(frozen=True)
class OutputFolder(FrameFolder):
    """The folder of a command: it is claimed, what is made is looked at with a bar, and Ctrl-C comes in as it reads."""

    sidecar: bool = False  # whether pictures have their records beside them too

    def target(self, number: int) -> Target:
        """Return where a picture goes."""
        return Target(str(self.path(number)), _PNG)

    def check(self, resume: bool | None, hint: str = OUTPUT, most: int | None = None) -> list[Path]:
        """Return what an earlier run left, which `resume` continues; None: the command cannot.

        The folder is claimed, as `claim_folder` does. Raises `click.BadParameter` where what is there would be lost
        without being asked for, and for a file that is something else, where one of the first `most` pictures would go.
        """
        claim_folder(self.folder, hint, lock=not self.temporary)  # a temporary one belongs to a file that is locked
        if resume and forced():
            raise click.BadParameter("it continues, and --force begins again; choose one", param_hint="'--resume'")
        existing, others = self.own_and_others()
        if existing and not (resume or forced()):
            continued = "" if resume is None else "--resume continues with them, "
            what = f"'{self.folder}' holds {self.what} already: {continued}--force replaces them"
            raise click.BadParameter(what, param_hint=hint)
        # a state that cannot be read says by itself why nothing can be resumed with it
        in_the_way = [path for number, path in others if most is None or number < most]
        claim_made([*existing, *in_the_way], hint)
        check_own((path for path in in_the_way if not (resume and path == self.state_file)), lambda _: False, hint)
        return existing

    def made(self, most: int, is_made: Callable[[int, Target], bool], quiet: bool) -> set[int]:
        """Return the numbers of the pictures that are there and made, of the first `most`."""
        there = self.there(most)
        made = set()
        with Bar(quiet, desc=f"looking at {self.folder}", total=len(there), unit="picture") as seen:
            for number in there:
                if is_made(number, self.target(number)):
                    made.add(number)
                seen.advance()
        return made

    def write(self, number: int, pixels: Picture, record: Account) -> None:
        """Write a picture with its record."""
        self.target(number).write(pixels, record, self.sidecar)

    def picture(self, number: int) -> Picture:
        """Read a picture that is there."""
        with interruptible():
            return super().picture(number)


def frames_beside(film: Path, state: str, is_state: Callable[[Path], bool]) -> OutputFolder:
    """Return the folder of a film alone: beside it until it is whole."""
    return OutputFolder(film.with_name(f"{film.name}.frames"), True, "frames", state=state, is_state=is_state)


def films_and_frames(
    output: Sequence[str], state: str, is_state: Callable[[Path], bool]
) -> tuple[list[Path], OutputFolder]:
    """Return the films among the outputs, and the folder of the frames: the one that is named, or one beside a film."""
    films, others = films_apart(output)
    if not others:
        return films, frames_beside(films[0], state, is_state)
    if len(others) > 1:
        what = f"frames go into one folder, not '{others[0]}' and '{others[1]}'"
        raise click.BadParameter(what, param_hint="'-o'")
    folder = Path(others[0])
    if folder.exists() and not folder.is_dir():
        raise click.BadParameter(f"frames go into a folder, and '{folder}' is a file", param_hint=OUTPUT)
    if folder.suffix and not folder.exists() and not others[0].endswith(os.sep):
        known = ", ".join(video.WRITABLE)
        raise click.BadParameter(f"'{folder}' is not a folder, and films are {known}", param_hint=OUTPUT)
    return films, OutputFolder(folder, False, "frames", state=state, is_state=is_state)


def check_own(places: Iterable[Path | None], is_own: Callable[[Path], bool], hint: str = OUTPUT) -> None:
    """Raise `click.BadParameter` for a file in the place of a result that is none."""
    for path in places:
        if path is not None and path.exists() and not is_own(path):
            raise click.BadParameter(
                f"'{path}' does not say that it was made by this command, and would be lost: move it, or name another"
                " folder",
                param_hint=hint,
            )


# ---- films ----

quality_option = option(
    "--quality", "Quality of an .mp4 film, up to 100.", click.IntRange(1, 100), default=video.QUALITY
)


def fps_option(default: int | None, text: str = "") -> Decorator:
    """Make the option for a film's frames per second; `text` says the default where that depends."""
    help = f"Frames per second of a film.{f'  [default: {text}]' if text else ''}"
    return option("--fps", help, FiniteRange(0, video.FASTEST, min_open=True), default=default)


def film_options(fps: int) -> Decorator:
    """Make the options of a film, which has `fps` frames a second by default."""
    return together(fps_option(fps), quality_option)


def quality_words(film: Path, quality: int) -> list[str]:
    """Write the option for a film's quality, where it is not the default."""
    counts = quality != video.QUALITY and not is_silent(film)
    return option_words({"--quality": quality if counts else None})


def films_apart(output: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Split outputs into films and others, by the suffix."""
    films = [Path(name) for name in output if video.is_film(name)]
    return films, [name for name in output if not video.is_film(name)]


def check_films(films: Sequence[Path], size: Size, fps: float | Fraction, hint: str = OUTPUT) -> None:
    """Raise `click.BadParameter` for a film that cannot be made of pictures of this size."""
    for film in films:
        try:
            video.check_video(film, size, fps)
        except VideoFileError as error:
            raise click.BadParameter(str(error), param_hint=hint) from error


def check_unfinished(films: Iterable[Path]) -> None:
    """Raise `CheckpointError` for films of an earlier run: there is nothing left that could be resumed."""
    for film in films:
        try:
            note = read_comment(film) if film.exists() else None
        except VideoFileError:  # damaged, or empty
            continue
        if note is not None:
            raise CheckpointError(f"'{film}' is complete, and its frames are gone: --force begins again")


def film_targets(films: Sequence[Path]) -> list[Target]:
    """Return films as targets, for what is to be checked of both."""
    return [Target(str(film), _PNG) for film in films]


def write_sidecar(film: Path, note: str | None, wanted: bool) -> None:
    """Write a film's record beside it, if that is wanted."""
    if wanted and note is not None:
        write_text(sidecar_of(film), f"{note}\n")
