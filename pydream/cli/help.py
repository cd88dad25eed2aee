"""Help is options under headings, most wanted first; what only experts need stands under --help-all.

The one list of all options' names is here: an option has one meaning in all commands, so it has one place too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

HEADINGS = {
    "Output": "output pictures gif resume force only format sidecar",
    "Film": "from to range blend flow cut fps quality",
    "Loop": "frames scale rotate shift grid",
    "Dream of": "preset layer at-most like check-weights class input guide objective",
    "Steps": "renderer octaves octave-scale iterations step-size jitter clip",
    "Look": "mask keep-colors laplacian smooth tv pull-back",
    "Exactness": "seed exact dtype era backend runtime device",
    "Network": "model weights mean pixel-scale channel-order input-node description url",
    "Size": "size image-size quick workers memory scheduler tile",
    "Figure": "at gain columns title theme width dpi caption",
    "General": "json plot quiet debug help help-all",
}
# A picture can be made, and made again on another machine, without these.
EXPERT = (
    "format sidecar cut quality grid objective clip dtype era backend runtime device weights mean pixel-scale"
    " channel-order input-node memory scheduler tile dpi caption debug"
)
_FEW = 11  # options that need no headings
_WIDEST = 19  # of an option's name and value: longer ones have a line of their own
_ALL = f"{__name__}.all"


def long_name(option: click.Option) -> str:
    """Return an option's name as the list above has it: ``step-size``."""
    return next(name for name in option.opts if name.startswith("--"))[2:]


class Command(click.Command):
    """A command with such help."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, with --help and --help-all."""
        params = super().get_params(ctx)
        if any(isinstance(param, click.Option) and long_name(param) in EXPERT.split() for param in self.params):
            params.append(_help_all)
        return params

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words after the command's name, with the options that are required."""
        options, *arguments = super().collect_usage_pieces(ctx)
        required = [param for param in self.params if isinstance(param, click.Option) and param.required]
        return [options, *(f"{param.opts[0]} {param.make_metavar(ctx)}" for param in required), *arguments]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options that are wanted, under their headings."""
        in_full = bool(ctx.meta.get(_ALL))
        found = {long_name(param): param for param in self.get_params(ctx) if isinstance(param, click.Option)}
        if "help-all" not in found:
            in_full = True  # nothing is left out
        shown = {
            name: _row(found[name], ctx, in_full) for name in _in_order(found) if in_full or name not in EXPERT.split()
        }
        width = max((len(names) for names, _ in shown.values() if len(names) <= _WIDEST), default=0)
        rows = {name: (f"{names:<{width}}", text) for name, (names, text) in shown.items()}
        if len(rows) <= _FEW:
            _write(formatter, "Options", list(rows.values()), width, apart=True)
            return
        formatter.write_paragraph()
        for heading, names in HEADINGS.items():
            under = [rows[name] for name in names.split() if name in rows]
            if under:
                _write(formatter, heading, under, width, apart=in_full)


def _in_order(found: dict[str, click.Option]) -> Iterator[str]:
    """Yield the names of a command's options in the order of the list; one that is not in it ends the help at once."""
    listed = [name for names in HEADINGS.values() for name in names.split()]
    yield from sorted(found, key=listed.index)


def _write(
    formatter: click.HelpFormatter, heading: str, rows: list[tuple[str, str]], width: int, *, apart: bool
) -> None:
    """Write one heading and what is under it."""
    if apart:
        formatter.write_paragraph()
    formatter.write_heading(heading)
    formatter.indent()
    formatter.write_dl(rows, col_max=width)
    formatter.dedent()


def _row(option: click.Option, ctx: click.Context, in_full: bool) -> tuple[str, str]:
    """Return an option's names and its help, in full with the values that it takes."""
    names, text = option.get_help_record(ctx) or ("", "")
    if in_full:
        return names, text
    notes = []
    default = option.get_default(ctx) if option.show_default else None
    if isinstance(default, bool):
        notes.append(f"default: {(option.opts if default else option.secondary_opts)[0].lstrip('-')}")
    elif default is not None:
        values = default if isinstance(default, (list, tuple)) else [default]
        notes.append(f"default: {', '.join(map(str, values))}")
    return names, f"{option.help or ''}  [{'; '.join(notes)}]" if notes else option.help or ""


def _show_all(ctx: click.Context, _: click.Parameter, wanted: bool) -> Any:
    if wanted and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


_help_all = click.Option(
    ["--help-all"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_all,
    help="Show the options for experts too.",
)
