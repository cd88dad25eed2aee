"""A runner of TensorFlow's: a layer with its weights as tensors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..base import L, Runner, Tensor, Tensors
from .door import tensorflow

T = TypeVar("T")
_MADE: ContextVar[dict[Any, Any] | None] = ContextVar("made in the trace that is being made", default=None)


@contextmanager
def each_once() -> Iterator[None]:
    """Have `once` remember what it made, in this block, which makes one trace."""
    token = _MADE.set({})
    try:
        yield
    finally:
        _MADE.reset(token)


def once(make: Callable[[], T], what: str, *of: Any) -> T:
    """Return what `make` returns: of equal names and arguments what the trace has, since each node takes time to make.

    A tensor's name is its `ref()`.
    """
    made = _MADE.get()
    if made is None:
        return make()
    if (what, *of) not in made:
        made[what, *of] = make()
    found: T = made[what, *of]
    return found


def same_size(x: Tensor, other: Tensor) -> Tensor:
    """Return a tensor that has rows and columns as another has."""
    once(lambda: size_of(other), "size", x.ref())
    return x


def size_of(x: Tensor) -> Tensor:
    """Return the shape, but for the channels, of a tensor in a trace."""
    return once(lambda: shape_of(x), "size", x.ref())


def shape_of(x: Tensor) -> Tensor:
    """Return the shape of a tensor in a trace."""
    return once(lambda: tensorflow().shape(x), "shape", x.ref())


class TFRunner(Runner[L]):
    """Base: runs one layer with its weights, all of one dtype."""

    def __init__(self, layer: L, params: list[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        self.tf = tensorflow()
        super().__init__(layer, params, dtype)

    def constant(self, array: NDArray[Any]) -> Tensor:
        """Return an array as a tensor of the network's dtype."""
        return self.tf.constant(np.asarray(array, self.dtype, order="C"))


class Differentiated(TFRunner[L]):
    """Base: a formula that TensorFlow differentiates.

    The backward pass runs the formula again, in the forward pass's trace or in its own; TensorFlow merges equal ops.
    """

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        """As `Runner.forward`; the memo is the bottoms."""
        return (self.top(*bottoms),), bottoms

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        """As `Runner.backward`."""
        # Tensors that only this formula reads: one bottom may be computed from another, and TensorFlow looks through
        # all that is made of them.
        bottoms = [self.tf.identity(bottom) for bottom in memo]
        found = self.tf.gradients(self.top(*bottoms), bottoms, list(diffs), unconnected_gradients="zero")
        return tuple(map(self.tf.convert_to_tensor, found))  # that of a gather is sparse

    @abstractmethod
    def top(self, *bottoms: Tensor) -> Tensor:
        """Compute the top."""
