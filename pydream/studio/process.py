"""A worker process may end at any moment: it is started again, with one line about what happened.

It carries out one task after the other. All that is asked of it goes over one socket; when that closes, it ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from ..errors import PydreamError, printable
from ..host import processes
from ..host.signals import KILLED
from .messages import HEADER, Failed, Finished, FromWorker, Message, Progress, Stop, packed, sizes

PROGRAM = (sys.executable, "-P", "-m", "pydream.studio.worker")
STOP_SECONDS = 20.0  # for a worker to answer `Stop`,
WRITE_SECONDS = 1800.0  # or, where its steps are over, to write what is kept: a film takes minutes
END_SECONDS = 2.0  # for a worker to end when its socket is closed
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0  # before one is started that ended without a word
_TAIL = 4096  # bytes of what it wrote to stderr
_LONGEST_REASON = 300  # characters

Heard = Callable[[Message, bytes], None]
WorkerState = Literal["starting", "ready", "busy", "restarting"]
_DECODER = msgspec.json.Decoder(FromWorker)


class ProcessEndedError(PydreamError, RuntimeError):
    """A worker process ended in the middle of a task; the text says how."""


class _Asked:
    """The task that a worker works on."""

    def __init__(self, task: str, hear: Heard) -> None:
        self.task, self.hear = task, hear
        self.answer: asyncio.Future[Finished | Failed] = asyncio.get_running_loop().create_future()
        self.sent = self.stopped = self.discards = False
        self.writing = False  # whether its steps are over
        self.patience: asyncio.TimerHandle | None = None

    def settle(self, answer: Finished | Failed | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class _Child:
    """A process that lives, or did."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        errors: asyncio.StreamReader,
    ) -> None:
        self.process = process
        self.tail = b""
        self.spoke = False  # whether any message came
        self.killed: str | None = None  # why this program killed it
        self._reader, self._writer = reader, writer
        self._errors = asyncio.create_task(self._read_errors(errors))

    @classmethod
    async def of(cls, process: asyncio.subprocess.Process, ours: socket.socket, errors: int) -> _Child:
        """Take the socket and the pipe of a process that has been started."""
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer, await processes.reader_of(errors))

    async def _read_errors(self, errors: asyncio.StreamReader) -> None:
        while data := await errors.read(2**16):
            self.tail = (self.tail + data)[-_TAIL:]

    def send(self, message: Message) -> None:
        self._writer.write(packed(message))

    async def receive(self) -> tuple[Message, bytes] | None:
        """Return the next message and the bytes beside it; None where there are no more."""
        try:
            size, beside = sizes(await self._reader.readexactly(HEADER.size))
            message = _DECODER.decode(await self._reader.readexactly(size))
            return message, await self._reader.readexactly(beside)
        except (EOFError, ConnectionError):
            return None
        except (ValueError, msgspec.MsgspecError) as error:
            self.kill(f"sent nonsense ({error}) and was killed")
            return None

    def kill(self, why: str) -> None:
        self.killed = self.killed or why
        with suppress(ProcessLookupError):
            self.process.kill()

    async def end(self, ending: asyncio.Task[int]) -> None:
        """Wait for the end, which follows from that of the socket."""
        self._writer.close()
        await asyncio.wait({ending}, timeout=END_SECONDS)
        if not ending.done():
            self.kill("did not end with its socket and was killed")
            await ending
        await asyncio.wait({self._errors}, timeout=0.1)  # a process that it started may have the pipe still
        self._errors.cancel()


class WorkerProcess:
    """Keeps one worker process alive.

    Parameters
    ----------
    name : str
        What it does, for messages: ``"dreams"``.
    program : sequence of str
        The command.
    arguments : sequence of str
        What follows the number of its end of the socket.
    changed : callable
        Called when `state` or `line` may have changed.

    Attributes
    ----------
    line : str or None
        What happened last.
    fresh : bool
        Whether nothing has been asked yet of the process that runs.
    silent_ends : int
        How many ended in a row without a message.
    """

    def __init__(
        self, name: str, program: Sequence[str], arguments: Sequence[str], changed: Callable[[], None]
    ) -> None:
        self._name, self._program, self._arguments, self._changed = name, program, arguments, changed
        self.line: str | None = None
        self.fresh = True
        self.silent_ends = 0
        self._child: _Child | None = None
        self._news = asyncio.Event()  # a process has been started, or the task is to stop
        self._turn = asyncio.Lock()
        self._asked: _Asked | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def state(self) -> WorkerState:
        """Whether it can begin at once."""
        if self._child is None or not self._child.spoke:
            return "starting" if self.line is None else "restarting"
        return "ready" if self._asked is None else "busy"

    @property
    def pid(self) -> int | None:
        """The number of the process that runs."""
        return None if self._child is None else self._child.process.pid

    def start(self) -> None:
        """Start the process, and again whenever it ends."""
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End the process, in the middle of a task too."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._settle(ProcessEndedError("the studio is closed"))

    async def ask(
        self, task: Message, hear: Heard = lambda message, data: None, on_sent: Callable[[], None] = lambda: None
    ) -> Finished | Failed:
        """Have a task carried out, after those that were asked for before.

        Parameters
        ----------
        task : Message
        hear : callable
            Called with each message about it, but the last, and the bytes beside it.
        on_sent : callable
            Called when it is its turn.

        Raises
        ------
        ProcessEndedError
            The process ended; another is started.
        """
        async with self._turn:
            asked = self._asked = _Asked(task.task, hear)
            try:
                while self._child is None and not asked.stopped:
                    self._news.clear()
                    await self._news.wait()
                if self._child is None or asked.stopped:
                    return Finished(task=task.task, stopped=True)
                self.fresh, asked.sent = False, True
                self._child.send(task)
                on_sent()
                self._changed()
                return await asked.answer
            finally:
                if asked.patience is not None:
                    asked.patience.cancel()
                self._asked = None
                self._changed()

    def stop(self, task: str, discard: bool = False) -> None:
        """Have a task end within one step; a process that does not answer is killed. Any other task is let be."""
        asked, child = self._asked, self._child
        if asked is None or asked.task != task:
            return
        asked.stopped = True
        self._news.set()
        if asked.sent and child is not None:
            child.send(Stop(task=task, discard=discard))
            if asked.patience is None or (discard and not asked.discards):
                asked.discards = discard
                _be_patient(asked, child)

    def kill(self, why: str) -> None:
        """End the process that runs; `why` is the line's."""
        if self._child is not None:
            self._child.kill(why)

    def _settle(self, answer: Finished | Failed | Exception) -> None:
        if self._asked is not None and self._asked.sent:
            self._asked.settle(answer)

    async def _keep(self) -> None:
        """Start one process after the other."""
        while True:
            try:
                ended, spoke = await self._live()
            except OSError as error:
                ended, spoke = f"cannot be started: {error.strerror or error}", False
            self.silent_ends = 0 if spoke else self.silent_ends + 1
            self.line = f"the process that {self._name} {ended}; it is started again"
            self._settle(ProcessEndedError(f"the process that {self._name} {ended}"))
            self._changed()
            if not spoke:
                await asyncio.sleep(min(FIRST_PAUSE * 2 ** (self.silent_ends - 1), LONGEST_PAUSE))

    async def _live(self) -> tuple[str, bool]:
        """Start a process, hear it until it ends, and return how it did, and whether it said anything."""
        before = _killed_for_memory()
        child = await _started(self._program, self._arguments)
        hearing = asyncio.create_task(self._hear(child))
        ending = asyncio.create_task(child.process.wait())
        try:
            self._child, self.fresh = child, True
            self._news.set()
            self._changed()
            await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({hearing}, timeout=END_SECONDS)  # what it said before it ended
        finally:
            self._child = None
            hearing.cancel()
            await child.end(ending)
        return _how_it_ended(child, before), child.spoke

    async def _hear(self, child: _Child) -> None:
        """Read messages until there are no more."""
        while (found := await child.receive()) is not None:
            message, data = found
            if not child.spoke:
                child.spoke = True
                self._changed()
            asked = self._asked
            if asked is None or message.task != asked.task:
                continue  # of a task that was given up
            try:
                if isinstance(message, Finished | Failed):
                    asked.settle(message)
                    continue
                if isinstance(message, Progress) and asked.writing != (message.step >= message.steps):
                    asked.writing = not asked.writing
                    if asked.patience is not None:
                        _be_patient(asked, child)
                asked.hear(message, data)
            except Exception as error:
                asked.settle(error)


def _be_patient(asked: _Asked, child: _Child) -> None:
    """Kill a process that does not end its task in time."""
    if asked.patience is not None:
        asked.patience.cancel()
    seconds = WRITE_SECONDS if asked.writing and not asked.discards else STOP_SECONDS
    why = f"did not stop within {seconds:g} s and was killed"
    asked.patience = asyncio.get_running_loop().call_later(seconds, child.kill, why)


async def _started(program: Sequence[str], arguments: Sequence[str]) -> _Child:
    """Start a process, which finds modules where this one does, but not in the working directory."""
    places = [*filter(None, sys.path), str(Path(__file__).parents[2])]
    ours, its = socket.socketpair()
    errors, its_errors = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(  # type: ignore[misc]  # of the options that differ
            *program,
            str(its.fileno()),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=its_errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
            **processes.handing_over(its),
            **processes.apart(),  # Ctrl-C at the terminal is for the server
        )
    except BaseException:
        ours.close()
        os.close(errors)
        raise
    finally:
        its.close()
        os.close(its_errors)
    try:
        return await _Child.of(process, ours, errors)
    except BaseException:
        ours.close()
        process.kill()
        await process.wait()
        raise


def _how_it_ended(child: _Child, before: int | None) -> str:
    """Return what happened to a process that has ended, in words."""
    code, tail = child.process.returncode, child.tail.decode(errors="replace")
    lines = [line for line in map(str.strip, tail.splitlines()) if line]
    if child.killed is not None:
        return child.killed
    if code == -KILLED:
        now = _killed_for_memory()
        if now is None:
            return "was killed (SIGKILL), perhaps for want of memory"
        return "was killed (SIGKILL)" if now == before else "ran out of memory (SIGKILL)"
    how = f"was ended by {_signal_name(-code)}" if code is not None and code < 0 else f"ended with status {code}"
    return f"{how}: {printable(lines[-1][:_LONGEST_REASON])}" if lines else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return f"signal {number}"


def _killed_for_memory() -> int | None:
    """Return how many processes the kernel has killed for want of memory; None where that is not known."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None
