"""What memory there is, of file systems as Linux has them."""

import mmap
import os
import resource

import pytest

from pydream import system as memory
from pydream.system import expect_threads, free_bytes, limits, resident_bytes

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


def test_elsewhere_nobody_knows(tmp_path):
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


@pytest.fixture
def six_threads(monkeypatch):
    monkeypatch.setattr(memory, "_expected_threads", 0)  # restored when the test is over
    expect_threads(6)


def test_without_limits(tmp_path):
    assert limits(tmp_path) == []
    told = LIMITS.format(data="unlimited", stack=8388608, space="unlimited")
    assert limits(system(tmp_path, **{"proc/self/limits": told, "proc/self/status": STATUS})) == []


@pytest.mark.parametrize(("stack", "of_thread"), [(8388608, 8388608), ("unlimited", 2**21)])
def test_limits_less_what_is_taken_and_what_threads_will_take(tmp_path, six_threads, stack, of_thread):
    told = LIMITS.format(data=900_000_000, stack=stack, space=2_000_000_000)
    space, data = limits(system(tmp_path, **{"proc/self/limits": told, "proc/self/status": STATUS}))
    assert space[:2] == ("address space", "ulimit -v")
    assert space.left == 2_000_000_000 - 1_024_000_000 - 4 * (of_thread + 2**26)
    assert data == ("data", "ulimit -d", 900_000_000 - 204_800_000 - 4 * of_thread)
    expect_threads(1)  # as many are there already
    assert limits(tmp_path)[0].left == 2_000_000_000 - 1_024_000_000


@pytest.mark.skipif(not os.path.exists("/proc/self/limits"), reason="Linux's")
def test_a_limit_of_this_process(monkeypatch):
    monkeypatch.setattr(memory, "_expected_threads", 0)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**45, before[1]))
    try:
        limit = limits()[0]
        held = mmap.mmap(-1, 2**30)
        assert limit.left - limits()[0].left == pytest.approx(2**30, abs=2**20)
        held.close()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert 0 < limit.left < 2**45


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux's")
def test_this_process():
    before = resident_bytes()
    held = mmap.mmap(-1, 50_000_000)  # what is allocated may have been there before
    held.write(os.urandom(1) * 50_000_000)
    assert resident_bytes() - before > 40_000_000
    assert len(held) == 50_000_000
    assert free_bytes() > 0
