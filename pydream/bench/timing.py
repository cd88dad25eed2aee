"""A contest is several ways to compute one thing: their results are compared, then they are timed in turns.

Machines are noisy, and noise lasts: a neighbour's build, a processor that is throttled. So the ways take turns, one
call each a round, and what counts is the ratio of their medians within one contest.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import numpy as np

from ..errors import ResultsDifferError
from ..net import Array

Way = Callable[[], Any]  # what is timed; its first result is compared
Check = Callable[[Any, Any], str | None]  # expected, found -> what is wrong, or None

_MOST_ROUNDS = 2000


@dataclass(frozen=True)
class Spread:
    """Samples, told by their quartiles."""

    median: float
    low: float
    high: float

    def __mul__(self, factor: float) -> Spread:
        """Scale it."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Take the quartiles of samples, of which there is at least one."""
        low, median, high = np.quantile(samples, (0.25, 0.5, 0.75)).tolist()
        return cls(median, low, high)

    def as_json(self) -> dict[str, Any]:
        """Give what goes into a report."""
        return {"median": self.median, "quartiles": [self.low, self.high]}


@dataclass(frozen=True)
class Agreement:
    """How equal the results of a contest must be: the words that tell it, and the check."""

    words: str
    check: Check


@dataclass(frozen=True)
class Contest:
    """Ways to compute one thing.

    Attributes
    ----------
    name : str
        For people.
    ways : dict of str to callable
        Each gives an array or a tuple of arrays. The others' results are held to the first one's.
    agreement : Agreement
    yardsticks : dict of str to callable
        What is timed in the same rounds although it computes something else: a floor.
    """

    name: str
    ways: Mapping[str, Way]
    agreement: Agreement
    yardsticks: Mapping[str, Way] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a contest came to.

    Attributes
    ----------
    contest : Contest
    samples : dict of str to list of float
        Seconds, a round after the other.
    work : dict of str to list of float
        Seconds of processor time, of all threads: what is left to compare where others use the machine. It has the
        threads' waiting for each other in it, where they wait awake.
    """

    contest: Contest
    samples: Mapping[str, Sequence[float]]
    work: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """How often each way was timed."""
        return len(next(iter(self.samples.values())))

    def seconds(self, name: str) -> Spread:
        """Give a way's median and quartiles."""
        return Spread.of(self.samples[name])

    def ratio(self, name: str, over: str) -> float:
        """Give the ratio of two ways' medians."""
        return statistics.median(self.samples[name]) / statistics.median(self.samples[over])

    def ratio_of_work(self, name: str, over: str) -> float:
        """Give the ratio of two ways' medians of processor time."""
        return statistics.median(self.work[name]) / statistics.median(self.work[over])


def race(contest: Contest, seconds: float = 1.0, least: int = 5, warmups: int = 1) -> Outcome:
    """Compare the results of a contest's ways, then time them in turns.

    Parameters
    ----------
    contest : Contest
    seconds : float
        How long to go on.
    least : int
        Rounds to run even if that takes longer.
    warmups : int
        Rounds that are run first and not timed, besides the one whose results are compared.

    Raises
    ------
    ResultsDifferError
        Where a way does not give what the first gives: nothing has been timed then.
    """
    expect_same(contest)
    runs = [*contest.ways.items(), *contest.yardsticks.items()]
    for _ in range(warmups):
        for _, way in runs:
            way()
    samples: dict[str, list[float]] = {name: [] for name, _ in runs}
    work: dict[str, list[float]] = {name: [] for name, _ in runs}
    with _no_collection():
        end = perf_counter() + seconds
        for done in range(_MOST_ROUNDS):
            if done >= least and perf_counter() >= end:
                break
            # Each has each place once: what the one before leaves in the caches is not always the same's gain.
            turn = done % len(runs)
            for name, way in runs[turn:] + runs[:turn]:
                start, busy = perf_counter(), process_time()
                way()
                samples[name].append(perf_counter() - start)
                work[name].append(process_time() - busy)
    return Outcome(contest, samples, work)


def expect_same(contest: Contest) -> None:
    """Run every way of a contest once; `ResultsDifferError` where one gives something else than the first."""
    (reference, way), *others = contest.ways.items()
    expected = _kept(way())
    for name, other in others:
        wrong = contest.agreement.check(expected, _kept(other()))
        if wrong is not None:
            raise ResultsDifferError(
                f"{contest.name}: {name} and {reference} give different results, so their times are not compared: "
                f"{wrong}, want {contest.agreement.words}"
            )


def _different_bits(expected: tuple[Array, ...], found: tuple[Array, ...]) -> str | None:
    for one, other in zip(expected, found, strict=True):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{other.dtype} {other.shape} in place of {one.dtype} {one.shape}"
        if one.tobytes() != other.tobytes():
            bits = one.reshape(-1).view(f"u{one.itemsize}") != other.reshape(-1).view(f"u{one.itemsize}")
            return f"{np.count_nonzero(bits)} of {one.size} numbers differ"
    return None


SAME_BITS = Agreement("the same bits", _different_bits)


def within(limit: float) -> Agreement:
    """Give the agreement to a relative `distance`."""

    def too_far(expected: tuple[Array, ...], found: tuple[Array, ...]) -> str | None:
        for one, other in zip(expected, found, strict=True):
            if one.shape != other.shape:
                return f"{other.shape} in place of {one.shape}"
            apart = distance(other, one)
            if not apart <= limit:  # NaN is not
                return f"{apart:.1e} apart in L2"
        return None

    return Agreement(f"at most {limit:g}", too_far)


def distance(found: Array, expected: Array) -> float:
    """Give |found - expected| / |expected| in L2."""
    exact = expected.astype(np.float64)
    apart = float(np.linalg.norm(found - exact))
    return apart / float(np.linalg.norm(exact)) if apart else 0.0


def _kept(result: Any) -> tuple[Array, ...]:
    """Copy a result, which the next call may write over."""
    return tuple(np.array(array, order="C") for array in (result if isinstance(result, tuple) else (result,)))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector out of the measurement."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
