"""Caffe's snapshots in HDF5 hold weights alone: ``data/LAYER/INDEX``, where a layer's name may be several groups."""

from __future__ import annotations

import os
from math import prod

from ..hdf5 import datasets
from ..source import FileSource
from . import caffe_pb2
from .caffemodel import Caffemodel, StoredBlob
from .wire import Numbers, Piece

_MOST_BYTES = 2**40
_MOST_BLOBS = 2**10  # of a layer


def read_snapshot(path: str | os.PathLike[str]) -> Caffemodel:
    """Open weights in HDF5; `NetFileError` for another file."""
    source = FileSource(path, _MOST_BYTES, "weights in HDF5")
    found: dict[str, dict[int, StoredBlob]] = {}
    for names, dataset in datasets(source):
        root, layer, index = names[:1], "/".join(names[1:-1]), names[-1]
        if root == ("data",) and layer and index.isascii() and index.isdigit() and int(index) < _MOST_BLOBS:
            pieces = [Piece(dataset.at, prod(dataset.shape), dataset.size)] if prod(dataset.shape) else []
            numbers = Numbers(source, pieces) if dataset.size == 4 else Numbers(source, double_data=pieces)
            found.setdefault(layer, {})[int(index)] = StoredBlob(dataset.shape, numbers)
    absent = StoredBlob((0,), Numbers(source))  # a layer's that shares those of another
    blobs = {layer: [there.get(index, absent) for index in range(max(there) + 1)] for layer, there in found.items()}
    return Caffemodel(str(path), caffe_pb2.NetParameter(), blobs)
