"""Files that are no frozen graph, or lie: one line, and no memory taken for what is not there."""

import numpy as np
import pytest
from support.graphs import constant, frozen, graph_of, net_of, picture, results, tf, v1

from pydream.errors import NetFileError, PydreamError
from pydream.formats.graphdef.nodes import Budget, read_nodes
from pydream.formats.graphdef.nodes import constant as values_of


def small():
    kernel, bias = np.ones((3, 3, 3, 4)), np.ones(4)
    return frozen(lambda x: tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, constant(kernel), 2, "SAME"), constant(bias))))


def refused(graph, match):
    with pytest.raises(NetFileError, match=match) as error:
        graph_of(graph if isinstance(graph, bytes) else graph.SerializeToString(), name="some.pb")
    assert "\n" not in str(error.value)


def test_files(tmp_path):
    path = tmp_path / "some.pb"
    with pytest.raises(NetFileError, match=r"some.pb: No such file"):
        graph_of(path)
    path.mkdir()
    with pytest.raises(NetFileError, match=r"some.pb: not a regular file"):
        graph_of(path)
    path.rmdir()
    path.write_bytes(small().SerializeToString())
    assert graph_of(path).name == "some"
    with path.open("ab") as file:
        file.truncate(2**31)  # sparse
    with pytest.raises(NetFileError, match="2147483648 bytes, more than a GraphDef can hold"):
        graph_of(path)


def test_damage():
    file = small().SerializeToString()
    refused(b"", r"some.pb: not a GraphDef: no node in its 0 bytes")
    refused(file[: len(file) // 2], r"some.pb: not a GraphDef, or cut short")
    refused(b"\x89PNG\r\n\x1a\n" + bytes(100), "not a GraphDef")
    refused(file.replace(b"Conv2D", b"Con\xff2D"), "damaged: a node without a name or an op")
    refused(file.replace(b"Conv2D", b"Conv\n\x1b"), r"damaged: 'Conv\\n\\x1b' is not the name of an op")


def test_damage_is_reported_in_one_line():
    file = small().SerializeToString()
    rng = np.random.RandomState(0)
    read, messages = 0, []
    for _ in range(300):
        damaged = bytearray(file)
        for place in rng.randint(0, len(file), rng.randint(1, 4)):
            damaged[place] = rng.randint(256)
        try:
            graph_of(bytes(damaged[: rng.choice([len(file), rng.randint(len(file))])]))
            read += 1
        except PydreamError as error:
            messages.append(str(error))
    assert read > 20
    assert len(messages) > 100
    assert not [line for line in messages if "\n" in line]


def test_not_frozen():
    with tf.Graph().as_default() as graph:
        image = v1.placeholder(tf.float32, (None, None, None, 3), "input")
        v1.disable_resource_variables()
        tf.identity(image * v1.get_variable("gain", [3]), "out")
        v1.enable_resource_variables()
    refused(graph.as_graph_def(), r"not frozen: 'gain' is a variable \(VariableV2\); TensorFlow's convert_variables")


def edited(change):
    graph = small()
    change(graph)
    return graph


def node(graph, op):
    return next(node for node in graph.node if node.op == op)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda g: g.node.append(g.node[0]), "two nodes are named 'input'"),
        (lambda g: node(g, "Conv2D").input.append("none"), "node 'Conv2D' reads 'none', which does not exist"),
        (lambda g: node(g, "Conv2D").input.append("out"), r"reads its own result"),
        (lambda g: node(g, "Conv2D").input.append("input:x"), "'input:x' is not an output of a node"),
        (lambda g: g.node.extend(v1.NodeDef(name=f"n{i}", op="NoOp") for i in range(2**15)), "nodes, more than"),
    ],
)  # fmt: skip
def test_graphs_that_are_none(change, match):
    refused(edited(change), match)


def value_of(**fields):
    """Return the value of a Const node with such a tensor."""
    made = v1.NodeDef(name="const", op="Const")
    tensor = made.attr["value"].tensor
    tensor.dtype = fields.pop("dtype", 1)
    for size in fields.pop("shape", ()):
        tensor.tensor_shape.dim.add(size=size)
    for name, value in fields.items():
        if name == "tensor_content":
            tensor.tensor_content = value
        else:
            getattr(tensor, name).extend(value)
    return values_of(read_nodes(v1.GraphDef(node=[made]).SerializeToString(), "some.pb")[0], Budget())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"shape": (2, 3), "float_val": [1.5]}, np.full((2, 3), 1.5, np.float32)),
        ({"shape": (4,), "float_val": [1, 2]}, np.array([1, 2, 2, 2], np.float32)),
        ({"int_val": [7], "dtype": 3}, np.int32(7)),
        ({"shape": (2,), "int64_val": [7, 8], "dtype": 9}, np.array([7, 8])),
        ({"shape": (2,), "half_val": [0x3C00, 0xC000], "dtype": 19}, np.array([1, -2], np.float16)),
        ({"shape": (2,), "double_val": [0.1, 0.2], "dtype": 2}, np.array([0.1, 0.2])),
        ({"shape": (2,), "tensor_content": b"\0\0\x80?\0\0\0\xc0"}, np.array([1, -2], np.float32)),
        ({"shape": (0,)}, np.zeros(0, np.float32)),
        ({"shape": (2,)}, np.zeros(2, np.float32)),
    ],
)
def test_constants(fields, expected):
    found = value_of(**fields)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"shape": (2**20, 2**20), "float_val": [0]}, "at most 268435456 numbers"),
        ({"shape": (-1,), "float_val": [0]}, "expected sizes"),
        ({"shape": (3,), "tensor_content": bytes(8)}, "8 bytes for shape .3,., expected 12"),
        ({"shape": (1,), "float_val": [1, 2]}, "2 numbers for shape .1,."),
        ({"dtype": 7}, "TensorFlow's type 7"),
    ],
)
def test_constants_that_lie(fields, match):
    with pytest.raises(NetFileError, match=f"constant 'const'.*{match}"):
        value_of(**fields)


def test_nodes_in_any_order():
    graph = small()
    turned = v1.GraphDef(node=list(graph.node)[::-1])
    image = picture(9, 12)
    nets = [net_of(each.SerializeToString(), dtype="float64", device="cpu") for each in (graph, turned)]
    found = [results(net, image) for net in nets]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value):
    refused(frozen(lambda x: tf.nn.bias_add(x, constant([0, value, 0]), name="add")), "layer 'add': NaN or infinity")
