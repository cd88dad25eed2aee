"""`pydream selftest` says in one line whether an installation gives Caffe's bytes; a spoilt one does not."""

import numpy as np
import pytest

import pydream.testing
from pydream.cli.commands import selftest
from pydream.dream import notebook
from pydream.imageops import native_ops
from pydream.testing import golden

WRONG = "pydream: error: this installation does not give Caffe's bytes: "


def test_this_installation(run, folder):
    assert run("selftest") == (0, "this installation gives Caffe's bytes (native)\n", "")
    assert list(folder.iterdir()) == []


def test_a_golden_dream_is_compared_byte_for_byte(refused, monkeypatch):
    known = golden.golden_dream()
    known["out_u8"][3, 5, 1] ^= 1
    known["out_u8"][7, 0, 2] ^= 1
    monkeypatch.setattr(golden, "golden_dream", lambda: known)
    was, caffes = known["out_u8"][3, 5, 1] ^ 1, known["out_u8"][3, 5, 1]
    assert refused(1, "selftest") == (
        f"{WRONG}native: 2 of 73728 bytes differ, the first at row 3, column 5, green: {was}, and Caffe's is {caffes}\n"
    )


@pytest.mark.parametrize("damage", [None, b"", b"hello", b"PK", -1])
def test_a_damaged_golden_dream_is_no_puzzle(refused, folder, monkeypatch, damage):
    file = folder / "golden.npz"
    if damage == -1:
        content = golden._FILE.read_bytes()
        file.write_bytes(content[:500] + bytes([content[500] ^ 255]) + content[501:])
    elif damage is not None:
        file.write_bytes(damage)
    monkeypatch.setattr(golden, "_FILE", file)
    line = f"pydream: error: '{file}' is missing or damaged; install pydream again\n"
    monkeypatch.setattr(selftest, "_of_operations", list)
    assert refused(1, "selftest") == line


def test_every_engine_dreams(run, monkeypatch, exact_nets):
    """Each on its own; what one of them spoils is that one's."""
    seen = []

    def dream(net, image, *, backend, **_):
        seen.append((net, backend))
        spoilt = golden.golden_dream()["out_u8"].astype(float)
        spoilt[0, 0, 0] += 1 - 2 * (spoilt[0, 0, 0] == 255)
        return spoilt if net == "numpy" else golden.golden_dream()["out_u8"] + 0.5

    monkeypatch.setattr(notebook, "deepdream", dream)
    code, out, err = run("selftest", "--all")
    assert seen == [("native", "native"), ("numpy", "numpy"), ("tensorflow", "native")]
    assert (code, out) == (1, "")
    assert err.startswith(f"{WRONG}numpy: 1 of 73728 bytes differ, the first at row 0, column 0, red: ")
    assert err.count("\n") == 1


@pytest.fixture
def exact_nets(monkeypatch):
    """Networks that are only the name of their runtime, if they are exact."""

    def load(name, dtype, runtime):
        assert (name, dtype) == ("squeezenet_v1.1", "float64")
        return runtime

    monkeypatch.setattr("pydream.zoo.load.load_net", load)


def test_the_image_operations_are_compared_too(refused, monkeypatch):
    roll = native_ops.roll
    monkeypatch.setattr(native_ops, "roll", lambda image, ox, oy: roll(image, oy, ox))
    line = refused(1, "selftest")
    assert line.startswith(WRONG)
    assert "image operations differ from NumPy's, the first: roll by " in line
    assert "native: " not in line  # a dream's own roll is another function


def test_without_tensorflow(run, monkeypatch, without_tensorflow):
    native = golden.golden_dream()["out_u8"] + np.float64(0)
    monkeypatch.setattr(notebook, "deepdream", lambda *_, **__: native)
    code, out, err = run("selftest", "--all")
    assert (code, out) == (0, "this installation gives Caffe's bytes (native, numpy)\n")
    assert err == "left out: TensorFlow is not installed: pip install tensorflow\n"


def test_the_check_of_the_operations_is_the_ports(monkeypatch, run):
    """It is not a second one of its own."""
    seen = []
    monkeypatch.setattr(pydream.testing, "check_imageops", lambda ops, exact: seen.append((ops, exact)))
    assert run("selftest").code == 0
    assert seen == [(native_ops, True)]
