"""A network with a clock: it divides the time of a dream between the network's passes and everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import perf_counter

from ..net import Array, Net, Part, Wrapper


class TimedNet(Wrapper):
    """A network whose passes are timed.

    Attributes
    ----------
    forwards, backwards : list of float
        Seconds of every pass so far, in order, those of tiles too; the first ones include building the passes.
    """

    def __init__(self, net: Net) -> None:
        super().__init__(net)
        self.forwards: list[float] = []
        self.backwards: list[float] = []

    @property
    def seconds(self) -> float:
        """Total seconds of all passes so far."""
        return sum(self.forwards) + sum(self.backwards)

    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the network's forward pass, timed."""
        began = perf_counter()
        try:
            return super().forward(end, tensor=tensor)
        finally:
            self.forwards.append(perf_counter() - began)

    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run the network's backward pass, timed."""
        began = perf_counter()
        try:
            return super().backward(start)
        finally:
            self.backwards.append(perf_counter() - began)

    def twin(self) -> TimedNet:
        """Return the network's twin, with the same clock."""
        twin = TimedNet(super().twin())
        twin.forwards, twin.backwards = self.forwards, self.backwards
        return twin

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        """Compute the gradient of each part on a twin, timed."""
        return Net.gradients_of(self, parts)
