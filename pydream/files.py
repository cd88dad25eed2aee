"""Only regular files are read, and what is written is whole or not there at all: all writers go through this module.

What is written has a temporary name, is synced to the disk, and then renamed: a full disk, a killed process and a
power cut leave the older file or the whole new one. A temporary file or folder is locked while its process lives; those
of dead processes are removed by the next one that writes there.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from .errors import PydreamError
from .host import disk, names
from .locks import hold, is_lock_file, locked, locked_if_dead
from .reading import NotedFile, Reader
from .reads import reads

_unsynced: ContextVar[bool] = ContextVar("unsynced", default=False)
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}  # of file systems that cannot sync this


def open_regular(path: Path, noun: str, failure: type[PydreamError]) -> BinaryIO:
    """Open a file for reading; raise `failure` if it is not a regular file, or not there. `noun` says what it holds."""
    try:
        if path.is_dir():
            raise failure(f"'{path}' is a folder, not a {noun}")
        return open_file(path)
    except failure:
        raise
    except NotRegularError:
        raise failure(f"'{path}' is not a regular file") from None
    except FileNotFoundError:
        raise failure(f"no such file: '{path}'") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise failure(f"cannot read '{path}': {reason(error)}") from error


class NotRegularError(OSError):
    """A pipe, a device or a folder, where a file with content is wanted."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "not a regular file")


def open_file(path: str | os.PathLike[str], noted: bool = True) -> io.BufferedReader:
    """Open a regular file for reading, at once: a pipe would wait for its writer, and a device might never end.

    Parameters
    ----------
    path : path-like
    noted : bool
        Whether the run reads it, and must not write over it; False: it only looks what it is.

    Raises
    ------
    NotRegularError
        It is something else.
    OSError
        It cannot be opened.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # not opened: some devices do something then
        raise NotRegularError
    if noted and (run := reads()) is not None:
        run.add(Path(path))
    file = Reader(NotedFile(os.fspath(path), opener=_open_at_once))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # it was replaced in between
        file.close()
        raise NotRegularError
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | disk.AT_ONCE)


def read_file(path: str | os.PathLike[str], most: int, kind: str = "", noted: bool = True) -> bytes:
    """Read a regular file; `OSError` where it is none, or has more bytes than the `most` that its kind can have.

    `noted` is as for `open_file`: a program that keeps its own state in a file reads it with False, to write it again.
    """
    with open_file(path, noted) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
        if size > most or len(content) > most:
            raise OSError(errno.EFBIG, f"{size} bytes, more than {kind or 'it'} can hold ({most})")
        return content


def _check_not_read(path: Path) -> None:
    if (run := reads()) is not None:
        run.check(path)


@contextmanager
def write_errors(path: str | os.PathLike[str], failure: type[PydreamError]) -> Iterator[None]:
    """Turn any `OSError` and `ValueError` of the block into `failure`: ``cannot write 'path': …``."""
    try:
        yield
    except failure:
        raise
    except (OSError, ValueError) as error:
        raise failure(f"cannot write '{path}': {reason(error)}") from error


# ---- whole or not at all ----


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to `path` if the block succeeds, and remove it if it raises.

    For libraries that write to a path only; everything else uses `write_whole` and `written_file`. An older file of
    that name is unchanged after a failure, and is replaced with its permissions kept otherwise. A symbolic link stays
    one.

    Parameters
    ----------
    path : path-like
        Its folder exists.

    Yields
    ------
    Path
        An empty file, to be written to but not replaced; its permissions follow the umask.
    """
    names.check(path)
    target = Path(path).resolve()
    _check_not_read(target)
    with _named(path), _temporary(target.parent, _new_file) as (temporary, descriptor):
        yield temporary
        if target.exists():
            disk.set_mode(temporary, descriptor, stat.S_IMODE(target.stat().st_mode))
        _sync_file(temporary, descriptor)
        temporary.replace(target)
        sync_folder(target.parent)


@contextmanager
def written_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield an open binary file, which becomes `path` as by `written_whole`.

    For Python code that writes bit by bit. Native encoders that write through a descriptor may take a full disk for
    success: let them write to memory, and use `write_whole`.
    """
    with written_whole(path) as temporary, temporary.open("wb") as file:
        yield file


def write_whole(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file of these bytes, as `written_whole` does."""
    with written_file(path) as file:
        write_all(file, data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, as `written_whole` does."""
    write_whole(path, text.encode())


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all bytes to an open file, which may be unbuffered; a write that takes only some of them is continued."""
    left = memoryview(data)
    while left:
        taken = file.write(left)
        if taken is None:  # of a stream that does not block
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        left = left[taken:]
    file.flush()


def move_whole(source: Path, target: Path) -> None:
    """Rename a whole file to `target`, in the same folder, once it is on the disk."""
    _check_not_read(target)
    _sync_file(source)
    source.replace(target)
    sync_folder(target.parent)


def move_new(source: Path, target: Path) -> None:
    """Rename a whole file on its disk; `FileExistsError` if there is one of that name already, which stays as it is.

    A process that ends in between leaves the file under both names, or under one.
    """
    disk.rename_new(source, target)
    sync_folder(target.parent)


@contextmanager
def written_folder(path: str | os.PathLike[str], replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder to write files into; rename it to `path` if the block succeeds, remove it if it raises.

    `OSError` if `path` is a folder already, unless it is empty, or `replace`: it is removed when the new one is there.
    """
    names.check(path)
    target = Path(path).resolve()
    with _named(path), _temporary(target.parent, _new_folder) as (temporary, descriptor):
        yield temporary
        if descriptor is not None:
            _sync(descriptor)
        if replace and target.is_dir():
            _exchange(temporary, target)
        else:
            temporary.rename(target)
        sync_folder(target.parent)


def _exchange(folder: Path, target: Path) -> None:
    """Rename a folder to one that is there, which is removed; it gets its name back if that fails."""
    older = temporary_beside(target)
    target.rename(older)
    try:
        folder.rename(target)
    except OSError:
        older.rename(target)
        raise
    _remove(older)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder, where the system keeps temporary files, that only its owner can read and that the block ends."""
    with _temporary(Path(tempfile.gettempdir()), partial(_new_folder, mode=0o700)) as (temporary, _):
        yield temporary


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an error say which file it is about: that of a write does not, and a temporary file's name says nothing."""
    try:
        yield
    except OSError as error:
        about = Path(error.filename) if isinstance(error.filename, (str, Path)) else Path()
        nameless = error.filename is None or any(map(is_temporary, (about, *about.parents)))
        if error.errno is not None and nameless:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder that is not there, and those above it."""
    path = Path(folder)
    names.check(path)
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(errno.ENOTDIR, f"'{path}' is not a folder")
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


# ---- on the disk, not only on its way there ----


@contextmanager
def unsynced() -> Iterator[None]:
    """Write in the block without waiting for the disk, which is faster; a power cut may then leave empty files."""
    token = _unsynced.set(True)
    try:
        yield
    finally:
        _unsynced.reset(token)


def sync_folder(folder: Path) -> None:
    """Wait until names that were given and removed in a folder are on the disk, unless this is `unsynced`."""
    if _unsynced.get():
        return
    try:
        descriptor = disk.open_folder(folder)
    except PermissionError:  # files can be written into a folder that cannot be listed
        return
    if descriptor is None:
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(file: Path, descriptor: int | None = None) -> None:
    """Wait until a file is on the disk; the descriptor is its own, if it is open."""
    if descriptor is not None:
        _sync(descriptor)
    elif not _unsynced.get():
        opened = disk.open_to_sync(file)
        try:
            _sync(opened)
        finally:
            os.close(opened)


def _sync(descriptor: int) -> None:
    if _unsynced.get():
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


# ---- temporary files and folders, of this process and of dead ones ----


def is_temporary(path: Path) -> bool:
    """Return whether a name is that of a temporary file or folder, or of a lock, of a process dead or alive."""
    return re.fullmatch(r"\.pydream-[0-9a-f]{16}\.tmp", path.name) is not None or is_lock_file(path)


def temporary_beside(target: Path) -> Path:
    """Return a new hidden name in the target's folder, so that a rename stays on one disk."""
    return target.with_name(f"{_prefix()}{secrets.token_hex(4)}.tmp")


@cache
def _prefix() -> str:
    """Return the beginning of such a name, which tells machines apart that share a disk: locks may not reach others."""
    return f".pydream-{hashlib.sha256(disk.machine_name().encode()).hexdigest()[:8]}"


def clear_dead(folder: Path) -> None:
    """Remove the temporary files and folders, and the locks, that dead processes of this machine left in a folder."""
    with suppress(OSError):  # a folder that cannot be listed
        for name in os.listdir(folder):
            path = folder / name
            if is_temporary(path) and (name.startswith(_prefix()) or is_lock_file(path)):
                with locked_if_dead(path) as dead, suppress(OSError):  # it is another user's
                    if dead:
                        _remove(path)


@cache
def _clear_once(folder: Path) -> None:
    clear_dead(folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _new_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | disk.BINARY, 0o666)


def _new_folder(path: Path, mode: int = 0o777) -> int | None:
    path.mkdir(mode)
    try:
        return disk.open_folder(path)
    except OSError:
        path.rmdir()
        raise


@contextmanager
def _temporary(folder: Path, make: Callable[[Path], int | None]) -> Iterator[tuple[Path, int | None]]:
    """Yield a new temporary file or folder, locked; remove it, unless the block has renamed it.

    Its descriptor too, which has the lock; None where no file can be renamed that is open, but for its lock's.
    """
    _clear_once(folder)
    if disk.MOVES_OPEN_FILES:
        with _temporary_open(folder, make) as (path, descriptor):
            yield path, descriptor
        return
    path = temporary_beside(folder / "_")
    with locked(path):
        if (opened := make(path)) is not None:
            os.close(opened)
        try:
            yield path, None
        finally:
            _remove(path)


@contextmanager
def _temporary_open(folder: Path, make: Callable[[Path], int | None]) -> Iterator[tuple[Path, int]]:
    while True:
        path = temporary_beside(folder / "_")
        descriptor = make(path)
        assert descriptor is not None  # such a system opens folders too
        if _lock(descriptor, path):
            break
        os.close(descriptor)
    try:
        yield path, descriptor
    finally:
        with suppress(OSError):  # what stays is a dead process' then, and the next one removes it
            _remove(path)
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock a new temporary file; return False if another process has just taken it for a dead one's."""
    try:
        return hold(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


# ---- before and after ----


def check_place(path: str | os.PathLike[str]) -> None:
    """Check that `written_whole` can write a file.

    Parameters
    ----------
    path : path-like
        Where a file will be written.

    Raises
    ------
    OSError
        If the folder is missing, is not a folder or cannot take a new file, or a folder or a read-only or special file
        has that name. `reason` returns its text.
    """
    names.check(path)
    target = Path(path)
    try:
        resolved = target.resolve()
    except (RuntimeError, ValueError) as error:  # a loop of links, before Python 3.13; a NUL
        raise OSError(str(error)) from error
    folder = resolved.parent
    if not folder.exists():
        raise OSError(f"there is no folder '{folder if target.is_symlink() else target.parent}'")
    if not folder.is_dir():
        raise OSError(f"'{target.parent}' is not a folder")
    if resolved.is_symlink():  # resolve() raises on a loop of links, but since Python 3.13 it does not
        raise OSError("it is a loop of links")
    if resolved.is_dir():
        raise OSError("it is a folder")
    if resolved.exists() and not (resolved.is_file() and os.access(resolved, os.W_OK)):
        raise OSError("a read-only or special file has that name")
    temporary = temporary_beside(resolved)
    try:
        temporary.open("xb").close()  # permission bits miss read-only mounts and root
    finally:
        temporary.unlink(missing_ok=True)


def is_blank(path: Path) -> bool:
    """Return whether a file has no bytes but zeros, as after a power cut."""
    try:
        with open_file(path) as file:
            return not any(block.strip(b"\0") for block in iter(lambda: file.read(2**20), b""))
    except OSError:
        return False


def start_of(path: Path, most: int) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with open_file(path) as file:
            return file.read(most)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return b""


def reason(error: Exception) -> str:
    """Return an error's reason in one line, without the file's name that an `OSError` may have."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
