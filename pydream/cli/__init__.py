"""The command line: a group that imports a command only when that command is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .. import __version__
from .errors import debug_option, told_in_one_line
from .signals import uninterrupted

COMMANDS = {  # each is `command` in the module of its name
    "atlas": "Show what every channel of a layer looks for, on one sheet.",
    "bench": "Measure this machine: image operations, network, a dream.",
    "dream": "Dream on a picture.",
    "history": "Show how a dream grows, iteration by iteration.",
    "layers": "List a network's layers, to dream with one of them.",
    "models": "List the networks, and how to get their weights.",
    "octaves": "Show what each octave of a dream adds.",
    "presets": "List the looks that have names.",
    "replay": "Make a picture again from what it says of itself.",
    "reproduce": "Make the results of the 2015 notebook again, with a report.",
    "sweep": "Dream with one layer after the other: a contact sheet.",
    "vectors": "Write what a port to another language is held to.",
    "video": "Dream on every frame of a film, with its sound.",
    "visualize": "Show what a channel or a layer looks for, as the 2016 tutorial does.",
    "zoom": "Dream, move in, dream again: frames and films.",
}


class Commands(click.Group):
    """The commands by name; whatever goes wrong below is told in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, without an import."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is called."""
        if cmd_name not in COMMANDS:
            return None
        with uninterrupted():
            command: click.Command = importlib.import_module(f"{__name__}.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help that needs no import either; click's own would ask each command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the group's own options."""
        with told_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the command's options and run it."""
        with told_in_one_line(ctx):
            return super().invoke(ctx)


@contextmanager
def _reading(max_pixels: int) -> Iterator[None]:
    """Take pictures of up to so many pixels in place of Pillow's limit."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    envvar="PYDREAM_MAX_PIXELS",
    show_envvar=True,
    help="How large pictures may be, since a small file can claim to be a huge one.  [default: 89478485]",
)
@debug_option
@click.pass_context
def main(ctx: click.Context, max_pixels: int | None) -> None:
    """Google's 2015 DeepDream: Caffe networks dream on your pictures.

    \b
    pydream dream sky.jpg -o dream.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    if max_pixels is not None:
        ctx.with_resource(_reading(max_pixels))
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
