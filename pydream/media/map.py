"""A map is a square of small pictures without gaps: one picture, or a page in which it can be zoomed and read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..picture import Picture
from .page import Embedded, document, escaped, jpeg, picture_html
from .sheet import Colour, check_pixels, drawable

_STYLE, _SCRIPT = (Path(__file__).with_name(name) for name in ("map.css", "map.js"))
_QUALITY = 92  # of JPEG
_CONTROLS = (
    '<nav aria-label="Zoom"><button type="button" class="out" aria-label="Zoom out">−</button>'
    '<button type="button" class="in" aria-label="Zoom in">+</button>'
    '<button type="button" class="whole">Whole map</button></nav>'
)
_CHOSEN = (
    '<aside class="chosen" aria-live="polite"><p class="hint">A click, or Enter, on a cell shows what it is.'
    " Arrow keys go from cell to cell; +, − and 0, or the wheel, zoom; dragging moves the map.</p>"
    '<div class="cell-facts" hidden><img src="data:," alt=""><h2></h2><dl></dl></div></aside>'
)


class _Cell(NamedTuple):
    picture: Picture | None
    label: str
    facts: Sequence[str]


class PictureMap:
    """Cells, added one by one in any order; `picture` and `page` lay them out.

    Parameters
    ----------
    side : int
        Cells along each side.
    size : int
        Height and width of a cell's picture, in pixels.
    headings : sequence of str
        What a cell's facts are.

    Raises
    ------
    ShapeError
        The map would be too large.
    """

    def __init__(self, side: int, size: int, headings: Sequence[str] = ()) -> None:
        check_pixels((side * size) ** 2, f"{side}×{side} cells of {size}×{size}", "map")
        self.side, self.size, self._headings = side, size, headings
        self._cells: dict[int, _Cell] = {}

    def add(self, place: int, picture: Picture | None, label: str, facts: Sequence[str] = ()) -> None:
        """Put a picture, (size, size, 3), into a place counted from 0, row by row; None: it stays empty.

        The facts are one for each heading.
        """
        self._cells[place] = _Cell(picture, label, facts)

    def picture(self, ground: Colour) -> Picture:
        """Return the map, (side * size, side * size, 3) uint8; empty places have the colour of the ground."""
        shape = (self.side, self.size, self.side, self.size, 3)
        pixels = np.empty(shape, np.uint8)
        pixels[:] = ground
        for place, cell in self._cells.items():
            if cell.picture is not None:
                pixels[place // self.side, :, place % self.side] = cell.picture
        return pixels.reshape(self.side * self.size, self.side * self.size, 3)

    def page(self, title: str, caption: str, note: str | None = None) -> str:
        """Return the page, with a title, a caption and the map, and below it all facts as a table; see `document`."""
        heading = f"<h1>{_shown(title)}</h1>" if title else ""
        lines = "".join(f"<p>{_shown(line)}</p>" for line in caption.splitlines() if line)
        places = "\n".join(self._place(place) for place in range(self.side**2))
        body = (
            f'<header>{heading}{lines}</header>\n<div class="atlas"><div class="window">'
            f'<div class="plane" role="group" aria-label="Map of {len(self._cells)} cells">\n{places}\n</div></div>\n'
            f"{_CONTROLS}\n{_CHOSEN}</div>\n<details><summary>All cells as a table</summary>\n{self._table()}</details>"
        )
        style, script = (path.read_text(encoding="utf-8") for path in (_STYLE, _SCRIPT))
        square = f".plane {{ grid-template: repeat({self.side}, 1fr) / repeat({self.side}, 1fr); }}\n"
        return document(drawable(title or "pydream"), body, style + square, script, note)

    def _place(self, place: int) -> str:
        cell = self._cells.get(place)
        if cell is None:
            return '<span class="empty"></span>'
        inside = '<span class="empty"></span>' if cell.picture is None else picture_html(_embedded(cell.picture), "")
        label = escaped(drawable(cell.label))
        return f'<button type="button" class="cell" data-cell="{place}" aria-label="{label}">{inside}</button>'

    def _table(self) -> str:
        heads = "".join(f'<th scope="col">{_shown(heading)}</th>' for heading in ("Cell", *self._headings))
        rows = "\n".join(
            f'<tr id="cell-{place}"><th scope="row">{_shown(cell.label)}</th>'
            f"{''.join(f'<td>{_shown(fact)}</td>' for fact in cell.facts)}</tr>"
            for place, cell in sorted(self._cells.items())
        )
        return f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _embedded(pixels: Picture) -> Embedded:
    return jpeg(pixels, _QUALITY)


def _shown(text: str) -> str:
    return escaped(drawable(text))
