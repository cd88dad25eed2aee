"""Weights in HDF5, as Caffe writes them: found by a reader of our own, compared with HDF5's library."""

import os
import re
import struct
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from support import nets

import pydream.caffe
from pydream.errors import NetFileError
from pydream.formats import hdf5
from pydream.formats.caffe.caffemodel import read_binary
from pydream.formats.caffe.snapshot import read_snapshot
from pydream.zoo.own import add_network

SHARED = Path(os.environ.get("PYDREAM_SHARED", "shared"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="PYDREAM_SHARED is not set")
_rng = np.random.default_rng(4)
KERNEL, BIAS = nets.normal(_rng, 2, 3, 3, 3), nets.normal(_rng, 2)
TEXT = nets.inputs(data=(1, 3, 6, 5)) + nets.layer(
    "a/conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.caffemodel.h5"


def write(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in {"data/a/conv/0": KERNEL, "data/a/conv/1": BIAS, **datasets}.items():
            file[name] = values
    return path


def numbers(stored):
    return {name: [blob.numbers.read().reshape(blob.shape) for blob in blobs] for name, blobs in stored.blobs.items()}


@needs_shared
def test_the_three_ways_in_which_caffe_writes_weights(tmp_path):
    """Blobs of 0 axes too: in a caffemodel they have neither a shape nor the four old sizes."""
    golden = np.load(SHARED / "golden" / "layers" / "weights_scalars.npz")
    keys = [key for key in golden if key.startswith("weights/")]
    forms = {"caffemodel": read_binary, "caffemodel_double": read_binary, "caffemodel_h5": read_snapshot}
    for form, read in forms.items():
        file = tmp_path / form
        file.write_bytes(golden[form].tobytes())
        found = numbers(read(file))
        assert sum(map(len, found.values())) == len(keys)
        for key in keys:
            _, layer, index = key.split("/")
            assert found[layer][int(index)].shape == golden[key].shape
            assert np.array_equal(found[layer][int(index)], golden[key].astype(found[layer][int(index)].dtype))


@needs_shared
def test_the_case():
    folder = SHARED / "cases" / "caffe-hdf5"
    net = pydream.caffe.Net(folder / "base.prototxt", folder / "base.caffemodel.h5", runtime="numpy")
    assert np.isfinite(net.forward(end="conv2")["conv2"]).all()


def test_a_net(path):
    net = pydream.caffe.Net(nets.parse(TEXT), write(path), dtype="float64", runtime="numpy")
    assert np.array_equal(net.params["a/conv"][0].data, KERNEL)
    with pytest.raises(NetFileError, match=r"it.caffemodel.h5: .*HDF5, which holds weights but no network"):
        pydream.caffe.Net(path)


def test_in_the_registry(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    text = tmp_path / "it.prototxt"
    text.write_text(TEXT)
    entry = add_network("mine", [text, write(path)])
    assert entry.weights == "mine.caffemodel.h5"
    assert pydream.load_net("mine", runtime="numpy").params["a/conv"][0].shape == (2, 3, 3, 3)


def test_many_layers_and_types(path):
    """Tables of several nodes, numbers of both sizes, and what is no weight."""
    many = {f"data/layer{i}/0": np.full((i % 3,), i, "f4") for i in range(300)}
    others = {"diff/a/conv/0": KERNEL, "data/a/conv/name": BIAS, "data/scalar/0": np.float64(7), "data/7": BIAS}
    found = numbers(read_snapshot(write(path, **many, **others)))
    assert found.keys() == {"a/conv", "scalar", *(f"layer{i}" for i in range(300))}
    assert found["layer299"][0].tolist() == [299, 299]
    assert found["layer3"][0].shape == (0,)
    assert found["scalar"][0] == 7
    assert [each.dtype for each in found["a/conv"]] == [np.float64] * 2


def test_a_layer_that_shares_weights(path):
    """Caffe writes them once; the other layer's place is empty."""
    text = TEXT.replace('top: "conv" ', 'top: "conv" param { name: "w" }')
    text += text.split("\n", 1)[1].replace("a/conv", "b").replace('top: "conv"', 'top: "b"')
    net = pydream.caffe.Net(nets.parse(text), write(path, **{"data/b/1": -BIAS}), dtype="float64", runtime="numpy")
    kernel, bias = net.params["b"]
    assert np.array_equal(kernel.data, KERNEL)
    assert np.array_equal(bias.data, -BIAS)


def test_links_are_not_followed(path):
    write(path)
    with h5py.File(path, "a") as file:
        file["data/soft"] = h5py.SoftLink("/data/a/conv")
    assert list(read_snapshot(path).blobs) == ["a/conv"]
    with h5py.File(path, "a") as file:
        file["data/out"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(NetFileError, match=r"the group 'data' is of HDF5 1.8's form"):
        read_snapshot(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compression": "gzip"}, "'data/x/0' is compressed, in pieces, or in another file"),
        ({"chunks": (7,)}, "'data/x/0' is compressed, in pieces"),
        ({"dtype": "i4"}, "'data/x/0' has no little-endian floats"),
        ({"dtype": ">f4"}, "no little-endian floats"),
        ({"dtype": "f2"}, "no little-endian floats"),
        ({"external": [("passwd", 0, 28)]}, "in another file"),
    ],
)
def test_other_ways_to_store_numbers(options, words, path):
    with h5py.File(path, "w") as file:
        file.create_dataset("data/x/0", (7,), **{"dtype": "f4", **options})
    with pytest.raises(NetFileError, match=f"it.caffemodel.h5: damaged, or not HDF5 as Caffe writes it: .*{words}"):
        read_snapshot(path)


def test_a_newer_form(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["data/x/0"] = BIAS
    with pytest.raises(NetFileError, match="superblock"):
        read_snapshot(path)


def test_damaged_files(path):
    """Any byte changed, or any length: read, or refused in one line; HDF5's own library may crash."""
    content = write(path).read_bytes()
    places = np.random.default_rng(0).choice(len(content), 300)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged if place % 3 else content[:place])
        assert re.fullmatch(r"[ -~]*", _refusal(path))


def root(content):
    return struct.unpack_from("<Q", content, 64)[0]


# Each: where numbers are put, and which; what is said then.
DAMAGES = [
    (lambda content: (24, b"\1"), "it begins at byte 1"),
    (lambda content: (root(content), b"\2"), "object header 2"),
    (lambda content: (root(content) + 8, struct.pack("<I", 2**17)), "an object header of 131072 bytes"),
    (lambda content: (content.index(b"HEAP") + 3, b"X"), "a group without names"),
    (lambda content: (content.index(b"SNOD"), b"X"), "a group whose table is damaged"),
    (lambda content: (content.index(b"conv\0"), b"\xff"), "a name in it is not text"),
    (lambda content: (content.index(struct.pack("<4Q", 2, 3, 3, 3)) - 8, b"\3"), "a dataspace 3 of 4 axes"),
    # The flag of the message before what says that they are floats.
    (lambda content: (content.index(struct.pack("<HHBBBB", 0, 64, 52, 11, 0, 52)) - 12, b"\2"),
     "an object that shares its description"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_what_is_damaged_is_named(damage, words, path):
    content = bytearray(write(path).read_bytes())
    place, put = damage(content)
    content[place : place + len(put)] = put
    path.write_bytes(content)
    assert _refusal(path) == f"{path}: damaged, or not HDF5 as Caffe writes it: {words}"


def test_a_name_that_does_not_end(path):
    """The first name of the root group, which is "data", is said to be in the last bytes."""
    content = bytearray(write(path).read_bytes())
    (texts,) = struct.unpack_from("<Q", content, content.index(b"HEAP") + 24)
    assert content[texts : texts + 16].strip(b"\0") == b"data"
    entry = content.index(b"SNOD") + 8
    content[entry : entry + 8] = struct.pack("<Q", len(content) - texts)
    path.write_bytes(content + b"data")
    assert _refusal(path).endswith("a name that does not end")


@pytest.mark.parametrize(
    "table",
    [
        lambda at: b"TREE" + struct.pack("<BBH16x", 0, 0, 2**16 - 1) + struct.pack("<QQ", 0, at) * (2**16 - 1),
        # Soft links, which are passed over: a tree of trees of them.
        lambda at: (
            (b"TREE" + struct.pack("<BBH16x", 0, 0, 200) + struct.pack("<QQ", 0, at + 3224) * 200)
            + (b"SNOD" + struct.pack("<HH", 1, 2**16 - 1) + struct.pack("<QQII16x", 0, 0, 2, 0) * (2**16 - 1))
        ),
    ],
)
def test_a_group_that_never_ends(table, path):
    """A table that leads back to itself, or to one with many entries again and again, is refused at once."""
    content = write(path).read_bytes()
    end = len(content)
    tree = struct.pack("<Q", content.index(b"TREE"))
    path.write_bytes(content.replace(tree, struct.pack("<Q", end)) + table(end))
    start = time.process_time()
    assert f"more than {hdf5.MOST_LOOKS} messages and entries" in _refusal(path)
    assert time.process_time() - start < 2


def _refusal(path):
    try:
        numbers(read_snapshot(path))
    except NetFileError as error:
        return str(error)
    return ""


def test_bounds(path, monkeypatch):
    write(path)
    monkeypatch.setattr(hdf5, "MOST_LOOKS", 5)
    with pytest.raises(NetFileError, match="more than 5 messages and entries"):
        read_snapshot(path)
    monkeypatch.undo()
    data = bytearray(path.read_bytes())
    tree = data.index(b"TREE")
    data[tree + 6 : tree + 8] = (2).to_bytes(2, "little")
    data[tree + 24 : tree + 56] = (b"\0" * 8 + tree.to_bytes(8, "little")) * 2  # a table that lists itself, twice
    path.write_bytes(data)
    monkeypatch.setattr(hdf5, "MOST_LOOKS", 1000)
    with pytest.raises(NetFileError, match="more than 1000 messages and entries"):
        read_snapshot(path)
    monkeypatch.undo()
    write(path)
    monkeypatch.setattr(hdf5, "MOST_NESTED", 2)
    with pytest.raises(NetFileError, match="more than 2 groups inside each other"):
        read_snapshot(path)
