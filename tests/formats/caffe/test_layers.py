"""Layers' messages: the constants that they state, in our layers and in plain values, and what Caffe would refuse."""

from types import SimpleNamespace

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from support import nets

from pydream.errors import NetFileError
from pydream.formats import InputSpec, caffe
from pydream.formats.caffe import caffe_pb2, wire
from pydream.formats.caffe import format as form
from pydream.formats.caffe.caffemodel import read_binary
from pydream.formats.caffe.layers.reader import layer_from_proto
from pydream.formats.caffe.plain import constants
from pydream.formats.caffe.prototxt import parse_text
from pydream.formats.caffe.text import is_repeated, unknown_in
from pydream.formats.caffe.upgrade import upgraded
from pydream.runtime import layers

WINDOW = {"kernel": (3, 5), "stride": (2, 2), "pad": (1, 0), "dilation": (1, 2)}
WINDOWED = "kernel_h: 3 kernel_w: 5 stride: 2 pad: [1, 0] dilation: 1 dilation: 2"
POOL = {"kernel": (2, 2), "stride": (1, 1), "pad": (0, 0)}


def message(kind, rest="", ends=("a", "b")):
    return nets.parse(nets.layer("it", kind, *ends, rest)).layer[0]


# Each: type, what the message says, what our layer has; the blobs, where they are not one of each.
CONSTANTS = [
    ("AbsVal", "", {}),
    ("BNLL", "", {}),
    ("ReLU", "relu_param { negative_slope: 0.5 }", {"negative_slope": 0.5}),
    ("Power", "power_param { power: 2 scale: 3 shift: 4 }", {"power": 2, "scale": 3, "shift": 4}),
    ("Exp", "exp_param { base: 2 scale: 3 }", {"base": 2, "scale": 3, "shift": 0}),
    ("Exp", "", {"base": -1, "scale": 1, "shift": 0}),
    ("Log", "log_param { base: 10 shift: 1 }", {"base": 10, "scale": 1, "shift": 1}),
    ("PReLU", "prelu_param { channel_shared: true }", {"shared": True}),
    ("ELU", "elu_param { alpha: 0.25 }", {"alpha": 0.25}),
    ("Threshold", "threshold_param { threshold: 0.5 }", {"threshold": 0.5}),
    ("Clip", "clip_param { min: -1 max: 2 }", {"least": -1, "most": 2}),
    ("Swish", "swish_param { beta: 2 }", {"beta": 2}),
    ("Eltwise", "eltwise_param { coeff: [1, -1] }", {"operation": "SUM", "coeff": (1, -1)}, ("a c", "b")),
    ("Eltwise", "eltwise_param { operation: PROD stable_prod_grad: false }",
     {"operation": "PROD", "coeff": (1, 1), "stable": False}, ("a c", "b")),
    ("Scale", "scale_param { axis: 0 bias_term: true }", {"axis": 0, "num_axes": 1, "bias": True}),
    ("Bias", "bias_param { num_axes: -1 }", {"axis": 1, "num_axes": -1}),
    ("Convolution", f"convolution_param {{ num_output: 6 group: 2 bias_term: false {WINDOWED} }}",
     {"num_output": 6, "group": 2, "bias": False, **WINDOW}),
    ("InnerProduct", "inner_product_param { num_output: 6 transpose: true axis: 2 }",
     {"num_output": 6, "bias": True, "transpose": True, "axis": 2}),
    ("LRN", "lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }",
     {"local_size": 3, "alpha": 1, "beta": 0.75, "k": 1, "within": True}),
    ("BatchNorm", "batch_norm_param { eps: 0.5 use_global_stats: false }", {"eps": 0.5, "batch": True}),
    ("BatchNorm", "batch_norm_param { eps: 0.5 }", {"eps": 0.5, "batch": False}),
    ("MVN", "mvn_param { across_channels: true eps: 0.5 }",
     {"across_channels": True, "normalize_variance": True, "eps": 0.5}),
    ("Pooling", "pooling_param { kernel_size: 2 pool: AVE round_mode: FLOOR }",
     {"average": True, "everything": False, "round_up": False, **POOL}),
    ("Pooling", "pooling_param { kernel_size: 2 pool: STOCHASTIC }",
     {"average": False, "stochastic": True, "everything": False, "round_up": True, **POOL}),
    ("Pooling", "pooling_param { global_pooling: true }",
     {"average": False, "everything": True, "round_up": True, **POOL, "kernel": (0, 0)}),
    ("SPP", "spp_param { pyramid_height: 3 pool: AVE }", {"height": 3, "average": True}),
    ("Softmax", "softmax_param { axis: 2 }", {"axis": 2}),
    ("Reduction", "reduction_param { operation: SUMSQ axis: 1 coeff: 2 }",
     {"operation": "SUMSQ", "axis": 1, "coeff": 2}),
    ("ArgMax", "argmax_param { top_k: 2 out_max_val: true axis: 1 }", {"values": True, "top_k": 2, "axis": 1}),
    ("ArgMax", "", {"values": False, "top_k": 1, "axis": None}),
    ("Concat", "concat_param { concat_dim: 2 }", {"axis": 2}, ("a c", "b")),
    ("Crop", "crop_param { axis: 1 offset: [2, 3] }", {"axis": 1, "offset": (2, 3)}, ("a c", "b")),
    ("Crop", "", {"axis": 2, "offset": (0,)}, ("a c", "b")),
    ("Flatten", "flatten_param { axis: 0 end_axis: 2 }", {"axis": 0, "end_axis": 2}),
    ("Im2col", f"convolution_param {{ {WINDOWED} }}", WINDOW),
    ("Parameter", "parameter_param { shape { dim: 2 dim: 3 } }", {"shape": (2, 3)}, ("", "b")),
    ("Reshape", "reshape_param { shape { dim: 0 dim: -1 } axis: 1 }", {"axis": 1, "num_axes": -1, "sizes": (0, -1)}),
    ("Slice", "slice_param { slice_point: [1, 3] }", {"axis": 1, "points": (1, 3)}, ("a", "b c d")),
    ("Split", "", {}, ("a", "b c")),
    ("Tile", "tile_param { axis: 2 tiles: 3 }", {"axis": 2, "tiles": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "rest", "wanted", "ends"), [(*each, ("a", "b"))[:4] for each in CONSTANTS])
def test_constants(kind, rest, wanted, ends):
    bottoms, tops = (tuple(each.split()) for each in ends)
    assert layer_from_proto(message(kind, rest, ends)) == getattr(layers, kind)("it", bottoms, tops, **wanted)


@pytest.mark.parametrize(
    ("kind", "rest", "wanted", "ends"),
    [(*each, ("a", "b"))[:4] for each in [
        ("Power", "", "2 bottoms, expected 1", ("a b", "c")),
        ("Pooling", "", "3 tops, expected 1 or 2", ("a", "b c d")),
        ("Concat", "", "0 bottoms, expected 1 or more", ("", "b")),
        ("Exp", "exp_param { base: 0 }", "base 0, expected more than 0, or -1 for e"),
        ("Exp", "exp_param { base: nan }", "base nan, expected more than 0, or -1 for e"),
        ("Log", "log_param { base: 1 }", "base 1, expected more than 0 and not 1, or -1 for e"),
        ("AbsVal", "", "in place, which Caffe refuses; expected a top of another name", ("a", "a")),
        ("Clip", "clip_param { min: 1 }", "min or max is missing; expected both"),
        ("Eltwise", "eltwise_param { coeff: 2 }", "1 coeff for SUM of 2 bottoms; expected one each, for SUM",
         ("a b", "c")),
        ("Eltwise", "eltwise_param { coeff: [1, 1] operation: MAX }",
         "2 coeff for MAX of 2 bottoms; expected one each, for SUM", ("a b", "c")),
        ("Scale", "scale_param { num_axes: -2 }", "num_axes -2, expected -1 for all, or 0 or more"),
        ("Convolution", "convolution_param { num_output: 2 }", "kernel_size is missing"),
        ("Convolution", "convolution_param { num_output: 2 kernel_size: [1, 2, 3] }",
         "3 numbers for kernel_size, expected 1 or 2"),
        ("Convolution", "convolution_param { num_output: 2 kernel_size: 3 stride_h: 40000 stride_w: 1 }",
         "stride 40000x1, expected 1 to 32768"),
        ("Convolution", "convolution_param { num_output: 2 kernel_size: 3 axis: 2 }",
         "axis 2, only 1 (channels) is supported"),
        ("Convolution", "convolution_param { num_output: 2 kernel_size: 3 }",
         "2 bottoms and 1 tops; expected as many tops as bottoms", ("a b", "c")),
        ("Convolution", "convolution_param { num_output: 3 group: 2 kernel_size: 3 }",
         "num_output 3 in 2 groups; expected 1 or more in each"),
        ("InnerProduct", "", "num_output 0, expected 1 or more"),
        ("LRN", "lrn_param { local_size: 4 }", "local_size 4, expected an odd number"),
        ("Pooling", "pooling_param { kernel_size: 2 pool: AVE }", "2 tops and pool AVE; only MAX has a mask",
         ("a", "b c")),
        ("Pooling", "pooling_param { global_pooling: true pad: 1 }", "global_pooling with pad or stride"),
        ("Pooling", "pooling_param { kernel_size: 3 pad: 1 pool: STOCHASTIC }",
         "pool STOCHASTIC with pad 1x1; only MAX and AVE take one"),
        ("Pooling", "pooling_param { kernel_size: 2 pad: 2 }", "pad 2x2 is not smaller than the kernel, 2x2"),
        ("SPP", "spp_param { pyramid_height: 3 pool: STOCHASTIC }", "pool STOCHASTIC, expected MAX or AVE"),
        ("SPP", "", "pyramid_height 0, expected 1 to 16"),
        ("ArgMax", "argmax_param { top_k: 0 }", "top_k 0, expected 1 or more"),
        ("Concat", "concat_param { axis: 1 concat_dim: 1 }", "both axis and concat_dim; one of them is enough"),
        ("Reshape", "reshape_param { shape { dim: [-1, -1] } }", "2 sizes of -1; one can be what remains"),
        ("Reshape", "reshape_param { num_axes: -2 }", "num_axes -2, expected -1 (all) or more"),
        ("Reshape", "", "cannot work in place on 'a'; it needs a top of another name", ("a", "a")),
        ("Parameter", "parameter_param { shape { dim: [2, 0] } }",
         "shape 2, 0; expected up to 32 sizes from 1 on, up to 2147483647 values", ("", "b")),
        ("Slice", "slice_param { slice_point: [3, 3] }",
         "2 slice_point for 3 tops; expected one less, each larger than the one before", ("a", "b c d")),
        ("Tile", "tile_param { tiles: 0 }", "tiles 0, expected 1 or more"),
    ]],
)  # fmt: skip
def test_what_caffe_refuses(kind, rest, wanted, ends):
    with pytest.raises(NetFileError) as caught:
        layer_from_proto(message(kind, rest, ends))
    assert str(caught.value) == f"layer 'it' ({kind}): {wanted}"


@pytest.mark.parametrize(
    ("kind", "rest", "wanted"),
    [
        ("Split", "", {}),
        ("Deconvolution", f"convolution_param {{ num_output: 6 weight_filler {{ std: 1 }} {WINDOWED} }}",
         {"num_output": 6, "bias_term": True, "group": 1, "axis": 1, "kernel_h": 3, "kernel_w": 5, "stride_h": 2,
          "stride_w": 2, "pad_h": 1, "pad_w": 0, "dilation_h": 1, "dilation_w": 2}),
        ("Pooling", "pooling_param { kernel_size: 2 pool: AVE engine: CAFFE }",
         {"pool": "AVE", "kernel_h": 2, "kernel_w": 2, "stride_h": 1, "stride_w": 1, "pad_h": 0, "pad_w": 0,
          "global_pooling": False, "round_mode": "CEIL"}),
        ("ArgMax", "", {"out_max_val": False, "top_k": 1, "axis": None}),
        ("Eltwise", "eltwise_param { coeff: [1, -1] }",
         {"operation": "SUM", "coeff": [1.0, -1.0], "stable_prod_grad": True}),
        ("Reshape", "reshape_param { shape { dim: [0, -1] } }", {"shape": {"dim": [0, -1]}, "axis": 0, "num_axes": -1}),
    ],
)  # fmt: skip
def test_constants_in_plain_values(kind, rest, wanted):
    assert constants(message(kind, rest)) == wanted


# Whole files.

TEXT = nets.inputs(data=(1, 3, 6, 5)) + nets.layer(
    "conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 1 }"
)
KERNEL, BIAS = np.ones((2, 3, 1, 1)), np.zeros(2)


def test_weights_that_follow_a_network():
    graph, params = caffe.format.without_weights(nets.parse(TEXT))
    with pytest.raises(NetFileError, match="'conv'"):
        params["conv"]
    found = caffe.format.weights_for(nets.weights(conv=[KERNEL, BIAS]), graph, "float64")
    np.testing.assert_array_equal(found["conv"][0], KERNEL)
    with pytest.raises(NetFileError, match=r"^weights: no weights for any layer of "):
        caffe.format.weights_for(nets.weights(other=[BIAS]), graph, "float64")


def test_misfits(tmp_path):
    text, weights = tmp_path / "it.prototxt", tmp_path / "it.caffemodel"
    text.write_text(TEXT + nets.layer("fc", "InnerProduct", "conv", "fc", "inner_product_param { num_output: 2 }"))
    weights.write_bytes(nets.weights(conv=[KERNEL[:1], BIAS]).SerializeToString())
    assert form.misfits(text, weights) == {"conv": "1x3x1x1, 2, not 2x3x1x1, 2", "fc": "missing"}


def test_a_caffemodel_that_holds_its_network_is_packed_with_a_prototxt_of_it(tmp_path):
    net = nets.parse(TEXT + nets.layer("fc", "InnerProduct", "conv", "fc", "inner_product_param { num_output: 2 }"))
    net.layer[1].blobs.extend(map(nets.blob, (KERNEL, BIAS)))
    file = tmp_path / "it.caffemodel"
    file.write_bytes(net.SerializeToString())
    packed = form.pack([file], InputSpec())  # "fc" has no weights: that is an error when they are asked for
    assert packed.suffix == ".caffemodel"
    assert packed.weights == file
    net.layer[1].ClearField("blobs")
    assert parse_text(packed.definition, "it") == net
    assert [layer.name for layer in form.definition(file).layers] == ["conv", "fc"]
    with pytest.raises(ValueError, match="0 prototxt and 2 caffemodel files; expected one of each, or a caffemodel"):
        form.pack([file, file], InputSpec())
    with pytest.raises(ValueError, match=r"frozen TensorFlow graphs; '.*it.caffemodel' is a network of Caffe"):
        form.pack([file], InputSpec(scale=2.0))


def test_another_shape_in_place():
    pooling = nets.layer("pool", "Pooling", "conv", "conv", "pooling_param { kernel_size: 2 stride: 2 }")
    graph, _ = caffe.format.without_weights(nets.parse(TEXT + pooling))
    assert graph.left_out["pool"] == (
        "layer 'pool' (Pooling): it writes (1, 2, 3, 3) over its bottom 'conv', which is (1, 2, 6, 5)"
    )


def test_weights_without_a_network():
    with pytest.raises(NetFileError, match=r"^weights: it holds weights but no network"):
        caffe.read(nets.weights(conv=[KERNEL, BIAS]))


def test_a_caffemodel_with_a_damaged_message(tmp_path):
    """Where numbers are found it is whole; what a layer's own message holds is not."""
    file, content = tmp_path / "it.caffemodel", nets.weights(conv=[KERNEL, BIAS])
    content.layer[0].type = "Convolution"
    written = content.layer[0].SerializeToString() + wire.tag(106, 1) + b"\x08"  # a field without its number
    file.write_bytes(wire.tag(100, len(written)) + written)
    size = file.stat().st_size
    with pytest.raises(NetFileError, match=rf"not a caffemodel, or cut short or damaged \({size} bytes read\)"):
        read_binary(file)


@pytest.mark.parametrize(("values", "number"), [([0.5, 2], 5), ([0.1, 2], 8)])
def test_numbers_on_the_wire(values, number):
    """In float32 where that holds them, else in float64."""
    content = wire.packed(np.float64(values))
    assert content[0] >> 3 == number
    blob = caffe_pb2.BlobProto.FromString(content)
    assert list(blob.data or blob.double_data) == values


# Texts, old files.


def test_fields_of_other_protobufs():
    """Before protobuf 6 a field does not say whether it is repeated, but has a label."""
    assert is_repeated(SimpleNamespace(label=FieldDescriptor.LABEL_REPEATED))
    assert not is_repeated(SimpleNamespace(label=FieldDescriptor.LABEL_OPTIONAL))


def test_what_is_not_known_in_a_text():
    net = parse_text(
        b'layer { name: "a" [fork.param] { x: 1, y: "s"; z: [1, 2] } }\n'
        b'layer { name: "b" pooling_param { pool: 9 } } layer { name: "c" pooling_param { pool: BEST } }',
        "it",
    )
    assert [unknown_in(layer) for layer in net.layer] == ["[fork.param]", "pooling_param.pool: 9",
                                                           "pooling_param.pool: BEST"]  # fmt: skip


def test_what_is_kept_of_old_files():
    new = upgraded(nets.parse(TEXT + "force_backward: true"), "it")
    assert new.force_backward
    old = nets.parse('layers { layer { name: "out" type: "hdf5_output" hdf5_output_param { file_name: "f" } } }')
    new = upgraded(old, "it")
    assert (new.layer[0].type, new.layer[0].hdf5_output_param.file_name) == ("HDF5Output", "f")
