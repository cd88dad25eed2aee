"""The address, the port and the browser: a server that runs until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from h11 import DONE, IDLE
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import StudioError
from ..host import processes, resources
from ..host.signals import ENDING
from .app import Api, application, most_body
from .guard import Guard

if TYPE_CHECKING:
    from .studio import Studio

PORT = 8215  # the first to be tried; at it a bookmark finds the studio again
PATIENCE = 10.0  # seconds for the lines of a request
STALLED = 60.0  # seconds for a client to take what is on its way to it
MOST_FILES = 4096  # open at once, each connection is one
BACKLOG = 100  # connections that are accepted at once


class Connection(H11Protocol):
    """A connection that ends where a client sends half a request, or does not read its answer."""

    _patience: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request; where there are too many already, end."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > most_connections():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; wait for the rest of a request's lines, and of the body of one that is answered already."""
        super().data_received(data)
        if self.conn.their_state is not IDLE and self.conn.our_state is not DONE:
            self._end_waiting()
        elif self._patience is None and self.timeout_keep_alive_task is None:
            self._wait()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(PATIENCE, self.transport.abort)

    def _end_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it has read."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)  # resumes writing
        self._end_waiting()


class Server(uvicorn.Server):
    """A server that a signal ends without an error: that is how a studio is closed."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what never ends by itself, then the rest."""
        self._end_streams()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at a signal; one that is ignored, as by `nohup`, stays so."""
        mine = threading.current_thread() is threading.main_thread()  # signals are that one's
        caught = [number for number in ENDING if mine and signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._on_signal) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self.should_exit = True


def listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens: at that port, or without one at `PORT` or any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in (PORT, 0) if port is None else (port,):
        # With the protocol named, asyncio turns off Nagle's algorithm, which holds each answer up for 40 ms.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _end_half_open(sock)
            sock.bind((host, number))
            sock.listen(512)
        except (OSError, ValueError, TypeError) as error:
            sock.close()
            if number != PORT or port is not None:
                why = getattr(error, "strerror", None) or str(error)
                raise StudioError(f"cannot listen at {host}, port {number}: {why}; --port takes another") from error
        else:
            return sock
    raise AssertionError("port 0 is any")


def _end_half_open(sock: socket.socket) -> None:
    """Have the kernel end connections whose other end is not there any more; those that are accepted inherit it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 120_000}.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def address_of(host: str, port: int, token: str) -> str:
    """Return the address of the page, with a token."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/?token={token}"


def serve(
    studio: Studio,
    folder: Path,
    sock: socket.socket,
    *,
    model: str,
    opened: Path | None,
    say: Callable[[str], None],
    report: Callable[[str], None],
    browser: bool,
) -> None:
    """Serve a studio until a signal comes.

    Parameters
    ----------
    studio : Studio
    folder : Path
        The studio's.
    sock : socket
        That listens.
    model, opened
        As for `Api`.
    say : callable
        Called with the address.
    report : callable
        Called with a line about an error.
    browser : bool
        Whether to open the address there.
    """

    async def run() -> None:
        host, port = sock.getsockname()[:2]
        resources.raise_file_limit(MOST_FILES)
        await studio.start()
        try:
            api = Api(studio, folder / "incoming", model, opened)
            guard = Guard(application(api), host=host, port=port, most_body=most_body, report=report)
            config = uvicorn.Config(
                guard,
                http=Connection,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                backlog=BACKLOG,
            )
            say(address_of(host, port, guard.token))
            if browser:
                _open(address_of(host, port, guard.once or guard.token))
            await Server(config, api.end_streams).serve([sock])
        finally:
            await studio.close()

    asyncio.run(run())


def most_connections() -> int:
    """Return how many there may be; two of three files are for jobs, and for connections on their way."""
    return min(resources.file_limit() or MOST_FILES, MOST_FILES) // 3


def _open(address: str) -> None:
    """Open an address in the user's browser, where there is a screen."""
    if processes.has_screen():
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
