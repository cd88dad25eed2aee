"""Whatever a file, a stream or a number says, a command refuses it at once, or takes what it needs and no more."""

import io
import json
import os
import signal
import socket
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at

from pydream.cli import input as sources
from pydream.cli.progress import Progress
from pydream.errors import MOST_SHOWN, CheckpointError, shortened
from pydream.files import NotRegularError, open_file, read_file
from pydream.formats.caffe import caffe_pb2
from pydream.record import film

RUN = ["--layer", "light", "--runtime", "numpy", "-n", "1", "--octaves", "1", "--jitter", "0", "--seed", "1"]


@pytest.fixture(autouse=True)
def in_time():
    """What waits for ever fails, instead of the whole run."""

    def late(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# ---- regular files ----


@pytest.fixture
def odd_files(folder):
    """Files that are none."""
    os.mkfifo("pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket")
    os.symlink("/dev/zero", "endless")
    Path("folder").mkdir()
    yield ["pipe", "socket", "endless", "folder", "/dev/tty"]
    listening.close()


def test_only_regular_files_are_opened(odd_files):
    for name in odd_files:
        with pytest.raises(NotRegularError):
            open_file(name)


def test_a_pipe_that_comes_in_between(folder, monkeypatch):
    """What was opened counts, not what was looked at; and opening it does not wait."""
    os.mkfifo("pipe")
    Path("file").write_bytes(b"")
    regular = os.stat("file")
    monkeypatch.setattr(os, "stat", lambda path: regular)
    with pytest.raises(NotRegularError):
        open_file("pipe")


def test_a_file_is_read_within_its_bound(folder):
    Path("file").write_bytes(b"12345")
    assert read_file("file", 5) == b"12345"
    with pytest.raises(OSError, match=r"5 bytes, more than a prototxt can hold \(4\)"):
        read_file("file", 4, "a prototxt")
    with pytest.raises(OSError, match="more than it can hold"):
        read_file("/proc/self/status", 0)  # its size is said to be 0
    with open_file("file") as file:
        assert file.name == "file"


SIDEWAYS = [
    ["dream", "pipe", "-o", "out.png"],
    ["dream", "in.png", "-o", "out.png", "--guide", "pipe"],
    ["dream", "in.png", "-o", "out.png", "--mask", "pipe"],
    ["dream", "in.png", "-o", "out.png", "--weights", "pipe"],
    ["dream", "in.png", "-o", "out.png", "--model", "pipe.prototxt"],
    ["dream", "in.png", "-o", "out.png", "--model", "pipe.caffemodel"],
    ["dream", "in.png", "-o", "out.png", "--model", "pipe.pb"],
    ["dream", "in.png", "-o", "out.png", "--model", "pipe.h5"],
    ["dream", "in.png", "-o", "out.png", "--model", "pipe.keras"],
    ["dream", "in.png", "-o", "out.png", "--model", "mine"],
    ["layers", "--model", "pipe.prototxt"],
    ["layers", "--check-weights", "pipe"],
    ["models", "add", "new", "pipe.prototxt", "pipe.caffemodel"],
    ["replay", "pipe"],
    ["replay", "pipe.json"],
    ["replay", "in.png"],
    ["replay", "in.png", "--input", "pipe"],
    ["video", "pipe", "-o", "out.mp4"],
    ["zoom", "in.png", "-o", "frames", "--frames", "2", "--resume"],
    ["sweep", "pipe", "-o", "out.png"],
    ["visualize", "pipe", "-o", "out.png"],
    ["reproduce", "pipe", "--model", "squeezenet_v1.1"],
]


@pytest.mark.parametrize("arguments", SIDEWAYS, ids=" ".join)
def test_nothing_waits_for_a_pipe(run, folder, picture, arguments):
    for name in [
        "pipe",
        "in.png.json",
        *(f"pipe.{suffix}" for suffix in ["json", "prototxt", "caffemodel", "pb", "h5", "keras"]),
    ]:
        os.mkfifo(name)
    for name in ("frames", "data/pydream/models/mine"):
        Path(name).mkdir(parents=True)
    os.mkfifo("data/pydream/models/mine/README.md")
    os.mkfifo("frames/resume.npz")
    seen = run(*arguments, *([] if arguments[0] in ("layers", "models", "replay", "reproduce", "sweep") else ["-q"]))
    assert seen.code in (1, 2), seen
    assert seen.err.count("\n") == 1, seen
    assert "it waits" not in seen.err
    assert not Path("out.png").exists()


def test_a_films_state_is_no_pipe(folder):
    os.mkfifo("film.json")
    with pytest.raises(CheckpointError, match="not a regular file"):
        film.load("film.json")


# ---- standard input ----


class Endless(io.RawIOBase):
    """What a stream without end gives, and how much was taken of it."""

    def __init__(self, begins):
        self._begins = begins
        self.taken = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        buffer[:] = (self._begins + bytes(len(buffer)))[: len(buffer)] if self.taken == 0 else bytes(len(buffer))
        self.taken += len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("begins", "most", "why"),
    [(b"", 2**20, "is not a picture"), (b"\x89PNG\r\n\x1a\n", 2**23, "more than 4194304 bytes")],
)
def test_standard_input_without_end(refused, folder, monkeypatch, begins, most, why):
    monkeypatch.setattr(sources, "MOST_STANDARD_INPUT", 2**22)
    stream = Endless(begins)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(stream)))
    assert why in refused(1, "dream", "-", "-o", "out.png")
    assert stream.taken <= most


def test_standard_input_is_interruptible(run, folder, monkeypatch):
    """It may be a pipe that nobody writes to."""
    reading, writing = os.pipe()
    monkeypatch.setattr("sys.stdin", os.fdopen(reading))
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    seen = run("dream", "-", "-o", "out.png")
    os.close(writing)
    assert (seen.code, seen.err) == (143, "pydream: interrupted; nothing was written\n")


# ---- counts ----


def test_many_frames_cost_nothing_before_the_first(run, folder, picture, own_network, monkeypatch):
    interrupt_at(monkeypatch, 1)
    tracemalloc.start()
    try:
        seen = run("zoom", "in.png", "-o", "frames", "--frames", "100000000", *own_network, *RUN)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen.code == 130
    assert "1 of 100000000 frames are in 'frames'" in seen.err or "0 of 100000000 frames" in seen.err
    assert peak < 5 * 10**7


def test_a_bar_of_many_frames(folder):
    bar = Progress("title", [(2, 3)], 5, True, frames=10**8)
    assert bar._bar.total == 6 * 5 * 10**8
    bar.step(0, 4, lambda: None)
    bar.passed(7)


TOO_MANY = [
    ["zoom", "in.png", "-o", "frames", "--frames", "1000000000"],
    ["dream", "in.png", "-o", "out.png", "-n", "1000000000"],
    ["dream", "in.png", "-o", "out.png", "--octaves", "1000000000"],
    ["dream", "in.png", "-o", "out.png", "--jitter", "1000000000"],
    ["dream", "noise:1000000x1000000", "-o", "out.png"],
    ["history", "in.png", "-o", "out.png", "--fps", "1e300"],
    ["visualize", "-o", "out.png", "--laplacian", "1000000000"],
    ["reproduce", "--frames", "1000000000"],
    ["channels", "-o", "out.png", "--layer", "conv1:0-999999"],
]


@pytest.mark.parametrize("arguments", TOO_MANY, ids=" ".join)
def test_numbers_that_no_dream_has(refused, picture, arguments):
    assert "1000000" in (said := refused(2, *arguments)) or "1e" in said or "999999" in said


def test_a_checkpoint_of_a_picture_that_is_too_large(run, folder, picture, own_network, monkeypatch):
    """Its frame would be decompressed to as many bytes as the picture is said to have."""
    assert run("zoom", "in.png", "-o", "frames", "--frames", "1", *own_network, *RUN).code == 0
    with np.load("frames/resume.npz") as kept:
        arrays = dict(kept)
    loop = json.loads(arrays["loop"].tobytes())
    loop["input"] |= {"width": 10**6, "height": 10**6}
    arrays["loop"] = np.frombuffer(json.dumps(loop).encode(), np.uint8)
    np.savez("frames/resume.npz", **arrays)
    seen = run("zoom", "in.png", "-o", "frames", "--frames", "2", "--resume", *own_network, *RUN)
    assert seen.code == 1
    assert "1000000x1000000 pixels" in seen.err


# ---- networks with many layers, and with long names ----


def test_lines_on_standard_error_are_short(refused, folder):
    """A blob of 300,000 dimensions."""
    net = caffe_pb2.NetParameter()
    layer = net.layer.add(name="n" * 10**5, type="Convolution")
    layer.blobs.add(data=[1.0]).shape.dim.extend([1] * 300_000)
    Path("net.prototxt").write_text(
        f'input: "data" input_dim: [1, 3, 8, 8] layer {{ name: "{layer.name}" type: "Convolution" bottom: "data"'
        ' top: "c" convolution_param { num_output: 1 kernel_size: 1 } }'
    )
    Path("net.caffemodel").write_bytes(net.SerializeToString())
    line = refused(
        1, "dream", "noise:8x8", "-o", "out.png", "-m", "net.prototxt", "-w", "net.caffemodel", "-l", "c", *RUN[2:4]
    )
    assert len(line) < 2200
    assert "characters…]" in line


def test_short_lines_are_whole():
    assert shortened("x" * MOST_SHOWN) == "x" * MOST_SHOWN
    assert shortened("a" * 5000 + "z" * 5000).startswith("aaa")
    assert shortened("a" * 5000 + "z" * 5000).endswith("zzz")
