"""How TensorFlow runs the layers of ONNX' networks: formulas that it differentiates itself.

Four-axis tensors are stored (n, h, w, c), whatever their axes mean: `logical` and `stored` go between this and ONNX'
order.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers as caffe_layers
from .. import onnx_layers as layers
from ..base import Runner, Tensor
from .layers.base import tf_axis
from .layers.pooling import PoolingRunner
from .runner import Differentiated

_LOGICAL, _STORED = (0, 3, 1, 2), (0, 2, 3, 1)


class PoolRunner(PoolingRunner):
    """As Caffe's, with padding of its own on each side, and another divisor."""

    layer: layers.Pool

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.same = self.same_where_whole = False

    def _out_size(self, size: Tensor) -> Tensor:
        kernel, stride = np.array((self.layer.kernel, self.layer.stride), np.int32)
        before, behind = np.array(self.layer.padding, np.int32).T
        room = size + (before + behind - kernel)
        if not self.layer.round_up:
            return room // stride + 1
        out = -(-room // stride) + 1
        return out - self.tf.cast((out - 1) * stride >= size + before, out.dtype)

    def _divisor(self, shape: Tensor) -> Tensor:
        counts = []
        for axis, out in enumerate(self.tf.unstack(self._out_size(shape[1:3]))):
            size, (before, behind) = shape[1 + axis], self.layer.padding[axis]
            first = self.tf.range(out) * self.layer.stride[axis] - before
            last = first + self.layer.kernel[axis]
            if self.layer.counted:
                counts.append(self.tf.minimum(last, size + behind) - first)
            else:
                counts.append(self.tf.minimum(last, size) - self.tf.maximum(first, 0))
        return self.tf.cast(counts[0][:, None, None] * counts[1][:, None], self.dtype)


class LogicalRunner(Differentiated[Any]):
    """Base: a formula on tensors whose axes are in ONNX' order."""

    def top(self, *bottoms: Tensor) -> Tensor:
        return self.stored(self.compute(*map(self.logical, bottoms)))

    def compute(self, *bottoms: Tensor) -> Tensor:
        """Compute the top of the bottoms, all in ONNX' order."""
        raise NotImplementedError

    def logical(self, x: Tensor) -> Tensor:
        """Return a tensor in ONNX' order."""
        return self.tf.transpose(x, _LOGICAL) if x.shape.rank == 4 else x

    def stored(self, x: Tensor) -> Tensor:
        """Return a tensor in the runtime's order."""
        return self.tf.transpose(x, _STORED) if x.shape.rank == 4 else x


def _equal_shared(tf: Any, wins: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return a where it wins, else b; of equal operands each gets half of the gradient, as in PyTorch."""
    return tf.where(wins, a, tf.where(a == b, (a + b) / 2, b))


_PAIRS: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "Add": lambda tf, a, b: a + b,
    "Sub": lambda tf, a, b: a - b,
    "Mul": lambda tf, a, b: a * b,
    "Div": lambda tf, a, b: a / b,
    "Max": lambda tf, a, b: _equal_shared(tf, a > b, a, b),
    "Min": lambda tf, a, b: _equal_shared(tf, a < b, a, b),
    "Pow": lambda tf, a, b: a**b,
    "PRelu": lambda tf, a, b: tf.where(a > 0, a, b * a),
}


class ElementwiseRunner(LogicalRunner):
    """A function of two operands; only those whose ranks differ have to be in ONNX' order."""

    layer: layers.Elementwise

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.weight = [self.constant(self._weight(params[0]))] if params else []
        self.formula = _PAIRS[self.layer.op]

    def _weight(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.transpose(_STORED) if values.ndim == 4 else values

    def top(self, *bottoms: Tensor) -> Tensor:
        first, second = [*bottoms, *self.weight][:: -1 if self.layer.turned else 1]
        if first.shape.rank != second.shape.rank and 4 in (first.shape.rank, second.shape.rank):
            return self.stored(self.formula(self.tf, self.logical(first), self.logical(second)))
        return self.formula(self.tf, first, second)


def _normal(tf: Any, x: Tensor) -> Tensor:
    return 0.5 * (1 + tf.math.erf(x / np.sqrt(2)))


def _exp_below(tf: Any, x: Tensor, a: float) -> Tensor:
    """``x`` above 0, ``a (exp x - 1)`` below."""
    return tf.where(x > 0, x, a * tf.math.expm1(tf.minimum(x, tf.zeros_like(x))))


def _clip(tf: Any, x: Tensor, low: float, high: float) -> Tensor:
    return tf.clip_by_value(x, tf.constant(low, x.dtype), tf.constant(high, x.dtype))


def _inside(tf: Any, x: Tensor, low: float, high: float) -> Tensor:
    """Clip, without a gradient at the limits."""
    return tf.where((x > low) & (x < high), x, tf.stop_gradient(_clip(tf, x, low, high)))


CURVES: dict[str, Callable[..., Tensor]] = {
    "Celu": lambda tf, x, a: tf.where(x > 0, x, a * tf.math.expm1(tf.minimum(x, tf.zeros_like(x)) / a)),
    "Erf": lambda tf, x: tf.math.erf(x),
    "Gelu": lambda tf, x: x * _normal(tf, x),
    "GeluTanh": lambda tf, x: 0.5 * x * (1 + tf.tanh(np.sqrt(2 / pi) * (x + 0.044715 * x * x * x))),
    "HardSigmoid": lambda tf, x, a, b: _inside(tf, a * x + b, 0, 1),
    "HardSwish": lambda tf, x: tf.where(x >= 3, x, x * _inside(tf, x + 3, 0, 6) / 6),
    "Mish": lambda tf, x: x * tf.tanh(tf.math.softplus(x)),
    "Selu": lambda tf, x, a, g: g * _exp_below(tf, x, a),
    "Softsign": lambda tf, x: x / (1 + tf.abs(x)),
}


class PointwiseRunner(Differentiated[layers.Pointwise]):
    """``y = f(x)``."""

    def top(self, *bottoms: Tensor) -> Tensor:
        return CURVES[self.layer.op](self.tf, bottoms[0], *self.layer.constants)


class TransposeRunner(LogicalRunner):
    """The axes in another order, in one transposition."""

    layer: layers.Transpose

    def top(self, *bottoms: Tensor) -> Tensor:
        axes = self.layer.axes
        if len(axes) == 4:
            axes = tuple(_LOGICAL[axes[axis]] for axis in _STORED)
        return self.tf.transpose(bottoms[0], axes)


class ViewRunner(LogicalRunner):
    """The same values with other axes."""

    layer: layers.View

    def compute(self, *bottoms: Tensor) -> Tensor:
        tf, (x,) = self.tf, bottoms
        shape = tf.shape(x)
        sizes = [size if isinstance(size, int) else tf.reduce_prod(tf.gather(shape, size)) for size in self.layer.sizes]
        top = tf.reshape(x, tf.stack(sizes)) if sizes else tf.reshape(x, [])
        top.set_shape([self._known(size, x.shape) for size in self.layer.sizes])
        return top

    def _known(self, size: int | tuple[int, ...], shape: Any) -> int | None:
        if isinstance(size, int):
            return None if size == -1 else size
        known = [shape[axis] for axis in size]
        return None if None in known else int(np.prod(known))


class ViewBackRunner(LogicalRunner):
    """The first bottom's values with the axes of the second."""

    layer: layers.ViewBack

    def compute(self, *bottoms: Tensor) -> Tensor:
        top = self.tf.reshape(bottoms[0], self.tf.shape(bottoms[1]))
        top.set_shape(bottoms[1].shape)
        return top


class ReduceRunner(LogicalRunner):
    """The sum, mean, norm, largest or smallest along some axes."""

    layer: layers.Reduce

    def top(self, *bottoms: Tensor) -> Tensor:
        (x,), tf, layer = bottoms, self.tf, self.layer
        if not layer.kept:
            x = self.logical(x)
        axes = [tf_axis(axis, x.shape.rank) if layer.kept else axis for axis in layer.axes]
        if layer.op == "L2":
            total = tf.reduce_sum(x * x, axes, keepdims=layer.kept)
            none = tf.equal(total, 0)  # there the root has no derivative; as in PyTorch the gradient is 0
            top = tf.where(none, tf.zeros_like(total), tf.sqrt(tf.where(none, tf.ones_like(total), total)))
        else:
            top = getattr(tf, f"reduce_{layer.op.lower()}")(x, axes, keepdims=layer.kept)
        return top if layer.kept else self.stored(top)


class NormalizationRunner(LogicalRunner):
    """``y = g (x - mean) / s + b``."""

    layer: layers.Normalization

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.weights = [self.constant(each.transpose(_STORED) if each.ndim == 4 else each) for each in params]

    def top(self, *bottoms: Tensor) -> Tensor:
        (x,), tf = bottoms, self.tf
        axes = [tf_axis(axis, x.shape.rank) for axis in self.layer.axes]
        centred = x - tf.reduce_mean(x, axes, keepdims=True)
        top = centred / tf.sqrt(tf.reduce_mean(centred * centred, axes, keepdims=True) + self.layer.eps)
        if self.weights:
            top = top * self.weights[0]
        return top + self.weights[1] if len(self.weights) > 1 else top


class PartRunner(LogicalRunner):
    """Some places of each axis."""

    layer: layers.Part

    def top(self, *bottoms: Tensor) -> Tensor:
        slices = self.layer.slices
        return bottoms[0][tuple(slices[axis] for axis in _STORED) if len(slices) == 4 else slices]


class PadRunner(LogicalRunner):
    """More places around."""

    layer: layers.Pad

    def top(self, *bottoms: Tensor) -> Tensor:
        (x,), widths = bottoms, self.layer.widths
        widths = tuple(widths[axis] for axis in _STORED) if len(widths) == 4 else widths
        value = self.tf.constant(self.layer.value, x.dtype)
        return self.tf.pad(x, widths, "REFLECT" if self.layer.reflect else "CONSTANT", constant_values=value)


class MatMulRunner(LogicalRunner):
    """``y = a b``."""

    layer: layers.MatMul

    def prepare(self, params: list[NDArray[Any]]) -> None:
        self.weight = [self.constant(each) for each in params]

    def compute(self, *bottoms: Tensor) -> Tensor:
        first, second = self.layer.operands(*bottoms, *self.weight)
        return self.tf.matmul(first, second)


class GatherRunner(LogicalRunner):
    """Places by index."""

    layer: layers.Gather

    def compute(self, *bottoms: Tensor) -> Tensor:
        return self.tf.gather(bottoms[0], self.layer.indices, axis=self.layer.axis)


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
}
