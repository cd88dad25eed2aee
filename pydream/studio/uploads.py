"""A file that a client sends, written to the disk as it comes: as the body, or as the one file of a form."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from ..errors import StudioError
from ..files import reason, temporary_beside, write_all

MOST_UPLOAD = 2**29  # bytes of a picture or a film
MOST_UPLOADS = 8  # at once
SPARE = 2**28  # bytes of the disk that an upload leaves
_AT_ONCE = 2**20  # bytes that are written at once


class Uploads:
    """Files on their way, in a folder for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    @asynccontextmanager
    async def taken(self, request: Request) -> AsyncIterator[tuple[Path, str]]:
        """Yield the file that a request brings, and its name; remove the file, unless it has been moved."""
        if self._count >= MOST_UPLOADS:
            raise StudioError(f"{MOST_UPLOADS} files are on their way already: try again when one is there", 429)
        length = request.headers.get("content-length", "0")
        with _write_errors():
            free = shutil.disk_usage(self._folder).free - SPARE
        if int(length) > free:
            raise StudioError(f"the disk has room for {max(free, 0) // 10**6} MB more", 413)
        form = _Form.of(request)
        path = temporary_beside(self._folder / "_")
        self._count += 1
        try:
            with _write_errors():
                file = path.open("xb", buffering=0)
            with file:
                waiting = bytearray()
                async for chunk in request.stream():
                    waiting += chunk if form is None else form.take(chunk)
                    if len(waiting) >= _AT_ONCE:
                        await _written(file, waiting)
                        waiting.clear()
                await _written(file, waiting)
                if form is not None:
                    form.check()
                name = (form.name if form else "") or request.query_params.get("name", "picture")
                if file.tell() == 0:
                    raise StudioError(f"the file is empty: 0 bytes of {name!r} came")
            yield path, name
        finally:
            self._count -= 1
            with suppress(OSError):  # the next studio in this folder removes it
                path.unlink(missing_ok=True)

    def copy(self, source: Path) -> Path:
        """Return a copy of a file of this machine."""
        path = temporary_beside(self._folder / "_")
        try:
            shutil.copyfile(source, path)
        except OSError as error:
            path.unlink(missing_ok=True)
            status = 400 if error.filename == str(source) else 507
            raise StudioError(f"'{source.name}' cannot be copied: {reason(error)}", status) from error
        return path


async def _written(file: BinaryIO, data: bytearray) -> None:
    with _write_errors():
        await asyncio.to_thread(write_all, file, bytes(data))


class _Form:
    """A form with one file, as `curl -F` and a page's <form> send it."""

    def __init__(self, boundary: bytes) -> None:
        self.name = ""
        self._files = 0
        self._field, self._value = bytearray(), bytearray()
        self._is_file = False
        self._came = bytearray()
        self._whole = False
        names = ("part_begin", "part_data", "header_field", "header_value", "header_end", "end")
        self._parser = MultipartParser(boundary, {f"on_{name}": getattr(self, f"_{name}") for name in names})  # type: ignore[arg-type]

    @classmethod
    def of(cls, request: Request) -> _Form | None:
        """Return the reader of a request's form; None: the body is the file."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data":
            return None
        if not options.get(b"boundary"):
            raise StudioError("the form has no boundary in its Content-Type")
        with _form_errors():
            return cls(options[b"boundary"])

    def take(self, chunk: bytes) -> bytes:
        """Read on; return what of it is the file's."""
        with _form_errors():
            self._parser.write(chunk)
        came = bytes(self._came)
        self._came.clear()
        return came

    def check(self) -> None:
        """Check that the form was whole, and had a file."""
        if not self._whole:
            raise StudioError("the form ends before its last boundary")
        if self._files != 1:
            raise StudioError("the form has no file (expected one, e.g. curl -F file=@sky.jpg)")

    def _part_begin(self) -> None:
        self._is_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if b"filename" in options:
                self._files += 1
                if self._files > 1:
                    raise StudioError("the form has several files; expected one")
                self._is_file, self.name = True, options[b"filename"].decode("utf-8", "replace")
        self._field.clear()
        self._value.clear()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._came += data[start:end]

    def _end(self) -> None:
        self._whole = True


@contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StudioError(f"the file cannot be written: {reason(error)}", 507) from error


@contextmanager
def _form_errors() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise StudioError(f"the form cannot be read: {error}") from error
