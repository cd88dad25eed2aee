"""What a rival has to compute: a network as plain data, so that a process without TensorFlow can take it."""

import importlib.util
from dataclasses import dataclass

import numpy as np

from pydream.errors import BenchError
from pydream.runtime.graph import Graph
from pydream.system import threads


class NotHere(BenchError):
    """A rival cannot run here; the text says why."""


@dataclass(frozen=True)
class Task:
    """A network to a layer, with its weights.

    Attributes
    ----------
    graph : Graph
    end : str
        The layer.
    weights : dict of str to list of float32 array
        By layer, of the layers that `end` needs.
    threads : int
        As many as pydream itself uses.
    """

    graph: Graph
    end: str
    weights: dict[str, list[np.ndarray]]
    threads: int

    @classmethod
    def of(cls, subject):
        """Return the task of a `Subject`."""
        params, names = subject.net.params, [step.layer.name for step in _steps(subject.graph, subject.end)]
        weights = {name: [param.data for param in params[name]] for name in names if name in params}
        return cls(subject.graph, subject.end, weights, threads())

    @property
    def steps(self):
        """The steps that `end` needs, in order."""
        return _steps(self.graph, self.end)

    @property
    def image(self):
        """The value that is the image."""
        return self.graph.inputs[self.graph.image_input]

    @property
    def output(self):
        """The value that `end` makes."""
        return self.graph.steps[self.graph.index(self.end)].tops[0]

    def walk(self, ops, x):
        """Run the layers on `x` with a library's `ops`: layer type → function of the layer, its inputs, its weights."""
        values = {self.image: x}
        for step in self.steps:
            layer = step.layer
            function = self.op(ops, layer)
            inputs = (values[bottom] for bottom in step.bottoms)
            values[step.tops[0]] = function(layer, *inputs, *self.weights.get(layer.name, []))
        return values[self.output]

    @staticmethod
    def op(ops, layer):
        """Return the function for a layer; raise `NotHere` where a library has none."""
        if type(layer) not in ops:
            raise NotHere(f"it has no {type(layer).__name__}, which {layer.name!r} is")
        return ops[type(layer)]


def _steps(graph, end):
    index = graph.index(end)
    return graph.needed(list(graph.steps[index].tops), index)


def expect_installed(title, *modules):
    """Raise `NotHere` where a library is missing."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise NotHere(f"{title} is not installed (no module {module!r})")


def expect_maximum(layer):
    """Raise `NotHere` where a pooling layer is not the largest value of a window."""
    if layer.average or layer.everything:
        raise NotHere(f"{layer.name!r} is a mean")


def ceil_padding(layer, size):
    """Compute a pooling layer's padding before and after, rows and columns, so that sizes round as Caffe's do."""
    sides = []
    for axis in (0, 1):
        over = (layer.out_size(size[axis], axis) - 1) * layer.stride[axis] + layer.kernel[axis]
        sides.append((layer.pad[axis], max(over - size[axis] - layer.pad[axis], 0)))
    return sides


def band(layer, channels):
    """Compute LRN's window as a matrix: the mean of squares, times `alpha`, is `band @ squares`."""
    near = np.arange(channels)
    inside = abs(near[:, None] - near) <= layer.local_size // 2
    return (layer.alpha / layer.local_size * inside).astype(np.float32)
