"""What the commands with the tutorial's renderers share: their options, and what those come to."""

from __future__ import annotations

import inspect
from typing import Any

import click

from ..dream.laplacian import MOST_LEVELS
from ..dream.octaves import MOST_OCTAVES
from ..dream.params import LARGEST_STEP
from ..dream.tutorial import RENDERERS, TILE_SIZE
from ..record.recipe import Rendering
from .job import Dreamer, prepare
from .network import weights_option
from .options import (
    Decorator,
    FiniteRange,
    device_option,
    dtype_option,
    input_options,
    model_option,
    runtime_option,
    seed_option,
    tile_options,
    together,
)
from .scoring import CHANNELS, channels_of

# Option → the parameter of a renderer, and what a recipe calls it.
_PARAMETERS = {
    "iterations": ("iter_n", "iter_n"),
    "step": ("step", "step_size"),
    "octaves": ("octave_n", "octave_n"),
    "octave_scale": ("octave_scale", "octave_scale"),
}


def _defaults(parameter: str) -> str:
    """Tell a parameter's default, renderer by renderer where they differ."""
    told: dict[Any, list[str]] = {}
    for name, render in RENDERERS.items():
        if parameter in (known := inspect.signature(render).parameters):
            told.setdefault(known[parameter].default, []).append(name)
    several = [f"{value} for {' and '.join(names)}" for value, names in told.items()]
    return f"  [default: {', '.join(several) if len(told) > 1 else next(iter(told))}]"


renderer_options = together(
    click.option(
        "-r",
        "--renderer",
        type=click.Choice(list(RENDERERS)),
        default="lapnorm",
        show_default=True,
        help="Which of the tutorial's ways: the whole picture's gradient, the same at growing sizes, with its Laplacian"
        " bands made equally strong, or octaves as in a dream.",
    ),
    click.option("-n", "--iterations", type=click.IntRange(min=1), help=f"Steps in each octave.{_defaults('iter_n')}"),
    click.option(
        "-s",
        "--step",
        type=FiniteRange(min=0, max=LARGEST_STEP, min_open=True),
        help=f"Factor of the normalised gradient.{_defaults('step')}",
    ),
    click.option(
        "--octaves",
        type=click.IntRange(1, MOST_OCTAVES),
        help=f"Sizes, the smallest first; naive has one.{_defaults('octave_n')}",
    ),
    click.option(
        "--octave-scale",
        type=FiniteRange(min=1),
        help=f"Ratio between the sizes of two octaves.{_defaults('octave_scale')}",
    ),
    click.option(
        "--laplacian-levels",
        type=click.IntRange(0, MOST_LEVELS),
        help=f"Bands that lapnorm splits off a gradient.{_defaults('lap_n')}",
    ),
)


render_run_options = together(seed_option, dtype_option, runtime_option, device_option, tile_options)


def channels_option(what: str) -> Decorator:
    """Make the option for a layer and its channels."""
    return together(
        model_option,
        weights_option,
        input_options,
        click.option("-l", "--layer", type=LayerType(), metavar="LAYER[:CHANNELS]", help=what),
    )


class LayerType(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A layer and channels of it: ``fire4/expand3x3:7``, ``fire4/expand3x3:0-15,20``, ``:7`` of the default layer."""

    name = "LAYER[:CHANNELS]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the layer, None for the network's own, and the channels, None for all; the text stays beside them."""
        if not isinstance(value, str):
            return value
        name, colon, listed = value.rpartition(":")
        if not colon or not CHANNELS.fullmatch(listed):
            return Layer(value, value, None)
        channels = channels_of(listed, value)
        if len(set(channels)) < len(channels):
            self.fail(f"{value!r} names a channel twice", param, ctx)
        return Layer(value, name or None, channels)


class Layer:
    """What `--layer` says.

    Attributes
    ----------
    name : str or None
        None: the network's own default.
    channels : tuple of int or None
    """

    def __init__(self, given: str, name: str | None, channels: tuple[int, ...] | None) -> None:
        self._given = given
        self.name = name
        self.channels = channels

    def __str__(self) -> str:
        return self._given  # as it is retold


def recipe_taken(options: dict[str, Any], channels: tuple[int, ...] | None = None) -> dict[str, Any]:
    """Take `renderer_options` out of a command's options, and give what a recipe says in their place.

    What was not chosen is the renderer's default; what it does not know is refused.
    """
    renderer, lap_n = options.pop("renderer"), options.pop("laplacian_levels")
    known = inspect.signature(RENDERERS[renderer]).parameters
    recipe: dict[str, Any] = {"octave_n": 1}
    for option, (parameter, name) in _PARAMETERS.items():
        value = options.pop(option)
        if parameter in known:
            recipe[name] = known[parameter].default if value is None else value
        elif value is not None:
            _refuse(renderer, option)
    if "lap_n" in known:
        lap_n = known["lap_n"].default if lap_n is None else lap_n
    elif lap_n is not None:
        _refuse(renderer, "laplacian-levels")
    rendering = Rendering(renderer=renderer, channels=channels, lap_n=lap_n)
    for option in ("tile", "memory"):
        if options[option] is not None and not rendering.whole:
            what = f"the network sees {TILE_SIZE}x{TILE_SIZE} pixels at a time with {renderer}; naive can go in blocks"
            raise click.BadParameter(what, param_hint=f"'--{option}'")
    return {**recipe, "rendering": rendering}


def prepare_rendering(*, layer: str | None, **options: Any) -> Dreamer:
    """Load the network as `prepare` does; a dream's layer may have a weight, a renderer's has none."""
    dreamer = prepare(layer=layer, guide=None, **options)
    if dreamer.recipe.objective:
        raise click.BadParameter(f"the renderers take {layer!r} without a weight", param_hint="'--layer'")
    return dreamer


def _refuse(renderer: str, option: str) -> None:
    raise click.BadParameter(f"the renderer {renderer} has none", param_hint=f"'--{option.replace('_', '-')}'")
