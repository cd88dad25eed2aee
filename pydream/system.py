"""How much memory there is: what this process has, and what it may still have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ARENA = 2**26  # glibc's: address space that a thread's first allocation reserves
_STACK = 2**21  # a thread's, where the limit of stacks is none

_expected_threads = 0


class Limit(NamedTuple):
    """A limit that the process was started with, beyond which no memory is given to it.

    Attributes
    ----------
    of : {"address space", "data"}
    command : {"ulimit -v", "ulimit -d"}
        Of a shell, which tells and sets it.
    left : int
        Bytes, without those that threads to come will reserve; below 0 where these are too many.
    """

    of: str
    command: str
    left: int


def resident_bytes(root: Path = Path("/")) -> int:
    """Give what this process has resident now, in bytes; 0 where the system does not say.

    Parameters
    ----------
    root : path
        Of the file system that tells: Linux's ``/proc``.
    """
    try:
        pages = (root / "proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def free_bytes(root: Path = Path("/")) -> int | None:
    """Give what may be had yet without swapping, in bytes; None where the system does not say.

    That is what the kernel takes to be available, or what is left of the limit of a control group that the process is
    in, as in a container, whichever is less.

    Parameters
    ----------
    root : path
        Of the file system that tells: Linux's ``/proc`` and ``/sys``.
    """
    found = [*_available(root), *_left_in_groups(root)]
    return min(found, default=None)


def limits(root: Path = Path("/")) -> list[Limit]:
    """Give the limits of this process, and what they leave.

    Parameters
    ----------
    root : path
        Of the file system that tells: Linux's ``/proc``.
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
            to_come = max(_expected_threads - int(has["Threads"]), 0)
            found.append(Limit(of, command, int(most[limit]) - int(has[used]) * 1024 - to_come * of_thread))
    return found


def expect_threads(count: int) -> None:
    """Tell how many threads the process is going to have; `limits` takes off what those to come will reserve."""
    global _expected_threads
    _expected_threads = count


def _available(root: Path) -> Iterator[int]:
    """Give MemAvailable."""
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            yield int(value.split()[0]) * 1024


def _left_in_groups(root: Path) -> Iterator[int]:
    """Give what is left in each control group that the process is in and that has a limit."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, limit, used, idle = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            idle = "total_inactive_file"
        else:
            continue
        # In a container the path may be the host's, and only the top is there.
        inner = top / path.lstrip("/")
        for folder in {top, inner, *(parent for parent in inner.parents if parent.is_relative_to(top))}:
            sizes = [_number(folder / name) for name in (limit, used)]
            if sizes[0] is not None and sizes[1] is not None:
                # Files that are only cached are let go of where memory is wanted.
                cached = [int(row.split()[1]) for row in _lines(folder / "memory.stat") if row.split()[0] == idle]
                yield max(sizes[0] - sizes[1] + sum(cached), 0)


def _number(path: Path) -> int | None:
    """Give the number in a file; None where there is none, as in ``max``."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def told_threads() -> int | None:
    """Give what ``PYDREAM_NUM_THREADS`` says; None where it says nothing, or no number above 0."""
    told = os.environ.get("PYDREAM_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else None


def usable_threads() -> int:
    """Give that, or else as many as there are cores that the process may run on."""
    return told_threads() or len(os.sched_getaffinity(0))
