"""The registry, where weights are looked for, and every way to name a network."""

import hashlib
import shutil

import numpy as np
import pytest

import pydream
from pydream import zoo
from pydream.errors import DeviceError, NetFileError, UnknownNameError


@pytest.fixture
def squeezenet_files(root):
    folder = root / "models" / "squeezenet_v1.1"
    return folder / "deploy.prototxt", folder / "squeezenet_v1.1.caffemodel"


@pytest.fixture(autouse=True)
def no_user_folders(monkeypatch, tmp_path):
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


LAYERS = {  # the built-in network, then the others by name
    "squeezenet_v1.1": "fire8/concat",
    "bvlc_alexnet": "conv4",
    "bvlc_googlenet": "inception_4c/output",
    "bvlc_reference_caffenet": "conv4",
    "densenet121": "concat_4_24",
    "googlenet_places205": "inception_4c/output",
    "googlenet_places365": "inception_4c/output",
    "inception5h": "mixed4c",
    "inception_v1": "inception_4c/output",
    "inception_v2": "inception_4c/output",
    "inception_v4": "InceptionV4/InceptionV4/Mixed_6d/concat",
    "resnet50": "resnetv17_stage3_activation5",
    "vgg16": "conv4_3",
    "vgg16_mxnet": "vgg0_conv9_fwd",
    "vgg19": "conv4_3",
    "zfnet512": "gpu_0/conv5",
}


def test_networks():
    entries = zoo.networks()
    assert {entry.name: entry.default_layer for entry in entries} == LAYERS
    assert [entry.name for entry in entries] == list(LAYERS)
    assert [entry.name for entry in entries if entry.bundled] == ["squeezenet_v1.1"]
    caffes = [entry for entry in entries if not entry.frozen]
    assert [entry.mean for entry in caffes[:3]] == [(104, 116, 122)] * 3
    assert all((entry.scale, entry.channel_order) == (1, "BGR") for entry in caffes)
    assert all(entry.license not in ("", "unknown") for entry in entries)
    assert all(entry.addresses for entry in entries if not entry.bundled)


def test_frozen_graphs():
    """As networks.md has them: Inception5h is RGB minus 117, Inception v4 RGB, (x - 127.5) / 127.5."""
    small, large = map(zoo.find_network, ("inception5h", "inception_v4"))
    assert (small.mean, small.scale) == ((117, 117, 117), 1)
    assert (large.mean, large.scale) == ((127.5, 127.5, 127.5), pytest.approx(1 / 127.5))
    assert (small.archive.name, small.archive.member) == ("inception5h.zip", "tensorflow_inception_graph.pb")
    for entry in (small, large):
        assert (entry.channel_order, entry.frozen, entry.license) == ("RGB", True, "Apache-2.0")


def test_bundled_weights_are_what_the_registry_says():
    entry = zoo.find_network(zoo.DEFAULT_NETWORK)
    content = zoo.find_weights(entry).read_bytes()
    assert len(content) == entry.size
    assert hashlib.sha256(content).hexdigest() == entry.sha256


def test_where_weights_are_found(monkeypatch, tmp_path):
    entry = zoo.find_network("bvlc_alexnet")
    assert zoo.find_weights(entry) is None
    places = [
        tmp_path / "cache" / "pydream" / "models" / entry.weights,
        tmp_path / "b" / entry.name / entry.weights,
        tmp_path / "a" / entry.weights,
    ]
    monkeypatch.setenv("PYDREAM_MODELS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    for place in places:  # each goes before the ones above it
        place.parent.mkdir(parents=True)
        place.touch()
        assert zoo.find_weights(entry) == place


def test_missing_weights_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODELS", str(tmp_path / "mine"))
    with pytest.raises(NetFileError) as caught:
        pydream.load_net("bvlc_googlenet")
    text = str(caught.value)
    for part in (
        "bvlc_googlenet.caffemodel",
        str(tmp_path / "mine"),
        str(tmp_path / "cache" / "pydream" / "models"),
        "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel or 5 more",
        "put it into one of these, or googlenet-7.onnx, of which `pydream models fetch bvlc_googlenet` makes it",
        "PYDREAM_MODELS",
    ):
        assert part in text
    assert "\n" not in text


def test_by_path(squeezenet_files, squeezenet32, tmp_path):
    prototxt, caffemodel = squeezenet_files
    image = np.random.RandomState(0).uniform(0, 255, (40, 40, 3))
    expected = pydream.deepdream(squeezenet32, image, octave_n=1, iter_n=1, rng=np.random.RandomState(0))
    for net in (
        pydream.load_net(prototxt, caffemodel),
        pydream.load_net(str(prototxt)),  # the only caffemodel beside it
    ):
        found = pydream.deepdream(net, image, octave_n=1, iter_n=1, end="fire8/concat", rng=np.random.RandomState(0))
        np.testing.assert_array_equal(found, expected)
        assert net.default_end == "fire9/concat"  # the registry's fire8/concat is of its name alone
    shutil.copy(prototxt, tmp_path / "mine.prototxt")
    with pytest.raises(NetFileError, match="name its weights: no caffemodel files"):
        pydream.load_net(tmp_path / "mine.prototxt")
    shutil.copy(caffemodel, tmp_path / "mine.caffemodel")
    shutil.copy(caffemodel, tmp_path / "other.caffemodel")
    assert pydream.load_net(tmp_path / "mine.prototxt").name == "mine"


def test_caffemodel_alone(shared, googlenet32):
    """The real file holds its network, automatic Split layers and all."""
    net = pydream.load_net(shared / "models" / "bvlc_googlenet.caffemodel")
    image = np.random.RandomState(0).uniform(0, 255, (60, 70, 3))
    params = {"octave_n": 1, "iter_n": 2, "end": "inception_4c/output"}
    np.testing.assert_array_equal(
        pydream.deepdream(net, image, rng=np.random.RandomState(0), **params),
        pydream.deepdream(googlenet32, image, rng=np.random.RandomState(0), **params),
    )
    # Of a bare file the notebook's layer is still the default.
    pydream.deepdream(net, image, octave_n=1, iter_n=1)


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("squeezenet", UnknownNameError, "no network 'squeezenet'; close: 'squeezenet_v1.1'"),
        ("xyz", UnknownNameError, "there are: 'squeezenet_v1.1', 'bvlc_alexnet', 'bvlc_googlenet'"),
        ("no/such/deploy.prototxt", UnknownNameError, "no such file"),
        ("absent.caffemodel", UnknownNameError, "no such file"),
    ],
)
def test_no_such_network(name, error, text):
    with pytest.raises(error) as caught:
        pydream.load_net(name)
    assert text in str(caught.value)


def test_shapes_need_no_weights(squeezenet32):
    def shapes_of(name):
        graph = zoo.read_graph(name)
        return graph.shapes(graph.declared)

    assert shapes_of("squeezenet_v1.1") == {
        name: blob.shape for name, blob in pydream.load_net("squeezenet_v1.1").blobs.items()
    }
    shapes = shapes_of("bvlc_googlenet")
    assert shapes["inception_4c/output"] == (1, 512, 14, 14)
    assert shapes["prob"] == (1, 1000)
    assert shapes_of("bvlc_alexnet")["conv4"] == (1, 384, 13, 13)
    with pytest.raises(UnknownNameError, match="no network"):
        zoo.read_graph("nothing")


def test_weights_of_another_network(squeezenet_files, root):
    _, caffemodel = squeezenet_files
    with pytest.raises(NetFileError, match="no weights for layer 'conv1/7x7_s2'"):
        pydream.load_net("bvlc_googlenet", caffemodel)


def test_an_absent_gpu_is_an_error():
    with pytest.raises(DeviceError, match="no GPU 7: "):
        pydream.load_net("squeezenet_v1.1", device="gpu:7")
    with pytest.raises(DeviceError, match="no device 'tpu'; there are 'auto', 'cpu' and 'gpu:N'"):
        pydream.load_net("squeezenet_v1.1", device="tpu")
    import pydream.caffe as caffe

    with pytest.raises(DeviceError, match="no GPU 7: "):
        caffe.set_device(7)
    assert pydream.load_net("squeezenet_v1.1", device="cpu").device == "CPU:0"


def test_set_mode_gpu_is_never_silent(monkeypatch):
    """Where TensorFlow sees no GPU, asking for one fails at once and leaves the choice as it was."""
    import tensorflow as tf

    import pydream.caffe as caffe
    from pydream.caffe import mode

    monkeypatch.setattr(mode, "_mode", "auto")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(DeviceError, match="TensorFlow sees none"):
        caffe.set_mode_gpu()
    assert mode.wanted_device() == "auto"
    caffe.set_mode_cpu()
    assert mode.wanted_device() == "cpu"


def test_mode_and_device_are_chosen_apart(monkeypatch):
    """As in Caffe, in any order."""
    import tensorflow as tf

    import pydream.caffe as caffe
    from pydream.caffe import mode

    monkeypatch.setattr(mode, "_mode", "auto")
    monkeypatch.setattr(mode, "_gpu", 0)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["first", "second"])
    caffe.set_device(1)
    caffe.set_mode_gpu()
    assert mode.wanted_device() == "gpu:1"
    caffe.set_mode_cpu()
    caffe.set_device(0)
    assert mode.wanted_device() == "cpu"
    caffe.set_mode_gpu()
    assert mode.wanted_device() == "gpu:0"
    with pytest.raises(DeviceError, match="no GPU 2: TensorFlow sees 2"):
        caffe.set_device(2)
