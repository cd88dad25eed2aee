"""Where a dream starts: a network's classes, and the layers that are worth dreaming of."""

import pytest
from support import nets

from pydream.formats.caffe.layers import graph_of
from pydream.runtime.ends import default_end, guide_end, logits, worthwhile
from pydream.runtime.graph import Graph
from pydream.zoo import read_graph


def convolution(name, bottom, count, kernel=3, stride=1, top=None):
    more = f"num_output: {count} kernel_size: {kernel} stride: {stride} pad: {kernel // 2}"
    return nets.layer(name, "Convolution", bottom, top or name, f"convolution_param {{ {more} }}")


def pooled(name, bottom):
    return nets.layer(name, "Pooling", bottom, name, "pooling_param { pool: AVE global_pooling: true }")


def connected(name, bottom, count):
    return nets.layer(name, "InnerProduct", bottom, name, f"inner_product_param {{ num_output: {count} }}")


def graph(*layers, size=(32, 32)):
    return graph_of(nets.parse(nets.inputs(data=(1, 3, *size)) + "".join(layers)), "net")


STEM = convolution("conv1", "data", 4, 3, 2) + convolution("conv2", "conv1", 6, 5, 2) + pooled("pool", "conv2")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([connected("fc", "pool", 5), nets.layer("prob", "Softmax", "fc", "prob")], ("fc", 5)),
        ([connected("fc", "pool", 5), nets.layer("many", "Sigmoid", "fc", "many")], ("fc", 5)),
        ([connected("fc", "pool", 1), nets.layer("binary", "Sigmoid", "fc", "binary")], ("fc", 1)),
        ([connected("fc", "pool", 5)], ("fc", 5)),
        ([connected("fc", "pool", 5), nets.layer("drop", "Dropout", "fc", "drop")], ("drop", 5)),
        ([connected("fc", "pool", 5), nets.layer("scale", "Scale", "fc", "scale")], ("scale", 5)),
        ([connected("fc", "pool", 5), nets.layer("relu", "ReLU", "fc", "relu")], None),  # features
        ([nets.layer("flat", "Flatten", "pool", "flat")], None),
        ([convolution("maps", "pool", 5, 1), nets.layer("prob", "Softmax", "maps", "prob")], ("maps", 5)),
        ([convolution("maps", "pool", 5, 1), nets.layer("gate", "Sigmoid", "maps", "gate")], None),
        ([nets.layer("prob", "Softmax", "pool", "prob", "softmax_param { axis: 2 }")], None),
        # softmaxes on the way are not of classes
        (
            [nets.layer("soft", "Softmax", "pool", "soft"), connected("fc", "soft", 5)],
            ("fc", 5),
        ),
        (
            [
                *(connected("fc1", "pool", 5), nets.layer("prob1", "Softmax", "fc1", "prob1")),
                *(connected("fc2", "pool", 7), nets.layer("prob2", "Softmax", "fc2", "prob2")),
            ],
            ("fc2", 7),
        ),
    ],
)  # fmt: skip
def test_classes(head, expected):
    assert logits(graph(STEM, *head)) == expected


def module(name, bottom, count):
    """Two branches, joined; and what the next one reads."""
    left = convolution(f"{name}/1x1", bottom, count, 1) + nets.layer("r", "ReLU", f"{name}/1x1", f"{name}/1x1")
    right = convolution(f"{name}/reduce", bottom, 2, 1) + convolution(f"{name}/3x3", f"{name}/reduce", count)
    return left + right + nets.layer(f"{name}/output", "Concat", f"{name}/1x1 {name}/3x3", f"{name}/output")


def block(name, bottom, count):
    """A residual block, rectified in place."""
    return (
        convolution(f"{name}/a", bottom, count)
        + convolution(f"{name}/b", f"{name}/a", count)
        + nets.layer(f"{name}/sum", "Eltwise", f"{bottom} {name}/b", f"{name}/sum")
        + nets.layer(f"{name}/relu", "ReLU", f"{name}/sum", f"{name}/sum")
    )


HEAD = (
    nets.layer("top", "Pooling", "last", "top", "pooling_param { pool: AVE global_pooling: true }")
    + connected("fc", "top", 5)
    + nets.layer("prob", "Softmax", "fc", "prob")
)


@pytest.mark.parametrize(
    ("body", "good", "default"),
    [
        (convolution("conv1", "data", 4) + convolution("last", "conv1", 6), ["conv1", "last"], "last"),
        (
            convolution("conv1", "data", 4, 7, 2) + module("m1", "conv1", 4) + module("m2", "m1/output", 4)
            + nets.layer("same", "Dropout", "m2/output", "last"),
            ["conv1", "m1/output", "m2/output"], "m2/output",
        ),
        (
            convolution("conv1", "data", 4, 7, 4) + block("b1", "conv1", 4) + block("b2", "b1/sum", 4)
            + nets.layer("same", "Dropout", "b2/sum", "last"),
            ["conv1", "b1/sum", "b2/sum"], "b2/sum",
        ),
        # maps of classes are not worth it, nor is what has one place
        (convolution("conv1", "data", 4) + convolution("last", "conv1", 5), ["conv1"], "conv1"),
        (
            convolution("conv1", "data", 4) + pooled("one", "conv1") + convolution("last", "one", 6, 1),
            ["conv1"], "conv1",
        ),
        (pooled("last", "data"), [], None),
    ],
)  # fmt: skip
def test_what_is_worth_dreaming_of(body, good, default):
    found = graph(body, HEAD)
    assert (worthwhile(found), default_end(found)) == (good, default)


def test_the_last_that_sees_most_of_the_picture():
    """With a head on its way, as detectors have: a convolution that is later and sees less is not taken."""
    body = convolution("conv1", "data", 4, 9, 2) + convolution("conv2", "conv1", 4, 5, 2)  # 17 pixels
    assert default_end(graph(body, size=(34, 34))) == "conv2"
    crop = nets.layer("s", "Split", "data", "left right") + convolution("aside", "left", 4)
    assert default_end(graph(crop, body.replace('"data"', '"right"'), size=(34, 34))) == "conv2"
    assert default_end(graph(body, size=(64, 64))) == "conv2"  # none sees so much


def test_where_something_goes_around():
    """What is read again later is no end of its own; where that is so of all convolutions, they are taken."""
    body = convolution("down", "data", 4) + convolution("deep", "down", 4) + convolution("up", "deep", 4)
    join = nets.layer("join", "Concat", "down up", "join") + nets.layer("last", "ReLU", "join", "last")
    assert worthwhile(graph(body, join, HEAD)) == ["down", "last"]
    join = pooled("all", "data") + pooled("top", "deep") + nets.layer("join", "Concat", "all top", "join")
    found = graph(body, join, connected("fc", "join", 5))
    assert (worthwhile(found), default_end(found)) == (["down", "deep"], "deep")


def test_known_networks():
    found = read_graph("bvlc_googlenet")
    assert logits(found) == ("loss3/classifier", 1000)
    assert default_end(found) == "inception_4c/output"  # the notebook's
    assert worthwhile(found) == [
        "conv1/7x7_s2", "conv2/3x3_reduce", "conv2/3x3",
        *(f"inception_{name}/output" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")),
    ]  # fmt: skip
    assert default_end(read_graph("squeezenet_v1.1")) == "fire9/concat"
    assert default_end(read_graph("bvlc_alexnet")) == "conv5"


def test_what_is_left_out_is_counted():
    layers = graph(STEM).steps
    made = [step.layer for step in layers]
    assert Graph("net", {"data": (1, 3, 32, 32)}, made).notice is None
    left_out = {"score": "layer 'score' has type 'Python', which is not supported", "loss": "it reads 'score'"}
    found = Graph("net", {"data": (1, 3, 32, 32)}, made, left_out)
    assert found.notice == f"net: 2 of 5 layers cannot be run; the first: {left_out['score']}"
    found = Graph(
        "net", {"data": (1, 3, 32, 32)}, made, {"loss": "no such type"}, unit="nodes", parts=["loss", "conv1"]
    )
    assert found.notice == "net: 1 of 2 nodes cannot be run; the first: 'loss': no such type"
    assert Graph("net", {"data": (1, 3, 32, 32)}, made, {"save": "no value"}, parts=["conv1"]).notice is None


def test_classes_that_nothing_in_the_picture_makes():
    """Weights as a blob have no layer before them."""
    weights = nets.layer("w", "Parameter", "", "w", "parameter_param { shape { dim: 1 dim: 10 } }")
    assert logits(graph(STEM, weights, nets.layer("prob", "Softmax", "w", "prob"))) in (None, ("w", 10))


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        ("squeezenet_v1.1", "fire4/concat"),
        ("bvlc_googlenet", "inception_3b/output"),
        ("bvlc_alexnet", "conv2"),
        ("vgg16", "conv3_1"),
    ],
)
def test_where_a_guide_shows(model, layer):
    assert guide_end(read_graph(model)) == layer


def test_where_a_guide_shows_in_small_networks():
    assert guide_end(graph(STEM)) == "conv1"
    narrow = convolution("first", "data", 8, 3) + convolution("squeeze", "first", 2, 1)
    wide = "".join(convolution(f"conv{n}", "squeeze" if n == 0 else f"conv{n - 1}", 8, 3) for n in range(3))
    assert guide_end(graph(narrow + wide)) == "conv0"
    assert guide_end(graph(pooled("pool", "data"))) is None
