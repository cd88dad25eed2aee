"""Locks end with their process, however it ends: one run writes a place, and what a dead one left is known.

They are those of `flock`: of a place on a hidden file, beside a file or inside a folder. They need a POSIX system
(`fcntl`) and a file system with locks. Where one of these is missing, every lock is free, and nothing is known to be
dead.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BusyError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_INSIDE, _PREFIX, _SUFFIX = ".pydream.lock", ".pydream-", ".lock"
_LONGEST_NAME = 255  # bytes, of Linux and macOS


def lock_file(place: Path) -> Path:
    """Return the lock file of a place: inside, if it is a folder, else beside it."""
    place = Path(os.path.realpath(place))  # resolve() raises RuntimeError on a loop of links
    if place.is_dir():
        return place / _INSIDE
    name = f"{_PREFIX}{place.name}{_SUFFIX}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{_PREFIX}{hashlib.sha256(os.fsencode(place.name)).hexdigest()}{_SUFFIX}"
    return place.with_name(name)


def is_lock_file(path: Path) -> bool:
    """Return whether a name is that of a place's lock file."""
    return path.name == _INSIDE or (path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX))


@contextmanager
def locked(place: Path, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the lock of a place, so that no other run of pydream writes there.

    Parameters
    ----------
    place : Path
        A folder that exists, or a file, which need not exist, in one that does.
    on_wait : callable, optional
        Called before waiting for another process that has the lock.

    Raises
    ------
    BusyError
        If another process has the lock, and `on_wait` is None; or this one has it already.
    OSError
        If the lock file cannot be made.
    """
    path = lock_file(place)
    while True:
        file = _opened(path)
        try:
            if not hold(file):
                if on_wait is None:
                    raise BusyError(
                        f"another run{_holder(file)} writes {str(place)!r}: wait for it, or choose another place"
                    )
                on_wait()
                hold(file, wait=True)
            try:
                if not os.path.samestat(os.fstat(file), path.stat()):
                    continue
            except FileNotFoundError:  # the last process has removed it: a lock on it is worth nothing
                continue
            _write_holder(file)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return
        finally:
            os.close(file)


def hold(file: int, wait: bool = False) -> bool:
    """Take the lock of an open file, until it is closed; return False if another has it.

    Parameters
    ----------
    file : int
        A descriptor; the lock is that of all its duplicates, those in forked processes included.
    wait : bool
        Wait for the other.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def locked_if_dead(path: Path) -> Iterator[bool]:
    """Yield whether a file or folder, which its maker locks with `hold` as long as it lives, has outlived it.

    The block has the lock, so that a process that has just made the file finds out. False where nothing can be
    known.
    """
    if fcntl is None:
        yield False
        return
    try:
        how = os.O_RDONLY if path.is_dir() else os.O_RDWR  # NFS locks only what can be written
        file = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            dead = True
        except OSError:  # another has it; or the file system has no locks
            dead = False
        yield dead
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    """Open a lock file, which is anyone's: no link, pipe or device."""
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | safely, 0o666)
    except PermissionError:  # another user's, who is gone
        file = os.open(path, os.O_RDONLY | safely)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ELOOP):
            raise _not_one(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _not_one(path)
    return file


def _not_one(path: Path) -> OSError:
    return OSError(f"'{path}' is not a lock file: remove it")


def _write_holder(file: int) -> None:
    """Write this process' number into the lock file, for others' messages."""
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except OSError:  # another user's file, or a full disk: the lock holds without it
        pass


def _holder(file: int) -> str:
    """Return the number of the process that has the lock, if it is known."""
    os.lseek(file, 0, os.SEEK_SET)
    number = os.read(file, 20).strip()
    return f" (process {number.decode()})" if number.isdigit() else ""
