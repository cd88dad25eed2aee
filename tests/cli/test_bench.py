"""`pydream bench`: a table, JSON or a picture; no number here is held to another."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pydream.bench.plot
from pydream import imageops
from pydream.bench import operations
from pydream.cli.commands import bench as command

SMALL = ["bench", "--quick", "--image-size", "96x64", "--layer", "fire3/concat"]


@pytest.fixture
def hurried(monkeypatch):
    """As few rounds as there can be."""
    quick = command.QUICK
    monkeypatch.setattr(command, "QUICK", type(quick)(quick.sizes, 0.0, 1, 1, 2))


@pytest.mark.usefixtures("hurried")
def test_json_and_plot(run, folder):
    seen = run(*SMALL, "--image-size", "113x80", "--json", "--plot", "out.png")
    assert seen.code == 0, seen
    assert seen.err == "wrote out.png\n"
    found = json.loads(seen.out)
    assert set(found) == {"machine", "operations", "network", "dream"}
    assert set(found["machine"]["versions"]) == {"pydream", "Python", "NumPy", "SciPy", "TensorFlow"}
    assert [(each["operation"], each["width"]) for each in found["operations"]] == [
        (name, width) for width in (96, 113) for name in operations.names()
    ]
    for row in found["operations"]:
        assert row["bound"] == 1.0
        for each in (row, row["inside a dream"]):
            assert each["agreement"] == "the same bits"
            assert set(each["seconds"]) == {"numpy", "native"}
            low, high = each["seconds"]["native"]["quartiles"]
            assert 0 < low <= each["seconds"]["native"]["median"] <= high
            assert each["ratios"]["native / numpy"] > 0
    passes = found["network"]
    assert (passes["model"], passes["layer"]) == ("squeezenet_v1.1", "fire3/concat")
    first, second = passes["sizes"]
    assert set(first["ratios"]) == {"float32 / floor", "float64 / float32"}
    assert set(second["ratios"]) == {"float32 / floor"}  # float64 at the dream's size only
    dream = found["dream"]
    assert (dream["width"], dream["height"], dream["octave_n"], dream["iter_n"]) == (96, 64, 1, 2)
    assert len(dream["dreams"]) == 2
    for each in dream["dreams"]:
        *parts, total = (each["seconds"].pop(name) for name in [*list(each["seconds"])[1:], "total"])
        assert sum(parts) == pytest.approx(total, rel=1e-3)
    assert dream["memory_bytes"]["peak of the first dream"] > 10**8

    with Image.open("out.png") as plot:
        pixels = np.asarray(plot.convert("RGB"))
    assert pixels.shape[0] > 800
    assert pixels.shape[1] > 1000
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


@pytest.mark.usefixtures("hurried", "folder")
def test_tables(run):
    seen = run(*SMALL)
    assert seen.code == 0, seen
    assert seen.err == ""
    assert "load" in seen.out.splitlines()[0]
    for name in operations.names():
        assert re.search(rf"^{name} +96x64 (.*s \(.*–.*\) .*){{4}} 1\.0$", seen.out, re.MULTILINE), name
    assert "squeezenet_v1.1 to fire3/concat: forward, objective, gradient at the image.\n" in seen.out
    assert "GFLOP/s" in seen.out
    assert "A dream, 96x64, 1 octaves × 2 steps" in seen.out
    assert "all that is not steps, over the steps" in seen.out


@pytest.mark.usefixtures("hurried")
def test_layers_without_multiplications_have_no_floor(run, folder, own_network):
    seen = run("bench", "--quick", "--image-size", "32x32", *own_network, "--layer", "light", "--plot", "out.svg")
    assert seen.code == 0, seen
    assert (folder / "out.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.usefixtures("hurried")
def test_results_that_differ_are_not_timed(refused, monkeypatch):
    native = imageops.backend("native")
    right = native.mean_abs
    monkeypatch.setattr(native, "mean_abs", lambda gradient: np.nextafter(right(gradient), np.float32(9)))
    told = refused(1, *SMALL, "--json")
    assert "mean_abs, 96x64: native and numpy compute different results, so their times are not compared" in told


@pytest.mark.parametrize(
    ("code", "args", "told"),
    [
        (2, ["--plot", "out.gif"], "'out.gif' does not end in .png, .svg, .pdf"),
        (2, ["--plot", "no/out.png"], "cannot write 'no/out.png': there is no folder 'no'"),
        (2, ["--image-size", "12"], "'12' is not a size (expected WIDTHxHEIGHT, e.g. 640x480)"),
        (2, ["--layer", "fire99"], "no blob 'fire99'; close: "),
        (2, ["--model", "squeezenet"], "no network 'squeezenet'"),
        (1, ["--model", "bvlc_googlenet"], "no weights for bvlc_googlenet"),
        (1, ["--image-size", "20x20"], "octave 1 of 4 (7x7) is too small"),
    ],
)
def test_errors(refused, code, args, told):
    assert told in refused(code, "bench", *args)


def test_without_matplotlib(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told = refused(1, "bench", "--plot", "out.png")
    assert "pip install 'pydeepdream[plot]'" in told


def test_ctrl_c(folder):
    """In the middle of the dream of another process, which goes too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pydream", "bench"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])},
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("this system does not tell a process's children")
    deadline = time.monotonic() + 60
    while not children.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    child = Path("/proc", children.read_text().split()[0], "status")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    *at_once, last = err.splitlines()
    assert last == "pydream: interrupted; nothing was written"
    assert at_once in ([], ["pydream: stopping as soon as nothing is half done; once more stops now"])
    deadline = time.monotonic() + 10
    while child.exists() and "(zombie)" not in child.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not child.exists() or "(zombie)" in child.read_text()


def test_formats():
    assert pydream.bench.plot.FORMATS == (".png", ".svg", ".pdf")
