"""A fork copies one thread of a process: what waits for the others, waits for ever."""

from __future__ import annotations

import os
import sys

from .errors import ForkError

_lost: set[str] = set()  # modules with threads that this process does not have


def _in_child() -> None:
    _lost.update({"tensorflow"} & sys.modules.keys())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def check_tensorflow() -> None:
    """Raise `ForkError` if TensorFlow was imported by a process that this one was forked from."""
    if _lost:
        raise ForkError(
            "TensorFlow was imported before this process was forked, and does not run in it: start processes with"
            " multiprocessing.get_context('spawn'), or use the runtime 'numpy'"
        )
