"""The compiled convolution against the oracle's loops, and what its arguments must be."""

import ast
import gc
from pathlib import Path

import numpy as np
import pytest
from support import oracle

from pydream.runtime.on_native import _kernels

CASES = {  # channels in and out, kernel, stride, pad, dilation, groups, size
    "pointwise": (7, 5, (1, 1), (1, 1), (0, 0), (1, 1), 1, (9, 31)),
    "inner": (5, 19, (3, 3), (1, 1), (1, 1), (1, 1), 1, (10, 27)),
    "image": (3, 8, (7, 7), (2, 2), (3, 3), (1, 1), 1, (24, 35)),
    "strides leave a rest": (4, 6, (3, 2), (2, 3), (0, 1), (1, 1), 1, (12, 30)),
    "dilated": (4, 3, (3, 3), (2, 1), (4, 2), (3, 2), 1, (11, 26)),
    "groups": (6, 9, (3, 3), (1, 2), (1, 1), (1, 1), 3, (8, 25)),
    "depthwise": (4, 4, (3, 3), (1, 1), (1, 1), (1, 1), 4, (7, 24)),
    "kernel beyond the image": (2, 3, (5, 7), (1, 1), (4, 6), (1, 1), 1, (2, 3)),
    "unread pixels": (3, 2, (1, 1), (3, 2), (0, 0), (1, 1), 1, (8, 9)),
}
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}  # of the largest value: sums of at most 147 products


@pytest.fixture(autouse=True)
def emptied_pool():
    yield
    _kernels.clear_pool()


def numbers(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def close(ours, theirs, dtype):
    assert ours.dtype == dtype
    assert ours.shape == theirs.shape
    assert ours.flags.c_contiguous
    assert np.abs(ours - theirs).max() <= TOLERANCE[dtype] * np.abs(theirs).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_both_directions_are_the_oracles(case, dtype):
    inputs, outputs, taps, stride, pad, dilation, group, size = CASES[case]
    kernel, bias = numbers(outputs, inputs // group, *taps, dtype=dtype), numbers(outputs, dtype=dtype)
    x = numbers(2, inputs, *size, dtype=dtype)
    top, back = oracle.convolution(x, kernel, bias, stride=stride, pad=pad, dilation=dilation, group=group)
    ours = _kernels.convolution(kernel, stride, dilation, group)
    close(ours.forward(x, pad, top.shape[2:], bias), top, dtype)
    close(ours.forward(x, pad, top.shape[2:], bias, rectify=True), np.maximum(top, 0), dtype)
    diff = numbers(*top.shape, dtype=dtype, seed=1)
    gradient = back(diff)[0]
    close(ours.backward(diff, pad, size), gradient, dtype)
    close(ours.backward(diff, pad, size, positive=x), np.where(x > 0, gradient, 0), dtype)
    out = x.copy()
    assert ours.backward(diff, pad, size, out=out, add=True) is out
    close(out, x + gradient, dtype)


def test_backward_is_a_deconvolution():
    weights, x = numbers(5, 3, 4, 4), numbers(1, 5, 6, 13)
    top, _ = oracle.deconvolution(x, weights, stride=(2, 2), pad=(1, 1))
    close(_kernels.convolution(weights, (2, 2), (1, 1), 1).backward(x, (1, 1), top.shape[2:]), top, np.float64)


def test_a_slice_of_channels_is_written_in_place():
    x, both = numbers(1, 3, 6, 26), np.zeros((1, 7, 6, 26))
    for begin, end in ((0, 4), (4, 7)):
        kernel = numbers(end - begin, 3, 1, 1)
        _kernels.convolution(kernel, (1, 1), (1, 1), 1).forward(x, (0, 0), (6, 26), out=both[:, begin:end])
        close(both[:, begin:end], oracle.convolution(x, kernel)[0], np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_depend_neither_on_threads_nor_on_the_width_of_vectors(monkeypatch, dtype):
    kernel, x = numbers(16, 12, 3, 3, dtype=dtype), numbers(1, 12, 50, 61, dtype=dtype)
    results = {}
    for vectors in ("", "avx2"):
        monkeypatch.setenv("PYDREAM_VECTORS", vectors)
        try:
            convolution = _kernels.convolution(kernel, (1, 1), (1, 1), 1)
        except ValueError:  # not on this machine
            continue
        for threads in ("1", "2", "3"):
            monkeypatch.setenv("PYDREAM_NUM_THREADS", threads)
            top = convolution.forward(x, (1, 1), (50, 61))
            results[vectors, threads] = top.tobytes(), convolution.backward(top, (1, 1), (50, 61)).tobytes()
    assert len(results) >= 3
    assert len(set(results.values())) == 1


def test_unknown_vectors_and_threads_are_errors(monkeypatch):
    kernel = numbers(1, 1, 1, 1)
    convolution = _kernels.convolution(kernel, (1, 1), (1, 1), 1)
    monkeypatch.setenv("PYDREAM_VECTORS", "mmx")
    with pytest.raises(ValueError, match=r"^PYDREAM_VECTORS: 'mmx' is not one of .*baseline$"):
        _kernels.convolution(kernel, (1, 1), (1, 1), 1)
    monkeypatch.setenv("PYDREAM_NUM_THREADS", "0")
    with pytest.raises(ValueError, match=r"^PYDREAM_NUM_THREADS: '0' is not"):
        convolution.forward(kernel, (0, 0), (1, 1))


def test_the_pool_takes_memory_back_when_an_array_goes():
    gc.collect()  # networks of other tests
    _kernels.clear_pool()
    others, _ = _kernels.pool_bytes()
    array = _kernels.empty((3, 5, 100), np.dtype(np.float32))
    assert (array.shape, array.dtype, array.flags.writeable) == ((3, 5, 100), np.float32, True)
    used, kept = _kernels.pool_bytes()
    assert used >= others + array.nbytes
    assert kept == 0
    view = array[1]
    del array
    assert _kernels.pool_bytes() == (used, 0)  # the view still has it
    del view
    assert _kernels.pool_bytes() == (others, used - others)
    _kernels.clear_pool()
    assert _kernels.pool_bytes() == (others, 0)


def test_the_stub_names_what_is_compiled():
    stub = ast.parse(Path(_kernels.__file__).with_name("_kernels.pyi").read_text(encoding="utf-8"))
    names = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert names == {name for name in dir(_kernels) if name.islower() and not name.startswith("_")}
    (convolution,) = (node for node in stub.body if isinstance(node, ast.ClassDef))
    methods = {node.name for node in convolution.body if isinstance(node, ast.FunctionDef)}
    for compiled in (_kernels.Convolution32, _kernels.Convolution64):
        assert methods == {name for name in dir(compiled) if not name.startswith("_")}


def misaligned(*shape):
    count = int(np.prod(shape))
    return np.zeros(8 * count + 1, np.uint8)[1:].view(np.float64).reshape(shape)


def test_no_argument_leads_out_of_its_memory():
    kernel, x = numbers(4, 3, 3, 3), numbers(1, 3, 8, 9)
    one = (1, 1)
    convolution = _kernels.convolution(kernel, one, one, 1)
    frozen = np.zeros((1, 4, 6, 7))
    frozen.flags.writeable = False
    for call in (
        lambda: _kernels.convolution(kernel[0], one, one, 1),
        lambda: _kernels.convolution(kernel[:, :0].copy(), one, one, 1),
        lambda: _kernels.convolution(misaligned(4, 3, 3, 3), one, one, 1),
        lambda: _kernels.convolution(kernel, (0, 1), one, 1),
        lambda: _kernels.convolution(kernel, (1, 2**25), one, 1),
        lambda: _kernels.convolution(kernel, (2**20, 2**20), one, 1),
        lambda: _kernels.convolution(kernel, one, (0, 1), 1),
        lambda: _kernels.convolution(kernel, one, (1, 2**23), 1),
        lambda: _kernels.convolution(kernel, one, (2**23, 1), 1),
        lambda: _kernels.convolution(kernel, one, one, 3),
        lambda: _kernels.convolution(kernel, one, one, 0),
        lambda: convolution.forward(x[0], one, one),
        lambda: convolution.forward(x[:, :2], one, one),
        lambda: convolution.forward(x[:0], one, one),
        lambda: convolution.forward(misaligned(1, 3, 8, 9), one, one),
        lambda: convolution.forward(np.zeros((1, 3, 2**24 + 1, 1)), one, one),
        lambda: convolution.forward(np.zeros((1, 3, 1, 2**24 + 1)), one, one),
        lambda: convolution.forward(x, (2**25, 0), one),
        lambda: convolution.forward(x, one, (0, 1)),
        lambda: convolution.forward(x, one, (1, 2**25)),
        lambda: convolution.forward(x, one, one, numbers(3)),
        lambda: convolution.forward(x, one, one, numbers(4, 1)),
        lambda: convolution.forward(x, one, one, misaligned(4)),
        lambda: convolution.forward(x, (0, 0), (6, 7), out=numbers(1, 4, 6, 6)),
        lambda: convolution.forward(x, (0, 0), (6, 7), out=numbers(2, 4, 6, 7)),
        lambda: convolution.forward(x, (0, 0), (6, 7), out=numbers(1, 5, 6, 7)),
        lambda: convolution.forward(x, (0, 0), (6, 7), out=frozen),
        lambda: convolution.forward(x, (0, 0), (6, 7), add=True),
        lambda: convolution.backward(x, one, one),
        lambda: convolution.backward(numbers(1, 4, 6, 7), (0, 0), (8, 0)),
        lambda: convolution.backward(numbers(1, 4, 6, 7), (0, 0), (8, 9), positive=numbers(1, 3, 8, 8)),
        lambda: convolution.backward(numbers(1, 4, 6, 7), (0, 0), (8, 9), positive=numbers(2, 3, 8, 9)),
        lambda: convolution.backward(numbers(1, 4, 6, 7), (0, 0), (8, 9), positive=numbers(1, 4, 8, 9)),
        lambda: convolution.backward(numbers(1, 4, 6, 7), (0, 0), (8, 9), out=numbers(2, 3, 8, 9)),
        lambda: _kernels.empty((2, -1), np.dtype(np.float64)),
        lambda: _kernels.empty((2**40, 2**40), np.dtype(np.float64)),
        lambda: _kernels.empty((1,), np.dtype(np.int32)),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            call()
    for call in (
        lambda: _kernels.convolution(kernel.astype(np.int64), one, one, 1),
        lambda: _kernels.convolution(kernel[:, :, ::2], one, one, 1),
        lambda: convolution.forward(x.astype(np.float32), one, one),
        lambda: convolution.forward(x[..., ::2], one, one),
        lambda: convolution.forward(x, one, one, numbers(4).astype(np.float32)),
        lambda: convolution.forward(x, 1, one),
        lambda: convolution.forward(x, (0, 0), (6, 7), out=np.zeros((1, 4, 6, 7), np.float32)),
    ):
        with pytest.raises(TypeError):
            call()


def test_an_array_without_elements():
    assert _kernels.empty((3, 0, 2**20), np.dtype(np.float32)).shape == (3, 0, 2**20)


def test_a_result_beyond_memory_is_an_error():
    convolution = _kernels.convolution(numbers(1, 1, 1, 1), (1, 1), (1, 1), 1)
    with pytest.raises(MemoryError):
        convolution.forward(numbers(1, 1, 2, 2), (0, 0), (2**24, 2**24))
