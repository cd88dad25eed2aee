"""`pydream sweep`: a picture through the layers of networks, low to high, as a contact sheet and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from ...easy.preparation import SidePicture
from ...host.names import made_of
from ...media import FORMATS, LONGEST_NOTE, Gallery, Sheet, fitting_columns, fitting_width
from ...net import unknown_name
from ...record.command import option_words
from ...record.names import model_word
from ...record.recipe import Recipe
from ...runtime.geometry import BlobFacts, survey_at
from ...runtime.graph import Graph
from ...zoo.load import find_files, read_graph
from ...zoo.registry import DEFAULT_NETWORK
from ..figures import (
    FIGURE_FILES,
    PageTarget,
    Style,
    columns_option,
    figure_of,
    figure_options,
    figure_target,
    word_from_here,
)
from ..help import Command
from ..input import (
    InputPicture,
    Resizing,
    Size,
    Source,
    SourceType,
    Target,
    reads_profiles,
    unnamed_target,
)
from ..job import Job, prepare, quiet_tensorflow
from ..options import (
    dream_options,
    force_option,
    input_options,
    last_options,
    layer_option,
    model_option,
    option,
    output_option,
    pictures_option,
    resume_option,
    retouch_options,
    run_options,
    size_options,
    tile_options,
    weights_option,
)
from ..sheets import Cell, DreamSheet, claim_pictures, claim_sheet, seed_of
from ..signals import interruptible
from ..workers import WorkerOptions, worker_options

ALL = "all"
_PNG = FORMATS["png"]
_OF_ONE = ("weights", "mean", "pixel_scale", "channel_order", "input_node")  # options for a single network


@click.command("sweep", cls=Command)
@click.argument("input", type=SourceType())
@output_option(f"{FIGURE_FILES}, or -", beside="sweep.png")
@model_option(DEFAULT_NETWORK, "models", multiple=True)
@weights_option
@input_options
@layer_option("LAYER|PATTERN", "layers", default="all that dream at any size", multiple=True)
@option("--at-most", "Maximum number of layers per network, evenly spaced.  [default: all]", click.IntRange(min=1))
@pictures_option
@resume_option
@force_option
@dream_options
@retouch_options
@run_options
@tile_options
@size_options
@worker_options
@columns_option
@figure_options
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: str | None,
    models: tuple[str, ...],
    weights: Path | None,
    layers: tuple[str, ...],
    at_most: int | None,
    pictures: Path | None,
    columns: int | None,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on INPUT with one layer after the other, and lay the dreams out from low to high.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. --layer can be repeated, and be
    a pattern as fire*/concat; --model can be repeated, and each of several networks has a column. Every layer dreams
    with the same seed and parameters. Where one fails, the sheet says why, the others follow, and the exit code is 1.
    A .html page shows a dream large on a click, and copies the command that makes it. Ctrl-C writes a sheet of what is
    there; with --pictures, --resume continues.

    \b
    pydream sweep sky.jpg -o sheet.png --layer "fire*/concat"
    pydream sweep sky.jpg -o sweep.html --pictures sweep --preset report --at-most 12
    pydream sweep sky.jpg -o sheet.png --at-most 8 --workers 2 -m squeezenet_v1.1 -m bvlc_googlenet
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = unnamed_target(source) if output is None else figure_target(output)
    names = _listed(models, "'--model'")
    for name in _OF_ONE if len(names) > 1 else ():
        if ctx.params[name] is not None:
            hint = f"'--{name.replace('_', '-')}'"
            raise click.BadParameter("it is for one network, and there are several", param_hint=hint)
    if columns is not None and len(names) > 1:
        raise click.BadParameter("each of several networks has one column", param_hint="'--columns'")
    claim_sheet(target, pictures, options["sidecar"], resume)
    start = InputPicture.read(source, Resizing.taken(options))
    options = start.params(options)
    quiet_tensorflow()  # which Keras models and SavedModels are read with
    graphs = {name: read_graph(name, weights, options["input_node"]) for name in names}
    layers_of = choose(graphs, _listed(layers or (ALL,), "'--layer'"), at_most, start.size)
    for name in names:
        find_files(name, weights)  # what is missing is found before the first network has dreamt for an hour
    cells = _cells(layers_of, pictures)
    style = Style.taken(options)
    sheet = _sheet(style, columns, layers_of, start.size, isinstance(target, PageTarget))
    existing = claim_pictures(cells, pictures, options["sidecar"], resume)
    seed = seed_of(options.pop("seed"), existing, resume)
    guide = options.pop("guide")
    with interruptible():
        side = None if guide is None else SidePicture.read(guide, reads_profiles())

    def load(cell: Cell) -> Job:
        job = prepare(model=cell.model, weights=weights, layer=cell.label, seed=seed, quiet=quiet, **job_options)
        return replace(job, guide=side)  # which may fit some layers only

    workers, job_options = WorkerOptions.taken(options), options

    def command_of(job: Job, cell: Cell, recipe: Recipe, output: str) -> str:
        return job.command_line("dream", [word_from_here(source), "-o", output], recipe)

    sweep = DreamSheet(ctx, start, sheet, "layer", resume, workers, _recipe, command_of)
    words = option_words({"--at-most": at_most, "--columns": columns}) + style.words
    words += option_words({"--model": list(map(model_word, models)) if list(models) != [DEFAULT_NETWORK] else None})
    sweep.make(cells, load, lambda: _write(sweep, style, target, cells, words, layers), target, quiet)


class SweepLayer(NamedTuple):
    """A blob to dream with."""

    number: int  # among the network's
    facts: BlobFacts


def choose(
    graphs: dict[str, Graph], patterns: Sequence[str], at_most: int | None, size: Size
) -> dict[str, list[SweepLayer]]:
    """Return the layers of each network that are named, in its order, with their facts for a picture's size."""
    chosen, found_by = {}, set()
    every: dict[str, None] = {}  # that can dream, of all networks
    for model, graph in graphs.items():
        found = []
        for number, each in enumerate(survey_at(graph, size)):
            if each.dreamable:
                every[each.name] = None
                if named := {pattern for pattern in patterns if _means(pattern, each)}:
                    found_by |= named
                    found.append(SweepLayer(number, each))
        if at_most is not None and len(found) > at_most:
            found = [found[round(number * (len(found) - 1) / max(at_most - 1, 1))] for number in range(at_most)]
        chosen[model] = found
    for pattern in patterns:
        if pattern not in found_by:
            raise unknown_name("layer to dream with", pattern, every)
    for model, found in chosen.items():
        if not found:
            raise click.BadParameter(f"none is of '{model}'; see `pydream layers -m {model}`", param_hint="'--layer'")
    if sum(len(layer.facts.name) + 8 for found in chosen.values() for layer in found) > LONGEST_NOTE // 2:
        raise click.BadParameter("these are too many for one sheet: see --at-most", param_hint="'--layer'")
    return chosen


def _means(pattern: str, facts: BlobFacts) -> bool:
    """Return whether a name is this layer's, or a pattern matches it and it can dream at any size."""
    return facts.name == pattern or (not facts.fixed and (pattern == ALL or fnmatchcase(facts.name, pattern)))


def _listed(names: Sequence[str], option: str) -> list[str]:
    """Return each name once, in their order."""
    if "" in names:
        raise click.BadParameter("a name is empty", param_hint=option)
    return list(dict.fromkeys(names))


def _cells(layers_of: dict[str, list[SweepLayer]], folder: Path | None) -> list[Cell]:
    """Place one network's layers row by row, several networks' column by column."""
    cells, several = [], len(layers_of) > 1
    for column, (model, layers) in enumerate(layers_of.items()):
        for row, (number, facts) in enumerate(layers):
            target = None
            if folder is not None:
                name = made_of(f"{number:03d}-{Path(model).name}-{facts.name}")
                target = Target(str(folder / f"{f'{column + 1}-' if several else ''}{name}.png"), _PNG)
            place, file = row * len(layers_of) + column, made_of(facts.name)
            cells.append(Cell(model, facts.name, _sees(facts), place, file, target))
    return cells


def _sheet(
    style: Style, columns: int | None, layers_of: dict[str, list[SweepLayer]], size: Size, page: bool
) -> Sheet | Gallery:
    """Make the empty sheet, or page; `ShapeError` where it would be too large."""
    most = max(map(len, layers_of.values()))
    headings = [Path(model).name for model in layers_of] if len(layers_of) > 1 else []
    sheet: Sheet | Gallery
    if page:
        sheet = Gallery(headings)
    elif not headings:
        sheet = style.sheet(columns or fitting_columns(most, size))
    else:
        sheet = style.sheet(len(headings), fitting_width(len(headings), most, size), headings)
    sheet.check(most * len(layers_of), size)
    return sheet


def _recipe(job: Job, cell: Cell) -> Recipe:
    return msgspec.structs.replace(job.recipe, end=cell.label)


def _write(
    sweep: DreamSheet, style: Style, target: Target, cells: list[Cell], words: list[str], layers: Sequence[str]
) -> str:
    """Write the sheet of what there is; return what it is."""
    first, start = sweep.jobs[0], sweep.start
    tiles = {recipe.tile for recipe in sweep.recipes.values()}
    tile = tiles.pop() if len(tiles) == 1 else None
    recipe = msgspec.structs.replace(first.recipe, tile=tile)
    done = [cell for cell in cells if cell in sweep.done]  # in their order
    names = [[cell.label for cell in of_one] for _, of_one in groupby(done, lambda cell: cell.model)]
    networks = [job.network for job in sweep.jobs]
    figure = figure_of(first, "sweep", start, target, recipe, words, names, networks, model=None, layers=layers)
    left = len(cells) - len(done) - sweep.failed
    more = list(sweep.said)
    more += [f"Interrupted: {left} of {len(cells)} layers are not here."] if left else []
    named = networks[0].name if len(networks) == 1 else "the networks"
    style.write(sweep.sheet, target, figure, f"{start.source.name} through {named}", "\n".join(more), first.sidecar)
    return f"wrote {target} with {len(done)} of {len(cells)} layers"


def _sees(facts: BlobFacts) -> str:
    """Describe what one value of a layer sees of the picture: what grows from low to high."""
    if facts.field is None:
        return "sees all of it"
    rows, columns = facts.field.rows.size, facts.field.columns.size
    return f"sees {rows if rows == columns else f'{columns}×{rows}'} px"
