"""Measuring networks of one channel, and whose image is not the first input."""

from support import inputs, nets

from pydream.bench.floor import multiplications
from pydream.bench.network import _image, passes_of


def test_the_image_is_the_one_that_is_dreamt_on():
    text = nets.inputs(label=(1, 5)) + inputs.text(1, "pixels")
    net = nets.build(text, "float32", "numpy", **inputs.weights(1))
    assert multiplications(net.graph, "one", (10, 12)) == 10 * 12 * 6 * 9
    made = _image((10, 12), net)
    assert made.shape == (1, 10, 12)
    assert passes_of(net, "two", "ours").way(made)().shape == (1, 1, 10, 12)
