"""A caffemodel of weights is written layer by layer, from arrays that may be anywhere, a mapped file for instance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...files import write_all
from . import caffe_pb2
from .wire import DATA, tag

# Field numbers of Caffe's messages.
_LAYER = 100  # NetParameter.layer
_BLOBS = 7  # LayerParameter.blobs


def write_weights(file: BinaryIO, name: str, layers: Iterable[tuple[str, str, Sequence[NDArray[Any]]]]) -> None:
    """Write a caffemodel that holds weights and no network.

    Parameters
    ----------
    file : binary file
    name : str
        The network's.
    layers : iterable of (str, str, sequence of ndarray)
        Layer, its type, and its weights, which are written as float32.
    """
    write_all(file, caffe_pb2.NetParameter(name=name).SerializeToString())
    for layer, kind, arrays in layers:
        head = caffe_pb2.LayerParameter(name=layer, type=kind).SerializeToString()
        blobs = [_blob(array) for array in arrays]
        size = sum(len(part) for blob in blobs for part in blob)
        write_all(file, tag(_LAYER, len(head) + size) + head)
        for part in (part for blob in blobs for part in blob):
            write_all(file, part)


def _blob(array: NDArray[Any]) -> list[bytes | memoryview]:
    """Return a field of a layer, in parts: the blob's shape and its numbers."""
    numbers = np.ascontiguousarray(array, "<f4").reshape(-1).data.cast("B")
    shape = caffe_pb2.BlobProto(shape={"dim": array.shape}).SerializeToString() + tag(DATA, len(numbers))
    return [tag(_BLOBS, len(shape) + len(numbers)) + shape, numbers]
