"""`pydream atlas`: what a layer makes of many pictures, as a map of drawn cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from ...easy.atlas import (
    CELL,
    DRAWING,
    MOST_PLACES,
    PLACES,
    SIDE,
    STEPS,
    Activations,
    Cell,
    at_size,
    likeness,
)
from ...easy.layout import MOST_SIDE
from ...errors import ZeroGradientError
from ...media import THEMES, PictureMap
from ...picture import Picture
from ...record.atlas import AtlasFigure, is_cell
from ...record.command import option_words
from ...record.frames import earlier_recipe
from ...record.recipe import Recipe
from ..errors import Failed, bad_value, interruption, print_error
from ..figures import FIGURE_FILES, FigureDreams, PageTarget, Style, cell_option, figure_options, figure_target
from ..folders import OutputFolder
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, Target, claim_targets
from ..job import Job, prepare
from ..listing import expanded
from ..options import (
    common_run_options,
    force_option,
    last_options,
    layer_option,
    network_options,
    option,
    output_option,
    pictures_option,
    recursive_option,
    resume_option,
    size_options,
    steps_option,
    tile_options,
)
from ..places import forced, unnamed
from ..progress import Bar
from ..signals import between_steps, interruptible, uninterrupted
from ..workers import WorkerOptions, start_workers, worker_options

_LISTED = 3  # names of INPUT in the title
_NAMED = 10  # pictures that could not be read, in the caption
HEADINGS = (
    "Activations", "Pictures", "Nearest pictures", "Attributed classes", "Activations' cosine", "Drawing's cosine",
)  # fmt: skip


@click.command("atlas", cls=Command)
@click.argument("input", type=SourceType(folders=True), nargs=-1, required=True)
@output_option(FIGURE_FILES, beside="atlas.html")
@network_options
@layer_option()
@option("--places", "Activations per picture, at random places.", click.IntRange(1, MOST_PLACES), default=PLACES)
@option("--side", "Number of cells along each side of the map.", click.IntRange(1, MOST_SIDE), default=SIDE)
@cell_option(CELL)
@steps_option("iterations", "iter_n", default=STEPS)
@recursive_option
@size_options
@common_run_options
@tile_options
@worker_options
@pictures_option
@resume_option
@force_option
@figure_options
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: tuple[list[Source], ...],
    output: str | None,
    places: int,
    side: int,
    cell: int,
    recursive: bool,
    pictures: Path | None,
    resume: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Map what a layer makes of many pictures: an activation atlas.

    INPUT is a folder of pictures, or a picture; there can be several. Activations at some places of each picture are
    grouped by their directions, the groups are laid out so that alike ones are neighbours, and the mean of each is
    drawn as a cell. A .html page can be zoomed, and shows what a cell is: its number of activations, its pictures and
    its classes; a picture is the map alone. Pictures are shown to the network in the size that it was made for, or in
    that of --long-side or --size. Ctrl-C keeps the cells that are drawn, and --resume continues with them.

    \b
    pydream atlas photos --layer fire8/concat
    pydream atlas photos -o atlas.html --places 40 --side 16 --workers 4
    """  # noqa: D301 (click's mark for a block to leave as it is)
    sources = expanded([source for sources in input for source in sources], recursive, None)
    if any(source.path is None for source in sources):
        raise bad_value("INPUT", "an atlas is of files and folders")
    target = figure_target(output or str(_unnamed(input[0][0])))
    if target.path is None:
        raise bad_value("--output", "its cells are kept beside it until it is whole: name a file")
    target.check()
    claim_targets([target], sidecar)
    folder = pictures or target.path.with_name(f"{target.path.name}.tiles")
    tiles = OutputFolder(folder, pictures is None, "tiles", "cell-", 6, claims=is_cell)
    existing = tiles.check(resume, "'--pictures'" if pictures else "'--output'")
    if resume and options["seed"] is None and (earlier := earlier_recipe(existing)) is not None:
        options["seed"] = earlier.seed
    style, workers, resizing = Style.taken(options), WorkerOptions.taken(options), Resizing.taken(options)
    words = option_words(
        {
            "--places": None if places == PLACES else places,
            "--side": None if side == SIDE else side,
            "--cell": None if cell == CELL else cell,
            "--iterations": None if options["iter_n"] == STEPS else options["iter_n"],
            "--recursive": recursive,
            "--long-side": resizing.long_side,
            "--size": resizing.size and f"{resizing.size[1]}x{resizing.size[0]}",
        }
    )
    sheet = PictureMap(side, cell, HEADINGS)
    with uninterrupted(done_then=True):
        start = InputPicture.read(Source("noise", noise=(cell, cell)))
        job = prepare(sidecar=sidecar, quiet=quiet, noise=start.noise, **DRAWING, **options)
        if job.recipe.objective:
            raise bad_value("--layer", "an atlas is of a whole layer, without channels, places and weights")
        if forced():  # not before all that could be wrong has been looked at
            tiles.clear()
        if workers is not None:
            job = replace(job, memory=workers.memory(job.memory))
        job = replace(job, recipe=job.tiled(job.recipe, start.size))
        seen = Activations(job.net, job.recipe.end, places, job.recipe.seed)
        failed = _look(ctx, job, seen, sources, resizing)
        cells = seen.cells(side, between_steps)
        inputs = [source.argument for given in input for source in given]
        bare = Recipe(end=job.recipe.end, seed=job.recipe.seed)
        line = job.command_line("atlas", [*inputs, *_output(target), *words, *style.words], bare)
        replace(job, recipe=cells[0].recipe(job.recipe)).check()
        job = replace(job, heading=_heading(job, f"{len(cells)} cells"))
        atlas = AtlasRun(job, start, tiles, cells, line)
        atlas.draw(workers, sheet)
        figure = AtlasFigure(
            figure="atlas", command=line, recipe=job.as_recorded(job.recipe), layers=[[job.recipe.end]],
            networks=[job.network], pictures=len(seen.names), pictures_sha256=seen.sha256, activations=seen.count,
            places=places, side=side, versions=job.network.library_versions,
            **msgspec.structs.asdict(job.ingredients(start.facts)),
        )  # fmt: skip
        about = (
            f"{len(cells)} groups of {seen.count} activations of {job.recipe.end}, at up to {places} places of each of"
            f" {len(seen.names)} pictures. {job.network.name} in {job.network.dtype}, seed {job.recipe.seed}."
        )
        title = f"What {job.recipe.end} of {job.network.name} makes of {_of(input)}"
        if isinstance(target, PageTarget):
            style.write(sheet, target, figure, title, _missing(failed), sidecar, about)
        else:
            page = style.sheet(1)
            page.add(sheet.picture(THEMES[style.theme].empty), "")
            style.write(page, target, figure, title, _missing(failed), sidecar, about)
        tiles.finish()
    job.say(f"wrote {target}")
    if failed:
        raise Failed(f"{len(failed)} of {len(sources)} pictures failed; the others are in the atlas")


def _unnamed(source: Source) -> Path:
    """Return the output's name: beside the folder, or the picture."""
    path = Path(source.given)
    path = path if path.name not in ("", "..") else path.resolve()
    return unnamed(path, path.name if source.folder else path.stem, ".html")


def _output(target: Target) -> list[str]:
    return ["-o", f"atlas{Path(target.given).suffix}"]


def _of(input: Sequence[Sequence[Source]]) -> str:
    names = [Path(source.given).name or source.given for given in input for source in given]
    if len(names) > _LISTED:
        names[_LISTED - 1 :] = [f"{len(names) - _LISTED + 1} more"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _heading(job: Job, what: str) -> str:
    facts, recipe = job.network, job.recipe
    return f"{facts.name} {recipe.end}, {what} on {facts.device}, {facts.dtype}, seed {recipe.seed}"


def _missing(failed: Sequence[str]) -> str:
    """Name the pictures that are not in the atlas, for its caption."""
    if not failed:
        return ""
    more = len(failed) - _NAMED
    return f"Without {', '.join(failed[:_NAMED])}{f' and {more} more' if more > 0 else ''}, which could not be read."


def _look(ctx: click.Context, job: Job, seen: Activations, sources: Sequence[Source], resizing: Resizing) -> list[str]:
    """Show the network all pictures; print which cannot be read, and return their names."""
    seen.check(len(sources))
    failed: list[str] = []
    title = _heading(job, f"{len(sources)} picture{'' if len(sources) == 1 else 's'}")
    with Bar(job.quiet, title, total=len(sources), unit="picture") as bar:
        for number, source in enumerate(sources, start=1):
            name = str(Path(source.inside, source.name))
            try:
                with interruptible():
                    picture = InputPicture.read(source).picture
                assert picture is not None
                seen.add(name, at_size(job.net, picture, resizing))
            except Exception as error:
                if len(sources) == 1:
                    raise
                with bar.aside():
                    print_error(ctx, error, source.given)
                failed.append(name)
            bar.passed(number)
    if not seen.names:
        raise Failed("no picture could be read: nothing was written")
    return failed


@dataclass(frozen=True)
class AtlasRun:
    """The drawings of an atlas: made now, or kept by an earlier run."""

    job: Job
    start: InputPicture
    tiles: OutputFolder
    cells: list[Cell]
    line: str  # the command
    _likeness: dict[int, float] = field(default_factory=dict)

    def recipe(self, number: int) -> Recipe:
        """Return the recipe of a cell."""
        return self.cells[number].recipe(self.job.recipe)

    def save(self, number: int, recipe: Recipe, pixels: Picture) -> None:
        """Write a cell's drawing."""
        record = self.job.record(self.line, recipe, self.start.facts, pixels)
        self.target(number).write(pixels, record, sidecar=False)

    def target(self, number: int) -> Target:
        """Return where a cell's drawing is kept: by its place on the map."""
        return self.tiles.target(self.cells[number].place)

    def draw(self, workers: WorkerOptions | None, sheet: PictureMap) -> None:
        """Draw all cells, and put them on the map."""
        job, count = self.job, len(self.cells)
        dreams = FigureDreams(job=job, start=self.start, recipe=self.recipe, target=self.target, save=self.save)
        dreams.check(range(count))
        try:
            with (
                start_workers(workers) as cluster,
                job.bar(self.start.size, count, "cell")
                if cluster is None
                else job.done_bar(cluster, count, "cell") as progress,
            ):
                for done, (number, outcome) in enumerate(dreams.each(range(count), progress, cluster), start=1):
                    try:
                        self._show(number, outcome.get(), sheet)
                    except ZeroGradientError:
                        self._show(number, None, sheet)
                    progress.passed(done)
        except KeyboardInterrupt:
            done = len(self.tiles.existing())
            raise interruption(f"{done} of {count} cells are in '{self.tiles.folder}'; --resume continues") from None

    def _show(self, number: int, picture: Picture | None, sheet: PictureMap) -> None:
        cell = self.cells[number]
        row, column = divmod(cell.place, sheet.side)
        drawn = "nothing in the noise moves it"
        if picture is not None:
            drawn = f"{likeness(self.job.net, cell, self.job.recipe.end, picture):.2f}"
        label = f"Row {row + 1}, column {column + 1}"
        names, classes = ", ".join(cell.names), ", ".join(cell.classes)
        facts = (str(cell.count), str(cell.pictures), names, classes, f"{cell.closeness:.2f}", drawn)
        sheet.add(cell.place, picture, label, facts)
