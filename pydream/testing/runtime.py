"""Check a port that runs layers, a `Runtime`: each type by itself, against NumPy's."""

from __future__ import annotations

from ..errors import NetFileError
from ..runtime.base import Runtime
from ..runtime.engines import named_runtime
from .case import Case
from .layer_cases import layer_cases
from .report import Mistakes, Report


def check_layers(runtime: str | type[Runtime], *, dtype: str = "float64") -> Report:
    """Check the layers of a runtime, one type after the other, forward and back.

    Parameters
    ----------
    runtime : str or subclass of Runtime
        Its name, if an installed package adds it, or its class.
    dtype : {"float64", "float32"}
        In float32 what the vectors allow for it is allowed.

    Returns
    -------
    Report
        Types that the runtime does not have are in its notes.

    Raises
    ------
    ConformanceError
        Where steps failed: with their differences and, for a known mistake, its name.
    ValueError
        No runtime has that name.
    """
    runtime = named_runtime(runtime)
    report = Report(f"check_layers of {runtime.name}")
    left: dict[str, None] = {}
    for case in layer_cases():
        try:
            _check(report, case, runtime, dtype)
        except NetFileError:
            left[case.parameters["type"]] = None
    if not report.steps:
        report.holds("layers", False, "there are none")
    if left:
        report.notes.append(f"not there: {', '.join(left)}")
    return report.finish()


def _check(report: Report, case: Case, runtime: type[Runtime], dtype: str) -> None:
    """Compare the outputs of a layer; raise `NetFileError` where the runtime does not have it."""
    assert case.run is not None
    limit = case.tolerance if dtype == "float64" else case.tolerance_float32
    assert limit is not None
    try:
        found = case.run(runtime, dtype)
    except NetFileError:
        raise
    except Exception as error:  # a port may raise anything
        report.holds(case.name, False, f"raised {type(error).__name__}: {error}")
        return
    for output, expected in case.outputs.items():
        mistakes: Mistakes = case.mistakes(output) if dtype == "float64" else {}
        report.compare(f"{case.name}, {output}", found[output], expected.astype(dtype), limit, mistakes)
