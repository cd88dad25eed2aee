"""Other ways to compute the same gradient: straightforward TensorFlow and PyTorch, and Caffe itself.

A rival takes the image as a tensor, runs the network to a layer, and returns the gradient at the image of half the sum
of the layer's squares, as the 2015 dream climbs it. Each uses the graph and weights of the `Subject`, and none of
pydream's formulas.
"""

import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np

from pydream import zoo
from pydream.bench.network import Passes
from pydream.errors import BenchError
from pydream.runtime import layers
from pydream.runtime.on_tensorflow.door import tensorflow
from pydream.system import requested_threads


class NotHere(BenchError):
    """A rival cannot run here; the text says why."""


def rival(name, subject):
    return RIVALS[name](subject)


def walk(subject, ops, x):
    """Run the layers that `end` needs on `x` with a library's `ops`: layer type → function."""
    graph = subject.graph
    index = graph.index(subject.end)
    blobs = {subject.net.image_input: x}
    for step in graph.needed(list(graph.steps[index].tops), index):
        layer = step.layer
        if type(layer) not in ops:
            raise NotHere(f"it has no {type(layer).__name__}, which {layer.name!r} is")
        weights = [param.data for param in subject.net.params.get(layer.name, [])]
        blobs[layer.tops[0]] = ops[type(layer)](layer, *(blobs[bottom] for bottom in layer.bottoms), *weights)
    return blobs[subject.end]


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
        if layer.average or layer.everything:
            raise NotHere(f"{layer.name!r} is a mean")
        sides = []
        for axis in (0, 1):
            size, out = x.shape[1 + axis], layer.out_size(x.shape[1 + axis], axis)
            over = (out - 1) * layer.stride[axis] + layer.kernel[axis] - size - layer.pad[axis]
            sides.append([layer.pad[axis], max(over, 0)])
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


def straightforward_tensorflow(subject):
    """`tf.function`, `GradientTape` and `tf.nn`; one trace per size, with static shapes."""
    tf = tensorflow()
    ops = tensorflow_ops()

    @tf.function(autograph=False)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = walk(subject, ops, x)
            half = tf.nn.l2_loss(y)
        return tape.gradient(half, x)

    about = f"TensorFlow {tf.__version__}, tf.function, GradientTape, tf.nn"
    return Passes("tensorflow", lambda x: gradient(tf.convert_to_tensor(x)).numpy(), True, about)


def torch_ops():
    """Return PyTorch's function for each layer type; weights are made into tensors once, channels_last."""
    try:
        import torch
        from torch.nn import functional
    except ImportError as error:
        raise NotHere(f"PyTorch is not installed ({error})") from error

    kept = {}  # name and place of a layer's weights -> their tensor

    def tensor(layer, place, array):
        if (layer.name, place) not in kept:
            made = torch.tensor(array)
            kept[layer.name, place] = made.to(memory_format=torch.channels_last) if made.ndim == 4 else made
        return kept[layer.name, place]

    def convolution(layer, x, *weights):
        kernel, *bias = (tensor(layer, place, array) for place, array in enumerate(weights))
        return functional.conv2d(
            x, kernel, bias[0] if bias else None, layer.stride, layer.pad, layer.dilation, layer.group
        )

    def pooling(layer, x):
        if layer.average or layer.everything:
            raise NotHere(f"{layer.name!r} is a mean")
        return functional.max_pool2d(x, layer.kernel, layer.stride, layer.pad, ceil_mode=layer.round_up)

    return {
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: lambda layer, x: (
            functional.leaky_relu(x, layer.negative_slope) if layer.negative_slope else functional.relu(x)
        ),
        layers.LRN: lambda layer, x: functional.local_response_norm(
            x, layer.local_size, layer.alpha, layer.beta, layer.k
        ),
        layers.Concat: lambda layer, *parts: torch.cat(parts, 1),
        layers.Dropout: lambda layer, x: x,
    }


def eager_torch(subject):
    """Eager PyTorch with autograd; all four-axis tensors are channels_last, its fastest layout here."""
    ops = torch_ops()
    import torch

    threads = requested_threads()
    if threads is not None:
        torch.set_num_threads(threads)

    def gradient(x):
        image = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()  # as it lies in memory, it is channels_last
        y = walk(subject, ops, image)
        (g,) = torch.autograd.grad(y, image, y.detach())
        return g.permute(0, 2, 3, 1).contiguous().numpy()

    about = f"PyTorch {torch.__version__}, eager, channels_last, {torch.get_num_threads()} threads"
    return Passes("torch", gradient, True, about)


def caffe_itself(subject):
    """pycaffe, called as in the notebook. Not tried yet with Caffe itself, only with a stand-in (test_scripts.py)."""
    if importlib.util.find_spec("caffe") is None or importlib.util.find_spec("caffe._caffe") is None:
        raise NotHere("pycaffe is not installed")
    if subject.stand_in:
        raise NotHere("it needs a file of weights, and these are random")
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe

    found = zoo.find_files(subject.model, subject.weights)
    if found.weights is None:
        raise NotHere("it needs the network as a prototxt")
    text = found.definition.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        definition = Path(folder) / "deploy.prototxt"
        definition.write_text(text if "force_backward" in text else f"force_backward: true\n{text}", encoding="utf-8")
        caffe.set_mode_cpu()
        net = caffe.Net(str(definition), str(found.weights), caffe.TEST)

    def gradient(x):
        src, dst = net.blobs["data"], net.blobs[subject.end]
        src.reshape(*x.shape)
        src.data[...] = x
        net.forward(end=subject.end)
        dst.diff[...] = dst.data
        net.backward(start=subject.end)
        return src.diff

    return Passes("caffe", gradient, False, f"Caffe {getattr(caffe, '__version__', '1.0')}")


RIVALS = {"tensorflow": straightforward_tensorflow, "torch": eager_torch, "caffe": caffe_itself}
