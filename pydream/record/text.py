r"""Accounts as JSON in ASCII, whatever bytes a name is made of.

A name of a file need not be UTF-8: Python has a lone surrogate for each byte that is none, and JSON has no such
characters. In an account they are four hexadecimal digits behind a NUL, which no name has: ``\u0000dcff`` for the byte
FF. A NUL of another text is ``\u00000000``. Older versions read such a name as one that no file has.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

# Fields that earlier versions' records lack: left out where they are off, so that the same dream has the same record.
LATER = {
    "decorrelate": 0.0,
    "decorrelate_color": False,
    "color_correlations": None,
    "robust_scale": 0.0,
    "robust_rotate": 0.0,
    "power": None,
    "magnitudes": None,
    "depth": None,
    "place": None,
    "caricature": None,
    "invert": False,
    "vector": (),
    "cosine_power": 0.0,
    "octave_sizes": None,
    "seamless": False,
    "also": (),
}


def to_json(account: Any, indent: int | None = None) -> str:
    """Return an account as JSON."""
    return json.dumps(_each_text(msgspec.to_builtins(account), _escaped), indent=indent)


def from_json(text: str | bytes, type: type[T]) -> T:
    """Read what `to_json` wrote, or what it may be; raise what `msgspec` does, or RecursionError."""
    return msgspec.convert(_each_text(msgspec.json.decode(text), _unescaped), type)


def number_text(value: float) -> str:
    """Return a number in nine digits, or in as many as it takes to read the same number again."""
    short = f"{value:.9g}"
    return short if float(short) == value else repr(value)


def as_unicode(text: str) -> str:
    """Decode bytes in a text that are UTF-8, which the locale C leaves as they are."""
    return re.sub("[\udc80-\udcff]+", lambda found: to_bytes(found[0]).decode("utf-8", "surrogateescape"), text)


def as_path(name: str) -> Path:
    """Return the path of a name in an account, in the locale's encoding."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # the locale C has no such letters
        return Path(os.fsdecode(to_bytes(name)))
    return Path(name)


def to_bytes(text: str) -> bytes:
    """Return the bytes of a name; of a text that no file can have as a name, some."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _escaped(text: str) -> str:
    return re.sub("[\0\ud800-\udfff]", lambda found: f"\0{ord(found[0]):04x}", as_unicode(text))


def _unescaped(text: str) -> str:
    return re.sub("\0(0000|d[89a-f][0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text in what JSON is made of, but the names of fields."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(each, change) for key, each in value.items() if key not in LATER or each != LATER[key]}
    if isinstance(value, list | tuple):
        return [_each_text(each, change) for each in value]
    return value
