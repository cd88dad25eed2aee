"""Standard streams that are closed, whose reader is gone, or whose disk is full: the picture is made all the same."""

import errno
import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import pydream
from pydream.cli import main
from pydream.cli.streams import READER_GONE, echo

SHORT = ["-n", "1", "--octaves", "1", "--jitter", "2", "--seed", "1", "--runtime", "numpy"]
MINE = ["--model", "own.prototxt", "--weights", "own.caffemodel"]
DREAM = [*MINE, "--layer", "light"]


class Lost(io.RawIOBase):
    """A stream whose writes fail, after so many bytes; it is not that of a file descriptor."""

    def __init__(self, number, after=0):
        self._number = number
        self._left = after

    def writable(self):
        return True

    def write(self, data):
        self._left -= len(data)
        if self._left < 0:
            raise OSError(self._number, os.strerror(self._number))
        return len(data)


def lost(number, after=0):
    # whatever is in the buffers of a stream that is gone is lost too: nothing is flushed when they are collected
    return io.TextIOWrapper(io.BufferedWriter(Lost(number, after)), encoding="utf-8", write_through=True)


def code_of(*args):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, args)), prog_name="pydream")
    return ended.value.code or 0


@pytest.fixture
def whole(run, picture, own_network):
    """A picture that was made while somebody looked."""
    assert run("dream", "in.png", "-o", "whole.png", *SHORT, *DREAM).code == 0
    return Path("whole.png").read_bytes()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of their buffers
@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF])
@pytest.mark.parametrize("after", [0, 20])
def test_nobody_reads_the_messages(whole, monkeypatch, number, after):
    monkeypatch.setattr(sys, "stderr", lost(number, after))
    assert code_of("dream", "in.png", "-o", "out.png", *SHORT, *DREAM) == 0
    assert Path("out.png").read_bytes() == whole
    assert code_of("dream", "in.png", "nothing.png", "-o", "out/", *SHORT, *DREAM) == 2


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_stream_is_closed(whole, monkeypatch, capfd, name):
    monkeypatch.setattr(sys, name, None)
    assert code_of("dream", "in.png", "-o", "out.png", *SHORT, *DREAM) == 0
    assert Path("out.png").read_bytes() == whole
    assert code_of("replay", "out.png", "-o", "again.png", *MINE) == 0
    assert Path("again.png").read_bytes() == whole
    assert code_of("dream", "in.png", "-o", "out.png", "--iterations", "x") == 2
    out, err = capfd.readouterr()
    assert (out == "") == (name == "stdout")
    assert (err == "") == (name == "stderr")


class Sparing(io.RawIOBase):
    """A stream without a buffer that takes a few bytes at a time, as PYTHONUNBUFFERED makes them."""

    def __init__(self):
        self.taken = b""

    def writable(self):
        return True

    def write(self, data):
        self.taken += bytes(data[:7])
        return len(data[:7])


def test_every_write_is_continued(run, folder, monkeypatch):
    sparing = Sparing()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(sparing, encoding="utf-8", write_through=True))
        assert code_of("presets", "--json") == 0
    assert sparing.taken.decode() == run("presets", "--json").out


def test_letters_that_the_encoding_lacks(run, folder, monkeypatch):
    narrow = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(narrow, encoding="ascii"))
        assert code_of("layers", "-m", "squeezenet_v1.1", "--like", "fire9") == 0
        shown = narrow.getvalue().decode("ascii")
    assert shown == run("layers", "-m", "squeezenet_v1.1", "--like", "fire9").out.replace("×", r"\xd7")


class GoneTerminal(io.StringIO):
    """A terminal that was closed with its window."""

    def isatty(self):
        return True

    def write(self, _):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_the_terminal_with_the_bar_is_gone(whole, monkeypatch):
    monkeypatch.setattr(sys, "stderr", GoneTerminal())
    assert code_of("dream", "in.png", "-o", "out.png", *SHORT, *DREAM) == 0
    assert Path("out.png").read_bytes() == whole


def test_a_picture_from_a_closed_standard_input(picture, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdin", None)
    assert code_of("dream", "-", "-o", "out.png", *SHORT) == 1
    assert "pydream: error: 'standard input'" in capfd.readouterr().err


def test_no_picture_goes_to_a_closed_standard_output(picture, own_network, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    assert code_of("dream", "in.png", "-o", "-", *SHORT, *DREAM) == 2
    assert "'--output': standard output is closed" in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["dream", "--help"],
        ["zoom", "--help-all"],
        ["presets"],
        ["models"],
        ["models", "path"],
    ],
)
def test_nobody_reads_the_answer(folder, monkeypatch, capfd, args):
    monkeypatch.setattr(sys, "stdout", lost(errno.EPIPE))
    assert code_of(*args) == READER_GONE == 141
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(sys, "stdout", lost(errno.ENOSPC, after=3))
    assert code_of(*args) == 1
    full = "pydream: error: cannot write to standard output: No space left on device\n"
    assert capfd.readouterr().err == full


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_reads_the_picture(whole, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", lost(errno.EPIPE, after=1000))
    assert code_of("dream", "in.png", "-o", "-", "-q", *SHORT, *DREAM) == READER_GONE
    monkeypatch.setattr(sys, "stdout", lost(errno.EPIPE))
    assert code_of("replay", "whole.png", "-o", "again.png", "-q", *MINE) == READER_GONE
    assert capfd.readouterr().err == ""
    assert Path("again.png").read_bytes() == whole


def test_a_broken_pipe_of_something_else_is_an_error(picture, own_network, monkeypatch, capfd):
    def broken(*_, **__):
        raise BrokenPipeError(errno.EPIPE, "a worker's, say")

    monkeypatch.setattr("pydream.easy.preparation.load_net", broken)
    assert code_of("dream", "in.png", "-o", "out.png", *SHORT, *DREAM) == 1
    assert "a worker's, say" in capfd.readouterr().err


def process(*args, closed=(), program=("-m", "pydream"), **more):
    def close():
        for descriptor in closed:
            os.close(descriptor)

    env = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    env.pop("PYTHONUNBUFFERED", None)  # what is in a buffer is written once more when Python ends
    return subprocess.run([sys.executable, *program, *map(str, args)], env=env, preexec_fn=close, check=False, **more)


NUMBERS = """
import os
from pydream.cli.streams import standard_streams
with standard_streams(), open("file", "wb") as file:
    assert file.fileno() > 2
    assert all(map(os.get_inheritable, range(3)))
    os.write(2, b"what a library says")
"""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_no_file_gets_the_number_of_a_closed_stream(folder, closed):
    """What a library says would be written into the picture."""
    assert process(program=("-c", NUMBERS), closed=closed, stderr=subprocess.DEVNULL).returncode == 0
    assert Path("file").read_bytes() == b""


def test_a_process_without_any_stream(whole):
    assert process("dream", "in.png", "-o", "out.png", *SHORT, *DREAM, closed=(0, 1, 2)).returncode == 0
    assert Path("out.png").read_bytes() == whole


def test_a_process_ends_quietly_without_a_reader(whole):
    ours, theirs = os.pipe()
    os.close(ours)
    seen = process("dream", "--help", stdout=theirs, stderr=subprocess.PIPE)
    assert (seen.returncode, seen.stderr) == (READER_GONE, b"")
    seen = process("dream", "in.png", "-o", "out.png", *SHORT, *DREAM, stdout=subprocess.PIPE, stderr=theirs)
    assert (seen.returncode, seen.stdout) == (0, b"")
    assert Path("out.png").read_bytes() == whole
    with open("/dev/full", "wb") as full:
        seen = process("presets", stdout=full, stderr=subprocess.PIPE)
    assert seen.returncode == 1
    assert seen.stderr == b"pydream: error: cannot write to standard output: No space left on device\n"
    os.close(theirs)


@pytest.fixture
def terminal(monkeypatch):
    """Standard error is a terminal of so many columns; a function that returns what it has shown."""
    outer, inner = pty.openpty()

    def show(columns, lines):
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with monkeypatch.context() as patch, os.fdopen(os.dup(inner), "w", encoding="utf-8") as stream:
            patch.setattr(sys, "stderr", stream)
            lines()
        return os.read(outer, 100_000).decode().replace("\r\n", "\n")

    yield show
    os.close(outer)
    os.close(inner)


def test_a_message_wraps_at_words_on_a_terminal_and_is_one_line_elsewhere(terminal, capsys):
    words = [f"'fire{number}/squeeze1x1'," for number in range(9)]
    line = f"pydream: error: no blob 'nope'; close: {' '.join(words)} " + "x" * 60
    shown = terminal(50, lambda: echo(line, "short", "  File 'x'" + " y" * 40, err=True)).split("\n")
    *wrapped, long, short, traceback, end = shown
    assert [each.strip() for each in [short, end]] == ["short", ""]
    assert len(wrapped) > 3
    assert all(len(each) <= 50 for each in wrapped)
    assert wrapped[0].startswith("pydream: error: no blob 'nope'; close:")
    assert all(each.startswith("  '") for each in wrapped[1:])
    assert long == "  " + "x" * 60  # a path can still be copied
    assert traceback == "  File 'x'" + " y" * 40
    assert " ".join(each.strip() for each in [*wrapped, long]) == line  # nothing is lost
    assert terminal(0, lambda: echo(line, err=True)) == line + "\n"  # a terminal of unknown width
    echo(line, err=True)
    assert capsys.readouterr().err == line + "\n"


def test_an_error_of_a_command_wraps(terminal, tmp_path):
    def refused():
        with pytest.raises(SystemExit):
            main(["dream", str(tmp_path / "no.png"), "-o", "x.png", "--preset", "nope"], prog_name="pydream")

    shown = terminal(40, refused).rstrip("\n").split("\n")
    assert len(shown) > 2
    assert shown[0].startswith("pydream: error: ")
    assert all(each.startswith("  ") for each in shown[1:])
