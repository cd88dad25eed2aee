"""The options of the commands that dream; their defaults are the library's.

An option has one type and one help text in all commands (a test says so); only defaults differ.
"""

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
from .input import SizeType
from .network import device_name, weights_option

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def library_default(name: str) -> Any:
    """Return the default of a parameter of the library, from the function that has it."""
    for function in (deepdream, make_step, load_net):
        parameter = inspect.signature(function).parameters.get(name)
        if parameter is not None and parameter.default is not parameter.empty:
            return parameter.default
    raise LookupError(name)


class FiniteRange(click.FloatRange):
    """A range of numbers without NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check that a number is finite, then its range: NaN passes every comparison of click's."""
        try:
            finite = math.isfinite(float(value))
        except ValueError:
            finite = True  # not a number at all: click says so
        if not finite:
            self.fail(f"{value} is not a finite number", param, ctx)
        number: float = super().convert(value, param, ctx)
        return number


def together(*options: Decorator) -> Decorator:
    """Make one decorator of several."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def output_option(files: str, **more: Any) -> Decorator:
    """Make the option for the output; every command has its own list of files that it can write."""
    return click.option("-o", "--output", metavar="FILE", help=f"{files}.", **more)


PICTURE_FILES = "A .png, .jpg, .webp or .tif file"


def model_option(default: str = DEFAULT_NETWORK, *parameter: str, **more: Any) -> Decorator:
    """Make the option for the network."""
    return click.option(
        "-m",
        "--model",
        *parameter,
        default=[default] if more.get("multiple") else default,
        metavar="MODEL",
        help=f"Network name (`pydream models`) or model file.  [default: {default}]",
        **more,
    )


def layer_option(metavar: str = "LAYER", *parameter: str, default: str = "network's own", **more: Any) -> Decorator:
    """Make the option for the layer; `metavar` says in which form a command takes it."""
    text = f"Layer, see `pydream layers`.  [default: {default}]"
    return click.option("-l", "--layer", *parameter, metavar=metavar, help=text, **more)


def _take_exact(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.default_map = {**(ctx.default_map or {}), "dtype": "float64"}


def _dtype(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value != "float64" and (ctx.default_map or {}).get("dtype") == "float64":
        raise click.BadParameter(f"{value} contradicts --exact, which is float64", ctx, param)
    return value


EXACT_HELP = "float64, Caffe's result to the pixel; slower."
exact_options = together(
    click.option(
        "--exact",
        is_flag=True,
        is_eager=True,  # before --dtype, whose default it sets
        expose_value=False,
        callback=_take_exact,
        help=EXACT_HELP,
    ),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "float64"]),
        default=library_default("dtype"),
        show_default=True,
        callback=_dtype,
        help="Data type of the network; float64 is the same as --exact.",
    ),
)
device_option = click.option(
    "--device",
    callback=device_name,
    default=library_default("device"),
    show_default=True,
    metavar="auto|cpu|gpu:N",
    help="Device that runs the network.",
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(["tensorflow", "numpy"]),
    default=library_default("runtime"),
    show_default=True,
    help="Engine that runs the network (numpy is a slow reference).",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(["native", "numpy"]),
    default=library_default("backend"),
    show_default=True,
    help="Image operations in C++, or as in the notebook; the same result.",
)


def seed_option(default: int | None = None) -> Decorator:
    """Make the option for the seed; without a default each run draws a new one."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        metavar="N",
        default=default,
        help=f"Random seed.  [default: {'a new one, which is printed' if default is None else default}]",
    )


def era_option(default: str = library_default("era")) -> Decorator:
    """Make the option for the era."""
    return click.option(
        "--era",
        type=click.Choice(ERAS),
        default=default,
        show_default=True,
        help="Rounding and resampling of today's libraries, or of those of 2015.",
    )


quiet_option = click.option("-q", "--quiet", is_flag=True, help="No messages but errors.")
json_option = click.option("--json", is_flag=True, help="Output as JSON.")
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite what an earlier run left.")
resume_option = click.option("--resume", is_flag=True, help="Continue where the same command was stopped.")
pictures_option = click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder for every picture at full size, for `pydream replay`.",
)
sidecar_option = click.option(
    "--sidecar", is_flag=True, help="A JSON file with the record beside each picture or film."
)


class Mean(tuple[float, ...]):
    """Three numbers; as text they are what the option takes."""

    def __str__(self) -> str:
        return ",".join(f"{value:.9g}" for value in self)


class MeanType(click.ParamType):  # type: ignore[type-arg]
    """Three numbers: ``104,116,122``."""

    name = "C,C,C"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Mean:
        """Read a mean."""
        try:
            mean = Mean(map(float, str(value).split(",")))
        except ValueError:
            mean = Mean()
        if len(mean) != 3:
            self.fail(f"{value!r} is not a mean (expected three numbers, e.g. 104,116,122)", param, ctx)
        if not all(map(math.isfinite, mean)):
            self.fail(f"{value!r} is not finite", param, ctx)
        return mean


def _pixel_scale(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    try:
        return InputSpec(scale=value).scale
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


input_node_option = click.option(
    "--input-node",
    metavar="NODE",
    help="Node of a frozen graph that takes the picture.  [default: its placeholder]",
)
# What a network's file does not say of the pictures that it takes.
input_options = together(
    click.option(
        "--mean",
        type=MeanType(),
        metavar=MeanType.name,
        help="Mean of the training pictures, in the network's channel order.  [default: the registry's; of a file"
        f" {Mean(caffe.MEAN)}, of a frozen graph {Mean(graphdef.MEAN)}, of a Keras model or SavedModel"
        f" {Mean(keras.MEAN)}]",
    ),
    click.option(
        "--pixel-scale",  # `pydream zoom` has a --scale
        type=float,
        callback=_pixel_scale,
        metavar="X",
        help="Scale of a TensorFlow network's input, (pixel - mean) * scale.  [default: the registry's, or 1]",
    ),
    click.option(
        "--channel-order",
        type=click.Choice(CHANNEL_ORDERS),
        help="Channel order of the network's input.  [default: the registry's; BGR, of TensorFlow's networks RGB]",
    ),
    input_node_option,
)


def _take_preset(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Make a preset's parameters the command's defaults, as far as it has them."""
    if name is not None:
        several = {param.name for param in ctx.command.params if isinstance(param, click.Option) and param.multiple}
        given = {key: [value] if key in several else value for key, value in PRESETS[name].params.items()}
        ctx.default_map = {**(ctx.default_map or {}), **given}


# For dreams alone: a preset's step size, jitter and clipping are those of `deepdream`, which the tutorial's renderers
# of `visualize` and `channels` do not have.
preset_option = click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    metavar="NAME",
    is_eager=True,  # before the options whose defaults it gives
    expose_value=False,
    callback=_take_preset,
    help="Named look, see `pydream presets`.",
)

objective_options = together(
    model_option(),
    weights_option,
    input_options,
    layer_option("LAYER[:CHANNELS][=WEIGHT]", multiple=True),
    click.option(
        "--objective",
        "kind",
        type=click.Choice(KINDS),
        default="l2",
        show_default=True,
        help="What grows: half the sum of squares of the activations, as in 2015, their mean or their sum.",
    ),
    click.option(
        "--class",
        "classes",
        multiple=True,
        metavar="CLASS[=X]",
        help="Class to dream of, by name or number: tabby, 281.",
    ),
)
guide_option = click.option(
    "-g",
    "--guide",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Guide picture, whose features the dream takes up.",
)


# Options of which the commands have different defaults: names, help, and the rest.
_STEPS: dict[str, tuple[tuple[str, ...], str, dict[str, Any]]] = {
    "octaves": (
        ("--octaves",),
        "Number of octaves: sizes, smallest first.",
        {"type": click.IntRange(1, MOST_OCTAVES), "metavar": "N"},
    ),
    "octave_scale": (
        ("--octave-scale",),
        "Size ratio of neighbouring octaves.",
        {"type": FiniteRange(min=1), "metavar": "X"},
    ),
    "iterations": (
        ("-n", "--iterations"),
        "Steps in each octave.",
        {"type": click.IntRange(min=1), "metavar": "N"},
    ),
    "step_size": (
        ("-s", "--step-size"),
        "Step size in pixel values, 0..255.",
        {"type": FiniteRange(min=0, max=LARGEST_STEP, min_open=True), "metavar": "X"},
    ),
    "laplacian": (
        ("--laplacian",),
        "Gradient scales made equally strong.",
        {"type": click.IntRange(0, MOST_LEVELS), "metavar": "N"},
    ),
}


def steps_option(name: str, *parameter: str, default: Any = None, text: str | None = None) -> Decorator:
    """Make one of these options, for a `parameter` of another name if one is given; `text` describes the default."""
    names, help_text, more = _STEPS[name]
    return click.option(
        *names, *parameter, default=default, help=f"{help_text}  [default: {default if text is None else text}]", **more
    )


retouch_options = together(
    click.option(
        "--mask",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Mask picture: white dreams, black stays to the byte.",
    ),
    click.option("--keep-colors", is_flag=True, help="The picture's own colours; only brightness dreams."),
    click.option(
        "--tv",
        type=FiniteRange(min=0, max=STRONGEST_TV),
        default=0.0,
        metavar="X",
        help="Weight of total variation, against grain.  [default: 0]",
    ),
    click.option(
        "--pull-back",
        type=FiniteRange(min=0, max=STRONGEST_PULL),
        default=0.0,
        metavar="X",
        help="Weight of the pull towards the input picture (L2); try 0.01 to 0.1.  [default: 0]",
    ),
    click.option(
        "--smooth",
        type=FiniteRange(min=0, max=WIDEST_BLUR),
        default=0.0,
        metavar="X",
        help="Sigma of a gradient blur, in pixels.  [default: 0]",
    ),
    steps_option("laplacian", default=0),
)


def image_size_option(default: str, **more: Any) -> Decorator:
    """Make the option for the size of a picture that is only imagined: nothing is resized."""
    text = f"Picture size to calculate with.  [default: {default}]"
    return click.option("--image-size", type=SizeType(), metavar=SizeType.name, help=text, **more)


def frames_option(type: click.IntRange, default: int) -> Decorator:
    """Make the option for the length of a zoom loop."""
    return click.option(
        "--frames",
        type=type,
        default=default,
        show_default=True,
        metavar="N",
        help="Number of frames of the zoom loop.",
    )


dream_options = together(
    preset_option,
    guide_option,
    steps_option("octaves", "octave_n", default=library_default("octave_n")),
    steps_option("octave_scale", default=library_default("octave_scale")),
    steps_option("iterations", "iter_n", default=library_default("iter_n")),
    steps_option("step_size", default=library_default("step_size")),
    click.option(
        "-j",
        "--jitter",
        type=click.IntRange(0, LARGEST_JITTER),
        default=library_default("jitter"),
        show_default=True,
        metavar="N",
        help="Maximum random shift per step, in pixels.",
    ),
    click.option(
        "--clip/--no-clip",
        default=library_default("clip"),
        show_default=True,
        help="Pixels kept within 0..255 at each step, or rescaled at the end.",
    ),
    era_option(),
)


class MemoryType(click.ParamType):  # type: ignore[type-arg]
    """Bytes, with or without a unit: ``2G``, ``800M``."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read an amount of memory."""
        found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?)b?", str(value), re.IGNORECASE)
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is not an amount of memory (expected a number with a unit, e.g. 2G)", param, ctx)
        return int(float(found[1]) * 1000 ** " kmgt".index(found[2].lower() or " "))


memory_option = click.option(
    "--memory",
    type=MemoryType(),
    metavar=MemoryType.name,
    help="Memory limit for the whole program, e.g. 2G; larger pictures are processed in tiles.  [default: half of what"
    " is free]",
)
tile_options = together(
    click.option(
        "--tile",
        type=click.IntRange(0, LARGEST_TILE),
        metavar="N",
        help="Side of the tiles in which the gradient is computed, in pixels; 0: never.  [default: tiles where the"
        " picture would not fit in memory]",
    ),
    memory_option,
)

run_options = together(seed_option(), exact_options, backend_option, runtime_option, device_option)
