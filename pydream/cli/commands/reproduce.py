"""`pydream reproduce`: the notebook's results once more, compared with what is known of them, and a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import numpy as np

from ... import __version__
from ...dream.octaves import check_octaves, octave_sizes
from ...dream.params import find_end
from ...errors import ShapeError
from ...files import write_text
from ...media import FORMATS, read_image
from ...picture import Picture
from ...record.provenance import Dream, NetFacts, net_facts, picture_facts, pixels_sha256, versions
from ...record.recipe import Recipe
from ...reproduce.known import facts_of, judge, weights_sha256
from ...reproduce.page import page, seconds
from ...reproduce.report import Input, ReproductionReport, Row
from ...reproduce.results import FRAMES, RESULTS, Result, example, layer_for, make, recipe_for
from ...runtime.net import Net
from ...system import requested_threads, usable_cores
from ...zoo.load import find_files
from ..errors import Failed, debug_option, interruption, printable
from ..help import Command
from ..input import Target, check_not_read
from ..job import retold
from ..network import load, weights_option
from ..options import (
    EXACT_HELP,
    device_option,
    era_option,
    frames_option,
    guide_option,
    layer_option,
    library_default,
    model_option,
    output_option,
    quiet_option,
    seed_option,
    sidecar_option,
    steps_option,
)
from ..progress import Progress
from ..signals import uninterrupted

_SINGLE = [key for key, result in RESULTS.items() if not result.loop]


@click.command("reproduce", cls=Command)
@click.argument("input", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@output_option(
    "A folder for the report and the pictures",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reproduction"),
    show_default=True,
)
@guide_option
@frames_option(click.IntRange(min=0), FRAMES)
@click.option(
    "--only",
    type=click.Choice(list(RESULTS)),
    multiple=True,
    metavar="RESULT",
    help=f"Result to make, of {', '.join(RESULTS)}; can be repeated.  [default: all]",
)
@click.option("--exact", is_flag=True, help=EXACT_HELP)
@era_option("2015")
@model_option("bvlc_googlenet")
@weights_option
@layer_option(
    "RESULT LAYER",
    "layers",
    default="GoogLeNet's, or what stands for it",
    type=(click.Choice(_SINGLE), str),
    multiple=True,
)
@steps_option("octaves", default=library_default("octave_n"))
@steps_option("iterations", default=library_default("iter_n"))
@seed_option(0)
@device_option
@sidecar_option
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    output: Path,
    input: Path | None,
    guide: Path | None,
    frames: int,
    only: tuple[str, ...],
    exact: bool,
    era: str,
    model: str,
    weights: Path | None,
    layers: tuple[tuple[str, str], ...],
    octaves: int,
    iterations: int,
    seed: int,
    device: str,
    sidecar: bool,
    quiet: bool,
) -> None:
    """Make the results of the 2015 notebook again, with GoogLeNet.

    Three dreams and the zoom loop, with the notebook's parameters, and a report, report.html. INPUT is the picture to
    dream on, for instance the notebook's sky1024px.jpg, and --guide its flowers.jpg; without them two pictures of ours.
    Of the loop the notebook made 100 frames and shows frame 29, the first being 0; --frames 0 leaves it out. With
    --exact the results are compared with those that are known: exit code 1 says that one differs. Ctrl-C keeps what
    is done.

    \b
    pydream reproduce --exact
    pydream reproduce sky1024px.jpg --guide flowers.jpg --exact
    pydream reproduce --model squeezenet_v1.1 --only 4c --only guided
    """  # noqa: D301 (click's mark for a block to leave as it is)
    wanted = [result for key, result in RESULTS.items() if key in (only or RESULTS) and (frames or not result.loop)]
    if not wanted:
        raise click.BadParameter("of no frames there is no loop", param_hint="'--frames'")
    files = find_files(model, weights)  # says where to get weights that are missing, before anything else
    pictures = [_input(input, "sky.jpg")]
    if any(result.guided for result in wanted):
        pictures.append(_input(guide, "flowers.jpg"))
    folder = Folder(output)
    folder.check(wanted, frames, [input, guide])

    net = load(model, weights, dtype="float64" if exact else "float32", device=device)
    network = net_facts(net.name, files, net.dtype, "tensorflow", net.device)
    chosen = dict(layers)
    recipes = {}
    for result in wanted:
        layer = chosen.get("4c" if result.loop else result.key) or layer_for(net, result.key)
        params = {"octave_n": octaves, "iter_n": iterations, "seed": seed, "era": era}
        recipes[result.key] = recipe_for(result, find_end(net, layer), exact=exact, frames=frames, **params)
    known_as = files.entry.name if files.entry else f"the file {files.definition.name}"
    run = Run(ctx, net, network, known_as, recipes, pictures, folder, sidecar, quiet)
    run.check_sizes()
    with uninterrupted(done_then=True):
        run.make_all()
        run.finish()


def _input(given: Path | None, ours: str) -> Input:
    path = example(ours) if given is None else given
    pixels = read_image(path)
    return Input(path.name, given is None, pixels, pixels_sha256(pixels))


class Folder:
    """Where everything goes; made when the first file is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report = path / "report.html"
        self.data = path / "report.json"

    def picture(self, key: str) -> Target:
        """Give where a result goes."""
        return Target(str(self.path / f"dream_{key}.png"), FORMATS["png"])

    def frame(self, number: int) -> Target:
        """Give where a frame goes."""
        return Target(str(self.path / "frames" / f"{number:08d}.png"), FORMATS["png"])

    def check(self, wanted: Sequence[Result], frames: int, read: Sequence[Path | None]) -> None:
        """Refuse a folder that cannot be written to, or where a file that is read would be written over."""
        for file in (self.report, self.data):
            if file.is_dir():
                raise click.BadParameter(f"'{file}' is a folder", param_hint="'--output'")
        targets = [self.picture(result.key) for result in wanted if not result.loop]
        if len(targets) < len(wanted):
            targets += [self.frame(number) for number in range(frames)]
        check_not_read(targets, read)
        for target in targets:
            if target.exists():
                target.check()
        for folder in {Path(target.given).parent for target in targets}:
            there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
            Target(str(there / "picture.png"), FORMATS["png"]).check()


class Run:
    """The results, one after the other, and the report on those that were made."""

    def __init__(
        self,
        ctx: click.Context,
        net: Net,
        network: NetFacts,
        known_as: str,
        recipes: dict[str, Recipe],
        pictures: list[Input],
        folder: Folder,
        sidecar: bool,
        quiet: bool,
    ) -> None:
        self._ctx = ctx
        self._net = net
        self._network = network
        self._known_as = known_as
        self._weights = weights_sha256(net)
        self._recipes = recipes
        self._sky = pictures[0]
        self._sky_facts = picture_facts(self._sky.name, self._sky.pixels)
        self._guide = pictures[1] if len(pictures) > 1 else None
        self._folder = folder
        self._sidecar = sidecar
        self._quiet = quiet
        self._exact = net.dtype == np.float64
        self._command = retold(ctx, _arguments(ctx), next(iter(recipes.values())))
        self._rows: list[Row] = []
        self._interrupted = False

    def check_sizes(self) -> None:
        """Make sure that every octave, and the guide, fits its layer."""
        for recipe in self._recipes.values():
            check_octaves(self._net, recipe.end, self._sizes(recipe))
        if self._guide is not None:
            try:
                check_octaves(self._net, self._recipes["guided"].end, [_size(self._guide.pixels)])
            except ShapeError as error:
                raise ShapeError(f"the guide '{self._guide.name}' does not fit: {error}") from error

    def make_all(self) -> None:
        """Make the results until one is interrupted; what fails leaves a report on those before it."""
        try:
            for key, recipe in self._recipes.items():
                self._make(RESULTS[key], recipe)
                if self._interrupted:
                    break
        except KeyboardInterrupt:
            self._interrupted = True
        except Exception:
            self._write_report()
            raise

    def finish(self) -> None:
        """Write the report, and end as the results are."""
        self._write_report()
        made = f"wrote '{self._folder.report}'"
        if self._interrupted:
            done = sum(not row.outcome.interrupted for row in self._rows)
            outcome = f"{made}, with {done} of {len(self._recipes)} results done"
            raise interruption(outcome if self._rows else "nothing was written")
        self._say(made)
        differ = [row.outcome.result.key for row in self._rows if row.verdict.kind == "differs"]
        if differ:
            raise Failed(f"{', '.join(differ)}: not the known result; see '{self._folder.report}'")

    def _make(self, result: Result, recipe: Recipe) -> None:
        run = f"{printable(self._network.name)} on {self._network.device}, {self._network.dtype}"
        title = None if self._rows else f"{run}, era {recipe.era}, seed {recipe.seed}"
        frames = 1 if recipe.loop is None else recipe.loop.frame + 1
        guide = self._guide if result.guided else None
        with Progress(title, self._sizes(recipe), recipe.iter_n, self._quiet, frames) as progress:
            outcome = make(
                self._net,
                result,
                recipe,
                self._sky.pixels,
                None if guide is None else guide.pixels,
                progress,
                lambda number, pixels: self._write_frame(recipe, number, pixels),
            )
        target = self._folder.frame(outcome.shown) if result.loop else self._folder.picture(result.key)
        if not result.loop:
            steps = outcome.steps if outcome.interrupted else None
            self._write(target, outcome.picture, msgspec.structs.replace(recipe, steps=steps), guide)
        size, given = _size(self._sky.pixels), None if guide is None else guide.sha256
        facts = facts_of(self._known_as, self._weights, recipe, size, self._sky.sha256, given)
        verdict = judge(
            result.key, facts, outcome.hashes, outcome.picture, exact=self._exact, interrupted=outcome.interrupted
        )
        name = str(Path(target.given).relative_to(self._folder.path))
        self._rows.append(Row(outcome, facts, verdict, name))
        self._interrupted = outcome.interrupted
        self._say(f"{result.key} {recipe.end}: {seconds(outcome.seconds)}, {verdict.text}")

    def _write_frame(self, recipe: Recipe, number: int, pixels: Picture) -> None:
        assert recipe.loop is not None
        loop = msgspec.structs.replace(recipe.loop, frame=number)
        self._write(self._folder.frame(number), pixels, msgspec.structs.replace(recipe, loop=loop), None)

    def _write(self, target: Target, pixels: Picture, recipe: Recipe, guide: Input | None) -> None:
        Path(target.given).parent.mkdir(parents=True, exist_ok=True)
        given = None if guide is None else picture_facts(guide.name, guide.pixels)
        made = picture_facts("result", pixels)
        record = Dream(
            command=self._command, recipe=recipe, network=self._network, input=self._sky_facts, guide=given, result=made
        )
        target.write(pixels, record, self._sidecar)

    def _write_report(self) -> None:
        if not self._rows:
            return
        recipe = self._rows[0].outcome.recipe
        made = {row.outcome.result.key for row in self._rows if not row.outcome.interrupted}
        report = ReproductionReport(
            rows=self._rows,
            missing=[RESULTS[key].title for key in self._recipes if key not in made],
            sky=self._sky,
            guide=self._guide,
            network=self._network,
            weights=self._weights,
            exact=self._exact,
            era=recipe.era,
            seed=recipe.seed,
            command=self._command,
            threads=_threads(),
            versions={"pydream": __version__, **versions()},
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
        write_text(self._folder.report, page(report))
        write_text(self._folder.data, report.to_json())

    def _sizes(self, recipe: Recipe) -> list[tuple[int, int]]:
        return octave_sizes(*_size(self._sky.pixels), recipe.octave_n, recipe.octave_scale, recipe.era)

    def _say(self, line: str) -> None:
        if not self._quiet:
            click.echo(printable(line), err=True)


def _arguments(ctx: click.Context) -> list[str]:
    """Return the words of the command that `retold` leaves to each."""
    given = ctx.params["input"]
    return [*([] if given is None else [str(given)]), "--frames", str(ctx.params["frames"])]


def _size(pixels: Picture) -> tuple[int, int]:
    return pixels.shape[0], pixels.shape[1]


def _threads() -> str:
    requested = requested_threads()
    return f"PYDREAM_NUM_THREADS={requested}" if requested else f"as many threads as usable cores ({usable_cores()})"
