"""Calls of the system that fail: one of those that a forked process makes on the files of its folder."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

KINDS = ("open", "read", "write", "fsync", "rename", "mkdir", "unlink", "mmap", "list")  # as in shim.c
RETRIED = {"open", "read", "write", "fsync"}  # what a signal can interrupt, and Python begins again
SHORT = 0  # in place of an error: the call reads or writes half
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR, SHORT)
_SOURCE = Path(__file__).parents[1] / "tools" / "torture" / "shim.c"
_LONGEST = 600  # seconds that a forked process may take, on a machine that does other work


class Fault(NamedTuple):
    """The call that fails: of a kind, by its number from 1; 0: none does."""

    kind: str = KINDS[0]
    number: int = 0
    error: int = errno.EIO

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {errno.errorcode.get(self.error, 'short')}"


class Ended(NamedTuple):
    """What a forked process did.

    Attributes
    ----------
    code : int
        Its exit code; negative: the signal that ended it.
    out : bytes
    err : str
    counts : dict of str to int
        Calls by kind.
    failed : str
        The call that failed, and what it was about; empty: none did.
    placed : set of (str, str)
        Files that got a name, relative to the folder, and their hashes; where that was asked for.
    modules : list of str
        What was imported in the end.
    """

    code: int
    out: bytes
    err: str
    counts: dict[str, int]
    failed: str
    placed: set[tuple[str, str]]
    modules: list[str]


def preloaded(folder: Path) -> dict[str, str]:
    """Compile the shim into a folder; return the environment of a process that can fork with faults."""
    library = folder / "shim.so"
    if not library.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, _SOURCE, "-ldl"]
        subprocess.run(list(map(str, command)), check=True)
    one_thread = {"PYDREAM_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **one_thread, "LD_PRELOAD": str(library)}


def sha256(content: bytes) -> str:
    """Return a hash, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def forked(
    work: Callable[[], int],
    folder: Path,
    fault: Fault,
    *,
    beside: Path,
    everywhere: bool = False,
    placing: bool = False,
    environment: dict[str, str] | None = None,
) -> Ended:
    """Do a piece of work in a forked process, in which one call fails.

    Parameters
    ----------
    work : callable
        Returns the exit code.
    folder : Path
        Where it is done, and whose files count.
    fault : Fault
    beside : Path
        Another folder, for what it prints.
    everywhere : bool
        Whether all other files count too.
    placing : bool
        Whether to look at what gets a name, for `Ended.placed`.
    environment : dict of str to str, optional
        Of that process, beside what there is.
    """
    out, err, report = (beside / name for name in ("stdout", "stderr", "report"))
    for path in (out, err, report):
        path.write_bytes(b"")
    process = os.fork()
    if not process:
        _child(work, folder, fault, (out, err, report), everywhere, placing, environment or {})
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    told: dict[str, Any] = json.loads(report.read_bytes() or b"{}")
    placed = {(name, digest) for name, digest in told.get("placed", [])}
    counts, failed, modules = told.get("counts", {}), told.get("failed", ""), told.get("modules", [])
    return Ended(code, out.read_bytes(), err.read_text(errors="replace"), counts, failed, placed, modules)


def _child(
    work: Callable[[], int],
    folder: Path,
    fault: Fault,
    streams: tuple[Path, Path, Path],
    everywhere: bool,
    placing: bool,
    environment: dict[str, str],
) -> None:
    """Do the work, report, and end this process."""
    code = 70
    try:
        signal.alarm(_LONGEST)
        shim = ctypes.CDLL(None)
        shim.torture_failed.restype = ctypes.c_char_p
        shim.torture_count.restype = ctypes.c_long
        os.chdir(folder)
        os.environ.update(environment)
        report = os.open(streams[2], os.O_WRONLY)
        for number, path in ((0, os.devnull), (1, streams[0]), (2, streams[1])):
            file = os.open(path, os.O_RDWR)
            os.dup2(file, number)
            os.close(file)
        placed: list[tuple[str, str]] = []
        if placing:
            _note_placed(folder, placed)
        root = b"" if everywhere else os.fsencode(folder)
        shim.torture_arm(root, KINDS.index(fault.kind), ctypes.c_long(fault.number), fault.error)
        try:
            code = work()
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        shim.torture_disarm()
        counts = {kind: shim.torture_count(number) for number, kind in enumerate(KINDS)}
        failed = shim.torture_failed().decode(errors="replace").replace(str(folder), ".")
        told = {"counts": counts, "failed": failed, "placed": placed, "modules": list(sys.modules) if placing else []}
        os.write(report, json.dumps(told).encode())
        sys.stderr.flush()
    finally:
        os._exit(code)


def _note_placed(folder: Path, placed: list[tuple[str, str]]) -> None:
    """Note what is renamed or linked, and its content, as long as this process lives."""

    def note(source: Path, target: Path) -> None:
        for path in [source, *source.rglob("*")]:
            if path.is_file():
                name = os.path.relpath(target / path.relative_to(source), folder)
                placed.append((name, sha256(path.read_bytes())))

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.link"):
            note(*(Path(os.fsdecode(name)).absolute() for name in arguments[:2]))

    sys.addaudithook(hear)
