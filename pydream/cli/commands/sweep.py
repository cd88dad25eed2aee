"""`pydream sweep`: a picture through the layers of networks, low to high, as a contact sheet and one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from itertools import groupby
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from ...cluster.tasks import DreamTask, Outcome, checked, dream, guided, run_here
from ...cluster.workers import Cluster
from ...errors import ImageFileError, ProvenanceError
from ...media import FORMATS, LONGEST_NOTE, Sheet, fitting_columns, fitting_width, read_image
from ...net import unknown_name
from ...picture import Picture, to_pixels
from ...record.provenance import Dream, NetFacts, PictureFacts, picture_facts, read_provenance
from ...record.recipe import Recipe, follow
from ...runtime.geometry import BlobFacts, survey
from ...runtime.graph import Graph
from ...zoo.load import find_files, read_graph
from ...zoo.registry import DEFAULT_NETWORK
from ..errors import Failed, debug_option, interruption, one_line, printable, tell
from ..figures import FIGURE_OPTIONS, Start, Style, account, columns_option, figure_options, made_before
from ..help import Command
from ..input import Size, Source, SourceType, Target, check_not_read, one_target
from ..job import Dreamer, prepare, retold
from ..network import hush, weights_option
from ..options import (
    PICTURE_FILES,
    dream_options,
    force_option,
    input_options,
    layer_option,
    model_option,
    output_option,
    pictures_option,
    quiet_option,
    resume_option,
    retouch_options,
    run_options,
    sidecar_option,
    tile_options,
)
from ..progress import DoneProgress, Progress
from ..signals import between_steps, uninterrupted
from ..workers import Crew, at_work, staffed, worker_options

ALL = "all"
_PNG = FORMATS["png"]
# What only one network can be told: the parameter's name, and the option's.
_OF_ONE = {"mean": "mean", "pixel_scale": "pixel-scale", "channel_order": "channel-order", "input_node": "input-node"}
_NOT_A_DREAMS = {
    "models",
    "layers",
    "at_most",
    "columns",
    *FIGURE_OPTIONS,
}  # of the options, when one picture is told alone


@click.command("sweep", cls=Command)
@click.argument("input", type=SourceType())
@output_option(f"{PICTURE_FILES}, or -", required=True)
@model_option(DEFAULT_NETWORK, "models", multiple=True)
@weights_option
@input_options
@layer_option("LAYER|PATTERN", "layers", default="all that dream at any size", multiple=True)
@click.option(
    "--at-most",
    type=click.IntRange(min=1),
    metavar="N",
    help="Maximum number of layers per network, evenly spaced.  [default: all]",
)
@pictures_option
@resume_option
@force_option
@dream_options
@retouch_options
@run_options
@tile_options
@worker_options
@columns_option
@figure_options
@sidecar_option
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: str,
    models: tuple[str, ...],
    weights: Path | None,
    layers: tuple[str, ...],
    at_most: int | None,
    pictures: Path | None,
    columns: int | None,
    resume: bool,
    force: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on INPUT with one layer after the other, and lay the dreams out from low to high.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. --layer can be repeated, and be
    a pattern as fire*/concat; --model can be repeated, and each of several networks has a column. Every layer dreams
    with the same seed and parameters. Where one fails, the sheet says why, the others follow, and the exit code is 1.
    Ctrl-C writes a sheet of what is there; with --pictures, --resume continues.

    \b
    pydream sweep sky.jpg -o sheet.png --layer "fire*/concat"
    pydream sweep sky.jpg -o sheet.png --pictures sweep --preset report --at-most 12
    pydream sweep sky.jpg -o sheet.png --at-most 8 --workers 2 -m squeezenet_v1.1 -m bvlc_googlenet
    """  # noqa: D301 (click's mark for a block to leave as it is)
    target = one_target(output, None)
    names = _listed(models, "'--model'")
    for option, value in {
        "--weights": weights,
        **{f"--{each}": options[name] for name, each in _OF_ONE.items()},
    }.items():
        if value is not None and len(names) > 1:
            raise click.BadParameter("it is for one network, and there are several", param_hint=f"'{option}'")
    if columns is not None and len(names) > 1:
        raise click.BadParameter("each of several networks has one column", param_hint="'--columns'")
    if resume and (force or pictures is None):
        raise click.BadParameter("it continues with what is in --pictures; --force would not", param_hint="'--resume'")
    start = Start.read(input)
    hush()  # TensorFlow is asked for Keras models and SavedModels
    graphs = {name: read_graph(name, weights, options["input_node"]) for name in names}
    layers_of = choose(graphs, _listed(layers or (ALL,), "'--layer'"), at_most, start.size)
    for name in names:
        find_files(name, weights)  # what is missing is told before the first network has dreamt for an hour
    cells = _cells(layers_of, pictures)
    style = Style.taken(options)
    sheet = _sheet(style, columns, layers_of, start.size)
    target.check()
    targets = [cell.target for cell in cells if cell.target is not None]
    check_not_read([target, *targets], [start.source.path, options["guide"], options["mask"]])
    held = [each.path for each in targets if each.path is not None and each.exists()]
    if held and not (resume or force):
        raise click.BadParameter(
            f"'{pictures}' holds such pictures already: --resume continues with them, --force overwrites them",
            param_hint="'--pictures'",
        )
    if resume and options["seed"] is None:
        options["seed"] = _seed(held)
    guide = options.pop("guide")
    guide_picture = None if guide is None else read_image(guide)

    crew = Crew.taken(options)
    sweep = Sweep(
        ctx=ctx,
        start=start,
        guide=None if guide_picture is None else (str(guide), guide_picture),
        weights=weights,
        options=options,
        resume=resume,
        sidecar=sidecar,
        quiet=quiet,
        sheet=sheet,
        crew=crew,
    )
    with uninterrupted(done_then=True):
        sweep.run(cells, style, target)


def _seed(held: list[Path]) -> int | None:
    """Give the seed of an earlier run, from the first of its pictures that tells it."""
    for path in held:
        with suppress(ImageFileError, ProvenanceError):
            return read_provenance(path).recipe.seed
    return None


class Layer(NamedTuple):
    """A blob to dream with."""

    number: int  # among the network's
    facts: BlobFacts


def choose(
    graphs: dict[str, Graph], patterns: Sequence[str], at_most: int | None, size: Size
) -> dict[str, list[Layer]]:
    """Give the layers of each network that are named, in the network's order, with their facts for a picture's size."""
    chosen, met = {}, set()
    every: dict[str, None] = {}
    for model, graph in graphs.items():
        shape = graph.declared[graph.image_input]
        facts = survey(graph, {**graph.declared, graph.image_input: (*shape[:2], *size)})
        every.update(dict.fromkeys(each.name for each in facts if each.dreamable))
        found = []
        for number, each in enumerate(facts):
            named = [pattern for pattern in patterns if _means(pattern, each)]
            met.update(named)
            found += [Layer(number, each)] if named else []
        chosen[model] = _evenly(found, at_most)
    for pattern in patterns:
        if pattern not in met:
            raise unknown_name("layer to dream with", pattern, every)
    for model, found in chosen.items():
        if not found:
            raise click.BadParameter(f"none is of '{model}'; see `pydream layers -m {model}`", param_hint="'--layer'")
    if sum(len(layer.facts.name) + 8 for found in chosen.values() for layer in found) > LONGEST_NOTE // 2:
        raise click.BadParameter("these are too many for one sheet: see --at-most", param_hint="'--layer'")
    return chosen


def _means(pattern: str, facts: BlobFacts) -> bool:
    """Tell whether a name is this layer's, or a pattern takes it in, which wants layers that dream at any size."""
    if not facts.dreamable:
        return False
    return facts.name == pattern or (not facts.fixed and (pattern == ALL or fnmatchcase(facts.name, pattern)))


def _evenly(layers: list[Layer], at_most: int | None) -> list[Layer]:
    if at_most is None or len(layers) <= at_most:
        return layers
    return [layers[round(number * (len(layers) - 1) / max(at_most - 1, 1))] for number in range(at_most)]


def _listed(names: Sequence[str], option: str) -> list[str]:
    """Return each name once, in their order."""
    if "" in names:
        raise click.BadParameter("a name is empty", param_hint=option)
    return list(dict.fromkeys(names))


class Cell(NamedTuple):
    """A layer of a network, where it is on the sheet, and where its dream goes besides."""

    model: str
    facts: BlobFacts
    place: int
    target: Target | None


def _cells(layers_of: dict[str, list[Layer]], folder: Path | None) -> list[Cell]:
    """Give one network's layers their places row by row, several networks' column by column."""
    cells, several = [], len(layers_of) > 1
    for column, (model, layers) in enumerate(layers_of.items()):
        for row, (number, facts) in enumerate(layers):
            target = None
            if folder is not None:
                # What a network's file calls itself and its layers is no path.
                name = re.sub(r"[^\w.-]+", "-", f"{number:03d}-{Path(model).name}-{facts.name}")[:150]
                target = Target(str(folder / f"{f'{column + 1}-' if several else ''}{name}.png"), _PNG)
            cells.append(Cell(model, facts, row * len(layers_of) + column, target))
    return cells


def _sheet(style: Style, columns: int | None, layers_of: dict[str, list[Layer]], size: Size) -> Sheet:
    """Make the empty sheet; `ShapeError` where it would be too large."""
    most = max(map(len, layers_of.values()))
    if len(layers_of) == 1:
        sheet = style.sheet(columns or fitting_columns(most, size))
    else:
        headings = [printable(Path(model).name) for model in layers_of]
        sheet = style.sheet(len(headings), fitting_width(len(headings), most, size), headings)
    sheet.check(most * len(layers_of), size)
    return sheet


@dataclass(kw_only=True)
class Sweep:
    """One dream after the other, and what has come of them."""

    ctx: click.Context
    start: Start
    guide: tuple[str, Picture] | None
    weights: Path | None
    options: dict[str, Any]
    resume: bool
    sidecar: bool
    quiet: bool
    sheet: Sheet
    crew: Crew | None
    recipe: Recipe | None = None
    tiles: set[int | None] = field(default_factory=set)  # the sides that the layers had
    mask: PictureFacts | None = None
    networks: list[NetFacts] = field(default_factory=list)
    dreamt: list[Cell] = field(default_factory=list)
    failed: int = 0

    def run(self, cells: list[Cell], style: Style, target: Target) -> None:
        """Dream with all cells, and write the sheet of those that did; Ctrl-C writes it of those that have."""
        try:
            with at_work(self.crew) as cluster:
                for _, of_one in groupby(cells, key=lambda cell: cell.model):
                    self._network(list(of_one), cluster)
        except KeyboardInterrupt:
            if not self.dreamt:
                raise
            self._write(style, target, cells)
            goes_on = "; --resume continues" if cells[0].target else ""
            outcome = f"wrote {target} with {len(self.dreamt)} of {len(cells)} layers{goes_on}"
            raise interruption(outcome) from None
        if not self.dreamt:
            raise Failed("no layer could be dreamt with: nothing was written")
        self._write(style, target, cells)
        if not self.quiet:
            click.echo(f"wrote {target}", err=True)
        if self.failed:
            raise Failed(f"{self.failed} of {len(cells)} layers could not be dreamt with; the sheet tells why")

    def _network(self, cells: list[Cell], cluster: Cluster | None) -> None:
        """Load a network once, and dream with its layers: one that cannot costs itself only."""
        model, first = cells[0].model, cells[0].facts.name
        dreamer = prepare(model=model, weights=self.weights, layer=first, guide=None, **self.options)
        self.options["seed"] = dreamer.recipe.seed  # the next network's too
        self.recipe = self.recipe or msgspec.structs.replace(dreamer.recipe, noise=self.start.noise)
        self.mask = dreamer.mask_facts
        self.networks.append(dreamer.facts)
        facts = dreamer.facts
        title = (
            f"{printable(facts.name)}, {len(cells)} layers on {facts.device}, {facts.dtype}, seed {dreamer.recipe.seed}"
        )
        costs = [cell.facts.macs_to or 0 for cell in cells]
        bar: Progress | DoneProgress
        if cluster is None:
            bar = Progress(
                title,
                dreamer.sizes(*self.start.size),
                dreamer.recipe.iter_n,
                self.quiet,
                len(cells),
                "layer",
                [cost / prod(self.start.size) for cost in costs] if all(costs) else (),
            )
        else:
            bar = DoneProgress(staffed(title, cluster), len(cells), "layer", self.quiet)
        with bar as progress:
            for number, (cell, outcome) in enumerate(self._made(dreamer, cells, progress, cluster), start=1):
                label, note = cell.facts.name, _sees(cell.facts)
                try:
                    pixels = outcome.get()
                except Exception as error:
                    with progress.aside():
                        tell(self.ctx, error, label)
                    self.sheet.add(None, label, note, one_line(error).message, cell.place)
                    self.failed += 1
                else:
                    self.sheet.add(pixels, label, note, place=cell.place)
                    self.dreamt.append(cell)
                progress.passed(number)

    def _made(
        self, dreamer: Dreamer, cells: list[Cell], progress: Progress | DoneProgress, cluster: Cluster | None
    ) -> Iterator[tuple[Cell, Outcome[Picture]]]:
        """Dream with one layer after the other, or have the workers do it."""
        if cluster is None:
            assert isinstance(progress, Progress)
            yield from run_here(partial(self._dream, dreamer, progress), ((cell, cell) for cell in cells))
            return
        assert self.crew is not None
        dreamer = replace(dreamer, memory=self.crew.memory(dreamer.memory))
        recipes = {cell.place: self._recipe(dreamer, progress, cell) for cell in cells}
        left = []
        for cell in cells:
            if (held := self._held(dreamer, recipes[cell.place], cell)) is None:
                left.append(cell)
            else:
                yield cell, Outcome(held)
        tasks = ((cell, self._task(dreamer, recipes[cell.place])) for cell in left)
        size = dreamer.sizes(*self.start.size)[0]
        for cell, outcome in cluster.run(dream, tasks, between_steps):
            made = outcome.then(lambda dreamt: checked(dreamt, size).pixels)
            yield cell, made.then(partial(self._kept, dreamer, recipes[cell.place], cell))

    def _recipe(self, dreamer: Dreamer, progress: Progress | DoneProgress, cell: Cell) -> Recipe:
        end = cell.facts.name
        recipe = msgspec.structs.replace(dreamer.recipe, end=end, noise=self.start.noise)
        with progress.aside():
            recipe = dreamer.tiled(recipe, *self.start.size, self.quiet, of=end)
        self.tiles.add(dreamer.recorded(recipe).tile)
        return recipe

    def _task(self, dreamer: Dreamer, recipe: Recipe) -> DreamTask:
        return replace(dreamer.task(recipe, self.start.picture), guide=self.guide)

    def _dream(self, dreamer: Dreamer, progress: Progress, cell: Cell) -> Picture:
        """Dream with one layer, or take the same dream from an earlier run."""
        recipe = self._recipe(dreamer, progress, cell)
        if (held := self._held(dreamer, recipe, cell)) is not None:
            return held
        objective = None if self.guide is None else guided(dreamer.net, self.guide[1], recipe.end, self.guide[0])
        pixels = to_pixels(
            follow(
                recipe,
                dreamer.net,
                self.start.picture,
                objective,
                retouches=recipe.retouches(dreamer.mask),
                watch=progress,
            )
        )
        return self._kept(dreamer, recipe, cell, pixels)

    def _kept(self, dreamer: Dreamer, recipe: Recipe, cell: Cell, pixels: Picture) -> Picture:
        """Write a dream beside the sheet, if that was asked for."""
        if cell.target is None or cell.target.path is None:
            return pixels
        told = dreamer.recorded(recipe)
        cell.target.path.parent.mkdir(parents=True, exist_ok=True)
        words = [self.start.source.argument, "-o", cell.target.retold, "--model", cell.model, "--layer", recipe.end]
        command = retold(self.ctx, words, told, "dream", _NOT_A_DREAMS)
        result = picture_facts("result", pixels)
        made = Dream(
            command=command,
            recipe=told,
            network=dreamer.facts,
            input=self.start.facts,
            guide=self._guide,
            mask=dreamer.mask_facts,
            result=result,
        )
        cell.target.write(pixels, made, self.sidecar)
        return pixels

    def _held(self, dreamer: Dreamer, recipe: Recipe, cell: Cell) -> Picture | None:
        """Give what an earlier run wrote for a cell, if it is wanted and is the dream that would be made now."""
        if not self.resume or cell.target is None or cell.target.path is None:
            return None
        told = dreamer.recorded(recipe)
        return made_before(cell.target.path, told, dreamer.facts, self.start.facts, self._guide, dreamer.mask_facts)

    @cached_property
    def _guide(self) -> PictureFacts | None:
        return None if self.guide is None else picture_facts(*self.guide)

    def _write(self, style: Style, target: Target, cells: list[Cell]) -> None:
        """Write the sheet of what there is."""
        assert self.recipe is not None  # of what was dreamt
        recipe = msgspec.structs.replace(self.recipe, tile=self.tiles.pop() if len(self.tiles) == 1 else None)
        dreamt = [cell for cell in cells if cell in self.dreamt]  # in their order
        layers = [[cell.facts.name for cell in of_one] for _, of_one in groupby(dreamt, lambda cell: cell.model)]
        figure = account(self.ctx, self.start, target, recipe, self.networks, layers, self._guide, self.mask)
        left = len(cells) - len(self.dreamt) - self.failed
        more = f"Interrupted: {left} of {len(cells)} layers are not here." if left else ""
        named = self.networks[0].name if len(self.networks) == 1 else "the networks"
        style.write(self.sheet, target, figure, f"{self.start.source.name} through {named}", more, self.sidecar)


def _sees(facts: BlobFacts) -> str:
    """Say what one value of a layer sees of the picture: what grows from low to high."""
    if facts.field is None:
        return "sees all of it"
    rows, columns = facts.field.rows.size, facts.field.columns.size
    return f"sees {rows if rows == columns else f'{columns}×{rows}'} px"
