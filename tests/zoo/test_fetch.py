"""Fetching, from a server on this machine that is slow, lies, cuts off, sends other bytes and redirects."""

import hashlib
import io
import shutil
import ssl
import subprocess
import sys
import threading
import warnings
import zipfile
from pathlib import Path

import msgspec
import pytest
import requests
from support.server import serving

import pydream
from pydream import zoo
from pydream.errors import FetchError
from pydream.zoo import part as module
from pydream.zoo import wire
from pydream.zoo.archives import take_member
from pydream.zoo.fetch import by_hand, fetch
from pydream.zoo.part import CHUNK

PACKAGE = Path(pydream.__file__).parents[1]
CONTENT = bytes((i * i) >> 3 & 255 for i in range(200_000))


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setattr(wire, "TIMEOUT", 20)


@pytest.fixture
def server():
    with serving(CONTENT) as server:
        yield server


def entry_for(*urls, content=CONTENT, **facts):
    return zoo.Entry(
        name="some_net",
        title="Some",
        weights="some.caffemodel",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        urls=urls,
        license="none",
        mean=(0, 0, 0),
        **facts,
    )


def impatient(monkeypatch, path):
    """Wait less for a server that never answers; the others may be slow, on a busy machine."""
    if path in ("hangs", "stalls"):
        monkeypatch.setattr(wire, "TIMEOUT", 0.5)


def folder_of(entry):
    """What is in the folder that is fetched to."""
    return sorted(path.name for path in zoo.fetched_place(entry).parent.iterdir())


@pytest.mark.parametrize(
    "path", ["good", "without-range", "without-length", "slow", "redirect/good", "redirect/redirect/slow", "cut-once"]
)
def test_a_file_comes_whole(server, path):
    entry = entry_for(server.url(path))
    seen = []
    place = fetch(entry, on_bytes=lambda *args: seen.append(args))
    assert place == zoo.fetched_place(entry) == zoo.find_weights(entry)
    assert place.read_bytes() == CONTENT
    assert folder_of(entry) == ["some.caffemodel"]
    assert seen[-1] == (server.url(path), len(CONTENT), len(CONTENT))
    requests = len(server.asked)
    assert fetch(entry) == place
    assert len(server.asked) == requests  # it is there


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("missing", "404 Not Found"),
        ("nothing", "answers 204 No Content"),
        ("hangs", "no answer for 0."),
        ("stalls", " s after "),
        ("cut-without-range", "cut off after 98304 bytes"),
        ("wrong-bytes", "sha256 "),
        ("longer", "has 200001 bytes, not 200000"),
        ("shorter", "has 199999 bytes, not 200000"),
        ("says-less", "has 100000 bytes, not 200000"),
        ("endless", "sends more than the 200000 bytes that it should have"),
        ("page", "has 27 bytes, not 200000"),
        ("no-length", "answers with a length of 'many'"),
        ("only-parts", "sends only a part of the file"),
        ("no-http", "hello"),
        ("loop", "redirects without end"),
        ("to-file", "No connection adapters were found"),
        ("redirect/missing", "404 Not Found"),
    ],
)
def test_what_a_server_does_wrong_is_reported(server, monkeypatch, path, why):
    impatient(monkeypatch, path)
    entry = entry_for(server.url(path))
    with pytest.raises(FetchError) as caught:
        fetch(entry)
    text = str(caught.value)
    assert text.startswith(f"cannot fetch some_net: {server.url(path)}: ")
    assert why in text
    assert f"put some.caffemodel (200000 bytes, sha256 {entry.sha256}) at '{zoo.fetched_place(entry)}'" in text
    assert "`pydream models path some_net`" in text
    assert "\n" not in text
    assert zoo.find_weights(entry) is None
    kept = ["some.caffemodel.part"] if path in ("stalls", "cut-without-range") else []
    assert folder_of(entry) == kept
    for name in kept:  # and what is kept is right
        part = zoo.fetched_place(entry).with_name(name).read_bytes()
        assert part
        assert CONTENT.startswith(part)


@pytest.mark.parametrize("path", ["missing", "hangs", "stalls", "wrong-bytes", "longer", "endless", "loop", "cut"])
def test_the_next_address_is_tried(server, monkeypatch, path):
    impatient(monkeypatch, path)
    entry = entry_for(server.url(path), server.url("good"))
    messages = []
    assert fetch(entry, on_message=messages.append).read_bytes() == CONTENT
    assert len(messages) == 1
    assert messages[0].startswith(f"{server.url(path)}: ")
    assert messages[0].endswith("; trying the next address")


def test_an_endless_answer_is_not_written(server):
    seen = []
    with pytest.raises(FetchError):
        fetch(entry_for(server.url("endless")), on_bytes=lambda _, done, __: seen.append(done))
    assert max(seen) <= len(CONTENT)


def test_addresses_in_turn(server, monkeypatch):
    """What the call names goes first, then the user's mirrors, then the registry's."""
    entry = entry_for(server.url("missing/c"), server.url("good/d"))
    monkeypatch.setenv("PYDREAM_MODEL_URL_SOME_NET", f"{server.url('missing/b')} {server.url('missing/b2')}")
    fetch(entry, [server.url("missing/a")])
    paths = [path for path, _ in server.asked]
    assert paths == ["/missing/a", "/missing/b", "/missing/b2", "/missing/c", "/good/d"]


def test_variables_for_mirrors():
    assert zoo.url_variable("bvlc_googlenet") == "PYDREAM_MODEL_URL_BVLC_GOOGLENET"
    assert zoo.url_variable("squeezenet_v1.1") == "PYDREAM_MODEL_URL_SQUEEZENET_V1_1"


@pytest.mark.parametrize(
    "address", ["ftp://example.org/x", "file:///etc/passwd", "example.org/x", "http://", "http://["]
)
def test_what_is_no_address(server, address):
    with pytest.raises(ValueError, match="is not an address"):
        fetch(entry_for(server.url("good")), [address])
    assert server.asked == []
    fetch(entry_for(address, server.url("good")))


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_certificates(server, tmp_path, monkeypatch):
    """One that nobody has signed is refused; with one that is trusted, TLS hides nothing from the limits."""
    pem = tmp_path / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    made = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subprocess.run([*command, *made], check=True, capture_output=True)
    pem.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(FetchError, match=r"TLS fails: .*self.signed certificate"):
        fetch(entry_for(server.url("good").replace("http:", "https:")))
    assert server.asked == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    impatient(monkeypatch, "hangs")
    hanging, good = (server.url(path).replace("http:", "https:") for path in ("hangs", "good"))
    messages = []
    assert fetch(entry_for(hanging, good), on_message=messages.append).read_bytes() == CONTENT
    assert [line.partition("no answer for 0.")[1] for line in messages] == ["no answer for 0."]


def test_no_server(server):
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:9/x: Connection refused; put "):
        fetch(entry_for("http://127.0.0.1:9/x"))


def test_no_address_is_known():
    with pytest.raises(FetchError, match=r"no address is known for some_net; put some\.caffemodel "):
        fetch(entry_for())


def test_it_goes_on_where_it_was_cut_off(server):
    assert fetch(entry_for(server.url("cut-once"))).read_bytes() == CONTENT
    (_, first), (_, second) = server.asked
    assert first is None
    assert second == f"bytes={100_000 // CHUNK * CHUNK}-"


def test_an_address_that_always_cuts_is_left(server):
    with pytest.raises(FetchError, match=r"cut off after 1[89]\d{4} bytes"):
        fetch(entry_for(server.url("cut")))
    assert len(server.asked) == module.TRIES == 5


def part_of(entry, content):
    part = zoo.fetched_place(entry).with_name("some.caffemodel.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(content)


def test_it_goes_on_with_what_an_earlier_fetch_left(server):
    entry = entry_for(server.url("good"))
    part_of(entry, CONTENT[:150_000])
    seen = []
    assert fetch(entry, on_bytes=lambda *args: seen.append(args[1])).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["bytes=150000-"]
    assert seen[0] > 150_000
    assert folder_of(entry) == ["some.caffemodel"]


def test_a_part_that_is_all_needs_no_server():
    entry = entry_for("http://127.0.0.1:9/x")
    part_of(entry, CONTENT)
    assert fetch(entry).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"something else", CONTENT + b"more", b"x" * len(CONTENT), b"x" * (len(CONTENT) - 1)])
@pytest.mark.parametrize("path", ["good", "without-range"])
def test_a_part_of_something_else_is_dropped(server, left, path):
    entry = entry_for(server.url(path))
    part_of(entry, left)
    assert fetch(entry).read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["other-range", "not-satisfiable", "without-range"])
def test_a_server_with_its_own_idea_of_ranges(server, path):
    """It is asked for all of it, or else the next one is; the file is right."""
    entry = entry_for(server.url(path), server.url("good"))
    part_of(entry, CONTENT[:7])
    assert fetch(entry).read_bytes() == CONTENT


def test_halves_of_two_servers(server):
    """The first sends half of something else: what the second adds is not right, so it sends all."""
    entry = entry_for(server.url("wrong-half"), server.url("good"))
    assert fetch(entry).read_bytes() == CONTENT
    assert [asked for path, asked in server.asked if path == "/good"][-1] is None


def test_a_server_that_cuts_what_is_wrong_is_left(server):
    """What came in two answers is fetched once more, and no third time."""
    with pytest.raises(FetchError, match=r"sha256 .*, not "):
        fetch(entry_for(server.url("wrong-in-two")))
    assert len(server.asked) == 4


def test_a_damaged_file_is_fetched_again(server):
    entry = entry_for(server.url("good"))
    place = zoo.fetched_place(entry)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x" * len(CONTENT))
    assert fetch(entry).read_bytes() == CONTENT


def test_a_damaged_file_stays_until_there_is_a_better_one(server):
    entry = entry_for(server.url("wrong-bytes"))
    place = zoo.fetched_place(entry)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    with pytest.raises(FetchError):
        fetch(entry)
    assert place.read_bytes() == b"mine"


def test_a_file_elsewhere(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODELS", str(tmp_path))
    entry = entry_for(server.url("good"))
    (tmp_path / "some.caffemodel").write_bytes(CONTENT)
    assert fetch(entry) == tmp_path / "some.caffemodel"
    (tmp_path / "some.caffemodel").write_bytes(b"x")
    with pytest.raises(FetchError, match="is not what the registry says: 1 bytes, not 200000; remove it"):
        fetch(entry)
    assert server.asked == []


def test_an_unwritable_folder(server, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(OSError, match="is not a folder"):
        fetch(entry_for(server.url("good")))


FETCHER = """
import sys
from pydream import zoo
from pydream.zoo.fetch import fetch
entry = zoo.Entry(name="n", title="", weights="some.caffemodel", size=int(sys.argv[2]), sha256=sys.argv[3],
                  urls=(sys.argv[1],), license="", mean=(0, 0, 0))
print("ready", flush=True)
sys.stdin.readline()
print(fetch(entry))
"""


def test_several_processes_at_once(server):
    """All have the file; it came over the wire once."""
    entry = entry_for()
    command = [sys.executable, "-c", FETCHER, server.url("slow"), str(entry.size), entry.sha256]
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "text": True,
        "cwd": Path(pydream.__file__).parents[1],
    }
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=60)[0] == f"{zoo.fetched_place(entry)}\n"
    assert zoo.fetched_place(entry).read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert folder_of(entry) == ["some.caffemodel"]


def test_who_waits_says_so(server):
    entry, messages = entry_for(server.url("slow")), []
    other = threading.Thread(target=fetch, args=(entry,))
    other.start()
    assert server.half_sent.wait(30)
    fetch(entry, on_message=messages.append)
    other.join()
    assert messages == ["another process is fetching some.caffemodel; waiting for it"]
    assert len(server.asked) == 1


# Archives.


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def archived(packed, url="http://127.0.0.1:9/x", member="inner/net.pb"):
    archive = zoo.Archive(name="some.zip", size=len(packed), sha256=hashlib.sha256(packed).hexdigest(), member=member)
    return entry_for(url, archive=archive)


HOSTILE = [
    ("../../evil", b"x"),
    ("/tmp/evil", b"x"),
    ("inner/net.pb/../../evil", b"x"),
    ("INNER/net.pb", b"x"),
    ("net.pb", b"x"),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_member_of_an_archive(tmp_path):
    packed = zipped(*HOSTILE, ("inner/net.pb", CONTENT), ("../../evil", b"y"), compression=zipfile.ZIP_STORED)
    with serving(packed) as server:
        entry = archived(packed, server.url("cut-once"))
        assert fetch(entry).read_bytes() == CONTENT
    assert folder_of(entry) == ["some.caffemodel"]
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"some.caffemodel"}


def twice(name, content):
    with warnings.catch_warnings(action="ignore"):  # zipfile's, of the name
        return zipped((name, content), (name, content))


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (zipped(*HOSTILE), "no members are named 'inner/net.pb', expected one"),
        (twice("inner/net.pb", CONTENT), "2 members are named 'inner/net.pb'"),
        (zipped(("inner/net.pb", CONTENT + b"!")), "'inner/net.pb' has 200001 bytes, not 200000"),
        (zipped(("inner/net.pb", CONTENT[::-1])), "'inner/net.pb' in it is wrong: sha256 "),
        (b"no archive at all", "not a zip file that can be read"),
        (zipped(("inner/net.pb", CONTENT), compression=zipfile.ZIP_STORED)[:-100], "not a zip file that can be read"),
    ],
)
def test_an_archive_that_is_not_as_it_should_be(packed, why, tmp_path):
    with serving(packed) as server:
        entry = archived(packed, server.url("good"))
        with pytest.raises(FetchError) as caught:
            fetch(entry)
    assert why in str(caught.value)
    assert zoo.find_weights(entry) is None
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"some.zip.part"}


def test_a_member_is_no_longer_than_it_says(tmp_path):
    """A header that says less than what it unpacks to, a zip bomb's way."""
    packed = bytearray(zipped(("a", bytes(50_000_000))))
    size = (50_000_000).to_bytes(4, "little")
    assert packed.count(size) == 2
    (tmp_path / "bomb.zip").write_bytes(packed.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(FetchError):
        take_member(tmp_path / "bomb.zip", "a", tmp_path / "out", 1000)
    assert (tmp_path / "out").stat().st_size <= CHUNK


def test_a_member_that_is_shorter_than_it_says(tmp_path):
    content = b"abc" * 100
    packed, size = zipped(("a", content)), len(content).to_bytes(4, "little")
    assert packed.count(size) == 2
    (tmp_path / "short.zip").write_bytes(packed.replace(size, (400).to_bytes(4, "little")))
    with pytest.raises(FetchError, match=r"^short.zip: 'a' has 300 bytes, not 400$"):
        take_member(tmp_path / "short.zip", "a", tmp_path / "out", 400)


def test_damaged_and_encrypted_members(tmp_path):
    packed = bytearray(zipped(("a", CONTENT)))
    packed[1000:1100] = bytes(100)
    (tmp_path / "damaged.zip").write_bytes(packed)
    with pytest.raises(FetchError, match="not a zip file that can be read"):
        take_member(tmp_path / "damaged.zip", "a", tmp_path / "out", len(CONTENT))
    packed = bytearray(zipped(("a", CONTENT)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(packed)
    with pytest.raises(FetchError, match=r"not a zip file that can be read: .*encrypted"):
        take_member(tmp_path / "secret.zip", "a", tmp_path / "out2", len(CONTENT))


def test_what_a_timeout_is_called():
    assert module._reason(requests.ReadTimeout("no matter")) == f"no answer for {wire.TIMEOUT:g} s"


def test_a_server_is_given_up_when_its_time_is_over(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(wire, "monotonic", lambda: now[0])
    pace = wire.Pace()
    now[0] += 12
    pace.on_wire(10)
    assert pace.left() == 8
    now[0] += 9
    with pytest.raises(wire.GivenUpError, match="fewer than 20000 bytes in 20 s"):
        pace.left()
    now[0] += 2
    with pytest.raises(wire.GivenUpError, match="no answer for 11 s"):
        pace.left()


def test_by_hand_names_the_archive():
    entry = archived(zipped(("inner/net.pb", CONTENT)))
    assert "put some.caffemodel, which is in some.zip, (" in by_hand(entry)
    assert msgspec.structs.replace(entry, archive=None).archive is None
