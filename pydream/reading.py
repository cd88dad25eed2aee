"""A file whose failed read is not taken for the end of its data by whatever parses it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class NotedFile(io.FileIO):
    """A file that keeps the first error of its reads."""

    failed: OSError | None = None

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read into a buffer, as all reads of a buffered file do but `readall`."""
        with self._noting():
            return super().readinto(buffer)

    def readall(self) -> bytes:
        """Read to the end."""
        with self._noting():
            return super().readall()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failed = self.failed or error
            raise


class Reader(io.BufferedReader):
    """A file whose block ends with the error of a read, if whatever parses it took that for the end of the data."""

    raw: NotedFile

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if kind is None and self.raw.failed is not None:
            raise self.raw.failed
