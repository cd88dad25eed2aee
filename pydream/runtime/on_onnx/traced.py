"""A traced value stands for an array of the graph: what NumPy's functions compute with it becomes nodes.

So the formulas of `on_numpy` that say nothing of height and width are ONNX' too, as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from .nodes import Nodes

LAST = 2**62  # as the end of a slice: up to the end


class OpenSizeError(Exception):
    """A formula needs a size that is open."""


class Open:
    """A size that is not known before the graph runs; equal to one that is computed as it is.

    Parameters
    ----------
    extent : Traced, optional
        The height and the width of which it is one, by `axis`.
    axis : int
    """

    def __init__(self, extent: Traced | None = None, axis: int = 0) -> None:
        self.extent, self.axis = extent, axis

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Open) or self.extent is None or other.extent is None:
            return self is other
        return (self.extent.name, self.axis) == (other.extent.name, other.axis)

    def __hash__(self) -> int:
        return hash(self.axis)

    def _refuse(self, *_: Any) -> NoReturn:
        raise OpenSizeError

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __truediv__ = __rtruediv__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __index__ = __int__ = __float__ = _refuse


Size = Any  # int or Open
Value = Any  # a Traced one, which NumPy's functions and formulas take for an array
Shape = tuple[Size, ...]


class Traced(NDArrayOperatorsMixin):
    """A value of the graph.

    Parameters
    ----------
    nodes : Nodes
    name : str
    shape : tuple of int or Open
    dtype : numpy.dtype
        The network's, or bool or int64.
    """

    def __init__(self, nodes: Nodes, name: str, shape: Shape, dtype: Any) -> None:
        self.nodes = nodes
        self.name = name
        self.shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod([_known(size) for size in self.shape], dtype=np.int64))

    def __len__(self) -> int:
        return _known(self.shape[0])

    def op(self, op: str, *others: Any, shape: Shape, dtype: Any = None, **attributes: Any) -> Traced:
        """Return what a node with this value as its first input makes; other inputs may be arrays."""
        (name,) = self.nodes(op, self.name, *map(self.named, others), **attributes)
        return Traced(self.nodes, name, shape, self.dtype if dtype is None else dtype)

    def named(self, value: Any) -> str:
        """Return the name of a value, which is made a constant if it is none of the graph's."""
        return value.name if isinstance(value, Traced) else self.nodes.constant(np.asarray(value))

    def like(self, value: Any) -> Traced:
        """Return a value, or numbers, as a value of this type."""
        if isinstance(value, Traced):
            return value if value.dtype == self.dtype else value.astype(self.dtype)
        array = np.asarray(value, self.dtype)
        return Traced(self.nodes, self.nodes.constant(array), array.shape, self.dtype)

    # ---- what NumPy calls ----

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc.__name__ not in _UFUNCS:
            raise NotImplementedError(f"{ufunc.__name__} {method}")
        return _UFUNCS[ufunc.__name__](*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in _FUNCTIONS:
            raise NotImplementedError(f"numpy.{func.__name__}")
        return _FUNCTIONS[func](*args, **kwargs)

    # ---- the methods of an array ----

    def astype(self, dtype: Any, copy: bool = True) -> Traced:
        """As `numpy.ndarray.astype`."""
        from onnx import helper

        dtype = np.dtype(np.int64 if np.issubdtype(dtype, np.integer) else dtype)
        if dtype == self.dtype:
            return self
        return self.op("Cast", shape=self.shape, dtype=dtype, to=helper.np_dtype_to_tensor_dtype(dtype))

    def reshape(self, *shape: Any) -> Traced:
        """As `numpy.ndarray.reshape`; an axis may have an open size where this value has the same."""
        wanted: list[Any] = list(shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape)
        if tuple(wanted) == self.shape:
            return self
        found = [size if size != -1 else self._rest(wanted) for size in wanted]
        asked = [self._copied(place, size) for place, size in enumerate(wanted)]
        return self.op("Reshape", np.array(asked, np.int64), shape=tuple(found))

    def _rest(self, wanted: list[Any]) -> Size:
        """Return the size that -1 stands for."""
        both = [[size for size in sizes if isinstance(size, Open)] for sizes in (self.shape, wanted)]
        if any(each not in both[1] for each in both[0]):
            return Open()
        known = [int(np.prod([s for s in sizes if not isinstance(s, Open)])) for sizes in (self.shape, wanted)]
        return known[0] // -known[1]

    def _copied(self, place: int, size: Size) -> int:
        if not isinstance(size, Open):
            return int(size)
        if place >= self.ndim or self.shape[place] != size:
            raise OpenSizeError
        return 0  # the size that is there

    def transpose(self, *axes: Any) -> Traced:
        """As `numpy.ndarray.transpose`."""
        order = [int(axis) for axis in (axes[0] if len(axes) == 1 else axes)]
        return self.op("Transpose", shape=tuple(self.shape[axis] for axis in order), perm=order)

    @property
    def T(self) -> Traced:
        """The axes in reverse order."""
        return self.transpose(range(self.ndim)[::-1])

    def swapaxes(self, one: int, other: int) -> Traced:
        """As `numpy.ndarray.swapaxes`."""
        order = list(range(self.ndim))
        order[one], order[other] = order[other], order[one]
        return self.transpose(order)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """As `numpy.ndarray.sum`."""
        return self._reduced("ReduceSum", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """As `numpy.ndarray.mean`."""
        return self._reduced("ReduceMean", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """As `numpy.ndarray.max`."""
        return self._reduced("ReduceMax", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """As `numpy.ndarray.min`."""
        return self._reduced("ReduceMin", axis, keepdims)

    def _reduced(self, op: str, axis: Any, keepdims: bool) -> Traced:
        value = self.astype(np.int64) if self.dtype == bool else self
        axes = range(self.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        gone = sorted(each % self.ndim for each in axes)
        if not gone:
            return value
        sizes = enumerate(self.shape)
        shape = tuple(1 if place in gone else size for place, size in sizes if keepdims or place not in gone)
        return value.op(op, np.array(gone, np.int64), shape=shape, keepdims=int(keepdims))

    def squeeze(self, axis: Any) -> Traced:
        """As `numpy.ndarray.squeeze`."""
        return self.reshape([size for place, size in enumerate(self.shape) if place not in axis])

    def take(self, indices: Any, axis: int) -> Traced:
        """As `numpy.ndarray.take`."""
        places = np.asarray(indices, np.int64)
        if places.ndim == 1 and len(places) and np.array_equal(places, np.arange(places[0], places[0] + len(places))):
            return self[(slice(None),) * axis + (slice(int(places[0]), int(places[-1]) + 1),)]
        shape = (*self.shape[:axis], *places.shape, *self.shape[axis + 1 :])
        return self.op("Gather", places, shape=shape, axis=axis)

    def __getitem__(self, key: Any) -> Traced:
        """Return the part that slices name."""
        slices = key if isinstance(key, tuple) else (key,)
        cut = [(axis, each) for axis, each in enumerate(slices) if each != slice(None)]
        if not cut:
            return self
        shape = list(self.shape)
        starts: list[int] = []
        ends: list[int] = []
        steps: list[int] = []
        for axis, each in cut:
            size, step = shape[axis], each.step or 1
            start = each.start if each.start is not None else 0 if step > 0 else LAST
            end = each.stop if each.stop is not None else LAST if step > 0 else -LAST
            starts, ends, steps = [*starts, start], [*ends, end], [*steps, step]
            shape[axis] = Open() if isinstance(size, Open) else len(range(*each.indices(size)))
        numbers = [np.array(each, np.int64) for each in (starts, ends, [axis for axis, _ in cut], steps)]
        return self.op("Slice", *numbers, shape=tuple(shape))


def _known(size: Size) -> int:
    if isinstance(size, Open):
        raise OpenSizeError
    return int(size)


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that values of these shapes have together; an open size goes with itself and 1 alone."""
    rank = max(map(len, shapes))
    found = []
    for column in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        sizes = [size for size in column if isinstance(size, Open) or size != 1]
        if any(isinstance(size, Open) for size in sizes) and not all(isinstance(size, Open) for size in sizes):
            raise OpenSizeError
        found.append(sizes[0] if sizes else 1)
    return tuple(found)


def _first(values: Sequence[Any]) -> Traced:
    """Return the value that says of which type numbers beside it are."""
    traced = [value for value in values if isinstance(value, Traced)]
    return next((value for value in traced if value.dtype != bool), traced[0])


def _simple(op: str, dtype: Any = None) -> Callable[..., Traced]:
    """Return a function of operands of one type that are broadcast."""

    def apply(*operands: Any) -> Traced:
        guide = _first(operands)
        first, *others = [guide.like(operand) for operand in operands]
        return first.op(op, *others, shape=broadcast(*(each.shape for each in (first, *others))), dtype=dtype)

    return apply


_add, _subtract, _multiply, _divide = map(_simple, ("Add", "Sub", "Mul", "Div"))
_exp, _log, _abs, _maximum, _power = map(_simple, ("Exp", "Log", "Abs", "Max", "Pow"))


def _raised(x: Any, power: Any) -> Traced:
    """``x ** power``; where roots and products say the same, they are many times as fast."""
    if not isinstance(power, Traced) and isinstance(x, Traced) and np.ndim(power) == 0:
        if power == 2:
            return _multiply(x, x)
        if power == -0.75:
            return _simple("Reciprocal")(_simple("Sqrt")(_multiply(x, _simple("Sqrt")(x))))
    return _power(x, power)


def _mod(x: Any, y: Any) -> Traced:
    return _subtract(x, _multiply(_divide(x, y), y))  # of whole numbers from 0 on


def _matmul(x: Any, y: Any) -> Traced:
    guide = _first((x, y))
    a, b = guide.like(x), guide.like(y)
    return a.op("MatMul", b, shape=(*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))


_UFUNCS: dict[str, Callable[..., Traced]] = {
    "absolute": _abs,
    "add": _add,
    "bitwise_and": _simple("And", bool),
    "divide": _divide,
    "equal": _simple("Equal", bool),
    "erf": _simple("Erf"),
    "exp": _exp,
    "expm1": lambda x: _subtract(_exp(x), 1),
    "floor_divide": _divide,  # of whole numbers from 0 on
    "greater": _simple("Greater", bool),
    "greater_equal": _simple("GreaterOrEqual", bool),
    "invert": _simple("Not", bool),
    "less": _simple("Less", bool),
    "less_equal": _simple("LessOrEqual", bool),
    "log": _log,
    "logaddexp": lambda x, y: _add(_maximum(x, y), _log(_add(_exp(-_abs(_subtract(x, y))), 1))),
    "matmul": _matmul,
    "maximum": _maximum,
    "minimum": _simple("Min"),
    "multiply": _multiply,
    "negative": _simple("Neg"),
    "power": _raised,
    "remainder": _mod,
    "sign": _simple("Sign"),
    "sqrt": _simple("Sqrt"),
    "subtract": _subtract,
    "tanh": _simple("Tanh"),
}


def _where(condition: Traced, one: Any, other: Any) -> Traced:
    both = [each for each in (one, other) if isinstance(each, Traced)]
    if both:
        guide = _first(both)
        if guide.dtype == bool:  # numbers beside truths
            guide = guide.astype(np.result_type(one if guide is other else other))
    else:
        kind = np.result_type(one, other)
        guide = Traced(condition.nodes, "", (), np.int64 if kind.kind == "i" else kind)
    a, b = guide.like(one), guide.like(other)
    return condition.op("Where", a, b, shape=broadcast(condition.shape, a.shape, b.shape), dtype=a.dtype)


def joined(values: Sequence[Any], axis: int = 0) -> Traced:
    """As `numpy.concatenate`."""
    guide = _first(values)
    first, *others = [guide.like(value) for value in values]
    axis = axis % first.ndim
    for column in zip(*(np.delete(np.array(each.shape, object), axis) for each in (first, *others)), strict=True):
        if len({isinstance(size, Open) for size in column}) > 1:  # equal for one size alone
            raise OpenSizeError
    sizes = [each.shape[axis] for each in (first, *others)]
    size = Open() if any(isinstance(each, Open) for each in sizes) else sum(sizes)
    return first.op("Concat", *others, shape=(*first.shape[:axis], size, *first.shape[axis + 1 :]), axis=axis)


def _stacked(values: Sequence[Any], axis: int = 0) -> Traced:
    shaped = []
    for value in values:
        shape = list(value.shape)
        axes = np.array([axis], np.int64)
        shaped.append(value.op("Unsqueeze", axes, shape=(*shape[:axis], 1, *shape[axis:])))
    return joined(shaped, axis)


def _split(value: Traced, parts: Any, axis: int = 0) -> list[Traced]:
    axis = axis % value.ndim
    size = _known(value.shape[axis])
    ends = [*parts, size] if np.ndim(parts) else [size // parts * (i + 1) for i in range(parts)]
    counts = np.diff([0, *ends]).astype(np.int64)
    if len(counts) == 1:
        return [value]
    names = value.nodes("Split", value.name, value.named(counts), outputs=len(counts), axis=axis)
    shapes = [(*value.shape[:axis], int(count), *value.shape[axis + 1 :]) for count in counts]
    return [Traced(value.nodes, name, shape, value.dtype) for name, shape in zip(names, shapes, strict=True)]


def filled(like: Traced, number: float, dtype: Any = None) -> Traced:
    """Return one number in the shape of a value."""
    from onnx import helper

    kind = like.dtype if dtype is None else np.dtype(np.int64 if np.issubdtype(dtype, np.integer) else dtype)
    size = like.op("Shape", shape=(like.ndim,), dtype=np.int64)
    tensor = helper.make_tensor("value", helper.np_dtype_to_tensor_dtype(kind), [1], [number])
    return size.op("ConstantOfShape", shape=like.shape, dtype=kind, value=tensor)


def _broadcast_to(value: Traced, shape: Any) -> Traced:
    return value.op("Expand", np.array([_known(size) for size in shape], np.int64), shape=tuple(shape))


def _pad(value: Traced, widths: Any, mode: str = "constant", constant_values: float = 0) -> Traced:
    before, behind = np.array(widths, np.int64).T
    more = before + behind
    shape: list[Any] = []
    for axis, size in enumerate(value.shape):
        if more[axis] and isinstance(size, Open):
            whole = None if size.extent is None or value.ndim != 4 else size.extent + more[2:]
            size = Open(whole, size.axis)
        shape.append(size + int(more[axis]) if more[axis] and not isinstance(size, Open) else size)
    filler = [] if mode == "reflect" else [value.like(constant_values)]
    return value.op("Pad", np.concatenate([before, behind]), *filler, shape=tuple(shape), mode=mode)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.broadcast_to: _broadcast_to,
    np.clip: lambda x, low, high: _simple("Min")(_maximum(x, low), high),
    np.concatenate: joined,
    np.max: Traced.max,
    np.mean: Traced.mean,
    np.min: Traced.min,
    np.ones_like: lambda x: filled(x, 1),
    np.pad: _pad,
    np.split: _split,
    np.stack: _stacked,
    np.sum: Traced.sum,
    np.where: _where,
    np.zeros_like: lambda x, dtype=None: filled(x, 0, dtype),
}


def as_traced(nodes: Nodes, array: NDArray[Any]) -> Traced:
    """Return an array as a constant of the graph."""
    return Traced(nodes, nodes.constant(array), array.shape, array.dtype)
