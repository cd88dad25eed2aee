"""A caffemodel is a message of layers with numbers: it is opened without them, and they are read layer by layer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from ...errors import NetFileError
from ...runtime.layers import Shape
from ..source import FileSource, MemorySource, Source
from . import caffe_pb2
from .wire import LayerNumbers, Numbers, scan

# As many as protobuf itself reads.
_MAX_BYTES = 2**31 - 1


@dataclass(frozen=True)
class StoredBlob:
    """Weights in a file: their shape, which is only what the file claims, and where the numbers are."""

    shape: Shape
    numbers: Numbers


@dataclass(frozen=True)
class Caffemodel:
    """A file's network and weights.

    Attributes
    ----------
    source : str
        For messages.
    net : NetParameter
        Without numbers.
    blobs : dict of str to list of StoredBlob
        Layer → its weights, for the layers that have some.
    """

    source: str
    net: Any
    blobs: dict[str, list[StoredBlob]]


def read_binary(path: str | os.PathLike[str]) -> Caffemodel:
    """Open a caffemodel; `NetFileError` for another file."""
    opened = _opened(FileSource(path, _MAX_BYTES, "a caffemodel"))
    if not (opened.net.layer or opened.net.layers):
        raise NetFileError(f"{path}: not a caffemodel: no layer in it")
    return opened


def from_message(net: Any, source: str) -> Caffemodel:
    """Return a NetParameter in memory as a caffemodel, whatever becomes of the message later."""
    return _opened(MemorySource(net.SerializePartialToString(), source))


def _opened(source: Source) -> Caffemodel:
    content, numbers = scan(source)
    net = caffe_pb2.NetParameter()
    try:
        net.MergeFromString(content)
    except DecodeError as error:
        raise NetFileError(
            f"{source.name}: not a caffemodel, or cut short or damaged ({source.size} bytes read)"
        ) from error
    if not all(isinstance(text, str) for text in _strings(net)):  # protobuf returns bytes for what is not UTF-8
        raise NetFileError(f"{source.name}: not a caffemodel, or damaged: a name in it is not text")
    return Caffemodel(source.name, net, _blobs(net, numbers))


def _blobs(net: Any, numbers: list[LayerNumbers]) -> dict[str, list[StoredBlob]]:
    """Put shapes and numbers together; of layers with one name the last counts, as in Caffe.

    As when Caffe upgrades a network, `layer` beside `layers` does not count, and where one layer is of 2013, all are.
    """
    layers = net.layers or net.layer
    there = [each for each in numbers if each.number == (2 if net.layers else 100)]
    oldest = any(layer.HasField("layer") for layer in net.layers)
    found: dict[str, list[StoredBlob]] = {}
    for message, each in zip(layers, there, strict=True):
        layer, places = (message.layer, each.inner) if oldest else (message, each.blobs)
        if layer.blobs:
            found.pop(layer.name, None)  # in the file's order, which counts where weights are shared
            found[layer.name] = [
                StoredBlob(_shape(blob), where) for blob, where in zip(layer.blobs, places, strict=True)
            ]
    return found


def _shape(blob: Any) -> Shape:
    """Return the shape that a BlobProto claims: four old sizes, else its `shape`, else that of one number: none."""
    old = ("num", "channels", "height", "width")
    if any(map(blob.HasField, old)):
        return tuple(getattr(blob, size) for size in old)
    return tuple(blob.shape.dim)


def _strings(net: Any) -> Iterator[str]:
    """Yield every name of a NetParameter that is read later."""
    yield from (net.name, *net.input, *net.state.stage)
    for layer in (*net.layers, *net.layer):
        yield from (layer.name, *layer.bottom, *layer.top)
        if layer.DESCRIPTOR.name == "V1LayerParameter":
            yield from (layer.layer.name, layer.layer.type, *layer.param)
        else:
            yield from (param.name for param in layer.param)
        for rule in (*layer.include, *layer.exclude):
            yield from (*rule.stage, *rule.not_stage)
    yield from (layer.type for layer in net.layer)
