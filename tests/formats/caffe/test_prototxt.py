"""Reading networks and weights: old and new files, training files, and files that are none."""

import os
import re
import tracemalloc

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from support import nets, oracle

import pydream.caffe
from pydream.errors import NetFileError, PydreamError
from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe.caffemodel import read_binary
from pydream.formats.caffe.definition import define
from pydream.formats.caffe.prototxt import read_text

EXACT = 1e-12  # relative, in L2
RELU = nets.layer("relu", "ReLU", "data", "relu")
OLD_RELU = 'layers { name: "relu" type: RELU bottom: "data" top: "relu" }'
CONV = nets.layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }")
_rng = np.random.default_rng(2)
KERNEL = nets.normal(_rng, 2, 3, 3, 3)
BIAS = nets.normal(_rng, 2)
X = nets.normal(_rng, 1, 3, 6, 5)


def names(definition):
    return [layer.name for layer in definition.layers]


def refused(words, text):
    with pytest.raises(NetFileError, match=words) as error:
        define(nets.parse(text), "file")
    assert "\n" not in str(error.value)


# The ways to declare an input.


@pytest.mark.parametrize(
    "declared",
    [
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 5 } } }',
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 5',
        'input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 5 }',
        'input: "data" input_shape { dim: [1, 3, 6, 5] } input_dim: 9',
        'layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 6 } }',
    ],
)
def test_one_input(declared):
    definition = define(nets.parse(declared + " " + RELU), "file")
    assert list(definition.inputs) == ["data"]
    assert definition.inputs["data"][:3] == (1, 3, 6)
    assert names(definition) == ["relu"]
    assert definition.name == "file"


def test_several_inputs():
    for declared in (
        'input: "a" input: "b" input_dim: [1, 3, 6, 5] input_dim: [2, 1, 4, 4]',
        'input: "a" input: "b" input_shape { dim: [1, 3, 6, 5] } input_shape { dim: [2, 1, 4, 4] }',
        nets.inputs(a=(1, 3, 6, 5), b=(2, 1, 4, 4)),
        nets.inputs(b=(2, 1, 4, 4)) + 'input: "a" input_dim: [1, 3, 6, 5]',
    ):
        definition = define(nets.parse(declared + nets.layer("it", "ReLU", "a", "y")), "file")
        assert definition.inputs == {"a": (1, 3, 6, 5), "b": (2, 1, 4, 4)}
    one_shape = 'layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: [2, 7] } } }'
    definition = define(nets.parse(one_shape + nets.layer("it", "ReLU", "a", "y")), "file")
    assert definition.inputs == {"a": (2, 7), "b": (2, 7)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RELU, "file: no input: neither 'input:' with sizes, nor an Input layer with a shape, nor a"),
        ('layer { name: "in" type: "Input" top: "data" }' + RELU, "file: no input"),
        ('input: "data"' + RELU, "file: no input"),
        ('input: "data" input_dim: [1, 3, 6, 5]' + nets.inputs(data=(1, 3, 6, 5)) + RELU, "'data' is declared twice"),
        ('input: "a" input: "b" input_dim: [1, 3, 6, 5]' + RELU, "2 inputs, but 1 shapes"),
        ('layer { name: "in" type: "Input" top: ["a", "b", "c"] input_param { shape { dim: 1 } shape { dim: 2 } } }'
         + RELU, "'in': 3 tops, but 2 shapes"),
        ('input: "data" input_dim: [1, 3, 0, 5]' + RELU, r"'data' has shape \(1, 3, 0, 5\)"),
        ('input: "data" input_dim: [1, 3, -6, 5]' + RELU, r"'data' has shape \(1, 3, -6, 5\)"),
        ('input: "data" input_shape { }' + RELU, r"'data' has shape \(\)"),
        ('input: "data" input_shape { ' + "dim: 1 " * 33 + "}" + RELU, "expected 1 to 32 sizes"),
        ('input: "data" input_dim: [1, 3, 1000000000, 1000000000]' + RELU, "'data' has shape .*1000000000.*2147483647"),
        ('input: "data" input_shape { dim: [1, 3, 9223372036854775807, 9] }' + RELU, "'data' has shape"),
        ('input: "data" input_dim: [1, 3, 6, 5]', "file: no layer that runs at test time"),
        ('input: "data" input_dim: [1, 3, 6, 5]' + nets.layer("loss", "SoftmaxWithLoss", "data", "loss"), "no layer"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be(text, words):
    refused(words, text)


# Old files: V1, and V0.

V1 = """
name: "old"
input: "data" input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 5
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 weight_decay: 0 param: "shared"
         convolution_param { num_output: 2 kernel_size: 3 } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" relu_param { negative_slope: 0.5 } }
layers { name: "norm" type: LRN bottom: "conv" top: "norm" lrn_param { local_size: 3 alpha: 0.5 } }
layers { name: "drop" type: DROPOUT bottom: "norm" top: "norm" }
layers { name: "fork" type: SPLIT bottom: "norm" top: "fork_0" top: "fork_1" }
layers { name: "bent" type: TANH bottom: "fork_0" top: "bent" }
layers { name: "join" type: CONCAT bottom: "bent" bottom: "fork_1" top: "join" concat_param { concat_dim: 1 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "join" top: "ip" inner_product_param { num_output: 3 } }
layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }
"""
MATRIX = nets.normal(_rng, 3, 48)


def v1_weights(double=False):
    net = nets.parse(V1)
    net.layers[0].blobs.extend(
        [nets.blob(KERNEL, legacy=True, double=double), nets.blob(BIAS, legacy=True, double=double)]
    )
    net.layers[7].blobs.extend(
        [nets.blob(MATRIX, legacy=True, double=double), nets.blob(np.ones(3), legacy=True, double=double)]
    )
    return net


def v1_reference(x, kernel=KERNEL):
    conv, conv_back = oracle.convolution(x, kernel, BIAS)
    relu, relu_back = oracle.relu(conv, slope=0.5)
    norm, norm_back = oracle.lrn(relu, size=3, alpha=0.5)
    bent, bent_back = oracle.tanh(norm)
    join, join_back = oracle.concat(bent, norm)
    ip, ip_back = oracle.inner_product(join, MATRIX, np.ones(3))
    prob, prob_back = oracle.softmax(ip)

    def back(diff):
        left, right = join_back(ip_back(prob_back(diff)[0])[0])
        return conv_back(relu_back(norm_back(bent_back(left)[0] + right)[0])[0])[0]

    return prob, back


def test_old_layers_with_old_blob_shapes():
    net = pydream.caffe.Net(nets.parse(V1), v1_weights(), dtype="float64")
    assert net.name == "old"
    prob, back = v1_reference(X)
    assert nets.off(net.forward(data=X)["prob"], prob) < EXACT
    net.blobs["prob"].diff[...] = diff = np.float64([[1, -2, 0.5]])
    net.backward()
    assert nets.off(net.blobs["data"].diff, back(diff)) < EXACT


def test_weights_in_double_precision_keep_it():
    """Blobs may hold doubles: they are not rounded to float32 on the way, and float32 networks take them too."""
    kernel = KERNEL + 1e-12 * np.arange(54).reshape(KERNEL.shape)
    weights = v1_weights(double=True)
    weights.layers[0].blobs[0].double_data[:] = kernel.ravel().tolist()
    net = pydream.caffe.Net(nets.parse(V1), weights, dtype="float64")
    assert np.array_equal(net.params["conv"][0].data, kernel)
    assert nets.off(net.forward(data=X)["prob"], v1_reference(X, kernel)[0]) < EXACT
    net = pydream.caffe.Net(nets.parse(V1), weights, dtype="float32")
    assert np.array_equal(net.params["conv"][0].data, kernel.astype(np.float32))


def test_every_old_type_has_its_new_name():
    new_names = {
        "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL", "CONCAT": "Concat",
        "CONTRASTIVE_LOSS": "ContrastiveLoss", "CONVOLUTION": "Convolution", "DATA": "Data",
        "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout", "DUMMY_DATA": "DummyData", "ELTWISE": "Eltwise",
        "EUCLIDEAN_LOSS": "EuclideanLoss", "EXP": "Exp", "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data",
        "HDF5_OUTPUT": "HDF5Output", "HINGE_LOSS": "HingeLoss", "IM2COL": "Im2col", "IMAGE_DATA": "ImageData",
        "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN", "MEMORY_DATA": "MemoryData",
        "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss", "MVN": "MVN", "POOLING": "Pooling", "POWER": "Power",
        "RELU": "ReLU", "SIGMOID": "Sigmoid", "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
        "SILENCE": "Silence", "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss",
        "SPLIT": "Split", "TANH": "TanH", "THRESHOLD": "Threshold", "WINDOW_DATA": "WindowData",
    }  # fmt: skip
    old_names = set(caffe_pb2.V1LayerParameter.LayerType.keys()) - {"NONE"}
    assert old_names == set(new_names)
    data = {"Data", "DummyData", "HDF5Data", "ImageData", "MemoryData", "WindowData"}
    training = {"Accuracy", "HDF5Output", "Silence"} | {name for name in new_names.values() if name.endswith("Loss")}
    for old, new in new_names.items():
        text = f'input: "data" input_dim: [1, 3, 6, 5] {OLD_RELU} layers {{ name: "it" type: {old} }}'
        layers = define(nets.parse(text), "file").layers
        kept = [] if new in data | training else [new]
        assert [layer.type for layer in layers if layer.name == "it"] == kept


# Rules: which layers run at test time.


@pytest.mark.parametrize(
    ("rules", "runs"),
    [
        ("", True),
        ("include { phase: TEST }", True),
        ("include { phase: TRAIN }", False),
        ("include { phase: TRAIN } include { phase: TEST }", True),
        ("exclude { phase: TEST }", False),
        ("exclude { phase: TRAIN }", True),
        ('include { stage: "deploy" }', False),
        ('include { not_stage: "deploy" }', True),
        ('exclude { not_stage: "deploy" }', False),
        ('include { stage: "val" }', True),
        ('include { stage: "val" stage: "deploy" }', False),
        ('include { phase: TEST not_stage: "val" }', False),
        ("include { min_level: 2 }", True),
        ("include { min_level: 3 }", False),
        ("include { max_level: 1 }", False),
        ("exclude { min_level: 1 max_level: 3 }", False),
        ("exclude { phase: TRAIN } exclude { max_level: 9 }", False),
    ],
)
def test_rules(rules, runs):
    state = 'state { level: 2 stage: "val" }'
    text = nets.inputs(data=(1, 3, 6, 5)) + RELU
    new = define(nets.parse(state + text + nets.layer("it", "TanH", "data", "y", rules)), "file")
    assert names(new) == (["relu", "it"] if runs else ["relu"])
    old = f'{state} input: "data" input_dim: [1, 3, 6, 5] layers {{ name: "relu" type: RELU bottom: "data" top: "r" }}'
    old += f' layers {{ name: "it" type: TANH bottom: "data" top: "y" {rules} }}'
    assert names(define(nets.parse(old), "file")) == names(new)


def test_a_blob_that_training_and_testing_make_differently():
    text = (
        nets.inputs(data=(1, 3, 6, 5))
        + nets.layer("noisy", "Dropout", "data", "h", "include { phase: TRAIN }")
        + nets.layer("calm", "Power", "data", "h", "include { phase: TEST }")
        + nets.layer("relu", "ReLU", "h", "y")
    )
    assert names(define(nets.parse(text), "file")) == ["calm", "relu"]


# A caffemodel alone: what training wrote, run as it is.


def trained(new):
    """A snapshot as Caffe writes one: data layers with labels, Split layers, auxiliary heads, losses, accuracies."""
    text = """
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } phase: TRAIN
            transform_param { crop_size: 11 mirror: true mean_value: 104 }
            data_param { source: "lmdb" batch_size: 32 } }
    layer { name: "label_data_1_split" type: "Split" bottom: "label" top: "label_0" top: "label_1" top: "label_2" }
    layer { name: "data_data_0_split" type: "Split" bottom: "data" top: "data_0" top: "data_1" }
    layer { name: "conv" type: "Convolution" bottom: "data_0" top: "conv" param { lr_mult: 1 }
            convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "conv_relu_0_split" type: "Split" bottom: "conv" top: "conv_0" top: "conv_1" }
    layer { name: "loss1/pool" type: "Pooling" bottom: "conv_1" top: "loss1/pool"
            pooling_param { pool: AVE kernel_size: 3 stride: 3 } }
    layer { name: "loss1/fc" type: "InnerProduct" bottom: "loss1/pool" top: "loss1/fc"
            inner_product_param { num_output: 4 } }
    layer { name: "loss1/loss" type: "SoftmaxWithLoss" bottom: "loss1/fc" bottom: "label_0" top: "loss1"
            loss_weight: 0.3 }
    layer { name: "side" type: "Pooling" bottom: "data_1" top: "side" pooling_param { kernel_size: 3 } }
    layer { name: "join" type: "Concat" bottom: "conv_0" bottom: "side" top: "join" }
    layer { name: "drop" type: "Dropout" bottom: "join" top: "join" dropout_param { dropout_ratio: 0.4 } }
    layer { name: "fc" type: "InnerProduct" bottom: "join" top: "fc" inner_product_param { num_output: 4 } }
    layer { name: "fc_0_split" type: "Split" bottom: "fc" top: "fc_0" top: "fc_1" }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc_0" bottom: "label_1" top: "loss" loss_weight: 1 }
    layer { name: "accuracy" type: "Accuracy" bottom: "fc_1" bottom: "label_2" top: "accuracy" }
    """
    net = nets.parse(text)
    if not new:  # the same in the words of 2014
        enums = {"ReLU": "RELU", "InnerProduct": "INNER_PRODUCT", "SoftmaxWithLoss": "SOFTMAX_LOSS"}
        layers = list(net.layer)
        del net.layer[:]
        for layer in layers:
            del layer.param[:]
            layer.ClearField("phase")
            kind = layer.type
            layer.ClearField("type")
            old = net.layers.add()
            text_format.Parse(str(layer), old)
            old.type = caffe_pb2.V1LayerParameter.LayerType.Value(enums.get(kind, kind.upper()))
    net.name = "snapshot"
    rng = np.random.default_rng(8)
    arrays = {
        "conv": [KERNEL, BIAS],
        "loss1/fc": [nets.normal(rng, 4, 18), nets.normal(rng, 4)],
        "fc": [nets.normal(rng, 4, 5 * 81), nets.normal(rng, 4)],
    }
    for layer in net.layer if new else net.layers:
        layer.blobs.extend(nets.blob(a, legacy=not new) for a in arrays.get(layer.name, []))
    return net, arrays


@pytest.mark.parametrize("new", [True, False], ids=["layer", "layers"])
def test_a_snapshot_runs_without_a_prototxt(new, tmp_path):
    snapshot, arrays = trained(new)
    path = tmp_path / "train_iter_9.caffemodel"
    path.write_bytes(snapshot.SerializeToString())
    net = pydream.caffe.Net(path, dtype="float64")
    assert net.name == "snapshot"
    assert net.inputs == ["data"]
    assert net.blobs["data"].shape == (1, 3, 11, 11)
    assert net.layer_names == [
        "data_data_0_split", "conv", "relu", "conv_relu_0_split", "loss1/pool", "loss1/fc", "side", "join", "drop",
        "fc", "fc_0_split",
    ]  # fmt: skip
    assert net.outputs == ["loss1/fc", "fc_0", "fc_1"]
    x = nets.spread(np.random.default_rng(1), (1, 3, 11, 11))
    conv, conv_back = oracle.convolution(x, KERNEL, BIAS)
    relu, relu_back = oracle.relu(conv)
    side, side_back = oracle.max_pooling(x, kernel=(3, 3))
    join, join_back = oracle.concat(relu, side)
    fc, fc_back = oracle.inner_product(join, *arrays["fc"])
    assert nets.off(net.forward(data=x)["fc_1"], fc) < EXACT
    net.forward(end="fc")
    net.blobs["fc"].diff[...] = diff = np.float64([[1, 2, -1, 0.5]])
    net.backward(start="fc")
    left, right = join_back(fc_back(diff)[0])
    wanted = conv_back(relu_back(left)[0])[0] + side_back(right)[0]
    assert nets.off(net.blobs["data"].diff, wanted) < EXACT


def test_a_snapshot_whose_data_layer_tells_no_size():
    text = (
        'layer { name: "data" type: "ImageData" top: "data" top: "label" }'
        + nets.layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }")
        + nets.layer("loss", "EuclideanLoss", "conv label", "loss")
    )
    assert define(nets.parse(text), "file").inputs == {"data": (1, 3, 224, 224)}


@pytest.mark.parametrize("old", ["DATA data_param", "IMAGE_DATA image_data_param", "WINDOW_DATA window_data_param"])
def test_a_crop_where_the_oldest_files_tell_it(old):
    """Before transform_param, each kind of data layer had a crop_size of its own."""
    kind, field = old.split()
    text = f"""layers {{ name: "data" type: {kind} top: "data" top: "label" {field} {{ crop_size: 227 }} }}
               layers {{ name: "relu" type: RELU bottom: "data" top: "relu" }}"""
    assert define(nets.parse(text), "file").inputs == {"data": (1, 3, 227, 227)}


def test_training_and_testing_data_layers():
    text = (
        'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } '
        "transform_param { crop_size: 27 } }"
        'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } '
        "transform_param { crop_size: 27 } }"
        + RELU
        + nets.layer("accuracy", "Accuracy", "relu label", "accuracy", "include { phase: TEST }")
        + nets.layer("quiet", "Silence", "label", "")
    )
    definition = define(nets.parse(text), "file")
    assert definition.inputs == {"data": (1, 3, 27, 27)}
    assert names(definition) == ["relu"]


# Weights.

IMAGE = nets.inputs(data=(1, 3, 6, 5))


def test_weights_are_matched_by_name():
    weights = nets.weights(nobody=[np.ones(7)], conv=[KERNEL, BIAS], relu=[np.ones(1)])
    net = pydream.caffe.Net(nets.parse(IMAGE + CONV), weights, dtype="float64")
    assert nets.off(net.forward(data=X)["conv"], oracle.convolution(X, KERNEL, BIAS)[0]) < EXACT


@pytest.mark.parametrize(
    ("blobs", "words"),
    [
        ([], r"weights: no weights for layer 'conv' \(1 of 1 layers"),
        ([KERNEL], "'conv' has weights 2x3x3x3, the network wants 2x3x3x3, 2$"),
        ([KERNEL, BIAS, BIAS], "2x3x3x3, 2, 2, the network wants"),
        ([KERNEL[:, :2], BIAS], "2x2x3x3, 2, the network wants 2x3x3x3, 2"),
        ([KERNEL.transpose(0, 2, 3, 1), np.ones(3)], "'conv' has weights 2x3x3x3, 3"),
        ([nets.blob(KERNEL, legacy=True), nets.blob(np.ones((2, 1)), legacy=True)], "1x1x2x1, the network"),
        ([nets.blob(KERNEL), caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape())], "2x3x3x3, none, the network"),
        ([nets.blob(KERNEL, shape=(10**9, 10**9, 10**9, 3)), BIAS], "1000000000x1000000000x1000000000x3"),
        ([nets.blob(KERNEL.ravel()[:7], shape=(2, 3, 3, 3)), BIAS], "7 numbers for weights of shape .*, expected 54"),
        ([nets.blob([], shape=(2, 3, 3, 3)), BIAS], "0 numbers"),
        ([nets.blob(np.ones(55), shape=(2, 3, 3, 3)), BIAS], "55 numbers"),
        ([np.where(KERNEL > 2, np.nan, KERNEL), BIAS], "'conv': NaN or infinity among its weights"),
        ([KERNEL, np.float64([1, -np.inf])], "NaN or infinity"),
        ([nets.blob(KERNEL), nets.blob([1, 1e300], double=True)], "NaN or infinity"),  # in float32
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(blobs, words):
    with pytest.raises(NetFileError, match=words) as error:
        nets.build(IMAGE + CONV, "float32", "numpy", conv=blobs).forward()["conv"]
    assert "\n" not in str(error.value)


def test_a_network_that_claims_absurd_weights_takes_no_memory(tmp_path):
    """Alone, a caffemodel says itself how large its weights are; but it must hold as many numbers."""
    text = f"""{IMAGE}
    layer {{ name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
             inner_product_param {{ num_output: 1000000000 }} }}
    """
    net = nets.parse(text)
    net.layer[1].blobs.extend([nets.blob([1, 2], shape=(10**9, 90)), nets.blob([1], shape=(10**9,))])
    path = tmp_path / "huge.caffemodel"
    path.write_bytes(net.SerializeToString())
    tracemalloc.start()
    with pytest.raises(NetFileError, match=r"huge.caffemodel.*'fc': 2 numbers for weights of shape .*90000000000"):
        pydream.caffe.Net(path, runtime="numpy").forward()
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


# Files that are none.


def good(tmp_path):
    path = tmp_path / "good.caffemodel"
    net = nets.parse(IMAGE + CONV)
    net.layer[1].blobs.extend([nets.blob(KERNEL), nets.blob(BIAS)])
    path.write_bytes(net.SerializeToString())
    return path


def test_files(tmp_path):
    binary = good(tmp_path)
    text = tmp_path / "deploy.prototxt"
    text.write_text(IMAGE + CONV)
    for net in (
        pydream.caffe.Net(binary, dtype="float64"),
        pydream.caffe.Net(text, binary, dtype="float64"),
        pydream.caffe.Net(str(text), str(binary), pydream.caffe.TEST, dtype="float64"),
    ):
        assert nets.off(net.forward(data=X)["conv"], oracle.convolution(X, KERNEL, BIAS)[0]) < EXACT
    assert pydream.caffe.Net(text, binary).name == "deploy"
    nameless = tmp_path / "text without suffix"
    nameless.write_text(IMAGE + CONV)
    assert pydream.caffe.Net(nameless, binary).name == "text without suffix"
    with pytest.raises(NetFileError, match=r"deploy.prototxt: no weights for layer 'conv'"):
        pydream.caffe.Net(text)


def test_truncated_weights(tmp_path):
    path = good(tmp_path)
    whole = path.read_bytes()
    text = nets.parse(IMAGE + CONV)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(NetFileError, match=r"good.caffemodel: .*"):
            pydream.caffe.Net(text, path, runtime="numpy").forward()


@pytest.mark.parametrize("suffix", ["prototxt", "caffemodel", "bin"])
def test_random_bytes(suffix, tmp_path):
    path = tmp_path / f"random.{suffix}"
    rng = np.random.default_rng(0)
    for length in (0, 1, 7, 1000, 100000):
        path.write_bytes(rng.bytes(length))
        with pytest.raises(NetFileError, match=f"random.{suffix}: ") as error:
            pydream.caffe.Net(path)
        assert "\n" not in str(error.value)
        with pytest.raises(NetFileError, match=f"random.{suffix}: not a caffemodel"):
            read_binary(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "not a prototxt: byte 0 is not text; is it a caffemodel"),
        (b'name: "x" bogus: 3', r"1:11 : .*bogus"),
        (b"layer {\n  name: 3\n}", "2:"),
        (b'name: "unfinished', "not a prototxt that Caffe would read"),
        (b"layer { " * 3000, "not a prototxt"),
        (b'name: "\\xff"', "not a prototxt"),
        (b"layer { type: \x00 }", "not a prototxt"),
    ],
)
def test_texts_that_are_none(content, words, tmp_path):
    path = tmp_path / "it.prototxt"
    path.write_bytes(content)
    for read in (read_text, pydream.caffe.Net):
        with pytest.raises(NetFileError, match=words) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_files_that_are_not_there(tmp_path):
    for call in (
        lambda: pydream.caffe.Net(tmp_path / "no.prototxt"),
        lambda: pydream.caffe.Net(tmp_path / "no.caffemodel"),
        lambda: pydream.caffe.Net(nets.parse(IMAGE + CONV), tmp_path / "no.caffemodel"),
    ):
        with pytest.raises(NetFileError, match=r"no\.(prototxt|caffemodel): No such file"):
            call()
    for read in (read_text, read_binary, pydream.caffe.Net):
        with pytest.raises(NetFileError, match="not a regular file"):
            read(tmp_path)


def test_files_that_are_too_large(tmp_path):
    path = tmp_path / "large.prototxt"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse: takes no room
    with pytest.raises(NetFileError, match="2147483648 bytes, more than a prototxt can hold"):
        read_text(path)
    with pytest.raises(NetFileError, match="2147483648 bytes, more than a caffemodel can hold"):
        read_binary(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.caffemodel")
    for read in (read_text, read_binary):
        with pytest.raises(NetFileError, match="not a regular file"):
            read(tmp_path / "pipe.caffemodel")
        with pytest.raises(NetFileError, match="not a regular file"):
            read(tmp_path)


def _try(net):
    """A network is built, or refused in one line."""
    try:
        list(pydream.caffe.Net(net, dtype="float32", device="cpu", runtime="numpy").params.values())
    except PydreamError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message


_SNAPSHOTS = [trained(new)[0].SerializeToString() for new in (True, False)]


def test_a_name_that_is_no_text(tmp_path):
    path = tmp_path / "it.caffemodel"
    for content in _SNAPSHOTS:
        for name in (b"snapshot", b"conv_0", b"loss1/fc", b"label_0"):
            path.write_bytes(content.replace(name, b"\xff" + name[1:]))
            with pytest.raises(NetFileError, match=r"it.caffemodel: .*a name in it is not text"):
                pydream.caffe.Net(path)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_SNAPSHOTS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_weights(tmp_path_factory, content, damages):
    """Any bytes changed: the file is read or refused, and nothing else happens."""
    damaged = bytearray(content)
    for place, byte in damages:
        # Mostly among the first bytes, before the numbers.
        damaged[int(place**3 * (len(damaged) - 1))] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.caffemodel"
    path.write_bytes(damaged)
    _try(path)


_WORDS = st.sampled_from(
    [*(IMAGE + CONV + RELU + V1).split(), '"\\xff"', "-1", "1e999", "nan", "0x", "4294967295", "type:", "{", "}"]
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.lists(_WORDS, max_size=6), st.integers(0, 5))
def test_damaged_texts(tmp_path_factory, place, words, gone):
    text = (IMAGE + RELU + nets.layer("pool", "Pooling", "relu", "y", "pooling_param { kernel_size: 2 }")).split()
    text[place : place + gone] = words
    path = tmp_path_factory.getbasetemp() / "damaged.prototxt"
    path.write_text(" ".join(text))
    _try(path)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.prototxt"
    path.write_text(text, encoding="utf-8")
    _try(path)


def test_definition_is_not_changed():
    net, _ = trained(new=False)
    before = net.SerializeToString(deterministic=True)
    define(net, "file")
    assert net.SerializeToString(deterministic=True) == before


def test_message_is_one_line_without_control_characters():
    text = nets.inputs(data=(1, 3, 6, 5)) + nets.layer("a\\nb", "Unknown\\nType", "data", "y")
    with pytest.raises(NetFileError) as error:
        nets.build(text)
    assert re.fullmatch(r"[ -~]+", str(error.value))
