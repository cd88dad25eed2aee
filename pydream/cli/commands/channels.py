"""`pydream channels`: what each channel of a layer looks for, on one sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec

from ...cluster.tasks import Outcome, checked, dream, run_here
from ...cluster.workers import Cluster
from ...dream.objectives import channels_text
from ...dream.tutorial import check_channels
from ...errors import SilentScoreError
from ...media import FORMATS, Sheet, fitting_columns
from ...picture import Picture, to_pixels
from ...record.provenance import Dream, picture_facts, read_provenance
from ...record.recipe import Recipe, follow
from ..errors import debug_option, interruption
from ..figures import FIGURE_OPTIONS, Start, Style, account, columns_option, figure_options, made_before
from ..held import Held
from ..help import Command
from ..input import NOISE, Source, SourceType, Target, check_not_read, one_target
from ..job import Dreamer, retold
from ..options import (
    PICTURE_FILES,
    force_option,
    output_option,
    pictures_option,
    quiet_option,
    resume_option,
    sidecar_option,
)
from ..progress import DoneProgress, Progress
from ..rendering import Layer, channels_option, prepare_rendering, recipe_taken, render_run_options, renderer_options
from ..signals import between_steps, uninterrupted
from ..workers import Crew, at_work, staffed, worker_options

_SIZE = (96, 96)
_PNG = FORMATS["png"]
_TILE = re.compile(r"channel-\d{6}\.png")
_NOT_ONE_TILES = {"layer", "columns", *FIGURE_OPTIONS}  # of the options, when one tile is told alone


class Places(Held):
    """Where the tiles go until the sheet is whole, or for good."""

    def tile(self, channel: int) -> Target:
        """Give where a channel's picture goes."""
        return Target(str(self.folder / f"channel-{channel:06d}.png"), _PNG)

    def is_ours(self, name: str) -> bool:
        """Tell tiles."""
        return _TILE.fullmatch(name) is not None


@click.command("channels", cls=Command)
@click.argument("input", type=SourceType(noise=_SIZE), default=NOISE)
@output_option(PICTURE_FILES, required=True)
@channels_option()
@renderer_options
@render_run_options
@worker_options
@columns_option
@pictures_option
@resume_option
@force_option
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
    layer: Layer | None,
    columns: int | None,
    pictures: Path | None,
    resume: bool,
    force: bool,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show what every channel of a layer looks for, on one sheet.

    --layer LAYER shows all channels, --layer LAYER:0-63 some of them. Each tile is what `pydream visualize` makes of
    that channel, with the same seed for all, from noise of 96x96 pixels or from INPUT: a picture, or noise:128x128. A
    channel that the noise does not activate stays empty. Stopped at any moment, by Ctrl-C or a power cut, the same
    command with --resume continues, and ends with the same sheet to the byte.

    \b
    pydream channels -o sheet.png --layer fire4/expand3x3:0-63
    pydream channels noise:128x128 -o sheet.png --layer fire8/squeeze1x1 --renderer multiscale
    """  # noqa: D301 (click's mark for a block to leave as it is)
    target = one_target(output, None)
    if target.path is None:
        raise click.BadParameter("its tiles are kept beside it until it is whole: name a file", param_hint="'--output'")
    places = Places(pictures or target.path.with_name(f"{target.path.name}.tiles"), temporary=pictures is None)
    if resume and force:
        raise click.BadParameter("it continues, and --force begins again; choose one", param_hint="'--resume'")
    held = places.held()
    if held and not (resume or force):
        raise click.BadParameter(
            f"'{places.folder}' holds tiles already: --resume continues with them, --force overwrites them",
            param_hint="'--pictures'" if pictures else "'--output'",
        )
    start = Start.read(input)
    target.check()
    check_not_read([target, *(Target(str(path), _PNG) for path in held)], [start.source.path])
    if resume and held and options["seed"] is None:
        options["seed"] = read_provenance(held[0]).recipe.seed
    style = Style.taken(options)
    name, channels = (None, None) if layer is None else (layer.name, layer.channels)
    recipe, crew = recipe_taken(options), Crew.taken(options)

    with uninterrupted(done_then=True):
        dreamer = prepare_rendering(layer=name, **options, **recipe)
        end = dreamer.recipe.end
        channels = channels or tuple(range(dreamer.net.blobs[end].shape[1]))
        check_channels(dreamer.net, end, channels)
        tile_size = dreamer.sizes(*start.size)[0]
        sheet = style.sheet(columns or fitting_columns(len(channels), tile_size))
        sheet.check(len(channels), tile_size)
        if force:  # not before all that could be wrong has been looked at
            places.clear()
        if crew is not None:
            dreamer = replace(dreamer, memory=crew.memory(dreamer.memory))
        tiled = dreamer.tiled(dreamer.recipe, *start.size, quiet)
        sheet_of = Channels(ctx, start, replace(dreamer, recipe=tiled), places, channels, quiet)
        try:
            with at_work(crew) as cluster:
                silent = sheet_of.render(sheet, cluster)
            of = f"{end}:{channels_text(channels)}"
            figure = account(
                ctx, start, target, sheet_of.recorded(channels[0]), [dreamer.facts], [[of]], guide=None, mask=None
            )
            more = f"Without a gradient from {start.source.name}: {channels_text(silent)}." if silent else ""
            style.write(sheet, target, figure, f"{end} of {dreamer.facts.name}", more, sidecar)
        except KeyboardInterrupt:
            outcome = f"{len(places.held())} of {len(channels)} tiles are in '{places.folder}'; --resume continues"
            raise interruption(outcome) from None
        places.finish()
    if not quiet:
        click.echo(f"wrote {target}", err=True)


@dataclass(frozen=True)
class Channels:
    """One channel after the other."""

    ctx: click.Context
    start: Start
    dreamer: Dreamer
    places: Places
    channels: Sequence[int]
    quiet: bool

    def recipe(self, channel: int) -> Recipe:
        """Give the recipe of a channel's picture."""
        recipe = self.dreamer.recipe
        assert recipe.rendering is not None
        rendering = msgspec.structs.replace(recipe.rendering, channels=(channel,))
        return msgspec.structs.replace(recipe, rendering=rendering, noise=self.start.noise)

    def recorded(self, channel: int) -> Recipe:
        """Give what the picture says of that."""
        return self.dreamer.recorded(self.recipe(channel))

    def render(self, sheet: Sheet, cluster: Cluster | None = None) -> list[int]:
        """Put every channel's tile on the sheet, made now or held; gives the channels without a gradient."""
        silent = []
        count = len(self.channels)
        bar: Progress | DoneProgress
        if cluster is None:
            sizes, iter_n = self.dreamer.sizes(*self.start.size), self.dreamer.recipe.iter_n
            bar = Progress(self.dreamer.title, sizes, iter_n, self.quiet, count, "channel")
        else:
            bar = DoneProgress(staffed(self.dreamer.title, cluster), count, "channel", self.quiet)
        with bar as progress:
            for number, (place, outcome) in enumerate(self._tiles(progress, cluster), start=1):
                channel = self.channels[place]
                try:
                    sheet.add(outcome.get(), str(channel), place=place)
                except SilentScoreError:
                    sheet.add(None, str(channel), reason="no gradient", place=place)
                    silent.append(place)
                progress.passed(number)
        return [self.channels[place] for place in sorted(silent)]

    def _tiles(
        self, progress: Progress | DoneProgress, cluster: Cluster | None
    ) -> Iterator[tuple[int, Outcome[Picture]]]:
        """Give tiles with their places: one after the other, or those that are held and then as workers make them."""
        places = enumerate(self.channels)
        if cluster is None:
            assert isinstance(progress, Progress)
            yield from run_here(partial(self._tile, progress), places)
            return
        left = []
        for place, channel in places:
            if (held := self._held(channel)) is None:
                left.append(place)
            else:
                yield place, Outcome(held)
        tasks = ((place, self.dreamer.task(self.recipe(self.channels[place]), self.start.picture)) for place in left)
        size = self.dreamer.sizes(*self.start.size)[0]
        for place, outcome in cluster.run(dream, tasks, between_steps):
            made = outcome.then(lambda dreamt: checked(dreamt, size).pixels)
            yield place, made.then(partial(self._kept, self.channels[place]))

    def _held(self, channel: int) -> Picture | None:
        """Give the tile that an earlier run wrote, if it is the one that would be made now."""
        path = Path(self.places.tile(channel).given)
        return made_before(path, self.recorded(channel), self.dreamer.facts, self.start.facts)

    def _tile(self, progress: Progress, channel: int) -> Picture:
        """Make a tile and write it, or take the one that is held."""
        held = self._held(channel)
        if held is not None:
            return held
        net, begin = self.dreamer.net, self.start.picture
        pixels = to_pixels(follow(self.recipe(channel), net, begin, watch=progress))
        return self._kept(channel, pixels)

    def _kept(self, channel: int, pixels: Picture) -> Picture:
        """Write a tile."""
        recipe, target = self.recorded(channel), self.places.tile(channel)
        words = [self.start.source.argument, "-o", target.retold, "--layer", f"{recipe.end}:{channel}"]
        command = retold(self.ctx, words, recipe, "visualize", _NOT_ONE_TILES)
        result = picture_facts("result", pixels)
        self.places.folder.mkdir(parents=True, exist_ok=True)
        made = Dream(command=command, recipe=recipe, network=self.dreamer.facts, input=self.start.facts, result=result)
        target.write(pixels, made, sidecar=False)
        return pixels
