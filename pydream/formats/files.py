"""A file is read whole, once its kind and its size are known to be right."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import NetFileError


def read_bytes(path: str | os.PathLike[str], most: int, kind: str) -> bytes:
    """Read a file, whose size is compared with the `most` bytes that its kind can have before memory is taken."""
    try:
        facts = Path(path).stat()
        if not stat.S_ISREG(facts.st_mode):
            raise NetFileError(f"{path}: not a regular file")
        if facts.st_size > most:
            raise NetFileError(f"{path}: {facts.st_size} bytes, more than {kind} can hold ({most})")
        return Path(path).read_bytes()
    except OSError as error:
        raise NetFileError(f"{path}: {error.strerror}") from error
