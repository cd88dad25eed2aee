"""A machine is what a time depends on: processor, cores, threads, memory, versions, load."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__, system
from ..host import resources
from .floor import tensorflow_threads

_PACKAGES = {"NumPy": ["numpy"], "SciPy": ["scipy"], "TensorFlow": ["tensorflow", "tensorflow_cpu"]}


def machine() -> dict[str, Any]:
    """Describe the machine and what runs on it; this imports TensorFlow.

    Returns
    -------
    dict
        `date` (UTC), `cpu`, `system`, `cores` that this process may use, `memory_bytes`, `load` (of a minute, or
        None), `threads` (of the image operations; of TensorFlow, within and between its operations), `num_threads`
        (``PYDREAM_NUM_THREADS``, or None), and `versions`.

    Raises
    ------
    ValueError
        Where ``PYDREAM_NUM_THREADS`` is not a number of threads.
    """
    cores = system.usable_cores()
    versions = {name: system.package_version(*packages) for name, packages in _PACKAGES.items()}
    within, between = tensorflow_threads()
    load = resources.load()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "memory_bytes": system.total_memory(),
        "load": None if load is None else round(load, 2),
        "num_threads": system.requested_threads(),
        "threads": {
            "image operations": system.threads(),
            "TensorFlow within": within or cores,  # 0: as many as there are cores
            "TensorFlow between": between or cores,
        },
        "versions": {"pydream": __version__, "Python": platform.python_version()}
        | {name: found for name, found in versions.items() if found},
    }


def as_lines(found: dict[str, Any]) -> list[str]:
    """Format what `machine` found as lines for people."""
    memory = f", {found['memory_bytes'] / 2**30:.0f} GiB" if found["memory_bytes"] else ""
    threads = ", ".join(f"{name} {count}" for name, count in found["threads"].items())
    setting = f"PYDREAM_NUM_THREADS={found['num_threads']}" if found["num_threads"] else "PYDREAM_NUM_THREADS not set"
    cores = f"{found['cores']} core{'s' if found['cores'] > 1 else ''}"
    return [
        found["date"] if found["load"] is None else f"{found['date']}, load {found['load']:.2f}",
        f"{found['cpu']}, {cores}{memory}, {found['system']}",
        f"threads: {threads} ({setting})",
        ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
    ]


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
