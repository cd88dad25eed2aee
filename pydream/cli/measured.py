"""Numbers of an option that are given, or measured in a folder of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from ..errors import PydreamWarning
from ..media import read_image
from ..picture import Picture
from . import completion
from .input import Source
from .listing import list_pictures
from .places import note_read
from .progress import Bar
from .signals import interruptible

Numbers = tuple[float, ...]


class Measured(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """Numbers in one word, as ``0.9,0.81,0.9``, or a folder of pictures to measure them in.

    `measure` and `check` raise ValueError for pictures, and numbers, that will not do.
    """

    name = "numbers"

    def __init__(
        self, measure: Callable[[Iterable[Picture]], Any], check: Callable[[Any], object], count: int, example: str
    ) -> None:
        self._measure = measure
        self._check = check
        self._count = count
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Numbers:
        """Read the numbers, or measure them in all pictures of the folder."""
        if isinstance(value, tuple):
            return value
        if ctx is not None and ctx.resilient_parsing:  # a shell's TAB, which waits for no pictures
            return ()
        try:
            return self._measured(Path(value)) if value and Path(value).is_dir() else self._given(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Return folders."""
        return completion.folders(ctx, param, incomplete)

    def _given(self, text: str) -> Numbers:
        try:
            found = tuple(map(float, text.split(",")))
        except ValueError:
            found = ()
        if len(found) != self._count:
            raise ValueError(f"{text!r} is neither a folder nor {self._count} numbers, as {self._example}")
        self._check(found)
        return found

    def _measured(self, folder: Path) -> Numbers:
        sources, left_out = list_pictures(folder, None)
        if line := left_out.of(str(folder)):
            warnings.warn(line, PydreamWarning, stacklevel=2)
        with Bar(desc=f"looking at {folder}", total=len(sources), unit="picture") as bar:
            found: Numbers = self._measure(read_each(sources, bar))
            return found


def read_each(sources: list[Source], bar: Bar) -> Iterator[Picture]:
    """Yield the pictures of files, which are noted as read."""
    for source in sources:
        note_read(Path(source.given))
        with interruptible():
            picture = read_image(source.given)
        yield picture
        bar.advance()
