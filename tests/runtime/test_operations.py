"""Every op, forward and backward, against TensorFlow's own import of the graph, at odd and even sizes."""

import numpy as np
import pytest
from support.graphs import (
    close,
    constant,
    conv,
    depthwise,
    features,
    frozen,
    imported,
    interpreted,
    net_of,
    normal,
    picture,
    results,
    tf,
    v1,
    vector,
)

from pydream.errors import UnknownNameError

raw = tf.raw_ops
SIZES = [(13, 18), (16, 16), (17, 22)]


def batch_norm(function, **options):
    def then(x):
        gamma, beta, mean, variance = (vector(seed=seed) for seed in range(4))
        made = function(
            x=x, scale=gamma, offset=beta, mean=mean, variance=variance, is_training=False, epsilon=0.01, **options
        )
        return made.y

    return features(then)


def squeezed(x):
    """Squeeze and excitation."""
    pooled = tf.reduce_mean(x, [1, 2], keepdims=True)
    return x * tf.sigmoid(tf.nn.conv2d(pooled, normal(1, 1, 8, 8), 1, "SAME"))


def flat(x):
    pooled = tf.reduce_mean(x, [1, 2])
    return tf.nn.softmax(tf.nn.bias_add(tf.matmul(pooled, normal(8, 6)), vector(6)))


def parts(x):
    """Convolutions in two groups, as AlexNet has them."""
    halves = tf.split(x, 2, 3)
    made = [tf.nn.conv2d(half, normal(3, 3, 4, 6, seed=i), 2, "SAME") for i, half in enumerate(halves)]
    return tf.concat(made, 3) + vector(12)


def read(x):
    """Weights that are put together in the graph."""
    gamma, variance = vector(seed=1), tf.identity(vector(seed=2))
    factor = tf.reshape(gamma, [1, 8]) * tf.reshape(tf.math.rsqrt(variance + 0.01), [8])
    kernel = tf.transpose(tf.cast(constant(np.random.RandomState(0).normal(size=(6, 8, 1, 1)), np.float64), tf.float32))
    return tf.nn.conv2d(x * tf.squeeze(factor, [0]), tf.transpose(kernel, [0, 1, 2, 3]), 1, "VALID")


CASES = {
    **{f"conv {k} over {s}": conv((k, k), s) for k, s in [(7, 2), (1, 2), (2, 2), (3, 2), (4, 2), (5, 3), (2, 1)]},
    "conv 3x5 over 2x1": conv((3, 5), (2, 1)),
    "conv valid": conv((5, 4), 2, "VALID"),
    "conv explicit": conv((3, 3), 2, [[0, 0], [0, 1], [2, 1], [0, 0]]),
    "conv of many channels": features(conv((3, 3), 2, out=20, channels=8)),
    "conv with holes": conv((3, 3), 1, "SAME", 2),
    "conv with holes, valid": conv((3, 2), 1, "VALID", (2, 3)),
    "conv in groups": features(conv((3, 3), 2, out=6, channels=4)),
    "depthwise": depthwise((3, 3)),
    "depthwise 2 over 2": depthwise((3, 3), 2, 2),
    "depthwise valid": depthwise((4, 4), 2, 2, "VALID"),
    "bias": lambda x: tf.nn.bias_add(x, vector(3)),
    "add": lambda x: x + vector(3),
    "add a number": lambda x: 0.5 + x,
    "add a vector with axes": lambda x: x + normal(1, 1, 3),
    "add a row": lambda x: x + normal(1, 1, 1) * tf.reduce_mean(x, 1, keepdims=True),
    "subtract": lambda x: x - vector(3),
    "subtract from": lambda x: vector(3) - x,
    "multiply": lambda x: vector(3) * x,
    "divide": lambda x: x / vector(3),
    "divide by it": lambda x: vector(3) / (tf.abs(x) + 1.0),
    "old Add": lambda x: raw.Add(x=x, y=vector(3)),
    "two added": features(lambda x: x + tf.nn.relu(x)),
    "two subtracted": features(lambda x: x - tf.nn.relu(x) * 0.25),
    "two multiplied": features(lambda x: x * tf.sigmoid(x)),
    "three added": features(lambda x: tf.add_n([x, tf.tanh(x), x])),
    "larger of two": features(lambda x: tf.maximum(x, tf.tanh(x) * 0.5)),
    "clipped": features(lambda x: tf.clip_by_value(x, -0.5, 0.4)),
    **{
        name: features(function)
        for name, function in {
            "relu": tf.nn.relu, "relu6": lambda x: tf.nn.relu6(9.0 * x), "elu": tf.nn.elu, "selu": tf.nn.selu,
            "leaky": lambda x: tf.nn.leaky_relu(x, 0.1), "sigmoid": tf.sigmoid, "tanh": tf.tanh,
            "softplus": tf.nn.softplus, "softmax over channels": tf.nn.softmax, "square": tf.square, "exp": tf.exp,
        }.items()
    },
    **{
        f"{kind} {k} over {s} {padding}": lambda x, f=f, k=k, s=s, padding=padding: f(x, k, s, padding)
        for kind, f in (("max", tf.nn.max_pool2d), ("mean", tf.nn.avg_pool2d))
        for k, s, padding in [(3, 2, "SAME"), (3, 1, "SAME"), (2, 2, "SAME"), (5, 3, "SAME"), (3, 2, "VALID")]
    },
    "lrn": features(lambda x: tf.nn.lrn(3.0 * x, 5, 1.0, 0.1, 0.5)),
    "lrn, 0.75": features(lambda x: tf.nn.lrn(x, 2, 2.0, 0.5, 0.75)),
    "lrn, 0.6": features(lambda x: tf.nn.lrn(x, 1, 1.5, 0.5, 0.6)),
    "concat": features(lambda x: tf.concat([x, tf.tanh(x), x], 3)),
    "concat, -1": features(lambda x: tf.concat([x, tf.tanh(x)], -1)),
    "concat of rows": features(lambda x: tf.concat([x, tf.tanh(x)], 1)),
    "old Concat": features(lambda x: raw.Concat(concat_dim=3, values=[tf.tanh(x), x])),
    "mean": features(flat),
    "squeeze and excitation": features(squeezed),
    "squeeze": features(lambda x: tf.squeeze(tf.reduce_mean(x, [1, 2], keepdims=True), [1, 2])),
    "mean of channels": features(lambda x: tf.reduce_mean(x, 3, keepdims=True)),
    "pad": features(lambda x: conv((3, 3), 2, "VALID", channels=8)(tf.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]]))),
    "mirrored": features(lambda x: tf.pad(x, [[0, 0], [2, 1], [1, 2], [0, 0]], "REFLECT")),
    "fused batch norm": batch_norm(raw.FusedBatchNorm),
    "fused batch norm 3": batch_norm(raw.FusedBatchNormV3),
    "groups": features(parts),
    "weights in the graph": features(read),
    "resized": features(lambda x: v1.image.resize_bilinear(x, [9, 11])),
    "depth to space": features(lambda x: tf.nn.depth_to_space(x, 2)),
    "transposed": features(lambda x: tf.transpose(x, [0, 2, 1, 3])),
    "a part": features(lambda x: tf.slice(x, [0, 1, 2, 0], [-1, 9, 8, 4])),
    "reshaped": features(lambda x: tf.tanh(tf.reshape(x, [-1, 8]))),
    "one axis more": features(lambda x: tf.expand_dims(tf.reduce_mean(x, 3), 3)),
    "identities": lambda x: tf.debugging.check_numerics(tf.identity(tf.cast(x, tf.float32)), "no"),
    "no gradient": features(lambda x: x * tf.stop_gradient(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_tensorflow(name):
    """float32: of the largest value 2e-6, some roundings; float64: 1e-12."""
    graph = frozen(CASES[name])
    file = graph.SerializeToString()
    fast, exact = (net_of(file, dtype=dtype, device="cpu") for dtype in ("float32", "float64"))
    for size in SIZES:
        image = picture(*size)
        wanted = interpreted(graph, image)
        close(results(exact, image), wanted, 1e-12)
        image = image.astype(np.float32)
        theirs = wanted if "holes" in name or "in groups" in name else imported(graph, image)
        close(results(fast, image), theirs, 2e-6)


@pytest.mark.parametrize("scaled", [True, False])
def test_global_batch_norm(scaled):
    """The op of 2015, which today's TensorFlow does not import any more, against its definition."""
    graph = frozen(CASES["fused batch norm"])
    for node in graph.node:
        if node.op == "FusedBatchNorm":
            gamma, beta, mean, variance = node.input[1:]
            node.op, node.input[1:] = "BatchNormWithGlobalNormalization", [mean, variance, beta, gamma]
            node.attr["variance_epsilon"].f = 0.01
            node.attr["scale_after_normalization"].b = scaled
    image = picture(13, 18)
    net = net_of(graph.SerializeToString(), dtype="float64", device="cpu")
    close(results(net, image), interpreted(graph, image), 1e-12)


@pytest.mark.parametrize("name", ["conv 7 over 2", "max 3 over 2 SAME", "lrn", "fused batch norm", "groups"])
def test_gradients_are_finite_differences(name):
    net = net_of(frozen(CASES[name]).SerializeToString(), dtype="float64", device="cpu")
    image = picture(13, 18)
    _, gradient = results(net, image)
    way = np.random.RandomState(2).normal(size=image.shape)
    step = 1e-5

    def half_square(at):
        net.forward(end="out", tensor=at)
        return np.sum(net.blobs["out"].data ** 2) / 2

    slope = (half_square(image + step * way) - half_square(image - step * way)) / (2 * step)
    assert slope == pytest.approx(np.sum(gradient * way), rel=1e-7)


def test_two_passes_are_the_one():
    """An objective of one's own goes forward and back in two traces; the notebook's in one."""
    net = net_of(frozen(CASES["groups"]).SerializeToString(), dtype="float64", device="cpu")
    image = picture(14, 15)
    _, once = results(net, image)
    net.forward(end="out", tensor=image)
    net.blobs["out"].diff[:] = net.blobs["out"].data
    np.testing.assert_allclose(net.backward(start="out"), once, rtol=1e-12, atol=0)


def test_ties_go_to_the_first():
    """float64: what differs by rounding alone is equal, and all of the gradient goes to the first, as in Caffe."""
    net = net_of(frozen(CASES["max 3 over 2 SAME"]).SerializeToString(), dtype="float64", device="cpu")
    image = np.full((1, 8, 8, 3), 90.0)
    image[0, 1::2] += 1e-12
    _, gradient = results(net, image)
    expected = np.zeros((8, 8))
    expected[::2, ::2] = 90
    np.testing.assert_allclose(gradient[0, ..., 0], expected, atol=1e-9)


def test_inner_values_and_gradients():
    """Every blob on the way can be read, its gradient too."""
    graph = frozen(lambda x: tf.nn.relu(tf.nn.bias_add(conv((3, 3), 2)(x), vector(5), name="pre"), name="post"))
    net = net_of(graph.SerializeToString(), dtype="float64", device="cpu")
    image = picture(11, 12)
    top, _ = results(net, image)
    pre = net.blobs["pre"].data.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(np.maximum(pre, 0), top)
    np.testing.assert_allclose(net.blobs["pre"].diff.transpose(0, 2, 3, 1), np.where(pre > 0, top, 0))
    with pytest.raises(UnknownNameError, match="close: 'post'"):
        net.blobs["posst"]


@pytest.mark.parametrize(
    "name", ["conv 7 over 2", "depthwise", "max 3 over 2 SAME", "mean 3 over 2 SAME", "bias", "softplus", "identities"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backward_reads_the_memo_alone(name, dtype):
    """Runners that have not run forward go back from the memos of others."""
    image = picture(13, 18).astype(dtype)
    found = []
    for new in (False, True):
        net = net_of(frozen(CASES[name]).SerializeToString(), dtype=dtype, device="cpu")
        net.blobs["data"].reshape(1, 3, 13, 18)
        net.forward(end="out", tensor=image)
        net.blobs["out"].diff[:] = net.blobs["out"].data
        if new:
            net.runtime._made.clear()
        found.append(net.backward(start="out"))
    np.testing.assert_array_equal(*found)
