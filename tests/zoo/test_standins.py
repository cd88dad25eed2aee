"""The stand-ins of the big frozen graphs are what networks.md and the published files say."""

from collections import Counter

import numpy as np
import pytest

from pydream.runtime.on_tensorflow.door import tensorflow


@pytest.fixture(scope="module")
def graph5h(inception5h_pb):
    return read(inception5h_pb)


@pytest.fixture(scope="module")
def graph_v4(inception_v4_pb):
    return read(inception_v4_pb)


def read(path):
    return tensorflow().compat.v1.GraphDef.FromString(path.read_bytes())


def weights(graph, op):
    """Shapes of the kernels of all nodes of that op."""
    nodes = {node.name: node for node in graph.node}

    def constant(name):
        node = nodes[name]
        return constant(node.input[0]) if node.op == "Identity" else node

    kernels = [constant(node.input[1]) for node in graph.node if node.op == op]
    return [tuple(dim.size for dim in kernel.attr["value"].tensor.tensor_shape.dim) for kernel in kernels]


def run(graph, image, ends):
    tf = tensorflow()

    def imported(tensor):
        return tf.graph_util.import_graph_def(graph, {"input": tensor}, [f"{end}:0" for end in ends], name="")

    signature = tf.TensorSpec(image.shape, tf.float32)
    return [made.numpy() for made in tf.compat.v1.wrap_function(imported, [signature])(tf.constant(image, tf.float32))]


def test_inception5h_is_as_published(graph5h, inception5h_pb):
    shapes = weights(graph5h, "Conv2D")
    assert len(shapes) == 59
    assert sum(shape[-1] for shape in shapes) == 7548
    assert weights(graph5h, "MatMul") == [(2048, 1024), (1024, 1008)] * 2 + [(1024, 1008)]
    assert {node.op for node in graph5h.node} == {
        "Placeholder", "Const", "Conv2D", "BiasAdd", "Relu", "MaxPool", "AvgPool", "LRN", "Concat", "MatMul",
        "Reshape", "Softmax",
    }  # fmt: skip
    nodes = {node.name: node for node in graph5h.node}
    assert len(nodes) == len(graph5h.node)
    assert list(nodes["mixed4a"].input) == [
        "mixed4a/concat_dim", "mixed4a_1x1", "mixed4a_3x3", "mixed4a_5x5", "mixed4a_pool_reduce",
    ]  # fmt: skip
    assert nodes["mixed4d_3x3_bottleneck_pre_relu"].op == "BiasAdd"
    assert nodes["mixed4d_3x3_bottleneck_pre_relu/conv"].op == "Conv2D"
    assert nodes["softmax2_pre_activation"].op == "BiasAdd"
    norm = nodes["localresponsenorm1"].attr
    assert (norm["depth_radius"].i, norm["bias"].f, norm["beta"].f) == (5, 1.0, 0.5)
    assert norm["alpha"].f == pytest.approx(1e-4)
    assert inception5h_pb.stat().st_size == pytest.approx(53884595, rel=1e-3)


def test_inception_v4_is_as_published(graph_v4, inception_v4_pb):
    shapes = weights(graph_v4, "Conv2D")
    assert len(shapes) == Counter(node.op for node in graph_v4.node)["FusedBatchNorm"] == 149
    # PyTorch's has 42,679,816 numbers: two for every normalised channel, and 1000 classes.
    trained = sum(np.prod(shape) + 2 * shape[-1] for shape in shapes)
    assert trained + 1537 * 1000 == 42679816
    assert weights(graph_v4, "MatMul") == [(1536, 1001)]
    names = {node.name for node in graph_v4.node}
    assert {
        "input",
        "InceptionV4/InceptionV4/Conv2d_1a_3x3/Conv2D",
        "InceptionV4/InceptionV4/Conv2d_1a_3x3/BatchNorm/FusedBatchNorm",
        "InceptionV4/InceptionV4/Mixed_5b/Branch_3/AvgPool_0a_3x3/AvgPool",
        "InceptionV4/InceptionV4/Mixed_6d/concat",
        "InceptionV4/InceptionV4/Mixed_7d/Branch_2/Conv2d_0e_3x1/Relu",
        "InceptionV4/Logits/Predictions",
    } <= names
    assert inception_v4_pb.stat().st_size == pytest.approx(171245469, rel=2e-3)


def test_inception5h_is_alive(graph5h):
    image = np.random.RandomState(0).uniform(-117, 138, (1, 224, 224, 3))
    layers = ["conv2d0", "mixed3b", "mixed4c", "mixed5b", "avgpool0", "softmax0", "softmax1", "softmax2"]
    check_alive(run(graph5h, image, layers), [(112, 64), (28, 480), (14, 512), (7, 1024), (1, 1024)], classes=1008)


def test_inception_v4_is_alive(graph_v4):
    image = np.random.RandomState(0).uniform(-1, 1, (1, 299, 299, 3))
    layers = [f"InceptionV4/InceptionV4/{name}/concat" for name in ("Mixed_3a", "Mixed_5e", "Mixed_6d", "Mixed_7d")]
    made = run(graph_v4, image, [*layers, "InceptionV4/Logits/Predictions"])
    check_alive(made, [(73, 160), (35, 384), (17, 1024), (8, 1536)], classes=1001)


def check_alive(made, sizes, classes):
    """Activations are as published in shape and neither vanish nor explode; no class takes all."""
    scales = []
    for array, (size, channels) in zip(made, sizes, strict=False):
        assert array.shape == (1, size, size, channels)
        assert (array.max(axis=(0, 1, 2)) > 0).mean() > 0.6  # of the channels
        scales.append(array.std())
    assert max(scales) / min(scales) < 100
    for probabilities in made[len(sizes) :]:
        assert probabilities.shape == (1, classes)
        assert probabilities.max() < 0.5
        assert probabilities.std() > 0
