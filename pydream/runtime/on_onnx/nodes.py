"""A graph of ONNX' standard operators under construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 18  # Split with a number of outputs, sums in ScatterElements, axes of reductions as an input
_IR = 9  # the version of the file's format that came with later operators is not needed

Shown = Sequence[str | int]  # of a shape: a name stands for a size that is open


class Nodes:
    """Nodes and constants; a node of which there is one like it already is that one.

    Attributes
    ----------
    scope : str
        The layer that nodes are made for: their names begin with it.
    """

    def __init__(self) -> None:
        from onnx import helper  # takes 0.1 s, and only an export wants it

        self._helper = helper
        self._nodes: list[Any] = []
        self._made: dict[Any, list[str]] = {}
        self._constants: dict[Any, Any] = {}
        self.scope = ""

    def __call__(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Add a node; return the names of its outputs."""
        key = (op, inputs, outputs, tuple(sorted((name, str(value)) for name, value in attributes.items())))
        if key not in self._made:
            name = f"{self.scope}/{op}_{len(self._nodes)}"
            names = [name, *(f"{name}_{place}" for place in range(1, outputs))]
            self._nodes.append(self._helper.make_node(op, inputs, names, name=name, **attributes))
            self._made[key] = names
        return self._made[key]

    def constant(self, array: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"{self.scope}/constant_{len(self._constants)}"
            self._constants[key] = numpy_helper.from_array(array, name)
        return str(self._constants[key].name)

    def named(self, source: str, name: str) -> None:
        """Name a value: one of the graph's outputs."""
        self._nodes.append(self._helper.make_node("Identity", [source], [name], name=name))

    def model(
        self,
        inputs: Mapping[str, Shown],
        outputs: Mapping[str, Shown],
        dtype: np.dtype[Any],
        name: str,
        about: str,
        metadata: Mapping[str, str],
    ) -> Any:
        """Return the finished model, a ModelProto.

        Parameters
        ----------
        inputs, outputs : mapping of str to sequence
            The graph's, each with its shape.
        dtype : numpy.dtype
            Of all of them.
        name : str
        about : str
            A description for people.
        metadata : mapping of str to str
        """
        helper = self._helper
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        ends = [
            [helper.make_tensor_value_info(each, kind, list(shape)) for each, shape in named.items()]
            for named in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, name, *ends, list(self._constants.values()), doc_string=about)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR, producer_name="pydream")
        helper.set_model_props(model, dict(metadata))
        return model
