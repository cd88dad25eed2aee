"""The options of the commands with the tutorial's renderers, and the recipe that they become."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import click

from ..dream.labels import NUMBERS
from ..dream.renderers import DEFAULT, RENDERERS
from ..dream.tutorial import TILE_SIZE
from ..errors import ParameterError
from ..record.recipe import Rendering
from ..record.scoring import channels_of
from .options import common_run_options, layer_option, network_options, option, steps_option, tile_options, together

# Option → the parameter of a renderer, and what a recipe calls it.
_PARAMETERS = {
    "iterations": ("iter_n", "iter_n"),
    "step_size": ("step", "step_size"),
    "octaves": ("octave_n", "octave_n"),
    "octave_scale": ("octave_scale", "octave_scale"),
    "laplacian": ("lap_n", "lap_n"),
    "decorrelate": ("power", "power"),
    "robust_scale": ("robust_scale", "robust_scale"),
    "robust_rotate": ("robust_rotate", "robust_rotate"),
    "magnitudes": ("magnitudes", "magnitudes"),
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
    option(
        "-r --renderer",
        f"Renderer, of today or of the tutorial: {', '.join(RENDERERS)}.",
        click.Choice(list(RENDERERS)),
        default=DEFAULT,
        metavar="NAME",
    ),
    *(steps_option(each, text=_defaults(parameter)) for each, (parameter, _) in _PARAMETERS.items()),
)


class ChannelOption(NamedTuple):
    """The value of `--layer`, as it was given and read; None: the network's own layer, all channels."""

    given: str = ""
    name: str | None = None
    channels: tuple[int, ...] | None = None


def channel_option(given: str) -> ChannelOption:
    """Read ``fire4/expand3x3:7``, ``fire4/expand3x3:0-15,20``, or ``:7`` of the default layer."""
    name, colon, listed = given.rpartition(":")
    if not colon or not NUMBERS.fullmatch(listed):
        return ChannelOption(given, given)
    try:
        channels = channels_of(listed, given)
    except ParameterError as error:
        raise click.BadParameter(error.problem) from error
    if len(set(channels)) < len(channels):
        raise click.BadParameter(f"{given!r} names a channel twice")
    return ChannelOption(given, name or None, channels)


rendering_options = together(
    network_options,
    layer_option("LAYER[:CHANNELS]", type=channel_option),
    renderer_options,
    common_run_options,
    tile_options,
)


def recipe_taken(options: dict[str, Any], channels: tuple[int, ...] | None = None) -> dict[str, Any]:
    """Take `renderer_options` out of a command's options, and return the recipe's fields in their place.

    What was not chosen is the renderer's default; a parameter that it does not have is refused.
    """
    renderer = options.pop("renderer")
    known = inspect.signature(RENDERERS[renderer]).parameters
    recipe: dict[str, Any] = {"octave_n": 1, "lap_n": None, "power": None, "magnitudes": None}
    for each, (parameter, name) in _PARAMETERS.items():
        value = options.pop(each)
        if parameter in known:
            recipe[name] = known[parameter].default if value is None else value
        elif value is not None:
            hint = f"'--{each.replace('_', '-')}'"
            raise click.BadParameter(f"the renderer {renderer} does not have it", param_hint=hint)
    own = {name: recipe.pop(name) for name in ("lap_n", "power", "magnitudes")}
    rendering = Rendering(renderer=renderer, channels=channels, **own)
    for each in ("tile", "memory"):
        if options[each] is not None and not rendering.whole:
            what = (
                f"the network sees {TILE_SIZE}x{TILE_SIZE} pixels at a time with {renderer}; naive and maco take blocks"
            )
            raise click.BadParameter(what, param_hint=f"'--{each}'")
    return {**recipe, "rendering": rendering}
