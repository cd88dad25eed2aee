"""SIGINT and SIGTERM at any moment: what was done is kept and says what it is, and nothing else is left."""

import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import chain, repeat
from pathlib import Path

import click
import numpy as np
import pytest
from support.clips import moving_square, write_clip

import pydream
from pydream import system
from pydream.cli import COMMANDS as SUBCOMMANDS
from pydream.cli import main, signals
from pydream.cli.signals import (
    between_steps,
    interruptible,
    interruptible_each,
    of_this_run,
    signals_as_ctrl_c,
    uninterrupted,
)
from pydream.media.image import read_image, read_note
from pydream.record.provenance import pixels_sha256

BOTH = [signal.SIGINT, signal.SIGTERM]
SHORT = ["-n", "2", "--octaves", "2", "--jitter", "4", "--seed", "1"]
NETWORK = ["--model", "squeezenet_v1.1"]
PICTURES = ["in.png", "--guide", "in.png"]
COMMANDS = {
    "dream": ["dream", "in.png", "-o", "out.png", "-n", "30", "--octaves", "2", "--seed", "1", "--sidecar"],
    "batch": ["dream", "many", "-o", "out", *SHORT],
    "workers": ["dream", "many", "-o", "out", *SHORT, "--runtime", "numpy", "--workers", "1"],
    "zoom": ["zoom", "in.png", "-o", "out", "-o", "film.mp4", "--frames", "12", *SHORT],
    "reproduce": ["reproduce", *NETWORK, *PICTURES, "--frames", "3", "-o", "out", "--iterations", "2"],
    "sweep": ["sweep", "in.png", "-o", "out.png", "--pictures", "out", "--layer", "fire[2345]/concat", *SHORT],
    "looks": ["looks", "in.png", "-o", "out.html", "--preset", "eyes", "--preset", "dogs", "--long-side", "64"],
    "channels": ["channels", "noise:48x48", "-o", "out.png", "--layer", "fire2/squeeze1x1:0-7", "-n", "3"],
    "atlas": ["atlas", "many", "-o", "out.html", "--layer", "fire2/concat", "--side", "3", "--cell", "48", "-n", "10"],
    "grid": ["grid", "in.png", "-o", "out.png", "--layer", "fire5/concat", "--cell", "32", "--seed", "1"],
    "history": ["history", "in.png", "-o", "out.png", "--gif", "-n", "10", "--octaves", "2", "--seed", "1"],
    "classify": ["classify", "in.png", "--dream", "-o", "out.png", "-n", "10", "--octaves", "2", "--seed", "1"],
    "octaves": ["octaves", "in.png", "-o", "out.png", "-n", "10", "--octaves", "3", "--seed", "1"],
    "replay": ["replay", "made.png", "-o", "out.png"],
    "bench": ["bench", "--quick", "--image-size", "96x72", "--plot", "out.png"],
    "vectors": ["vectors", "-o", "out"],
    "export": ["export", "-o", "out.onnx", "--exact"],
    "video": ["video", "many.mp4", "-o", "out.mp4", "--flow", *SHORT],
    "visualize": ["visualize", "noise:64x64", "-o", "out.png", "--layer", "fire2/squeeze1x1:3", "-n", "40"],
}


def test_every_long_command_is_here():
    assert {arguments[0] for arguments in COMMANDS.values()} == set(SUBCOMMANDS) - {
        "completion",
        "layers",
        "models",
        "presets",
        "selftest",
        "studio",
    }


# ---- when a signal is let in ----


@pytest.fixture
def in_a_command():
    with click.Context(click.Command("a")) as ctx, signals_as_ctrl_c():
        yield ctx


@pytest.mark.parametrize("number", [*BOTH, signal.SIGHUP])
def test_a_signal_waits_for_the_end(in_a_command, number):
    done = []

    def command():
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(number)
                done.append("inside")
            done.append("behind")  # the outer one holds

    with pytest.raises(KeyboardInterrupt):
        command()
    assert done == ["inside", "behind"]


def test_a_signal_waits_for_the_step(in_a_command):
    done = []

    def command():
        with uninterrupted(done_then=True):
            between_steps()
            signal.raise_signal(signal.SIGINT)
            done.append("the step")
            between_steps()
            done.append("the next")

    with pytest.raises(KeyboardInterrupt):
        command()
    assert done == ["the step"]
    between_steps()  # told once


def test_a_signal_that_is_too_late(in_a_command):
    with uninterrupted(done_then=True):
        signal.raise_signal(signal.SIGINT)
    between_steps()


def test_an_error_goes_first(in_a_command):
    def command():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        command()
    with pytest.raises(KeyboardInterrupt):
        between_steps()


def test_what_waits_is_interruptible(in_a_command):
    done = []

    def command():
        with uninterrupted():
            with interruptible():
                done.append("waits")
                signal.raise_signal(signal.SIGTERM)
            done.append("behind")

    with pytest.raises(KeyboardInterrupt):
        command()
    assert done == ["waits"]


def test_a_signal_that_came_before(in_a_command):
    """It ends the command before that waits for anything; and then steps are whole again."""

    def command():
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
            with interruptible():
                raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        command()


@pytest.mark.parametrize("number", BOTH)
def test_each_frame_that_is_read(in_a_command, number):
    seen = []

    def frames():
        yield 1
        signal.raise_signal(number)
        yield 2

    with pytest.raises(KeyboardInterrupt), uninterrupted():
        seen.extend(interruptible_each(frames()))
    assert seen == [1]
    assert list(interruptible_each(iter("ab"))) == ["a", "b"]


def test_imports_are_whole(in_a_command, monkeypatch):
    done = []

    def command():
        with interruptible(), system.unbroken():
            signal.raise_signal(signal.SIGINT)
            done.append("the import")

    with pytest.raises(KeyboardInterrupt):
        command()
    assert done == ["the import"]


# ---- an answer at once ----


def test_what_has_to_wait_is_answered(in_a_command, capfd):
    """While the step goes on, with how long that takes."""

    def command():
        with uninterrupted():
            of_this_run().expect(9.3)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(2 * signals._AT_ONCE)
            assert capfd.readouterr().err == "pydream: stopping after this step, about 9 s; once more stops now\n"
            between_steps()

    with pytest.raises(KeyboardInterrupt):
        command()


@pytest.mark.parametrize("wait", [between_steps, lambda: None])
def test_what_need_not_wait_is_no_answer(in_a_command, capfd, wait):
    """The run's own last line is one."""

    def command():
        with uninterrupted():
            of_this_run().expect(9)
            os.kill(os.getpid(), signal.SIGTERM)
            wait()

    with pytest.raises(KeyboardInterrupt):
        command()
    time.sleep(2 * signals._AT_ONCE)
    assert capfd.readouterr().err == ""


# ---- a second one ----


@pytest.mark.parametrize(
    ("sent", "ends"),
    [
        ([(0, signal.SIGINT)], None),
        ([(0, signal.SIGHUP), (0.01, signal.SIGHUP)], None),  # a line that is lost
        ([(0, signal.SIGINT), (1, signal.SIGCHLD)], None),
        ([(0, signal.SIGINT), (1, signal.SIGTERM)], 143),
        ([(0, signal.SIGTERM), (0.01, signal.SIGTERM), (1, signal.SIGINT)], 130),
    ],
)
@pytest.mark.parametrize("finishes", [False, True])
def test_a_second_one_ends_the_process(monkeypatch, sent, ends, finishes):
    moments, numbers = zip(*sent, strict=True)
    clock = chain(moments, [moments[-1]], repeat(moments[-1] + signals.GRACE))
    ended = []
    monkeypatch.setattr(signals, "monotonic", lambda: next(clock))
    monkeypatch.setattr(os, "_exit", ended.append)
    reading, writing = socket.socketpair()
    writing.send(bytes(numbers))
    if finishes:
        writing.close()
    else:
        monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
        threading.Timer(0.1, writing.close).start()
    thread = threading.Thread(target=signals._count, args=[reading, signals.Signals()])  # it blocks them
    thread.start()
    thread.join()
    assert ended == ([ends] if ends and not finishes else [])


DEAF = """
import hashlib, signal
import click
from pydream.cli.signals import signals_as_ctrl_c, uninterrupted
with click.Context(click.Command("a")), signals_as_ctrl_c(), uninterrupted():
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # half an hour of machine code
"""


def test_a_second_one_in_machine_code():
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        time.sleep(2 * signals._SAME)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        stopping, again = process.communicate(timeout=20)[1].splitlines()
        assert stopping == "pydream: stopping as soon as nothing is half done; once more stops now"
        assert again.startswith("pydream: interrupted again")
        assert time.monotonic() - began < 2
        assert process.returncode == 128 + signal.SIGTERM


def test_the_handlers_come_back():
    before = [signal.getsignal(number) for number in BOTH]
    with click.Context(click.Command("a")), signals_as_ctrl_c():
        assert [signal.getsignal(number) for number in BOTH] != before
    assert [signal.getsignal(number) for number in BOTH] == before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with click.Context(click.Command("a")), signals_as_ctrl_c():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


# ---- at random moments ----


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A picture of noise that says how it was made."""
    path = tmp_path_factory.mktemp("made") / "made.png"
    main(["dream", "noise:96x72", "-o", str(path), "-n", "20", "--octaves", "2"], standalone_mode=False)
    return path


@pytest.fixture
def pictures(picture, folder, draw, made):
    shutil.copy(made, folder)
    (folder / "many").mkdir()
    for name in "abcdef":
        draw(folder / "many" / f"{name}.png", 48, 64)
    write_clip(folder / "many.mp4", moving_square(12), tone="aac")


def after(seconds, number):
    """Send this process a signal, from another thread."""
    timer = threading.Timer(seconds, os.kill, [os.getpid(), number])
    timer.start()
    return timer


@pytest.mark.parametrize("number", BOTH)
@pytest.mark.parametrize("command", COMMANDS)
def test_at_a_random_moment(run, pictures, folder, command, number):
    seconds = random.Random(f"{command} {number}").uniform(0.02, 1.5)
    late = []
    before = signal.signal(number, lambda *_: late.append(number))  # behind the command's end
    timer = after(seconds, number)
    try:
        seen = run(*COMMANDS[command])
        timer.join()
    finally:
        signal.signal(number, before)
    told = seen.err.splitlines()[-1] if seen.err else ""
    assert seen.code == 128 + number or (seen.code == 0 and not told.startswith("pydream: interrupted")), seen
    assert (seen.code == 0) or not late
    assert (seen.code == 0) or re.match(r"pydream: interrupted; .", told)
    check_what_is_left(folder)
    counted = re.search(r"(\d+) of \d+ (?:pictures were written|(?:frames|tiles) are in '(.+)')", told)
    if counted:
        assert int(counted[1]) == len(list(Path(counted[2] or "out").glob("*.png")))
    if "nothing was written" in told:
        assert not Path("out.png").exists()
        assert not list(Path("out").glob("*.png"))


def check_what_is_left(folder):
    """Every file is whole, and every picture is what it says of itself."""
    for path in folder.rglob("*"):
        assert not path.name.startswith(".pydream-"), path
        if path.suffix == ".png" and (note := read_note(path)) is not None and '"result"' in note:
            assert json.loads(note)["result"]["sha256"] == pixels_sha256(read_image(path))
        elif path.suffix == ".npz":
            np.load(path).close()


def test_in_an_import(picture, folder):
    """An import is not torn apart: that would be an ImportError."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1])}
    for number, seconds in ((signal.SIGTERM, 1.0), (signal.SIGINT, 2.0)):
        process = subprocess.Popen(
            [sys.executable, "-m", "pydream", "dream", "in.png", "-o", "out.png", "-n", "1000", "-f"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        while len(Path(f"/proc/{process.pid}/maps").read_text()) < 20_000:  # NumPy's libraries, and on to TensorFlow's
            time.sleep(0.01)
        time.sleep(seconds / 4)
        process.send_signal(number)
        told = process.communicate(timeout=60)[1].splitlines()
        assert process.returncode == 128 + number, told
        assert re.match(r"pydream: interrupted; ", told[-1])
        assert len([line for line in told if not line.startswith("pydream: stopping ")]) <= 2
        check_what_is_left(folder)
