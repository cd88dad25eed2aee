"""Formulas for libraries that differentiate: layer, weights and bottoms → the top, or the tops; each written once.

A formula reads what a library has through the runtime, `run`: `run.np` are its functions with NumPy's names and
arguments, and `run.pad`. Tensors have Caffe's axes, (n, c, h, w). Convolutions are each library's own.

What is not here, and where a formula's derivative is not Caffe's gradient, NumPy runs (`ported`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate
from operator import add, mul, sub, truediv
from typing import Any

import numpy as np

from . import layers, onnx_layers, tf_layers
from .base import LOWEST, TIE, Tensor
from .layers import Layer
from .on_numpy.layers.windows import reached, taps

Formula = Callable[..., Any]  # run, layer, weights, *bottoms -> the top, or a tuple of tops
Weights = Sequence[Tensor]

_OPERATORS = {"Add": add, "Sub": sub, "Mul": mul, "Div": truediv}


def padding(layer: Any, shape: layers.Shape) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows, and columns, before and behind a convolution's bottom of that shape; below 0: left out."""
    found = []
    for axis, size in enumerate(shape[2:]):
        before, out = layer.slide(size, axis)
        found.append((before, (out - 1) * layer.stride[axis] + layer.reach[axis] - size - before))
    return found[0], found[1]


def inner_product(run: Any, layer: layers.InnerProduct, weights: Weights, x: Tensor) -> Tensor:
    """``y = x W^T + b`` with x flattened from an axis on."""
    matrix = weights[0] if layer.transpose else weights[0].T
    (shape,) = layer.top_shapes(x.shape)
    top = x.reshape((*shape[:-1], -1)) @ matrix
    return top + weights[1] if layer.bias else top


def pooling(run: Any, layer: layers.Pooling, _: Weights, x: Tensor) -> Tensor:
    """``mean`` of a window, or its largest value: of equal ones the first, in float64 of nearly equal ones too."""
    if layer.everything and layer.average:
        return x.mean((2, 3), keepdims=True)
    out_h, out_w = layer.top_shapes(x.shape)[0][2:]
    first, *rest = taps(pooled(run, layer, x), layer.kernel, layer.stride, (1, 1), (out_h, out_w))
    if layer.average:
        return reduce(add, rest, first) / run.tensor(divisor(layer, x.shape, run.dtype))
    best = first
    for tap in rest:
        least = best + TIE * (1 + abs(best)) if run.dtype == np.float64 else best
        best = run.np.where(tap > least, tap, best)
    return best


def pooled(run: Any, layer: layers.Pooling, x: Tensor) -> Tensor:
    """Return a map padded as far as the windows of a pooling reach: with 0 for means, else with what never wins."""
    _, _, *out = layer.top_shapes(x.shape)[0]
    ends = reached((out[0], out[1]), layer.stride, layer.kernel)
    behind = [max(ends[axis] - layer.pad[axis] - x.shape[2 + axis], 0) for axis in (0, 1)]
    widths = ((0, 0), (0, 0), (layer.pad[0], behind[0]), (layer.pad[1], behind[1]))
    return run.pad(x, widths, 0.0 if layer.average else LOWEST) if any(map(any, widths)) else x


def divisor(layer: layers.Pooling, shape: layers.Shape, dtype: np.dtype[Any]) -> Any:
    """Count the values of each window of a mean, (out_h, out_w), as NumPy's runner does."""
    from .on_numpy import NumpyRuntime

    return NumpyRuntime.runners[type(layer)](layer, [], dtype).divisor(shape)  # type: ignore[attr-defined]


def lrn(run: Any, layer: layers.LRN, _: Weights, x: Tensor) -> Tensor:
    """``y = x s^-beta``, ``s = k + alpha/n sum x^2`` over the n neighbouring channels."""
    channels, reach = x.shape[1], layer.local_size // 2
    squares = run.pad(x * x, ((0, 0), (reach, reach), (0, 0), (0, 0)), 0.0)
    total = reduce(add, (squares[:, i : i + channels] for i in range(layer.local_size)))
    return x * (layer.k + layer.alpha / layer.local_size * total) ** -layer.beta


def eltwise(run: Any, layer: layers.Eltwise, _: Weights, *bottoms: Tensor) -> Tensor:
    """``sum c x``, or the product."""
    if layer.operation == "SUM":
        return reduce(add, (c * x for c, x in zip(layer.coeff, bottoms, strict=True)))
    return reduce(mul, bottoms)


def elementwise(run: Any, layer: onnx_layers.Elementwise, weights: Weights, *bottoms: Tensor) -> Tensor:
    """Compute ``a + b``, or with another operator; one operand may be a weight."""
    first, second = (*bottoms, *weights)
    return _OPERATORS[layer.op](second, first) if layer.turned else _OPERATORS[layer.op](first, second)


def channels(run: Any, layer: Layer, weights: Weights, x: Tensor) -> Tensor:
    """``factor x + offset``, a number for each channel: what batch normalisation with stored statistics comes to."""
    factor, offset = (by_channel(each, x) for each in weights)
    return x * factor + offset


def affine(run: Any, layer: tf_layers.Affine, weights: Weights, x: Tensor) -> Tensor:
    """``factor x + offset``, either of which may be missing."""
    numbers = iter([by_channel(each, x) for each in weights])
    top = x * next(numbers) if layer.factor else x
    return top + next(numbers) if layer.offset else top


def by_channel(numbers: Tensor, x: Tensor) -> Tensor:
    """Lay one number for each channel, or one for all, along the channel axis of `x`."""
    return numbers.reshape((-1, *[1] * (len(x.shape) - 2)))


def relu(run: Any, layer: layers.ReLU, _: Weights, x: Tensor) -> Tensor:
    """``y = x`` where x > 0, else ``negative_slope x``; the gradient at 0 is that of the negative side."""
    below = layer.negative_slope * x if layer.negative_slope else run.np.zeros_like(x)  # 0 times infinity would be NaN
    return run.np.where(x > 0, x, below)


def elu(run: Any, layer: layers.ELU, _: Weights, x: Tensor) -> Tensor:
    """``y = x`` where x > 0, else ``alpha (exp(x) - 1)``."""
    below = run.np.where(x > 0, run.np.zeros_like(x), x)  # an infinite exp would make its gradient NaN
    return run.np.where(x > 0, x, layer.alpha * (run.np.exp(below) - 1))


def scale(run: Any, layer: layers.Scale, weights: Weights, *bottoms: Tensor) -> Tensor:
    """``factor x + offset``; the factor is a weight or the second bottom."""
    x, factor, *offset = (*bottoms, *weights)
    return reduce(add, (along(layer, each, x) for each in offset), x * along(layer, factor, x))


def bias(run: Any, layer: layers.Bias, weights: Weights, *bottoms: Tensor) -> Tensor:
    """``x + offset``; the offset is a weight or the second bottom."""
    x, offset = (*bottoms, *weights)
    return x + along(layer, offset, x)


def along(layer: layers.Scale | layers.Bias, numbers: Tensor, x: Tensor) -> Tensor:
    """Lay numbers along their axes of `x`."""
    rank = len(numbers.shape)
    behind = len(x.shape) - layer.start(x.shape, tuple(numbers.shape)) - rank
    return numbers.reshape((*numbers.shape, *[1] * behind))


def sliced(run: Any, layer: layers.Slice, _: Weights, x: Tensor) -> tuple[Tensor, ...]:
    """Parts of the bottom."""
    axis = layer.axis % len(x.shape)
    sizes = [shape[axis] for shape in layer.top_shapes(x.shape)]
    ends = list(accumulate(sizes))
    return tuple(x[(slice(None),) * axis + (slice(end - size, end),)] for size, end in zip(sizes, ends, strict=True))


def softmax(run: Any, layer: layers.Softmax, _: Weights, x: Tensor) -> Tensor:
    """``y = exp(x) / sum exp(x)``; any number may be taken from x, and its largest keeps exp from overflowing."""
    power = run.np.exp(x - run.np.amax(x, axis=layer.axis, keepdims=True))
    return power / power.sum(axis=layer.axis, keepdims=True)


FORMULAS: dict[type[Layer], Formula] = {
    layers.BatchNorm: channels,
    layers.Bias: bias,
    layers.Concat: lambda run, layer, _, *bottoms: run.np.concatenate(bottoms, axis=layer.axis),
    layers.Dropout: lambda run, layer, _, x: x,
    layers.ELU: elu,
    layers.Eltwise: eltwise,
    layers.Flatten: lambda run, layer, _, x: x.reshape(layer.top_shapes(x.shape)[0]),
    layers.InnerProduct: inner_product,
    layers.LRN: lrn,
    layers.PReLU: lambda run, layer, weights, x: run.np.where(x > 0, x, by_channel(weights[0], x) * x),
    layers.Pooling: pooling,
    layers.ReLU: relu,
    layers.Reshape: lambda run, layer, _, x: x.reshape(layer.top_shapes(x.shape)[0]),
    layers.Scale: scale,
    layers.Sigmoid: lambda run, layer, _, x: 1 / (1 + run.np.exp(-x)),
    layers.Slice: sliced,
    layers.Softmax: softmax,
    layers.TanH: lambda run, layer, _, x: run.np.tanh(x),
    onnx_layers.Elementwise: elementwise,
    onnx_layers.Pool: pooling,
    onnx_layers.View: lambda run, layer, _, x: x.reshape(layer.top_shapes(x.shape)[0]),
    tf_layers.Affine: affine,
    tf_layers.Identity: lambda run, layer, _, x: x,
}

# Of these types some layers alone: of others the derivative is not Caffe's gradient, or the formula is another.
ONLY: dict[type[Layer], Callable[[Any], bool]] = {
    layers.BatchNorm: lambda layer: not layer.batch,
    layers.Eltwise: lambda layer: not layer.in_place and layer.operation != "MAX" and layer.stable,
    layers.LRN: lambda layer: not layer.within,
    layers.Pooling: lambda layer: not (layer.stochastic or layer.tops[1:] or (layer.everything and not layer.average)),
    onnx_layers.Elementwise: lambda layer: layer.op in _OPERATORS,
    onnx_layers.Pool: lambda layer: not (layer.everything and not layer.average),
}
