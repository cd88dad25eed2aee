"""A class's name, or a word for several → their numbers: the 1,000 of ImageNet. README.md has the sources."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from ...errors import UnknownNameError

_MOST_LISTED = 8  # classes in a message
NUMBERS = re.compile(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*")


@cache
def imagenet_names() -> tuple[str, ...]:
    """Return the names of the 1,000 classes, by number."""
    return tuple(files(__name__).joinpath("ilsvrc2012.txt").read_text(encoding="ascii").splitlines())


def class_names(count: int) -> tuple[str, ...] | None:
    """Return the names of a network's classes, by number; None: they are known for the 1,000 of ImageNet alone."""
    names = imagenet_names()
    return names if count == len(names) else None


@cache
def imagenet_words() -> dict[str, tuple[int, ...]]:
    """Return WordNet's words for several of the 1,000 classes, each with their numbers."""
    lines = files(__name__).joinpath("words.txt").read_text(encoding="ascii").splitlines()
    return {word: _numbers(listed) for word, _, listed in (line.rpartition(": ") for line in lines)}


def is_number(label: int | str) -> bool:
    """Return whether a class is given by its number, or several by theirs, ``3-7,12``."""
    return isinstance(label, int) or NUMBERS.fullmatch(label.strip()) is not None


def find_classes(label: int | str, count: int) -> tuple[int, ...]:
    """Find a class's number, or those of all classes that a word means.

    Parameters
    ----------
    label : int or str
        The number, also in digits, or numbers as ``3-7,12``; or a name or a part of one, in upper or lower case. A
        whole name comes before a word of `imagenet_words`, ``dog`` or ``dogs``; that before a name that has the word,
        and this before parts of words.
    count : int
        Number of classes of the network; only for 1,000 are names known.

    Raises
    ------
    UnknownNameError
        There is no such class, or several: the message lists those, or close names.
    """
    if isinstance(label, int) or is_number(label):
        for number in [label] if isinstance(label, int) else map(int, re.split("[-,]", label)):
            if not 0 <= number < count:
                raise UnknownNameError(f"no class {number}; there are {count}, 0 to {count - 1}")
        if numbers := (label,) if isinstance(label, int) else _numbers(label):
            return numbers
        raise UnknownNameError(f"no class {label!r} (expected the smaller number first, e.g. 3-7)")
    names = class_names(count)
    if names is None:
        raise UnknownNameError(
            f"no class {label!r}: no names are known for a network with {count} classes; use a number, 0 to {count - 1}"
        )
    sought = label.strip().lower()
    found = _named(_whole, sought)
    for word in (sought, sought.removesuffix("s")) if not found else ():
        if word in imagenet_words():
            return imagenet_words()[word]
    found = found or _named(_words, sought) or _named(_part, sought)
    if len(found) == 1:
        return (found[0],)
    if found:
        raise UnknownNameError(f"class {label!r} could be {_listed(found)}; use a number or more of the name")
    numbered = {name.lower(): number for number, name in enumerate(names)}
    close = difflib.get_close_matches(sought, dict.fromkeys([*numbered, *imagenet_words()]), n=5, cutoff=0.5)
    near = ", ".join(
        _listed([numbered[name]]) if name in numbered else f"{name!r} ({len(imagenet_words()[name])} classes)"
        for name in close
    )
    raise UnknownNameError(f"no class {label!r}{f'; close: {near}' if near else ' among the 1000 of ImageNet'}")


def _numbers(listed: str) -> tuple[int, ...]:
    """Read numbers, each once: ``3-7,12``."""
    runs = [run.partition("-") for run in listed.split(",")]
    return tuple(dict.fromkeys(n for first, _, last in runs for n in range(int(first), int(last or first) + 1)))


def _named(fits: Callable[[str, str], bool], sought: str) -> list[int]:
    return [number for number, name in enumerate(imagenet_names()) if fits(sought, name.lower())]


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
