"""A report is steps with the differences that were measured; one that failed is an error which tells them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mistakes = Mapping[str, Callable[[], Array]]  # what a port does wrong -> what it would have found then


class ConformanceError(AssertionError):
    """A port differs from the reference.

    Attributes
    ----------
    report : Report
        Every step that was tried.
    """

    def __init__(self, report: Report) -> None:
        failures = report.failures
        told = "\n".join(f"  {step.name}: {step.fault}" for step in failures)
        super().__init__(f"{report.subject}: {len(failures)} of {len(report.steps)} steps failed\n{told}")
        self.report = report


@dataclass(frozen=True)
class Step:
    """One comparison.

    Attributes
    ----------
    name : str
    difference : float
        Relative, L2; infinite where the two cannot be compared.
    limit : float
        0: to the bit.
    fault : str
        Empty where it passed.
    """

    name: str
    difference: float
    limit: float
    fault: str


class Report:
    """What a check tried. Its text has a line a step."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.steps: list[Step] = []

    def __str__(self) -> str:
        lines = [f"{self.subject}: {len(self.steps)} steps, {len(self.failures)} failed"]
        for step in self.steps:
            measured = f"off by {step.difference:.1e}, limit {step.limit:.0e}" if step.limit else "as it should be"
            lines.append(f"  {step.name}: {step.fault or measured}")
        return "\n".join(lines)

    @property
    def failures(self) -> list[Step]:
        """The steps that did not pass."""
        return [step for step in self.steps if step.fault]

    def compare(
        self, name: str, found: Any, expected: Any, limit: float, mistakes: Mistakes | None = None, hint: str = ""
    ) -> bool:
        """Hold what a step found to what is expected.

        Parameters
        ----------
        name : str
            Of the step.
        found, expected : array_like
        limit : float
            Relative, L2; 0: to the bit.
        mistakes : dict of str to callable
            Tried one after the other if the step fails; those that would give what was found are named.
        hint : str
            Where to look if none of them is it.

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
        return self._add(name, off, limit, _told(found, expected, off, limit) + advice)

    def holds(self, name: str, fact: bool, fault: str) -> bool:
        """Note a fact that is no number; `fault` says what is wrong where it does not hold."""
        return self._add(name, 0.0 if fact else math.inf, 0.0, "" if fact else fault)

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Note whatever the block raises as a failure of the step `name`."""
        try:
            yield
        except Exception as error:  # the port's, so of any type
            self._add(name, math.inf, 0.0, f"raised {type(error).__name__}: {error}")

    def finish(self) -> Self:
        """Give the report; `ConformanceError` if a step failed."""
        if self.failures:
            raise ConformanceError(self)
        return self

    def _add(self, name: str, off: float, limit: float, fault: str) -> bool:
        self.steps.append(Step(name, off, limit, fault))
        return not fault


def difference(found: Array, expected: Array) -> float:
    """Give ``|found - expected| / |expected|`` in L2; 0 for equal bits, infinity for other shapes or NaN."""
    if found.shape != expected.shape:
        return math.inf
    if np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"):
        return 0.0
    with np.errstate(all="ignore"):
        apart = float(np.linalg.norm((np.float64(found) - np.float64(expected)).ravel()))
        length = float(np.linalg.norm(np.float64(expected).ravel()))
    off = apart / length if length else apart
    return off if math.isfinite(off) else math.inf


def _told(found: Array, expected: Array, off: float, limit: float) -> str:
    if found.shape != expected.shape:
        return f"shape {found.shape}, want {expected.shape}"
    apart = np.abs(np.float64(found) - np.float64(expected))
    limits = f"limit {limit:.0e}" if limit else "want the same bits"
    count = np.count_nonzero(~(apart == 0))
    return f"off by {off:.1e} ({limits}), at most {apart.max():.3g}, in {count} of {apart.size} values"
