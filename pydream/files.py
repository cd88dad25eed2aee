"""A file is written whole or not at all: to a temporary name beside its own, then renamed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def is_temporary(path: Path) -> bool:
    """Tell whether a file is what a killed process left of `written_whole`."""
    return re.fullmatch(r"\.pydream-[0-9a-f]{16}\.tmp", path.name) is not None


def temporary_beside(target: Path) -> Path:
    """Give a new name in the target's folder, hidden, so that a rename stays on one disk."""
    return target.with_name(f".pydream-{secrets.token_hex(8)}.tmp")


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes `path` when the block ends well, and else is gone.

    An older file under that name stays as it was if anything fails, and keeps its permissions if nothing does. A
    symbolic link stays one.

    Parameters
    ----------
    path : path-like
        Its folder is there.

    Yields
    ------
    Path
        Names no file yet. Open it with mode ``"x"``, so that permissions are by the umask.
    """
    target = Path(path).resolve()
    temporary = temporary_beside(target)
    try:
        yield temporary
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # gone already, unless something failed


def check_place(path: str | os.PathLike[str]) -> None:
    """Make sure that `written_whole` will find its way clear.

    Parameters
    ----------
    path : path-like
        Where a file will be written.

    Raises
    ------
    OSError
        If the folder is missing, no folder or takes no new file, or a folder or a read-only or special file has that
        name. `reason` gives its text.
    """
    target = Path(path)
    try:
        resolved = target.resolve()
    except (RuntimeError, ValueError) as error:  # a loop of links, before Python 3.13; a NUL
        raise OSError(str(error)) from error
    folder = resolved.parent
    if not folder.exists():
        raise OSError(f"there is no folder '{folder if target.is_symlink() else target.parent}'")
    if not folder.is_dir():
        raise OSError(f"'{target.parent}' is no folder")
    if resolved.is_symlink():  # resolve() raises on a loop of links, but since Python 3.13 it does not
        raise OSError("it is a loop of links")
    if resolved.is_dir():
        raise OSError("it is a folder")
    if resolved.exists() and not (resolved.is_file() and os.access(resolved, os.W_OK)):
        raise OSError("a read-only or special file has that name")
    temporary = temporary_beside(resolved)
    try:
        temporary.open("xb").close()  # only trying tells: permission bits miss read-only mounts and root
    finally:
        temporary.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Give an error's reason in one line, without the file's name that an `OSError` may carry."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Hash a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, as `written_whole` does."""
    with written_whole(path) as temporary, temporary.open("x", encoding="utf-8") as file:
        file.write(text)
