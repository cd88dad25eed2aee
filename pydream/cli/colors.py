"""The option for the colours of natural pictures: three correlations, or a folder of pictures to measure them in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..dream.colors import Correlations, check_correlations, color_correlations
from ..errors import PydreamWarning
from ..media import read_image
from ..picture import Picture
from .input import Source
from .listing import list_pictures
from .places import note_read
from .progress import Bar
from .signals import interruptible


class ColorCorrelations(click.ParamType):  # type: ignore[type-arg]  # before 8.2 it has none
    """Those of red and green, red and blue, green and blue, as ``0.9,0.81,0.9``, or a folder of pictures."""

    name = "colors"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Correlations:
        """Read the numbers, or measure them in all pictures of the folder."""
        if isinstance(value, tuple):
            return value
        try:
            return _measured(Path(value)) if value and Path(value).is_dir() else _numbers(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _numbers(text: str) -> Correlations:
    try:
        red_green, red_blue, green_blue = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is neither a folder nor three numbers, as 0.9,0.81,0.9") from None
    found = red_green, red_blue, green_blue
    check_correlations(found)
    return found


def _measured(folder: Path) -> Correlations:
    sources, left_out = list_pictures(folder, None)
    if line := left_out.of(str(folder)):
        warnings.warn(line, PydreamWarning, stacklevel=2)
    with Bar(desc=f"colours of {folder}", total=len(sources), unit="picture") as bar:
        return color_correlations(read_each(sources, bar))


def read_each(sources: list[Source], bar: Bar) -> Iterator[Picture]:
    """Yield the pictures of files, which are noted as read."""
    for source in sources:
        note_read(Path(source.given))
        with interruptible():
            picture = read_image(source.given)
        yield picture
        bar.advance()
