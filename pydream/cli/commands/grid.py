"""`pydream grid`: what a layer makes of each place of a picture, drawn over that place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import click

from ...dream.cells import CellParams, batches, drawn
from ...easy.grid import LONG_SIDE, MOST_CELLS, PlaceGrid
from ...media import Gallery, Sheet, fitting_width
from ...picture import Picture, to_pixels
from ...record.command import option_words
from ...record.recipe import Rendering
from ..advice import duration
from ..errors import interruption
from ..figures import FIGURE_FILES, PageTarget, Style, cell_option, figure_of, figure_options, figure_target
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, Target, claim_targets
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

_RENDERER: Final = "decorrelated"
_USUAL = CellParams()


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
@cell_option(_USUAL.side)
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
    cell: int,
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

    \b
    pydream grid flowers.jpg --layer fire8/concat
    pydream grid flowers.jpg -o grid.html --layer fire5/concat --sized --seed 1
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = figure_target(output or str(unnamed(source.path, source.stem, ".grid.png")))
    target.check()
    claim_targets([target], sidecar)
    start = _at(source, Resizing.taken(options))
    style = Style.taken(options)
    params = CellParams(
        side=cell,
        iter_n=iter_n,
        step_size=step_size,
        octave_n=octave_n,
        octave_scale=octave_scale,
        power=direction_power,
    )
    words = option_words(
        {
            "--direction-power": None if direction_power == _USUAL.power else direction_power,
            "--cell": None if cell == _USUAL.side else cell,
            "--sized": sized,
            "--most-cells": None if most_cells == MOST_CELLS else most_cells,
        }
    )
    with uninterrupted(done_then=True):
        job = prepare(
            iter_n=iter_n, step_size=step_size, octave_n=octave_n, octave_scale=octave_scale,
            rendering=Rendering(renderer=_RENDERER), size=start.resized, noise=start.noise, sidecar=sidecar,
            quiet=quiet, **options,
        )  # fmt: skip
        picture = to_pixels(job.recipe.start(start.picture)[0])
        grid = PlaceGrid.of(job.net, job.recipe.end, picture, most_cells)
        params = replace(params, seed=job.recipe.seed)
        shape = grid.shape(cell)
        sheet = Gallery() if isinstance(target, PageTarget) else style.sheet(2, fitting_width(2, 1, shape))
        sheet.check(2, shape)
        cells = Cells(job, grid, params)
        interrupted = cells.draw()
        sheet.add(picture, source.name)
        sheet.add(grid.sheet(cells.made, cell, sized), f"{job.recipe.end}, {grid} places")
        _write(sheet, style, job, start, target, words, cells)
        if interrupted:
            raise interruption(f"wrote {target} with {len(cells.made)} of {cells.count} cells")
    job.say(f"wrote {target}")


def _at(source: Source, resizing: Resizing) -> InputPicture:
    """Read a picture at the size that it is wanted, or at no more than the usual one."""
    start = InputPicture.read(source, resizing if resizing.wanted else None)
    if source.noise is not None or resizing.wanted or max(start.size) <= LONG_SIDE:
        return start
    return replace(start, size=Resizing(long_side=LONG_SIDE).of(*start.size))


@dataclass
class Cells:
    """The cells of a grid, as far as they are drawn; `made` has them by place."""

    job: Job
    grid: PlaceGrid
    params: CellParams
    made: dict[int, Picture | None] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are to draw."""
        return len(self.grid.places())

    def draw(self) -> bool:
        """Draw them; return whether Ctrl-C left some, with at least one batch done."""
        job, params, places = self.job, self.params, self.grid.places()
        facts = job.network
        what = f"{len(places)} cells of {job.recipe.end}"
        title = f"{facts.name}, {what} on {facts.device}, {facts.dtype}, seed {params.seed}"
        count = len(batches(job.net, job.recipe.end, len(places), params))
        with Progress(title, params.sizes, params.iter_n, job.quiet, count, "batch") as bar:
            bar.estimated = partial(_say_how_long, bar)
            try:
                vectors = self.grid.vectors(places)
                for place, cell in zip(places, drawn(job.net, job.recipe.end, vectors, params, bar), strict=True):
                    self.made[int(place)] = cell
            except KeyboardInterrupt:
                if not self.made:
                    raise
                return True
        return False


def _say_how_long(bar: Progress, seconds: float) -> None:
    if (line := duration(seconds, (1, 1))) is not None:
        bar.write(line)


def _write(
    sheet: Sheet | Gallery,
    style: Style,
    job: Job,
    start: InputPicture,
    target: Target,
    words: list[str],
    cells: Cells,
) -> None:
    """Write what there is, with its record."""
    end = job.recipe.end
    figure = figure_of(job, "grid", start, target, job.recipe, words + style.words, [[end]], renderer=_RENDERER)
    more = f"Each cell is drawn for the activations of {end} at its place, power {cells.params.power:g} of the cosine."
    left = cells.count - len(cells.made)
    more += f"\nInterrupted: {left} of {cells.count} cells are not here." if left else ""
    style.write(
        sheet, target, figure, f"What {end} of {job.network.name} makes of {start.source.name}", more, job.sidecar
    )
