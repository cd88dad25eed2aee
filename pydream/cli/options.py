"""The options of every command that dreams; their defaults are the library's."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..dream.era import ERAS
from ..dream.laplacian import MOST_LEVELS
from ..dream.notebook import deepdream, make_step
from ..dream.objectives import KINDS
from ..dream.octaves import MOST_OCTAVES
from ..dream.params import LARGEST_JITTER, LARGEST_STEP
from ..dream.retouch import STRONGEST_PULL, STRONGEST_TV, WIDEST_BLUR
from ..formats import InputSpec, caffe, graphdef, keras
from ..net import CHANNEL_ORDERS
from ..record.presets import PRESETS
from ..tiles.plan import LARGEST_TILE
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK
from .network import device_name, weights_option

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def library_default(name: str) -> Any:
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


def together(*options: Decorator) -> Decorator:
    """Make one decorator of several, which --help lists in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


model_option = click.option(
    "-m",
    "--model",
    default=DEFAULT_NETWORK,
    show_default=True,
    help="A name that `pydream models` lists; or a prototxt, a caffemodel, a frozen TensorFlow graph (.pb), a Keras"
    " model (.keras, .h5) or the folder of a SavedModel.",
)
layer_option = click.option(
    "-l", "--layer", help="What to dream with; see `pydream layers`.  [default: the network's own]"
)
dtype_option = click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default=library_default("dtype"),
    show_default=True,
    help="float64 is Caffe's result to the pixel, and slower.",
)
device_option = click.option(
    "--device",
    callback=device_name,
    default=library_default("device"),
    show_default=True,
    metavar="auto|cpu|gpu:N",
    help="Where the network runs.",
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(["tensorflow", "numpy"]),
    default=library_default("runtime"),
    show_default=True,
    help="Who runs the network; numpy is slow, and there to be read.",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(["native", "numpy"]),
    default=library_default("backend"),
    show_default=True,
    help="Image operations in C++, or as the notebook has them; the same result.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="The same seed and options give the same dream.  [default: a new one, which is printed]",
)
era_option = click.option(
    "--era",
    type=click.Choice(ERAS),
    default=library_default("era"),
    show_default=True,
    help="Round and transform as today's libraries do, or as those of 2015.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
sidecar_option = click.option(
    "--sidecar", is_flag=True, help="Write what the picture says of itself to a JSON file beside it too."
)


class Mean(tuple[float, ...]):
    """Three numbers, which are written as they are given."""

    def __str__(self) -> str:
        return ",".join(f"{value:.9g}" for value in self)


class MeanType(click.ParamType):  # type: ignore[type-arg]
    """Three numbers: ``104,116,122``."""

    name = "C,C,C"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Mean:
        """Give them."""
        try:
            mean = Mean(map(float, str(value).split(",")))
        except ValueError:
            mean = Mean()
        if len(mean) != 3:
            self.fail(f"{value!r} is no mean, as 104,116,122 is one", param, ctx)
        if not all(map(math.isfinite, mean)):
            self.fail(f"{value!r} is not finite", param, ctx)
        return mean


def _pixel_scale(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    try:
        return InputSpec(scale=value).scale
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


# What a network's file does not say of the pictures that it takes.
input_options = together(
    click.option(
        "--mean",
        type=MeanType(),
        metavar=MeanType.name,
        help="Of the pictures that the network was trained on, in its channel order.  [default: the registry's; of a"
        f" file {Mean(caffe.MEAN)}, of a frozen graph {Mean(graphdef.MEAN)}, of a Keras model or SavedModel"
        f" {Mean(keras.MEAN)}]",
    ),
    click.option(
        "--pixel-scale",  # `pydream zoom` has a --scale
        type=float,
        callback=_pixel_scale,
        help="A network of TensorFlow's takes (pixel - mean) * scale.  [default: the registry's, or 1]",
    ),
    click.option(
        "--channel-order",
        type=click.Choice(CHANNEL_ORDERS),
        help="That the network takes.  [default: the registry's; BGR, of TensorFlow's networks RGB]",
    ),
    click.option(
        "--input",
        "input_node",
        metavar="NODE",
        help="The node of a frozen graph whose place the picture takes.  [default: its placeholder]",
    ),
)


def _take_preset(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Make a preset's parameters the command's defaults, as far as it has them."""
    if name is not None:
        several = {param.name for param in ctx.command.params if isinstance(param, click.Option) and param.multiple}
        given = {key: [value] if key in several else value for key, value in PRESETS[name].params.items()}
        ctx.default_map = {**(ctx.default_map or {}), **given}


preset_option = click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    is_eager=True,  # before the options whose defaults it gives
    expose_value=False,
    callback=_take_preset,
    help="Take the parameters of a look with a name; options beside it win. See `pydream presets`.",
)

objective_options = together(
    model_option,
    weights_option,
    input_options,
    click.option(
        "-l",
        "--layer",
        multiple=True,
        metavar="LAYER[:CHANNELS][=WEIGHT]",
        help="What to dream with, of one or of several layers: fire8/concat, fire8/concat:3-7,12, conv1=-0.5; see"
        " `pydream layers`.  [default: the network's own]",
    ),
    click.option(
        "--objective",
        "kind",
        type=click.Choice(KINDS),
        default="l2",
        show_default=True,
        help="What is made larger of it: half the sum of squares, as in 2015, or the mean or sum of the activations.",
    ),
    click.option(
        "--class",
        "classes",
        multiple=True,
        metavar="NAME|NUMBER[=WEIGHT]",
        help="Dream of a class that the network knows, an ImageNet class by its name or a part of that: tabby, 281.",
    ),
)

retouch_options = together(
    click.option(
        "--mask",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A picture that is white where to dream; what is black stays as it is, to the byte.",
    ),
    click.option("--keep-colors", is_flag=True, help="Dream in light and dark only, with the picture's own colours."),
    click.option(
        "--tv",
        type=FiniteRange(min=0, max=STRONGEST_TV),
        default=0.0,
        help="Against grain: go down the total variation, this strong beside the dream.  [default: off]",
    ),
    click.option(
        "--pull-back",
        type=FiniteRange(min=0, max=STRONGEST_PULL),
        default=0.0,
        help="Pull back to the picture (L2), as strong as the dream where a pixel is 1/this away.  [default: off]",
    ),
    click.option(
        "--smooth",
        type=FiniteRange(min=0, max=WIDEST_BLUR),
        default=0.0,
        help="Blur the gradient: the Gaussian's sigma in pixels.  [default: off]",
    ),
    click.option(
        "--laplacian",
        type=click.IntRange(0, MOST_LEVELS),
        default=0,
        help="Make the gradient equally strong at so many scales, as the tutorial of 2016 with 4.  [default: off]",
    ),
)

dream_options = together(
    preset_option,
    click.option(
        "-g",
        "--guide",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A picture whose features the dream takes up, instead of making its own stronger.",
    ),
    click.option(
        "--octaves",
        "octave_n",
        type=click.IntRange(1, MOST_OCTAVES),
        default=library_default("octave_n"),
        show_default=True,
        help="Scales to dream at, the smallest first.",
    ),
    click.option(
        "--octave-scale",
        type=FiniteRange(min=1),
        default=library_default("octave_scale"),
        show_default=True,
        help="Ratio between the sizes of two octaves.",
    ),
    click.option(
        "-n",
        "--iterations",
        "iter_n",
        type=click.IntRange(min=1),
        default=library_default("iter_n"),
        show_default=True,
        help="Steps in each octave.",
    ),
    click.option(
        "-s",
        "--step-size",
        type=FiniteRange(min=0, max=LARGEST_STEP, min_open=True),
        default=library_default("step_size"),
        show_default=True,
        help="How far a step moves a pixel on average; pixels are 0..255.",
    ),
    click.option(
        "-j",
        "--jitter",
        type=click.IntRange(0, LARGEST_JITTER),
        default=library_default("jitter"),
        show_default=True,
        help="Farthest that a step shifts the picture, in pixels.",
    ),
    click.option(
        "--clip/--no-clip",
        default=library_default("clip"),
        show_default=True,
        help="Keep pixels within 0..255 at each step, or rescale them at the end.",
    ),
    era_option,
)


class MemoryType(click.ParamType):  # type: ignore[type-arg]
    """Bytes, with or without a unit: ``2G``, ``800M``."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give them as a number."""
        found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?)b?", str(value), re.IGNORECASE)
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no amount of memory, as 2G is one", param, ctx)
        return int(float(found[1]) * 1000 ** " kmgt".index(found[2].lower() or " "))


memory_option = click.option(
    "--memory",
    type=MemoryType(),
    metavar=MemoryType.name,
    help="That the whole program may take, 2G for instance: what does not fit is made in blocks.  [default: half of"
    " what is free]",
)
tile_options = together(
    click.option(
        "--tile",
        type=click.IntRange(0, LARGEST_TILE),
        help="Make the gradient in blocks of so many pixels either way, to save memory; 0: never.  [default: where the"
        " picture would not fit]",
    ),
    memory_option,
)

run_options = together(seed_option, dtype_option, backend_option, runtime_option, device_option)
