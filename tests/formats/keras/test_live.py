"""Live modules of TensorFlow's, and SavedModels that it has loaded: they are what they compute themselves."""

import numpy as np
import pytest
from support import kerasnets, nets
from support.graphs import normal

import pydream
from pydream.errors import NetFileError
from pydream.formats.keras.inline import CALLS
from pydream.runtime.on_tensorflow.door import tensorflow

tf = tensorflow()
SIZE = (19, 26)


class Module(tf.Module):
    def __init__(self, name="mine"):
        super().__init__(name)
        self.kernel = tf.Variable(normal(3, 3, 3, 6))
        self.matrix = tf.Variable(normal(6, 4))

    def features(self, image):
        with tf.name_scope("conv"):
            return tf.nn.relu(tf.nn.conv2d(image / 64.0, self.kernel, 2, "SAME"))

    def __call__(self, image, training=True):
        if training:
            raise ValueError("not to be trained")
        return tf.nn.softmax(tf.reduce_mean(self.features(image), [1, 2]) @ self.matrix, name="prob")


class Function(Module):
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def __call__(self, image):
        return super().__call__(image, training=False)


def same(net, run, end):
    image = kerasnets.picture(SIZE)
    for ours, theirs in zip(nets.passes(net, end, image), kerasnets.by_keras(run, image, "float32"), strict=True):
        assert nets.off(ours, theirs) < 1e-6


def test_a_module():
    module = Module()
    net = pydream.load_net(module, device="cpu", dtype="float64")
    assert (net.name, net.logits, net.default_end) == ("mine", ("matmul", 4), "conv/Relu")
    same(net, lambda x: module(x, training=False), "prob")
    same(net, module.features, "conv/Relu")


def test_a_function():
    module = Function()
    same(pydream.load_net(module, device="cpu", dtype="float64"), module, "prob")


@pytest.mark.parametrize("served", [True, False])
def test_a_loaded_saved_model(tmp_path, served):
    module = Function()
    tf.saved_model.save(module, str(tmp_path), signatures=module.__call__ if served else None)
    loaded = tf.saved_model.load(str(tmp_path))
    net = pydream.load_net(loaded, device="cpu", dtype="float64")
    assert net.graph.notice is None
    same(net, module, "prob")


def test_a_loaded_saved_model_that_was_traced_for_one_size(tmp_path):
    """It has no signature, nor says for which pictures it is but by its traces."""

    class Traced(Module):
        @tf.function
        def __call__(self, image):
            return super().__call__(image, training=False)

    module = Traced()
    module.__call__.get_concrete_function(tf.TensorSpec((1, *SIZE, 3), tf.float32))
    tf.saved_model.save(module, str(tmp_path))
    net = pydream.load_net(tf.saved_model.load(str(tmp_path)), device="cpu", dtype="float64")
    assert net.graph.declared["data"] == (1, 3, *SIZE)
    same(net, module, "prob")


def test_functions_that_stay_calls():
    """TensorFlow writes out most of what a function calls, but not what is marked; here all is."""
    inner = tf.function(lambda image: tf.nn.relu(image, name="inside"), autograph=False, jit_compile=True)

    class Calling(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
        def __call__(self, image):
            return tf.identity(inner(image) * 2.0, "out")

    graph = Calling().__call__.get_concrete_function().graph.as_graph_def()
    assert any(node.op in CALLS for node in graph.node)
    net = pydream.load_net(Calling(), device="cpu", dtype="float64")
    image = kerasnets.picture(SIZE)
    net.blobs["data"].reshape(*image.shape)
    net.forward(net.outputs, data=image)
    np.testing.assert_array_equal(net.blobs[net.outputs[0]].data, 2 * np.maximum(image, 0))


def test_what_cannot_be():
    class Silent(tf.Module):
        pass

    class Wrong(tf.Module):
        def __call__(self, image):
            raise ValueError("no pictures, please")

    class Odd(tf.Module):
        __call__ = max  # which has no signature that Python knows

    class Two(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), name=name) for name in "ab"])
        def __call__(self, a, b):
            return a + b

    with pytest.raises(NetFileError, match="odd: it cannot be run on pictures: "):
        pydream.load_net(Odd(name="odd"))
    two = Two(name="two")
    two.signatures = {"serving_default": two.__call__.get_concrete_function()}
    with pytest.raises(NetFileError, match=r"two: 2 inputs \('a', 'b'\); a dream has one picture"):
        pydream.load_net(two)
    with pytest.raises(NetFileError, match="it has no signature and cannot be called"):
        pydream.load_net(Silent(name="silent"))
    with pytest.raises(NetFileError, match="wrong: it cannot be run on pictures: no pictures, please"):
        pydream.load_net(Wrong(name="wrong"))
    with pytest.raises(ValueError, match="a live model has its weights"):
        pydream.load_net(Silent(name="silent"), "some.caffemodel")


def test_a_shape_that_is_fixed():
    class Fixed(Module):
        def __call__(self, image):
            return tf.reshape(self.features(image), [-1, image.shape[1] // 2 * image.shape[2] // 2 * 6])

    net = pydream.load_net(Fixed(), device="cpu")
    assert net.graph.declared["data"] == (1, 3, 224, 224)
    assert np.isfinite(net.forward(end="conv/Relu")["conv/Relu"]).all()
