"""The options of the commands that dream; their defaults are the library's.

An option has one type and one help text in all commands (a test says so); only defaults differ.
"""

from __future__ import annotations

import inspect
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..dream.bounds import MOST_FRAMES
from ..dream.colors import check_correlations, color_correlations
from ..dream.era import ERAS
from ..dream.images import MOST_STRETCH
from ..dream.laplacian import MOST_LEVELS
from ..dream.maco import BINS, check_magnitudes, magnitudes_of
from ..dream.notebook import deepdream, make_step
from ..dream.objectives import KINDS, MOST_POWER
from ..dream.octaves import MOST_OCTAVES
from ..dream.params import LARGEST_JITTER, LARGEST_STEP, MOST_ITERATIONS
from ..dream.retouch import STRONGEST_PULL, STRONGEST_TV, WIDEST_BLUR, WIDEST_SCALE, WIDEST_TURN, Robust
from ..dream.spectrum import STEEPEST
from ..errors import NetFileError
from ..files import unsynced
from ..formats import InputSpec, caffe, graphdef, keras, read_mean
from ..net import CHANNEL_ORDERS
from ..record.presets import PRESETS, SMOOTHING, STRENGTHS, with_class
from ..record.recipe import MOST_SEED
from ..record.text import as_unicode, number_text
from ..tiles.plan import LARGEST_TILE
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK
from . import completion
from .input import WIDTH_HEIGHT, read_size
from .making import Decorator as Decorator
from .making import option as option
from .making import shorthand
from .making import together as together
from .measured import Measured
from .places import Model, NewFolder, OtherModel, ReadFile, note_read, take_force
from .preset import PresetName, take_preset
from .ranges import FiniteRange, Octaves, StepSize
from .runtimes import RuntimeName


def library_default(name: str) -> Any:
    """Return the default of a parameter of the library, from the function that has it."""
    for function in (deepdream, make_step, load_net):
        parameter = inspect.signature(function).parameters.get(name)
        if parameter is not None and parameter.default is not parameter.empty:
            return parameter.default
    raise LookupError(name)


# ---- files ----

PICTURE_FILES = "A .png, .jpg, .webp or .tif file"


def output_option(files: str, *, beside: str | None = None, **more: Any) -> Decorator:
    """Make the option for the output; every command has its own list of files that it can write.

    `beside` is how the name ends that stands in for it: see `unnamed`.
    """
    default = "" if beside is None else f"  [default: NAME.{beside} beside the input]"
    more = {"metavar": "FILE", "shell_complete": completion.files, **more}
    return option("-o --output", f"{files}.{default}", **more)


quiet_option = option("-q --quiet", "No messages but errors.", is_flag=True)
json_option = option("--json", "Output as JSON.", is_flag=True)
force_option = option(
    "-f --force", "Replacement of existing files.", is_flag=True, is_eager=True, expose_value=False, callback=take_force
)
recursive_option = option("--recursive", "Also the folders in a folder; their tree is kept.", is_flag=True)
resume_option = option("--resume", "Continue where the same command was stopped.", is_flag=True)
pictures_option = option(
    "--pictures",
    "Folder for every picture at full size, for `pydream replay`.",
    NewFolder(),
    metavar="FOLDER",
)
sidecar_option = option("--sidecar", "A JSON file with the record beside each picture or film.", is_flag=True)


def _take_no_sync(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.with_resource(unsynced())


yes_option = option("--yes", "Consent to what takes days, or removes files.", is_flag=True)
no_sync_option = option(
    "--no-sync",
    "No wait for the disk after each file: faster, but a power cut may leave empty files.",
    is_flag=True,
    expose_value=False,
    callback=_take_no_sync,
    envvar="PYDREAM_NO_SYNC",
)


# ---- the network, and how it runs ----


def model_option(default: str = DEFAULT_NETWORK, *parameter: str, **more: Any) -> Decorator:
    """Make the option for the network."""
    text = f"Network name (`pydream models`) or model file.  [default: {default}]"
    value = [default] if more.get("multiple") else default
    return option(" ".join(["-m --model", *parameter]), text, Model(), default=value, metavar="MODEL", **more)


def layer_option(metavar: str = "LAYER", *parameter: str, default: str = "network's own", **more: Any) -> Decorator:
    """Make the option for the layer; `metavar` says in which form a command takes it."""
    text = f"Layer, see `pydream layers`.  [default: {default}]"
    more = {"type": as_unicode, "metavar": metavar, "shell_complete": completion.layer_names, **more}
    return option(" ".join(["-l --layer", *parameter]), text, **more)


weights_option = option(
    "-w --weights",
    "Weights file, or a registered network's frozen graph, if not where `pydream models` says.",
    ReadFile(),
)


class Mean(tuple[float, ...]):
    """Numbers, one a channel; as text they are what the option takes."""

    def __str__(self) -> str:
        return ",".join(map(number_text, self))


def _numbers(text: str) -> Mean:
    try:
        return Mean(map(float, text.split(",")))
    except ValueError:
        return Mean()


def _mean(text: str) -> Mean:
    """Read ``104,116,122``, or a file."""
    mean, path = _numbers(text), Path(text)
    if not mean and path.is_file():
        note_read(path)
        try:
            return Mean(read_mean(path))
        except NetFileError as error:
            raise click.BadParameter(str(error)) from error
    if len(mean) not in (1, 3):
        what = "three numbers, e.g. 104,116,122, one for all channels, or a .binaryproto or .npy file"
        raise click.BadParameter(f"{text!r} is not a mean (expected {what})")
    if not all(map(math.isfinite, mean)):
        raise click.BadParameter(f"{text!r} is not finite")
    return mean


def _pixel_scale(text: str) -> float | Mean:
    """Read ``0.5`` or ``0.0171,0.0175,0.0174``."""
    found = _numbers(text)
    if len(found) not in (1, 3):
        raise click.BadParameter(f"{text!r} is not a scale (expected a number, or three, e.g. 0.0171,0.0175,0.0174)")
    scale = found[0] if len(found) == 1 else found
    try:
        InputSpec(scale=scale)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return scale


input_node_option = option(
    "--input-node",
    "Node of a frozen graph, or input of an ONNX network, that takes the picture.  [default: the one for pictures]",
    as_unicode,
    metavar="NODE",
)
# What a network's file does not say of the pictures that it takes.
input_options = together(
    option(
        "--mean",
        "Mean of the training pictures, in the network's channel order: numbers, or a .binaryproto or .npy file, whose"
        " pixels are averaged.  [default: the registry's; of a file"
        f" {Mean(caffe.MEAN)}, of a frozen graph {Mean(graphdef.MEAN)}, of a Keras model or SavedModel"
        f" {Mean(keras.MEAN)}, of an ONNX network as docs/networks.md says]",
        _mean,
        metavar="C,C,C|FILE",
        shell_complete=completion.files,
    ),
    option(
        "--pixel-scale",  # `pydream zoom` has a --scale
        "Scale of the network's input, (pixel - mean) * scale: one, or one for each channel; not for Caffe's files."
        "  [default: the registry's, or 1; of an ONNX network as docs/networks.md says]",
        _pixel_scale,
        metavar="X[,X,X]",
    ),
    option(
        "--channel-order",
        "Channel order of the network's input.  [default: the registry's; BGR, of TensorFlow's networks RGB]",
        click.Choice(CHANNEL_ORDERS),
    ),
    input_node_option,
)
network_options = together(model_option(), weights_option, input_options)


def _dtype(ctx: click.Context, _: click.Parameter, value: str) -> str:
    if value != "float64" and (ctx.default_map or {}).get("dtype") == "float64":
        raise click.BadParameter(f"{value} contradicts --exact, which is float64")
    return value


def _device(text: str) -> str:
    """Check the form of a device's name; whether the device exists, only TensorFlow knows."""
    if not re.fullmatch(r"auto|cpu|gpu(:[0-9]+)?", text.lower()):
        raise click.BadParameter(f"{text.lower()!r} is not a device (expected auto, cpu, gpu or gpu:N)")
    return text.lower()


def _library_choice(name: str, help: str, values: list[str], **more: Any) -> Decorator:
    """Make an option for one of several values of a parameter of the library."""
    return option(f"--{name}", help, click.Choice(values), default=library_default(name), **more)


EXACT_HELP = "float64, Caffe's result to the pixel; slower."
exact_options = together(
    shorthand("--exact", EXACT_HELP, dtype="float64"),
    option(
        "--dtype",
        "Data type of the network; float64 is the same as --exact.",
        click.Choice(["float32", "float64"]),
        default="float32",  # the library's for a network of files
        callback=_dtype,
    ),
)
device_option = option(
    "--device", "Device that runs the network.", _device, default=library_default("device"), metavar="auto|cpu|gpu:N"
)
runtime_option = option(
    "--runtime",
    "Engine that runs the network (numpy is a slow reference).",
    RuntimeName(),
    default=library_default("runtime"),
)
backend_option = _library_choice(
    "backend", "Image operations in C++, or as in the notebook; the same result.", ["native", "numpy"]
)


def seed_option(default: int | None = None) -> Decorator:
    """Make the option for the seed; without a default each run draws a new one."""
    shown = "a new one, which is printed" if default is None else default
    return option("--seed", f"Random seed.  [default: {shown}]", click.IntRange(0, MOST_SEED), default=default)


def era_option(default: str = library_default("era")) -> Decorator:
    """Make the option for the era."""
    text = "Rounding and resampling of today's libraries, or of those of 2015."
    return option("--era", text, click.Choice(ERAS), default=default)


# ---- the dream ----

# For dreams alone: a preset's step size, jitter and clipping are those of `deepdream`, which the tutorial's renderers
# of `visualize` and `channels` do not have.
PRESET_HELP = f"Named look ({', '.join([*PRESETS][:3])}, …), see `pydream presets`."
preset_option = option(
    "--preset",
    PRESET_HELP,
    PresetName(),
    metavar="NAME",
    is_eager=True,  # before the options whose defaults it gives
    expose_value=False,
    callback=take_preset,
)


def _take_class(ctx: click.Context, _: click.Parameter, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Make what a class needs the command's defaults: its smoothing where neither options nor a preset say any."""
    if classes:
        said = ctx.default_map or {}

        def unless_given(value: float) -> float:
            # asked for when all options that are given have been read
            given = map(ctx.get_parameter_source, SMOOTHING)
            return 0 if ParameterSource.COMMANDLINE in given else value

        added = with_class(said)
        smoothing = {name: partial(unless_given, added[name]) for name in added.keys() & SMOOTHING - said.keys()}
        ctx.default_map = {**added, **smoothing}
    return classes


def direction_power_option(default: float) -> Decorator:
    """Make the option for the power of a direction's cosine."""
    text = f"Power of the cosine with the direction.  [default: {default:g}]"
    return option("--direction-power", text, FiniteRange(0, MOST_POWER), default=default)


kind_option = option(
    "--objective kind",
    "What grows: half the sum of squares of the activations, as in 2015, their mean or their sum.",
    click.Choice(KINDS),
    default="l2",
)
objective_options = together(
    network_options,
    layer_option("LAYER[:CHANNELS][@PLACE][=WEIGHT]", multiple=True),
    kind_option,
    option("--caricature", "More of what the picture is: power of the cosine, 0 or 2 say.", FiniteRange(0, MOST_POWER)),
    option(
        "--also",
        "Another network that the dream takes part of, and what of it grows; WEIGHT is its share beside 1.",
        OtherModel(),
        multiple=True,
        metavar="MODEL[:LAYER][=WEIGHT]",
    ),
    option(
        "--class classes",
        "Class to dream of, or word for several: tabby, 281, dog.",
        as_unicode,
        multiple=True,
        metavar="CLASS[=X]",
        shell_complete=completion.class_labels,
        callback=_take_class,
    ),
    option("--direction", "Vector of the last layer's channels to climb along: a .npy file.", ReadFile()),
    direction_power_option(0.0),
)
guide_option = option("-g --guide", "Guide picture, whose features the dream takes up.", ReadFile())

# Options of which the commands have different defaults: names, help and type.
_STEPS: dict[str, tuple[str, str, Any]] = {
    "octaves": ("--octaves", "Number of octaves: sizes, smallest first.", click.IntRange(1, MOST_OCTAVES)),
    "octave_scale": ("--octave-scale", "Size ratio of neighbouring octaves.", FiniteRange(min=1)),
    "iterations": ("-n --iterations", "Steps in each octave.", click.IntRange(1, MOST_ITERATIONS)),
    "step_size": (
        "-s --step-size",
        "Step size in levels; below 0, downwards.",
        StepSize(min=-LARGEST_STEP, max=LARGEST_STEP),
    ),
    "laplacian": ("--laplacian", "Gradient scales made equally strong.", click.IntRange(0, MOST_LEVELS)),
    "decorrelate": ("--decorrelate", "Power of the frequency that divides the gradient.", FiniteRange(0, STEEPEST)),
    "robust_scale": ("--robust-scale", "Largest random change of scale per step.", FiniteRange(0, WIDEST_SCALE)),
    "robust_rotate": (
        "--robust-rotate",
        "Largest random rotation per step, in degrees.",
        FiniteRange(0, WIDEST_TURN),
    ),
    "magnitudes": (
        "--magnitudes",
        "Magnitudes of frequencies, of a folder of pictures or in numbers.",
        Measured(magnitudes_of, check_magnitudes, BINS, "1,0.7,0.5,…"),
    ),
}


def steps_option(
    name: str, *parameter: str, default: Any = None, text: str | None = None, type: Any = None
) -> Decorator:
    """Make one of these options, for a `parameter` of another name if one is given; `text` describes the default."""
    names, help, usual = _STEPS[name]
    described = f"{help}  [default: {default if text is None else text}]"
    return option(" ".join([names, *parameter]), described, type or usual, default=default)


strength_option = option("--strength", "Factor for the iterations.", FiniteRange(*STRENGTHS), default=1.0)
dream_options = together(
    preset_option,
    guide_option,
    option("--invert", "The guide's activations themselves: what the layer keeps of it.", is_flag=True),
    steps_option("octaves", "octave_n", default=library_default("octave_n"), type=Octaves(1, MOST_OCTAVES)),
    steps_option("octave_scale", default=library_default("octave_scale")),
    steps_option("iterations", "iter_n", default=library_default("iter_n")),
    strength_option,
    steps_option("step_size", default=library_default("step_size")),
    option(
        "-j --jitter",
        "Maximum random shift per step, in pixels.",
        click.IntRange(0, LARGEST_JITTER),
        default=library_default("jitter"),
    ),
    option(
        "--clip/--no-clip",
        "Pixels kept within 0..255 at each step, or rescaled at the end.",
        default=library_default("clip"),
    ),
    era_option(),
)


def _weight(names: str, help: str, most: float) -> Decorator:
    """Make an option for a strength that is 0 by default."""
    return option(names, f"{help}  [default: 0]", FiniteRange(min=0, max=most), default=0.0)


retouch_options = together(
    option("--mask", "Mask picture: white dreams, black stays to the byte.", ReadFile()),
    option("--keep-colors", "The picture's own colours; only brightness dreams.", is_flag=True),
    _weight("--tv", "Weight of total variation, against grain.", STRONGEST_TV),
    _weight("--pull-back", "Weight of the pull to the input; try 0.05.", STRONGEST_PULL),
    _weight("--smooth", "Sigma of a gradient blur, in pixels.", WIDEST_BLUR),
    steps_option("laplacian", default=0),
    steps_option("decorrelate", default=0.0, text="0"),
    option("--decorrelate-color", "Steps in the colours of natural pictures.", is_flag=True),
    option(
        "--color-correlations",
        "The same with those of a folder of pictures, or of red and green, red and blue, green and blue.",
        Measured(color_correlations, check_correlations, 3, "0.9,0.81,0.9"),
        metavar="FOLDER|X,X,X",
    ),
    shorthand(
        "--robust",
        f"Another scale and angle at each step: --robust-scale {Robust.scale:g} --robust-rotate {Robust.rotate:g}.",
        robust_scale=Robust.scale,
        robust_rotate=Robust.rotate,
    ),
    steps_option("robust_scale", default=0.0, text="0"),
    steps_option("robust_rotate", default=0.0, text="0"),
    _weight("--stretch", "Contrast of the result: percentage of values made black, and as many white.", MOST_STRETCH),
)
blend_option = _weight("--blend", "Share of the input picture in the result.", 1)

# ---- sizes ----

long_side_option = partial(
    option, "--long-side", "Long side that the picture is resized to; adds octaves.", click.IntRange(1, 10**6)
)
size_options = together(
    long_side_option(),
    option("--size", "Size that the picture is resized to.", read_size, metavar="WxH"),
)


def image_size_option(default: str, **more: Any) -> Decorator:
    """Make the option for the size of a picture that is only imagined: nothing is resized."""
    text = f"Picture size to calculate with.  [default: {default}]"
    return option("--image-size", text, read_size, metavar=WIDTH_HEIGHT, **more)


def frames_option(least: int, default: int) -> Decorator:
    """Make the option for the length of a zoom loop."""
    return option("--frames", "Number of frames of the zoom loop.", click.IntRange(least, MOST_FRAMES), default=default)


def _memory(text: str) -> int:
    """Read bytes, with or without a unit: ``2G``, ``800M``."""
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?)b?", text, re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise click.BadParameter(f"{text!r} is not an amount of memory (expected a number with a unit, e.g. 2G)")
    return int(float(found[1]) * 1000 ** " kmgt".index(found[2].lower() or " "))


memory_option = option(
    "--memory",
    "Memory limit for the whole program, e.g. 2G; larger pictures are processed in tiles.  [default: half of what is"
    " free]",
    _memory,
    metavar="SIZE",
)
tile_options = together(
    option(
        "--tile",
        "Side of the tiles in which the gradient is computed, in pixels; 0: never.  [default: tiles where the picture"
        " would not fit in memory]",
        click.IntRange(0, LARGEST_TILE),
    ),
    memory_option,
)

common_run_options = together(seed_option(), exact_options, runtime_option, device_option)
run_options = together(common_run_options, backend_option)

# What all commands have that dream, but sweep, which chooses layers otherwise; and what ends every list of options.
dreaming_options = together(objective_options, dream_options, retouch_options, run_options, tile_options)
last_options = together(sidecar_option, no_sync_option, quiet_option)
