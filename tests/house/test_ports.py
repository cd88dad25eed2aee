"""The packages under examples/ports add runtimes that pass the checks and make the golden pictures.

Neither library is among what the tests install. Where they are,

    pip install --no-deps --target /tmp/ports ./examples/ports/pydream-jax ./examples/ports/pydream-torch
    PYTHONPATH=.:/tmp/ports pytest tests/house/test_ports.py tests/runtime -k "jax or torch"

proves both, each layer against the real Caffe's included.
"""

import ast
import tomllib

import numpy as np
import pytest
from support import plugs

import pydream
from pydream.runtime.plugged import GROUP
from pydream.testing import check_dream, check_net

PORTS = ["jax", "torch"]


@pytest.fixture
def project(root, name):
    return root / "examples" / "ports" / f"pydream-{name}"


@pytest.fixture
def port(project, name, tmp_path, monkeypatch):
    """The name of a package's runtime, which is installed."""
    proof = f"pip install {name}; pytest tests/house/test_ports.py"
    pytest.importorskip(name, reason=f"NOT PROVEN HERE: {name} is not installed ({proof})", exc_type=ImportError)
    source = (project / f"pydream_{name}.py").read_text()
    plugs.install(tmp_path, f"pydream-{name}", source, "\n".join(map(" = ".join, entries(project).items())))
    monkeypatch.syspath_prepend(tmp_path)
    return name


def entries(project):
    return tomllib.loads((project / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]


@pytest.mark.parametrize("name", PORTS)
def test_a_package_declares_the_runtime_that_its_module_has(project, name):
    """Which needs no library."""
    module, _, found = entries(project)[name].partition(":")
    about = tomllib.loads((project / "pyproject.toml").read_text())
    assert about["tool"]["setuptools"]["py-modules"] == [module]
    assert {"pydeepdream", name} <= {text.partition(">")[0] for text in about["project"]["dependencies"]}
    tree = ast.parse((project / f"{module}.py").read_text())
    (runtime,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == found)
    facts = {node.targets[0].id: node.value for node in runtime.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(facts["name"]) == name


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_conforms(port, dtype):
    net = pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime=port)
    check_net(net)
    check_dream(net)


@pytest.mark.parametrize("name", PORTS)
def test_dreams_as_caffe(port, golden):
    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime=port)
    out = pydream.deepdream(net, golden["image"], octave_n=3, iter_n=6, rng=np.random.RandomState(0))
    assert np.array_equal(np.uint8(np.clip(out, 0, 255)), golden["out_u8"])


@pytest.mark.parametrize("name", PORTS)
def test_dreams_as_caffe_with_googlenet(port, shared):
    golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
    net = googlenet(port, shared, "float64")
    out = pydream.deepdream(net, golden["image"], octave_n=1, iter_n=2, rng=np.random.RandomState(0))
    assert np.array_equal(np.uint8(np.clip(out, 0, 255)), golden["out_u8"])


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_conforms_with_googlenet(port, shared, dtype):
    net = googlenet(port, shared, dtype)
    check_net(net, "bvlc_googlenet", shared / "models" / "bvlc_googlenet.caffemodel")


def googlenet(port, shared, dtype):
    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    return pydream.load_net("bvlc_googlenet", weights, dtype=dtype, runtime=port)
