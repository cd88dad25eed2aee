"""A source is the bytes of a file that stays open: they are read in parts, when they are needed."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import finalize

from ..errors import NetFileError
from ..files import open_file, reason
from ..host.disk import read_at


class Source(Protocol):
    """Bytes that can be read anywhere.

    Attributes
    ----------
    name : str
        For messages.
    size : int
        In bytes.
    """

    name: str
    size: int

    def fill(self, at: int, buffer: memoryview) -> None:
        """Read the bytes from `at` on into a buffer; `NetFileError` where they are not there any more."""


class FileSource:
    """A regular file, which is open as long as this object lives: moving or replacing the file changes nothing.

    Parameters
    ----------
    path : path
    most : int
        The most bytes that a file of its kind has.
    kind : str
        For messages: "a caffemodel".

    Raises
    ------
    NetFileError
        It cannot be opened, is no regular file, or is larger.
    """

    def __init__(self, path: str | os.PathLike[str], most: int, kind: str) -> None:
        self.name = str(path)
        try:
            with open_file(path) as file:
                self._descriptor = os.dup(file.fileno())
        except OSError as error:
            raise NetFileError(f"{path}: {reason(error)}") from error
        finalize(self, os.close, self._descriptor)
        self._state = self._look()
        self.size = self._state[0]
        if self.size > most:
            raise NetFileError(f"{path}: {self.size} bytes, more than {kind} can hold ({most})")

    def fill(self, at: int, buffer: memoryview) -> None:
        """Read the bytes from `at` on into a buffer; `NetFileError` where the file has changed since it was opened."""
        done = 0
        while done < len(buffer):
            try:
                count = read_at(self._descriptor, buffer[done:], at + done)
            except OSError as error:
                raise NetFileError(f"{self.name}: {reason(error)}") from error
            if not count:
                break
            done += count
        if done < len(buffer) or self._look() != self._state:
            raise NetFileError(f"{self.name}: the file has changed since the network was loaded; load it again")

    def _look(self) -> tuple[int, int]:
        state = os.fstat(self._descriptor)
        return state.st_size, state.st_mtime_ns


class MemorySource:
    """Bytes in memory."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.size = len(content)
        self._content = memoryview(content)

    def fill(self, at: int, buffer: memoryview) -> None:
        """Copy the bytes from `at` on into a buffer."""
        buffer[:] = self._content[at : at + len(buffer)]


def read_part(source: Source, at: int, count: int) -> bytes:
    """Read some bytes of a source."""
    part = bytearray(count)
    source.fill(at, memoryview(part))
    return bytes(part)
