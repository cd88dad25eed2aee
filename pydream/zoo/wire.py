"""A wire is HTTP with limits: on the time and on the bytes that a server may take for each part of a file.

`requests` does redirects, TLS, proxies and chunks. Its timeout is for one read of the socket, so a server that sends a
byte now and then is waited for without end, and much of what is around a file has no limit: headers of ``100
Continue``, a chunk's extensions, trailers. Here every byte is counted where it leaves the socket.
"""

from __future__ import annotations

import io
from functools import partial
from http.client import HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT = 30.0  # seconds for `SLOWEST` times as many bytes of the file; the first have this time from the start
SLOWEST = 1000  # bytes per second
AROUND = 2**19  # bytes on the wire, at most, for each such part of the file


class GivenUpError(Exception):
    """The server is too slow, or sends too much around the file."""


class Pace:
    """The limits, from one part of the file to the next."""

    def __init__(self) -> None:
        self._heard = monotonic()
        self._next()

    def _next(self) -> None:
        self._until = monotonic() + TIMEOUT
        self._wire = self._file = 0

    def left(self) -> float:
        """Return the seconds that are left; raise `GivenUpError` if none are."""
        left = self._until - monotonic()
        if left <= 0:
            raise self.slow()
        return left

    def slow(self) -> GivenUpError:
        """Return the error of a server that has not sent enough in time."""
        silent = monotonic() - self._heard
        if silent > TIMEOUT / 2:
            return GivenUpError(f"no answer for {silent:.2g} s")
        return GivenUpError(f"fewer than {TIMEOUT * SLOWEST:g} bytes in {TIMEOUT:g} s")

    def on_wire(self, count: int) -> None:
        """Count bytes that came; raise `GivenUpError` if they are too many for so little of the file."""
        self._heard = monotonic()
        self._wire += count
        if self._wire > AROUND:
            raise GivenUpError(f"sends {self._wire} bytes with only {self._file} of the file in them")

    def of_file(self, count: int) -> None:
        """Count bytes of the file."""
        self._file += count
        if self._file >= TIMEOUT * SLOWEST:
            self._next()


def session(pace: Pace) -> requests.Session:
    """Make a session whose connections keep the limits, together."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(pace))
    return made


class _Adapter(HTTPAdapter):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _limited(type(pool).ConnectionCls, self._pace)
        return pool


def _limited(kind: Any, pace: Pace) -> Any:
    """Return a type of connection whose answers are read through `_Wire`."""

    class Limited(kind):  # type: ignore[misc]
        response_class = staticmethod(partial(_response, pace))

        def connect(self) -> None:
            self.timeout = pace.left()
            super().connect()

    return Limited


def _response(pace: Pace, sock: Any, *args: Any, **kwargs: Any) -> HTTPResponse:
    return HTTPResponse(_Socket(sock, pace), *args, **kwargs)  # type: ignore[arg-type]


class _Socket:
    """Of a socket, what `http.client` wants for an answer."""

    def __init__(self, sock: Any, pace: Pace) -> None:
        self._sock, self._pace = sock, pace

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Wire(self._sock, self._pace))


class _Wire(io.RawIOBase):
    """The bytes that come from a socket, counted."""

    def __init__(self, sock: Any, pace: Pace) -> None:
        self._sock, self._pace = sock, pace
        self._raw = sock.makefile("rb", buffering=0)  # which keeps the socket open

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._sock.settimeout(self._pace.left())
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            raise self._pace.slow() from None
        self._pace.on_wire(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
