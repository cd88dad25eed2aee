"""What the commands that make figures share: the options of a sheet, its text, and the file that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic

import click
from msgspec.structs import asdict

from ..cluster.tasks import K, Outcome, checked, dream, run_here
from ..cluster.workers import Cluster
from ..dream.era import MODERN
from ..errors import ImageFileError, ProvenanceError
from ..media import DPI, PAGE, THEMES, Sheet, read_image
from ..picture import Picture
from ..record.command import option_words
from ..record.provenance import Figure, NetFacts, pixels_sha256, read_provenance
from ..record.recipe import Recipe
from .input import InputPicture, Target
from .job import Job
from .options import FiniteRange, together
from .progress import Bar, Progress
from .signals import between_steps

columns_option = click.option(
    "--columns",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Number of pictures in a row.  [default: as many as fit a page]",
)
figure_options = together(
    click.option("--title", metavar="TEXT", help="Title above the pictures; '' for none.  [default: what they are]"),
    click.option(
        "--caption/--no-caption", default=True, show_default=True, help="Parameters in a caption below the pictures."
    ),
    click.option(
        "--width",
        type=FiniteRange(20, 2000),
        metavar="X",
        help=f"Width of the figure in print, in millimetres.  [default: {PAGE[0]:g}, or what fits a page]",
    ),
    click.option(
        "--dpi",
        type=FiniteRange(50, 1200),
        default=DPI,
        show_default=True,
        metavar="X",
        help="Pixels per inch in print; width and dpi together decide the size of the file.",
    ),
    click.option(
        "--theme",
        type=click.Choice(list(THEMES)),
        metavar="|".join(THEMES),
        default="light",
        show_default=True,
        help="Colour of the paper.",
    ),
)


@dataclass(frozen=True)
class Style:
    """The values of `figure_options`.

    Attributes
    ----------
    title : str or None
        None: the command's own.
    caption : bool
    width : float or None
        Millimetres.
    dpi : float
    theme : str
    """

    title: str | None
    caption: bool
    width: float | None
    dpi: float
    theme: str

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Style:
        """Take the figure's options out of a command's."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})

    @property
    def words(self) -> list[str]:
        """The options that are not the defaults, for a command line."""
        options = {"--title": self.title, "--no-caption": not self.caption, "--width": self.width}
        dpi, theme = (self.dpi, DPI), (self.theme, "light")
        changed = {name: value for name, (value, usual) in {"--dpi": dpi, "--theme": theme}.items() if value != usual}
        return option_words(options | changed)

    def sheet(self, columns: int, width: float = PAGE[0], headings: Sequence[str] = ()) -> Sheet:
        """Make an empty sheet of so many columns, by default that wide."""
        return Sheet(columns, self.width or width, self.dpi, self.theme, headings)

    def write(self, sheet: Sheet, target: Target, figure: Figure, title: str, more: str, sidecar: bool) -> None:
        """Draw the sheet and write it with its record; `more` ends the caption."""
        caption = f"{in_words(figure)}\n{more}".strip()
        pixels = sheet.draw(title if self.title is None else self.title, caption if self.caption else "")
        target.write(pixels, figure, sidecar, self.dpi)


def figure_of(
    job: Job,
    kind: str,
    start: InputPicture,
    target: Target,
    recipe: Recipe,
    arguments: Sequence[str],
    ends: Sequence[Sequence[str]] = (),
    networks: Sequence[NetFacts] = (),
    **more: Any,
) -> Figure:
    """Return the record of a figure.

    Parameters
    ----------
    job : Job
    kind : str
        The command's name.
    start : InputPicture
    target : Target
    recipe : Recipe
    arguments : sequence of str
        The options of the command alone.
    ends, networks
        As `layers` and `networks` of `Figure`; none: the recipe's layers, the job's network.
    **more
        As for `command_of`.
    """
    recipe = job.as_recorded(recipe)
    output = f"{kind}{Path(target.recorded).suffix or '.png'}"
    return Figure(
        figure=kind,
        command=job.command_line(kind, [start.source.argument, "-o", output, *arguments], recipe, **more),
        recipe=recipe,
        layers=[list(each) for each in ends or [recipe.score.ends if recipe.score else [recipe.end]]],
        networks=list(networks or [job.network]),
        **asdict(job.ingredients(start.facts)),
    )


@dataclass(frozen=True, kw_only=True)
class FigureDreams(Generic[K]):
    """The dreams of a figure, each with a key: made now, or taken from an earlier run.

    Attributes
    ----------
    job : Job
    start : InputPicture
    recipe : callable
        Of a key, the recipe with its tiles decided on.
    target : callable
        Of a key, where the dream goes; None: only onto the sheet.
    save : callable
        ``save(key, recipe, pixels)`` writes a dream there.
    resume : bool
        Whether dreams of an earlier run are taken.
    """

    job: Job
    start: InputPicture
    recipe: Callable[[K], Recipe]
    target: Callable[[K], Target | None]
    save: Callable[[K, Recipe, Picture], None]
    resume: bool = True

    def each(self, keys: Iterable[K], bar: Bar, cluster: Cluster | None) -> Iterator[tuple[K, Outcome[Picture]]]:
        """Yield dreams with their keys: one after the other, or those that are there and then as workers make them."""
        if cluster is None:
            assert isinstance(bar, Progress)
            yield from run_here(partial(self._made, bar), ((key, key) for key in keys))
            return
        left: list[tuple[K, Recipe]] = []
        for key in keys:
            recipe = self.recipe(key)
            if (existing := self._existing(key, recipe)) is None:
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
        existing = self._existing(key, recipe)
        if existing is not None:
            return existing
        return self._saved(key, recipe, replace(self.job, recipe=recipe).dream(recipe, self.start.picture, bar))

    def _saved(self, key: K, recipe: Recipe, pixels: Picture) -> Picture:
        target = self.target(key)
        if target is not None:
            Path(target.given).parent.mkdir(parents=True, exist_ok=True)
            self.save(key, recipe, pixels)
        return pixels

    def _existing(self, key: K, recipe: Recipe) -> Picture | None:
        """Return the picture that an earlier run left, if it is whole, and the one that would be made now."""
        target = self.target(key)
        if target is None or not self.resume:
            return None
        try:
            made, pixels = read_provenance(target.given), read_image(target.given)
        except (ImageFileError, ProvenanceError):
            return None  # not there, or not whole
        if made.unlike(self.job.as_recorded(recipe), self.job.ingredients(self.start.facts)):
            return None
        return pixels if made.result.sha256 == pixels_sha256(pixels) else None


def in_words(figure: Figure) -> str:
    """Describe a figure's parameters, for its caption."""
    recipe, networks, input, guide = figure.recipe, figure.networks, figure.input, figure.guide
    steps = f"{recipe.iter_n} iteration{'s' if recipe.iter_n > 1 else ''} of step {recipe.step_size:g}"
    if recipe.octave_n > 1:
        steps += f" in each of {recipe.octave_n} octaves, {recipe.octave_scale:g} apart"
    parts = [steps]
    if recipe.rendering is None:
        parts += [f"jitter {recipe.jitter}", "clipped" if recipe.clip else "not clipped"]
    else:
        lap_n = recipe.rendering.lap_n
        levels = "" if lap_n is None else f" with {lap_n} Laplacian level{'' if lap_n == 1 else 's'}"
        parts.insert(0, f"{recipe.rendering.renderer}{levels}")
    if guide is not None:
        parts.append(f"guided by {guide.name}")
    parts += [
        f"{name.replace('_', ' ')} {getattr(recipe, name):g}"
        for name in ("smooth", "laplacian", "tv", "pull_back")
        if getattr(recipe, name)
    ]
    parts += ["colours kept"] if recipe.keep_colors else []
    parts += [f"only where {figure.mask.name} is white"] if figure.mask else []
    if recipe.era != MODERN:
        parts.append(f"rounded as in {recipe.era}")
    names = " and ".join(facts.name for facts in networks)
    return (
        f"{input.name}, {input.width}×{input.height} pixels. {'; '.join(parts)}."
        f" {names} in {networks[0].dtype}, seed {recipe.seed}."
    )
