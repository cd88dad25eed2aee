"""`pydream presets`: the looks that have names, and what they stand for."""

from __future__ import annotations

from json import dumps

import click

from ...record.command import option_words
from ...record.presets import PRESETS, Preset
from ..help import Command
from ..options import json_option
from ..streams import echo
from .dream import command as dream


@click.command("presets", cls=Command)
@json_option
def command(json: bool) -> None:
    """List the named looks, and the options that each stands for.

    A preset sets defaults; options beside it win, and all others stay as they are. The strong ones are first. Those
    with a --layer run on the network that has it, unless --model names another; the others are known by the network
    that is listed, and run on any. `pydream models fetch --looks` gets the networks that are not built in.

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
        echo(
            f"{preset.name:<10}{preset.about}",
            f"{'':<10}{' '.join([*options(preset), *option_words({'--model': preset.model})])}",
        )


def options(preset: Preset) -> list[str]:
    """Return a preset as the options of `pydream dream`."""
    words: list[str] = []
    for param in dream.params:
        value = preset.params.get(param.name or "")
        if isinstance(value, bool):
            words.append(param.opts[-1] if value else param.secondary_opts[-1])
        elif value is not None:
            words += option_words({param.opts[-1]: list(value) if isinstance(value, tuple) else value})
    return words
