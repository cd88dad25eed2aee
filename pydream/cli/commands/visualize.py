"""`pydream visualize`: a renderer → what a channel or a layer looks for."""

from __future__ import annotations

from typing import Any

import click

from ...dream.tutorial import NOISE_SIZE, rendered_sizes
from ...record.recipe import MOST_SUMMED
from ..help import Command
from ..input import NOISE, Source, SourceType, check_sidecar, claim_targets, one_target, unnamed_target
from ..job import Job, prepare
from ..natural import ComparedJob, NaturalPictures, natural_option
from ..options import PICTURE_FILES, force_option, last_options, output_option
from ..rendering import ChannelOption, recipe_taken, rendering_options
from .dream import DreamBatch


@click.command("visualize", cls=Command)
@click.argument("input", type=SourceType(noise=NOISE_SIZE), default=NOISE)
@output_option(f"{PICTURE_FILES}, or -", beside="visualize.png")
@rendering_options
@natural_option
@force_option
@last_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    input: list[Source],
    output: str | None,
    layer: ChannelOption | None,
    natural: NaturalPictures | None,
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show what a channel or a layer looks for, with a renderer of today or those of the TensorFlow tutorial of 2016.

    --layer LAYER:139 maximises the mean of a channel, LAYER:3,7 or LAYER:0-7 the mean of the sum of some, and LAYER
    alone the mean of the square of all. Renderers: decorrelated, at growing sizes, with the spectrum and the colours of
    natural pictures, seen at another scale and angle at each step; maco, in phases alone, with the magnitudes of
    natural pictures; and the tutorial's: naive, of the whole picture's gradient; multiscale, the same at growing sizes;
    lapnorm, with its Laplacian bands made equally strong; deepdream, in octaves as a dream.

    INPUT is the start: a picture, - for one from standard input, or by default noise of 224x224 pixels, also as
    noise:640x480. Results of naive, multiscale and lapnorm are scaled to be seen. Ctrl-C ends it early and writes what
    there is so far. --natural says how near the result is to a folder of photographs, for the layer: see docs/grid.md.

    \b
    pydream visualize -o channel.png --layer fire4/expand3x3:7
    pydream visualize noise:320x240 -o channel.png --layer fire4/expand3x3:7 --renderer naive
    pydream visualize sky.jpg -o dream.png --layer fire8/concat --renderer deepdream
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = unnamed_target(source) if output is None else one_target(output, None)
    check_sidecar(sidecar, [target])
    claim_targets([target], sidecar)
    layer = layer or ChannelOption()
    if len(layer.channels or ()) > MOST_SUMMED:
        raise click.BadParameter(f"'{layer.given}' is more than {MOST_SUMMED} channels", param_hint="'--layer'")
    options |= {"layer": layer.name, "channels": layer.channels or (), **recipe_taken(options, layer.channels)}
    octaves = {name: options[name] for name in ("octave_n", "octave_scale") if name in options}
    renderer = options["rendering"].renderer  # whose result may be larger than what it starts from

    def load() -> Job:
        job = prepare(sidecar=sidecar, quiet=quiet, **options)
        return job if natural is None else ComparedJob.of(job, natural)

    result_size = lambda height, width: rendered_sizes(renderer, height, width, **octaves)[0]  # noqa: E731
    batch = DreamBatch(ctx, load, quiet, result_size, "visualize", sidecar)
    batch.one(source, target)
