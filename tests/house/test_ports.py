"""The ports under examples/ports pass the checks and make the golden pictures, where their libraries are installed."""

import runpy

import numpy as np
import pytest

import pydream
from pydream.testing import check_dream, check_net


@pytest.fixture(scope="module")
def torch_net(root):
    pytest.importorskip("torch", reason="PyTorch is not installed", exc_type=ImportError)
    return runpy.run_path(str(root / "examples" / "ports" / "torch_net.py"), run_name="port")["TorchNet"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_conforms(torch_net, dtype):
    net = torch_net(dtype=dtype)
    check_net(net)
    check_dream(net)


def test_torch_dreams_as_caffe(torch_net, data):
    golden = np.load(data / "squeezenet_fire8_own_192x128.npz")
    out = pydream.deepdream(torch_net(), golden["image"], octave_n=3, iter_n=6, rng=np.random.RandomState(0))
    assert np.array_equal(np.uint8(np.clip(out, 0, 255)), golden["out_u8"])


def test_torch_dreams_as_caffe_with_googlenet(torch_net, shared):
    golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
    net = torch_net("bvlc_googlenet", shared / "models" / "bvlc_googlenet.caffemodel")
    out = pydream.deepdream(net, golden["image"], octave_n=1, iter_n=2, rng=np.random.RandomState(0))
    assert np.array_equal(np.uint8(np.clip(out, 0, 255)), golden["out_u8"])


def test_torch_has_googlenets_layers(torch_net, shared):
    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    check_net(torch_net("bvlc_googlenet", weights), "bvlc_googlenet", weights)
