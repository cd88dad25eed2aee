"""The command line: a group that imports a command only when that command is called.

What the commands share is in this folder, and `commands/` has one file for each, in the groups that --help shows.

=============  =========================================================================
options        options that several commands have; rendering, workers, folders, figures: more of them
help           headings and order of the options in --help
input          what is read and written: files, folders, standard input and output, noise
listing        the pictures of a folder, and what of it is left out
completion     what a word that is begun may become: networks, layers, classes, files
shells         completion in bash, zsh and fish: their scripts, and the answer to a TAB
manual         manual pages, from the commands' help
places         what is written: known to be writable, not read, and this run's
job            a network and a recipe, ready for pictures: it dreams and it saves
figures        a sheet, or a page, its record, and its dreams: made now, by workers, or in an earlier run
sheets         a sheet, or a page, of dreams that differ: of layers, or of looks
folders        pictures that a stopped run left, and films
natural        `--natural`: how near drawings are to natural pictures
rendering      the options of the tutorial's renderers
workers        `--workers` and `--scheduler`
progress       bars on stderr
streams        standard input, output and error: printable lines, and streams that are lost
signals        Ctrl-C, SIGTERM and SIGHUP, at safe moments
errors         an error is one line and an exit code
libraries      what other libraries say by the way, and warnings
=============  =========================================================================
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from .. import __version__
from ..reads import kept_apart
from ..system import uncollected
from .errors import debug_option, debugging, errors_in_one_line
from .libraries import limit_pixels, quiet_libraries
from .signals import signals_as_ctrl_c, uninterrupted
from .streams import echo, standard_streams

COMPLETION_VARIABLE = "_PYDREAM_COMPLETE"  # set where a shell asks

GROUPS = {  # each command is `command` in the module of its name
    "Dream": {
        "dream": "Dream on pictures.",
        "studio": "Dream in the browser, on a page of this machine.",
        "zoom": "Dream, move in, dream again: frames and films.",
        "video": "Dream on every frame of a film, with its sound.",
        "replay": "Make a picture again from its own record, and compare.",
        "presets": "List the named looks.",
        "looks": "Show every named look on one picture, with its command.",
    },
    "Look into a network": {
        "classify": "Show what a network takes a picture for, also before and after a dream.",
        "visualize": "Show what a channel or a layer looks for.",
        "channels": "Show what every channel of a layer looks for, on one sheet.",
        "atlas": "Map what a layer makes of many pictures.",
        "grid": "Show what a layer makes of each place of a picture.",
        "sweep": "Dream with one layer after the other: a contact sheet.",
        "octaves": "Show what each octave of a dream adds.",
        "history": "Show how a dream grows, iteration by iteration.",
    },
    "Networks": {
        "models": "List the networks, fetch their weights, add one.",
        "layers": "List a network's layers.",
    },
    "This shell": {"completion": "Print the script that completes names with TAB."},
    "2015": {"reproduce": "Make the results of the 2015 notebook again, with a report."},
    "For developers": {
        "selftest": "Check that this installation gives Caffe's bytes.",
        "bench": "Measure this machine: image operations, network, a dream.",
        "export": "Write a step's gradient as one ONNX file.",
        "vectors": "Write test vectors for ports to other languages.",
    },
}
COMMANDS = [name for group in GROUPS.values() for name in group]


class Commands(click.Group):
    """The commands by name; an error in any of them becomes one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, without an import."""
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is called."""
        if cmd_name not in COMMANDS:
            return None
        with uninterrupted(), uncollected():
            command: click.Command = importlib.import_module(f"{__name__}.commands.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Answer a wrong name with close ones."""
        if not args[0].startswith("-") and args[0] not in COMMANDS:
            from ..net import unknown_name

            ctx.fail(str(unknown_name("command", args[0], COMMANDS)))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands that begin so, without an import, or the group's own options."""
        from click.shell_completion import CompletionItem

        texts = {name: text for commands in GROUPS.values() for name, text in commands.items()}
        found = [CompletionItem(name, help=text) for name, text in texts.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, without an import, then the group's own options."""
        width = max(map(len, COMMANDS))
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{width}}", text) for name, text in commands.items()])
        click.Command.format_options(self, ctx, formatter)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line, whatever becomes of the standard streams; or answer a shell that waits behind TAB."""
        if COMPLETION_VARIABLE in os.environ:
            from .shells import answer

            answer(self)
        with standard_streams():
            return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the group's own options."""
        with errors_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the command's options and run it."""
        with signals_as_ctrl_c(), errors_in_one_line(ctx), quiet_libraries(debugging(ctx)), kept_apart():
            return super().invoke(ctx)


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    metavar="N",
    envvar="PYDREAM_MAX_PIXELS",
    show_envvar=True,
    help="Maximum number of pixels of a picture, as small files can claim to be huge.  [default: 89478485]",
)
@click.pass_context
def main(ctx: click.Context, max_pixels: int | None) -> None:
    """Google's 2015 DeepDream: Caffe networks dream on your pictures.

    \b
    pydream dream sky.jpg -o dream.png
    """  # noqa: D301 (click's mark for a block to leave as it is)
    limit_pixels(ctx, max_pixels)
    if ctx.invoked_subcommand is None:
        echo(*ctx.get_help().split("\n"))


main.params.append(debug_option)  # the last in --help
