r"""Manual pages from the commands' own help: ``python -m pydream.cli.manual FOLDER``.

``man -l FOLDER/pydream-dream.1`` shows one. Where FOLDER is the ``share/man/man1`` beside a ``bin`` of PATH, as in a
virtual environment, ``man pydream-dream`` finds it. The pages have the macros of man(7), which groff and mandoc know.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import click

from .. import __version__
from ..files import make_folder, write_text
from . import COMMANDS, GROUPS, main
from .errors import errors_in_one_line
from .help import HEADINGS, long_name
from .streams import echo_path, standard_streams

_EXIT_STATUS = {
    "0": "It is done.",
    "1": "The run failed, by what is in a file or on the machine.",
    "2": "The command line asks for what cannot be.",
    "130, 143, 129": "Ctrl-C, SIGTERM and SIGHUP.",
    "141": "The reader of standard output is gone.",
}


def write_pages(folder: Path) -> list[Path]:
    """Write the page of every command into a folder, and return the files."""
    make_folder(folder)
    written = []
    for name, text in pages():
        written.append(folder / f"{name}.1")
        write_text(written[-1], text)
    return written


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every command's page, the group's first."""
    yield from _pages(main, click.Context(main, info_name="pydream"))


def _pages(command: click.Command, ctx: click.Context) -> Iterator[tuple[str, str]]:
    yield ctx.command_path.replace(" ", "-"), "".join(f"{line}\n" for line in _page(command, ctx))
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            if (each := command.get_command(ctx, name)) is not None:
                yield from _pages(each, click.Context(each, parent=ctx, info_name=name))


def _page(command: click.Command, ctx: click.Context) -> Iterator[str]:
    name = ctx.command_path.replace(" ", "-")
    summary, *text = inspect.cleandoc(command.help or "").split("\n\n")
    yield f'.TH {name.upper()} 1 {date.today()} "pydream {__version__}" "pydream"'
    yield ".SH NAME"
    yield f"{_escaped(name)} \\-"
    yield from _filled(summary.rstrip("."))
    yield ".SH SYNOPSIS"
    yield f".B {_escaped(ctx.command_path)}"
    yield from _filled(" ".join(command.collect_usage_pieces(ctx)))
    if prose := [part for part in text if not part.startswith("\b\npydream")]:
        yield ".SH DESCRIPTION"
        for number, part in enumerate(prose):
            if number:
                yield ".PP"
            yield from _verbatim(part) if part.startswith("\b") else _filled(part)
    if isinstance(command, click.Group):
        yield from _commands(command, ctx)
    yield from _options(command, ctx)
    if examples := [part for part in text if part.startswith("\b\npydream")]:
        yield ".SH EXAMPLES"
        for part in examples:
            yield from _verbatim(part)
    yield ".SH EXIT STATUS"
    for code, meaning in _EXIT_STATUS.items():
        yield from _item(code, meaning)
    others = [f"pydream-{each}" for each in COMMANDS] if command is main else ["pydream"]
    yield ".SH SEE ALSO"
    yield from (f".BR {_escaped(each)} (1){',' if each != others[-1] else ''}" for each in others)


def _commands(group: click.Group, ctx: click.Context) -> Iterator[str]:
    yield ".SH COMMANDS"
    if group is main:
        for heading, commands in GROUPS.items():
            yield f".SS {heading}"
            for name, text in commands.items():
                yield from _item(name, text)
        return
    for name in group.list_commands(ctx):
        each = group.get_command(ctx, name)
        yield from _item(name, each.get_short_help_str(200) if each is not None else "")


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """Yield the options in the order of --help-all, under its headings if they are many."""
    found = [each for each in command.get_params(ctx) if isinstance(each, click.Option)]
    order = [name for names in HEADINGS.values() for name in names.split()]
    by_heading = {
        heading: [each for name in names.split() for each in found if long_name(each) == name]
        for heading, names in HEADINGS.items()
    }
    by_heading["Version"] = [each for each in found if long_name(each) not in order]
    used = {heading: options for heading, options in by_heading.items() if options}
    yield ".SH OPTIONS"
    for heading, options in used.items():
        if len(used) > 2:
            yield f".SS {heading}"
        for each in options:
            names, text = each.get_help_record(ctx) or ("", "")
            yield from _item(names, text)


def _item(name: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_escaped(name)}"
    yield from _filled(text)


def _filled(text: str) -> Iterable[str]:
    """Yield a paragraph's lines, no longer than an editor wants them."""
    return [_line(line) for line in textwrap.wrap(" ".join(text.split()), 60, break_long_words=False)]


def _verbatim(text: str) -> Iterator[str]:
    yield ".nf"
    yield from (_line(line) for line in text.removeprefix("\b\n").split("\n"))
    yield ".fi"


def _line(text: str) -> str:
    """Return a line of text, which is no macro, whatever it begins with."""
    escaped = _escaped(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    """Return text as roff reads it: hyphens that can be copied, and ASCII alone."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
    return "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in text)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def _program(folder: Path) -> None:
    with errors_in_one_line():
        for page in write_pages(folder):
            echo_path(page)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m {__spec__.name} FOLDER")
    with standard_streams():
        _program(prog_name=f"python -m {__spec__.name}")
