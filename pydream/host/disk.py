"""Files: the flags, renames, syncs and links that a system has, and what stands in for those that it has not."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import WINDOWS

# Windows renames and removes no file that is open, but by its own rules, which Python's files do not follow.
MOVES_OPEN_FILES = not WINDOWS

BINARY = getattr(os, "O_BINARY", 0)  # Windows: ends of lines stay as they are
AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # a pipe would wait for its writer
NOT_A_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | BINARY

_os: Any = os  # a type checker knows the names of its own system only
_seek = threading.Lock()  # where a read has to move a descriptor's place, which threads share


def open_folder(folder: Path) -> int | None:
    """Open a folder, to sync or to lock it; None on Windows, which opens none."""
    return None if WINDOWS else os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))


def open_to_sync(file: Path) -> int:
    """Open a file that is to be synced; Windows does that only for one that can be written."""
    return os.open(file, BINARY | (os.O_RDONLY if MOVES_OPEN_FILES else os.O_RDWR))


def set_mode(file: Path, descriptor: int | None, mode: int) -> None:
    """Set the permissions of a file, which may be open."""
    if descriptor is not None and hasattr(os, "fchmod"):
        _os.fchmod(descriptor, mode)
    else:
        os.chmod(file, mode)


def close_removed(file: Path, descriptor: int) -> None:
    """Close a file and remove its name: first the name, so that no process opens what is gone, where that can be."""
    if MOVES_OPEN_FILES:
        with suppress(OSError):  # it stays then, and the next run removes it
            file.unlink()
        os.close(descriptor)
    else:
        os.close(descriptor)
        with suppress(OSError):  # another process has opened it by now
            file.unlink()


def rename_new(source: Path, target: Path) -> None:
    """Rename a file; `FileExistsError` if there is one of that name already, which stays as it is."""
    try:
        if not hasattr(os, "link"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    else:
        source.unlink()


def second_name(file: Path, name: Path) -> None:
    """Let a file be read under another name: a link, or where there can be none a copy."""
    for link in ("symlink", "link"):  # Windows lets only some users make the first, and the second on one disk
        with suppress(OSError, AttributeError, NotImplementedError):
            getattr(os, link)(file, name)
            return
    shutil.copyfile(file, name)


def read_at(descriptor: int, buffer: memoryview, at: int) -> int:
    """Read bytes from a place of a file into a buffer; return how many, 0 behind its end. Threads may do so at once."""
    if hasattr(os, "preadv"):
        return int(_os.preadv(descriptor, [buffer], at))
    with _seek:
        os.lseek(descriptor, at, os.SEEK_SET)
        found = os.read(descriptor, len(buffer))
    buffer[: len(found)] = found
    return len(found)


def machine_name() -> str:
    """Return the name of this machine in its network."""
    if hasattr(os, "uname"):
        return str(_os.uname().nodename)
    return os.environ.get("COMPUTERNAME", "")
