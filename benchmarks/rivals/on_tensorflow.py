"""Straightforward TensorFlow: `tf.function`, `GradientTape` and `tf.nn`."""

import numpy as np

from pydream.bench.network import Passes
from pydream.runtime import layers
from pydream.runtime.on_tensorflow.door import tensorflow

from .task import NotHere, ceil_padding, expect_maximum


def tensorflow_ops():
    """Return `tf.nn`'s function for each layer type."""
    tf = tensorflow()

    def convolution(layer, x, kernel, bias=None):
        kernel = kernel.transpose(2, 3, 1, 0)
        # On a CPU, TensorFlow's convolutions have no gradient with groups or dilations.
        if layer.dilation != (1, 1):
            raise NotHere(f"{layer.name!r} is dilated")
        padding = [[0, 0], [layer.pad[0]] * 2, [layer.pad[1]] * 2, [0, 0]]
        parts = [
            tf.nn.conv2d(part, part_kernel, layer.stride, padding)
            for part, part_kernel in zip(
                tf.split(x, layer.group, axis=3), np.split(kernel, layer.group, axis=3), strict=True
            )
        ]
        y = tf.concat(parts, 3) if layer.group > 1 else parts[0]
        return y if bias is None else tf.nn.bias_add(y, bias)

    def pooling(layer, x):
        expect_maximum(layer)
        sides = ceil_padding(layer, x.shape[1:3])
        if layer.stride == (1, 1) and all(before == after for before, after in sides):
            return tf.nn.max_pool2d(x, layer.kernel, 1, "SAME")
        if np.any(sides):
            x = tf.pad(x, [[0, 0], *sides, [0, 0]], constant_values=-np.inf)
        return tf.nn.max_pool2d(x, layer.kernel, layer.stride, "VALID")

    return {
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: lambda layer, x: tf.nn.relu(x) if layer.negative_slope == 0 else tf.nn.leaky_relu(
            x, layer.negative_slope
        ),
        layers.LRN: lambda layer, x: tf.nn.lrn(
            x, layer.local_size // 2, layer.k, layer.alpha / layer.local_size, layer.beta
        ),
        layers.Concat: lambda layer, *parts: tf.concat(parts, 3),
        layers.Dropout: lambda layer, x: x,
    }  # fmt: skip


def straightforward(task):
    """One trace per size, with static shapes."""
    tf = tensorflow()
    ops = tensorflow_ops()

    @tf.function(autograph=False)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = task.walk(ops, x)
            half = tf.nn.l2_loss(y)
        return tape.gradient(half, x)

    about = f"TensorFlow {tf.__version__}, tf.function, GradientTape, tf.nn"
    return Passes("tensorflow", lambda x: gradient(tf.convert_to_tensor(x)).numpy(), True, about)
