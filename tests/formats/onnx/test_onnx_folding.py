"""Constants that nodes make: what the onnx package's reference computes, or the reason why they are left out."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from support.onnxnets import made

from pydream.formats.graphdef.nodes import Budget, LeftOutError
from pydream.formats.onnx.folding import fold
from pydream.formats.onnx.nodes import read_model

RNG = np.random.default_rng(1)
A, B = RNG.normal(size=(2, 3, 4)), np.abs(RNG.normal(size=(3, 1))) + 0.5
WHOLE, SIGNED = np.int64([7, -7, 7, -7]), np.int64([2, 2, -2, -2])
TRUE = np.array([True, False, True, True])


def node_of(op, inputs, attributes, opset, outputs="y"):
    """Return the node, and the values that it reads; None among `inputs` is one that is left out."""
    words = ["-" if each is None else f"k{place}" for place, each in enumerate(inputs)]
    constants = {word: each for word, each in zip(words, inputs, strict=True) if each is not None}
    data = made([(op, " ".join(words), outputs, attributes)], constants, opset=opset, outputs=outputs.split())
    return data, read_model(data, "it").nodes[0], constants


# Op, inputs, attributes and version.
AS_THE_REFERENCE = [
    ("Add", (A, B), {}, 13),
    ("Clip", (A,), {"min": -0.25, "max": 0.5}, 6),
    ("Clip", (A,), {"max": 0.5}, 6),
    ("Clip", (A, np.float64(-0.25)), {}, 13),
    ("Clip", (A, np.float64(-0.25), np.float64(0.5)), {}, 13),
    ("Div", (A, B), {}, 13),
    ("Expand", (B, np.int64([2, 3, 4])), {}, 13),
    ("Flatten", (A,), {}, 13),
    ("Flatten", (A,), {"axis": -1}, 13),
    ("Flatten", (A,), {"axis": 0}, 13),
    ("Gather", (A, np.int64([[2, -1], [0, 1]])), {"axis": 1}, 13),
    ("Max", (A,), {}, 13),
    ("Max", (A, B), {}, 13),
    ("Max", (np.zeros(4), np.float64(-1), np.arange(4.0)), {}, 13),
    ("Min", (np.zeros(4), np.float64(1), -np.arange(4.0)), {}, 13),
    ("Mod", (WHOLE, SIGNED), {}, 13),
    ("Mod", (WHOLE, SIGNED), {"fmod": 1}, 13),
    ("Mod", (A, -B), {"fmod": 1}, 13),
    ("Range", (np.int64(2), np.int64(9), np.int64(3)), {}, 13),
    ("Range", (np.float64(1), np.float64(-1), np.float64(-0.3)), {}, 13),
    ("Range", (np.int64(2), np.int64(-9), np.int64(3)), {}, 13),
    ("ReduceMax", (A,), {"axes": [1], "keepdims": 0}, 13),
    ("ReduceMean", (A,), {"axes": [-1]}, 13),
    ("ReduceMin", (A,), {}, 13),
    ("ReduceProd", (np.int64([2, 3]),), {"keepdims": 0}, 13),
    ("ReduceSum", (A, np.int64([0, 2])), {"keepdims": 0}, 13),
    ("ReduceSum", (A,), {}, 13),
    ("ReduceSum", (A,), {"noop_with_empty_axes": 1}, 13),
    ("Reshape", (A, np.int64([0, -1])), {}, 13),
    ("Reshape", (np.zeros((0, 3)), np.int64([3, 0])), {"allowzero": 1}, 14),
    ("Shape", (A,), {"start": 1}, 15),
    ("Shape", (A,), {"start": -2, "end": -1}, 15),
    ("Size", (A,), {}, 13),
    ("Slice", (A,), {"starts": [1, -3], "ends": [2, 2**40], "axes": [0, 2]}, 9),
    ("Slice", (A,), {"starts": [0, 1], "ends": [1, 2]}, 9),
    ("Slice", (A, np.int64([1]), np.int64([2]), np.int64([-2])), {}, 13),
    ("Squeeze", (A[:1],), {}, 13),
    ("Squeeze", (A[:1, :, :1], np.int64([0])), {}, 13),
    ("Squeeze", (A[:1, :, :1],), {"axes": [2]}, 11),
    ("Transpose", (A,), {}, 13),
    ("Unsqueeze", (A, np.int64([0, -1])), {}, 13),
    ("Unsqueeze", (A,), {"axes": [1]}, 11),
    ("Where", (TRUE, np.arange(4.0), np.float64(9)), {}, 13),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "opset"), AS_THE_REFERENCE)
def test_constants_are_those_of_the_reference(op, inputs, attributes, opset):
    data, node, constants = node_of(op, inputs, attributes, opset)
    (found,) = fold(node, Budget(), inputs)
    (wanted,) = ReferenceEvaluator(onnx.load_from_string(data)).run(None, constants)
    assert found.shape == wanted.shape
    assert found.dtype.kind == wanted.dtype.kind
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "wanted"),
    [
        ("Constant", (), {"value_float": 0.5}, np.float64(0.5)),
        ("Constant", (), {"value_floats": [0.5, 2.0]}, np.float64([0.5, 2])),
        ("Constant", (), {"value_int": 3}, np.int64(3)),
        ("Constant", (), {"value_ints": [3, -1]}, np.int64([3, -1])),
        ("Constant", (), {"value": helper.make_tensor("v", TensorProto.FLOAT, [2], [1, 2])}, np.float32([1, 2])),
        ("ConstantOfShape", (np.int64([2, 1]),), {}, np.zeros((2, 1))),
        ("ConstantOfShape", (np.int64([2]),), {"value": helper.make_tensor("v", TensorProto.INT64, [1], [7])},
         np.int64([7, 7])),
        ("Cast", (np.float32([1.5, -1.5]),), {"to": TensorProto.INT32}, np.int32([1, -1])),
        ("Cast", (np.int64([3, 0]),), {"to": TensorProto.FLOAT}, np.float64([3, 0])),
        ("Cast", (np.int64([3, 0]),), {"to": TensorProto.BOOL}, np.array([True, False])),
        ("CastLike", (np.int64([3, 0]), np.float32(0)), {}, np.float64([3, 0])),
        ("CastLike", (np.float64([1.5]), np.int32(0)), {}, np.int32([1])),
        ("Div", (WHOLE, SIGNED), {}, np.int64([3, -3, -3, 3])),  # towards 0, which the reference does not do
    ],
)  # fmt: skip
def test_constants_of_a_type_of_their_own(op, inputs, attributes, wanted):
    """All floats become float64, which the reference does not do."""
    (found,) = fold(node_of(op, inputs, attributes, 19)[1], Budget(), inputs)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("inputs", "attributes", "opset", "outputs", "sizes"),
    [
        ((A,), {"axis": 2}, 13, "a b", [2, 2]),
        ((A,), {"axis": -1, "split": [3, 1]}, 11, "a b", [3, 1]),
        ((A, np.int64([1, 1, 2])), {"axis": 2}, 13, "a b c", [1, 1, 2]),
        ((A,), {"axis": 2, "num_outputs": 3}, 18, "a b c", [2, 2, 0]),
    ],
)
def test_parts(inputs, attributes, opset, outputs, sizes):
    found = fold(node_of("Split", inputs, attributes, opset, outputs)[1], Budget(), inputs)
    assert [each.shape for each in found] == [(2, 3, size) for size in sizes]
    np.testing.assert_array_equal(np.concatenate(found, 2), A)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "reason"),
    [
        ("Acos", (A,), {}, "'y' (Acos) makes a constant in a way that is not supported"),
        ("Cast", (A,), {"to": TensorProto.STRING}, "'y' (Cast) cannot be computed: ONNX' type 8 is not supported"),
        ("Constant", (), {"value_string": "word"}, "'y' (Constant) has no value of numbers"),
        ("Div", (WHOLE, np.int64(0)), {}, "'y' (Div) cannot be computed: division by 0"),
        ("Expand", (None, np.int64([2])), {}, "'y' (Expand) cannot be computed: "),
        ("Expand", (A, A), {}, "'y' (Expand) cannot be computed: an input is not at most 64 sizes or axes"),
        ("Gather", (A, None), {}, "'y' (Gather) cannot be computed: "),
        ("Gather", (A, np.int64(5)), {}, "'y' (Gather) cannot be computed: index 5 is out of bounds"),
        ("Range", (np.int64(0), np.int64(1), np.int64(0)), {}, "'y' (Range) cannot be computed: division by zero"),
        ("Range", (np.int64(0), np.int64(2**60), np.int64(1)), {}, "'y' (Range) takes 18446744073709551616 bytes; "),
        ("Reshape", (A, np.ones(65, np.int64)), {}, "cannot be computed: an input is not at most 64 sizes or axes"),
        ("Slice", (A, np.int64([0]), np.int64([1]), np.int64([3])), {}, "no axis 3 among 3, or a step of 0"),
        ("Slice", (A, np.int64([0]), np.int64([1]), np.int64([0]), np.int64([0])), {}, "or a step of 0"),
        ("Split", (A, np.int64([1, 2])), {"axis": 2}, "'y' (Split) cannot be computed: parts of [1, 2] do not make 4"),
    ],
)
def test_what_cannot_be_computed(op, inputs, attributes, reason):
    with pytest.raises(LeftOutError) as caught:
        fold(node_of(op, inputs, attributes, 13)[1], Budget(), inputs)
    assert reason in str(caught.value)
