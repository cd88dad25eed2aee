"""Disks that get full, and ones that are copied in the middle of a write; most need root."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Make a write that reaches this size a short one, and the next an error, as on a disk that gets full.

    Python has SIGXFSZ ignored, and gets EFBIG as it would get ENOSPC.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _call(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


@contextmanager
def mounted(place: Path, *what: object) -> Iterator[Path]:
    """Mount something; it is unmounted after the block."""
    place.mkdir(exist_ok=True)
    _call("mount", *what, place)
    try:
        yield place
    finally:
        _call("umount", place)


def in_memory(place: Path, size: int):
    """Mount a disk of so many bytes; of at least a page."""
    return mounted(place, "-t", "tmpfs", "-o", f"size={size}", "pydream-test")


def make_ext4(image: Path, megabytes: int) -> None:
    """Make a file that is an ext4 disk."""
    image.write_bytes(b"")
    os.truncate(image, megabytes * 2**20)
    _call("mkfs.ext4", "-q", "-F", "-m", 0, image)


def in_file(place: Path, image: Path):
    """Mount such a file."""
    return mounted(place, "-o", "loop", image)


def fill(disk: Path, room: int) -> None:
    """Take all of a disk but so many bytes."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"")
    left = os.statvfs(disk)
    if (taken := left.f_bavail * left.f_frsize - room) > 0:
        with ballast.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, taken)
