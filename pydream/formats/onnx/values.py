"""Rules for ops that work value by value, and for products of matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, isnan

import numpy as np

from ...runtime import layers
from ...runtime.layers import Layer, Shape
from ...runtime.onnx_layers import Elementwise, MatMul, Pointwise
from ...runtime.tf_layers import Identity
from ..graphdef.nodes import LeftOutError
from .inputs import Inputs, Order
from .nodes import FLOATS, Node, Values
from .windows import Rule, affine, in_blob_order

_logarithm = partial(layers.Log, base=-1.0, scale=1.0, shift=0.0)


def _identity(inputs: Inputs, node: Node) -> None:
    value = inputs.value(node)
    inputs.add(node, Identity(*inputs.facts(node, value.blob)), order=value.order)


def _cast(inputs: Inputs, node: Node) -> None:
    like = inputs.constant(node, 1)  # of CastLike, where it is no blob
    if node.integer("to", 0) not in FLOATS if node.op == "Cast" else like is not None and like.dtype.kind != "f":
        raise LeftOutError(f"{node} makes other numbers than floats")
    _identity(inputs, node)


def _rectifier(inputs: Inputs, node: Node, slope: float = 0.0) -> None:
    value = inputs.value(node)
    inputs.add(node, layers.ReLU(*inputs.facts(node, value.blob), negative_slope=slope), order=value.order)


def _power(inputs: Inputs, node: Node, power: float = 1.0, scale: float = 1.0, shift: float = 0.0) -> None:
    # (shift + scale x)^power
    value = inputs.value(node, 0 if inputs.constant(node, 0) is None else 1)
    layer = layers.Power(*inputs.facts(node, value.blob), power=power, scale=scale, shift=shift)
    inputs.add(node, layer, order=value.order)


def _simple(make: Callable[..., Layer], **attributes: float) -> Rule:
    """Make the rule of one of Caffe's layers whose constants are these attributes, with their defaults."""

    def rule(inputs: Inputs, node: Node) -> None:
        value = inputs.value(node)
        constants = [node.number(name, default) for name, default in attributes.items()]
        inputs.add(node, make(*inputs.facts(node, value.blob), *constants), order=value.order)

    return rule


def _curve(inputs: Inputs, node: Node, *constants: float, op: str | None = None) -> None:
    value = inputs.value(node)
    layer = Pointwise(*inputs.facts(node, value.blob), op=op or node.op, constants=constants)
    inputs.add(node, layer, order=value.order)


def _attributes(**defaults: float) -> Rule:
    """Make the rule of a function whose constants are these attributes."""
    return lambda inputs, node: _curve(inputs, node, *(node.number(name, each) for name, each in defaults.items()))


def _gelu(inputs: Inputs, node: Node) -> None:
    _curve(inputs, node, op="GeluTanh" if node.text("approximate", "none") == "tanh" else "Gelu")


def _clip(inputs: Inputs, node: Node) -> None:
    if node.opset < 11:
        low, high = node.number("min", -inf), node.number("max", inf)
    else:
        limits = [inputs.fixed(node, place) for place in (1, 2)]
        low, high = (
            default if limit is None else float(limit.item())
            for limit, default in zip(limits, (-inf, inf), strict=True)
        )
    if isnan(low) or isnan(high):
        raise LeftOutError(f"{node}: a limit is not a number")
    if low == 0 and high == inf:
        _rectifier(inputs, node)
    else:
        value = inputs.value(node)
        inputs.add(node, layers.Clip(*inputs.facts(node, value.blob), low, high), order=value.order)


# Two operands.


def _together(inputs: Inputs, node: Node) -> None:
    """Translate Add, Sub, Mul, Div, Max, Min, Pow and PRelu; Sum and others of one input or many."""
    count = len(node.inputs)
    op = {"Sum": "Add", "Mean": "Add"}.get(node.op, node.op)
    known = [place for place in range(count) if inputs.constant(node, place) is not None]
    if count == 1:
        return _identity(inputs, node)
    if count > 2 or node.op == "Mean":
        return _of_many(inputs, node)
    if len(known) == 1:
        return _with_constant(inputs, node, op, known[0])
    first, second = inputs.value(node, 0), inputs.value(node, 1)
    if len(first.order) == len(second.order) and first.order != second.order:
        blobs, order = (inputs.plain(first), inputs.plain(second)), None
    elif first.order == second.order:
        blobs, order = (first.blob, second.blob), first.order
    else:
        blobs, order = (inputs.plain(first), inputs.plain(second)), None
    if len(first.order) != len(second.order) and node.opset < 7 and node.integer("broadcast", 0):
        raise LeftOutError(f"{node} broadcasts one blob to another as versions before 7 did")
    facts = inputs.facts(node, *blobs)
    if inputs.shapes[blobs[0]] == inputs.shapes[blobs[1]] and op in ("Add", "Sub", "Mul"):
        coeff = (1.0, -1.0 if op == "Sub" else 1.0)
        inputs.add(node, layers.Eltwise(*facts, "PROD" if op == "Mul" else "SUM", coeff), order=order)
    else:
        inputs.add(node, Elementwise(*facts, op=op), order=order)
    return None


def _of_many(inputs: Inputs, node: Node) -> None:
    places = range(len(node.inputs))
    if len({inputs.shape(node, place) for place in places}) > 1 or node.op == "Min":
        raise LeftOutError(f"{node} is of {len(places)} values that are not blobs of one shape")
    coeff = (1.0 / len(places) if node.op == "Mean" else 1.0,) * len(places)
    blobs = [inputs.bottom(node, place) for place in places]
    operation = "MAX" if node.op == "Max" else "SUM"
    inputs.add(node, layers.Eltwise(*inputs.facts(node, *blobs), operation, coeff))


def _with_constant(inputs: Inputs, node: Node, op: str, place: int) -> None:
    values, value = inputs.fixed(node, place), inputs.value(node, 1 - place)
    if op == "Pow" and values is not None and values.dtype.kind in "iu":  # the one that may be of another type
        values = values.astype(np.float64)
    else:
        values = inputs.weights(node, place)
    turned, rank = place == 0, len(value.order)
    if node.opset < 7 and node.integer("broadcast", 0) and values.ndim and "axis" in node.attributes:
        values = values.reshape(*values.shape, *[1] * max(rank - node.integer("axis", 0) % rank - values.ndim, 0))
    while values.ndim > rank and values.shape[0] == 1:
        values = values[0]
    if values.ndim > rank:
        raise LeftOutError(f"{node}: its constant has shape {values.shape}, more axes than its other input")
    if values.size == 1 and _with_number(inputs, node, op, float(values.item()), turned):
        return
    values = in_blob_order(values, value.order)
    shape = inputs.shapes[value.blob]
    channelwise = rank in (2, 4) and values.size == shape[1] == values.shape[1]
    if channelwise and (op in ("Add", "Mul") or (not turned and (op == "Sub" or (op == "Div" and values.all())))):
        _with_channels(inputs, node, op, values.reshape(-1).astype(np.float64), value.blob, value.order)
        return
    if np.broadcast_shapes(shape, values.shape) != shape and not value.plain:
        raise LeftOutError(f"{node}: its constant, {values.shape}, is larger than its other input")
    facts = inputs.facts(node, value.blob)
    inputs.add(node, Elementwise(*facts, op=op, constant=values.shape, turned=turned), [values], value.order)


def _with_number(inputs: Inputs, node: Node, op: str, number: float, turned: bool) -> bool:
    """Add the layer for an operand that is one number; return whether there is one."""
    known: dict[tuple[str, bool], tuple[float, float, float]] = {  # power, scale, shift
        ("Add", False): (1.0, 1.0, number),
        ("Add", True): (1.0, 1.0, number),
        ("Sub", False): (1.0, 1.0, -number),
        ("Sub", True): (1.0, -1.0, number),
        ("Mul", False): (1.0, number, 0.0),
        ("Mul", True): (1.0, number, 0.0),
        ("Pow", False): (number, 1.0, 0.0),
    }
    if number:
        known["Div", False] = (1.0, 1 / number, 0.0)
        known["Div", True] = (-1.0, 1 / number, 0.0)
    if (op, turned) in known:
        _power(inputs, node, *known[op, turned])
    elif (op, turned) == ("PRelu", False):
        _rectifier(inputs, node, number)
    else:
        return False
    return True


def _with_channels(inputs: Inputs, node: Node, op: str, values: Values, blob: str, order: Order) -> None:
    if op in ("Add", "Sub"):
        affine(inputs, node, blob, order, offset=values if op == "Add" else -values)
    else:
        affine(inputs, node, blob, order, factor=values if op == "Mul" else 1 / values)


# Matrices.


def _gemm(inputs: Inputs, node: Node) -> None:
    # alpha A B + beta C
    bottom, matrix, offset = inputs.bottom(node), inputs.weights(node, 1), inputs.fixed(node, 2)
    if len(inputs.shapes[bottom]) != 2 or matrix.ndim != 2 or node.integer("transA", 0):
        raise LeftOutError(f"{node}: want (n, c) times a constant matrix")
    turned = bool(node.integer("transB", 0))
    count = matrix.shape[0 if turned else 1]
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    weights = [matrix if alpha == 1 else alpha * matrix.astype(np.float64)]
    if offset is not None:
        if offset.size not in (1, count) or offset.shape[:-1].count(1) != max(offset.ndim - 1, 0):
            raise LeftOutError(f"{node}: its offset has shape {offset.shape}, expected {count} numbers")
        weights.append(beta * np.broadcast_to(offset.reshape(-1).astype(np.float64), (count,)))
    layer = layers.InnerProduct(*inputs.facts(node, bottom), count, bias=len(weights) > 1, transpose=not turned)
    inputs.add(node, layer, weights)


def _matrix_product(inputs: Inputs, node: Node) -> None:
    known = [inputs.constant(node, place) is not None for place in (0, 1)]
    if not any(known):
        inputs.add(node, MatMul(*inputs.facts(node, inputs.bottom(node, 0), inputs.bottom(node, 1))))
        return
    place = known.index(True)
    matrix, value = inputs.weights(node, place), inputs.value(node, 1 - place)
    if matrix.ndim == 2 and place == 1 and len(value.order) == 2:
        facts = inputs.facts(node, inputs.plain(value))
        inputs.add(node, layers.InnerProduct(*facts, matrix.shape[1], bias=False, transpose=True), [matrix])
    elif matrix.ndim == 2 and place == 1 and len(value.order) == 4 and value.order[-1] == 1:
        # Of the channels at each place: a convolution.
        facts = inputs.facts(node, value.blob)
        one = (1, 1)
        layer = layers.Convolution(*facts, matrix.shape[1], one, one, (0, 0), one, 1, bias=False)
        inputs.add(node, layer, [matrix.T[:, :, None, None]], value.order)
    else:
        shape: Shape = matrix.shape
        facts = inputs.facts(node, inputs.plain(value))
        inputs.add(node, MatMul(*facts, constant=shape, turned=place == 0), [matrix])


def _softmax(inputs: Inputs, node: Node) -> None:
    value, shape = inputs.value(node), inputs.shape(node)
    axis = node.integer("axis", -1 if node.opset >= 13 else 1)
    if not -len(shape) <= axis < len(shape):
        raise LeftOutError(f"{node}: no axis {axis} among {len(shape)}")
    if node.opset < 13 and any(size > 1 for size in shape[axis % len(shape) + 1 :]):
        raise LeftOutError(f"{node} is of several axes at once, as versions before 13 have it")
    name, _, _ = facts = inputs.facts(node, value.blob)
    along = value.order[axis]
    if node.op == "Softmax":
        inputs.add(node, layers.Softmax(*facts, axis=along), order=value.order)
        return
    between = f"{name}:softmax"
    inputs.append(layers.Softmax(between, (value.blob,), (between,), axis=along))
    inputs.add(node, _logarithm(name, (between,), (name,)), order=value.order)


RULES: dict[str, Rule] = {
    **dict.fromkeys(["Add", "Div", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum"], _together),
    **dict.fromkeys(["Erf", "HardSwish", "Mish", "Softsign"], _attributes()),
    "Abs": _simple(layers.AbsVal),
    "Cast": _cast,
    "CastLike": _cast,
    "Celu": _attributes(alpha=1.0),
    "Clip": _clip,
    "Dropout": _simple(layers.Dropout),
    "Elu": _simple(layers.ELU, alpha=1.0),
    "Exp": _simple(partial(layers.Exp, base=-1.0, scale=1.0, shift=0.0)),
    "Gelu": _gelu,
    "Gemm": _gemm,
    "HardSigmoid": _attributes(alpha=0.2, beta=0.5),
    "Identity": _identity,
    "LeakyRelu": _simple(layers.ReLU, alpha=0.01),
    "Log": _simple(_logarithm),
    "LogSoftmax": _softmax,
    "MatMul": _matrix_product,
    "Neg": lambda inputs, node: _power(inputs, node, scale=-1.0),
    "Reciprocal": lambda inputs, node: _power(inputs, node, power=-1.0),
    "Relu": _rectifier,
    "Selu": _attributes(alpha=1.6732632423543772, gamma=1.0507009873554805),  # before ONNX rounded them to float32
    "Sigmoid": _simple(layers.Sigmoid),
    "Softmax": _softmax,
    "Softplus": _simple(layers.BNLL),
    "Sqrt": lambda inputs, node: _power(inputs, node, power=0.5),
    "Swish": _simple(layers.Swish, alpha=1.0),
    "Tanh": _simple(layers.TanH),
}
