"""Commands run in this process, on the real built-in network: what a shell would see of them."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pydream.cli import main
from pydream.media.image import write_image
from pydream.runtime.on_tensorflow.door import tensorflow


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Whoever starts the tests in the background has SIGINT ignored, which children inherit."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Seen(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Seen]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command; `err` is all that reached the file descriptor, TensorFlow's own lines too."""

    def run(*args: object) -> Seen:
        capfd.readouterr()
        try:
            main([str(arg) for arg in args], prog_name="pydream")
        except SystemExit as ended:
            code = ended.code or 0
        out, err = capfd.readouterr()
        return Seen(int(code), out, err)

    return run


@pytest.fixture
def refused(run: Run, folder: Path) -> Callable[..., str]:
    """Run a command that must fail: the exit code, one line on stderr, and no file more than before."""

    def refused(code: int, *args: object) -> str:
        before = {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
        seen = run(*args)
        assert seen.code == code, seen
        assert seen.err.startswith("pydream: error: "), seen
        assert seen.err.count("\n") == 1, seen
        assert seen.err.endswith("\n")
        assert seen.out == ""
        after = {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
        assert after == before
        return seen.err

    return refused


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a command, without the weights that this machine may have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("MPLCONFIGDIR", os.devnull)  # TensorFlow imports matplotlib where it is, which wants a cache
    return tmp_path


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> object:
    """An import of it fails as where it is not installed; the module itself, for a while with it."""
    module = sys.modules["tensorflow"]
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    return module


@pytest.fixture
def draw() -> Callable[[Path, int, int], Path]:
    """Draw a small picture with something in it everywhere."""

    def draw(path: Path, height: int, width: int) -> Path:
        noise = np.random.default_rng(0).uniform(-40, 40, (height, width, 3))
        y, x = np.mgrid[:height, :width]
        waves = 128 + 60 * np.sin(x / 9)[..., None] * np.cos(y / 7)[..., None]
        write_image(path, waves + noise)
        return path

    return draw


@pytest.fixture
def picture(folder: Path, draw: Callable[[Path, int, int], Path]) -> Path:
    return draw(folder / "in.png", 72, 96)


@pytest.fixture
def own_network(folder: Path) -> list[str]:
    """One layer that sees nothing in what is darker than the mean; options that choose it."""
    (folder / "own.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 32\n'
        'layer { name: "light" type: "ReLU" bottom: "data" top: "light" }\n'
    )
    layer = b"\x0a\x05light\x12\x04ReLU"  # fields 1 and 2 of a LayerParameter: name, type
    (folder / "own.caffemodel").write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)  # field 100
    return ["--model", "own.prototxt", "--weights", "own.caffemodel"]


@pytest.fixture
def quick(own_network: list[str]) -> list[str]:
    """Options of dreams that take no time."""
    return [*own_network, "-l", "light", "--runtime", "numpy", "--octaves", "1", "-n", "1"]


@pytest.fixture(scope="session", autouse=True)
def tensorflow_has_said_its_lines() -> None:
    """Without this the first command here would show what TensorFlow logs once a process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow().zeros(1)
