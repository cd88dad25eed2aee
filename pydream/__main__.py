"""`python -m pydream` is `pydream`: a command line whose process ends as soon as its work has."""

from __future__ import annotations

import atexit
import os
import sys


def run() -> None:
    """Run the command line, and end the process with its exit code.

    To take TensorFlow apart again, module by module, costs 0.05 to 0.1 s.
    """
    codes: list[int] = []
    if not atexit._ncallbacks():  # else what is registered before, as by coverage, would never be called
        atexit.register(_end, codes)  # the first to be registered, so the last to be called
    from .cli import main  # registers functions too

    try:
        main(prog_name="pydream")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            codes.append(end.code or 0)
        raise


def _end(codes: list[int]) -> None:
    """End the process at once, if its code is known and its output can be written; otherwise Python does."""
    if codes:
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except (OSError, ValueError):
            return
        os._exit(codes[0] & 0xFF)


if __name__ == "__main__":
    run()
