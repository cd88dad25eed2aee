"""The command, as a process: an address at once, a port that is free, an end without an error."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pydream.cli import main
from pydream.errors import StudioError
from pydream.host.resources import raise_file_limit
from pydream.studio import serve
from pydream.studio.guard import Guard, is_loopback


@contextmanager
def started(folder, *options):
    """Run `pydream studio` until its address is printed; yield the process and the address."""
    words = [sys.executable, "-m", "pydream", "studio", "--folder", str(folder), *options]
    env = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=env, preexec_fn=_as_in_a_terminal, **pipes) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def computed(process):
    """Return the seconds of a processor that a process has had; 0 where that is not known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _as_in_a_terminal():
    """Tests that run in the background have signals ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_begins_at_once_and_ends_cleanly(tmp_path, number):
    """A page is there within a second, and TensorFlow is not in the server; a page that is open holds nothing up."""
    with started(tmp_path) as (process, address):
        answer = httpx.get(address, follow_redirects=False)
        assert answer.status_code == 303
        seconds = computed(process.pid)
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
    assert seconds < 2, seconds  # 0.5 on an idle core, 1 where Python has to compile; others may run beside this


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


def test_answers_are_not_held_up():
    """A socket without a protocol has Nagle's algorithm under asyncio: 40 ms an answer."""
    found = []

    class Noting(asyncio.Protocol):
        def connection_made(self, transport):
            sock = transport.get_extra_info("socket")
            found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def connect():
        sock = serve.listening("127.0.0.1", None)
        async with await asyncio.get_running_loop().create_server(Noting, sock=sock):
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            await reader.read()
            writer.close()

    asyncio.run(connect())
    assert found == [1]


def test_files_that_may_be_open(monkeypatch):
    limits, found = [(256, 10_000), (256, 1000), (256, resource.RLIM_INFINITY), (5000, 10_000)], []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: found.append(pair))
    for pair in limits:
        monkeypatch.setattr(resource, "getrlimit", lambda _, pair=pair: pair)
        raise_file_limit(serve.MOST_FILES)
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


def test_other_machines_only_by_consent(tmp_path, capsys):
    for words, said in (
        (["--host", "0.0.0.0"], "'--host': 0.0.0.0 is reached by other machines: all who see the address there can"),
        (["--host", "0.0.0.0"], "--allow-remote consents"),
        (["--host", ""], "--allow-remote consents"),
        (["-m", "no-such-network"], "no network 'no-such-network'; there are: 'squeezenet_v1.1'"),
        (["--port", "0"], "'--port'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["studio", "--folder", str(tmp_path / "new"), "--no-browser", *words])
        assert ended.value.code == 2
        seen = capsys.readouterr()
        assert said in seen.err
        assert (seen.out, seen.err.count("\n")) == ("", 1)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_named_in_json(tmp_path, capsys):
    """Its jobs would wait for ever: no order could be sent to a worker."""
    with pytest.raises(SystemExit) as ended:
        main(["studio", "--folder", str(tmp_path / os.fsdecode(b"caf\xe9")), "--no-browser", "--port", "1"])
    assert ended.value.code == 2
    assert "'--folder': its name, or that of a folder above it, is not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("192.168.1.7:80", True), ("[fe80::1]:80", True), (f"{socket.gethostname()}:80", True), ("localhost", True),
     ("evil.example:80", False), ("192.168.1.7.evil.example", False), ("1.2.3", False)],
)  # fmt: skip
def test_names_of_a_machine_that_others_reach(host, allowed):
    """Any address, since no name server decides on one, and its own name."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message):
        sent.append(message)

    guard = Guard(app, host="0.0.0.0", port=80, most_body=lambda *_: 0, report=sent.append)
    headers = [(b"host", host.encode()), (b"authorization", f"Bearer {guard.token}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/jobs", "query_string": b"", "headers": headers}
    asyncio.run(guard(scope, None, send))
    assert sent[0]["status"] == (204 if allowed else 403)
