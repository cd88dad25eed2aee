"""A fetch tries addresses in turn until one sends the file that the registry describes, to the byte.

What a server says about the file is not trusted: size and sha256 are the registry's, and only a file with both gets the
file's name. Whatever an answer is made of, it can do no more than make its address fail.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from ..errors import FetchError, printable
from ..files import make_folder, move_whole, written_whole
from ..locks import locked
from . import wire
from .addresses import is_address, without_secrets
from .registry import Entry, fault, fetched_place, find_weights

TRIES = 5  # per address, while each connection is cut off later than the last
CHUNK = 2**12  # bytes; a chunk that is cut off is lost
LONGEST_LENGTH = 20  # digits
LONGEST_REASON = 200  # characters; a server may say more

OnBytes = Callable[[str, int, int], None]  # address without its secrets, bytes so far, bytes in all
OnMessage = Callable[[str], None]  # a line for people


def fetch(
    entry: Entry,
    first: Sequence[str] = (),
    on_bytes: OnBytes = lambda address, done, size: None,
    on_message: OnMessage = lambda line: None,
) -> Path:
    """Fetch a network's weights, unless they are there.

    An interrupted fetch leaves ``NAME.part`` beside the file, which the next one resumes. Processes that fetch the same
    file wait for each other.

    Parameters
    ----------
    entry : Entry
    first : sequence of str
        Addresses to try before the entry's own.
    on_bytes : callable
        Called as bytes come in.
    on_message : callable
        Called with a line for people: an address that failed while there are others, or another process to wait for.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FetchError
        If no address sends the file; it has the reason for each, and what to put where by hand. If another file of
        that name is in a folder that is searched earlier.
    ValueError
        If one of `first` is not an address.
    OSError
        If the file cannot be written.
    """
    for address in first:
        if not is_address(address):
            raise ValueError(_not_an_address(address))
    target = fetched_place(entry)
    there = find_weights(entry)
    if there is not None and there.resolve() != target.resolve():
        wrong = fault(there, entry.size, entry.sha256)
        if wrong:
            raise FetchError(f"'{there}' is not what the registry says: {wrong}; remove it, and fetch again")
        return there
    if _right(target, entry):
        return target
    addresses = list(dict.fromkeys([*first, *entry.addresses]))
    if not addresses:
        raise FetchError(f"no address is known for {entry.name}; {by_hand(entry)}")
    make_folder(target.parent)
    with locked(target, lambda: on_message(f"another process is fetching {target.name}; waiting for it")):
        if not _right(target, entry):  # another process may have been quicker
            _fetch(entry, addresses, target, on_bytes, on_message)
    return target


def by_hand(entry: Entry) -> str:
    """Return what to put where on a machine that cannot fetch, in words."""
    inside = f", which is in {entry.archive.name}," if entry.archive else ""
    return (
        f"put {entry.weights}{inside} ({entry.size} bytes, sha256 {entry.sha256}) at '{fetched_place(entry)}'"
        f" (`pydream models path {entry.name}`); `pydream models verify {entry.name}` checks it"
    )


def _right(path: Path, entry: Entry) -> bool:
    return path.is_file() and fault(path, entry.size, entry.sha256) is None


def _fetch(entry: Entry, addresses: list[str], target: Path, on_bytes: OnBytes, on_message: OnMessage) -> None:
    wanted = entry.archive or entry
    name = entry.archive.name if entry.archive else entry.weights
    part = target.with_name(f"{name}.part")
    if part.is_file() and fault(part, wanted.size, wanted.sha256) is None:
        failed = {}  # it was all there already
    else:
        failed = _try(addresses, part, wanted.size, wanted.sha256, on_bytes, on_message)
    if len(failed) == len(addresses):
        why = "; ".join(f"{without_secrets(address)}: {reason}" for address, reason in failed.items())
        raise FetchError(f"cannot fetch {entry.name}: {why}; {by_hand(entry)}")
    if entry.archive:
        with written_whole(target) as temporary:
            take_member(part, entry.archive.member, temporary, entry.size)
            wrong = fault(temporary, entry.size, entry.sha256)
            if wrong:
                raise FetchError(f"'{part}': {entry.archive.member!r} in it is wrong: {wrong}")
        part.unlink()
    else:
        move_whole(part, target)


def _try(
    addresses: list[str], path: Path, size: int, sha256: str, on_bytes: OnBytes, on_message: OnMessage
) -> dict[str, str]:
    """Fill a part from the first address that can; return the reasons of those that could not."""
    failed: dict[str, str] = {}
    for number, address in enumerate(addresses, start=1):
        shown = without_secrets(address)
        try:
            if not is_address(address):
                raise FetchError(_not_an_address(address))
            with _Part(path, size, lambda done, shown=shown: on_bytes(shown, done, size)) as part:  # type: ignore[misc]
                _fill(part, address)
                wrong = fault(path, size, sha256)
                if wrong and part.resumed:  # one half may be another server's
                    part.clear()
                    _fill(part, address)
                    wrong = fault(path, size, sha256)
                if wrong:
                    part.clear()
                    raise FetchError(wrong)
            return failed
        except FetchError as error:
            failed[address] = printable(without_secrets(str(error)[:2000]))[:LONGEST_REASON]
        if number < len(addresses):
            on_message(f"{shown}: {failed[address]}; trying the next address")
    if path.is_file() and path.stat().st_size == 0:
        path.unlink()
    return failed


def _not_an_address(address: str) -> str:
    shown = without_secrets(address)
    return f"{shown!r} is not an address to fetch from (expected e.g. https://example.org/file)"


class _Cut(Exception):
    """The answer ended early, and why; the bytes so far are kept."""


class _NoPart(Exception):
    """The server does not send the part that is missing; it is asked for the whole file."""


class _Part:
    """A file that grows up to a size; it checks an answer before its body is read."""

    def __init__(self, path: Path, size: int, on_bytes: Callable[[int], None]) -> None:
        self._file = path.open("ab")
        self._size = size
        self._on_bytes = on_bytes
        self._declared = False
        self.resumed = False
        self.resumable = False
        if self.done >= size:  # a wrong file, or it would not be fetched
            self.clear()

    @property
    def done(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def clear(self) -> None:
        """Drop all bytes."""
        self._file.truncate(0)
        self._file.seek(0)
        self.resumed = False

    def headers(self) -> dict[str, str]:
        """Return the request's headers. Of a compressed answer, bytes could not be counted."""
        asked = {"Accept-Encoding": "identity"}
        if self.done:
            asked["Range"] = f"bytes={self.done}-"
        return asked

    def answered(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Check an answer before its body is read; `requests` calls this."""
        if response.is_redirect:
            response.close()  # requests would read its body, however long that is
            return
        asked = self.done
        if response.status_code == 416 and asked:
            raise _NoPart
        if response.status_code >= 400:
            raise FetchError(f"{response.status_code} {response.reason or ''}".rstrip())
        if response.status_code == 206:
            # A file of the same length is taken for the same file; sha256 decides in the end, better than an ETag,
            # which differs between mirrors.
            if not asked or response.headers.get("Content-Range") != f"bytes {asked}-{self._size - 1}/{self._size}":
                raise _NoPart
            self.resumed = self.resumable = True
        elif response.status_code == 200:
            if asked:
                self.clear()
            self.resumable = response.headers.get("Accept-Ranges") == "bytes"
        else:
            raise FetchError(f"answers {response.status_code} {response.reason or ''}".rstrip())
        length = response.headers.get("Content-Length")
        self._declared = length is not None
        if length is not None and not (length.isdecimal() and len(length) < LONGEST_LENGTH):
            raise FetchError(f"answers with a length of {length[:LONGEST_LENGTH]!r}")
        if length is not None and "Content-Encoding" not in response.headers and int(length) != self._size - self.done:
            raise FetchError(f"has {int(length) + self.done} bytes, not {self._size}")

    def write(self, chunk: bytes) -> None:
        """Write bytes, but no more than the file should have."""
        if self.done + len(chunk) > self._size:
            self.clear()
            raise FetchError(f"sends more than the {self._size} bytes that it should have")
        self._file.write(chunk)
        self._file.flush()
        self._on_bytes(self.done)

    def ended(self) -> None:
        """Check the bytes so far when the server has sent all."""
        if self.done == self._size:
            return
        if self._declared:  # which older urllib3 do not notice
            raise _Cut("cut off")
        done = self.done
        self.clear()
        raise FetchError(f"has {done} bytes, not {self._size}")

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _fill(part: _Part, address: str) -> None:
    """Fill a part from an address, and resume where the server cuts off, if it supports that."""
    reason = ""
    for _ in range(TRIES):
        before = part.done
        try:
            _transfer(part, address)
            return
        except _NoPart:
            if not before:
                raise FetchError("sends only a part of the file") from None
            part.clear()
            continue
        except _Cut as cut:
            reason = str(cut)
        if part.done <= before or not part.resumable:
            break
    raise FetchError(f"{reason} after {part.done} bytes" if part.done else reason)


def _transfer(part: _Part, address: str) -> None:
    pace = wire.Pace()
    with closing(_received(part, address, pace)) as chunks:
        for chunk in chunks:
            part.write(chunk)  # an error of the disk is not the address's
            pace.of_file(len(chunk))
    part.ended()


def _received(part: _Part, address: str, pace: wire.Pace) -> Generator[bytes]:
    """Yield the bytes of an answer; every error on the way is the address's: `FetchError`, `_NoPart` or `_Cut`.

    No list of errors would do: for what servers send, the libraries raise ValueError, UnicodeError, anything.
    """
    asked = {"headers": part.headers(), "timeout": wire.TIMEOUT, "hooks": {"response": part.answered}}
    try:
        with wire.session(pace) as session, session.get(address, stream=True, **asked) as response:  # type: ignore[arg-type]
            yield from response.iter_content(CHUNK)
    except (FetchError, _NoPart):
        raise
    except Exception as error:
        raise _Cut(_reason(error)) from None  # its text may have the address's password


def _reason(error: Exception) -> str:
    """Return what went wrong, in few words; urllib3 wraps it in several layers."""
    if isinstance(error, requests.TooManyRedirects):
        return "redirects without end"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS fails: {_innermost(error)}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {wire.TIMEOUT:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "cut off"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "sends what is not in the coding that it says"
    if isinstance(error, (requests.RequestException, wire.GivenUpError)):
        return _innermost(error)
    return f"sends what cannot be understood: {_innermost(error)}"


def _innermost(error: Exception) -> str:
    while True:
        inner = [e for e in (getattr(error, "reason", None), *error.args, error.__cause__) if isinstance(e, Exception)]
        if not inner:
            break
        error = inner[0]
    text = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
    return " ".join(text.split()) or type(error).__name__


def take_member(archive: Path, member: str, target: Path, size: int) -> None:
    """Write one member of a zip file, by its exact name, to a new file.

    Other names in the archive are ignored, and none decides where anything is written.

    Parameters
    ----------
    archive : Path
    member : str
    target : Path
        Is written to.
    size : int
        Size of the member in bytes: more are not unpacked, whatever the archive says.

    Raises
    ------
    FetchError
        If it is not a zip file, or damaged, or does not have the member exactly once with that size.
    """
    with target.open("wb") as file:
        for chunk in _unpacked(archive, member, size):
            file.write(chunk)


def _unpacked(archive: Path, member: str, size: int) -> Iterator[bytes]:
    """Yield a member's bytes; any fault of the archive is a `FetchError`."""
    try:
        with zipfile.ZipFile(archive) as packed:
            found = [info for info in packed.infolist() if info.filename == member]
            if len(found) != 1:
                raise FetchError(f"'{archive}': {len(found) or 'no'} members are named {member!r}, expected one")
            if found[0].file_size != size:
                raise FetchError(f"'{archive}': {member!r} has {found[0].file_size} bytes, not {size}")
            with packed.open(found[0]) as source:
                left = size
                while chunk := source.read(min(CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        raise FetchError(f"'{archive}': {member!r} has more than {size} bytes")
                    yield chunk
    except (FetchError, MemoryError):
        raise
    except Exception as error:  # on damaged files zipfile raises struct.error, OSError, UnicodeDecodeError, anything
        raise FetchError(f"'{archive}': not a zip file that can be read: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
