"""The runtimes by name, built in or added by a package, and which of them runs a network where none is named."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NetFileError
from .base import Runtime
from .graph import Graph
from .on_native import NativeRuntime
from .on_numpy import NumpyRuntime
from .on_tensorflow import TensorFlowRuntime, runs_on_cpu
from .plugged import plugged_libraries, plugged_names, plugged_runtime

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
    if runtime != AUTO:
        return _that_runs(named_runtime(runtime), graph)
    usual = RUNTIMES[usual_runtime(dtype.name)]
    fits = all(type(step.layer) in usual.runners for step in graph.steps)
    return usual if fits and runs_on_cpu(device) else TensorFlowRuntime


def named_runtime(runtime: str | type[Runtime]) -> type[Runtime]:
    """Return the runtime of a name, or a class; raise `ValueError` for any other name."""
    if not isinstance(runtime, str):
        return runtime
    # No package takes the place of what is built in.
    found = RUNTIMES[runtime] if runtime in RUNTIMES else plugged_runtime(runtime)
    if found is None:
        raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(map(repr, runtime_names()))}")
    return found


def checked_runtime(runtime: str | type[Runtime]) -> str | type[Runtime]:
    """Return a runtime's name, or a class; raise `ValueError` for any other name."""
    if runtime != AUTO:
        named_runtime(runtime)
    return runtime


def runtime_names() -> list[str]:
    """Return what a runtime can be asked for by: those of installed packages come last."""
    built_in = [AUTO, *RUNTIMES]
    return built_in + [name for name in plugged_names() if name not in built_in]


def runtime_libraries(name: str) -> tuple[str, ...]:
    """Return the distributions that a runtime of this name takes beside pydream's own."""
    return () if name in RUNTIMES else plugged_libraries(name)


def _that_runs(runtime: type[Runtime], graph: Graph) -> type[Runtime]:
    """Return a runtime; raise `NetFileError` where it is not built in and has no runner for a layer of the graph."""
    if runtime in RUNTIMES.values():  # NumPy's reads outlines too, of layers that it never runs
        return runtime
    lacking = {type(step.layer): step.layer for step in graph.steps if type(step.layer) not in runtime.runners}
    if lacking:
        types = ", ".join(sorted({layer.type for layer in lacking.values()}))
        able = [name for name, other in RUNTIMES.items() if all(kind in other.runners for kind in lacking)]
        others = f"; {', '.join(map(repr, able))} would do" if able else ""
        first = next(iter(lacking.values())).name
        raise NetFileError(
            f"{graph.name}: the runtime {runtime.name!r} does not run {types} (layer {first!r} is one){others}"
        )
    return runtime
