"""Layers that divide by what values are like together: facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import NetFileError
from .base import Layer, Numbers, Shape


@dataclass(frozen=True)
class LRN(Layer):
    """Local response normalisation over neighbouring channels."""

    local_size: int
    alpha: float
    beta: float
    k: float

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        return [self._image(bottoms[0])]


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Subtract the stored mean and divide by the stored deviation, channel by channel; no affine part."""

    eps: float

    def param_shapes(self, *bottoms: Shape) -> list[Shape]:
        channels = bottoms[0][1] if len(bottoms[0]) > 1 else 1
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
