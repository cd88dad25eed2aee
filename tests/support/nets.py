"""Small networks in memory: a prototxt text, and weights as a second NetParameter."""

import numpy as np
from google.protobuf import text_format

from pydream.formats import caffe
from pydream.formats.caffe import caffe_pb2
from pydream.runtime.net import Net


def parse(text):
    return text_format.Parse(text, caffe_pb2.NetParameter())


def blob(values, *, double=False, legacy=False, shape=None):
    """A BlobProto of an array; `legacy` is num, channels, height, width as before 2015."""
    values = np.asarray(values)
    proto = caffe_pb2.BlobProto()
    (proto.double_data if double else proto.data).extend(values.ravel().tolist())
    shape = values.shape if shape is None else shape
    if legacy:
        proto.num, proto.channels, proto.height, proto.width = (1,) * (4 - len(shape)) + tuple(shape)
    else:
        proto.shape.dim.extend(shape)  # of 0 axes: no shape at all, as Caffe writes them
    return proto


def weights(**layers):
    """A caffemodel: layer name → arrays or BlobProtos."""
    net = caffe_pb2.NetParameter(name="weights")
    for name, arrays in layers.items():
        layer = net.layer.add(name=name)
        layer.blobs.extend(a if isinstance(a, caffe_pb2.BlobProto) else blob(a) for a in arrays)
    return net


def inputs(**shapes):
    tops = " ".join(f'top: "{name}"' for name in shapes)
    dims = " ".join("shape {" + " ".join(f"dim: {size}" for size in shape) + "}" for shape in shapes.values())
    return f'layer {{ name: "inputs" type: "Input" {tops} input_param {{ {dims} }} }}\n'


def layer(name, kind, bottoms, tops, rest=""):
    ends = " ".join([f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()])
    return f'layer {{ name: "{name}" type: "{kind}" {ends} {rest} }}\n'


def build(text, dtype="float64", runtime="tensorflow", **layers):
    graph, params = caffe.read(parse(text), weights(**layers), dtype)
    return Net(graph, params, dtype, runtime, "cpu")


def spread(rng, shape, low=-2.0, high=2.0):
    """Shuffled, evenly spaced float32 numbers: no two are alike or 0, so no kink is near."""
    count = int(np.prod(shape))
    values = np.linspace(low, high, count + count % 2)[:count]
    return rng.permutation(values.astype(np.float32)).astype(np.float64).reshape(shape)


def normal(rng, *shape):
    """Random numbers that float32 holds exactly, as float64."""
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def off(got, wanted):
    """Relative difference in L2."""
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    norm = np.linalg.norm(wanted)
    return np.linalg.norm(got - wanted) / norm if norm else np.abs(got).max()


def passes(net, end, image):
    """What `end` makes of an image, (n, c, h, w), and the gradient of half its squares at the image."""
    net.blobs["data"].reshape(*image.shape)
    net.blobs["data"].data[...] = image
    net.forward(end=end)
    net.blobs[end].copy_data_to_diff()
    net.backward(start=end)
    return net.blobs[end].data, net.blobs["data"].diff


def two_layers(runtime):
    """A float64 net of a ReLU's values, "low", and a convolution of theirs, "top", at images of 9x8 pixels."""
    text = (
        inputs(data=(1, 3, 9, 8))
        + layer("low", "Convolution", "data", "low", "convolution_param { num_output: 4 kernel_size: 3 }")
        + layer("low/relu", "ReLU", "low", "low")
        + layer("top", "Convolution", "low", "top", "convolution_param { num_output: 5 kernel_size: 2 stride: 2 }")
    )
    rng = np.random.default_rng(3)
    weights = {"low": [normal(rng, 4, 3, 3, 3), normal(rng, 4)], "top": [normal(rng, 5, 4, 2, 2), normal(rng, 5)]}
    return build(text, "float64", runtime, **weights)
