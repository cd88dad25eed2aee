"""An error is one line on stderr, `pydream: error: …`, and an exit code.

2: the command line asks for what cannot be: a bad value, no such file, no such layer.
1: the run failed, by what is in a file or on the machine.
130, 143 and 129: Ctrl-C, SIGTERM and SIGHUP.
141: the reader of standard output is gone, as in `pydream layers | head -1`.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..easy.failure import Failure
from .libraries import loud_libraries
from .signals import exit_code
from .streams import echo

_DEBUG = f"{__name__}.debug"


class Failed(click.ClickException):
    """The run failed: one line, and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line on standard error."""
        echo(f"pydream: error: {' '.join(self.message.split())}", err=True)


class Usage(Failed):
    """The command line asks for what cannot be."""

    exit_code = 2


def bad_value(name: str, message: str) -> click.BadParameter:
    """Return the error of an option or argument."""
    return click.BadParameter(message, param_hint=f"'{name}'")


def one_line(error: Exception) -> Failed:
    """Return the line and the exit code for any exception."""
    if isinstance(error, click.UsageError):
        seek = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
        return Usage(f"{error.format_message().rstrip('.')}{seek}")
    failure = Failure.of(error)
    if failure.asked:
        return Usage(failure.line)
    return Failed(failure.line if failure.known else f"{failure.line} (--debug shows where)")


@contextmanager
def errors_in_one_line(ctx: click.Context | None = None) -> Iterator[None]:
    """Turn every error of the block into one line, after the traceback if --debug asks for it."""
    try:
        yield
    except (Failed, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        raise interruption("nothing was written") from None
    except Exception as error:
        if ctx is not None and debugging(ctx):
            _print_traceback(error)
        raise one_line(error) from error


def print_error(ctx: click.Context, error: Exception, about: str) -> None:
    """Print an error that costs one picture, `about` it, and not the run."""
    if debugging(ctx):
        _print_traceback(error)
    line = one_line(error).message
    Failed(line if f"'{about}'" in line else f"'{about}': {line}").show()


def _print_traceback(error: Exception) -> None:
    """Print a traceback, of each message one line."""
    for part in traceback.format_exception(error):
        echo(*(part.splitlines() if part.startswith("  File ") else [part.strip("\n")]), err=True)


def interruption(outcome: str) -> click.exceptions.Exit:
    """Print what an interrupted run leaves; return the exception that ends it with 128 + signal."""
    echo(f"pydream: interrupted; {outcome}", err=True)
    return click.exceptions.Exit(exit_code())


def debugging(ctx: click.Context) -> bool:
    """Return whether --debug was given, before or after the command's name."""
    return bool(ctx.meta.get(_DEBUG))


def _debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.meta[_DEBUG] = True
        if ctx.parent is not None:  # the group's own comes before `quiet_libraries`
            loud_libraries()


debug_option = click.Option(
    ["--debug"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_debug,
    help="Show where an error comes from, what pydream logs, and libraries' messages.",
)
