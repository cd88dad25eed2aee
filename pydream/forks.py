"""A fork copies one thread of a process: what waits for the others, waits for ever."""

from __future__ import annotations

import os
import sys

from .errors import ForkError

_lost: set[str] = set()  # libraries whose threads this process does not have


def _in_child() -> None:
    # TensorFlow starts its threads with its context, when it first computes; it has no public name for that.
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    if context is not None and getattr(context, "_context_handle", True) is not None:
        _lost.add("tensorflow")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def check_tensorflow() -> None:
    """Raise `ForkError` if TensorFlow has computed in a process that this one was forked from."""
    if _lost:
        raise ForkError(
            "TensorFlow was in use before this process was forked, and does not run in it: start processes with"
            " multiprocessing.get_context('spawn'), or use the runtime 'numpy'"
        )
