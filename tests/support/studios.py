"""A studio in a process of its own, as `pydream studio` runs it, and what a script asks of it."""

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import httpx

ENDED = ("done", "stopped", "failed")


@dataclass
class Running:
    """A studio that runs."""

    address: str  # with the token
    folder: Path
    process: subprocess.Popen

    @property
    def base(self):
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def token(self):
        return re.search(r"token=([\w-]+)", self.address)[1]

    def client(self):
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60, trust_env=False)

    @cached_property
    def api(self):
        return self.client()

    @property
    def workers(self):
        """The ids of the processes that decode and dream."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(word) for file in children for word in file.read_text().split()]

    def get(self, path):
        return checked(self.api.get(f"/api/{path}"))

    def add_picture(self, file):
        return checked(self.api.post("/api/pictures", params={"name": file.name}, content=file.read_bytes()))["id"]

    def submit(self, **order):
        return checked(self.api.post("/api/jobs", json=order))["id"]

    def ended(self, job, seconds=120):
        """Wait for a job; return it."""
        return self.wait(lambda: found if (found := self.get(f"jobs/{job}"))["state"] in ENDED else None, seconds)

    def warm(self, seconds=120):
        """Wait until a dream would begin at once."""
        self.wait(lambda: self.get("studio")["worker"]["state"] == "ready", seconds)

    def wait(self, found, seconds):
        """Ask until something is found."""
        until = time.monotonic() + seconds
        while not (answer := found()):
            assert time.monotonic() < until, f"{seconds} s have passed"
            time.sleep(0.01)
        return answer

    def kill(self):
        """End the server as a power cut does, and wait until its workers have noticed."""
        workers = self.workers
        self.process.kill()
        self.process.wait()
        self.wait(lambda: not any(map(is_running, workers)), 10)


def checked(answer):
    assert answer.is_success, answer.text
    return answer.json()


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def running(folder, *options, program=("-m", "pydream"), stderr=None):
    """Start a studio, until the block ends."""
    words = [sys.executable, *program, "studio", "--no-browser", "--folder", str(folder), *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), address
        try:
            yield Running(address, folder, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
