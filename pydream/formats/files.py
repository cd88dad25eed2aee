"""A file is read whole, once its kind and its size are known to be right."""

from __future__ import annotations

import os

from ..errors import NetFileError
from ..files import read_file, reason


def read_bytes(path: str | os.PathLike[str], most: int, kind: str) -> bytes:
    """Read a file, whose size is compared with the `most` bytes that its kind can have before memory is taken."""
    try:
        return read_file(path, most, kind)
    except OSError as error:
        raise NetFileError(f"{path}: {reason(error)}") from error
