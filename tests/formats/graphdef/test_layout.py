"""Graphs with channels first compute what they do with channels last."""

import pytest
from support.graphs import (
    close,
    frozen,
    graph_of,
    interpreted,
    net_of,
    normal,
    picture,
    results,
    tf,
    v1,
    vector,
)

raw = tf.raw_ops
FIRST = "NCHW"


def body(x, first):
    """Every op that knows of channels; TensorFlow's CPU runs it with channels last alone."""
    order = FIRST if first else "NHWC"
    axis, places = (1, [2, 3]) if first else (3, [1, 2])

    def sizes(rows, columns):
        return [1, 1, rows, columns] if first else [1, rows, columns, 1]

    def along(values):
        return tf.reshape(values, (-1, 1, 1) if first else (-1,))

    def around(above, left):
        widths = [[above, 1], [left, 0]]
        return [[0, 0], [0, 0], *widths] if first else [[0, 0], *widths, [0, 0]]

    x = raw.Conv2D(input=x * 0.01, filter=normal(3, 5, 3, 8), strides=sizes(2, 1), padding="SAME", data_format=order)
    x = tf.nn.relu(raw.BiasAdd(value=x, bias=vector(8), data_format=order))
    gamma, beta, mean, variance = (vector(seed=seed) for seed in range(4))
    x = raw.FusedBatchNormV3(
        x=x, scale=gamma, offset=beta, mean=mean, variance=variance, is_training=False, data_format=order
    ).y
    x = tf.pad(x * along(vector(8, 5)), around(2, 1))
    kernel = normal(3, 3, 8, 1)
    y = raw.DepthwiseConv2dNative(input=x, filter=kernel, strides=[1] * 4, padding="SAME", data_format=order)
    x = tf.concat([x, tf.sigmoid(y), x + y], axis)
    x = raw.MaxPool(input=x, ksize=sizes(3, 2), strides=sizes(2, 2), padding="SAME", data_format=order)
    x = raw.AvgPool(value=x, ksize=sizes(1, 2), strides=sizes(1, 1), padding="VALID", data_format=order)
    return x * tf.sigmoid(tf.reduce_mean(x, places, keepdims=True)), places


def flat(x, first):
    x, places = body(x, first)
    return tf.tanh(tf.reduce_mean(x, places) @ normal(24, 5))


def first_of(build, shape=(None, 3, None, None)):
    """The GraphDef of a function of a placeholder with channels first."""
    with tf.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(tf.float32, shape, "input"), True), "out")
    return graph.as_graph_def().SerializeToString()


@pytest.mark.parametrize("build", [lambda x, first: body(x, first)[0], flat], ids=["maps", "classes"])
@pytest.mark.parametrize("shape", [(None, 3, None, None), (None, 3, 14, 18), None])
def test_channels_first(build, shape):
    net = net_of(first_of(build, shape), "float64")
    assert net.graph.notice is None
    wanted = frozen(lambda x: build(x, False))
    for size in [(14, 18), (19, 23)]:
        image = picture(*size)
        close(results(net, image), interpreted(wanted, image), 1e-12)


def test_in_between():
    """Channels are put first and last again on the way."""

    def build(x):
        made, _ = body(tf.transpose(x, [0, 3, 1, 2]), True)
        return tf.transpose(made, [0, 2, 3, 1])

    net, image = net_of(frozen(build).SerializeToString(), "float64"), picture(15, 18)
    close(results(net, image), interpreted(frozen(lambda x: body(x, False)[0]), image), 1e-12)


def test_flattened():
    """Channel by channel, before a fully connected layer of one size."""

    def build(x, first):
        x = tf.nn.relu(x)
        x = x if first else tf.transpose(x, [0, 3, 1, 2])
        return tf.reshape(x, [-1, 3 * 6 * 5]) @ normal(90, 4)

    net, image = net_of(first_of(build, (None, 3, 6, 5)), "float64"), picture(6, 5)
    close(results(net, image), interpreted(frozen(lambda x: build(x, False), (None, 6, 5, 3)), image), 1e-12)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x: tf.nn.softmax(x), "has its channels first in a way that is not supported"),
        (lambda x: tf.reduce_mean(x, 2), "has its channels first in a way that is not supported"),
        (lambda x: tf.squeeze(tf.reduce_mean(x, 2, keepdims=True), [2]), "has its channels first in a way"),
        (lambda x: tf.reshape(x, [-1, 3]), "has its channels first in a way that is not supported"),
        (lambda x: raw.Conv2D(input=x, filter=normal(3, 3, 8, 8), strides=[1] * 4, padding="SAME"), "channels first"),
    ],
)
def test_what_is_left_out(build, reason):
    graph = graph_of(first_of(lambda x, first: build(tf.nn.relu(x)), (None, 3, 8, 8)))
    assert reason in graph.left_out["out"]
    assert "Relu" in graph.blobs
