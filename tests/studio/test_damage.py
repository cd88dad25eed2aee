"""A folder whose files were damaged, or made by someone else: what cannot be read is left out, nothing else fails."""

import asyncio
import errno
import json
import os

import msgspec
import pytest
from studio.test_guard import line
from support.keeping import opened
from support.pictures import photograph, saved

from pydream.errors import StudioError
from pydream.studio.app import _made_with
from pydream.studio.folder import Folder, read_entry
from pydream.studio.jobs import Made, Record, Written
from pydream.studio.messages import DecodePicture
from pydream.studio.worker.pictures import decode
from pydream.studio.worker.task import Task

JOB, PICTURE = "a" * 12, "b" * 64
DEEP = '{"a":' * 10**5 + "1" + "}" * 10**5  # Python 3.11 reads 1000 levels, 3.13 ten times as many
RECORD = {"id": JOB, "number": 1, "name": "x", "order": {"kind": "dream"}}
ENTRY = {"id": PICTURE, "name": "sky.jpg", "width": 4, "height": 3}


@pytest.fixture
def folder(tmp_path):
    found = Folder(tmp_path)
    with found.opened():
        pass
    return found


def test_json_that_is_too_deep(folder):
    text = json.dumps(RECORD | {"order": {"kind": "dream", "recipe": {"seed": 0}}}).replace("0", DEEP)
    (folder.jobs / f"{JOB}.json").write_text(text)
    found, lines = folder.records()
    assert (found, len(lines)) == ([], 1)
    assert "is left alone, since it cannot be read: maximum recursion depth" in lines[0]
    assert folder.record(JOB) is None
    (folder.jobs / "order.json").write_text("[" * 10**5)
    assert folder.order() == []
    (folder.pictures / f"{PICTURE}.json").write_text(json.dumps(ENTRY | {"order": 0}).replace("0", DEEP))
    assert folder.picture(PICTURE) is None


@pytest.mark.parametrize(
    "change", [{"id": "../../etc/passwd"}, {"id": "c" * 64}, {"suffix": "/../../x"}, {"suffix": ""}]
)
def test_a_pictures_record_names_no_other_file(folder, change):
    (folder.pictures / f"{PICTURE}.json").write_text(json.dumps(ENTRY))
    assert folder.picture(PICTURE).name == "sky.jpg"
    (folder.pictures / f"{PICTURE}.json").write_text(json.dumps(ENTRY | change))
    assert folder.picture(PICTURE) is None


def test_a_picture_whose_record_is_damaged_can_be_sent_again(folder):
    file = saved(folder.incoming, photograph(), "x.png")

    def sent():
        return decode(Task(DecodePicture(task="d", file=str(file), name="x.png", folder=str(folder.pictures)), print))

    known = folder.pictures / f"{sent().facts['id']}.json"
    known.write_text("{")
    assert folder.picture(sent().facts["id"]).name == "x.png"


@pytest.mark.parametrize("text", ["{", "[1]", "{}", "[" * 10**5])
def test_a_record_of_a_picture_that_is_none(text):
    assert _made_with(text) is None


@pytest.mark.parametrize("content", [b"[" * 50_000, b"\xff<html>", b"[]", b"x" * 10**5])
def test_a_pages_state_that_is_none(folder, content):
    (folder.place / "page.json").write_bytes(content)
    assert folder.page() == b"{}"


def test_a_result_without_files(tmp_path):
    async def scenario():
        jobs = tmp_path / "jobs"
        jobs.mkdir()
        record = RECORD | {"state": "done", "made": {"files": {}, "stopped": False}}
        (jobs / f"{JOB}.json").write_text(json.dumps(record))
        async with opened(tmp_path) as studio:
            for result in (studio.result_file(JOB, "png"), studio.small_file(JOB)):
                with pytest.raises(StudioError, match="job 1 has no result"):
                    await result

    asyncio.run(scenario())


def test_a_folder_that_is_not_there_any_more(served):
    incoming = served.folder / "incoming"
    incoming.rmdir()
    try:
        for path in ("/api/pictures", "/api/replay", "/api/samples/sky.jpg"):
            answer = served.client.post(path, content=b"x")
            assert answer.status_code == 507, path
            assert "No such file or directory" in line(answer)
    finally:
        incoming.mkdir()


def test_what_is_no_file_of_the_folders(served):
    """A link out of it, a pipe that would be waited for, a folder."""
    path = served.folder / f"{'2' * 64}.jpg"
    for make in (lambda: path.symlink_to("/etc/passwd"), lambda: os.mkfifo(path), path.mkdir):
        make()
        answer = served.client.get(f"/api/thumbnails/{'2' * 64}.jpg", timeout=1)
        assert (answer.status_code, line(answer)) == (404, f"{path.name} is not a regular file")
        path.rmdir() if path.is_dir() else path.unlink()


def test_nothing_is_removed_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("pydream.studio.folder.MOST_THUMBNAILS", 0)
    place, other = tmp_path / "studio", tmp_path / "other"
    for each in (place, other):
        each.mkdir()
    (other / "kept").touch()
    for name in ("incoming", "thumbnails"):
        (place / name).symlink_to(other)
    with Folder(place).opened():
        assert [path.name for path in other.iterdir()] == ["kept"]
        assert (place / "incoming").is_dir()


def test_a_state_that_cannot_be_read_now_is_not_taken_for_none(folder, monkeypatch):
    """It would be written over: the page's, the order of jobs, what is known of a picture."""
    known = folder.pictures / f"{PICTURE}.json"
    known.write_text(json.dumps(ENTRY))

    def fail(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("pydream.studio.folder.read_file", fail)
    for read in (folder.page, folder.order, lambda: read_entry(known)):
        with pytest.raises(OSError, match="Input/output error"):
            read()
    assert folder.picture(PICTURE) is None

    async def scenario():
        async with opened(folder.place) as studio:
            assert studio.status()["worker"]["line"] == "the order of jobs cannot be read: Input/output error"
            with pytest.raises(StudioError, match="the page's state cannot be read: Input/output error"):
                studio.page()

    asyncio.run(scenario())


def test_a_job_whose_result_cannot_be_removed_stays(folder, monkeypatch):
    """Till the next time."""
    record = msgspec.convert(RECORD | {"dropped": True, "made": {"files": {}, "stopped": False}}, Record)
    result = folder.dreams / "x.png"
    result.write_bytes(b"x")
    facts = result.stat()
    written = Written(made="x.png", name="x.png", size=facts.st_size, modified=facts.st_mtime_ns)
    record.made = Made(files={"png": written}, stopped=False)
    folder.save(JOB, msgspec.json.encode(record))

    def fail(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", fail)
        with pytest.raises(OSError, match="Input/output error"):
            folder.remove(record)
    assert folder.record(JOB) is not None
    folder.remove(record)
    assert (folder.record(JOB), result.exists()) == (None, False)
