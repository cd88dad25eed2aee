"""`pydream visualize`: the tutorial's renderers → what a channel or a layer looks for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import click

from ...dream.tutorial import NOISE_SIZE, rendered_sizes
from ...record.recipe import MOST_SUMMED
from ..errors import debug_option
from ..help import Command
from ..input import NOISE, STANDARD, Size, Source, SourceType, check_not_read, one_target
from ..job import Dreamer
from ..options import PICTURE_FILES, output_option, quiet_option, sidecar_option
from ..rendering import Layer, channels_option, prepare_rendering, recipe_taken, render_run_options, renderer_options
from ..signals import signals_as_ctrl_c
from .dream import Work


@click.command("visualize", cls=Command)
@click.argument("input", type=SourceType(noise=NOISE_SIZE), default=NOISE)
@output_option(f"{PICTURE_FILES}, or -", required=True)
@channels_option()
@renderer_options
@render_run_options
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
    sidecar: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show what a channel or a layer looks for, with the renderers of the TensorFlow tutorial of 2016.

    --layer LAYER:139 maximises the mean of a channel, LAYER:3,7 or LAYER:0-7 the mean of the sum of some, and LAYER
    alone the mean of the square of all. Renderers: naive, of the whole picture's gradient; multiscale, the same at
    growing sizes; lapnorm, with its Laplacian bands made equally strong; deepdream, in octaves as a dream.

    INPUT is the start: a picture, - for one from standard input, or by default noise of 224x224 pixels, also as
    noise:640x480. The result is scaled to be seen, that of deepdream clipped. Ctrl-C ends it early and writes what
    there is so far.

    \b
    pydream visualize -o channel.png --layer fire4/expand3x3:7
    pydream visualize noise:320x240 -o channel.png --layer fire4/expand3x3:7 --renderer naive
    pydream visualize sky.jpg -o dream.png --layer fire8/concat --renderer deepdream
    """  # noqa: D301 (click's mark for a block to leave as it is)
    (source,) = input
    target = one_target(output, None)
    if sidecar and output == STANDARD:
        raise click.BadParameter("there is no file to put it beside", param_hint="'--sidecar'")
    check_not_read([target], [source.path])
    name, channels = (None, None) if layer is None else (layer.name, layer.channels)
    if channels is not None and len(channels) > MOST_SUMMED:
        raise click.BadParameter(f"'{layer}' is more than {MOST_SUMMED} channels", param_hint="'--layer'")
    options |= {"layer": name, **recipe_taken(options, channels)}
    work = Rendered(ctx, source.noise or NOISE_SIZE, sidecar, quiet, options)
    with signals_as_ctrl_c():
        work.one(source, target)


class Rendered(Work):
    """As a dream, but the result may be larger than what it starts from."""

    @cached_property
    def _dreamer(self) -> Dreamer:
        return prepare_rendering(**self._options)

    def _result_size(self, height: int, width: int) -> Size:
        octaves = {name: self._options[name] for name in ("octave_n", "octave_scale") if name in self._options}
        return rendered_sizes(self._options["rendering"].renderer, height, width, **octaves)[0]
