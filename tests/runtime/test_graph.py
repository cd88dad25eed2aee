"""Whole networks: which layers run, where gradients add up, what blobs hold afterwards, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from support import nets, oracle

import pydream.caffe
from pydream import zoo
from pydream.dream.octaves import check_octaves
from pydream.errors import NetFileError, ShapeError, UnknownNameError
from pydream.runtime import Graph, Net, layers

SHAPE = (2, 3, 9, 8)
TEXT = (
    nets.inputs(data=SHAPE)
    + nets.layer("conv1", "Convolution", "data", "conv1", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }")
    + nets.layer("relu1", "ReLU", "conv1", "conv1")
    + nets.layer("pool1", "Pooling", "conv1", "pool1", "pooling_param { kernel_size: 3 stride: 2 }")
    + nets.layer("left", "Convolution", "pool1", "left", "convolution_param { num_output: 3 kernel_size: 1 }")
    + nets.layer("left_relu", "ReLU", "left", "left", "relu_param { negative_slope: 0.5 }")
    + nets.layer("right", "LRN", "pool1", "right", "lrn_param { local_size: 3 alpha: 0.5 }")
    + nets.layer("aside", "Pooling", "left", "aside", "pooling_param { pool: AVE global_pooling: true }")
    + nets.layer("join", "Concat", "left right pool1", "join")
    + nets.layer("gain", "Scale", "join", "join", "scale_param { bias_term: true }")
    + nets.layer("out", "Convolution", "join", "out", "convolution_param { num_output: 2 kernel_size: 2 }")
    + nets.layer("fc", "InnerProduct", "out", "logits", "inner_product_param { num_output: 5 }")
)
_rng = np.random.default_rng(11)
PARAMS = {
    "conv1": [nets.normal(_rng, 4, 3, 3, 3), nets.normal(_rng, 4)],
    "left": [nets.normal(_rng, 3, 4, 1, 1), nets.normal(_rng, 3)],
    "gain": [nets.normal(_rng, 11), nets.normal(_rng, 11)],
    "out": [nets.normal(_rng, 2, 11, 2, 2), nets.normal(_rng, 2)],
    "fc": [nets.normal(_rng, 5, 2 * 3 * 3), nets.normal(_rng, 5)],
}
EXACT = 1e-12  # relative, in L2: float64 through seven layers


class Reference:
    """The same network by hand; a blob that is written in place has a name for each of its values."""

    def __init__(self, x):
        self.conv1_raw, self.conv1_back = oracle.convolution(x, *PARAMS["conv1"], pad=(1, 1))
        self.conv1, self.relu1_back = oracle.relu(self.conv1_raw)
        self.pool1, self.pool1_back = oracle.max_pooling(self.conv1, kernel=(3, 3), stride=(2, 2))
        self.left_raw, self.left_back = oracle.convolution(self.pool1, *PARAMS["left"])
        self.left, self.left_relu_back = oracle.relu(self.left_raw, slope=0.5)
        self.right, self.right_back = oracle.lrn(self.pool1, size=3, alpha=0.5)
        self.aside, self.aside_back = oracle.global_pooling(oracle.average_pooling, self.left)
        self.join_raw, self.join_back = oracle.concat(self.left, self.right, self.pool1)
        self.join, self.gain_back = oracle.scale(self.join_raw, *PARAMS["gain"])
        self.out, self.out_back = oracle.convolution(self.join, *PARAMS["out"])

    def from_pool1(self, diff):
        """Return the gradients at conv1 before its rectifier, and at data."""
        (conv1,) = self.pool1_back(diff)
        (conv1,) = self.relu1_back(conv1)
        return conv1, self.conv1_back(conv1)[0]

    def from_out(self, diff):
        """Return what a backward pass from `out` leaves in the blobs: at a blob's first value."""
        found = {"out": diff}
        (join,) = self.out_back(diff)
        (found["join"],) = self.gain_back(join)
        left, found["right"], direct = self.join_back(found["join"])
        (found["left"],) = self.left_relu_back(left)
        found["pool1"] = self.left_back(found["left"])[0] + self.right_back(found["right"])[0] + direct
        found["conv1"], found["data"] = self.from_pool1(found["pool1"])
        return found


@pytest.fixture(scope="module")
def shared(build):
    return build(TEXT, **PARAMS)


@pytest.fixture
def x():
    return nets.normal(np.random.default_rng(0), *SHAPE)


@pytest.fixture
def net(shared, x):
    """The network with `x` in its input, and nothing else of the last test's."""
    shared.blobs["data"].reshape(1, 3, 5, 5)
    shared.blobs["data"].reshape(*SHAPE)
    shared.blobs["data"].data[...] = x
    return shared


def in_caffes_order(net, tensor):
    return tensor.transpose(0, 3, 1, 2) if net.channels_last else tensor


def near(got, wanted):
    return nets.off(got, wanted) < EXACT


def seed(net, blob, number=1):
    diff = nets.normal(np.random.default_rng(number), *net.blobs[blob].shape)
    net.blobs[blob].diff[...] = diff
    return diff


def test_names(net):
    assert list(net.blobs) == ["data", "conv1", "pool1", "left", "right", "aside", "join", "out", "logits"]
    assert net.layer_names == [
        "conv1", "relu1", "pool1", "left", "left_relu", "right", "aside", "join", "gain", "out", "fc",
    ]  # fmt: skip
    assert net.top_names["relu1"] == net.bottom_names["relu1"] == ["conv1"]
    assert (net.bottom_names["join"], net.top_names["fc"]) == (["left", "right", "pool1"], ["logits"])
    assert net.inputs == ["data"]
    assert net.outputs == ["aside", "logits"]
    assert len(net.blobs) == 9
    assert "join" in net.blobs
    assert "gain" not in net.blobs
    assert list(net.params) == ["conv1", "left", "gain", "out", "fc"]
    assert net.params["conv1"][0].shape == (4, 3, 3, 3)
    assert np.array_equal(net.params["fc"][1].data, PARAMS["fc"][1])


def test_every_blob_after_the_whole_network(net, x):
    wanted = Reference(x)
    outputs = net.forward()
    assert list(outputs) == ["aside", "logits"]
    assert len(outputs) == 2
    for name in ("conv1", "pool1", "left", "right", "aside", "join", "out"):
        assert near(net.blobs[name].data, getattr(wanted, name)), name
    assert near(outputs["logits"], oracle.inner_product(wanted.out, *PARAMS["fc"])[0])
    with pytest.raises(KeyError):
        outputs["join"]


def test_every_diff_after_going_back(net, x):
    net.forward(end="out")
    diff = seed(net, "out")
    given = net.backward(start="out")
    wanted = Reference(x).from_out(diff)
    for name, values in wanted.items():
        assert near(net.blobs[name].diff, values), name
    for name in ("aside", "logits"):
        assert not net.blobs[name].diff.any()
    assert near(in_caffes_order(net, given), wanted["data"])


def test_end_before_an_in_place_layer(net, x):
    """`end: "conv1"` is the convolution: its rectifier has not run, and takes no part in the way back."""
    wanted = Reference(x)
    outputs = net.forward(end="conv1")
    assert list(outputs) == ["conv1"]
    assert near(outputs["conv1"], wanted.conv1_raw)
    diff = seed(net, "conv1")
    net.backward(start="conv1")
    assert near(net.blobs["data"].diff, wanted.conv1_back(diff)[0])
    assert np.array_equal(net.blobs["conv1"].diff, diff)


def test_end_at_an_in_place_layer(net, x):
    wanted = Reference(x)
    outputs = net.forward(end="relu1")
    assert list(outputs) == ["conv1"]
    assert near(outputs["conv1"], wanted.conv1)
    diff = seed(net, "conv1")
    net.backward(start="relu1")
    assert near(net.blobs["data"].diff, wanted.conv1_back(wanted.relu1_back(diff)[0])[0])
    net.forward(end="gain")
    assert near(net.blobs["join"].data, wanted.join)
    net.forward(end="join")
    assert near(net.blobs["join"].data, wanted.join_raw)


def test_what_other_layers_left_behind_counts_not(net, x):
    """Only the branch that `start` is made of has a gradient, whatever stands in the others' diffs."""
    wanted = Reference(x)
    net.forward()
    written = {blob: seed(net, blob, 9) for blob in ("aside", "logits", "right", "join", "conv1")}
    diff = seed(net, "left")
    net.backward(start="left")
    (pool1,) = wanted.left_back(diff)  # `left` is the convolution, before its rectifier
    assert near(net.blobs["pool1"].diff, pool1)
    assert near(net.blobs["data"].diff, wanted.from_pool1(pool1)[1])
    assert np.array_equal(net.blobs["right"].diff, written["right"])  # nothing came by: what was written stays
    diff = seed(net, "aside")
    net.backward(start="aside")
    (left,) = wanted.left_relu_back(wanted.aside_back(diff)[0])
    assert near(net.blobs["left"].diff, left)
    assert near(net.blobs["data"].diff, wanted.from_pool1(wanted.left_back(left)[0])[1])


def test_a_start_before_the_end(net, x):
    wanted = Reference(x)
    net.forward(end="out")
    for start in ("right", "conv1", "out"):
        diff = seed(net, start)
        net.backward(start=start)
        found = {
            "right": lambda d: wanted.from_pool1(wanted.right_back(d)[0])[1],
            "conv1": lambda d: wanted.conv1_back(d)[0],
            "out": lambda d: wanted.from_out(d)["data"],
        }[start](diff)
        assert near(net.blobs["data"].diff, found), start


def test_blobs_beside_and_beyond_the_end(net, x):
    """Caffe runs every layer up to `end`, needed or not; what lies behind has no value."""
    wanted = Reference(x)
    net.forward(end="right")
    assert near(net.blobs["left"].data, wanted.left)
    assert near(net.blobs["conv1"].data, wanted.conv1)
    assert net.blobs["join"].shape == net.blobs["join"].data.shape == wanted.join.shape
    assert not net.blobs["join"].data.any()


def test_backward_without_a_start_goes_from_the_end(net, x):
    net.forward(end="out")
    diff = seed(net, "out")
    net.backward()
    assert near(net.blobs["data"].diff, Reference(x).from_out(diff)["data"])


def test_backward_twice_is_the_same(net):
    net.forward(end="out")
    seed(net, "out")
    first = net.backward(start="out").copy()
    assert np.array_equal(net.backward(start="out"), first)
    seed(net, "out", 2)
    assert not np.array_equal(net.backward(start="out"), first)


def test_diff_persists_between_steps(net, x):
    """What was written into `diff` once serves every step, as in Caffe."""
    net.forward(end="out")
    diff = seed(net, "out")
    net.backward(start="out")
    other = x[::-1] * 0.7
    net.blobs["data"].data[...] = other
    net.forward(end="out")
    net.backward(start="out")
    assert np.array_equal(net.blobs["out"].diff, diff)
    assert near(net.blobs["data"].diff, Reference(other).from_out(diff)["data"])


def test_writing_into_parts_and_views(net, x):
    data = net.blobs["data"].data
    assert data.flags.c_contiguous
    assert data.flags.writeable
    data[0] = np.roll(data[0], 3, -1)
    data[1, 2, 4:, :] += 0.5
    data.reshape(2, -1)[:, 5] = 2
    data[:] *= 0.5
    assert net.blobs["data"].data is data
    kept = data.copy()
    wanted = Reference(kept)
    net.forward(end="out")
    assert np.array_equal(net.blobs["data"].data, kept)
    assert near(net.blobs["out"].data, wanted.out)
    diff = net.blobs["out"].diff
    assert diff.flags.c_contiguous
    assert not diff.any()
    diff[0].reshape(2, -1)[:] = [[1], [2]]
    diff[1, 1, 0, 2] = -3
    net.backward(start="out")
    full = np.zeros(wanted.out.shape)
    full[0, 0], full[0, 1], full[1, 1, 0, 2] = 1, 2, -3
    assert near(net.blobs["data"].diff, wanted.from_out(full)["data"])


def test_writing_into_computed_data_is_for_those_who_read(net, x):
    net.forward(end="out")
    net.blobs["out"].data[...] = 7
    assert (net.blobs["out"].data == 7).all()
    net.blobs["out"].copy_data_to_diff()
    assert (net.blobs["out"].diff == 7).all()
    net.forward(end="out")
    assert near(net.blobs["out"].data, Reference(x).out)


def test_copying_data_to_diff(net, x):
    wanted = Reference(x)
    net.forward(end="out")
    net.blobs["out"].copy_data_to_diff()  # nobody has read either
    net.backward(start="out")
    assert near(net.blobs["data"].diff, wanted.from_out(wanted.out)["data"])
    assert near(net.blobs["out"].diff, wanted.out)
    net.blobs["out"].diff[...] *= 2
    net.backward(start="out")
    assert near(net.blobs["data"].diff, wanted.from_out(2 * wanted.out)["data"])
    net.forward(end="conv1")
    net.blobs["conv1"].copy_data_to_diff()
    net.backward(start="conv1")
    assert near(net.blobs["data"].diff, wanted.conv1_back(wanted.conv1_raw)[0])
    net.blobs["data"].copy_data_to_diff()
    assert np.array_equal(net.blobs["data"].diff, x)


def test_forward_with_an_array(net, x):
    other = x * 2 - 1
    out = net.forward(end="out", data=other)["out"]
    assert np.array_equal(net.blobs["data"].data, other)
    assert near(out, Reference(other).out)
    with pytest.raises(ValueError, match="broadcast"):
        net.forward(end="out", data=other[:, :2])
    with pytest.raises(UnknownNameError, match=r"no input 'date'.*'data'"):
        net.forward(end="out", date=other)


def test_forward_with_a_tensor(net, x):
    tensor = np.ascontiguousarray((x * 3).transpose(0, 2, 3, 1) if net.channels_last else x * 3)
    assert near(net.forward(end="out", tensor=tensor)["out"], Reference(x * 3).out)
    assert near(net.blobs["left"].data, Reference(x * 3).left)
    assert np.array_equal(net.blobs["data"].data, x)
    with pytest.raises(ShapeError, match=r"tensor: float64 \(2, 8, 3, 9\), expected float64 \(2, \d, \d, \d\)"):
        net.forward(end="out", tensor=x.transpose(0, 3, 1, 2))
    with pytest.raises(ShapeError, match=r"float32 .* expected float64"):
        net.forward(end="out", tensor=tensor.astype(np.float32))


def test_other_sizes(net, x):
    """One net, many sizes and batches; every blob's shape follows the input's."""
    for shape in ((1, 3, 5, 14), (3, 3, 12, 7), SHAPE):
        values = nets.normal(np.random.default_rng(3), *shape)
        net.blobs["data"].reshape(*shape)
        assert not net.blobs["data"].data.any()
        wanted = Reference(values)
        assert net.blobs["out"].shape == wanted.out.shape
        assert net.blobs["out"].data.shape == net.blobs["out"].diff.shape == wanted.out.shape
        net.blobs["data"].data[...] = values
        net.forward(end="out")
        diff = seed(net, "out")
        net.backward(start="out")
        assert near(net.blobs["out"].data, wanted.out)
        for name, found in wanted.from_out(diff).items():
            assert near(net.blobs[name].diff, found), name
    net.blobs["data"].reshape(*SHAPE)  # the same: nothing is forgotten
    assert near(net.blobs["out"].data, wanted.out)


def test_shapes(net):
    blob = net.blobs["out"]
    assert blob.shape == (2, 2, 3, 3)
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 2, 3, 3, 36)
    assert net.blobs["logits"].shape == (2, 5)
    assert (net.blobs["logits"].height, net.blobs["logits"].width) == (1, 1)
    assert repr(blob) == "<Blob 'out'>"


def test_the_size_that_fully_connected_layers_want(net):
    net.blobs["data"].reshape(1, 3, 9, 12)
    net.forward(end="out")
    for call in (net.forward, lambda: net.forward(end="fc"), net.reshape, lambda: net.blobs["logits"].data):
        with pytest.raises(ShapeError, match=r"'fc' fits only the size .*data.* 3x9x8"):
            call()
    net.blobs["data"].reshape(1, 3, 2, 9)
    with pytest.raises(ShapeError, match="'out': 4x1 is smaller than its 2x2 kernel"):
        net.forward(end="out")
    net.forward(end="pool1")
    net.blobs["data"].reshape(5, 3, 9, 8)  # another batch fits
    net.reshape()
    assert net.forward()["logits"].shape == (5, 5)


def test_sizes_that_an_input_cannot_have(net):
    data = net.blobs["data"]
    for dims, words in (
        ((2, 4, 9, 8), "other axes or channels"),
        ((2, 3, 9), "other axes or channels"),
        ((2, 3, 0, 8), "cannot be"),
        ((2, 3, -1, 8), "cannot be"),
        ((1, 3, 10**6, 10**6), "cannot be .* 2147483647"),
    ):
        with pytest.raises(ShapeError, match=words):
            data.reshape(*dims)
    assert data.shape == SHAPE
    with pytest.raises(ShapeError, match="'pool1' is computed; reshape the input, data"):
        net.blobs["pool1"].reshape(*SHAPE)


def test_names_that_are_none(net):
    for name, words in (
        ("polo1", "no layer 'polo1'; close: 'pool1'"),
        ("data", "'data' is an input"),
        ("nothing like it", "there are: 'conv1', 'relu1'"),
    ):
        with pytest.raises(UnknownNameError, match=words):
            net.forward(end=name)
    for name, words in (
        ("polo1", "no blob 'polo1'; close: 'pool1'"),
        ("left_relu", "'left_relu' is a layer that works in place on the blob 'left'"),
        ("fc", "'fc' is a layer that writes the blob 'logits'"),
    ):
        with pytest.raises(UnknownNameError, match=words):
            net.blobs[name]
    assert list(net.forward(end="logits")) == ["logits"]  # a blob's name, where no layer has it


def test_going_back_where_nobody_went(net):
    with pytest.raises(ShapeError, match="run forward to it"):
        net.backward(start="conv1")
    with pytest.raises(ShapeError, match="run forward"):
        net.backward()
    net.forward(end="left")
    with pytest.raises(ShapeError, match=r"'out'.*run forward to it"):
        net.backward(start="out")
    net.blobs["data"].reshape(1, 3, 9, 8)
    with pytest.raises(ShapeError, match="run forward"):
        net.backward(start="left")


def test_float32_through_a_whole_network(build, x):
    net = build(TEXT, "float32", **PARAMS)
    wanted = Reference(x)
    net.forward(end="out", data=x)
    assert net.blobs["out"].data.dtype == np.float32
    assert nets.off(net.blobs["out"].data, wanted.out) < 2e-6
    diff = seed(net, "out")
    assert net.backward(start="out").dtype == np.float32
    assert nets.off(net.blobs["data"].diff, wanted.from_out(diff)["data"]) < 2e-6


def test_weights_are_read_only(net):
    with pytest.raises(ValueError, match="read-only"):
        net.params["conv1"][0].data[...] = 0


def test_a_graph_and_weights_are_a_net():
    """Without a file; weights of another dtype are converted, and are read-only too."""
    graph = Graph("tiny", {"data": (1, 3, 2, 2)}, [layers.InnerProduct("fc", ("data",), ("y",), 1, False, False)])
    net = Net(graph, {"fc": [np.arange(12.0).reshape(1, 12)]}, "float32", "numpy", mean=(1, 2, 3), channel_order="RGB")
    net.blobs["data"].data[...] = 1
    assert net.forward()["y"].tolist() == [[66]]
    assert (net.channel_order, net.mean.ravel().tolist(), net.mean.dtype) == ("RGB", [1, 2, 3], np.float32)
    with pytest.raises(ValueError, match="read-only"):
        net.params["fc"][0].data[...] = 0


# Several inputs.


def test_two_inputs(build):
    text = (
        nets.inputs(a=(1, 2, 3, 5), b=(1, 2, 3, 5))
        + nets.layer("square", "Power", "b", "square", "power_param { power: 2 }")
        + nets.layer("join", "Eltwise", "a square", "y", "eltwise_param { operation: PROD }")
    )
    net = build(text)
    rng = np.random.default_rng(0)
    for shape in ((1, 2, 3, 5), (2, 2, 4, 3)):
        a, b = nets.normal(rng, *shape), nets.normal(rng, *shape)
        net.blobs["a"].reshape(*shape)
        net.blobs["b"].reshape(*shape)
        net.forward(a=a, b=b)
        assert near(net.blobs["y"].data, a * b * b)
        diff = seed(net, "y")
        given = net.backward()
        assert near(net.blobs["a"].diff, diff * b * b)
        assert near(net.blobs["b"].diff, 2 * diff * a * b)
        assert near(in_caffes_order(net, given), diff * b * b)
    net.blobs["a"].reshape(1, 2, 4, 3)
    with pytest.raises(ShapeError, match="different shapes"):
        net.forward()


def test_a_start_that_does_not_see_the_first_input(build):
    text = (
        nets.inputs(a=(1, 2, 3, 5), b=(1, 2, 3, 5))
        + nets.layer("square", "Power", "b", "square", "power_param { power: 2 }")
        + nets.layer("join", "Eltwise", "a square", "y", "eltwise_param { operation: PROD }")
    )
    net = build(text)
    b = nets.normal(np.random.default_rng(0), 1, 2, 3, 5)
    net.forward(end="square", a=b + 1, b=b)
    diff = seed(net, "square")
    given = net.backward(start="square")
    assert near(net.blobs["b"].diff, 2 * diff * b)
    assert not net.blobs["a"].diff.any()
    assert in_caffes_order(net, given).shape == (1, 2, 3, 5)
    assert not given.any()


# Gradients that add up.


def test_split_and_its_sum(build):
    text = (
        nets.inputs(x=(1, 2, 3, 5))
        + nets.layer("parts", "Split", "x", "p q r")
        + nets.layer("double", "Power", "p", "double", "power_param { scale: 2 }")
        + nets.layer("join", "Eltwise", "double q", "y", "eltwise_param { operation: PROD }")
    )
    net = build(text)
    x = nets.normal(np.random.default_rng(0), 1, 2, 3, 5)
    outputs = net.forward(end="parts", x=x)
    assert list(outputs) == ["p", "q", "r"]
    assert all(np.array_equal(outputs[name], x) for name in "pqr")
    diffs = [seed(net, name, i) for i, name in enumerate("pqr")]
    net.backward(start="parts")
    assert near(net.blobs["x"].diff, oracle.split(x, 3)[1](*diffs)[0])
    net.forward()
    assert net.outputs == ["r", "y"]
    diff = seed(net, "y")
    net.backward(start="join")  # r's diff, which stands there still, is no part of it
    assert near(net.blobs["y"].data, 2 * x * x)
    assert near(net.blobs["x"].diff, 4 * diff * x)


def test_a_blob_twice_in_one_layer(build):
    text = (
        nets.inputs(x=(1, 2, 3, 5))
        + nets.layer("square", "Eltwise", "x x", "square", "eltwise_param { operation: PROD }")
        + nets.layer("twins", "Concat", "x square x", "twins")
    )
    net = build(text)
    x = nets.normal(np.random.default_rng(0), 1, 2, 3, 5)
    net.forward(x=x)
    assert near(net.blobs["twins"].data, np.concatenate([x, x * x, x], axis=1))
    diff = seed(net, "twins")
    net.backward()
    assert near(net.blobs["x"].diff, diff[:, :2] + 2 * x * diff[:, 2:4] + diff[:, 4:])


def test_a_blob_read_before_and_after_an_in_place_layer(build):
    """Each layer sees the value that the blob has when it runs."""
    text = (
        nets.inputs(x=(1, 2, 3, 5))
        + nets.layer("h", "Power", "x", "h", "power_param { scale: 3 shift: 0.5 }")
        + nets.layer("before", "Power", "h", "before", "power_param { power: 2 }")
        + nets.layer("bend", "Scale", "h", "h", "scale_param { num_axes: 0 }")
        + nets.layer("bend_again", "Exp", "h", "h")
        + nets.layer("sum", "Eltwise", "before h", "sum")
    )
    net = build(text, bend=[0.75])
    x = nets.spread(np.random.default_rng(0), (1, 2, 3, 5))
    net.forward(x=x)
    h = 3 * x + 0.5
    bent = 0.75 * h
    assert near(net.blobs["sum"].data, h**2 + np.exp(bent))
    assert near(net.blobs["h"].data, np.exp(bent))
    diff = seed(net, "sum")
    net.backward()
    at_h = diff * (2 * h + 0.75 * np.exp(bent))
    assert near(net.blobs["h"].diff, at_h)
    assert near(net.blobs["x"].diff, 3 * at_h)
    net.forward(end="bend")
    assert near(net.blobs["h"].data, bent)
    assert near(net.blobs["before"].data, h**2)


def test_in_place_on_the_input(build):
    """The input keeps what was written into it: a dream steps on from there. Its diff is the gradient at that."""
    text = (
        nets.inputs(x=(1, 2, 3, 5))
        + nets.layer("centre", "Scale", "x", "x", "scale_param { num_axes: 0 bias_term: true }")
        + nets.layer("square", "Power", "x", "y", "power_param { power: 2 }")
    )
    net = build(text, centre=[0.5, -1.0])
    x = nets.normal(np.random.default_rng(0), 1, 2, 3, 5)
    for _ in range(2):
        net.forward(x=x)
        assert near(net.blobs["y"].data, (0.5 * x - 1) ** 2)
        diff = seed(net, "y")
        net.backward()
        assert near(net.blobs["x"].diff, diff * (0.5 * x - 1))
        assert np.array_equal(net.blobs["x"].data, x)
        net.blobs["x"].diff[...] = diff
        net.backward(start="centre")
        assert near(net.blobs["x"].diff, 0.5 * diff)


# Networks that cannot be.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (nets.layer("it", "ReLU", "y", "z"), "'it': no blob 'y' before it"),
        (nets.layer("one", "ReLU", "x", "y") + nets.layer("it", "TanH", "x", "y"), "'it': blob 'y' is made twice"),
        (nets.layer("it", "Split", "x", "y y"), "'y' is made twice"),
        (nets.layer("it", "TanH", "x", "y") + nets.layer("other", "ReLU", "y", "x"), "'other': blob 'x' is made twice"),
    ],
)
def test_networks_that_cannot_be(build, text, words):
    with pytest.raises(NetFileError, match=re.escape(words)):
        build(nets.inputs(x=(1, 2, 3, 4)) + text, it=[np.ones(2)])


def test_two_layers_with_weights_of_one_name(build):
    graph = build(nets.inputs(x=(1, 2, 3, 4)) + nets.layer("it", "Scale", "x", "y"), it=[np.ones(2)]).graph
    (first,) = (step.layer for step in graph.steps)
    with pytest.raises(NetFileError, match="two layers with weights are named 'it'"):
        Graph("twice", graph.declared, [first, replace(first, bottoms=("y",), tops=("z",))])


HALF = "pooling_param { kernel_size: 2 stride: 2 }"
ONE_BY_ONE = "convolution_param { num_output: 1 kernel_size: 1 }"


def test_a_layer_without_weights_may_have_the_name_of_one_with(build):
    text = nets.inputs(data=(1, 1, 4, 4)) + nets.layer("it", "Convolution", "data", "x", ONE_BY_ONE)
    text += nets.layer("it", "Pooling", "x", "y", HALF)
    net = build(text, it=[np.full((1, 1, 1, 1), 3.0), np.zeros(1)])
    out, diff = nets.passes(net, "y", np.arange(16.0).reshape(1, 1, 4, 4))
    assert out.tolist() == [[[[15, 21], [39, 45]]]]
    assert diff[0, 0, 3].tolist() == [0, 117, 0, 135]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (("Pooling", "x", "x", HALF), r"writes \(1, 2, 2, 2\) over its bottom 'x'"),
        (("Slice", "x", "x z", "slice_param { slice_point: 1 }"), r"writes \(1, 1, 4, 4\) over its bottom 'x'"),
    ],
)
def test_a_layer_in_place_keeps_the_size(build, layer, words):
    text = nets.inputs(data=(1, 2, 4, 4)) + nets.layer("relu", "ReLU", "data", "x")
    net = build(text + nets.layer("it", *layer) + nets.layer("next", "TanH", "x", "y"))
    assert net.blobs["x"].data.shape == net.blobs["x"].diff.shape == (1, 2, 4, 4)
    with pytest.raises(UnknownNameError, match=words):
        net.forward(end="y")


def test_normalising_one_channel_whose_gradient_has_no_known_shape(build):
    text = nets.inputs(data=(1, 1, 4, 5)) + nets.layer(
        "norm", "LRN", "data", "x", "lrn_param { local_size: 3 alpha: 3 }"
    )
    net = build(text + nets.layer("columns", "Im2col", "x", "y", "convolution_param { kernel_size: 1 }"))
    image = nets.normal(np.random.default_rng(0), 1, 1, 4, 5)
    out, diff = nets.passes(net, "y", image)
    scale = 1 + image * image
    assert nets.off(out, image * scale**-0.75) < 1e-12
    assert nets.off(diff, image * scale**-1.5 - 1.5 * image**3 * scale**-2.5) < 1e-12


def test_phase_and_dtype(build):
    text = nets.inputs(x=(1, 2)) + nets.layer("it", "ReLU", "x", "y")
    assert pydream.caffe.Net(nets.parse(text), pydream.caffe.TEST).dtype == np.float32
    with pytest.raises(ValueError, match="phase must be TEST"):
        pydream.caffe.Net(nets.parse(text), pydream.caffe.TRAIN)
    with pytest.raises(ValueError, match="float16 is not supported"):
        build(text, "float16")


def test_a_blob_beyond_caffes_limit_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "wide.prototxt"
    path.write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 1 dim: 1 } } }\n'
        'layer { name: "wide" type: "Convolution" bottom: "data" top: "wide" '
        "convolution_param { num_output: 4 kernel_size: 1 pad: 20000 } }"
    )
    with pytest.raises(ShapeError, match="layer 'wide' would make 1x4x40001x40001 values, more than 2147483647"):
        zoo.read_graph(path)


def test_a_dilated_kernel_that_is_too_large_to_write_out(tmp_path):
    net = nets.build(
        "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }"
        "layer { name: 'far' type: 'Convolution' bottom: 'data' top: 'far' "
        "convolution_param { num_output: 1 kernel_size: 3 dilation: 10000 pad: 10000 } }",
        far=[np.ones((1, 1, 3, 3)), np.zeros(1)],
    )
    with pytest.raises(NetFileError, match="layer 'far': its dilated kernel reaches 20001x20001, too far"):
        net.forward()


def test_a_variance_below_zero_is_told(build):
    net = build(
        "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }"
        "layer { name: 'norm' type: 'BatchNorm' bottom: 'data' top: 'norm' }",
        norm=[np.zeros(2), np.array([1.0, -1.0]), np.ones(1)],
    )
    with pytest.raises(NetFileError, match="layer 'norm': a variance plus eps of its weights is not above 0"):
        net.forward()


def test_a_picture_does_not_fit_two_channels(build):
    net = build(
        "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }"
        "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'r' }"
    )
    with pytest.raises(ShapeError, match="takes 2 channels; a picture has 3"):
        check_octaves(net, "r", [(8, 8)])


def test_the_image_is_data_wherever_it_stands(build):
    """`tensor` and what `backward` gives belong to the blob that a dream is made on."""
    net = build(
        "layer { name: 'in' type: 'Input' top: 'label' top: 'data' "
        "input_param { shape { dim: 1 dim: 5 } shape { dim: 1 dim: 3 dim: 4 dim: 6 } } }"
        "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'r' }"
    )
    image = np.random.RandomState(0).randn(*((1, 4, 6, 3) if net.channels_last else (1, 3, 4, 6)))
    net.forward(end="r", tensor=image)
    net.blobs["r"].diff[...] = 1
    np.testing.assert_array_equal(net.backward(start="r"), image > 0)
    np.testing.assert_array_equal(net.blobs["data"].diff, in_caffes_order(net, image > 0))
    assert not net.blobs["label"].diff.any()


def test_shapes_of_many_sizes_take_no_more_memory():
    """Each picture of a batch may have its own size."""
    graph = Graph("one", {"data": (1, 3, 8, 8)}, [layers.ReLU("relu", ("data",), ("relu",), negative_slope=0.0)])
    for side in range(1, 5000):
        assert graph.shape("relu", {"data": (1, 3, side, 8)}) == (1, 3, side, 8)
    assert len(graph._known_shapes) <= 1024
