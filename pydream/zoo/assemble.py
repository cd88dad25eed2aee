"""A caffemodel is assembled from what has its numbers: an ONNX file that was made of it, or raw files of each layer.

The definition of the registry decides which arrays are wanted, and their shapes; nothing else in a file is read.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NetFileError
from ..files import open_file
from ..formats.caffe.prototxt import read_text
from ..formats.caffe.writer import write_weights
from ..formats.head import Head
from ..runtime.graph import Graph
from ..runtime.layers import Shape

Arrays = Callable[[str, list[Shape]], list[NDArray[Any]]]  # a layer and the shapes of its weights → the weights

_FIELDS = 100_000  # of one message, at most

# Field numbers of ONNX' messages.
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DATA_TYPE, _FLOATS, _NAME, _RAW, _LOCATION = 1, 2, 4, 8, 9, 14
_FLOAT32 = 1


def assemble(definition: Path, graph: Graph, arrays: Arrays, target: Path) -> None:
    """Write the caffemodel of a definition.

    Parameters
    ----------
    definition : Path
    graph : Graph
        Of the definition.
    arrays : callable
        As `from_onnx` and `from_raw` return it.
    target : Path
        Is written to.

    Raises
    ------
    NetFileError
        If a layer's weights are missing, or of another shape.
    """
    kinds = {layer.name: layer.type for layer in read_text(definition).layer}
    layers = ((name, kinds[name], arrays(name, shapes)) for name, shapes in graph.params.items())
    with target.open("wb") as file:
        write_weights(file, graph.name, layers)


def from_raw(path: Path, graph: Graph, axes: str) -> Arrays:
    """Return the arrays of a file that has those of all layers in turn, kernels with their axes in that order."""
    content = _mapped(path)
    offsets, size = {}, 0
    for name, shapes in graph.params.items():
        offsets[name] = size
        size += sum(4 * prod(shape) for shape in shapes)
    if len(content) != size:
        raise NetFileError(f"{path.name}: {len(content)} bytes, not {size}")

    def arrays(layer: str, shapes: list[Shape]) -> list[NDArray[Any]]:
        found, at = [], offsets[layer]
        for shape in shapes:
            numbers = np.frombuffer(content, "<f4", prod(shape), at)
            found.append(_in_order(numbers, shape, axes) if len(shape) == 4 else numbers.reshape(shape))
            at += numbers.nbytes
        return found

    return arrays


def _in_order(numbers: NDArray[Any], shape: Shape, axes: str) -> NDArray[Any]:
    """Return a kernel as Caffe has it, of axes (O, I, H, W)."""
    stored = numbers.reshape([shape["OIHW".index(axis)] for axis in axes])
    return stored.transpose([axes.index(axis) for axis in "OIHW"])


def from_onnx(path: Path) -> Arrays:
    """Return the arrays of an ONNX file that was converted from one of Caffe's networks by way of Caffe2.

    Those of a layer are its initializers ``LAYER_w_0`` and ``LAYER_b_0``.
    """
    content = _mapped(path)
    found = dict(_initializers(content, path.name))

    def arrays(layer: str, shapes: list[Shape]) -> list[NDArray[Any]]:
        return [_array(found, f"{layer}_{kind}_0", shape, path.name) for kind, shape in zip("wb", shapes, strict=False)]

    return arrays


def is_onnx(path: Path) -> bool:
    """Return whether a file is an ONNX file, by its first fields."""
    return Head.of(path).message == "ModelProto"


def _array(found: dict[str, memoryview], name: str, shape: Shape, source: str) -> NDArray[Any]:
    """Return the numbers of an initializer, which are where the file is mapped."""
    if name not in found:
        raise NetFileError(f"{source}: no initializer {name!r}")
    dims: list[int] = []
    kind, numbers = 0, memoryview(b"")
    for field, value in _fields(found[name], source):
        if field == _DIMS:
            dims += [value] if isinstance(value, int) else _varints(value, source)
        elif field == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif field in (_FLOATS, _RAW) and not isinstance(value, int):
            numbers = value
        elif field == _LOCATION and value:
            raise NetFileError(f"{source}: initializer {name!r} is in another file")
    if kind != _FLOAT32 or not _same(tuple(dims), shape) or len(numbers) != 4 * prod(shape):
        has = f"{len(numbers)} bytes of type {kind} and shape {tuple(dims[:8])}"
        raise NetFileError(f"{source}: initializer {name!r} has {has}, not float32 of shape {shape}")
    return np.frombuffer(numbers, "<f4").reshape(shape)


def _same(found: Shape, wanted: Shape) -> bool:
    """Return whether shapes are the same, but for leading ones, which some converters keep: (1, 1, 1, n) for biases."""
    return found == wanted or found == (1,) * (4 - len(wanted)) + wanted


def _initializers(content: memoryview, source: str) -> Iterator[tuple[str, memoryview]]:
    for field, graph in _fields(content, source):
        if field != _GRAPH or isinstance(graph, int):
            continue
        for inner, tensor in _fields(graph, source):
            if inner == _INITIALIZER and not isinstance(tensor, int):
                for key, value in _fields(tensor, source):
                    if key == _NAME and not isinstance(value, int):
                        yield bytes(value[:1024]).decode("utf-8", "replace"), tensor


def _mapped(path: Path) -> memoryview:
    with open_file(path) as file:
        try:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:
            raise NetFileError(f"{path.name}: it is empty") from error


def _fields(message: memoryview, source: str) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message in protobuf's encoding: number, and value or content."""
    at = 0
    for _ in range(_FIELDS):
        if at == len(message):
            return
        key, at = _varint(message, at, source)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at, source)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, at = _varint(message, at, source)
        if size is None or size > len(message) - at:
            break
        yield key >> 3, message[at : at + size]
        at += size
    raise NetFileError(f"{source}: not an ONNX file, or damaged")


def _varints(content: memoryview, source: str) -> list[int]:
    found: list[int] = []
    at = 0
    while at < len(content) and len(found) < 8:
        number, at = _varint(content, at, source)
        found.append(number)
    return found


def _varint(message: memoryview, at: int, source: str) -> tuple[int, int]:
    """Return a number of up to 64 bits, and where it ends."""
    number = 0
    for place, byte in enumerate(message[at : at + 10]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, at + place + 1
    raise NetFileError(f"{source}: not an ONNX file, or damaged")
