"""Folding computes what does not depend on the picture, or on its size alone: shapes, and weights that nodes make.

NumPy does it, op by op; an op that is not in the table is not computed. What an op will take is worked out from its
inputs' shapes and compared with a budget before it runs: a file of 300 bytes can ask for terabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import ceil, inf, prod
from typing import Any, NamedTuple

import numpy as np

from ..graphdef.nodes import Budget, LeftOutError
from .nodes import FLOATS, Node, Values, tensor

_WIDEST = 8  # bytes a number
_MOST_SIZES = 64  # that an input with sizes or axes may hold
_INTEGERS: dict[int, type] = {2: np.uint8, 3: np.int8, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_}

Inputs = Sequence[Values | None]  # None: left out


class _Formula(NamedTuple):
    """How an op is computed, and the most numbers that this makes, copies of its inputs included."""

    compute: Callable[..., Any]
    numbers: Callable[[Node, Inputs], int] = lambda node, inputs: 0  # without more, the result is a view


def fold(node: Node, budget: Budget, inputs: Inputs) -> list[Values]:
    """Compute the outputs of a node whose inputs are constants; `LeftOutError` where that cannot be.

    In float64, as if the network had been cast to it; a float32 network rounds once, at the end.
    """
    formula = _FORMULAS.get(node.op)
    if formula is None:
        raise LeftOutError(f"{node} makes a constant in a way that is not supported")
    try:
        with np.errstate(all="ignore"):
            if numbers := formula.numbers(node, inputs):
                budget.check(node, _WIDEST * numbers, work=numbers + _all(node, inputs))
            made = formula.compute(node, *inputs)
            found = [np.asarray(each) for each in (made if isinstance(made, list) else [made])]
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        raise LeftOutError(f"{node} cannot be computed: {error}") from error
    for each in found:
        if not any(values is not None and np.may_share_memory(each, values) for values in inputs):
            budget.take(node, each.nbytes)
    return found


def sizes(values: Values | None, most: int = _MOST_SIZES) -> list[int]:
    """Return an input that has sizes or axes as a list."""
    if values is None or values.dtype.kind not in "iu" or values.size > most:
        raise ValueError(f"an input is not at most {most} sizes or axes")
    return [int(value) for value in values.reshape(-1)]


def axes_of(node: Node, values: Values | None) -> list[int] | None:
    """Return the axes that a node names, in an attribute or, in later versions, as an input; None: it names none."""
    if values is not None:
        return sizes(values)
    return list(node.integers("axes")) if "axes" in node.attributes else None


def slices_of(node: Node, rank: int, inputs: Inputs) -> tuple[slice, ...]:
    """Return for each axis the part that a Slice names; `ValueError` where it does not fit."""
    if node.opset < 10:
        starts, ends = list(node.integers("starts")), list(node.integers("ends"))
        axes, steps = list(node.integers("axes", tuple(range(len(starts))))), [1] * len(starts)
    else:
        starts, ends = sizes(inputs[1]), sizes(inputs[2])
        given = [None if len(inputs) <= i or inputs[i] is None else sizes(inputs[i]) for i in (3, 4)]
        axes = list(range(len(starts))) if given[0] is None else given[0]
        steps = [1] * len(starts) if given[1] is None else given[1]
    found = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -rank <= axis < rank or step == 0:
            raise ValueError(f"no axis {axis} among {rank}, or a step of 0")
        limit = 2**31 - 1  # stands for all that there is
        first, behind = (max(min(place, limit), -limit) for place in (start, end))
        found[axis % rank] = slice(
            None if first == (0 if step > 0 else limit) else first,
            None if abs(behind) == limit and (behind > 0) == (step > 0) else behind,
            max(min(step, limit), -limit),
        )
    return tuple(slice(None) if each == slice(None, None, 1) else each for each in found)


def parts_of(node: Node, size: int, values: Values | None) -> list[int]:
    """Return the sizes of the parts that a Split makes of an axis of `size`."""
    if values is not None:
        return sizes(values, 2**15)
    if "split" in node.attributes:
        return list(node.integers("split"))
    count = node.integer("num_outputs", len(node.outputs))
    each = -(-size // max(count, 1))
    return [min(each, size - i * each) for i in range(count)]


def _exact(values: Values) -> Values:
    return values.astype(np.float64, copy=False) if values.dtype.kind == "f" else values


def _all(node: Node, inputs: Inputs) -> int:
    return sum(values.size for values in inputs if values is not None)  # one may be there twice


def _broadcast(node: Node, inputs: Inputs) -> int:
    shapes = [values.shape for values in inputs if values is not None]
    return prod(np.broadcast_shapes(*shapes)) * max(len(shapes) - 1, 1) + _all(node, inputs)


def _elementwise(function: Callable[..., Any]) -> _Formula:
    """Make a formula in float64, whatever the file's type is."""
    return _Formula(lambda node, *inputs: function(*map(_exact, inputs)), _broadcast)


def _many(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *inputs: reduce(function, inputs)


def _remainder(node: Node, a: Values, b: Values) -> Any:
    """With the divisor's sign, or with the dividend's, as C's fmod has it."""
    return (np.fmod if node.integer("fmod", 0) else np.mod)(_exact(a), _exact(b))


def _divided(a: Values, b: Values) -> Any:
    """Divide; whole numbers are rounded towards 0."""
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise ValueError("division by 0")
    return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def _constant(node: Node) -> Any:
    for name, found in node.attributes.items():
        if name == "value":
            return tensor(found.t, f"constant {node.name!r}")
        if name in ("value_float", "value_floats"):
            return np.float64(found.floats if name.endswith("s") else found.f)
        if name in ("value_int", "value_ints"):
            return np.int64(found.ints if name.endswith("s") else found.i)
    raise LeftOutError(f"{node} has no value of numbers")


def _constant_numbers(node: Node, inputs: Inputs) -> int:
    return sum(len(each.floats) + len(each.ints) + len(each.t.float_data) for each in node.attributes.values())


def _cast(node: Node, x: Values, *like: Values) -> Any:
    wanted = node.integer("to", 0)
    if like:
        return x.astype(np.float64 if like[0].dtype.kind == "f" else like[0].dtype)
    if wanted in FLOATS:
        return x.astype(np.float64, copy=False)
    if wanted not in _INTEGERS:
        raise ValueError(f"ONNX' type {wanted} is not supported")
    return x.astype(_INTEGERS[wanted], copy=False)


def _clip(node: Node, x: Values, low: Values | None = None, high: Values | None = None) -> Any:
    if node.opset < 11:
        return np.clip(_exact(x), node.number("min", -inf), node.number("max", inf))
    return np.clip(_exact(x), low, high)


def _gather(node: Node, x: Values, indices: Values) -> Any:
    return np.take(x, indices, node.integer("axis", 0))


def _gather_numbers(node: Node, inputs: Inputs) -> int:
    x, indices = inputs
    if x is None or indices is None:
        return 0
    return int(x.size // max(x.shape[node.integer("axis", 0)], 1) * indices.size)


def _unsqueeze(node: Node, x: Values, *axes: Values) -> Any:
    return np.expand_dims(x, tuple(axes_of(node, axes[0] if axes else None) or ()))


def _squeeze(node: Node, x: Values, *axes: Values) -> Any:
    found = axes_of(node, axes[0] if axes else None)
    return np.squeeze(x, None if found is None else tuple(found))


def _reshape(node: Node, x: Values, *shape: Values) -> Any:
    wanted = sizes(shape[0]) if shape else list(node.integers("shape"))
    if not node.integer("allowzero", 0):
        wanted = [x.shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    return x.reshape(wanted)


def _transpose(node: Node, x: Values) -> Any:
    return np.transpose(x, node.integers("perm") or None)


def _flatten(node: Node, x: Values) -> Any:
    axis = node.integer("axis", 1)
    return x.reshape(prod(x.shape[: axis + x.ndim if axis < 0 else axis]), -1)


def _filled(node: Node, shape: Values) -> Any:
    value = tensor(node.attributes["value"].t, f"{node}").reshape(-1) if "value" in node.attributes else np.zeros(1)
    return np.full(sizes(shape), value[0])


def _filled_numbers(node: Node, inputs: Inputs) -> int:
    return prod(sizes(inputs[0]))


def _expanded_numbers(node: Node, inputs: Inputs) -> int:
    x, shape = inputs
    return 0 if x is None else prod(np.broadcast_shapes(x.shape, tuple(sizes(shape))))


def _range(node: Node, start: Values, limit: Values, delta: Values) -> Any:
    return np.arange(start.item(), limit.item(), delta.item()).astype(_exact(start).dtype, copy=False)


def _range_numbers(node: Node, inputs: Inputs) -> int:
    start, limit, delta = (values.item() if values is not None else 0 for values in inputs)
    count: float = (limit - start) / delta
    return 2 * max(ceil(count), 0)  # once more for the type


def _expand(node: Node, x: Values, shape: Values) -> Any:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(sizes(shape))))


def _reduction(function: Callable[..., Any]) -> _Formula:
    def compute(node: Node, x: Values, *axes: Values | None) -> Any:
        x, found = _exact(x), axes_of(node, axes[0] if axes else None)
        keep = bool(node.integer("keepdims", 1))
        if not found and node.integer("noop_with_empty_axes", 0):
            return x
        return function(x, axis=tuple(found) if found else None, keepdims=keep).astype(x.dtype, copy=False)

    return _Formula(compute, _all)


def _split(node: Node, x: Values, *parts: Values) -> Any:
    axis = node.integer("axis", 0)
    found = parts_of(node, x.shape[axis], parts[0] if parts else None)
    if sum(found) != x.shape[axis]:
        raise ValueError(f"parts of {found} do not make {x.shape[axis]}")
    return np.split(x, np.cumsum(found)[:-1], axis)


_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "And": np.logical_and,
    "Ceil": np.ceil,
    "Div": _divided,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": _many(np.maximum),
    "Min": _many(np.minimum),
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Where": np.where,
}

_FORMULAS: dict[str, _Formula] = {
    **{op: _elementwise(function) for op, function in _ELEMENTWISE.items()},
    "Cast": _Formula(_cast, _all),
    "CastLike": _Formula(_cast, _all),
    "Clip": _Formula(_clip, _all),
    "Concat": _Formula(lambda node, *parts: np.concatenate(parts, node.integer("axis", 1)), _all),
    "Constant": _Formula(_constant, _constant_numbers),
    "ConstantOfShape": _Formula(_filled, _filled_numbers),
    "Dropout": _Formula(lambda node, x, *rest: x),
    "Expand": _Formula(_expand, _expanded_numbers),
    "Flatten": _Formula(_flatten, _all),
    "Gather": _Formula(_gather, _gather_numbers),
    "Identity": _Formula(lambda node, x: x),
    "Mod": _Formula(_remainder, _broadcast),
    "Range": _Formula(_range, _range_numbers),
    "ReduceMax": _reduction(np.max),
    "ReduceMean": _reduction(np.mean),
    "ReduceMin": _reduction(np.min),
    "ReduceProd": _reduction(np.prod),
    "ReduceSum": _reduction(np.sum),
    "Reshape": _Formula(_reshape, _all),
    "Shape": _Formula(lambda node, x: shape_of(node, x.shape)),
    "Size": _Formula(lambda node, x: np.int64(x.size)),
    "Slice": _Formula(lambda node, x, *rest: x[slices_of(node, x.ndim, (x, *rest))]),
    "Split": _Formula(_split),
    "Squeeze": _Formula(_squeeze),
    "Transpose": _Formula(_transpose),
    "Unsqueeze": _Formula(_unsqueeze),
}


def shape_of(node: Node, shape: tuple[int, ...]) -> Values:
    """Compute what a Shape node makes of a value of that shape."""
    behind = node.integer("end", len(shape)) if "end" in node.attributes else len(shape)
    return np.array(shape[node.integer("start", 0) : behind], np.int64)
