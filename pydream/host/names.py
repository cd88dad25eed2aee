"""Names that a file can have, here and elsewhere, and which of them are one file's on some systems."""

from __future__ import annotations

import errno
import os
import re
import secrets
import unicodedata
from contextlib import suppress
from pathlib import Path

from . import WINDOWS

_STRICT = WINDOWS  # a system that writes elsewhere, or under another name, than it was asked to
_DEVICES = {
    *("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"),
    *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"),
}
_REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]')
_LONGEST = 255  # UTF-16 units of Windows' names, bytes of others'
_LONGEST_MADE = 150  # bytes


def fault(name: str) -> str | None:
    """Return what is wrong with a name, without its folder, on the strictest of systems, which is Windows."""
    if name.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        return "it is the name of a device"
    if name != name.rstrip(". "):
        return "a name cannot end in a dot or a space"
    if (found := _REFUSED.search(name)) is not None:
        return f"a name cannot have {found[0]!r} in it"
    if len(name.encode("utf-16-le", "surrogatepass")) // 2 > _LONGEST:
        return f"a name has at most {_LONGEST} characters"
    return None


def made_of(text: str) -> str:
    """Return a name, without suffix, of any text, as of a layer, that every system takes; a suffix may follow."""
    name = re.sub(r"[^\w.-]+", "-", text)
    name = name.encode()[:_LONGEST_MADE].decode(errors="ignore")
    return f"_{name}" if name.partition(".")[0].upper() in _DEVICES else name


def check(path: str | os.PathLike[str]) -> None:
    """Raise `OSError` for a file whose name this system would take for something else; others refuse by themselves."""
    if not _STRICT:
        return
    whole = Path(path)
    for part in whole.parts:
        if part not in (whole.anchor, ".", "..") and (wrong := fault(part)) is not None:
            raise OSError(errno.EINVAL, f"{wrong} on this system", os.fspath(path))


def folded(name: str) -> str:
    """Return what names have in common that are one file's where capitals, or ways to compose letters, do not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def ignores_case(folder: Path) -> bool:
    """Return whether names that differ in capitals only are one file's in a folder that can be written."""
    probe = folder / f".pydream-{secrets.token_hex(8)}.tmp"
    with suppress(OSError):
        probe.open("xb").close()
        try:
            return probe.with_name(probe.name.swapcase()).exists()
        finally:
            probe.unlink()
    return False
