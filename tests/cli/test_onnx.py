"""ONNX networks on the command line: dreamt with, replayed, kept under a name."""

import json

from pydream.media.image import read_note

SHORT = ["-n", "1", "--octaves", "1", "--seed", "0", "--runtime", "numpy"]


def test_dreamt_with_kept_and_replayed(run, root, tmp_path):
    file = root / "tests" / "data" / "onnx" / "classic.onnx"
    assert run("models", "add", "mine", file, "--layer", "2").code == 0
    shown = run("models", "info", "mine").out
    assert "mean     123.675, 116.28, 103.53 (RGB)" in shown
    assert "scale    0.0171247538, 0.0175070028, 0.0174291939" in shown
    picture = ["dream", "noise:24x20", "-o", tmp_path / "a.png"]
    assert run(*picture, "-m", file, "--layer", "2", *SHORT).code == 0
    kept = ["dream", "noise:24x20", "-o", tmp_path / "b.png"]
    assert run(*kept, "-m", "mine", *SHORT).code == 0
    first, second = (json.loads(read_note(tmp_path / name)) for name in ("a.png", "b.png"))
    assert first["network"]["weights_sha256"] == second["network"]["weights_sha256"]
    assert run("replay", tmp_path / "a.png", "-m", file).out.startswith("identical")
    assert run("replay", tmp_path / "b.png").out.startswith("identical")
