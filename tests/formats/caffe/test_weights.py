"""Weights are read when a layer needs them, and only those."""

import errno
import os
import time
import tracemalloc

import numpy as np
import pytest
from support import nets

import pydream.caffe
from pydream.errors import NetFileError
from pydream.formats import caffe
from pydream.formats.caffe import caffe_pb2, wire
from pydream.formats.caffe.caffemodel import from_message, read_binary

_rng = np.random.default_rng(3)
KERNEL, BIAS = nets.normal(_rng, 2, 3, 3, 3), nets.normal(_rng, 2)
TEXT = (
    nets.inputs(data=(1, 3, 6, 5))
    + nets.layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }")
    + nets.layer("fc", "InnerProduct", "conv", "fc", "inner_product_param { num_output: 1000 bias_term: false }")
)
HEAD = nets.normal(_rng, 1000, 24)


def field(number, kind, content):
    """A field on protobuf's wire; of a string or message with its length."""
    return wire._varint(number << 3 | kind) + (wire._varint(len(content)) if kind == 2 else b"") + content


def written(conv, shape=(2, 3, 3, 3)):
    """A caffemodel whose first weights are these bytes of a BlobProto."""
    dims = b"".join(map(wire._varint, shape))
    first = field(7, 2, field(7, 2, field(1, 2, dims)) + conv)
    return field(100, 2, field(1, 2, b"conv") + first + field(7, 2, nets.blob(BIAS).SerializeToString()))


def packed(values, number=5, kind="<f4"):
    return field(number, 2, np.asarray(values, kind).tobytes())


def one_by_one(values, number=5, kind="<f4"):
    return b"".join(field(number, 5 if kind == "<f4" else 1, each.tobytes()) for each in np.asarray(values, kind))


_FLAT = KERNEL.ravel()


@pytest.mark.parametrize(
    "content",
    [
        packed(_FLAT),
        one_by_one(_FLAT),
        packed(_FLAT, 8, "<f8"),
        one_by_one(_FLAT, 8, "<f8"),
        packed(_FLAT[:7]) + one_by_one(_FLAT[7:20]) + packed([]) + packed(_FLAT[20:]),
        packed(np.zeros(54)) + packed(_FLAT, 8, "<f8"),  # where there are doubles, these
        packed(_FLAT[::-1], 6) + one_by_one(_FLAT, 9, "<f8") + packed(_FLAT),  # gradients are no weights
        b"".join(b"\xad\x00" + each.tobytes() for each in _FLAT.astype("<f4")),  # a key longer than it must be
    ],
    ids=["packed", "one by one", "doubles", "doubles one by one", "pieces", "both", "gradients", "long keys"],
)
def test_numbers_wherever_protobuf_finds_them(content, tmp_path):
    path = tmp_path / "it.caffemodel"
    path.write_bytes(written(content))
    assert len(caffe_pb2.NetParameter.FromString(path.read_bytes()).layer[0].blobs) == 2
    kernel, bias = pydream.caffe.Net(nets.parse(TEXT), path, dtype="float64", runtime="numpy").params["conv"]
    assert np.array_equal(kernel.data, KERNEL)
    assert np.array_equal(bias.data, BIAS)


def test_many_numbers_one_by_one(tmp_path):
    """More than the reader looks at in one go, and another field behind them."""
    values = np.arange(100_000, dtype="<f4")
    path = tmp_path / "it.caffemodel"
    path.write_bytes(written(one_by_one(values) + packed([7]), (100_001,)))
    (blob, _) = read_binary(path).blobs["conv"]
    assert blob.numbers.read().tolist() == [*range(100_000), 7]


@pytest.mark.parametrize("runtime", ["numpy", "tensorflow"])
def test_a_dream_reads_what_it_needs(runtime, tmp_path):
    path = tmp_path / "it.caffemodel"
    path.write_bytes(nets.weights(conv=[KERNEL, BIAS], fc=[np.full_like(HEAD, np.nan)]).SerializeToString())
    net = pydream.caffe.Net(nets.parse(TEXT), path, runtime=runtime, device="cpu")
    assert np.isfinite(net.forward(end="conv")["conv"]).all()
    with pytest.raises(NetFileError, match="layer 'fc': NaN or infinity among its weights"):
        net.forward(end="fc")


def test_weights_that_nobody_needs_take_no_memory(tmp_path):
    path = tmp_path / "it.caffemodel"
    head = np.zeros((1000, 10_000), np.float32)
    content = written(packed(_FLAT)) + field(
        100, 2, field(1, 2, b"fc") + field(7, 2, field(7, 2, field(1, 2, b"\xe8\x07\x90\x4e")) + packed(head))
    )
    path.write_bytes(content)
    text = TEXT.replace("dim: 6 dim: 5", "dim: 52 dim: 102")
    tracemalloc.start()
    net = pydream.caffe.Net(nets.parse(text), path, runtime="numpy")
    net.forward(end="conv")["conv"]
    assert tracemalloc.get_traced_memory()[1] < head.nbytes / 10
    tracemalloc.stop()
    assert net.params["fc"][0].shape == head.shape


def test_weights_of_a_file_that_is_moved_or_replaced(tmp_path):
    path = tmp_path / "it.caffemodel"
    path.write_bytes(nets.weights(conv=[KERNEL, BIAS], fc=[HEAD]).SerializeToString())
    net = pydream.caffe.Net(nets.parse(TEXT), path, dtype="float64", runtime="numpy")
    other = tmp_path / "other"
    other.write_bytes(b"")
    other.replace(path)
    assert np.array_equal(net.params["conv"][0].data, KERNEL)
    path.unlink()
    assert np.array_equal(net.params["fc"][0].data, HEAD)


@pytest.mark.parametrize("change", ["cut", "overwritten"])
def test_weights_of_a_file_that_changes(change, tmp_path):
    path = tmp_path / "it.caffemodel"
    content = nets.weights(conv=[KERNEL, BIAS], fc=[HEAD]).SerializeToString()
    path.write_bytes(content)
    net = pydream.caffe.Net(nets.parse(TEXT), path, runtime="numpy")
    path.write_bytes(content[:100] if change == "cut" else content)
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    with pytest.raises(NetFileError, match=r"it.caffemodel: the file has changed since the network was loaded"):
        net.forward(end="conv")


def test_weights_of_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    path = tmp_path / "it.caffemodel"
    path.write_bytes(nets.weights(conv=[KERNEL, BIAS], fc=[HEAD]).SerializeToString())
    net = pydream.caffe.Net(nets.parse(TEXT), path, runtime="numpy")

    def broken(descriptor, buffer, at):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("pydream.formats.source.read_at", broken)
    with pytest.raises(NetFileError, match=r"it.caffemodel: Input/output error$"):
        net.forward(end="conv")


def test_missing_and_misshapen_weights_of_what_is_not_needed():
    other = nets.weights(conv=[KERNEL, BIAS], fc=[HEAD[:20]])
    none = nets.weights(conv=[KERNEL, BIAS])
    wrong = "'fc' has weights 20x24, the network wants 1000x24"
    for weights, words in ((other, wrong), (none, r"no weights for layer 'fc' \(1 of 2 layers")):
        net = pydream.caffe.Net(nets.parse(TEXT), weights, runtime="numpy")
        net.forward(end="conv")
        with pytest.raises(NetFileError, match=words):
            net.forward()
        assert list(net.params) == ["conv", "fc"]
        with pytest.raises(NetFileError, match=words):
            net.params["fc"]


def test_weights_of_which_none_fit():
    with pytest.raises(NetFileError, match=r"no weights for layer 'conv' \(2 of 2 layers"):
        pydream.caffe.Net(nets.parse(TEXT), nets.weights(other=[BIAS]), runtime="numpy")
    with pytest.raises(NetFileError, match="'conv' has weights 2, the network wants 2x3x3x3, 2"):
        pydream.caffe.Net(nets.parse(TEXT), nets.weights(conv=[BIAS]), runtime="numpy")


def test_weights_in_a_text():
    text = nets.parse(TEXT)
    text.layer[1].blobs.extend([nets.blob(KERNEL), nets.blob(BIAS)])
    net = pydream.caffe.Net(text, dtype="float64", runtime="numpy")
    del text.layer[:]  # the message is its owner's
    assert np.array_equal(net.params["conv"][0].data, KERNEL)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (written(packed(_FLAT)[:-1]), "a field that does not fit"),
        (written(field(5, 2, b"12345")), "a number is cut"),
        (written(field(5, 3, b"")), "wire type 3"),
        (written(b"\xff" * 11), "a number that does not end"),
        (written(b"\x00\x01"), "a field that does not fit"),
        (b"\x08" * 200, "not a caffemodel"),
    ],
)
def test_wires_that_are_none(content, words, tmp_path):
    path = tmp_path / "it.caffemodel"
    path.write_bytes(content)
    with pytest.raises(NetFileError, match=f"it.caffemodel: .*{words}"):
        read_binary(path)


def test_a_file_with_more_in_it_than_a_network(monkeypatch):
    """Time and memory are bounded, whatever the file: some bytes a field would take gigabytes."""
    net = nets.weights(conv=[KERNEL, BIAS])
    monkeypatch.setattr(wire, "MOST_FIELDS", 5)
    with pytest.raises(NetFileError, match="more than 5 fields"):
        from_message(net, "it")
    monkeypatch.undo()
    monkeypatch.setattr(wire, "MOST_BYTES", 10)
    with pytest.raises(NetFileError, match="more than 10 bytes beside its numbers"):
        from_message(net, "it")


def test_scalars_and_old_shapes():
    """No shape at all is that of one number; the four old sizes count before a shape."""
    scalar, old = caffe_pb2.BlobProto(data=[3]), nets.blob([1, 2], legacy=True)
    old.shape.dim.extend([9, 9])
    stored = from_message(nets.weights(it=[scalar, old]), "it").blobs["it"]
    assert [blob.shape for blob in stored] == [(), (1, 1, 1, 2)]
    assert stored[0].numbers.read().tolist() == [3]


def test_read_gives_a_mapping(tmp_path):
    graph, params = caffe.read(nets.parse(TEXT), nets.weights(conv=[KERNEL, BIAS], fc=[HEAD]), "float64")
    assert list(params) == list(graph.params) == ["conv", "fc"]
    assert "data" not in params
    assert [array.shape for array in params["conv"]] == graph.params["conv"]
    with pytest.raises(ValueError, match="read-only"):
        params["conv"][0][...] = 0
