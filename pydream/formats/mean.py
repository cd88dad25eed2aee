"""A mean file is the mean picture of a training set: a binaryproto, as Caffe's tools write, or a NumPy array."""

from __future__ import annotations

import os
from math import prod
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ..errors import NetFileError
from .caffe import caffe_pb2
from .files import read_bytes
from .npy import MAGIC, parse_npy

_MOST_BYTES = 64 * 2**20  # ImageNet's in double has 1.5 million


def read_mean(path: str | os.PathLike[str]) -> tuple[float, ...]:
    """Read a mean file: one number a channel, in the network's channel order.

    A mean picture, (c, h, w), is averaged over its pixels, as the programs of 2015 did: ``.mean(1).mean(1)``. The dream
    changes the size of its picture, which a mean picture would have to follow.

    Parameters
    ----------
    path : path
        A ``.npy`` file, whose array is (c, h, w), (h, w) or (c,), or a binaryproto, whatever its name is; with 3
        channels or 1. Further axes before these have to be of size 1.

    Raises
    ------
    NetFileError
        For a file that is neither, or of another shape, or that holds NaN or infinity.
    """
    content = read_bytes(path, _MOST_BYTES, "a mean file")
    values = (parse_npy if content.startswith(MAGIC) else _binaryproto)(content, str(path))
    while values.ndim > 3 and len(values) == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[np.newaxis]
    if values.ndim not in (1, 3) or len(values) not in (1, 3) or not values.size:
        raise NetFileError(f"{path}: a mean of shape {values.shape}; expected (3, h, w), (1, h, w), (3,) or (1,)")
    if values.ndim == 1:
        values = values[:, np.newaxis, np.newaxis]
    with np.errstate(all="ignore"):
        numbers = values.astype(np.float64).mean(1).mean(1)
    if not np.isfinite(numbers).all():
        raise NetFileError(f"{path}: NaN or infinity in the mean")
    return tuple(map(float, numbers))


def _binaryproto(content: bytes, source: str) -> NDArray[Any]:
    blob = caffe_pb2.BlobProto()
    try:
        blob.ParseFromString(content)
    except DecodeError as error:
        raise NetFileError(f"{source}: neither a binaryproto nor a NumPy array (.npy)") from error
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else (blob.num, blob.channels, blob.height, blob.width)
    values = blob.double_data or blob.data
    if not values or min(shape, default=1) < 0 or prod(shape) != len(values):
        raise NetFileError(f"{source}: not a mean: {len(values)} numbers for a blob of shape {shape}")
    return np.array(values).reshape(shape)
