"""Check a port's image side, function by function, against NumPy's and SciPy's results."""

from __future__ import annotations

from typing import Any

import numpy as np

from .report import Array, Mistakes, Report
from .stages import Stage, stages


def check_imageops(ops: Any, *, exact: bool = False) -> Report:
    """Check a port of `pydream.imageops`.

    Parameters
    ----------
    ops : module or object
        Has the functions of `pydream.imageops.numpy_ops`: `roll`, `zoom`, `mean_abs`, `ascend`, `clip`, `to_tensor`,
        `ascend_tensor`, `affine_transform`. A missing one is a failure.
    exact : bool
        Whether every bit must equal NumPy's, as in pydream's C++. Otherwise functions that round may differ by a few
        roundings, 1e-6 relative in float32 and 1e-14 in float64; functions that only move numbers may not.

    Returns
    -------
    Report

    Raises
    ------
    ConformanceError
        Where steps failed: with their differences and, for a known mistake, its name.
    """
    report = Report("check_imageops")
    for stage in stages():
        function = getattr(ops, stage.function, None)
        if function is None:
            report.holds(stage.name, False, f"there is no function {stage.function!r}")
            continue
        expected = stage.expected()
        with report.trying(stage.name):
            found = stage.run(function)
            if set(found) != set(expected):
                wanted = "nothing" if "result" not in expected else "an array or a number"
                report.holds(stage.name, False, f"{stage.function} must return {wanted}")
                continue
            for name, array in expected.items():
                # "image" is the array that a function writes to, besides its result.
                step = f"{stage.name}, the image" if len(expected) > 1 and name == "image" else stage.name
                kept = np.asarray(found[name])
                if kept.dtype != array.dtype:
                    report.holds(step, False, f"dtype {kept.dtype}, expected {array.dtype}")
                    continue
                limit = 0.0 if exact else stage.tolerance
                report.compare(step, kept, array, limit, _mistaken(stage, name))
    return report.finish()


def _mistaken(stage: Stage, name: str) -> Mistakes:
    def result(function: Any) -> Array:
        return np.asarray(stage.run(function)[name]).astype(next(iter(stage.inputs.values())).dtype)

    return {text: lambda function=function: result(function) for text, function in stage.mistakes.items()}  # type: ignore[misc]
