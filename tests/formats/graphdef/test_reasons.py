"""Ops that TensorFlow runs, as NumPy has them; and why a node is left out that does not fit."""

import numpy as np
import pytest
from support.graphdefs import add, const, graph
from support.graphs import net_of, picture

from pydream.errors import NetFileError
from pydream.formats import InputSpec
from pydream.formats.graphdef import format as form
from pydream.formats.graphdef import read
from pydream.formats.graphdef.folding import fold
from pydream.formats.graphdef.nodes import Budget, LeftOutError, Node, Source
from pydream.formats.graphdef.proto import GraphDef, NodeDef
from pydream.runtime.geometry import Window, survey
from pydream.runtime.sizes import Size


def whole(*values):
    return np.array(values, np.int32)


def ones(*shape):
    return np.ones(shape, np.float32)


def mask(**bits):
    return {f"{name}_mask": value for name, value in bits.items()}


ZERO, NINE = whole(0, 0, 0, 0), whole(9, 9, 9, 9)
# Where the picture is not the first.
INPUTS = {"Split": "n0 x", "Conv2DBackpropInput": "n0 n1 x", "DepthToSpace": "SpaceToDepth0",
          "StridedSlice8": "ExpandDims0 n0 n1 n2"}  # fmt: skip
KERNEL = np.random.default_rng(0).normal(size=(2, 2, 5, 3)).astype(np.float32)


def transposed(x):
    """Compute a transposed convolution with stride 2 and without padding, window by window."""
    made = np.zeros((1, 2 * x.shape[1], 2 * x.shape[2], 5))
    for row in range(2):
        for column in range(2):
            made[:, row::2, column::2] = x @ KERNEL[row, column].T.astype(np.float64)
    return made


# Each: constants, attributes, what NumPy makes of the picture, and rows that a value sees: size, step and padding.
RUN = {
    "Squeeze": [((), {"squeeze_dims": [0]}, lambda x: x[0], None)],
    "ExpandDims": [((whole(-2)[0],), {}, lambda x: x[..., None, :], None)],
    "Transpose": [((whole(0, 2, 1, 3),), {}, lambda x: x.transpose(0, 2, 1, 3), None)],
    "Tile": [((whole(1, 2, 1, 3),), {}, lambda x: np.tile(x, (1, 2, 1, 3)), None)],
    "Split": [((whole(3)[0],), {"num_split": 3}, lambda x: x[..., :1], Window()),
              ((whole(1)[0],), {"num_split": 2}, lambda x: x[:, :4], None)],
    "Slice": [((whole(0, 2, 1, 0), whole(1, 3, -1, 2)), {}, lambda x: x[:, 2:5, 1:, :2], None)],
    "ResizeNearestNeighbor": [((whole(16, 12),), {}, lambda x: x.repeat(2, 1).repeat(2, 2), None)],
    "SpaceToDepth": [((), {"block_size": 2},
                      lambda x: x.reshape(1, 4, 2, 3, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(1, 4, 3, 12), None)],
    "DepthToSpace": [((), {"block_size": 2}, lambda x: x, None)],
    "Conv2DBackpropInput": [((whole(1, 16, 12, 5), KERNEL),
                             {"strides": [1, 2, 2, 1], "padding": b"VALID"}, transposed, None)],
    "StridedSlice": [
        ((ZERO, NINE, whole(1, 2, 2, 1)), mask(begin=15, end=15), lambda x: x[:, ::2, ::2], Window(1, 2, 0)),
        ((whole(0, 1), whole(0, -1), whole(1, 1)), mask(begin=1, end=1), lambda x: x[:, 1:-1], Window(3, 1, 0)),
        ((whole(0, -1), whole(0, 1), whole(1, 1)), mask(ellipsis=1), lambda x: x[..., -1:1], "empty"),
        ((whole(0, 2), whole(0, 3), whole(1, 1)), mask(ellipsis=1), lambda x: x[..., 2:3], Window()),
        ((whole(0, 2), whole(1, 3), whole(1, 1)), mask(shrink_axis=2), lambda x: x[:, 2], None),
        ((whole(0), whole(1), whole(1)), mask(shrink_axis=1), lambda x: x[0], None),
        ((whole(0, 7), whole(1, 0), whole(1, -1)), mask(end=2), lambda x: x[:, ::-1], None),
        ((whole(0, 0), whole(1, 5), whole(1, 1)), {}, lambda x: x[:, :5], None),
        ((whole(0, 0, 0, 0, 1), NINE[[0] * 5], whole(1, 1, 1, 1, 1)), {}, lambda x: x[..., None, 1:], None),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def run():
    """Return the values of all these nodes for one picture, and the facts of their blobs."""
    made = GraphDef()
    add(made, "x", "Placeholder", "", {})
    made.node[0].attr.add(key="shape").value.shape.SetInParent()
    for size in (1, 8, 6, 3):
        made.node[0].attr[-1].value.shape.dim.add(size=size)
    for op, cases in RUN.items():
        for i, (constants, attributes, _, _) in enumerate(cases):
            names = [f"{op}{i}/n{place}" for place in range(len(constants))]
            for name, values in zip(names, constants, strict=True):
                const(made, name, values)
            words = INPUTS.get(f"{op}{i}", INPUTS.get(op)) or " ".join(["x", *(f"n{j}" for j in range(len(constants)))])
            words = " ".join(f"{op}{i}/{word}" if word.startswith("n") else word for word in words.split())
            add(made, f"{op}{i}", op, words, attributes)
    net = net_of(made.SerializeToString(), "float64")
    image = picture(8, 6)
    net.blobs["data"].reshape(1, 3, 8, 6)
    net.forward([name for name in net.blobs if name != "data"], tensor=image)
    values = {name: blob.data for name, blob in net.blobs.items()}
    facts = {each.name: each for each in survey(net.graph, {"data": (1, 3, 8, 6)})}
    return values, facts, net.graph.left_out, image


@pytest.mark.parametrize(("op", "case"), [(op, i) for op, cases in RUN.items() for i in range(len(cases))])
def test_what_tensorflow_runs(run, op, case):
    values, facts, left_out, image = run
    _, _, numpys, window = RUN[op][case]
    name = f"{op}{case}"
    if window == "empty":
        assert left_out[name] == f"layer {name!r} (StridedSlice) does not fit (n, h, w, c) (1, 8, 6, 3)"
        return
    wanted = numpys(image)
    found = values[name].transpose(0, 2, 3, 1) if wanted.ndim == 4 else values[name]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    field = facts[name].field
    assert (field is None) == (window is None)
    if window is not None:
        assert (field.rows.size, field.rows.stride) == (window.reach, window.stride)


def misfit(op, *more):
    shapes = " and ".join(["(1, 224, 224, 4)", *more])
    return f"layer 'n' ({op}) does not fit (n, h, w, c) {shapes}"


FLAT = [("f", "Reshape", "c n0", {})]
ROWS = {"strides": [1, 2, 2, 1], "padding": b"VALID"}
MANY = whole(1, 448, 448, 5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (graph("Tile", ones(1, 1, 1, 4), inputs=["n0", "c"]),
         "layer 'n' (Tile): its input 1 is not a constant with sizes or axes"),
        (graph("Tile", inputs=["c", "c"]), "'n' (Tile) reads 2 values of the picture, expected one"),
        (graph("Tile", whole(1, 2, 1)), misfit("Tile")),
        (graph("Mean", whole(4)), "layer 'n' (Mean): no axes [4] among 4"),
        (graph("ExpandDims", whole(-6)[0]), "layer 'n' (ExpandDims): no axes [-6] among 5"),
        (graph("Maximum", ones(7)), misfit("Maximum", "(7,)")),
        (graph("Mul", ones(4, 1)), misfit("Mul", "(4, 1)")),
        (graph("Squeeze", squeeze_dims=[1]), misfit("Squeeze")),
        (graph("Pad", whole(1, 2, 3)), "layer 'n' (Pad): 3 widths, expected two an axis"),
        (graph("Pad", whole(1, 2)), misfit("Pad")),
        (graph("MirrorPad", np.full((4, 2), 4, np.int32), mode=b"REFLECT"), misfit("MirrorPad")),
        (graph("Transpose", whole(0, 1, 1, 2)), misfit("Transpose")),
        (graph("ResizeBilinear", whole(1, 2, 3)), misfit("ResizeBilinear")),
        (graph("DepthToSpace", block_size=3), misfit("DepthToSpace")),
        (graph("SpaceToDepth", block_size=9), misfit("SpaceToDepth")),
        (graph("Split", whole(3)[0], inputs=["n0", "c"], num_split=3), misfit("Split")),
        (graph("Slice", whole(0, 0, 0), whole(1, 1, 1)), misfit("Slice")),
        (graph("Slice", ZERO, whole(1, 1, 1, 5)), misfit("Slice")),
        (graph("StridedSlice", ZERO, NINE, whole(1, 1, 1, 0)),
         "layer 'n' (StridedSlice): its places do not fit 4 axes"),
        (graph("StridedSlice", whole(0, 0), whole(1, 1), whole(1, 1), **mask(ellipsis=3)),
         "layer 'n' (StridedSlice): its places do not fit 4 axes"),
        (graph("StridedSlice", ZERO, NINE, whole(1, 1, 1, 1), **mask(new_axis=1)),
         "layer 'n' (StridedSlice): its places do not fit 4 axes"),
        (graph("StridedSlice", whole(1), whole(2), whole(1), **mask(shrink_axis=1)), misfit("StridedSlice")),
        # Transposed convolutions.
        (graph("Conv2DBackpropInput", MANY, ones(1, 224, 224, 4), inputs=["n0", "c", "n1"], **ROWS),
         misfit("Conv2DBackpropInput")),
        (graph("Conv2DBackpropInput", MANY, ones(2, 2, 5, 3), inputs=["n0", "n1", "c"], **ROWS),
         misfit("Conv2DBackpropInput")),
        (graph("Conv2DBackpropInput", MANY, ones(4, 4, 5, 4), inputs=["n0", "n1", "c"], **ROWS),
         misfit("Conv2DBackpropInput")),
        (graph("Conv2DBackpropInput", MANY, ones(2, 2, 5, 4), inputs=["n0", "n1", "c"], padding=b"FULL"),
         "'n' (Conv2DBackpropInput): padding 'FULL' is not supported"),
        (graph("Conv2DBackpropInput", MANY, ones(2, 2, 5, 4), inputs=["n0", "n1", "c"], padding=b"SAME", strides=[0]),
         "'n' (Conv2DBackpropInput): its strides or dilations are not sizes"),
        (graph("Conv2DBackpropInput", MANY, ones(2, 2, 5, 4), inputs=["n0", "n1", "c"], padding=b"EXPLICIT"),
         "'n' (Conv2DBackpropInput): explicit_paddings [] are not supported"),
        # What has layers of ours.
        (graph("AddN", ones(4)), "'n' (AddN): its input 1 does not come from the picture"),
        (graph("AddN", inputs=["c", "x"]), "'n' (AddN) adds what are not blobs of one shape"),
        (graph("MaxPool", whole(1, -1), before=FLAT, inputs=["f"]), "'n' (MaxPool) wants four axes, its input has 2"),
        (graph("MaxPool", padding=b"EXPLICIT"), "'n' (MaxPool): padding 'EXPLICIT' is not supported here"),
        (graph("Conv2D", ones(4, 4)), "'n' (Conv2D): its kernel has shape (4, 4), expected four sizes"),
        (graph("Conv2D", inputs=["c", "c"]), "'n' (Conv2D): its input 1 is not a constant"),
        (graph("Conv2D", ones(1, 1, 2, 5)), "'n' (Conv2D): 5 outputs do not fall into 2 groups"),
        (graph("Conv2D", ones(3, 3, 4, 4), strides=[1] * 4, dilations=[1, 2**14, 2**14, 1]),
         "'n' (Conv2D): its dilated kernel reaches too far to be run"),
        (graph("BatchNormWithGlobalNormalization", ones(4), ones(4), ones(4), ones(3), scale_after_normalization=True),
         "'n' (BatchNormWithGlobalNormalization): mean, variance, beta and gamma are not of one length"),
        (graph("LRN", depth_radius=-1), "'n' (LRN): depth_radius -1, expected 0 to 32768"),
        (graph("ConcatV2", ones(1)[0], inputs=["c", "c", "n0"]),
         "'n' (ConcatV2): its axis is not a constant of -4 to 3"),
        (graph("MatMul", ones(4, 2)), "'n' (MatMul): want (n, c) times a constant matrix"),
        (graph("BatchMatMulV2", ones(4, 2), adj_x=True),
         "'n' (BatchMatMulV2): want an image's channels times a constant matrix"),
        (graph("BatchMatMulV2", ones(1, 4, 2)),
         "'n' (BatchMatMulV2): want an image's channels times a constant matrix"),
        (graph("MatMul", whole(-1, 4), ones(4, 2), before=FLAT, inputs=["f", "n1"], transpose_a=True),
         "'n' (MatMul): want rows times a constant matrix"),
        (graph("Reshape", whole(-1, 4), ones(4, 2), whole(1, 1, 50176, 2), inputs=["m", "n2"],
               before=[*FLAT, ("m", "MatMul", "f n1", {})]),
         "'n' (Reshape) makes [1, 1, 50176, 2] of the places of (1, 224, 224, 2)"),
        (graph("Conv2D", ones(1, 1, 4, 4), padding=b"FULL"), "'n' (Conv2D): padding 'FULL' [] is not supported"),
        (graph("Mul", inputs=["c", "k0"], before=[("k0", "Const", "", {})]), "constant 'k0' has no value"),
        (graph("Relu", inputs=["x:1"]), "'n' (Relu) reads 'x:1', which is not supported"),
    ],
)  # fmt: skip
def test_what_is_left_out_says_why(content, reason):
    assert read(content)[0].left_out["n"] == reason


def test_the_normalisation_of_old_graphs():
    """Mean, variance, beta, gamma; gamma counts only where the node says so."""
    mean, variance, beta, gamma = np.random.default_rng(3).uniform(0.5, 1.5, (4, 4)).astype(np.float32)
    for scaled in (True, False):
        attributes = {"scale_after_normalization": scaled, "variance_epsilon": 2.0**-7}
        net = net_of(graph("BatchNormWithGlobalNormalization", mean, variance, beta, gamma, **attributes), "float64")
        net.blobs["data"].reshape(1, 3, 8, 6)
        net.forward(["c", "n"], tensor=picture(8, 6))
        factor = (gamma if scaled else 1) / np.sqrt(variance.astype(np.float64) + 2.0**-7)
        wanted = (net.blobs["c"].data.transpose(0, 2, 3, 1) - mean) * factor + beta
        np.testing.assert_allclose(net.blobs["n"].data.transpose(0, 2, 3, 1), wanted, rtol=1e-12, atol=1e-12)


def test_a_variance_below_zero():
    content = graph("FusedBatchNorm", ones(4), ones(4), ones(4), -ones(4), is_training=False)
    with pytest.raises(NetFileError, match="layer 'n': a variance plus epsilon of its weights is not above 0"):
        read(content)


def test_a_constant_of_a_type_that_is_not_supported():
    made = GraphDef.FromString(graph("Mul", ones(4)))
    for node in made.node:
        if node.name == "n0":
            node.attr[0].value.tensor.dtype = 7
    reason = "constant 'n0' has TensorFlow's type 7, which is not supported"
    assert read(made.SerializeToString())[0].left_out["n"] == reason


def test_a_sum_of_several():
    net = net_of(graph("AddN", inputs=["c", "c", "c"]), "float64")
    net.blobs["data"].reshape(1, 3, 8, 6)
    net.forward(["c", "n"], tensor=picture(8, 6))
    np.testing.assert_allclose(net.blobs["n"].data, 3 * net.blobs["c"].data, rtol=1e-15)


def test_a_product_of_the_places():
    """A fully connected layer on an image: two reshapes around a product, which become a convolution."""
    matrix = np.random.default_rng(2).normal(size=(4, 2)).astype(np.float32)
    before = [*FLAT, ("m", "MatMul", "f n1", {})]
    content = graph("Reshape", whole(-1, 4), matrix, whole(1, 224, 224, 2), before=before, inputs=["m", "n2"])
    net = net_of(content, "float64")
    assert list(net.blobs) == ["data", "x", "c", "m", "n"]
    net.blobs["data"].reshape(1, 3, 8, 6)
    net.forward(["c", "n"], tensor=picture(8, 6))
    wanted = net.blobs["c"].data.transpose(0, 2, 3, 1) @ matrix.astype(np.float64)
    np.testing.assert_allclose(net.blobs["n"].data.transpose(0, 2, 3, 1), wanted, rtol=1e-12, atol=1e-12)


# Sizes.


def test_a_reshape_by_a_size_that_cannot_be_followed_is_that_of_the_file():
    """Through a float, which a size is not: it holds for the size that the network is made for."""
    before = [("s", "Shape", "c", {}), ("f", "Cast", "s", {"DstT": (1,)}), ("i", "Cast", "f", {"DstT": (3,)})]
    net = net_of(graph("Reshape", before=before, inputs=["c", "i"]), "float64")
    net.forward(["c", "n"], tensor=picture(224, 224))
    np.testing.assert_array_equal(net.blobs["n"].data, net.blobs["c"].data)


def test_a_resize_of_a_size_that_makes_no_sense_says_nothing_of_the_pictures():
    content = graph("Relu", whole(5, 6, 7), before=[("r", "ResizeBilinear", "c n0", {})], inputs=["r"])
    assert read(content, InputSpec(node="r"))[0].declared == {"data": (1, 3, 224, 224)}
    content = graph("Relu", whole(5, 6), before=[("r", "ResizeBilinear", "c n0", {})], inputs=["r"])
    assert read(content, InputSpec(node="r"))[0].declared == {"data": (1, 3, 5, 6)}


def test_a_convolution_of_constants_leads_nowhere():
    made = GraphDef()
    const(made, "k", ones(1, 1, 3, 4))
    add(made, "c", "Conv2D", "k k", {})
    with pytest.raises(NetFileError, match=r"no placeholder for a picture; name the node .* \(--input-node\)$"):
        read(made.SerializeToString())


# Channels first.


def first(*nodes, **constants):
    """The bytes of a graph of these nodes, of pictures with the channels first."""
    made = GraphDef()
    add(made, "x", "Placeholder", "", {})
    for size in (1, 3, 8, 6):
        shape = made.node[0].attr[0] if made.node[0].attr else made.node[0].attr.add(key="shape")
        shape.value.shape.dim.add(size=size)
    for name, values in constants.items():
        const(made, name, values)
    for node in (("c", "Relu", "x", {}), *nodes):
        add(made, *node)
    return made.SerializeToString()


WRONG = "has its channels first in a way that is not supported"


@pytest.mark.parametrize(
    ("nodes", "constants", "reason"),
    [
        ([("n", "Mean", "c a", {})], {"a": ones(1)}, f"'n' (Mean) {WRONG}"),
        ([("n", "Mean", "c a", {"keep_dims": True})], {"a": whole(4)}, f"'n' (Mean) {WRONG}"),
        ([("n", "Pad", "c a", {})], {"a": whole(1, 2)}, f"'n' (Pad) {WRONG}"),
        ([("n", "Add", "c a", {})], {"a": ones(1, 1, 1, 1, 1)}, f"'n' (Add) {WRONG}"),
        ([("a", "Transpose", "x t", {}), ("n", "Add", "c a", {})], {"t": whole(0, 2, 3, 1)},
         "'n' (Add) reads values with channels first and others"),
        ([("s", "Shape", "x", {}), ("w", "Pack", "s s", {"axis": 1}), ("n", "Pad", "c w", {})], {},
         "'n' (Pad) depends on the picture's size, with channels first"),
    ],
)  # fmt: skip
def test_channels_first_that_cannot_be_moved(nodes, constants, reason):
    assert read(first(*nodes, **constants))[0].left_out["n"] == reason


def test_channels_first_that_can():
    kernel = np.random.default_rng(1).normal(size=(1, 1, 3, 4)).astype(np.float32)
    convolution = {"strides": [1] * 4, "data_format": b"NCHW", "padding": b"EXPLICIT",
                   "explicit_paddings": [0, 0, 0, 0, 1, 0, 0, 2]}  # fmt: skip
    content = first(
        ("k", "Conv2D", "c w", convolution),
        ("m", "Max", "c a", {"keep_dims": True}),
        ("n", "Squeeze", "m", {"squeeze_dims": [2, -1]}),
        w=kernel, a=whole(2, 3),
    )  # fmt: skip
    net = net_of(content, "float64")
    image = picture(8, 6)
    net.forward(["k", "n"], tensor=image)
    positive = np.maximum(image, 0)
    np.testing.assert_array_equal(net.blobs["n"].data, positive.max((1, 2)))
    wanted = np.pad(positive @ kernel[0, 0].astype(np.float64), ((0, 0), (1, 0), (0, 2), (0, 0)))
    np.testing.assert_allclose(net.blobs["k"].data.transpose(0, 2, 3, 1), wanted, rtol=1e-12, atol=1e-12)


# Constants that are computed.


def node_of(op, **attributes):
    made = GraphDef()
    add(made, "n", op, "", attributes)
    proto = NodeDef.FromString(made.node[0].SerializeToString())
    return Node("n", op, (Source("k", 0),), {entry.key: entry.value for entry in proto.attr}, proto)


X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "wanted"),
    [
        ("Range", (whole(2)[0], whole(9)[0], whole(3)[0]), {}, whole(2, 5, 8)),
        ("Slice", (X, whole(1, 0, 2), whole(1, -1, 2)), {}, X[1:, :, 2:]),
        ("GatherV2", (X, whole(2, 0), whole(1)[0]), {}, X[:, [2, 0]]),
        ("Squeeze", (X[:1],), {"squeeze_dims": [0]}, X[0]),
        ("Cast", (X,), {"DstT": (9,)}, X.astype(np.int64)),
    ],
)
def test_constants(op, inputs, attributes, wanted):
    found = fold(node_of(op, **attributes), Budget(), *inputs)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_a_size_stays_one_as_another_integer():
    sizes = np.array([Size("c", 1), 3], object)
    assert fold(node_of("Cast", DstT=(9,)), Budget(), sizes) is sizes


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "reason"),
    [
        ("Acos", (X,), {}, "'n' (Acos) makes a constant in a way that is not supported"),
        ("Cast", (X,), {"DstT": (7,)}, "'n' (Cast) cannot be computed: TensorFlow's type 7 is not supported"),
        ("StridedSlice", (X, whole(0), whole(1), whole(1)), mask(ellipsis=1),
         "'n' (StridedSlice) cannot be computed: its ellipsis_mask or new_axis_mask is not 0"),
        ("GatherV2", (X, np.zeros(65, np.int32), whole(0)[0]), {},
         "'n' (GatherV2) cannot be computed: 65 places, expected at most 64, and batch_dims 0"),
        ("GatherV2", (X, whole(2), whole(0)[0]), {},
         "'n' (GatherV2) cannot be computed: its places are outside of its values"),
    ],
)  # fmt: skip
def test_constants_that_cannot_be_computed(op, inputs, attributes, reason):
    with pytest.raises(LeftOutError) as caught:
        fold(node_of(op, **attributes), Budget(), *inputs)
    assert str(caught.value) == reason


def test_the_registry_keeps_the_file(tmp_path):
    file = tmp_path / "net.pb"
    file.write_bytes(graph("Relu"))
    packed = form.pack([file], InputSpec())
    assert packed.graph.blobs == ["data", "x", "c", "n"]
    with pytest.raises(ValueError, match="2 files; a frozen graph is a whole network, and goes without other files"):
        form.pack([file, file], InputSpec())
