"""A web server on this machine that behaves as badly as it is told to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer


class BadServer(ThreadingHTTPServer):
    """Serves `content` at every path; the first part of the path says how, what is behind it is for the test.

    Attributes
    ----------
    content : bytes
    files : dict of str to bytes
        End of a path → content in place of that.
    asked : list of (path, Range header or None)
        Every request.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.released = threading.Event()  # ends what hangs
        self.half_sent = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


class RawServer(ThreadingTCPServer):
    """Answers each request with whatever bytes a function yields, HTTP or not.

    Attributes
    ----------
    answer : callable
        Of the request's bytes.
    sent : int
        Bytes that were sent.
    """

    daemon_threads = True

    def __init__(self, answer: Callable[[bytes], Iterator[bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _RawHandler)
        self.answer = answer
        self.sent = 0
        self.released = threading.Event()  # ends what is endless

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


class _RawHandler(StreamRequestHandler):
    server: RawServer

    def handle(self) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += self.rfile.readline()
        for part in self.server.answer(request):
            if self.server.released.is_set():
                break
            self.wfile.write(part)
            self.server.sent += len(part)


@contextmanager
def serving(content: bytes) -> Iterator[BadServer]:
    with running(BadServer(content)) as server:
        yield server


@contextmanager
def running(server: BadServer | RawServer) -> Iterator[BadServer | RawServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: BadServer

    @property
    def content(self) -> bytes:
        return next((file for end, file in self.server.files.items() if self.path.endswith(end)), self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Range"]))
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, self.path.split("/")[1].replace("-", "_"))()

    def _start(self, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _rest(self) -> bytes:
        """Begin the answer to a request for all, or for the rest; gives what is to be sent."""
        content, asked = self.content, self.headers["Range"]
        if not asked:
            self._start(200, len(content), Accept_Ranges="bytes")
            return content
        first = int(asked.removeprefix("bytes=").removesuffix("-"))
        where = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self._start(206, len(content) - first, Content_Range=where)
        return content[first:]

    # How it behaves.

    def good(self) -> None:
        self.wfile.write(self._rest())

    def without_range(self) -> None:
        self._start(200, len(self.content))
        self.wfile.write(self.content)

    def without_length(self) -> None:
        self._start()
        self.wfile.write(self.content)

    def slow(self) -> None:
        rest = self._rest()
        step = -(-len(rest) // 10)
        for first in range(0, len(rest), step):
            self.wfile.write(rest[first : first + step])
            self.server.half_sent.set()
            time.sleep(0.05)

    def hangs(self) -> None:
        self.server.released.wait(20)

    def stalls(self) -> None:
        rest = self._rest()
        self.wfile.write(rest[: len(rest) // 2])
        self.server.half_sent.set()
        self.server.released.wait(20)

    def cut(self) -> None:
        """Half of what is asked for; with ranges, a client comes nearer each time."""
        rest = self._rest()
        self.wfile.write(rest[: len(rest) // 2])

    def cut_once(self) -> None:
        first = len([path for path, _ in self.server.asked if path == self.path]) == 1
        self.cut() if first else self.good()

    def cut_without_range(self) -> None:
        self._start(200, len(self.content))
        self.wfile.write(self.content[: len(self.content) // 2])

    def wrong_bytes(self) -> None:
        rest = self._rest()
        self.wfile.write(bytes(255 - byte for byte in rest))

    def wrong_half(self) -> None:
        """Half of something else, of the right length, and then a cut."""
        rest = self._rest()
        self.wfile.write(bytes(255 - byte for byte in rest[: len(rest) // 2]))

    def wrong_in_two(self) -> None:
        """Something else, of the right length, in two answers: a cut, and the rest."""
        self.wrong_bytes() if self.headers["Range"] else self.wrong_half()

    def longer(self) -> None:
        self._start(200, len(self.content) + 1)
        self.wfile.write(self.content + b"!")

    def shorter(self) -> None:
        self._start(200, len(self.content) - 1)
        self.wfile.write(self.content[:-1])

    def endless(self) -> None:
        self._start()
        while not self.server.released.is_set():
            self.wfile.write(self.content)

    def page(self) -> None:
        self._start(200, Content_Type="text/html")
        self.wfile.write(b"<html>Please log in.</html>")

    def long_page(self) -> None:
        """A web page in place of the file, of a length that says so."""
        page = b"<!DOCTYPE html>\n<html><body>Too many downloads.</body></html>"
        self._start(200, len(page), Content_Type="text/html")
        self.wfile.write(page)

    def to_page(self) -> None:
        self._start(302, 0, Location="/long-page/login")

    def pointer(self) -> None:
        """What GitHub sends of a file that is kept elsewhere."""
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize %d\n" % (7, len(self.content))
        self._start(200, len(pointer), Content_Type="text/plain")
        self.wfile.write(pointer)

    def says_less(self) -> None:
        """A length that is too small, and more bytes than that."""
        self._start(200, len(self.content) // 2)
        self.wfile.write(self.content)

    def no_length(self) -> None:
        self._start(200, Content_Length="many")
        self.wfile.write(self.content)

    def other_range(self) -> None:
        """Another part than was asked for."""
        self.only_parts() if self.headers["Range"] else self.cut()

    def only_parts(self) -> None:
        self._start(206, 5, Content_Range=f"bytes 0-4/{len(self.content)}")
        self.wfile.write(self.content[:5])

    def not_satisfiable(self) -> None:
        if self.headers["Range"]:
            self._start(416, 0)
        else:
            self.without_range()

    def missing(self) -> None:
        self._start(404, 4)
        self.wfile.write(b"gone")

    def nothing(self) -> None:
        self._start(204)

    def no_http(self) -> None:
        self.wfile.write(b"hello\r\n\r\n")

    def redirect(self) -> None:
        """To what follows in the path, with a body that never ends."""
        self._start(302, Location="/" + self.path.removeprefix("/redirect/"))
        while not self.server.released.is_set():
            self.wfile.write(self.content)

    def loop(self) -> None:
        self._start(302, 0, Location=self.path)

    def to_file(self) -> None:
        self._start(302, 0, Location="file:///etc/passwd")
