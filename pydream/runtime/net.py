"""A net is a graph with weights and blobs that behave as pycaffe's: write `data`, run forward, write `diff`, run back.

Who computes is a `Runtime`: TensorFlow, or NumPy. Arrays are made where they are asked for, and a forward pass is run
when somebody reads of it. What it computes stays a tensor of the runtime until then. So a dream whose objective is
`Blob.copy_data_to_diff` or `Blob.set_diff` never moves an activation, and goes forward and back in one run, in which
they come and go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..errors import ShapeError, UnknownNameError
from ..net import Array, ChannelOrder, Field, unknown_name
from .base import Affine, Match, Memos, Runtime, Seed, Tensor
from .geometry import locality, step_values
from .graph import MAX_COUNT, Graph, Params
from .layers import Shape, Softmax
from .on_numpy.runtime import NumpyRuntime
from .on_tensorflow.runtime import TensorFlowRuntime

# Of the values that a step makes, what it takes at most at a time, measured (docs/tiles.md). In float64 max pooling
# looks for ties, and holds more.
_HELD = {"float32": 1.1, "float64": 1.6}

RUNTIMES: dict[str, type[Runtime]] = {"tensorflow": TensorFlowRuntime, "numpy": NumpyRuntime}


class Blob:
    """A named array of a net and the gradient at it.

    What is written into an input's `data` is what `forward` reads. What is written into another blob's `data` is seen
    by whoever reads it next, an objective for instance, but not by the passes: those keep what they computed.

    A `diff` that was written stays until it is written over. One that a backward pass computed can be read until the
    next forward pass; an input's stays until the next backward pass. A pass makes new arrays, so read them off the
    blob again after it.
    """

    def __init__(self, net: Net, name: str, shape: Shape | None) -> None:
        self._net = net
        self._name = name
        self._input_shape = shape  # None: computed by a layer
        self._data: Array | None = None
        self._diff: Array | None = None
        # Instead of _diff, where nobody has read it yet: what the seed makes of the tensor.
        self._diff_tensor: Tensor = None
        self._diff_seed: Seed = None
        self._diff_computed = False  # by a backward pass, and not written
        self._diff_to_come = False  # what `_diff_seed` makes of data that the last forward pass has yet to compute

    def __repr__(self) -> str:
        return f"<Blob {self._name!r}>"

    @property
    def shape(self) -> Shape:
        """The shape that the layers give for the inputs' present shapes."""
        if self._input_shape is not None:
            return self._input_shape
        return self._net._graph.shape(self._name, self._net._input_shapes())

    @property
    def data(self) -> Array:
        """The values: (n, c, h, w), C-contiguous, writable; zeros until a pass has made them."""
        if self._data is None:
            tensor = None if self._input_shape is not None else self._net._computed(self._name)
            self._data = np.zeros(self.shape, self._net.dtype) if tensor is None else self._net._to_caffe(tensor)
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient: as `data`."""
        if self._diff is None:
            self._settle()
            tensor = self._sown()
            if tensor is None and self._diff_computed:
                tensor = self._net._computed_diff(self._name)
            self._diff = np.zeros(self.shape, self._net.dtype) if tensor is None else self._net._to_caffe(tensor)
        return self._diff

    @property
    def count(self) -> int:
        """How many values there are."""
        return prod(self.shape)

    @property
    def num(self) -> int:
        """First size: images."""
        return self._size(0)

    @property
    def channels(self) -> int:
        """Second size."""
        return self._size(1)

    @property
    def height(self) -> int:
        """Third size."""
        return self._size(2)

    @property
    def width(self) -> int:
        """Fourth size."""
        return self._size(3)

    def _size(self, axis: int) -> int:
        shape = self.shape
        return shape[axis] if axis < len(shape) else 1

    def reshape(self, *dims: int) -> None:
        """Give an input another shape; its data are zeros then, unless the shape is the same.

        Raises
        ------
        ShapeError
            For another number of axes or channels, a size below 1, more than 2^31 - 1 values in a channel, or a
            computed blob.
        """
        if self._input_shape is None:
            raise ShapeError(f"blob {self._name!r} is computed; reshape the input, {', '.join(self._net.inputs)}")
        shape = tuple(int(dim) for dim in dims)
        declared = self._net._graph.declared[self._name]
        if len(shape) != len(declared) or shape[1:2] != declared[1:2]:
            raise ShapeError(f"input {self._name!r} is {declared}; {shape} has other axes or channels")
        if min(shape) < 1 or prod(shape[:1] + shape[2:]) > MAX_COUNT:
            raise ShapeError(f"input {self._name!r} cannot be {shape}: 1 to {MAX_COUNT} values a channel")
        if shape != self._input_shape:
            self._input_shape = shape
            self._data = None
            self._net._resized()

    def copy_data_to_diff(self) -> None:
        """``diff[:] = data``, without reading the values where nobody has."""
        if not self._sow(None):
            self.diff[:] = self.data

    def set_diff(self, gain: ArrayLike, bias: ArrayLike = 0) -> None:
        """``diff[:] = gain * data + bias``, without reading the values where nobody has.

        Parameters
        ----------
        gain, bias : array_like
            Numbers, one for all or what broadcasts to the blob: (c, 1, 1) has one a channel, (c, h, w) one a value.

        Raises
        ------
        ShapeError
            For what does not broadcast.
        """
        shape = self.shape
        gain, bias = (self._broadcast(name, numbers, shape) for name, numbers in (("gain", gain), ("bias", bias)))
        if not self._sow(Affine(self._net._from_caffe(gain), self._net._from_caffe(bias))):
            self.diff[:] = gain * self.data + bias

    def match_diff(self, features: Array) -> None:
        """Set `diff` at each place to a guide's features where those are most like `data` there, by dot product.

        Parameters
        ----------
        features : (c, h, w) array
            Of a guide of any size. Of places that are equally like it is the first, row by row.

        Raises
        ------
        ShapeError
            For features of another number of channels.
        """
        if features.shape[0] != self.shape[1]:
            raise ShapeError(f"features of {features.shape[0]} channels, and blob {self._name!r} has {self.shape[1]}")
        seed = Match(self._net._from_caffe(np.asarray(features, self._net.dtype)[np.newaxis]))
        if not self._sow(seed):
            runtime = self._net._runtime
            self.diff[:] = self._net._to_caffe(runtime.sown(self._net._from_caffe(self.data), seed))

    def _broadcast(self, name: str, numbers: ArrayLike, shape: Shape) -> Array:
        """Give numbers for a blob as an array of its rank that has one a channel at least."""
        array = np.asarray(numbers, self._net.dtype)
        try:
            wanted = np.broadcast_shapes(array.shape, (1, *shape[1:2], *[1] * (len(shape) - 2)))
            if np.broadcast_shapes(wanted, shape) == shape:
                return np.broadcast_to(array, wanted)
        except ValueError:
            pass
        raise ShapeError(f"{name} of {array.shape} does not broadcast to blob {self._name!r}, {shape}")

    def _sow(self, seed: Seed) -> bool:
        """Let the gradient be what a seed makes of the values; False where those are not, or no more, a tensor."""
        unread = self._data is None and self._input_shape is None
        if unread and self._net._to_come(self._name):
            self._set_diff(seed=seed, to_come=True)
            return True
        tensor = self._net._computed(self._name) if unread else None
        if tensor is not None:
            self._set_diff(tensor, seed)
        return tensor is not None

    def _set_diff(
        self, tensor: Tensor = None, seed: Seed = None, *, computed: bool = False, to_come: bool = False
    ) -> None:
        """Replace the gradient: by a seed's, of a tensor or of what is to come, by what went back, or by zeros."""
        self._diff, self._diff_tensor, self._diff_seed = None, tensor, seed
        self._diff_computed, self._diff_to_come = computed, to_come

    def _settle(self) -> None:
        """Have the last forward pass compute what the gradient is made of."""
        if self._diff_to_come:
            self._set_diff(self._net._computed(self._name), self._diff_seed)

    def _sown(self) -> Tensor | None:
        """Give what the seed makes of the tensor, where there is one."""
        return None if self._diff_tensor is None else self._net._runtime.sown(self._diff_tensor, self._diff_seed)

    def _start(self) -> Tensor:
        """Give the gradient for a backward pass, in the network's layout."""
        self._settle()
        tensor = self._sown() if self._diff is None else None
        return self._net._from_caffe(self.diff) if tensor is None else tensor


class Blobs(Mapping[str, Blob]):
    """Blobs by name, inputs first, then in the order of the layers that make them."""

    def __init__(self, blobs: dict[str, Blob], graph: Graph) -> None:
        self._blobs = blobs
        self._graph = graph

    def __getitem__(self, name: str) -> Blob:
        if name not in self._blobs:
            raise self._graph.unknown_blob(name)
        return self._blobs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._blobs

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)


class Outputs(Mapping[str, Array]):
    """What a pass gives by blob name, read when it is asked for."""

    def __init__(self, blobs: Blobs, names: list[str]) -> None:
        self._blobs = blobs
        self._names = names

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._blobs[name].data

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Param:
    """Weights of a layer; read-only, since the passes may hold a copy of their own."""

    def __init__(self, data: NDArray[Any]) -> None:
        self.data = data

    @property
    def shape(self) -> Shape:
        """Caffe's: (out, in, h, w) of a convolution."""
        return self.data.shape


class Net:
    """A graph with weights, ready to run.

    Parameters
    ----------
    graph : Graph
    params : dict of str to list of array
        Layer → its weights, of any float type.
    dtype : {"float32", "float64"}
        float64 is exact: its max pooling tolerates ties, so rounding never picks the winner.
    runtime : {"tensorflow", "numpy"}, or a subclass of Runtime
        TensorFlow, or formulas in NumPy, which are slower and to be read.
    device : {"auto", "cpu", "gpu", "gpu:N"}
    mean : sequence of 3 floats, optional
        Of the training pictures, 0..255, in the network's channel order; zeros by default.
    channel_order : {"BGR", "RGB"}
        What the image input takes.

    Attributes
    ----------
    blobs : mapping of str to Blob
    params : dict of str to list of Param
    inputs, outputs : list of str
        Blobs that nothing makes, and blobs that nothing reads.
    image_input : str
        The input that is dreamt on: "data", or the first where none has that name.
    layer_names : list of str
    top_names, bottom_names : dict of str to list of str
        Layer → the blobs that it writes, and reads.
    device : str
        Where it runs: ``"CPU:0"`` or ``"GPU:N"``.
    channels_last : bool
        Whether tensors are (n, h, w, c), as TensorFlow's, or (n, c, h, w).
    channel_order : {"BGR", "RGB"}
        What the image input takes: BGR, unless told.

    Raises
    ------
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype or runtime that is none of the above, or a runtime that cannot run one of the layers.

    Notes
    -----
    A net is for one thread at a time.
    """

    def __init__(
        self,
        graph: Graph,
        params: Params,
        dtype: DTypeLike = "float32",
        runtime: str | type[Runtime] = "tensorflow",
        device: str = "auto",
        *,
        mean: Sequence[float] = (0, 0, 0),
        channel_order: ChannelOrder = "BGR",
    ) -> None:
        self.dtype = real_dtype(dtype)
        params = {layer: [np.asarray(each, self.dtype) for each in arrays] for layer, arrays in params.items()}
        self._graph = graph
        self.params = {layer: [Param(array) for array in arrays] for layer, arrays in params.items()}
        self.name = graph.name
        self.default_end: str | None = None
        self.channel_order: ChannelOrder = channel_order
        self._mean = np.array(mean, self.dtype).reshape(3, 1, 1)
        self.inputs = list(graph.inputs)
        self.image_input = graph.image_input
        read = {bottom for step in graph.steps for bottom in step.bottoms}
        self._outputs = {
            top: value
            for step in graph.steps
            for top, value in zip(step.layer.tops, step.tops, strict=True)
            if value not in read
        }
        self.outputs = list(self._outputs)
        self.layer_names = [step.layer.name for step in graph.steps]
        self.top_names = {step.layer.name: list(step.layer.tops) for step in graph.steps}
        self.bottom_names = {step.layer.name: list(step.layer.bottoms) for step in graph.steps}
        self._runtime = runtime_type(runtime)(graph, params, self.dtype, device)
        self.device = self._runtime.device
        self.channels_last = self._runtime.channels_last
        self._clear()

    def _clear(self) -> None:
        """Begin with new blobs, and no pass run."""
        made = {name: Blob(self, name, self._graph.declared.get(name)) for name in self._graph.blobs}
        self.blobs = Blobs(made, self._graph)
        self._forward: _Forward | None = None  # the last pass each way
        self._backward: _Backward | None = None

    def twin(self) -> Self:
        """Give a net that shares the weights and the runtime, and has blobs of its own."""
        twin = copy(self)
        twin._clear()
        return twin

    def locality(self, end: str) -> Field:
        """Give what of the image it takes to compute single values of the blob `end`, and their gradients.

        `ShapeError`, with the layer that is why, where that is the whole image.
        """
        return locality(self._graph, end)

    def step_bytes(self, ends: Sequence[str], height: int, width: int) -> int:
        """Estimate what forward and back from `ends` take for an image of that size, without the image itself."""
        shape = (1, *self._graph.declared[self.image_input][1:2], height, width)
        values = step_values(self._graph, ends, {**self._graph.declared, self.image_input: shape})
        return int(values * self.dtype.itemsize * _HELD[self.dtype.name])

    @property
    def mean(self) -> Array:
        """Of the training pictures: (3, 1, 1), of the net's dtype, in its channel order."""
        return self._mean

    @property
    def logits(self) -> tuple[str, int] | None:
        """The blob that the last softmax reads, and how many classes it tells apart; None without a softmax."""
        read = [step.bottoms[0] for step in self._graph.steps if isinstance(step.layer, Softmax)]
        if not read:
            return None
        blob = self._graph.blob(read[-1])
        return blob, self._graph.shape(blob, self._graph.declared)[1]

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
            The image in the runtime's own layout, in place of ``blobs["data"].data``; not to be written to while
            this pass's results are read, or `backward` is to follow.
        **inputs : (n, c, h, w) array
            Written into the input blobs of these names first, as pycaffe does.

        Returns
        -------
        mapping of str to array
            The blob that `end` makes, or the network's outputs; each is read when it is asked for.
        """
        ends, index = (list(self._outputs.values()), len(self._graph.steps) - 1) if end is None else self._ends(end)
        for name, values in inputs.items():
            if name not in self.inputs:
                raise unknown_name("input", name, self.inputs)
            self.blobs[name].data[...] = values
        names = [self._graph.blob(value) for value in ends]
        shapes = self._input_shapes()
        for name in names:
            self._graph.shape(name, shapes, in_one_run=True)  # says in one line what does not fit
        fed = [self._fed(name, tensor if name == self.image_input else None) for name in self.inputs]
        for blob in self.blobs.values():
            blob._settle()
        # Let go of the last pass before the next needs memory.
        self._forward = self._backward = None
        for name, blob in self.blobs.items():
            if name not in self.inputs:
                blob._data = None
                if blob._diff_computed:
                    blob._set_diff()
        self._runtime.prepare(ends, index)
        self._forward = _Forward(fed, ends, index)
        return Outputs(self.blobs, names)

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
            The gradient at the image, in the runtime's own layout; read-only. It is ``blobs["data"].diff`` too.
        """
        forward = self._forward
        values, index = (
            self._ends(start) if start is not None else (forward.values, forward.end) if forward else ([], 0)
        )
        if forward is None or index > forward.end:
            raise ShapeError(f"backward from {start!r}: run forward to it, or beyond it, first")
        blobs = [self.blobs[self._graph.blob(value)] for value in values]
        steps = self._graph.needed(values, index)
        # Each blob's first value: Caffe writes an in-place layer's gradient over the one that it was given.
        reached = {name: self._graph.first_value(name) for step in steps for name in step.layer.bottoms}
        inputs = [name for name in self.inputs if name in reached]
        wanted = [reached[name] for name in inputs]
        if all(blob._diff_to_come for blob in blobs) and values == forward.values:
            seeds = [blob._diff_seed for blob in blobs]
            made, found = self._runtime.gradient(values, index, forward.inputs, seeds, wanted)
            forward.tensors.update(zip(values, made, strict=True))
            self._backward = _Backward(values, index, None, seeds, reached)
        else:
            self._backward = _Backward(values, index, [blob._start() for blob in blobs], [], reached)
            found = self._gradients(wanted)
        gradients = dict(zip(inputs, found, strict=True))
        # Where one of several starts is on the way from another, its diff stays what was written.
        stay = {blob._name for blob in blobs} if len(blobs) > 1 else set()
        for name in {*reached, *self.inputs} - stay:
            self.blobs[name]._set_diff(gradients.get(name), computed=name in reached)
        if self.image_input not in gradients:  # `start` is made of other inputs only
            return np.zeros(forward.inputs[self.inputs.index(self.image_input)].shape, self.dtype)
        return self._runtime.array(gradients[self.image_input])

    def reshape(self) -> None:
        """Check that every layer fits the inputs' present shapes; `ShapeError` names the first that does not."""
        self._graph.check(self._input_shapes())

    def _resized(self) -> None:
        """Drop what belongs to inputs of another shape."""
        self._forward = self._backward = None
        for name, blob in self.blobs.items():
            blob._set_diff()
            if name not in self.inputs:
                blob._data = None

    def _input_shapes(self) -> dict[str, Shape]:
        return {name: self.blobs[name].shape for name in self.inputs}

    def _fed(self, name: str, tensor: Array | None) -> Tensor:
        """Give an input in the runtime's layout: `tensor`, which must fit, or else the blob's data."""
        if tensor is None:
            return self._from_caffe(self.blobs[name].data)
        shape = self.blobs[name].shape
        wanted = (shape[0], *shape[2:], shape[1]) if self.channels_last and len(shape) == 4 else shape
        if tensor.shape != wanted or tensor.dtype != self.dtype:
            raise ShapeError(f"tensor: {tensor.dtype} {tensor.shape}, want {self.dtype} {wanted}")
        return self._runtime.tensor(tensor)

    def _from_caffe(self, array: Array) -> Tensor:
        """Give a blob's array as a tensor that shares no memory with it."""
        return self._runtime.tensor(_moved(array, (0, 2, 3, 1) if self.channels_last else None))

    def _to_caffe(self, tensor: Tensor) -> Array:
        """Give a tensor as an array for a blob."""
        return _moved(self._runtime.array(tensor), (0, 3, 1, 2) if self.channels_last else None)

    def _ends(self, names: str | Sequence[str]) -> tuple[list[int], int]:
        """Give the values that the first layers of these names make, and the place of the last of those layers."""
        places = [self._graph.index(name) for name in ([names] if isinstance(names, str) else names)]
        values = [top for place in places for top in self._graph.steps[place].tops]
        blobs = [self._graph.blob(value) for value in values]
        if len(set(blobs)) < len(blobs) or not blobs:
            raise UnknownNameError(f"{names}: want layers of different blobs, and not {blobs}")
        return values, max(places)

    def _held(self, name: str) -> int | None:
        """Give the value that the last forward pass leaves in a blob; None where it did not come that far."""
        forward = self._forward
        if forward is None:
            return None
        ends = {self._graph.blob(value): value for value in forward.values}
        return ends[name] if name in ends else self._graph.value(name, forward.end)

    def _to_come(self, name: str) -> bool:
        """Tell whether the last forward pass will leave a tensor in a blob where it ended, and has not been run."""
        forward, value = self._forward, self._held(name)
        return forward is not None and value in forward.values and value not in forward.tensors

    def _computed(self, name: str) -> Tensor | None:
        """Give what the last forward pass left in a blob; None where it did not come that far."""
        forward, value = self._forward, self._held(name)
        if forward is None or value is None:
            return None
        if value not in forward.tensors and value in forward.values:
            made, memos = self._runtime.forward(forward.values, forward.end, forward.inputs)
            forward.memos.update(memos)
            forward.tensors.update(zip(forward.values, made, strict=True))
        if value not in forward.tensors:
            # Who reads one blob often reads them all: they are computed together.
            steps = self._graph.needed(forward.values, forward.end)
            tops = {top for step in steps for top in step.layer.tops}
            passed = [last for top in tops if (last := self._graph.value(top, forward.end)) is not None]
            wanted = sorted(passed) if value in passed else [value]
            made = self._runtime.values(wanted, forward.end, forward.inputs)
            forward.tensors.update(zip(wanted, made, strict=True))
        return forward.tensors[value]

    def _computed_diff(self, name: str) -> Tensor:
        """Give what the last backward pass left in the diff of a blob that it reached."""
        assert self._backward is not None
        if not self._backward.gradients:
            names = list(self._backward.reached)
            found = self._gradients([self._backward.reached[name] for name in names])
            self._backward.gradients.update(zip(names, found, strict=True))
        return self._backward.gradients[name]

    def _gradients(self, values: list[int]) -> list[Tensor]:
        """Run the last backward pass, once more if it was run already, for the gradients at these values."""
        forward, backward = self._forward, self._backward
        assert forward is not None
        assert backward is not None
        if backward.diffs is None:
            return self._runtime.gradient(backward.values, backward.start, forward.inputs, backward.seeds, values)[1]
        if not self._runtime.covers(forward.memos, backward.values, backward.start, values):
            _, memos = self._runtime.forward(backward.values, backward.start, forward.inputs, values)
            forward.memos.update(memos)
        return self._runtime.backward(backward.values, backward.start, forward.memos, backward.diffs, values)


@dataclass
class _Forward:
    """What a forward pass leaves."""

    inputs: list[Tensor]
    values: list[int]  # where it ended,
    end: int  # in or before this step
    memos: Memos = field(default_factory=dict)
    tensors: dict[int, Tensor] = field(default_factory=dict)  # value → what it is, as far as anybody has asked


@dataclass
class _Backward:
    """What a backward pass leaves."""

    values: list[int]  # where it started,
    start: int  # in or before this step
    diffs: list[Tensor] | None  # with these gradients; None: in one run with forward, with what
    seeds: list[Seed]  # make of the values
    reached: dict[str, int]  # blob → the value whose gradient its diff is
    gradients: dict[str, Tensor] = field(default_factory=dict)  # of these blobs, once anybody has asked


def real_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Give a dtype that a net can have; `ValueError` for any other."""
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype {found}, want float32 or float64")
    return found


def runtime_type(runtime: str | type[Runtime]) -> type[Runtime]:
    """Give the class of a runtime that is named; `ValueError` for any other name."""
    if not isinstance(runtime, str):
        return runtime
    if runtime not in RUNTIMES:
        raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(map(repr, RUNTIMES))}")
    return RUNTIMES[runtime]


def _moved(array: Array, axes: tuple[int, ...] | None) -> Array:
    """Give a new, writable, C-contiguous array; images with their axes in another order."""
    return (array.transpose(axes) if axes and array.ndim == 4 else array).copy(order="C")
