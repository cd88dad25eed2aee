"""`pydream dream`: pictures → deepdream → pictures, one or many."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from ...cluster.tasks import DreamTask, RemoteTilesNet, checked, dream
from ...dream.notebook import DreamInterrupted
from ...errors import BusyError, ClusterError, ForeignFileError, ImageFileError
from ...locks import locked
from ...media import FORMATS
from ...picture import to_samples
from ...record.frames import earlier_recipe
from ...record.presets import params_for
from ...record.recipe import Recipe
from ..advice import creatures, duration
from ..errors import Failed, debugging, interruption, print_error
from ..help import Command
from ..input import (
    STANDARD,
    InputPicture,
    Resizing,
    Size,
    Source,
    SourceType,
    Target,
    check_sidecar,
    claim_targets,
    folder_targets,
    one_target,
    read_depth,
    read_octave_sizes,
    series_targets,
    unnamed_folder,
    unnamed_targets,
)
from ..job import Job, prepare
from ..listing import expanded
from ..options import (
    PICTURE_FILES,
    blend_option,
    dreaming_options,
    force_option,
    last_options,
    option,
    output_option,
    recursive_option,
    size_options,
)
from ..places import claim_folder, forced, unnamed, wrong_folder
from ..progress import Bar, Progress
from ..saving import Beside, Reading, Saving
from ..series import Series, SeriesOptions, series_options
from ..signals import between_steps, interruptible, uninterrupted
from ..workers import WorkerOptions, start_workers, worker_options


@click.command("dream", cls=Command)
@click.argument("input", type=SourceType(folders=True), nargs=-1, required=True)
@output_option(f"{PICTURE_FILES}, a folder, or -", beside="dream.png")
@dreaming_options
@size_options
@blend_option
@option(
    "--octave-sizes",
    "Sizes of the octaves, smallest first, the picture's own last; in place of --octaves and --octave-scale.",
    read_octave_sizes,
    metavar="WxH,WxH",
)
@option("--seamless", "Opposite edges meet: the dream tiles without a seam.", is_flag=True)
@worker_options
@option("--format", "File format in a folder or on standard output.  [default: png]", click.Choice(list(FORMATS)))
@option(
    "--depth",
    "Bits of each colour: 16 in a .png or .tif, float (not clipped) in a .tif.  [default: 8]",
    read_depth,
    metavar="8|16|float",
)
@series_options
@recursive_option
@force_option
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: tuple[list[Source], ...],
    output: str | None,
    format: str | None,
    recursive: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Dream on pictures.

    INPUT is a picture, a folder of them, -, noise or noise:640x480. A dream holds its record for `pydream replay`;
    Ctrl-C ends it early.

    \b
    pydream dream sky.jpg --preset dogs
    pydream dream noise:640x480 -o dream.png --class dog
    pydream dream photos/ -o dreams/ --keep-colors --workers 2
    """  # noqa: D301 (click's mark for a block to leave as it is)
    series = SeriesOptions.taken(options)
    given = [source for sources in input for source in sources]
    sources = expanded(given, recursive, None if output in (None, STANDARD) else Path(output))
    if sum(source.given == STANDARD for source in sources) > 1:
        raise click.BadParameter("standard input is one picture", param_hint="'INPUT'")
    several = len(input) > 1 or any(source.listed for source in sources)
    folder = _folder(given, output, several or series.count is not None)
    if series.count is not None:
        if several or output == STANDARD:
            raise click.BadParameter("it makes a folder of dreams on one picture", param_hint="'--series'")
        (source,) = sources
        folder, sources = folder or unnamed(source.path, source.stem, "", []), [source] * series.count
        targets = series_targets(folder, series.count, format)
    elif folder is not None:
        targets = folder_targets(folder, sources, format)
    elif output is None:
        targets = unnamed_targets(sources, format)
    else:
        targets = [one_target(output, format)]
        if several:
            raise click.BadParameter("standard output takes one picture", param_hint="'--output'")
    targets = [replace(target, depth=options["depth"]) for target in targets]
    for target in targets:
        target.check_depth()
    check_sidecar(sidecar, targets)
    if folder is not None:
        claim_folder(folder, lock=len(sources) > 1)  # runs of one picture each may go on beside each other
        for deeper in sorted({target.path.parent for target in targets if target.path} - {folder}):
            claim_folder(deeper, lock=False)
    many = several or folder is not None
    claim_targets(targets, sidecar, made=many)

    by_hand = options["octave_sizes"] is not None
    if by_hand and any(
        ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("octave_n", "octave_scale")
    ):
        what = "it says all sizes, so --octaves and --octave-scale say nothing"
        raise click.BadParameter(what, param_hint="'--octave-sizes'")
    workers = WorkerOptions.taken(options)
    if workers is not None and series.diverse is not None:
        raise click.BadParameter("each dream waits for those before: it takes no workers", param_hint="'--diverse'")
    resizing = Resizing.taken(options)
    options = params_for(options)
    varied = series.of(targets, options["iter_n"])
    if varied is not None and options["seed"] is None and not forced():  # an interrupted one goes on with its seed
        earlier = earlier_recipe(target.path for target in targets if target.exists() and target.path)
        options["seed"] = earlier and earlier.seed
    plain = not by_hand and ctx.get_parameter_source("octave_n") is ParameterSource.DEFAULT
    load = partial(prepare, sidecar=sidecar, quiet=quiet, **options)
    batch = DreamBatch(ctx, load, quiet, sidecar=sidecar, resizing=resizing, plain=plain, series=varied)
    if many:
        batch.many(list(zip(sources, targets, strict=True)), workers)
    else:
        batch.one(sources[0], targets[0], workers)


def _folder(given: Sequence[Source], output: str | None, several: bool) -> Path | None:
    """Return the folder that the dreams go into; None: each has its own name, or the only one has."""
    if output is None:
        folders = [source for source in given if source.folder]
        if folders and len(given) > 1:
            raise click.BadParameter("there are folders and others: it takes a folder's name", param_hint="'--output'")
        return unnamed_folder(Path(folders[0].given)) if folders else None
    if output == STANDARD or not (several or os.path.isdir(output) or output[-1:] == "/"):
        return None
    if (wrong := wrong_folder(output)) is not None:
        raise click.BadParameter(wrong, param_hint="'--output'")
    return Path(output)


_SAVED_BESIDE = 2**20  # pixels up to which the next picture's beginning counts, and memory does not
PendingDream = tuple[InputPicture, Target, Recipe]  # while a worker dreams; without the picture itself


@dataclass
class DreamBatch:
    """Dreams with one set of options; the network is loaded when the first picture has been read.

    Attributes
    ----------
    ctx : click.Context
    load : callable
        Makes the job.
    quiet : bool
    result_size : callable, optional
        Of a picture's size, its dream's; None: the same.
    command : str
        The command that makes one of them.
    sidecar : bool
    resizing : Resizing, optional
        What is done to pictures before.
    plain : bool
        Whether the number of octaves is the default: what that does to a large picture is said, of the first one.
    series : Series, optional
        What differs from dream to dream.
    """

    ctx: click.Context
    load: Callable[[], Job]
    quiet: bool
    result_size: Callable[[int, int], Size] | None = None
    command: str = "dream"
    sidecar: bool = False
    resizing: Resizing | None = None
    plain: bool = False
    series: Series | None = None
    _loaded: Job | None = field(default=None, init=False)
    _standard: InputPicture | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)  # of many, those to be made
    _written: int = field(default=0, init=False)
    _timed: bool = field(default=False, init=False)  # what takes long is said
    _failed: int = field(default=0, init=False)
    _reader: Beside = field(default_factory=Beside, init=False)
    _writer: Beside = field(default_factory=Beside, init=False)  # what is slow to read keeps no dream from its file
    _pending: tuple[Saving, Target] | None = field(default=None, init=False)  # a dream that is being written
    _ahead: Reading | None = field(default=None, init=False)  # the picture that is dreamt on next

    @property
    def job(self) -> Job:
        """The job, loaded when it is asked for."""
        if self._loaded is None:
            self._loaded = self.load()
        return self._loaded

    def one(self, source: Source, target: Target, workers: WorkerOptions | None = None) -> None:
        """Dream on one picture, with workers for its tiles; Ctrl-C writes what there is so far."""
        start = self._read(source, target)
        with uninterrupted(done_then=True), self._remote_tiles(start, workers):
            recipe = self._recipe(start, target)
            try:
                write = self._dream(start, recipe, target)
            except DreamInterrupted as interrupted:
                lost = interrupted.__cause__ and interrupted.__cause__.__cause__  # the workers, if it was not Ctrl-C
                if interrupted.steps == 0:
                    raise lost or interrupted from interrupted
                recipe = msgspec.structs.replace(recipe, steps=interrupted.steps)
                pixels = to_samples(recipe.shown(interrupted.image, start.picture), recipe.depth)
                self.job.save(target, start, recipe, pixels, self.command)
                outcome = f"wrote {target} after {interrupted.steps} of {recipe.octave_n * recipe.iter_n} steps"
                if lost is not None:
                    raise Failed(f"{lost}; {outcome}") from interrupted
                raise interruption(outcome) from interrupted
            write()
            self.job.say(f"wrote {target}")

    @contextmanager
    def _remote_tiles(self, start: InputPicture, workers: WorkerOptions | None) -> Iterator[None]:
        """Have workers, if there are any, make the tiles of one picture, in this block."""
        if workers is None:
            yield
            return
        job = replace(self.job, memory=workers.memory(self.job.memory))
        if job.in_tiles(start.size)[1] is None:
            what = "it is for several pictures, or for one in tiles: this one takes none, unless --tile says so"
            raise click.BadParameter(what, param_hint=workers.option)
        with start_workers(workers) as cluster:
            assert cluster is not None
            in_order = partial(cluster.in_order, between=between_steps)
            self._loaded = replace(job, net=RemoteTilesNet(job.net, job.order, in_order))
            yield

    def many(self, pairs: Sequence[tuple[Source, Target]], workers: WorkerOptions | None = None) -> None:
        """Dream on each picture: a bad one costs itself only, and Ctrl-C those that are not done.

        One after the other, or as workers are free for them. Without --force those that are there are not made again,
        and what else is there is not replaced.
        """
        left = pairs
        try:
            left = pairs if forced() else self._left(pairs)
            self._count = len(left) + self._failed
            if workers is not None and left:
                self._by_workers(left, workers)
            else:
                self._in_turn(left)
        except KeyboardInterrupt:
            outcome = f"{self._written} of {len(left)} pictures were written; the same command makes the others"
            raise interruption(outcome) from None
        if self._failed:
            raise Failed(f"{self._failed} of {self._failed + self._written} pictures failed")

    def _in_turn(self, left: Sequence[tuple[Source, Target]]) -> None:
        """Dream on one picture after the other, in this process."""
        following = [source for source, _ in left[1:]]
        try:
            for (source, target), after in zip_longest(left, following):
                with self._one_of_many(source), ExitStack() as locks:
                    locks.enter_context(locked(Path(target.given)))
                    with self._later_warnings():
                        start = self._read(source, target)
                    with uninterrupted():
                        recipe = self._recipe(start, target)
                        quick = self._is_quick(start)
                        if quick and after is not None and after.path is not None and recipe.backend == "native":
                            self._ahead = Reading(after, self._input, self._reader)
                        write = self._dream(start, recipe, target)
                        saving = Saving(source, write, locks.pop_all(), self._writer)
                        self._pending = saving, target
                        if not quick:
                            self._saved()
        finally:
            self._saved()
            self._reader.end()
            self._writer.end()

    def _is_quick(self, start: InputPicture) -> bool:
        """Return whether what is done beside steps counts, and memory does not."""
        return self.series is None and not debugging(self.ctx) and prod(start.size) <= _SAVED_BESIDE

    def _saved(self) -> None:
        """Wait until the picture before is written, and say so: before anything else is printed."""
        if self._pending is None:
            return
        (saving, target), self._pending = self._pending, None
        with uninterrupted(), self._one_of_many(saving.source):
            saving.end()
            self._wrote(target)

    def _is_saving(self) -> bool:
        """Return whether the picture before is not written yet."""
        return self._pending is not None and not self._pending[0].over

    @contextmanager
    def _later_warnings(self) -> Iterator[None]:
        """Show warnings of the block after it, once the picture before is written."""
        heard: list[warnings.WarningMessage] = []
        if self._ahead is not None:
            self._ahead.wait()  # Python has one recorder for all threads, and each puts back the one before
        try:
            with warnings.catch_warnings(record=True) as heard:
                yield
        finally:
            for each in heard:
                self._saved()
                warnings.showwarning(each.message, each.category, each.filename, each.lineno)

    def _left(self, pairs: Sequence[tuple[Source, Target]]) -> Sequence[tuple[Source, Target]]:
        """Return those that are to be made; name each file that would be lost."""
        there = sum(self._exists(target) for _, target in pairs)
        if not there:
            return pairs
        left, made = [], 0
        self.job  # noqa: B018 (it decides which dreams they would be)
        with Bar(self.quiet, desc="looking at what is there", total=there, unit="picture") as bar:
            for source, target in pairs:
                if not self._exists(target):
                    left.append((source, target))
                    continue
                with self._one_of_many(source):
                    if self._is_made(source, target):
                        made += 1
                    else:
                        left.append((source, target))
                bar.advance()
        if made:
            folders = {Path(target.given).parent for _, target in pairs}
            where = f"in '{folders.pop()}'" if len(folders) == 1 else "there"
            self.job.say(f"{made} of {len(pairs)} are {where} already; --force replaces them")
        return left

    def _is_made(self, source: Source, target: Target) -> bool:
        """Return whether a picture is there, and whole."""
        start = self._input(source)
        recipe = msgspec.structs.replace(self._untiled(start, target), tile=self.job.tile)
        try:
            note = self.job.made(target, recipe, start.facts)
            self.job.keep_sidecar(target, note)
        except ForeignFileError as error:
            raise ForeignFileError(f"{error}; --force replaces it") from error
        return note is not None

    def _exists(self, target: Target) -> bool:
        """Return whether there is something where a dream or its sidecar goes."""
        sidecar = target.sidecar if self.sidecar else None
        return target.exists() or (sidecar is not None and sidecar.exists())

    def _by_workers(self, left: Sequence[tuple[Source, Target]], workers: WorkerOptions) -> None:
        """Have every picture's dream made by workers, and write each when it comes."""
        with uninterrupted():
            job = self._loaded = replace(self.job, memory=workers.memory(self.job.memory))
            with start_workers(workers) as cluster:
                assert cluster is not None
                with job.done_bar(cluster, len(left), "picture") as progress:
                    dreams = cluster.run(dream, self._tasks(left), between_steps)
                    for number, ((start, target, recipe), outcome) in enumerate(dreams, start=1):
                        progress.passed(number)
                        with progress.aside(), self._one_of_many(start.source), locked(Path(target.given)):
                            made = checked(outcome.get(), recipe.sizes(*start.size)[0], recipe.depth)
                            recipe = msgspec.structs.replace(recipe, tile=made.tile)
                            job.save(target, start, recipe, made.pixels, self.command)
                            self._wrote(target)

    def _tasks(self, left: Sequence[tuple[Source, Target]]) -> Iterator[tuple[PendingDream, DreamTask]]:
        """Read picture after picture, as workers get free."""
        for source, target in left:
            with self._one_of_many(source):
                start = self._read(source, target)
                recipe = msgspec.structs.replace(self._advised(start, target), tile=self.job.tile)
                yield (replace(start, picture=None), target, recipe), self.job.task(recipe, start.picture)

    @contextmanager
    def _one_of_many(self, source: Source) -> Iterator[None]:
        """Print what goes wrong with one picture, and continue with the others."""
        try:
            yield
        except ClusterError:
            raise
        except Exception as error:
            if self._loaded is None and not isinstance(error, (ImageFileError, BusyError, click.BadParameter)):
                raise  # the network cannot be loaded, for any picture
            self._saved()
            print_error(self.ctx, error, source.given)
            self._failed += 1

    def _wrote(self, target: Target) -> None:
        self._written += 1
        self.job.say(f"wrote {target} ({self._over} of {self._count})")

    @property
    def _over(self) -> int:
        return self._written + self._failed

    def _input(self, source: Source) -> InputPicture:
        """Read a picture; standard input once."""
        if source.given != STANDARD:
            return InputPicture.read(source, self.resizing)
        if self._standard is None:
            self._standard = InputPicture.read(source, self.resizing)
        return self._standard

    def _read(self, source: Source, target: Target) -> InputPicture:
        """Read a picture and check where its dream goes, before TensorFlow is imported."""
        with interruptible():
            ahead, self._ahead = self._ahead, None
            start = ahead.end() if ahead is not None and ahead.source is source else self._input(source)
        target.check(self.result_size(*start.size) if self.result_size else start.size, self.sidecar)
        return start

    def _recipe(self, start: InputPicture, target: Target) -> Recipe:
        return self.job.tiled(self._advised(start, target), start.size, say=self._say)

    def _untiled(self, start: InputPicture, target: Target) -> Recipe:
        recipe = self.job.recipe_for(start)
        return recipe if self.series is None else self.series.recipe(self.job.net, recipe, target)

    def _advised(self, start: InputPicture, target: Target) -> Recipe:
        recipe = self._untiled(start, target)
        for choice in self.job.choices(recipe, start.source.name):
            self._say(choice)
        if self.plain and (line := creatures(self.job.net, recipe, start.size)) is not None:
            self.plain = False
            self._say(line)
        return recipe

    def _say(self, line: str) -> None:
        """Print a line, once the picture before is written."""
        self._saved()
        self.job.say(line)

    def _say_how_long(self, bar: Progress, size: Size, seconds: float) -> None:
        """Print how long a dream takes, if that is long, of the first one."""
        if not self._timed and (line := duration(seconds, size)) is not None:
            self._timed = True
            bar.announce()
            bar.write(line)

    def _dream(self, start: InputPicture, recipe: Recipe, target: Target) -> Callable[[], None]:
        """Dream on a picture; return what writes the dream."""
        job = self.job
        number = self._over + (self._pending is not None) + 1
        title = f"{job.title}, {number} of {self._count}" if self._count > 1 else None
        with job.bar(start.size, recipe=recipe, title=title) as bar:
            bar.waits, bar.before_title = self._is_saving, self._saved
            bar.estimated = partial(self._say_how_long, bar, start.size)
            pixels = job.dream(recipe, start.picture, bar)
        return partial(job.save, target, start, recipe, pixels, self.command)
