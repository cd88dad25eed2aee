"""`--workers` and `--scheduler`: the processes that a command's dreams are made in, where it is not this one."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import click
from tqdm import tqdm

from ..cluster.workers import Cluster, connected, local
from ..system import free_bytes, resident_bytes, threads
from .errors import debugging
from .options import together
from .signals import between_steps
from .streams import echo

MOST_WORKERS = 1024  # of one machine
PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(PROTOCOLS):
        expected = "expected PROTOCOL://HOST:PORT, e.g. tcp://10.0.0.1:8786"
        raise click.BadParameter(f"{value!r} is not an address ({expected})", ctx, param)
    return value


worker_options = together(
    click.option(
        "--workers",
        type=click.IntRange(1, MOST_WORKERS),
        metavar="N",
        help="Number of local worker processes (needs Dask).",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        callback=_address,
        help="Dask scheduler whose workers dream, tcp://HOST:PORT.",
    ),
)


@dataclass(frozen=True)
class WorkerOptions:
    """The values of `worker_options`.

    Attributes
    ----------
    workers : int or None
        Processes on this machine.
    scheduler : str or None
        Address of the scheduler of others.
    """

    workers: int | None
    scheduler: str | None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> WorkerOptions | None:
        """Take the options out of a command's; None: dream in this process."""
        workers, scheduler = options.pop("workers"), options.pop("scheduler")
        if workers is not None and scheduler is not None:
            raise click.BadParameter("the workers of a --scheduler are started beside it", param_hint="'--workers'")
        if workers is None and scheduler is None:
            return None
        if options.get("also"):
            raise click.BadParameter(
                "a worker has one network: leave --workers and --scheduler out", param_hint="'--also'"
            )
        return cls(workers, scheduler)

    @property
    def option(self) -> str:
        """The option that was given."""
        return "'--workers'" if self.scheduler is None else "'--scheduler'"

    def memory(self, given: int | None) -> int | None:
        """Return the bytes that a worker may take.

        What is given; else its share of half of what is free here, beside what this process has. None for those
        elsewhere, which decide for themselves.
        """
        free = free_bytes()
        if given is not None or self.workers is None or free is None:
            return given
        return resident_bytes() + free // 2 // self.workers


def start_workers(options: WorkerOptions | None) -> AbstractContextManager[Cluster | None]:
    """Start or find the workers, None for none; `ClusterError` where they cannot be had."""
    if options is None:
        return nullcontext()
    debug = debugging(click.get_current_context())
    if options.scheduler is not None:
        return connected(options.scheduler, between_steps, _say, debug)
    workers = options.workers or 1
    return local(workers, max(threads() // workers, 1), between_steps, _say, debug)


def _say(line: str) -> None:
    """Print a line about a worker, above the bar if there is one."""
    if not click.get_current_context().params.get("quiet"):
        with tqdm.external_write_mode(file=sys.stderr):
            echo(f"pydream: {line}", err=True)
