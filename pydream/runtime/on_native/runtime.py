"""C++ as a runtime: NumPy's passes over kernels of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..base import Tensor
from ..graph import Graph, Params, Step
from ..layers import Layer
from ..on_numpy import NumpyRuntime
from .fusion import Convolutions, fused
from .kernels import kernels
from .layers import RUNNERS, add_up


class NativeRuntime(NumpyRuntime):
    """Runs on the CPU, on ``PYDREAM_NUM_THREADS`` threads; its numbers do not depend on how many.

    Raises
    ------
    ImportError
        The compiled module is missing; nothing is chosen in its place.
    """

    name = "native"
    memory_factors: ClassVar = {"float32": 1.1, "float64": 1.1}  # freed as it is read; measured (docs/tiles.md)
    runners: ClassVar = {**NumpyRuntime.runners, **RUNNERS}

    def __init__(self, graph: Graph, params: Params, dtype: np.dtype[Any], device: str = "auto") -> None:
        kernels()
        super().__init__(graph, params, dtype, device)

    def steps(self, values: Sequence[int], end: int, kept: Iterable[int] = ()) -> list[Step]:
        """As `Runtime.steps`, with steps that run faster as one; a subclass with other runners runs them one by one."""
        steps = super().steps(values, end)
        own = self.runners is NativeRuntime.runners
        return fused(self.graph, steps, {*values, *kept, *self._reread}) if own else steps

    def weights(self, layer: Layer) -> Sequence[NDArray[Any]]:
        """As `Runtime.weights`; those of several convolutions one after the other."""
        parts = layer.parts if isinstance(layer, Convolutions) else [layer]
        return [array for part in parts for array in super(NativeRuntime, self).weights(part)]

    def total(self, diffs: list[Tensor]) -> Tensor:
        """As `Runtime.total`, in one pass over memory."""
        return add_up(diffs[::-1]) if len(diffs) > 1 and diffs[0].size else super().total(diffs)
