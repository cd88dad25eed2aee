"""An error is one line on stderr, `pydream: error: …`, and an exit code.

2: the command line asks for what cannot be: a bad value, no such file, no such layer.
1: the run failed, by what is in a file or on the machine.
130 and 143: Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..errors import PydreamError, UnknownNameError

_DEBUG = f"{__name__}.debug"
_SIGNAL = f"{__name__}.signal"


class OneLine(click.ClickException):
    """What the user sees of an error."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it where click prints its own errors."""
        click.echo(f"pydream: error: {' '.join(self.message.split())}", file=file, err=True)


class Failed(OneLine):
    """The run failed."""

    exit_code = 1


class Usage(OneLine):
    """The command line asks for what cannot be."""

    exit_code = 2


def one_line(error: Exception) -> OneLine:
    """Find the line and the exit code for any exception."""
    if isinstance(error, click.UsageError):
        seek = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
        return Usage(f"{error.format_message().rstrip('.')}{seek}")
    if isinstance(error, UnknownNameError):
        return Usage(str(error))
    if isinstance(error, (PydreamError, OSError)):
        return Failed(str(error))
    if isinstance(error, ValueError):  # deepdream's, of a parameter that click let through
        return Usage(str(error))
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's
        return Failed("not enough memory; a smaller picture needs less")
    first_line = next(iter(str(error).splitlines()), "")
    return Failed(f"{type(error).__name__}: {first_line} (--debug shows where)")


@contextmanager
def told_in_one_line(ctx: click.Context | None = None) -> Iterator[None]:
    """Turn every error of the block into one line, after the traceback if --debug asks for it."""
    try:
        yield
    except (OneLine, BrokenPipeError, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        raise interruption(ctx, "nothing was written") from None
    except Exception as error:
        if ctx is not None and debugging(ctx):
            traceback.print_exc()
        raise one_line(error) from error


def interruption(ctx: click.Context | None, outcome: str) -> click.exceptions.Exit:
    """Say what an interrupted run leaves; gives the exception that ends it with 128 + signal."""
    click.echo(f"pydream: interrupted; {outcome}", err=True)
    return click.exceptions.Exit(128 + (ctx.meta.get(_SIGNAL, signal.SIGINT) if ctx else signal.SIGINT))


@contextmanager
def sigterm_as_ctrl_c(ctx: click.Context) -> Iterator[None]:
    """Let SIGTERM interrupt the block as Ctrl-C does, so that a job's time limit loses no picture."""

    def interrupt(number: int, _: object) -> None:
        ctx.meta[_SIGNAL] = number
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def debugging(ctx: click.Context) -> bool:
    """Tell whether --debug was given, before or after the command's name."""
    return bool(ctx.meta.get(_DEBUG))


def _debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.meta[_DEBUG] = True


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_debug,
    help="Show where an error comes from, and TensorFlow's messages.",
)
