"""The lock of an open file, which ends with its descriptor: `flock` of POSIX, or a locked byte of Windows."""

from __future__ import annotations

import errno
import os
from time import sleep
from typing import Any

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:
    fcntl = None
try:
    import msvcrt
except ImportError:
    msvcrt = None

_BYTE = 2**30  # behind what a lock file has, which other processes read; Windows lets no one read a locked byte
_PAUSE = 0.05  # seconds between two tries


def can_lock() -> bool:
    """Return whether this system has locks; a file system may have none all the same."""
    return fcntl is not None or msvcrt is not None


def lock(file: int, wait: bool = False) -> bool:
    """Take the lock of a descriptor; return False if another has it.

    Parameters
    ----------
    file : int
        The lock is that of all its duplicates. Of a folder only where there is `flock`.
    wait : bool
        Wait for the other.

    Raises
    ------
    OSError
        The file system has no locks.
    """
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    elif msvcrt is not None:
        while not _lock_byte(file):
            if not wait:
                return False
            sleep(_PAUSE)
    return True


def _lock_byte(file: int) -> bool:
    os.lseek(file, _BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EDEADLK):
            return False
        raise
    finally:
        os.lseek(file, 0, os.SEEK_SET)
    return True
