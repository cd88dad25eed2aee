"""Clients that mean no good, or have bad luck: none gets in, none makes the program fail, none costs the others."""

import asyncio
import json
import os
import socket
import string
import struct
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studio.test_guard import line

from pydream.studio import guard, serve
from pydream.studio.app import MOST_JSON
from pydream.studio.uploads import MOST_UPLOAD

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def connection(served, text=""):
    """Open a connection, and send the beginning of a request."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
        sock.sendall(text.replace("\n", "\r\n").encode())
        yield sock


def request(served, method, path, *headers):
    """Return the lines of a request with the token."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", f"Authorization: Bearer {served.token}"]
    return "\n".join([*lines, *headers, "", ""])


def everything(sock):
    """Return what comes until the server ends the connection."""
    came = b""
    while part := sock.recv(2**16):
        came += part
    return came.decode()


def files_open():
    return len(os.listdir("/proc/self/fd"))


# ---- bodies ----

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
WORDS = st.sampled_from(
    ["kind", "picture", "guide", "mask", "network", "preset", "strength", "layer", "classes", "objective", "recipe",
     "long_side", "frames", "scale", "rotate", "shift", "ease", "step_size", "fps", "first", "carry", "flow", "cut",
     "blend", "hold", "rows", "columns", "keyframes", "replaces", "name", "dtype", "end", "seed", "iter_n", "octave_n",
     "jitter", "tile", "size", "noise", "parameter",
     "values", "of", "from", "count", "before"],
)  # fmt: skip
LIKELY = st.sampled_from(
    ["dream", "zoom", "sweep", "film", "0" * 64, "f" * 12, "squeezenet_v1.1", "fire2/concat", "dogs", "auto", 1, 0, -1]
)
ALMOST = st.dictionaries(
    WORDS, LIKELY | st.lists(LIKELY, max_size=3) | st.dictionaries(WORDS, LIKELY) | JSON, max_size=8
)
PATHS = [
    ("POST", "/api/jobs"), ("PUT", "/api/page"), ("POST", "/api/thumbnails"), ("POST", f"/api/jobs/{'f' * 12}/move"),
    ("POST", "/api/replay"), ("POST", "/api/classify"),
]  # fmt: skip


@FEW
@given(st.sampled_from(PATHS), JSON | ALMOST)
def test_json_that_is_no_order(served, where, content):
    answer = served.client.request(*where, content=json.dumps(content))
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert line(answer)


@FEW
@given(st.sampled_from(PATHS), st.binary(max_size=200))
def test_bytes_that_are_no_json(served, where, content):
    assert served.client.request(*where, content=content).status_code < 500


@FEW
@given(
    st.text(string.printable, max_size=60) | st.text(max_size=20),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
)
def test_addresses_that_are_none(served, path, method):
    with served.client.stream(method, f"/api/{quote(path)}") as answer:
        assert answer.status_code < 500


def test_a_body_that_claims_too_much(served):
    """It is refused before a byte of it is read: the client waits for leave to send it."""
    for path, most in (("/api/pictures", MOST_UPLOAD), ("/api/jobs", MOST_JSON), ("/api/nothing", MOST_JSON)):
        head = request(served, "POST", path, f"Content-Length: {2**31}", "Expect: 100-continue")
        with connection(served, head) as sock:
            came = everything(sock)
        assert came.startswith("HTTP/1.1 413 "), path
        assert f"more than {most} bytes" in came
        assert "connection: close" in came
    assert list((served.folder / "incoming").iterdir()) == []


def test_a_body_that_does_not_say_how_long_it_is(served, monkeypatch):
    monkeypatch.setattr("pydream.studio.app.MOST_UPLOAD", 10**6)
    sent = 0

    def endless():
        nonlocal sent
        while True:
            sent += 10**5
            yield b"x" * 10**5

    with suppress(httpx.WriteError):  # the connection has ended before the client looks for an answer
        assert served.client.post("/api/pictures", content=endless()).status_code == 413
    assert sent < 20e6
    assert list((served.folder / "incoming").iterdir()) == []


def test_a_disk_that_is_full(served, monkeypatch):
    usage = type("Usage", (), {"free": 2**28 + 5_000_000})
    monkeypatch.setattr("pydream.studio.uploads.shutil.disk_usage", lambda _: usage)
    answer = served.client.post("/api/pictures", content=b"x" * 6_000_000)
    assert answer.status_code == 413
    assert line(answer) == "the disk has room for 5 MB more"


def test_what_is_no_picture(served):
    empty = served.client.post("/api/pictures", content=b"")
    assert (empty.status_code, line(empty)) == (400, f"the file is empty: 0 bytes of {'picture'!r} came")
    bomb = served.client.post("/api/pictures", content=b"bomb", params={"name": "b.png"})
    assert (bomb.status_code, line(bomb)) == (400, "'b.png' claims more than 1000 pixels")
    assert list((served.folder / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../x.png", "/etc/passwd", "a\0b", "\x1b]0;t\x07", "x" * 5000, "", ".", "..", b"\xff"]
)
def test_names_of_files_from_elsewhere(served, name):
    """They are names, and never paths."""
    before = sorted(path for path in served.folder.rglob("*"))
    answer = served.client.post("/api/pictures", params={"name": name}, content=b"bomb")
    assert answer.status_code == 400
    line(answer)
    assert sorted(path for path in served.folder.rglob("*")) == before


# ---- time ----


def test_half_a_request_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(serve, "PATIENCE", 0.2)
    whole = request(served, "GET", "/api/jobs")
    for text in ("", "GET /api/jobs HT", whole[:-1]):
        began = time.monotonic()
        with connection(served, text) as sock:
            assert _ended(sock)
        assert 0.1 < time.monotonic() - began < 3
    with connection(served, whole) as sock:  # and the second one of a connection
        came = b""
        while not came.endswith(b"]}"):
            came += sock.recv(2**16)
        sock.sendall(b"GET /api")
        assert _ended(sock)


def _ended(sock):
    try:
        return everything(sock) == ""
    except ConnectionResetError:
        return True


def test_a_slow_body(served, monkeypatch):
    """One that stops, and one that drips."""
    monkeypatch.setattr(guard, "LONGEST_WAIT", 0.3)
    head = request(served, "POST", "/api/pictures", "Content-Length: 1000")
    with connection(served, head + "x") as sock:
        assert "the request came too slowly" in everything(sock)
    monkeypatch.setattr(guard, "GRACE", 0.5)
    began = time.monotonic()
    with connection(served, head) as sock:
        sock.settimeout(0.1)
        came = b""
        while b"too slowly" not in came:
            assert time.monotonic() - began < 5
            sock.sendall(b"x")
            try:
                came += sock.recv(2**16)
            except TimeoutError:
                continue
    assert b" 408 " in came
    assert list((served.folder / "incoming").iterdir()) == []


def test_a_slow_body_where_none_is_read(served, monkeypatch):
    async def replay(*_):
        await asyncio.sleep(10)

    monkeypatch.setattr(guard, "LONGEST_WAIT", 0.3)
    monkeypatch.setattr(served.studio, "replay", replay)
    head = request(served, "POST", f"/api/replay?picture={'0' * 64}", "Content-Length: 1000")
    with connection(served, head + "x") as sock:
        came = everything(sock)
    assert came.startswith("HTTP/1.1 408 ")
    assert "the request came too slowly" in came


def test_the_rest_of_a_body_after_its_answer_is_not_waited_for(served, monkeypatch):
    """What needs no body is answered before that comes; the connection is then open for the rest of it."""
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    with connection(served, request(served, "GET", "/api/jobs", "Content-Length: 100")) as sock:
        came = b""
        while not came.endswith(b"]}"):
            came += sock.recv(2**16)
        sock.sendall(b"x")
        sock.settimeout(3)
        assert _ended(sock)


def test_a_client_that_does_not_read(served, monkeypatch):
    """It is cut off, and what was open for it is closed."""
    monkeypatch.setattr(serve, "STALLED", 0.3)
    large = served.folder / f"{'1' * 64}.jpg"
    large.write_bytes(bytes(30_000_000))
    before = files_open()
    with connection(served, request(served, "GET", f"/api/thumbnails/{'1' * 64}.jpg")) as sock:
        assert sock.recv(10) == b"HTTP/1.1 2"
        time.sleep(1)
        assert len(everything(sock)) < 20_000_000
    assert settled(files_open, before)
    large.unlink()


def settled(count, most):
    deadline = time.monotonic() + 10
    while count() > most and time.monotonic() < deadline:
        time.sleep(0.02)
    return count() <= most


def test_a_thousand_readers_leave_nothing(served):
    """They come, read a little, and go, some without a word; a hundred are there at once."""
    served.client.get("/api/jobs")
    before, threads = files_open(), threading.active_count()
    served.studio.endless = True
    text = request(served, "GET", "/api/events")
    for _ in range(10):
        socks = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(100)]
        for sock in socks:
            sock.sendall(text.replace("\n", "\r\n").encode())
        for sock in socks:
            assert b"200 OK" in sock.recv(2**16)
        for number, sock in enumerate(socks):
            if number % 2:  # a reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    served.studio.endless = False
    assert settled(lambda: served.studio.readers, 0)
    assert settled(lambda: len(served.api.streams), 0)
    assert settled(files_open, before)
    assert settled(threading.active_count, threads)


def test_more_connections_than_there_may_be(served, monkeypatch):
    """Those of strangers too: they cannot take the files that a running job needs."""
    monkeypatch.setattr(serve, "MOST_FILES", 90)
    with ExitStack() as stack:
        socks = [stack.enter_context(connection(served, "GET /api")) for _ in range(60)]
        for sock in socks[40:]:
            sock.settimeout(3)
            assert _ended(sock)
    assert served.client.get("/api/jobs").status_code == 200


def test_more_readers_than_there_may_be(served, monkeypatch):
    monkeypatch.setattr("pydream.studio.app.MOST_STREAMS", 0)
    answer = served.client.get("/api/events")
    assert (answer.status_code, line(answer)) == (429, "0 pages are open already: close one")


def test_an_error_of_the_programs_own(served, monkeypatch):
    """One line for the client, one for the terminal, and no traceback; half an answer is not ended as a whole one."""

    async def fails(*_):
        raise ZeroDivisionError("what only the terminal shows")

    monkeypatch.setattr(served.studio, "stop", fails)
    answer = served.client.post(f"/api/jobs/{'f' * 12}/stop")
    assert (answer.status_code, line(answer)) == (500, "the program failed: ZeroDivisionError; its terminal says more")
    assert settled(lambda: -len(served.reported), -1)  # the client knows before the terminal
    assert served.reported == [f"POST /api/jobs/{'f' * 12}/stop: ZeroDivisionError: what only the terminal shows"]
    served.reported.clear()

    async def half(_):
        yield served.studio.events[0]
        raise ZeroDivisionError

    monkeypatch.setattr(served.studio, "subscribe", half)
    with pytest.raises(httpx.RemoteProtocolError):
        served.client.get("/api/events")
    assert settled(lambda: -len(served.reported), -1)
    served.reported.clear()
