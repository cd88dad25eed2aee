"""What the commands that make films share: their options, which outputs are films, and whether those can be made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from ..errors import VideoFileError
from ..media import FORMATS, read_image, video
from ..picture import Picture
from .held import Held
from .input import Size, Target
from .options import Decorator, FiniteRange, together
from .signals import between_steps

_PNG = FORMATS["png"]
_FRAME = re.compile(r"\d{8}\.png(\.json)?")

quality_option = click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=video.QUALITY,
    show_default=True,
    metavar="N",
    help="Quality of an .mp4 film, up to 100.",
)


def film_options(fps: int) -> Decorator:
    """Make the options of a film, which has `fps` frames a second if it is not told otherwise."""
    return together(
        click.option(
            "--fps",
            type=FiniteRange(min=0, min_open=True),
            default=fps,
            show_default=True,
            metavar="X",
            help="Frames per second of a film.",
        ),
        quality_option,
    )


@dataclass(frozen=True)
class Places(Held):
    """Where the frames go, and the films; a folder that is for the films only goes when they are done."""

    films: list[Path]
    state: str  # the name of what it takes to go on with the frames that are in the folder

    def frame(self, index: int) -> Target:
        """Give where a frame goes."""
        return Target(str(self.folder / f"{index:08d}.png"), _PNG)

    @property
    def checkpoint(self) -> Path:
        """Give where the state is kept."""
        return self.folder / self.state

    def is_ours(self, name: str) -> bool:
        """Tell frames, what is said of them, and the state."""
        return name == self.state or _FRAME.fullmatch(name) is not None

    def made(self, most: int) -> int:
        """Count the frames that are there, one after the other."""
        return next(index for index in range(most + 1) if index == most or not self.frame(index).exists())

    def check(self, resume: bool, force: bool, hint: str = "'--output'") -> None:
        """Refuse what would throw frames away unasked."""
        if resume and force:
            raise click.BadParameter("it continues, and --force begins again; choose one", param_hint="'--resume'")
        if self.held() and not (resume or force):
            raise click.BadParameter(
                f"'{self.folder}' holds frames already: --resume continues with them, --force overwrites them",
                param_hint=hint,
            )

    def picture(self, index: int) -> Picture:
        """Give a frame that is there."""
        return read_image(self.frame(index).given)

    def pictures(self, frames: int, on_frame: Callable[[], object] = between_steps) -> Iterator[Picture]:
        """Give the frames to a film, and let Ctrl-C in before each."""
        for index in range(frames):
            on_frame()
            yield self.picture(index)


def beside(film: Path, state: str) -> Places:
    """Give the places of a film alone, whose frames go into a folder beside it until it is whole."""
    return Places(film.with_name(f"{film.name}.frames"), temporary=True, films=[film], state=state)


def films_apart(output: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell films from other outputs, by the suffix."""
    films = [Path(name) for name in output if video.is_film(name)]
    return films, [name for name in output if not video.is_film(name)]


def check_films(films: Sequence[Path], size: Size, fps: float | Fraction, hint: str = "'--output'") -> None:
    """Raise `click.BadParameter` for a film that cannot be made of pictures of this size."""
    for film in films:
        try:
            video.check_video(film, size, fps)
        except VideoFileError as error:
            raise click.BadParameter(str(error), param_hint=hint) from error
