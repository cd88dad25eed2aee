"""A runtime is checked layer type by layer type: what is wrong is named, what it does not have is said."""

from typing import ClassVar

import pytest

from pydream.runtime import NumpyRuntime, layers
from pydream.runtime.on_numpy.layers.linear import ConvolutionRunner
from pydream.testing import ConformanceError, check_layers
from pydream.testing.mistakes import LastOfEquals, WithoutTolerance


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("runtime", ["numpy", "native"])
def test_ours_pass(runtime, dtype):
    report = check_layers(runtime, dtype=dtype)
    assert len(report.steps) > 250
    assert report.notes == []


def runtime(**members):
    return type("Port", (NumpyRuntime,), {"name": "port", **members})


def test_a_mistake_is_named():
    port = runtime(runners={**NumpyRuntime.runners, layers.Pooling: LastOfEquals})
    with pytest.raises(ConformanceError) as error:
        check_layers(port)
    failures = error.value.report.failures
    assert failures
    assert all("Pooling" in each.name and "bottom0_diff" in each.name for each in failures if "2 tops" not in each.name)
    assert any("of equal values in max pooling the last had the gradient" in each.fault for each in failures)


def test_ties_without_tolerance_are_named():
    port = runtime(runners={**NumpyRuntime.runners, layers.Pooling: WithoutTolerance})
    with pytest.raises(ConformanceError) as error:
        check_layers(port)
    (failure,) = error.value.report.failures
    assert "values that count as equal" in failure.name
    assert "as if in max pooling values that count as equal in float64 were different" in failure.fault


def test_what_a_port_raises_is_a_failure_of_that_layer():
    class Broken(ConvolutionRunner):
        def forward(self, *bottoms):
            raise ZeroDivisionError("oh")

    with pytest.raises(ConformanceError) as error:
        check_layers(runtime(runners={**NumpyRuntime.runners, layers.Convolution: Broken}))
    assert {each.fault for each in error.value.report.failures} == {"raised ZeroDivisionError: oh"}


def test_what_is_not_there_is_said():
    lacking = {kind: made for kind, made in NumpyRuntime.runners.items() if kind not in (layers.LRN, layers.Crop)}
    assert check_layers(runtime(runners=lacking)).notes == ["not there: LRN, Crop"]
    with pytest.raises(ValueError, match="no runtime 'nothing'"):
        check_layers("nothing")


def test_a_runtime_without_layers_does_not_pass():
    class Empty(NumpyRuntime):
        name = "empty"
        runners: ClassVar = {}

    with pytest.raises(ConformanceError, match="layers: there are none"):
        check_layers(Empty)
