"""Whose request it is, where it comes from, and how much of it is read: checked before anything behind it runs.

A web page from anywhere can send requests to a server on this machine, and by DNS rebinding under a name of its own.
So a request needs the token that was printed, a `Host` that is this machine's, and no other page's `Origin`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import StudioError, printable, shortened

LONGEST_WAIT = 20.0  # seconds for the next bytes of a body
GRACE, SLOWEST = 20.0, 8000  # a body may take 20 seconds, and one more for so many bytes of it
COOKIE_DAYS = 30
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server at that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def error_answer(line: str) -> bytes:
    """Return the body of an answer that something is wrong."""
    return msgspec.json.encode({"error": _printed(line)})


def _printed(line: str) -> str:
    return shortened(printable(" ".join(line.split())))


class Guard:
    """An ASGI application before another one: it refuses what is not the user's, and hands on the rest.

    Parameters
    ----------
    app : ASGI application
    host, port
        Where the server listens.
    most_body : callable
        ``(method, path)`` → bytes that the body may have.
    report : callable
        Called with a line about an error of the program's own.

    Attributes
    ----------
    token : str
    once : str or None
        Another token, for the first visit only: the address that a browser is started with can be seen by other users.
    """

    def __init__(
        self, app: ASGIApp, *, host: str, port: int, most_body: Callable[[str, str], int], report: Callable[[str], None]
    ) -> None:
        self._app, self._most_body, self._report = app, most_body, report
        self.token = secrets.token_urlsafe(24)
        self.once: str | None = secrets.token_urlsafe(24)
        self._cookie = f"pydream-studio-{port}"  # cookies are a host's, whatever the port
        self._names = {*_LOOPBACK, f"[{host}]" if ":" in host else host.lower()}
        self._anywhere = not is_loopback(host)
        if self._anywhere:
            name = socket.gethostname().lower()
            self._names |= {name, f"{name}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            raise ValueError(f"a request of type {scope['type']!r}")
        started = whole = False

        async def answer(message: Message) -> None:
            nonlocal started, whole
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            if message["type"] == "http.response.start":
                started = True
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((n.encode(), v.encode()) for n, v in SECURITY_HEADERS.items() if n.encode() not in there),
                ]
            await send(message)

        headers = _headers(scope)
        try:
            self._check_origin(scope, headers)
            if token := self._given_in_address(scope):
                await self._let_in(token, answer)
                return
            self._check_token(scope, headers)
            await self._app(scope, self._bounded(scope, headers, receive), answer)
        except StudioError as error:
            if not started:
                await _refuse(answer, error.status, str(error), read=headers.get("sec-fetch-dest") == "document")
        except Exception as error:
            self._report(f"{scope['method']} {scope['path']}: {type(error).__name__}: {error}")
            if not started:
                await _refuse(answer, 500, f"the program failed: {type(error).__name__}; its terminal says more")
            elif not whole:
                raise  # the connection ends, so that half an answer is not taken for a whole one

    # ---- where it comes from ----

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        host = headers.get("host", "").lower()
        found = _HOST.fullmatch(host)
        if found is None or not (found[1] in self._names or (self._anywhere and _is_address(found[1]))):
            line = f"{host!r} is not a name of this studio; open the address that `pydream studio` printed"
            raise StudioError(line, 403)
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise StudioError(f"a page of {origin!r} may not use this studio", 403)
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none"):
            line = "another page may not use this studio, nor link to it; paste its address into the browser instead"
            raise StudioError(line, 403)

    # ---- whose it is ----

    def _given_in_address(self, scope: Scope) -> str | None:
        if scope["path"] != "/" or scope["method"] != "GET":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        return given[0] if given else None

    async def _let_in(self, token: str, send: Send) -> None:
        if self.once is not None and _same(token, self.once):
            self.once = None
        elif not _same(token, self.token):
            line = "this address has another token than the one that `pydream studio` printed last"
            raise StudioError(line, 403)
        age = COOKIE_DAYS * 24 * 3600
        cookie = f"{self._cookie}={self.token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"
        fields = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": fields})
        await send({"type": "http.response.body", "body": b""})

    def _check_token(self, scope: Scope, headers: dict[str, str]) -> None:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if not _same(bearer.strip(), self.token):
                raise StudioError("the token is not the one that `pydream studio` printed last", 401)
            return
        cookies = (each.strip().partition("=") for each in headers.get("cookie", "").split(";"))
        if not any(name == self._cookie and _same(value, self.token) for name, _, value in cookies):
            line = "the token is missing: open the address that `pydream studio` printed last"
            raise StudioError(line, 401)
        of_page = "origin" in headers or headers.get("sec-fetch-site") == "same-origin"
        if scope["method"] not in ("GET", "HEAD") and not of_page:
            raise StudioError("a cookie is for the page; a program sends 'Authorization: Bearer TOKEN'", 403)

    # ---- how much of it is read ----

    def _bounded(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        most = self._most_body(scope["method"], scope["path"])
        too_large = StudioError(f"the body has more than {most} bytes, which are the most here", 413)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise StudioError(f"Content-Length {length!r} is not a number of bytes")
        if int(length[:20]) > most:  # Python reads no number of thousands of digits
            raise too_large
        loop = asyncio.get_running_loop()
        began, came, whole = loop.time(), 0, False

        async def bounded() -> Message:
            nonlocal came, whole
            if whole:
                return await receive()  # waits for the end of the connection
            wait = min(LONGEST_WAIT, began + GRACE + came / SLOWEST - loop.time())
            try:
                async with asyncio.timeout(max(wait, 0)):
                    message = await receive()
            except TimeoutError:
                raise StudioError("the request came too slowly", 408) from None
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > most:
                raise too_large
            return message

        return bounded


def _headers(scope: Scope) -> dict[str, str]:
    """Return the fields of a request; one that is there several times is what none may be, except cookies."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}; {text}" if key in found else text
    return found


def _is_address(host: str) -> bool:
    """Return whether it is no name, but an address: no DNS server decides on it."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), token.encode())


async def _refuse(send: Send, status: int, line: str, read: bool = False) -> None:
    """Answer with a line; `read`: by someone in front of a browser."""
    body = f"pydream studio: {_printed(line)}\n".encode() if read else error_answer(line)
    fields: list[Any] = [
        (b"content-type", b"text/plain; charset=utf-8" if read else b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # nothing more of the body is read
    ]
    if status == 401:
        fields.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
