"""A file of weights is right if its hash is known, or that of its numbers; or else only its shapes can be checked.

Beside a file that was fetched, and whose own hash the registry does not have, is a record of it, ``NAME.sha256``, in
the form that `sha256sum -c` reads.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import NetFileError
from ..files import file_sha256, start_of, write_text
from ..formats.foreign import FOREIGN
from ..formats.head import Head
from .numbers import numbers_of
from .registry import Copy, Entry, networks


class Verdict(NamedTuple):
    """What was found out about a file.

    Attributes
    ----------
    wrong : str or None
        What is wrong with it, in words.
    by : str
        Where it is right, by what, unless it is by its own hash.
    sure : bool
        Whether there was a hash to check.
    """

    wrong: str | None
    by: str = ""
    sure: bool = True


def known_copy(path: Path, entry: Entry) -> Copy | None:
    """Return the file of a network that a file is, by size and hash."""
    files = [entry.file, *([entry.archive] if entry.archive else []), *entry.copies]
    return next((copy for copy in files if copy.known and copy.fault(path) is None), None)


def check(path: Path, entry: Entry, *, trusted: bool = False) -> Verdict:
    """Check that a file has a network's weights.

    Parameters
    ----------
    path : Path
    entry : Entry
    trusted : bool
        It was made of a file whose hash is known.
    """
    if known_copy(path, entry) is not None:
        return Verdict(None)
    if _is_recorded(path):
        return Verdict(None, "as it was fetched")
    hashed = any(copy.known for copy in (entry.file, *entry.copies))
    if entry.definition is None or (hashed and not entry.numbers and not trusted):
        return Verdict(entry.file.fault(path) or _what(path) or (None if not hashed else "another hash"))
    try:
        numbers = numbers_of(entry.definition, path)  # reads all of them: what is missing is found
    except NetFileError as error:
        size = f"{entry.file.fault(path)}, and " if entry.size else ""
        return Verdict(f"{size}{str(error).removeprefix(f'{path}: ')}{_what(path)}")
    if not entry.numbers:
        return Verdict(None, "by its shapes; no hash of it is known", sure=False)
    if numbers != entry.numbers:
        return Verdict(f"numbers of sha256 {numbers}, not {entry.numbers}")
    return Verdict(None, "by its numbers")


def recognised(weights: Path) -> Entry | None:
    """Return the network of the registry that a file of weights has the numbers of."""
    for entry in networks():
        if entry.numbers and entry.definition is not None and not entry.own:
            with suppress(NetFileError):  # it is of another network
                if numbers_of(entry.definition, weights) == entry.numbers:
                    return entry
    return None


def what_it_is(start: bytes) -> str:
    """Return in brackets what hosts send in place of a file, by its beginning; nothing if it is nothing known."""
    head = Head("", start, start, len(start))
    found = next((each.what for each in FOREIGN if start and each.test(head)), None)
    return f" ({found})" if found else ""


def _what(path: Path) -> str:
    return what_it_is(start_of(path, 1024))


def record_of(path: Path) -> Path:
    """Return where the record of a fetched file is."""
    return path.with_name(f"{path.name}.sha256")


def record(path: Path, target: Path) -> None:
    """Record a file that is going to be `target`."""
    write_text(record_of(target), f"{file_sha256(path)}  {target.name}\n")


def _is_recorded(path: Path) -> bool:
    recorded = start_of(record_of(path), 64).decode("ascii", "replace")
    return len(recorded) == 64 and file_sha256(path) == recorded
