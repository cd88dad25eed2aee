"""A net is one thread's at a time, and a forked process does not wait for threads that it does not have."""

import copy
import multiprocessing
import os
import pickle
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.nets import build, inputs, layer, normal

import pydream
from pydream import tutorial
from pydream.errors import ForkError, NetInUseError, PydreamError, ZeroGradientError
from pydream.net import OneThread
from pydream.runtime.on_tensorflow.door import tensorflow
from pydream.tiles.net import TiledNet

PICTURE = np.random.RandomState(0).randint(0, 256, (48, 64, 3)).astype(np.float32)
IN_USE = "^another thread uses this net"


def small(runtime="numpy"):
    conv = layer("conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 pad: 1 }")
    rng = np.random.RandomState(1)
    made = build(inputs(data=(1, 3, 8, 8)) + conv, "float32", runtime, conv=[normal(rng, 2, 3, 3, 3), normal(rng, 2)])
    made.default_end = "conv"
    return made


def dream(net, seed=0, picture=PICTURE, **parameters):
    parameters = {"octave_n": 2, "iter_n": 2, "jitter": 4, **parameters}
    return pydream.deepdream(net, picture, rng=np.random.RandomState(seed), **parameters)


class Holding(pydream.Watch):
    """Holds a dream after its first step."""

    def __init__(self):
        self.there, self.go = threading.Event(), threading.Event()

    def step(self, octave, iteration, image):
        self.there.set()
        assert self.go.wait(20)


@pytest.fixture
def dreaming():
    """A net, and the dream that another thread is making on it; the test may end it."""
    net, hold = small(), Holding()
    with ThreadPoolExecutor(1) as pool:
        dreamt = pool.submit(dream, net, watch=hold)
        assert hold.there.wait(20)

        def end():
            hold.go.set()
            return dreamt.result()

        yield net, end
        np.testing.assert_array_equal(end(), dream(small()))  # whatever another thread tried


@pytest.mark.parametrize(
    "use",
    [
        dream,
        lambda net: dream(TiledNet(net, ["conv"], 16)),
        lambda net: pydream.make_step(net, jitter=0),
        lambda net: pydream.objective_guide(net, PICTURE, "conv"),
        lambda net: tutorial.render_lapnorm(net, "conv", 0, PICTURE, iter_n=1, octave_n=1),
        lambda net: tutorial.score_gradient(net, "conv", 0)(PICTURE),
        lambda net: net.forward(end="conv"),
        lambda net: net.backward(start="conv"),
        lambda net: net.blobs["data"].reshape(1, 3, 8, 8),
    ],
    ids=["dream", "tiles", "step", "guide", "render", "score", "forward", "backward", "reshape"],
)
def test_another_thread_is_refused(dreaming, use):
    net, _ = dreaming
    with pytest.raises(NetInUseError, match=IN_USE) as caught:
        use(net)
    assert isinstance(caught.value, PydreamError)
    assert isinstance(caught.value, RuntimeError)


def test_a_twin_is_another_net(dreaming):
    net, _ = dreaming
    np.testing.assert_array_equal(dream(net.twin(), 3), dream(small(), 3))


def test_one_thread_after_the_other(dreaming):
    net, end = dreaming
    end()
    with ThreadPoolExecutor(2) as pool:
        for seed in (1, 2):
            np.testing.assert_array_equal(pool.submit(dream, net, seed).result(), dream(small(), seed))


def test_a_net_is_free_after_an_error():
    net, hold = small(), Holding()
    hold.step = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(pydream.DreamInterrupted):
        dream(net, watch=hold)
    with pytest.raises(ZeroGradientError):
        dream(net, objective=lambda dst: dst.clear_diff())
    with ThreadPoolExecutor(1) as pool:
        np.testing.assert_array_equal(pool.submit(dream, net).result(), dream(small()))


def test_no_two_dreams_are_mixed():
    """Every dream of many threads on one net is refused or right."""
    net, expected = small(), [dream(small(), seed) for seed in range(48)]
    refused = 0
    with ThreadPoolExecutor(6) as pool:
        for wanted, found in zip(expected, [pool.submit(dream, net, seed) for seed in range(48)], strict=True):
            try:
                np.testing.assert_array_equal(found.result(), wanted)
            except NetInUseError:
                refused += 1
    assert refused < 48


def test_a_copy_has_its_own():
    block = OneThread()
    with block, ThreadPoolExecutor(1) as pool:
        for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
            pool.submit(other.__enter__).result()


# ---- forks ----


def in_child(function, *arguments):
    """What a forked process makes of a function: its result, or the error's type and text."""

    def answer():
        try:
            sender.send(function(*arguments))
        except BaseException as error:
            sender.send((type(error), str(error)))

    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if not child:
        answer()
        os._exit(0)
    sender.close()
    try:
        assert receiver.poll(20), "it hangs"
        return receiver.recv()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_forked_process_dreams_with_numpy(monkeypatch):
    """With a net of its parent's too; C++ threads and BLAS's are started again."""
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "2")
    picture = np.tile(PICTURE, (4, 4, 1))
    net = small()
    expected = dream(net, picture=picture)
    np.testing.assert_array_equal(in_child(lambda: dream(net, picture=picture)), expected)
    np.testing.assert_array_equal(in_child(lambda: dream(small(), picture=picture)), expected)


def test_a_net_that_is_in_use_at_a_fork(dreaming):
    net, _ = dreaming
    kind, text = in_child(dream, net)
    assert kind is NetInUseError
    assert text.startswith(IN_USE[1:])


CONTEXT = "tensorflow.python.eager.context"


@pytest.mark.parametrize("context", [None, types.SimpleNamespace(_context_handle=None)], ids=["none", "not used"])
def test_tensorflow_that_has_not_computed(monkeypatch, context):
    """It has no threads yet, so a forked process may start them; as far as that is known."""
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("imported"))
    monkeypatch.setitem(sys.modules, CONTEXT, types.SimpleNamespace(_context=context))
    assert in_child(lambda: tensorflow().__name__) == "imported"
    monkeypatch.setattr(sys.modules[CONTEXT], "_context", object())  # of a version that is not known
    assert in_child(lambda: tensorflow().__name__)[0] is ForkError


@pytest.mark.parametrize("load", [lambda net: net, lambda net: small("tensorflow")], ids=["its parent's", "its own"])
def test_a_forked_process_is_refused_tensorflow(load):
    net = small("tensorflow")
    dream(net)
    kind, text = in_child(lambda: dream(load(net)))
    assert kind is ForkError
    assert "multiprocessing.get_context('spawn'), or use the runtime 'numpy'" in text
    dream(net)  # in the parent all is as before
