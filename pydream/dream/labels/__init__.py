"""A class's name → its number: the 1,000 of ImageNet, in the order of its networks. README.md has the source."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files

from ...errors import UnknownNameError

_MOST_LISTED = 8  # classes in a message


@cache
def imagenet_names() -> tuple[str, ...]:
    """Return the names of the 1,000 classes, by number."""
    return tuple(files(__name__).joinpath("ilsvrc2012.txt").read_text(encoding="ascii").splitlines())


def find_class(label: int | str, count: int) -> int:
    """Find a class's number.

    Parameters
    ----------
    label : int or str
        The number, also in digits; or a name or a part of one, in upper or lower case. Matches of the whole name come
        before those of whole words, and these before those of parts of words.
    count : int
        Number of classes of the network; only for 1,000 are names known.

    Raises
    ------
    UnknownNameError
        There is no such class, or several: the message lists those, or close names.
    """
    if isinstance(label, int) or label.strip().isdecimal():
        number = int(label)
        if not 0 <= number < count:
            raise UnknownNameError(f"no class {number}; there are {count}, 0 to {count - 1}")
        return number
    names = imagenet_names()
    if count != len(names):
        raise UnknownNameError(
            f"no class {label!r}: no names are known for a network with {count} classes; use a number, 0 to {count - 1}"
        )
    sought = label.strip().lower()
    found: list[int] = []
    for fits in (_whole, _words, _part):
        found = found or [number for number, name in enumerate(names) if fits(sought, name.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"class {label!r} could be {_listed(found)}; use a number or more of the name")
    close = difflib.get_close_matches(sought, [name.lower() for name in names], n=5, cutoff=0.5)
    near = [number for number, name in enumerate(names) if name.lower() in close]
    raise UnknownNameError(
        f"no class {label!r}{f'; close: {_listed(near)}' if near else ' among the 1000 of ImageNet'}"
    )


def _whole(sought: str, name: str) -> bool:
    return sought == name


def _words(sought: str, name: str) -> bool:
    return f" {sought} " in f" {name} "


def _part(sought: str, name: str) -> bool:
    return bool(sought) and sought in name


def _listed(numbers: list[int]) -> str:
    names = imagenet_names()
    first = ", ".join(f"{number} {names[number]!r}" for number in numbers[:_MOST_LISTED])
    return f"{first}{f' and {len(numbers) - _MOST_LISTED} more' if len(numbers) > _MOST_LISTED else ''}"
