"""A file is read in a process of its own: TensorFlow's, Keras's and HDF5's C code can abort, hang or take all memory.

The process is `reader`. It has limits on its memory and its time, it ends with this process, and what it answers is one
line of JSON and a frozen graph.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal

import msgspec

from ... import errors, logs
from ...errors import NetFileError
from ...host.processes import wait_for_end
from .frozen import Frozen
from .saved_model import GRAPH_FILE, VARIABLES

UNFORESEEN = "damaged, or of a kind that cannot be read"  # in an error that nothing in this package has made
LONGEST_TEXT = 4000  # of an error
_LONGEST_HEAD = 2**16
_MAX_BYTES = 2**31 - 1  # of a GraphDef
MOST_ANSWERED = _LONGEST_HEAD + _MAX_BYTES

# Limits on the reader, which has several copies of the weights for a time: the file's, Keras's, a trace's, the graph's.
_SECONDS, _BYTES_A_SECOND = 120, 2**22
_MEMORY, _MEMORY_A_BYTE = 2 * 10**9, 8


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The first line of what the reader answers.

    Attributes
    ----------
    error : str
        Why there is no graph, in one line; empty: it follows.
    kind : str
        The error's class.
    input : str
        Node that the picture replaces.
    size : int
        Bytes of the graph.
    """

    error: str = ""
    kind: Literal["NetFileError", "MemoryTooSmallError"] = "NetFileError"
    input: str = ""
    size: int = 0


class Limits(msgspec.Struct):
    """What the reader of a file may take: seconds, and bytes beside those of TensorFlow itself."""

    seconds: float
    memory: int

    @classmethod
    def of(cls, file: Path) -> Limits:
        """Compute them: in proportion to the bytes on disk, whatever these claim to unpack to."""
        try:
            size = sum(each.stat().st_size for each in _files(file))
        except OSError as error:
            raise NetFileError(f"{file}: {error.strerror}") from error
        return cls(_SECONDS + size / _BYTES_A_SECOND, _MEMORY + _MEMORY_A_BYTE * size)


def kind_of(file: Path) -> str:
    """Return what a file is, for a message."""
    return "SavedModels" if file.name == GRAPH_FILE else "Keras models"


def name_of_source(file: Path) -> str:
    """Return the name of a file for messages: of a SavedModel the folder's."""
    return str(file.parent if file.name == GRAPH_FILE else file)


@contextmanager
def reading(file: Path) -> Iterator[Callable[[], Frozen]]:
    """Start the reader of a file, and yield the function that waits for its answer; it ends with the block.

    Raises
    ------
    NetFileError
        By that function: what the reader says, or in one line how it ended.
    MemoryTooSmallError
        Where a limit on memory does not let it import TensorFlow.
    """
    limits = Limits.of(file)
    with tempfile.TemporaryFile() as answer:
        try:
            process = start(file, answer)
        except OSError as error:
            raise NetFileError(f"{name_of_source(file)}: its reader cannot be started: {error}") from error
        try:
            yield partial(_result, process, answer, file, limits)
        finally:
            process.kill()
            process.wait()


def start(file: Path, answer: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a reader, which finds modules where this process does, but not in the working directory."""
    places = [*filter(None, sys.path), str(Path(__file__).parents[3])]
    logs.debug("a process of its own reads %s", file)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.reader", str(os.getpid()), file],
        stdin=subprocess.DEVNULL,
        stdout=answer,
        stderr=None if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0" else subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "CUDA_VISIBLE_DEVICES": "-1"},
    )


def _result(process: subprocess.Popen[bytes], answer: IO[bytes], file: Path, limits: Limits) -> Frozen:
    """Wait for a reader, and return what it has read."""
    made_it = f"{name_of_source(file)}: the file made the reader of {kind_of(file)}"
    try:
        code = wait_for_end(process, limits.seconds)
    except subprocess.TimeoutExpired:
        raise NetFileError(f"{made_it} take longer than {limits.seconds:.0f} seconds") from None
    if code == -signal.SIGINT:  # a terminal sends Ctrl-C to both
        raise KeyboardInterrupt
    if code:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise NetFileError(f"{made_it} end ({how})")
    answer.seek(0)
    try:
        head = msgspec.json.decode(answer.readline(_LONGEST_HEAD), type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NetFileError(f"{made_it} answer nonsense") from error
    if head.error:
        raise getattr(errors, head.kind)(errors.printable(head.error[:LONGEST_TEXT]))
    left = os.fstat(answer.fileno()).st_size - answer.tell()
    if head.size != left or left > _MAX_BYTES:
        raise NetFileError(f"{made_it} answer nonsense")
    return Frozen(answer.read(left), head.input)


def _files(file: Path) -> list[Path]:
    return [file, *file.parent.glob(f"{VARIABLES.parent}/variables.*")] if file.name == GRAPH_FILE else [file]
