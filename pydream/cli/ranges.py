"""Types of options that are numbers: ranges that say what is wrong with a value."""

from __future__ import annotations

import math
from typing import Any

import click

from ..dream.octaves import AUTO


class FiniteRange(click.FloatRange):
    """A range of numbers without NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check that a number is finite, then its range: NaN passes every comparison of click's."""
        try:
            finite = math.isfinite(float(value))
        except ValueError:
            finite = True  # not a number at all: click says so
        if not finite:
            self.fail(f"{value} is not a finite number", param, ctx)
        number: float = super().convert(value, param, ctx)
        return number


class Octaves(click.IntRange):
    """A range of whole numbers, or ``auto``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a number; ``auto`` is resolved for each picture."""
        if value == AUTO:
            return AUTO
        try:
            int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a whole number nor '{AUTO}'", param, ctx)
        return super().convert(value, param, ctx)


class StepSize(FiniteRange):
    """A range of numbers without 0."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check the number: a step of 0 goes nowhere."""
        number = super().convert(value, param, ctx)
        if number == 0:
            self.fail("0 is no step (expected a number above 0, or below it to climb down)", param, ctx)
        return number
