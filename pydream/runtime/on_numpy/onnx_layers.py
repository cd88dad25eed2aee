"""How NumPy runs the layers of ONNX' networks: two formulas each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import layers as caffe_layers
from .. import onnx_layers as layers
from .. import tf_layers
from ..base import Runner
from .layers.activations import DropoutRunner
from .layers.base import Array, Arrays, Memo
from .layers.linear import ConvolutionRunner
from .layers.pooling import PoolingRunner


class PoolRunner(PoolingRunner):
    """As Caffe's, with another divisor."""

    layer: layers.Pool

    def divisor(self, shape: tuple[int, ...]) -> Array:
        counts = []
        for axis, out in enumerate(self.out(shape)):
            (before, behind), size = self.layer.padding[axis], shape[2 + axis]
            first = np.arange(out) * self.layer.stride[axis] - before
            last = first + self.layer.kernel[axis]
            if self.layer.counted:
                counts.append(np.minimum(last, size + behind) - first)
            else:
                counts.append(np.minimum(last, size) - np.maximum(first, 0))
        return (counts[0][:, None] * counts[1]).astype(self.dtype)


class AffineRunner(Runner[tf_layers.Affine]):
    """``y = factor x + offset``, ``dx = dy factor``."""

    def prepare(self, params: list[Array]) -> None:
        self.factor = params[0] if self.layer.factor else np.ones(1, self.dtype)
        self.offset = params[-1] if self.layer.offset else np.zeros(1, self.dtype)

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        return (x * self._along(self.factor, x) + self._along(self.offset, x),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0] * self._along(self.factor, diffs[0]),)

    def _along(self, values: Array, x: Array) -> Array:
        return values.reshape(-1, *[1] * (x.ndim - 2))


class Pair(NamedTuple):
    """A function of two arrays; and the gradients at both from theirs, the result and the gradient there."""

    top: Callable[[Array, Array], Array]
    back: Callable[[Array, Array, Array, Array], Arrays]


def _sides(wins: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array, Array], Arrays]:
    """Return the gradients of a maximum or minimum: equal operands get one half each, as in PyTorch."""

    def back(a: Array, b: Array, top: Array, diff: Array) -> Arrays:
        share = np.where(a == b, 0.5, wins(a, b)).astype(diff.dtype)
        return diff * share, diff * (1 - share)

    return back


_PAIRS: dict[str, Pair] = {
    "Add": Pair(np.add, lambda a, b, top, diff: (diff, diff)),
    "Sub": Pair(np.subtract, lambda a, b, top, diff: (diff, -diff)),
    "Mul": Pair(np.multiply, lambda a, b, top, diff: (diff * b, diff * a)),
    "Div": Pair(np.divide, lambda a, b, top, diff: (diff / b, -diff * top / b)),
    "Max": Pair(np.maximum, _sides(np.greater)),
    "Min": Pair(np.minimum, _sides(np.less)),
    "Pow": Pair(np.power, lambda a, b, top, diff: (diff * b * a ** (b - 1), diff * top * np.log(a))),
    "PRelu": Pair(
        lambda a, b: np.where(a > 0, a, b * a),
        lambda a, b, top, diff: (np.where(a > 0, diff, b * diff), np.where(a > 0, 0, a * diff)),
    ),
}


class ElementwiseRunner(Runner[layers.Elementwise]):
    """A function of two operands; what was broadcast adds up on the way back."""

    def prepare(self, params: list[Array]) -> None:
        self.constant = params
        self.pair = _PAIRS[self.layer.op]

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        first, second = self._operands(bottoms)
        top = self.pair.top(first, second)
        return (top,), (*bottoms, top)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        *bottoms, top = memo
        gradients = self.pair.back(*self._operands(bottoms), top, diffs[0])
        own = gradients[self.layer.turned :][: len(bottoms)]
        return tuple(_gathered(diff, bottom.shape) for diff, bottom in zip(own, bottoms, strict=True))

    def _operands(self, bottoms: Sequence[Array]) -> tuple[Array, Array]:
        first, second = (*bottoms, *self.constant)
        return (second, first) if self.layer.turned else (first, second)


def _gathered(diff: Array, shape: tuple[int, ...]) -> Array:
    """Add up a gradient along the axes that were broadcast from `shape`."""
    more = diff.ndim - len(shape)
    axes = tuple(range(more)) + tuple(
        more + axis for axis, size in enumerate(shape) if size == 1 != diff.shape[more + axis]
    )
    return diff.sum(axes, keepdims=True).reshape(shape) if axes else diff


class Curve(NamedTuple):
    """A function and its derivative, of an array and constants."""

    top: Callable[..., Any]
    slope: Callable[..., Any]


def _erf(x: Array) -> Any:
    from scipy import special  # takes 0.1 s, and most networks want none of it

    return special.erf(x)


def _sigmoid(x: Array) -> Any:
    return 1 / (1 + np.exp(-x))


def _bell(x: Array) -> Any:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _normal(x: Array) -> Any:
    return 0.5 * (1 + _erf(x / np.sqrt(2)))


def _inner(x: Array) -> Any:
    return np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def _inner_slope(x: Array) -> Any:
    return np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)


def _softplus(x: Array) -> Any:
    return np.logaddexp(x, 0)


CURVES: dict[str, Curve] = {
    "Celu": Curve(
        lambda x, a: np.maximum(x, 0) + a * np.expm1(np.minimum(x, 0) / a), lambda x, a: np.exp(np.minimum(x, 0) / a)
    ),
    "Erf": Curve(_erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "Gelu": Curve(lambda x: x * _normal(x), lambda x: _normal(x) + x * _bell(x)),
    "GeluTanh": Curve(
        lambda x: 0.5 * x * (1 + np.tanh(_inner(x))),
        lambda x: 0.5 * (1 + np.tanh(_inner(x))) + 0.5 * x * (1 - np.tanh(_inner(x)) ** 2) * _inner_slope(x),
    ),
    "HardSigmoid": Curve(
        lambda x, a, b: np.clip(a * x + b, 0, 1), lambda x, a, b: a * ((a * x + b > 0) & (a * x + b < 1))
    ),
    "HardSwish": Curve(
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda x: np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1)),
    ),
    "Mish": Curve(
        lambda x: x * np.tanh(_softplus(x)),
        lambda x: np.tanh(_softplus(x)) + x * (1 - np.tanh(_softplus(x)) ** 2) * _sigmoid(x),
    ),
    "Selu": Curve(
        lambda x, a, g: g * np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        lambda x, a, g: g * np.where(x > 0, 1, a * np.exp(np.minimum(x, 0))),
    ),
    "Softsign": Curve(lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2.0),
}


class PointwiseRunner(Runner[layers.Pointwise]):
    """``y = f(x)``, ``dx = dy f'(x)``."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        top = CURVES[self.layer.op].top(bottoms[0], *self.layer.constants)
        return (top.astype(self.dtype, copy=False),), bottoms

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        slope = CURVES[self.layer.op].slope(memo[0], *self.layer.constants)
        return (diffs[0] * slope.astype(self.dtype, copy=False),)


class TransposeRunner(Runner[layers.Transpose]):
    """The axes in another order, and back."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (bottoms[0].transpose(self.layer.axes),), ()

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0].transpose(np.argsort(self.layer.axes)),)


class ViewRunner(Runner[layers.View]):
    """The same values with other axes."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        (shape,) = self.layer.top_shapes(x.shape)
        return (x.reshape(shape),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return (diffs[0].reshape(memo[0]),)


class ViewBackRunner(Runner[layers.ViewBack]):
    """The first bottom's values with the axes of the second."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (bottoms[0].reshape(bottoms[1].shape),), (bottoms[0].shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        return diffs[0].reshape(memo[0]), np.zeros_like(diffs[0])


class ReduceRunner(Runner[layers.Reduce]):
    """The sum, mean, norm, largest or smallest; of equal largest values each gets its part of the gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,), axes = bottoms, self.layer.axes
        if self.layer.op == "L2":
            top = np.sqrt((x * x).sum(axes, keepdims=True))
        else:
            top = getattr(np, self.layer.op.lower())(x, axes, keepdims=True)
        return (top if self.layer.kept else top.squeeze(axes),), (x, top)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        x, top = memo
        diff = diffs[0].reshape(top.shape)
        if self.layer.op in ("Max", "Min"):
            wins = x == top
            return (diff * wins / wins.sum(self.layer.axes, keepdims=True),)
        if self.layer.op == "L2":
            return (diff * x / np.where(top == 0, 1, top),)  # at 0 no gradient, as in PyTorch
        share = top.size / x.size if self.layer.op == "Mean" else 1.0
        return (np.broadcast_to(diff * diff.dtype.type(share), x.shape),)


class NormalizationRunner(Runner[layers.Normalization]):
    """``y = g h + b``, ``h = (x - mean) / s``; ``dx = (e - mean e - h mean(e h)) / s`` with ``e = g dy``."""

    def prepare(self, params: list[Array]) -> None:
        self.factor, self.offset = [*params, None, None][:2]

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,), axes = bottoms, self.layer.axes
        centred = x - x.mean(axes, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axes, keepdims=True) + self.dtype.type(self.layer.eps))
        top = h = centred / deviation
        if self.factor is not None:
            top = top * self.factor
        return (top if self.offset is None else top + self.offset,), (h, deviation)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (h, deviation), axes = memo, self.layer.axes
        e = diffs[0] if self.factor is None else diffs[0] * self.factor
        return ((e - e.mean(axes, keepdims=True) - h * (e * h).mean(axes, keepdims=True)) / deviation,)


class PartRunner(Runner[layers.Part]):
    """Some places of each axis; the others get no gradient."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (bottoms[0][self.layer.slices],), (bottoms[0].shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        back = np.zeros(memo[0], diffs[0].dtype)
        back[self.layer.slices] = diffs[0]
        return (back,)


class PadRunner(Runner[layers.Pad]):
    """More places around; what is mirrored gets the gradient of all its images."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        (x,) = bottoms
        if self.layer.reflect:
            return (np.pad(x, self.layer.widths, "reflect"),), (x.shape,)
        return (np.pad(x, self.layer.widths, constant_values=self.layer.value),), (x.shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        (shape,), (diff,) = memo, diffs
        if not self.layer.reflect:
            pairs = zip(self.layer.widths, shape, strict=True)
            return (diff[tuple(slice(before, before + size) for (before, _), size in pairs)],)
        back = np.zeros(shape, diff.dtype)
        sides = zip(shape, self.layer.widths, strict=True)
        np.add.at(back, np.ix_(*(np.pad(np.arange(size), widths, "reflect") for size, widths in sides)), diff)
        return (back,)


class MatMulRunner(Runner[layers.MatMul]):
    """``y = a b``, ``da = dy b^T``, ``db = a^T dy``."""

    def prepare(self, params: list[Array]) -> None:
        self.constant = params

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        first, second = self.layer.operands(*bottoms, *self.constant)
        return (first @ second,), bottoms

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        first, second = self.layer.operands(*memo, *self.constant)
        both = (diffs[0] @ second.swapaxes(-1, -2), first.swapaxes(-1, -2) @ diffs[0])
        own = both[self.layer.turned :][: len(memo)]
        return tuple(_gathered(diff, bottom.shape) for diff, bottom in zip(own, memo, strict=True))


class GatherRunner(Runner[layers.Gather]):
    """Places by index; one that is taken several times gets the sum of the gradients."""

    def forward(self, *bottoms: Array) -> tuple[Arrays, Memo]:
        return (bottoms[0].take(self.layer.indices, self.layer.axis),), (bottoms[0].shape,)

    def backward(self, memo: Memo, *diffs: Array) -> Arrays:
        back = np.zeros(memo[0], diffs[0].dtype)
        places: Any = (slice(None),) * self.layer.axis + (self.layer.indices,)
        np.add.at(back, places, diffs[0])
        return (back,)


RUNNERS: dict[type[caffe_layers.Layer], type[Runner[Any]]] = {
    layers.Elementwise: ElementwiseRunner,
    layers.Gather: GatherRunner,
    layers.MatMul: MatMulRunner,
    layers.Normalization: NormalizationRunner,
    layers.Pad: PadRunner,
    layers.Part: PartRunner,
    layers.Pointwise: PointwiseRunner,
    layers.Pool: PoolRunner,
    layers.Reduce: ReduceRunner,
    layers.Transpose: TransposeRunner,
    layers.View: ViewRunner,
    layers.ViewBack: ViewBackRunner,
    tf_layers.Affine: AffineRunner,
    tf_layers.Conv2D: ConvolutionRunner,
    tf_layers.DepthwiseConv2D: ConvolutionRunner,
    tf_layers.Identity: DropoutRunner,
}
