"""Small frozen graphs, written node by node: what TensorFlow itself would not write too."""

import numpy as np

from pydream.formats.graphdef.proto import GraphDef


def graph(op, *constants, more=(), inputs=None, before=(), **attributes):
    """The bytes of a graph x -> c -> n, where n has an op, and constants behind what it reads of c.

    `before` are other nodes: (name, op, inputs as words, attributes).
    """
    made = GraphDef()
    made.node.add(name="x", op="Placeholder")
    const(made, "k", np.full((1, 1, 3, 4), 0.5, np.float32))
    attribute(made.node.add(name="c", op="Conv2D", input=["x", "k"]), "strides", [1, 1, 1, 1])
    attribute(made.node[-1], "padding", b"VALID")
    names = [f"n{i}" for i in range(len(constants))]
    for name, values in zip(names, constants, strict=True):
        const(made, name, values)
    for each in (*before, ("n", op, " ".join(inputs or ["c", *names]), {**attributes, **dict(more)})):
        add(made, *each)
    return made.SerializeToString()


def add(made, name, op, inputs, attributes):
    node = made.node.add(name=name, op=op, input=inputs.split())
    for key, value in attributes.items():
        attribute(node, key, value)


def const(made, name, values):
    node = made.node.add(name=name, op="Const")
    values = np.asarray(values)
    tensor = node.attr.add(key="value").value.tensor
    tensor.dtype = {"float32": 1, "int32": 3, "int64": 9, "bool": 10}[values.dtype.name]
    tensor.tensor_content = values.tobytes()
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)


def attribute(node, name, value):
    entry = node.attr.add(key=name).value
    if isinstance(value, tuple):
        entry.type = value[0]
    elif isinstance(value, list):
        entry.list.i.extend(value)
    else:
        setattr(entry, {bytes: "s", bool: "b", int: "i", float: "f"}[type(value)], value)
