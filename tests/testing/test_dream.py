"""Our dreams pass, and so does the notebook; loops with a mistake are caught at the step that shows it."""

import inspect

import numpy as np
import pytest
from support import notebook

import pydream
from pydream.testing import ConformanceError, check_dream


@pytest.fixture(scope="module")
def net():
    return pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="numpy")


def of_the_notebook(old="", new=""):
    """The notebook's cells as a function to check, with one expression of theirs replaced."""
    source = inspect.getsource(notebook).replace("real = np.float32", "real = np.float64")
    assert old in source
    cells = {"__name__": "cells"}
    exec(compile(source.replace(old, new), "notebook.py", "exec"), cells)

    def dream(net, picture, rng, **parameters):
        np.random.set_state(rng.get_state())
        return cells["deepdream"](net, picture, **parameters)

    return dream


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("runtime", ["tensorflow", "numpy"])
def test_ours(runtime, dtype):
    report = check_dream(pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime=runtime))
    names = [step.name for step in report.steps]
    assert "a whole dream" in names
    assert ("a whole dream, as 8-bit picture" in names) == (dtype == "float64")


def test_the_notebook(net):
    assert not check_dream(net, dream=of_the_notebook()).failures


@pytest.mark.parametrize(
    ("old", "new", "first", "words"),
    [
        ("(src.data[0], ox, -1), oy, -2)", "(src.data[0], oy, -1), ox, -2)", "a step with jitter", None),
        ("    ox, oy = np", "    oy, ox = np", "a step with jitter", "as if ox and oy were swapped"),
        ("jitter + 1, 2)", "max(jitter, 1), 2)", "two steps", "as if randint were without its upper end"),
        ("(src.data[0], -ox, -1), -oy, -2)", "(src.data[0], ox, -1), oy, -2)", "a step with jitter", "check_imageops"),
        ("np.abs(g).mean()", "g.std()", "a step without jitter and clipping", "mean|g|"),
        ("    if clip:", "    if False:", "a step without jitter", "as if it did not clip"),
        ("-bias, 255 - bias", "0, 255", "a step without jitter", "the clip to -mean and 255 - mean"),
        ("src.data[:] +=", "src.data[:] -=", "a step without jitter and clipping", "as if it went down the gradient"),
        ('["data"])[::-1])', '["data"]))', "a step without jitter and clipping", "as if the result were BGR"),
        ("step_size / np", "1.5 / np", "a step of another size", "step_size / mean|g| * g"),
        (
            "nd.zoom(octaves[-1], (1, 1.0 / octave_scale, 1.0 / octave_scale), order=1)",
            'nd.zoom(octaves[-1], (1, 1.0 / octave_scale, 1.0 / octave_scale), order=1, mode="nearest")',
            "three octaves",
            "the zoom",
        ),
        ("detail = src.data[0] - octave_base", "detail = src.data[0] - octave_base * 0", "three octaves", "detail"),
        ("octaves[-1], (1, 1.0 /", "octaves[0], (1, 1.0 /", "three octaves", "chained shrinking"),
    ],
)
def test_mistakes(net, old, new, first, words):
    with pytest.raises(ConformanceError) as error:
        check_dream(net, dream=of_the_notebook(old, new))
    (failure,) = error.value.report.failures
    assert failure.name == first
    assert words is None or words in failure.fault


def test_float32_is_held_too():
    net = pydream.load_net("squeezenet_v1.1", runtime="numpy")
    with pytest.raises(ConformanceError, match="as if ox and oy were swapped"):
        check_dream(net, dream=of_the_notebook("    ox, oy = np", "    oy, ox = np"))


def test_the_mean(net):
    other = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="numpy")
    other.transformer.mean["data"] = np.float64([104, 117, 123]).reshape(3, 1, 1)
    with pytest.raises(ConformanceError, match=r"mean: .* as if it were ImageNet's, 104, 117, 123"):
        check_dream(other)
