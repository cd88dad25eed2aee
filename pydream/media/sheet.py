"""A contact sheet is labelled pictures in rows on one page, with a title and a caption, for the screen or for print."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..errors import ShapeError, printable
from ..picture import Picture, to_pixels

Colour = tuple[int, int, int]

PAGE = (170.0, 247.0)  # mm: A4 between margins of 20 and 25
DPI = 300

_MARGIN = 4.0  # mm
_GUTTER = 1.6  # mm, between columns
_TALLEST = 2.0  # height of a tile over its width; a taller picture becomes narrower
_NARROWEST = 16  # pixels of a tile
_ROW_TEXT = 12.5  # mm: two lines of label, note and the space between rows
_PAGE_TEXT = 30.0  # mm: margins, title, headings and three lines of caption

# Text: size of its letters in points, bold, faint.
_TITLE, _HEADING, _LABEL = (11.0, True, False), (8.0, True, False), (7.0, False, False)
_NOTE, _CAPTION = (6.1, False, True), (7.5, False, True)
_LEADING = 1.3  # distance of baselines over the size
_BAR = 3.0  # points: thickness of a bar
_LONGEST = 1000  # characters of a text; names in files are untrusted


class Theme(NamedTuple):
    """The colours of a sheet, 8-bit RGB."""

    paper: Colour
    ink: Colour
    faint: Colour  # notes and caption
    empty: Colour  # a tile without a picture


THEMES = {
    "light": Theme(paper=(255, 255, 255), ink=(24, 24, 27), faint=(105, 105, 112), empty=(241, 241, 243)),
    "dark": Theme(paper=(18, 18, 20), ink=(232, 232, 235), faint=(150, 150, 158), empty=(36, 36, 40)),
}


class Share(NamedTuple):
    """A part of a whole, shown as a bar under a picture: its label, how much it is, 0..1, and was before, on pages."""

    label: str
    part: float
    before: float | None = None


class _Tile(NamedTuple):
    picture: Image.Image | None  # at its size on the sheet
    label: str
    note: str
    reason: str
    shares: Sequence[Share]


class Sheet:
    """Tiles in rows, added one by one; `draw` lays them out.

    A picture is scaled to its size on the sheet when it is added: a sheet of large pictures takes no more memory than
    the sheet.

    Parameters
    ----------
    columns : int
        Tiles in a row; see `fitting_columns`.
    width : float
        Width in print, in millimetres.
    dpi : float
        Pixels per inch: text has its size in print at any dpi. Pass it to `write_image` too.
    theme : {"light", "dark"}
    headings : sequence of str
        Text above the columns, if any.

    Raises
    ------
    ValueError
        For a parameter out of its range, or so many columns that nothing could be recognised.
    """

    def __init__(
        self, columns: int, width: float = PAGE[0], dpi: float = DPI, theme: str = "light", headings: Sequence[str] = ()
    ) -> None:
        if theme not in THEMES:
            raise ValueError(f"theme: {theme!r}, expected one of {', '.join(THEMES)}")
        ranges = {"columns": (columns, 1, 1000), "width": (width, 10, 5000), "dpi": (dpi, 20, 2400)}
        for name, (value, least, most) in ranges.items():
            if not least <= value <= most:
                raise ValueError(f"{name}: {value}, expected {least}..{most}")
        self._dpi, self._theme, self._headings = dpi, THEMES[theme], headings[:columns]
        self._tiles: dict[int, _Tile] = {}
        self._margin, gutter = self._pixels(mm=_MARGIN), self._pixels(mm=_GUTTER)
        self._cell = (self._pixels(mm=width) - 2 * self._margin - (columns - 1) * gutter) // columns
        if self._cell < _NARROWEST:
            raise ValueError(f"columns: {columns}, too many for a sheet {width:g} mm wide at {dpi:g} dpi")
        self._columns = [self._margin + column * (self._cell + gutter) for column in range(columns)]  # their left edges
        self._width = self._columns[-1] + self._cell + self._margin

    def __len__(self) -> int:
        return len(self._tiles)

    def add(
        self,
        picture: NDArray[Any] | None,
        label: str,
        note: str = "",
        reason: str = "",
        place: int | None = None,
        shares: Sequence[Share] = (),
    ) -> None:
        """Put a picture, (h, w, 3) RGB 0..255, into a place counted from 0, row by row; None: after the last one.

        The text under it is a label and, smaller, a note; under these are bars. A place without a picture shows the
        reason.
        """
        scaled = None
        if picture is not None:
            image = Image.fromarray(to_pixels(picture))
            size = self._scaled((image.height, image.width))
            scaled = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        place = max(self._tiles, default=-1) + 1 if place is None else place
        self._tiles[place] = _Tile(scaled, label, note, reason, shares)

    def check(self, tiles: int, size: tuple[int, ...]) -> None:
        """Raise `ShapeError` if a sheet of so many pictures of (height, width) `size` would be too large."""
        width, height = self._scaled(size)
        places = tiles + -tiles % len(self._columns)
        check_pixels(places * height * width, f"{tiles} pictures of {width}×{height}")

    def draw(self, title: str = "", caption: str = "") -> Picture:
        """Return the sheet, (H, W, 3) uint8, with a title above the tiles and a caption below them.

        Raise `ShapeError` if it would be too large, `ValueError` if there are no tiles.
        """
        if not self._tiles:
            raise ValueError("the sheet has no pictures")
        height = self._paint(Image.new("RGB", (1, 1)), title, caption)  # draws nothing, for want of room: only measures
        check_pixels(self._width * height, f"{self._width}×{height}")
        image = Image.new("RGB", (self._width, height), self._theme.paper)
        self._paint(image, title, caption)
        return np.asarray(image)

    def _paint(self, image: Image.Image, title: str, caption: str) -> int:
        """Draw what the image has room for, from the top down, and return the height of all."""
        left, y, inner, gap = self._margin, self._margin, self._width - 2 * self._margin, self._pixels(points=7)
        if title:
            y = self._text(image, title, left, y, inner, _TITLE) + self._pixels(points=3)
        if self._headings:
            columns = zip(self._headings, self._columns, strict=False)
            y = max(self._text(image, heading, x, y, self._cell, _HEADING) for heading, x in columns)
            y += self._pixels(points=1.5)
        for first in range(0, max(self._tiles) + 1, len(self._columns)):
            y = self._row(image, first, y) + gap
        if caption:
            y = self._text(image, caption, left, y, inner, _CAPTION) + gap
        return y - gap + self._margin

    def _row(self, image: Image.Image, first: int, y: int) -> int:
        """Draw a row, its pictures on one base line, and return where it ends."""
        row = {x: self._tiles[place] for place, x in enumerate(self._columns, first) if place in self._tiles}
        pictures = {x: tile.picture or self._empty(tile.reason) for x, tile in row.items()}
        ground = bottom = y + max((picture.height for picture in pictures.values()), default=0)
        for x, tile in row.items():
            image.paste(pictures[x], (x, ground - pictures[x].height))
            y = self._text(image, tile.label, x, ground + self._pixels(points=1.5), self._cell, _LABEL)
            y = self._text(image, tile.note, x, y, self._cell, _NOTE)
            for share in tile.shares:
                y = self._bar(image, share, x, y + self._pixels(points=2))
            bottom = max(bottom, y)
        return bottom

    def _bar(self, image: Image.Image, share: Share, x: int, y: int) -> int:
        """Draw a bar, with its label and percentage in a line above it, and return where it ends."""
        draw, (size, bold, _) = ImageDraw.Draw(image), _LABEL
        font, percentage, right = typeface(size / 72 * self._dpi, bold), f"{share.part:.1%}", x + self._cell
        first, *more = wrapped(drawable(share.label), font, self._cell - font.getlength(f" …{percentage}")) or [""]
        draw.text((x, y + self._pixels(points=size)), f"{first}{'…' * bool(more)}", self._theme.ink, font, anchor="ls")
        draw.text((right, y + self._pixels(points=size)), percentage, self._theme.faint, font, anchor="rs")
        top = y + self._pixels(points=size * _LEADING)
        bottom = top + self._pixels(points=_BAR)
        for end, colour in ((right, self._theme.empty), (x + round(share.part * self._cell), self._theme.faint)):
            if end > x:
                draw.rectangle((x, top, end - 1, bottom - 1), colour)
        return bottom

    def _empty(self, reason: str) -> Image.Image:
        """Return a tile without a picture, as tall as the others, with as much of the reason as it has room for."""
        heights = [tile.picture.height for tile in self._tiles.values() if tile.picture]
        image = Image.new("RGB", (self._cell, max(heights, default=self._cell * 2 // 3)), self._theme.empty)
        pad = self._pixels(points=4)
        self._text(image, reason, pad, pad, self._cell - 2 * pad, _NOTE)
        return image

    def _text(self, image: Image.Image, text: str, x: int, y: int, width: int, style: tuple[float, bool, bool]) -> int:
        """Draw as much of a text as the image has room for, and return where the next line would begin."""
        size, bold, faint = style
        font, colour = typeface(size / 72 * self._dpi, bold), self._theme.faint if faint else self._theme.ink
        lines, step = wrapped(drawable(text), font, width), self._pixels(points=size * _LEADING)
        room = max((image.height - y) // step, 0)
        if 0 < room < len(lines):
            lines[room - 1] += "…"
        for number, line in enumerate(lines[:room]):
            baseline = y + number * step + self._pixels(points=size)
            ImageDraw.Draw(image).text((x, baseline), line, colour, font, anchor="ls")
        return y + len(lines) * step

    def _pixels(self, mm: float = 0, points: float = 0) -> int:
        return round((mm / 25.4 + points / 72) * self._dpi)

    def _scaled(self, size: tuple[int, ...]) -> tuple[int, int]:
        """Return the (width, height) on the sheet of a picture of (height, width) `size`."""
        height, width = size[:2]
        scale = min(self._cell / width, _TALLEST * self._cell / height)
        return max(1, round(width * scale)), max(1, round(height * scale))


def fitting_columns(tiles: int, size: tuple[int, ...]) -> int:
    """Return the least number of columns with which so many pictures fit a page, or one more for fuller rows."""
    most = min(tiles, 36)
    columns = next((n for n in range(1, most) if _width(n, math.ceil(tiles / n), size) >= PAGE[0]), most)
    return min(columns, columns + 1, key=lambda number: -tiles % number)  # places that stay empty


def fitting_width(columns: int, rows: int, size: tuple[int, ...]) -> float:
    """Return the width in mm with which so many pictures of (height, width) `size` fit a page; labels stay legible."""
    return min(max(_width(columns, rows, size), columns * 20.0), PAGE[0])


def _width(columns: int, rows: int, size: tuple[int, ...]) -> float:
    """Return the width in mm of a sheet with that many rows that is as tall as a page."""
    tile = ((PAGE[1] - _PAGE_TEXT) / rows - _ROW_TEXT) / min(size[0] / size[1], _TALLEST)
    return columns * (tile + _GUTTER) - _GUTTER + 2 * _MARGIN


def check_pixels(pixels: int, what: str, of: str = "sheet") -> None:
    """Raise `ShapeError` for more pixels than viewers show: what they are, `of` a sheet or a page."""
    most = Image.MAX_IMAGE_PIXELS or 2**30  # viewers refuse larger ones
    if pixels > most:
        raise ShapeError(
            f"the {of} is too large: {what} are {pixels} pixels (at most {most}); use fewer or smaller ones"
        )


@cache
def typeface(pixels: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return Source Sans Pro at a size in pixels: the same letters on every machine."""
    weight = "Semibold" if bold else "Regular"
    file = files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.otf"
    return ImageFont.truetype(BytesIO(file.read_bytes()), pixels)


def drawable(text: str) -> str:
    """Elide the middle of a text that is too long, and escape what is not printable."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
    return printable(unicodedata.normalize("NFC", text), keep="\n")


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Break lines after spaces and slashes, and a word that is longer than a line anywhere."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines.append("")
        for word in re.findall(r"[^ /]*[ /]|[^ /]+", paragraph):
            for part in [word] if font.getlength(word.rstrip()) <= width else word:
                if lines[-1] and font.getlength((lines[-1] + part).rstrip()) > width:
                    lines.append("")
                lines[-1] += part
    return [line.rstrip() for line in lines]
