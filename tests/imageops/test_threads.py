"""The native functions let other Python threads run, and their own threads end with the call."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pydream.imageops import backend

NATIVE = backend("native")
SHAPE = (3, 700, 1000)
BOUNDS = (np.zeros((3, 1, 1), np.float32), np.ones((3, 1, 1), np.float32))

CALLS = {
    "roll": lambda x, g: NATIVE.roll(x, 3, 5),
    "zoom": lambda x, g: NATIVE.zoom(x, 1400, 2000),
    "affine_transform": lambda x, g: NATIVE.affine_transform(x.reshape(700, 1000, 3), [0.9, 0.9], [35, 50]),
    "affine_transform_adjoint": lambda x, g: NATIVE.affine_transform_adjoint(x.reshape(700, 1000, 3), [1, 1], [9, 5]),
    "mean_abs": lambda x, g: NATIVE.mean_abs(g),
    "ascend": lambda x, g: NATIVE.ascend(x, g, 1.5),
    "clip": lambda x, g: NATIVE.clip(x, *BOUNDS),
    "to_tensor": lambda x, g: NATIVE.to_tensor(x, 3, 5),
    "ascend_tensor": lambda x, g: NATIVE.ascend_tensor(x, g.reshape(1, 700, 1000, 3), 1.5, 3, 5, *BOUNDS),
}


@pytest.fixture
def patient_gil():
    """Make Python never take the GIL from a thread: it is passed on only when a thread releases it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no GIL")
@pytest.mark.parametrize("name", CALLS)
def test_the_gil_is_released(name, patient_gil, monkeypatch):
    """Another thread's counter grows during the call.

    Only the call itself releases the GIL there. The system decides whether the other thread runs in time, hence the
    repetition; if the call did not release the GIL, no repetition would help.
    """
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "1")
    image, gradient = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    count, stop = [0], threading.Event()

    def counting():
        while not stop.is_set():
            count[0] += 1
            time.sleep(0)  # releases the GIL

    call = CALLS[name]
    other = threading.Thread(target=counting)
    other.start()
    try:
        for _ in range(1000):
            before = count[0]
            call(image, gradient)
            if count[0] > before:
                break
        else:
            pytest.fail("no other thread ran during 1000 calls")
    finally:
        stop.set()
        other.join()


def test_calls_from_many_threads(monkeypatch):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "2")
    images = [np.random.RandomState(seed).randn(3, 200, 301).astype(np.float32) for seed in range(8)]
    expected = [NATIVE.zoom(image, 280, 421) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for actual, wanted in zip(pool.map(lambda x: NATIVE.zoom(x, 280, 421), images), expected, strict=True):
                assert np.array_equal(actual, wanted)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads as Linux lists them")
def test_no_thread_stays_behind(monkeypatch):
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "7")
    image, gradient = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    before = len(os.listdir("/proc/self/task"))
    for call in CALLS.values():
        call(image, gradient)
    assert len(os.listdir("/proc/self/task")) <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_can_go_on(monkeypatch):
    """There is no pool of threads that a fork would lose."""
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "3")
    gradient = np.ones(SHAPE, np.float32)
    assert NATIVE.mean_abs(gradient) == 1
    child = os.fork()
    if child == 0:
        os._exit(0 if NATIVE.mean_abs(gradient) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
