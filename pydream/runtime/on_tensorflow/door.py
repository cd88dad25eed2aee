"""The one door to TensorFlow: imported when a network is built, without its messages, on the requested device."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ... import system
from ...errors import DeviceError, MissingExtraError
from ...forks import check_tensorflow
from ...system import check_limits, requested_threads

# What importing 2.21 alone adds, by the limit that counts it: bytes, measured. Of address space most is its libraries.
_IMPORT_TAKES = {"address space": 1_400_000_000, "data": 250_000_000}
# And what the first step of a small picture does, beside threads.
_STEP_TAKES = 100_000_000


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Withhold what is written to file descriptor 2; write it after all if the block fails.

    With ``TF_CPP_MIN_LOG_LEVEL=3`` in the environment, which the command line sets, not even then.
    """
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except Exception:
            if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
                written.seek(0)
                os.write(kept, written.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def tensorflow() -> Any:
    """Return the module `tensorflow`, importing it at the first call.

    ``PYDREAM_NUM_THREADS`` bounds its threads too; ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment shows its messages.

    Raises
    ------
    ForkError
        In a forked process, if it has computed before the fork.
    MissingExtraError
        If it is not installed.
    """
    check_tensorflow()
    if sys.modules.get("tensorflow") is not None:
        return sys.modules["tensorflow"]
    _check_limits(_IMPORT_TAKES)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
        with system.unbroken(), system.uncollected():
            tf = _imported()
    else:
        with quiet_stderr(), system.unbroken(), system.uncollected():
            tf = _imported()
            tf.config.list_physical_devices()  # it complains where it finds no driver for one
    _check_limits(dict.fromkeys(_IMPORT_TAKES, 0))  # it imports others' packages where they are there
    threads = requested_threads()
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    prepare_gpus(tf)
    return tf


def _imported() -> Any:
    try:
        return importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":  # one of its own is missing: its installation is damaged
            raise
        raise MissingExtraError("TensorFlow is not installed: pip install tensorflow") from error


def prepare_gpus(tf: Any) -> None:
    """Let GPUs be shared with other processes, and multiply float32 as the CPU does; before anything runs on them."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # else the first process takes nearly all of it
    if gpus:
        # TensorFloat-32 has 10 bits of float32's 23: results would be 1000 times as far from float64's as Caffe's are.
        tf.config.experimental.enable_tensor_float_32_execution(False)


def _check_limits(takes: dict[str, int]) -> None:
    """Check that the process's limits leave enough memory for TensorFlow."""
    needs = {of: count + _STEP_TAKES for of, count in takes.items()}
    advice = "fewer threads need less (PYDREAM_NUM_THREADS=1), and the runtime 'numpy' does without"
    check_limits(needs, "TensorFlow", advice)


def part(name: str) -> Any:
    """Return a module that comes with TensorFlow but is not an attribute of `tensorflow` itself."""
    tensorflow()
    return importlib.import_module(name)


def find_device(wanted: str) -> str:
    """Return TensorFlow's name of the `wanted` device.

    Parameters
    ----------
    wanted : {"auto", "cpu", "gpu", "gpu:N"}
        "auto" is the first GPU where there is one, else the CPU.

    Returns
    -------
    str
        ``"CPU:0"`` or ``"GPU:N"``.

    Raises
    ------
    DeviceError
        If there is no such GPU: a requested device is never replaced silently.
    """
    match = re.fullmatch(r"auto|cpu|gpu(?::([0-9]+))?", str(wanted).lower())
    if not match:
        raise DeviceError(f"no device {wanted!r}; there are 'auto', 'cpu' and 'gpu:N' (N counts from 0)")
    kind = match.group(0).split(":")[0]
    if kind == "cpu":
        return "CPU:0"
    with quiet_stderr():  # CUDA complains where there is no driver
        gpus = len(tensorflow().config.list_physical_devices("GPU"))
    index = int(match.group(1) or 0)
    if index < gpus:
        return f"GPU:{index}"
    if kind == "auto":
        return "CPU:0"
    raise DeviceError(f"no GPU {index}: TensorFlow sees {gpus or 'none'} here; 'cpu' and 'auto' would work")


# What a driver of a GPU puts there: NVIDIA's, AMD's, and that of Windows' subsystem for Linux.
_DRIVERS = ("nvidia[0-9]*", "kfd", "dxg")


def runs_on_cpu(wanted: str) -> bool:
    """Return whether the `wanted` device is a CPU; without TensorFlow, unless it may find a GPU for "auto"."""
    kind = str(wanted).lower()
    if kind == "auto" and any(file for name in _DRIVERS for file in Path("/dev").glob(name)):
        kind = find_device(wanted)
    return kind in ("auto", "cpu", "CPU:0")
