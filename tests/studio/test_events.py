"""Any number of readers, each with the latest and no backlog."""

import asyncio
import gc
import json
from itertools import pairwise

from pydream.studio import events
from pydream.studio.events import JOBS, Hub, event

NOTHING = ([], False)


async def reading(hub, job=None, stands=NOTHING):
    """Read in the background into a list, which is returned with the task."""
    found = []

    async def read():
        async for each in hub.read(job, lambda: stands):
            found.append((each, asyncio.get_running_loop().time()))

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    return found, task


def preview(number):
    return event("preview", job="a", number=number)


def test_each_gets_five_a_second_the_latest_and_the_same_bytes():
    async def scenario():
        hub = Hub()
        both = [await reading(hub) for _ in range(2)]
        for number in range(60):
            hub.publish_paced(preview(number), "a")
            hub.publish_paced(event("progress", job="a", step=number), "a")
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.25)
        hub.close()
        await asyncio.gather(*(task for _, task in both))
        return [found for found, _ in both]

    first, second = asyncio.run(scenario())
    shown = [(json.loads(each.data)["number"], when) for each, when in first if each.name == "preview"]
    assert len(shown) >= 3
    assert shown[0][0] == 0  # at once
    assert shown[-1][0] == 59
    assert all(later - earlier > 0.19 for (_, earlier), (_, later) in pairwise(shown))
    pictures = {id(each) for found in (first, second) for each, _ in found if each.name == "preview"}
    assert len(pictures) <= len(shown) + 1  # encoded once


def test_many_share_what_there_is():
    async def scenario():
        hub = Hub()
        readers = [await reading(hub) for _ in range(100)]
        for number in range(30):
            hub.publish_paced(preview(number), "a")
            await asyncio.sleep(0.01)
        hub.close()
        await asyncio.gather(*(task for _, task in readers))
        return sum(len(found) for found, _ in readers)

    assert asyncio.run(scenario()) == 100  # the first picture each; the next would come after 2.5 s


def test_a_slow_reader_gets_the_latest_only():
    async def scenario():
        hub = Hub()
        reader = hub.read(None, lambda: ([JOBS], False))
        await anext(reader)
        for number in range(500):
            hub.publish(event("state", job="a", number=number), "a", key="a")
            hub.publish(event("state", job="b", number=number), "b", key="b")
            hub.publish_paced(preview(number), "a")
        found = [await anext(reader) for _ in range(3)]
        assert [json.loads(each.data)["number"] for each in found] == [499] * 3
        for number in range(events.MOST_WAITING + 2):
            hub.publish(event("thumbnail", key=number), key=number)
        found = [await anext(reader) for _ in range(2)]
        assert found[0] == JOBS  # read all of it again
        await reader.aclose()
        assert len(hub) == 0

    asyncio.run(scenario())


def test_the_end_of_a_job_comes_last_and_ends_its_streams():
    async def scenario():
        hub = Hub()
        (own, own_task), (other, other_task), (every, every_task) = [
            await reading(hub, job) for job in ("a", "b", None)
        ]
        hub.publish_paced(preview(1), "a")
        await asyncio.sleep(0.01)
        hub.publish_paced(preview(2), "a")
        hub.publish(event("state", job="a"), "a", key="a")
        hub.end_job("a")
        await asyncio.wait_for(own_task, 1)
        await asyncio.sleep(0.25)
        hub.close()
        await asyncio.gather(other_task, every_task)
        assert [each.name for each, _ in own] == [each.name for each, _ in every] == ["preview", "state"]
        assert other == []
        ended, task = await reading(hub, "a", ([JOBS], True))
        await asyncio.wait_for(task, 1)
        assert [each for each, _ in ended] == [JOBS]

    asyncio.run(scenario())


def test_a_quiet_stream_shows_that_it_is_open(monkeypatch):
    monkeypatch.setattr(events, "PING", 0.05)

    async def scenario():
        hub = Hub()
        found, task = await reading(hub)
        while len(found) < 2:
            await asyncio.sleep(0.001)
        hub.close()
        await task
        assert [each.name for each, _ in found] == ["ping", "ping"]

    asyncio.run(scenario())


def test_a_thousand_readers_that_come_and_go_leave_nothing():
    async def scenario():
        hub = Hub()
        for _ in range(20):
            tasks = [(await reading(hub))[1] for _ in range(50)]
            assert len(hub) == 50
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert len(hub) == 0
        gc.collect()
        assert len(asyncio.all_tasks()) == 1
        assert sum(isinstance(each, events._Reader) for each in gc.get_objects()) <= 50  # of the last round's errors

    asyncio.run(scenario())
