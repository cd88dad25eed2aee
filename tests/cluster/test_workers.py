"""Tasks on real worker processes: each is done once, in bounded flight, whoever dies; and nothing waits for ever."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from support.clusters import Processes, until

from pydream.cluster import workers as module
from pydream.cluster.workers import IN_FLIGHT, connected, local
from pydream.errors import ClusterError, WorkerDiedError

pytest.importorskip("distributed", reason="NOT PROVEN HERE: Dask is not installed (pip install '.[dask]')")

# Tasks are Python expressions: `eval` is a function that every worker has.
PID = "__import__('os').getpid()"


def sleeping(seconds, then=PID):
    return f"(__import__('time').sleep({seconds}), {then})[1]"


def noting(file, what, then):
    """Note in a file what is begun, and by whom, before it is done."""
    return f"(open({str(file)!r}, 'a').write('{what} ' + str({PID}) + chr(10)), {then})[1]"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("dask"), nanny=True) as processes, connected(processes.address) as cluster:
        until(lambda: len(cluster.client.scheduler_info()["workers"]) == 2)
        yield cluster


@pytest.fixture
def impatient(monkeypatch):
    for name, seconds in {"CONNECT": 1.0, "PATIENCE": 1.5, "LONELY": 1.0, "_ASK_EVERY": 0.2}.items():
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def hasty(monkeypatch):
    """A worker is silent after a second, and hung after two."""
    for name, seconds in {"SILENT": 1.0, "HUNG": 2.0, "_ASK_EVERY": 0.2}.items():
        monkeypatch.setattr(module, name, seconds)


def results(cluster, tasks, between=lambda: None):
    return {key: outcome.get() for key, outcome in cluster.run(eval, tasks, between)}


def test_every_task_once(two):
    assert results(two, ((number, f"{number} ** 2") for number in range(40))) == {n: n**2 for n in range(40)}


def test_both_work(two):
    assert len(set(results(two, ((number, sleeping(0.2)) for number in range(6))).values())) == 2


def test_tasks_are_taken_as_workers_get_free(two):
    taken = given = most = 0

    def tasks():
        nonlocal taken
        for number in range(30):
            taken += 1
            yield number, "0"

    for _ in two.run(eval, tasks()):
        given += 1
        most = max(most, taken - given + 1)
    assert (taken, given) == (30, 30)
    assert most <= IN_FLIGHT * 2


def test_an_error_costs_its_own_task(two):
    outcomes = dict(two.run(eval, [("good", "1"), ("bad", "1 / 0"), ("none", "None")]))
    assert outcomes["good"].get() == 1
    assert outcomes["none"].get() is None
    with pytest.raises(ZeroDivisionError):
        outcomes["bad"].get()


def test_a_worker_that_would_compute_something_else_ends_it(two):
    error = "__import__('pydream.errors').errors.ClusterError('of another kind')"
    raising = f"(_ for _ in ()).throw({error})"
    with pytest.raises(ClusterError, match=r"^of another kind$"):
        results(two, [(number, raising) for number in range(3)])
    assert results(two, [("then", "2")]) == {"then": 2}


def test_a_worker_without_what_a_task_needs_ends_it(two):
    with pytest.raises(ClusterError, match="not installed there: No module named 'dreamer'"):
        results(two, [(0, "__import__('dreamer')")])


def test_what_between_raises_ends_it(two):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(two.run(eval, [("long", sleeping(0.5))], interrupt))
    assert results(two, [("then", "2")]) == {"then": 2}


def test_a_killed_worker_costs_its_own_task(two, tmp_path):
    """SIGKILL for one of two in the middle of its second task or so; it is the one task that is begun twice."""
    begun = tmp_path / "begun"
    killed = []

    def kill():
        lines = begun.read_text().split("\n") if begun.exists() else []
        if (
            not killed and len(lines) > 4 and time.time() - begun.stat().st_mtime > 0.2
        ):  # what was before has been fetched
            what, pid = lines[-2].split()
            killed.append((what, int(pid)))
            os.kill(int(pid), signal.SIGKILL)

    tasks = ((f"t{number}", noting(begun, f"t{number}", sleeping(0.8))) for number in range(9))
    done = dict(two.run(eval, tasks, kill))
    assert sorted(done) == [f"t{number}" for number in range(9)]
    times = [line.split()[0] for line in begun.read_text().splitlines()]
    assert {what for what in times if times.count(what) > 1} == {killed[0][0]}
    assert done[killed[0][0]].get() != killed[0][1]


def test_what_kills_every_worker_ends_alone(two):
    tasks = [(number, sleeping(0.1)) for number in range(8)]
    tasks.insert(2, ("poison", "__import__('os')._exit(1)"))
    done = dict(two.run(eval, tasks))
    assert sorted(map(str, done)) == sorted(map(str, dict(tasks)))
    with pytest.raises(WorkerDiedError, match="worker after worker died of it"):
        done.pop("poison").get()
    assert all(outcome.get() > 0 for outcome in done.values())


def test_a_hung_worker_is_replaced(two, tmp_path, monkeypatch, hasty):
    """It holds Python's lock, so no heartbeat leaves it; the other one only takes long."""
    lines = []
    monkeypatch.setattr(two, "say", lines.append)
    begun, holding = tmp_path / "begun", "__import__('ctypes').PyDLL(None).sleep(60)"
    hanging = f"__import__('os').path.exists({str(begun)!r}) or {noting(begun, '', holding)}"
    tasks = [("slow", sleeping(2.5, "'slow'")), ("hung", hanging), *((number, str(number)) for number in range(4))]
    assert results(two, tasks) == {"slow": "slow", "hung": True, **{number: number for number in range(4)}}
    hung = next(line for line in lines if line.endswith(" for 2 seconds; its tasks go to others"))
    silent = f"the worker at {hung.split()[3]} has been silent for 1 seconds"
    assert silent in lines[: lines.index(hung)]


def test_a_worker_found_hung_at_once_is_first_called_silent(two, monkeypatch):
    """Between two looks at a busy machine more time may pass than makes a worker silent."""
    lines = []
    monkeypatch.setattr(two, "say", lines.append)
    monkeypatch.setattr(two, "_begin", lambda replacing: None)
    monkeypatch.setattr(two, "_heard", {})
    for passed in (0.0, module.HUNG + 1):
        two._listen({"tcp://there": {"last_seen": 7.0}}, passed)
    assert [line.partition(" for ")[0] for line in lines] == ["the worker at tcp://there has been silent"] * 2


def test_large_tasks_go_without_a_word(two, capfd):
    """Dask has a warning for them."""
    large = "'" + "x" * 15_000_000 + "'"
    assert len(results(two, [("large", large)])["large"]) == 15_000_000
    assert capfd.readouterr() == ("", "")


def test_in_order(two):
    """What comes early waits, and nobody runs ahead of what is waited for; not even where that kills its workers."""
    taken = given = most = 0

    def tasks():
        nonlocal taken
        for number in range(20):
            taken += 1
            yield "__import__('os')._exit(1)" if number == 6 else sleeping(0.5 if number == 2 else 0.01, str(number))

    for number, outcome in enumerate(two.in_order(eval, tasks())):
        given += 1
        most = max(most, taken - given + 1)
        if number == 6:
            with pytest.raises(WorkerDiedError):
                outcome.get()
        else:
            assert outcome.get() == number
    assert (taken, given) == (20, 20)
    assert most <= IN_FLIGHT * 2


# ---- a scheduler that is not what it should be ----


def test_no_scheduler(impatient):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(ClusterError, match=f"^no Dask scheduler can be reached at '{address}': "), connected(address):
        pass
    assert time.monotonic() - started < 10


def test_something_else_there(impatient):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"^no Dask scheduler can be reached at .*"), connected(address):
            pass


def test_no_workers(impatient, tmp_path):
    with Processes(tmp_path, workers=0) as processes:
        line = f"{processes.address} has had no workers for 1 seconds; `dask worker {processes.address}` starts one"
        with pytest.raises(ClusterError, match=re.escape(line)), connected(processes.address):
            pass


@pytest.mark.parametrize(
    ("number", "what"), [(signal.SIGSTOP, "has not answered for 1.5 seconds"), (signal.SIGKILL, "is gone")]
)
def test_a_scheduler_that_stops_or_dies(impatient, tmp_path, number, what, monkeypatch):
    monkeypatch.setattr(module, "LONELY", 20.0)  # its worker may take a while to start
    done, began = [], time.monotonic()

    def between():
        if stopped and time.monotonic() - stopped[0] > 0.5:
            raise KeyboardInterrupt

    def use(cluster, between=lambda: None):
        for key, outcome in cluster.run(eval, ((number, sleeping(0.3)) for number in range(1000)), between):
            done.append((key, outcome.get()))
            if len(done) == 2:
                processes.scheduler.send_signal(number)
                stopped.append(time.monotonic())

    stopped = []
    with Processes(tmp_path, workers=1) as processes, connected(processes.address) as cluster:
        if number == signal.SIGSTOP:  # Ctrl-C does not wait for it
            with pytest.raises(KeyboardInterrupt):
                use(cluster, between)
            assert time.monotonic() - stopped[0] < 1.4
        with pytest.raises(ClusterError, match=f"^the scheduler at .* {what}"):
            use(cluster)
    assert len(done) >= 2
    assert time.monotonic() - began < 30


def test_all_workers_die(impatient, tmp_path):
    def use(processes):
        with connected(processes.address) as cluster:
            for _ in cluster.run(eval, ((number, sleeping(0.1)) for number in range(1000))):
                processes.workers[0].kill()

    with Processes(tmp_path, workers=1) as processes, pytest.raises(ClusterError, match="has had no workers for 1 sec"):
        use(processes)


# ---- workers of one's own ----


@pytest.fixture(scope="module")
def own():
    with local(2, 3) as cluster:
        yield cluster


def test_own_workers_have_their_share_of_threads(own):
    assert own.workers > 0
    told = "__import__('os').environ['PYDREAM_NUM_THREADS'], __import__('os').environ['OPENBLAS_NUM_THREADS']"
    assert results(own, [(0, told)]) == {0: ("3", "3")}


def test_a_terminals_ctrl_c_is_not_for_workers(own):
    """Nor for those that take the place of one that died."""
    first = set(results(own, ((number, sleeping(0.2)) for number in range(4))).values())
    for pid in first:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGHUP)
    assert set(results(own, ((number, sleeping(0.2)) for number in range(4))).values()) == first
    os.kill(min(first), signal.SIGKILL)
    until(lambda: not Path(f"/proc/{min(first)}").exists())
    ignored = "__import__('signal').pthread_sigmask(0, [])"
    assert {int(signal.SIGINT), int(signal.SIGHUP)} <= {
        int(each) for masks in results(own, [(n, sleeping(0.2, ignored)) for n in range(4)]).values() for each in masks
    }


def test_ctrl_c_while_all_hang(own):
    pids = set(results(own, ((number, sleeping(0.2)) for number in range(4))).values())
    began = time.monotonic()

    def interrupt():
        if time.monotonic() - began > 0.5:
            raise KeyboardInterrupt

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(KeyboardInterrupt):
            results(own, ((number, PID) for number in range(4)), interrupt)
        assert time.monotonic() - began < 2
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert results(own, [("then", "2")]) == {"then": 2}


def test_nobody_else_talks_to_them(own, impatient):
    assert own.address.startswith("tls://127.0.0.1:")
    for address in (own.address, own.address.replace("tls", "tcp")):
        with pytest.raises(ClusterError, match=r"^no Dask scheduler can be reached at"), connected(address):
            pass


def test_nothing_is_left(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = dict(os.environ)
    pids = []

    def use(error):
        with local(2, 1) as cluster:
            tasks = ((number, sleeping(0.1 if number < 4 else 60)) for number in range(6))
            for _, outcome in cluster.run(eval, tasks):
                pids.append(outcome.get())
                if len(pids) == 3:
                    raise error

    with pytest.raises(KeyboardInterrupt):
        use(KeyboardInterrupt)
    assert len(pids) == 3
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 5)
    assert os.listdir(tmp_path) == []
    assert dict(os.environ) == before
    assert capfd.readouterr() == ("", "")
