"""The process that reads a file: `apart` starts it, it answers with a frozen graph or with one line, and is gone.

    python -P -m pydream.formats.keras.reader PARENT FILE

Its answer goes to stdout, which is a file; what TensorFlow and Keras print there goes nowhere.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import IO

import msgspec

from ...errors import MemoryTooSmallError, NetFileError, PydreamError, printable
from ...host import processes, resources
from ...runtime.on_tensorflow.door import part
from ...system import data_bytes, threads_of_tensorflow
from .apart import LONGEST_TEXT, MOST_ANSWERED, UNFORESEEN, Answer, Limits, kind_of, name_of_source
from .frozen import Frozen
from .keras_model import first_line, freeze_model, read_keras
from .saved_model import GRAPH_FILE, freeze_saved_model

_STACK = 2**23  # of a thread


def main(parent: int, file: Path) -> None:
    """Read a file, write the answer to stdout, and end this process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends this process at once
    processes.end_with(parent)
    with os.fdopen(os.dup(1), "wb") as answer:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        answer_for(file, answer)
    os._exit(0)  # without TensorFlow's tidying up


def answer_for(file: Path, answer: IO[bytes]) -> None:
    """Read a file within its limits, and write the answer."""
    try:
        part("keras")
        _limit(Limits.of(file))
        frozen = freeze_file(file)
    except PydreamError as error:
        text = printable(str(error))[:LONGEST_TEXT]
        too_small = isinstance(error, MemoryTooSmallError)
        refusal = Answer(text, "MemoryTooSmallError" if too_small else "NetFileError")
        answer.write(msgspec.json.encode(refusal) + b"\n")
    else:
        answer.write(msgspec.json.encode(Answer(input=frozen.input, size=len(frozen.graph))) + b"\n")
        answer.write(frozen.graph)


def freeze_file(file: Path) -> Frozen:
    """Make a frozen graph of a file, in this process.

    Raises
    ------
    NetFileError
        Whatever is wrong with it.
    """
    source = name_of_source(file)
    try:
        if file.name == GRAPH_FILE:
            return freeze_saved_model(file.parent)
        return freeze_model(read_keras(file), source)
    except PydreamError:
        raise
    except MemoryError as error:
        memory = Limits.of(file).memory / 1e9
        raise NetFileError(
            f"{source}: the file made the reader of {kind_of(file)} take more than {memory:.1f} GB"
        ) from error
    except Exception as error:  # TensorFlow's, Keras's and HDF5's are of many kinds
        raise NetFileError(f"{source}: {UNFORESEEN}: {first_line(error)}") from error


def _limit(limits: Limits) -> None:
    """Set the limits of this process, which has imported what it needs."""
    threads = threads_of_tensorflow() * _STACK
    resources.limit_this_process(
        data=data_bytes() + threads + limits.memory,
        seconds=round(limits.seconds) * (os.cpu_count() or 1),
        file=MOST_ANSWERED,
    )
    processes.end_first(1000)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
