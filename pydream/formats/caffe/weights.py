"""Weights are blobs by layer name: read when a layer needs them, and checked against the shapes that it wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
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

    Raises
    ------
    NetFileError
        Where no layer's weights fit. And when a layer's weights are asked for: they are missing, have other shapes than
        wanted, hold NaN or infinity, or the file has changed.
    """

    def __init__(self, stored: Caffemodel, wanted: dict[str, list[Shape]], dtype: np.dtype[Any]) -> None:
        self._stored = stored
        self._wanted = wanted
        self._dtype = dtype
        if wanted and len(misfits(stored, wanted)) == len(wanted):
            self._find(next(iter(wanted)))

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

    def _find(self, name: str) -> list[StoredBlob]:
        """Return what the file has for a layer; `NetFileError` for what does not fit."""
        shapes = self._wanted[name]
        blobs = self._stored.blobs.get(name)
        if blobs is None:
            missing = sum(each not in self._stored.blobs for each in self._wanted)
            raise NetFileError(
                f"{self._stored.source}: no weights for layer {name!r} "
                f"({missing} of {len(self._wanted)} layers miss theirs)"
            )
        if not _all_fit(blobs, shapes):
            raise NetFileError(
                f"{self._stored.source}: layer {name!r} has weights {_list(blobs)}, the network wants {_text(shapes)}"
            )
        return blobs


def misfits(stored: Caffemodel, wanted: dict[str, list[Shape]]) -> dict[str, str]:
    """Compare the weights of a caffemodel with those that a network wants, layer by layer.

    Parameters
    ----------
    stored, wanted
        As for `Weights`, which reads the numbers too.

    Returns
    -------
    dict of str to str
        Layer → "missing", or its shapes and the wanted ones; layers that fit are left out.
    """
    wrong = {}
    for name, shapes in wanted.items():
        blobs = stored.blobs.get(name)
        if blobs is None:
            wrong[name] = "missing"
        elif not _all_fit(blobs, shapes):
            wrong[name] = f"{_list(blobs)}, not {_text(shapes)}"
    return wrong


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
