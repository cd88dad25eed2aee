"""A process as on a system that lacks what POSIX has: `bare` has nothing in its place, `windows` what Windows has.

Call one of them before pydream is imported, in a process of its own. What is simulated is what Python shows of a
system; paths stay this one's, and no program here has run on a real Windows.
"""

import asyncio
import concurrent.futures.thread  # noqa: F401  # these look for what is taken away below
import errno
import fcntl
import logging  # noqa: F401
import multiprocessing.resource_tracker  # noqa: F401
import os
import random  # noqa: F401
import select
import shutil  # noqa: F401
import signal
import stat
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np  # noqa: F401  # libraries were built for this system

MODULES = ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "syslog")
OS = (
    *("fork", "forkpty", "register_at_fork", "killpg", "setsid", "getpgid", "uname", "sysconf", "getloadavg", "getuid"),
    *("preadv", "pread", "pwritev", "pwrite", "fchmod", "fchown", "chown", "mkfifo", "sched_getaffinity", "pidfd_open"),
    *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "statvfs", "link", "symlink"),
)
SIGNALS = ("SIGHUP", "SIGKILL", "SIGPIPE", "pthread_sigmask", "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK", "sigwait")


def bare():
    """Take away modules, functions, flags and signals."""
    asyncio.get_event_loop_policy()
    for name in MODULES:
        sys.modules[name] = None
    for module, names in ((os, OS), (signal, SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)


def windows():
    """The same, with locks of bytes, and files that are open, folders, links and pipes as Windows has them."""
    link = os.link
    bare()
    os.link, os.symlink = link, _refused(OSError(errno.EPERM, "A required privilege is not held by the client"))
    sys.modules["msvcrt"] = _msvcrt()
    for name in ("unlink", "remove", "rename", "replace"):
        setattr(os, name, _only_closed(getattr(os, name)))
    os.rename = _only_new(os.rename)
    os.open, os.fsync, select.select = _no_folders(os.open), _only_writable(os.fsync), _only_sockets(select.select)
    import pydream.host

    pydream.host.WINDOWS = True
    from pydream.host import windows

    windows._kernel = Kernel


class Kernel:
    """What pydream calls of Windows."""

    ignores: ClassVar = []

    def GlobalMemoryStatusEx(self, status):
        status._obj.total, status._obj.available = 8 * 10**9, 6 * 10**9
        return 1

    def SetConsoleCtrlHandler(self, handler, ignore):
        self.ignores.append((handler, ignore))

    def OpenProcess(self, access, inherit, number):
        return number

    def WaitForSingleObject(self, handle, milliseconds):
        return 0


def _msvcrt():
    module = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(file, mode, count):
        assert (mode, count) == (module.LK_NBLCK, 1)
        assert os.lseek(file, 0, os.SEEK_CUR) > 2**20  # others read what is before it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module.locking = locking
    return module


def _refused(error):
    def function(*_, **__):
        raise error

    return function


def _is_open(path):
    """Return whether a process has a file open, as far as this one may know."""
    found = os.lstat(path)
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            other = os.stat(descriptor)
        except OSError:
            continue
        if os.path.samestat(found, other) and stat.S_ISREG(found.st_mode):
            return True
    return False


def _only_closed(function):
    def changed(path, *more, **others):
        names = [path, *more[:1]] if function.__name__ in ("rename", "replace") else [path]
        for name in names:
            if os.path.lexists(name) and _is_open(name):
                raise PermissionError(errno.EACCES, "The process cannot access the file: it is in use", os.fspath(name))
        return function(path, *more, **others)

    return changed


def _only_new(function):
    def changed(source, target, **others):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        return function(source, target, **others)

    return changed


def _no_folders(function):
    def changed(path, *more, **others):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return function(path, *more, **others)

    return changed


def _only_writable(function):
    def changed(file):
        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return function(file)

    return changed


def _only_sockets(function):
    def changed(reading, writing, failing, timeout=None):
        for one in reading:
            if not stat.S_ISSOCK(os.fstat(one if isinstance(one, int) else one.fileno()).st_mode):
                raise OSError(10038, "an operation was attempted on something that is not a socket")
        return function(reading, writing, failing, timeout)

    return changed
