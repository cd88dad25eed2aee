"""How many threads this process may compute with."""

from __future__ import annotations

import os


def told_threads() -> int | None:
    """Give what ``PYDREAM_NUM_THREADS`` says; None where it says nothing, or no number above 0."""
    told = os.environ.get("PYDREAM_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else None


def usable_threads() -> int:
    """Give that, or else as many as there are cores that the process may run on."""
    return told_threads() or len(os.sched_getaffinity(0))
