"""A .npy file of a stranger: numbers, and as many as its header says."""

from __future__ import annotations

import io
import os
import warnings
from math import prod
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NetFileError
from .files import read_bytes

MAGIC = b"\x93NUMPY"
HEADER = 2**16  # bytes of the longest header of version 1.0


def parse_npy(content: bytes, source: str) -> NDArray[Any]:
    """Read an array; its header is compared with the bytes that are there before memory is taken.

    Raises
    ------
    NetFileError
        If it is no array of numbers; nothing is unpickled. `source` is for messages.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a header that Python 2 wrote
            shape, fortran, dtype = read(file)
    except (ValueError, SyntaxError, TypeError, TokenError, RecursionError, MemoryError) as error:
        raise NetFileError(f"{source}: not a NumPy array: {' '.join(str(error).split())[:200]}") from error
    there = content[file.tell() :]
    if dtype.kind not in "fiu" or min(shape, default=1) < 0 or prod(shape) * dtype.itemsize != len(there):
        raise NetFileError(f"{source}: {len(there)} bytes for an array of {dtype} {shape}; expected numbers, and all")
    try:
        return np.frombuffer(there, dtype).reshape(shape, order="F" if fortran else "C")
    except (ValueError, TypeError) as error:  # more axes than there can be, or sides that are no integers
        raise NetFileError(f"{source}: an array of shape {shape}: {error}") from error


def read_vector(path: str | os.PathLike[str], most: int) -> NDArray[Any]:
    """Read the array (c,) of a file, of `most` numbers at most; `NetFileError` for anything else."""
    vector = parse_npy(read_bytes(path, HEADER + 16 * most, f"an array of {most} numbers"), str(path))
    if vector.ndim != 1:
        raise NetFileError(f"{path}: an array of shape {vector.shape}; expected one axis, a number for each channel")
    return vector
