"""Locks end with their process, however it ends: one run writes a place, and what a dead one left is known.

A place's is on a hidden file, beside a file or inside a folder. Where the system or the file system has no locks, every
lock is free, and nothing is known to be dead.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .errors import BusyError
from .host import disk, locking

_INSIDE, _PREFIX, _SUFFIX = ".pydream.lock", ".pydream-", ".lock"
_LONGEST_NAME = 255  # bytes, of Linux and macOS


def lock_file(place: Path) -> Path:
    """Return the lock file of a place: inside, if it is a folder, else beside it."""
    place = Path(os.path.realpath(place))  # resolve() raises RuntimeError on a loop of links
    if place.is_dir():
        return place / _INSIDE
    return lock_beside(place)


def lock_beside(place: Path) -> Path:
    """Return the lock file of a place that is not there yet, whatever it will be."""
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
        try:
            file = _opened(path)
        except OSError as error:
            if error.errno is None:
                raise
            raise OSError(error.errno, f"it cannot be locked: {error.strerror}", str(place)) from error
        end: Callable[[], None] = partial(os.close, file)
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
            end = partial(disk.close_removed, path, file)
            yield
            return
        finally:
            end()


def hold(file: int, wait: bool = False) -> bool:
    """Take the lock of an open file, until it is closed; return False if another has it.

    Parameters
    ----------
    file : int
        A descriptor; the lock is that of all its duplicates, those in forked processes included.
    wait : bool
        Wait for the other.
    """
    try:
        return locking.lock(file, wait)
    except OSError:  # a file system without locks
        return True


@contextmanager
def locked_if_dead(path: Path) -> Iterator[bool]:
    """Yield whether a file or folder, which its maker locks as long as it lives, has outlived it.

    The maker does that with `hold`, or where open files cannot be renamed with `lock_beside`.

    The block has the lock, so that a process that has just made the file finds out. False where nothing can be
    known.
    """
    if not locking.can_lock():
        yield False
        return
    if not disk.MOVES_OPEN_FILES:
        yield _is_free(path if is_lock_file(path) else lock_beside(path))
        return
    try:
        how = os.O_RDONLY if path.is_dir() else os.O_RDWR  # NFS locks only what can be written
        file = os.open(path, how | disk.NOT_A_LINK)
    except OSError:
        yield False
        return
    try:
        try:
            dead = locking.lock(file)
        except OSError:  # the file system has no locks
            dead = False
        yield dead
    finally:
        os.close(file)


def _is_free(lock: Path) -> bool:
    """Remove a lock file, where open ones cannot be removed; return whether that was so."""
    try:
        lock.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _opened(path: Path) -> int:
    """Open a lock file, which is anyone's: no link, pipe or device."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | disk.NOT_A_LINK, 0o666)
    except PermissionError as error:  # another user's, who is gone
        if path.is_dir():  # Windows' error for that
            raise _not_one(path) from error
        try:
            file = os.open(path, os.O_RDONLY | disk.NOT_A_LINK)
        except FileNotFoundError:
            raise error from None
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
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, f"{os.getpid()}\n".encode())
    except OSError:  # another user's file, or a full disk: the lock holds without it
        pass


def _holder(file: int) -> str:
    """Return the number of the process that has the lock, if it is known."""
    os.lseek(file, 0, os.SEEK_SET)
    number = os.read(file, 20).strip()
    return f" (process {number.decode()})" if number.isdigit() else ""
