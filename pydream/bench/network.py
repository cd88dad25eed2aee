"""The network side of a step: forward, objective and the gradient at the image, over the floor of its arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..caffe import Classifier
from ..caffe.definition import define, read_model
from ..caffe.graph import Graph
from ..caffe.proto import caffe_pb2
from ..dream import find_end
from ..errors import NetFileError
from ..net import Array, Net
from ..objectives import objective_L2
from ..octaves import Size, check_octaves
from ..zoo import find_files, find_network, load_net
from .floor import floor_seconds, matrix_product, multiplications
from .inputs import image
from .timing import Contest, Outcome, Spread, within

FAST, EXACT, FLOOR = "float32", "float64", "floor"

# float32 against other float32 kernels. Rounding moves the gradient by about 1e-6 of its length, and by a little more
# where it moves the maximum of a pooling window.
SAME_GRADIENT = 2e-4
# float32 against the exact mode, which also settles ties otherwise.
NEAR_EXACT = 5e-3


@dataclass(frozen=True)
class Subject:
    """A network that is measured.

    Attributes
    ----------
    model : str
        As it was asked for.
    load : callable
        dtype → the network, loaded anew.
    net : Classifier
        It in float32.
    graph : Graph
    end : str
        The layer.
    weights : path, optional
        The caffemodel that was named.
    stand_in : bool
        Whether the weights are random, for want of the real ones.
    """

    model: str
    load: Callable[[str], Classifier]
    net: Classifier
    graph: Graph
    end: str
    weights: Path | None = None
    stand_in: bool = False

    @classmethod
    def find(
        cls, model: str, weights: Path | None = None, layer: str | None = None, *, stand_in: bool = False
    ) -> Subject:
        """Load a network.

        Parameters
        ----------
        model, weights
            As for `load_net`, which raises the same errors.
        layer : str, optional
            None: the network's own default.
        stand_in : bool
            Take random weights for a network of the registry whose weights are not here; the arithmetic is the same.
        """
        try:
            definition = find_files(model, weights).definition
        except NetFileError:
            if not stand_in:
                raise
            return cls._standing_in(model, layer)
        load = partial(load_net, model, weights)
        net = load("float32")
        return cls(model, load, net, Graph(define(read_model(definition), model)), find_end(net, layer), weights)

    @classmethod
    def _standing_in(cls, model: str, layer: str | None) -> Subject:
        entry = find_network(model)
        end = layer or entry.default_layer
        definition = read_model(entry.folder / "deploy.prototxt")
        # What lies behind the layer is not needed, and may be most of the weights.
        del definition.layer[1 + next(i for i, each in enumerate(definition.layer) if end in each.top) :]
        graph = Graph(define(definition, model))
        weights = _random_weights(graph)

        def load(dtype: str) -> Classifier:
            net = Classifier(definition, weights, np.array(entry.mean), (2, 1, 0), dtype=dtype)
            net.default_end = end
            return net

        return cls(model, load, load("float32"), graph, end, stand_in=True)

    def gmac(self, size: Size) -> float:
        """Give the forward pass's multiplications in 10^9."""
        return multiplications(self.graph, self.end, size) / 1e9


def contest(subject: Subject, size: Size, *, exact: bool = True) -> Contest:
    """Make the contest of a network at a size: float32 and, if wanted, float64, beside the floor's matrix product.

    Raises
    ------
    ShapeError
        Where the size does not go through the layers.
    """
    ways = {FAST: gradient_way(subject.net, subject.end, size)}
    if exact:
        ways[EXACT] = gradient_way(subject.load("float64"), subject.end, size)
    return Contest(
        f"{subject.model}'s gradient, {size[1]}x{size[0]}", ways, within(NEAR_EXACT), {FLOOR: matrix_product()}
    )


def gradient_way(net: Net, end: str, size: Size) -> Callable[[], Array]:
    """Give the passes as `make_step` has them, from the tensor that the network takes to the one that it gives."""
    check_octaves(net, end, [size])
    made = image(*size, net.mean)[np.newaxis]
    tensor = np.ascontiguousarray(made.transpose(0, 2, 3, 1)) if net.channels_last else made

    def way() -> Array:
        net.blobs["data"].reshape(1, 3, *size)
        net.forward(end=end, tensor=tensor)
        objective_L2(net.blobs[end])
        return net.backward(start=end)

    return way


def floor_of(outcome: Outcome, subject: Subject, size: Size) -> Spread:
    """Give the seconds that the arithmetic takes at least, from the yardstick of a contest."""
    return outcome.seconds(FLOOR) * floor_seconds(1.0, multiplications(subject.graph, subject.end, size))


def _random_weights(graph: Graph) -> Any:
    """Draw weights that keep the size of the activations, as a NetParameter."""
    weights, rng = caffe_pb2.NetParameter(), np.random.RandomState(0)
    for name, shapes in graph.params.items():
        layer = weights.layer.add(name=name)
        for shape in shapes:
            blob = layer.blobs.add()
            blob.shape.dim.extend(shape)
            scale = np.sqrt(2 / prod(shape[1:])) if len(shape) > 1 else 0.1
            blob.data.extend((scale * rng.standard_normal(prod(shape))).astype(np.float32).tolist())
    return weights
