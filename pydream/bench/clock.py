"""A network with a clock: where the time of a dream goes, between the passes of the network and all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ..net import Array, Blob, ChannelOrder, Net


class TimedNet:
    """Another network, with a clock; it is a `Net` itself.

    Attributes
    ----------
    forwards, backwards : list of float
        Seconds of every pass so far, in order; the first ones have the building of the passes in them.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self.forwards: list[float] = []
        self.backwards: list[float] = []

    @property
    def seconds(self) -> float:
        """What all passes took so far."""
        return sum(self.forwards) + sum(self.backwards)

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
    def channel_order(self) -> ChannelOrder:
        """The network's."""
        return self._net.channel_order

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

    @property
    def logits(self) -> tuple[str, int] | None:
        """The network's."""
        return self._net.logits

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the network's forward pass, timed."""
        began = perf_counter()
        try:
            return self._net.forward(end, tensor=tensor)
        finally:
            self.forwards.append(perf_counter() - began)

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run the network's backward pass, timed."""
        began = perf_counter()
        try:
            return self._net.backward(start)
        finally:
            self.backwards.append(perf_counter() - began)

    def reshape(self) -> None:
        """Work out the network's shapes."""
        self._net.reshape()
