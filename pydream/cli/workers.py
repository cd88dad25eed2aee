"""`--workers` and `--scheduler`: the processes that a command's dreams are made in, where it is not this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from ..cluster.workers import Cluster, connected, local
from ..system import free_bytes, resident_bytes, threads
from .errors import debugging
from .options import together
from .signals import between_steps

MOST_WORKERS = 1024  # of one machine
PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(PROTOCOLS):
        raise click.BadParameter(
            f"{value!r} is not an address (expected PROTOCOL://HOST:PORT, e.g. tcp://10.0.0.1:8786)", ctx, param
        )
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

    def memory(self, told: int | None) -> int | None:
        """Give the bytes that a worker may take.

        What is told; else its share of half of what is free here, beside what this process has. None for those
        elsewhere, who see for themselves.
        """
        free = free_bytes()
        if told is not None or self.workers is None or free is None:
            return told
        return resident_bytes() + free // 2 // self.workers


@contextmanager
def at_work(crew: Crew | None) -> Iterator[Cluster | None]:
    """Have the workers ready, None for none; `ClusterError` where they cannot be had."""
    loud = debugging(click.get_current_context())
    if crew is None:
        yield None
    elif crew.scheduler is not None:
        with connected(crew.scheduler, between_steps, loud) as cluster:
            yield cluster
    else:
        workers = crew.workers or 1
        with local(workers, max(threads() // workers, 1), between_steps, loud) as cluster:
            yield cluster


def staffed(title: str, cluster: Cluster) -> str:
    """Say in a title how many workers there are."""
    return f"{title}, {cluster.workers} worker{'' if cluster.workers == 1 else 's'}"
