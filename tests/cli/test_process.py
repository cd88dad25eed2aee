"""What only a real process shows: a terminal's progress, signals, and TensorFlow's silence."""

import gc
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import weakref
from pathlib import Path

import click
import numpy as np
from PIL import Image

import pydream
from pydream.cli.job import load
from pydream.formats import InputSpec
from pydream.media.image import read_image

PYDREAM = [sys.executable, "-m", "pydream"]


def environment():
    """For a process in another folder, so that it finds the pydream which is tested here."""
    return {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}


class OnATerminal:
    """A process whose stderr is a terminal; `text` is what it shows."""

    def __init__(self, *args):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        self.process = subprocess.Popen([*PYDREAM, *args], stdout=subprocess.DEVNULL, stderr=theirs, env=environment())
        os.close(theirs)
        self.text = ""
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, terminal):
        while not self._ended:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end is closed
                part = b""
            with self._changed:
                self.text += part.decode(errors="replace")
                self._ended = not part
                self._changed.notify_all()
        os.close(terminal)

    def wait_for(self, pattern):
        with self._changed:
            self._changed.wait_for(lambda: self._ended or re.search(pattern, self.text), timeout=60)
            assert re.search(pattern, self.text), self.text

    def end(self):
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        return code


def test_ctrl_c_in_the_middle_writes_what_there_is(picture, folder):
    dream = OnATerminal("dream", "in.png", "-o", "out.png", "--iterations", "100000", "--octaves", "2")
    dream.wait_for(r"octave 1/2: .*\d+%.*px/s")
    dream.wait_for(r"seed \d+")
    dream.process.send_signal(signal.SIGINT)
    assert dream.end() == 130, dream.text
    assert re.search(r"pydream: interrupted; wrote 'out\.png' after \d+ of 200000 steps\r\n$", dream.text), dream.text
    image = read_image("out.png")
    assert image.shape == (72, 96, 3)
    assert not np.array_equal(image, read_image(picture))
    assert sorted(os.listdir(folder)) == ["in.png", "out.png"]


def test_progress_on_a_terminal_leaves_two_lines(picture):
    dream = OnATerminal("dream", "in.png", "-o", "out.png", "-n", "3", "--octaves", "1", "--seed", "7")
    assert dream.end() == 0, dream.text
    lasting = [line.rsplit("\r", 1)[-1] for line in dream.text.split("\r\n")]
    assert lasting == ["squeezenet_v1.1 fire8/concat on CPU:0, float32, seed 7", "wrote 'out.png'", ""]


def test_an_error_is_the_only_line_on_stderr(folder, own_network):
    Image.new("RGB", (64, 64)).save("black.png")
    before = sorted(os.listdir(folder))
    loud = environment()
    loud.pop("TF_CPP_MIN_LOG_LEVEL", None)
    dream = [*PYDREAM, "dream", "black.png", "-o", "out.png", *own_network, "--layer", "light"]
    done = subprocess.run(dream, capture_output=True, text=True, env=loud, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"pydream: error: [^\n]*'light'[^\n]*zero[^\n]*\n", done.stderr), done.stderr
    assert sorted(os.listdir(folder)) == before


def test_a_network_does_not_outlive_its_command():
    """The collector sees all but what the first one left: a sweep of many networks, or many commands in one process."""
    with click.Context(click.Command("a")):
        nets = [load("squeezenet_v1.1", None, "float32", "numpy", "auto", InputSpec())[0] for _ in range(3)]
    second = weakref.ref(nets[1])
    del nets
    gc.collect()
    assert second() is None
