"""A job is a network, a recipe, and what goes in beside the picture, ready for pictures: it dreams, and it saves."""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np

from ..cluster.tasks import DreamTask, NetOrder
from ..cluster.workers import Cluster
from ..dream.objectives import Kind
from ..dream.octaves import AUTO
from ..easy.preparation import Prepared, SidePicture
from ..errors import ForeignFileError
from ..files import write_text
from ..formats import InputSpec, PixelScale
from ..media import LONGEST_NOTE
from ..net import ChannelOrder
from ..picture import Picture
from ..record.made import is_record, made_note, note_of
from ..record.provenance import DreamAccount, NetFacts, PictureFacts, net_facts, parse, picture_facts
from ..record.recipe import LEAST_TERM, Difference, Recipe
from ..record.scoring import aim_of, least_in_record
from ..runtime.net import Net as LocalNet
from ..zoo.load import default_layer, find_files, load_net, read_outline
from .errors import debugging
from .input import InputPicture, Size, Target, reads_profiles
from .preset import network_note, of_preset
from .progress import Bar, Progress
from .signals import interruptible
from .streams import echo

_LONGEST_INPUT = 4096  # characters in a record: a file's name, escaped, in its facts and in the command


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

    @property
    def title(self) -> str:
        """What is run, where, and with which seed."""
        facts, recipe = self.network, self.recipe
        what = f"{facts.name} {recipe.dreams_with}"
        return self.heading or f"{what} on {facts.device}, {facts.dtype}, seed {recipe.seed}"

    def recipe_for(self, start: InputPicture) -> Recipe:
        """Return the recipe of a picture's dream, without its tiles."""
        octaves: dict[str, Any] = {"octave_n": AUTO if self.auto_octaves else self.recipe.octave_n}
        octaves["octave_scale"] = self.recipe.octave_scale
        return msgspec.structs.replace(self.recipe, **start.params(octaves))

    def bar(
        self,
        size: Size,
        count: int = 1,
        what: str = "frame",
        costs: Sequence[float] = (),
        recipe: Recipe | None = None,
    ) -> Progress:
        """Make the progress bar of dreams on pictures of a size; `recipe` is the job's by default."""
        recipe = recipe or self.recipe
        return Progress(self.title, recipe.sizes(*size), recipe.iter_n, self.quiet, count, what, costs)

    def done_bar(self, cluster: Cluster, count: int, what: str) -> Bar:
        """Make the progress bar of dreams by workers."""
        workers = f"{cluster.workers} worker{'' if cluster.workers == 1 else 's'}"
        return Bar(self.quiet, f"{self.title}, {workers}", total=count, unit=what)

    # ---- dream ----

    def tiled(self, recipe: Recipe, size: Size, copies: float = 0, of: str | None = None) -> Recipe:
        """Return a recipe with the side of its tiles decided on, as `in_tiles` does, and print the plan, `of` what."""
        side, plan = self.in_tiles(size, copies, recipe)
        if plan is not None:
            self.say(plan if of is None else f"{of}: {plan}")
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
        now, ingredients = self.as_recorded(recipe), self.ingredients(input)

        def unlike(made: DreamAccount) -> list[Difference]:
            before = msgspec.structs.replace(made, recipe=self.as_recorded(made.recipe))
            return before.unlike(now, ingredients, self.open)

        with interruptible():
            return made_note(target.given, parse, unlike)

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
        self, target: Target, start: InputPicture, recipe: Recipe, pixels: Picture, command: str = "dream"
    ) -> None:
        """Write a dream with its record; `command` is the one that makes it alone."""
        line = self.command_line(command, [start.source.argument, "-o", target.recorded], recipe)
        target.write(pixels, self.record(line, recipe, start.facts, pixels), self.sidecar, start.dpi)

    def check_account(self) -> None:
        """Raise `click.UsageError` where no file could hold the record of this job's dreams."""
        given = click.get_current_context().params
        texts = [text for name in ("title", "at") if isinstance(text := given.get(name), str)]
        pixels = np.zeros((1, 1, 3), np.uint8)
        line = self.command_line("dream", texts, self.recipe)
        length = len(self.record(line, self.recipe, picture_facts("", pixels), pixels).to_json()) + _LONGEST_INPUT
        if length > LONGEST_NOTE:
            what = "fewer layers and channels" + (", or shorter texts" if texts else "")
            raise click.UsageError(
                f"the file's record would have about {length} characters, of at most {LONGEST_NOTE}: it takes {what}"
            )

    def say(self, line: str) -> None:
        """Print a line on stderr, if messages are wanted."""
        if not self.quiet:
            echo(line, err=True)


def prepare(
    *,
    model: str,
    weights: Path | None,
    layer: str | Sequence[str] | None,
    kind: Kind = "l2",
    classes: Sequence[str] = (),
    channels: Sequence[int] = (),
    guide: Path | None = None,
    mask: Path | None = None,
    seed: int | None,
    dtype: str,
    runtime: str,
    device: str,
    mean: Sequence[float] | None = None,
    pixel_scale: PixelScale | None = None,
    channel_order: ChannelOrder | None = None,
    input_node: str | None = None,
    tile: int | None = None,
    memory: int | None = None,
    sidecar: bool = False,
    quiet: bool = False,
    resumed: Recipe | None = None,
    **recipe: Any,
) -> Job:
    """Load the network, the guide and the mask that the options name; the other options are fields of the recipe.

    Names of layers, channels and classes are looked up before TensorFlow is imported, where the network's file can be
    read without it. `channels` are those that a rendering will show.
    A stopped run is resumed with the seed and the tiles of its recipe, unless others are given.
    """
    if resumed is not None:
        seed = resumed.seed if seed is None else seed
        tile = resumed.tile if tile is None else tile
    if unknown := recipe.keys() - set(Recipe.__struct_fields__):
        raise TypeError(f"neither an option of a job nor a field of a recipe: {', '.join(sorted(unknown))}")
    layers = [layer] if isinstance(layer, str) else list(layer or ())
    if guide is not None and (len(layers) > 1 or kind != "l2" or classes):
        raise click.BadParameter("a guide goes with one layer, without --objective and --class", param_hint="'--guide'")
    if mask is not None and not recipe.get("clip", True):
        raise click.BadParameter("it keeps pixels as they are, and --no-clip rescales them all", param_hint="'--mask'")
    if mask is not None and recipe.get("stretch"):
        raise click.BadParameter("it keeps pixels as they are, and --stretch rescales them all", param_hint="'--mask'")
    # before TensorFlow is imported
    least = sum(map(least_in_record, layers)) + LEAST_TERM * len(classes)
    if least > LONGEST_NOTE:
        what = f"{len(layers) + len(classes)} terms do not fit into the file's record of {LONGEST_NOTE} characters"
        raise click.BadParameter(what, param_hint="'--layer'" if layers else "'--class'")
    aim_at = partial(
        aim_of,
        layers=layers,
        kind=kind,
        classes=classes,
        guided=guide is not None,
        channels=channels if "rendering" in recipe else None,
    )
    with interruptible(), of_preset(model, weights):
        outline = read_outline(model, weights, input_node)
        aim = None if outline is None else aim_at(outline)
        guide_picture = None if guide is None else SidePicture.read(guide, reads_profiles())
        mask_picture = None if mask is None else SidePicture.read(mask, to_srgb=False)
    input_spec = InputSpec(mean, pixel_scale, channel_order, input_node)
    with of_preset(model, weights):
        net, network = load(model, weights, dtype, runtime, device, input_spec)
        aim = aim or aim_at(net)
    left_open = frozenset(name for name, given in (("seed", seed), ("tile", tile)) if given is None)
    if auto_octaves := recipe.get("octave_n") == AUTO:
        recipe.pop("octave_n")
    seed = secrets.randbelow(2**32) if seed is None else seed
    job = Job(
        net=net,
        network=network,
        model=model,
        weights=weights,
        recipe=Recipe(end=aim.end, objective=aim.terms, seed=seed, **recipe),
        guide=guide_picture,
        mask=mask_picture,
        tile=tile,
        memory=memory,
        auto_octaves=auto_octaves,
        open=left_open,
        sidecar=sidecar,
        quiet=quiet,
    )
    job.check_account()
    job.objective  # noqa: B018 (raises where the guide does not fit)
    if (note := network_note(model)) is not None:
        job.say(note)
    if aim.why is not None and (guide is not None or default_layer(model) is None):
        job.say(f"{aim.why} (`pydream layers` lists all)")
    return job


def load(
    model: str, weights: Path | None, dtype: str, runtime: str, device: str, input_spec: InputSpec
) -> tuple[LocalNet, NetFacts]:
    """Load a network as `pydream.load_net` does, and return its facts too; the first call imports TensorFlow."""
    quiet_tensorflow()
    with interruptible():
        net = load_net(model, weights, dtype=dtype, device=device, runtime=runtime, **input_spec.keywords)
        facts = net_facts(net.name, find_files(model, weights), net.dtype, runtime, net.device, input_spec)
    if not gc.get_freeze_count():  # a second time would keep an earlier network for ever
        gc.freeze()  # what TensorFlow's import made stays; to look through it all for garbage costs 0.2 s of a dream
    return net, facts


def quiet_tensorflow() -> None:
    """Keep TensorFlow, which is not imported yet, from logging more than errors, unless --debug asks for it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debugging(click.get_current_context()) else "3")
