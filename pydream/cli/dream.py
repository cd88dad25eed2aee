"""`pydream dream`: picture file → deepdream → picture file."""

from __future__ import annotations

import inspect
import math
import os
import secrets
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..dream import (
    LARGEST_JITTER,
    LARGEST_STEP,
    DreamInterrupted,
    deepdream,
    display_range,
    find_end,
    make_step,
)
from ..errors import ImageFileError, ShapeError
from ..image import check_writable, read_image, write_image
from ..objectives import objective_guide
from ..octaves import MOST_OCTAVES, octave_sizes
from ..zoo import DEFAULT_NETWORK, load_net
from .errors import debug_option, interruption, printable, signals_as_ctrl_c
from .network import device_name, load, weights_option
from .progress import Progress


def _default(name: str) -> Any:
    """Give the default of a parameter of the library, from the function that has it."""
    for function in (deepdream, make_step, load_net):
        parameter = inspect.signature(function).parameters.get(name)
        if parameter is not None and parameter.default is not parameter.empty:
            return parameter.default
    raise LookupError(name)


class FiniteRange(click.FloatRange):
    """A range that NaN is outside of."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuse what is no finite number first: NaN passes every comparison of click's."""
        try:
            finite = math.isfinite(float(value))
        except ValueError:
            finite = True  # no number at all: click says so
        if not finite:
            self.fail(f"{value} is no finite number", param, ctx)
        number: float = super().convert(value, param, ctx)
        return number


@click.command("dream")
@click.argument("input", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the dream goes: .png, .jpg, .webp or .tif.",
)
@click.option(
    "-m",
    "--model",
    default=DEFAULT_NETWORK,
    show_default=True,
    help="A name that `pydream models` lists, or a prototxt or caffemodel file.",
)
@weights_option
@click.option("-l", "--layer", help="What to dream with; see `pydream layers`.  [default: the network's own]")
@click.option(
    "-g",
    "--guide",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A picture whose features the dream takes up, instead of making its own stronger.",
)
@click.option(
    "--octaves",
    type=click.IntRange(1, MOST_OCTAVES),
    default=_default("octave_n"),
    show_default=True,
    help="Scales to dream at, the smallest first.",
)
@click.option(
    "--octave-scale",
    type=FiniteRange(min=1),
    default=_default("octave_scale"),
    show_default=True,
    help="Ratio between the sizes of two octaves.",
)
@click.option(
    "-n",
    "--iterations",
    type=click.IntRange(min=1),
    default=_default("iter_n"),
    show_default=True,
    help="Steps in each octave.",
)
@click.option(
    "-s",
    "--step-size",
    type=FiniteRange(min=0, max=LARGEST_STEP, min_open=True),
    default=_default("step_size"),
    show_default=True,
    help="How far a step moves a pixel on average; pixels are 0..255.",
)
@click.option(
    "-j",
    "--jitter",
    type=click.IntRange(0, LARGEST_JITTER),
    default=_default("jitter"),
    show_default=True,
    help="Farthest that a step shifts the picture, in pixels.",
)
@click.option(
    "--clip/--no-clip",
    default=_default("clip"),
    show_default=True,
    help="Keep pixels within 0..255 at each step, or rescale them at the end.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="The same seed and options give the same dream.  [default: a new one, which is printed]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default=_default("dtype"),
    show_default=True,
    help="float64 is Caffe's result to the pixel, and slower.",
)
@click.option(
    "--backend",
    type=click.Choice(["native", "numpy"]),
    default=_default("backend"),
    show_default=True,
    help="Image operations in C++, or as the notebook has them; the same result.",
)
@click.option(
    "--device",
    callback=device_name,
    default=_default("device"),
    show_default=True,
    metavar="auto|cpu|gpu:N",
    help="Where the network runs.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    input: Path,
    output: Path,
    model: str,
    weights: Path | None,
    layer: str | None,
    guide: Path | None,
    octaves: int,
    octave_scale: float,
    iterations: int,
    step_size: float,
    jitter: int,
    clip: bool,
    seed: int | None,
    dtype: str,
    backend: str,
    device: str,
    quiet: bool,
) -> None:
    """Dream on the picture INPUT.

    Ctrl-C ends the dream early and writes what there is so far.

    \b
    pydream dream sky.jpg -o dream.png
    pydream dream sky.jpg -o dream.png --layer fire6/concat --octaves 5 --seed 1
    pydream dream sky.jpg -o dream.png --guide flowers.jpg
    """  # noqa: D301 (click's mark for a block to leave as it is)
    # What can be refused at once is refused before TensorFlow is imported.
    for read in (input, guide):
        if read is not None and output.exists() and os.path.samefile(read, output):
            raise click.BadParameter(f"it would overwrite '{read}', which is read", param_hint="'--output'")
    picture = read_image(input)
    guide_picture = None if guide is None else read_image(guide)
    try:
        check_writable(output, picture.shape[:2])
    except ImageFileError as error:
        raise click.BadParameter(str(error), param_hint="'--output'") from error

    net = load(model, weights, dtype=dtype, device=device)
    end = find_end(net, layer)
    seed = secrets.randbelow(2**32) if seed is None else seed
    title = f"{printable(net.name)} {printable(end)} on {net.device}, {net.dtype}, seed {seed}"
    height, width = picture.shape[:2]
    sizes = octave_sizes(height, width, octaves, octave_scale)
    with signals_as_ctrl_c(ctx), Progress(title, sizes, iterations, quiet) as progress:
        steps: dict[str, Any] = {"step_size": step_size, "jitter": jitter}
        if guide_picture is not None:
            try:
                steps["objective"] = objective_guide(net, guide_picture, end)
            except ShapeError as error:
                raise ShapeError(f"the guide '{guide}' does not fit: {error}") from error
        try:
            dream = deepdream(
                net,
                picture,
                iter_n=iterations,
                octave_n=octaves,
                octave_scale=octave_scale,
                end=end,
                clip=clip,
                on_step=progress.on_step,
                rng=np.random.RandomState(seed),
                backend=backend,
                **steps,
            )
            done = None
        except DreamInterrupted as interrupted:
            if interrupted.steps == 0:
                raise
            dream, done = interrupted.image, interrupted.steps
        write_image(output, dream if clip else display_range(dream))
    if done is not None:
        raise interruption(ctx, f"wrote '{output}' after {done} of {octaves * iterations} steps")
    if not quiet:
        click.echo(f"wrote '{output}'", err=True)
