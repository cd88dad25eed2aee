"""Holds a port's image side, function by function, to NumPy's and SciPy's results."""

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
        Its functions are called as those of `pydream.imageops.numpy_ops`: `roll`, `zoom`, `mean_abs`, `ascend`, `clip`,
        `to_tensor`, `ascend_tensor`, `affine_transform`. One that it does not have is a failure.
    exact : bool
        Whether every bit has to be NumPy's, as those of pydream's C++ are. Else what rounds may be off by a few
        roundings, 1e-6 relative in float32 and 1e-14 in float64; what only moves numbers may not.

    Returns
    -------
    Report

    Raises
    ------
    ConformanceError
        Where a step failed: each with the difference and, if it is a known mistake, what it looks like.
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
                wanted = "returns nothing" if "result" not in expected else "returns an array or a number"
                report.holds(stage.name, False, f"{stage.function} {wanted}")
                continue
            for name, array in expected.items():
                # "image" is what a function wrote into, beside what it returns.
                step = f"{stage.name}, what is written" if len(expected) > 1 and name == "image" else stage.name
                kept = np.asarray(found[name])
                if kept.dtype != array.dtype:
                    report.holds(step, False, f"dtype {kept.dtype}, want {array.dtype}")
                    continue
                limit = 0.0 if exact else stage.tolerance
                report.compare(step, kept, array, limit, _mistaken(stage, name))
    return report.finish()


def _mistaken(stage: Stage, name: str) -> Mistakes:
    def result(function: Any) -> Array:
        return np.asarray(stage.run(function)[name]).astype(next(iter(stage.inputs.values())).dtype)

    return {text: lambda function=function: result(function) for text, function in stage.mistakes.items()}  # type: ignore[misc]
