"""A table is rows of text under a head: aligned for a terminal, or as HTML for a notebook; a long one is folded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from html import escape

from .errors import printable

_MOST_LINES = 40  # rows in a terminal, half of them from the end
_MOST_ROWS = 400  # in a notebook, where they scroll
_LONGEST = 80  # characters of a cell: names in files may have any length
_SCROLLED = "max-height: 30em; overflow: auto"


def percentage(part: float, places: int = 2) -> str:
    """Return a part of a whole in percent; what would be shown as nothing, and is more, as less than the last place."""
    least = 10.0**-places
    return f"<{least:.{places}f}%" if 0 < part * 100 < least else f"{part:.{places}%}"


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return rows as lines whose columns are equally wide, those of the numbers `right` flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'>' if column in right else '<'}{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


@dataclass(frozen=True)
class Table:
    """A table that is shown in full, or without its middle.

    Attributes
    ----------
    title : str
    head : sequence of str
    keys : sequence of str
        One for each row.
    cells : callable
        Makes the cells of a row from its key; only of rows that are shown.
    """

    title: str
    head: Sequence[str]
    keys: Sequence[str]
    cells: Callable[[str], Sequence[str]]

    def text(self) -> str:
        """Return it as lines of text."""
        first, left_out, last = self._rows(_MOST_LINES)
        lines = aligned([self.head, *first, *last])
        if left_out:
            lines.insert(len(first) + 1, f"… {left_out:,} more …")
        return "\n".join([_short(self.title), *lines])

    def html(self) -> str:
        """Return it as HTML in a box that scrolls."""
        first, left_out, last = self._rows(_MOST_ROWS)
        gap = [f'<tr><td colspan="{len(self.head)}">… {left_out:,} more …</td></tr>'] if left_out else []
        rows = [_row(self.head, "th"), *map(_row, first), *gap, *map(_row, last)]
        return f'<div style="{_SCROLLED}"><b>{escape(_short(self.title))}</b><table>{"".join(rows)}</table></div>'

    def _rows(self, most: int) -> tuple[list[list[str]], int, list[list[str]]]:
        """Return the first rows, the number of those that are left out, and the last rows."""
        left_out = max(0, len(self.keys) - most)
        half = (len(self.keys) - left_out + 1) // 2
        first, last = self.keys[:half], self.keys[half + left_out :]
        return self._made(first), left_out, self._made(last)

    def _made(self, keys: Sequence[str]) -> list[list[str]]:
        return [list(map(_short, self.cells(key))) for key in keys]


class Tabular:
    """What shows itself as a table, in a terminal and in a notebook."""

    def _table(self) -> Table:
        """Return the table."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()


def _short(text: str) -> str:
    """Return a text in printable characters, without the end of what is too long."""
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _row(cells: Sequence[str], tag: str = "td") -> str:
    made = (f'<{tag} style="text-align: left">{escape(cell)}</{tag}>' for cell in cells)
    return f"<tr>{''.join(made)}</tr>"
