"""One run writes a place, and its lock ends with its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pydream import locks
from pydream.errors import BusyError
from pydream.files import clear_dead
from pydream.host import locking

# Holds the lock of a place until it is killed; no import of NumPy.
HOLDER = """
import sys, time
from pathlib import Path
from pydream.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path, root):
    """Another process that has the lock of ``tmp_path / "film.mp4"``."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "film.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_place_is_one_processs(holder, tmp_path):
    """And however that ends, the next one takes the lock; its file is removed."""
    place = tmp_path / "film.mp4"
    with (
        pytest.raises(BusyError, match=rf"another run \(process {holder.pid}\) writes '.*film.mp4'"),
        locks.locked(place),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.listdir(tmp_path) == [".pydream-film.mp4.lock"]
    with locks.locked(place):
        pass
    assert os.listdir(tmp_path) == []


def test_waiting_for_a_place(holder, tmp_path):
    told = []

    def on_wait():
        told.append("waits")
        holder.kill()

    with locks.locked(tmp_path / "film.mp4", on_wait):
        assert told == ["waits"]


@pytest.mark.parametrize("name", ["sheet.png", "f" * 255, os.fsdecode(b"\xff.png")])
def test_names_of_places(tmp_path, name):
    with locks.locked(tmp_path / name), pytest.raises(BusyError), locks.locked(tmp_path / "." / name):
        pass
    assert os.listdir(tmp_path) == []


def test_a_place_through_a_link(tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "link").symlink_to("frames")
    with locks.locked(tmp_path / "frames"), pytest.raises(BusyError), locks.locked(tmp_path / "link"):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_strangers_lock_file(tmp_path, make):
    make(locks.lock_file(tmp_path / "a.png"))
    with pytest.raises(OSError, match="lock"), locks.locked(tmp_path / "a.png"):
        pass


def is_dead(path):
    with locks.locked_if_dead(path) as dead:
        if dead:
            again = os.open(path, os.O_RDONLY)
            assert not locks.hold(again)  # whoever has just made it finds out
            os.close(again)
        return dead


def test_what_a_dead_process_left(tmp_path):
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    for path in (file, folder):
        assert is_dead(path)
        held = os.open(path, os.O_RDONLY)
        assert locks.hold(held)
        assert not is_dead(path)
        os.close(held)
        assert is_dead(path)
    assert not is_dead(tmp_path / "missing")


def test_a_dead_processs_lock_is_cleared(holder, tmp_path):
    """With its temporary files; a live one's is not."""
    clear_dead(tmp_path)
    assert os.listdir(tmp_path) == [".pydream-film.mp4.lock"]
    holder.kill()
    holder.wait()
    clear_dead(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_system_or_a_file_system_without_locks(tmp_path, monkeypatch):
    """Every lock is free, and nothing is dead."""

    def refuse(file, how):
        raise OSError(95, "Operation not supported")

    (tmp_path / "file").touch()
    for place, attribute, value in ((locking.fcntl, "flock", refuse), (locking, "fcntl", None)):
        monkeypatch.setattr(place, attribute, value)
        with locks.locked(tmp_path / "a.png"), locks.locked(tmp_path / "a.png"):
            assert not is_dead(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/hostname", path)])
def test_what_is_no_lock_file(tmp_path, make):
    """Anyone may have put it there; it is neither followed nor waited for, nor removed."""
    make(tmp_path / ".pydream-film.mp4.lock")
    wrong = pytest.raises(OSError, match=r"\.pydream-film\.mp4\.lock' is not a lock file: remove it$")
    with wrong, locks.locked(tmp_path / "film.mp4"):
        pass
    assert os.listdir(tmp_path) == [".pydream-film.mp4.lock"]


def test_a_loop_of_links_has_a_lock_too(tmp_path):
    """What is wrong with it is said where it is written."""
    (tmp_path / "a.png").symlink_to("a.png")
    with locks.locked(tmp_path / "a.png"):
        assert sorted(os.listdir(tmp_path)) == [".pydream-a.png.lock", "a.png"]
