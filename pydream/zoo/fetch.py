"""A fetch tries addresses in turn until what one sends is a network's weights, by hashes that the registry has.

What a server says about a file is not trusted. One network comes in several files: its caffemodel, with or without what
only training needs, an ONNX file, raw numbers layer by layer; each is checked, made a caffemodel where it is none, and
checked again by its numbers. Whatever an answer is made of, it can do no more than make its address fail.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import logs
from ..errors import FetchError, printable
from ..files import make_folder
from ..locks import locked
from . import sources
from .addresses import is_address, without_secrets
from .check import check
from .registry import Entry, fetched_place, find_weights
from .sources import Source, sources_of, whole_files

LONGEST_REASON = 200  # characters; a server may say more

OnBytes = Callable[[str, int, int | None], None]  # address without its secrets, bytes so far, bytes in all
OnMessage = Callable[[str], None]  # a line for people


def fetch(
    entry: Entry,
    first: Sequence[str] = (),
    on_bytes: OnBytes = lambda address, done, size: None,
    on_message: OnMessage = lambda line: None,
) -> Path:
    """Fetch a network's weights, unless they are there.

    An interrupted fetch leaves ``NAME.part`` beside the file, which the next one resumes. Processes that fetch the same
    file wait for each other.

    Parameters
    ----------
    entry : Entry
    first : sequence of str
        Addresses to try before the entry's own, of any of its files.
    on_bytes : callable
        Called as bytes come in.
    on_message : callable
        Called with a line for people: an address that failed while there are others, another process to wait for, or
        what could not be checked.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FetchError
        If no address sends the file; it has the reason for each, and what to put where by hand. If another file of
        that name is in a folder that is searched earlier.
    ValueError
        If one of `first` is not an address.
    OSError
        If the file cannot be written.
    """
    for address in first:
        if not is_address(address):
            raise ValueError(_not_an_address(address))
    target = fetched_place(entry)
    there = find_weights(entry)
    if there is not None and there.resolve() != target.resolve():
        wrong = check(there, entry).wrong
        if wrong:
            raise FetchError(f"'{there}' is not what the registry says: {wrong}; remove it, and fetch again")
        return there
    if _right(target, entry):
        return target
    if not (first or entry.addresses or any(whole_files(entry, target))):
        raise FetchError(f"no address is known for {entry.name}; {by_hand(entry)}")
    make_folder(target.parent)
    with locked(target, lambda: on_message(f"another process is fetching {target.name}; waiting for it")):
        if not _right(target, entry):  # another process may have been quicker
            _fetch(entry, first, target, on_bytes, on_message)
            logs.info("fetched %s into %s", target.name, target.parent)
        else:
            logs.debug("%s is there already", target)
    return target


def by_hand(entry: Entry) -> str:
    """Return what to put where on a machine that cannot fetch, in words: any of several files will do."""
    inside = f", which is in {entry.archive.name}," if entry.archive else ""
    place = fetched_place(entry)
    others = " or ".join(str(copy) for copy in entry.copies if copy.name != entry.weights)
    convert = f"; or put {others} into '{place.parent}', of which `pydream models fetch {entry.name}` makes it"
    return (
        f"put {entry.weights}{inside}{str(entry.file).removeprefix(entry.weights)} at '{place}'"
        f" (`pydream models path {entry.name}`){convert if others else ''};"
        f" `pydream models verify {entry.name}` checks it"
    )


def _right(path: Path, entry: Entry) -> bool:
    return path.is_file() and check(path, entry).wrong is None


def _fetch(entry: Entry, first: Sequence[str], target: Path, on_bytes: OnBytes, on_message: OnMessage) -> None:
    failed: dict[str, str] = {}
    for path, source in whole_files(entry, target):
        try:
            source.take(path, move=path == source.part)
            return
        except FetchError as error:
            failed[str(path)] = str(error)
    found = list(sources_of(entry, first, target))
    left = sum(len(source.addresses) for source in found)
    for source in found:
        for address in source.addresses:
            left -= 1
            shown = without_secrets(address)
            logs.info("fetching %s from %s", target.name, shown)
            try:
                unchecked = _get(source, address, lambda done, size, shown=shown: on_bytes(shown, done, size))  # type: ignore[misc]
            except FetchError as error:
                failed[address] = printable(without_secrets(str(error)[:2000]))[:LONGEST_REASON]
                logs.info("%s: %s; %s addresses are left", shown, failed[address], left)
                if left:
                    on_message(f"{shown}: {failed[address]}; trying the next address")
                continue
            if unchecked:
                on_message(f"{target.name}: checked {unchecked}")
            for each in found:
                each.part.unlink(missing_ok=True)
            return
        if source.part.is_file() and source.part.stat().st_size == 0:
            source.part.unlink()
    why = "; ".join(f"{without_secrets(address)}: {reason}" for address, reason in failed.items())
    raise FetchError(f"cannot fetch {entry.name}: {why}; {by_hand(entry)}")


def _get(source: Source, address: str, on_bytes: sources.OnBytes) -> str:
    """Fetch from an address; what is wrong with parts of two answers may be right from this one alone."""
    if not is_address(address):
        raise FetchError(_not_an_address(address))
    there = source.part.stat().st_size if source.part.is_file() else 0
    free = shutil.disk_usage(source.part.parent).free
    if source.room - there > free:
        needed = f"{(source.room - there) / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free"
        raise OSError(errno.ENOSPC, needed, str(source.part.parent))
    mixed = source.get(address, on_bytes)
    try:
        return _taken(source)
    except FetchError:
        if not mixed:
            raise
    source.get(address, on_bytes)
    return _taken(source)


def _taken(source: Source) -> str:
    try:
        return source.take(source.part, move=True)
    except FetchError:
        source.part.unlink(missing_ok=True)
        raise


def _not_an_address(address: str) -> str:
    shown = without_secrets(address)
    return f"{shown!r} is not an address to fetch from (expected e.g. https://example.org/file)"
