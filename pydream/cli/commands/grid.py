"""`pydream grid`: what a layer makes of each place of a picture, drawn over that place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import click

from ...dream.cells import CellParams, batches, drawn
from ...dream.factors import MOST_FACTORS, factorise
from ...dream.nearness import nearness_to
from ...dream.octaves import Size
from ...easy.factors import MOST_PLACES, SIDE, shown
from ...easy.grid import LONG_SIDE, MOST_CELLS, PlaceGrid
from ...media import Gallery, Sheet, fitting_width
from ...net import Array
from ...picture import Picture, to_pixels
from ...record.command import option_words
from ...record.recipe import Recipe, Rendering
from ..advice import duration
from ..errors import interruption
from ..figures import FIGURE_FILES, PageTarget, Style, cell_option, figure_of, figure_options, figure_target
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, claim_targets
from ..job import Job, prepare
from ..options import (
    common_run_options,
    direction_power_option,
    force_option,
    last_options,
    layer_option,
    network_options,
    option,
    output_option,
    size_options,
    steps_option,
)
from ..places import unnamed
from ..progress import Progress
from ..signals import uninterrupted

_USUAL = CellParams()
_OPTIONS = {
    "iter_n": "--iterations",
    "step_size": "--step-size",
    "octave_n": "--octaves",
    "octave_scale": "--octave-scale",
    "power": "--direction-power",
    "side": "--cell",
}


@click.command("grid", cls=Command)
@click.argument("input", type=SourceType())
@output_option(FIGURE_FILES, beside="grid.png")
@network_options
@layer_option()
@steps_option("octaves", "octave_n", default=_USUAL.octave_n)
@steps_option("octave_scale", default=_USUAL.octave_scale)
@steps_option("iterations", "iter_n", default=_USUAL.iter_n)
@steps_option("step_size", default=_USUAL.step_size)
@direction_power_option(_USUAL.power)
@option(
    "--factors", "Number of factors of all activations, drawn in place of the places.", click.IntRange(1, MOST_FACTORS)
)
@cell_option(None, f"{_USUAL.side}, of factors {SIDE}")
@option("--sized", "Cells as large as the activations are strong.", is_flag=True)
@option("--most-cells", "Number of cells that is not too many.", click.IntRange(1, 10**6), default=MOST_CELLS)
@size_options
@common_run_options
@figure_options
@force_option
@last_options
def command(
    input: list[Source],
    output: str | None,
    iter_n: int,
    step_size: float,
    octave_n: int,
    octave_scale: float,
    direction_power: float,
    factors: int | None,
    cell: int | None,
    sized: bool,
    most_cells: int,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show what a layer makes of each place of INPUT: the activations there, drawn as a small picture, a cell.

    INPUT is a picture, - for one from standard input, or noise:224x224. A picture of more than 224 pixels is made that
    small, so that the layer has about as many places as in training; other sizes with --long-side or --size. Each cell
    lies over what its place sees, beside the picture. A .html page shows the grid large on a click. Ctrl-C keeps the
    cells that are done.

    --factors N draws N directions instead, of which the activations of all places are made, and shows where each is.

    \b
    pydream grid flowers.jpg --layer fire8/concat
    pydream grid flowers.jpg --layer fire8/concat --factors 6
    pydream grid flowers.jpg -o grid.html --layer fire5/concat --sized --seed 1
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = figure_target(output or str(unnamed(source.path, source.stem, ".grid.png")))
    target.check()
    claim_targets([target], sidecar)
    start = _at(source, Resizing.taken(options))
    style = Style.taken(options)
    usual = _USUAL if factors is None else replace(_USUAL, side=SIDE)
    params = replace(
        usual, side=cell or usual.side, iter_n=iter_n, step_size=step_size, octave_n=octave_n,
        octave_scale=octave_scale, power=direction_power,
    )  # fmt: skip
    most = None if most_cells == MOST_CELLS else most_cells
    words = option_words({"--factors": factors, **_changed(params, usual), "--sized": sized, "--most-cells": most})
    with uninterrupted(done_then=True):
        job = prepare(
            iter_n=iter_n, step_size=step_size, octave_n=octave_n, octave_scale=octave_scale,
            rendering=Rendering(renderer="decorrelated"), size=start.resized, noise=start.noise, sidecar=sidecar,
            quiet=quiet, **options,
        )  # fmt: skip
        picture = to_pixels(job.recipe.start(start.picture)[0])
        grid = PlaceGrid.of(job.net, job.recipe.end, picture, most_cells if factors is None else MOST_PLACES)
        params = replace(params, seed=job.recipe.seed)
        page = isinstance(target, PageTarget)
        figure: GridSheet | FactorSheet
        if factors is None:
            figure = GridSheet(job, grid, params, source.name, sized)
        else:
            figure = FactorSheet(job, grid, params, source.name, factors)
        columns, rows, size = figure.layout()
        sheet = Gallery() if page else style.sheet(columns, fitting_width(columns, rows, size))
        sheet.check(columns * rows, size)
        interrupted = figure.cells.draw()
        figure.fill(sheet)
        title = f"What {job.recipe.end} of {job.network.name} makes of {source.name}"
        account = figure_of(
            job,
            "grid",
            start,
            target,
            job.recipe,
            words + style.words,
            [[job.recipe.end]],
            bare=Recipe(end=job.recipe.end, seed=job.recipe.seed, size=job.recipe.size),
        )
        lines = [figure.about(), *figure.cells.left]
        style.write(sheet, target, account, title, "\n".join(lines), job.sidecar)
        if interrupted:
            raise interruption(f"wrote {target} with {len(figure.cells.made)} of {figure.cells.count} cells")
    job.say(f"wrote {target}")


def _changed(params: CellParams, usual: CellParams) -> dict[str, Any]:
    """Return the options of what is not as usual."""
    return {
        option: getattr(params, name)
        for name, option in _OPTIONS.items()
        if getattr(params, name) != getattr(usual, name)
    }


def _at(source: Source, resizing: Resizing) -> InputPicture:
    """Read a picture at the size that it is wanted, or at no more than the usual one."""
    start = InputPicture.read(source, resizing if resizing.wanted else None)
    if source.noise is not None or resizing.wanted or max(start.size) <= LONG_SIDE:
        return start
    return replace(start, size=Resizing(long_side=LONG_SIDE).of(*start.size))


@dataclass
class Cells:
    """Cells of a layer's directions, as far as they are drawn; `made` has them in their order."""

    job: Job
    vectors: Array
    params: CellParams
    made: list[Picture | None] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there are to draw."""
        return len(self.vectors)

    @property
    def left(self) -> list[str]:
        """A line on those that were not drawn, if there are any."""
        left = self.count - len(self.made)
        return [f"Interrupted: {left} of {self.count} cells are not here."] if left else []

    def draw(self) -> bool:
        """Draw them; return whether Ctrl-C left some, with at least one batch done."""
        job, params, end = self.job, self.params, self.job.recipe.end
        facts = job.network
        title = f"{facts.name}, {self.count} cells of {end} on {facts.device}, {facts.dtype}, seed {params.seed}"
        count = len(batches(job.net, end, self.count, params))
        with Progress(title, params.sizes, params.iter_n, job.quiet, count, "batch") as bar:
            bar.estimated = partial(_say_how_long, bar)
            try:
                for cell in drawn(job.net, end, self.vectors, params, bar):
                    self.made.append(cell)
            except KeyboardInterrupt:
                if not self.made:
                    raise
                return True
        return False

    def nearness(self) -> list[float]:
        """Return how near each cell that was drawn comes to its direction; see `nearness_to`."""
        net, end = self.job.net, self.job.recipe.end
        pairs = zip(self.made, self.vectors, strict=False)
        return [nearness_to(net, end, cell, vector) for cell, vector in pairs if cell is not None]


class GridSheet:
    """The picture, and beside it the cells of its places."""

    def __init__(self, job: Job, grid: PlaceGrid, params: CellParams, name: str, sized: bool) -> None:
        self._grid, self._name, self._sized = grid, name, sized
        self._places = grid.places()
        self.cells = Cells(job, grid.vectors(self._places), params)

    def layout(self) -> tuple[int, int, Size]:
        """Return the columns and rows of the sheet, and the size of a picture on it."""
        return 2, 1, self._grid.shape(self.cells.params.side)

    def fill(self, sheet: Sheet | Gallery) -> None:
        """Put the pictures on the sheet."""
        cells = dict(zip(map(int, self._places), self.cells.made, strict=False))
        sheet.add(self._grid.picture, self._name)
        drawn = self._grid.sheet(cells, self.cells.params.side, self._sized)
        sheet.add(drawn, f"{self._grid.layer}, {self._grid} places")

    def about(self) -> str:
        """Describe it, for the caption."""
        near = sorted(self.cells.nearness()) or [0.0]
        return (
            f"Each cell is drawn for the activations of {self._grid.layer} at its place, power"
            f" {self.cells.params.power:g} of the cosine. What a cell gives has a cosine of {near[0]:.2f} to"
            f" {near[-1]:.2f} with these, {near[len(near) // 2]:.2f} in the middle; the place itself has 1."
        )


class FactorSheet:
    """The picture and all factors' maps, and then each factor's map over its cell; on a page beside it."""

    def __init__(self, job: Job, grid: PlaceGrid, params: CellParams, name: str, count: int) -> None:
        self._grid, self._name = grid, name
        grid.places()
        self._factors = factorise(grid.values, count)
        self.cells = Cells(job, self._factors.vectors, params)

    def layout(self) -> tuple[int, int, Size]:
        """Return the columns and rows of the sheet, and the size of a picture on it."""
        height, width = self._grid.picture.shape[:2]
        return self.cells.count + 1, 2, (max(height, width), width)

    def fill(self, sheet: Sheet | Gallery) -> None:
        """Put the pictures on the sheet."""
        columns = self.cells.count + 1
        near = iter(self.cells.nearness())
        maps: list[tuple[Picture, str, str]] = [(self._grid.picture, self._name, "")]
        cells: list[tuple[Picture | None, str, str]] = [(shown(self._grid, self._factors), "all factors", "")]
        for number, cell in enumerate(self.cells.made):
            share = f"{self._factors.shares[number]:.0%}"
            maps.append((shown(self._grid, self._factors, number), f"factor {number + 1}", share))
            cells.append((cell, "drawn", "" if cell is None else f"cosine {next(near):.2f}"))
        for number, (above, below) in enumerate(zip(maps, cells, strict=True)):
            places = (2 * number, 2 * number + 1) if isinstance(sheet, Gallery) else (number, columns + number)
            for place, (picture, label, note) in zip(places, (above, below), strict=True):
                sheet.add(picture, label, note, "no gradient", place)

    def about(self) -> str:
        """Describe it, for the caption."""
        return (
            f"{self.cells.count} non-negative factors of the activations of {self._grid.layer} at {self._grid} places,"
            f" which hold {self._factors.kept:.0%} of their squares; percentages are of their sums. Each is drawn below"
            " its map: the cosine is that of what the drawing gives with the factor."
        )


def _say_how_long(bar: Progress, seconds: float) -> None:
    if (line := duration(seconds, (1, 1))) is not None:
        bar.write(line)
