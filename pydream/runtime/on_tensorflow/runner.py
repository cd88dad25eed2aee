"""A runner of TensorFlow's: a layer with its weights as tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import L, Runner, Tensor, Tensors
from .door import tensorflow


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
