"""Clocks: of a network's passes, and of the functions of a module. They divide the time of a dream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from types import ModuleType
from typing import Any

from ..net import Array, Net, Part, Wrapper

OPERATIONS = ("to_tensor", "ascend_tensor", "zoom")


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


@contextmanager
def clocked(module: ModuleType, names: Sequence[str]) -> Iterator[dict[str, list[float]]]:
    """Time every call of some functions of a module while the block runs.

    Yields
    ------
    dict of str to list of float
        Function → seconds of each call.
    """
    taken: dict[str, list[float]] = {name: [] for name in names}
    before = {name: getattr(module, name) for name in names}

    def timed(function: Callable[..., Any], record: list[float], *args: Any) -> Any:
        start = perf_counter()
        try:
            return function(*args)
        finally:
            record.append(perf_counter() - start)

    for name, function in before.items():
        setattr(module, name, partial(timed, function, taken[name]))
    try:
        yield taken
    finally:
        for name, function in before.items():
            setattr(module, name, function)
