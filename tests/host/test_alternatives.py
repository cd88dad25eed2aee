"""What stands in for a function that the system lacks does the same."""

import ctypes
import os
import signal
import sys
from types import SimpleNamespace

import pytest
from support.elsewhere import Kernel

from pydream import system
from pydream.bench import machine
from pydream.host import disk, processes, resources, signals, windows


@pytest.mark.parametrize("missing", [(), ("symlink",), ("symlink", "link")])
def test_a_second_name(tmp_path, monkeypatch, missing):
    def refuse(*_):
        raise OSError(1, "A required privilege is not held by the client")

    for name in missing:
        monkeypatch.setattr(os, name, refuse)
    (tmp_path / "model").write_bytes(b"weights")
    disk.second_name(tmp_path / "model", tmp_path / "model.keras")
    assert (tmp_path / "model.keras").read_bytes() == b"weights"


def test_a_rename_without_links(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "link")
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        disk.rename_new(tmp_path / "a", tmp_path / "b")
    disk.rename_new(tmp_path / "a", tmp_path / "c")
    assert [(tmp_path / name).read_text() for name in ("b", "c")] == ["b", "a"]


def test_reads_at_a_place(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(bytes(range(100)))
    with (tmp_path / "file").open("rb") as file:
        for _ in range(2):
            buffer = bytearray(30)
            assert disk.read_at(file.fileno(), memoryview(buffer), 40) == 30
            assert bytes(buffer) == bytes(range(40, 70))
            assert disk.read_at(file.fileno(), memoryview(buffer), 90) == 10
            assert disk.read_at(file.fileno(), memoryview(buffer), 100) == 0
            monkeypatch.delattr(os, "preadv", raising=False)


def test_what_is_not_counted_and_not_limited(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "resource", None)
    for name in ("sysconf", "getloadavg"):
        monkeypatch.delattr(os, name)
    unknown = [resources.total_memory(), resources.available_memory(), resources.load(), resources.file_limit()]
    assert unknown == [None] * 4
    assert system.resident_bytes(tmp_path) == resources.page_size() == 0
    resources.limit_this_process(data=1, seconds=1, file=1)
    resources.raise_file_limit(4096)
    found = {"date": "now", "load": None, "cpu": "a", "cores": 1, "memory_bytes": None, "system": "b", "threads": {}}
    assert machine.as_lines({**found, "num_threads": None, "versions": {}})[:2] == ["now", "a, 1 core, b"]


def test_windows_calls(monkeypatch):
    """As far as a stand-in for its library shows."""
    kernel = Kernel()
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=SimpleNamespace(
        GlobalMemoryStatusEx=kernel.GlobalMemoryStatusEx, SetConsoleCtrlHandler=kernel.SetConsoleCtrlHandler,
        OpenProcess=lambda *_: 7, WaitForSingleObject=lambda *_: 0,
    )), raising=False)  # fmt: skip
    monkeypatch.setattr(windows, "_kernel", lambda: ctypes.windll.kernel32)
    for module in (resources, signals, processes):
        monkeypatch.setattr(module, "WINDOWS", True)
    assert system.total_memory() == 8 * 10**9
    assert system.free_bytes() <= 6 * 10**9
    monkeypatch.delattr(signal, "pthread_sigmask")
    with signals.terminals_blocked():
        assert kernel.ignores == [(None, True)]
    assert kernel.ignores == [(None, True), (None, False)]
    assert signals.is_readers_end(OSError(22, "Invalid argument"))
    assert signals.is_readers_end(BrokenPipeError())
    assert not signals.is_readers_end(OSError(28, "No space"))


@pytest.mark.parametrize(
    ("name", "display", "has"), [("linux", "", False), ("linux", ":0", True), ("win32", "", True), ("darwin", "", True)]
)
def test_a_screen(monkeypatch, name, display, has):
    monkeypatch.setattr(sys, "platform", name)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert processes.has_screen() is has


def test_a_pipe_that_asyncio_does_not_read(monkeypatch):
    import asyncio

    monkeypatch.setattr(processes, "WINDOWS", True)

    async def read():
        reading, writing = os.pipe()
        reader = await processes.reader_of(reading)
        os.write(writing, b"a line\n")
        os.close(writing)
        return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(read()) == b"a line\n"
