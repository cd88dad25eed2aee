"""`pydream looks`: every named look on one picture, small, each with the command that makes it large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from ...errors import NetFileError
from ...media import FORMATS, Gallery, fitting_columns, resized
from ...record.command import option_words, runtime_words, shell_line
from ...record.presets import PRESETS, Preset
from ...record.provenance import LooksFigure, NetFacts
from ...record.recipe import DEFAULTS, Recipe
from ...record.scoring import aim_of
from ...record.text import number_text
from ...zoo.load import find_files
from ..errors import Failed
from ..figures import (
    FIGURE_FILES,
    PageTarget,
    Style,
    columns_option,
    figure_options,
    figure_target,
    word_from_here,
)
from ..help import Command
from ..input import InputPicture, Resizing, Source, SourceType, Target
from ..job import Job, prepare
from ..options import (
    PRESET_HELP,
    force_option,
    last_options,
    long_side_option,
    option,
    output_option,
    pictures_option,
    resume_option,
    run_options,
    strength_option,
)
from ..places import unnamed
from ..preset import PresetName
from ..sheets import Cell, DreamSheet, claim_pictures, claim_sheet, seed_of
from ..streams import echo
from ..workers import WorkerOptions, worker_options

LONG_SIDE = 384  # pixels


@click.command("looks", cls=Command)
@click.argument("input", type=SourceType())
@output_option(FIGURE_FILES, beside="looks.html")
@option(
    "--preset presets",
    f"{PRESET_HELP}  [default: all whose networks are here]",
    PresetName(),
    multiple=True,
    metavar="NAME",
)
@pictures_option
@resume_option
@force_option
@strength_option
@long_side_option(default=LONG_SIDE)
@run_options
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
    presets: tuple[str, ...],
    pictures: Path | None,
    resume: bool,
    strength: float,
    long_side: int,
    columns: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Show every named look on INPUT, small, each with the command that makes it at the picture's own size.

    INPUT is a picture, - for one from standard input, or noise, also as noise:640x480. A .html page shows a look large
    on a click, and copies its command on another; a picture is a contact sheet. --preset can be repeated and shows only
    these. Looks of networks whose weights are not here are left out, which is said. Ctrl-C keeps those that are done;
    with --pictures, --resume continues.

    \b
    pydream looks portrait.jpg
    pydream looks portrait.jpg -o looks.png --preset dogs --preset eyes --seed 3
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = figure_target(output or str(unnamed(source.path, source.stem, ".html")))
    claim_sheet(target, pictures, options["sidecar"], resume)
    original = InputPicture.read(source)
    chosen, left_out = _chosen(presets)
    looks = Looks(original, _at(original, long_side), strength, left_out)
    page = isinstance(target, PageTarget)
    cells = looks.cells(chosen, page, pictures)
    options["seed"] = seed_of(options["seed"], claim_pictures(cells, pictures, options["sidecar"], resume), resume)
    style, workers = Style.taken(options), WorkerOptions.taken(options)
    count, size = len(cells) + 1, looks.start.size  # with the picture itself
    sheet = Gallery() if page else style.sheet(columns or fitting_columns(count, size))
    sheet.check(count, size)
    for line in [] if quiet else left_out:
        echo(line, err=True)
    words = option_words({"--preset": list(presets)}) + looks.words
    words += option_words({"--long-side": None if long_side == LONG_SIDE else long_side, "--columns": columns})
    words += style.words

    def load(cell: Cell) -> Job:
        layers = PRESETS[cell.label].layers
        return prepare(model=cell.model, weights=None, layer=layers, quiet=quiet, **options)

    dreams = DreamSheet(ctx, looks.start, sheet, "look", resume, workers, looks.recipe, looks.command)
    if looks.start.picture is not None:
        sheet.add(looks.start.picture, source.name, "as it is", place=0)
    dreams.make(cells, load, lambda: looks.write(dreams, style, target, cells, words), target, quiet)


def _chosen(names: Sequence[str]) -> tuple[list[Preset], list[str]]:
    """Return the looks whose networks are here, and a line for each network that is not; raise if none is."""
    chosen: list[Preset] = []
    absent: dict[str, list[str]] = {}
    wanted = [preset for name, preset in PRESETS.items() if name in (names or PRESETS)]
    for preset in wanted:
        network = preset.network
        try:
            find_files(network)
        except NetFileError:
            absent.setdefault(network, []).append(preset.name)
        else:
            chosen.append(preset)
    lines = [
        f"Left out: {', '.join(looks)}; {network} is not here, and `pydream models fetch {network}` gets it."
        for network, looks in absent.items()
    ]
    if not chosen:
        raise Failed(" ".join(lines))
    return chosen, lines


def _at(original: InputPicture, long_side: int) -> InputPicture:
    """Return a picture made small enough; its facts stay those of the file."""
    size = Resizing(long_side=min(long_side, max(original.size))).of(*original.size)
    if original.picture is None:
        return InputPicture.read(replace(original.source, noise=size))
    return replace(original, picture=resized(original.picture, size), size=size)


@dataclass(frozen=True)
class Looks:
    """The looks of a picture.

    Attributes
    ----------
    original, start : InputPicture
        As it is given, and as it is dreamt on.
    strength : float
    left_out : list of str
        Lines about looks that cannot be made here.
    """

    original: InputPicture
    start: InputPicture
    strength: float
    left_out: list[str]

    @property
    def words(self) -> list[str]:
        """The options of all looks."""
        return option_words({"--strength": None if self.strength == 1 else number_text(self.strength)})

    def cells(self, presets: Sequence[Preset], page: bool, folder: Path | None) -> list[Cell]:
        """Place the looks in their order, behind the picture itself, and return them network by network.

        Each has a note: on a page, which has the command, what it looks like; else the options that stand for it.
        """
        cells = []
        for place, each in enumerate(presets, 0 if self.start.picture is None else 1):
            note = each.about if page else shell_line(_look_words(each) + self.words)
            target = None if folder is None else Target(str(folder / f"{each.name}.png"), FORMATS["png"])
            cells.append(Cell(each.network, each.name, note, place, each.name, target))
        networks = list(dict.fromkeys(cell.model for cell in cells))
        return sorted(cells, key=lambda cell: networks.index(cell.model))

    def recipe(self, job: Job, cell: Cell) -> Recipe:
        """Return a look's recipe at the small size."""
        look = PRESETS[cell.label]
        params = self.start.params({**look.params, "strength": self.strength})
        kind, classes, _ = params.pop("kind", "l2"), params.pop("classes", ()), params.pop("layer", None)
        aim = aim_of(job.net, look.layers, kind, classes)
        return msgspec.structs.replace(job.recipe, end=aim.end, objective=aim.terms, **params)

    def command(self, job: Job, cell: Cell, recipe: Recipe, output: str) -> str:
        """Return the command that makes a look of the picture at its own size."""
        words = ["pydream", "dream", word_from_here(self.original.source), "-o", output]
        return shell_line(words + _look_words(PRESETS[cell.label]) + self.words + _run_words(job, recipe))

    def write(
        self, dreams: DreamSheet, style: Style, target: Target, cells: Sequence[Cell], words: Sequence[str]
    ) -> str:
        """Write the sheet, or page, of what there is; return what it is."""
        done = sorted(dreams.done, key=lambda cell: cell.place)
        first = dreams.jobs[0]
        recipes = {cell.label: dreams.recipes[cell] for cell in done}
        recipe = recipes[done[0].label]
        networks = [job.network for job in dreams.jobs]
        output = f"looks{Path(target.recorded).suffix or '.png'}"
        line = ["pydream", "looks", self.original.source.argument, "-o", output, *words]
        figure = LooksFigure(
            figure="looks",
            command=shell_line([*line, *_run_words(first, recipe)]),
            recipe=recipe,
            looks=recipes,
            layers=[
                [dreams.recipes[cell].dreams_with for cell in done if cell.model == job.model] for job in dreams.jobs
            ],
            networks=networks,
            versions=first.network.library_versions,
            **msgspec.structs.asdict(first.ingredients(self.original.facts)),
        )
        left = len(cells) - len(done) - dreams.failed
        more = [*dreams.said, *self.left_out]
        more += [f"Interrupted: {left} of {len(cells)} looks are not here."] if left else []
        title = f"{self.original.source.name} in {len(done)} look{'' if len(done) == 1 else 's'}"
        style.write(
            dreams.sheet,
            target,
            figure,
            title,
            "\n".join(more),
            first.sidecar,
            self._about(networks, recipe.seed, isinstance(target, PageTarget)),
        )
        return f"wrote {target} with {len(done)} of {len(cells)} looks"

    def _about(self, networks: Sequence[NetFacts], seed: int, page: bool) -> str:
        """Describe the page, or the sheet, for its caption."""
        (height, width), (small_height, small_width) = self.original.size, self.start.size
        names = " and ".join(facts.name for facts in networks)
        what = "The commands make them" if page else "`pydream dream` with these options makes them"
        return (
            f"{self.original.source.name}, {width}×{height} pixels. The looks were made at {small_width}×{small_height}"
            f" pixels by {names} in {networks[0].dtype}, seed {seed}. {what} at the picture's own size: most looks"
            " then take more octaves (--octaves auto), so that creatures grow with the picture, and have finer detail."
        )


def _look_words(preset: Preset) -> list[str]:
    """Return the options that stand for a look."""
    return option_words({"--preset": preset.name, "--model": preset.model})


def _run_words(job: Job, recipe: Recipe) -> list[str]:
    """Return the options of how it runs, with the seed."""
    backend = None if recipe.backend == DEFAULTS["backend"] else recipe.backend
    return [*option_words({"--backend": backend}), *runtime_words(job.network), "--seed", str(recipe.seed)]
