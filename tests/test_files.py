"""What is written is whole and on the disk, or not there; what dead processes left is removed, and only that."""

import errno
import io
import os
import re
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.disks import files_of_at_most
from support.writers import DREAM, PICTURE, WRITERS

from pydream import files, locks
from pydream.cli import main
from pydream.cli.folders import OutputFolder
from pydream.cli.input import Target
from pydream.errors import ImageFileError, PydreamWarning
from pydream.host import locking
from pydream.media.image import FORMATS, read_note

PAGE = 4096


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_after_any_page(tmp_path, name):
    path, write = tmp_path / name, WRITERS[name]
    write(path)
    whole = path.read_bytes()
    assert len(whole) > 2 * PAGE
    path.write_bytes(b"older")
    for room in [*range(PAGE, len(whole), PAGE), len(whole) - 1]:
        with files_of_at_most(room), pytest.raises((OSError, ValueError), match="File too large") as error:
            write(path)
        line = str(error.value)
        assert line in (f"cannot write '{path}': File too large", f"[Errno 27] File too large: '{path}'")
        assert os.listdir(tmp_path) == [name]
        assert path.read_bytes() == b"older", room
    with files_of_at_most(len(whole)):
        write(path)
    assert path.read_bytes() == whole


# ---- on the disk ----


@pytest.fixture
def synced():
    """Wait for the disk, which the other tests do not."""
    token = files._unsynced.set(False)
    yield
    files._unsynced.reset(token)


@pytest.fixture
def seen(monkeypatch, synced):
    """List syncs and renames in their order, by the place."""
    seen = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def spy_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append((f"sync {kind}", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", lambda *both: (seen.append(("rename", both[0])), replace(*both)))
    monkeypatch.setattr(Path, "rename", lambda *both: (seen.append(("rename", both[0])), rename(*both)))
    return seen


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_synced_before_its_rename_and_its_folder_after(tmp_path, seen, name):
    WRITERS[name](tmp_path / name)
    (_, temporary), *_ = seen
    assert seen == [("sync file", temporary), ("rename", temporary), ("sync folder", tmp_path)]
    assert files.is_temporary(temporary)


def test_a_folder_is_synced_as_its_files_are(tmp_path, seen):
    with files.written_folder(tmp_path / "net") as temporary:
        files.write_text(temporary / "README.md", "about")
    assert [what for what, _ in seen[:3]] == ["sync file", "rename", "sync folder"]
    assert seen[3:] == [("sync folder", temporary), ("rename", temporary), ("sync folder", tmp_path)]


def test_new_folders_are_synced(tmp_path, seen):
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert seen == [("sync folder", tmp_path), ("sync folder", tmp_path / "a")]


def test_a_fetched_file_is_synced(tmp_path, seen):
    (tmp_path / "x.part").write_bytes(b"all of it")
    files.move_whole(tmp_path / "x.part", tmp_path / "x")
    assert seen == [
        ("sync file", tmp_path / "x.part"), ("rename", tmp_path / "x.part"), ("sync folder", tmp_path)
    ]  # fmt: skip


def test_the_frames_of_a_film_that_is_whole_do_not_come_back(tmp_path, seen):
    frames = OutputFolder(tmp_path / "film.mp4.frames", temporary=True, what="frames")
    frames.folder.mkdir()
    frames.target(0).path.touch()  # as a power cut leaves it, so it is ours
    frames.finish()
    assert seen[-1] == ("sync folder", tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_waits_for_the_disk_without_sync(tmp_path, seen):
    with files.unsynced():
        for name, write in WRITERS.items():
            write(tmp_path / name)
    assert {what for what, _ in seen} == {"rename"}
    files.write_text(tmp_path / "after.txt", "text")
    assert seen[-1] == ("sync folder", tmp_path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_is_found_full_when_synced(tmp_path, monkeypatch, synced, code):
    """Some file systems find room for what was written only then, network ones above all."""

    def fail(descriptor):
        raise OSError(code, os.strerror(code))

    (tmp_path / "out.png").write_bytes(b"older")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ImageFileError, match=os.strerror(code)):
        WRITERS["out.png"](tmp_path / "out.png")
    assert os.listdir(tmp_path) == ["out.png"]
    assert (tmp_path / "out.png").read_bytes() == b"older"


def test_an_error_names_what_is_written_and_not_its_temporary(tmp_path, monkeypatch):
    """That of a rename has two names."""

    def fail(old, new):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(old), None, str(new))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=re.escape(f"[Errno 5] Input/output error: '{tmp_path / 'note.txt'}'") + "$"):
        files.write_text(tmp_path / "note.txt", "text")
    with (
        pytest.raises(OSError, match=re.escape(f"'{tmp_path / 'net'}'") + "$"),
        files.written_folder(tmp_path / "net") as folder,
    ):
        files.write_text(folder / "README.md", "about")
    assert not list(tmp_path.iterdir())


def test_a_file_system_that_cannot_sync(tmp_path, monkeypatch, synced):
    def fail(descriptor):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", fail)
    files.write_text(tmp_path / "note.txt", "text")
    assert (tmp_path / "note.txt").read_text() == "text"


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch, synced):
    opened = os.open

    def fail(path, flags, *more, **others):
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, *more, **others)

    monkeypatch.setattr(os, "open", fail)
    files.write_text(tmp_path / "note.txt", "text")
    assert (tmp_path / "note.txt").read_text() == "text"


def test_the_option(tmp_path, seen, monkeypatch):
    """It holds for its run alone, and makes no other picture."""
    monkeypatch.delenv("PYDREAM_NO_SYNC")
    for option, wanted in ((["--no-sync"], {"rename"}), ([], {"rename", "sync file", "sync folder"})):
        seen.clear()
        arguments = [
            "dream",
            "noise:32x32",
            "--layer",
            "fire2/concat",
            "-n",
            "1",
            "--octaves",
            "1",
            "--runtime",
            "numpy",
        ]
        main([*arguments, "-q", "--force", "-o", str(tmp_path / "out.png"), *option], standalone_mode=False)
        assert {what for what, _ in seen} == wanted
        assert "no-sync" not in read_note(tmp_path / "out.png")


# ---- streams ----


class Reluctant(io.RawIOBase):
    """A stream that takes some bytes at a time."""

    def __init__(self, *takes):
        self.takes, self.taken = list(takes), b""

    def writable(self):
        return True

    def write(self, data):
        most = self.takes.pop(0) if self.takes else None
        if most is None:
            return None
        self.taken += bytes(data[:most])
        return min(most, len(data))


def test_a_short_write_is_continued(monkeypatch):
    """Standard output is unbuffered under `python -u`: a write there may take less than all."""
    stream = Reluctant(1000, 1, 10**9)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream, write_through=True))
    Target("-", FORMATS["png"]).write(PICTURE, DREAM, sidecar=False)
    assert stream.taken.endswith(b"IEND\xaeB`\x82")


def test_a_stream_that_takes_nothing():
    with pytest.raises(BlockingIOError):
        files.write_all(Reluctant(5), b"more than that")
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        files.write_all(full, b"picture")


# ---- what processes leave ----


@contextmanager
def writing(path, how="written_whole"):
    """A process that writes for ever; yields it and its temporary file or folder."""
    program = (
        "import sys, time; from pydream import files\n"
        f"with files.{how}(*sys.argv[1:]) as there:\n"
        "    (there / 'half' if there.is_dir() else there).write_text('half')\n"
        "    print(there, flush=True); time.sleep(99)\n"
    )
    command = [sys.executable, "-c", program, *([] if path is None else [path])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["written_whole", "written_folder"])
def test_a_dead_process_leaves_nothing_for_long_and_a_live_one_keeps_its_own(tmp_path, how):
    with writing(tmp_path / "net", how) as (process, temporary):
        assert temporary.parent == tmp_path
        files.clear_dead(tmp_path)
        files.write_text(tmp_path / "a.txt", "text")
        assert temporary.exists()
        process.kill()
        process.wait()
        assert temporary.exists()
        files._clear_once.cache_clear()  # a process looks once into a folder
        files.write_text(tmp_path / "b.txt", "text")
        assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]


def test_a_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(files.tempfile, "tempdir", None)
    with writing(None, "temporary_folder") as (process, left):
        assert left.parent == tmp_path
        process.kill()
        process.wait()
    files._clear_once.cache_clear()
    with files.temporary_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "0.png").touch()
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_what_is_not_left_by_a_dead_process_of_this_machine_stays(tmp_path):
    prefix = files._prefix()
    (tmp_path / f"{prefix}0123abcd.tmp.png").touch()
    (tmp_path / f"{prefix}notours.tmp").touch()
    (tmp_path / ".pydream-0123456789abcdef.tmp").touch()  # of another machine, whose locks are not known here
    (tmp_path / "photo.tmp").touch()
    (tmp_path / f"{prefix}00000001.tmp").symlink_to("photo.tmp")
    before = sorted(os.listdir(tmp_path))
    files.clear_dead(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before
    os.mkfifo(tmp_path / f"{prefix}00000002.tmp")  # is not waited for
    files.clear_dead(tmp_path)
    files.clear_dead(tmp_path / "nowhere")


def test_a_temporary_that_is_taken_for_a_dead_ones(tmp_path, monkeypatch):
    """Another process clears between a file's first moment and its lock: another file is made."""
    tried, flock = [], locking.fcntl.flock

    def cleared_first(descriptor, how):
        tried.append(descriptor)
        if len(tried) == 1:
            next(tmp_path.glob(".pydream-*.tmp")).unlink()
        flock(descriptor, how)

    monkeypatch.setattr(locking.fcntl, "flock", cleared_first)
    files.write_text(tmp_path / "note.txt", "text")
    assert len(tried) == 2
    assert (tmp_path / "note.txt").read_text() == "text"
    assert os.listdir(tmp_path) == ["note.txt"]


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def fail(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking.fcntl, "flock", fail)
    left = files.temporary_beside(tmp_path / "x")
    left.touch()
    files.write_text(tmp_path / "note.txt", "text")
    files.clear_dead(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [left.name, "note.txt"]


def test_no_descriptor_is_left(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for name, write in WRITERS.items():
        write(tmp_path / name)
    with pytest.raises(KeyError), files.written_whole(tmp_path / "x"):
        raise KeyError
    assert len(os.listdir("/proc/self/fd")) == before


# ---- calls that fail ----


def test_an_error_of_a_read_is_not_taken_for_the_end():
    """By whatever parses the file: the block ends with it. Nothing is mapped at the start of a process' memory."""

    def parse(after=lambda: None):
        with files.open_file("/proc/self/mem") as file:
            with suppress(OSError):
                file.read(1)
            after()

    with pytest.raises(OSError, match="Input/output error"):
        parse()
    with pytest.raises(ZeroDivisionError):  # what the block says itself comes first
        parse(lambda: 1 / 0)


def failing(monkeypatch, name, error=errno.EIO, wanted=lambda _: True):
    """Let a function of `os` fail, for those paths."""
    call = getattr(os, name)

    def fail(path, *arguments, **options):
        if wanted(Path(path)):
            raise OSError(error, os.strerror(error), os.fspath(path))
        return call(path, *arguments, **options)

    monkeypatch.setattr(os, name, fail)


def test_what_cannot_be_removed_is_hidden_and_the_next_run_removes_it(tmp_path, monkeypatch):
    """And the file is written all the same, and its lock given back."""
    with monkeypatch.context() as patch:
        failing(patch, "unlink")
        with (
            locks.locked(tmp_path / "a.txt"),
            pytest.raises(ZeroDivisionError),
            files.written_whole(tmp_path / "a.txt"),
        ):
            raise ZeroDivisionError
    left = os.listdir(tmp_path)
    assert len(left) == 2
    assert all(files.is_temporary(tmp_path / name) for name in left)
    with locks.locked(tmp_path / "a.txt"):
        files.write_text(tmp_path / "a.txt", "whole")
    files.clear_dead(tmp_path)
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_temporary_folder_that_cannot_be_opened_is_removed(tmp_path, monkeypatch):
    failing(monkeypatch, "open", wanted=files.is_temporary)
    with pytest.raises(OSError, match="Input/output error"), files.written_folder(tmp_path / "out"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_folder_is_replaced_when_the_new_one_is_there(tmp_path, monkeypatch):
    """And not lost when that cannot get its name."""
    place = tmp_path / "net"
    for text in ("older", "new"):
        with files.written_folder(place, replace=True) as folder:
            (folder / "README.md").write_text(text)
    assert (place / "README.md").read_text() == "new"
    failing(monkeypatch, "rename", wanted=lambda path: (path / "README.md").read_text() == "newest")
    with pytest.raises(OSError, match="Input/output error"), files.written_folder(place, replace=True) as folder:
        (folder / "README.md").write_text("newest")
    assert os.listdir(tmp_path) == ["net"]
    assert (place / "README.md").read_text() == "new"


def test_a_lock_that_cannot_be_made_names_its_place(tmp_path, monkeypatch):
    failing(monkeypatch, "open", errno.ENOSPC, locks.is_lock_file)
    with (
        pytest.raises(OSError, match="it cannot be locked: No space left on device") as caught,
        locks.locked(tmp_path / "out.png"),
    ):
        pass
    assert caught.value.filename == str(tmp_path / "out.png")


def test_frames_that_cannot_be_removed_do_not_fail_their_film(tmp_path, monkeypatch):
    folder = OutputFolder(tmp_path / "film.mp4.frames", True, "frames")
    folder.folder.mkdir()
    failing(monkeypatch, "rmdir")
    with pytest.warns(PydreamWarning, match=r"film.mp4.frames' is left: Input/output error"):
        folder.finish()
    (folder.folder / "photograph.png").write_bytes(b"mine")
    with pytest.warns(PydreamWarning, match=r"is left: it holds what does not say that it is of these frames"):
        folder.finish()
