"""A file is written whole or not at all: to a temporary name beside its own, then renamed."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, as `written_whole` does."""
    with written_whole(path) as temporary, temporary.open("x", encoding="utf-8") as file:
        file.write(text)
