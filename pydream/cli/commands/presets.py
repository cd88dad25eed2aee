"""`pydream presets`: the looks that have names, and what they stand for."""

from __future__ import annotations

from json import dumps

import click

from ...record.presets import PRESETS, Preset
from ..help import Command
from ..options import json_option
from ..streams import echo
from .dream import command as dream


@click.command("presets", cls=Command)
@json_option
def command(json: bool) -> None:
    """List the named looks, and the options that each stands for.

    A preset sets defaults; options beside it win, and all others stay as they are. Those with a layer are for the
    built-in network; the others are known by a network that `pydream models fetch --looks` gets, and take any.

    \b
    pydream presets
    pydream dream sky.jpg -o dream.png --preset report --iterations 20
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if json:
        rows = [
            {"name": each.name, "about": each.about, "network": each.network, **each.params}
            for each in PRESETS.values()
        ]
        echo(*dumps(rows, indent=1).split("\n"))
        return
    for preset in PRESETS.values():
        echo(f"{preset.name:<10}{preset.about}", f"{'':<10}{' '.join([*options(preset), *_model(preset)])}")


def _model(preset: Preset) -> list[str]:
    return ["--model", preset.network] if preset.network else []


def options(preset: Preset) -> list[str]:
    """Return a preset as the options of `pydream dream`."""
    words: list[str] = []
    for param in dream.params:
        value = preset.params.get(param.name or "")
        if isinstance(value, bool):
            words.append(param.opts[-1] if value else param.secondary_opts[-1])
        elif value is not None:
            words += [param.opts[-1], str(value)]
    return words
