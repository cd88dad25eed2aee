"""A file that ends, stops or floods its reader costs one line; the reader ends with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support import kerasnets

import pydream
from pydream.errors import MemoryTooSmallError, NetFileError
from pydream.formats import graphdef
from pydream.formats.keras import apart, reader
from pydream.formats.keras.frozen import Frozen


def answering(program):
    """Make a `start` whose reader is a few lines of Python: `file` and `parent` are what a reader is told."""
    lines = f"import os, sys, time, signal; parent, file = sys.argv[1:]\n{program}"

    def start(file, answer):
        return subprocess.Popen([sys.executable, "-S", "-c", lines, str(os.getpid()), file], stdout=answer)

    return start


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stranger.keras"
    path.write_bytes(b"anything")
    return path


def read(file):
    with apart.reading(file) as result:
        return result()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"end \(SIGSEGV\)"),
        ("os.abort()", r"end \(SIGABRT\)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"end \(SIGKILL\)"),
        ("sys.exit(3)", r"end \(exit code 3\)"),
        ("time.sleep(60)", "take longer than 1 seconds"),
        ("pass", "answer nonsense"),
        ("print('{')", "answer nonsense"),
        ("print('[]')", "answer nonsense"),
        ("os.write(1, b'\\xff\\xfe\\n')", "answer nonsense"),
        ('print(\'{"size": 5, "input": 1}\')', "answer nonsense"),
        ('print(\'{"size": 5, "more": 1}\')', "answer nonsense"),
        ('print(\'{"kind": "SystemExit", "error": "x"}\')', "answer nonsense"),
        ("print('{\"size\": 6}\\nabcd')", "answer nonsense"),
        ("print('{\"size\": -1}')", "answer nonsense"),
        ("print('x' * 10**6)", "answer nonsense"),
        ("os.truncate(1, 2**40); print('{\"size\": %d}' % 2**40)", "answer nonsense"),
    ],
)
def test_a_reader_that_ends(file, monkeypatch, program, words):
    monkeypatch.setattr(apart, "start", answering(program))
    monkeypatch.setattr(apart, "_SECONDS", 1 if "sleep" in program else 60)
    with pytest.raises(NetFileError, match=f"^{file}: the file made the reader of Keras models {words}$"):
        read(file)


def test_a_reader_that_cannot_be_started(file, monkeypatch):
    def start(file, answer):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(apart, "start", start)
    with pytest.raises(NetFileError, match=rf"^{file}: its reader cannot be started: \[Errno 11\] Resource"):
        read(file)


def test_answers(file, monkeypatch):
    monkeypatch.setattr(apart, "start", answering('print(\'{"size": 5, "input": "x"}\\nabcd\')'))
    assert read(file) == Frozen(b"abcd\n", "x")
    for kind, error in (("NetFileError", NetFileError), ("MemoryTooSmallError", MemoryTooSmallError)):
        text = '{"error": "a\\u001b\\nb", "kind": "' + kind + '"}'
        monkeypatch.setattr(apart, "start", answering(f"print({text!r})"))
        with pytest.raises(error, match=r"^a\\x1b\\nb$"):
            read(file)


def test_a_saved_model_is_named_by_its_folder(tmp_path, monkeypatch):
    (tmp_path / "saved_model.pb").write_bytes(b"anything")
    monkeypatch.setattr(apart, "start", answering("os.abort()"))
    with pytest.raises(NetFileError, match=f"^{tmp_path}: the file made the reader of SavedModels end"):
        pydream.load_net(tmp_path)


def test_limits_grow_with_what_is_on_the_disk(tmp_path, file):
    small = apart.Limits.of(file)
    assert (round(small.seconds), small.memory) == (120, 2 * 10**9 + 64)
    variables = tmp_path / "variables" / "variables.data-00000-of-00001"
    variables.parent.mkdir()
    (tmp_path / "saved_model.pb").touch()
    with variables.open("wb") as shard:
        shard.truncate(2**30)
    assert apart.Limits.of(tmp_path / "saved_model.pb").memory == 2 * 10**9 + 8 * 2**30
    with pytest.raises(NetFileError, match=r"gone.keras: No such file or directory"):
        apart.Limits.of(tmp_path / "gone.keras")


def test_ctrl_c_of_a_terminal_reaches_the_reader_and_is_no_error_of_the_file(file, monkeypatch):
    monkeypatch.setattr(apart, "start", answering("signal.signal(2, 0); os.kill(os.getpid(), signal.SIGINT)"))
    with pytest.raises(KeyboardInterrupt):
        read(file)


def test_nothing_is_left_when_the_wait_is_interrupted(file, monkeypatch):
    started = []
    sleeping = answering("time.sleep(60)")
    monkeypatch.setattr(apart, "start", lambda *args: started.append(sleeping(*args)) or started[0])
    with pytest.raises(ZeroDivisionError), apart.reading(file):
        raise ZeroDivisionError
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_it_ends_with_its_parent(tmp_path, system):
    """Also where the parent is killed, which can end nothing itself, and where the system does not see to it."""
    child = (
        "import os, sys, time; from pydream.host import processes;"
        f"sys.platform = {system!r}; processes._OFTEN = 0.05;"
        "processes.end_with(os.getppid()); print(os.getpid(), flush=True); time.sleep(60)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        process.kill()
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the reader is still there")


def test_a_reader_whose_parent_is_gone_already_does_nothing():
    code = "from pydream.host import processes; processes.end_with(-1)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 1


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("bytearray(2**34)", r"take more than 2.0 GB"),
        ("while True: pass", r"take longer than 1 seconds"),
        ("import ctypes; ctypes.string_at(0)", r"end \(SIGSEGV\)"),
        ("raise RuntimeError('x\\ny')", "stranger.keras: damaged, or of a kind that cannot be read: x$"),
        ("raise SystemError", "stranger.keras: damaged, or of a kind that cannot be read: SystemError$"),
        ("open('big', 'wb').truncate(2**33)", r"File too large"),
    ],
)
def test_limits_of_a_real_reader(file, readers, monkeypatch, program, words):
    """Whatever C code does there: in a fork, which runs a few lines in place of Keras."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(apart, "start", partial(readers.start, program=True))
    monkeypatch.setattr(apart, "_SECONDS", 1 if "while" in program else 60)
    file.write_text(program)
    with pytest.raises(NetFileError, match=words) as caught:
        read(file)
    assert "\n" not in str(caught.value)


def test_a_real_reader(tmp_path, monkeypatch):
    """The one that is started in use; modules in the folder where it is started are not imported."""
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    for name in ("json", "h5py", "keras", "pydream"):
        (tmp_path / f"{name}.py").write_text("open('run', 'w')")
    model = kerasnets.everything()
    model.save("mine.keras")
    with apart.reading(Path("mine.keras")) as result:
        here = reader.freeze_file(Path("mine.keras"))
        found = result()
    assert found.input == here.input
    (graph, params), (_, expected) = (graphdef.read(each.graph) for each in (found, here))
    assert {*kerasnets.BLOBS} < {*graph.blobs}
    arrays = [array for each in params.values() for array in each]
    for array, other in zip(arrays, (array for each in expected.values() for array in each), strict=True):
        np.testing.assert_array_equal(array, other)
    assert not Path("run").exists()
