"""A runner of TensorFlow's: a layer with its weights as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import L, Runner, Tensor
from .door import tensorflow


class TFRunner(Runner[L]):
    """Base: runs one layer with its weights, all of one dtype."""

    def __init__(self, layer: L, params: list[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        self.tf = tensorflow()
        super().__init__(layer, params, dtype)

    def constant(self, array: NDArray[Any]) -> Tensor:
        """Return an array as a tensor of the network's dtype."""
        return self.tf.constant(np.asarray(array, self.dtype, order="C"))
