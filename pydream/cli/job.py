"""A job is a network, a recipe, and what goes in beside the picture, ready for pictures: it dreams, and it saves."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import click
import msgspec

from ..cluster.tasks import DreamTask, NetOrder
from ..cluster.workers import Cluster
from ..dream.octaves import AUTO
from ..easy import preparation
from ..easy.preparation import Prepared
from ..errors import ForeignFileError
from ..files import write_text
from ..formats import InputSpec
from ..picture import Picture, Samples
from ..record.made import is_record, note_of
from ..record.provenance import NetFacts, PictureFacts
from ..record.recipe import Recipe
from ..runtime.net import Net as LocalNet
from .errors import debugging
from .input import InputPicture, Size, Target, reads_profiles
from .preset import network_note, of_preset
from .progress import Bar, Plan, Plans, Progress
from .signals import interruptible
from .streams import echo


@dataclass(frozen=True, kw_only=True)
class Job(Prepared):
    """What is prepared for a command, with its messages and the files that it writes.

    Attributes
    ----------
    auto_octaves : bool
        Whether every picture's size decides on the number of octaves: see `recipe_for`.
    open : set of str
        Fields of the recipe that the command does not fix: a seed that it draws, tiles that it decides on.
    sidecar, quiet : bool
    heading : str, optional
        The title of progress bars; None: see `title`.
    """

    auto_octaves: bool = False
    open: frozenset[str] = frozenset()
    sidecar: bool = False
    quiet: bool = False
    heading: str | None = None

    def chosen_on(self, picture: Picture | None, of: str) -> Self:
        """Return the job with its recipe's channels chosen for a picture, as `on` does; print which, `of` what."""
        job = self.on(picture)
        for line in self.choices(job.recipe, of):
            self.say(line)
        return job

    @property
    def title(self) -> str:
        """What is run, where, and with which seed."""
        facts, recipe = self.network, self.recipe
        what = f"{facts.name} {recipe.dreams_with}"
        return self.heading or f"{what} on {facts.device}, {facts.dtype}, seed {recipe.seed}"

    def recipe_for(self, start: InputPicture) -> Recipe:
        """Return the recipe of a picture's dream, with its channels, without its tiles."""
        octaves: dict[str, Any] = {"octave_n": AUTO if self.auto_octaves else self.recipe.octave_n}
        octaves |= {name: getattr(self.recipe, name) for name in ("octave_scale", "octave_sizes")}
        return self.chosen(msgspec.structs.replace(self.recipe, **start.params(octaves)), start.picture)

    def bar(
        self,
        size: Size,
        count: int = 1,
        what: str = "frame",
        recipe: Recipe | None = None,
        title: str | None = None,
    ) -> Progress:
        """Make the progress bar of dreams on pictures of a size; `recipe` and `title` are the job's by default."""
        recipe = recipe or self.recipe
        return Progress(title or self.title, recipe.sizes(*size), recipe.iter_n, self.quiet, count, what)

    def loop_bar(self, size: Size, recipe: Recipe, frames: Sequence[int]) -> Progress:
        """Make the progress bar of frames of a loop, which may differ in their octaves."""
        if frames and recipe.loop is not None and recipe.loop.octave_n is not None:
            return Plans(self.title, recipe.by_octaves(frames, lambda each: Plan.of(each, size, None)), self.quiet)
        return self.bar(size, len(frames))

    def done_bar(self, cluster: Cluster, count: int, what: str) -> Bar:
        """Make the progress bar of dreams by workers."""
        workers = f"{cluster.workers} worker{'' if cluster.workers == 1 else 's'}"
        return Bar(self.quiet, f"{self.title}, {workers}", total=count, unit=what)

    # ---- dream ----

    def tiled(
        self,
        recipe: Recipe,
        size: Size,
        copies: float = 0,
        of: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> Recipe:
        """Return a recipe with the side of its tiles decided on, as `in_tiles` does, and print the plan, `of` what.

        `say` prints it, in place of the job's own.
        """
        side, plan = self.in_tiles(size, copies, recipe)
        if plan is not None:
            (say or self.say)(plan if of is None else f"{of}: {plan}")
        return msgspec.structs.replace(recipe, tile=side)

    @cached_property
    def order(self) -> NetOrder:
        """The network as another process can load it."""
        return NetOrder.of(self.model, self.weights, self.network)

    def task(self, recipe: Recipe, picture: Picture | None) -> DreamTask:
        """Make the task of another process that dreams the same."""
        return DreamTask(
            network=self.order,
            recipe=recipe,
            picture=picture,
            guide=None if self.guide is None else (self.guide.facts.name, self.guide.pixels),
            mask=None if self.mask is None else self.mask.pixels,
            memory=self.memory,
        )

    # ---- record and save ----

    def made(self, target: Target, recipe: Recipe, input: PictureFacts) -> str | None:
        """Return what a file says of itself, if it is the dream of a recipe and whole: see `made_note`."""
        with interruptible():
            return self.made_note(target.given, recipe, input, self.open)

    def keep_sidecar(self, target: Target, note: str | None) -> None:
        """Write the sidecar of a picture that is made already, where it is wanted and missing.

        Raises `ForeignFileError` for something else of that name.
        """
        if not self.sidecar or target.sidecar is None:
            return
        if not is_record(target.sidecar):
            raise ForeignFileError(f"'{target.sidecar}' does not say that it was made here")
        if note is not None and note_of(target.sidecar)[0] != note:
            write_text(target.sidecar, f"{note}\n")

    def save(
        self, target: Target, start: InputPicture, recipe: Recipe, pixels: Samples, command: str = "dream"
    ) -> None:
        """Write a dream with its record; `command` is the one that makes it alone."""
        line = self.command_line(command, [start.source.argument, "-o", target.recorded], recipe)
        target.write(pixels, self.record(line, recipe, start.facts, pixels), self.sidecar, start.dpi)

    def say(self, line: str) -> None:
        """Print a line on stderr, if messages are wanted."""
        if not self.quiet:
            echo(line, err=True)


def prepare(
    *,
    seed: int | None,
    tile: int | None = None,
    sidecar: bool = False,
    quiet: bool = False,
    resumed: Recipe | None = None,
    **options: Any,
) -> Job:
    """Prepare what the options name, as `pydream.easy.preparation.prepare` does; `AUTO` octaves are the job's.

    A stopped run is resumed with the seed and the tiles of its recipe, unless others are given.
    """
    if resumed is not None:
        seed = resumed.seed if seed is None else seed
        tile = resumed.tile if tile is None else tile
    if auto_octaves := options.get("octave_n") == AUTO:
        options.pop("octave_n")
    model = options["model"]
    with interruptible(), of_preset(model, options["weights"]):
        prepared = preparation.prepare(seed=seed, tile=tile, load=load, to_srgb=reads_profiles(), **options)
    job = Job(
        **{each.name: getattr(prepared, each.name) for each in fields(prepared)},
        auto_octaves=auto_octaves,
        open=frozenset(name for name, given in (("seed", seed), ("tile", tile)) if given is None),
        sidecar=sidecar,
        quiet=quiet,
    )
    given = click.get_current_context().params
    job.check([text for name in ("title", "at") if isinstance(text := given.get(name), str)])
    if (note := network_note(model)) is not None:
        job.say(note)
    if job.why is not None:
        job.say(f"no --layer: {job.why} (`pydream layers` lists all)")
    return job


def load(
    model: str, weights: Path | None, dtype: str, runtime: str, device: str, input_spec: InputSpec
) -> tuple[LocalNet, NetFacts]:
    """Load a network and its facts; the first call imports TensorFlow."""
    quiet_tensorflow()
    with interruptible():
        found = preparation.load(model, weights, dtype, runtime, device, input_spec)
    if not gc.get_freeze_count():  # a second time would keep an earlier network for ever
        gc.freeze()  # what TensorFlow's import made stays; to look through it all for garbage costs 0.2 s of a dream
    return found


def quiet_tensorflow() -> None:
    """Keep TensorFlow, which is not imported yet, from logging more than errors, unless --debug asks for it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debugging(click.get_current_context()) else "3")
