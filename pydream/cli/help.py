"""Help is options under headings, most wanted first; what only experts need stands under --help-all.

The one list of all options' names is here: an option has one meaning in all commands, so it has one place too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from ..errors import ParameterError
from .errors import debug_option
from .streams import echo

HEADINGS = {
    "Output": "output top dream series across between diverse check recursive pictures gif resume force only format"
    " depth sidecar no-sync",
    "Film": "from to range carry flow cut fps quality",
    "Loop": "frames scale rotate shift ease hold plan grid",
    "Dream of": "preset layer channels at-most like check-weights class input guide objective caricature also"
    " direction direction-power invert",
    "Steps": "renderer octaves octave-scale octave-sizes iterations strength step-size jitter clip",
    "Look": "mask keep-colors laplacian decorrelate decorrelate-color color-correlations smooth tv"
    " magnitudes robust robust-scale robust-rotate pull-back seamless stretch blend",
    "Exactness": "seed exact dtype era backend runtime device all",
    "Network": "model weights mean pixel-scale channel-order input-node layout description url looks",
    "Studio": "host port folder no-browser allow-remote",
    "Size": "max-pixels long-side size image-size quick workers memory scheduler tile",
    "Figure": "natural places side factors cell sized most-cells at gain columns title theme width dpi caption",
    "General": "json plot yes quiet debug help help-all",
}
# A picture can be made, and made again on another machine, without these.
_EXPERT = (
    "recursive format depth sidecar no-sync cut quality grid objective caricature octave-scale octave-sizes jitter clip"
    " decorrelate decorrelate-color color-correlations tv robust robust-scale robust-rotate seamless stretch dtype era"
    " backend runtime device weights mean pixel-scale channel-order input-node size memory scheduler tile dpi caption"
    " debug direction direction-power invert most-cells across between also diverse"
)
EXPERT = frozenset(_EXPERT.split())
_FEW = 11  # options that need no headings
_WIDEST = 19  # of an option's name and value: longer ones have a line of their own
_ALL = f"{__name__}.all"


def long_name(option: click.Option) -> str:
    """Return an option's name as the list above has it: ``step-size``."""
    return next(name for name in option.opts if name.startswith("--"))[2:]


def _by_name(params: Iterable[click.Parameter]) -> dict[str, click.Option]:
    return {long_name(param): param for param in params if isinstance(param, click.Option)}


class Command(click.Command):
    """A command with such help."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, with those of every command: --help, --help-all and --debug."""
        return [*super().get_params(ctx), _help_all, debug_option]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the library's error of a parameter becomes that of the option."""
        try:
            return super().invoke(ctx)
        except ParameterError as error:
            option = f"'--{error.parameter.replace('_', '-')}'"
            raise click.BadParameter(error.problem, ctx, param_hint=option) from error

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words after the command's name, with the options that are required."""
        options, *arguments = super().collect_usage_pieces(ctx)
        required = [param for param in _by_name(self.params).values() if param.required]  # each has a metavar
        return [options, *(f"{param.opts[0]} {param.metavar}" for param in required), *arguments]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options that are wanted, under their headings."""
        options = _by_name(self.get_params(ctx))
        in_full = ctx.meta.get(_ALL, False)
        records = {
            name: _record(option, ctx, in_full) for name, option in options.items() if in_full or name not in EXPERT
        }
        width = max((len(names) for names, _ in records.values() if len(names) <= _WIDEST), default=0)
        in_order = " ".join(HEADINGS.values())
        apart = True
        for heading, names in (HEADINGS if len(records) > _FEW else {"Options": in_order}).items():
            rows = [(f"{records[name][0]:<{width}}", records[name][1]) for name in names.split() if name in records]
            if rows:
                if apart:
                    formatter.write_paragraph()
                formatter.write_heading(heading)
                with formatter.indentation():
                    formatter.write_dl(rows, col_max=width)
                apart = in_full


def _record(option: click.Option, ctx: click.Context, in_full: bool) -> tuple[str, str]:
    """Return an option's names and its help, in full with the values that it takes."""
    names, text = option.get_help_record(ctx) or ("", "")
    default = option.get_default(ctx) if option.show_default else None
    if in_full or default is None:
        return names, text if in_full else option.help or ""
    if isinstance(default, bool):
        default = (option.opts if default else option.secondary_opts)[0].lstrip("-")
    values = default if isinstance(default, (list, tuple)) else [default]
    return names, f"{option.help}  [default: {', '.join(map(str, values))}]"


def _show_all(ctx: click.Context, _: click.Parameter, wanted: bool) -> Any:
    if wanted and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        echo(*ctx.get_help().split("\n"))
        ctx.exit()


_help_all = click.Option(
    ["--help-all"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_all,
    help="Show the options for experts too.",
)
