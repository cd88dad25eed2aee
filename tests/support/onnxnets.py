"""Small ONNX networks, made from words, and what the onnx package's reference says of them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

import pydream
from pydream.formats import onnx as form

RNG = np.random.default_rng(0)


class LRN(OpRun):
    """The onnx package's own normalises the first channel only."""

    op_domain = ""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        squares = np.pad(x * x, ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
        return (x / (float(bias) + float(alpha) / size * total) ** float(beta),)


def value(name, shape, kind=TensorProto.DOUBLE):
    return helper.make_tensor_value_info(name, kind, shape)


def made(nodes, constants=(), inputs=None, opset=13, outputs=("y",), **more):
    """Return the bytes of a network: nodes are (op, inputs, outputs, attributes), inputs and outputs as words.

    A "-" among the words is one that is left out.
    """
    words = [[["" if word == "-" else word for word in each.split()] for each in node[1:3]] for node in nodes]
    protos = [helper.make_node(node[0], *each, **node[3]) for node, each in zip(nodes, words, strict=True)]
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(constants).items()]
    graph = helper.make_graph(
        protos, "g", inputs or [value("x", (1, 3, 8, 8))], [value(name, None) for name in outputs], stored
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)
    return model.SerializeToString()


def net_of(data, runtime="numpy", **spec):
    spec = form.read(data, **spec)
    graph, params, wanted = spec
    return pydream.runtime.Net(graph, params, "float64", runtime), wanted


def agrees(data, blobs, shape=(1, 3, 8, 8), name="x", runtime="numpy"):
    """Compare blobs, here → there, with the reference of the onnx package, which is float64 throughout."""
    graph, params, _ = form.read(data, pydream.formats.InputSpec((0, 0, 0), 1.0, "RGB"))
    net = pydream.runtime.Net(graph, params, "float64", runtime)
    picture = RNG.normal(size=shape)
    model = onnx.load_from_string(data)
    there = dict(
        zip(
            blobs.values(),
            ReferenceEvaluator(model, new_ops=[LRN]).run(list(blobs.values()), {name: picture}),
            strict=True,
        )
    )
    net.blobs["data"].reshape(*shape)
    net.forward(list(blobs), data=picture)
    for here, wanted in blobs.items():
        assert net.blobs[here].data.shape == there[wanted].shape
        np.testing.assert_allclose(net.blobs[here].data, there[wanted], rtol=1e-9, atol=1e-12, err_msg=here)
    return net
