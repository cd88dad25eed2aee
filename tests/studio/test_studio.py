"""Pictures go in, jobs wait and run, results are kept: with workers that are fakes."""

import asyncio
import json

from support.keeping import opened, order, upload


def test_a_job_runs_shows_itself_and_leaves_a_file(tmp_path):
    async def scenario():
        async with opened(tmp_path) as studio:
            entry = await upload(studio, tmp_path)
            assert not list((tmp_path / "incoming").iterdir())
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
            assert path == tmp_path / "dreams" / "sky-1.png"
            assert path.read_text().startswith(f"seed {job.order.recipe['seed']} ")
            assert studio.command(job.id) == "pydream dream"
            assert [each.state for each in studio.jobs()] == ["done"]

    asyncio.run(scenario())
