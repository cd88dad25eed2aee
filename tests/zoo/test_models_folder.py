"""The models/ folder: what its READMEs promise, its definitions and the weights that are here agree."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from google.protobuf import text_format

from pydream.formats.caffe import caffe_pb2

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
SHARED = Path(os.environ.get("PYDREAM_SHARED", ROOT.parent / "shared"))
MEANS = {
    "bvlc_alexnet": [104, 116, 122],
    "bvlc_googlenet": [104, 116, 122],
    "bvlc_reference_caffenet": [104, 116, 122],
    "googlenet_places205": [105.417, 113.753, 116.047],
    "googlenet_places365": [104.051, 112.514, 116.676],
    "squeezenet_v1.1": [104, 116, 122],
    "vgg16": [103.939, 116.779, 123.68],
    "vgg19": [103.939, 116.779, 123.68],
}
NAMES = list(MEANS)
KEYS = {
    "name": str,
    "title": str,
    "weights": str,
    "size": int,
    "sha256": str,
    "sha1": str,
    "urls": list,
    "archive": dict,
    "numbers": str,
    "copies": list,
    "layers": dict,
    "license": str,
    "mean": list,
    "channel_order": str,
    "default_layer": str,
    "bundled": bool,
}
OPTIONAL = {"size", "sha256", "sha1", "archive", "numbers", "copies", "layers"}


def front_matter(name):
    _, head, text = (MODELS / name / "README.md").read_text().split("---\n", 2)
    assert text.strip().startswith("# ")
    return yaml.safe_load(head)


def definition(name):
    return text_format.Parse((MODELS / name / "deploy.prototxt").read_text(), caffe_pb2.NetParameter())


def weights(path):
    """Layer name -> shapes of its blobs, of a new or an old caffemodel."""
    net = caffe_pb2.NetParameter.FromString(path.read_bytes())
    shapes = {}
    for layer in [*net.layer, *net.layers]:
        for blob in layer.blobs:
            shape = tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)
            shapes.setdefault(layer.name, []).append(shape)
    return shapes


def convolved(size, kernel, stride, pad):
    return (size + 2 * pad - kernel) // stride + 1


def pooled(size, kernel, stride, pad):
    out = -(-(size + 2 * pad - kernel) // stride) + 1
    return out - 1 if pad and (out - 1) * stride >= size + pad else out


def walk(net):
    """Every blob's shape (C, H, W), and the shapes of every layer's weights, by Caffe's rules."""
    blobs, needed = {}, {}
    for layer in net.layer:
        tops, bottoms = list(layer.top), [blobs[name] for name in layer.bottom]
        if layer.type == "Input":
            out = tuple(layer.input_param.shape[0].dim)[1:]
        elif layer.type == "Convolution":
            p, (channels, height, width) = layer.convolution_param, bottoms[0]
            (k,), stride, pad = p.kernel_size, (*p.stride, 1)[0], (*p.pad, 0)[0]
            out = (p.num_output, convolved(height, k, stride, pad), convolved(width, k, stride, pad))
            needed[layer.name] = [(p.num_output, channels // p.group, k, k), (p.num_output,)]
        elif layer.type == "Pooling":
            p, (channels, height, width) = layer.pooling_param, bottoms[0]
            out = (channels, 1, 1)
            if not p.global_pooling:
                out = (channels, *(pooled(n, p.kernel_size, p.stride, p.pad) for n in (height, width)))
        elif layer.type == "InnerProduct":
            channels, height, width = bottoms[0]
            n = layer.inner_product_param.num_output
            out = (n, 1, 1)
            needed[layer.name] = [(n, channels * height * width), (n,)]
        elif layer.type == "Concat":
            assert len({shape[1:] for shape in bottoms}) == 1, layer.name
            out = (sum(shape[0] for shape in bottoms), *bottoms[0][1:])
        else:
            assert layer.type in {"ReLU", "LRN", "Dropout", "Softmax"}
            out = bottoms[0]
        assert len(tops) == 1
        assert tops[0] == (layer.bottom[0] if layer.type in {"ReLU", "Dropout"} else layer.name)
        blobs[tops[0]] = out
    return blobs, needed


def without_ones(shape):
    """A legacy shape such as (1, 1, 1, 64) or a plain one, without its leading ones."""
    shape = list(shape)
    while len(shape) > 1 and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)


def test_the_folder_holds_the_networks_that_are_tested_here():
    assert sorted(path.parent.name for path in MODELS.glob("*/deploy.prototxt")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_front_matter(name):
    facts = front_matter(name)
    assert {key: type(value) for key, value in facts.items()} == {key: KEYS[key] for key in facts}
    assert list(facts) == [key for key in KEYS if key in facts]
    assert set(KEYS) - set(facts) <= OPTIONAL
    assert facts["name"] == name
    assert facts["weights"].endswith(".caffemodel")
    assert re.fullmatch("[0-9a-f]{64}", facts.get("sha256", "0" * 64))
    assert re.fullmatch("[0-9a-f]{40}", facts.get("sha1", "0" * 40))
    assert ("size" in facts) == ("sha256" in facts or "sha1" in facts)
    assert facts["mean"] == MEANS[name]
    assert facts["channel_order"] == "BGR"
    assert facts["bundled"] == (MODELS / name / facts["weights"]).exists()
    assert bool(facts["urls"]) != facts["bundled"]


@pytest.mark.parametrize("name", NAMES)
def test_default_layer_is_a_blob_and_a_layer(name):
    layer, net = front_matter(name)["default_layer"], definition(name)
    assert layer in walk(net)[0]
    assert layer in [each.name for each in net.layer]


@pytest.mark.parametrize("name", NAMES)
def test_layers_the_readme_names_exist(name):
    text = (MODELS / name / "README.md").read_text().split("**Layers to dream with.**")[1]
    known = {layer.name for layer in definition(name).layer}
    named = {word for word in re.findall(r"`([^`]+)`", text) if "N" not in word}
    assert named
    assert named <= known


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_is_well_formed(name):
    net = definition(name)
    assert net.name == name
    assert {field.name for field, _ in net.ListFields()} == {"name", "layer"}
    names = [layer.name for layer in net.layer]
    assert len(set(names)) == len(names)
    assert (net.layer[0].type, names[0], names[-1]) == ("Input", "data", "prob")
    assert text_format.Parse(str(net), caffe_pb2.NetParameter()) == net


FIRE = [(16, 64, 64)] * 2 + [(32, 128, 128)] * 2 + [(48, 192, 192)] * 2 + [(64, 256, 256)] * 2
INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def test_squeezenet_has_the_published_channels():
    net = definition("squeezenet_v1.1")
    blobs, _ = walk(net)
    for n, (squeeze, one, three) in enumerate(FIRE, start=2):
        assert blobs[f"fire{n}/squeeze1x1"][0] == squeeze
        assert blobs[f"fire{n}/expand1x1"][0] == one
        assert blobs[f"fire{n}/expand3x3"][0] == three
        assert blobs[f"fire{n}/concat"][0] == one + three
    assert blobs["conv1"] == (64, 113, 113)
    assert [blobs[f"pool{n}"] for n in (1, 3, 5, 10)] == [
        (64, 56, 56),
        (128, 28, 28),
        (256, 14, 14),
        (1000, 1, 1),
    ]
    assert blobs["data"] == (3, 227, 227)
    assert len(net.layer) == 4 + 8 * 7 + 2 + 5


def test_googlenet_has_the_published_channels():
    net = definition("bvlc_googlenet")
    blobs, _ = walk(net)
    parts = ["1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj"]
    for module, channels in INCEPTION.items():
        assert tuple(blobs[f"inception_{module}/{part}"][0] for part in parts) == channels
    assert [blobs[f"pool{n}/3x3_s2"] for n in (1, 2, 3, 4)] == [
        (64, 56, 56),
        (192, 28, 28),
        (480, 14, 14),
        (832, 7, 7),
    ]
    assert blobs["pool5/7x7_s1"] == (1024, 1, 1)
    assert blobs["prob"] == (1000, 1, 1)
    assert blobs["data"] == (3, 224, 224)
    order = [layer.name for layer in net.layer]
    assert order[order.index("inception_4c/1x1") :][:14] == [
        f"inception_4c/{part}"
        for part in (
            *("1x1", "relu_1x1", "3x3_reduce", "relu_3x3_reduce", "3x3", "relu_3x3"),
            *(
                "5x5_reduce",
                "relu_5x5_reduce",
                "5x5",
                "relu_5x5",
                "pool",
                "pool_proj",
                "relu_pool_proj",
                "output",
            ),
        )
    ]
    assert (order.index("pool1/norm1"), order.index("pool1/3x3_s2")) == (
        4,
        3,
    )  # the first pool comes before its norm
    assert order.index("conv2/norm2") + 1 == order.index("pool2/3x3_s2")  # the second one after it


def test_alexnet_has_the_published_shapes():
    net = definition("bvlc_alexnet")
    blobs, needed = walk(net)
    assert [blobs[f"conv{n}"] for n in range(1, 6)] == [
        (96, 55, 55),
        (256, 27, 27),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
    ]
    assert [blobs[f"pool{n}"] for n in (1, 2, 5)] == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]
    assert needed["conv2"][0] == (256, 48, 5, 5)
    assert needed["conv3"][0] == (384, 256, 3, 3)
    assert needed["fc6"][0] == (4096, 9216)
    assert needed["fc8"][0] == (1000, 4096)
    order = [layer.name for layer in net.layer]
    assert order[:9] == ["data", "conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]


@pytest.mark.parametrize(
    "name", ["bvlc_alexnet", "bvlc_googlenet", "bvlc_reference_caffenet", "googlenet_places205", "googlenet_places365"]
)
def test_norms_are_the_published_ones(name):
    norms = [layer.lrn_param for layer in definition(name).layer if layer.type == "LRN"]
    assert [(n.local_size, n.alpha, n.beta, n.k) for n in norms] == [(5, pytest.approx(1e-4), 0.75, 1)] * 2


def test_caffenet_is_alexnet_with_pooling_before_norms():
    """Its weights have the shapes of AlexNet's, and so has its file, but for four bytes."""
    net, alexnet = definition("bvlc_reference_caffenet"), definition("bvlc_alexnet")
    assert walk(net)[1] == walk(alexnet)[1]
    order = [layer.name for layer in net.layer]
    assert order[:9] == ["data", "conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"]
    assert [layer.bottom[0] for layer in net.layer if layer.name in ("conv2", "conv3")] == ["norm1", "norm2"]
    assert [layer.bottom[0] for layer in net.layer if layer.type == "LRN"] == ["pool1", "pool2"]


@pytest.mark.parametrize(("name", "convolutions", "size"), [("vgg16", 13, 553432081), ("vgg19", 16, 574671192)])
def test_vgg_has_the_published_shapes(name, convolutions, size):
    net = definition(name)
    blobs, needed = walk(net)
    assert [blobs[f"pool{n}"] for n in range(1, 6)] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip
    convs = [layer for layer in net.layer if layer.type == "Convolution"]
    assert len(convs) == convolutions
    assert all((list(c.convolution_param.kernel_size), list(c.convolution_param.pad)) == ([3], [1]) for c in convs)
    numbers = sum(np.prod(shape) for shapes in needed.values() for shape in shapes)
    assert 4 * numbers == pytest.approx(size, abs=10_000)  # names and training settings
    assert front_matter(name)["size"] == size


@pytest.mark.parametrize("classes", [205, 365])
def test_the_places_networks_are_googlenet_with_other_classes(classes):
    net, googlenet = definition(f"googlenet_places{classes}"), definition("bvlc_googlenet")
    (fc,) = [layer for layer in net.layer if layer.name == "loss3/classifier"]
    assert fc.inner_product_param.num_output == classes
    fc.inner_product_param.num_output = 1000
    assert list(net.layer) == list(googlenet.layer)


@pytest.mark.parametrize("name", ["bvlc_alexnet", "bvlc_reference_caffenet", "vgg19", "bvlc_googlenet"])
def test_the_zoos_copies_are_as_large_as_the_weights(name):
    _, needed = walk(definition(name))
    numbers = sum(np.prod(shape) for shapes in needed.values() for shape in shapes)
    (copy,) = [copy for copy in front_matter(name)["copies"] if copy["name"].endswith(".onnx")]
    assert 4 * numbers == pytest.approx(copy["size"], abs=30_000)
    commit = "[0-9a-f]{40}/(validated/)?vision/classification/"
    first, second = copy["urls"]
    assert re.match(rf"https://github\.com/onnx/models/raw/{commit}", first)
    assert re.match(rf"https://media\.githubusercontent\.com/media/onnx/models/{commit}", second)
    assert first.endswith(f"/model/{copy['name']}")
    assert second.endswith(first.partition("/raw/")[2])


def test_bundled_weights_are_what_the_readme_says():
    facts = front_matter("squeezenet_v1.1")
    content = (MODELS / "squeezenet_v1.1" / facts["weights"]).read_bytes()
    assert len(content) == facts["size"]
    assert hashlib.sha256(content).hexdigest() == facts["sha256"]
    assert hashlib.sha1(content).hexdigest() == facts["sha1"]


def test_bundled_weights_fit_the_definition():
    path = MODELS / "squeezenet_v1.1" / "squeezenet_v1.1.caffemodel"
    _, needed = walk(definition("squeezenet_v1.1"))
    assert weights(path) == needed
    net = caffe_pb2.NetParameter.FromString(path.read_bytes())
    assert sum(len(blob.data) for layer in net.layer for blob in layer.blobs) == 1_235_496
    assert {field.name for layer in net.layer for field, _ in layer.ListFields()} == {"name", "type", "blobs"}


def test_googlenet_agrees_with_the_real_weights():
    path = SHARED / "models" / "bvlc_googlenet.caffemodel"
    if not path.exists():
        pytest.skip(f"the real GoogLeNet is not here: no {path} (set PYDREAM_SHARED to a folder that has it)")
    real = caffe_pb2.NetParameter.FromString(path.read_bytes())
    ours = definition("bvlc_googlenet")
    stored, (_, needed) = weights(path), walk(ours)
    for name, shapes in needed.items():
        assert [without_ones(shape) for shape in stored[name]] == [without_ones(shape) for shape in shapes]

    # Where the file defines its network too: the same layers in the same order. Caffe added the Splits.
    theirs = [layer for layer in real.layer if layer.type != "Split"]
    if not theirs:
        return
    split = {top: layer.bottom[0] for layer in real.layer if layer.type == "Split" for top in layer.top}
    settings = ["pooling_param", "lrn_param", "dropout_param", "relu_param", "concat_param", "softmax_param"]
    assert [layer.name for layer in ours.layer] == [layer.name for layer in theirs]
    for our, their in zip(ours.layer, theirs, strict=True):
        assert (our.type, list(our.top)) == (their.type, list(their.top))
        assert list(our.bottom) == [split.get(name, name) for name in their.bottom]
        for name in settings:
            for field in getattr(our, name).DESCRIPTOR.fields:
                a, b = (getattr(getattr(layer, name), field.name) for layer in (our, their))
                assert a == b, (our.name, field.name)
        a, b = our.convolution_param, their.convolution_param
        assert (a.num_output, a.group, a.bias_term) == (b.num_output, b.group, b.bias_term)
        assert (list(a.kernel_size), [*a.stride, 1][0], [*a.pad, 0][0]) == (
            list(b.kernel_size),
            [*b.stride, 1][0],
            [*b.pad, 0][0],
        )
