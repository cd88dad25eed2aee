"""ONNX as a runtime that computes nothing: its tensors are values of a graph, and its passes write the nodes."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np

from ...errors import ExportError
from ...net import Array
from ..base import Runner, Runtime, Tensor
from ..graph import Graph, Params, Step
from ..layers import Layer
from ..on_numpy.runtime import NumpyRuntime
from .layers import RUNNERS
from .nodes import Nodes


class OnnxRuntime(Runtime):
    """The passes of `Runtime` over traced values: `model.step_model` runs them.

    Attributes
    ----------
    nodes : Nodes
        The graph that is being written.
    """

    name: ClassVar = "onnx"
    runners: ClassVar = {**NumpyRuntime.runners, **RUNNERS}
    channels_last = False

    def __init__(self, graph: Graph, params: Params, dtype: np.dtype[Any], device: str = "auto") -> None:
        super().__init__(graph, params, dtype, device)
        self.nodes = Nodes()
        self._layer: Layer | None = None

    def find_device(self, wanted: str) -> str:
        """Return ``"CPU:0"``: a graph is written, not run."""
        return "CPU:0"

    def tensor(self, array: Array) -> NoReturn:
        """Refuse to compute."""
        raise NotImplementedError("an ONNX graph is written, not run")

    def match(self, tensor: Tensor, features: Tensor) -> NoReturn:
        """Refuse to compute."""
        raise NotImplementedError("the features of a guide are not written")

    @property
    def at(self) -> str:
        """The layer that is being written, with its type, for messages."""
        return "" if self._layer is None else f"{self._layer.name!r} ({self._layer.type})"

    def runner(self, step: Step) -> Runner[Any]:
        """As `Runtime.runner`; what it is asked for next belongs to this layer."""
        self.nodes.scope, self._layer = step.layer.name, step.layer
        return super().runner(step)

    def reads(self, step: Step) -> tuple[str, ...]:
        """As `Runtime.reads`; a layer without operators, which may be behind what is written, reads nothing."""
        return super().reads(step) if type(step.layer) in self.runners else ()

    def runner_type(self, layer: Layer) -> type[Runner[Any]]:
        """As `Runtime.runner_type`; raise `ExportError` for a layer of another type."""
        if type(layer) not in self.runners:
            raise ExportError(f"layer {layer.name!r} ({layer.type}): no ONNX operators for it")
        return self.runners[type(layer)]
