"""examples/ports/onnx_dream.py makes the dream from one ONNX file, with nothing of ours."""

import runpy
import subprocess
import sys

import numpy as np
import pytest

import pydream


@pytest.fixture(scope="module")
def onnx_dream(root):
    pytest.importorskip(
        "onnxruntime", reason="NOT PROVEN HERE: ONNX Runtime is not installed"
    ).set_default_logger_severity(3)
    return runpy.run_path(str(root / "examples" / "ports" / "onnx_dream.py"), run_name="port")["dream"]


def session(net, end, folder, layout="nchw"):
    import onnxruntime

    pydream.export_onnx(net, folder / "step.onnx", end, layout=layout)
    return onnxruntime.InferenceSession(folder / "step.onnx", providers=["CPUExecutionProvider"])


def test_onnx_dreams_as_caffe(onnx_dream, golden, tmp_path):
    """In float64, in ONNX Runtime: every byte."""
    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime="numpy")
    step = session(net, "fire8/concat", tmp_path, "nhwc")
    assert np.array_equal(onnx_dream(step, golden["image"], octave_n=3, iter_n=6), golden["out_u8"])


CAFFES_FLOAT32 = 0.02  # of 255 in the mean after two steps: golden/README.md


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_onnx_dreams_in_float32(onnx_dream, golden, tmp_path, layout):
    """Two steps, as near to float64 as Caffe's own float32 is."""
    picture = golden["image"]
    exact, net = (pydream.load_net("squeezenet_v1.1", dtype=each, runtime="native") for each in ("float64", "float32"))
    few = {"octave_n": 1, "iter_n": 2}
    expected = pydream.deepdream(exact, picture, end="fire8/concat", rng=np.random.RandomState(0), **few)
    out = onnx_dream(session(net, "fire8/concat", tmp_path, layout), picture, **few)
    assert np.abs(out.astype(float) - np.uint8(np.clip(expected, 0, 255))).mean() <= CAFFES_FLOAT32


def test_onnx_dreams_as_caffes_float32_does(onnx_dream, shared, tmp_path):
    golden = np.load(shared / "golden" / "googlenet_4c_256x144_2steps.npz")
    net = pydream.load_net("bvlc_googlenet", shared / "models" / "bvlc_googlenet.caffemodel", runtime="native")
    out = onnx_dream(session(net, "inception_4c/output", tmp_path), golden["image"], octave_n=1, iter_n=2)
    assert np.abs(out.astype(float) - golden["out_u8"]).mean() <= CAFFES_FLOAT32


def test_the_dream_is_short_and_needs_nothing_of_ours(root):
    path = root / "examples" / "ports" / "onnx_dream.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    program = f"import runpy, sys; runpy.run_path({str(path)!r}); print({{'pydream', 'tensorflow'}} & set(sys.modules))"
    pytest.importorskip("onnxruntime", reason="NOT PROVEN HERE: ONNX Runtime is not installed")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert run.stdout == "set()\n"
