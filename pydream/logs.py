"""The logger `pydream`: what work does by the way, for a program that listens.

INFO is what a person may want to know of a long run: the engine, tiles, addresses, frames. DEBUG is the rest: octaves,
caches, processes. What the user should know of an input is a warning (`pydream.errors.PydreamWarning`), not a log.

Who listens has imported `logging`; for others it is not imported, and nothing is said.
"""

from __future__ import annotations

import sys

from .errors import printable

NAME = "pydream"
DEBUG, INFO = 10, 20  # logging's


def debug(text: str, *values: object) -> None:
    """Log a detail; `values` are put in for ``%s`` if it is read."""
    _say(DEBUG, text, values)


def info(text: str, *values: object) -> None:
    """Log an event of a long run; `values` as for `debug`."""
    _say(INFO, text, values)


def _say(level: int, text: str, values: tuple[object, ...]) -> None:
    logging = sys.modules.get("logging")
    if logging is None or not hasattr(logging, "getLogger"):  # or another thread imports it just now
        return
    logger = logging.getLogger(NAME)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # Python's own last resort is not for a library
    if logger.isEnabledFor(level):
        shown = [printable(str(value)) for value in values]  # names of strangers' files: a record is one line
        logger.log(level, text, *shown, stacklevel=3)  # where `debug` or `info` was called
