"""What the system offers this process: threads, cores, memory, the limits on both, and installed packages."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .errors import MemoryTooSmallError
from .host import resources

# Makes the block in which TensorFlow is imported, or a file of many written: the command line has signals wait for it.
unbroken: Callable[[], AbstractContextManager[None]] = nullcontext

MOST_THREADS = 1024  # as in csrc/parallel.hpp

_ARENA = 2**26  # glibc's: address space that a thread's first allocation reserves
_STACK = 2**21  # of a thread, where the size of stacks is unlimited

# Of a limit on address space more goes than is used: allocators reserve ahead, and keep plans for each size of crop.
_RESERVED_AHEAD = 1.25  # per byte of a step
_RESERVED_BESIDE = 100_000_000
_RESERVED_FOR_TILES = 600_000_000


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's garbage collector out of the block: it costs a fifth of an import, and blurs a measurement."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# Threads and cores.


def threads() -> int:
    """Return the number of threads to use: ``PYDREAM_NUM_THREADS``, or else the number of usable cores.

    Raises
    ------
    ValueError
        Where ``PYDREAM_NUM_THREADS`` is not a whole number from 1 to 1024: with the text of the C++'s own error.
    """
    return requested_threads() or usable_cores()


def requested_threads() -> int | None:
    """Return the value of ``PYDREAM_NUM_THREADS``; None where it is not set. Raises as `threads` does."""
    text = os.environ.get("PYDREAM_NUM_THREADS", "")
    if text == "":
        return None
    count = int(text) if text.isascii() and text.isdecimal() and len(text.lstrip("0")) <= 4 else 0
    if not 1 <= count <= MOST_THREADS:
        raise ValueError(f"PYDREAM_NUM_THREADS: '{text}' is not a whole number from 1 to {MOST_THREADS}")
    return count


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_of_tensorflow() -> int:
    """Return how many threads a process has once TensorFlow has made a step: two for each of `threads`, and four."""
    return 4 + 2 * threads()


# Memory.


def total_memory() -> int | None:
    """Return the machine's memory in bytes; None where it is unknown."""
    return resources.total_memory()


def resident_bytes(root: Path = Path("/")) -> int:
    """Return the memory that this process has resident now, in bytes; 0 where it is unknown.

    Parameters
    ----------
    root : path
        Root of the file system that has Linux's ``/proc``.
    """
    return _pages(root, 1) * resources.page_size()


def data_bytes(root: Path = Path("/")) -> int:
    """Return the memory that a limit on this process's data counts, in bytes; 0 where it is unknown."""
    return _pages(root, 5) * resources.page_size()


def _pages(root: Path, column: int) -> int:
    """Return a number of ``/proc/self/statm``; 0 where there is no such file."""
    lines = _lines(root / "proc/self/statm")
    return int(lines[0].split()[column]) if lines else 0


_UNLIMITED = 2**60  # bytes: the number that stands for no limit in the first kind of control groups is larger


def free_bytes(root: Path = Path("/")) -> int | None:
    """Return the memory that can be allocated without swapping, in bytes; None where it is unknown.

    That is what the kernel estimates to be available, or what a limit of the process's control group leaves (in a
    container, for instance), whichever is less.

    Parameters
    ----------
    root : path
        Root of the file system that has Linux's ``/proc`` and ``/sys``.
    """
    found = [*_available(root), *_left_in_groups(root)]
    if (windows := resources.available_memory()) is not None:
        found.append(windows)
    return min(found, default=None)


def _available(root: Path) -> Iterator[int]:
    """Yield MemAvailable."""
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            yield int(value.split()[0]) * 1024


def _left_in_groups(root: Path) -> Iterator[int]:
    """Yield what is left in each of the process's control groups that has a limit."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, limit, used, idle = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            idle = "total_inactive_file"
        else:
            continue
        # In a container the path may be the host's, and only the top exists.
        inner = top / path.lstrip("/")
        for folder in {top, inner, *(parent for parent in inner.parents if parent.is_relative_to(top))}:
            most = _number(folder / limit)
            if most is None or most >= _UNLIMITED:
                continue
            if (taken := _number(folder / used)) is not None:
                # The kernel frees cached files when memory is wanted.
                cached = [int(row.split()[1]) for row in _lines(folder / "memory.stat") if row.split()[0] == idle]
                yield max(most - taken + sum(cached), 0)


def _number(path: Path) -> int | None:
    """Read the number in a file; None where it has none, as in ``max``."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


# Limits, beyond which an allocation fails.


class Limit(NamedTuple):
    """A limit on the memory of this process, set where it was started.

    Attributes
    ----------
    of : {"address space", "data"}
    command : {"ulimit -v", "ulimit -d"}
        The shell's command that shows and sets it.
    left : int
        Bytes, without those that expected threads will reserve; below 0 where these are too many.
    """

    of: str
    command: str
    left: int

    def error(self, missing: str, purpose: str) -> MemoryTooSmallError:
        """Make the error that this limit is too low by so much (as text) for a purpose."""
        fault = f"the limit on this process's {self.of} is {missing} too low for {purpose}"
        return MemoryTooSmallError(f"{fault}: {self.command} shows and sets it")


def limits(root: Path = Path("/"), *, expected_threads: int = 0) -> list[Limit]:
    """Return the limits of this process, and what they leave.

    Parameters
    ----------
    root : path
        Root of the file system that has Linux's ``/proc``.
    expected_threads : int
        How many threads the process is going to have: those not started yet reserve memory when they start.
    """
    most = {line[:26].strip(): line[26:].split()[0] for line in _lines(root / "proc/self/limits")}
    has = dict(line.removesuffix(" kB").split(":\t", 1) for line in _lines(root / "proc/self/status"))
    stack = int(most["Max stack size"]) if most.get("Max stack size", "").isdigit() else _STACK
    found = []
    for of, command, limit, used, of_thread in (
        ("address space", "ulimit -v", "Max address space", "VmSize", stack + _ARENA),
        ("data", "ulimit -d", "Max data size", "VmData", stack),  # an arena is not counted before it is written to
    ):
        if most.get(limit, "").isdigit() and used in has:
            to_come = max(expected_threads - int(has["Threads"]), 0)
            found.append(Limit(of, command, int(most[limit]) - int(has[used]) * 1024 - to_come * of_thread))
    return found


def check_limits(needs: Mapping[str, int], purpose: str, advice: str) -> None:
    """Check, before TensorFlow is imported or used, that the limits leave enough; its failed allocations end a process.

    Parameters
    ----------
    needs : dict of str to int
        `Limit.of` → bytes that are needed, without those of threads.
    purpose, advice : str
        For the message: what needs them, and what would need less.

    Raises
    ------
    MemoryTooSmallError
    """
    for limit in limits(expected_threads=threads_of_tensorflow()):
        missing = needs[limit.of] - limit.left
        if missing > 0:
            raise MemoryTooSmallError(f"{limit.error(f'{missing / 1e9:.2g} GB', purpose)}; {advice}")


@cache
def tightest_limit() -> Limit | None:
    """Return the limit that leaves least, as of the first call: what the first steps take the next ones use again."""
    expected = threads_of_tensorflow() if "tensorflow" in sys.modules else 0
    return min(limits(expected_threads=expected), key=lambda limit: limit.left, default=None)


def missing_bytes(arrays: int, step: int, *, tiled: bool) -> float:
    """Return by how many bytes `tightest_limit` is too low for a step; 0 or less where it is not.

    Parameters
    ----------
    arrays : int
        Bytes of the arrays beside the network's values.
    step : int
        Bytes of the network's values in a step.
    tiled : bool
        Whether the step runs in tiles.
    """
    limit = tightest_limit()
    if limit is None:
        return 0
    reserved = _RESERVED_BESIDE + (_RESERVED_FOR_TILES if tiled else 0) + _RESERVED_AHEAD * step
    return arrays + reserved - limit.left


# Packages.


def package_version(*names: str) -> str | None:
    """Return the version of the first of these distributions that is installed; None where none is."""
    from importlib.metadata import PackageNotFoundError, version

    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
