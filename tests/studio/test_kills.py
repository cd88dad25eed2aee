"""Server and worker end at any moment: nothing is lost, and the same comes out. With workers that are fakes."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.keeping import ended, made, opened, order, running, until, upload

from pydream.errors import StudioError
from pydream.studio import folder as folders
from pydream.studio import process


def text(folder, name):
    return (folder / "dreams" / f"{name}.png").read_text()


def line(studio):
    return studio.status()["worker"]["line"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Do not wait before a process is started again."""
    monkeypatch.setattr(process, "FIRST_PAUSE", 0.001)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("SIGKILL", "was killed (SIGKILL)"),
        ("SIGSEGV", "was ended by SIGSEGV: a last line, before SIGSEGV"),
        ("SIGABRT", "was ended by SIGABRT: a last line, before SIGABRT"),
        ("EXIT", "ended with status 3: a last line, before EXIT"),
    ],
)
def test_a_job_is_taken_up_again(tmp_path, end, how):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order(f"steps-6 die-{end}-at-3 until-2"))
            (job,) = await ended(studio, job.id)
            assert (job.state, job.attempts, job.step) == ("done", 3, 6)
            assert line(studio) == f"the process that dreams {how}; it is started again"
            first = int(text(tmp_path, job.name).split()[3])  # the tile is the first process's number
            assert first != studio._runner.process.pid % 1000

    asyncio.run(scenario())


def test_memory_that_ran_out_is_called_that(tmp_path, monkeypatch):
    counts = iter([5, 6, 6, 6])
    monkeypatch.setattr(process, "_killed_for_memory", lambda: next(counts, 6))

    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("die-SIGKILL-at-1 until-1"))
            await ended(studio, job.id)
            return line(studio)

    only_dreams(monkeypatch)
    assert asyncio.run(scenario()) == "the process that dreams ran out of memory (SIGKILL); it is started again"


def only_dreams(monkeypatch):
    """Start no process that decodes pictures."""
    start = process.WorkerProcess.start
    monkeypatch.setattr(process.WorkerProcess, "start", lambda self: start(self) if self._name == "dreams" else None)


def test_a_job_that_always_kills_fails_and_the_next_one_is_made(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            fatal = await studio.submit(order("steps-6 die-SIGSEGV-at-3"))
            following = await studio.submit(order())
            fatal, following = await ended(studio, fatal.id, following.id)
            assert (fatal.state, fatal.attempts, following.state) == ("failed", 5, "done")
            assert fatal.error == (
                "the process that dreams was ended by SIGSEGV: a last line, before SIGSEGV, 5 times in a row"
            )
            assert fatal.result is None

    asyncio.run(scenario())


def test_one_that_gets_further_each_time_goes_on(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("steps-12 further-1"))
            (job,) = await ended(studio, job.id)
            assert (job.state, job.attempts) == ("done", 10)

    asyncio.run(scenario())


def test_an_error_is_the_jobs_own(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("fail"))
            (job,) = await ended(studio, job.id)
            assert (job.state, job.error, job.attempts) == ("failed", "it cannot be done", 1)
            await studio.delete(job.id)

    asyncio.run(scenario())


def test_an_idle_process_that_is_killed_is_started_and_warm(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            await until(lambda: studio.status()["worker"]["state"] == "ready")
            first = studio._runner.process.pid
            os.kill(first, signal.SIGKILL)
            await until(lambda: studio._runner.process.pid not in (None, first))
            await until(lambda: studio.status()["worker"]["state"] == "ready")
            assert not studio._runner.process.fresh

    asyncio.run(scenario())


def test_a_program_that_cannot_run_does_not_make_the_studio_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LONGEST_PAUSE", 0.01)

    async def scenario():
        studio = made(tmp_path, program=(sys.executable, "-c", "print(1 / 0)"))
        await studio.start()
        try:
            job = await studio.submit(order())
            (job,) = await ended(studio, job.id)
            assert job.state == "failed"
            assert job.error == (
                "the process that dreams ended with status 1: ZeroDivisionError: division by zero, 5 times in a row"
            )
            monkeypatch.setattr(process, "FIRST_PAUSE", 10)
            monkeypatch.setattr(process, "LONGEST_PAUSE", 10)
            ends = studio._runner.process.silent_ends
            job = await studio.submit(order())
            await until(lambda: studio._runner.process.silent_ends > ends)
            began = time.monotonic()
            await studio.stop(job.id)
            await ended(studio, job.id)
            assert time.monotonic() - began < 5
        finally:
            await studio.close()

    asyncio.run(scenario())


def test_nonsense_from_a_process_ends_it(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("nonsense until-1"))
            (job,) = await ended(studio, job.id)
            assert (job.state, job.attempts) == ("done", 2)
            assert "sent nonsense (a message of 1852796531 and " in line(studio)

    asyncio.run(scenario())


def test_a_closed_studio_goes_on_where_it_was(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            entry = await upload(studio, tmp_path)
            job = await studio.submit(order("steps-60 pause-5", picture=entry.id))
            waiting = [(await studio.submit(order())).id for _ in range(2)]
            await studio.move(waiting[1], waiting[0])
            await running(studio, job.id)
            pid = studio._runner.process.pid
        await until(
            lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
        )
        assert not list((tmp_path / "dreams").iterdir())
        async with opened(tmp_path) as studio:
            assert [each.id for each in studio.jobs()] == [job.id, waiting[1], waiting[0]]
            job, *_ = await ended(studio, job.id, *waiting)
            assert (job.state, job.attempts) == ("done", 2)
            assert text(tmp_path, job.name) == f"seed {job.order.recipe['seed']} tile {pid % 1000} steps 60"

    asyncio.run(scenario())


def test_what_ran_runs_first_and_what_waits_keeps_its_order(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            first, second, third = [(await studio.submit(order("steps-500 pause-5"))).id for _ in range(3)]
            await studio.move(third, second)
            await studio.stop(first)
            await running(studio, third)
            fourth = (await studio.submit(order())).id
            await studio.move(fourth, second)
        async with opened(tmp_path) as studio:
            assert [job.id for job in studio.jobs()] == [first, third, fourth, second]

    asyncio.run(scenario())


def test_a_job_that_was_to_stop_has_stopped(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("deaf steps-500 pause-5"))
            await running(studio, job.id)
            await studio.stop(job.id)
        async with opened(tmp_path) as studio:
            assert [(each.id, each.state) for each in studio.jobs()] == [(job.id, "stopped")]
            assert not (tmp_path / "jobs" / job.id).exists()

    asyncio.run(scenario())


def test_files_that_are_no_jobs_are_left_alone(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order())
            await ended(studio, job.id)
            whole = (tmp_path / "jobs" / f"{job.id}.json").read_bytes()
        strange = {"0" * 12: b"", "1" * 12: whole[: len(whole) // 2], "2" * 12: b"[" * 10**5, "3" * 12: whole}
        for name, content in strange.items():
            (tmp_path / "jobs" / f"{name}.json").write_bytes(content)
        (tmp_path / "jobs" / "order.json").write_bytes(b"{}")
        (tmp_path / "incoming" / "half").write_bytes(b"half of an upload")
        async with opened(tmp_path) as studio:
            assert [each.id for each in studio.jobs()] == [job.id]
            assert len(studio._queue.lines) == 4
            assert f"{'0' * 12}.json' is left alone, since it cannot be read: " in line(studio)
            assert not list((tmp_path / "incoming").iterdir())
        for name, content in strange.items():
            assert (tmp_path / "jobs" / f"{name}.json").read_bytes() == content

    asyncio.run(scenario())


class PowerCutError(BaseException):
    """Nothing is written from here on."""


CUT = ("save", "save_order", "keep", "named", "remove", "remove_work")


def cut_after(monkeypatch, count):
    """Let the disk stop before or within the writing of that number; return whether it has."""
    left, cut = [count], []

    def stopping(name, original):
        def call(self, *arguments):
            if left[0] <= 0:
                cut.append(name)
                raise PowerCutError(name)
            left[0] -= 1
            return original(self, *arguments)

        return call

    def half(source, target):
        if left[0] <= 0:
            os.link(source, target)  # and is not removed
            cut.append("half")
            raise PowerCutError("half")
        move_new(source, target)

    move_new = folders.move_new
    for name in CUT:
        monkeypatch.setattr(folders.Folder, name, stopping(name, getattr(folders.Folder, name)))
    monkeypatch.setattr(folders, "move_new", half)
    return cut


def test_a_power_cut_at_any_write_loses_nothing(tmp_path, monkeypatch):
    """Four jobs, one of them replaced and one deleted; the disk stops at the first write, the second, and so on."""

    only_dreams(monkeypatch)

    async def work(studio):
        first = await studio.submit(order("steps-30 pause-2", recipe={"seed": 1}))
        await running(studio, first.id)
        second = await studio.submit(order("steps-2", recipe={"seed": 2}, replaces=first.id))
        third = await studio.submit(order("steps-2", recipe={"seed": 3}))
        gone = await studio.submit(order("steps-2", recipe={"seed": 4}))
        await studio.move(third.id, gone.id)
        await ended(studio, second.id, third.id, gone.id)
        await studio.delete(gone.id)

    async def once(folder, count):
        with monkeypatch.context() as patched:
            studio = made(folder)
            await studio.start()
            (folder / "dreams" / "noise-3.png").write_text("mine")
            cut = cut_after(patched, count)
            try:
                async with asyncio.timeout(5):
                    busy = asyncio.create_task(work(studio))
                    await until(lambda: busy.done() or cut)
            finally:
                busy.cancel()
                await asyncio.gather(busy, return_exceptions=True)
                await studio.close()
        async with opened(folder) as studio:
            assert not studio._queue.lines
            await ended(studio, *(job.id for job in studio.jobs()))
            await until(lambda: not any(path.is_dir() for path in (folder / "jobs").iterdir()))
            jobs = [job for job in studio.jobs() if job.state == "done"]
            assert all(job.state == "done" for job in studio.jobs())
            seeds = sorted(job.order.recipe["seed"] for job in jobs)
            assert len(set(seeds)) == len(seeds)
            assert not {1, 2} <= set(seeds)  # the second took the place of the first
            wanted = {"noise-3.png"}
            for job in jobs:
                path = await studio.result_file(job.id, "png")
                assert path.read_text().startswith(f"seed {job.order.recipe['seed']} ")
                assert path.read_text().endswith(f"steps {job.steps}")
                wanted.add(path.name)
            assert {path.name for path in (folder / "dreams").iterdir()} == wanted
            assert (folder / "dreams" / "noise-3.png").read_text() == "mine"
        return not cut

    count = 0
    while not asyncio.run(once(tmp_path / str(count), count)):
        count += 1
    assert 15 < count < 60


SERVER = """
import asyncio, sys
from pathlib import Path
from support.keeping import made, order

async def main():
    studio = made(Path(sys.argv[1]))
    await studio.start()
    if not studio.jobs():
        for number in range(3):
            await studio.submit(order("steps-40 pause-3", recipe={"seed": number}))
    print("up", flush=True)
    while any(job.state in ("queued", "running") for job in studio.jobs()):
        await asyncio.sleep(0.01)
    await studio.close()
    print("done", flush=True)

asyncio.run(main())
"""


def test_a_killed_server_is_started_again(tmp_path, root):
    kills, out = 0, ""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    while out != "done\n":
        with subprocess.Popen(
            [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout.readline() == "up\n"
            if kills < 1:
                time.sleep(0.2)
                server.kill()
                kills += 1
            out = server.stdout.readline()
    found = sorted(path.read_text() for path in (tmp_path / "dreams").iterdir())
    assert [each.split()[1] for each in found] == ["0", "1", "2"]
    assert all(each.endswith("steps 40") for each in found)
    assert sorted(path.name for path in (tmp_path / "dreams").iterdir()) == [f"noise-{n}.png" for n in (1, 2, 3)]


def test_any_order_of_events(tmp_path):
    """What clients may ask for at once, in any order, beside kills and a restart: all ends, and files are as listed."""
    rng, ids = random.Random(0), []
    looks = ["steps-3", "steps-20 pause-3", "steps-4 die-SIGKILL-at-2 until-1", "fail"]

    async def one(studio):
        job = rng.choice(ids) if ids else None
        asked = rng.randrange(12) if ids else 0
        with suppress(StudioError, ProcessLookupError):
            if asked < 4:
                ids.append((await studio.submit(order(rng.choice(looks), replaces=rng.choice([None, job])))).id)
            elif asked == 4:
                await studio.stop(job)
            elif asked in (5, 6):
                await studio.delete(job)
            elif asked == 7:
                await studio.move(job, rng.choice([None, *ids]))
            elif asked == 8:
                await studio.result_file(job, rng.choice(["png", "webp"]))
            elif asked == 9:
                await studio.small_file(job)
            elif asked == 10:
                await studio.replay(None, job, None)
            elif studio._runner.process.pid is not None:
                os.kill(studio._runner.process.pid, signal.SIGKILL)

    async def scenario():
        for _ in range(2):
            async with opened(tmp_path) as studio:
                asked = []
                for _ in range(60):
                    asked.append(asyncio.create_task(one(studio)))
                    await asyncio.sleep(rng.choice([0, 0, 0.005, 0.02]))
                await asyncio.wait_for(asyncio.gather(*asked), 20)
        async with opened(tmp_path) as studio:
            await until(lambda: not studio._queue.waits and studio._queue.running is None, 20)
            jobs = studio.jobs()
            assert {path.stem for path in (tmp_path / "jobs").glob("????????????.json")} == {job.id for job in jobs}
            results = {f"{job.name}.png" for job in jobs if job.result}
            assert {path.name for path in (tmp_path / "dreams").glob("*.png")} == results
            assert not list((tmp_path / "jobs").glob("*/made"))
            assert len(results) > 5

    asyncio.run(scenario())
