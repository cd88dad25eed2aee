"""`pydream reproduce`: the notebook's results once more, compared with what is known of them, and a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click
import msgspec

from ... import __version__
from ...dream.octaves import check_octaves
from ...dream.params import find_end
from ...dream.watch import View
from ...dream.zoom import ZOOM_COPIES
from ...easy.prediction import Seen
from ...easy.preparation import SidePicture
from ...errors import ShapeError
from ...files import is_blank, make_folder, start_of, sync_folder, write_text
from ...formats import InputSpec
from ...media import FORMATS, read_image
from ...picture import Picture
from ...record.command import option_words, shell_line
from ...record.frames import is_frame
from ...record.made import dream_in, is_record
from ...record.names import file_word, model_word
from ...record.provenance import DreamAccount, PictureFacts, picture_facts, pixels_sha256
from ...record.recipe import Recipe
from ...reproduce.known import Facts, comparable, facts_of, judge, weights_sha256
from ...reproduce.page import HEADING, page, seconds
from ...reproduce.report import Input, ReproductionReport, Row
from ...reproduce.results import FRAMES, RESULTS, Result, example, layer_for, make, recipe_for
from ...runtime.engines import AUTO
from ...runtime.geometry import survey
from ...runtime.net import Net
from ...system import requested_threads, usable_cores
from ...zoo.load import find_files, read_outline
from ..errors import Failed, interruption
from ..folders import OutputFolder, check_own
from ..help import Command
from ..input import Size, Target, claim_targets
from ..job import Job, load
from ..options import (
    EXACT_HELP,
    device_option,
    era_option,
    force_option,
    frames_option,
    guide_option,
    last_options,
    layer_option,
    library_default,
    model_option,
    option,
    output_option,
    seed_option,
    steps_option,
    weights_option,
)
from ..places import NewFolder, ReadFile, check_new, claim, claim_folder
from ..progress import Progress, about
from ..signals import interruptible, uninterrupted

_COMMAND = "pydream reproduce"
_ERA, _MODEL = "2015", "bvlc_googlenet"
_TOP = 5  # classes
_SINGLE = [key for key, result in RESULTS.items() if not result.loop]


@click.command("reproduce", cls=Command)
@click.argument("input", type=ReadFile(), required=False)
@output_option(
    "A folder for the report and the pictures.  [default: reproduction; of INPUT reproduction-NAME]",
    type=NewFolder(),
)
@guide_option
@frames_option(0, FRAMES)
@option(
    "--only",
    f"Result to make, of {', '.join(RESULTS)}; can be repeated.  [default: all]",
    click.Choice(list(RESULTS)),
    multiple=True,
    metavar="RESULT",
)
@option("--exact", EXACT_HELP, is_flag=True)
@era_option(_ERA)
@model_option(_MODEL)
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
@force_option
@last_options
def command(
    output: Path | None,
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
        raise click.BadParameter("without frames there is no loop", param_hint="'--frames'")
    folder = Folder(output or Path("reproduction" if input is None else f"reproduction-{input.stem}"))
    folder.claim(wanted, sidecar)
    files = find_files(model, weights)  # says where to get weights that are missing, before anything is read
    ends_in = partial(_ends, wanted=wanted, chosen=dict(layers))
    with interruptible():
        outline = read_outline(model, weights)
    ends = None if outline is None else ends_in(outline)  # a wrong name does not wait for TensorFlow
    sky = _input(input, "sky.jpg")
    flowers = _input(guide, "flowers.jpg") if any(result.guided for result in wanted) else None

    net, network = load(model, weights, "float64" if exact else "float32", AUTO, device, InputSpec())
    ends = ends or ends_in(net)
    recipes = {}
    for result in wanted:
        params = {"octave_n": octaves, "iter_n": iterations, "seed": seed, "era": era}
        recipes[result.key] = recipe_for(result, ends[result.key], exact=exact, frames=frames, **params)
    known_as = files.entry.name if files.entry else f"the file {files.definition.name}"
    words = option_words(
        {
            "--guide": guide and file_word(guide),
            "--frames": frames,
            "--only": list(only),
            "--exact": exact,
            "--era": None if era == _ERA else era,
            "--model": None if model == _MODEL else model_word(model),
            "--weights": weights and file_word(weights),
            "--layer": list(layers),
            "--octaves": None if octaves == library_default("octave_n") else octaves,
            "--iterations": None if iterations == library_default("iter_n") else iterations,
            "--seed": seed,
        }
    )
    command_line = shell_line(["pydream", "reproduce", *([] if input is None else [file_word(input)]), *words])
    recipe = next(iter(recipes.values()))
    job = Job(net=net, network=network, model=model, weights=weights, recipe=recipe, sidecar=sidecar, quiet=quiet)
    run = Run(job, net, known_as, weights_sha256(net), recipes, sky, flowers, folder, command_line)
    with uninterrupted(done_then=True):
        run.make_all()


def _ends(net: Net, wanted: Sequence[Result], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the layer of each result."""
    named = {result.key: chosen.get("4c" if result.loop else result.key) for result in wanted}
    return {key: find_end(net, layer or layer_for(net, key)) for key, layer in named.items()}


def _is_result(dream: DreamAccount) -> bool:
    """Return whether this command made a picture."""
    return dream.command.startswith(_COMMAND)


def _is_frame(note: str | None, number: int) -> bool:
    """Return whether this command made that frame of a loop."""
    return is_frame(note, number) and (dream := dream_in(note)) is not None and _is_result(dream)


def _is_report(path: Path) -> bool:
    """Return whether a file begins as a report does, or is blank."""
    start = start_of(path, 1000).decode(errors="replace")
    return HEADING in start or start.startswith(f'{{\n "command": "{_COMMAND}') or is_blank(path)


def _input(given: Path | None, ours: str) -> Input:
    path = example(ours) if given is None else given
    pixels = read_image(path, to_srgb=False)  # the bytes, as in 2015
    return Input(path.name, given is None, pixels, pixels_sha256(pixels))


class Folder:
    """Where everything goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report = path / "report.html"
        self.data = path / "report.json"
        self.frames = OutputFolder(path / "frames", False, "frames", claims=_is_frame)

    def remove_report(self) -> None:
        """Remove the report of an earlier run, whose pictures are about to be replaced."""
        if self.report.exists() or self.data.exists():
            self.report.unlink(missing_ok=True)
            self.data.unlink(missing_ok=True)
            sync_folder(self.path)

    def picture(self, key: str) -> Target:
        """Return where a result goes."""
        return Target(str(self.path / f"dream_{key}.png"), FORMATS["png"])

    def claim(self, wanted: Sequence[Result], sidecar: bool) -> None:
        """Claim what is going to be written, as `claim_targets` does."""
        claim_folder(self.path)
        pictures = [self.picture(result.key) for result in wanted if not result.loop]
        claim([self.report, self.data], lock=False, new=False)
        claim_targets(pictures, sidecar, new=False)
        check_own((picture.path for picture in pictures), lambda path: is_record(path, _is_result))
        check_own([self.report, self.data], _is_report)
        files = [self.report, self.data, *(each.path for each in pictures)]
        files += [each.sidecar for each in pictures if sidecar]
        check_new(file for file in files if file is not None)
        if any(result.loop for result in wanted):
            self.frames.check(resume=None)


class _Progress(Progress):
    """The bar of a result; the first one's prints lines about all, and how long they are likely to take."""

    def __init__(self, lines: Sequence[str], work: float, *sizes_and_steps: Any) -> None:
        super().__init__(lines[0] if lines else None, *sizes_and_steps)
        self._lines, self._work = lines[1:], work
        self._steps = 0

    def step(self, octave: int, iteration: int, image: View) -> None:
        """Count a step; print the lines after the first, and the time after the second, which compiles nothing."""
        super().step(octave, iteration, image)
        self._steps += 1
        if self._steps == 1:
            for line in self._lines:
                self.write(line)
        elif self._steps == 2 and self._lines and self.pace is not None:
            self.write(f"about {about(self.pace * self._work)} for all of it, by the second step")


@dataclass
class Run:
    """The results, one after the other, and the report on those that were made."""

    job: Job
    net: Net
    known_as: str
    weights: str
    recipes: dict[str, Recipe]
    sky: Input
    guide: Input | None
    folder: Folder
    command: str
    rows: list[Row] = field(default_factory=list)
    interrupted: bool = False

    @property
    def size(self) -> Size:
        """The sky's."""
        height, width = self.sky.pixels.shape[:2]
        return height, width

    @cached_property
    def sky_facts(self) -> PictureFacts:
        """For the records."""
        return picture_facts(self.sky.name, self.sky.pixels)

    @cached_property
    def seen(self) -> Seen | None:
        """What the network takes the sky for, if it has classes."""
        return Seen.if_any(self.net, self.sky.name, self.sky.pixels)

    def _prepare(self) -> None:
        """Check that every octave, and the guide, fits its layer; decide on tiles, and print the plans."""
        net = self.job.net
        for recipe in self.recipes.values():
            check_octaves(net, recipe.end, recipe.sizes(*self.size))
        if self.guide is not None:
            height, width = self.guide.pixels.shape[:2]
            try:
                check_octaves(net, self.recipes["guided"].end, [(height, width)])
            except ShapeError as error:
                raise ShapeError(f"the guide '{self.guide.name}' does not fit: {error}") from error
        for key, recipe in self.recipes.items():
            copies = 0 if recipe.loop is None else ZOOM_COPIES
            self.recipes[key] = self.job.tiled(recipe, self.size, copies, of=key)

    def make_all(self) -> None:
        """Make the results until one is interrupted, write the report, and end as they are.

        What fails leaves a report on those before it.
        """
        self._prepare()
        try:
            for key, recipe in self.recipes.items():
                self._make(RESULTS[key], recipe)
                if self.interrupted:
                    break
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self._write_report()
        made = f"wrote '{self.folder.report}'"
        if self.interrupted:
            done = sum(not row.outcome.interrupted for row in self.rows)
            outcome = f"{made}, with {done} of {len(self.recipes)} results done"
            raise interruption(outcome if self.rows else "nothing was written")
        self.job.say(made)
        differ = [row.outcome.result.key for row in self.rows if row.verdict.kind == "differs"]
        if differ:
            raise Failed(f"{', '.join(differ)}: not the known result; see '{self.folder.report}'")

    def _make(self, result: Result, recipe: Recipe) -> None:
        network, quiet = self.job.network, self.job.quiet
        run = f"{network.name} on {network.device}, {network.dtype}, era {recipe.era}, seed {recipe.seed}"
        frames = 1 if recipe.loop is None else recipe.loop.frame + 1
        guide = self.guide if result.guided else None

        def write_frame(number: int, pixels: Picture) -> None:
            assert recipe.loop is not None
            loop = msgspec.structs.replace(recipe.loop, frame=number)
            self._write(self.folder.frames.target(number), pixels, msgspec.structs.replace(recipe, loop=loop), None)

        title = [] if self.rows else [run, *self._comparisons()]
        with _Progress(title, self._work(recipe), recipe.sizes(*self.size), recipe.iter_n, quiet, frames) as progress:
            flowers = None if guide is None else guide.pixels
            outcome = make(self.job.net, result, recipe, self.sky.pixels, flowers, progress, write_frame)
        target = self.folder.frames.target(outcome.shown) if result.loop else self.folder.picture(result.key)
        if not result.loop:
            steps = outcome.steps if outcome.interrupted else None
            self._write(target, outcome.picture, msgspec.structs.replace(recipe, steps=steps), guide)
        facts, interrupted = self._facts(result, recipe), outcome.interrupted
        verdict = judge(result.key, facts, outcome.hashes, outcome.picture, exact=self._exact, interrupted=interrupted)
        name = str(Path(target.given).relative_to(self.folder.path))
        seen = self.seen and Seen.if_any(self.net, name, outcome.picture)
        self.rows.append(Row(outcome, facts, verdict, name, seen.shares(_TOP, self.seen) if seen else ()))
        self.interrupted = interrupted
        self.job.say(f"{result.key} {recipe.end}: {seconds(outcome.seconds)}, {verdict.text}")

    @property
    def _exact(self) -> bool:
        return self.job.network.dtype == "float64"

    def _facts(self, result: Result, recipe: Recipe) -> Facts:
        guide = self.guide.sha256 if result.guided and self.guide is not None else None
        return facts_of(self.known_as, self.weights, recipe, self.size, self.sky.sha256, guide)

    def _comparisons(self) -> Iterator[str]:
        """Yield lines that say what each result is going to be compared with, if with anything."""
        keys: dict[str, list[str]] = {}
        for key, recipe in self.recipes.items():
            known, why = comparable(key, self._facts(RESULTS[key], recipe), exact=self._exact)
            text = f"not compared, {why}" if known is None or why else f"compared with {known.whose}"
            keys.setdefault(text, []).append(key)
        for text, those in keys.items():
            yield f"{', '.join(those)}: {text}"

    def _work(self, first: Recipe) -> float:
        """Return what all results cost, in pixels that the steps of one of them go over."""
        graph = self.net.graph
        shape = graph.declared[graph.image_input]
        declared = {**graph.declared, graph.image_input: (*shape[:2], *self.size)}
        costs = {facts.name: facts.macs_to for facts in survey(graph, declared)}
        each = [(recipe.work(*self.size), costs.get(recipe.end) or 1) for recipe in self.recipes.values()]
        return sum(work * cost for work, cost in each) / (costs.get(first.end) or 1)

    def _write(self, target: Target, pixels: Picture, recipe: Recipe, guide: Input | None) -> None:
        self.folder.remove_report()
        make_folder(Path(target.given).parent)
        job = replace(self.job, guide=None if guide is None else SidePicture(guide.name, guide.pixels))
        target.write(pixels, job.record(self.command, recipe, self.sky_facts, pixels), job.sidecar)

    def _write_report(self) -> None:
        if not self.rows:
            return
        recipe = self.rows[0].outcome.recipe
        made = {row.outcome.result.key for row in self.rows if not row.outcome.interrupted}
        report = ReproductionReport(
            rows=self.rows,
            missing=[RESULTS[key].title for key in self.recipes if key not in made],
            sky=self.sky,
            guide=self.guide,
            network=self.job.network,
            weights=self.weights,
            exact=self._exact,
            era=recipe.era,
            seed=recipe.seed,
            command=self.command,
            threads=_threads(),
            versions={"pydream": __version__, **self.job.network.library_versions},
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            shares=self.seen.shares(_TOP) if self.seen else (),
        )
        write_text(self.folder.data, report.to_json())
        write_text(self.folder.report, page(report))


def _threads() -> str:
    requested = requested_threads()
    return f"PYDREAM_NUM_THREADS={requested}" if requested else f"as many threads as usable cores ({usable_cores()})"
