"""The options of the commands with the tutorial's renderers, and the recipe that they become."""

from __future__ import annotations

import inspect
from typing import Any

import click

from ..dream.tutorial import RENDERERS, TILE_SIZE
from ..record.recipe import Rendering
from .job import Dreamer, prepare
from .network import weights_option
from .options import (
    Decorator,
    device_option,
    exact_options,
    input_options,
    layer_option,
    model_option,
    runtime_option,
    seed_option,
    steps_option,
    tile_options,
    together,
)
from .scoring import CHANNELS, channels_of

# Option → the parameter of a renderer, and what a recipe calls it.
_PARAMETERS = {
    "iterations": ("iter_n", "iter_n"),
    "step_size": ("step", "step_size"),
    "octaves": ("octave_n", "octave_n"),
    "octave_scale": ("octave_scale", "octave_scale"),
}


def _defaults(parameter: str) -> str:
    """Return a parameter's default as text, renderer by renderer where they differ."""
    found: dict[Any, list[str]] = {}
    for name, render in RENDERERS.items():
        if parameter in (known := inspect.signature(render).parameters):
            found.setdefault(known[parameter].default, []).append(name)
    several = [f"{value} for {' and '.join(names)}" for value, names in found.items()]
    return ", ".join(several) if len(found) > 1 else str(next(iter(found)))


renderer_options = together(
    click.option(
        "-r",
        "--renderer",
        type=click.Choice(list(RENDERERS)),
        default="lapnorm",
        show_default=True,
        metavar="NAME",
        help=f"One of the tutorial's renderers: {', '.join(RENDERERS)}.",
    ),
    *(steps_option(option, text=_defaults(parameter)) for option, (parameter, _) in _PARAMETERS.items()),
    steps_option("laplacian", text=_defaults("lap_n")),
)


render_run_options = together(seed_option(), exact_options, runtime_option, device_option, tile_options)


def channels_option() -> Decorator:
    """Make the options for a network, a layer and its channels."""
    return together(model_option(), weights_option, input_options, layer_option("LAYER[:CHANNELS]", type=LayerType()))


class LayerType(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """A layer and channels of it: ``fire4/expand3x3:7``, ``fire4/expand3x3:0-15,20``, ``:7`` of the default layer."""

    name = "LAYER[:CHANNELS]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the layer, None for the network's own, and the channels, None for all; the text stays beside them."""
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
    """The value of `--layer`.

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
        return self._given  # as a record has it


def recipe_taken(options: dict[str, Any], channels: tuple[int, ...] | None = None) -> dict[str, Any]:
    """Take `renderer_options` out of a command's options, and return the recipe's fields in their place.

    What was not chosen is the renderer's default; a parameter that it does not have is refused.
    """
    renderer, lap_n = options.pop("renderer"), options.pop("laplacian")
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
        _refuse(renderer, "laplacian")
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
    raise click.BadParameter(f"the renderer {renderer} does not have it", param_hint=f"'--{option.replace('_', '-')}'")
