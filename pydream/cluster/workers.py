"""A cluster is processes that tasks are sent to, here or on other machines, by Dask: the one door to it.

Dask's scheduler keeps a task until its result has been fetched, so a worker that dies costs what it was working on: the
task goes to another one. What is added here is that nothing waits for ever, and that memory does not grow with the
number of tasks. A worker sends heartbeats while it computes, however long that takes; one that does not is as good as
dead. Waits for answers and heartbeats are counted in ticks: time for which this process was stopped is not in them.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import warnings
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any

from .. import logs
from ..errors import ClusterError, MissingExtraError, WorkerDiedError, pip_install
from ..files import temporary_folder
from ..host.signals import terminals_blocked
from .tasks import K, Outcome, R, T

IN_FLIGHT = 2  # tasks a worker: one that it computes, and one that is on its way

# Seconds.
CONNECT = 10.0  # until a scheduler has to answer at first
PATIENCE = 30.0  # and later
LONELY = 20.0  # how long it may be without a worker
SILENT = 30.0  # how long a worker may be without a heartbeat until that is said
HUNG = 60.0  # and until its tasks are given to others
_ASK_EVERY = 2.0  # how often the scheduler is asked for its workers
_TICK = 0.2  # how long a wait is at most
_RESTART = 10.0  # for a nanny to end its worker
_CLOSE = 1.0  # for connections that are cut off


class _NoAnswerError(Exception):
    """Something takes too long."""


@dataclass
class _Heard:
    """What is known of a worker's heartbeats."""

    beat: float  # the scheduler's time of the last one
    silence: float = 0  # seconds since it changed
    said: bool = False


@dataclass
class Cluster:
    """Workers that a scheduler knows of.

    Attributes
    ----------
    client : distributed.Client
    address : str
        The scheduler's.
    say : callable
        Called with a line for people: a worker that does not answer.
    workers : int
        How many it had when it was last asked.
    """

    client: Any
    address: str
    say: Callable[[str], None] = lambda line: None
    workers: int = 0
    _asked: float = field(default_factory=monotonic)
    _last_seen: float = field(default_factory=monotonic)  # when it had workers
    _heard: dict[str, _Heard] = field(default_factory=dict)

    def run(
        self,
        function: Callable[[T], R],
        tasks: Iterable[tuple[K, T]],
        between: Callable[[], None] = lambda: None,
        early: Collection[Any] = (),
    ) -> Iterator[tuple[K, Outcome[R]]]:
        """Have tasks done, and yield what comes of each when it comes.

        Parameters
        ----------
        function : callable
            Of a module that the workers have too.
        tasks : iterable of (key, task)
            Taken as workers get free: no more than `IN_FLIGHT` a worker are on their way.
        between : callable
            Is called several times a second; what it raises ends everything.
        early : collection
            Results that the caller still keeps; they count as on their way.

        Yields
        ------
        (key, Outcome)

        Raises
        ------
        ClusterError
            Where the scheduler is gone, or does not answer, or has no workers for long; and where a worker says that it
            would compute something else. What was yielded before is good.
        """
        from distributed import KilledWorker

        left = iter(tasks)
        flying: dict[str, tuple[K, Any]] = {}
        suspects: list[tuple[K, Any]] = []  # their workers died: of them, or of another task that was there
        landed: SimpleQueue[Any] = SimpleQueue()

        def fly(key: K, future: Any) -> None:
            flying[future.key] = key, future
            future.add_done_callback(landed.put)

        try:
            while True:
                while len(flying) + len(suspects) + len(early) < IN_FLIGHT * max(self.workers, 1):
                    following = next(left, None)
                    if following is None:
                        break
                    fly(following[0], self.client.submit(function, following[1], pure=False))
                    del following  # Dask has it
                if last_one := not flying:
                    if not suspects:
                        break
                    key, future = suspects.pop()
                    self._ask(partial(self.client.retry, [future], asynchronous=True), between)
                    fly(key, future)
                future = self._first(landed, between)
                key, _ = flying.pop(future.key)
                outcome = self._fetch(future, between)
                if outcome is None:
                    logs.info("a task was lost with its worker, and is done again")
                    fly(key, future)
                elif isinstance(outcome.error, KilledWorker) and not last_one:
                    logs.info("a task whose workers died is done again, alone")
                    suspects.append((key, future))
                else:
                    yield key, _judged(outcome)
                del future, outcome, _  # so that nothing keeps them
        finally:
            with suppress(Exception):
                self.client.cancel([future for _, future in flying.values()], force=True)

    def in_order(
        self, function: Callable[[T], R], tasks: Iterable[T], between: Callable[[], None] = lambda: None
    ) -> Iterator[Outcome[R]]:
        """As `run`, in the order of the tasks; what comes early waits, and counts as on its way."""
        early: dict[int, Outcome[R]] = {}
        following = 0
        for number, outcome in self.run(function, enumerate(tasks), between, early):
            early[number] = outcome
            while following in early:
                yield early.pop(following)
                following += 1

    def wait_for_workers(self, between: Callable[[], None]) -> None:
        """Wait until there is a worker."""
        while not self.workers:
            self._watch(0, between)
            between()
            sleep(_TICK / 4)

    def _first(self, landed: SimpleQueue[Any], between: Callable[[], None]) -> Any:
        """Wait for the first future that is done, as long as the scheduler answers."""
        while True:
            self._watch(_ASK_EVERY, between)
            between()
            with suppress(Empty):
                return landed.get(timeout=_TICK)

    def _fetch(self, future: Any, between: Callable[[], None]) -> Outcome[Any] | None:
        """Fetch what came of a task; None where that was lost with its worker, and the task is done again."""
        import asyncio

        fetched = self._begin(future._result)  # `result` cannot be waited for in ticks
        try:
            while not futures.wait([fetched], _TICK).done:
                self._watch(_ASK_EVERY, between)
                between()
                if future.status == "pending":
                    return None
        finally:
            fetched.cancel()  # unless it is done
        try:
            return Outcome(fetched.result())
        except (Exception, asyncio.CancelledError) as error:
            if future.status == "error" and isinstance(error, Exception):
                return Outcome(error=error)
            if future.status == "pending":
                return None
            raise ClusterError(f"the scheduler at {self.address} is gone, and what the workers computed") from error

    def _begin(self, question: Callable[[], Coroutine[Any, Any, R]]) -> futures.Future[R]:
        """Have a coroutine run by Dask's thread."""
        import asyncio

        async def ask() -> R:
            return await question()

        return asyncio.run_coroutine_threadsafe(ask(), self.client.loop.asyncio_loop)

    def _ask(self, question: Callable[[], Coroutine[Any, Any, R]], between: Callable[[], None]) -> R:
        """Ask the scheduler something; raise where no answer comes."""
        asked = self._begin(question)
        try:
            return _wait(asked, between, PATIENCE)
        except _NoAnswerError:
            what = f"the scheduler at {self.address} has not answered for {PATIENCE:g} seconds"
            raise ClusterError(what) from None
        except OSError as error:
            raise ClusterError(f"the scheduler at {self.address} is gone: {error}") from error
        finally:
            asked.cancel()

    def _watch(self, every: float, between: Callable[[], None]) -> None:
        """Ask the scheduler now and then for its workers; raise where there have been none for long."""
        passed = monotonic() - self._asked
        if passed < every:
            return
        workers: dict[str, Any] = self._ask(self.client.scheduler.identity, between)["workers"]
        self._listen(workers, min(passed, 2 * _ASK_EVERY))
        self.workers = len(workers)
        self._asked = monotonic()
        if self.workers:
            self._last_seen = self._asked
        elif self._asked - self._last_seen > LONELY:
            raise ClusterError(
                f"the scheduler at {self.address} has had no workers for {LONELY:g} seconds;"
                f" `dask worker {self.address}` starts one"
            )

    def _listen(self, workers: dict[str, Any], passed: float) -> None:
        """Say which workers have sent no heartbeat for long, and have those that are taken for dead replaced."""
        before, self._heard = self._heard, {}
        for address, facts in workers.items():
            beat = facts["last_seen"]
            heard = self._heard[address] = before.get(address) or _Heard(beat)
            if heard.beat != beat:
                self._heard[address] = _Heard(beat)
                continue
            heard.silence += passed
            if heard.silence > SILENT and not heard.said:
                self.say(f"the worker at {address} has been silent for {SILENT:g} seconds")
                heard.said = True
            if heard.silence > HUNG:
                self.say(f"the worker at {address} has been silent for {HUNG:g} seconds; its tasks go to others")
                self._heard[address] = _Heard(beat, said=True)
                self._begin(partial(self._replace, address))

    async def _replace(self, address: str) -> None:
        """End a worker: its nanny kills it and starts another; without one, the scheduler forgets it."""
        await self.client.scheduler.restart_workers(
            workers=[address], timeout=_RESTART, wait_for_workers=False, on_error="return", stimulus_id="pydream-silent"
        )


def _judged(outcome: Outcome[R]) -> Outcome[R]:
    """Raise what is not the task's own fault, and say in one line what ended its workers."""
    from distributed import KilledWorker

    error = outcome.error
    if isinstance(error, ClusterError):
        raise error
    if isinstance(error, ImportError):  # of the task's own module, most likely
        raise ClusterError(f"a worker cannot run tasks, as something is not installed there: {error}") from error
    if isinstance(error, KilledWorker):
        return Outcome(error=WorkerDiedError("worker after worker died of it, most likely for lack of memory"))
    return outcome


@contextmanager
def connected(
    address: str,
    between: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
    verbose: bool = False,
) -> Iterator[Cluster]:
    """Use the workers of a scheduler that runs somewhere.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, or ``tls://host:port`` with the certificates that Dask's configuration names.
    between : callable
        As for `Cluster.run`.
    say : callable
        As for `Cluster`.
    verbose : bool
        Whether Dask may log.

    Raises
    ------
    ClusterError
        Where there is no scheduler that answers, or it has no workers.
    MissingExtraError
        Where Dask is not installed.
    """
    import asyncio  # with ssl, a tenth of a command's start

    _import_dask(verbose)
    from distributed import Client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other versions: `pydream.cluster.tasks` compares those that count
        try:
            _wait(_in_thread(lambda: asyncio.run(asyncio.wait_for(_greet(address), CONNECT))), between)
            client = Client(address, timeout=CONNECT, set_as_default=False, name="pydream")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            no_answer = f"no answer within {CONNECT:g} seconds"
            why = no_answer if isinstance(error, TimeoutError) else " ".join(str(error).split())
            raise ClusterError(f"no Dask scheduler can be reached at '{address}': {why}") from error
    cluster = Cluster(client, address, say)
    try:
        cluster.wait_for_workers(between)
        yield cluster
    finally:
        _close(client)


def _in_thread(function: Callable[[], R]) -> futures.Future[R]:
    """Run a function in a thread that the end of the process does not wait for."""
    run: futures.Future[R] = futures.Future()

    def finish() -> None:
        try:
            run.set_result(function())
        except BaseException as error:
            run.set_exception(error)

    Thread(target=finish, daemon=True).start()
    return run


def _wait(future: futures.Future[R], between: Callable[[], None], seconds: float = math.inf) -> R:
    """Return a future's result; raise `_NoAnswerError` where it takes longer."""
    waited = 0.0
    while not futures.wait([future], _TICK).done:
        between()
        waited += _TICK
        if waited > seconds:
            raise _NoAnswerError
    return future.result()


async def _greet(address: str) -> None:
    """Ask a scheduler for its identity: Dask's client would wait for ever for one that only accepts the connection."""
    from distributed import Security, rpc

    async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
        await scheduler.identity()


@contextmanager
def local(
    workers: int,
    threads: int,
    between: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
    verbose: bool = False,
) -> Iterator[Cluster]:
    """Start worker processes on this machine, which no other program can talk to, and end them with the block.

    Parameters
    ----------
    workers : int
    threads : int
        Of each.
    between, say, verbose
        As for `connected`.
    """
    _import_dask(verbose)
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
            temporary_folder() as folder,
            dask.config.set({**settings, "temporary-directory": str(folder)}),
        ):
            with terminals_blocked():
                processes = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    security=True,  # certificates of this run: other users of this machine have no access
                    dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # of its HTTP server, which is there anyway
                    memory_limit=None,  # Dask would kill them at its own; pydream uses tiles
                    local_directory=str(folder),
                    silence_logs=logging.INFO if verbose else logging.CRITICAL + 1,
                    env={"PYDREAM_NUM_THREADS": many},
                )
            client = Client(processes, set_as_default=False, name="pydream")
            cluster = Cluster(client, str(processes.scheduler_address), say)
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
    import asyncio

    await asyncio.gather(*(nanny.close(timeout=_CLOSE) for nanny in nannies))


def _close(client: Any) -> None:
    with suppress(Exception):  # the scheduler may be gone
        client.close(timeout=_CLOSE)


def _import_dask(verbose: bool) -> None:
    """Import Dask, and keep it from logging."""
    try:
        import dask

        # Pictures are larger than the graphs that it warns of, and come one by one.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"})
        if not verbose:
            levels = dict.fromkeys(("distributed", "distributed.client", "distributed.gc", "asyncio"), "critical")
            dask.config.set({"logging": levels})
        importlib.import_module("distributed")
    except ImportError as error:
        raise MissingExtraError(f"workers need Dask ({error}): {pip_install('dask')}") from error
