"""What a report says of a step."""

import math

import numpy as np
import pytest

from pydream.testing import ConformanceError
from pydream.testing.report import Report, difference


def test_difference():
    a = np.float64([3, 4])
    assert difference(a, a) == 0
    assert difference(np.float64([3, 4.5]), a) == 0.1
    assert difference(a, np.zeros(2)) == 5
    assert difference(a, np.float64([[3, 4]])) == math.inf
    assert difference(np.float64([3, np.nan]), a) == math.inf
    assert difference(np.float64([3, np.nan]), np.float64([3, np.nan])) == 0
    assert difference(np.uint8([0]), np.uint8([255])) == 1
    assert difference(np.zeros(0), np.zeros(0)) == 0


def test_what_failed_is_told_with_sizes_and_the_mistake():
    report = Report("check of it")
    assert report.compare("fine", [1.0], [1.0 + 1e-12], 1e-9)
    mistakes = {"signs were lost": lambda: np.float64([3, 4]), "halved": lambda: np.float64([1, 2])}
    assert not report.compare("signs", [3.0, 4.0], [3.0, -4.0], 1e-9, mistakes, hint="unused")
    assert not report.compare("something else", [3.0, 5.0], [3.0, -4.0], 0.0, mistakes, hint="look there")
    assert not report.compare("shape", [3.0], [3.0, -4.0], 0.0)
    report.holds("fact", False, "no fact")
    with report.trying("breaks"):
        raise RuntimeError("out of cheese")
    with pytest.raises(ConformanceError) as error:
        report.finish()
    assert error.value.report is report
    assert str(error.value).splitlines() == [
        "check of it: 5 of 6 steps failed",
        "  signs: off by 1.6e+00 (limit 1e-09), at most 8, in 1 of 2 values; as if signs were lost",
        "  something else: off by 1.8e+00 (expected the same bits), at most 9, in 1 of 2 values; look there",
        "  shape: shape (1,), expected (2,)",
        "  fact: no fact",
        "  breaks: raised RuntimeError: out of cheese",
    ]
    assert isinstance(error.value, AssertionError)
    assert str(report).splitlines()[1] == "  fine: off by 1.0e-12, limit 1e-09"
