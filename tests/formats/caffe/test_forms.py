"""The forms of Caffe's files: old ones, the ways to declare inputs, forks, and any encoding of comments."""

import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support import nets

import pydream.caffe
from pydream.errors import NetFileError, UnknownNameError
from pydream.formats import InputSpec, caffe
from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe.caffemodel import from_message
from pydream.formats.caffe.definition import define
from pydream.formats.caffe.layers import graph_of
from pydream.formats.caffe.prototxt import parse_text
from pydream.formats.caffe.upgrade import upgraded
from pydream.formats.caffe.weights import Weights

SHARED = Path(os.environ.get("PYDREAM_SHARED", "shared"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="PYDREAM_SHARED is not set")
INPUT = nets.inputs(data=(1, 3, 8, 8))
CONV = nets.layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }")
TAIL = nets.layer("tail", "Softmax", "odd", "tail")


def golden(name):
    return np.load(SHARED / "golden" / "layers" / f"{name}.npz")


def text_of(content):
    return parse_text(content.encode() if isinstance(content, str) else content, "it")


def case(*parts):
    return SHARED.joinpath("cases", *parts)


# Caffe's own upgrades.


@needs_shared
@pytest.mark.parametrize("name", ["v0_pad_pool_lrn", "v0_training_data", "input_beside_input_layer", "input_shape_two"])
def test_upgraded_as_caffe_does(name):
    file = golden(name)
    assert upgraded(text_of(str(file["prototxt"])), "it") == text_of(str(file["upgraded"]))


@needs_shared
def test_every_old_type():
    file = golden("v1_types")
    for old, new in zip(file["v1"], file["v2"], strict=True):
        assert upgraded(text_of(f"layers {{ type: {old} }}"), "it").layer[0].type == new


@needs_shared
@pytest.mark.parametrize("name", ["v0_pad_pool_lrn", "input_beside_input_layer"])
def test_values_and_gradients(name, tmp_path):
    file = golden(name)
    text, weights = tmp_path / "it.prototxt", tmp_path / "it.caffemodel"
    text.write_text(str(file["prototxt"]))
    if "caffemodel" in file:
        weights.write_bytes(file["caffemodel"].tobytes())
    else:
        layers = {}
        for key in (key for key in file if key.startswith("weights/")):
            layers.setdefault(key.split("/")[1], []).append(nets.blob(file[key], double=True))
        weights.write_bytes(nets.weights(**layers).SerializeToString())
    net = pydream.caffe.Net(text, weights, dtype="float64", runtime="numpy")
    (top,) = (key.removeprefix("top/") for key in file if key.startswith("top/"))
    assert nets.off(net.forward(data=file["input"])[top], file[f"top/{top}"]) < 1e-9
    for key in (key for key in file if key.startswith("blob/")):
        net.forward(end=key.removeprefix("blob/"))
    net.forward()
    net.blobs[top].diff[...] = file[f"diff/{top}"]
    net.backward()
    assert nets.off(net.blobs["data"].diff, file["gradient"]) < 1e-9


@needs_shared
@pytest.mark.parametrize("name", ["data_dummy_shape", "data_memory"])
def test_shapes_of_data_layers(name):
    file = golden(name)
    graph = graph_of(text_of(str(file["prototxt"])), "it")
    shapes = graph.shapes(graph.declared)
    for key in (key for key in file if key.startswith("shape/")):
        assert shapes[key.removeprefix("shape/")] == tuple(file[key].astype(int))


V1 = """
layers { name: "d" type: IMAGE_DATA top: "data" top: "label"
         image_data_param { source: "x" scale: 0.5 mean_file: "m" crop_size: 7 mirror: true new_height: 9 } }
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 0 param: "w"
         param: "b" blob_share_mode: PERMISSIVE loss_weight: 0 include { phase: TEST }
         convolution_param { num_output: 2 kernel_size: 3 } }
"""


def test_all_of_a_layer_of_2014():
    data, conv = upgraded(text_of(V1), "it").layer
    assert data == text_format.Parse(
        """name: "d" type: "ImageData" top: "data" top: "label" image_data_param { source: "x" new_height: 9 }
           transform_param { scale: 0.5 mean_file: "m" crop_size: 7 mirror: true }""",
        caffe_pb2.LayerParameter(),
    )
    assert conv == text_format.Parse(
        """name: "c" type: "Convolution" bottom: "data" top: "c" loss_weight: 0 include { phase: TEST }
           param { lr_mult: 1 decay_mult: 0 name: "w" share_mode: PERMISSIVE } param { lr_mult: 2 name: "b" }
           convolution_param { num_output: 2 kernel_size: 3 }""",
        caffe_pb2.LayerParameter(),
    )


def v0(*layers):
    return 'input: "data" input_dim: [1, 3, 8, 8] state { level: 3 }' + "".join(
        f'layers {{ layer {{ name: "{top}" type: "{kind}" {rest} }} '
        + "".join(f'bottom: "{each}" ' for each in bottoms.split())
        + f'top: "{top}" }}'
        for kind, bottoms, top, rest in layers
    )


def test_padding_becomes_a_pad():
    text = v0(
        ("padding", "data", "p", "pad: 2"),
        ("conv", "p", "c", "num_output: 2 kernelsize: 3 pad: 1 local_size: 7"),  # what has no meaning is dropped
        ("pool", "p", "m", "kernelsize: 3"),
        ("relu", "data", "p2", ""),
        ("conv", "p2", "c2", "num_output: 2 kernelsize: 3 pad: 1"),
    )
    conv, pool, relu, other = define(text_of(text), "it").layers
    assert (list(conv.bottom), list(conv.convolution_param.pad)) == (["data"], [2])
    assert (list(pool.bottom), pool.pooling_param.pad) == (["data"], 2)
    assert not conv.HasField("lrn_param")
    assert (relu.type, list(other.convolution_param.pad)) == ("ReLU", [1])


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([("padding", "data", "p", "pad: 2"), ("relu", "p", "r", "")], r"'r' \(relu\) reads a padding layer"),
        ([("padding", "data", "p", "pad: 2"), ("conv", "p data", "c", "")], "reads a padding layer"),
        ([("padding", "data", "p", "pad: 2"), ("padding", "p", "q", "pad: 2")], "reads a padding layer"),
        ([("padding", "data data", "p", "pad: 2")], "padding layer 'p' has 2 bottoms"),
        ([("warp", "data", "w", "")], "'w' has the type 'warp'; known in files of 2013: accuracy, bnll, "),
    ],
)
def test_layers_of_2013_that_caffe_refuses(layers, words):
    with pytest.raises(NetFileError, match=words):
        define(text_of(v0(*layers)), "it")


def test_weights_of_2013():
    """They sit in the inner layers, under whose names a network of any age finds them."""
    old = text_of(v0(("conv", "data", "c", "num_output: 2 kernelsize: 3")))
    kernel, bias = np.ones((2, 3, 3, 3)), np.ones(2)
    old.layers[0].layer.blobs.extend([nets.blob(kernel, legacy=True), nets.blob(bias, legacy=True)])
    old.layers[0].name = "outer"
    stored = from_message(old, "it")
    assert list(stored.blobs) == ["c"]
    (found, _) = pydream.caffe.Net(old, dtype="float64", runtime="numpy").params["c"]
    assert np.array_equal(found.data, kernel)


def test_layer_beside_layers():
    """Caffe passes over it, and who asks is told."""
    text = 'input: "data" input_dim: [1, 3, 8, 8] layers { name: "a" type: RELU bottom: "data" top: "a" }' + CONV
    graph = graph_of(text_of(text), "it")
    assert graph.blobs == ["data", "a"]
    with pytest.raises(UnknownNameError, match=r"'conv'.*Caffe passes over `layer` beside `layers`"):
        graph.index("conv")


# Inputs.


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        ('type: "Data" transform_param { crop_size: 27 }', {"data": (1, 3, 27, 27)}),
        ('type: "Data"', {"data": (1, 3, 224, 224)}),
        ('type: "Data" transform_param { crop_size: 27 force_gray: true }', {"data": (1, 1, 27, 27)}),
        ('type: "ImageData" image_data_param { new_height: 20 new_width: 30 }', {"data": (1, 3, 20, 30)}),
        (
            'type: "ImageData" image_data_param { new_height: 20 new_width: 30 is_color: false } '
            "transform_param { crop_size: 9 }",
            {"data": (1, 1, 9, 9)},
        ),
        ('type: "HDF5Data" hdf5_data_param { source: "/etc/passwd" }', {"data": (1, 3, 224, 224)}),
        ('type: "WindowData" transform_param { crop_size: 27 }', {"data": (1, 3, 27, 27)}),
        (
            'type: "MemoryData" memory_data_param { batch_size: 2 channels: 3 height: 9 width: 8 }',
            {"data": (2, 3, 9, 8), "label": (2,)},
        ),
        (
            'type: "DummyData" dummy_data_param { shape { dim: [2, 3, 9, 8] } }',
            {"data": (2, 3, 9, 8), "label": (2, 3, 9, 8)},
        ),
        (
            'type: "DummyData" dummy_data_param { shape { dim: [2, 3, 9, 8] } shape { dim: 2 } }',
            {"data": (2, 3, 9, 8), "label": (2,)},
        ),
        (
            'type: "DummyData" dummy_data_param { num: 2 channels: [3, 1] height: 9 width: 8 }',
            {"data": (2, 3, 9, 8), "label": (2, 1, 9, 8)},
        ),
        ('type: "Python" python_param { module: "os" layer: "system" }', {"data": (1, 3, 224, 224)}),
        (
            'type: "AnnotatedData" transform_param { crop_size: 30 resize_param { a: X } } annotated_data_param { }',
            {"data": (1, 3, 30, 30)},
        ),
    ],
)
def test_a_data_layer_is_an_input(layer, shapes):
    text = f'layer {{ name: "d" top: "data" top: "label" {layer} }}' + nets.layer("r", "ReLU", "data", "r")
    graph = graph_of(text_of(text), "it")
    assert graph.declared == shapes


def test_the_test_phase_has_its_own_data_layer():
    data = 'layer {{ name: "d" type: "Data" top: "data" include {{ phase: {} }} transform_param {{ crop_size: {} }} }}'
    text = data.format("TRAIN", 27) + data.format("TEST", 31) + nets.layer("r", "ReLU", "data", "r")
    assert define(text_of(text), "it").inputs == {"data": (1, 3, 31, 31)}
    only_training = data.format("TRAIN", 27) + nets.layer("r", "ReLU", "data", "r")
    assert define(text_of(only_training), "it").inputs == {"data": (1, 3, 27, 27)}


@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("shape { dim: 1 } num: 2", "2 tops; expected a shape, or four sizes"),
        ("num: 2 channels: 3 height: 9", "four sizes, once or for each"),
        ("shape { dim: 1 } shape { dim: 2 } shape { dim: 3 }", "2 tops"),
    ],
)
def test_dummy_data_that_caffe_refuses(param, words):
    text = f'layer {{ name: "d" type: "DummyData" top: "a" top: "b" dummy_data_param {{ {param} }} }}'
    with pytest.raises(NetFileError, match=words):
        define(text_of(text + nets.layer("r", "ReLU", "a", "r")), "it")


def test_what_does_not_fit_a_size_that_nothing_states():
    """The usual size is only a guess: what it does not fit is left out, with the reason."""
    text = (
        'layer { name: "d" type: "Data" top: "data" }'
        + nets.layer("r", "ReLU", "data", "r")
        + nets.layer("c", "Convolution", "r", "c", "convolution_param { num_output: 1 kernel_size: 300 }")
        + nets.layer("s", "Softmax", "c", "s")
    )
    graph = graph_of(text_of(text), "it")
    assert graph.blobs == ["data", "r"]
    with pytest.raises(UnknownNameError, match=r"'s'.*it needs 'c': the file states no size of its pictures"):
        graph.index("s")


def test_an_input_without_a_shape_costs_what_reads_it():
    text = INPUT + 'layer { name: "i" type: "Input" top: "more" }' + CONV + nets.layer("r", "ReLU", "more", "r")
    graph = graph_of(text_of(text), "it")
    assert graph.blobs == ["data", "conv"]
    with pytest.raises(UnknownNameError, match=r"'r'.*needs 'more': it is an Input without a shape"):
        graph.index("r")


# Left out, not refused.


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nets.layer("odd", "Permute", "conv", "odd", "permute_param { order: [0, 2] }"), "type 'Permute' is not known"),
        (nets.layer("odd", "relu", "conv", "odd"), "not known; Caffe's name is 'ReLU'"),
        (nets.layer("odd", "LSTM", "conv", "odd"), "layers of type 'LSTM' are not run"),
        (nets.layer("odd", "Python", "conv", "odd", 'python_param { module: "os" }'), "type 'Python' are not run"),
        (nets.layer("odd", "ReLU", "conv", "odd", "fork_param { a: 1 }"), "field 'fork_param' is not known"),
        (nets.layer("odd", "ReLU", "conv", "odd", "relu_param { cap: 6 }"), "field 'relu_param.cap' is not known"),
        (
            nets.layer("odd", "Pooling", "conv", "odd", "pooling_param { pool: LP kernel_size: 2 }"),
            "field 'pooling_param.pool: LP'",
        ),
        (nets.layer("odd", "Convolution", "conv", "odd"), "num_output 0"),
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_one_layer_costs_what_is_made_of_it(layer, reason, binary, tmp_path):
    message = text_of(INPUT + CONV + layer + TAIL)
    if binary:
        message.layer[1].blobs.extend([nets.blob(np.ones((2, 3, 3, 3))), nets.blob(np.ones(2))])
        path = tmp_path / "it.caffemodel"
        path.write_bytes(message.SerializeToString())
        net = pydream.caffe.Net(path, runtime="numpy")
        net.forward(end="conv")["conv"]
        graph = net.graph
    else:
        graph = graph_of(message, "it")
    assert graph.blobs == ["data", "conv"]
    for name, words in (("odd", reason), ("tail", f"it needs 'odd': .*{reason}")):
        with pytest.raises(UnknownNameError, match=words):
            graph.index(name)


def test_a_field_of_a_fork_in_a_binary_file():
    """There it has a number; an enum's value too."""
    for wire, words in ((b"\xc2\x0c\x02\x08\x01", "'200'"), (b"\xca\x07\x02\x08\x63", "pooling_param.pool: 99")):
        message = text_of(
            INPUT + CONV + nets.layer("odd", "Pooling", "conv", "odd", "pooling_param { kernel_size: 2 }")
        )
        message.layer[2].MergeFromString(wire)
        with pytest.raises(UnknownNameError, match=f"its field '?{words}'? is not known"):
            graph_of(message, "it").index("odd")


def test_what_decides_only_training_or_speed_may_be_unknown():
    rest = (
        "param { lr_mult: 1 fork: 2 } engine: 'MKLDNN' "
        "convolution_param { num_output: 2 kernel_size: 3 engine: MKL2017 "
        'weight_filler { type: "orthogonal" gain: 2 } }'
    )
    loss = nets.layer("loss", "SoftmaxWithLoss", "conv", "loss", "fork_param { a: 1 }")
    graph = graph_of(text_of(INPUT + nets.layer("conv", "Convolution", "data", "conv", rest) + loss), "it")
    assert graph.blobs == ["data", "conv"]


def test_an_unknown_layer_in_place():
    """The blob is there, as it was before."""
    text = INPUT + CONV + nets.layer("odd", "Warp", "conv", "conv") + nets.layer("r", "ReLU", "conv", "r")
    graph = graph_of(text_of(text), "it")
    assert graph.blobs == ["data", "conv"]
    with pytest.raises(UnknownNameError, match="it needs 'odd': its type 'Warp' is not known"):
        graph.index("r")


def test_two_layers_with_weights_of_one_name():
    """Caffe gives the file's to the first, and random numbers to the other."""
    text = INPUT + CONV + CONV.replace("data", "conv").replace('top: "conv"', 'top: "odd"') + TAIL
    graph = graph_of(text_of(text), "it")
    assert graph.blobs == ["data", "conv"]
    with pytest.raises(UnknownNameError, match="a layer before it has its name, and so its weights"):
        graph.index("odd")


def test_the_notice():
    """It names the first layer that cannot be run, though one in place behind it writes its blob; no loss counts."""
    text = INPUT + CONV + nets.layer("odd", "Axpy", "conv", "odd") + nets.layer("r", "ReLU", "odd", "odd") + TAIL
    graph = graph_of(text_of(text + nets.layer("loss", "EuclideanLoss", "conv label", "loss")), "it")
    assert graph.notice == "it: 3 of 4 layers cannot be run; the first: 'odd': its type 'Axpy' is not known"
    assert graph_of(text_of(INPUT + CONV), "it").notice is None


def test_what_only_training_has():
    text = (
        INPUT
        + CONV
        + 'layer { name: "l" type: "Data" top: "x" top: "label" }'
        + nets.layer("odd", "Eltwise", "conv label", "odd")
        + nets.layer("deploy", "Softmax", "conv", "prob", 'include { stage: "deploy" }')
        + nets.layer("loss", "EuclideanLoss", "conv label", "loss")
    )
    graph = graph_of(text_of(text), "it")
    for name, words in (
        ("odd", "it needs 'label': only training has it"),
        ("loss", "EuclideanLoss layers are for training"),
        ("prob", r'its rules want another state; `state \{ stage: "deploy" \}` in the text chooses it'),
    ):
        with pytest.raises(UnknownNameError, match=words):
            graph.index(name)
    chosen = graph_of(text_of('state { stage: "deploy" }' + text), "it")
    assert "prob" in chosen.blobs


# Texts.


def test_comments_in_any_encoding(tmp_path):
    for comment in ("# größe".encode("latin-1"), "# 网络层 \\{".encode("gbk"), "# größe".encode()):
        for mark in (b"", b"\xef\xbb\xbf"):
            path = tmp_path / "it.prototxt"
            path.write_bytes(mark + comment + b"\n" + (INPUT + CONV).encode() + comment)
            assert caffe.graph(path, InputSpec()).blobs == ["data", "conv"]


def test_many_strings_as_one():
    """In time that grows with their number, not with its square."""
    start = time.process_time()
    assert text_of(b"name: " + b'"ab" ' * 400_000).name == "ab" * 400_000
    assert time.process_time() - start < 4


def test_strings_in_any_encoding():
    """Those that are needed must be text, such as names; a path in a data layer need not be."""
    text = INPUT.encode() + 'layer { name: "größe" type: "ReLU" bottom: "data" top: "y" }'.encode("latin-1")
    with pytest.raises(NetFileError, match=r"2:15 : the name is not text in UTF-8"):
        text_of(text)
    path = 'layer { name: "d" type: "Data" top: "d" data_param { source: "größe" } }'.encode("latin-1")
    assert text_of(INPUT.encode() + path).layer[1].name == "d"


@pytest.mark.parametrize(
    "text",
    [
        r'name: "a" "b" ' + "'c'",
        r'name: "\n\t\"\x41\101\u00e4\U0001F600\q"',
        'layer < name: "a"; top: ["x", "y"], > layer: { name: "b" }',
        "layer [{ name: 'a' }, { name: 'b' }]",
        "input_dim: [0x10, 010, -3] input_dim: 7",
        "force_backward: t debug_info: 0",
        "layer { relu_param { negative_slope: 1.5e-3f } power_param { power: -inf scale: nan shift: .5 } }",
        "layer { relu_param { negative_slope: 1e999 } include { phase: 1 } include { phase: TEST } }",
        'name: "" # nothing',
        "",
    ],
)
def test_texts_as_protobuf_reads_them(text):
    wanted = text_format.Parse(text.replace(r"\q", "q"), caffe_pb2.NetParameter())
    found = text_of(text)
    assert str(found) == str(wanted)  # nan is not nan


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name: "x" bogus: 3', "1:11 : no field 'bogus' in NetParameter"),
        ('name: "x"\nname: "y"', "2:1 : 'name' twice in one NetParameter"),
        ("layer { name: 3 }", "1:15 : expected a string, found '3'"),
        ("input_dim: 3000000000", "1:12 : input_dim: "),
        ("input_dim: 1.5", "expected a whole number, found '1.5'"),
        ("input_dim 3", "expected ':', found '3'"),
        ("force_backward: maybe", "expected true or false, found 'maybe'"),
        ("layer { relu_param { negative_slope: x } }", "expected a number, found 'x'"),
        ("layer 3", "expected '{', found '3'"),
        ("input: ['a' 'b', 3]", "expected a string, found '3'"),
        ("input_dim: [1 2]", "expected ',', found '2'"),
        ("layer { name: 'a' >", "expected a name or a number, found '>'"),
        ("layer { fork { a: }", "expected a name or a number, found '}'"),
        ('name: "a\nb"', "a sign that has no meaning, found '\"'"),
        ("layer {" * 100, "more than 64 messages inside each other"),
        ("layer { x {" + "a {" * 100, "more than 64 messages inside each other"),
        ("3x: 1", "a sign that has no meaning"),
    ],
)
def test_texts_that_protobuf_refuses(text, words):
    with pytest.raises(NetFileError, match="it: not a prototxt that Caffe would read: ") as error:
        text_of(text)
    assert words in str(error.value)


# Weights that layers share.

SHARING = INPUT + "".join(
    nets.layer(name, "Convolution", "data", name, f'{params} convolution_param {{ num_output: 2 kernel_size: 1 }}')
    for name, params in (
        ("a", 'param { name: "w" } param { name: "b" }'),
        ("b", 'param { name: "w" } param { }'),
        ("c", 'param { } param { name: "b" }'),
    )
)  # fmt: skip


def shared(**layers):
    definition = define(text_of(SHARING), "it")
    params = graph_of(text_of(SHARING), "it").params
    return Weights(from_message(nets.weights(**layers), "it"), params, np.dtype("float64"), definition.shared)


def test_shared_weights():
    w = [np.full((2, 3, 1, 1), float(i)) for i in range(3)]
    b = [np.full(2, float(i)) for i in range(3)]
    found = shared(a=[w[0], b[0]], b=[w[1], b[1]], c=[w[2], b[2]])
    assert [[array.flat[0] for array in found[name]] for name in "abc"] == [[1, 2], [1, 1], [2, 2]]
    assert not found.misfits()
    found = shared(a=[w[0], b[0]])  # b and c have one of their own that no file gives
    assert found.misfits() == {"b": "2x3x1x1, not 2x3x1x1, 2", "c": "2, not 2x3x1x1, 2"}
    found = shared(b=[w[1].reshape(1, 6), b[1]], a=[w[0], b[0]])
    assert [array.flat[0] for array in found["b"]] == [0, 1]


@needs_shared
@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("caffe-data-layer-shapes/memory.prototxt", "base.caffemodel"),
        ("caffe-data-layer-shapes/dummy.prototxt", "base.caffemodel"),
        ("caffe-data-layer-shapes/imagedata.prototxt", "base.caffemodel"),
        ("caffe-head-missing/base.prototxt", "nohead.caffemodel"),
        ("caffe-head-missing/base.prototxt", "otherhead.caffemodel"),
        ("caffe-unneeded-unknown/tail_deconv.prototxt", "base.caffemodel"),
        ("caffe-unneeded-unknown/tail_fork_field.prototxt", "base.caffemodel"),
        ("caffe-unneeded-unknown/tail_fork_type.prototxt", "base.caffemodel"),
        ("caffe-unneeded-unknown/whole_deconv.caffemodel", None),
        ("caffe-v0/base.prototxt", "base_v0.caffemodel"),
        ("caffe-input-name/image_in.prototxt", "image_in.caffemodel"),
    ],
)
def test_cases_with_weights(text, weights):
    path = case(*text.split("/"))
    net = pydream.caffe.Net(path, weights and path.with_name(weights), runtime="numpy")
    assert np.isfinite(net.forward(end="conv2")["conv2"]).all()


@needs_shared
@pytest.mark.parametrize(
    "text",
    [
        "caffe-input-alone/inputalone.prototxt",
        "caffe-v0/v0.prototxt",
        "prototxt-encoding/gbk.prototxt",
        "prototxt-encoding/latin1.prototxt",
        *(f"caffe-types/tail_{kind}.prototxt" for kind in ("batchreindex", "embed", "filter", "lstm", "python")),
    ],
)
def test_cases_of_texts(text):
    assert "conv2" in caffe.graph(case(*text.split("/")), InputSpec()).blobs


def test_many_layers_that_share_weights():
    """In time that grows with their number, not with its cube."""
    names = ["data", *(f"c{i}" for i in range(500))]
    rest = 'param { name: "w" } convolution_param { num_output: 3 kernel_size: 1 bias_term: false }'
    text = "".join(nets.layer(top, "Convolution", bottom, top, rest) for bottom, top in pairwise(names))
    weights = nets.weights(**{name: [np.ones((3, 3, 1, 1))] for name in names[1:]})
    start = time.process_time()
    _, params = caffe.read(nets.parse(nets.inputs(data=(1, 3, 4, 4)) + text), weights)
    assert len(params["c7"]) == 1
    assert time.process_time() - start < 2
