"""The whole of AlexNet (groups, a stride of 4, odd sizes) on TensorFlow and NumPy, from a file like the official one.

The official file is not to be had everywhere: its stand-in has the same layers, in the old form, and the same shapes,
with weights drawn from a seed. What is published about the file is asserted of it.
"""

import numpy as np
import pytest
from google.protobuf import text_format
from support import nets

import pydream
from pydream.formats.caffe import caffe_pb2
from pydream.net import Net

# Layer -> its kernel and its bias, as files of 2012 have them: always four sizes.
OFFICIAL = {
    "conv1": [(96, 3, 11, 11), (1, 1, 1, 96)],
    "conv2": [(256, 48, 5, 5), (1, 1, 1, 256)],
    "conv3": [(384, 256, 3, 3), (1, 1, 1, 384)],
    "conv4": [(384, 192, 3, 3), (1, 1, 1, 384)],
    "conv5": [(256, 192, 3, 3), (1, 1, 1, 256)],
    "fc6": [(1, 1, 4096, 9216), (1, 1, 1, 4096)],
    "fc7": [(1, 1, 4096, 4096), (1, 1, 1, 4096)],
    "fc8": [(1, 1, 1000, 4096), (1, 1, 1, 1000)],
}
TRAINED = """
name: "AlexNet"
layers { name: "data" type: DATA top: "data" top: "label" transform_param { mirror: true crop_size: 227 }
         data_param { source: "ilsvrc12_train" batch_size: 256 } }
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
         convolution_param { num_output: 96 kernel_size: 11 stride: 4 } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "norm1" type: LRN bottom: "conv1" top: "norm1" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layers { name: "pool1" type: POOLING bottom: "norm1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layers { name: "conv2" type: CONVOLUTION bottom: "pool1" top: "conv2"
         convolution_param { num_output: 256 pad: 2 kernel_size: 5 group: 2 } }
layers { name: "relu2" type: RELU bottom: "conv2" top: "conv2" }
layers { name: "norm2" type: LRN bottom: "conv2" top: "norm2" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layers { name: "pool2" type: POOLING bottom: "norm2" top: "pool2" pooling_param { kernel_size: 3 stride: 2 } }
layers { name: "conv3" type: CONVOLUTION bottom: "pool2" top: "conv3"
         convolution_param { num_output: 384 pad: 1 kernel_size: 3 } }
layers { name: "relu3" type: RELU bottom: "conv3" top: "conv3" }
layers { name: "conv4" type: CONVOLUTION bottom: "conv3" top: "conv4"
         convolution_param { num_output: 384 pad: 1 kernel_size: 3 group: 2 } }
layers { name: "relu4" type: RELU bottom: "conv4" top: "conv4" }
layers { name: "conv5" type: CONVOLUTION bottom: "conv4" top: "conv5"
         convolution_param { num_output: 256 pad: 1 kernel_size: 3 group: 2 } }
layers { name: "relu5" type: RELU bottom: "conv5" top: "conv5" }
layers { name: "pool5" type: POOLING bottom: "conv5" top: "pool5" pooling_param { kernel_size: 3 stride: 2 } }
layers { name: "fc6" type: INNER_PRODUCT bottom: "pool5" top: "fc6" inner_product_param { num_output: 4096 } }
layers { name: "relu6" type: RELU bottom: "fc6" top: "fc6" }
layers { name: "drop6" type: DROPOUT bottom: "fc6" top: "fc6" dropout_param { dropout_ratio: 0.5 } }
layers { name: "fc7" type: INNER_PRODUCT bottom: "fc6" top: "fc7" inner_product_param { num_output: 4096 } }
layers { name: "relu7" type: RELU bottom: "fc7" top: "fc7" }
layers { name: "drop7" type: DROPOUT bottom: "fc7" top: "fc7" dropout_param { dropout_ratio: 0.5 } }
layers { name: "fc8" type: INNER_PRODUCT bottom: "fc7" top: "fc8" inner_product_param { num_output: 1000 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc8" bottom: "label" }
"""
EVERY = [f"{kind}{n}" for kind, numbers in (("conv", "12345"), ("norm", "12"), ("pool", "125")) for n in numbers]


def field(tag, content):
    """A field of wire type 2: tag, length, content."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return tag + length + bytes([size]) + content


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A folder for PYDREAM_MODELS. Numbers go into the file as bytes: as Python's floats they would take minutes."""
    rng = np.random.default_rng(6)
    layers = []
    for layer in nets.parse(TRAINED).layers:
        blobs = []
        for shape in OFFICIAL.get(layer.name, []):
            kernel = shape[0] > 1 or shape[2] > 1
            fan_in = np.prod(shape[1:]) if shape[0] > 1 else shape[3]
            values = rng.standard_normal(shape, np.float32) * np.float32((2 / fan_in) ** 0.5 if kernel else 1)
            sizes = caffe_pb2.BlobProto(**dict(zip(("num", "channels", "height", "width"), shape, strict=True)))
            blobs.append(sizes.SerializeToString() + field(b"\x2a", values.tobytes()))  # data 5
        layers.append(layer.SerializeToString() + b"".join(field(b"\x32", blob) for blob in blobs))  # blobs 6
    folder = tmp_path_factory.mktemp("models")
    content = b"".join(field(b"\x12", layer) for layer in layers)  # layers 2
    (folder / "bvlc_alexnet.caffemodel").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def load(official):
    """`load_net` by name, as far as pool5: what is behind it has 58 of the 61 million weights."""
    stored = caffe_pb2.NetParameter.FromString((official / "bvlc_alexnet.caffemodel").read_bytes())
    for layer in stored.layers:
        if layer.name.startswith("fc"):
            layer.ClearField("blobs")

    def load(root, dtype, runtime):
        text = (root / "models" / "bvlc_alexnet" / "deploy.prototxt").read_text()
        definition = text_format.Parse(text, caffe_pb2.NetParameter())
        del definition.layer[[layer.name for layer in definition.layer].index("fc6") :]
        return pydream.caffe.Net(definition, stored, dtype=dtype, device="cpu", runtime=runtime)

    return load


@pytest.fixture(scope="module")
def numpy64(root, load):
    return load(root, "float64", "numpy")


def test_the_stand_in_is_as_large_as_the_official_file(official):
    size = (official / "bvlc_alexnet.caffemodel").stat().st_size
    assert size == pytest.approx(243862414, abs=20000)  # names and training settings


# What conv1's kernel leaves of them has all four remainders by its stride.
@pytest.mark.parametrize("size", [(97, 130), (124, 99)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_every_layer_goes_both_ways_as_numpy(root, load, numpy64, size, dtype, tolerance):
    net = load(root, dtype, "tensorflow")
    image = nets.normal(np.random.default_rng(7), 1, 3, *size) * 60
    for end in EVERY:
        for found, expected in zip(nets.passes(net, end, image), nets.passes(numpy64, end, image), strict=True):
            assert np.abs(expected).max() > 1e-3
            assert nets.off(found, expected) < tolerance, end


def test_the_groups_do_not_mix(root, load):
    """The second half of conv2's channels sees the second half of pool1's and no other."""
    net = load(root, "float64", "tensorflow")
    image = nets.normal(np.random.default_rng(8), 1, 3, 67, 67) * 60
    net.blobs["data"].reshape(*image.shape)
    net.blobs["data"].data[...] = image
    net.forward(end="conv2")
    net.blobs["conv2"].diff[:, 128:] = 1
    net.backward(start="conv2")
    assert not net.blobs["pool1"].diff[:, :48].any()
    assert net.blobs["pool1"].diff[:, 48:].any()


def test_logits_and_a_dream_by_name(official, monkeypatch):
    monkeypatch.setenv("PYDREAM_MODELS", str(official))
    net: Net = pydream.load_net("bvlc_alexnet", device="cpu")
    numpy_net = pydream.load_net("bvlc_alexnet", runtime="numpy")
    image = nets.normal(np.random.default_rng(9), 1, 3, 227, 227) * 60
    logits, gradient = nets.passes(net, "fc8", image)
    assert logits.shape == (1, 1000)
    for found, expected in zip((logits, gradient), nets.passes(numpy_net, "fc8", image), strict=True):
        assert nets.off(found, expected) < 1e-5
    assert net.forward()["prob"].sum() == pytest.approx(1, rel=1e-6)

    picture = np.random.RandomState(0).uniform(0, 255, (75, 99, 3)).astype(np.float32)
    dream = pydream.deepdream(net, picture, octave_n=2, iter_n=1, rng=np.random.RandomState(0))
    named = pydream.deepdream(net, picture, octave_n=2, iter_n=1, end="conv4", rng=np.random.RandomState(0))
    np.testing.assert_array_equal(dream, named)
    assert np.abs(dream - picture).mean() > 0.1
