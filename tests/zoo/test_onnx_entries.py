"""Networks of the registry that are ONNX files: fetched as they are, and dreamt with at their default layer.

The zoo's files cannot be had here: a small one stands for each, with the names that the converters of its time gave.
"""

import hashlib

import msgspec
import numpy as np
import onnx
import pytest
from support.server import serving

import pydream
from pydream import zoo
from pydream.errors import FetchError
from pydream.zoo import registry
from pydream.zoo.check import check
from pydream.zoo.fetch import fetch

# Name → the input's name and the names of the values before and at the default layer: Caffe2 counts what it writes.
NAMES = {
    "densenet121": ("data_0", "conv1_1", "concat_4_24_1"),
    "inception_v1": ("data_0", "conv1/7x7_s2_1", "inception_4c/output_1"),
    "inception_v2": ("data_0", "conv1/7x7_s2_1", "inception_4c/output_1"),
    "resnet50": ("data", "resnetv17_conv0_fwd", "resnetv17_stage3_activation5"),
    "vgg16_mxnet": ("data", "vgg0_conv0_fwd", "vgg0_conv9_fwd"),
    "zfnet512": ("gpu_0/data_0", "gpu_0/conv1_1", "gpu_0/conv5_1"),
}


def network(given, before, at):
    """Two convolutions, the second of which stands for all that the real network has up to its default layer."""
    rng, helper = np.random.default_rng(3), onnx.helper
    shapes = {"first_w_0": (4, 3, 3, 3), "second_w_0": (2, 4, 1, 1)}
    tensors = [
        onnx.numpy_helper.from_array(rng.standard_normal(shape, np.float32), name) for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", [given, "first_w_0"], [before], pads=[1] * 4, kernel_shape=[3, 3]),
        helper.make_node("Conv", [before, "second_w_0"], [at], kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", [at], ["end_1"]),
    ]
    ends = [
        helper.make_tensor_value_info(*facts) for facts in ((given, 1, [1, 3, 224, 224]), ("end_1", 1, [1, 2, 1, 1]))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)]).SerializeToString()


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)


def test_these_are_all():
    entries = [entry for entry in zoo.networks() if entry.weights.endswith(".onnx")]
    assert [entry.name for entry in entries] == list(NAMES)
    for entry in entries:
        assert entry.definition is None
        assert [url.partition("/onnx/models/")[0] for url in entry.urls] == [
            "https://github.com", "https://media.githubusercontent.com/media",
        ]  # fmt: skip
        assert all(url.endswith(f"/{entry.weights}") for url in entry.urls)


@pytest.mark.parametrize("name", ["resnet50", "vgg16_mxnet"])
def test_mxnets_take_the_mean_and_the_deviation_of_imagenet(name):
    entry = zoo.find_network(name)
    assert entry.channel_order == "RGB"
    assert np.array(entry.mean) / 255 == pytest.approx([0.485, 0.456, 0.406])
    assert 1 / np.array(entry.scale) / 255 == pytest.approx([0.229, 0.224, 0.225])


@pytest.mark.parametrize("name", NAMES)
def test_fetched_and_dreamt_with(monkeypatch, name):
    content = network(*NAMES[name])
    known = registry._built_in()
    with serving(content) as server:
        digest = hashlib.sha256(content).hexdigest()
        urls = tuple(map(server.url, ("pointer", "long-page", "cut", "good")))
        entry = msgspec.structs.replace(known[name], size=len(content), sha256=digest, urls=urls)
        monkeypatch.setattr(registry, "_built_in", lambda: {**known, name: entry})
        messages = []
        place = fetch(entry, on_message=messages.append)
        other = msgspec.structs.replace(entry, sha256="0" * 64, urls=urls[-1:])
        place.unlink()
        with pytest.raises(FetchError, match=r"sha256 .*, not 000"):
            fetch(other)
        fetch(entry)
    assert ["pointer" in messages[0], "web page" in messages[1], "cut off" in messages[2]] == [True] * 3
    assert place.read_bytes() == content
    assert check(place, entry) == (None, "", True)
    net = pydream.load_net(name, dtype="float64", runtime="numpy")
    assert net.default_end == entry.default_layer
    assert np.ravel(net.mean) == pytest.approx(entry.mean)
    picture = np.random.RandomState(0).randint(0, 256, (16, 20, 3)).astype(np.float32)
    dream = pydream.deepdream(net, picture, octave_n=1, iter_n=1, rng=np.random.RandomState(0))
    assert np.abs(dream - picture).max() > 0.1
