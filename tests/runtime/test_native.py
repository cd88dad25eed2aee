"""The runtime in C++: NumPy's bits where it only compares and adds, rounding elsewhere; and where it is chosen."""

import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from support import nets

import pydream
from pydream.errors import DeviceError
from pydream.runtime import layers, tf_layers
from pydream.runtime.engines import runtime_for
from pydream.runtime.net import Net
from pydream.runtime.on_native import NativeRuntime, kernels
from pydream.runtime.on_native.fusion import RectifiedPooling
from pydream.runtime.on_numpy import NumpyRuntime
from pydream.runtime.on_tensorflow import TensorFlowRuntime

SHAPE = (2, 3, 11, 14)


def runners(layer, dtype):
    return [runtime.runners[type(layer)](layer, [], np.dtype(dtype)) for runtime in (NumpyRuntime, NativeRuntime)]


def values(dtype, shape=SHAPE, seed=0):
    """Numbers with many ties, and some that are equal but for rounding."""
    rng = np.random.default_rng(seed)
    rounded = rng.integers(-2, 3, shape) * (1 + rng.choice([0, 1e-10], shape))
    return rounded.astype(dtype)


def pooling(kernel=(3, 3), stride=(2, 2), pad=(0, 0), tops=("y",)):
    return layers.Pooling("pool", ("x",), tops, False, False, kernel, stride, pad, True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "layer",
    [
        pooling(),
        pooling(stride=(1, 1), pad=(1, 1)),
        pooling(kernel=(2, 5), stride=(3, 1), pad=(1, 2)),
        pooling(kernel=(3, 2), stride=(1, 4)),
        pooling(tops=("y", "places"), pad=(1, 1)),
        pooling(kernel=(10, 13), stride=(1, 1), pad=(9, 12)),
        layers.ReLU("relu", ("x",), ("y",), 0.0),
        layers.ReLU("relu", ("x",), ("y",), 0.3),
        layers.Concat("join", ("x", "x"), ("y",), 1),
    ],
)
def test_numpys_bits(layer, dtype):
    numpy, native = runners(layer, dtype)
    bottoms = [values(dtype, seed=seed) for seed in range(len(layer.bottoms))]
    (wanted, memo), (found, own_memo) = numpy.forward(*bottoms), native.forward(*bottoms)
    diffs = [values(dtype, wanted[0].shape, seed=9) / 3, *[None] * (len(wanted) - 1)]
    for a, b in zip(
        (*wanted, *numpy.backward(memo, *diffs)), (*found, *native.backward(own_memo, *diffs)), strict=True
    ):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize(("size", "beta", "channels"), [(5, 0.75, 7), (3, 0.6, 40), (5, 0.75, 2), (9, 1.0, 3)])
def test_normalisation(dtype, limit, size, beta, channels):
    numpy, native = runners(layers.LRN("norm", ("x",), ("y",), size, 0.5, beta, 2.0), dtype)
    x, diff = np.random.default_rng(1).standard_normal((2, 2, channels, 9, 8)).astype(dtype)
    (wanted,), memo = numpy.forward(x)
    (found,), own_memo = native.forward(x)
    assert nets.off(found, wanted) < limit
    assert nets.off(native.backward(own_memo, diff)[0], numpy.backward(memo, diff)[0]) < limit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums(dtype):
    terms = [values(dtype, seed=seed) / 3 for seed in range(4)]
    runtime = SimpleNamespace()
    found = NativeRuntime.total(runtime, terms)
    assert found.tobytes() == (terms[3] + terms[2] + terms[1] + terms[0]).tobytes()


TEXT = nets.inputs(data=(1, 3, 24, 30)) + "".join(
    [
        nets.layer("a", "Convolution", "data", "a", "convolution_param { num_output: 8 kernel_size: 3 }"),
        nets.layer("ra", "ReLU", "a", "a"),
        nets.layer("pool", "Pooling", "a", "pool", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
        nets.layer("norm", "LRN", "pool", "norm", "lrn_param { local_size: 5 alpha: 0.1 beta: 0.75 }"),
        nets.layer("b", "Convolution", "norm", "b", "convolution_param { num_output: 5 kernel_size: 1 }"),
        nets.layer("rb", "ReLU", "b", "b"),
        nets.layer("c", "Convolution", "norm", "c", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }"),
        nets.layer("rc", "ReLU", "c", "c"),
        nets.layer("join", "Concat", "b c", "join"),
        nets.layer("last", "Pooling", "join", "last", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
        nets.layer("d", "Convolution", "last", "d", "convolution_param { num_output: 6 kernel_size: 3 }"),
        nets.layer("rd", "ReLU", "d", "d"),
    ]
)


def build(runtime="auto", dtype="float64"):
    rng = np.random.default_rng(3)
    shapes = {"a": (8, 3, 3, 3), "b": (5, 8, 1, 1), "c": (4, 8, 3, 3), "d": (6, 9, 3, 3)}
    weights = {name: [nets.normal(rng, *shape), nets.normal(rng, shape[0])] for name, shape in shapes.items()}
    return nets.build(TEXT, dtype, runtime, **weights)


def gradient(net, end="d"):
    return nets.passes(net, end, np.random.default_rng(4).standard_normal((2, 3, 24, 30)))


def test_steps_that_run_as_one():
    net = build()
    values, end = net._ends(["d"])
    steps = net.runtime.steps(values, end)
    assert [type(step.layer).__name__ for step in steps] == [
        *("Convolutions", "RectifiedPooling", "LRN", "Convolutions", "RectifiedPooling", "Convolutions")
    ]
    assert [step.layer.dropped for step in steps[::3]] == [True, True]
    assert [len(step.layer.parts) for step in steps[::3]] == [1, 2]
    values, end = net._ends(["rd"])
    kept = [net.graph.first_value("c"), net.graph.values("join")[0]]
    made = [type(step.layer) for step in net.runtime.steps(values, end, kept)]
    assert made.count(layers.ReLU) == 1  # what is read of its blob is made
    assert made.count(RectifiedPooling) == 1
    assert layers.Concat in made


@pytest.mark.parametrize("end", ["d", "rd", "join", "rb"])
def test_every_gradient_on_the_way(end):
    """What is read of a blob is what it is where every layer runs by itself."""
    blob = {"rd": "d", "rb": "b"}.get(end, end)
    for read in ("data", "a", "pool", "c", "join"):
        wanted, found = build("numpy"), build("native")
        for net in (wanted, found):
            net.blobs["data"].reshape(2, 3, 24, 30)
            net.blobs["data"].data[...] = np.random.default_rng(4).standard_normal((2, 3, 24, 30))
            net.forward(end=end)
            net.blobs[blob].copy_data_to_diff()
            net.backward(start=end)
        assert nets.off(found.blobs[read].diff, wanted.blobs[read].diff) < 1e-12
        assert nets.off(found.blobs["data"].diff, wanted.blobs["data"].diff) < 1e-12


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_any_number_of_threads(monkeypatch, threads):
    wanted = gradient(build())
    monkeypatch.setenv("PYDREAM_NUM_THREADS", threads)
    for a, b in zip(gradient(build()), wanted, strict=True):
        assert a.tobytes() == b.tobytes()


def test_the_faster_engine_of_each_dtype():
    graph = build().graph
    chosen = partial(runtime_for, "auto", graph, device="cpu")
    assert chosen(dtype=np.dtype("float64")) is NativeRuntime
    assert chosen(dtype=np.dtype("float32")) is TensorFlowRuntime
    for name, kind in (("native", NativeRuntime), ("tensorflow", TensorFlowRuntime), ("numpy", NumpyRuntime)):
        assert runtime_for(name, graph, np.dtype("float64"), "cpu") is kind
    for device in ("gpu", "gpu:1", "GPU:0"):
        assert runtime_for("auto", graph, np.dtype("float64"), device) is TensorFlowRuntime
    operation = object.__new__(tf_layers.Operation)
    frozen = SimpleNamespace(steps=[*graph.steps, SimpleNamespace(layer=operation)])
    assert runtime_for("auto", frozen, np.dtype("float64"), "cpu") is TensorFlowRuntime
    with pytest.raises(DeviceError, match="no GPU 7: TensorFlow sees"):
        Net(graph, {}, "float64", device="gpu:7")


def test_a_driver_of_a_gpu_asks_tensorflow(monkeypatch):
    from pydream.runtime.on_tensorflow import door

    monkeypatch.setattr(door, "_DRIVERS", ("null",))
    monkeypatch.setattr(door, "find_device", lambda wanted: "GPU:0")
    assert not door.runs_on_cpu("auto")
    assert door.runs_on_cpu("cpu")
    monkeypatch.setattr(door, "find_device", lambda wanted: "CPU:0")
    assert door.runs_on_cpu("auto")


def test_it_is_loud_when_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydream.runtime.on_native._kernels", None)
    monkeypatch.delattr("pydream.runtime.on_native._kernels", raising=False)
    kernels.kernels.cache_clear()
    try:
        with pytest.raises(ImportError, match=r"build it with `pip install -e \.`.*'tensorflow' or 'numpy'"):
            pydream.load_net("squeezenet_v1.1", dtype="float64", device="cpu")
    finally:
        kernels.kernels.cache_clear()


PROGRAM = """
import hashlib, sys, numpy, pydream
net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime=sys.argv[1])
image = numpy.random.RandomState(1).uniform(0, 255, (48, 64, 3)).astype(numpy.float32)
dream = pydream.deepdream(net, image, octave_n=2, iter_n=3, end="fire5/concat", rng=numpy.random.RandomState(0))
print(hashlib.sha256(numpy.uint8(numpy.clip(dream, 0, 255)).tobytes()).hexdigest(), net.runtime.name)
"""
CORES = ["Haswell", "SkylakeX", "Zen", "Prescott", "Nehalem"]


@pytest.mark.slow
def test_one_picture_whatever_engine_threads_and_instructions(root):
    """In processes of their own: a library reads these once. What a machine lacks, OpenBLAS replaces by itself."""
    runs = [("native", {"PYDREAM_NUM_THREADS": threads}) for threads in "123"]
    runs += [("native", {"PYDREAM_VECTORS": vectors}) for vectors in ("baseline", "avx2")]
    runs += [("numpy", {"OPENBLAS_CORETYPE": core}) for core in CORES]
    runs += [("numpy", {"OPENBLAS_NUM_THREADS": "1"}), ("tensorflow", {})]
    pictures = set()
    for runtime, environment in runs:
        line = [sys.executable, "-c", PROGRAM, runtime]
        run = subprocess.run(
            line, cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        picture, name = run.stdout.split()
        assert name == runtime
        pictures.add(picture)
    assert len(pictures) == 1
