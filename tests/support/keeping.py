"""A studio whose workers are fakes, and what to wait for."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from pydream.studio.orders import Order
from pydream.studio.studio import Studio

FAKE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("fake_worker.py")))


def made(folder, program=FAKE):
    return Studio(folder, model="squeezenet_v1.1", memory=None, most_pixels=10**6, program=program)


@asynccontextmanager
async def opened(folder):
    studio = made(folder)
    await studio.start()
    try:
        yield studio
    finally:
        await studio.close()


def order(words="", **fields):
    return Order(kind="dream", preset=words or None, **fields)


async def until(condition, seconds=10):
    """Wait for a condition, which is a function."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.005)
        return found


async def ended(studio, *jobs):
    """Wait for jobs to end, and return them."""
    return [
        await until(lambda id=id: (job := studio.job(id)).state in ("done", "stopped", "failed") and job) for id in jobs
    ]


async def running(studio, id, step=1):
    return await until(lambda: (job := studio.job(id)).state == "running" and job.step >= step and job)


async def upload(studio, folder, content=b"a picture", name="sky.jpg"):
    file = folder / "incoming" / "upload"
    file.write_bytes(content)
    return await studio.add_picture(name, file)
