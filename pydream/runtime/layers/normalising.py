"""Layers that divide by what values are like together: facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import NetFileError, ShapeError
from .base import POINT, Layer, Numbers, Shape, Window, Windows


@dataclass(frozen=True)
class LRN(Layer):
    """Local response normalisation over neighbouring channels, or within a channel over neighbouring places."""

    local_size: int
    alpha: float
    beta: float
    k: float  # within a channel always 1
    within: bool = False

    @property
    def windows(self) -> Windows:
        if not self.within:
            return POINT
        window = Window(self.local_size, 1, self.local_size // 2)
        return window, window

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self._image(bottoms[0])]


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Subtract the mean and divide by the deviation, channel by channel; no affine part.

    Mean and deviation are the stored ones, or the `batch`'s own.
    """

    eps: float
    batch: bool = False

    @property
    def windows(self) -> Windows | None:
        return None if self.batch else POINT

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        if len(bottoms[0]) < 2:
            raise ShapeError(f"layer {self.name!r} expects channels, bottom {self.bottoms[0]!r} is {bottoms[0]}")
        return [bottoms[0]]

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        channels = bottoms[0][1]
        return [(channels,), (channels,), (1,)]

    def affine(self, mean: Numbers, variance: Numbers, count: Numbers) -> tuple[Numbers, Numbers]:
        """Compute the factor and the offset for each channel from the weights.

        Mean and variance are stored times `count`, (1,); 0: there are none. A negative variance raises `NetFileError`.
        """
        times = 0 if count[0] == 0 else 1 / count[0]
        if not (variance * times + self.eps > 0).all():
            raise NetFileError(f"layer {self.name!r}: a variance plus eps of its weights is not above 0")
        factor = 1 / np.sqrt(variance * times + self.eps)
        return factor, -mean * times * factor


@dataclass(frozen=True)
class MVN(Layer):
    """Subtract the mean of each map, or of each picture, and divide by the deviation plus eps."""

    across_channels: bool
    normalize_variance: bool
    eps: float

    @property
    def windows(self) -> None:
        return None

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that a mean goes over."""
        return (1, 2, 3) if self.across_channels else (2, 3)

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        shape = bottoms[0]
        if len(shape) > 4:
            raise ShapeError(f"layer {self.name!r} expects 4 axes at most, bottom {self.bottoms[0]!r} is {shape}")
        return [(*shape, *[1] * (4 - len(shape)))]
