"""Constants that are computed: a few bytes of a graph can ask for terabytes, and get no more than a budget."""

import time
import tracemalloc

import numpy as np
import pytest

from pydream.formats import InputSpec, graphdef
from pydream.formats.graphdef import nodes
from pydream.formats.graphdef.folding import fold
from pydream.formats.graphdef.nodes import Budget, LeftOutError, read_nodes
from pydream.formats.graphdef.proto import GraphDef

MOST = 2**20  # bytes, here
N = 2**17  # numbers of float32: half of it


def attribute(node, key):
    return node.attr.add(key=key).value


class Made:
    """A graph of a convolution, and of constants beside it."""

    def __init__(self):
        self.proto = GraphDef()
        attribute(self.node("x", "Placeholder"), "dtype").type = 1
        self.const("k", np.ones((1, 1, 3, 4), np.float32))
        conv = self.node("c", "Conv2D", "x", "k")
        attribute(conv, "strides").list.i.extend([1, 1, 1, 1])
        attribute(conv, "padding").s = b"SAME"

    def node(self, name, op, *inputs):
        made = self.proto.node.add(name=name, op=op)
        made.input.extend(inputs)
        return made

    def const(self, name, values):
        tensor = attribute(self.node(name, "Const"), "value").tensor
        tensor.dtype = {"float32": 1, "int32": 3}[values.dtype.name]
        for size in values.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = values.tobytes()

    def wide(self, name, *shape, kind=1):
        """One number for all."""
        tensor = attribute(self.node(name, "Const"), "value").tensor
        tensor.dtype = kind
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        (tensor.float_val if kind == 1 else tensor.int_val).append(2)

    def read(self):
        return graphdef.graph(self.proto.SerializeToString(), InputSpec(), "some.pb")


def integers(*values):
    return np.array(values, np.int32)


def exp(graph):
    graph.wide("w", 2 * N)
    graph.node("e", "Exp", "w")


def four(graph):
    graph.wide("w", N // 2)
    for i in range(9):
        graph.node(f"e{i}", "Exp", "w")


def fill(graph):
    graph.const("s", integers(2 * N))
    graph.const("v", np.float32([1]).reshape(()))
    graph.node("f", "Fill", "s", "v")


def crossed(graph):
    graph.wide("w", 2**9, 1)
    graph.wide("u", 1, 2**9)
    graph.node("e", "Mul", "w", "u")


def concat(graph):
    graph.wide("w", N // 4)
    graph.const("axis", integers(0).reshape(()))
    graph.node("e", "ConcatV2", *["w"] * 8, "axis")


def doubled(graph):
    graph.const("axis", integers(0).reshape(()))
    graph.wide("w0", 1000)
    for i in range(40):
        graph.node(f"w{i + 1}", "ConcatV2", f"w{i}", f"w{i}", "axis")


def pack(graph):
    graph.wide("w", N // 4)
    graph.node("p", "Pack", *["w"] * 8)


def total(graph):
    graph.wide("w", N)
    graph.const("axis", integers(0))
    graph.node("s", "Sum", "w", "axis")


def turned(graph):
    graph.wide("w", 2**9, 2**8)
    graph.const("axes", integers(1, 0))
    graph.const("shape", integers(-1))
    graph.node("t", "Transpose", "w", "axes")
    for i in range(9):
        graph.node(f"r{i}", "Reshape", "t", "shape")


def counted(graph):
    """The difference of its ends is no int32."""
    for name, value in (("a", -(2**31)), ("b", 2**31 - 1), ("d", 1)):
        graph.const(name, integers(value).reshape(()))
    graph.node("r", "Range", "a", "b", "d")


def axes(graph):
    """Sizes and axes are few numbers."""
    graph.wide("w", N, kind=3)
    graph.const("v", np.float32([1, 2, 3]))
    for op in ("Slice", "StridedSlice", "Fill", "Sum", "Reshape", "Transpose"):
        graph.node(op, op, *({"Slice": "vww", "StridedSlice": "vwww", "Fill": "wv"}.get(op, "vw")))


def normalised(graph):
    graph.wide("w", N // 2)
    attribute(graph.node("bn", "FusedBatchNorm", "c", "w", "w", "w", "w"), "is_training").b = False


GRAPHS = [exp, four, fill, crossed, concat, doubled, pack, total, turned, counted, axes, normalised]


@pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)
def test_what_is_computed_has_a_budget(monkeypatch, build):
    monkeypatch.setattr(nodes, "MAX_MADE", MOST)
    graph = Made()
    build(graph)
    tracemalloc.start()
    try:
        read = graph.read()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1.3 * MOST
    assert "c" in read.blobs  # the rest can be dreamt with
    message = str(read.unknown_blob(graph.proto.node[-1].name))
    assert ("1048576 bytes" in message) or ("at most 64" in message)


def test_computing_has_a_budget(monkeypatch):
    """Results may be small, and take for ever."""
    monkeypatch.setattr(nodes, "MAX_WORK", 2**20)
    graph = Made()
    graph.wide("w", N)
    graph.const("axis", integers(0))
    for i in range(1000):
        graph.node(f"s{i}", "Sum", "w", "axis")
    began = time.process_time()
    assert "to compute" in str(graph.read().unknown_blob("s999"))
    assert time.process_time() - began < 0.5


FORMULAS = [
    ("Cast", np.float16([1, 2]), np.float64([1, 2])),
    ("Rsqrt", np.float32([4, 0.25]), np.float64([0.5, 2])),
    ("Square", np.float16([300]), np.float64([90000])),  # too large for a float16
    ("Neg", integers(1, 2), integers(-1, -2)),
]


@pytest.mark.parametrize(("op", "values", "expected"), FORMULAS)
def test_formulas(op, values, expected):
    graph = GraphDef()
    node = graph.node.add(name="n", op=op)
    attribute(node, "DstT").type = 1
    (node,) = read_nodes(graph.SerializeToString(), "some.pb")
    before = values.copy()
    made = fold(node, Budget(), values)
    np.testing.assert_array_equal(made, expected, strict=True)
    np.testing.assert_array_equal(values, before, strict=True)


def test_a_budget_counts_what_stays():
    budget = Budget()
    (node,) = read_nodes(GraphDef(node=Made().proto.node[:1]).SerializeToString(), "some.pb")
    budget.take(node, 2**30)
    budget.check(node, 2**30)
    with pytest.raises(LeftOutError, match=r"'x' .* takes 1073741825 bytes"):
        budget.check(node, 2**30 + 1)
