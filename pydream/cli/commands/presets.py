"""`pydream presets`: the looks that have names, and what they stand for."""

from __future__ import annotations

import json

import click

from ...record.presets import PRESETS, Preset
from ..errors import debug_option
from .dream import command as dream


@click.command("presets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@debug_option
def command(as_json: bool) -> None:
    """List the presets: what each looks like, and the options that it stands for.

    A preset gives defaults; options beside it win. What a preset does not name stays as it is. Those with a layer are
    for the built-in network.

    \b
    pydream presets
    pydream dream sky.jpg -o dream.png --preset report --iterations 20
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if as_json:
        click.echo(
            json.dumps([{"name": each.name, "about": each.about, **each.params} for each in PRESETS.values()], indent=1)
        )
        return
    for preset in PRESETS.values():
        click.echo(f"{preset.name:<10}{preset.about}")
        click.echo(f"{'':<10}{' '.join(options(preset))}")


def options(preset: Preset) -> list[str]:
    """Give a preset as the options of `pydream dream`."""
    words: list[str] = []
    for param in dream.params:
        value = preset.params.get(param.name or "")
        if isinstance(value, bool):
            words.append(param.opts[-1] if value else param.secondary_opts[-1])
        elif value is not None:
            words += [param.opts[-1], str(value)]
    return words
