"""Layers that work value by value: facts."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Layer


@dataclass(frozen=True)
class ReLU(Layer):
    """The positive part, and `negative_slope` times the negative one."""

    negative_slope: float


@dataclass(frozen=True)
class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``."""


@dataclass(frozen=True)
class TanH(Layer):
    """``tanh(x)``."""


@dataclass(frozen=True)
class Power(Layer):
    """``(shift + scale * x) ** power``."""

    power: float
    scale: float
    shift: float


@dataclass(frozen=True)
class Dropout(Layer):
    """Nothing, at test time."""
