"""Weights are blobs by layer name: read when a layer needs them, and checked against the shapes that it wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NetFileError
from ...runtime.layers import Shape
from .caffemodel import Caffemodel, StoredBlob


class Weights(Mapping[str, list[NDArray[Any]]]):
    """The weights that a network wants from a caffemodel, by layer; each is read whenever it is asked for.

    Parameters
    ----------
    stored : Caffemodel
        Weights are matched by layer name, layers not wanted are ignored.
    wanted : dict of str to list of tuple of int
        Layer → shapes, as `Graph.params`.
    dtype : numpy.dtype
        Type of the arrays, which are read-only.
    shared : dict of (str, int) to list of (str, int), optional
        Layer and index of weights → all that share these numbers: those that the file has last count, as in Caffe.

    Raises
    ------
    NetFileError
        When a layer's weights are asked for: they are missing, have other shapes than wanted, hold NaN or infinity, or
        the file has changed.
    """

    def __init__(
        self,
        stored: Caffemodel,
        wanted: dict[str, list[Shape]],
        dtype: np.dtype[Any],
        shared: Mapping[tuple[str, int], Sequence[tuple[str, int]]] | None = None,
    ) -> None:
        self._stored = stored
        self._wanted = wanted
        self._dtype = dtype
        self._shared = shared or {}
        self._places = {layer: place for place, layer in enumerate(stored.blobs)}
        self._last: dict[int, StoredBlob | None] = {}  # identity of a group in `shared` → the last that the file has

    def __getitem__(self, name: str) -> list[NDArray[Any]]:
        where = f"{self._stored.source}: layer {name!r}"
        return [
            _array(blob, shape, self._dtype, where)
            for blob, shape in zip(self._find(name), self._wanted[name], strict=True)
        ]

    def __contains__(self, name: object) -> bool:
        return name in self._wanted

    def __iter__(self) -> Iterator[str]:
        return iter(self._wanted)

    def __len__(self) -> int:
        return len(self._wanted)

    def check(self) -> None:
        """Raise `NetFileError`, for the first layer, where no layer's weights fit."""
        if self._wanted and len(self.misfits()) == len(self._wanted):
            self._find(next(iter(self._wanted)))

    def misfits(self) -> dict[str, str]:
        """Return the layers whose weights do not fit → "missing", or their shapes and the wanted ones."""
        wrong = {}
        for name, shapes in self._wanted.items():
            blobs = self._blobs(name)
            if blobs is None:
                wrong[name] = "missing"
            elif not _all_fit(blobs, shapes):
                wrong[name] = f"{_list(blobs)}, not {_text(shapes)}"
        return wrong

    def _find(self, name: str) -> list[StoredBlob]:
        """Return what the file has for a layer; `NetFileError` for what does not fit."""
        shapes = self._wanted[name]
        blobs = self._blobs(name)
        if blobs is None:
            missing = sum(self._blobs(each) is None for each in self._wanted)
            raise NetFileError(
                f"{self._stored.source}: no weights for layer {name!r} "
                f"({missing} of {len(self._wanted)} layers miss theirs)"
            )
        if not _all_fit(blobs, shapes):
            raise NetFileError(
                f"{self._stored.source}: layer {name!r} has weights {_list(blobs)}, the network wants {_text(shapes)}"
            )
        return blobs

    def _blobs(self, name: str) -> list[StoredBlob] | None:
        """Return what the file has for a layer, and for those that it shares weights with; None: nothing."""
        own = self._stored.blobs.get(name)
        shared = {
            index: blob
            for index, shape in enumerate(self._wanted[name])
            if (blob := self._last_shared(self._shared.get((name, index), ()), shape))
        }
        if not shared:
            return own
        blobs = {**dict(enumerate(own or ())), **shared}
        return [blobs[index] for index in sorted(blobs)]

    def _last_shared(self, group: Sequence[tuple[str, int]], shape: Shape) -> StoredBlob | None:
        """Return the last weights of a group that the file has, as this shape where they are as many numbers."""
        if id(group) not in self._last:
            there = [
                (self._places[layer], blob)
                for layer, index in group
                for blob in self._stored.blobs.get(layer, ())[index : index + 1]
                if len(blob.numbers)
            ]
            self._last[id(group)] = sorted(there, key=itemgetter(0))[-1][1] if there else None
        last = self._last[id(group)]
        if last is None:
            return None
        return StoredBlob(shape, last.numbers) if prod(last.shape) == prod(shape) else last


def _all_fit(blobs: list[StoredBlob], wanted: list[Shape]) -> bool:
    return len(blobs) == len(wanted) and all(map(_fits, blobs, wanted))


def _fits(blob: StoredBlob, wanted: Shape) -> bool:
    """Old files fill up to four axes with leading ones: (1, 1, 1, n) for n biases."""
    return blob.shape in (wanted, (1,) * (4 - len(wanted)) + wanted)


def _array(blob: StoredBlob, shape: Shape, dtype: np.dtype[Any], where: str) -> NDArray[Any]:
    # Compared before any memory is taken: a file may claim any shape, but not hold its numbers.
    if len(blob.numbers) != prod(shape):
        raise NetFileError(f"{where}: {len(blob.numbers)} numbers for weights of shape {shape}, expected {prod(shape)}")
    with np.errstate(over="ignore"):  # a double beyond float32 is infinite, and refused below
        array = blob.numbers.read().astype(dtype, copy=False).reshape(shape)
    if not np.isfinite(array).all():
        raise NetFileError(f"{where}: NaN or infinity among its weights")
    array.flags.writeable = False
    return array


def _list(blobs: list[StoredBlob]) -> str:
    return _text([blob.shape for blob in blobs])


def _text(shapes: list[Shape]) -> str:
    return ", ".join("x".join(map(str, shape)) or "none" for shape in shapes) or "none"
