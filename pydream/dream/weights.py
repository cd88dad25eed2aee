"""Weights of a score may have keyframes: a score of numbers at each frame of a loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .bounds import require
from .keyframes import LINEAR, Curve, Ease, value_at
from .objectives import Score


def curves_of(score: Score) -> list[Curve]:
    """Return those of a score's weights that have keyframes."""
    return [term.weight for term in score.terms if isinstance(term.weight, Curve)]


def weighted_at(score: Score, frame: int, ease: Ease = LINEAR) -> Score:
    """Return the score of a frame, all of whose weights are numbers."""
    if not curves_of(score):
        return score
    return Score(tuple(replace(term, weight=value_at(term.weight, frame, ease)) for term in score.terms))


def as_weighted(objective: Any) -> Any:
    """Return an objective; raise `ValueError` for a score whose weights are all 0 at a keyframe."""
    if isinstance(objective, Score):
        for frame in {frame for curve in curves_of(objective) for frame, _ in curve.keyframes}:
            weights = [term.weight for term in weighted_at(objective, frame).terms]
            require(any(weights), "objective", f"weights of 0 at frame {frame}", "one that is not 0")
    return objective
