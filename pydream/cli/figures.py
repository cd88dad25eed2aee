"""What the commands that make figures share: the options of a sheet, its text, and the file that it becomes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic

import click
from click.core import ParameterSource
from msgspec.structs import asdict

from ..cluster.tasks import K, Outcome, checked, dream, run_here
from ..cluster.workers import Cluster
from ..dream.cells import LARGEST_SIDE
from ..errors import ForeignFileError
from ..files import make_folder, write_text
from ..media import DPI, FORMATS, PAGE, THEMES, WRITABLE, Gallery, ImageFormat, PictureMap, Sheet, read_image
from ..media.page import PAGES
from ..picture import Picture
from ..record.command import option_words
from ..record.figures import in_words
from ..record.provenance import Figure, NetFacts, SightFigure
from ..record.recipe import Recipe
from ..record.text import as_unicode
from .errors import bad_value
from .input import NOISE, STANDARD, InputPicture, Source, Target, one_target
from .job import Job
from .options import PICTURE_FILES, Decorator, option, together
from .places import check
from .progress import Bar, Progress
from .ranges import FiniteRange
from .signals import between_steps, interruptible

FIGURE_FILES = f"{PICTURE_FILES.removesuffix(' file').replace(' or ', ', ')} or .html file"
_OF_SHEETS = ("columns", "width", "dpi", "theme")  # options that a page has no use for

_THEME = "light"
columns_option = option(
    "--columns", "Number of pictures in a row.  [default: as many as fit a page]", click.IntRange(1, 1000)
)


def cell_option(default: int | None, text: str | None = None) -> Decorator:
    """Make the option for the size of a cell, a small picture drawn for a direction; `text` describes the default."""
    help = f"Side of a cell, in pixels.  [default: {default if text is None else text}]"
    return option("--cell", help, click.IntRange(8, LARGEST_SIDE), default=default)


figure_options = together(
    option("--title", "Title above the pictures; '' for none.  [default: what they are]", as_unicode, metavar="TEXT"),
    option("--caption/--no-caption", "Parameters in a caption below the pictures.", default=True),
    option(
        "--width",
        f"Width of the figure in print, in millimetres.  [default: {PAGE[0]:g}, or what fits a page]",
        FiniteRange(20, 2000),
    ),
    option(
        "--dpi",
        "Pixels per inch in print; width and dpi together decide the size of the file.",
        FiniteRange(50, 1200),
        default=DPI,
    ),
    option("--theme", "Colour of the paper.", click.Choice(list(THEMES)), metavar="|".join(THEMES), default=_THEME),
)


@dataclass(frozen=True)
class Style:
    """The values of `figure_options`."""

    title: str | None  # None: the command's own
    caption: bool
    width: float | None  # in mm
    dpi: float
    theme: str

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Style:
        """Take the figure's options out of a command's."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})

    @property
    def words(self) -> list[str]:
        """The options that are not the defaults, for a command line."""
        dpi, theme = (None if value == usual else value for value, usual in ((self.dpi, DPI), (self.theme, _THEME)))
        options = {"--title": self.title, "--no-caption": not self.caption, "--width": self.width}
        return option_words({**options, "--dpi": dpi, "--theme": theme})

    def sheet(self, columns: int, width: float = PAGE[0], headings: Sequence[str] = ()) -> Sheet:
        """Make an empty sheet of so many columns, by default that wide."""
        return Sheet(columns, self.width or width, self.dpi, self.theme, headings)

    def write(
        self,
        sheet: Sheet | Gallery | PictureMap,
        target: Target,
        figure: Figure | SightFigure,
        title: str,
        more: str,
        sidecar: bool,
        about: str | None = None,
    ) -> None:
        """Write the sheet, or the page, with its record; `about`, by default `in_words`, and `more` are the caption."""
        title = title if self.title is None else self.title
        about = in_words(figure) if isinstance(figure, Figure) and about is None else about
        caption = f"{about or ''}\n{more}".strip() if self.caption else ""
        if isinstance(sheet, Sheet):
            target.write(sheet.draw(title, caption), figure, sidecar, self.dpi)
        elif target.path is not None:
            write_text(target.path, sheet.page(title, caption, figure.to_json()))
            target.write_sidecar(figure, sidecar)


@dataclass(frozen=True)
class PageTarget(Target):
    """An HTML page as the output of a figure."""

    form: ImageFormat = FORMATS["png"]  # of no picture

    def check(self, size: tuple[int, ...] | None = None, sidecar: bool = False) -> None:
        """Raise `click.BadParameter` for what cannot be written, before the pictures are made."""
        check(Path(self.given))


def figure_target(output: str) -> Target:
    """Return the target of a figure, a picture or a page; `click.BadParameter` for an option that a page has not."""
    suffix = Path(output).suffix.lower()
    if suffix not in (*PAGES, *WRITABLE) and output != STANDARD:
        known = ", ".join([*WRITABLE, *PAGES])
        raise bad_value("--output", f"cannot write '{output}': its suffix names no known format (expected {known})")
    if suffix not in PAGES:
        return one_target(output, None)
    ctx = click.get_current_context()
    for name in _OF_SHEETS:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise bad_value(f"--{name}", "it is for a sheet; a page is as wide as its window and as dark as the system")
    return PageTarget(output)


def word_from_here(source: Source) -> str:
    """Return the argument for a command in this folder: a file by its path from here, not by that of another home."""
    if source.path is None:
        return source.argument
    path = os.path.relpath(source.path)
    home = Path.home().name
    if os.sep not in path or (home and home in Path(path).parts):
        return source.argument
    return f"./{path}" if path.startswith(("-", NOISE)) else path


def figure_of(
    job: Job,
    kind: str,
    start: InputPicture,
    target: Target,
    recipe: Recipe,
    arguments: Sequence[str],
    ends: Sequence[Sequence[str]] = (),
    networks: Sequence[NetFacts] = (),
    bare: Recipe | None = None,
    **more: Any,
) -> Figure:
    """Return the record of a figure; its kind is the command's name.

    `arguments` are the options of the command alone; `ends` and `networks` are as `layers` and `networks` of `Figure`,
    for none the recipe's layers and the job's network; `bare` is a recipe with what the arguments do not say, of a
    command whose defaults are its own; `more` is as for `command_of`.
    """
    recipe = job.as_recorded(recipe)
    output = f"{kind}{Path(target.recorded).suffix or '.png'}"
    return Figure(
        figure=kind,
        command=job.command_line(kind, [start.source.argument, "-o", output, *arguments], bare or recipe, **more),
        recipe=recipe,
        layers=[list(each) for each in ends or [recipe.score.ends if recipe.score else [recipe.end]]],
        networks=list(networks or [job.network]),
        versions=job.network.library_versions,
        **asdict(job.ingredients(start.facts)),
    )


@dataclass(frozen=True, kw_only=True)
class FigureDreams(Generic[K]):
    """The dreams of a figure, each with a key: made now, or taken from an earlier run."""

    job: Job
    start: InputPicture
    recipe: Callable[[K], Recipe]  # with its tiles decided on
    target: Callable[[K], Target | None]  # None: only onto the sheet
    save: Callable[[K, Recipe, Picture], None]  # writes a dream to its target
    resume: bool = True  # take the dreams of an earlier run

    def check(self, keys: Iterable[K]) -> None:
        """Raise `ForeignFileError` for a picture of an earlier run that is another, before the first dream."""
        for key in keys:
            between_steps()
            if (target := self.target(key)) is not None:
                self.job.made(target, self.recipe(key), self.start.facts)

    def each(self, keys: Iterable[K], bar: Bar, cluster: Cluster | None) -> Iterator[tuple[K, Outcome[Picture]]]:
        """Yield dreams with their keys: one after the other, or those that are there and then as workers make them."""
        if cluster is None:
            assert isinstance(bar, Progress)
            yield from run_here(partial(self._made, bar), ((key, key) for key in keys))
            return
        left: list[tuple[K, Recipe]] = []
        for key in keys:
            recipe = self.recipe(key)
            try:
                existing = self._existing(key, recipe)
            except ForeignFileError as error:
                yield key, Outcome(error=error)
                continue
            if existing is None:
                left.append((key, recipe))
            else:
                yield key, Outcome(existing)
        tasks = (((key, recipe), self.job.task(recipe, self.start.picture)) for key, recipe in left)
        size = self.job.recipe.sizes(*self.start.size)[0]
        for (key, recipe), outcome in cluster.run(dream, tasks, between_steps):
            made = outcome.then(lambda result: checked(result, size).pixels)
            yield key, made.then(partial(self._saved, key, recipe))

    def _made(self, bar: Progress, key: K) -> Picture:
        recipe = self.recipe(key)
        if (existing := self._existing(key, recipe)) is not None:
            return existing
        return self._saved(key, recipe, replace(self.job, recipe=recipe).dream(recipe, self.start.picture, bar))

    def _saved(self, key: K, recipe: Recipe, pixels: Picture) -> Picture:
        if (target := self.target(key)) is not None:
            make_folder(Path(target.given).parent)
            self.save(key, recipe, pixels)
        return pixels

    def _existing(self, key: K, recipe: Recipe) -> Picture | None:
        """Return the picture that an earlier run left, if it is whole; raise `ForeignFileError` if it is another."""
        target = self.target(key)
        if target is None or not self.resume or self.job.made(target, recipe, self.start.facts) is None:
            return None
        with interruptible():
            return read_image(target.given)
