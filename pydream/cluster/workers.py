"""A cluster is processes that tasks are carried to, here or on other machines, by Dask: the one door to it.

Dask's scheduler keeps a task until its result has been fetched, so a worker that dies costs what it was at: the task
goes to another one. What is added here is that nothing waits for ever, and that memory does not grow with the tasks.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import tempfile
import warnings
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from time import monotonic
from typing import Any

from ..errors import ClusterError, MissingExtraError, WorkerDiedError, pip_install
from .tasks import K, Outcome, R, T

IN_FLIGHT = 2  # tasks a worker: one that it is at, and one that is on its way

# Seconds.
CONNECT = 10.0  # until a scheduler has to answer at first
PATIENCE = 30.0  # and later
LONELY = 20.0  # how long it may be without a worker
_ASK_EVERY = 2.0  # whether it is there
_TICK = 0.2  # how often a wait looks up
_CLOSE = 1.0  # for what is cut off


@dataclass
class Cluster:
    """Workers that a scheduler knows of.

    Attributes
    ----------
    client : distributed.Client
    address : str
        The scheduler's.
    workers : int
        How many it had when it was last asked.
    """

    client: Any
    address: str
    workers: int = 0
    _question: futures.Future[Any] | None = None
    _asked: float = field(default_factory=monotonic)
    _lonely: float | None = None  # since when it has none

    def run(
        self,
        function: Callable[[T], R],
        tasks: Iterable[tuple[K, T]],
        between: Callable[[], None] = lambda: None,
        held: Collection[Any] = (),
    ) -> Iterator[tuple[K, Outcome[R]]]:
        """Have tasks done, and give what comes of each when it comes.

        Parameters
        ----------
        function : callable
            Of a module that the workers have too.
        tasks : iterable of (key, task)
            Taken as workers get free: no more than `IN_FLIGHT` a worker are on their way.
        between : callable
            Is called several times a second; what it raises ends everything.
        held : collection
            Of what was given and counts as on its way still.

        Yields
        ------
        (key, Outcome)

        Raises
        ------
        ClusterError
            Where the scheduler is gone, or does not answer, or has no workers for long; and where a worker says that it
            would compute something else. What was given before is good.
        """
        from distributed import KilledWorker

        left = iter(tasks)
        flying: dict[futures.Future[Outcome[R]], tuple[K, Any]] = {}  # what comes: of which key, by which of Dask's
        suspects: list[tuple[K, Any]] = []  # whose workers died: of them, or of what was beside them

        def fly(key: K, future: Any) -> None:
            flying[self._begin(self._fetch(future))] = (key, future)

        try:
            while True:
                while len(flying) + len(suspects) + len(held) < IN_FLIGHT * max(self.workers, 1):
                    following = next(left, None)
                    if following is None:
                        break
                    key, task = following
                    fly(key, self.client.submit(function, task, pure=False))
                    del task, following  # Dask has it
                if alone := not flying:
                    if not suspects:
                        break
                    key, future = suspects.pop()
                    future.retry()
                    fly(key, future)
                landed = self._first(flying, between)
                key, future = flying.pop(landed)
                outcome = landed.result()
                if isinstance(outcome.error, KilledWorker) and not alone:
                    suspects.append((key, future))
                else:
                    yield key, _judged(outcome)
                del landed, future, outcome  # nobody keeps them then
        finally:
            for coming in flying:
                coming.cancel()
            with suppress(Exception):
                self.client.cancel([future for _, future in flying.values()], force=True)

    def in_order(
        self, function: Callable[[T], R], tasks: Iterable[T], between: Callable[[], None] = lambda: None
    ) -> Iterator[Outcome[R]]:
        """As `run`, in the order of the tasks; what comes early is held, and counts as on its way."""
        early: dict[int, Outcome[R]] = {}
        given = 0
        for number, outcome in self.run(function, enumerate(tasks), between, early):
            early[number] = outcome
            while given in early:
                yield early.pop(given)
                given += 1

    def wait_for_workers(self, between: Callable[[], None]) -> None:
        """Wait until there is one at least; `ClusterError` where there is none for long."""
        while not self.workers:
            self._wait(asyncio.sleep(_TICK / 2), between)
            self._watch(now=True)

    async def _fetch(self, future: Any) -> Outcome[Any]:
        """Wait for a task in Dask's own thread, and give what comes of it, however often it has to be done again."""
        try:
            return Outcome(await self.client.gather(future, asynchronous=True))
        except (Exception, asyncio.CancelledError, futures.CancelledError) as error:
            if future.status == "error" and isinstance(error, Exception):
                return Outcome(error=error)
            if future.status == "pending":  # nobody waits for it any more
                raise
            gone = f"the scheduler at {self.address} is gone, and what the workers were at with it"
            return Outcome(error=ClusterError(gone))

    def _begin(self, coming: Coroutine[Any, Any, R]) -> futures.Future[R]:
        """Have something awaited in Dask's own thread."""
        return asyncio.run_coroutine_threadsafe(coming, self.client.loop.asyncio_loop)

    def _wait(self, coming: Coroutine[Any, Any, R], between: Callable[[], None]) -> R:
        """Wait for what is awaited in Dask's own thread, as long as the scheduler answers."""
        waiting = self._begin(coming)
        try:
            return self._first([waiting], between).result()
        finally:
            waiting.cancel()

    def _first(self, waiting: Collection[futures.Future[R]], between: Callable[[], None]) -> futures.Future[R]:
        """Give the first of these that is there, as long as the scheduler answers."""
        while True:
            self._watch()
            between()
            done, _ = futures.wait(waiting, _TICK, futures.FIRST_COMPLETED)
            if done:
                return done.pop()

    def _watch(self, now: bool = False) -> None:
        """Ask the scheduler now and then for its workers; raise where no answer comes, or none has been there long."""
        time = monotonic()
        if self._question is None:
            if now or time - self._asked > _ASK_EVERY:
                self._asked = time
                self._question = self._begin(self.client.scheduler.ncores())
        elif not self._question.done():
            if time - self._asked > PATIENCE:
                raise ClusterError(f"the scheduler at {self.address} has not answered for {PATIENCE:g} seconds")
        else:
            question, self._question = self._question, None
            try:
                self.workers = len(question.result())
            except OSError as error:
                raise ClusterError(f"the scheduler at {self.address} is gone: {error}") from error
            self._lonely = None if self.workers else self._lonely or time
            if self._lonely is not None and time - self._lonely > LONELY:
                raise ClusterError(
                    f"the scheduler at {self.address} has had no workers for {LONELY:g} seconds;"
                    f" `dask worker {self.address}` starts one"
                )


def _judged(outcome: Outcome[R]) -> Outcome[R]:
    """Raise what is not the task's own fault, and say in a line what ended its workers."""
    from distributed import KilledWorker

    error = outcome.error
    if isinstance(error, ClusterError):
        raise error
    if isinstance(error, ImportError):  # of the task's own module, most likely
        raise ClusterError(f"a worker cannot take tasks, as something is not installed there: {error}") from error
    if isinstance(error, KilledWorker):
        return Outcome(error=WorkerDiedError("worker after worker died of it, most likely for want of memory"))
    return outcome


@contextmanager
def connected(address: str, between: Callable[[], None] = lambda: None, loud: bool = False) -> Iterator[Cluster]:
    """Use the workers of a scheduler that runs somewhere.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, or ``tls://host:port`` with the certificates that Dask's configuration names.
    between : callable
        As for `Cluster.run`.
    loud : bool
        Whether Dask may log.

    Raises
    ------
    ClusterError
        Where there is no scheduler that answers, or it has no workers.
    MissingExtraError
        Where Dask is not installed.
    """
    _import_dask(loud)
    from distributed import Client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other versions: `pydream.cluster.tasks` compares those that count
        try:
            asyncio.run(asyncio.wait_for(_greet(address), CONNECT))
            client = Client(address, timeout=CONNECT, set_as_default=False, name="pydream")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            silent = f"no answer within {CONNECT:g} seconds"
            why = silent if isinstance(error, TimeoutError) else " ".join(str(error).split())
            raise ClusterError(f"no Dask scheduler at '{address}' to be reached: {why}") from error
    cluster = Cluster(client, address)
    try:
        cluster.wait_for_workers(between)
        yield cluster
    finally:
        _close(client)


async def _greet(address: str) -> None:
    """Ask a scheduler who it is: Dask's client would wait for ever for one that takes a connection and says nothing."""
    from distributed import Security, rpc

    async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
        await scheduler.identity()


@contextmanager
def local(
    workers: int, threads: int, between: Callable[[], None] = lambda: None, loud: bool = False
) -> Iterator[Cluster]:
    """Start worker processes on this machine, which nobody else can talk to, and end them with the block.

    Parameters
    ----------
    workers : int
    threads : int
        Of each.
    between, loud
        As for `connected`.
    """
    _import_dask(loud)
    import dask
    from distributed import Client, LocalCluster

    many = str(threads)
    settings = {
        "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": many, "OPENBLAS_NUM_THREADS": many},
        "distributed.comm.timeouts.connect": "5s",  # to a worker that has died, here, where nothing is far away
    }
    kept = dict(os.environ)  # Dask puts the above there too
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pydream-dask-", ignore_cleanup_errors=True) as folder,
            dask.config.set({**settings, "temporary-directory": folder}),
        ):
            with _terminals_signals_held():
                processes = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    security=True,  # certificates of this run: others on this machine are strangers too
                    dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # of its HTTP server, which is there anyway
                    memory_limit=None,  # Dask would kill at its own; tiles are pydream's way
                    local_directory=folder,
                    silence_logs=logging.INFO if loud else logging.CRITICAL + 1,
                    env={"PYDREAM_NUM_THREADS": many},
                )
            client = Client(processes, set_as_default=False, name="pydream")
            cluster = Cluster(client, str(processes.scheduler_address))
            try:
                cluster.wait_for_workers(between)
                yield cluster
            finally:
                _close(client)
                with suppress(Exception):
                    processes.sync(_end, list(processes.workers.values()))
                    processes.close(timeout=PATIENCE)
    finally:
        os.environ.clear()
        os.environ.update(kept)


async def _end(nannies: Iterable[Any]) -> None:
    """End worker processes that may be busy, without the seconds that Dask would give them."""
    await asyncio.gather(*(nanny.close(timeout=_CLOSE) for nanny in nannies))


def _close(client: Any) -> None:
    with suppress(Exception):  # the scheduler may be gone
        client.close(timeout=_CLOSE)


@contextmanager
def _terminals_signals_held() -> Iterator[None]:
    """Keep Ctrl-C and the end of the terminal from threads and processes that the block starts, and all they start.

    A terminal sends them to every process in it. This one alone decides what they come to.
    """
    resource_tracker.ensure_running()  # it would let them in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGHUP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _import_dask(loud: bool) -> None:
    """Import Dask, and keep it from logging."""
    try:
        import dask

        # Pictures are larger than the graphs that it warns of, and come one by one.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"})
        if not loud:
            silent = dict.fromkeys(("distributed", "distributed.client", "distributed.gc", "asyncio"), "critical")
            dask.config.set({"logging": silent})
        importlib.import_module("distributed")
    except ImportError as error:
        raise MissingExtraError(f"workers need Dask ({error}): {pip_install('dask')}") from error
