"""One network, several files: whatever an address sends, what is kept has the network's numbers."""

import hashlib
import io
import shutil
import struct
import tarfile
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import yaml
from support import nets
from support.server import serving

import pydream
from pydream import zoo
from pydream.errors import FetchError, NetFileError
from pydream.formats import InputSpec, caffe
from pydream.formats.caffe import caffe_pb2
from pydream.zoo import archives, wire
from pydream.zoo.assemble import from_onnx, from_raw
from pydream.zoo.check import check, recognised, record_of
from pydream.zoo.fetch import fetch
from pydream.zoo.numbers import numbers_of
from pydream.zoo.registry import find_network

SIZES = "dim: 1 dim: 3 dim: 9 dim: 9"
DEFINITION = f"""
name: "tiny"
{nets.layer("data", "Input", "", "data", f"input_param {{ shape {{ {SIZES} }} }}")}
{nets.layer("a/3x3+s1", "Convolution", "data", "a/3x3+s1", "convolution_param { num_output: 40 kernel_size: 3 }")}
{nets.layer("relu", "ReLU", "a/3x3+s1", "a/3x3+s1")}
{nets.layer("b", "Convolution", "a/3x3+s1", "b", "convolution_param { num_output: 4 kernel_size: 1 }")}
{nets.layer("fc", "InnerProduct", "b", "fc", "inner_product_param { num_output: 5 }")}
"""
SHAPES = {"a/3x3+s1": [(40, 3, 3, 3), (40,)], "b": [(4, 40, 1, 1), (4,)], "fc": [(5, 196), (5,)]}
rng = np.random.default_rng(14)
NUMBERS = {name: [rng.standard_normal(shape, np.float32) for shape in shapes] for name, shapes in SHAPES.items()}


def expected_hash(numbers=NUMBERS):
    """As docs/networks.md has it."""
    content = b""
    for layer in SHAPES:
        for place, array in enumerate(numbers[layer]):
            shape = "x".join(map(str, array.shape))
            content += f"{layer} {place} {shape}\n".encode() + struct.pack(f"<{array.size}f", *array.ravel())
    return hashlib.sha256(content).hexdigest()


def caffemodel(numbers=NUMBERS, **others):
    return nets.weights(**numbers, **others).SerializeToString()


def trained():
    """As Berkeley's file is: with a head that only training has, in old blobs of four sizes."""
    legacy = {name: [nets.blob(array, legacy=True) for array in arrays] for name, arrays in NUMBERS.items()}
    return nets.weights(head=[np.ones((70, 30), np.float32)], **legacy).SerializeToString()


def onnx_of(numbers=NUMBERS, **changed):
    onnx = pytest.importorskip("onnx")
    arrays = {f"{name}_{kind}_0": a for name, both in numbers.items() for kind, a in zip("wb", both, strict=True)}
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in {**arrays, **changed}.items()]
    node = onnx.helper.make_node("Relu", ["data_0"], ["fc_1"])
    return onnx.helper.make_model(onnx.helper.make_graph([node], "tiny", [], [], tensors)).SerializeToString()


def raw_files(numbers=NUMBERS):
    """A file for each array, kernels in (out, y, x, in) order."""
    files = {}
    for name, (kernel, bias) in numbers.items():
        ordered = kernel.transpose(0, 2, 3, 1) if kernel.ndim == 4 else kernel
        quoted = name.replace("+", "%2B")
        files |= {f"{quoted}_filter.bin": ordered.astype("<f4").tobytes(), f"{quoted}_bias.bin": bias.tobytes()}
    return files


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setattr(wire, "TIMEOUT", 10)


@pytest.fixture
def server():
    with serving(trained()) as server:
        server.files = {".onnx": onnx_of(), "again.caffemodel": caffemodel(), **raw_files()}
        yield server


def facts_of(content):
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def entry_for(tmp_path, server):
    """Make a network of the user's own with these addresses of each kind of file."""

    def entry_for(urls=(), onnx=(), layers=(), **facts):
        folder = tmp_path / "data" / "pydream" / "models" / "tiny"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "deploy.prototxt").write_text(DEFINITION)
        named = {"name": "tiny", "title": "Tiny", "weights": "tiny.caffemodel", "license": "none", "mean": [0, 0, 0]}
        front = {**named, **facts_of(trained()), "numbers": expected_hash(), "urls": list(map(server.url, urls))}
        if onnx is not None:
            file = {"name": "tiny-7.onnx", **facts_of(server.files[".onnx"]), "urls": list(map(server.url, onnx))}
            front["copies"] = [file]
        if layers:
            front["layers"] = {
                "urls": [f"{server.url(path)}/{{layer}}_{{blob}}.bin" for path in layers],
                "axes": "OHWI",
            }
        front |= facts
        (folder / "README.md").write_text(f"---\n{yaml.safe_dump(front)}---\n")
        return find_network("tiny")

    return entry_for


def is_whole(entry):
    """Its weights are there, right, and alone."""
    place = zoo.fetched_place(entry)
    _, params = caffe.read(entry.definition, place)
    assert {name: [a.tolist() for a in arrays] for name, arrays in params.items()} == {
        name: [a.tolist() for a in arrays] for name, arrays in NUMBERS.items()
    }
    assert numbers_of(entry.definition, place) == expected_hash()
    assert check(place, entry).wrong is None
    assert {path.name for path in place.parent.iterdir()} == {"README.md", "deploy.prototxt", "tiny.caffemodel"}
    return True


# ---- the hash ----


@pytest.mark.parametrize(
    "net",
    [
        caffe_pb2.NetParameter.FromString(caffemodel()),
        caffe_pb2.NetParameter.FromString(trained()),
        nets.weights(**{name: [nets.blob(a, double=True) for a in both] for name, both in NUMBERS.items()}),
        nets.weights(**dict(reversed(NUMBERS.items()))),
    ],
    ids=["plain", "trained", "double", "in another order"],
)
def test_numbers_have_one_hash_in_every_file(net, tmp_path):
    (tmp_path / "tiny.prototxt").write_text(DEFINITION)
    (tmp_path / "tiny.caffemodel").write_bytes(net.SerializeToString())
    assert numbers_of(tmp_path / "tiny.prototxt", tmp_path / "tiny.caffemodel") == expected_hash()


def test_the_hash_sees_every_bit_and_the_place_of_each_number(tmp_path):
    other = {name: [array.copy() for array in both] for name, both in NUMBERS.items()}
    other["b"][1][2] = np.nextafter(other["b"][1][2], np.float32(9))
    swapped = {**NUMBERS, "b": [NUMBERS["b"][0], NUMBERS["b"][1][::-1]]}
    hashes = {expected_hash()}
    (tmp_path / "tiny.prototxt").write_text(DEFINITION)
    for numbers in (other, swapped):
        (tmp_path / "tiny.caffemodel").write_bytes(caffemodel(numbers))
        hashes.add(numbers_of(tmp_path / "tiny.prototxt", tmp_path / "tiny.caffemodel"))
    assert len(hashes) == 3


# ---- several files ----


@pytest.mark.parametrize("how", ["good", "cut-once", "without-range", "without-length", "redirect/good"])
@pytest.mark.parametrize("kind", ["urls", "onnx", "layers"])
def test_each_kind_of_file_will_do(entry_for, kind, how):
    behind = {"urls": "", "onnx": "/tiny-7.onnx", "layers": ""}[kind]
    entry = entry_for(**{kind: [how + behind]})
    seen = []
    assert fetch(entry, on_bytes=lambda *args: seen.append(args)) == zoo.fetched_place(entry)
    assert is_whole(entry)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == (seen[-1][2] or seen[-1][1])


@pytest.mark.parametrize("path", ["good", "without-length/x", "cut-once", "good/again.caffemodel", "good/of.onnx"])
def test_the_users_address_may_have_any_of_them(entry_for, server, path):
    entry = entry_for(["missing"])
    messages = []
    fetch(entry, [server.url(path)], on_message=messages.append)
    assert is_whole(entry)
    assert messages == []


def test_they_are_tried_in_turn(entry_for, server):
    entry = entry_for(["missing/1", "pointer/2"], ["long-page/3.onnx", "pointer/4.onnx"], ["missing/5", "good/6"])
    messages = []
    fetch(entry, on_message=messages.append)
    assert is_whole(entry)
    said = [message.partition("/")[2].partition("127.0.0.1:")[2].partition("/")[2] for message in messages]
    assert [text.partition(": ")[0] for text in said] == [
        "missing/1", "pointer/2", "long-page/3.onnx", "pointer/4.onnx", "missing/5/{layer}_{blob}.bin",
    ]  # fmt: skip
    assert [text for text in said if "(a Git LFS pointer, not the file itself)" in text] == [
        said[1],
        said[3],
    ]
    assert "(a web page)" in said[2]
    assert "a/3x3%2Bs1_filter.bin: 404 Not Found" in said[4]


WRONG = {
    "missing": "404 Not Found",
    "page": "(a web page)",
    "long-page": "(a web page)",
    "to-page": "(a web page)",
    "pointer": "(a Git LFS pointer, not the file itself)",
    "shorter": "bytes, not ",
    "longer": "bytes, not ",
    "endless": "sends more than the ",
    "cut": "cut off",
    "cut-without-range": "cut off",
    "only-parts": "sends only a part of the file",
    "loop": "redirects without end",
    "no-http": "",
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("kind", ["onnx", "layers"])
def test_what_a_host_does_wrong_is_said_and_the_next_is_asked(entry_for, kind, how):
    entry = entry_for(**{kind: [f"{how}/x.onnx" if kind == "onnx" else how]})
    with pytest.raises(FetchError) as caught:
        fetch(entry)
    text = str(caught.value)
    assert WRONG[how] in text
    assert "put tiny.caffemodel (" in text
    assert "or put tiny-7.onnx (" in text
    assert zoo.find_weights(entry) is None
    entry = entry_for(**{kind: [f"{how}/x.onnx" if kind == "onnx" else how]}, urls=["good"])
    fetch(entry)
    assert is_whole(entry)


def other_numbers():
    return {**NUMBERS, "b": [NUMBERS["b"][0] + 1, NUMBERS["b"][1]]}


def test_layers_with_other_numbers(entry_for, server):
    server.files |= raw_files(other_numbers())
    entry = entry_for(layers=["good"])
    with pytest.raises(FetchError, match=r"what is made of its layers is wrong: numbers of sha256 .*, not "):
        fetch(entry)
    assert zoo.find_weights(entry) is None
    assert not zoo.fetched_place(entry).with_name("tiny.caffemodel.layers.part").exists()


def test_layers_that_are_no_numbers(entry_for, server):
    server.files |= raw_files({**NUMBERS, "b": [NUMBERS["b"][0] * np.nan, NUMBERS["b"][1]]})
    with pytest.raises(FetchError, match="NaN or infinity"):
        fetch(entry_for(layers=["good"]))


def test_layers_are_gone_on_with(entry_for, server):
    """What came of an interrupted fetch is not asked for again; what is not right in it is."""
    entry = entry_for(layers=["good"])
    whole = b"".join(raw_files().values())
    part = zoo.fetched_place(entry).with_name("tiny.caffemodel.layers.part")
    part.write_bytes(whole[:4500])
    fetch(entry)
    assert is_whole(entry)
    assert [(path.rpartition("/")[2], asked) for path, asked in server.asked][:2] == [
        ("b_filter.bin", f"bytes={4500 - 4320 - 160}-"), ("b_bias.bin", None),
    ]  # fmt: skip
    zoo.fetched_place(entry).unlink()
    for left in (b"x" * 4500, whole[:-1] + b"x", whole + b"more", b"x" * len(whole)):
        part.write_bytes(left)
        fetch(entry)
        assert is_whole(entry)
        zoo.fetched_place(entry).unlink()


def field(tag, content):
    """A field of protobuf's wire type 2: tag, length, content."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return tag + length + bytes([size]) + content


def damaged_onnx():
    onnx = pytest.importorskip("onnx")
    whole = onnx_of()
    outside = onnx.load_from_string(whole)
    tensor = outside.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    start = b"\x08\x07" + field(b"\x3a", b"\x0a\x00")  # version, an empty graph
    return {
        "cut": (whole[:-200], "not an ONNX file, or damaged"),
        "another network's": (onnx_of({"conv1": NUMBERS["b"]}), "no initializer 'a/3x3+s1_w_0'"),
        "doubles": (onnx_of(b_w_0=NUMBERS["b"][0].astype(np.float64)), "not float32 of shape (4, 40, 1, 1)"),
        "of another shape": (onnx_of(b_w_0=NUMBERS["b"][0].reshape(40, 4, 1, 1)), "not float32 of shape (4, 40, 1, 1)"),
        "other numbers": (onnx_of(other_numbers()), "numbers of sha256"),
        "outside": (outside.SerializeToString(), "is in another file"),
        "a huge length": (b"\x08\x07\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "not an ONNX file, or damaged"),
        "many fields": (b"\x08\x07" + field(b"\x3a", b"\x08\x07" * 150_000), "not an ONNX file, or damaged"),
        "a group": (start + b"\x3b", "not an ONNX file, or damaged"),
        "an endless number": (start + b"\x08" + b"\xff" * 20, "not an ONNX file, or damaged"),
    }


@pytest.mark.parametrize("name", damaged_onnx())
def test_an_onnx_file_that_is_not_right(entry_for, server, name):
    server.files[".onnx"], why = damaged_onnx()[name]
    entry = entry_for(onnx=None)
    with pytest.raises(FetchError) as caught:
        fetch(entry, [server.url("good/x.onnx")])
    assert why in str(caught.value)
    assert zoo.find_weights(entry) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (caffemodel(other_numbers()), "numbers of sha256"),
        (caffemodel({"a/3x3+s1": NUMBERS["a/3x3+s1"]}), " bytes, not "),
        (b"<!doctype html><p>Log in", "(a web page)"),
        (b"", "0 bytes"),
        (bytes(20_000_000), "more than the"),
    ],
)
def test_a_file_that_is_not_the_network(entry_for, server, content, why):
    server.files["x"] = content
    for how in ("good/x", "without-length/x"):
        with pytest.raises(FetchError) as caught:
            fetch(entry_for(), [server.url(how)])
        assert why in str(caught.value)


@pytest.mark.parametrize("kind", ["urls", "onnx", "layers"])
def test_a_disk_that_is_too_small_is_known_before(entry_for, server, monkeypatch, kind):
    """With the file that is made of another one, nothing comes; what is there already counts."""
    entry = entry_for(**{kind: ["good/x.onnx" if kind == "onnx" else "good"]})
    numbers = sum(array.nbytes for both in NUMBERS.values() for array in both)
    whole = len(trained())
    needed = {"urls": whole, "onnx": len(server.files[".onnx"]) + whole, "layers": 2 * numbers}[kind]
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed - 1))
    with pytest.raises(OSError, match=r"MB are needed, 0\.0 MB are free"):
        fetch(entry)
    assert server.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed))
    fetch(entry)
    assert is_whole(entry)


# ---- by hand ----


@pytest.mark.parametrize("place", ["beside", "models"])
def test_a_copy_that_is_put_there_by_hand(entry_for, server, tmp_path, monkeypatch, place):
    entry = entry_for()
    with pytest.raises(FetchError, match=r"no address is known for tiny; put .*; or put tiny-7.onnx \(.*\) into '.*'"):
        fetch(entry)
    folder = zoo.fetched_place(entry).parent if place == "beside" else tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("PYDREAM_MODELS", str(tmp_path / "mine"))
    (folder / "tiny-7.onnx").write_bytes(b"x" * len(server.files[".onnx"]))
    with pytest.raises(FetchError):
        fetch(entry)
    (folder / "tiny-7.onnx").write_bytes(server.files[".onnx"])
    with pytest.raises(NetFileError, match=r"tiny-7.onnx' is there, of which `pydream models fetch tiny` makes it"):
        pydream.load_net("tiny")
    fetch(entry)
    assert (folder / "tiny-7.onnx").read_bytes() == server.files[".onnx"]
    (folder / "tiny-7.onnx").unlink()
    assert is_whole(entry)
    assert server.asked == []


def test_a_caffemodel_that_is_put_there_by_hand_is_copied(entry_for):
    again = {"name": "again.caffemodel", **facts_of(caffemodel())}
    entry = entry_for(onnx=None, copies=[again])
    copy = zoo.fetched_place(entry).with_name("again.caffemodel")
    copy.write_bytes(caffemodel())
    fetch(entry)
    assert copy.read_bytes() == caffemodel()
    copy.unlink()
    assert is_whole(entry)


def test_a_copy_with_other_numbers_is_not_the_end(entry_for, server):
    """It is the file that it should be, but not what the network's numbers are said to be: the next is asked."""
    other = onnx_of(other_numbers())
    copy = {"name": "tiny-7.onnx", **facts_of(other)}
    entry = entry_for(["good"], onnx=None, copies=[copy])
    place = zoo.fetched_place(entry).with_name("tiny-7.onnx")
    place.write_bytes(other)
    fetch(entry)
    place.unlink()
    assert is_whole(entry)
    zoo.fetched_place(entry).unlink()
    place.write_bytes(other)
    with pytest.raises(FetchError, match=r"tiny-7.onnx: what is made of tiny-7.onnx is wrong: numbers of sha256 "):
        fetch(entry_for(onnx=None, copies=[copy]))


def test_which_network_a_file_is_of(entry_for, monkeypatch):
    entry = entry_for()
    assert recognised(zoo.fetched_place(entry)) is None  # of one's own, and not there
    built_in = msgspec.structs.replace(entry, own=False)
    monkeypatch.setattr("pydream.zoo.check.networks", lambda: [zoo.find_network(zoo.DEFAULT_NETWORK), built_in])
    place = zoo.fetched_place(entry)
    place.write_bytes(trained())
    assert recognised(place) == built_in
    place.write_bytes(caffemodel(other_numbers()))
    assert recognised(place) is None


def test_nothing_is_wrong_where_nothing_is_known(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    assert zoo.registry.Copy(name="x").fault(tmp_path / "x") is None


def test_arrays_of_all_layers_have_one_size(tmp_path):
    (tmp_path / "deploy.prototxt").write_text(DEFINITION)
    graph = caffe.graph(tmp_path / "deploy.prototxt", InputSpec())
    (tmp_path / "x.part").write_bytes(b"".join(raw_files().values()) + b"!")
    whole = sum(array.nbytes for both in NUMBERS.values() for array in both)
    with pytest.raises(NetFileError, match=f"^x.part: {whole + 1} bytes, not {whole}$"):
        from_raw(tmp_path / "x.part", graph, "OHWI")


def test_sizes_of_an_onnx_file_one_by_one_or_packed(tmp_path):
    """As the wire has them: protobuf's own library writes them one by one."""
    kernel, bias = NUMBERS["b"]
    tensors = b""
    for name, array in (("b_w_0", kernel), ("b_b_0", bias)):
        dims = field(b"\x0a", bytes(array.shape))
        tensors += field(b"\x2a", dims + b"\x10\x01" + field(b"\x42", name.encode()) + field(b"\x4a", array.tobytes()))
    (tmp_path / "x.onnx").write_bytes(b"\x08\x07" + field(b"\x3a", tensors))
    found = from_onnx(tmp_path / "x.onnx")("b", SHAPES["b"])
    assert [array.tolist() for array in found] == [kernel.tolist(), bias.tolist()]


def test_any_file_with_the_numbers_is_right(entry_for):
    entry = entry_for()
    place = zoo.fetched_place(entry)
    place.write_bytes(caffemodel())
    assert check(place, entry) == (None, "by its numbers", True)
    assert fetch(entry) == place
    place.write_bytes(trained())
    assert check(place, entry) == (None, "", True)
    place.write_bytes(caffemodel(other_numbers()))
    assert "numbers of sha256" in check(place, entry).wrong


# ---- less is known ----


def test_without_any_hash_only_shapes_are_checked(entry_for, server):
    """And the file is recorded, so that a later change is seen."""
    entry = entry_for(["long-page", "good"], onnx=None, numbers=None, size=None, sha256=None)
    messages = []
    place = fetch(entry, on_message=messages.append)
    assert "not a caffemodel" in messages[0] or "(a web page)" in messages[0]
    assert messages[1] == "tiny.caffemodel: checked by its shapes; no hash of it is known"
    assert record_of(place).read_text() == f"{facts_of(trained())['sha256']}  tiny.caffemodel\n"
    assert check(place, entry) == (None, "as it was fetched", True)
    place.write_bytes(caffemodel(other_numbers()))
    assert check(place, entry) == (None, "by its shapes; no hash of it is known", False)
    place.write_bytes(caffemodel({"b": NUMBERS["b"]}))
    assert "no weights for layer" in check(place, entry).wrong
    with pytest.raises(FetchError, match="size and hash are unknown"):
        fetch(entry_for(["missing"], onnx=None, numbers=None, size=None, sha256=None))


def test_without_the_numbers_hash_only_known_files_are_taken(entry_for, server):
    """What is made of one is recorded: its own hash cannot be known."""
    entry = entry_for(["missing"], ["good/x.onnx"], numbers=None)
    with pytest.raises(FetchError, match=" bytes, not "):
        fetch(entry_for(["missing"], numbers=None), [server.url("good/again.caffemodel")])
    place = fetch(entry)
    assert check(place, entry) == (None, "as it was fetched", True)
    place.write_bytes(place.read_bytes()[:-1] + b"!")
    assert check(place, entry).wrong


def test_a_sha1_will_do(entry_for, server):
    old = {"sha256": None, "numbers": None, "sha1": hashlib.sha1(trained()).hexdigest()}
    fetch(entry_for(["good"], onnx=None, **old))
    entry = entry_for(["wrong-bytes"], onnx=None, **old)
    assert is_whole(entry)
    zoo.fetched_place(entry).unlink()
    with pytest.raises(FetchError, match=f"sha1 .*, not {old['sha1']}"):
        fetch(entry)


# ---- tar files ----


def tarred(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


REG, LINK = tarfile.REGTYPE, tarfile.SYMTYPE
WANTED = ("in/net.caffemodel", trained(), REG)


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (tarred(("../../evil", b"x", REG), ("in/net.caffemodel", b"", LINK), WANTED), None),
        (tarred(("../in/net.caffemodel", trained(), REG)), "no member is named 'in/net.caffemodel'"),
        (tarred(("in/net.caffemodel", b"", LINK)), "no member is named"),
        (tarred((*WANTED[:1], caffemodel(other_numbers()), REG)), "in it is wrong: numbers of sha256"),
        (tarred(("huge", bytes(60_000_000), REG), WANTED), "has 60000000 bytes, more than"),
        (tarred(WANTED)[:-50], "not a tar file that can be read"),
        (b"no archive at all", "not a tar file that can be read"),
    ],
)
def test_a_tar_file_of_unknown_hash(entry_for, server, tmp_path, packed, why):
    """Places205 comes in one; nothing in it decides where anything is written."""
    server.files["x"] = packed
    archive = {"name": "net.tar.gz", "member": "in/net.caffemodel"}
    entry = entry_for(["good/x"], onnx=None, archive=archive, size=None, sha256=None)
    if why is None:
        fetch(entry)
        assert is_whole(entry)
    else:
        with pytest.raises(FetchError) as caught:
            fetch(entry)
        assert why in str(caught.value)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_tar_file_of_many_members(tmp_path, monkeypatch):
    """Each is read to come to the next: that ends somewhere."""
    packed = tmp_path / "many.tar.gz"
    packed.write_bytes(tarred(*((f"x{i}", b"", REG) for i in range(3)), ("wanted", b"1", REG)))
    monkeypatch.setattr(archives, "_MEMBERS", 4)
    archives.take_member(packed, "wanted", tmp_path / "out", 1)
    assert (tmp_path / "out").read_bytes() == b"1"
    monkeypatch.setattr(archives, "_MEMBERS", 3)
    with pytest.raises(FetchError, match=r"^many.tar.gz: no member is named 'wanted'$"):
        archives.take_member(packed, "wanted", tmp_path / "out", 1)


def test_what_comes_before_a_member_of_known_size(entry_for, server):
    server.files["x"] = tarred(("README", b"of another size", REG), WANTED)
    archive = {"name": "net.tar.gz", "member": "in/net.caffemodel"}
    entry = entry_for(["good/x"], onnx=None, archive=archive, size=len(trained()), sha256=None)
    fetch(entry)
    assert is_whole(entry)


# ---- GoogLeNet itself ----


def test_googlenet_is_the_same_network_in_each_file(shared, server):
    """Served as its caffemodel, as the ONNX file that the zoo would make of it, and layer by layer."""
    real = shared / "models" / "bvlc_googlenet.caffemodel"
    known = find_network("bvlc_googlenet")
    _, params = caffe.read(known.definition, real)
    copies, replace = (zoo.Copy(name="x", urls=(server.url("good/x"),)),), msgspec.structs.replace
    layers = replace(known.layers, urls=(server.url("good/{layer}_{blob}.bin"),))
    server.files = raw_files(params)
    picture = np.random.RandomState(0).randint(0, 256, (40, 48, 3)).astype(np.uint8)

    def dreamt(weights):
        net = pydream.load_net("bvlc_googlenet", weights, runtime="numpy")
        how = {"octave_n": 1, "iter_n": 1, "end": "conv2/3x3", "rng": np.random.RandomState(0)}
        return pydream.deepdream(net, picture, **how)

    expected = dreamt(real)
    for content, facts in (
        (real.read_bytes(), {"copies": copies}),
        (onnx_of(params), {"copies": copies}),
        (None, {"copies": (), "layers": layers}),
    ):
        server.files["x"] = content
        entry = replace(known, urls=(), **{"layers": None, **facts})
        place = fetch(entry)
        assert check(place, entry) == (None, "by its numbers", True)
        np.testing.assert_array_equal(dreamt(place), expected)
        place.unlink()
