"""A contact sheet is labelled pictures in rows on one page, with a title and a caption, to look at or to print."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..errors import ShapeError
from .image import Picture, to_pixels

Colour = tuple[int, int, int]

PAGE = (170.0, 247.0)  # mm: A4 between margins of 20 and 25
DPI = 300
_MM = 1 / 25.4  # inches
_PT = 1 / 72

_MARGIN = 4.0  # mm
_GUTTER = 1.6  # mm
_TALLEST = 2.0  # of a tile, over its width; what is taller gets narrower
_SMALLEST = 3.0  # mm of a tile
_LEGIBLE = 20.0  # mm of a tile whose label can be read
_NARROWEST = 16  # pixels of a tile, so that there is something to see

# Points: size of the letters, and from one baseline to the next.
_TITLE = (11.0, 14.0)
_HEADING = (8.0, 12.0)
_CAPTION = (7.5, 10.0)
_UNDER_PICTURE = 1.5

# What text takes of a page, in mm: label and note of a row; margins, title, headings and three lines of caption.
_ROW_TEXT = 9.2
_LABEL_LINE = 3.1  # a second one
_ONE_LINE = 28.0  # tiles that wide have labels of one line, as a rule
_PAGE_TEXT = 30.0

_LONGEST_LABEL = 400  # characters that are looked at; names in files are strangers' text
_LONGEST_CAPTION = 4000


class Theme(NamedTuple):
    """The colours of a sheet, 8-bit RGB."""

    paper: Colour
    ink: Colour
    faint: Colour  # of what is said by the way
    empty: Colour  # of a tile without a picture


THEMES = {
    "light": Theme(paper=(255, 255, 255), ink=(24, 24, 27), faint=(105, 105, 112), empty=(241, 241, 243)),
    "dark": Theme(paper=(18, 18, 20), ink=(232, 232, 235), faint=(150, 150, 158), empty=(36, 36, 40)),
}


class _Tile(NamedTuple):
    """A place on the sheet: a picture at its final size, or the reason why there is none, which may be empty too."""

    picture: Image.Image | None
    reason: str
    label: str
    note: str


_NOTHING = _Tile(None, "", "", "")


class Sheet:
    """Tiles in rows, added one by one; `draw` lays out what is there.

    A picture is brought to its size on the sheet when it is added, and forgotten: a sheet of large pictures takes no
    more memory than the sheet.

    Parameters
    ----------
    columns : int
        Tiles in a row; `fitting_columns` gives as many as make a page.
    width : float or None
        Of the sheet when it is printed, in millimetres: pictures are scaled to it. None: their pixels stay as they are,
        and the sheet becomes as wide as they make it.
    dpi : float
        Pixels per inch: text is as large as it should be when printed so. Pass it to `write_image` too.
    theme : {"light", "dark"}
    headings : sequence of str
        Over the columns; none: no such line.
    label_size : float
        Of the labels' letters, in points.

    Raises
    ------
    ValueError
        For a parameter out of its range, or so many columns that nothing could be seen.
    """

    def __init__(
        self,
        columns: int,
        width: float | None = PAGE[0],
        dpi: float = DPI,
        theme: str = "light",
        headings: Sequence[str] = (),
        label_size: float = 7.0,
    ) -> None:
        if theme not in THEMES:
            raise ValueError(f"theme: {theme!r}, want one of {', '.join(THEMES)}")
        for name, value, least, most in (
            ("columns", columns, 1, 1000),
            ("width", width or PAGE[0], 10, 5000),
            ("dpi", dpi, 20, 2400),
            ("label_size", label_size, 3, 72),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: {value}, want {least}..{most}")
        self.columns = columns
        self.dpi = dpi
        self._theme = THEMES[theme]
        self._headings = list(headings)
        self._label = (label_size, label_size * 1.25)
        self._note = (label_size * 0.875, label_size * 1.2)
        self._tiles: dict[int, _Tile] = {}
        self._wanted = None if width is None else _tile_width(columns, width, dpi)

    def __len__(self) -> int:
        return len(self._tiles)

    def add(
        self, picture: NDArray[Any] | None, label: str, note: str = "", reason: str = "", place: int | None = None
    ) -> None:
        """Put a picture into a place.

        Parameters
        ----------
        picture : (h, w, 3) array or None
            RGB, 0..255, as `pydream.media.image.to_pixels` takes it. None: the place stays empty.
        label : str
            Under it. Where it is too long it is broken behind its last slash, and then its middle is left out.
        note : str
            Under the label, smaller.
        reason : str
            In an empty place, why it is.
        place : int, optional
            Counted from 0, row by row; None: behind the last one.

        Raises
        ------
        ShapeError
            If the sheet gets too large with it.
        ValueError
            For an array that is no picture.
        """
        scaled = None
        if picture is not None:
            pixels = to_pixels(picture)
            size = self._scaled(pixels.shape[:2])
            taken = sum(tile.picture.width * tile.picture.height for tile in self._tiles.values() if tile.picture)
            _check_pixels(taken + size[0] * size[1], "its pictures")
            image = Image.fromarray(pixels)
            scaled = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        self._tiles[max(self._tiles, default=-1) + 1 if place is None else place] = _Tile(
            scaled, reason[:_LONGEST_CAPTION], label, note
        )

    def check(self, tiles: int, size: tuple[int, ...]) -> None:
        """Raise `ShapeError` where a sheet of so many pictures of (height, width) `size` would be too large."""
        width, height = self._scaled(size)
        rows = math.ceil(tiles / self.columns)
        _check_pixels(rows * height * self.columns * width, f"{tiles} pictures of {width}×{height}")

    def draw(self, title: str = "", caption: str = "") -> Picture:
        """Lay out the tiles that are there.

        Parameters
        ----------
        title : str
            Above them; may be empty.
        caption : str
            Below them: parameters, what is to be seen. Its lines are broken where they have to be.

        Returns
        -------
        (H, W, 3) uint8 array

        Raises
        ------
        ShapeError
            If it would be too large.
        ValueError
            If there are no tiles.
        """
        if not self._tiles:
            raise ValueError("a sheet without pictures")
        return np.asarray(_Drawing(self, title, caption).image)

    def _scaled(self, size: tuple[int, ...]) -> tuple[int, int]:
        """Give the (width, height) on the sheet of a picture of (height, width) `size`."""
        height, width = size[:2]
        if self._wanted is None:
            return width, height
        scale = min(self._wanted / width, _TALLEST * self._wanted / height)
        return max(1, round(width * scale)), max(1, round(height * scale))


def fitting_columns(tiles: int, size: tuple[int, ...], width: float = PAGE[0], height: float = PAGE[1]) -> int:
    """Give the least number of columns with which so many pictures fit a page, or one more if it fills rows better.

    Parameters
    ----------
    tiles : int
    size : (height, width)
        Of one of them, in pixels.
    width, height : float
        Of the page, in millimetres.
    """
    columns = 1
    while columns < tiles:
        tile = (width - 2 * _MARGIN - (columns - 1) * _GUTTER) / columns
        if tile < _SMALLEST or math.ceil(tiles / columns) * _row(tile, size) <= height - _PAGE_TEXT:
            break
        columns += 1
    return min(columns, columns + 1, key=lambda number: -tiles % number)  # places that stay empty


def fitting_width(columns: int, rows: int, size: tuple[int, ...]) -> float:
    """Give the width in millimetres with which so many columns and rows of pictures fit a page, as far as they can."""
    tile = ((PAGE[1] - _PAGE_TEXT) / rows - _ROW_TEXT) / min(size[0] / size[1], _TALLEST)
    width = columns * max(tile, _LEGIBLE) + (columns - 1) * _GUTTER + 2 * _MARGIN
    return min(width, PAGE[0])


def _row(tile: float, size: tuple[int, ...]) -> float:
    """Give the height of a row whose tiles are that wide, both in millimetres."""
    return tile * min(size[0] / size[1], _TALLEST) + _ROW_TEXT + (_LABEL_LINE if tile < _ONE_LINE else 0)


def _tile_width(columns: int, width: float, dpi: float) -> int:
    inner = _millimetres(width, dpi) - 2 * _millimetres(_MARGIN, dpi)
    tile = (inner - (columns - 1) * _millimetres(_GUTTER, dpi)) // columns
    if tile < _NARROWEST:
        raise ValueError(f"columns: {columns}, too many for a sheet {width:g} mm wide at {dpi:g} dpi")
    return tile


def _millimetres(length: float, dpi: float) -> int:
    return round(length * _MM * dpi)


def _check_pixels(pixels: int, what: str) -> None:
    most = Image.MAX_IMAGE_PIXELS or 2**30  # more, and nobody would open it
    if pixels > most:
        raise ShapeError(
            f"the sheet is too large, {what} being {pixels} pixels of at most {most}: use fewer or smaller"
        )


class _Drawing:
    """One sheet, drawn from the top down."""

    def __init__(self, sheet: Sheet, title: str, caption: str) -> None:
        self._sheet = sheet
        self._theme = sheet._theme
        tiles = [sheet._tiles.get(place, _NOTHING) for place in range(max(sheet._tiles) + 1)]
        self._rows = [tiles[i : i + sheet.columns] for i in range(0, len(tiles), sheet.columns)]
        margin, self._gutter = (_millimetres(length, sheet.dpi) for length in (_MARGIN, _GUTTER))
        shown = [tile.picture for tile in tiles if tile.picture is not None]
        self._cell = sheet._wanted or max((picture.width for picture in shown), default=self._points(120))
        self._empty = shown[0].height if shown else round(self._cell * 0.66)
        self._between = self._points(sheet._label[0])  # rows
        inner = sheet.columns * (self._cell + self._gutter) - self._gutter
        self._left, self._inner = margin, inner

        titles = self._wrapped(title[:_LONGEST_CAPTION], _TITLE, bold=True, width=inner)
        captions = self._wrapped(caption[:_LONGEST_CAPTION], _CAPTION, bold=False, width=inner)
        heights = [self._row_height(row) for row in self._rows]
        height = 2 * margin + sum(heights) - self._between
        height += self._points(len(titles) * _TITLE[1] + 3) if titles else 0
        height += self._points(_HEADING[1]) if sheet._headings else 0
        height += self._points(len(captions) * _CAPTION[1] + 5) if captions else 0
        _check_pixels((inner + 2 * margin) * height, f"{inner + 2 * margin}×{height}")

        self.image = Image.new("RGB", (inner + 2 * margin, height), self._theme.paper)
        self._draw = ImageDraw.Draw(self.image)
        y = margin
        if titles:
            y = self._lines(titles, y, _TITLE, self._theme.ink, bold=True) + self._points(3)
        if sheet._headings:
            for column, heading in enumerate(sheet._headings[: sheet.columns]):
                self._line(heading, self._x(column), y, _HEADING, self._theme.ink, bold=True)
            y += self._points(_HEADING[1])
        for row, row_height in zip(self._rows, heights, strict=True):
            for column, tile in enumerate(row):
                self._tile(tile, self._x(column), y, row)
            y += row_height
        if captions:
            self._lines(captions, y - self._between + self._points(5), _CAPTION, self._theme.faint, bold=False)

    def _points(self, points: float) -> int:
        return round(points * _PT * self._sheet.dpi)

    def _x(self, column: int) -> int:
        return self._left + column * (self._cell + self._gutter)

    def _picture_height(self, row: list[_Tile]) -> int:
        return max(tile.picture.height if tile.picture else self._empty if tile.reason else 1 for tile in row)

    def _row_height(self, row: list[_Tile]) -> int:
        label, note = self._sheet._label[1], self._sheet._note[1]
        text = max(len(self._label(tile)) * label + (note if tile.note else 0) for tile in row)
        return self._picture_height(row) + self._points(_UNDER_PICTURE + text) + self._between

    def _tile(self, tile: _Tile, x: int, y: int, row: list[_Tile]) -> None:
        """Draw a picture on the row's ground line, and its text below."""
        ground = y + self._picture_height(row)
        if tile.picture is not None:
            self.image.paste(tile.picture, (x, ground - tile.picture.height))
        elif tile.reason:
            self._why_empty(tile.reason, x, ground)
        y = ground + self._points(_UNDER_PICTURE)
        for line in self._label(tile):
            self._line(line, x, y, self._sheet._label, self._theme.ink, bold=False)
            y += self._points(self._sheet._label[1])
        self._line(tile.note, x, y, self._sheet._note, self._theme.faint, bold=False)

    def _label(self, tile: _Tile) -> list[str]:
        """Give the lines of a label: one or, behind the last slash, two. Whose name is too long still is elided."""
        label = _shortened(tile.label)
        folder, slash, name = label.rpartition("/")
        if not label:
            return []
        whole = self._font(self._sheet._label[0], bold=False).getlength(drawable(label)) <= self._cell
        return [label] if whole or not slash else [folder + slash, name]

    def _why_empty(self, reason: str, x: int, ground: int) -> None:
        """Draw a place without a picture: a shade with as much of the reason as it holds."""
        style, pad = self._sheet._note, self._points(4)
        top = ground - self._empty
        self._draw.rectangle((x, top, x + self._cell - 1, ground - 1), fill=self._theme.empty)
        lines = self._wrapped(reason, style, bold=False, width=self._cell - 2 * pad)
        fit = (self._empty - 2 * pad) // self._points(style[1])
        if len(lines) > fit > 0:
            lines[fit - 1] += "…"
        for number, line in enumerate(lines[: max(fit, 0)]):
            self._line(
                line, x + pad, top + pad + number * self._points(style[1]), style, self._theme.faint, False, 2 * pad
            )

    def _lines(self, lines: list[str], y: int, style: tuple[float, float], colour: Colour, bold: bool) -> int:
        """Draw lines at the left, and give where the next would begin."""
        size, leading = style
        for number, line in enumerate(lines):
            baseline = y + self._points(number * leading + size)
            self._draw.text((self._left, baseline), line, colour, self._font(size, bold), anchor="ls")
        return y + self._points(len(lines) * leading)

    def _line(
        self, text: str, x: int, y: int, style: tuple[float, float], colour: Colour, bold: bool, less: int = 0
    ) -> None:
        """Draw one line of a tile, whose letters begin at `y`, as much of it as fits."""
        font = self._font(style[0], bold)
        shown = elided(drawable(_shortened(text), bold), font, self._cell - less)
        self._draw.text((x, y + self._points(style[0])), shown, colour, font, anchor="ls")

    def _wrapped(self, text: str, style: tuple[float, float], bold: bool, width: int) -> list[str]:
        return wrapped(drawable(text, bold, keep="\n"), self._font(style[0], bold), width) if text else []

    def _font(self, size: float, bold: bool) -> ImageFont.FreeTypeFont:
        return typeface(size * _PT * self._sheet.dpi, bold)


def _shortened(text: str) -> str:
    """Leave out most of what would take long to measure."""
    half = _LONGEST_LABEL // 2
    return text if len(text) <= 2 * half else f"{text[:half]}…{text[-half:]}"


@cache
def typeface(pixels: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Give Source Sans Pro at a size in pixels: the same letters on every machine."""
    weight = "Semibold" if bold else "Regular"
    file = files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.otf"
    return ImageFont.truetype(BytesIO(file.read_bytes()), pixels)


def drawable(text: str, bold: bool = False, keep: str = "") -> str:
    r"""Write what the typeface cannot show, or a reader not see, as Python would: ☃ is \u2603."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c if c in keep or _has(c, bold) else c.encode("unicode_escape").decode() for c in composed)


@cache
def _has(character: str, bold: bool) -> bool:
    """Tell whether the typeface has a character: what it has not looks like what no font has."""
    if not character.isprintable():
        return False
    font = typeface(32, bold)
    nothing, shape = font.getmask("\U0010ffff"), font.getmask(character)
    return shape.size != nothing.size or bytes(shape) != bytes(nothing)


def elided(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Leave out the middle of a line until it fits: ``inception_4…5x5_reduce``; both ends tell layers apart."""
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        shorter = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if font.getlength(shorter) <= width:
            return shorter
    return "…" if font.getlength("…") <= width else ""


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Break lines between words, and a word that is longer than a line anywhere."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in _breakable(paragraph.split(" "), font, width):
            longer = f"{line} {word}" if line else word
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _breakable(words: Iterable[str], font: ImageFont.FreeTypeFont, width: float) -> Iterable[str]:
    for word in words:
        rest = word
        while len(rest) > 1 and font.getlength(rest) > width:
            fit = next((n for n in range(len(rest) - 1, 1, -1) if font.getlength(rest[:n]) <= width), 1)
            yield rest[:fit]
            rest = rest[fit:]
        yield rest
