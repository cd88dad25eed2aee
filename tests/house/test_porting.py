"""What docs/porting.md says is so: its calls, its sizes, its keys, the message that it shows."""

import json
import re

import numpy as np
import pytest

import pydream
from pydream import testing
from pydream.formats.caffe import layers as layer_readers
from pydream.imageops import numpy_ops
from pydream.runtime import layers
from pydream.runtime.on_numpy.runtime import NumpyRuntime


@pytest.fixture(scope="module")
def guide(root):
    return (root / "docs" / "porting.md").read_text(encoding="utf-8")


def test_calls(guide):
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="numpy")
    exec(compile(program, "porting.md", "exec"), {"net": net, "ops": numpy_ops})
    for name in re.findall(r"testing\.(\w+)", guide):
        assert name in testing.__all__


def test_the_message_that_it_shows(guide):
    class Same(NumpyRuntime.runners[layers.Pooling]):
        def before(self, shape):
            return tuple(max((-(-size // 2) - 1) * 2 + 3 - size, 0) // 2 for size in shape[2:])

        def out(self, shape):
            return super().out(shape) if self.layer.everything else tuple(-(-size // 2) for size in shape[2:])

    class Port(NumpyRuntime):
        runners = {**NumpyRuntime.runners, layers.Pooling: Same}  # noqa: RUF012

    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime=Port)
    with pytest.raises(testing.ConformanceError) as error:
        testing.check_net(net)
    (shown,) = re.findall(r"```\n(check_net.*?)…\n```", guide, re.DOTALL)
    # How many steps came before is nobody's business.
    first, second = str(error.value).splitlines()
    assert re.sub(r"\d+ steps", "N steps", shown.splitlines()[0]) == re.sub(r"\d+ steps", "N steps", first)
    assert second.startswith(shown.splitlines()[1].rstrip(" "))


def test_sizes_with_an_edge_of_zeros(guide):
    pairs = re.findall(r"(\d+) → (\d+)", guide)
    assert len(pairs) == 4
    for size, out in (map(int, pair) for pair in pairs):
        zoomed = numpy_ops.zoom(np.ones((1, 2, size)), 2, out)
        assert not zoomed[..., -1].any()
        assert zoomed[..., :-1].all()


def test_keys_and_stages(guide, tmp_path):
    testing.write_vectors(tmp_path)
    cases = json.loads((tmp_path / "vectors.json").read_text())["cases"]
    row = next(line for line in guide.splitlines() if line.startswith("| `stage` |"))
    assert re.findall(r"`(\w+)`", row)[1:] == list(dict.fromkeys(case["stage"] for case in cases))
    keys = {key for case in cases for key in case}
    table = guide[guide.index("| `stage` |") :]
    told = {name for line in table.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line[:28])}
    assert keys <= told


def test_layers(guide):
    table = guide[
        guide.index("| layer | forward | backward |") : guide.index("`pydream/runtime/on_numpy/layers/` has them")
    ]
    told = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    simple = {"Sigmoid", "TanH", "Power", "Split", "Flatten"}  # which say it by their names
    assert {name for name in layer_readers.TYPES if name in told} == set(layer_readers.TYPES) - simple
