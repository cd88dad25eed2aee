"""Pictures go in, jobs wait and run, results are kept: with workers that are fakes."""

import asyncio
import errno
import json
import os
import time
from pathlib import Path

import pytest
from support.keeping import ended, made, opened, order, running, until, upload

from pydream.errors import BusyError, StudioError, UnknownNameError
from pydream.reads import kept_apart
from pydream.studio import process, queue
from pydream.studio.messages import Warm
from pydream.studio.orders import ClassesWanted, Network, Order, ThumbnailsWanted
from pydream.zoo import registry


def in_studio(scenario):
    """Run a test in a studio of its own."""

    def test(tmp_path):
        async def run():
            async with opened(tmp_path) as studio:
                await scenario(studio, tmp_path)

        asyncio.run(run())

    test.__name__ = scenario.__name__
    return test


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def text(folder, name):
    return (folder / "dreams" / f"{name}.png").read_text()


@in_studio
async def test_a_job_runs_shows_itself_and_leaves_a_file(studio, folder):
    entry = await upload(studio, folder)
    assert not list((folder / "incoming").iterdir())
    job = await studio.submit(order("steps-5 pause-60", picture=entry.id))
    assert (job.state, job.name, job.number) == ("queued", "sky-1", 1)
    events = [event async for event in studio.subscribe(job.id)]
    names = [event.name for event in events]
    assert names[0] == names[-1] == "state"
    assert {"progress", "preview"} <= set(names)
    last = json.loads(events[-1].data)
    assert last["job"] == last["id"] == job.id
    assert last["state"] == "done"
    assert last["result"]["files"] == {"png": f"/api/jobs/{job.id}/result.png"}
    path = await studio.result_file(job.id, "png")
    assert path == folder / "dreams" / "sky-1.png"
    assert path.read_text() == f"seed {job.order.recipe['seed']} tile {path.read_text().split()[3]} steps 5"
    assert (studio.command(job.id), studio.python(job.id)) == ("pydream dream", "import pydream")
    assert [each.state for each in studio.jobs()] == ["done"]
    assert not (folder / "jobs" / job.id).exists()


@in_studio
async def test_the_last_preview_is_there_as_long_as_the_job_runs(studio, folder):
    job = await studio.submit(order("steps-400 pause-5"))
    await running(studio, job.id, 2)
    assert studio.preview(job.id).startswith(b"jpeg ")
    first = [await anext(events) for events in [studio.subscribe(None)] for _ in range(3)]
    assert [event.name for event in first] == ["jobs", "progress", "preview"]  # to a page that comes later
    await studio.stop(job.id)
    await ended(studio, job.id)
    with pytest.raises(StudioError, match="no preview"):
        studio.preview(job.id)


@in_studio
async def test_stop_keeps_what_there_is(studio, folder):
    job = await studio.submit(order("steps-1000 pause-5"))
    await running(studio, job.id, 3)
    await studio.stop(job.id)
    (job,) = await ended(studio, job.id)
    assert job.state == "stopped"
    assert 3 <= job.result.stopped_after < 100
    assert text(folder, job.name).endswith(f"steps {job.result.stopped_after}")
    await studio.stop(job.id)  # nothing
    assert studio.job(job.id) == job


@in_studio
async def test_stop_before_it_begins_leaves_nothing(studio, folder):
    first = await studio.submit(order("steps-1000 pause-5"))
    second = await studio.submit(order())
    await studio.stop(second.id)
    assert studio.job(second.id).state == "stopped"
    await studio.stop(first.id)  # perhaps before its process is there
    stopped, waiting = await ended(studio, first.id, second.id)
    assert (stopped.state, waiting.state, waiting.result) == ("stopped", "stopped", None)
    assert waiting.attempts == 0


def test_a_process_that_does_not_stop_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)

    async def scenario():
        async with opened(tmp_path) as studio:
            job = await studio.submit(order("deaf steps-5000 pause-10"))
            after = await studio.submit(order())
            await running(studio, job.id)
            await studio.stop(job.id)
            job, after = await ended(studio, job.id, after.id)
            assert (job.state, job.result, after.state) == ("stopped", None, "done")
            line = studio.status()["worker"]["line"]
            assert line == "the process that dreams did not stop within 0.2 s and was killed; it is started again"

    asyncio.run(scenario())


@in_studio
async def test_the_order_of_those_that_wait_can_be_changed(studio, folder):
    first = await studio.submit(order("steps-1000 pause-5"))
    a, b, c = [(await studio.submit(order())).id for _ in range(3)]
    await running(studio, first.id)

    def waiting():
        return [job.id for job in studio.jobs() if job.state == "queued"]

    await studio.move(c, a)
    assert waiting() == [c, a, b]
    await studio.move(c, c)
    await studio.move(a, None)
    assert waiting() == [c, b, a]
    assert json.loads((folder / "jobs" / "order.json").read_text()) == [c, b, a]
    with pytest.raises(StudioError, match="job 1 does not wait any more"):
        await studio.move(first.id, a)
    with pytest.raises(StudioError, match="no job 'abc'"):
        await studio.move(a, "abc")
    await studio.stop(first.id)
    await ended(studio, a, b, c)
    assert [job.number for job in studio.jobs()] == [1, 4, 3, 2]


@in_studio
async def test_an_order_takes_the_place_of_the_one_that_it_replaces(studio, folder):
    first = await studio.submit(order("steps-1000 pause-5"))
    last = await studio.submit(order())
    await running(studio, first.id)
    second = await studio.submit(order("steps-1000 pause-5", replaces=first.id))
    late = await studio.submit(order("steps-900 pause-5", replaces=first.id))  # the page knew of the first only
    third = await studio.submit(order("steps-20 pause-10", replaces=late.id))
    assert third.order.replaces is None  # what is asked for again replaces nothing
    assert [job.id for job in studio.jobs() if not job.result] == [third.id, last.id]
    third, last = await ended(studio, third.id, last.id)
    assert [job.id for job in studio.jobs()] == [third.id, last.id]
    for gone in (first, second, late):
        with pytest.raises(StudioError, match="no job"):
            studio.job(gone.id)
    assert [name for name in files(folder) if name.startswith("dreams/")] == [f"dreams/noise-{n}.png" for n in (2, 5)]
    again = await studio.submit(order(replaces=third.id))  # that has ended: its result stays
    await ended(studio, again.id)
    assert len(studio.jobs()) == 3


@in_studio
async def test_an_order_that_is_written_is_carried_out_though_the_disk_is_full_then(studio, folder):
    first = await studio.submit(order("steps-1000 pause-5"))
    await running(studio, first.id)
    save, saved = studio._folder.save, []

    def fill(job, data):
        saved.append(job)
        if len(saved) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(job, data)

    studio._folder.save = fill
    studio._folder.save_order = lambda jobs: fill("order", b"")
    second = await studio.submit(order(replaces=first.id))
    assert [job.id for job in studio.jobs()] == [second.id]
    studio._folder.save = save
    (second,) = await ended(studio, second.id)
    assert second.state == "done"
    with pytest.raises(StudioError, match="no job"):
        studio.job(first.id)


@in_studio
async def test_what_goes_is_what_the_job_wrote(studio, folder):
    mine = folder / "dreams" / "mine.png"
    mine.write_text("mine")
    entry = await upload(studio, folder)
    jobs = [(await studio.submit(order(picture=entry.id))).id for _ in range(3)]
    await ended(studio, *jobs)
    await studio.small_file(jobs[0])
    await studio.result_file(jobs[0], "webp")
    (folder / "dreams" / "sky-2.png").write_text("edited")
    before = files(folder)
    for job in jobs[:2]:
        await studio.delete(job)
    gone = set(before) - set(files(folder))
    assert (
        gone
        == {
            *(f"jobs/{job}.json" for job in jobs[:2]),
            *(f"jobs/{jobs[0]}/{name}" for name in ("small.jpg", "sky-1.webp")),
            "dreams/sky-1.png",
        }
        | {"dreams/sky-1.png.count"} & gone
    )
    assert text(folder, "sky-2") == "edited"
    assert [job.id for job in studio.jobs()] == jobs[2:]
    with pytest.raises(StudioError, match="no job") as caught:
        await studio.delete(jobs[0])
    assert caught.value.status == 404


@in_studio
async def test_a_running_job_is_deleted_with_all_that_it_made(studio, folder):
    job = await studio.submit(order("steps-1000 pause-5"))
    await running(studio, job.id)
    events = studio.subscribe(job.id)
    await anext(events)
    await studio.delete(job.id)
    assert studio.jobs() == []
    assert "state" not in [event.name async for event in events]  # the stream ends
    await until(lambda: not [name for name in files(folder) if name.startswith(("jobs/", "dreams/"))])


@in_studio
async def test_no_file_that_is_there_is_written_over(studio, folder):
    (folder / "dreams" / "noise-1.png").write_text("mine")
    first = await studio.submit(order("steps-200 pause-5"))
    await running(studio, first.id)
    second = await studio.submit(order())
    (folder / "dreams" / "noise-1.2.png").write_text("mine too")  # while it runs
    await studio.stop(first.id)
    await ended(studio, first.id, second.id)
    assert (text(folder, "noise-1"), text(folder, "noise-1.2")) == ("mine", "mine too")
    assert text(folder, "noise-1.3").startswith("seed ")
    assert (await studio.result_file(first.id, "png")).name == "noise-1.3.png"


@in_studio
async def test_a_name_that_is_taken_at_the_last_moment(studio, folder):
    keep, calls = studio._folder.keep, []

    def late(record):
        if not calls:
            (folder / "dreams" / "noise-1.png").write_text("mine")
        calls.append(record.id)
        keep(record)

    studio._folder.keep = late
    job = await studio.submit(order())
    (job,) = await ended(studio, job.id)
    assert (text(folder, "noise-1"), text(folder, "noise-1.2")[:4], len(calls)) == ("mine", "seed", 2)


@in_studio
async def test_another_kind_of_file_is_made_once(studio, folder):
    job = await studio.submit(order())
    with pytest.raises(StudioError, match="no result yet"):
        await studio.result_file(job.id, "png")
    await ended(studio, job.id)
    with pytest.raises(StudioError, match="is a picture, and no film") as caught:
        await studio.result_file(job.id, "mp4")
    assert caught.value.status == 404
    assert not (folder / "jobs" / job.id).exists()
    found = {*await asyncio.gather(*(studio.result_file(job.id, "webp") for _ in range(5)))}
    assert found == {folder / "jobs" / job.id / "noise-1.webp"}
    assert (await studio.small_file(job.id)).read_text().startswith("320 of seed")
    assert (folder / "dreams" / "noise-1.png.count").read_text() == "xx"
    (folder / "dreams" / "noise-1.png").unlink()
    with pytest.raises(StudioError, match=r"'noise-1.png' is not in '.*' any more") as caught:
        await studio.result_file(job.id, "jpg")
    assert caught.value.status == 404


@in_studio
async def test_a_job_that_goes_while_its_result_is_encoded_leaves_nothing(studio, folder):
    job = await studio.submit(order())
    await ended(studio, job.id)
    ask = studio._pictures.ask

    async def late(task, **more):
        answer = await ask(task, **more)
        content = (folder / "jobs" / job.id / "small.jpg").read_bytes()
        await studio.delete(job.id)
        (folder / "jobs" / job.id).mkdir()  # as when the file got its name while the folder was being emptied
        (folder / "jobs" / job.id / "small.jpg").write_bytes(content)
        return answer

    studio._pictures.ask = late
    await studio.small_file(job.id)
    assert not (folder / "jobs" / job.id).exists()


@in_studio
async def test_a_picture_that_cannot_be_read_touches_nothing_else(studio, folder):
    job = await studio.submit(order("steps-200 pause-5"))
    await running(studio, job.id)
    with pytest.raises(StudioError, match="it is no picture"):
        await upload(studio, folder, b"text")
    with pytest.raises(StudioError) as caught:
        await upload(studio, folder, b"bomb", "bomb.png")
    assert str(caught.value) == "'bomb.png' cannot be read: the process that decodes pictures was killed (SIGKILL)"
    assert caught.value.status == 422
    assert not list((folder / "incoming").iterdir())
    entry = await upload(studio, folder)
    assert studio.picture(entry.id) == entry
    assert studio.picture_file(entry.id, "png").read_bytes() == b"a picture"
    assert studio.picture_file(entry.id, "jpg").read_bytes() == b"jpeg"
    with pytest.raises(StudioError, match=r"'sky.jpg' is a picture"):
        studio.picture_file(entry.id, "film")
    assert studio.job(job.id).attempts == 1
    await studio.stop(job.id)


@in_studio
async def test_an_answer_goes_to_the_one_that_asked(studio, folder):
    given_up = asyncio.create_task(upload(studio, folder, b"slow", "slow.jpg"))
    await until(lambda: studio._pictures._asked and studio._pictures._asked.sent)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert (await upload(studio, folder)).name == "sky.jpg"


@in_studio
async def test_what_cannot_be_carried_out_is_said_at_once(studio, folder):
    film = await upload(studio, folder, b"film", "clip.mp4")
    picture = await upload(studio, folder)
    for asked, line in (
        (order(picture="0" * 64), "no picture"),
        (order(picture=film.id), "'clip.mp4' is a film"),
        (order(picture=picture.id, mask=film.id), "mask: 'clip.mp4' is a film"),
        (Order(kind="film", picture=picture.id), "'sky.jpg' is a picture"),
        (Order(kind="film"), "send one"),
        (order(recipe={"end": "x" * 200_000}), "longer than 65536 bytes"),
    ):
        with pytest.raises(StudioError, match=line):
            await studio.submit(asked)
    assert studio.jobs() == []
    job = await studio.submit(order(recipe={"octave_n": "auto", "seed": 7}))
    await ended(studio, job.id)
    assert text(folder, "noise-1").startswith("seed 7 ")  # drawn only where there is none
    job = await studio.submit(order(recipe={"octave_n": None, "seed": None}))  # as left out
    assert job.order.recipe.keys() == {"seed"}
    assert isinstance(job.order.recipe["seed"], int)


def test_so_many_wait_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(queue, "MOST_WAITING", 3)

    async def scenario():
        async with opened(tmp_path) as studio:
            first = await studio.submit(order("steps-1000 pause-5"))
            await running(studio, first.id)
            for _ in range(3):
                await studio.submit(order())
            with pytest.raises(StudioError, match="3 jobs wait already") as caught:
                await studio.submit(order())
            assert caught.value.status == 429

    asyncio.run(scenario())


def test_the_list_and_the_memory_end_somewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(queue, "LISTED", 5)

    async def scenario():
        async with opened(tmp_path) as studio:
            ids = [(await studio.submit(order("steps-1 pause-0"))).id for _ in range(12)]
            await until(lambda: [job.state for job in studio.jobs()] == ["done"] * 5)
            assert [job.id for job in studio.jobs()] == ids[-5:]
            assert studio.job(ids[0]).state == "done"  # on the disk
            await studio.delete(ids[0])
        async with opened(tmp_path) as studio:
            assert [job.id for job in studio.jobs()] == ids[-5:]
            assert (await studio.submit(order())).number == 13
            with pytest.raises(StudioError):
                studio.job(ids[0])

    asyncio.run(scenario())


@in_studio
async def test_a_picture_is_made_again_before_the_jobs_that_wait(studio, folder):
    entry = await upload(studio, folder)
    job = await studio.submit(order())
    await ended(studio, job.id)
    assert await studio.replay(None, job.id, None) == {"identical": True, "why": "noise-1.png"}
    assert (await studio.replay(None, None, entry.id))["why"] == f"{entry.id}.png"
    jobs = [(await studio.submit(order("steps-20 pause-5"))).id for _ in range(2)]
    asked = asyncio.create_task(studio.replay(folder / "incoming" / "sent.png", None, None))
    await ended(studio, jobs[0])
    assert (await asked)["why"] == "sent.png"
    assert studio.job(jobs[1]).state != "done"


@in_studio
async def test_a_picture_is_shown_to_a_network_before_the_jobs_that_wait(studio, folder):
    entry = await upload(studio, folder)
    job = await studio.submit(order(picture=entry.id))
    await ended(studio, job.id)
    seen = await studio.classify(ClassesWanted(job=job.id), "other")
    (before,), (after,) = seen["before"], seen["after"]
    assert Path(before).name == f"{entry.id}.png"
    assert Path(after).parent == folder / "dreams"
    seen = await studio.classify(ClassesWanted(picture=entry.id), "other")
    assert seen == {"network": "other", "before": [before], "after": [None]}
    named = await studio.classify(ClassesWanted(picture=entry.id, network="named"), "other")
    assert named["network"] == "named"
    loop = await studio.submit(Order(kind="zoom"))
    await ended(studio, loop.id)
    for wanted, said in (
        (ClassesWanted(), "either a job or a picture"),
        (ClassesWanted(job=loop.id), "no single picture"),
        (ClassesWanted(picture="0" * 64), "there is no picture"),
    ):
        with pytest.raises(StudioError, match=said):
            await studio.classify(wanted, "other")


@in_studio
async def test_replays_whose_clients_are_gone_do_not_count(studio, folder):
    job = await studio.submit(order("steps-1000 pause-5"))
    await running(studio, job.id)
    for _ in range(2):
        asked = [asyncio.create_task(studio.replay(folder / f"{number}.png", None, None)) for number in range(8)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in asked)
        with pytest.raises(StudioError, match="8 questions wait already"):
            await studio.replay(folder / "late.png", None, None)
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    await studio.stop(job.id)


@in_studio
async def test_small_dreams_give_way_and_go_on(studio, folder):
    wanted = ThumbnailsWanted(network="squeezenet_v1.1", of="layers", start=1, count=6)
    events = studio.subscribe(None)
    items = await studio.thumbnails(wanted)
    assert len(items) == 6
    assert {"name", "label", "key", "ready", "error"} == items[0].keys()
    assert not any(item["ready"] for item in items)
    keys = []
    async for event in events:
        if event.name == "thumbnail":
            keys.append(json.loads(event.data)["key"])
            if len(keys) == 1:
                job = await studio.submit(order())
                await ended(studio, job.id)
                made_before = sum(studio._thumbnails.file(item["key"]).exists() for item in items)
            if len(keys) == 6:
                break
    assert made_before < 6  # within a step of the click
    assert keys == [item["key"] for item in items]
    assert all(item["ready"] for item in await studio.thumbnails(wanted))
    assert studio.thumbnail_file(keys[0]).read_text() == "small"
    channels = await studio.thumbnails(
        ThumbnailsWanted(network="squeezenet_v1.1", of="channels", layer=items[0]["name"], count=2)
    )
    assert [item["name"] for item in channels] == [f"{items[0]['name']}:{number}" for number in (0, 1)]
    looks = await studio.thumbnails(ThumbnailsWanted(network="squeezenet_v1.1", of="presets"))
    assert {"name": looks[0]["name"], "ready": False}.items() <= looks[0].items()
    with pytest.raises(StudioError, match="no layer 'x'"):
        await studio.thumbnails(ThumbnailsWanted(network="squeezenet_v1.1", of="channels", layer="x"))
    with pytest.raises(UnknownNameError):
        await studio.thumbnails(ThumbnailsWanted(network="/etc/passwd", of="layers"))


@in_studio
async def test_the_network_of_the_last_dream_is_loaded_again_after_small_ones_of_others(studio, folder):
    ask, asked = studio._runner.process.ask, []

    def noting(task, *more):
        asked.append(task)
        return ask(task, *more)

    studio._runner.process.ask = noting

    def warmed():
        return [task.network.name for task in asked if isinstance(task, Warm)]

    async def idle():
        await until(lambda: studio._runner.process.state == "ready" and studio._thumbnails.take() is None)

    await until(lambda: studio._runner.process.state == "ready")
    before = len(warmed())
    await studio.thumbnails(ThumbnailsWanted(network="squeezenet_v1.1", of="layers", count=2))
    await idle()
    assert len(warmed()) == before  # it is the network that is loaded
    studio._thumbnails.want([("exact", "", order(network=Network(name="squeezenet_v1.1", dtype="float64")))])
    studio._runner.wake()
    await until(lambda: warmed()[before:] == ["squeezenet_v1.1"])
    await idle()
    assert isinstance(asked[-1], Warm)
    job = await studio.submit(order(network=Network(name="bvlc_googlenet")))
    await ended(studio, job.id)
    await studio.replay(None, job.id, None)
    await until(lambda: warmed()[before:] == ["squeezenet_v1.1", "bvlc_googlenet"])


@in_studio
async def test_what_was_asked_for_last_is_made_first(studio, folder):
    a, b, c = [(name, name, order(name)) for name in "abc"]
    studio._thumbnails.want([a, b, c])
    studio._thumbnails.want([c])
    assert [item.order.preset for item in studio._thumbnails.take().items] == ["c", "a", "b"]


def test_small_dreams_of_a_network_that_comes_later(tmp_path, monkeypatch):
    wanted = ThumbnailsWanted(network="squeezenet_v1.1", of="layers", count=2)
    find = registry.find_weights

    async def scenario():
        async with opened(tmp_path) as studio:
            monkeypatch.setattr(registry, "find_weights", lambda entry: None)
            line = "the weights of squeezenet_v1.1 are not here; `pydream models fetch squeezenet_v1.1` gets them"
            assert [item["error"] for item in await studio.thumbnails(wanted)] == [line] * 2
            assert studio._thumbnails.take() is None
            monkeypatch.setattr(registry, "find_weights", find)  # they have been fetched
            assert [item["error"] for item in await studio.thumbnails(wanted)] == [None] * 2
            await until(lambda: studio._thumbnails.take() is None)
            assert all(item["ready"] for item in await studio.thumbnails(wanted))

    asyncio.run(scenario())


@in_studio
async def test_a_small_dream_that_kills_is_given_up(studio, folder):
    named = [(name, name, order(words, recipe={"seed": 0})) for name, words in (("a", ""), ("b", "die"), ("c", "x"))]
    items = studio._thumbnails.want(named)
    studio._runner.wake()
    await until(lambda: studio._thumbnails.file(items[2]["key"]).exists())
    again = studio._thumbnails.want(named)
    assert [item["ready"] for item in again] == [True, False, True]
    assert "was ended by SIGSEGV: a last line, before SIGSEGV" in again[1]["error"]


@in_studio
async def test_the_pages_last_state_is_kept_or_it_is_said_why_not(studio, folder):
    save = studio._folder.save_page

    def slow(data):  # the first is slow, and a later one is no quicker
        if data == b'{"n": 0}':
            time.sleep(0.1)
        save(data)

    studio._folder.save_page = slow
    await asyncio.gather(*(studio.save_page(b'{"n": %d}' % number) for number in range(4)))
    assert studio.page() == b'{"n": 3}'
    (folder / "page.json").unlink()
    (folder / "page.json").mkdir()
    with pytest.raises(StudioError, match=r"cannot write to '.*'") as caught:
        await studio.save_page(b"{}")
    assert caught.value.status == 507


def test_a_folder_has_one_studio(tmp_path):
    async def scenario():
        async with opened(tmp_path):
            with pytest.raises(BusyError, match=r"another run .* writes .*: wait for it, or choose another place"):
                await made(tmp_path).start()
        async with opened(tmp_path) as studio:
            await studio.save_page(b'{"a": 1}')
        async with opened(tmp_path) as studio:
            assert studio.page() == b'{"a": 1}'
            await studio.save_page(b'{"a": 2}')  # what it reads of its own it writes again

    with kept_apart():  # as the command does
        asyncio.run(scenario())


@in_studio
async def test_an_error_outside_jobs_does_not_end_them(studio, folder):
    """As small dreams whose names cannot be read: it is said, and what waits is carried out."""

    def broken():
        raise OSError("no small dreams")

    studio._runner._thumbnails.take = broken
    studio._runner.wake()
    await until(lambda: studio.status()["worker"]["line"] == "no small dreams")
    job = await studio.submit(order())
    (job,) = await ended(studio, job.id)
    assert job.state == "done"
