"""`--workers` and `--scheduler`: the processes that a command's dreams are made in, where it is not this one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from ..cluster import Cluster, connected, local
from .errors import debugging
from .options import together
from .signals import between_steps

MOST_WORKERS = 1024  # of one machine
PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(PROTOCOLS):
        raise click.BadParameter(f"{value!r} is no address, as tcp://10.0.0.1:8786 is one", ctx, param)
    return value


worker_options = together(
    click.option(
        "--workers",
        type=click.IntRange(1, MOST_WORKERS),
        help="Dream in so many processes at once, on this machine. Wants pydream[dask].",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        callback=_address,
        help="Dream on the workers of the Dask scheduler there: tcp://HOST:PORT. Wants pydream[dask].",
    ),
)


@dataclass(frozen=True)
class Crew:
    """What `worker_options` say.

    Attributes
    ----------
    workers : int or None
        On this machine.
    scheduler : str or None
        Of those elsewhere.
    """

    workers: int | None
    scheduler: str | None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Crew | None:
        """Take the options out of a command's; None where it is to dream in this process."""
        workers, scheduler = options.pop("workers"), options.pop("scheduler")
        if workers is not None and scheduler is not None:
            raise click.BadParameter("the workers of a --scheduler are started beside it", param_hint="'--workers'")
        return None if workers is None and scheduler is None else cls(workers, scheduler)

    @property
    def option(self) -> str:
        """What it was told with."""
        return "'--workers'" if self.scheduler is None else "'--scheduler'"

    @contextmanager
    def at_work(self) -> Iterator[Cluster]:
        """Have the workers ready; `ClusterError` where they cannot be had."""
        loud = debugging(click.get_current_context())
        if self.scheduler is not None:
            with connected(self.scheduler, between_steps, loud) as cluster:
                yield cluster
        else:
            assert self.workers is not None
            threads = max(_threads() // self.workers, 1)
            with local(self.workers, threads, between_steps, loud) as cluster:
                yield cluster


def _threads() -> int:
    """Give how many threads this process may use."""
    told = os.environ.get("PYDREAM_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else len(os.sched_getaffinity(0))
