"""A frozen graph as a net: the graph's layers and weights, on the machinery that Caffe's networks run on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from ..caffe.graph import Graph
from ..caffe.net import Net, real_dtype
from ..caffe.runtime import Runtime
from ..caffe.tf_runtime import TensorFlowRuntime
from ..errors import UnknownNameError
from ..net import Array, ChannelOrder
from .definition import read_nodes
from .tf_layers import RUNNERS
from .translation import Translation, translate

# Of Inception5h, whose file every tutorial took.
MEAN = (117.0, 117.0, 117.0)
CHANNEL_ORDER: ChannelOrder = "RGB"


class FrozenGraph(Graph):
    """A graph of layers that knows of the nodes that are no layers."""

    def __init__(self, translation: Translation) -> None:
        self._left_out = translation.left_out
        super().__init__(translation.definition)

    def index(self, name: str | None) -> int:
        """As `Graph.index`; says of a node that was left out why."""
        if name in self._left_out and name not in self.blobs:
            raise self.unknown_blob(name)
        return super().index(name)

    def unknown_blob(self, name: str) -> UnknownNameError:
        """As `Graph.unknown_blob`; says of a node that was left out why."""
        if name in self._left_out:
            return UnknownNameError(f"{name!r} is a node of the graph that cannot be run: {self._left_out[name]}")
        return super().unknown_blob(name)


class GraphDefRuntime(TensorFlowRuntime):
    """TensorFlow, with the layers that only GraphDefs have."""

    runners = RUNNERS


class GraphDefNet(Net):
    """A frozen TensorFlow graph.

    Parameters
    ----------
    file : path, or bytes
        A GraphDef whose weights are constants: its file, or what that would hold.
    mean : sequence of 3 floats
        Subtracted from 0..255 pixels, in the network's channel order.
    scale : float
        The network sees ``(pixel - mean) * scale``.
    channel_order : {"RGB", "BGR"}
        What the network takes.
    input : str, optional
        The node whose place the picture takes. None: the one placeholder for pictures. Its blob is ``"data"``, the
        picture minus the mean; the node's own name is what the network sees.
    dtype : {"float32", "float64"}
        float64 casts the weights; its max pooling tolerates ties, as that of Caffe's networks does.
    device : {"auto", "cpu", "gpu", "gpu:N"}
    runtime : subclass of GraphDefRuntime
    name : str, optional
        None: the file's.

    Attributes
    ----------
    As those of `pydream.caffe.Net`. Blobs and layers are the nodes that depend on the picture, by their names.

    Raises
    ------
    NetFileError
        For a file that is no frozen GraphDef, or that has no input or several, or of which nothing can be run.
    UnknownNameError
        For an `input` that is no node.
    ValueError
        For another dtype.
    DeviceError
        For a GPU that is not there.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | bytes,
        mean: Sequence[float] = MEAN,
        scale: float = 1.0,
        channel_order: ChannelOrder = CHANNEL_ORDER,
        input: str | None = None,
        *,
        dtype: DTypeLike = "float32",
        device: str = "auto",
        runtime: type[Runtime] = GraphDefRuntime,
        name: str | None = None,
    ) -> None:
        kind = real_dtype(dtype)
        translation = _translation(file, input, scale, name)
        params = {layer: [each.astype(kind) for each in arrays] for layer, arrays in translation.params.items()}
        self._link(FrozenGraph(translation), params, kind, runtime, device)
        self.channel_order = channel_order
        self._mean = np.array(mean, kind).reshape(3, 1, 1)

    @property
    def mean(self) -> Array:
        """(3, 1, 1), of the net's dtype, in its channel order."""
        return self._mean


def read_frozen(
    file: str | os.PathLike[str] | bytes, input: str | None = None, scale: float = 1.0, name: str | None = None
) -> FrozenGraph:
    """Read a frozen graph without a runtime: the blobs, and all that follows from the definition alone.

    Parameters
    ----------
    file, input, scale, name
        As for `GraphDefNet`, which raises the same errors.
    """
    return FrozenGraph(_translation(file, input, scale, name))


def _translation(
    file: str | os.PathLike[str] | bytes, input: str | None, scale: float, name: str | None
) -> Translation:
    source = name or "a graph" if isinstance(file, bytes) else str(file)
    return translate(read_nodes(file, source), source, name or Path(source).stem, input, scale)
