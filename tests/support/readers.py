"""Readers of Keras files without an import of TensorFlow each: a process that has imported it forks one for each file.

A reader is what it is in use: a process with the limits of one, which may abort, hang or answer nonsense.

    monkeypatch.setattr(apart, "start", Readers().start)
"""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

PYDREAM = Path(__file__).parents[2]


class Readers:
    """The process that forks; it is started at the first file."""

    def __init__(self):
        self._server = None

    def start(self, file, answer, program=False):
        """Take the place of `pydream.formats.keras.apart.start`; a program of Python is run in place of Keras."""
        if self._server is None or self._server.poll() is not None:
            self._server = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(PYDREAM), "CUDA_VISIBLE_DEVICES": "-1"},
                bufsize=0,
            )
        place = f"/proc/{os.getpid()}/fd/{answer.fileno()}"
        order = {"file": str(file), "folder": os.getcwd(), "answer": place, "program": program}
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        return Reader(self._server)

    def close(self):
        if self._server is not None:
            self._server.kill()
            self._server.wait()


class Reader:
    """As much of a `subprocess.Popen` as is used."""

    def __init__(self, server):
        self._server = server
        self.pid = int(server.stdout.readline())
        self.returncode = None

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._server.stdout], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("reader", timeout)
            self.returncode = int(self._server.stdout.readline())
        return self.returncode

    def kill(self):
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def serve():
    from pydream import forks
    from pydream.formats.keras import reader
    from pydream.runtime.on_tensorflow.door import part

    part("keras")
    for line in sys.stdin:
        order = json.loads(line)
        answer = os.open(order["answer"], os.O_WRONLY)  # now: later that descriptor may be another file's
        pid = os.fork()
        if not pid:
            forks._lost.clear()  # TensorFlow is imported, but has run nothing yet and has no threads
            try:
                os.chdir(order["folder"])
                if order["program"]:
                    reader.read_keras = lambda file: exec(file.read_text())
                os.dup2(answer, 1)
                reader.main(os.getppid(), Path(order["file"]))
            finally:
                os._exit(1)
        os.close(answer)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
