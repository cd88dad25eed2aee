"""What Windows has functions of its own for, and Python no name: memory, Ctrl-C's way, the end of another process."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SYNCHRONIZE, _FOR_EVER = 0x100000, 0xFFFFFFFF


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("others", ctypes.c_uint64 * 5),
    )


def _kernel() -> Any:
    systems: Any = ctypes  # a type checker knows the names of its own system
    library = systems.windll.kernel32
    library.OpenProcess.restype = ctypes.c_void_p  # a handle; an int would be half of one
    library.WaitForSingleObject.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    return library


def memory() -> tuple[int, int] | None:
    """Return the bytes that there are, and those that are free; None where Windows does not say."""
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    if not _kernel().GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.total), int(status.available)


@contextmanager
def ctrl_c_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the block; processes that it starts do so until they end."""
    kernel = _kernel()
    kernel.SetConsoleCtrlHandler(None, True)
    try:
        yield
    finally:
        kernel.SetConsoleCtrlHandler(None, False)


def wait_for_process(number: int) -> None:
    """Wait until another process has ended."""
    kernel = _kernel()
    if handle := kernel.OpenProcess(_SYNCHRONIZE, False, number):
        kernel.WaitForSingleObject(handle, _FOR_EVER)
