"""What differs between two dreams, named one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_LONGEST_TEXT = 200  # characters of what differs


class Difference(NamedTuple):
    """One thing that differs between two dreams; as text it names both."""

    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = ("none" if value is None else _elided(str(value)) for value in (self.before, self.after))
        return f"{self.what} was {before}, now {after}"


def _elided(text: str) -> str:
    """Cut a text that is too long for a line: a direction has a number for each channel."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def changes(before: Any, after: Any, names: Iterable[str]) -> Iterator[Difference]:
    """Compare two objects attribute by attribute."""
    for name in names:
        if getattr(before, name) != getattr(after, name):
            yield Difference(name, getattr(before, name), getattr(after, name))
