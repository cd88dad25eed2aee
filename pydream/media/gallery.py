"""A gallery is a page of labelled pictures with commands: a click shows one large, another copies its command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ..picture import to_pixels
from .page import WIDEST, Embedded, document, escaped, jpeg, picture_html, shares_html
from .sheet import Share, check_pixels, drawable

_STYLE, _SCRIPT = (Path(__file__).with_name(name) for name in ("gallery.css", "gallery.js"))
_QUALITY = 92  # of JPEG: dreams are all edges
_DIALOG = (
    '<dialog aria-label="The picture, large"><img src="data:," alt=""><nav>'
    '<button type="button" class="before" aria-label="The picture before">←</button>'
    '<span class="label"></span> <span class="note"></span>'
    '<button type="button" class="after" aria-label="The next picture">→</button>'
    '<button type="button" class="close">Close</button></nav>'
    '<div class="command"><code></code><button type="button" class="copy" hidden>Copy</button></div></dialog>'
)


class _Tile(NamedTuple):
    picture: Embedded | None
    label: str
    note: str
    reason: str
    command: str
    shares: Sequence[Share]


class Gallery:
    """Tiles, added one by one as to a `Sheet`; `page` returns the HTML.

    A picture is encoded when it is added, at most 1024 pixels wide and high.

    Parameters
    ----------
    headings : sequence of str
        Above the sections, if there are several: what is a column of a sheet is a section of a page.
    """

    def __init__(self, headings: Sequence[str] = ()) -> None:
        self._headings = headings
        self._tiles: dict[int, _Tile] = {}

    def __len__(self) -> int:
        return len(self._tiles)

    def add(
        self,
        picture: NDArray[Any] | None,
        label: str,
        note: str = "",
        reason: str = "",
        place: int | None = None,
        command: str = "",
        shares: Sequence[Share] = (),
    ) -> None:
        """Put a picture, (h, w, 3) RGB 0..255, into a place, as `Sheet.add` does, with the command that makes it."""
        embedded = None if picture is None else jpeg(to_pixels(picture), _QUALITY)
        place = max(self._tiles, default=-1) + 1 if place is None else place
        self._tiles[place] = _Tile(embedded, label, note, reason, command, shares)

    def check(self, tiles: int, size: tuple[int, ...]) -> None:
        """Raise `ShapeError` if a page of so many pictures of (height, width) `size` would be too large."""
        height, width = (min(side, WIDEST) for side in size[:2])
        check_pixels(tiles * height * width, f"{tiles} pictures of {width}×{height}", "page")

    def page(self, title: str, caption: str, note: str | None = None) -> str:
        """Return the page, with a title and a caption above the tiles, and its record; see `document`.

        Raise `ValueError` if there are no tiles.
        """
        if not self._tiles:
            raise ValueError("the gallery has no pictures")
        heading = f"<h1>{_shown(title)}</h1>" if title else ""
        lines = [f"<p>{_shown(line)}</p>" for line in caption.splitlines() if line]
        header = f"<header>{heading}{''.join(lines)}</header>\n"
        body = f"{header}{''.join(self._sections())}{_DIALOG}"
        style, script = (path.read_text(encoding="utf-8") for path in (_STYLE, _SCRIPT))
        return document(drawable(title or "pydream"), body, style, script, note)

    def _sections(self) -> Sequence[str]:
        """Return the sections as HTML: all tiles, or those of each heading."""
        count = max(len(self._headings), 1)
        sections = []
        for number in range(count):
            tiles = "\n".join(_tile(self._tiles[place]) for place in sorted(self._tiles) if place % count == number)
            heading = f"<h2>{_shown(self._headings[number])}</h2>" if self._headings else ""
            sections.append(f'<section>{heading}<div class="gallery">\n{tiles}\n</div></section>\n')
        return sections


def _tile(tile: _Tile) -> str:
    label = _shown(tile.label)
    if tile.picture is None:
        shown = f'<p class="reason">{_shown(tile.reason)}</p>'
    else:
        image = picture_html(tile.picture, drawable(tile.label))
        shown = f'<button type="button" class="large" title="Show it large">{image}</button>'
    command = ""
    if tile.command:
        words = " ".join(f"<span>{escaped(word)}</span>" for word in tile.command.split(" "))  # broken between them
        command = (
            f'<div class="command"><code>{words}</code><button type="button" class="copy" hidden>Copy</button></div>'
        )
    caption = f'<span class="label">{label}</span> <span class="note">{_shown(tile.note)}</span>'
    caption += shares_html(tile.shares) + command
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def _shown(text: str) -> str:
    return escaped(drawable(text))
