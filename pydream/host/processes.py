"""Other processes: started apart, handed a socket, ended with their parent, or first where memory runs out."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from . import WINDOWS
from .signals import KILLED

if TYPE_CHECKING:
    import asyncio

_PR_SET_PDEATHSIG = 1
_OFTEN = 1.0  # seconds

# A type checker knows the names of its own system only.
_os: Any = os
_subprocess: Any = subprocess


def apart() -> dict[str, Any]:
    """Return the options of a process to which a terminal sends no Ctrl-C."""
    if not WINDOWS:
        return {"start_new_session": True}
    return {"creationflags": _subprocess.CREATE_NEW_PROCESS_GROUP}


def handing_over(sock: socket.socket) -> dict[str, Any]:
    """Return the options of a process that gets a socket; there it has the same number."""
    if not WINDOWS:
        return {"pass_fds": [sock.fileno()]}
    sock.set_inheritable(True)
    startup = _subprocess.STARTUPINFO()
    startup.lpAttributeList = {"handle_list": [sock.fileno()]}
    return {"startupinfo": startup}


async def reader_of(pipe: int) -> asyncio.StreamReader:
    """Return a stream of what comes through a pipe, which is closed at its end."""
    import asyncio

    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    if not WINDOWS:
        file = open(pipe, "rb", buffering=0)  # noqa: SIM115
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    else:  # asyncio reads no pipe there but its own
        threading.Thread(target=_feed, args=[pipe, reader, loop], daemon=True).start()
    return reader


def _feed(pipe: int, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError), open(pipe, "rb", buffering=0) as file:  # RuntimeError: the loop is closed
        while data := file.read(2**16):
            loop.call_soon_threadsafe(reader.feed_data, data)
        loop.call_soon_threadsafe(reader.feed_eof)


def end_with(parent: int) -> None:
    """Have this process end with its parent, whose number it was given."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, KILLED)
    else:
        threading.Thread(target=_wait_for, args=[parent], daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _wait_for(parent: int) -> None:
    if WINDOWS:
        from .windows import wait_for_process

        wait_for_process(parent)
    else:
        while os.getppid() == parent:
            sleep(_OFTEN)
    os._exit(1)


def wait_for_end(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for a process to end, and return its exit code: as `wait`, which looks for it only now and then."""
    try:
        end = _os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # another system than Linux, or a container that does not let it
        return process.wait(seconds)
    try:
        select.select([end], [], [], seconds)
    finally:
        os.close(end)
    return process.wait(0.1)


def end_first(score: int) -> None:
    """Have Linux end this process before others where memory runs out: `score` is out of -1000 to 1000."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score), encoding="ascii")


def has_screen() -> bool:
    """Return whether a browser would open a window; elsewhere one for the terminal would take that over."""
    windows = sys.platform in ("darwin", "win32")
    return windows or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
