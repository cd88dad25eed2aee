"""A rival in a process of its own, where libraries cannot share one: two of OpenMP's runtimes, say.

The parent sends a message and waits for the reply, so contestants still take turns, in one run on one machine. A
message is a name and its values; the reply is "ok" and a value, "not here" and a reason, or "wrong" and an error.

============= ============================================== ==================================
message       what the child does                            reply
============= ============================================== ==================================
make          prepare the rival ``maker`` for a `Task`       (its layout, what it is)
image         keep an image                                  its number
run           compute that image's gradient, keep it         seconds of processor time so far
result        nothing                                        the gradient
============= ============================================== ==================================
"""

import gc
import os
import pickle
import subprocess
import sys
import tempfile
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from pydream.bench.whole import reason
from pydream.errors import BenchError
from pydream.system import uncollected

from .task import NotHere

# benchmarks/ goes last: its profile.py is not the one that the standard library imports.
_PROGRAM = "import sys; sys.path.append({folder!r}); from rivals.child import serve; serve({handle})"


class Apart:
    """A rival in a process of its own, with the face of `Passes` that contests use.

    Parameters
    ----------
    name : str
    maker : str
        ``module:function``; the function takes a `Task` and returns `Passes`.
    task : Task
    environment : mapping of str to str
        What its library reads when it is loaded.

    Raises
    ------
    NotHere
        Where the library or one of the network's layers is missing.
    """

    dtype = "float32"

    def __init__(self, name, maker, task, environment):
        self.name = name
        self.firsts = []  # seconds of the first call of each image, which compiles what is compiled
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._pipe, theirs = Pipe()
        handle = theirs.fileno()
        root = Path(__file__).resolve().parents[2]
        path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
        program = _PROGRAM.format(folder=str(root / "benchmarks"), handle=handle)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            env=os.environ | environment | {"PYTHONPATH": path},
            pass_fds=[handle],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
        )
        theirs.close()
        try:
            self.channels_last, self._about = self.ask("make", maker, task)
        except BaseException:
            self.close()
            raise

    @property
    def about(self):
        """What it is, and how long its first call took at most."""
        return f"{self._about}, at most {max(self.firsts, default=0):.1f} s for the first call of a size"

    def ask(self, *message):
        """Send a message, and return the reply's value."""
        try:
            self._pipe.send(message)
            kind, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise BenchError(f"{self.name}: its process failed: {self._last_words()}") from error
        if kind == "not here":
            raise NotHere(value)
        if kind == "wrong":
            raise BenchError(f"{self.name}: {value}")
        return value

    def _last_words(self):
        code = self._process.wait()
        self._errors.seek(0)
        return reason(code, self._errors.read().decode(errors="replace"))

    def way(self, image):
        """Return the function to time, for a (3, h, w) image."""
        tensor = np.ascontiguousarray(image.transpose(1, 2, 0) if self.channels_last else image)[np.newaxis]
        return _Turn(self, self.ask("image", tensor))

    def close(self):
        """End the process."""
        self._pipe.close()
        self._process.wait()
        self._errors.close()


class _Turn:
    """The rival's turn: a call computes the gradient of one image, and leaves it where it is."""

    def __init__(self, rival, image):
        self._rival, self._image, self._busy = rival, image, None

    def __call__(self):
        began = perf_counter()
        busy = self._rival.ask("run", self._image)
        if self._busy is None:
            self._rival.firsts.append(perf_counter() - began)
        self._busy = busy
        return _Result(self._rival)

    def busy(self):
        """Return the processor time of its turns so far."""
        return self._busy or 0.0


class _Result:
    """A gradient in another process, until somebody reads it; (1, 3, h, w)."""

    def __init__(self, rival):
        self._rival = rival

    def __array__(self, dtype=None, copy=None):
        found = self._rival.ask("result")
        return np.asarray(found.transpose(0, 3, 1, 2) if self._rival.channels_last else found, dtype)


def serve(handle):
    """Do what the parent says, until it closes the pipe."""
    pipe = Connection(handle)
    images, made, found, busy = [], None, None, 0.0
    with uncollected():
        while True:
            try:
                name, *values = pipe.recv()
            except (EOFError, KeyboardInterrupt):
                return
            try:
                if name == "make":
                    made = _made(*values)
                    answer = made.channels_last, made.about
                    gc.freeze()
                elif name == "image":
                    images.append(values[0])
                    answer = len(images) - 1
                elif name == "run":
                    began = process_time()
                    found = made.gradient(images[values[0]])
                    busy += process_time() - began
                    answer = busy
                else:
                    answer = found
                reply = "ok", answer
            except NotHere as error:
                reply = "not here", str(error)
            except Exception as error:  # of a library, of any kind: the parent has the other contestants
                reply = "wrong", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            pipe.send_bytes(pickle.dumps(reply, pickle.HIGHEST_PROTOCOL))


def _made(maker, task):
    module, _, function = maker.partition(":")
    return getattr(import_module(module), function)(task)
