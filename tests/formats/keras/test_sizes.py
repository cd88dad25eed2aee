"""Layers of Keras whose sizes go by the picture's, and parts of the large architectures, as Keras runs them."""

import pytest
from support import kerasnets, nets

import pydream
from pydream.runtime.on_tensorflow.door import part

SIZES = [(15, 18), (22, 13)]


def convnext(kinds, x):
    """A block of ConvNeXt."""
    y = kinds.DepthwiseConv2D(5, padding="same", name="deep")(x)
    y = kinds.LayerNormalization(epsilon=2**-10, name="norm")(y)
    y = kinds.Dense(12, activation="gelu", name="wide")(y)
    y = kinds.Dense(4, name="narrow")(y)
    scale = part("keras.src.applications.convnext").LayerScale
    return kinds.Add(name="sum")([x, scale(0.5, 4, name="scale")(y)])


def nasnet(kinds, x):
    """The reduction of NASNet: two poolings, one of them of the picture moved by a pixel."""
    moved = kinds.Cropping2D(((1, 0), (1, 0)))(kinds.ZeroPadding2D(((0, 1), (0, 1)))(x))
    both = [kinds.AveragePooling2D(1, 2, "valid")(each) for each in (x, moved)]
    return kinds.Concatenate(name="sum")([kinds.Conv2D(3, 1, name=f"of{i}")(each) for i, each in enumerate(both)])


LAYERS = {
    "nearest": lambda kinds, x: kinds.UpSampling2D((2, 3), name="sum")(x),
    "bilinear": lambda kinds, x: kinds.UpSampling2D(2, interpolation="bilinear", name="sum")(x),
    "transposed": lambda kinds, x: kinds.Conv2DTranspose(5, 3, 2, "same", name="sum")(x),
    "cropped": lambda kinds, x: kinds.Cropping2D(((1, 2), (0, 3)), name="sum")(x),
    "convnext": convnext,
    "nasnet": nasnet,
}


@pytest.mark.parametrize("name", LAYERS)
def test_as_keras(name):
    keras, kinds = part("keras"), kerasnets.layers()
    image = keras.Input((None, None, 3))
    x = kinds.Rescaling(1 / 128, name="rescale")(image)
    model = kerasnets.seeded(keras.Model(image, LAYERS[name](kinds, kinds.Conv2D(4, 3, name="conv")(x))))
    net = pydream.load_net(model, dtype="float64", device="cpu")
    assert net.graph.notice is None
    for size in SIZES:
        picture = kerasnets.picture(size)
        theirs = kerasnets.by_keras(lambda x: model(x, training=False), picture, "float32")
        for ours, wanted in zip(nets.passes(net, "sum", picture), theirs, strict=True):
            assert nets.off(ours, wanted) < 2e-6


def test_in_grey():
    keras, kinds = part("keras"), kerasnets.layers()
    image = keras.Input((24, 24, 1))
    net = pydream.load_net(keras.Model(image, kinds.Conv2D(4, 3, name="conv")(image)), device="cpu")
    assert (net.graph.declared["data"], net.default_end) == ((1, 1, 24, 24), "conv")
