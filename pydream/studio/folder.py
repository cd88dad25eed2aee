"""The folder of a studio: pictures, jobs, results. All of it survives a power cut, and only one studio writes there."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from ..files import make_folder, move_new, read_file, reason, sync_folder, write_whole
from ..locks import locked
from .jobs import Record, Written
from .messages import PictureEntry
from .orders import JOB_ID, PICTURE_ID

MOST_RECORD = 2**24  # bytes of a job's or a picture's file
MOST_PAGE = 2**16  # bytes of the page's state
MOST_THUMBNAILS = 5000
_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_UNREADABLE = (OSError, *_DAMAGED)  # of files that something damaged
_NO_STATE = {errno.ENOENT, errno.EINVAL, errno.EFBIG}  # not there, no file, too large


class Folder:
    """Where all of a studio is.

    Parameters
    ----------
    place : Path
        It need not exist.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.pictures = place / "pictures"
        self.dreams = place / "dreams"
        self.jobs = place / "jobs"
        self.thumbnails = place / "thumbnails"
        self.incoming = place / "incoming"
        self._order = self.jobs / "order.json"
        self._page = place / "page.json"

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Have the folder to oneself; `BusyError` where another studio has it."""
        make_folder(self.place)
        with locked(self.place):
            for folder in (self.thumbnails, self.incoming):
                if folder.is_symlink():  # what is removed there would be another folder's
                    folder.unlink()
            for folder in (self.pictures, self.dreams, self.jobs, self.thumbnails, self.incoming):
                make_folder(folder)
            _clear(self.incoming)
            _keep_newest(self.thumbnails, MOST_THUMBNAILS)
            yield

    # ---- jobs ----

    def records(self) -> tuple[list[Record], list[str]]:
        """Return all jobs, and a line for each file that has none."""
        found, lines = [], []
        for path in sorted(self.jobs.iterdir()):
            if re.fullmatch(rf"{JOB_ID}\.json", path.name):
                record = self._read(path)
                if isinstance(record, Record) and record.id == path.stem:
                    found.append(record)
                else:
                    why = record if isinstance(record, str) else f"it says that it is {record.id}"
                    lines.append(f"'{path}' is left alone, since it cannot be read: {why}")
        return found, lines

    def record(self, job: str) -> Record | None:
        """Return a job, if there is one of that id."""
        if not re.fullmatch(JOB_ID, job):
            return None
        found = self._read(self._file(job))
        return found if isinstance(found, Record) else None

    def _file(self, job: str) -> Path:
        return self.jobs / f"{job}.json"

    def _read(self, path: Path) -> Record | str:
        try:
            return msgspec.json.decode(read_file(path, MOST_RECORD, "a job", noted=False), type=Record)
        except _UNREADABLE as error:
            return reason(error)

    def save(self, job: str, data: bytes) -> None:
        """Write a job's record."""
        write_whole(self._file(job), data)

    def order(self) -> list[str]:
        """Return the ids of jobs that wait, where they do not wait in the order of their numbers.

        Raises
        ------
        OSError
            There is an order, and it cannot be read: not where it is no file, or damaged.
        """
        return msgspec.json.decode(_state(self._order, MOST_RECORD, list[str]) or b"[]", type=list[str])

    def save_order(self, jobs: list[str]) -> None:
        """Write the ids of the jobs that wait."""
        write_whole(self._order, msgspec.json.encode(jobs))

    def work(self, job: str) -> Path:
        """Return the folder of what a job keeps."""
        return self.jobs / job

    def made(self, job: str) -> Path:
        """Return the folder in which a job makes its result."""
        return self.work(job) / "made"

    def remove_work(self, job: str) -> None:
        """Remove what a job keeps."""
        shutil.rmtree(self.work(job), ignore_errors=True)

    def remove_orphaned(self, job: str) -> None:
        """Remove what a job keeps if the job is gone."""
        if not self._file(job).exists():
            self.remove_work(job)

    def remove(self, record: Record) -> None:
        """Remove a job and all that it made; files that were replaced or changed since are left alone.

        Raises
        ------
        OSError
            A file cannot be removed: the job stays.
        """
        for each in record.made.files.values() if record.made else ():
            path = self.dreams / each.name
            with suppress(FileNotFoundError):
                if _stamp(path) == (each.size, each.modified):
                    path.unlink()
        self.remove_work(record.id)
        self._file(record.id).unlink(missing_ok=True)
        sync_folder(self.jobs)

    # ---- results ----

    def named(self, record: Record, made: Mapping[str, str]) -> dict[str, Written]:
        """Return where the files that a job has made are going to be kept: under names that no file has.

        Parameters
        ----------
        record : Record
        made : dict of str to str
            The names where they were made, by kind.
        """
        there = {kind: self.made(record.id) / name for kind, name in made.items()}
        for number in count(1):
            stem = record.name if number == 1 else f"{record.name}.{number}"
            names = {kind: f"{stem}{_suffixes(path.name, record.name)}" for kind, path in there.items()}
            if not any(os.path.lexists(self.dreams / name) for name in names.values()):
                break
        found = {}
        for kind, path in there.items():
            size, modified = _stamp(path)
            found[kind] = Written(made=path.name, name=names[kind], size=size, modified=modified)
        return found

    def renamed(self, record: Record) -> dict[str, Written]:
        """Return other names for the files that are not where they are kept yet."""
        files = record.made.files if record.made else {}
        left = {kind: each.made for kind, each in files.items() if (self.made(record.id) / each.made).exists()}
        return {**files, **self.named(record, left)}

    def keep(self, record: Record) -> None:
        """Move the files of a job to where they are kept, those of them that are not there yet.

        Raises
        ------
        FileExistsError
            Another file has got the name since.
        OSError
        """
        make_folder(self.dreams)  # it may have been tidied away
        for each in record.made.files.values() if record.made else ():
            source, target = self.made(record.id) / each.made, self.dreams / each.name
            if not source.exists() and target.exists():
                continue
            if source.exists() and target.exists() and source.samefile(target):  # stopped in between
                source.unlink()
                continue
            move_new(source, target)

    # ---- pictures ----

    def picture(self, picture: str) -> PictureEntry | None:
        """Return what is known of a picture, if there is one of that id."""
        with suppress(OSError):  # what cannot be read is not there
            return read_entry(self.pictures / f"{picture}.json") if re.fullmatch(PICTURE_ID, picture) else None
        return None

    def picture_file(self, entry: PictureEntry) -> Path:
        """Return the file of a picture, or of a film."""
        return self.pictures / f"{entry.id}{entry.suffix}"

    def shown(self, picture: str) -> Path:
        """Return the file of a picture that is shown: no longer than a screen."""
        return self.pictures / f"{picture}.jpg"

    # ---- the page's state ----

    def page(self) -> bytes:
        """Return the page's state: JSON; that of a new page if there is none, or a damaged one.

        Raises
        ------
        OSError
            There is one, and it cannot be read: a new page would write over it.
        """
        return _state(self._page, MOST_PAGE, dict[str, Any]) or b"{}"

    def save_page(self, data: bytes) -> None:
        """Write the page's state."""
        write_whole(self._page, data)


def _state(path: Path, most: int, kind: type[Any]) -> bytes | None:
    """Read the JSON of a file of `most` bytes; None where there is none that can be read, now or later."""
    try:
        data = read_file(path, most, noted=False)
        msgspec.json.decode(data, type=kind)
    except _DAMAGED:
        return None
    except OSError as error:
        if error.errno in _NO_STATE:
            return None
        raise
    return data


def read_entry(path: Path) -> PictureEntry | None:
    """Read what is known of a picture, from a file of its name; None where there is none, or it is damaged.

    Raises
    ------
    OSError
        There is one, and it cannot be read.
    """
    data = _state(path, MOST_RECORD, PictureEntry)
    entry = None if data is None else msgspec.json.decode(data, type=PictureEntry)
    return entry if entry is not None and entry.id == path.stem else None


def _suffixes(made: str, stem: str) -> str:
    """Return what a file's name has after its stem."""
    return made.removeprefix(stem) if made.startswith(f"{stem}.") else Path(made).suffix


def _stamp(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns


def _clear(folder: Path) -> None:
    """Remove the files in a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _keep_newest(folder: Path, most: int) -> None:
    """Remove the oldest files of a folder that has more than so many."""
    paths = list(folder.iterdir())
    if len(paths) > most:
        paths.sort(key=lambda path: path.stat().st_mtime)
        for path in paths[:-most]:
            path.unlink(missing_ok=True)
