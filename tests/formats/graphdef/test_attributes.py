"""Attributes that TensorFlow would complain of in a dream: the node is left out, or they are not passed on."""

import numpy as np
import pytest
from support.graphdefs import graph
from support.graphs import net_of, picture, results

from pydream.formats.graphdef import read
from pydream.formats.graphdef.proto import GraphDef

INT64 = np.array([1, 2], np.int64)
SIZE, AXES, SMALL = np.array([5, 6], np.int32), np.array([1, 2], np.int32), np.float32(0.5)
ZERO, WIDTHS = np.zeros((), np.int32), np.zeros((4, 2), np.int32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (graph("ResizeBilinear", SIZE, align_corners=True, half_pixel_centers=True), "exclude each other"),
        (graph("ResizeBicubic", SIZE, align_corners=True, half_pixel_centers=True), "exclude each other"),
        (graph("MirrorPad", WIDTHS, mode=b"X"), "mode 'X' is not supported"),
        (graph("MirrorPad", WIDTHS), "mode '' is not supported"),
        (graph("MirrorPad", WIDTHS, mode=3), "mode '' is not supported"),
        (graph("Relu6", inputs=["c", "c"]), "has 2 inputs, expected 1"),
        (graph("Maximum", np.ones((1, 1, 1, 1, 1, 4), np.float32)), "a value with 6 axes, more than 5"),
        (
            graph("DepthwiseConv2dNative", np.ones((1, 1, 4, 1), np.float32), strides=[1, 2, 1, 1], padding=b"SAME"),
            r"strides (2, 1)",
        ),
        (graph("Add", inputs=["c", "c", "c"]), "has 3 inputs, expected 2"),
        (graph("Conv2D", inputs=["c"]), "has 1 inputs, expected 2"),
        (graph("BiasAdd", np.ones((1, 1, 1, 1, 4), np.float32)), "is not one number for each channel"),
        (graph("Pad"), "has 1 inputs, expected 2"),
        (graph("Sigmoid", T=(3,)), "works on TensorFlow's type 3, expected floats"),
        (graph("Sigmoid", T=(7,)), "works on TensorFlow's type 7"),
        (graph("Maximum", AXES[0]), "its input 1 is int32, expected floats"),
        (graph("Mean", np.array([1, 2], np.float32)), "its input 1 is not integers of 32 bits"),
        (graph("Pad", np.full((4, 2), 2**40)), "its input 1 is not integers of 32 bits"),
        (graph("Mean", np.array([1, 1], np.int32)), "does not fit"),
        (graph("Mean", np.array([1, -3], np.int32)), "does not fit"),
        (graph("ClipByValue", np.ones(4, np.float32), SMALL), "its input 1 is not one number"),
        (graph("PadV2", WIDTHS, np.ones(1, np.float32)), "its input 2 is not one number"),
        (graph("Split", np.zeros(1, np.int32), inputs=["n0", "c"], num_split=2), "its input 0 is not one number"),
        (graph("Squeeze", squeeze_dims=True), "does not fit"),
    ],
)
def test_what_is_left_out(content, reason):
    found, _ = read(content)
    assert "c" in found.blobs
    assert reason in str(found.unknown_blob("n"))
    assert "n" not in found.blobs


def test_an_output_that_is_not_there():
    made = GraphDef.FromString(graph("Sigmoid"))
    made.node.add(name="m", op="Tanh", input=["n:1"])
    assert "no output 1" in str(read(made.SerializeToString())[0].unknown_blob("m"))


def test_what_is_not_passed_on():
    """Whatever a file adds is not TensorFlow's to judge; integers of 64 bits have no gradient there."""
    odd = {"_class": b"loc:@x", "Tidx": (9,), "T": (19,), "unheard_of": 3, "U": [1, 2], "Tpaddings": 1.5}
    plain, image = graph("Max", AXES), picture(7, 8, np.float32)
    expected = results(net_of(plain), image, "n")
    for content in (graph("Max", INT64, more=odd.items()), graph("Max", AXES, Tidx=(9,), N=b"x")):
        for found, wanted in zip(results(net_of(content), image, "n"), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
