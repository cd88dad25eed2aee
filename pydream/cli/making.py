"""How options are made: from a text of their names, with the metavar of their type; several as one decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..dream.octaves import AUTO
from .places import ReadFile
from .ranges import FiniteRange, Octaves, StepSize

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


_METAVARS: dict[Any, str] = {
    click.IntRange: "N",
    FiniteRange: "X",
    StepSize: "X",
    Octaves: f"N|{AUTO}",
    ReadFile: "FILE",
}


def option(names: str, help: str, type: Any = None, **more: Any) -> Decorator:
    """Make an option of a type, which decides on its metavar, unless `more` has one.

    The names stand in one text, as ``-n --iterations``; a parameter of another name than the option's is the last.
    A default is shown, unless the help describes it.
    """
    shown = "default" in more and "[default:" not in help
    usual = {"metavar": _METAVARS.get(type.__class__), "show_default": shown}
    return click.option(*names.split(), type=type, help=help, **{**usual, **more})


def shorthand(name: str, help: str, **defaults: Any) -> Decorator:
    """Make a flag that sets the defaults of other options."""

    def take(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted:
            ctx.default_map = {**(ctx.default_map or {}), **defaults}

    return option(name, help, is_flag=True, is_eager=True, expose_value=False, callback=take)  # before these options


def together(*options: Decorator) -> Decorator:
    """Make one decorator of several."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate
