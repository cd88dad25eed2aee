"""pycaffe's `io`: pictures and messages as arrays, and `caffe_pb2`, which code of 2015 imports from here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..formats.caffe import caffe_pb2
from ..media import read_image
from ..net import Array
from .missing import missing
from .resizing import oversample, resize_image
from .transformer import Transformer

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

_LUMA = np.array([0.2125, 0.7154, 0.0721])  # of scikit-image's rgb2gray: ITU-R BT.709


def load_image(filename: str | os.PathLike[str], color: bool = True) -> Array:
    """Read a picture; its colour profile is ignored, as in Caffe.

    Parameters
    ----------
    filename : path
    color : bool
        Whether in colour, or grey: 0.2125 R + 0.7154 G + 0.0721 B, as scikit-image weighs them. Caffe's own
        `force_gray`, and a dream of a network of one channel, have other weights: see docs/networks.md.

    Returns
    -------
    (h, w, 3) or, without `color`, (h, w, 1) float32 array
        RGB, 0..1.
    """
    picture = read_image(filename, to_srgb=False) / 255
    return np.asarray(picture if color else picture @ _LUMA[:, np.newaxis], np.float32)


def blobproto_to_array(blob: Any, return_diff: bool = False) -> Array:
    """Return the numbers of a BlobProto, or its gradient's, as float64 in its shape."""
    numbers = (blob.double_diff or blob.diff) if return_diff else (blob.double_data or blob.data)
    sizes = ("num", "channels", "height", "width")
    old = any(map(blob.HasField, sizes))
    return np.array(numbers, np.float64).reshape([getattr(blob, size) for size in sizes] if old else blob.shape.dim)


def array_to_blobproto(arr: Array, diff: Array | None = None) -> Any:
    """Return a BlobProto with these numbers, and those of a gradient, as float32."""
    blob = caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=arr.shape), data=arr.astype(float).flat)
    if diff is not None:
        blob.diff.extend(diff.astype(float).flat)
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[Array]) -> bytes:
    """Return arrays as the bytes of a BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector(blobs=map(array_to_blobproto, arraylist))
    return bytes(vector.SerializeToString())


def blobprotovector_str_to_arraylist(str: bytes) -> list[Array]:
    """Return the arrays of a BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector()
    vector.ParseFromString(str)
    return [blobproto_to_array(blob) for blob in vector.blobs]


def array_to_datum(arr: Array, label: int | None = None) -> Any:
    """Return a Datum of a (c, h, w) array: its bytes if it is uint8, else its numbers."""
    if arr.ndim != 3:
        raise ValueError(f"arr: shape {arr.shape}, expected (c, h, w)")
    channels, height, width = arr.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=label)
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(float).flat)
    return datum


def datum_to_array(datum: Any) -> Array:
    """Return the (c, h, w) array of a Datum, without its label."""
    shape = (datum.channels, datum.height, datum.width)
    if datum.data:
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data, np.float64).reshape(shape)


__getattr__ = missing(
    __name__,
    {
        "resize": "call `resize_image`",
        "skimage": "`load_image` and `resize_image` need no scikit-image",
        "arraylist_to_blobprotovecor_str": "it is spelled `arraylist_to_blobprotovector_str`",
    },
)
