"""A contest compares before it times; its times are plain arithmetic of its samples."""

import gc
from itertools import count

import numpy as np
import pytest

from pydream.bench import table
from pydream.bench.timing import SAME_BITS, Contest, Quartiles, Timings, distance, race, within
from pydream.errors import ResultsDifferError

ONES = np.ones((2, 3), np.float32)


def contest(**ways):
    return Contest("sums", ways, SAME_BITS)


def test_a_wrong_contestant_is_refused_before_anything_is_timed():
    calls = count()

    def wrong():
        next(calls)
        return ONES * np.float32(1 + 2e-7)

    with pytest.raises(ResultsDifferError) as refused:
        race(contest(right=lambda: ONES, wrong=wrong), seconds=0, least=9)
    message = str(refused.value)
    assert "\n" not in message
    assert all(word in message for word in ("sums", "right", "wrong", "6 of 6 numbers differ", "the same bits"))
    assert next(calls) == 1  # its result was asked for, and no more


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (ONES.astype(np.float64), "float64"),
        (ONES[:1], r"\(1, 3\)"),
        (np.where(np.eye(2, 3), -ONES * 0, ONES), "2 of 6"),
    ],
)
def test_the_same_bits(other, complaint):
    with pytest.raises(ResultsDifferError, match=complaint):
        race(contest(a=lambda: ONES, b=lambda: other), seconds=0, least=1)


def test_bits_of_nan_and_of_zeros_count():
    nan = np.array([np.nan, 0.0])
    race(contest(a=lambda: nan, b=nan.copy), seconds=0, least=1)
    with pytest.raises(ResultsDifferError, match="1 of 2"):
        race(contest(a=lambda: nan, b=lambda: np.array([np.nan, -0.0])), seconds=0, least=1)


def test_every_array_of_a_result_is_compared():
    with pytest.raises(ResultsDifferError):
        race(contest(a=lambda: (ONES, ONES), b=lambda: (ONES, 2 * ONES)), seconds=0, least=1)


def test_a_result_that_the_next_call_writes_over_is_kept():
    shared = np.zeros(3)

    def fill(number):
        shared[:] = number
        return shared

    with pytest.raises(ResultsDifferError):
        race(contest(a=lambda: fill(1), b=lambda: fill(2)), seconds=0, least=1)


def test_within():
    near, far = within(1e-3), within(1e-6)
    a, b = np.float32([3, 4]), np.float32([3, 4.0005])
    assert distance(b, a) == pytest.approx(1e-4, rel=1e-3)
    assert distance(0 * a, 0 * a) == 0
    assert near.check((a,), (b,)) is None
    assert far.check((a,), (b,)) == "1.0e-04 apart in L2"
    assert near.check((a,), (b * np.nan,)) is not None
    assert near.check((a,), (b[:1],)) is not None


def test_ways_take_turns_and_each_is_first_once():
    calls = []
    ways = {name: lambda name=name: calls.append(name) or ONES for name in "ab"}
    outcome = race(Contest("x", ways, SAME_BITS, {"c": lambda: calls.append("c")}), seconds=0, least=3, warmups=1)
    assert "".join(calls) == "ab" + "abc" + "abc" + "bca" + "cab"
    assert outcome.rounds == 3
    assert gc.isenabled()


def test_what_comes_between_is_not_timed():
    calls = []
    ways = {name: lambda name=name: calls.append(name) or ONES for name in "ab"}
    race(Contest("x", ways, SAME_BITS), seconds=0, least=1, warmups=0, between=lambda: calls.append("-"))
    assert "".join(calls) == "ab" + "-a-b"


def test_what_an_outcome_tells():
    outcome = Timings(contest(), {"a": [1.0, 2.0, 3.0, 4.0, 100.0], "b": [2.0, 4.0, 6.0, 8.0, 10.0]})
    assert outcome.seconds("a") == Quartiles(3.0, 2.0, 4.0)
    assert outcome.ratio("a", "b") == 0.5
    assert outcome.seconds("a") * 2 == Quartiles(6.0, 4.0, 8.0)
    assert outcome.seconds("a").as_json() == {"median": 3.0, "quartiles": [2.0, 4.0]}


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"), (1, "1.00"), (9.999, "10.0"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1230"), (0.01234, "0.0123"),
        (0.9996, "1.00"), (-0.0905, "-0.0905"), (99.96, "100"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_three_digits(number, written):
    assert table.digits(number) == written


def test_units():
    assert [table.seconds(each) for each in (2, 0.5, 3e-5, 4e-8)] == ["2.00 s", "500 ms", "30.0 µs", "0.0400 µs"]
    assert table.quartiles(Quartiles(0.0123, 0.0121, 1.5)) == "12.3 ms (12.1–1500)"
    assert table.memory(1_234_567_890) == "1.23 GB"


def test_tables():
    rows = [["a", "1"], ["long name", "22"]]
    assert table.table(["", "n"], rows) == "            n\n---------  --\na           1\nlong name  22"
