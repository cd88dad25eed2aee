"""Rules of ops: values as the onnx package's reference has them, and why what cannot be run is left out."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.onnxnets import RNG, agrees, made, net_of, value

from pydream.errors import NetFileError, UnknownNameError
from pydream.formats import InputSpec
from pydream.formats import onnx as form

PLAIN = InputSpec((0, 0, 0), 1.0, "RGB")
NEGATED = [("Neg", "x", "a", {}), ("Abs", "x", "b", {})]
LAST = ("Transpose", "x", "a", {"perm": [0, 2, 3, 1]})
MATRIX = ("Flatten", "x", "a", {})  # 192 columns
NORM = {"s": RNG.normal(size=3), "b": RNG.normal(size=3), "m": RNG.normal(size=3), "v": RNG.uniform(1, 2, 3)}
KERNEL = RNG.normal(size=(4, 3, 3, 3))

# Each: nodes from x to y, constants, the version of the ops.
RUN = {
    "one of one": ([("Identity", "x", "a", {}), ("Sum", "a", "b", {}), ("Cast", "b", "c", {"to": TensorProto.DOUBLE}),
                    ("CastLike", "c one", "y", {})], {"one": np.float64(1)}, 15),
    "limits": ([("Clip", "x", "y", {"min": -0.5, "max": 0.25})], {}, 6),
    "a limit": ([("Clip", "x", "y", {"max": 0.25})], {}, 6),
    "limits of a rectifier": ([("Clip", "x", "y", {"min": 0.0, "max": np.inf})], {}, 6),
    "a sum of three": ([*NEGATED, ("Sum", "x a b", "y", {})], {}, 13),
    "a mean of two": ([*NEGATED, ("Mean", "x b", "y", {})], {}, 13),
    "the largest of three": ([*NEGATED, ("Max", "x a b", "y", {})], {}, 13),
    "axes in two orders": ([LAST, ("Transpose", "x", "b", {"perm": [0, 3, 2, 1]}), ("Add", "a b", "y", {})], {}, 13),
    "four axes and three": ([("ReduceMean", "x", "a", {"axes": [1], "keepdims": 0}), ("Mul", "x a", "y", {})], {}, 13),
    "nothing divided": ([("Div", "zero x", "y", {})], {"zero": np.float64(0)}, 13),
    "one slope": ([("PRelu", "x s", "y", {})], {"s": np.float64([0.25])}, 13),
    "two of the picture": ([*NEGATED, ("MatMul", "a b", "y", {})], {}, 13),
    "padding of version 2": ([("Pad", "x", "y", {"pads": [0, 0, 1, 2, 0, 0, 0, 3], "value": 0.5})], {}, 2),
    "padding of some axes": ([("Pad", "x w v a", "y", {})],
                             {"w": np.int64([1, 2, 3, 0]), "v": np.float64(0.5), "a": np.int64([-1, 2])}, 18),
    "axes of size 1": ([("ReduceMax", "x", "a", {"axes": [2, 3]}), ("Squeeze", "a", "b", {}),
                        ("Unsqueeze", "b two", "y", {})], {"two": np.int64([0, 2])}, 13),
    "an axis of size 1": ([("ReduceMax", "x", "a", {"axes": [2]}), ("Squeeze", "a two", "y", {})],
                          {"two": np.int64([-2])}, 13),
    "all axes": ([("ReduceSum", "x", "a", {}), ("Add", "x a", "y", {})], {}, 13),
    "a reduction turned round": ([("Transpose", "x", "a", {"perm": [0, 3, 2, 1]}),
                                  ("ReduceMax", "a", "y", {"axes": [3], "keepdims": 0})], {}, 13),
    "padding on two sides": ([("Conv", "x w", "y", {"strides": [2, 2], "pads": [0, 0, 1, 1]})], {"w": KERNEL}, 13),
    "a normalisation": ([("BatchNormalization", "x s b m v", "y", {"epsilon": 2.0**-7})], NORM, 15),
    "a normalisation of columns": ([("ReduceMax", "x", "a", {"axes": [2, 3], "keepdims": 0}),
                                    ("BatchNormalization", "a s b m v", "y", {})], NORM, 15),
    "matrix with a factor": ([MATRIX, ("Gemm", "a w b", "y", {"alpha": 0.5, "beta": 2.0})],
                             {"w": RNG.normal(size=(192, 5)), "b": np.float64([[3]])}, 13),
}  # fmt: skip


@pytest.mark.parametrize("case", RUN)
def test_values_are_those_of_the_reference(case):
    nodes, constants, opset = RUN[case]
    data = made(nodes, constants, opset=opset)
    assert not form.read(data)[0].left_out
    agrees(data, {"y": "y"})


@pytest.mark.parametrize(
    ("words", "pads"), [({"auto_pad": "VALID"}, [0] * 4), ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [0, 0, 1, 1])]
)
def test_padding_by_a_word(words, pads):
    """The reference of onnx 1.16 pads otherwise, so the padding is compared with the same in numbers."""
    picture, found = RNG.normal(size=(1, 3, 8, 8)), []
    for padding in (words, {**words, "auto_pad": "NOTSET", "pads": pads}):
        net, _ = net_of(made([("Conv", "x w", "y", padding)], {"w": KERNEL}))
        net.blobs["data"].reshape(*picture.shape)
        net.forward(["y"], data=picture)
        found.append(net.blobs["y"].data.copy())
    np.testing.assert_array_equal(*found)


def test_a_reshape_for_a_normalisation_is_undone():
    """PyTorch's group normalisation: the first reshape opens the channels, the last has the sizes of the export."""
    nodes = [("Reshape", "x s", "a", {}), ("InstanceNormalization", "a one zero", "b", {}), ("Reshape", "b t", "y", {})]
    constants = {"s": np.int64([0, 3, -1]), "one": np.ones(3), "zero": np.zeros(3), "t": np.int64([1, 3, 8, 8])}
    net = agrees(made(nodes, constants), {"y": "y"})
    net.blobs["data"].reshape(1, 3, 4, 6)
    net.forward("y")
    assert net.blobs["y"].shape == (1, 3, 4, 6)


@pytest.mark.parametrize(
    "between",
    [
        [("MaxPool", "a", "b", {"kernel_shape": [2, 2], "strides": [2, 2]})],  # of another shape
        [("Abs", "a", "c", {}), ("Add", "a c", "d", {}), ("Slice", "d zero four two", "b", {})],  # of two
    ],
)
def test_other_reshapes_are_not_taken_for_that(between):
    nodes = [("Reshape", "x s", "a", {}), *between, ("Reshape", "b t", "y", {})]
    constants = {"s": np.int64([1, 3, 4, 16]), "t": np.int64([1, 3, -1]), "zero": np.int64([0]), "four": np.int64([2]),
                 "two": np.int64([2])}  # fmt: skip
    agrees(made(nodes, constants), {"y": "y"})


def test_a_constant_with_more_axes_of_size_1():
    net, _ = net_of(made([("Add", "x c", "y", {})], {"c": np.arange(3.0).reshape(1, 1, 3, 1, 1)}), spec=PLAIN)
    picture = RNG.normal(size=(1, 3, 8, 8))
    net.forward("y", data=picture)
    np.testing.assert_array_equal(net.blobs["y"].data, picture + np.arange(3.0).reshape(3, 1, 1))


def test_the_scaler_of_version_1():
    net, _ = net_of(made([("ImageScaler", "x", "y", {"scale": 0.5, "bias": [1.0, 2.0, 3.0]})]), spec=PLAIN)
    picture = RNG.normal(size=(1, 3, 8, 8))
    net.forward("y", data=picture)
    np.testing.assert_allclose(net.blobs["y"].data, picture / 2 + np.float64([1, 2, 3]).reshape(3, 1, 1), rtol=1e-15)


REASONS = [
    # Inputs.
    ([("Shape", "x", "s", {}), ("Gather", "x s", "y", {})], {},
     "'y' (Gather) depends on the picture's size, through its input 's'"),
    ([("Size", "x", "s", {}), ("Gather", "x s", "y", {})], {},
     "'y' (Gather) depends on the picture's size, through its input 's'"),
    ([("Gather", "x x", "y", {})], {}, "'y' (Gather): its input 1 is not a constant"),
    ([("Conv", "x w", "y", {})], {"w": np.ones((4, 3, 1, 1), np.int64)},
     "'y' (Conv): its input 1 is not a constant of floats"),
    ([("Conv", "x", "y", {})], {}, "'y' (Conv): its input 1 is not a constant of floats"),
    ([("Sum", "c x x", "y", {})], {"c": np.ones(1)}, "'y' (Sum): its input 0 does not come from the picture"),
    ([MATRIX, ("GlobalMaxPool", "a", "y", {})], {}, "'y' (GlobalMaxPool) wants four axes, its input has 2"),
    ([("Conv", "x w", "y", {})], {"w": np.ones((4, 5, 1, 1))},
     "layer 'y': its weights, 4x5x1x1, do not fit (1, 3, 8, 8)"),
    ([("Conv", "x w", "y", {})], {"w": np.full((4, 3, 1, 1), np.nan)},
     "layer 'y' has NaN or infinity among its weights"),
    ([("Transpose", "x", "y", {"perm": [0] * 65})], {}, "'y' (Transpose): 65 numbers in perm, expected at most 64"),
    # Control flow, and values of many axes.
    ([("Loop", "- - x", "y", {})], {}, "'y' (Loop) is control flow, which is not supported"),
    ([("Loop", "c - c", "k", {}), ("Add", "x k", "y", {})], {"c": np.int64(1)},
     "'k' (Loop) is control flow, which is not supported"),
    ([("Unsqueeze", "x two", "a", {}), ("Relu", "a", "y", {})], {"two": np.int64([0, 1])},
     "'y' (Relu) reads a value with more than 5 axes"),
    ([("Split", "x", "a b c d y", {"axis": 1, "split": [1, 2]})], {},
     "'a' (Split): parts of [1, 2] do not make 3"),
    # Values.
    ([("Cast", "x", "y", {"to": TensorProto.INT64})], {}, "'y' (Cast) makes other numbers than floats"),
    ([("CastLike", "x c", "y", {})], {"c": np.int64(1)}, "'y' (CastLike) makes other numbers than floats"),
    ([*NEGATED, ("Min", "x a b", "y", {})], {}, "'y' (Min) is of 3 values that are not blobs of one shape"),
    ([("Add", "x c", "y", {})], {"c": np.ones((2, 1, 3, 8, 8))},
     "'y' (Add): its constant has shape (2, 1, 3, 8, 8), more axes than its other input"),
    ([LAST, ("Add", "a c", "y", {})], {"c": np.ones((5, 8, 8, 3))},
     "'y' (Add): its constant, (5, 3, 8, 8), is larger than its other input"),
    ([("Gemm", "x w", "y", {})], {"w": np.ones((3, 3))}, "'y' (Gemm): want (n, c) times a constant matrix"),
    ([MATRIX, ("Gemm", "a w", "y", {"transA": 1})], {"w": np.ones((192, 3))},
     "'y' (Gemm): want (n, c) times a constant matrix"),
    ([MATRIX, ("Gemm", "a w b", "y", {})], {"w": np.ones((192, 3)), "b": np.ones((3, 1))},
     "'y' (Gemm): its offset has shape (3, 1), expected 3 numbers"),
    ([("Softmax", "x", "y", {"axis": 4})], {}, "'y' (Softmax): no axis 4 among 4"),
    # Moves.
    ([("Concat", "x x", "y", {"axis": 4})], {}, "'y' (Concat): no axis 4 among 4"),
    ([("Reshape", "x s", "y", {})], {"s": np.int64([1, 7, -1])}, "1x7x-1 cannot be made of 1x3x8x8"),
    ([("Reshape", "x x", "y", {})], {}, "'y' (Reshape): its input 1 is not a constant"),
    ([("Reshape", "x s", "y", {})], {"s": np.int64([1, 3, 8, 8, 0])},
     "'y' (Reshape): [1, 3, 8, 8, 0] names an axis that (1, 3, 8, 8) has not"),
    ([("Squeeze", "x s", "y", {})], {"s": np.int64([1])},
     "'y' (Squeeze): axes [1] of (1, 3, 8, 8) are not all of size 1"),
    ([("Unsqueeze", "x s", "y", {})], {"s": np.int64([1, 1])}, "'y' (Unsqueeze): axes [1, 1] are not all different"),
    ([("Transpose", "x", "y", {"perm": [0, 1, 1, 2]})], {},
     "'y' (Transpose): [0, 1, 1, 2] are not the axes of (1, 3, 8, 8)"),
    ([("Gather", "x i", "y", {})], {"i": np.float64([1])}, "'y' (Gather): its input 1 is not integers"),
    ([("Pad", "x w", "y", {})], {"w": np.int64([1, 2])}, "'y' (Pad): widths [1, 2] are not supported"),
    ([("Pad", "x w", "y", {})], {"w": np.int64([0, 0, -1, 0, 0, 0, 0, 0])},
     "'y' (Pad): widths [0, 0, -1, 0, 0, 0, 0, 0] are not supported"),
    ([("Pad", "x w", "y", {"mode": "edge"})], {"w": np.zeros(8, np.int64)},
     "'y' (Pad): mode 'edge' with 0.0 is not supported"),
    ([("ReduceSum", "x", "y", {"noop_with_empty_axes": 1})], {}, "'y' (ReduceSum) reduces nothing"),
    # Windows.
    ([("Conv", "x w", "y", {"strides": [0, 1]})], {"w": KERNEL},
     "'y' (Conv): strides [0, 1], expected two numbers from 1 on"),
    ([("Conv", "x w", "y", {"auto_pad": "SAME_LOWER"})], {"w": KERNEL},
     "'y' (Conv): padding SAME_LOWER [0, 0, 0, 0] is not supported"),
    ([("Conv", "x w", "y", {"pads": [1, 1]})], {"w": KERNEL}, "'y' (Conv): padding NOTSET [1, 1] is not supported"),
    ([("Conv", "x w", "y", {"group": 3})], {"w": KERNEL}, "'y' (Conv): 4 outputs do not fall into 3 groups"),
    ([("Conv", "x w", "y", {"dilations": [2**14, 2**14]})], {"w": KERNEL},
     "'y' (Conv): its dilated kernel reaches too far to be run"),
    ([("MaxPool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 1]})], {},
     "'y' (MaxPool): dilations (2, 1) are not supported"),
    ([("MaxPool", "x", "y", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"})], {},
     "'y' (MaxPool): padding SAME_UPPER is not supported here"),
    ([("BatchNormalization", "x s b m v", "y", {"training_mode": 1})], NORM,
     "'y' (BatchNormalization) is in training, not of channels, or of 4 axes; export for inference"),
    ([("BatchNormalization", "x s b m v", "y", {})], {**NORM, "v": np.ones(2)},
     "'y' (BatchNormalization): scale, bias, mean and variance are not of one length"),
    ([("BatchNormalization", "x s b m v", "y", {})], {**NORM, "v": np.float64([1, -1, 1])},
     "'y' (BatchNormalization): a variance plus epsilon is not above 0"),
    ([("ImageScaler", "x", "y", {"bias": [1.0, 2.0]})], {},
     "'y' (ImageScaler): 2 numbers in bias, expected one for each channel"),
    ([("LRN", "x", "y", {"size": 4})], {}, "'y' (LRN): size 4, expected an odd number"),
    ([("LayerNormalization", "x s", "y", {"axis": 4})], {"s": np.ones(8)},
     "'y' (LayerNormalization): no axis 4 among 4"),
    ([MATRIX, ("InstanceNormalization", "a s s", "y", {})], {"s": np.ones(192)},
     "'y' (InstanceNormalization) has no axes to normalise along"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "constants", "reason"), REASONS)
def test_what_is_left_out_says_why(nodes, constants, reason):
    graph, *_ = form.read(made([("Relu", "x", "fine", {}), *nodes], constants))
    assert graph.left_out["y"] == reason


@pytest.mark.parametrize(
    ("opset", "nodes", "reason"),
    [
        (6, [("ReduceMax", "x", "a", {"axes": [1], "keepdims": 0}), ("Add", "x a", "y", {"broadcast": 1})],
         "'y' (Add) broadcasts one blob to another as versions before 7 did"),
        (11, [("Softmax", "x", "y", {"axis": 1})],
         "'y' (Softmax) is of several axes at once, as versions before 13 have it"),
    ],
)  # fmt: skip
def test_what_old_versions_did(opset, nodes, reason):
    graph, *_ = form.read(made([("Relu", "x", "fine", {}), *nodes], opset=opset))
    assert graph.left_out["y"] == reason


# The picture's input.


def test_a_network_of_which_nothing_can_be_run():
    with pytest.raises(NetFileError, match=r"^a network: nothing in it can be run: 'y' has the op 'NonZero', which is"):
        form.read(made([("NonZero", "x", "y", {})]))


TWO = [value("x", (1, 3, 8, 8)), value("z", (1, 10)), value("w", (1, 5, 8, 8))]


def test_the_input_is_named():
    nodes = [("Relu", "x", "y", {}), ("Neg", "z", "k", {}), ("Mul", "x k", "v", {})]
    graph, *_ = form.read(made(nodes, inputs=TWO), InputSpec(node="x"))
    assert list(graph.blobs) == ["data", "x", "y"]
    assert graph.left_out["v"] == "'k' (Neg) reads the input 'z', which has no value"
    with pytest.raises(NetFileError, match=r"the input 'z', of type 11 and shape \(1, 10\), takes no pictures"):
        form.read(made(nodes, inputs=TWO), InputSpec(node="z"))
    with pytest.raises(UnknownNameError, match="no input 'q'"):
        form.read(made(nodes, inputs=TWO), InputSpec(node="q"))


def test_no_input_takes_a_picture():
    with pytest.raises(NetFileError, match="no input for a picture among 'z', 'w'"):
        form.read(made([("Relu", "z", "y", {})], inputs=TWO[1:]))


def test_an_input_of_no_declared_shape_is_tried_at_sizes():
    """One that the fully connected layer behind it fits; a reshape that makes pictures of one does not."""
    nodes = [("Reshape", "x s", "a", {}), ("Relu", "a", "y", {})]
    graph, *_ = form.read(made(nodes, {"s": np.int64([-1, 3 * 32 * 32])}, [value("x", None)]))
    assert graph.declared == {"data": (1, 3, 32, 32)}
    assert not graph.left_out


# The file.


def changed(change, nodes=(("Conv", "x w", "y", {}),)):
    model = onnx.load_from_string(made(nodes, {"w": np.ones((2, 3, 1, 1))}))
    change(model)
    return model.SerializeToString()


def numbers(kind, values):
    def change(model):
        stored = model.graph.initializer[0]
        stored.Clear()
        stored.name, stored.data_type = "w", kind
        stored.dims.extend([1, 3, 1, 1])
        fields = {TensorProto.FLOAT: stored.float_data, TensorProto.DOUBLE: stored.double_data}
        fields.get(kind, stored.int32_data).extend(values)

    return change


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        (TensorProto.FLOAT, [1.5, 2, -3], [1.5, 2, -3]),
        (TensorProto.DOUBLE, [1.5, 2, -3], [1.5, 2, -3]),
        (TensorProto.FLOAT16, [0x3E00, 0x4000, 0xC200], [1.5, 2, -3]),
        (TensorProto.BFLOAT16, [0x3FC0, 0x4000, 0xC040], [1.5, 2, -3]),
    ],
)
def test_weights_that_are_listed(kind, values, wanted):
    _, params, _ = form.read(changed(numbers(kind, values)))
    np.testing.assert_array_equal(params["y"][0].reshape(-1), wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (numbers(TensorProto.FLOAT, [1, 2]), r"constant 'w': 2 numbers for shape \(1, 3, 1, 1\)"),
        (numbers(TensorProto.UINT8, [1, 2, 300]), "constant 'w': a number that its type does not have"),
    ],
)
def test_weights_that_are_listed_wrongly(change, message):
    with pytest.raises(NetFileError, match=message):
        form.read(changed(change))


def test_a_constant_that_cannot_be_read():
    def change(model):
        model.graph.initializer[0].data_type = TensorProto.FLOAT8E5M2
        model.graph.sparse_initializer.add().values.name = "s"

    nodes = [("Relu", "x", "a", {}), ("Conv", "x w", "y", {}), ("Neg", "w", "k", {}), ("Mul", "x k", "z", {}),
             ("Mul", "x s", "v", {})]  # fmt: skip
    graph, *_ = form.read(changed(change, nodes))
    reason = "a network: constant 'w' has ONNX' type 19, which is not supported: it may be quantized"
    assert graph.left_out["y"] == graph.left_out["z"] == reason
    assert graph.left_out["v"] == "it is sparse"


def test_a_call_that_does_not_fit_its_function():
    def change(model):
        inner = [helper.make_node("Relu", ["a"], ["b"])]
        model.functions.append(helper.make_function("d", "F", ["a"], ["b"], inner, [helper.make_opsetid("", 13)]))
        model.graph.node.append(helper.make_node("F", ["y", "y"], ["z"], domain="d"))

    with pytest.raises(NetFileError, match=r"^a network: 'z' \(d\.F\) does not fit its function$"):
        form.read(changed(change))


def test_nodes_in_any_order_and_notes_of_exporters():
    nodes = [("Add", "a a", "y", {}), ("Relu", "x", "a", {})]
    model = onnx.load_from_string(made(nodes))
    model.graph.node[1].metadata_props.add(key="namespace", value="anything")
    model.graph.node[1].metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'layer1', 'relu']")
    graph, *_ = form.read(model.SerializeToString())
    assert list(graph.blobs) == ["data", "x", "layer1", "y"]


def test_cut_short():
    data = made([("Relu", "x", "y", {})])[:-3]
    with pytest.raises(NetFileError, match=rf"not an ONNX network, or cut short \({len(data)} bytes read\)"):
        form.read(data)


def test_the_registry_keeps_the_file(tmp_path):
    file = tmp_path / "Net.ONNX"
    file.write_bytes(made([("Relu", "x", "y", {})]))
    assert form.format.reads(file)
    packed = form.format.pack([file], InputSpec())
    assert packed.spec == form.read(file)[2]
    assert list(packed.graph.blobs) == list(form.graph(file, InputSpec()).blobs) == ["data", "x", "y"]
    with pytest.raises(ValueError, match="2 files; "):
        form.format.pack([file, file], InputSpec())
