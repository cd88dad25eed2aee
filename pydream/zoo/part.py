"""A part is a file that grows, answer by answer, up to its size; whatever an answer is made of, it can only fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from ..errors import FetchError
from . import wire
from .check import what_it_is

TRIES = 5  # per address, while each connection is cut off later than the last
CHUNK = 2**12  # bytes; a chunk that is cut off is lost
LONGEST_LENGTH = 20  # digits
_SHORT = 1024  # bytes; a web page that says no, or a Git LFS pointer


class _Cut(Exception):
    """The answer ended early, and why; the bytes so far are kept."""


class _NoPart(Exception):
    """The server does not send the part that is missing; it is asked for the whole file."""


class Part:
    """A file, or the end of one, that grows up to a size; it checks an answer before its body is read.

    Parameters
    ----------
    path : Path
    size : int or None
        Of what is fetched, in bytes. None: unknown, and no more than `most`.
    on_bytes : callable
        Called with the bytes so far and the bytes in all, which may be unknown.
    most : int
    start : int
        Where in the file it begins.

    Attributes
    ----------
    resumed : bool
        Whether it has bytes of several answers, which may be of several files.
    resumable : bool
        Whether the server sends parts.
    """

    def __init__(
        self,
        path: Path,
        size: int | None,
        on_bytes: Callable[[int, int | None], None],
        most: int = 0,
        start: int = 0,
    ) -> None:
        self._file = path.open("ab")
        self._start = start
        self._size = size
        self._most = most if size is None else size
        self._on_bytes = on_bytes
        self._declared = False
        self.resumed = False
        self.resumable = False
        if self.done >= self._most:  # a wrong file, or it would not be fetched
            self.clear()

    @property
    def done(self) -> int:
        """Bytes so far."""
        return self._file.tell() - self._start

    @property
    def short(self) -> bool:
        """Whether all of it may be lost where an answer is cut off."""
        return self._size is not None and self._size <= 2 * CHUNK

    def clear(self) -> None:
        """Drop all bytes."""
        self._file.truncate(self._start)
        self._file.seek(self._start)
        self.resumed = False

    def headers(self) -> dict[str, str]:
        """Return the request's headers. Of a compressed answer, bytes could not be counted."""
        asked = {"Accept-Encoding": "identity"}
        if self.done:
            asked["Range"] = f"bytes={self.done}-"
        return asked

    def answered(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Check an answer before its body is read; `requests` calls this."""
        if response.is_redirect:
            response.close()  # requests would read its body, however long that is
            return
        asked = self.done
        if response.status_code == 416 and asked:
            raise _NoPart
        if response.status_code >= 400:
            raise FetchError(f"{response.status_code} {response.reason or ''}".rstrip())
        if response.status_code == 206:
            # A file of the same length is taken for the same file; its hash decides in the end, better than an ETag,
            # which differs between mirrors.
            if not asked or not self._is_rest(response.headers.get("Content-Range", "")):
                raise _NoPart
            self.resumed = self.resumable = True
        elif response.status_code == 200:
            if asked:
                self.clear()
            self.resumable = response.headers.get("Accept-Ranges") == "bytes"
        else:
            raise FetchError(f"answers {response.status_code} {response.reason or ''}".rstrip())
        length = response.headers.get("Content-Length")
        self._declared = length is not None
        if length is not None and not (length.isdecimal() and len(length) < LONGEST_LENGTH):
            raise FetchError(f"answers with a length of {length[:LONGEST_LENGTH]!r}")
        if length is not None and "Content-Encoding" not in response.headers:
            size = int(length) + self.done
            if self._size is None and 0 < size <= self._most:
                self._size = size
            if size != self._size:
                raise FetchError(self._has(size) + what_it_is(_start(response, size)))

    def _is_rest(self, content_range: str) -> bool:
        """Return whether a Content-Range is what is missing of the file."""
        total = re.fullmatch(r"bytes \d{1,19}-\d{1,19}/(\d{1,19})", content_range)
        size = int(total[1]) if self._size is None and total and int(total[1]) <= self._most else self._size
        if size is None or content_range != f"bytes {self.done}-{size - 1}/{size}":
            return False
        self._size = size
        return True

    def _has(self, size: int) -> str:
        if self._size is None and size:
            return f"has {size} bytes, more than the {self._most} that it may have"
        return f"has {size} bytes, not {self._size}" if self._size else "has 0 bytes"

    def write(self, chunk: bytes) -> None:
        """Write bytes, but no more than the file should have."""
        if self.done + len(chunk) > (self._size or self._most):
            self.clear()
            verb = "should" if self._size else "may"
            raise FetchError(f"sends more than the {self._size or self._most} bytes that it {verb} have")
        self._file.write(chunk)
        self._file.flush()
        self._on_bytes(self.done, self._size)

    def ended(self) -> None:
        """Check the bytes so far when the server has sent all."""
        if self.done == self._size or (self._size is None and self.done and not self._declared):
            return
        if self._declared:  # which older urllib3 do not notice
            raise _Cut("cut off")
        wrong = self._has(self.done) + what_it_is(self._first())
        self.clear()
        raise FetchError(wrong)

    def _first(self) -> bytes:
        with open(self._file.name, "rb") as file:
            file.seek(self._start)
            return file.read(_SHORT)

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _start(response: requests.Response, size: int) -> bytes:
    """Return the answer, if it is so short that it can only be a page or a pointer."""
    return response.raw.read(size) if size <= _SHORT else b""


def fill(part: Part, address: str) -> None:
    """Fill a part from an address, and resume where the server cuts off, if it supports that.

    Raises
    ------
    FetchError
        Whatever the server does wrong.
    """
    reason = ""
    for tried in range(TRIES):
        before = part.done
        try:
            _transfer(part, address)
            return
        except _NoPart:
            if not before:
                raise FetchError("sends only a part of the file") from None
            part.clear()
            continue
        except _Cut as cut:
            reason = str(cut)
        again = tried == 0 and part.short
        if not again and (part.done <= before or not part.resumable):
            break
    raise FetchError(f"{reason} after {part.done} bytes" if part.done else reason)


def _transfer(part: Part, address: str) -> None:
    pace = wire.Pace()
    with closing(_received(part, address, pace)) as chunks:
        for chunk in chunks:
            part.write(chunk)  # an error of the disk is not the address's
            pace.of_file(len(chunk))
    part.ended()


def _received(part: Part, address: str, pace: wire.Pace) -> Generator[bytes]:
    """Yield the bytes of an answer; every error on the way is the address's: `FetchError`, `_NoPart` or `_Cut`.

    No list of errors would do: for what servers send, the libraries raise ValueError, UnicodeError, anything.
    """
    asked = {"headers": part.headers(), "timeout": wire.TIMEOUT, "hooks": {"response": part.answered}}
    try:
        with wire.session(pace) as session, session.get(address, stream=True, **asked) as response:  # type: ignore[arg-type]
            yield from response.iter_content(CHUNK)
    except (FetchError, _NoPart):
        raise
    except Exception as error:
        raise _Cut(_reason(error)) from None  # its text may have the address's password


def _reason(error: Exception) -> str:
    """Return what went wrong, in few words; urllib3 wraps it in several layers."""
    if isinstance(error, requests.TooManyRedirects):
        return "redirects without end"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS fails: {_innermost(error)}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {wire.TIMEOUT:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "cut off"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "sends what is not in the coding that it says"
    if isinstance(error, (requests.RequestException, wire.GivenUpError)):
        return _innermost(error)
    return f"sends what cannot be understood: {_innermost(error)}"


def _innermost(error: Exception) -> str:
    while True:
        inner = [e for e in (getattr(error, "reason", None), *error.args, error.__cause__) if isinstance(e, Exception)]
        if not inner:
            break
        error = inner[0]
    text = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
    return " ".join(text.split()) or type(error).__name__
