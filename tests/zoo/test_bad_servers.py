"""Servers that answer in raw bytes what no server should: the next address is tried, soon, in one line, in bounds."""

import gzip
import hashlib
import re
import time
import tracemalloc
import zlib

import pytest
import yaml
from click.testing import CliRunner
from support.server import RawServer, running, serving

from pydream import zoo
from pydream.cli import main as cli
from pydream.errors import NetFileError
from pydream.zoo import wire
from pydream.zoo.addresses import without_secrets
from pydream.zoo.fetch import fetch

CONTENT = bytes((i * i) >> 3 & 255 for i in range(20_000))
SIZE = len(CONTENT)
HALF = SIZE // 2
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % SIZE
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
ZEROS = bytes(20_000_000)
BOMB = gzip.compress(ZEROS)


def forever(*first, then):
    """Yield something, and then something without end."""
    return lambda request: (yield from first) or (yield from iter(lambda: then, None))


def dripping(*first, then):
    """Yield the bytes of something one by one, slowly."""

    def answer(request):
        yield from first
        for place in range(len(then)):
            time.sleep(0.02)
            yield then[place : place + 1]

    return answer


def ranged(half):
    """Half of the file, and what is made of the request for the rest."""

    def answer(request):
        if b"Range:" in request:
            yield half
        else:
            yield OK + b"Accept-Ranges: bytes\r\n" + LENGTH + END + CONTENT[:HALF]

    return answer


def rest(*headers, content=CONTENT[HALF:]):
    return ranged(
        b"HTTP/1.1 206 Partial Content\r\n" + b"".join(headers) + b"Content-Length: %d\r\n\r\n" % HALF + content
    )


def four_kilobytes(request):
    found = re.search(rb"bytes=(\d+)-", request)
    first = int(found[1]) if found else 0
    yield b"HTTP/1.1 206 P\r\nContent-Range: bytes %d-%d/%d\r\n" % (first, SIZE - 1, SIZE) if first else OK
    yield b"Accept-Ranges: bytes\r\nContent-Length: %d\r\n\r\n" % (SIZE - first) + CONTENT[first : first + 4096]


def coded(coding, body, length=b""):
    return OK + b"Content-Encoding: " + coding + END + length + END + body


def chunk(size):
    return OK + CHUNKED + END + size + END + CONTENT


def status(line):
    return line + b"\r\nContent-Length: 0\r\n\r\n"


def to(place):
    return b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n"


def long(headers):
    return OK + headers + END + CONTENT


# What it answers, bytes or a function; and what is said of it, if that is in our words. None: it has sent the file.
CASES = {
    "a gzip bomb": (coded(b"gzip", BOMB), "sends more"),
    "a gzip bomb in another": (coded(b"gzip, gzip", gzip.compress(BOMB)), "sends more"),
    "a gzip bomb in two others": (coded(b"gzip, gzip, gzip", gzip.compress(gzip.compress(BOMB))), "sends more"),
    "200 codings": (coded(b"gzip, " * 200 + b"gzip", CONTENT, LENGTH), "sends what is not in the coding"),
    "a deflate bomb": (coded(b"deflate", zlib.compress(ZEROS)), "sends more"),
    "brotli that is none": (coded(b"br", CONTENT, LENGTH), None),
    "an unknown coding": (coded(b"xyz", CONTENT, LENGTH), None),
    "the file, compressed": (coded(b"gzip", gzip.compress(CONTENT)), None),
    "gzip that is none": (coded(b"gzip", CONTENT, LENGTH), "sends what is not in the coding"),
    "100 Continue for ever": (
        forever(then=b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        "bytes with only 0 of the file in them",
    ),
    "103 for ever": (forever(then=b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100), "answers 103"),
    "headers for ever": (forever(OK, then=b"X: y\r\n"), ""),
    "a header for ever": (forever(OK, b"X: ", then=b"y" * 65536), ""),
    "a chunk's extension for ever": (forever(OK + CHUNKED + END + b"5;", then=b"e" * 65536), ""),
    "trailers for ever": (
        forever(OK, CHUNKED, END, b"%x\r\n" % SIZE, CONTENT, b"\r\n0\r\n", then=b"T: y\r\n" * 1000),
        "bytes with only 0 of the file in them",
    ),
    "chunks without end in chunks of nothing": (
        forever(OK, CHUNKED, END, then=b"1" + b";" * 9999 + b"\r\nx\r\n"),
        "of the file in them",
    ),
    "chunks of one byte": (
        OK + CHUNKED + END + b"".join(b"1\r\n%c\r\n" % byte for byte in CONTENT) + b"0\r\n\r\n",
        None,
    ),
    "a huge chunk": (chunk(b"F" * 17), "cut off"),
    "a chunk of -5": (chunk(b"-5"), ""),
    "a chunk of -1": (chunk(b"-1"), ""),
    "a chunk of 5,000 digits": (chunk(b"1" * 5000), ""),
    "a length of 5,000 digits": (
        long(b"Content-Length: " + b"9" * 5000 + END),
        "answers with a length of '99999999999999999999'",
    ),
    "a length of 30 digits": (long(b"Content-Length: " + b"9" * 30 + END), "answers with a length of"),
    "two lengths": (long(LENGTH + b"Content-Length: 5\r\n"), ""),
    "a length with a sign": (long(b"Content-Length: +20000\r\n"), "answers with a length of '+20000'"),
    "a length below 0": (long(b"Content-Length: -1\r\n"), "answers with a length of '-1'"),
    "a length with zeros": (long(b"Content-Length: 00020000\r\n"), None),
    "a length and chunks": (OK + LENGTH + CHUNKED + END + b"5\r\nabcde\r\n0\r\n\r\n", "cut off"),
    "a reason with escapes": (status(b"HTTP/1.1 404 \x1b[31mgone\x07\xff"), "404 \\x1b[31mgone\\x07"),
    "a reason of 60 kB": (status(b"HTTP/1.1 404 " + b"gone" * 15_000), "404 gonegone"),
    "status 999": (status(b"HTTP/1.1 999 x"), "999 x"),
    "status 000": (status(b"HTTP/1.1 000 x"), ""),
    "status 99999999999": (status(b"HTTP/1.1 99999999999 x"), ""),
    "HTTP/9.9": (status(b"HTTP/9.9 200 OK"), ""),
    "zeros": (b"\x00\x01\x02\r\n\r\n", ""),
    "no header at all": (CONTENT, ""),
    "nothing": (b"", ""),
    "a head and no body": (OK + END, "has 0 bytes, not 20000"),
    "a part that was not asked for": (
        b"HTTP/1.1 206 P\r\nContent-Range: bytes 0-19999/20000\r\n" + LENGTH + END + CONTENT,
        "sends only a part",
    ),
    "to ftp": (to(b"ftp://127.0.0.1/x"), ""),
    "to data": (to(b"data:text/plain,x"), ""),
    "to a file": (to(b"file:///etc/passwd"), ""),
    "to nothing": (to(b""), ""),
    "to half an IPv6 address": (to(b"http://[::1"), ""),
    "to a port out of range": (to(b"http://127.0.0.1:99999/"), ""),
    "to a port below 0": (to(b"http://127.0.0.1:-1/"), ""),
    "to escapes": (to(b"http://\x1b[31mx/"), ""),
    "to no host": (to(b"http:///x"), ""),
    "to a host of 300 letters": (to(b"http://" + b"x" * 300 + b"/"), ""),
    "to a host with an empty label": (to(b"http://a..b/"), ""),
    "to 10 kB": (to(b"http://127.0.0.1:1/" + b"x" * 10_000), ""),
    "to letters of no host": (to("http://ünï\u2024.invalid/".encode()), ""),
    "to a password": (to(b"http://user:s3cret@127.0.0.1:1/?token=s3cret"), ""),
    "to a password and no port": (to(b"http://user:s3cret@127.0.0.1:x/?token=s3cret#s3cret"), ""),
    "to javascript": (to(b"javascript:alert(1)"), ""),
    "to a tab": (to(b"http://127.0.0.1:1/\tx y"), ""),
    "itself": (to(b"/again"), "redirects without end"),
    "half, and then another half": (
        rest(b"Content-Range: bytes 10000-19999/20000\r\n", content=bytes(HALF)),
        "cut off after 8192 bytes",
    ),
    "half, and then none": (rest(), "cut off after 8192 bytes"),
    "half, and then a part of *": (rest(b"Content-Range: bytes */20000\r\n"), "cut off after 8192 bytes"),
    "half, and then a part below 0": (rest(b"Content-Range: bytes -5--1/20000\r\n"), "cut off after 8192 bytes"),
    "half, and then a huge part": (
        rest(b"Content-Range: bytes 0-%s/%s\r\n" % (b"9" * 20, b"9" * 20)),
        "cut off after 8192 bytes",
    ),
    "half, and then lines": (rest(b"Content-Range: lines 0-5/6\r\n"), "cut off after 8192 bytes"),
    "half, and then parts": (rest(b"Content-Type: multipart/byteranges; boundary=x\r\n"), "cut off after 8192 bytes"),
    "four kilobytes each time": (four_kilobytes, None),
    "360 kB of cookies": (
        long(b"".join(b"Set-Cookie: a%d=%s\r\n" % (n, b"x" * 4000) for n in range(90)) + LENGTH),
        None,
    ),
    "headers, byte by byte": (dripping(then=OK + LENGTH * 1000), "fewer than 400 bytes in 0.4 s"),
    "the file, byte by byte": (dripping(OK, LENGTH, END, then=CONTENT), "fewer than 400 bytes in 0.4 s"),
    "chunks, byte by byte": (dripping(OK, CHUNKED, END, then=b"1\r\nx\r\n" * 1000), "fewer than 400 bytes in 0.4 s"),
    "trailers, byte by byte": (
        dripping(OK, CHUNKED, END, b"%x\r\n" % SIZE, CONTENT, b"\r\n0\r\n", then=b"T: y\r\n" * 1000),
        "fewer than 400 bytes in 0.4 s",
    ),
}


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)


@pytest.fixture(scope="module")
def good():
    with serving(CONTENT) as server:
        yield server


def entry_for(*urls):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    facts = {
        "title": "",
        "weights": "some.caffemodel",
        "size": SIZE,
        "sha256": sha256,
        "license": "",
        "mean": (0, 0, 0),
    }
    return zoo.Entry(name="some_net", urls=urls, **facts)


@pytest.mark.parametrize("name", CASES)
def test_the_next_address_is_tried(good, monkeypatch, name):
    answer, why = CASES[name]
    monkeypatch.setattr(wire, "TIMEOUT", 0.4 if "byte by byte" in name else 20)
    messages = []

    def on_message(line):
        messages.append(line)
        wire.TIMEOUT = 20  # of the good one

    with running(RawServer(answer if callable(answer) else lambda request: iter([answer]))) as server:
        tracemalloc.start()
        began = time.monotonic()
        place = fetch(entry_for(f"http://{server.host}/x", good.url("good")), on_message=on_message)
        took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert place.read_bytes() == CONTENT
    assert peak < 8_000_000
    assert server.sent < 10_000_000  # socket buffers included
    assert took < 5
    if why is None:
        assert messages == []
    else:
        (line,) = messages
        assert line.startswith(f"http://{server.host}/x: ")
        assert line.endswith("; trying the next address")
        assert why in line
        assert line.isprintable()
        assert len(line) < 300
        assert "s3cret" not in line


# ---- what is not shown ----


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/a/file", "https://example.org/a/file"),
        ("https://example.org:8080/a", "https://example.org:8080/a"),
        ("https://me:s3cret@example.org/a", "https://…@example.org/a"),
        ("https://s3cret@example.org/a", "https://…@example.org/a"),
        ("https://me:s3cret@[::1]:80/a", "https://…@[::1]:80/a"),
        ("https://me:s3/cret@example.org/a", "https://…@example.org/a"),
        ("https://me:s3?cr#et@example.org/a", "https://…@example.org/a"),
        ("https://example.org/a?token=s3cret&x=1", "https://example.org/a?…"),
        ("https://example.org/a#s3cret", "https://example.org/a#…"),
        ("me:s3cret@example.org/a", "…@example.org/a"),
        ("htps://me:s3cret@example.org", "htps://…@example.org"),
        ("no host in 'http://me:s3cret@/a?b=c', sorry", "no host in 'http://…@/a?…', sorry"),
        ("what is that?", "what is that?"),
    ],
)
def test_secrets_of_an_address(address, shown):
    assert without_secrets(address) == shown


def test_a_long_text_without_secrets_takes_no_time():
    began = time.monotonic()
    assert without_secrets("a" * 1_000_000) == "a" * 1_000_000
    assert time.monotonic() - began < 1


REFUSED = b"HTTP/1.1 403 \xe9 http://me:s3cret@host/?s3cret no\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("debug", [[], ["--debug"]])
@pytest.mark.parametrize(
    "address",
    [
        "http://me:s3cret@{}/x?token=s3cret",
        "http://me:s3/cret@{}/x",
        "http://me:s3cret@a..b/{}",
        "ftp://me:s3cret@{}/x",
    ],
)
def test_passwords_are_not_printed(monkeypatch, tmp_path, address, debug):
    """Wherever an address comes from, whatever the error, with a traceback too."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    own = tmp_path / "pydream" / "models" / "some_net"
    own.mkdir(parents=True)
    front = {"name": "some_net", "title": "t", "weights": "x.pb", "size": SIZE, "sha256": "0" * 64, "license": "none"}
    with running(RawServer(lambda request: iter([REFUSED]))) as server:
        address = address.format(server.host)
        (own / "README.md").write_text(f"---\n{yaml.safe_dump({**front, 'mean': [0, 0, 0], 'urls': [address]})}---\n")
        monkeypatch.setenv(zoo.url_variable("some_net"), address)
        for command in (["fetch", "some_net"], ["fetch", "some_net", "--url", address], ["info", "some_net"], []):
            said = CliRunner().invoke(cli, ["models", *command, *debug]).output
            assert "some_net" in said or "is not an address" in said
            assert "s3c" not in said
            assert "cret" not in said
    with pytest.raises(NetFileError) as caught:
        zoo.load_net("some_net")
    assert "cret" not in str(caught.value)
