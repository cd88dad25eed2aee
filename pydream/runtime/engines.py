"""The runtimes by name, and which of them runs a network where none is named."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Runtime
from .graph import Graph
from .on_native import NativeRuntime
from .on_numpy import NumpyRuntime
from .on_tensorflow import TensorFlowRuntime, runs_on_cpu

AUTO = "auto"
RUNTIMES: dict[str, type[Runtime]] = {
    runtime.name: runtime for runtime in (TensorFlowRuntime, NumpyRuntime, NativeRuntime)
}


def usual_runtime(dtype: str) -> str:
    """Return the runtime that a dtype usually runs on: what is faster on a CPU."""
    return NativeRuntime.name if dtype == "float64" else TensorFlowRuntime.name


def runtime_for(runtime: str | type[Runtime], graph: Graph, dtype: np.dtype[Any], device: str) -> type[Runtime]:
    """Return the runtime of that name, or the class itself; for "auto" the one that is to run a graph.

    That is the usual one of the dtype; but TensorFlow on a GPU, and where the graph has a layer that only TensorFlow
    runs.

    Parameters
    ----------
    runtime, device
        As for `pydream.runtime.net.Net`.
    graph : Graph
    dtype : numpy.dtype

    Raises
    ------
    ValueError
        No runtime has that name.
    """
    checked_runtime(runtime)
    if not isinstance(runtime, str):
        return runtime
    if runtime != AUTO:
        return RUNTIMES[runtime]
    usual = RUNTIMES[usual_runtime(dtype.name)]
    fits = all(type(step.layer) in usual.runners for step in graph.steps)
    return usual if fits and runs_on_cpu(device) else TensorFlowRuntime


def checked_runtime(runtime: str | type[Runtime]) -> str | type[Runtime]:
    """Return a runtime's name, or a class; raise `ValueError` for any other name."""
    if isinstance(runtime, str) and runtime not in (AUTO, *RUNTIMES):
        raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(map(repr, (AUTO, *RUNTIMES)))}")
    return runtime
