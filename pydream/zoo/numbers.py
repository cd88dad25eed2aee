r"""A network's numbers have a hash of their own: one network comes in several files, with the same weights.

The hash is the SHA-256 of, for each array of the weights in the definition's order: a line of the layer's name, the
array's place in the layer (0 is the kernel, 1 the bias) and its shape, ``"conv1/7x7_s2 0 64x3x7x7\n"`` in UTF-8, and
then its numbers in C order as little-endian float32. What a file has for layers that the definition does not have, and
how it is encoded, makes no difference.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ..formats import caffe
from ..runtime.graph import Graph, Params


def numbers_sha256(graph: Graph, params: Params) -> str:
    """Return the hash of the numbers that a network has.

    Parameters
    ----------
    graph : Graph
        Its order counts.
    params : mapping of str to list of ndarray
        Layer → its weights.
    """
    digest = hashlib.sha256()
    for layer, shapes in graph.params.items():
        for place, (shape, array) in enumerate(zip(shapes, params[layer], strict=True)):
            digest.update(f"{layer} {place} {'x'.join(map(str, shape))}\n".encode())
            digest.update(np.ascontiguousarray(array, "<f4").reshape(-1).data)
    return digest.hexdigest()


def numbers_of(definition: Path, weights: Path) -> str:
    """Return the hash of the numbers in a file of one of Caffe's networks; `NetFileError` if it has none for it."""
    return numbers_sha256(*caffe.read(definition, weights))
