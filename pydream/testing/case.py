"""A case is a stage of a dream with inputs and expected outputs, and what it would put out with a known mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..runtime.base import Runtime
from .report import Array, Mistakes

Run = Callable[[str | type[Runtime], str], dict[str, Array]]


def _none(output: str) -> Mistakes:
    return {}


class Case(NamedTuple):
    """Inputs and expected outputs of a stage.

    Attributes
    ----------
    stage, name, function : str
        The stage, what this case tests of it, and the formula.
    parameters : dict
    inputs, outputs : dict of str to array
    tolerance : float
        Largest difference that passes: relative, L2; 0: the same bits.
    tolerance_float32 : float, optional
        That of a float32 port, where the arrays are float64.
    mistakes : callable
        The name of an output → common mistakes, with the values that they give it.
    run : callable, optional
        Runtime, dtype → the outputs, of a layer.
    """

    stage: str
    name: str
    function: str
    parameters: dict[str, Any]
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    tolerance: float
    tolerance_float32: float | None = None
    mistakes: Callable[[str], Mistakes] = _none
    run: Run | None = None


def float64_case(
    stage: str,
    name: str,
    function: str,
    inputs: dict[str, Array],
    outputs: dict[str, Array],
    parameters: dict[str, Any] | None = None,
    limits: tuple[float, float] = (1e-12, 2e-6),
    mistakes: Callable[[str], Mistakes] = _none,
    run: Run | None = None,
) -> Case:
    """Return a case in float64; `limits` are its tolerance and a float32 port's."""
    return Case(stage, name, function, parameters or {}, inputs, outputs, *limits, mistakes, run)
