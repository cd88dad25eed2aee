"""What libraries say by the way stays off the screen, unless --debug is given; a warning of pydream's is one line."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from .. import logs
from ..errors import PydreamWarning
from .streams import echo


@contextmanager
def quiet_libraries(debug: bool) -> Iterator[None]:
    """Silence Python's warnings and logs for this block, unless `debug`; print pydream's own warnings, unless -q."""
    shown: set[str] = set()

    def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
        own = issubclass(category, PydreamWarning)
        context = click.get_current_context(silent=True)
        line = f"pydream: warning: {message}" if own else f"{filename}:{lineno}: {category.__name__}: {message}"
        if line in shown or (own and context is not None and context.params.get("quiet")):
            return
        shown.add(line)
        _echo(line)

    logger = logging.getLogger(logs.NAME)
    level = logger.level
    logged = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]  # it takes the rest as it comes
        if not debug:
            warnings.simplefilter("ignore")
            logging.disable()
        else:
            _listen()
        warnings.simplefilter("always", PydreamWarning)
        try:
            yield
        finally:
            logging.disable(logged)
            logger.removeHandler(_OWN)
            logger.setLevel(level)


def loud_libraries() -> None:
    """Undo `quiet_libraries` for the rest of its block, and print what pydream logs, details too."""
    warnings.simplefilter("default")  # of pydream's own too: one of each text and place is shown
    logging.disable(logging.NOTSET)
    _listen()


def _listen() -> None:
    logging.getLogger(logs.NAME).addHandler(_OWN)
    logging.getLogger(logs.NAME).setLevel(logging.DEBUG)


class _Own(logging.Handler):
    """What pydream logs, on standard error: a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        _echo(f"pydream: {record.levelname.lower()}: {record.getMessage()}")


_OWN = _Own()


def _echo(line: str) -> None:
    from tqdm import tqdm

    with tqdm.external_write_mode(file=sys.stderr):  # above the bar
        echo(line, err=True)


def limit_pixels(ctx: click.Context, most: int | None) -> None:
    """Have Pillow, and all that asks it, read no picture of more pixels while a command runs; None: as it was."""
    if most is not None:
        from PIL import Image

        ctx.call_on_close(partial(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS))
        Image.MAX_IMAGE_PIXELS = most
