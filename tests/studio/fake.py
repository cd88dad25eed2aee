"""A studio without workers: what the interface over HTTP is tested against, so that nothing else can be at fault."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from pydream.errors import StudioError
from pydream.studio.messages import PictureEntry

JPEG = b"\xff\xd8\xff\xd9"


class Event(NamedTuple):
    name: str
    data: bytes


class Job(NamedTuple):
    id: str
    order: object


class FakeStudio:
    """The methods of `pydream.studio.studio.Studio`, on dictionaries."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.pictures, self.orders, self.kept = {}, {}, b"{}"
        self.readers = 0
        self.events = [Event("progress", b'{"step":1}'), Event("state", b'{"state":"done"}')]
        self.endless = False
        self.started = self.closed = False

    async def start(self):
        (self.folder / "incoming").mkdir(parents=True, exist_ok=True)
        (self.folder / "pictures").mkdir(exist_ok=True)
        self.started = True

    async def close(self):
        self.closed = True

    async def add_picture(self, name, file):
        data = file.read_bytes()
        if data.startswith(b"bomb"):
            raise StudioError(f"'{name}' claims more than 1000 pixels")
        found = hashlib.sha256(data).hexdigest()
        file.rename(self.folder / "pictures" / f"{found}.png")
        (self.folder / "pictures" / f"{found}.jpg").write_bytes(JPEG)
        self.pictures[found] = PictureEntry(id=found, name=name, width=96, height=64)
        return self.pictures[found]

    def picture(self, picture):
        if picture not in self.pictures:
            raise StudioError(f"no picture {picture}", 404)
        return self.pictures[picture]

    def picture_file(self, picture, kind):
        self.picture(picture)
        return self.folder / "pictures" / f"{picture}.{kind}"

    def missing(self, entry):
        return []

    async def submit(self, order):
        job = Job(f"{len(self.orders):012x}", order)
        self.orders[job.id] = job
        return job

    def jobs(self):
        return list(self.orders.values())

    def job(self, job):
        if job not in self.orders:
            raise StudioError(f"no job {job}", 404)
        return self.orders[job]

    async def stop(self, job):
        self.job(job)

    async def delete(self, job):
        del self.orders[self.job(job).id]

    async def move(self, job, before):
        self.job(job)
        if before is not None:
            self.job(before)

    async def result_file(self, job, suffix):
        self.job(job)
        path = self.folder / f"dream.{suffix}"
        path.write_bytes(b"a result")
        return path

    async def small_file(self, job):
        return await self.result_file(job, "jpg")

    def preview(self, job):
        self.job(job)
        return JPEG

    def command(self, job):
        self.job(job)
        return "pydream dream sky.jpg"

    def python(self, job):
        self.job(job)
        return "import pydream"

    async def replay(self, file, job, picture):
        if job is not None:
            self.job(job)
        if picture is not None:
            self.picture(picture)
        return {"identical": True, "why": ""}

    async def classify(self, wanted, model):
        if wanted.job is not None:
            self.job(wanted.job)
        return {"network": wanted.network or model, "before": [], "after": None}

    async def thumbnails(self, wanted):
        return [{"name": wanted.of, "label": str(wanted.start), "key": "0" * 64, "ready": False}]

    def thumbnail_file(self, key):
        return self.folder / f"{key}.jpg"

    def page(self):
        return self.kept

    async def save_page(self, data):
        json.loads(data)
        self.kept = data

    async def subscribe(self, job):
        self.readers += 1
        try:
            for event in self.events:
                yield event
            while self.endless:
                await asyncio.sleep(0.02)
                yield Event("ping", b"{}")
        finally:
            self.readers -= 1

    def status(self):
        return {"version": "0", "worker": {"state": "ready", "line": None}}
