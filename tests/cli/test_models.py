"""`pydream models`."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from support.server import serving

import pydream
from pydream.cli.progress import FetchProgress
from pydream.errors import NetFileError
from pydream.locks import locked
from pydream.record.presets import PRESETS
from pydream.zoo import registry
from pydream.zoo.numbers import numbers_of
from pydream.zoo.registry import DEFAULT_NETWORK, find_network, find_weights, networks

CONTENT = bytes(i * i & 255 for i in range(100_000))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def entry(folder, server, root):
    """A network that has one address, of the server, and no weights yet."""

    def entry(*paths, **facts):
        place = folder / "data" / "pydream" / "models" / "some_net"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "models" / "squeezenet_v1.1" / "deploy.prototxt", place)
        front = {
            "name": "some_net",
            "title": "Some Net",
            "weights": "some.caffemodel",
            "size": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "urls": [server.url(path) for path in paths],
            "license": "none",
            "mean": [1, 2, 3],
            **facts,
        }
        (place / "README.md").write_text(f"---\n{yaml.safe_dump(front)}---\n")
        return find_network("some_net")

    return entry


# list, info, path


@pytest.mark.parametrize("args", [(), ("list",)])
def test_every_network_is_listed(run, folder, args):
    seen = run("models", *args)
    assert (seen.code, seen.err) == (0, "")
    for entry in networks():
        assert f"\n{entry.name}" in f"\n{seen.out}"
        assert entry.default_layer in seen.out
    assert f"{DEFAULT_NETWORK} (default): SqueezeNet v1.1\n" in seen.out


def test_built_in_weights(run, folder):
    block = block_of("squeezenet_v1.1", run("models").out)
    assert "size     4.9 MB\n  weights  built in" in block
    assert "BSD-2-Clause" in block


def test_how_to_get_missing_weights(run, folder):
    block = block_of("bvlc_googlenet", run("models").out)
    assert "missing: bvlc_googlenet.caffemodel, 53.5 MB" in block
    assert "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel" in block
    assert str(folder / "cache") in block
    assert "  fetch    pydream models fetch bvlc_googlenet\n" in block


def test_where_weights_are(run, folder, monkeypatch):
    (folder / "mine").mkdir()
    weights = folder / "mine" / "bvlc_googlenet.caffemodel"
    weights.touch()
    monkeypatch.setenv("PYDREAM_MODELS", str(folder / "mine"))
    assert f"weights  {weights}\n" in block_of("bvlc_googlenet", run("models").out)
    assert f"weights  {weights}\n" in run("models", "info", "bvlc_googlenet").out
    assert run("models", "path", "bvlc_googlenet").out == f"{weights}\n"


def test_info(run, refused, folder, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODEL_URL_BVLC_GOOGLENET", "http://mirror.example.org/g")
    seen = run("models", "info", "bvlc_googlenet")
    assert (seen.code, seen.err) == (0, "")
    entry = find_network("bvlc_googlenet")
    lines = dict(line.split(None, 1) for line in seen.out.splitlines()[1:] if not line.startswith("  from"))
    assert seen.out.startswith("bvlc_googlenet: BVLC GoogLeNet\n")
    assert lines["licence"] == "unrestricted"
    assert lines["bytes"] == "53533754"
    assert lines["sha256"] == entry.sha256
    assert lines["mean"] == "104, 116, 122 (BGR)"
    assert lines["layer"] == "inception_4c/output"
    assert lines["weights"] == "missing: bvlc_googlenet.caffemodel, 53.5 MB"
    assert lines["into"] == str(folder / "cache" / "pydream" / "models")
    addresses = [line.split()[1] for line in seen.out.splitlines() if line.startswith("  from")]
    assert addresses == ["http://mirror.example.org/g", *entry.urls, *entry.copies[0].urls, *entry.layers.urls]
    assert lines["numbers"] == entry.numbers
    assert "\n  or       googlenet-7.onnx (28020232 bytes, sha256 5725ccfd" in seen.out
    assert "close: 'bvlc_googlenet'" in refused(2, "models", "info", "googlenet")


def test_path(run, refused, folder, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODELS", str(folder / "mine"))
    cache, own = folder / "cache" / "pydream" / "models", folder / "data" / "pydream" / "models"
    assert run("models", "path") == (0, f"{folder / 'mine'}\n{cache}\n{own}\n", "")
    assert run("models", "path", "bvlc_alexnet") == (0, f"{cache / 'bvlc_alexnet.caffemodel'}\n", "")
    assert run("models", "path", "squeezenet_v1.1").out == f"{find_weights(find_network('squeezenet_v1.1'))}\n"
    refused(2, "models", "path", "nothing")


# fetch


def test_fetch(run, entry, server):
    net = entry("missing", "good")
    seen = run("models", "fetch", "some_net")
    place = net.folder / "some.caffemodel"
    assert seen.code == 0
    assert seen.out == f"{place}\n"
    assert seen.err == f"pydream: {server.url('missing')}: 404 Not Found; trying the next address\n"
    assert place.read_bytes() == CONTENT
    assert run("models", "fetch", "some_net") == (0, f"{place}\n", "")
    assert len(server.asked) == 2


def test_fetch_quietly(run, entry, server):
    net = entry("missing", "good")
    assert run("models", "fetch", "some_net", "-q") == (0, f"{net.folder / 'some.caffemodel'}\n", "")


def test_mirrors(run, entry, server, monkeypatch):
    entry("good/registry")
    monkeypatch.setenv("PYDREAM_MODEL_URL_SOME_NET", server.url("missing/variable"))
    seen = run("models", "fetch", "some_net", "--url", server.url("missing/a"), "--url", server.url("missing/b"))
    assert seen.code == 0
    assert [path for path, _ in server.asked] == ["/missing/a", "/missing/b", "/missing/variable", "/good/registry"]


def test_a_fetch_that_fails(refused, entry, server):
    net = entry("missing")
    line = refused(1, "models", "fetch", "some_net")
    assert f"{server.url('missing')}: 404 Not Found; put some.caffemodel (100000 bytes, sha256 {net.sha256})" in line
    assert f"at '{net.folder / 'some.caffemodel'}' (`pydream models path some_net`)" in line


def test_no_address(refused, folder):
    line = refused(2, "models", "fetch", "bvlc_alexnet", "--url", "ftp://example.org/x")
    assert "'ftp://example.org/x' is not an address to fetch from" in line
    refused(2, "models", "fetch", "nothing")
    refused(2, "models", "fetch")


def test_the_built_in_network_is_there(run, folder):
    assert run("models", "fetch", "squeezenet_v1.1").out == run("models", "path", "squeezenet_v1.1").out


def test_nothing_is_fetched_unasked(run, refused, entry, server):
    entry("good")
    for args in (["list"], ["info", "some_net"], ["path", "some_net"], ["verify"]):
        run("models", *args)
    assert "`pydream models fetch some_net` gets it from" in refused(1, "layers", "-m", "some_net", "--check-weights")
    assert server.asked == []


def test_an_interrupted_fetch_is_gone_on_with(run, entry, server):
    """Ctrl-C, in a process of its own; what came is kept."""
    net = entry("stalls")
    package = Path(pydream.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "pydream", "models", "fetch", "some_net"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    assert server.half_sent.wait(60)
    part = net.folder / "some.caffemodel.part"
    while not part.exists() or part.stat().st_size < 40_000:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "pydream: interrupted; what has come is kept, and fetch continues with it\n")
    assert sorted(path.name for path in net.folder.iterdir()) == [
        "README.md", "deploy.prototxt", "some.caffemodel.part",
    ]  # fmt: skip
    kept = part.stat().st_size
    entry("good")
    assert run("models", "fetch", "some_net").code == 0
    assert server.asked[-1] == ("/good", f"bytes={kept}-")
    assert (net.folder / "some.caffemodel").read_bytes() == CONTENT


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with FetchProgress("some_net") as progress:
        for done in (50_000_000, 75_000_000, 1_000_000, 100_000_000):  # gone on with, begun again
            progress.on_bytes("http://x", done, 100_000_000)
            progress._bar.refresh()
        progress.message("another line")
    shown = sys.stderr.getvalue()
    at = [shown.index(f"some_net: {text}") for text in (" 50%", " 75%", "  1%", "100%")]
    assert at == sorted(at)
    assert "pydream: another line" in shown


# verify


def test_verify(run, folder, monkeypatch):
    weights = find_weights(find_network("squeezenet_v1.1"))
    missing = [f"{entry.name}: missing\n" for entry in networks() if not entry.bundled]
    expected = f"squeezenet_v1.1: right, {weights}\n{''.join(missing)}"
    assert run("models", "verify") == (0, expected, "")
    assert run("models", "verify", "squeezenet_v1.1") == (0, f"squeezenet_v1.1: right, {weights}\n", "")
    monkeypatch.setenv("PYDREAM_MODELS", str(folder))
    (folder / "bvlc_googlenet.caffemodel").write_bytes(b"short")
    seen = run("models", "verify")
    why = "not a caffemodel, or cut short or damaged (5 bytes; wire type 3 at byte 0)"
    assert seen.code == 1
    assert f"bvlc_googlenet: wrong, {folder / 'bvlc_googlenet.caffemodel'}\n" in seen.out
    assert (
        seen.err == f"pydream: error: '{folder / 'bvlc_googlenet.caffemodel'}' has 5 bytes, not {53533754}, and {why}\n"
    )


def test_verify_looks_at_every_byte(run, entry):
    net = entry()
    (net.folder / "some.caffemodel").write_bytes(CONTENT)
    assert run("models", "verify", "some_net").code == 0
    (net.folder / "some.caffemodel").write_bytes(CONTENT[:-1] + b"\xff")
    seen = run("models", "verify", "some_net")
    assert seen.code == 1
    assert "sha256 " in seen.err


def test_verify_says_by_what(run, entry, files):
    net = entry(size=None, sha256=None)
    place = net.folder / "some.caffemodel"
    shutil.copy(files[1], place)
    by = "by its shapes; no hash of it is known"
    assert run("models", "verify", "some_net") == (0, f"some_net: right ({by}), {place}\n", "")
    entry(size=None, sha256=None, numbers=numbers_of(*files))
    assert run("models", "verify", "some_net") == (0, f"some_net: right (by its numbers), {place}\n", "")
    entry(size=None, sha256=None, numbers="0" * 64)
    seen = run("models", "verify", "some_net")
    assert (seen.code, seen.out) == (1, f"some_net: wrong, {place}\n")
    assert "has numbers of sha256" in seen.err
    assert "  bytes    unknown\n  sha1     unknown\n" in run("models", "info", "some_net").out


def test_verify_what_is_missing(run, folder):
    seen = run("models", "verify", "bvlc_alexnet")
    assert (seen.code, seen.out) == (1, "bvlc_alexnet: missing\n")
    assert seen.err == "pydream: error: bvlc_alexnet is missing\n"


# add


@pytest.fixture
def files(root):
    source = root / "models" / "squeezenet_v1.1"
    return source / "deploy.prototxt", source / "squeezenet_v1.1.caffemodel"


def test_add(run, files, folder, picture):
    options = ["--layer", "fire4/concat", "--mean", "104,117.5,123", "--description", "My  own:\n---\nnetwork"]
    seen = run("models", "add", "mine", *files[::-1], *options)  # in any order
    place = folder / "data" / "pydream" / "models" / "mine"
    assert (seen.code, seen.out, seen.err) == (0, f"{place}\n", "")
    assert sorted(path.name for path in place.iterdir()) == ["README.md", "deploy.prototxt", "mine.caffemodel"]
    assert list(place.parent.iterdir()) == [place]
    entry = find_network("mine")
    assert (entry.title, entry.mean, entry.default_layer) == ("My own: --- network", (104, 117.5, 123), "fire4/concat")
    assert entry.own
    assert [net.name for net in networks()][-1] == "mine"
    block = block_of("mine", run("models").out)
    assert "layer    fire4/concat" in block
    assert f"weights  {place / 'mine.caffemodel'}" in block
    assert "mean     104, 117.5, 123 (BGR)" in run("models", "info", "mine").out
    assert f"mine: right, {place / 'mine.caffemodel'}\n" in run("models", "verify").out
    assert "fire4/concat" in run("layers", "-m", "mine", "--check-weights").out
    # It dreams, and says in the picture what with; the same picture is made again.
    assert run("dream", picture, "-o", "out.png", "-m", "mine", "-n", "1", "--octaves", "1", "--seed", "0").code == 0
    assert run("replay", "out.png").code == 0
    net = pydream.load_net("mine")
    assert net.default_end == "fire4/concat"
    assert net.mean.ravel().tolist() == [104, 117.5, 123]


def test_a_killed_add_leaves_nothing_for_long(run, files, folder, monkeypatch):
    program = (
        "import os, signal, sys; from pydream.zoo import own\n"
        "own.file_sha256 = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"  # the weights are copied by then
        "own.add_network('mine', sys.argv[1:])"
    )
    killed = subprocess.run([sys.executable, "-c", program, *files], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed
    place = folder / "data" / "pydream" / "models" / "mine"
    (left,) = place.parent.iterdir()
    assert (left / "mine.caffemodel").exists()
    assert "mine" not in run("models").out
    assert run("models", "add", "mine", *files).code == 0
    assert list(place.parent.iterdir()) == [place]


def test_add_says_nothing_more_than_it_knows(run, files, folder):
    assert run("models", "add", "mine", *files).code == 0
    entry = find_network("mine")
    assert (entry.title, entry.mean, entry.default_layer) == ("squeezenet_v1.1", (104, 116, 122), None)
    assert "layer    none" in block_of("mine", run("models").out)


def test_add_a_caffemodel_that_holds_its_network(run, shared, folder):
    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    assert run("models", "add", "g", weights, "--layer", "inception_4c/output").code == 0
    found = json.loads(run("layers", "-m", "g", "--check-weights", "--like", "inception_4c/output", "--json").out)[
        "blobs"
    ][0]
    assert (found["shape"], found["macs_in_all"]) == ([10, 512, 14, 14], 1171358720)  # for one picture of the ten
    assert (found["receptive_field"], found["wrong_weights"], found["default"]) == ([299, 299], {}, True)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/tmp/x", ".hidden", "-x", "a\nb", "a b", "ä", "x" * 65, "x.prototxt"]
)
def test_names_that_cannot_be(refused, files, folder, name):
    assert "is not a name for a network" in refused(2, "models", "add", "--", name, *files)


@pytest.mark.parametrize("name", ["bvlc_googlenet", "BVLC_GoogLeNet", "squeezenet_v1.1"])
def test_names_of_the_built_in_ones(refused, files, folder, name):
    assert "which comes with pydream" in refused(2, "models", "add", name, *files)


def test_a_name_that_is_taken(run, refused, files, folder):
    assert run("models", "add", "mine", *files).code == 0
    (folder / "data" / "pydream" / "models" / "other").mkdir()
    assert "models/other' is there already" in refused(2, "models", "add", "other", *files)
    assert "there is a network 'mine' already: --force replaces it" in refused(2, "models", "add", "mine", *files)
    assert "there is a network 'mine' already: choose another" in refused(2, "models", "add", "MINE", *files, "--force")
    assert "models/other' is there already" in refused(2, "models", "add", "other", *files, "--force")


def test_a_network_is_replaced_by_force(run, refused, files, folder):
    """When the new one is whole; files that pydream did not write are not removed for it."""
    assert run("models", "add", "mine", *files, "--layer", "conv1").code == 0
    own = folder / "data" / "pydream" / "models" / "mine"
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    assert run("models", "add", "mine", *files, "--layer", "no_such", "--force").code == 2
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before
    again = [own / path.name for path in own.iterdir() if path.name != "README.md"]  # its own files
    assert run("models", "add", "mine", *again, "--force").code == 0
    assert {path.name for path in own.iterdir()} == set(before)
    assert "layer    none" in block_of("mine", run("models").out)
    (own / "README.md").write_text("damaged")
    assert run("models", "add", "mine", *files, "--force").code == 0
    (own / "notes.txt").write_text("mine")
    assert "notes.txt' was not written by pydream" in refused(2, "models", "add", "mine", *files, "--force")


def test_files_that_do_not_fit(refused, files, root, folder, own_network):
    prototxt, weights = files
    other = root / "models" / "bvlc_googlenet" / "deploy.prototxt"
    assert "no weights for layer 'conv1/7x7_s2'" in refused(1, "models", "add", "x", other, weights)
    assert "holds weights but no network" in refused(1, "models", "add", "x", weights)
    assert "2 prototxt and 1 caffemodel" in refused(2, "models", "add", "x", other, prototxt, weights)
    assert "1 prototxt and 0 caffemodel" in refused(2, "models", "add", "x", prototxt)
    assert "no such file: 'absent'" in refused(2, "models", "add", "x", "absent", weights)
    assert "not a regular file" in refused(1, "models", "add", "x", folder, weights)
    (folder / "cut.caffemodel").write_bytes(weights.read_bytes()[:-1000])
    assert "cut.caffemodel" in refused(1, "models", "add", "x", prototxt, folder / "cut.caffemodel")
    (folder / "two.prototxt").write_text((folder / "own.prototxt").read_text().replace("dim: 3 ", "dim: 2 "))
    assert "no input of four axes with three channels or one" in refused(
        1, "models", "add", "x", "two.prototxt", "own.caffemodel"
    )


def test_options_that_cannot_be(refused, files, folder):
    assert "close: 'fire4/concat'" in refused(2, "models", "add", "x", *files, "--layer", "fire4/concatt")
    assert "cannot be dreamt with" in refused(2, "models", "add", "x", *files, "--layer", "data")
    for mean in ("1,2", "1,2,nan", "a,b,c", "1,2,3,4", ""):
        assert "--mean" in refused(2, "models", "add", "x", *files, "--mean", mean)
    refused(2, "models", "add", "x")


def test_damaged_networks_do_not_hide_the_others(run, refused, entry, folder):
    place = entry().folder
    (place.parent / "empty").mkdir()
    for front in (
        "",
        "no front matter",
        "---\nname: [\n---\n",
        "---\n- 1\n---\n",
        "---\nname: some_net\n---\n",
        "---\n" + "[" * 5000 + "\n---\n",
    ):
        (place / "README.md").write_text(front)
        seen = run("models")
        assert seen.code == 0
        assert f"some_net: damaged: {place / 'README.md'}: not the front matter of a network" in seen.out
        assert "squeezenet_v1.1" in seen.out
        assert "not the front matter of a network" in refused(1, "models", "info", "some_net")
        assert run("models", "verify").code == 1
        assert run("layers", "-m", "squeezenet_v1.1").code == 0
    (place / "README.md").unlink()
    assert run("models", "verify").code == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "other"},
        {"weights": "../../x.caffemodel"},
        {"weights": "/etc/passwd"},
        {"mean": [1, 2, float("nan")]},
        {"mean": [1, 2]},
        {"size": 0},
        {"sha256": "abc"},
        {"urls": "http://x"},
        {"title": 7},
    ],
)
def test_front_matter_that_is_not_believed(run, entry, facts):
    with pytest.raises(NetFileError):
        entry(**facts)


def block_of(name: str, listing: str) -> str:
    lines = listing.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(name))
    rest = [line for line in lines[first + 1 :] if not line.startswith("  ")][:1]
    end = lines.index(rest[0]) if rest else len(lines)
    return "\n".join([*lines[first:end], ""])


# fetch --looks

LOOKS = ["bvlc_googlenet", "inception5h"]


@pytest.fixture
def looks(folder, server, monkeypatch):
    """Make the two networks come from the server, with small files."""

    def looks(**paths):
        known = registry._built_in()
        facts = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        facts |= {"archive": None, "copies": (), "layers": None}
        changed = {
            name: msgspec.structs.replace(known[name], urls=(server.url(paths.get(name, "good")),), **facts)
            for name in LOOKS
        }
        monkeypatch.setattr(registry, "_built_in", lambda: {**known, **changed})
        cache = folder / "cache" / "pydream" / "models"
        return [cache / changed[name].weights for name in LOOKS]

    return looks


def test_the_networks_of_looks(run, refused, looks):
    """Sizes are said first, and nothing is asked."""
    places = looks()
    seen = run("models", "fetch", "--looks")
    assert (seen.code, seen.out) == (0, "".join(f"{place}\n" for place in places))
    assert (
        seen.err == "pydream: it fetches bvlc_googlenet (0.1 MB, unrestricted) and inception5h (0.1 MB, Apache-2.0)\n"
    )
    assert run("models", "fetch", "--looks") == (0, seen.out, "")
    assert "expected the NAME of a network, or --looks" in refused(2, "models", "fetch", "--looks", "vgg16")
    assert "expected the NAME of a network, or --looks" in refused(2, "models", "fetch")
    assert "--looks without --url" in refused(2, "models", "fetch", "--looks", "--url", "http://x/")


def test_one_of_the_looks_networks_is_not_to_be_had(run, looks):
    first, second = looks(bvlc_googlenet="missing")
    seen = run("models", "fetch", "--looks", "-q")
    assert (seen.code, seen.out) == (1, f"{second}\n")
    assert "404 Not Found" in seen.err
    assert not first.exists()
    assert {preset.network for preset in PRESETS.values()} == {"squeezenet_v1.1", *LOOKS}


# remove


def test_remove_what_was_fetched(run, refused, looks, folder):
    """The weights, parts and the record; not the network, and nothing that was put there by hand."""
    place, other = looks()
    run("models", "fetch", "--looks")
    parts = [place.with_name(f"{place.name}{end}") for end in (".part", ".layers.part", ".sha256")]
    stays = [other, place.with_name("googlenet-7.onnx"), place.with_name("mine.part")]
    for path in [*parts, *stays[1:]]:
        path.write_bytes(b"x")
    line = refused(2, "models", "remove", "bvlc_googlenet")
    assert f"'{place}' (0.1 MB): --yes does" in line
    assert place.exists()
    seen = run("models", "remove", "bvlc_googlenet", "--yes")
    assert (seen.code, seen.err) == (0, "")
    assert seen.out.splitlines() == [*map(str, parts), str(place)]
    assert sorted(place.parent.iterdir()) == sorted(stays)
    assert "nothing of bvlc_googlenet is there" in refused(1, "models", "remove", "bvlc_googlenet", "--yes")
    assert find_network("bvlc_googlenet")


def test_remove_follows_no_links(run, looks, folder):
    place, _ = looks()
    place.parent.mkdir(parents=True)
    (folder / "disk.caffemodel").write_bytes(CONTENT)
    place.symlink_to(folder / "disk.caffemodel")
    assert run("models", "remove", "bvlc_googlenet", "--yes") == (0, f"{place}\n", "")
    assert not place.is_symlink()
    assert (folder / "disk.caffemodel").read_bytes() == CONTENT


def test_remove_a_network_of_ones_own(run, refused, entry):
    net = entry("good")
    run("models", "fetch", "some_net")
    (net.folder / "notes.txt").write_text("mine")
    seen = run("models", "remove", "some_net", "--yes")
    assert (seen.code, seen.err) == (0, "")
    gone = [net.folder / name for name in ("deploy.prototxt", "some.caffemodel", "README.md")]
    assert seen.out.splitlines() == list(map(str, gone))
    assert list(net.folder.iterdir()) == [net.folder / "notes.txt"]
    assert "no network 'some_net'" in refused(2, "models", "remove", "some_net", "--yes")
    (net.folder / "notes.txt").unlink()
    entry("good")
    assert run("models", "remove", "some_net", "--yes").out.splitlines()[-1] == str(net.folder)
    assert not net.folder.exists()


def test_remove_a_damaged_network(run, refused, entry):
    net = entry("good")
    (net.folder / "README.md").write_text("---\nname: [\n---\n")
    (net.folder / "some_net.caffemodel").write_text("x")
    assert "--yes does" in refused(2, "models", "remove", "some_net")
    assert run("models", "remove", "some_net", "--yes").code == 0
    assert not net.folder.exists()


def test_what_is_not_removed(run, refused, looks, folder, monkeypatch):
    looks()
    assert "comes with pydream and stays" in refused(2, "models", "remove", "squeezenet_v1.1", "--yes")
    for name in ("nothing", "..", "../cache", "", "/"):
        assert "no network" in refused(2, "models", "remove", "--yes", "--", name)
    monkeypatch.setenv("PYDREAM_MODELS", str(folder / "mine"))
    (folder / "mine").mkdir()
    weights = folder / "mine" / "bvlc_googlenet.caffemodel"
    weights.write_bytes(CONTENT)
    assert f"'{weights}' is yours to remove" in refused(1, "models", "remove", "bvlc_googlenet", "--yes")
    assert weights.exists()


def test_remove_waits_for_nobody(run, refused, entry):
    net = entry("good")
    run("models", "fetch", "some_net")
    with locked(net.folder / "some.caffemodel"):
        assert "another run" in refused(1, "models", "remove", "some_net", "--yes")
    assert net.folder.exists()


# add knows what it is


def test_add_recognises_googlenet(run, shared, folder, root):
    """By its numbers, whatever the file."""
    weights, prototxt = shared / "models" / "bvlc_googlenet.caffemodel", root / "models" / "bvlc_googlenet"
    seen = run("models", "add", "g", prototxt / "deploy.prototxt", weights)
    assert seen.code == 0
    assert seen.err == "pydream: its numbers are those of bvlc_googlenet, which has a name already\n"
