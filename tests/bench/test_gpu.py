"""The script that whoever has a GPU runs: here its rows are made on the CPU."""

import runpy
import sys
from time import monotonic

import pytest

from pydream.runtime.on_tensorflow.door import tensorflow
from pydream.runtime.on_tensorflow.layers import pooling


@pytest.fixture(scope="module")
def gpu(root):
    sys.path.insert(0, str(root / "benchmarks"))
    try:
        yield runpy.run_path(str(root / "benchmarks" / "gpu.py"), run_name="gpu")
    finally:
        sys.path.remove(str(root / "benchmarks"))


@pytest.fixture
def rows(gpu, monkeypatch):
    """The module of the rows, whose only network is SqueezeNet, of which little runs."""
    rows = gpu["rows"]
    monkeypatch.delitem(rows.ENDS, rows.GOOGLENET)
    monkeypatch.setitem(rows.ENDS, rows.SQUEEZENET, "fire2/concat")
    return rows


@pytest.fixture
def place(rows, tmp_path):
    return rows.Place("cpu", sizes=((64, 96), (80, 112)), side=64, seconds=0, shared=tmp_path)


def test_rows_that_have_a_right_answer(rows, place):
    """The operations' kernels are those that TensorFlow has registered for GPUs, where it is built with CUDA."""
    found = [
        row
        for check in (rows.kernels, rows.pooling_gradient, rows.winners, rows.tiles, rows.traces)
        for row in check(place)
    ]
    if not tensorflow().test.is_built_with_cuda():
        found = found[2:]  # the kernels
    assert len(found) >= 2 + 12 + 2 + 2
    assert all(row.ok for row in found), [row for row in found if not row.ok]


def test_a_rounding_that_picks_the_winner_is_found(rows, place, monkeypatch):
    monkeypatch.setattr(pooling, "TIE", 0)
    monkeypatch.setattr(rows, "POOLINGS", dict([*rows.POOLINGS.items()][:1]))
    found = {row.what: row.ok for row in rows.winners(place)}
    assert not found["max pooling, 3×3, stride 2, float64: gradient from NumPy's"]
    assert found["max pooling, 3×3, stride 2, float32: gradient from NumPy's"]


def test_a_kernel_that_gpus_do_not_have_is_found(rows):
    """There is one for sums, but not for this move of numbers in float64."""
    tf = tensorflow()
    if not tf.test.is_built_with_cuda():
        pytest.skip("NOT PROVEN HERE: this TensorFlow is built without CUDA")
    registered = rows.part("tensorflow.python.framework.kernels").get_registered_kernels_for_op
    with tf.Graph().as_default():
        maps = tf.zeros((1, 2, 2, 8), tf.float64)
        ops = [tf.reduce_sum(maps).op, tf.raw_ops.DepthToSpace(input=maps, block_size=2).op]
    assert [any(rows._fits(op, each) for each in registered(op.type).kernel) for op in ops] == [True, False]


def test_what_is_not_there_is_not_measured(rows, place):
    found = [*rows.settings(place), *rows.memory(place), *rows.dream_of_2015(place)]
    assert [row.ok for row in found] == [None] * 3
    assert all(row.measured.startswith("not measured: ") for row in found)


def test_times(gpu, rows, place):
    found = list(gpu["timed"](rows.SQUEEZENET, 0, place))
    assert [row.what.partition("float32: ")[2] for row in found] == [
        "the floor",
        "a gradient",
        "a step",
        "copies to the device and back",
        "the step in float64 over it",
        "a dream, 4×10",
    ]
    assert "× the floor" in found[-1].measured


def test_a_row_that_fails_stops_no_other(gpu, rows, place):
    def failing(place):
        yield rows.at_most("one", 1, float("nan"))
        raise RuntimeError("\nno memory\nand more")

    check = gpu["Check"]
    checks = [
        check("a", 1, failing),
        check("b", 100, failing),
        check("c", 1, lambda place: [rows.at_most("two", 1, 1)]),
    ]
    found = list(gpu["rows_of"](place, checks, monotonic() + 50))
    assert [(row.what, row.ok) for row in found] == [("one", False), ("a", False), ("b", None), ("two", True)]
    assert found[1].measured == "failed: RuntimeError: no memory"
    assert found[2].measured.startswith("not measured: it may take 100 s, and ")


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1)])
def test_the_exit_code_says_whether_all_is_well(gpu, rows, monkeypatch, capsys, ok, code):
    only = gpu["Check"]("only", 1, lambda place: [rows.Row("this", "0", "1", ok)])
    monkeypatch.setitem(gpu["main"].__globals__, "CHECKS", [only])
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--markdown"])
    with pytest.raises(SystemExit) as left:
        gpu["main"]()
    assert left.value.code == code
    told = capsys.readouterr().out
    assert "to try out the script" in told
    assert f"| this | 0 | 1 | {'yes' if ok else '' if ok is None else 'NO'} |" in told


def test_without_a_gpu_it_says_so_at_once(gpu, monkeypatch, capsys):
    monkeypatch.setattr(tensorflow().config, "list_physical_devices", lambda kind: [])
    monkeypatch.setitem(gpu["main"].__globals__, "CHECKS", None)
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    with pytest.raises(SystemExit) as left:
        gpu["main"]()
    assert left.value.code == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("gpu: no GPU 0: TensorFlow sees none here")
    assert told.err.count("\n") == 1
