"""A machine is what a time is worth nothing without: processor, cores, threads, versions, load."""

from __future__ import annotations

import os
import platform
import resource
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from .floor import tensorflow_threads

_PACKAGES = {"NumPy": ("numpy",), "SciPy": ("scipy",), "TensorFlow": ("tensorflow", "tensorflow_cpu")}


def machine() -> dict[str, Any]:
    """Describe the machine and what runs on it; TensorFlow is imported for that.

    Returns
    -------
    dict
        `date` (UTC), `cpu`, `system`, `cores` that this process may use, `memory_bytes`, `load` (the average of a
        minute), `threads` (of the image operations; of TensorFlow, within and between its operations), `num_threads`
        (``PYDREAM_NUM_THREADS``, or None), and `versions`.
    """
    told = os.environ.get("PYDREAM_NUM_THREADS")
    cores = usable_cores()
    within, between = tensorflow_threads()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "memory_bytes": total_memory(),
        "load": round(os.getloadavg()[0], 2),
        "num_threads": told,
        "threads": {
            "image operations": int(told) if told and told.isdecimal() else cores,
            "TensorFlow within": within or cores,  # 0: as many as there are cores
            "TensorFlow between": between or cores,
        },
        "versions": {"pydream": __version__, "Python": platform.python_version(), **_versions()},
    }


def as_lines(found: dict[str, Any]) -> list[str]:
    """Tell what `machine` found in lines for people."""
    memory = f", {found['memory_bytes'] / 2**30:.0f} GiB" if found["memory_bytes"] else ""
    threads = ", ".join(f"{name} {count}" for name, count in found["threads"].items())
    told = f"PYDREAM_NUM_THREADS={found['num_threads']}" if found["num_threads"] else "PYDREAM_NUM_THREADS not set"
    cores = f"{found['cores']} core{'s' if found['cores'] > 1 else ''}"
    return [
        f"{found['date']}, load {found['load']:.2f}",
        f"{found['cpu']}, {cores}{memory}, {found['system']}",
        f"threads: {threads} ({told})",
        ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
    ]


def processor() -> str:
    """Give the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Count the processors that this process may run on, which are the threads of the image operations."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int | None:
    """Give the machine's memory in bytes; None where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def peak_memory() -> int:
    """Give the most memory that this process has had resident so far, in bytes.

    Linux counts ``ru_maxrss`` on from the process that started this one, so a small child of a large process would seem
    as large; ``VmHWM`` is the program's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _versions() -> dict[str, str]:
    found = {}
    for name, packages in _PACKAGES.items():
        for package in packages:
            try:
                found[name] = version(package)
                break
            except PackageNotFoundError:
                continue
    return found
