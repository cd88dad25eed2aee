"""Tiny frozen graphs, made by TensorFlow, and what TensorFlow makes of them."""

import numpy as np

from pydream.formats import InputSpec, graphdef
from pydream.runtime.net import Net
from pydream.runtime.on_tensorflow.door import tensorflow

tf = tensorflow()
v1 = tf.compat.v1
FLOAT, DOUBLE = 1, 2


def graph_of(file, name=None, input=None, scale=None):
    """The graph of a frozen GraphDef."""
    return graphdef.graph(file, InputSpec(scale=scale, node=input), name)


def net_of(file, dtype="float32", device="cpu", name=None, input=None, scale=None):
    """A net of a frozen GraphDef, without a mean."""
    return Net(*graphdef.read(file, InputSpec(scale=scale, node=input), name), dtype, "tensorflow", device)


def frozen(build, shape=(None, None, None, 3), name="input"):
    """Give the GraphDef of ``build(placeholder)``, whose last node is called out."""
    with tf.Graph().as_default() as graph:
        image = v1.placeholder(tf.float32, shape, name)
        tf.identity(build(image), "out")
    return graph.as_graph_def()


def constant(values, kind=np.float32):
    return tf.constant(np.asarray(values, kind))


def normal(*shape, seed=0):
    """Weights drawn from a seed and the shape."""
    rng = np.random.RandomState((seed, *shape))
    return constant(rng.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1)))


def picture(height, width, dtype=np.float64, seed=1):
    """(1, h, w, 3): a picture minus its mean."""
    return np.random.RandomState(seed).uniform(-120, 130, (1, height, width, 3)).astype(dtype)


def imported(graph, image, end="out", input="input", scale=1.0):
    """Give the value of a node, and the gradient of half its square's sum, as TensorFlow itself has them."""
    graph = v1.graph_util.extract_sub_graph(graph, [end])
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, image.shape)
        (y,) = tf.graph_util.import_graph_def(graph, {f"{input}:0": x * scale}, [f"{end}:0"])
        (g,) = tf.gradients(y, x, y)
        return session.run([y, g], {x: image})


def interpreted(graph, image, end="out", input="input", scale=1.0):
    """As `imported`, in float64: node by node, by definition where TensorFlow has float32 alone."""
    x = tf.constant(image)
    graph = v1.graph_util.extract_sub_graph(graph, [end])
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = {input: [x * scale]}
        for node in graph.node:
            if node.name not in values:
                inputs = [values[part[0]][int(part[2] or 0)] for part in (s.partition(":") for s in node.input)]
                values[node.name] = _node(node, inputs)
        y = values[end][0]
    return y.numpy(), tape.gradient(y, x, y).numpy()


def _node(node, inputs):
    attributes = node.attr
    if node.op == "Placeholder":
        return [None]
    if node.op == "Const":
        values = tf.make_ndarray(attributes["value"].tensor)
        return [tf.constant(values.astype(np.float64) if values.dtype == np.float32 else values)]
    if node.op == "LRN":
        return [_normalised_by_neighbours(*inputs, attributes)]
    if node.op.startswith("FusedBatchNorm"):
        x, gamma, beta, mean, variance = inputs
        return [(x - mean) / tf.sqrt(variance + attributes["epsilon"].f) * gamma + beta]
    if node.op == "BatchNormWithGlobalNormalization":
        x, mean, variance, beta, gamma = inputs
        factor = gamma if attributes["scale_after_normalization"].b else 1
        return [(x - mean) / tf.sqrt(variance + attributes["variance_epsilon"].f) * factor + beta]
    if node.op == "Conv2D" and inputs[0].shape[3] != inputs[1].shape[2]:  # the CPU has no gradient of groups
        x, kernel = inputs
        groups = x.shape[3] // kernel.shape[2]
        made = [
            tf.nn.conv2d(part, filters, attributes["strides"].list.i, attributes["padding"].s.decode())
            for part, filters in zip(tf.split(x, groups, 3), tf.split(kernel, groups, 3), strict=True)
        ]
        return [tf.concat(made, 3)]
    if node.op == "Conv2D" and max(attributes["dilations"].list.i, default=1) > 1:
        x, kernel = inputs  # with the holes written out: the CPU has no gradient of it
        rows, columns = attributes["dilations"].list.i[1:3]
        holed = np.zeros((rows * (kernel.shape[0] - 1) + 1, columns * (kernel.shape[1] - 1) + 1, *kernel.shape[2:]))
        holed[::rows, ::columns] = kernel
        return [tf.nn.conv2d(x, holed, attributes["strides"].list.i, attributes["padding"].s.decode())]
    return _run(node, inputs)


def _normalised_by_neighbours(x, attributes):
    radius, channels = attributes["depth_radius"].i, x.shape[3]
    squares = [
        tf.reduce_sum(x[..., max(c - radius, 0) : c + radius + 1] ** 2, 3, keepdims=True) for c in range(channels)
    ]
    return x / (attributes["bias"].f + attributes["alpha"].f * tf.concat(squares, 3)) ** attributes["beta"].f


def _run(node, inputs):
    """Run one node by itself, in float64."""
    graph = v1.GraphDef(node=[node])
    graph.node[0].name = "node"
    del graph.node[0].input[:]
    graph.node[0].input.extend(f"{i}:0" for i in range(len(inputs)))
    for value in graph.node[0].attr.values():
        if value.type == FLOAT:
            value.type = DOUBLE

    @tf.function(autograph=False)
    def run(*given):
        feed = {f"{i}:0": each for i, each in enumerate(given)}
        operation = tf.graph_util.import_graph_def(graph, feed, ["node"])[0]
        return [tf.cast(top, tf.float64) if top.dtype == tf.float32 else top for top in operation.outputs]

    return run(*inputs)


def conv(kernel, stride=1, padding="SAME", dilation=1, out=5, channels=3):
    return lambda x: tf.nn.conv2d(x, normal(*kernel, channels, out), stride, padding, dilations=dilation)


def depthwise(kernel, each=1, stride=1, padding="SAME"):
    strides = [1, stride, stride, 1]
    return lambda x: tf.raw_ops.DepthwiseConv2dNative(
        input=x, filter=normal(*kernel, 3, each), strides=strides, padding=padding
    )


def features(then):
    """After a convolution with 8 channels, small numbers."""
    return lambda x: then(tf.nn.conv2d(x / 128.0, normal(3, 3, 3, 8, seed=9), 1, "SAME"))


def vector(n=8, seed=3, low=0.5):
    return constant(np.random.RandomState(seed).uniform(low, 1.5, n))


def results(net, image, end="out"):
    """What `imported` gives, of ours."""
    net.blobs["data"].reshape(1, 3, *image.shape[1:3])
    net.forward(end=end, tensor=image)
    net.blobs[end].copy_data_to_diff()
    gradient = net.backward(start=end)
    made = net.blobs[end].data
    return made.transpose(0, 2, 3, 1) if made.ndim == 4 else made, gradient


def close(found, wanted, tolerance):
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_less(np.abs(ours - theirs), tolerance * np.abs(theirs).max() + 1e-300)
