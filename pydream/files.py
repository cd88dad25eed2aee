"""Only regular files are read, and a file is written whole or not at all: under a temporary name, then renamed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import PydreamError


def open_regular(path: Path, noun: str, failure: type[PydreamError]) -> BinaryIO:
    """Open a file for reading; raise `failure` if it is not a regular file, or not there. `noun` says what it holds."""
    try:
        if path.is_dir():
            raise failure(f"'{path}' is a folder, not a {noun}")
        if not stat.S_ISREG(path.stat().st_mode):
            raise failure(f"'{path}' is not a regular file")  # opening a pipe would wait for its writer
        return path.open("rb")
    except failure:
        raise
    except FileNotFoundError:
        raise failure(f"no such file: '{path}'") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise failure(f"cannot read '{path}': {reason(error)}") from error


@contextmanager
def write_errors(path: str | os.PathLike[str], failure: type[PydreamError]) -> Iterator[None]:
    """Turn any `OSError` and `ValueError` of the block into `failure`: ``cannot write 'path': …``."""
    try:
        yield
    except failure:
        raise
    except (OSError, ValueError) as error:
        raise failure(f"cannot write '{path}': {reason(error)}") from error


def is_temporary(path: Path) -> bool:
    """Return whether a file was left behind by a process that was killed in `written_whole`."""
    return re.fullmatch(r"\.pydream-[0-9a-f]{16}\.tmp", path.name) is not None


def temporary_beside(target: Path) -> Path:
    """Return a new hidden name in the target's folder, so that a rename stays on one disk."""
    return target.with_name(f".pydream-{secrets.token_hex(8)}.tmp")


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to `path` if the block succeeds, and remove it if it raises.

    An older file of that name is unchanged after a failure, and is replaced with its permissions kept otherwise. A
    symbolic link stays one.

    Parameters
    ----------
    path : path-like
        Its folder exists.

    Yields
    ------
    Path
        Does not exist yet. Open it with mode ``"x"``, so that permissions follow the umask.
    """
    target = Path(path).resolve()
    temporary = temporary_beside(target)
    try:
        yield temporary
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)  # renamed already, unless something failed


def check_place(path: str | os.PathLike[str]) -> None:
    """Check that `written_whole` can write a file.

    Parameters
    ----------
    path : path-like
        Where a file will be written.

    Raises
    ------
    OSError
        If the folder is missing, is not a folder or cannot take a new file, or a folder or a read-only or special file
        has that name. `reason` returns its text.
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
        raise OSError(f"'{target.parent}' is not a folder")
    if resolved.is_symlink():  # resolve() raises on a loop of links, but since Python 3.13 it does not
        raise OSError("it is a loop of links")
    if resolved.is_dir():
        raise OSError("it is a folder")
    if resolved.exists() and not (resolved.is_file() and os.access(resolved, os.W_OK)):
        raise OSError("a read-only or special file has that name")
    temporary = temporary_beside(resolved)
    try:
        temporary.open("xb").close()  # permission bits miss read-only mounts and root
    finally:
        temporary.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Return an error's reason in one line, without the file's name that an `OSError` may have."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, as `written_whole` does."""
    with written_whole(path) as temporary, temporary.open("x", encoding="utf-8") as file:
        file.write(text)
