"""The network side of a step: forward, objective and the gradient at the image, over the floor of its arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..caffe import Classifier
from ..dream.objectives import objective_L2
from ..dream.octaves import Size, check_octaves
from ..dream.params import find_end
from ..errors import NetFileError, ResultsDifferError, ShapeError, UnknownNameError, printable
from ..formats.caffe import caffe_pb2
from ..formats.caffe.layers import graph_of
from ..formats.caffe.prototxt import read_model
from ..net import Array, Net
from ..runtime.ends import default_end
from ..runtime.graph import Graph
from ..zoo.load import find_files, load_net, read_graph, read_outline
from ..zoo.registry import find_network
from .floor import floor_seconds, matrix_product, multiplications
from .inputs import image
from .timing import Contest, Quartiles, Timings, distance, within

FAST, EXACT, FLOOR, FORWARD = "float32", "float64", "floor", "forward alone"

# How far gradients may be apart, |a - b| / |b| in L2. Rounding in float32 moves a gradient by about 1e-6. But where a
# pooling window's two largest values are as close as that, rounding chooses between them too, and one such window moves
# the gradient by up to 5e-3, in correct programs as well: large pictures show little. In small ones this is rare, and a
# mistake in a formula shows on all of them.
SAME_GRADIENT = 1e-5  # for the median of these:
_SMALL, _SEEDS = (98, 113), range(5)
POOLING_ALLOWED = 1e-2  # for a picture that is measured on


@dataclass(frozen=True)
class Passes:
    """A way to compute the gradient: a network, run forward to a layer and back from it.

    Attributes
    ----------
    name : str
    gradient : callable
        Image tensor → gradient of half the sum of the layer's squares, in the same layout.
    channels_last : bool
        Whether the layout is (1, h, w, 3), or (1, 3, h, w).
    about : str
        A description for people.
    dtype : {"float32", "float64"}
        Of the tensors.
    """

    name: str
    gradient: Callable[[Array], Array]
    channels_last: bool
    about: str = ""
    dtype: str = FAST

    def way(self, image: Array) -> Callable[[], Array]:
        """Return the function to time, for a (3, h, w) image laid out beforehand; it returns (1, 3, h, w) arrays."""
        tensor = np.ascontiguousarray(image.transpose(1, 2, 0) if self.channels_last else image)[np.newaxis]
        if not self.channels_last:
            return lambda: self.gradient(tensor)
        return lambda: self.gradient(tensor).transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Subject:
    """A network that is measured.

    Attributes
    ----------
    model : str
        The name or file that was requested.
    load : callable
        dtype[, device, runtime] → the network, loaded again.
    net : Net
        The network in float32.
    graph : Graph
    end : str
        The layer.
    weights : path, optional
        The caffemodel that was requested.
    stand_in : bool
        Whether the weights are random because the real ones are missing.
    """

    model: str
    load: Callable[..., Net]
    net: Net
    graph: Graph
    end: str
    weights: Path | None = None
    stand_in: bool = False

    @property
    def title(self) -> str:
        """What is measured."""
        return printable(f"{self.name} to {self.end}")

    @property
    def name(self) -> str:
        """The network's name, or its file's, for reports."""
        return Path(self.model).name

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
            Use random weights for a network of the registry whose weights are missing; the arithmetic is the same.
        """
        try:
            find_files(model, weights)
        except NetFileError:
            if not stand_in:
                raise
            return cls._standing_in(model, layer)
        load = partial(load_net, model, weights)
        outline = read_outline(model, weights)  # a wrong name does not wait for TensorFlow
        end = None if outline is None else find_end(outline, layer)
        net = load("float32")
        return cls(model, load, net, read_graph(model, weights), end or find_end(net, layer), weights)

    @classmethod
    def _standing_in(cls, model: str, layer: str | None) -> Subject:
        entry = find_network(model)
        if entry.definition is None:
            raise NetFileError(f"{model}: a frozen graph cannot have random weights, and {entry.weights} is missing")
        definition = read_model(entry.definition)
        end = layer or entry.default_layer or default_end(graph_of(definition, model))
        if end is None:
            raise UnknownNameError(f"{model} has no default layer; name one")
        # The layers after this one are not needed, and may have most of the weights.
        del definition.layer[1 + next(i for i, each in enumerate(definition.layer) if end in each.top) :]
        graph = graph_of(definition, model)
        weights = _random_weights(graph)

        def load(dtype: str, **options: str) -> Classifier:
            net = Classifier.load(definition, weights, entry.spec, dtype=dtype, **options)
            net.default_end = end
            return net

        return cls(model, load, load("float32"), graph, end, stand_in=True)

    def gmac(self, size: Size) -> float:
        """Return the forward pass's multiplications in 10^9."""
        return multiplications(self.graph, self.end, size) / 1e9


def passes_of(net: Net, end: str, name: str) -> Passes:
    """Return the passes of a pydream network, as `make_step` runs them."""

    def gradient(tensor: Array) -> Array:
        size = tensor.shape[1:3] if net.channels_last else tensor.shape[2:]
        net.resize(*size)
        net.forward(end=end, tensor=tensor)
        objective_L2(net.blobs[end])
        return net.gradient(end)

    return Passes(name, gradient, net.channels_last, dtype=str(net.dtype))


def contest(subject: Subject, size: Size, all_passes: Sequence[Passes]) -> Contest:
    """Make the contest of several passes at a size.

    With them are timed the matrix product that determines the floor, and our forward pass with its result read.

    Parameters
    ----------
    subject : Subject
    size : (height, width)
    all_passes : sequence of Passes
        The others are compared with the first; see also `expect_same_gradients`.

    Raises
    ------
    ShapeError
        Where the size does not fit the layers.
    """
    check_octaves(subject.net, subject.end, [size])
    return Contest(
        f"{subject.name}'s gradient, {size[1]}x{size[0]}",
        {each.name: each.way(_image(size, subject.net, each.dtype)) for each in all_passes},
        within(POOLING_ALLOWED),
        {FLOOR: matrix_product(), FORWARD: _forward(subject, size)},
    )


def _forward(subject: Subject, size: Size) -> Callable[[], Array]:
    net, end = subject.net, subject.end
    made = _image(size, net)
    tensor = np.ascontiguousarray(made.transpose(1, 2, 0) if net.channels_last else made)[np.newaxis]

    def forward() -> Array:
        net.resize(*size)
        net.forward(end=end, tensor=tensor)
        return net.blobs[end].data

    return forward


def expect_same_gradients(subject: Subject, all_passes: Sequence[Passes], size: Size) -> None:
    """Compare passes with the first of them on small pictures or, where these do not fit the layers, on a given size.

    Raises
    ------
    ResultsDifferError
        Where one computes another gradient.
    """
    try:
        check_octaves(subject.net, subject.end, [_SMALL])
        size = _SMALL
    except ShapeError:
        pass  # a layer has a fixed size, or a very large receptive field
    reference, *others = all_passes
    apart: dict[str, list[float]] = {each.name: [] for each in others}
    for seed in _SEEDS:
        expected = np.array(reference.way(_image(size, subject.net, reference.dtype, seed))(), np.float64)
        for each in others:
            found = each.way(_image(size, subject.net, each.dtype, seed))()
            apart[each.name].append(distance(found, expected))
    for name, distances in apart.items():
        if not float(np.median(distances)) <= SAME_GRADIENT:
            raise ResultsDifferError(
                f"{subject.name}: {name} and {reference.name} compute different gradients, so their times are not "
                f"compared: {min(distances):.1e} to {max(distances):.1e} apart on {len(distances)} pictures of "
                f"{size[1]}x{size[0]} (expected {SAME_GRADIENT:g} in the median)"
            )


def _image(size: Size, net: Net, dtype: str = FAST, seed: int = 2015) -> Array:
    return image(*size, net.mean.astype(dtype), seed)[: len(net.mean)]  # of one channel: any one


def floor_of(outcome: Timings, subject: Subject, size: Size) -> Quartiles:
    """Return the minimum seconds for the arithmetic, from the yardstick of a contest."""
    return outcome.seconds(FLOOR) * floor_seconds(1.0, multiplications(subject.graph, subject.end, size))


def _random_weights(graph: Graph) -> Any:
    """Draw weights that preserve the magnitude of the activations, as a NetParameter."""
    weights, rng = caffe_pb2.NetParameter(), np.random.RandomState(0)
    for name, shapes in graph.params.items():
        layer = weights.layer.add(name=name)
        for shape in shapes:
            blob = layer.blobs.add()
            blob.shape.dim.extend(shape)
            scale = np.sqrt(2 / prod(shape[1:])) if len(shape) > 1 else 0.1
            blob.data.extend((scale * rng.standard_normal(prod(shape))).astype(np.float32).tolist())
    return weights
