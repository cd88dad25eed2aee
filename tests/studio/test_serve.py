"""The command, as a process: an address at once, a port that is free, an end without an error."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pydream.errors import StudioError
from pydream.studio import serve
from pydream.studio.guard import is_loopback


@contextmanager
def started(folder, *options):
    """Run `pydream studio` until its address is printed; yield the process, the address and when it began."""
    began = time.monotonic()
    words = [sys.executable, "-m", "pydream", "studio", "--folder", str(folder), *options]
    env = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=env, preexec_fn=_as_in_a_terminal, **pipes) as process:
        try:
            yield process, process.stdout.readline().strip(), began
        finally:
            process.kill()


def _as_in_a_terminal():
    """Tests that run in the background have signals ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_begins_at_once_and_ends_cleanly(tmp_path, number):
    """A page is there within a second, and TensorFlow is not in the server; a page that is open holds nothing up."""
    with started(tmp_path) as (process, address, began):
        answer = httpx.get(address, follow_redirects=False)
        assert answer.status_code == 303
        seconds = time.monotonic() - began
        base, cookie = address.partition("/?")[0], answer.headers["set-cookie"].partition(";")[0]
        with httpx.stream("GET", f"{base}/api/events", headers={"Cookie": cookie}) as events:
            next(events.iter_lines())
            if sys.platform == "linux":
                assert "tensorflow" not in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, ""), err
    assert all(line.startswith("pydream: ") for line in err.splitlines()), err
    assert "Ctrl-C ends it" in err
    assert seconds < 2.5, seconds  # 0.5 on an idle core; tests run beside others, and Python may have to compile


def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StudioError, match=f"port {port}: Address already in use; --port takes another"):
            serve.listening("127.0.0.1", port)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serve, "PORT", port)
            with serve.listening("127.0.0.1", None) as found:
                assert found.getsockname()[1] not in (0, port)
    for host in ("no-such-host.invalid", "8.8.8.8", "a" * 300, "é" * 300):
        with pytest.raises(StudioError, match="cannot listen at"):
            serve.listening(host, None)


def test_answers_are_not_held_up(tmp_path):
    """A socket without a protocol has Nagle's algorithm under asyncio: 40 ms an answer."""
    with started(tmp_path) as (_, address, __), httpx.Client() as client:
        client.get(address, follow_redirects=False)
        base = address.partition("/?")[0]
        began = time.monotonic()
        for _ in range(50):
            assert client.get(f"{base}/api/page").status_code == 200
        assert time.monotonic() - began < 1.5  # 0.1 on an idle core, 2.1 with it


def test_files_that_may_be_open(monkeypatch):
    limits, found = [(256, 10_000), (256, 1000), (256, resource.RLIM_INFINITY), (5000, 10_000)], []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: found.append(pair))
    for pair in limits:
        monkeypatch.setattr(resource, "getrlimit", lambda _, pair=pair: pair)
        serve._raise_file_limit()
    assert found == [(4096, 10_000), (1000, 1000), (4096, resource.RLIM_INFINITY)]


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("LOCALHOST", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("example.org", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_which_machines_reach_it(host, local):
    assert is_loopback(host) is local


def test_addresses():
    assert serve.address_of("127.0.0.1", 80, "t") == "http://127.0.0.1:80/?token=t"
    assert serve.address_of("::1", 80, "t") == "http://[::1]:80/?token=t"
    assert serve.address_of("0.0.0.0", 80, "t") == f"http://{socket.gethostname()}:80/?token=t"
