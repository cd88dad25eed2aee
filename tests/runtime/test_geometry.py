"""Receptive fields, strides and costs: against windows walked through one by one, gradients, and what is known."""

import random
import time

import numpy as np
import pytest
from google.protobuf import text_format

from pydream.errors import ShapeError
from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe import layers as layer_readers
from pydream.runtime import Graph, geometry, layers
from pydream.runtime.geometry import Field, View, fields, survey
from pydream.zoo.load import read_graph


def graph_of(text, size=(64, 64), channels=3):
    head = f'input: "data" input_dim: [1, {channels}, {size[0]}, {size[1]}]\n'
    return layer_readers.graph_of(text_format.Parse(head + text, caffe_pb2.NetParameter()), "test")


def convolution(name, bottom, **constants):
    said = " ".join(f"{key}: {value}" for key, value in constants.items())
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"'
        f" convolution_param {{ num_output: 4 {said} }} }}\n"
    )


def pooling(name, bottom, **constants):
    said = " ".join(f"{key}: {value}" for key, value in constants.items())
    return f'layer {{ name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}" pooling_param {{ {said} }} }}\n'


def layer(kind, name, bottoms, said=""):
    read = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "{kind}" {read} top: "{name}" {said} }}\n'


def by_name(graph, inputs=None):
    return {facts.name: facts for facts in survey(graph, inputs or graph.declared)}


def walked(chain, count):
    """The first and the last pixel that each value sees, through windows of (kernel, stride, pad, dilation)."""
    found = []
    for i in range(count):
        places = {i}
        for kernel, stride, pad, dilation in reversed(chain):
            places = {place * stride - pad + tap * dilation for place in places for tap in range(kernel)}
        found.append((min(places), max(places)))
    return found


@pytest.mark.parametrize(
    "chain",
    [
        [(7, 2, 3, 1)],
        [(3, 1, 1, 1), (3, 2, 0, 1), (5, 1, 2, 1)],
        [(11, 4, 0, 1), (3, 2, 0, 1), (5, 1, 2, 1), (3, 2, 1, 1)],
        [(1, 3, 0, 1), (2, 2, 1, 1)],
        [(3, 1, 2, 2), (3, 2, 4, 4), (2, 1, 0, 3)],
    ],
)
def test_windows_one_by_one(chain):
    text, bottom = "", "data"
    for i, (kernel, stride, pad, dilation) in enumerate(chain):
        constants = {"kernel_size": kernel, "stride": stride, "pad": pad, "dilation": dilation}
        text += convolution(f"c{i}", bottom, **constants)
        bottom = f"c{i}"
    rows, columns = by_name(graph_of(text))[bottom].field
    assert rows == columns
    for i, (first, last) in enumerate(walked(chain, 5)):
        assert rows.start + i * rows.stride == first
        assert rows.size == last - first + 1


def test_rows_and_columns_are_apart():
    text = convolution("c", "data", kernel_h=3, kernel_w=5, stride_h=2, stride_w=1, pad_h=0, pad_w=2)
    assert by_name(graph_of(text))["c"].field == Field(View(3, 2, 0), View(5, 1, -2))


def test_branches_see_together():
    text = (
        convolution("a", "data", kernel_size=1)
        + convolution("b", "data", kernel_size=5, pad=2)
        + convolution("c", "data", kernel_size=3, pad=0)
        + layer("Concat", "ab", ["a", "b"])
        + layer("Eltwise", "sum", ["a", "b"])
        + pooling("p", "c", kernel_size=1, pad=0)
    )
    found = by_name(graph_of(text))
    assert found["ab"].field == found["sum"].field == Field(View(5, 1, -2), View(5, 1, -2))
    assert found["p"].field.rows == View(3, 1, 0)


def test_what_is_seen_whole():
    text = (
        convolution("c", "data", kernel_size=3)
        + pooling("all", "c", global_pooling="true")
        + layer("InnerProduct", "matrix", ["c"], "inner_product_param { num_output: 7 }")
        + layer("InnerProduct", "behind", ["all"], "inner_product_param { num_output: 7 }")
        + layer("Concat", "beside", ["c", "c"], "concat_param { axis: 3 }")
        + layer("Concat", "over", ["c", "c"], "concat_param { axis: -3 }")
        + layer("Flatten", "flat", ["c"])
        + layer("Softmax", "across", ["c"])
    )
    found = by_name(graph_of(text))
    assert {name for name, facts in found.items() if facts.field is None} == {
        "all", "matrix", "behind", "beside", "flat",
    }  # fmt: skip
    assert all(facts.dreamable for name, facts in found.items() if name != "data")
    # Of these only the matrix of the map has weights for one size; what is behind a global pooling takes any.
    assert {name for name, facts in found.items() if facts.fixed} == {"matrix"}


def test_what_is_not_made_of_the_image():
    text = (
        'input: "other" input_dim: [1, 3, 64, 64]\n'
        + convolution("a", "data", kernel_size=1)
        + convolution("b", "other", kernel_size=3, pad=1)
        + layer("Concat", "ab", ["a", "b"])
    )
    found = by_name(graph_of(text))
    assert [name for name, facts in found.items() if facts.dreamable] == ["a", "ab"]
    assert found["b"].field is None
    assert found["ab"].field == Field(View(1, 1, 0), View(1, 1, 0))


def test_a_blob_whose_name_ends_the_pass_before_it():
    """`forward(end="x")` ends with the layer x, which makes y; the blob x comes later, and no name ends with it."""
    text = (
        'layer { name: "x" type: "TanH" bottom: "data" top: "y" }layer { name: "z" type: "TanH" bottom: "y" top: "x" }'
    )
    found = by_name(graph_of(text))
    assert (found["y"].dreamable, found["x"].dreamable) == (True, False)


def test_in_place_layers_are_no_blobs():
    text = convolution("c", "data", kernel_size=3) + 'layer { name: "r" type: "ReLU" bottom: "c" top: "c" }'
    found = by_name(graph_of(text))
    assert list(found) == ["data", "c"]
    assert (found["c"].layer, found["c"].type) == ("c", "Convolution")


def test_costs_by_hand():
    text = (
        convolution("a", "data", kernel_size=3, bias_term="false")
        + convolution("side", "data", kernel_size=1)
        + convolution("b", "a", kernel_size=2, stride=2, group=2)
        + layer("InnerProduct", "m", ["b"], "inner_product_param { num_output: 10 transpose: true }")
    )
    graph = graph_of(text, size=(10, 12))
    found = by_name(graph)
    a, b, m = 8 * 10 * 4 * 27, 4 * 5 * 4 * 8, 10 * 80
    assert [(found[name].macs, found[name].macs_to) for name in "abm"] == [(a, a), (b, a + b), (m, a + b + m)]
    # A batch of pictures costs each of them the same.
    assert by_name(graph, {"data": (5, 3, 10, 12)})["b"].macs_to == a + b


def test_googlenet_as_it_is_known():
    found = by_name(read_graph("bvlc_googlenet"), {"data": (1, 3, 575, 1024)})
    assert found["conv1/7x7_s2"].field == Field(View(7, 2, -3), View(7, 2, -3))
    assert [found[name].field.rows.stride for name in ("pool2/3x3_s2", "inception_4c/output", "pool4/3x3_s2")] == [
        8, 16, 32,
    ]  # fmt: skip
    assert found["inception_4c/output"].macs_to == pytest.approx(13.77e9, rel=1e-4)
    assert found["inception_4c/output"].shape == (1, 512, 36, 64)
    assert isinstance(found["prob"].shape, ShapeError)
    assert (found["prob"].macs, found["prob"].macs_to, found["prob"].fixed) == (None, None, True)
    assert found["inception_4c/output"].fixed is False


def test_alexnet_as_it_is_known():
    """724 million multiplications, and the fields of the literature."""
    graph = read_graph("bvlc_alexnet")
    found = by_name(graph)
    assert found["fc8"].macs_to == pytest.approx(724.4e6, rel=1e-4)
    assert [found[name].field.rows.size for name in ("conv1", "pool1", "conv2", "conv5", "pool5")] == [
        11, 19, 51, 163, 195,
    ]  # fmt: skip
    assert [name for name, facts in found.items() if facts.fixed] == ["fc6", "fc7", "fc8", "prob"]


@pytest.mark.parametrize("end", ["fire2/concat", "fire4/concat"])
def test_a_gradient_stays_in_the_field(squeezenet64, end):
    """Of one value, and it comes to within a pooling window of the field's edges."""
    net = squeezenet64
    before = net.blobs["data"].shape
    net.blobs["data"].reshape(1, 3, 131, 131)
    try:
        net.blobs["data"].data[...] = np.random.RandomState(0).uniform(-120, 120, (1, 3, 131, 131))
        net.forward(end=end)
        net.blobs[end].diff[...] = 0
        net.blobs[end].diff[0, :, 5, 6] = 1
        net.backward(start=end)
        there = np.abs(net.blobs["data"].diff[0]).max(axis=0) > 0
    finally:
        net.blobs["data"].reshape(*before)
    found = fields(net.graph)[net.graph.first_value(end)]
    for axis, place, view in ((1, 5, found.rows), (0, 6, found.columns)):
        first = view.start + place * view.stride
        seen = np.flatnonzero(there.any(axis=axis))
        assert max(first, 0) <= seen.min() <= max(first, 0) + view.stride
        assert first + view.size - 1 - view.stride <= seen.max() <= first + view.size - 1


def test_a_size_that_is_too_small():
    found = by_name(read_graph("squeezenet_v1.1"), {"data": (1, 3, 20, 20)})
    assert isinstance(found["pool5"].shape, tuple)
    tiny = by_name(read_graph("squeezenet_v1.1"), {"data": (1, 3, 2, 2)})
    assert all(isinstance(facts.shape, ShapeError) for name, facts in tiny.items() if name != "data")
    assert not any(facts.fixed for facts in tiny.values())


# ---- what a pass costs, in graphs of any form ----


def relu(name, *bottoms):
    return layers.ReLU(name, bottoms, (name,), negative_slope=0.0)


def test_costs_of_branches_that_meet():
    """Against the sum over all that a blob is made of."""
    rng = random.Random(1)
    for _ in range(5):
        names, text = ["data"], ""
        for i in range(40):
            bottoms = rng.sample(names[-6:], min(rng.randint(1, 3), len(names[-6:])))
            text += convolution(f"c{i}", bottoms[0], kernel_size=1)
            text += layer("Concat", f"m{i}", [f"c{i}", *bottoms])
            names += [f"c{i}", f"m{i}"]
        graph = graph_of(text, (8, 8))
        found = by_name(graph)
        for name in names[1:]:
            steps = graph.needed([graph.first_value(name)], len(graph.steps))
            assert found[name].macs_to == sum(found[step.layer.name].macs for step in steps)


def test_many_layers_take_time_in_proportion():
    chain = [relu("0", "data"), *(relu(str(i), str(i - 1)) for i in range(1, 10_000))]
    began = time.process_time()
    graph = Graph("chain", {"data": (1, 3, 8, 8)}, chain)
    assert len(survey(graph, graph.declared)) == 10_001
    assert time.process_time() - began < 3  # it was half a minute


def test_branches_that_never_meet(monkeypatch):
    """The work that they would take has a bound; what is behind it is unknown."""
    monkeypatch.setattr(geometry, "_MOST_VISITS", 10_000)
    text, ends = "", ["data", "data"]
    for i in range(300):
        text += layer("Eltwise", f"a{i}", ends) + layer("Eltwise", f"b{i}", ends)
        ends = [f"a{i}", f"b{i}"]
    found = by_name(graph_of(text, (8, 8)))
    assert found["a10"].macs_to == 0
    assert found["a299"].macs_to is None
