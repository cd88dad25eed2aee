"""The loop that is written for its mistakes is right, and each mistake is named where a port makes it."""

import numpy as np
import pytest

from pydream.testing import ConformanceError, check_vectors, results
from pydream.testing.cases import cases
from pydream.testing.vectors import array_name
from pydream.testing.wrong_dreams import WRONG_DREAMS, Loop
from pydream.zoo.load import load_net


@pytest.fixture(scope="module")
def net():
    return load_net("squeezenet_v1.1", dtype="float64", runtime="native")


@pytest.fixture(scope="module")
def dreams():
    return [(number, case) for number, case in enumerate(cases(), start=1) if case.stage == "dream"]


def made(loop, net, case):
    return loop(net, case.parameters, case.inputs["shifts"]).dream(case.inputs["picture"])


def test_the_loop_makes_both_dreams(net, dreams):
    for _, case in dreams:
        found = made(Loop, net, case)
        np.testing.assert_allclose(found["step_rms"], case.outputs["step_rms"], rtol=1e-12)
        assert np.array_equal(found["saved"], case.outputs["saved"])


@pytest.mark.parametrize("text", [*WRONG_DREAMS][::7])
def test_a_mistake_is_named(net, dreams, tmp_path, monkeypatch, text):
    number, case = dreams[0]
    monkeypatch.setattr(results, "numbered", lambda: iter([(number, case)]))
    with np.errstate(all="ignore"):
        for name, array in made(WRONG_DREAMS[text], net, case).items():
            np.save(tmp_path / f"{array_name(number, case, 'out', name)}.npy", array)
    with pytest.raises(ConformanceError) as error:
        check_vectors(tmp_path)
    assert any(text in each.fault for each in error.value.report.failures)
