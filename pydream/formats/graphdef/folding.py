"""Folding computes what does not depend on the picture: weights that the graph reads, scales or puts together.

NumPy does it, op by op; an op that is not in the table is not computed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...runtime.tf_layers import FLOATS
from .nodes import MAX_NUMBERS, LeftOutError, Node, Values

_CASTS: dict[int, type] = {3: np.int32, 9: np.int64, 10: np.bool_}

# Ops that return their first input as it is.
IDENTITIES = frozenset({"Identity", "CheckNumerics", "PlaceholderWithDefault", "Snapshot", "StopGradient"})


def fold(node: Node, *inputs: Values) -> Values:
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
            exact = (x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs)
            return np.asarray(formula(node, *exact))
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        raise LeftOutError(f"{node.name!r} ({node.op}) cannot be computed: {error}") from error


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a formula in float64, whatever the graph's type is, as the weights of a float64 network are."""

    def formula(node: Node, *inputs: Values) -> Any:
        _check(np.broadcast_shapes(*(values.shape for values in inputs)))
        return function(*(values.astype(np.float64) if values.dtype.kind == "f" else values for values in inputs))

    return formula


def _check(shape: tuple[int, ...]) -> None:
    if min(shape, default=0) < 0 or prod(shape) > MAX_NUMBERS:
        raise ValueError(f"it would be {shape}, more than {MAX_NUMBERS} numbers")


def _rsqrt(x: Values) -> Any:
    return 1 / np.sqrt(x)


def _cast(node: Node, x: Values) -> Any:
    wanted = node.attributes["DstT"].type if "DstT" in node.attributes else 0
    if wanted in FLOATS:
        return x.astype(np.float64)
    if wanted not in _CASTS:
        raise ValueError(f"TensorFlow's type {wanted} is not supported")
    return x.astype(_CASTS[wanted])


def _fill(node: Node, shape: Values, value: Values) -> Any:
    _check(tuple(map(int, shape)))
    return np.full(shape, value)


def _pack(node: Node, *parts: Values) -> Any:
    _check((len(parts), *parts[0].shape))
    return np.stack(parts, node.integer("axis", 0))


def _concat(node: Node, *inputs: Values) -> Any:
    """Concatenate: `Concat` has its axis first, ConcatV2 last."""
    axis, parts = (inputs[0], inputs[1:]) if node.op == "Concat" else (inputs[-1], inputs[:-1])
    _check((sum(part.size for part in parts),))  # a part may be there twice
    return np.concatenate(parts, int(axis))


def _range(node: Node, start: Values, limit: Values, delta: Values) -> Any:
    _check((int((limit - start) / delta) + 1,))
    return np.arange(start.item(), limit.item(), delta.item()).astype(start.dtype)


def _slice(node: Node, x: Values, begin: Values, size: Values) -> Any:
    ends = [None if s < 0 else b + s for b, s in zip(begin, size, strict=True)]
    return x[tuple(slice(b, e) for b, e in zip(begin, ends, strict=True))]


def _strided_slice(node: Node, x: Values, begin: Values, end: Values, strides: Values) -> Any:
    masks = {name: node.integer(f"{name}_mask", 0) for name in ("begin", "end", "shrink_axis", "ellipsis", "new_axis")}
    if masks["ellipsis"] or masks["new_axis"]:
        raise ValueError("its ellipsis_mask or new_axis_mask is not 0")
    places: list[Any] = []
    for i, (first, behind, stride) in enumerate(zip(begin, end, strides, strict=True)):
        if masks["shrink_axis"] >> i & 1:
            places.append(int(first))
        else:
            places.append(
                slice(
                    None if masks["begin"] >> i & 1 else int(first),
                    None if masks["end"] >> i & 1 else int(behind),
                    int(stride),
                )
            )
    return x[tuple(places)]


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def formula(node: Node, x: Values, axes: Values) -> Any:
        return function(x, axis=tuple(np.atleast_1d(axes).tolist()), keepdims=node.flag("keep_dims")).astype(x.dtype)

    return formula


def _squeeze(node: Node, x: Values) -> Any:
    return np.squeeze(x, node.integers("squeeze_dims", ()) or None)


_FORMULAS: dict[str, Callable[..., Any]] = {
    "Add": _elementwise(np.add),
    "AddV2": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "ConcatV2": _concat,
    "Exp": _elementwise(np.exp),
    "ExpandDims": lambda node, x, axis: np.expand_dims(x, int(axis)),
    "Fill": _fill,
    "Maximum": _elementwise(np.maximum),
    "Mean": _reduction(np.mean),
    "Minimum": _elementwise(np.minimum),
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Pack": _pack,
    "Prod": _reduction(np.prod),
    "Range": _range,
    "RealDiv": _elementwise(np.true_divide),
    "Reciprocal": _elementwise(np.reciprocal),
    "Reshape": lambda node, x, shape: x.reshape(shape),
    "Rsqrt": _elementwise(_rsqrt),
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Square": _elementwise(np.square),
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Sub": _elementwise(np.subtract),
    "Sum": _reduction(np.sum),
    "Transpose": lambda node, x, axes: np.transpose(x, axes),
}
