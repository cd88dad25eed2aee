"""A contest is several ways to compute one thing: their results are compared, then they are timed in turns.

Machines are noisy, and noise lasts: another program's build, a throttled processor. So the ways take turns, one call
each per round, and the result is the ratio of their medians within one contest.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import numpy as np

from ..errors import ResultsDifferError
from ..net import Array
from ..system import uncollected

# The function that is timed; its first result is compared. One that runs in another process has a method `busy`: the
# processor time of its calls so far.
Way = Callable[[], Any]
Check = Callable[[Any, Any], str | None]  # expected, found -> what is wrong, or None

_MOST_ROUNDS = 2000


@dataclass(frozen=True)
class Quartiles:
    """The quartiles of samples."""

    median: float
    low: float
    high: float

    def __mul__(self, factor: float) -> Quartiles:
        """Return the quartiles of the scaled samples."""
        return Quartiles(self.median * factor, self.low * factor, self.high * factor)

    @classmethod
    def of(cls, samples: Sequence[float]) -> Quartiles:
        """Compute the quartiles of one or more samples."""
        low, median, high = np.quantile(samples, (0.25, 0.5, 0.75)).tolist()
        return cls(median, low, high)

    def as_json(self) -> dict[str, Any]:
        """Return the median and the quartiles for a report."""
        return {"median": self.median, "quartiles": [self.low, self.high]}


@dataclass(frozen=True)
class Agreement:
    """How equal the results of a contest must be: the words for it, and the check."""

    words: str
    check: Check


@dataclass(frozen=True)
class Contest:
    """Ways to compute one thing.

    Attributes
    ----------
    name : str
        Shown to people.
    ways : dict of str to callable
        Each returns an array or a tuple of arrays. Their results must equal the first one's.
    agreement : Agreement
    yardsticks : dict of str to callable
        Functions that are timed in the same rounds although they compute something else: a floor.
    """

    name: str
    ways: Mapping[str, Way]
    agreement: Agreement
    yardsticks: Mapping[str, Way] = field(default_factory=dict)


@dataclass(frozen=True)
class Timings:
    """The times that a contest measured.

    Attributes
    ----------
    contest : Contest
    samples : dict of str to list of float
        Seconds, round after round.
    work : dict of str to list of float
        Seconds of processor time, of all threads: comparable even where other programs use the machine. It includes
        the time that threads spin while they wait for each other.
    """

    contest: Contest
    samples: Mapping[str, Sequence[float]]
    work: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """The number of times that each way was timed."""
        return len(next(iter(self.samples.values())))

    def seconds(self, name: str) -> Quartiles:
        """Compute a way's median and quartiles."""
        return Quartiles.of(self.samples[name])

    def ratio(self, name: str, over: str) -> float:
        """Compute the ratio of two ways' medians."""
        return statistics.median(self.samples[name]) / statistics.median(self.samples[over])


def race(
    contest: Contest,
    seconds: float = 1.0,
    least: int = 5,
    warmups: int = 1,
    between: Callable[[], Any] | None = None,
) -> Timings:
    """Compare the results of a contest's ways, then time them in turns.

    Parameters
    ----------
    contest : Contest
    seconds : float
        How long to measure.
    least : int
        Rounds to run even if that takes longer.
    warmups : int
        Rounds that run first and are not timed, besides the one whose results are compared.
    between : callable, optional
        Called before each call that is timed: what else a program does, which leaves its own data in the caches and its
        own threads on the processors.

    Raises
    ------
    ResultsDifferError
        Where a way's result is not the first way's; nothing has been timed then.
    """
    expect_same(contest)
    runs = [*contest.ways.items(), *contest.yardsticks.items()]
    for _ in range(warmups):
        for _, way in runs:
            way()
    samples: dict[str, list[float]] = {name: [] for name, _ in runs}
    work: dict[str, list[float]] = {name: [] for name, _ in runs}
    gc.collect()
    with uncollected():
        end = perf_counter() + seconds
        for done in range(_MOST_ROUNDS):
            if done >= least and perf_counter() >= end:
                break
            # Each has each place once, so that what one leaves in the caches does not always help the same other.
            turn = done % len(runs)
            for name, way in runs[turn:] + runs[:turn]:
                if between is not None:
                    between()
                busy_of = getattr(way, "busy", process_time)
                busy, start = busy_of(), perf_counter()
                way()
                samples[name].append(perf_counter() - start)
                work[name].append(busy_of() - busy)
    return Timings(contest, samples, work)


def expect_same(contest: Contest) -> None:
    """Run every way of a contest once; raise `ResultsDifferError` where a result is not the first way's."""
    (reference, way), *others = contest.ways.items()
    expected = _copied(way())
    for name, other in others:
        wrong = contest.agreement.check(expected, _copied(other()))
        if wrong is not None:
            raise ResultsDifferError(
                f"{contest.name}: {name} and {reference} compute different results, so their times are not compared: "
                f"{wrong} (expected {contest.agreement.words})"
            )


def _different_bits(expected: tuple[Array, ...], found: tuple[Array, ...]) -> str | None:
    for one, other in zip(expected, found, strict=True):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{other.dtype} {other.shape} instead of {one.dtype} {one.shape}"
        if one.tobytes() != other.tobytes():
            bits = one.reshape(-1).view(f"u{one.itemsize}") != other.reshape(-1).view(f"u{one.itemsize}")
            return f"{np.count_nonzero(bits)} of {one.size} numbers differ"
    return None


SAME_BITS = Agreement("the same bits", _different_bits)


def within(limit: float) -> Agreement:
    """Return the agreement to within a relative `distance`."""

    def too_far(expected: tuple[Array, ...], found: tuple[Array, ...]) -> str | None:
        for one, other in zip(expected, found, strict=True):
            if one.shape != other.shape:
                return f"{other.shape} instead of {one.shape}"
            apart = distance(other, one)
            if not apart <= limit:  # so that NaN fails
                return f"{apart:.1e} apart in L2"
        return None

    return Agreement(f"at most {limit:g}", too_far)


def distance(found: Array, expected: Array) -> float:
    """Compute |found - expected| / |expected| in L2."""
    exact = expected.astype(np.float64)
    apart = float(np.linalg.norm(found - exact))
    return apart / float(np.linalg.norm(exact)) if apart else 0.0


def _copied(result: Any) -> tuple[Array, ...]:
    """Copy a result, which the next call may overwrite."""
    return tuple(np.array(array, order="C") for array in (result if isinstance(result, tuple) else (result,)))
