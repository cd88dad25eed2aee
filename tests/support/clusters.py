"""A Dask scheduler and workers as somebody starts them by hand: processes of their own, to be stopped and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PRIVATE = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")

SETTINGS = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",  # to a worker that has died
}


class Processes:
    """A scheduler, and workers that know it; all are gone at the end of the block."""

    def __init__(self, folder, workers=2, nanny=False):
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._started = []
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
        until(self._said)
        self.address = self._said()["address"]
        self.workers = [self.worker("--nanny" if nanny else "--no-nanny") for _ in range(workers)]

    def worker(self, *options, environment=None):
        """Start one more."""
        options = ("--nthreads", "1", "--memory-limit", "0", "--local-directory", str(self._folder), *options)
        return self._start("worker", self.address, *options, environment=environment)

    def _said(self):
        """What the scheduler says of itself; None while its file is not there, or not whole."""
        try:
            return json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _start(self, kind, *arguments, environment=None):
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *PRIVATE, *arguments],
            env={**os.environ, **SETTINGS, **(environment or {})},
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._started):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(true, seconds=30):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
