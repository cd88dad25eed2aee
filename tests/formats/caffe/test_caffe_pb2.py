"""The schema against facts about Caffe's format, written down here a second time, and against raw bytes."""

import copy
import struct
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2, text_format

from pydream.formats.caffe import caffe_pb2

FACTS = """
NetParameter.name 1 string
NetParameter.layers 2 V1LayerParameter*
NetParameter.input 3 string*
NetParameter.input_dim 4 int32*
NetParameter.force_backward 5 bool False
NetParameter.state 6 NetState
NetParameter.debug_info 7 bool False
NetParameter.input_shape 8 BlobShape*
NetParameter.layer 100 LayerParameter*
NetState.phase 1 Phase 1
NetStateRule.not_stage 5 string*
BlobShape.dim 1 int64*
BlobProto.num 1 int32 0
BlobProto.width 4 int32 0
BlobProto.data 5 float*
BlobProto.diff 6 float*
BlobProto.shape 7 BlobShape
BlobProto.double_data 8 double*
BlobProto.double_diff 9 double*
Datum.encoded 7 bool False
FillerParameter.type 1 string constant
FillerParameter.max 4 float 1
FillerParameter.sparse 7 int32 -1
FillerParameter.variance_norm 8 FillerParameter.VarianceNorm 0
ParamSpec.lr_mult 3 float 1
ParamSpec.decay_mult 4 float 1
LayerParameter.name 1 string
LayerParameter.type 2 string
LayerParameter.bottom 3 string*
LayerParameter.top 4 string*
LayerParameter.loss_weight 5 float*
LayerParameter.param 6 ParamSpec*
LayerParameter.blobs 7 BlobProto*
LayerParameter.include 8 NetStateRule*
LayerParameter.exclude 9 NetStateRule*
LayerParameter.phase 10 Phase
LayerParameter.propagate_down 11 bool*
LayerParameter.transform_param 100 TransformationParameter
LayerParameter.loss_param 101 LossParameter
LayerParameter.concat_param 104 ConcatParameter
LayerParameter.convolution_param 106 ConvolutionParameter
LayerParameter.data_param 107 DataParameter
LayerParameter.dropout_param 108 DropoutParameter
LayerParameter.eltwise_param 110 EltwiseParameter
LayerParameter.inner_product_param 117 InnerProductParameter
LayerParameter.lrn_param 118 LRNParameter
LayerParameter.pooling_param 121 PoolingParameter
LayerParameter.power_param 122 PowerParameter
LayerParameter.relu_param 123 ReLUParameter
LayerParameter.sigmoid_param 124 SigmoidParameter
LayerParameter.softmax_param 125 SoftmaxParameter
LayerParameter.slice_param 126 SliceParameter
LayerParameter.tanh_param 127 TanHParameter
LayerParameter.python_param 130 PythonParameter
LayerParameter.prelu_param 131 PReLUParameter
LayerParameter.spp_param 132 SPPParameter
LayerParameter.reshape_param 133 ReshapeParameter
LayerParameter.flatten_param 135 FlattenParameter
LayerParameter.reduction_param 136 ReductionParameter
LayerParameter.embed_param 137 EmbedParameter
LayerParameter.tile_param 138 TileParameter
LayerParameter.batch_norm_param 139 BatchNormParameter
LayerParameter.elu_param 140 ELUParameter
LayerParameter.bias_param 141 BiasParameter
LayerParameter.scale_param 142 ScaleParameter
LayerParameter.input_param 143 InputParameter
LayerParameter.crop_param 144 CropParameter
LayerParameter.parameter_param 145 ParameterParameter
LayerParameter.recurrent_param 146 RecurrentParameter
LayerParameter.swish_param 147 SwishParameter
LayerParameter.clip_param 148 ClipParameter
ConvolutionParameter.num_output 1 uint32
ConvolutionParameter.bias_term 2 bool True
ConvolutionParameter.pad 3 uint32*
ConvolutionParameter.kernel_size 4 uint32*
ConvolutionParameter.group 5 uint32 1
ConvolutionParameter.stride 6 uint32*
ConvolutionParameter.pad_h 9 uint32 0
ConvolutionParameter.kernel_w 12 uint32
ConvolutionParameter.stride_h 13 uint32
ConvolutionParameter.axis 16 int32 1
ConvolutionParameter.dilation 18 uint32*
PoolingParameter.pool 1 PoolingParameter.PoolMethod 0
PoolingParameter.kernel_size 2 uint32
PoolingParameter.stride 3 uint32 1
PoolingParameter.pad 4 uint32 0
PoolingParameter.kernel_h 5 uint32
PoolingParameter.stride_w 8 uint32
PoolingParameter.pad_w 10 uint32 0
PoolingParameter.global_pooling 12 bool False
PoolingParameter.round_mode 13 PoolingParameter.RoundMode 0
LRNParameter.local_size 1 uint32 5
LRNParameter.alpha 2 float 1
LRNParameter.beta 3 float 0.75
LRNParameter.norm_region 4 LRNParameter.NormRegion 0
LRNParameter.k 5 float 1
InnerProductParameter.num_output 1 uint32
InnerProductParameter.bias_term 2 bool True
InnerProductParameter.axis 5 int32 1
InnerProductParameter.transpose 6 bool False
ReLUParameter.negative_slope 1 float 0
ConcatParameter.concat_dim 1 uint32 1
ConcatParameter.axis 2 int32 1
DropoutParameter.dropout_ratio 1 float 0.5
SoftmaxParameter.axis 2 int32 1
BatchNormParameter.use_global_stats 1 bool
BatchNormParameter.moving_average_fraction 2 float 0.999
BatchNormParameter.eps 3 float 1e-5
ScaleParameter.axis 1 int32 1
ScaleParameter.bias_term 4 bool False
EltwiseParameter.operation 1 EltwiseParameter.EltwiseOp 1
EltwiseParameter.coeff 2 float*
FlattenParameter.end_axis 2 int32 -1
PowerParameter.power 1 float 1
PowerParameter.shift 3 float 0
LossParameter.normalization 3 LossParameter.NormalizationMode 1
MVNParameter.eps 3 float 1e-9
PythonParameter.param_str 3 string ''
V1LayerParameter.layer 1 V0LayerParameter
V1LayerParameter.bottom 2 string*
V1LayerParameter.top 3 string*
V1LayerParameter.name 4 string
V1LayerParameter.type 5 V1LayerParameter.LayerType
V1LayerParameter.blobs 6 BlobProto*
V1LayerParameter.blobs_lr 7 float*
V1LayerParameter.weight_decay 8 float*
V1LayerParameter.concat_param 9 ConcatParameter
V1LayerParameter.convolution_param 10 ConvolutionParameter
V1LayerParameter.data_param 11 DataParameter
V1LayerParameter.dropout_param 12 DropoutParameter
V1LayerParameter.inner_product_param 17 InnerProductParameter
V1LayerParameter.lrn_param 18 LRNParameter
V1LayerParameter.pooling_param 19 PoolingParameter
V1LayerParameter.power_param 21 PowerParameter
V1LayerParameter.eltwise_param 24 EltwiseParameter
V1LayerParameter.accuracy_param 27 AccuracyParameter
V1LayerParameter.relu_param 30 ReLUParameter
V1LayerParameter.include 32 NetStateRule*
V1LayerParameter.exclude 33 NetStateRule*
V1LayerParameter.loss_weight 35 float*
V1LayerParameter.transform_param 36 TransformationParameter
V1LayerParameter.tanh_param 37 TanHParameter
V1LayerParameter.sigmoid_param 38 SigmoidParameter
V1LayerParameter.softmax_param 39 SoftmaxParameter
V1LayerParameter.loss_param 42 LossParameter
V1LayerParameter.param 1001 string*
V1LayerParameter.blob_share_mode 1002 V1LayerParameter.DimCheckMode*
"""


# The descriptors as data, whose fields have the same names in all versions and implementations of protobuf.
SCHEMA = descriptor_pb2.FileDescriptorProto.FromString(caffe_pb2.DESCRIPTOR.serialized_pb)
FIELDS = {f"{message.name}.{field.name}": field for message in SCHEMA.message_type for field in message.field}


@pytest.mark.parametrize("fact", FACTS.strip().splitlines())
def test_a_field_is_as_caffe_has_it(fact):
    path, number, kind, *default = fact.split()
    message, name = path.split(".")
    field = FIELDS[path]
    assert field.number == int(number)
    assert (field.label == field.LABEL_REPEATED) == kind.endswith("*")
    type_name = field.type_name or field.Type.Name(field.type).removeprefix("TYPE_").lower()
    assert type_name.removeprefix(".caffe.") == kind.rstrip("*")
    assert field.HasField("default_value") == bool(default)
    if default:
        value = getattr(getattr(caffe_pb2, message)(), name)
        if isinstance(value, float):
            assert value == pytest.approx(float(default[0]), rel=1e-6)
        else:
            assert str(value) == default[0].strip("'")


def test_only_the_numbers_of_blobs_are_packed():
    packed = {path for path, field in FIELDS.items() if field.options.packed}
    assert packed == {
        "BlobShape.dim",
        *(f"BlobProto.{n}" for n in ("data", "diff", "double_data", "double_diff")),
    }


def test_enums_are_as_caffe_has_them():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    assert caffe_pb2.Phase.Name(1) == "TEST"
    pooling, eltwise, lrn = caffe_pb2.PoolingParameter, caffe_pb2.EltwiseParameter, caffe_pb2.LRNParameter
    assert (pooling.MAX, pooling.AVE, pooling.STOCHASTIC) == (0, 1, 2)
    assert (eltwise.PROD, eltwise.SUM, eltwise.MAX) == (0, 1, 2)
    assert (lrn.ACROSS_CHANNELS, lrn.WITHIN_CHANNEL) == (0, 1)
    kinds = dict(caffe_pb2.V1LayerParameter.LayerType.items())
    assert sorted(kinds.values()) == list(range(40))
    some = {
        "CONCAT": 3,
        "CONVOLUTION": 4,
        "DATA": 5,
        "DROPOUT": 6,
        "INNER_PRODUCT": 14,
        "LRN": 15,
        "POOLING": 17,
    }
    some |= {"RELU": 18, "SOFTMAX": 20, "SOFTMAX_LOSS": 21, "SPLIT": 22, "ELTWISE": 25, "DECONVOLUTION": 39}
    assert some.items() <= kinds.items()


def ld(tag, body):
    """A length-delimited field: tag byte(s), length, body."""
    assert len(body) < 128
    return tag + bytes([len(body)]) + body


def test_a_new_layer_by_hand():
    floats = struct.pack("<3f", 0.5, -1.25, 3.0)
    blob = ld(b"\x2a", floats) + ld(b"\x3a", ld(b"\x0a", b"\x01\x03"))  # data 5, shape 7 { dim 1 }
    layer = ld(b"\x0a", b"c") + ld(b"\x12", b"Convolution") + ld(b"\x3a", blob)  # name 1, type 2, blobs 7
    wire = ld(b"\x0a", b"net") + ld(b"\xa2\x06", layer)  # name 1, layer 100

    net = caffe_pb2.NetParameter.FromString(wire)
    assert (net.name, net.layer[0].name, net.layer[0].type) == ("net", "c", "Convolution")
    assert list(net.layer[0].blobs[0].shape.dim) == [1, 3]
    assert list(net.layer[0].blobs[0].data) == [0.5, -1.25, 3.0]
    assert net.SerializeToString() == wire


def test_an_old_layer_by_hand():
    legacy = b"\x08\x01\x10\x01\x18\x01\x20\x02"  # num 1, channels 1, height 1, width 2
    doubles = ld(b"\x42", struct.pack("<2d", 0.1, 0.2))  # double_data 8
    pooling = b"\x9a\x01\x04\x08\x01\x10\x03"  # pooling_param 19 { pool 1 AVE, kernel_size 2: 3 }
    layer = ld(b"\x22", b"p") + b"\x28\x11" + ld(b"\x32", legacy + doubles) + pooling  # name, type POOLING, blobs
    wire = ld(b"\x12", layer)  # layers 2

    (old,) = caffe_pb2.NetParameter.FromString(wire).layers
    assert (old.name, old.type) == ("p", caffe_pb2.V1LayerParameter.POOLING)
    assert (old.pooling_param.pool, old.pooling_param.kernel_size) == (caffe_pb2.PoolingParameter.AVE, 3)
    assert (old.blobs[0].num, old.blobs[0].width, list(old.blobs[0].double_data)) == (1, 2, [0.1, 0.2])
    assert caffe_pb2.NetParameter.FromString(wire).SerializeToString() == wire


def test_unpacked_numbers_are_read_too():
    blob = caffe_pb2.BlobProto.FromString(b"\x2d" + struct.pack("<f", 1.5) + b"\x2d" + struct.pack("<f", 2.5))
    assert list(blob.data) == [1.5, 2.5]


DEPLOY = """
name: "little"  # a comment
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 3 dim: 224 dim: 224 } } }
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" std: 0.1 } }
}
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm"
        lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool"
        pooling_param { pool: AVE global_pooling: true } }
"""


def test_what_the_notebook_does_with_a_prototxt(tmp_path):
    path = tmp_path / "deploy.prototxt"
    path.write_text(DEPLOY)
    model = caffe_pb2.NetParameter()
    text_format.Merge(path.read_text(), model)
    model.force_backward = True
    (tmp_path / "tmp.prototxt").write_text(str(model))

    again = text_format.Parse((tmp_path / "tmp.prototxt").read_text(), caffe_pb2.NetParameter())
    assert again == model
    assert again.force_backward
    assert "force_backward: true" in str(model)
    assert "alpha: 0.0001\n" in str(model)
    assert "beta: 0.75\n" in str(model)
    lrn = again.layer[2].lrn_param
    assert struct.pack("<2f", lrn.alpha, lrn.beta) == struct.pack("<2f", 1e-4, 0.75)


def test_messages_behave_as_messages():
    model = text_format.Parse(DEPLOY, caffe_pb2.NetParameter())
    assert caffe_pb2.NetParameter.FromString(model.SerializeToString()) == model
    assert copy.deepcopy(model) == model
    other = caffe_pb2.NetParameter()
    other.CopyFrom(model)
    other.layer.add(name="prob", type="Softmax").bottom.append("pool")
    assert len(other.layer) == len(model.layer) + 1
    assert not model.layer[1].HasField("pooling_param")
    assert not model.layer[1].convolution_param.HasField("group")


# Every field of train_val and deploy files of the model zoo, in the manner of each network and not its words.
IN_THE_WILD = {
    "googlenet train_val": """
        layer {
          name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
          transform_param { mirror: true crop_size: 224 mean_value: 104 mean_value: 117 mean_value: 123 }
          data_param { source: "somewhere" batch_size: 32 backend: LMDB }
        }
        layer { name: "l" type: "SoftmaxWithLoss" bottom: "a" bottom: "label" top: "l" loss_weight: 0.3 }
        layer { name: "t" type: "Accuracy" bottom: "a" bottom: "label" top: "t" include { phase: TEST }
                accuracy_param { top_k: 5 } }""",
    "alexnet train_val, old": """
        layers { name: "data" type: DATA top: "data" data_param { source: "s" backend: LMDB batch_size: 256 }
                 transform_param { crop_size: 227 mean_file: "m" mirror: true } include: { phase: TRAIN } }
        layers { name: "conv2" type: CONVOLUTION bottom: "pool1" top: "conv2" blobs_lr: 1 blobs_lr: 2
                 weight_decay: 1 weight_decay: 0
                 convolution_param { num_output: 256 pad: 2 kernel_size: 5 group: 2
                   weight_filler { type: "gaussian" std: 0.01 }
                   bias_filler { type: "constant" value: 0.1 } } }
        layers { name: "drop6" type: DROPOUT bottom: "fc6" top: "fc6" dropout_param { dropout_ratio: 0.5 } }
        layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc8" bottom: "label" top: "loss" }""",
    "vgg deploy": """
        name: "v" input: "data" input_dim: 10 input_dim: 3 input_dim: 224 input_dim: 224
        layers { bottom: "data" top: "conv1_1" name: "conv1_1" type: CONVOLUTION
                 convolution_param { num_output: 64 pad: 1 kernel_size: 3 } }""",
    "resnet deploy": """
        input: "data" input_shape { dim: 1 dim: 3 dim: 224 dim: 224 }
        layer { bottom: "c" top: "c" name: "bn" type: "BatchNorm"
                batch_norm_param { use_global_stats: true } }
        layer { bottom: "c" top: "c" name: "scale" type: "Scale" scale_param { bias_term: true } }
        layer { bottom: "c" bottom: "d" top: "e" name: "e" type: "Eltwise"
                eltwise_param { operation: SUM } }""",
    "squeezenet train_val": """
        layer { name: "accuracy" type: "Accuracy" bottom: "pool10" bottom: "label" top: "accuracy"
                exclude { stage: "deploy" } include { phase: TEST stage: "val" not_stage: "x" } }""",
    "nin, as first published": """
        layers { name: "data" type: DATA data_param { source: "s" mean_file: "m" batch_size: 64 crop_size: 224
                 mirror: true scale: 0.5 } }
        layers { bottom: "a" top: "b" name: "pool4" type: POOLING
                 pooling_param { pool: AVE kernel_size: 6 stride: 1 engine: CAFFE } }
        layers { name: "cccp" type: CONVOLUTION convolution_param { engine: CUDNN
                 weight_filler { type: "gaussian" mean: 0 std: 0.05 } }
                 relu_param { negative_slope: 0.1 } }""",
    "2013": """
        layers { layer { name: "conv1" type: "conv" num_output: 96 kernelsize: 11 stride: 4
                 weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. weight_decay: 0. }
                 bottom: "data" }""",
}


@pytest.mark.parametrize("text", IN_THE_WILD.values(), ids=IN_THE_WILD)
def test_a_strict_parser_reads_files_of_the_zoo(text):
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    assert text_format.Parse(str(net), caffe_pb2.NetParameter()) == net
    assert caffe_pb2.NetParameter.FromString(net.SerializeToString()) == net


def test_an_unknown_field_is_an_error():
    with pytest.raises(text_format.ParseError, match="no field named"):
        text_format.Parse('layer { name: "x" not_a_field: 1 }', caffe_pb2.NetParameter())


def test_another_caffe_pb2_in_the_same_process_does_not_clash():
    # In a process of its own: what is added to the default pool stays there.
    program = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

def other():
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
    file.message_type.add(name="NetParameter").field.add(name="only_there", number=1, type=5, label=1)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))

if FIRST: Other = other()
from pydream.formats.caffe import caffe_pb2
if not FIRST: Other = other()
assert Other(only_there=3).only_there == 3
assert caffe_pb2.NetParameter(name="here").name == "here"
assert Other is not caffe_pb2.NetParameter
"""
    for first in (True, False):
        subprocess.run([sys.executable, "-c", program.replace("FIRST", str(first))], check=True)
