"""`--preset` makes a look's parameters the defaults of a command, and its network too, if it has layers of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource

from ..errors import NetFileError, UnknownNameError
from ..net import unknown_name
from ..record.presets import PRESETS, Preset, zoom_params
from ..record.recipe import Recipe
from ..zoo.load import find_files
from ..zoo.registry import DEFAULT_NETWORK
from . import completion

_KEY = f"{__name__}.preset"


class PresetName(click.Choice):  # type: ignore[type-arg]  # before 8.2 it has none
    """A look's name; a wrong one is answered with close ones."""

    def __init__(self) -> None:
        super().__init__(list(PRESETS))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a name that there is."""
        if value not in PRESETS:
            self.fail(str(unknown_name("preset", value, PRESETS)), param, ctx)
        return super().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the looks that begin so, with what is said of them."""
        return completion.beginning(incomplete, ((preset.name, preset.about) for preset in PRESETS.values()))


def take_preset(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Make a preset's parameters the command's defaults, as far as it has them."""
    if name is None:
        return
    preset = ctx.meta[_KEY] = PRESETS[name]
    of_network = {"model": preset.network, "layer": list(preset.layers)} if preset.layers else {}
    ctx.default_map = {**(ctx.default_map or {}), **preset.params, **of_network}


def zoom_options(options: dict[str, Any], earlier: Recipe | None = None) -> dict[str, Any]:
    """Return the options of a zoom loop, `earlier` that of one that is resumed: see `zoom_params`."""
    ctx = click.get_current_context()
    source = {name: ctx.get_parameter_source(name) for name in ("layer", "classes", "kind", "guide", "iter_n")}
    of_look = {name for name, where in source.items() if where is ParameterSource.DEFAULT_MAP}
    given = {name for name, where in source.items() if where is not ParameterSource.DEFAULT} - of_look
    built_in, preset = options["model"] == DEFAULT_NETWORK, ctx.meta.get(_KEY)
    more = zoom_params(built_in=built_in, given=given, of_look=of_look, preset=preset, earlier=earlier)
    return {**options, **more}


def network_note(model: str) -> str | None:
    """Return a line about a preset whose network is another than `model`; None: there is nothing to say."""
    preset = _of_model()
    note = None if preset is None else preset.note(model)
    return None if note is None else f"--preset {note}"


@contextmanager
def of_preset(model: str, weights: object = None) -> Iterator[None]:
    """Say in errors about layers and weights that a preset named them, in this block."""
    preset = _of_model()
    ctx = click.get_current_context()
    if preset is None or ctx.get_parameter_source("layer") is not ParameterSource.DEFAULT_MAP:
        yield
        return
    look = f"--preset {preset.name} is a look of {preset.network}"
    if model == preset.network and weights is None:
        try:
            find_files(model)
        except NetFileError as error:
            how = f"`pydream models fetch {preset.network}` gets them, or PYDREAM_MODELS names their folder"
            raise NetFileError(f"{look}, whose weights are missing: {how}") from error
    try:
        yield
    except UnknownNameError as error:
        missing = str(error).partition(";")[0]
        if not missing.startswith("no blob"):  # a class or a network that the preset did not name
            raise
        how = "leave --model out, or name a --layer"
        raise UnknownNameError(f"{look}, and {model} is another network: {missing}; {how}") from error


def _of_model() -> Preset | None:
    """Return the preset of a command that runs one network; others say in their figures what they ran."""
    ctx = click.get_current_context(silent=True)
    preset: Preset | None = ctx.meta.get(_KEY) if ctx is not None and "model" in ctx.params else None
    return preset
