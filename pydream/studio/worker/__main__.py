"""``python -m pydream.studio.worker FD [PIXELS]``: carry out the tasks that come through a socket, FD.

The main thread carries out one after the other. Another reads: it notes what is to stop, and ends the process at once
when the server is gone. `PIXELS` is the most that a picture may have.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import Any

import msgspec

from ...host.processes import end_first
from ..messages import HEADER, Failed, Finished, FromWorker, Message, Stop, ToWorker, packed, sizes
from .kinds import function_for
from .task import Task, in_a_line

_FIRST_TO_GO = 500  # where memory runs out, this process ends and not the server


class Worker:
    """The tasks of a process, and the socket that they come through."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._input = server.makefile("rb")
        self._sending = threading.Lock()  # previews come from a thread of their own
        self._waiting: SimpleQueue[Task[Any]] = SimpleQueue()
        self._open: dict[str, Task[Any]] = {}

    def read(self) -> None:
        """Take in what the server says, until it is gone, which ends the process."""
        try:
            while head := self._input.read(HEADER.size):
                length, more = sizes(head)
                message = msgspec.json.decode(self._input.read(length), type=ToWorker)
                self._input.read(more)
                if not isinstance(message, Stop):
                    self._add(message)
                elif (task := self._open.get(message.task)) is not None:
                    task.stopped = message
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)

    def _add(self, message: Message) -> None:
        task = self._open[message.task] = Task(message, self._send)
        self._waiting.put(task)

    def work(self) -> None:
        """Carry out one task after the other."""
        while True:
            task = self._waiting.get()
            try:
                task.check()
                answer: FromWorker = function_for(task.message)(task)
            except KeyboardInterrupt:
                answer = Finished(task=task.id, stopped=True)
            except Exception as error:
                answer = failed(task.id, error)
            del self._open[task.id]
            self._send(answer)

    def _send(self, message: FromWorker, data: bytes = b"") -> None:
        try:
            with self._sending:
                self._server.sendall(packed(message, data))
        except OSError:  # the server is gone
            os._exit(0)


def failed(task: str, error: Exception) -> Failed:
    """Return what is said of an error: one line, with the names of files for their paths."""
    from ...easy.failure import Failure

    failure = Failure.of(error)
    if not failure.known:
        traceback.print_exception(error)
    return Failed(task=task, error=in_a_line(failure.line), fault="input" if failure.known else "worker")


def main() -> None:
    """Run the process."""
    os.dup2(2, 1)  # what a library prints is no message
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is the server's, which ends this process
    end_first(_FIRST_TO_GO)
    if sys.argv[2:]:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = int(sys.argv[2])
    worker = Worker(socket.socket(fileno=int(sys.argv[1])))
    threading.Thread(target=worker.read, daemon=True).start()
    worker.work()


if __name__ == "__main__":
    main()
