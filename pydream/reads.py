"""What a run reads is not written over, through whatever name: a link, another spelling, standard output.

`pydream/files.py` reports here what is opened and what is to be written, by any code; this matters in a block of
`kept_apart` only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from .errors import OverwriteError
from .host import names

Identity = tuple[int, int]  # device and inode


_STREAMS = ("the file that is standard input", "standard output", "standard error")  # by descriptor


class Reads:
    """The files that a run reads, and those that it claims: it writes them, and may read them under that name."""

    def __init__(self) -> None:
        self._read: dict[Identity, Path | int] = {}
        self._claimed: dict[Identity, Path | int] = {}  # those that were there
        self._names: set[str] = set()  # of all that is claimed, folders too
        self._folded: set[str] = set()  # the same, as a folder has them that does not tell capitals apart
        for number in (1, 2):
            if (identity := _identity(number)) is not None:
                self._claimed[identity] = number

    def add(self, file: Path | int) -> None:
        """Note a file, or a descriptor, that is read; `OverwriteError` if it is claimed under another name."""
        if isinstance(file, Path) and self._is_own(file):
            return
        identity = _identity(file)
        if (target := _found(self._claimed, identity)) is not None:
            raise OverwriteError(f"{_name(target)} would overwrite {_name(file)}, which is read")
        if identity is not None:
            self._read.setdefault(identity, file)

    def check(self, path: Path) -> None:
        """Raise `OverwriteError` if a file that is to be written or removed is read."""
        if (file := _found(self._read, _identity(path))) is not None:
            raise OverwriteError(f"it would overwrite {_name(file)}, which is read")

    def claim(self, path: Path) -> None:
        """Claim a file that is to be written; `OverwriteError` if it is read, or claimed already."""
        self.check(path)
        name, identity = os.path.abspath(path), _identity(path)
        if name in self._names or _found(self._claimed, identity) is not None or self._is_another_spelling(name):
            raise OverwriteError(f"'{path}' would be written twice")
        self._names.add(name)
        self._folded.add(names.folded(name))
        if identity is not None:
            self._claimed[identity] = path

    def claim_folder(self, folder: Path) -> None:
        """Claim what is read in a folder from now on; `OverwriteError` if a file of that name is to be written."""
        name = os.path.abspath(folder)
        if name in self._names:
            raise OverwriteError(f"'{folder}' would be a folder and a file")
        self._names.add(name)

    def _is_another_spelling(self, name: str) -> bool:
        """Return whether a file that is claimed, and not there yet, will have this name too."""
        return names.folded(name) in self._folded and names.ignores_case(Path(name).parent)

    def _is_own(self, path: Path) -> bool:
        name = os.path.abspath(path)
        return name in self._names or os.path.dirname(name) in self._names


_current: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextmanager
def kept_apart() -> Iterator[None]:
    """Refuse, in the block, to write over what was read in it."""
    token = _current.set(Reads())
    try:
        yield
    finally:
        _current.reset(token)


def reads() -> Reads | None:
    """Return what the run reads; None outside `kept_apart`."""
    return _current.get()


def _identity(file: Path | int) -> Identity | None:
    """Return what a regular file is, whatever its name; None for all else."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):  # not there, a closed stream; a NUL
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _found(files: Mapping[Identity, Path | int], identity: Identity | None) -> Path | int | None:
    """Return the file that is the same; one that is gone may have left its inode to another."""
    file = None if identity is None else files.get(identity)
    return None if file is None or _identity(file) != identity else file


def _name(file: Path | int) -> str:
    return f"'{file}'" if isinstance(file, Path) else _STREAMS[file]
