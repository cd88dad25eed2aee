"""Threads, memory and limits: of this process, and of file systems as Linux has them."""

import gc
import mmap
import os
import re
import resource
import subprocess
import sys

import numpy as np
import pytest

from pydream.bench.machine import machine
from pydream.cli.commands import reproduce
from pydream.errors import MemoryTooSmallError
from pydream.imageops import native_ops
from pydream.runtime.on_tensorflow import door
from pydream.system import (
    Limit,
    check_limits,
    free_bytes,
    limits,
    package_version,
    requested_threads,
    resident_bytes,
    threads,
    threads_of_tensorflow,
    total_memory,
    uncollected,
    usable_cores,
)

MEMINFO = "MemTotal:       16000000 kB\nMemFree:         100 kB\nMemAvailable:    8000000 kB\n"


LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max data size             {data:<20} unlimited            bytes     \n"
    "Max stack size            {stack:<20} unlimited            bytes     \n"
    "Max address space         {space:<20} unlimited            bytes     \n"
)
STATUS = "Name:\tpython\nVmSize:\t 1000000 kB\nVmData:\t  200000 kB\nThreads:\t2\nGroups:\t \n"


def system(folder, **files):
    for name, text in {"proc/meminfo": MEMINFO, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_without_groups_it_is_what_the_kernel_says(tmp_path):
    assert free_bytes(system(tmp_path)) == 8000000 * 1024


def test_elsewhere_it_is_unknown(tmp_path):
    assert free_bytes(tmp_path) is None
    assert resident_bytes(tmp_path) == 0


@pytest.mark.parametrize("path", ["/", "/a/b", "/of/the/host"])
def test_a_limit_of_a_group_counts(tmp_path, path):
    files = {
        "proc/self/cgroup": f"0::{path}\n",
        "sys/fs/cgroup/memory.max": "5000000000\n",
        "sys/fs/cgroup/memory.current": "4000000000\n",
        "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 500000000\nactive_file 7\n",
    }
    assert free_bytes(system(tmp_path, **files)) == 1_500_000_000


def test_of_nested_groups_the_tightest(tmp_path):
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        "sys/fs/cgroup/a/memory.max": "3000000\n",
        "sys/fs/cgroup/a/memory.current": "1000000\n",
        "sys/fs/cgroup/a/b/memory.max": "max\n",
        "sys/fs/cgroup/a/b/memory.current": "900000\n",
    }
    assert free_bytes(system(tmp_path, **files)) == 2_000_000
    (tmp_path / "sys/fs/cgroup/a/memory.current").write_text("4000000\n")  # over it, for a moment
    assert free_bytes(tmp_path) == 0


def test_groups_of_the_first_version(tmp_path):
    files = {
        "proc/self/cgroup": "3:cpu,cpuacct:/x\n2:memory:/x\n0::/\n",
        "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2000000\n",
        "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "1500000\n",
        "sys/fs/cgroup/memory/x/memory.stat": "inactive_file 5\ntotal_inactive_file 100000\n",
    }
    assert free_bytes(system(tmp_path, **files)) == 600_000


def test_without_limits(tmp_path):
    assert limits(tmp_path) == []
    text = LIMITS.format(data="unlimited", stack=8388608, space="unlimited")
    assert limits(system(tmp_path, **{"proc/self/limits": text, "proc/self/status": STATUS})) == []


@pytest.mark.parametrize(("stack", "of_thread"), [(8388608, 8388608), ("unlimited", 2**21)])
def test_limits_less_what_is_taken_and_what_threads_will_take(tmp_path, stack, of_thread):
    text = LIMITS.format(data=900_000_000, stack=stack, space=2_000_000_000)
    root = system(tmp_path, **{"proc/self/limits": text, "proc/self/status": STATUS})
    space, data = limits(root, expected_threads=6)
    assert space[:2] == ("address space", "ulimit -v")
    assert space.left == 2_000_000_000 - 1_024_000_000 - 4 * (of_thread + 2**26)
    assert data == ("data", "ulimit -d", 900_000_000 - 204_800_000 - 4 * of_thread)
    for count in (0, 1, 2):  # as many are there already
        assert limits(root, expected_threads=count)[0].left == 2_000_000_000 - 1_024_000_000


def test_a_limit_that_leaves_too_little(monkeypatch):
    monkeypatch.setattr("pydream.system.limits", lambda **_: [Limit("data", "ulimit -d", 500_000_000)])
    check_limits({"data": 500_000_000}, "a test", "less would do")
    expected = "the limit on this process's data is 0.25 GB too low for a test: ulimit -d shows and sets it; less"
    with pytest.raises(MemoryTooSmallError, match=f"^{re.escape(expected)} would do$"):
        check_limits({"data": 750_000_000}, "a test", "less would do")


@pytest.mark.skipif(not os.path.exists("/proc/self/limits"), reason="Linux's")
def test_a_limit_of_this_process():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**45, before[1]))
    try:
        limit = limits()[0]
        block = mmap.mmap(-1, 2**30)
        assert limit.left - limits()[0].left == pytest.approx(2**30, abs=2**20)
        block.close()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert 0 < limit.left < 2**45


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux's")
def test_this_process():
    before = resident_bytes()
    block = mmap.mmap(-1, 50_000_000)  # what is allocated may have been there before
    block.write(os.urandom(1) * 50_000_000)
    assert resident_bytes() - before > 40_000_000
    assert len(block) == 50_000_000
    assert free_bytes() > 0
    assert total_memory() > free_bytes()


# Threads. They are read by system.threads alone; the C++ reads the variable itself, by the same rule.


@pytest.mark.parametrize("text", ["0", "-1", "1025", "two", "1.5", "2 ", "²", "9" * 5000])
def test_a_bad_number_of_threads_is_an_error_wherever_it_is_read(monkeypatch, text):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", text)
    image = np.ones((3, 4, 6), np.float32)
    readers = [threads, requested_threads, threads_of_tensorflow, machine, reproduce._threads, door.tensorflow]
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)  # the door reads it before the import
    for read in (*readers, lambda: native_ops.mean_abs(image)):
        with pytest.raises(ValueError, match="PYDREAM") as error:
            read()
        assert str(error.value) == f"PYDREAM_NUM_THREADS: '{text}' is not a whole number from 1 to 1024"


@pytest.mark.parametrize(
    "command", [["dream", "x.jpg", "-o", "y.png"], ["bench", "--quick"], ["reproduce", "-m", "squeezenet_v1.1"]]
)
def test_every_command_refuses_it_before_anything_else_is_done(root, tmp_path, command):
    (tmp_path / "x.jpg").write_bytes((root / "examples" / "sky.jpg").read_bytes())
    run = subprocess.run(
        [sys.executable, "-m", "pydream", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "PYDREAM_NUM_THREADS": "two"},
        capture_output=True,
        text=True,
    )
    expected = "pydream: error: PYDREAM_NUM_THREADS: 'two' is not a whole number from 1 to 1024\n"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", expected)
    assert os.listdir(tmp_path) == ["x.jpg"]


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("1024", 1024), ("0003", 3)])
def test_a_number_of_threads(monkeypatch, text, count):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", text)
    assert threads() == requested_threads() == count
    assert threads_of_tensorflow() == 4 + 2 * count
    assert native_ops.mean_abs(np.ones((3, 4, 6), np.float32)) == 1
    assert reproduce._threads() == f"PYDREAM_NUM_THREADS={count}"


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_number_there_are_as_many_threads_as_usable_cores(monkeypatch, text):
    monkeypatch.delenv("PYDREAM_NUM_THREADS", raising=False)
    if text is not None:
        monkeypatch.setenv("PYDREAM_NUM_THREADS", text)
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    else:
        monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert requested_threads() is None
    assert threads() == usable_cores() == 3
    assert reproduce._threads() == "as many threads as usable cores (3)"


def test_versions():
    assert package_version("numpy") == package_version("no-such-package", "numpy") == np.__version__
    assert package_version("no-such-package") is None


def test_garbage_is_looked_for_again():
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
