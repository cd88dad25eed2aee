"""How near drawings are to natural pictures: the option for a folder of these, and what is said of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import click

from ..dream.nearness import Natural
from ..easy.grid import LONG_SIDE, at_most
from ..errors import PydreamWarning
from ..net import Net
from ..picture import Samples, as_pixels
from ..record.command import option_words
from ..record.names import file_word
from ..record.recipe import Recipe
from . import completion
from .input import InputPicture, Source, Target
from .job import Job
from .listing import list_pictures
from .measured import read_each
from .options import option
from .progress import Bar


@dataclass(frozen=True)
class NaturalPictures:
    """Natural pictures in a folder."""

    folder: Path
    sources: list[Source]

    @property
    def words(self) -> list[str]:
        """The option, for a command line."""
        return option_words({"--natural": file_word(self.folder)})

    def run(self, net: Net, layer: str, quiet: bool) -> Natural:
        """Run them to a layer, each with at most `LONG_SIDE` pixels on its long side."""
        with Bar(quiet, desc=f"activations of {self.folder}", total=len(self.sources), unit="picture") as bar:
            pictures = read_each(self.sources, bar)
            return Natural.of(net, layer, (at_most(picture, LONG_SIDE) for picture in pictures))

    def about(self, natural: Natural) -> str:
        """Say what a cosine is with, and what it is of the pictures themselves."""
        count, among = len(natural.values), natural.among_themselves
        of = f"{count} natural picture{'' if count == 1 else 's'}"
        itself = "" if among is None else f"; of these among themselves {among:.2f}"
        return f"with the nearest activations of {of} at {natural.layer}{itself}"


class _Folder(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    name = "folder"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return folders."""
        return completion.folders(ctx, param, incomplete)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NaturalPictures:
        """List the folder's pictures."""
        if isinstance(value, NaturalPictures):
            return value
        if ctx is not None and ctx.resilient_parsing:  # a shell's TAB, which lists no folder
            return NaturalPictures(Path(value), [])
        folder = Path(value)
        if not value or not folder.is_dir():
            self.fail(f"{value!r} is not a folder", param, ctx)
        sources, left_out = list_pictures(folder, None)
        if line := left_out.of(str(folder)):
            warnings.warn(line, PydreamWarning, stacklevel=2)
        return NaturalPictures(folder, sources)


natural_option = option(
    "--natural", "Folder of natural pictures, to say how near a drawing's activations are.", _Folder(), metavar="FOLDER"
)


@dataclass(frozen=True, kw_only=True)
class ComparedJob(Job):
    """A job that says of each drawing that it writes how near it is."""

    natural: Natural
    about: str

    @classmethod
    def of(cls, job: Job, pictures: NaturalPictures) -> Self:
        """Return a job that does so; the pictures are run, which may fail, before there is a drawing."""
        natural = pictures.run(job.net, job.recipe.end, job.quiet)
        copied = {each.name: getattr(job, each.name) for each in fields(job)}
        return cls(**copied, natural=natural, about=pictures.about(natural))

    def save(
        self, target: Target, start: InputPicture, recipe: Recipe, pixels: Samples, command: str = "dream"
    ) -> None:
        """Write a drawing with its record, and say how near it is."""
        super().save(target, start, recipe, pixels, command)
        nearness = self.natural.nearness(self.net, as_pixels(pixels))
        self.say(f"{recipe.dreams_with}: cosine {nearness:.2f} {self.about}")
