"""The memory of a step's tensor is used again for the next one's, but never while anything still has it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support import nets

from pydream.imageops import backend

resource = pytest.importorskip("resource")  # not on Windows
NATIVE = backend("native")
SHAPE = (3, 300, 500)  # 1.8 MB


def image(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.parametrize("channels_last", [True, False])
def test_steps_take_no_new_memory(channels_last):
    x, taken = image(), []
    for _ in range(20):
        others = [x.copy() for _ in range(8)]  # what the C library gives back to the system when they go
        del others
        before = faults()
        tensor = NATIVE.to_tensor(x, 3, 5, channels_last)
        taken.append(faults() - before)
        del tensor
    assert max(taken[1:]) < x.nbytes / 4096 / 4


def test_a_tensor_is_its_holders_alone():
    x = [image(seed) for seed in range(4)]
    views = [NATIVE.to_tensor(each, 0, 0)[0, ::-1, 7] for each in x]  # the tensor itself has no name
    for each in [*x, *x]:
        NATIVE.to_tensor(each, 1, 1)
    for view, each in zip(views, x, strict=True):
        np.testing.assert_array_equal(view, each.transpose(1, 2, 0)[::-1, 7])


def test_tensors_that_are_not_kept():
    for shape in ((3, 4, 5), (3, 2000, 3000)):
        x = image(shape=shape)
        np.testing.assert_array_equal(NATIVE.to_tensor(x, 0, 0)[0], x.transpose(1, 2, 0))


def test_threads_share_no_tensor():
    def steps(seed):
        x = image(seed)
        wanted = x.transpose(1, 2, 0)[np.newaxis]
        return all(np.array_equal(NATIVE.to_tensor(x, 0, 0), wanted) for _ in range(30))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(steps, range(4)))


@pytest.mark.parametrize("runtime", ["tensorflow", "native", "numpy"])
def test_a_pass_reads_what_it_was_given(runtime):
    """A pass runs when its results are read: by then the array has no name, and other tensors have been made."""
    text = nets.inputs(data=(1, *SHAPE)) + nets.layer("a", "Power", "data", "a", "power_param { power: 2 }")
    net = nets.build(text, "float32", runtime)
    x = image()
    net.forward(end="a", tensor=NATIVE.to_tensor(x, 2, 3, net.channels_last))
    for seed in range(1, 4):
        NATIVE.to_tensor(image(seed), 0, 0, net.channels_last)
    net.blobs["a"].drive(None)
    g = net.gradient("a")
    NATIVE.to_tensor(image(4), 0, 0, net.channels_last)
    rolled = NATIVE.roll(x, 2, 3)
    found = g[0].transpose(2, 0, 1) if net.channels_last else g[0]
    np.testing.assert_allclose(found, 2 * rolled**3, rtol=1e-5)
    np.testing.assert_allclose(net.blobs["a"].data[0], rolled**2, rtol=1e-6)
