"""Layers that work value by value: facts."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from ...errors import ShapeError
from .base import Layer, Shape


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
class Based(Layer):
    """What Exp and Log share: a base, and ``shift + scale * x``."""

    base: float  # -1: e
    scale: float
    shift: float

    @property
    def log_base(self) -> float:
        """The logarithm of the base."""
        return 1.0 if self.base == -1 else log(self.base)


@dataclass(frozen=True)
class Exp(Based):
    """``base ** (shift + scale * x)``."""

    @property
    def outer(self) -> float:
        """The factor that the shift is: ``base ** shift``."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_base * self.shift))


@dataclass(frozen=True)
class Log(Based):
    """``log(shift + scale * x)`` to a base."""


@dataclass(frozen=True)
class PReLU(Layer):
    """The positive part, and a slope times the negative one: a weight for each channel, or one for all."""

    shared: bool

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(bottoms[0]) < 2:
            raise ShapeError(f"layer {self.name!r} expects channels, bottom {self.bottoms[0]!r} is {bottoms[0]}")
        return [bottoms[0]]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [() if self.shared else (bottoms[0][1],)]


@dataclass(frozen=True)
class ELU(Layer):
    """The positive part, and ``alpha * (exp(x) - 1)`` of the negative one."""

    alpha: float


@dataclass(frozen=True)
class AbsVal(Layer):
    """``|x|``."""


@dataclass(frozen=True)
class BNLL(Layer):
    """``log(1 + exp(x))``."""


@dataclass(frozen=True)
class Threshold(Layer):
    """1 above a threshold, else 0; no gradient."""

    threshold: float

    @property
    def drives(self) -> int:
        return 0


@dataclass(frozen=True)
class Clip(Layer):
    """Values between a smallest and a largest one."""

    least: float
    most: float


@dataclass(frozen=True)
class Swish(Layer):
    """``x * sigmoid(beta * x)``."""

    beta: float


@dataclass(frozen=True)
class Dropout(Layer):
    """Nothing, at test time."""
