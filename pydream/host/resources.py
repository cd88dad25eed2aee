"""What the system counts of this process and of the machine, and the limits that it keeps."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import WINDOWS

_os: Any = os  # a type checker knows the names of its own system only
resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None


# Memory.


def total_memory() -> int | None:
    """Return the machine's memory in bytes; None where it is unknown."""
    if (windows := _windows_memory()) is not None:
        return windows[0]
    try:
        return int(_os.sysconf("SC_PAGE_SIZE") * _os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None


def available_memory() -> int | None:
    """Return the bytes that Windows has for this process without swapping; None elsewhere: Linux has a file of that."""
    windows = _windows_memory()
    return None if windows is None else windows[1]


def _windows_memory() -> tuple[int, int] | None:
    if not WINDOWS:
        return None
    from .windows import memory

    return memory()


def page_size() -> int:
    """Return the bytes of a page of memory; 0 where it is unknown, and so is all that is counted in pages."""
    return int(_os.sysconf("SC_PAGE_SIZE")) if hasattr(os, "sysconf") else 0


def peak_memory() -> int:
    """Return the most memory that this process has had resident so far, in bytes; 0 where it is unknown.

    On Linux ``ru_maxrss`` starts from the value of the parent process, so a small child of a large process would seem
    as large; ``VmHWM`` is this program's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if resource is None:
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def load() -> float | None:
    """Return the machine's load, the average of a minute; None where it is unknown."""
    try:
        return float(_os.getloadavg()[0])
    except (AttributeError, OSError):
        return None


# Limits.


def limit_this_process(*, data: int, seconds: int, file: int) -> None:
    """Lower the limits of this process, as far as the system has some.

    Parameters
    ----------
    data, file : int
        Bytes of memory, and of a file that it writes.
    seconds : int
        Of processor time.
    """
    if resource is None:
        return
    for kind, most in (
        (resource.RLIMIT_DATA, data), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        now = [limit for limit in resource.getrlimit(kind) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min(most, *now),) * 2 if now else (most, most))


def raise_file_limit(most: int) -> None:
    """Allow so many open files, or as many as can be; macOS and some shells allow 256."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def file_limit() -> int | None:
    """Return how many files may be open; None: there is no limit, or none is known."""
    if resource is None:
        return None
    soft: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft
