"""Folding computes what does not depend on the picture: weights that the graph reads, scales or puts together.

NumPy does it, op by op; an op that is not in the table is not computed. What an op will take is worked out from its
inputs' shapes and compared with a budget before it runs: a graph of 300 bytes can ask for terabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import Any, NamedTuple

import numpy as np

from ...runtime.tf_layers import FLOATS
from .nodes import Budget, LeftOutError, Node, Values

_INTEGERS = (3, 9)
_CASTS: dict[int, type] = {3: np.int32, 9: np.int64, 10: np.bool_}
_WIDEST = 8  # bytes a number
_MOST_SIZES = 64  # that an input with sizes or axes may hold

# Ops that return their first input as it is.
IDENTITIES = frozenset({"Identity", "CheckNumerics", "PlaceholderWithDefault", "Snapshot", "StopGradient"})


class _Formula(NamedTuple):
    """How an op is computed, and the most numbers that this makes, copies of its inputs included."""

    compute: Callable[..., Any]
    numbers: Callable[..., int] = lambda node, *inputs: 0  # without more, the result is a view of an input


def fold(node: Node, budget: Budget, *inputs: Values) -> Values:
    """Compute the output of a node whose inputs are constants; `LeftOutError` where that cannot be.

    In float64, as if the graph had been cast to it; a float32 network rounds once, at the end.
    """
    if node.op in IDENTITIES:
        return inputs[0]
    formula = _FORMULAS.get(node.op)
    if formula is None:
        raise LeftOutError(f"{node.name!r} ({node.op}) makes a constant in a way that is not supported")
    try:
        with np.errstate(all="ignore"):
            if numbers := formula.numbers(node, *inputs):
                budget.check(node, _WIDEST * numbers, work=numbers + _all(node, *inputs))
            made = np.asarray(formula.compute(node, *inputs))
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        raise LeftOutError(f"{node.name!r} ({node.op}) cannot be computed: {error}") from error
    if not any(np.may_share_memory(made, values) for values in inputs):
        budget.take(node, made.nbytes)
    return made


def _exact(values: Values) -> Values:
    return values.astype(np.float64, copy=False) if values.dtype.kind == "f" else values


def _copied(*inputs: Values) -> int:
    """Count the numbers that `_exact` copies."""
    return sum(values.size for values in inputs if values.dtype.kind == "f" and values.dtype != np.float64)


def _all(node: Node, *inputs: Values) -> int:
    return sum(values.size for values in inputs)  # one may be there twice


def _sizes(values: Values) -> list[int]:
    """Return an input that has sizes or axes."""
    if values.size > _MOST_SIZES:
        raise ValueError(f"{values.size} sizes or axes, expected at most {_MOST_SIZES}")
    return [int(value) for value in values.reshape(-1)]


def _elementwise(function: Callable[..., Any]) -> _Formula:
    """Make a formula in float64, whatever the graph's type is, as the weights of a float64 network are."""

    def compute(node: Node, *inputs: Values) -> Any:
        return function(*map(_exact, inputs))

    def numbers(node: Node, *inputs: Values) -> int:
        shape: tuple[int, ...] = np.broadcast_shapes(*(values.shape for values in inputs))
        return prod(shape) + _copied(*inputs)

    return _Formula(compute, numbers)


def _rsqrt(x: Values) -> Any:
    root = np.asarray(np.sqrt(x))
    return np.divide(1, root, out=root)


def _cast(node: Node, x: Values) -> Any:
    wanted = node.attributes["DstT"].type if "DstT" in node.attributes else 0
    if wanted in FLOATS:
        return x.astype(np.float64, copy=False)
    if x.dtype == object and wanted in _INTEGERS:
        return x
    if wanted not in _CASTS:
        raise ValueError(f"TensorFlow's type {wanted} is not supported")
    return x.astype(_CASTS[wanted], copy=False)


def _pack(node: Node, *parts: Values) -> Any:
    return np.stack(parts, node.integer("axis", 0))


def _concat(node: Node, *inputs: Values) -> Any:
    """Concatenate: `Concat` has its axis first, ConcatV2 last."""
    axis, parts = (inputs[0], inputs[1:]) if node.op == "Concat" else (inputs[-1], inputs[:-1])
    return np.concatenate(parts, int(axis))


def _range(node: Node, start: Values, limit: Values, delta: Values) -> Any:
    return np.arange(start.item(), limit.item(), delta.item()).astype(_exact(start).dtype, copy=False)


def _range_numbers(node: Node, start: Values, limit: Values, delta: Values) -> int:
    count: float = (limit.item() - start.item()) / delta.item()
    return 2 * max(ceil(count), 0)  # once more for the type


def _slice(node: Node, x: Values, begin: Values, size: Values) -> Any:
    pairs = zip(_sizes(begin), _sizes(size), strict=True)
    return x[tuple(slice(b, None if s < 0 else b + s) for b, s in pairs)]


def _strided_slice(node: Node, x: Values, begin: Values, end: Values, strides: Values) -> Any:
    masks = {name: node.integer(f"{name}_mask", 0) for name in ("begin", "end", "shrink_axis", "ellipsis", "new_axis")}
    if masks["ellipsis"] or masks["new_axis"]:
        raise ValueError("its ellipsis_mask or new_axis_mask is not 0")
    places: list[Any] = []
    for i, (first, behind, stride) in enumerate(zip(*map(_sizes, (begin, end, strides)), strict=True)):
        if masks["shrink_axis"] >> i & 1:
            places.append(first)
        else:
            places.append(
                slice(
                    None if masks["begin"] >> i & 1 else first,
                    None if masks["end"] >> i & 1 else behind,
                    stride,
                )
            )
    return x[tuple(places)]


def _gather(node: Node, x: Values, places: Values, axis: Values) -> Any:
    if node.integer("batch_dims", 0) or places.size > _MOST_SIZES:
        raise ValueError(f"{places.size} places, expected at most {_MOST_SIZES}, and batch_dims 0")
    if places.size and not -0.5 < places.min() <= places.max() < x.shape[int(axis)]:
        raise IndexError("its places are outside of its values")
    return np.take(x, places, int(axis))


def _reduction(function: Callable[..., Any]) -> _Formula:
    def compute(node: Node, x: Values, axes: Values) -> Any:
        x = _exact(x)
        return np.asarray(function(x, axis=tuple(_sizes(axes)), keepdims=node.flag("keep_dims")), x.dtype)

    def numbers(node: Node, x: Values, axes: Values) -> int:
        gone = {axis % max(x.ndim, 1) for axis in _sizes(axes)}
        kept: list[int] = [size for axis, size in enumerate(x.shape) if axis not in gone]
        return 2 * prod(kept) + _copied(x)

    return _Formula(compute, numbers)


def _squeeze(node: Node, x: Values) -> Any:
    return np.squeeze(x, node.integers("squeeze_dims", ()) or None)


_FORMULAS: dict[str, _Formula] = {
    "Add": _elementwise(np.add),
    "AddV2": _elementwise(np.add),
    "Cast": _Formula(_cast, _all),
    "Concat": _Formula(_concat, _all),
    "ConcatV2": _Formula(_concat, _all),
    "Exp": _elementwise(np.exp),
    "ExpandDims": _Formula(lambda node, x, axis: np.expand_dims(x, int(axis))),
    "Fill": _Formula(
        lambda node, shape, value: np.full(_sizes(shape), value), lambda node, shape, value: prod(_sizes(shape))
    ),
    "FloorDiv": _elementwise(np.floor_divide),
    "GatherV2": _Formula(_gather, lambda node, x, places, axis: x.size * places.size),
    "Maximum": _elementwise(np.maximum),
    "Mean": _reduction(np.mean),
    "Minimum": _elementwise(np.minimum),
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Pack": _Formula(_pack, _all),
    "Prod": _reduction(np.prod),
    "Range": _Formula(_range, _range_numbers),
    "RealDiv": _elementwise(np.true_divide),
    "Reciprocal": _elementwise(np.reciprocal),
    "Reshape": _Formula(
        lambda node, x, shape: x.reshape(_sizes(shape)),
        lambda node, x, shape: 0 if x.flags.c_contiguous else x.size,
    ),
    "Rsqrt": _elementwise(_rsqrt),
    "Slice": _Formula(_slice),
    "Sqrt": _elementwise(np.sqrt),
    "Square": _elementwise(np.square),
    "Squeeze": _Formula(_squeeze),
    "StridedSlice": _Formula(_strided_slice),
    "Sub": _elementwise(np.subtract),
    "Sum": _reduction(np.sum),
    "Transpose": _Formula(lambda node, x, axes: np.transpose(x, _sizes(axes))),
}
