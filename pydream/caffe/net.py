"""A net is a graph with weights and blobs that behave as pycaffe's: write `data`, run forward, write `diff`, run back.

Who computes is a `Runtime`: TensorFlow, or NumPy. Arrays are made where they are asked for. What a pass computes stays
a tensor of the runtime until somebody reads it, so a dream whose objective is `Blob.copy_data_to_diff` never moves an
activation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ShapeError
from ..net import Array
from . import mode
from .definition import MAX_COUNT, Shape, define, read_binary, read_model
from .graph import Graph
from .numpy_runtime import NumpyRuntime
from .proto import caffe_pb2
from .runtime import Memos, Runtime, Tensor
from .tf_runtime import TensorFlowRuntime
from .weights import weights_of

TRAIN: int = caffe_pb2.TRAIN
TEST: int = caffe_pb2.TEST

RUNTIMES: dict[str, type[Runtime]] = {"tensorflow": TensorFlowRuntime, "numpy": NumpyRuntime}


class Blob:
    """A named array of a net and the gradient at it.

    What is written into an input's `data` is what `forward` reads. What is written into another blob's `data` is seen
    by whoever reads it next, an objective for instance, but not by the passes: those keep what they computed.
    """

    def __init__(self, net: Net, name: str, shape: Shape | None) -> None:
        self._net = net
        self._name = name
        self._input_shape = shape  # None: computed by a layer
        self._data: Array | None = None
        self._diff: Array | None = None
        self._diff_tensor: Tensor = None  # instead of _diff, where nobody has read it yet

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
            tensor = self._diff_tensor
            if tensor is None:
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
            For another number of axes or channels, a size below 1, more than 2^31 - 1 values, or a computed blob.
        """
        if self._input_shape is None:
            raise ShapeError(f"blob {self._name!r} is computed; reshape the input, {', '.join(self._net.inputs)}")
        shape = tuple(int(dim) for dim in dims)
        declared = self._net._graph.declared[self._name]
        if len(shape) != len(declared) or shape[1:2] != declared[1:2]:
            raise ShapeError(f"input {self._name!r} is {declared}; {shape} has other axes or channels")
        if min(shape) < 1 or prod(shape) > MAX_COUNT:
            raise ShapeError(f"input {self._name!r} cannot be {shape}: 1 to {MAX_COUNT} values")
        if shape != self._input_shape:
            self._input_shape = shape
            self._forget()
            self._net._resized()

    def copy_data_to_diff(self) -> None:
        """``diff[:] = data``, without reading the values where nobody has."""
        tensor = self._net._computed(self._name) if self._data is None and self._input_shape is None else None
        if tensor is None:
            self.diff[:] = self.data
        else:
            self._diff, self._diff_tensor = None, tensor

    def _forget(self) -> None:
        self._data = self._diff = self._diff_tensor = None

    def _seed(self) -> Tensor:
        """Give the gradient for a backward pass, in the network's layout."""
        if self._diff is None and self._diff_tensor is not None:
            return self._diff_tensor
        return self._net._from_caffe(self.diff)


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
    """A Caffe network, with pycaffe's face.

    Parameters
    ----------
    model_file : path, or NetParameter
        A prototxt; or a caffemodel alone, which holds its network too (training-only layers are dropped).
    weights : path, or NetParameter, optional
        A caffemodel. Layers are matched by name. None: `model_file` holds the weights.
    phase : int
        `TEST`: a dream has no other.
    dtype : {"float32", "float64"}
        float64 is exact: its max pooling tolerates ties, so rounding never picks the winner.
    device : {"auto", "cpu", "gpu", "gpu:N"}, optional
        None: what `set_mode_cpu` or `set_mode_gpu` chose, at first "auto".
    runtime : {"tensorflow", "numpy"}, or a subclass of Runtime
        Who computes: TensorFlow, or formulas in NumPy, which are slower and to be read.

    Attributes
    ----------
    blobs : mapping of str to Blob
    params : dict of str to list of Param
    inputs, outputs : list of str
        Blobs that nothing makes, and blobs that nothing reads.
    layer_names : list of str
    top_names, bottom_names : dict of str to list of str
        Layer → the blobs that it writes, and reads.
    mean : (3, 1, 1) array
        In the network's channel order; zeros unless told.
    device : str
        Where it runs: ``"CPU:0"`` or ``"GPU:N"``.
    channels_last : bool
        Whether tensors are (n, h, w, c), as TensorFlow's, or (n, c, h, w).

    Raises
    ------
    NetFileError
        For files that are no network, or weights that are missing, misshapen or not finite.
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype, phase or runtime that is none of the above.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str] | Any,
        weights: str | os.PathLike[str] | Any | int | None = None,
        phase: int = TEST,
        *,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = "tensorflow",
    ) -> None:
        if isinstance(weights, int):  # pycaffe's Net(model_file, TEST)
            phase, weights = weights, None
        if phase != TEST:
            raise ValueError("phase must be TEST: only a network's test phase can be run")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype {self.dtype}, want float32 or float64")
        if isinstance(runtime, str):
            if runtime not in RUNTIMES:
                raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(map(repr, RUNTIMES))}")
            runtime = RUNTIMES[runtime]
        model = model_file if isinstance(model_file, caffe_pb2.NetParameter) else read_model(model_file)
        self._graph = Graph(define(model, _source(model_file)))
        if weights is None:
            held, weights = model, model_file
        else:
            held = weights if isinstance(weights, caffe_pb2.NetParameter) else read_binary(weights)
        params = weights_of(held, self._graph.params, self.dtype, _source(weights))
        self.params = {layer: [Param(array) for array in arrays] for layer, arrays in params.items()}
        self.name = self._graph.name
        self.default_end: str | None = None
        self.mean: Array = np.zeros((3, 1, 1), self.dtype)
        self.inputs = list(self._graph.inputs)
        read = {bottom for step in self._graph.steps for bottom in step.bottoms}
        unread = [
            top
            for step in self._graph.steps
            for top, value in zip(step.layer.tops, step.tops, strict=True)
            if value not in read
        ]
        self.outputs = list(dict.fromkeys(unread))
        self.layer_names = [step.layer.name for step in self._graph.steps]
        self.top_names = {step.layer.name: list(step.layer.tops) for step in self._graph.steps}
        self.bottom_names = {step.layer.name: list(step.layer.bottoms) for step in self._graph.steps}
        made = {name: Blob(self, name, self._graph.declared.get(name)) for name in self._graph.blobs}
        self.blobs = Blobs(made, self._graph)
        self._runtime = runtime(self._graph, params, self.dtype, mode.wanted_device() if device is None else device)
        self.device = self._runtime.device
        self.channels_last = self._runtime.channels_last
        self._fed: list[Tensor] = []  # the inputs of the last forward pass
        self._end = -1  # the last layer that it ran
        self._tensors: dict[int, Tensor] = {}  # what it computed, by value
        self._memos: Memos = {}
        self._start = -1  # where the last backward pass started
        self._seeds: list[Tensor] = []

    def forward(self, end: str | None = None, *, tensor: Array | None = None, **inputs: Array) -> Mapping[str, Array]:
        """Run the layers that `end` needs, up to and with the first layer of that name.

        Parameters
        ----------
        end : str, optional
            None: all of them, which only the size that the network was made for may allow.
        tensor : (n, h, w, c) array, without `channels_last` (n, c, h, w), optional
            The image in the runtime's own layout, in place of ``blobs["data"].data``; not to be written to while
            this pass's results are read.
        **inputs : (n, c, h, w) array
            Written into the input blobs of these names first, as pycaffe does.

        Returns
        -------
        mapping of str to array
            The blob that `end` makes, or the network's outputs; each is read when it is asked for.
        """
        index = self._graph.index(end)
        for name, values in inputs.items():
            self.blobs[name].data[...] = values
        names = self.outputs if end is None else list(self._graph.steps[index].layer.tops)
        ends = [value for name in names if (value := self._graph.value(name, index)) is not None]
        shapes = self._input_shapes()
        for name in names:
            self._graph.shape(name, shapes)  # says in one line what does not fit
        fed = [self._from_caffe(self.blobs[name].data) for name in self.inputs]
        if tensor is not None:
            wanted = self._laid_out(shapes[self.inputs[0]])
            if tensor.shape != wanted or tensor.dtype != self.dtype:
                raise ShapeError(f"tensor: {tensor.dtype} {tensor.shape}, want {self.dtype} {wanted}")
            fed[0] = self._runtime.tensor(tensor)
        # Let go of the last pass before the next needs memory. A computed blob's diff stays, as in Caffe.
        for name, blob in self.blobs.items():
            if name not in self.inputs:
                blob._data = None
            blob._diff_tensor = None
        self._memos, self._tensors, self._start = {}, {}, -1
        self._fed = fed
        made, self._memos = self._runtime.forward(ends, index, fed)
        self._tensors = dict(zip(ends, made, strict=True))
        self._end = index
        return Outputs(self.blobs, names)

    def backward(self, start: str | None = None) -> Array:
        """Run back from the first layer named `start`, whose blob's `diff` an objective has written, to the inputs.

        Branches that `start` does not need have no gradient, as in a fresh Caffe process.

        Parameters
        ----------
        start : str, optional
            A layer that the last forward pass ran, or None for where that one ended.

        Returns
        -------
        (n, h, w, c) array, without `channels_last` (n, c, h, w)
            The gradient at the first input, in the runtime's own layout; read-only. It is ``blobs["data"].diff`` too.
        """
        index = self._end if start is None else self._graph.index(start)
        if not 0 <= index <= self._end:
            raise ShapeError(f"backward from {start!r}: run forward to it, or beyond it, first")
        step = self._graph.steps[index]
        if not self._runtime.covers(self._memos, step.tops, index):
            _, memos = self._runtime.forward(step.tops, index, self._fed)
            self._memos = {**self._memos, **memos}
        self._start = index
        self._seeds = [self.blobs[top]._seed() for top in step.layer.tops]
        diffs = self._runtime.backward(step.tops, index, self._memos, self._seeds, self._reached())
        gradients = dict(zip(self._reached(), diffs, strict=True))
        for name, blob in self.blobs.items():
            if name in self.inputs or name not in step.layer.tops:
                blob._diff = None
                blob._diff_tensor = gradients.get(self._graph.inputs.get(name, -1))
        if 0 not in gradients:  # `start` is made of other inputs only
            return np.zeros(self._fed[0].shape, self.dtype)
        return self._runtime.array(gradients[0])

    def reshape(self) -> None:
        """Check that every layer fits the inputs' present shapes; `ShapeError` names the first that does not."""
        self._graph.check(self._input_shapes())

    def _resized(self) -> None:
        """Drop what was computed from inputs of another shape."""
        for name, blob in self.blobs.items():
            if name not in self.inputs:
                blob._forget()
        self._memos, self._tensors, self._end, self._start = {}, {}, -1, -1

    def _reached(self) -> list[int]:
        """Give the inputs that the step which backward starts from is made of."""
        step = self._graph.steps[self._start]
        read = {value for needed in self._graph.needed(list(step.tops), self._start) for value in needed.bottoms}
        return [value for value in self._graph.inputs.values() if value in read]

    def _input_shapes(self) -> dict[str, Shape]:
        return {name: self.blobs[name].shape for name in self.inputs}

    def _computed(self, name: str) -> Tensor | None:
        """Give what the last forward pass left in a blob; None where it did not come that far."""
        value = self._graph.value(name, self._end) if self._end >= 0 else None
        if value is None:
            return None
        if value not in self._tensors:
            (self._tensors[value],), _ = self._runtime.forward([value], self._end, self._fed)
        return self._tensors[value]

    def _computed_diff(self, name: str) -> Tensor | None:
        """Give what the last backward pass left in a blob's diff; None where it did not come by."""
        if self._start < 0:
            return None
        step = self._graph.steps[self._start]
        steps = self._graph.needed(list(step.tops), self._start)
        values = [
            value for needed in steps for top, value in zip(needed.layer.tops, needed.tops, strict=True) if top == name
        ]
        if not values:
            return None
        # The first value: an in-place layer's gradient is written over it last.
        return self._runtime.backward(step.tops, self._start, self._memos, self._seeds, values[:1])[0]

    def _laid_out(self, shape: Shape) -> Shape:
        """Give the shape of a tensor for Caffe's; only that of images may differ."""
        return (shape[0], *shape[2:], shape[1]) if self.channels_last and len(shape) == 4 else shape

    def _from_caffe(self, array: Array) -> Tensor:
        """Give a blob's array as a tensor that shares no memory with it."""
        images = self.channels_last and array.ndim == 4
        return self._runtime.tensor((array.transpose(0, 2, 3, 1) if images else array).copy(order="C"))

    def _to_caffe(self, tensor: Tensor) -> Array:
        """Give a tensor as an array for a blob: new, writable, C-contiguous, in Caffe's order."""
        array = self._runtime.array(tensor)
        images = self.channels_last and array.ndim == 4
        return (array.transpose(0, 3, 1, 2) if images else array).copy(order="C")


def _source(file: Any) -> str:
    """Where a network comes from, for messages."""
    return file.name or "network" if isinstance(file, caffe_pb2.NetParameter) else str(file)
