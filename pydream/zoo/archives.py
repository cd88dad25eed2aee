"""An archive is a zip file, or a compressed tar file, of which one member is wanted, by its exact name."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import FetchError
from .part import CHUNK

_MEMBERS = 10_000  # of a tar file, which has no list of them, at most


def take_member(archive: Path, member: str, target: Path, size: int | None, most: int = 0) -> None:
    """Write one member of an archive, by its exact name, to a new file.

    Other names in the archive are ignored, and none decides where anything is written.

    Parameters
    ----------
    archive : Path
        A zip file, or else a tar file compressed by gzip.
    member : str
    target : Path
        Is written to.
    size : int or None
        Size of the member in bytes: more are not unpacked, whatever the archive says. None: unknown.
    most : int
        Most bytes that a member of unknown size may have.

    Raises
    ------
    FetchError
        If it is not such an archive, or damaged, or does not have the member exactly once with that size.
    """
    tar = archive.name.removesuffix(".part").endswith((".tar.gz", ".tgz"))
    with target.open("wb") as file:
        for chunk in (_of_tar if tar else _of_zip)(archive, member, size, most):
            file.write(chunk)


def _of_zip(archive: Path, member: str, size: int | None, most: int) -> Iterator[bytes]:
    """Yield a member's bytes; any fault of the archive is a `FetchError`."""
    try:
        with zipfile.ZipFile(archive) as packed:
            found = [info for info in packed.infolist() if info.filename == member]
            if len(found) != 1:
                raise FetchError(f"{archive.name}: {len(found) or 'no'} members are named {member!r}, expected one")
            _check_size(archive, member, found[0].file_size, size, most)
            with packed.open(found[0]) as source:
                yield from _read(archive, member, source, found[0].file_size)
    except (FetchError, MemoryError):
        raise
    except Exception as error:  # on damaged files zipfile raises struct.error, OSError, UnicodeDecodeError, anything
        raise FetchError(f"{archive.name}: not a zip file that can be read: {_one_line(error)}") from error


def _of_tar(archive: Path, member: str, size: int | None, most: int) -> Iterator[bytes]:
    """Yield a member's bytes; members before it are unpacked too, to nowhere, each of no more than it may have."""
    try:
        with tarfile.open(archive, "r|gz") as packed:
            for _ in range(_MEMBERS):
                info = packed.next()
                if info is None:
                    break
                if info.name == member and info.isreg():
                    _check_size(archive, member, info.size, size, most)
                    source = packed.extractfile(info)
                    assert source is not None  # of a regular file
                    yield from _read(archive, member, source, info.size)
                    return
                _check_size(archive, info.name, info.size, None, most or size or 0)
            raise FetchError(f"{archive.name}: no member is named {member!r}")
    except (FetchError, MemoryError):
        raise
    except Exception as error:
        raise FetchError(f"{archive.name}: not a tar file that can be read: {_one_line(error)}") from error


def _check_size(archive: Path, member: str, found: int, size: int | None, most: int) -> None:
    if found != size if size is not None else found > most:
        wanted = f"not {size}" if size is not None else f"more than the {most} that it may have"
        raise FetchError(f"{archive.name}: {member[:100]!r} has {found} bytes, {wanted}")


def _read(archive: Path, member: str, source: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while chunk := source.read(min(CHUNK, left)):
        left -= len(chunk)
        yield chunk
    if left:
        raise FetchError(f"{archive.name}: {member!r} has {size - left} bytes, not {size}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
