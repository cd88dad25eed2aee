"""`pydream dream`: pictures → deepdream → pictures, one or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import click
import msgspec

from ...cluster.tasks import DreamResult, DreamTask, Outcome, RemoteTilesNet, TileTask, checked, dream
from ...cluster.workers import Cluster
from ...dream.notebook import DreamInterrupted
from ...errors import ClusterError, ImageFileError
from ...media import FORMATS
from ...net import Array
from ...picture import Picture, to_pixels
from ...record.provenance import Dream, PictureFacts, picture_facts
from ...record.recipe import Recipe, follow
from ...runtime.net import Net
from ..errors import Failed, debug_option, interruption, tell
from ..help import Command
from ..input import (
    NOISE_SIZE,
    STANDARD,
    Size,
    Source,
    SourceType,
    Target,
    check_not_read,
    folder_targets,
    one_target,
)
from ..job import Dreamer, prepare, retold
from ..options import (
    PICTURE_FILES,
    dream_options,
    force_option,
    objective_options,
    output_option,
    quiet_option,
    retouch_options,
    run_options,
    sidecar_option,
    tile_options,
)
from ..progress import DoneProgress, Progress
from ..signals import between_steps, signals_as_ctrl_c, uninterrupted
from ..workers import Crew, at_work, staffed, worker_options


@click.command("dream", cls=Command)
@click.argument("input", type=SourceType(folders=True), nargs=-1, required=True)
@output_option(f"{PICTURE_FILES}, a folder, or -", required=True)
@objective_options
@dream_options
@retouch_options
@run_options
@tile_options
@worker_options
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    help="File format in a folder or on standard output.  [default: png]",
)
@force_option
@sidecar_option
@quiet_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: tuple[list[Source], ...],
    output: str,
    format: str | None,
    force: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on pictures.

    INPUT is a picture, - for standard input, or noise, also noise:640x480. Several, or a folder, dream into a folder;
    finished ones are skipped. A dream has its record in it, for `pydream replay`. Ctrl-C ends it early.

    \b
    pydream dream sky.jpg -o dream.png --layer fire6/concat --octaves 5
    pydream dream sky.jpg -o dream.png --layer fire8/concat:7 --layer conv1=-0.1
    pydream dream noise:640x480 -o dream.png --class tabby --guide flowers.jpg
    pydream dream photos/ -o dreams/ --keep-colors --workers 2
    """  # noqa: D301 (click's mark for a block to leave as it is)
    sources = [source for given in input for source in given]
    if sum(source.given == STANDARD for source in sources) > 1:
        raise click.BadParameter("standard input is one picture", param_hint="'INPUT'")
    noise = next((source.noise for source in sources if source.noise), NOISE_SIZE)
    folder = None
    if output != STANDARD and (len(input) > 1 or len(sources) > 1 or Path(output).is_dir() or output[-1:] == "/"):
        folder = Path(output)
    targets = [one_target(output, format)] if folder is None else folder_targets(folder, sources, format)
    if folder is None and len(sources) > 1:
        raise click.BadParameter("standard output takes one picture", param_hint="'--output'")
    if sidecar and output == STANDARD:
        raise click.BadParameter("there is no file to put it beside", param_hint="'--sidecar'")
    check_not_read(targets, [*(source.path for source in sources), options["guide"], options["mask"]])

    crew = Crew.taken(options)
    work = Work(ctx, noise, sidecar, quiet, options)
    with signals_as_ctrl_c():
        if folder is None:
            work.one(sources[0], targets[0], crew)
        else:
            work.many(folder, list(zip(sources, targets, strict=True)), force, crew)


class Commission(NamedTuple):
    """What has to be remembered of a picture while somebody else dreams on it."""

    source: Source
    target: Target
    recipe: Recipe
    input: PictureFacts
    size: Size


class Work:
    """Dreams with one set of options; the network is loaded when the first picture has been read."""

    def __init__(self, ctx: click.Context, noise: Size, sidecar: bool, quiet: bool, options: dict[str, Any]) -> None:
        self._ctx = ctx
        self._noise = noise
        self._sidecar = sidecar
        self._quiet = quiet
        self._options = options
        self._tile: int | None = None  # of the picture that is dreamt on
        self._written = self._failed = 0  # of many
        self._lost: ClusterError | None = None

    @cached_property
    def _dreamer(self) -> Dreamer:
        return prepare(**self._options)

    def one(self, source: Source, target: Target, crew: Crew | None = None) -> None:
        """Dream on one picture, a crew on its tiles; Ctrl-C writes what there is so far."""
        picture = self._read(source, target)
        with uninterrupted(done_then=True):
            try:
                if crew is None:
                    self._dream(source, picture, target)
                else:
                    with self._spread_tiles(picture, crew):
                        self._dream(source, picture, target)
            except DreamInterrupted as interrupted:
                if interrupted.steps == 0:
                    raise self._lost or interrupted from interrupted
                recipe = self._recipe(picture, interrupted.steps)
                pixels = to_pixels(recipe.shown(interrupted.image))
                self._write(source, source.facts(picture), target, recipe, pixels)
                outcome = f"wrote {target} after {interrupted.steps} of {recipe.octave_n * recipe.iter_n} steps"
                if self._lost is not None:
                    raise Failed(f"{self._lost}; {outcome}") from interrupted
                raise interruption(outcome) from interrupted
            self._say(f"wrote {target}")

    @contextmanager
    def _spread_tiles(self, picture: Picture | None, crew: Crew) -> Iterator[None]:
        """Have a crew make the tiles of one picture, in this block."""
        dreamer = replace(self._dreamer, memory=crew.memory(self._dreamer.memory))
        if dreamer.in_tiles(*self._size(picture))[1] is None:
            raise click.BadParameter(
                "it is for several pictures, or for one in tiles: this one takes none, unless --tile says so",
                param_hint=crew.option,
            )
        with at_work(crew) as cluster:
            assert cluster is not None
            net = RemoteTilesNet(dreamer.net, dreamer.order, partial(self._carried, cluster))
            self._dreamer = replace(dreamer, net=cast(Net, net))
            yield

    def _carried(
        self, cluster: Cluster, function: Callable[[TileTask], Array], tasks: Iterator[TileTask]
    ) -> Iterator[Outcome[Array]]:
        """Have tiles made; where the workers are lost the dream ends as by Ctrl-C, with what there is so far."""
        try:
            yield from cluster.in_order(function, tasks, between_steps)
        except ClusterError as error:
            self._lost = error
            raise KeyboardInterrupt from error

    def many(self, folder: Path, pairs: Sequence[tuple[Source, Target]], force: bool, crew: Crew | None = None) -> None:
        """Dream on each picture: a bad one costs itself only, and Ctrl-C those that it falls into.

        One after the other, or as a crew is free for them.
        """
        left = [(source, target) for source, target in pairs if force or not target.exists()]
        if len(left) < len(pairs):
            self._say(f"{len(pairs) - len(left)} of {len(pairs)} are in '{folder}' already; --force overwrites them")
        if left:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            if crew is not None and left:
                self._spread(left, crew)
            else:
                for source, target in left:
                    with self._one_of_many(source):
                        picture = self._read(source, target)
                        with uninterrupted():
                            self._dream(source, picture, target)
                            self._wrote(target)
        except KeyboardInterrupt:
            outcome = f"{self._written} of {len(left)} pictures were written; the same command makes the others"
            raise interruption(outcome) from None
        if self._failed:
            raise Failed(f"{self._failed} of {len(left)} pictures failed")

    def _spread(self, left: Sequence[tuple[Source, Target]], crew: Crew) -> None:
        """Have every picture's dream made by a crew, and write each when it comes."""
        with uninterrupted():
            title, memory = self._dreamer.title, crew.memory(self._dreamer.memory)
            self._dreamer = replace(self._dreamer, memory=memory)
            with at_work(crew) as cluster:
                assert cluster is not None
                with DoneProgress(staffed(title, cluster), len(left), "picture", self._quiet) as progress:
                    dreams = cluster.run(dream, self._tasks(left), between_steps)
                    for number, (commission, outcome) in enumerate(dreams, start=1):
                        progress.passed(number)
                        with progress.aside(), self._one_of_many(commission.source):
                            size = self._dreamer.sizes(*commission.size)[0]
                            self._finish(commission, checked(outcome.get(), size))

    def _tasks(self, left: Sequence[tuple[Source, Target]]) -> Iterator[tuple[Commission, DreamTask]]:
        """Read picture after picture, when there is somebody to dream on it."""
        for source, target in left:
            with self._one_of_many(source):
                picture = self._read(source, target)
                recipe = msgspec.structs.replace(self._recipe(picture), tile=self._dreamer.tile)
                input, size = source.facts(picture), self._size(picture)
                yield Commission(source, target, recipe, input, size), self._dreamer.task(recipe, picture)

    def _finish(self, commission: Commission, dreamt: DreamResult) -> None:
        """Write what came of a picture."""
        recipe = msgspec.structs.replace(commission.recipe, tile=dreamt.tile)
        self._write(commission.source, commission.input, commission.target, recipe, dreamt.pixels)
        self._wrote(commission.target)

    @contextmanager
    def _one_of_many(self, source: Source) -> Iterator[None]:
        """Tell what goes wrong with one picture, and go on to the others."""
        try:
            yield
        except ClusterError:
            raise
        except Exception as error:
            if "_dreamer" not in vars(self) and not isinstance(error, (ImageFileError, click.BadParameter)):
                raise  # the network cannot be had, for any picture
            tell(self._ctx, error, source.given)
            self._failed += 1

    def _wrote(self, target: Target) -> None:
        self._written += 1
        self._say(f"wrote {target}")

    def _read(self, source: Source, target: Target) -> Picture | None:
        """Read a picture and check where its dream goes: what is wrong is told before TensorFlow is imported."""
        picture = source.read()
        target.check(self._result_size(*self._size(picture)))
        return picture

    def _result_size(self, height: int, width: int) -> Size:
        """Give the size of a picture's dream."""
        return height, width

    def _size(self, picture: Picture | None) -> Size:
        return self._noise if picture is None else (picture.shape[0], picture.shape[1])

    def _recipe(self, picture: Picture | None, steps: int | None = None) -> Recipe:
        noise = self._noise if picture is None else None
        return msgspec.structs.replace(self._dreamer.recipe, noise=noise, steps=steps, tile=self._tile)

    def _dream(self, source: Source, picture: Picture | None, target: Target) -> None:
        dreamer = self._dreamer
        sizes = dreamer.sizes(*self._size(picture))
        recipe = dreamer.tiled(self._recipe(picture), *self._size(picture), self._quiet)
        self._tile = recipe.tile
        with Progress(dreamer.title, sizes, recipe.iter_n, self._quiet) as progress:
            pixels = to_pixels(
                follow(
                    recipe,
                    dreamer.net,
                    picture,
                    dreamer.objective,
                    retouches=recipe.retouches(dreamer.mask),
                    watch=progress,
                )
            )
        self._write(source, source.facts(picture), target, recipe, pixels)

    def _write(self, source: Source, input: PictureFacts, target: Target, recipe: Recipe, pixels: Picture) -> None:
        recipe = self._dreamer.recorded(recipe)
        provenance = Dream(
            command=retold(self._ctx, [source.argument, "-o", target.retold], recipe),
            recipe=recipe,
            network=self._dreamer.facts,
            input=input,
            guide=self._dreamer.guide,
            mask=self._dreamer.mask_facts,
            result=picture_facts("result", pixels),
        )
        target.write(pixels, provenance, self._sidecar)

    def _say(self, line: str) -> None:
        if not self._quiet:
            click.echo(line, err=True)
