"""What the commands that make figures share: the options of a sheet, its text, and the file that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from ..dream.era import MODERN
from ..errors import ImageFileError, ProvenanceError
from ..media import DPI, PAGE, THEMES, Sheet, read_image
from ..picture import Picture
from ..record.provenance import Figure, Ingredients, NetFacts, PictureFacts, pixels_sha256, read_provenance
from ..record.recipe import Recipe
from .input import Size, Source, Target
from .job import Dreamer, retold
from .options import FiniteRange, together

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
# Of `figure_options`, by name: no dream alone has them.
FIGURE_OPTIONS = ("title", "caption", "width", "dpi", "theme")


@dataclass(frozen=True)
class Start:
    """What the dreams of a figure start from.

    Attributes
    ----------
    source : Source
    picture : (h, w, 3) array or None
        None: noise.
    size : (height, width)
    """

    source: Source
    picture: Picture | None
    size: Size

    @classmethod
    def read(cls, input: list[Source]) -> Start:
        """Read the one picture of a command line."""
        (source,) = input
        picture = source.read()
        return cls(source, picture, source.size(picture))

    @property
    def noise(self) -> Size | None:
        """The size of noise, for a recipe."""
        return self.size if self.picture is None else None

    @cached_property
    def facts(self) -> PictureFacts:
        """What is said of it."""
        return self.source.facts(self.picture)


@dataclass(frozen=True)
class Style:
    """What `figure_options` say.

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
        return cls(**{name: options.pop(name) for name in FIGURE_OPTIONS})

    def sheet(self, columns: int, width: float = PAGE[0], headings: Sequence[str] = ()) -> Sheet:
        """Make an empty sheet of so many columns, and that wide if it is not told otherwise."""
        return Sheet(columns, self.width or width, self.dpi, self.theme, headings)

    def write(self, sheet: Sheet, target: Target, figure: Figure, title: str, more: str, sidecar: bool) -> None:
        """Draw the sheet and write it, with what it says of itself; `more` ends the caption."""
        caption = f"{in_words(figure)}\n{more}".strip()
        pixels = sheet.draw(title if self.title is None else self.title, caption if self.caption else "")
        target.write(pixels, figure, sidecar, self.dpi)


def account(
    ctx: click.Context,
    start: Start,
    target: Target,
    recipe: Recipe,
    networks: Sequence[NetFacts],
    layers: Sequence[Sequence[str]],
    guide: PictureFacts | None,
    mask: PictureFacts | None,
) -> Figure:
    """Put together what a figure is to say of itself."""
    kind = str(ctx.info_name)
    return Figure(
        figure=kind,
        command=retold(ctx, [start.source.argument, "-o", f"{kind}{Path(target.retold).suffix or '.png'}"], recipe),
        recipe=recipe,
        network=networks[0],
        layers=[list(each) for each in layers],
        networks=list(networks),
        input=start.facts,
        guide=guide,
        mask=mask,
    )


def account_of_one(ctx: click.Context, start: Start, target: Target, dreamer: Dreamer, recipe: Recipe) -> Figure:
    """Put together the same of a figure that shows one dream."""
    ends = recipe.score.ends if recipe.score else [recipe.end]
    recipe = dreamer.recorded(recipe)
    return account(ctx, start, target, recipe, [dreamer.facts], [ends], dreamer.guide, dreamer.mask_facts)


def made_before(
    path: Path,
    recipe: Recipe,
    network: NetFacts,
    input: PictureFacts,
    guide: PictureFacts | None = None,
    mask: PictureFacts | None = None,
) -> Picture | None:
    """Give the picture that an earlier run left, if it is whole, and the one that would be made of these now."""
    try:
        made, pixels = read_provenance(path), read_image(path)
    except (ImageFileError, ProvenanceError):
        return None  # not there, or not whole
    unlike = made.unlike(recipe, Ingredients(network=network, input=input, guide=guide, mask=mask))
    return pixels if not unlike and made.result.sha256 == pixels_sha256(pixels) else None


def in_words(figure: Figure) -> str:
    """Tell a figure's parameters, for its caption."""
    recipe, networks, input, guide = figure.recipe, figure.networks, figure.input, figure.guide
    steps = f"{recipe.iter_n} iteration{'s' if recipe.iter_n > 1 else ''} of step {recipe.step_size:g}"
    if recipe.octave_n > 1:
        steps += f" in each of {recipe.octave_n} octaves, {recipe.octave_scale:g} apart"
    told = [steps]
    if recipe.rendering is None:
        told += [f"jitter {recipe.jitter}", "clipped" if recipe.clip else "not clipped"]
    else:
        lap_n = recipe.rendering.lap_n
        levels = "" if lap_n is None else f" with {lap_n} Laplacian level{'' if lap_n == 1 else 's'}"
        told.insert(0, f"{recipe.rendering.renderer}{levels}")
    if guide is not None:
        told.append(f"guided by {guide.name}")
    told += [
        f"{name.replace('_', ' ')} {getattr(recipe, name):g}"
        for name in ("smooth", "laplacian", "tv", "pull_back")
        if getattr(recipe, name)
    ]
    told += ["colours kept"] if recipe.keep_colors else []
    told += [f"only where {figure.mask.name} is white"] if figure.mask else []
    if recipe.era != MODERN:
        told.append(f"rounded as in {recipe.era}")
    names = " and ".join(facts.name for facts in networks)
    return (
        f"{input.name}, {input.width}×{input.height} pixels. {'; '.join(told)}."
        f" {names} in {networks[0].dtype}, seed {recipe.seed}."
    )
