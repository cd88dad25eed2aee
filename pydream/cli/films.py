"""What the commands that make films share: their options, which outputs are films, and whether those can be made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .. import video
from ..errors import VideoFileError
from .options import Decorator, FiniteRange, together
from .pictures import Size


def film_options(fps: int) -> Decorator:
    """Make the options of a film, which has `fps` frames a second if it is not told otherwise."""
    return together(
        click.option(
            "--fps",
            type=FiniteRange(min=0, min_open=True),
            default=fps,
            show_default=True,
            help="Of a film: frames a second.",
        ),
        click.option(
            "--quality",
            type=click.IntRange(1, 100),
            default=video.QUALITY,
            show_default=True,
            help="Of an .mp4 film, up to 100.",
        ),
    )


def films_apart(output: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell films from other outputs, by the suffix."""
    films = [Path(name) for name in output if _is_film(name)]
    return films, [name for name in output if not _is_film(name)]


def check_films(films: Sequence[Path], size: Size, fps: float) -> None:
    """Raise `click.BadParameter` for a film that cannot be made of pictures of this size."""
    for film in films:
        try:
            video.check_video(film, size, fps)
        except VideoFileError as error:
            raise click.BadParameter(str(error), param_hint="'--output'") from error


def _is_film(name: str) -> bool:
    return Path(name).suffix.lower() in video.WRITABLE
