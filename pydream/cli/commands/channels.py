"""`pydream channels`: what each channel of a layer looks for, on one sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec

from ...dream.objectives import channels_text
from ...errors import SilentScoreError
from ...media import fitting_columns
from ...picture import Picture
from ...record.command import option_words
from ...record.frames import earlier_recipe
from ...record.made import dream_in
from ...record.recipe import Recipe
from ..errors import interruption
from ..figures import FigureDreams, Style, columns_option, figure_of, figure_options
from ..folders import OutputFolder
from ..help import Command
from ..input import NOISE, InputPicture, Source, SourceType, claim_targets, one_target, unnamed_target
from ..job import Job, prepare
from ..natural import NaturalPictures, natural_option
from ..options import PICTURE_FILES, force_option, last_options, output_option, pictures_option, resume_option
from ..places import forced
from ..rendering import ChannelOption, recipe_taken, rendering_options
from ..signals import uninterrupted
from ..workers import WorkerOptions, start_workers, worker_options

_SIZE = (96, 96)


@click.command("channels", cls=Command)
@click.argument("input", type=SourceType(noise=_SIZE), default=NOISE)
@output_option(PICTURE_FILES, beside="channels.png")
@rendering_options
@worker_options
@columns_option
@natural_option
@pictures_option
@resume_option
@force_option
@figure_options
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: str | None,
    layer: ChannelOption | None,
    columns: int | None,
    natural: NaturalPictures | None,
    pictures: Path | None,
    resume: bool,
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
    (source,) = input
    target = unnamed_target(source) if output is None else one_target(output, None)
    if target.path is None:
        raise click.BadParameter("its tiles are kept beside it until it is whole: name a file", param_hint="'--output'")
    target.check()
    claim_targets([target], sidecar)
    folder = pictures or target.path.with_name(f"{target.path.name}.tiles")
    tiles = OutputFolder(folder, pictures is None, "tiles", "channel-", 6, claims=_is_tile)
    existing = tiles.check(resume, "'--pictures'" if pictures else "'--output'")
    start = InputPicture.read(source)
    if resume and options["seed"] is None and (earlier := earlier_recipe(existing)) is not None:
        options["seed"] = earlier.seed
    style = Style.taken(options)
    layer = layer or ChannelOption()
    recipe, workers = recipe_taken(options), WorkerOptions.taken(options)

    with uninterrupted(done_then=True):
        shown = layer.channels or ()
        job = prepare(layer=layer.name, channels=shown, sidecar=sidecar, quiet=quiet, **options, **recipe)
        end = job.recipe.end
        channels = shown or tuple(range(job.net.blobs[end].shape[1]))
        tile_size = job.recipe.sizes(*start.size)[0]
        sheet = style.sheet(columns or fitting_columns(len(channels), tile_size))
        sheet.check(len(channels), tile_size)
        if forced():  # not before all that could be wrong has been looked at
            tiles.clear()
        if workers is not None:
            job = replace(job, memory=workers.memory(job.memory))
        job = replace(job, recipe=job.tiled(job.recipe, start.size))
        dreams = _dreams(job, start, tiles)
        dreams.check(channels)
        silent = []  # without a gradient
        compared = None if natural is None else natural.run(job.net, end, quiet)
        try:
            with (
                start_workers(workers) as cluster,
                job.bar(start.size, len(channels), "channel")
                if cluster is None
                else job.done_bar(cluster, len(channels), "channel") as progress,
            ):
                made = dreams.each(channels, progress, cluster)
                for number, (channel, outcome) in enumerate(made, start=1):
                    place = channels.index(channel)
                    try:
                        pixels = outcome.get()
                        near = "" if compared is None else f"cosine {compared.nearness(job.net, pixels):.2f}"
                        sheet.add(pixels, str(channel), near, place=place)
                    except SilentScoreError:
                        sheet.add(None, str(channel), reason="no gradient", place=place)
                        silent.append(channel)
                    progress.passed(number)
            words = option_words({"--columns": columns}) + style.words + ([] if natural is None else natural.words)
            of = f"{end}:{channels_text(channels)}"
            figure = figure_of(job, "channels", start, target, dreams.recipe(channels[0]), words, [[of]], layers=[of])
            empty = channels_text(sorted(silent, key=channels.index))
            more = f"Without a gradient from {source.name}: {empty}." if silent else ""
            if natural is not None and compared is not None:
                more = f"{more}\nCosine: {natural.about(compared)}.".strip()
            style.write(sheet, target, figure, f"{end} of {job.network.name}", more, sidecar)
        except KeyboardInterrupt:
            done = len(tiles.existing())
            raise interruption(f"{done} of {len(channels)} tiles are in '{folder}'; --resume continues") from None
        tiles.finish()
    job.say(f"wrote {target}")


def _is_tile(note: str | None, channel: int) -> bool:
    """Return whether a picture says that it is of this channel alone, of whatever layer."""
    dream = dream_in(note)
    return dream is not None and dream.recipe.rendering is not None and dream.recipe.rendering.channels == (channel,)


def _dreams(job: Job, start: InputPicture, tiles: OutputFolder) -> FigureDreams[int]:
    """Return the dreams of channels."""

    def recipe(channel: int) -> Recipe:
        assert job.recipe.rendering is not None
        rendering = msgspec.structs.replace(job.recipe.rendering, channels=(channel,))
        return msgspec.structs.replace(job.recipe, rendering=rendering, noise=start.noise)

    def save(channel: int, recipe: Recipe, pixels: Picture) -> None:
        replace(job, sidecar=False).save(tiles.target(channel), start, recipe, pixels, "visualize")

    return FigureDreams(job=job, start=start, recipe=recipe, target=tiles.target, save=save)
