"""A report is a list of comparisons with the measured differences; one that failed becomes an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mistakes = Mapping[str, Callable[[], Array]]  # a mistake, completing "as if …" → the values that a port with it finds


class ConformanceError(AssertionError):
    """A port differs from the reference.

    Attributes
    ----------
    report : Report
        All steps that were compared.
    """

    def __init__(self, report: Report) -> None:
        failures = report.failures
        lines = "\n".join(f"  {step.name}: {step.fault}" for step in failures)
        super().__init__(f"{report.subject}: {len(failures)} of {len(report.steps)} steps failed\n{lines}")
        self.report = report


@dataclass(frozen=True)
class Comparison:
    """A step of a check: values that were compared.

    Attributes
    ----------
    name : str
    difference : float
        Relative, L2; infinite where the values cannot be compared.
    limit : float
        Largest difference that passes; 0: the same bits.
    fault : str
        Empty if it passed.
    """

    name: str
    difference: float
    limit: float
    fault: str


class Report:
    """The steps of a check, and notes on what was not compared. Its text has one line for each."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.steps: list[Comparison] = []
        self.notes: list[str] = []

    def __str__(self) -> str:
        lines = [f"{self.subject}: {len(self.steps)} steps, {len(self.failures)} failed"]
        for step in self.steps:
            measured = f"off by {step.difference:.1e}, limit {step.limit:.0e}" if step.limit else "as it should be"
            lines.append(f"  {step.name}: {step.fault or measured}")
        lines += (f"  {note}" for note in self.notes)
        return "\n".join(lines)

    @property
    def failures(self) -> list[Comparison]:
        """The steps that failed."""
        return [step for step in self.steps if step.fault]

    def compare(
        self, name: str, found: Any, expected: Any, limit: float, mistakes: Mistakes | None = None, hint: str = ""
    ) -> bool:
        """Compare what a step found with the expected values.

        Parameters
        ----------
        name : str
            Name of the step.
        found, expected : array_like
        limit : float
            Largest difference that passes: relative, L2; 0: the same bits.
        mistakes : dict of str to callable
            If the step fails, those whose values are the found ones are named in the fault.
        hint : str
            Where to look if it is none of them.

        Returns
        -------
        bool
            Whether the step passed.
        """
        found, expected = np.asarray(found), np.asarray(expected)
        off = difference(found, expected)
        if off <= limit:
            return self._add(name, off, limit, "")
        made = [text for text, result in (mistakes or {}).items() if difference(found, result()) <= limit]
        advice = f"; as if {' or '.join(made)}" if made else f"; {hint}" if hint else ""
        return self._add(name, off, limit, _describe(found, expected, off, limit) + advice)

    def holds(self, name: str, fact: bool, fault: str) -> bool:
        """Record a step that compares no numbers; `fault` describes what is wrong if the fact is false."""
        return self._add(name, 0.0 if fact else math.inf, 0.0, "" if fact else fault)

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Record any exception of the block as a failure of the step `name`."""
        try:
            yield
        except Exception as error:  # a port may raise anything
            self._add(name, math.inf, 0.0, f"raised {type(error).__name__}: {error}")

    def finish(self) -> Self:
        """Return the report; raise `ConformanceError` if a step failed."""
        if self.failures:
            raise ConformanceError(self)
        return self

    def _add(self, name: str, off: float, limit: float, fault: str) -> bool:
        self.steps.append(Comparison(name, off, limit, fault))
        return not fault


def difference(found: Array, expected: Array) -> float:
    """Compute ``|found - expected| / |expected|`` in L2: 0 for equal bits, infinity for other shapes or NaN."""
    if found.shape != expected.shape:
        return math.inf
    if np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"):
        return 0.0
    with np.errstate(all="ignore"):
        apart = float(np.linalg.norm((np.float64(found) - np.float64(expected)).ravel()))
        length = float(np.linalg.norm(np.float64(expected).ravel()))
    off = apart / length if length else apart
    return off if math.isfinite(off) else math.inf


def _describe(found: Array, expected: Array, off: float, limit: float) -> str:
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    apart = np.abs(np.float64(found) - np.float64(expected))
    limits = f"limit {limit:.0e}" if limit else "expected the same bits"
    count = np.count_nonzero(~(apart == 0))
    return f"off by {off:.1e} ({limits}), at most {apart.max():.3g}, in {count} of {apart.size} values"
