"""A source is something to fetch that a network's file can be made of: the file itself, a copy, or files of layers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ..errors import FetchError, NetFileError
from ..files import move_whole, written_whole
from ..formats import caffe
from ..formats.spec import InputSpec
from ..runtime.graph import Graph
from .archives import take_member
from .assemble import assemble, from_onnx, from_raw, is_onnx
from .check import check, known_copy, record
from .part import Part, fill
from .registry import Copy, Entry, Layers, find_copies

OnBytes = Callable[[int, int | None], None]  # bytes so far, bytes in all if they are known


class Source(Protocol):
    """Something to fetch, at several addresses.

    Attributes
    ----------
    addresses : tuple of str
    part : Path
        What has come of it.
    room : int
        Bytes of the disk that it takes at most, with what is made of it, as far as sizes are known.
    """

    addresses: tuple[str, ...]
    part: Path
    room: int

    def get(self, address: str, on_bytes: OnBytes) -> bool:
        """Fill the part from an address; return whether some of it is of another answer."""

    def take(self, path: Path, move: bool) -> str:
        """Make the network's file of the whole part, or of one like it; return by what it was checked if by no hash."""


def sources_of(entry: Entry, first: Sequence[str], target: Path) -> Iterator[Source]:
    """Yield what may be fetched, in the order to try: what the user names, the file itself, copies of it, layers."""
    named = tuple(dict.fromkeys([*first, *entry.mirrors]))
    main = entry.archive or entry.file
    if named:
        several = entry.numbers or entry.copies  # any of which may be there
        yield File(entry, Copy(name=main.name) if several else main, named, target)
    urls = tuple(url for url in dict.fromkeys(entry.urls) if url not in named)
    if urls:
        yield File(entry, main, urls, target)
    for copy in entry.copies:
        if copy.urls:
            yield File(entry, copy, copy.urls, target)
    if entry.layers is not None and entry.definition is not None:
        yield LayerFiles(entry, entry.layers, entry.definition, target)


def whole_files(entry: Entry, target: Path) -> Iterator[tuple[Path, Source]]:
    """Yield files that are there already: parts of a fetch that was interrupted at its end, copies put by hand."""
    parts = [(copy, target.with_name(f"{copy.name}.part")) for copy in (entry.archive or entry.file, *entry.copies)]
    for copy, path in (*parts, *find_copies(entry)):
        if copy.known and path.is_file() and copy.fault(path) is None:
            yield path, File(entry, copy, (), target)


class File:
    """One file with all of the weights."""

    def __init__(self, entry: Entry, copy: Copy, addresses: tuple[str, ...], target: Path) -> None:
        self.addresses = addresses
        self.part = target.with_name(f"{copy.name}.part")
        made = copy.name != entry.weights  # another file is made of it
        self.room = (copy.size or 0) + (entry.size or copy.size or 0) * made
        self._entry, self._copy, self._target = entry, copy, target

    def get(self, address: str, on_bytes: OnBytes) -> bool:
        """Fill the part from an address; return whether some of it is of another answer."""
        size = self._copy.size
        with Part(self.part, size, on_bytes, _most(self._entry) if size is None else size) as part:
            fill(part, address)
            return part.resumed

    def take(self, path: Path, move: bool) -> str:
        """Make the network's file of the whole part, or of one like it; return by what it was checked if by no hash."""
        entry, copy = self._entry, known_copy(path, self._entry)
        if copy is None and self._copy.known:
            raise FetchError(self._copy.fault(path) or "another file")
        trusted = copy is not None
        archive, definition = entry.archive, entry.definition
        if archive is not None and (copy is None or copy == archive):
            most = 0 if entry.size else _most(entry)
            return self._made(
                lambda new: take_member(path, archive.member, new, entry.size, most),
                f"{archive.name}: {archive.member!r} in it is wrong: ",
                trusted,
            )
        if definition is not None and is_onnx(path):
            graph = _graph(definition)
            wrong = f"what is made of {self._copy.name} is wrong: "
            return self._made(lambda new: assemble(definition, graph, from_onnx(path), new), wrong, trusted)
        if not move:
            return self._made(lambda new: shutil.copyfile(path, new), "", trusted)
        verdict = check(path, entry)
        if verdict.wrong:
            raise FetchError(verdict.wrong)
        if not trusted and not entry.numbers:
            record(path, self._target)
        move_whole(path, self._target)
        return "" if verdict.sure else verdict.by

    def _made(self, make: Callable[[Path], object], wrong: str, trusted: bool) -> str:
        return _made(self._entry, self._target, make, wrong, trusted)


class LayerFiles:
    """A file for each array of each layer; they make one part, one behind the other."""

    def __init__(self, entry: Entry, layers: Layers, definition: Path, target: Path) -> None:
        self.addresses = layers.urls
        self.part = target.with_name(f"{entry.weights}.layers.part")
        self.room = 2 * _whole(_graph(definition))
        self._entry, self._layers, self._definition, self._target = entry, layers, definition, target

    def get(self, address: str, on_bytes: OnBytes) -> bool:
        """Fill the part from an address; return whether some of it is of another answer."""
        before = self.part.stat().st_size if self.part.is_file() else 0
        wanted = _graph(self._definition).params
        whole = _whole(_graph(self._definition))
        if before > whole:
            os.truncate(self.part, 0)
        start = 0
        for layer, shapes in wanted.items():
            for blob, shape in zip(self._layers.blobs, shapes, strict=True):
                size = 4 * prod(shape)
                if start + size > before:
                    url = address.replace("{layer}", quote(layer)).replace("{blob}", blob)
                    self._add(url, start, size, whole, on_bytes)
                start += size
        return before > 0

    def _add(self, url: str, start: int, size: int, whole: int, on_bytes: OnBytes) -> None:
        with Part(self.part, size, lambda done, _: on_bytes(start + done, whole), size, start) as part:
            try:
                fill(part, url)
            except FetchError as error:
                raise FetchError(f"{url.rpartition('//')[2].partition('/')[2]}: {error}") from None

    def take(self, path: Path, move: bool) -> str:
        """Make the network's file of the whole part; return by what it was checked, if that was no hash."""
        graph = _graph(self._definition)

        def make(new: Path) -> None:
            assemble(self._definition, graph, from_raw(path, graph, self._layers.axes), new)

        return _made(self._entry, self._target, make, "what is made of its layers is wrong: ", False)


def _made(entry: Entry, target: Path, make: Callable[[Path], object], wrong: str, trusted: bool) -> str:
    """Write the network's file, and check it; return by what it was checked, if that was no hash."""
    try:
        with written_whole(target) as new:
            make(new)
            verdict = check(new, entry, trusted=trusted)
            if verdict.wrong:
                raise FetchError(f"{wrong}{verdict.wrong}")
            if known_copy(new, entry) is None and not entry.numbers:
                record(new, target)
    except NetFileError as error:
        raise FetchError(f"{wrong}{error}") from error
    return "" if trusted or verdict.sure else verdict.by


def _graph(definition: Path) -> Graph:
    return caffe.graph(definition, InputSpec())


def _whole(graph: Graph) -> int:
    """Return the bytes of a network's numbers."""
    return sum(4 * prod(shape) for shapes in graph.params.values() for shape in shapes)


def _most(entry: Entry) -> int:
    """Return how many bytes a file of a network may have where its size is not known."""
    known = [copy.size or 0 for copy in (entry.file, entry.archive or entry.file, *entry.copies)]
    return 2 * max(*known, 0 if entry.definition is None else _whole(_graph(entry.definition))) + 2**24
