"""The runtimes: how one is chosen, and what NumPy's does without."""

import subprocess
import sys

import numpy as np
import pytest
from support import nets

import pydream
from pydream.caffe import Net
from pydream.errors import DeviceError
from pydream.formats.caffe import layers as layer_readers
from pydream.runtime import layers
from pydream.runtime.engines import RUNTIMES
from pydream.runtime.on_numpy.runtime import NumpyRuntime

TEXT = nets.inputs(x=(1, 2)) + nets.layer("it", "ReLU", "x", "y")


@pytest.mark.parametrize("name", ["torch", "", "NumPy"])
def test_unknown_name_lists_the_known(name):
    with pytest.raises(ValueError, match=f"^no runtime {name!r}; there are: 'auto', 'tensorflow', 'numpy', 'native'$"):
        pydream.load_net("squeezenet_v1.1", runtime=name)


def test_every_runtime_runs_every_type():
    for runtime in RUNTIMES.values():
        assert set(runtime.runners) >= set(layer_readers.TYPES.values())


@pytest.mark.parametrize("how", ['runtime="numpy"', 'dtype="float64"'])
def test_needs_no_tensorflow(root, how):
    """NumPy's runtime, and the exact mode, which takes the one in C++."""
    program = f"""
import sys, numpy, pydream
net = pydream.load_net("squeezenet_v1.1", {how})
pydream.deepdream(net, numpy.full((40, 40, 3), 128), octave_n=1, iter_n=1)
print(net.channels_last, net.device, "tensorflow" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "False CPU:0 False\n"


@pytest.mark.parametrize("device", ["gpu", "gpu:1", "tpu"])
def test_numpy_runs_on_the_cpu(device):
    with pytest.raises(DeviceError, match=f"no device {device!r}: the runtime 'numpy' runs on the CPU"):
        Net(nets.parse(TEXT), device=device, runtime="numpy")
    assert Net(nets.parse(TEXT), device="auto", runtime="numpy").device == "CPU:0"


def test_a_runtime_of_ones_own():
    """A subclass with other runners runs the same graph."""

    class Twice(RUNTIMES["numpy"].runners[layers.ReLU]):
        def forward(self, *bottoms):
            (top,), memo = super().forward(*bottoms)
            return (2 * top,), memo

    class Mine(NumpyRuntime):
        runners = {**NumpyRuntime.runners, layers.ReLU: Twice}  # noqa: RUF012

    net = Net(nets.parse(TEXT), runtime=Mine)
    assert net.forward(x=[[-1, 3]])["y"].tolist() == [[0, 6]]


def test_what_backward_gives_is_the_runtimes_own(build):
    """It is contiguous and read-only, and shares no memory with what can be written."""
    net = build(
        nets.inputs(x=(1, 2, 4, 5)) + nets.layer("it", "Pooling", "x", "y", "pooling_param { kernel_size: 2 pad: 1 }")
    )
    net.forward()
    net.blobs["y"].diff[...] = 1
    gradient = net.backward()
    assert gradient.flags.c_contiguous
    assert not gradient.flags.writeable
    kept = gradient.copy()
    net.blobs["x"].diff[...] = 7
    net.blobs["y"].diff[...] = 7
    assert np.array_equal(gradient, kept)
