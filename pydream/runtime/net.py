"""A net is a graph with weights and blobs that behave as pycaffe's: write `data`, run forward, write `diff`, run back.

A `Runtime` computes: TensorFlow, or NumPy. A forward pass is run when its results are read; see `blob`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import net
from ..errors import ShapeError, UnknownNameError
from ..net import (
    Affine,
    Array,
    ChannelOrder,
    Field,
    Match,
    OneThread,
    Seed,
    as_mean,
    in_one_thread,
    names_of,
    unknown_name,
)
from .base import Memos, Runtime, Tensor
from .blob import Blob, Blobs, Outputs
from .ends import logits
from .engines import AUTO, runtime_for
from .geometry import locality, step_values
from .graph import Graph, Params
from .layers import Overwritten, Shape


class Param:
    """Weights of a layer; read-only, since the passes may hold a copy of their own."""

    def __init__(self, data: NDArray[Any]) -> None:
        self.data = data.view()
        self.data.flags.writeable = False

    @property
    def shape(self) -> Shape:
        """In Caffe's order: (out, in, h, w) for a convolution."""
        return self.data.shape


class NetParams(Mapping[str, list[Param]]):
    """The weights of a net's layers; those of a layer are read when they are first asked for, and kept."""

    def __init__(self, params: Params, dtype: np.dtype[Any]) -> None:
        self._params = params
        self._dtype = dtype
        self._read: dict[str, list[Param]] = {}

    def __getitem__(self, layer: str) -> list[Param]:
        if layer not in self._read:
            self._read[layer] = [Param(np.asarray(array, self._dtype)) for array in self._params[layer]]
        return self._read[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self._params

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)


class Net(net.Net):
    """A graph with weights, ready to run.

    Parameters
    ----------
    graph : Graph
    params : mapping of str to list of array
        Layer → its weights, of any float type: asked for when the layer is first needed.
    dtype : {"float32", "float64"}
        float64 is exact: its max pooling tolerates ties, so rounding never picks the winner.
    runtime : {"auto", "tensorflow", "native", "numpy"}, a name that a package adds, or a subclass of Runtime
        TensorFlow; C++, which is faster in float64 on a CPU, and "auto" there; or readable formulas in NumPy, which are
        slower.
    device : {"auto", "cpu", "gpu", "gpu:N"}
    mean : sequence of 1 or 3 floats, optional
        Of the training pictures, 0..255, in the network's channel order; zeros by default. See `pydream.net.as_mean`.
    channel_order : {"BGR", "RGB"}
        What the image input takes.

    Attributes
    ----------
    blobs : mapping of str to Blob
    params : mapping of str to list of Param
        Read when they are asked for: in the order of the network, weights that do not fit are an error then.
    inputs, outputs : list of str
        Blobs that no layer makes, and blobs that no layer reads.
    image_input : str
        The input that takes the image: see `Graph`. ``blobs["data"]`` is it too, where no blob has that name.
    layer_names : list of str
    top_names, bottom_names : dict of str to list of str
        Layer → the blobs that it writes, and those that it reads.
    device : str
        Where it runs: ``"CPU:0"`` or ``"GPU:N"``.
    channels_last : bool
        Whether tensors are (n, h, w, c), as TensorFlow's, or (n, c, h, w).
    channel_order : {"BGR", "RGB"}
        What the image input takes.

    Raises
    ------
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype or runtime that is none of the above.

    Notes
    -----
    A net is for one thread at a time.
    """

    blobs: Blobs

    def __init__(
        self,
        graph: Graph,
        params: Params,
        dtype: DTypeLike = "float32",
        runtime: str | type[Runtime] = AUTO,
        device: str = "auto",
        *,
        mean: ArrayLike = (0,),
        channel_order: ChannelOrder = "BGR",
    ) -> None:
        self.dtype = real_dtype(dtype)
        self.graph = graph
        self._runtime: Callable[[Graph, Params, np.dtype[Any], str], Runtime]
        self._runtime = runtime_for(runtime, graph, self.dtype, device)
        self._wanted_device = device
        self._weigh(params)
        self.name = graph.name
        self.default_end: str | None = None
        self.channel_order: ChannelOrder = channel_order
        self.logits = logits(graph)
        self.inputs = list(graph.inputs)
        self.image_input = graph.image_input
        self.mean = as_mean(mean, graph.declared[graph.image_input], channel_order).astype(self.dtype)
        shared = [step for step in graph.steps if isinstance(step.layer, Overwritten)]
        made = [step for step in graph.steps if not isinstance(step.layer, Overwritten)]
        read = {bottom for step in made for bottom in step.bottoms} | {step.bottoms[0] for step in shared}
        self._outputs = {
            top: value
            for step in graph.steps
            for top, value in zip(step.layer.tops, step.tops, strict=True)
            if value not in read
        }
        self.outputs = list(self._outputs)
        self.layer_names = [step.layer.name for step in made]
        self.top_names = {step.layer.name: list(step.layer.tops) for step in made}
        self.bottom_names = {step.layer.name: list(step.layer.bottoms) for step in made}
        self._step_values: dict[tuple[object, ...], int] = {}
        self.device = self.runtime.device
        self.channels_last = self.runtime.channels_last
        self._clear()

    def _weigh(self, params: Params) -> None:
        self._weights = params
        self.params: Mapping[str, list[Param]] = NetParams(params, self.dtype)
        self.runtime = self._runtime(self.graph, params, self.dtype, self._wanted_device)

    def set_params(self, params: Params) -> None:
        """Take other weights, for all layers; what was computed with those before is dropped, and the inputs stay."""
        self._weigh(params)
        self.resized()

    def _clear(self) -> None:
        """Make new blobs, and forget the last passes."""
        made = {name: Blob(self, name, self.graph.declared.get(name)) for name in self.graph.blobs}
        self.blobs = Blobs(made, self)
        self._one_thread = OneThread()
        self._forward: _Forward | None = None  # the last pass each way
        self._backward: _Backward | None = None

    def twin(self) -> Self:
        """Return a net that shares the weights and the runtime, and has blobs of its own."""
        twin = copy(self)
        twin._clear()
        return twin

    def locality(self, end: str) -> Field:
        """Return the part of the image that determines single values of the blob `end`, and their gradients.

        `ShapeError`, which names the layer that is the reason, where that is the whole image.
        """
        return locality(self.graph, end)

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """Estimate the memory of a step from `ends` for an image of that size, without the image: see `net.Net`."""
        asked = (*ends, height, width)
        if asked not in self._step_values:  # once: a dream asks several times, and those of a batch are of one size
            shape = (1, *self.graph.declared[self.image_input][1:2], height, width)
            self._step_values[asked] = step_values(self.graph, ends, {**self.graph.declared, self.image_input: shape})
        return int(self._step_values[asked] * self.dtype.itemsize * self.runtime.memory_factors[self.dtype.name])

    def make_room(self, ends: Sequence[str], height: int, width: int) -> None:
        """As `net.Net.make_room`, as the runtime does it."""
        self.runtime.make_room(self.step_bytes(ends, height, width))

    @in_one_thread
    def forward(
        self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None, **inputs: Array
    ) -> Mapping[str, Array]:
        """Run the layers that `end` needs, up to and with the first layer of that name, when their results are read.

        Parameters
        ----------
        end : str or sequence of str, optional
            With several the pass ends at each of them: their blobs hold what their first layers made, even where
            another, on the way to a deeper end, writes over it. None: all layers, which only the size that the
            network was made for may allow.
        tensor : (n, h, w, c) array, without `channels_last` (n, c, h, w), optional
            The image in the runtime's own layout, in place of ``image.data``; not to be written to while
            this pass's results are read, or `backward` is to follow.
        **inputs : (n, c, h, w) array
            Written into the input blobs of these names first, as pycaffe does.

        Returns
        -------
        mapping of str to array
            The blob that `end` makes, or the network's outputs; each is read when it is asked for.
        """
        asked = names_of(end)
        ends, index = (list(self._outputs.values()), len(self.graph.steps) - 1) if asked is None else self._ends(asked)
        for name, values in inputs.items():
            if name not in self.inputs:
                raise unknown_name("input", name, self.inputs)
            self.blobs[name].data[...] = values
        names = [self.graph.blob(value) for value in ends]
        shapes = self._input_shapes()
        for name in names:
            self.graph.shape(name, shapes, in_one_run=True)  # raises where something does not fit
        tensors = [self._input_tensor(name, tensor if name == self.image_input else None) for name in self.inputs]
        for blob in self.blobs.values():
            blob.resolve()
        # Free the last pass before the next needs memory.
        self._forward = self._backward = None
        for name, blob in self.blobs.items():
            if name not in self.inputs:
                blob.forget_data()
        self.runtime.prepare(ends, index)
        self._forward = _Forward(tensors, ends, index)
        return Outputs(self.blobs, names)

    @in_one_thread
    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run back from the first layer named `start`, whose blob's `diff` an objective has written, to the inputs.

        Branches that `start` does not need have no gradient, as in a fresh Caffe process.

        Parameters
        ----------
        start : str or sequence of str, optional
            A layer that the last forward pass ran; or several, whose gradients go back in one pass and add up. None:
            where the forward pass ended, be it at all the network's outputs.

        Returns
        -------
        (n, h, w, c) array, without `channels_last` (n, c, h, w)
            The gradient at the image, in the runtime's own layout; read-only. It is ``image.diff`` too.
        """
        forward = self._forward
        asked = names_of(start)
        values, index = (
            self._ends(asked) if asked is not None else (forward.values, forward.end) if forward else ([], 0)
        )
        if forward is None or index > forward.end:
            raise ShapeError(f"backward from {start!r}: run forward to it, or beyond it, first")
        whole = values == forward.values
        blobs = [self.blobs[self.graph.blob(value)] for value in values]
        # Of a layer's several tops often one alone has a gradient.
        driven = [blob.has_diff for blob in blobs]
        if any(driven):
            values, blobs = list(compress(values, driven)), list(compress(blobs, driven))
        steps = self.graph.needed(values, index)
        # Each blob's first value: Caffe writes an in-place layer's gradient over the one that it was given.
        reached = {name: self.graph.first_value(name) for step in steps for name in step.layer.bottoms}
        inputs = [name for name in self.inputs if name in reached]
        wanted = [reached[name] for name in inputs]
        pending = [blob.pending_seed for blob in blobs]
        if all(pending) and whole:
            seeds = [seeded.seed for seeded in pending if seeded]
            made, found = self.runtime.gradient(values, index, forward.inputs, seeds, wanted)
            forward.tensors.update(zip(values, made, strict=True))
            self._backward = _Backward(values, index, None, seeds, reached)
        else:
            self._backward = _Backward(values, index, [blob.diff_tensor() for blob in blobs], [], reached)
            found = self._gradients(wanted)
        gradients = {name: gradient for name, gradient in zip(inputs, found, strict=True) if gradient is not None}
        # Where one of several starts is on the way from another, its diff stays as it was written.
        stay = {blob.name for blob in blobs} if len(blobs) > 1 else set()
        for name in {*reached, *self.inputs} - stay:
            self.blobs[name].replace_diff(gradients.get(name), computed=name in reached and name not in self.inputs)
        if self.image_input not in gradients:  # `start` is made of the values of other inputs only
            return np.zeros(forward.inputs[self.inputs.index(self.image_input)].shape, self.dtype)
        return self.runtime.array(gradients[self.image_input])

    def reshape(self) -> None:
        """Check that every layer fits the inputs' present shapes; `ShapeError` names the first that does not."""
        self.graph.check(self._input_shapes())

    @in_one_thread
    def resized(self) -> None:
        """Drop what belongs to inputs of another shape."""
        self._forward = self._backward = None
        for name, blob in self.blobs.items():
            blob.replace_diff()
            if name not in self.inputs:
                blob.forget_data()

    def shapes(self) -> dict[str, Shape]:
        """Return the shape of each blob for the inputs' present shapes, but of those that do not fit."""
        found = self.graph.fitting(self._input_shapes())
        made = ((name, found[self.graph.first_value(name)]) for name in self.blobs)
        return {name: shape for name, shape in made if not isinstance(shape, ShapeError)}

    def shape_of(self, name: str) -> Shape:
        """Return the shape of a computed blob."""
        return self.graph.shape(name, self._input_shapes())

    def _input_shapes(self) -> dict[str, Shape]:
        return {name: self.blobs[name].shape for name in self.inputs}

    def _input_tensor(self, name: str, tensor: Array | None) -> Tensor:
        """Return an input in the runtime's layout: `tensor`, which must fit, or else the blob's data."""
        if tensor is None:
            return self.from_caffe(self.blobs[name].data)
        shape = self.blobs[name].shape
        wanted = (shape[0], *shape[2:], shape[1]) if self.channels_last and len(shape) == 4 else shape
        if tensor.shape != wanted or tensor.dtype != self.dtype:
            raise ShapeError(f"tensor: {tensor.dtype} {tensor.shape}, expected {self.dtype} {wanted}")
        return self.runtime.tensor(tensor)

    def from_caffe(self, array: Array) -> Tensor:
        """Return a blob's array as a tensor that shares no memory with it."""
        return self.runtime.tensor(_moved(array, (0, 2, 3, 1) if self.channels_last else None))

    def to_caffe(self, tensor: Tensor) -> Array:
        """Return a tensor as an array for a blob."""
        return _moved(self.runtime.array(tensor), (0, 3, 1, 2) if self.channels_last else None)

    def seed(self, seed: Seed) -> Seed:
        """Return a seed of arrays as one of tensors."""
        if isinstance(seed, Match):
            return Match(self.from_caffe(seed.features[np.newaxis]), self.from_caffe(seed.gain))
        return seed and Affine(*map(self.from_caffe, seed))

    def _ends(self, names: Sequence[str]) -> tuple[list[int], int]:
        """Return the values that these names stand for, and the index of the last layer that makes one."""
        indices = [self.graph.index(name) for name in names]
        values = list(dict.fromkeys(value for name in names for value in self.graph.values(name)))
        blobs = [self.graph.blob(value) for value in values]
        if len(set(blobs)) < len(blobs) or len(set(names)) < len(names) or not blobs:
            raise UnknownNameError(f"{names}: expected layers of different blobs, not {blobs}")
        return values, max(indices)

    def _value(self, name: str) -> int | None:
        """Return the value that the last forward pass leaves in a blob; None where it does not reach it."""
        forward = self._forward
        if forward is None:
            return None
        ends = {self.graph.blob(value): value for value in forward.values}
        return ends[name] if name in ends else self.graph.value(name, forward.end)

    def pending(self, name: str) -> bool:
        """Return whether the last forward pass ends at a blob, and has not been run yet."""
        forward, value = self._forward, self._value(name)
        return forward is not None and value in forward.values and value not in forward.tensors

    def computed(self, name: str) -> Tensor | None:
        """Return what the last forward pass leaves in a blob; None where it does not reach it."""
        forward, value = self._forward, self._value(name)
        if forward is None or value is None:
            return None
        if value not in forward.tensors and value in forward.values:
            made, memos = self.runtime.forward(forward.values, forward.end, forward.inputs)
            forward.memos.update(memos)
            forward.tensors.update(zip(forward.values, made, strict=True))
        if value not in forward.tensors:
            # A program that reads one blob often reads them all: they are computed together.
            steps = self.graph.needed(forward.values, forward.end)
            tops = {top for step in steps for top in step.layer.tops}
            passed = [last for top in tops if (last := self.graph.value(top, forward.end)) is not None]
            wanted = sorted(passed) if value in passed else [value]
            if value not in passed:  # so `forward` has not checked it
                self.graph.shape(name, self._input_shapes(), in_one_run=True)
            made = self.runtime.values(wanted, forward.end, forward.inputs)
            forward.tensors.update(zip(wanted, made, strict=True))
        return forward.tensors[value]

    def computed_diff(self, name: str) -> Tensor | None:
        """Return what the last backward pass leaves in the diff of a blob that it passes; None: it has no gradient."""
        assert self._backward is not None
        if not self._backward.gradients:
            names = list(self._backward.reached)
            found = self._gradients([self._backward.reached[name] for name in names])
            self._backward.gradients.update(zip(names, found, strict=True))
        return self._backward.gradients[name]

    def _gradients(self, values: list[int]) -> list[Tensor | None]:
        """Run the last backward pass for the gradients at these values, again if it was run already."""
        forward, backward = self._forward, self._backward
        assert forward is not None
        assert backward is not None
        if backward.diffs is None:
            return self.runtime.gradient(backward.values, backward.start, forward.inputs, backward.seeds, values)[1]
        if not self.runtime.covers(forward.memos, backward.values, backward.start, values):
            later = self.runtime.later(backward.values, backward.start, forward.end)
            end = forward.end if later else backward.start
            _, memos = self.runtime.forward([*backward.values, *later], end, forward.inputs, values)
            forward.memos.update(memos)
        return self.runtime.backward(backward.values, backward.start, forward.memos, backward.diffs, values)


@dataclass
class _Forward:
    """A forward pass, and what has been computed of it."""

    inputs: list[Tensor]
    values: list[int]  # where it ended,
    end: int  # in or before this step
    memos: Memos = field(default_factory=dict)
    tensors: dict[int, Tensor] = field(default_factory=dict)  # the values that have been read


@dataclass
class _Backward:
    """A backward pass, and what has been computed of it."""

    values: list[int]  # where it started,
    start: int  # in or before this step
    diffs: list[Tensor] | None  # with these gradients; None: in one run with the forward pass, from
    seeds: list[Seed]  # of the values
    reached: dict[str, int]  # blob → the value whose gradient its diff is
    gradients: dict[str, Tensor | None] = field(default_factory=dict)  # of these blobs, once one has been read


def real_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return a dtype that a net can have; raise `ValueError` for any other."""
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype {found} is not supported (expected float32 or float64)")
    return found


def _moved(array: Array, axes: tuple[int, ...] | None) -> Array:
    """Return a new, writable, C-contiguous array; the axes of images are put into another order."""
    return (array.transpose(axes) if axes and array.ndim == 4 else array).copy(order="C")
