"""A network that counts the seconds of its passes: what is left of a dream's time is the image side."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from ..net import Array, Blob, Net


class TimedNet:
    """Another network, with a clock; it is a `Net` itself.

    Attributes
    ----------
    seconds : float
        What forward and backward passes took so far, tracing included.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """The network's."""
        return self._net.name

    @property
    def blobs(self) -> Mapping[str, Blob]:
        """The network's."""
        return self._net.blobs

    @property
    def mean(self) -> Array:
        """The network's."""
        return self._net.mean

    @property
    def dtype(self) -> np.dtype[Any]:
        """The network's."""
        return self._net.dtype

    @property
    def channels_last(self) -> bool:
        """The network's."""
        return self._net.channels_last

    @property
    def default_end(self) -> str | None:
        """The network's."""
        return self._net.default_end

    def forward(self, end: str | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the network's forward pass, timed."""
        start = perf_counter()
        try:
            return self._net.forward(end, tensor=tensor)
        finally:
            self.seconds += perf_counter() - start

    def backward(self, start: str | None = None) -> Array:
        """Run the network's backward pass, timed."""
        began = perf_counter()
        try:
            return self._net.backward(start)
        finally:
            self.seconds += perf_counter() - began

    def reshape(self) -> None:
        """Work out the network's shapes."""
        self._net.reshape()
