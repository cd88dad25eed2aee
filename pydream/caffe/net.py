"""pycaffe's net: made from the files of a Caffe network, with pycaffe's own passes and names."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from ..errors import NetFileError, ShapeError
from ..files import write_errors, write_whole
from ..formats import caffe
from ..formats.caffe import caffe_pb2
from ..formats.caffe.wire import packed
from ..net import Array, names_of, unknown_name
from ..runtime import net
from ..runtime.base import Runtime
from ..runtime.blob import Outputs
from ..runtime.engines import AUTO, checked_runtime
from ..runtime.graph import Params
from ..runtime.net import Param, real_dtype
from . import mode

TRAIN: int = caffe_pb2.TRAIN
TEST: int = caffe_pb2.TEST

Names = str | Sequence[str]


class Layer:
    """A layer as pycaffe shows it.

    Attributes
    ----------
    type : str
        As in a prototxt: "Convolution".
    blobs : list of Param
        Its weights; empty where it has none.
    """

    def __init__(self, type: str, params: Mapping[str, list[Param]], name: str) -> None:
        self.type = type
        self._params, self._name = params, name

    @property
    def blobs(self) -> list[Param]:
        """The weights, read when they are asked for."""
        return self._params.get(self._name, [])


class _Taken(Mapping[str, Sequence[Array]]):
    """The weights of a net, some of them taken from elsewhere."""

    def __init__(self, taken: Params, others: Params) -> None:
        self._taken, self._others = taken, others

    def __getitem__(self, layer: str) -> Sequence[Array]:
        return self._taken[layer] if layer in self._taken else self._others[layer]

    def __contains__(self, layer: object) -> bool:
        return layer in self._others

    def __iter__(self) -> Iterator[str]:
        return iter(self._others)

    def __len__(self) -> int:
        return len(self._others)


class Diffs(Outputs):
    """The gradients of a pass by blob name; each is computed when it is read."""

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._blobs[name].diff


class Net(net.Net):
    """A Caffe network, constructed and run as pycaffe does.

    ``Net(file, weights, TEST)`` and ``Net(file, TEST, weights=weights)`` are the same; in ``Net(file, TEST)`` the file
    holds the weights, or `copy_from` is to follow.

    Parameters
    ----------
    network_file, weights : path or NetParameter
        As `pydream.formats.caffe.read` takes them, which raises the same errors.
    phase : int
        `TEST`: a dream has no other.
    dtype, runtime
        As for `pydream.runtime.net.Net`.
    device : {"auto", "cpu", "gpu", "gpu:N"}, optional
        None: the choice of `set_mode_cpu` or `set_mode_gpu`, at first "auto".

    Attributes
    ----------
    layers : list of Layer
        One for each input, and the layers that run; without the Split layers that Caffe adds.
    layer_dict : OrderedDict of str to Layer

    Raises
    ------
    NetFileError
        For files that are no network, or weights of which none fit; where a phase and no weights are given, only when
        they are needed.
    DeviceError
        For a GPU that is not there.
    ValueError
        For a dtype, phase or runtime other than these.
    """

    def __init__(
        self,
        network_file: str | os.PathLike[str] | Any,
        *files: str | os.PathLike[str] | Any | int | None,
        phase: int | None = None,
        weights: str | os.PathLike[str] | Any | None = None,
        dtype: DTypeLike = "float32",
        device: str | None = None,
        runtime: str | type[Runtime] = AUTO,
    ) -> None:
        for each in files:  # weights and the phase, in the order of either version
            if isinstance(each, int) and phase is None:
                phase = each
            elif each is not None and not isinstance(each, int) and weights is None:
                weights = each
            elif each is not None:
                raise TypeError(f"Net takes a network, weights and a phase, once each; {each!r} is one more")
        if phase not in (TEST, None):
            raise ValueError("phase must be TEST: only a network's test phase can be run")
        kind, runtime = real_dtype(dtype), checked_runtime(runtime)
        if weights is None and phase is not None:
            graph, params = caffe.without_weights(network_file, kind)
        else:
            graph, params = caffe.read(network_file, weights, kind)
        self._file = network_file if isinstance(network_file, caffe_pb2.NetParameter) else os.path.abspath(network_file)
        super().__init__(graph, params, kind, runtime, mode.wanted_device() if device is None else device)

    # ---- the passes ----

    def forward(  # type: ignore[override]  # pycaffe's order
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: Names | None = None,
        *,
        tensor: Array | None = None,
        **inputs: Any,
    ) -> Mapping[str, Array]:
        """Run the layers up to and with the first layer named `end`, when their results are read.

        Parameters
        ----------
        blobs : sequence of str, optional
            Blobs to return too.
        start : str, optional
            The first layer, or an input: a pass here begins at the inputs.
        end, tensor, **inputs
            As for `pydream.runtime.net.Net.forward`.

        Returns
        -------
        mapping of str to array
            The data of the blobs that `end` makes, or of the network's outputs, and of `blobs`.
        """
        more = _more("forward", "end", blobs)
        if start is not None:
            self._check_start(start)
        self._check_batches(inputs)
        made = super().forward(end, tensor=tensor, **inputs)
        return Outputs(self.blobs, list(dict.fromkeys([*made, *self._known(more)])))

    def backward(  # type: ignore[override]  # as pycaffe's, which returns what `gradient` does not
        self,
        diffs: Sequence[str] | None = None,
        start: Names | None = None,
        end: str | None = None,
        **tops: Array,
    ) -> Mapping[str, Array]:
        """Run back from the first layer named `start` to the inputs.

        Parameters
        ----------
        diffs : sequence of str, optional
            Blobs whose gradients to return too.
        start : str or sequence of str, optional
            As for `pydream.runtime.net.Net.backward`.
        end : str, optional
            The layer whose bottoms' gradients to return, in place of the inputs'.
        **tops : array
            Written first into the `diff` of the blobs of these names, where the pass starts.

        Returns
        -------
        mapping of str to array
            The gradients at the inputs, and those of `diffs`; each is copied when it is read.
        """
        more = _more("backward", "start", diffs)
        if end is not None and end not in self.bottom_names:
            raise unknown_name("layer", end, self.layer_names)
        asked = self.begins_at(start)
        for name in tops:
            if name not in asked:
                raise unknown_name("blob where the pass starts", name, asked)
        self._check_batches(tops)
        for name, diff in tops.items():
            self.blobs[name].diff[...] = diff
        self.gradient(start)
        reached = self.inputs if end is None else self.bottom_names[end]
        return Diffs(self.blobs, list(dict.fromkeys([*reached, *self._known(more)])))

    def gradient(self, start: Names | None = None) -> Array:
        """Run back, and return the gradient at the image: what a dream calls."""
        return super().backward(start)

    def forward_all(self, blobs: Sequence[str] | None = None, **inputs: Any) -> dict[str, Array]:
        """Run forward on any number of inputs, as many at a time as the network's inputs hold.

        Parameters
        ----------
        blobs : sequence of str, optional
            Blobs to return too.
        **inputs : array
            For each input, all with the same number of rows.

        Returns
        -------
        dict of str to array
            For each output and each of `blobs`, the rows of all inputs.
        """
        (count,) = {len(values) for values in inputs.values()} or {0}
        size = self.blobs[self.inputs[0]].shape[0]
        parts: list[dict[str, Array]] = []
        for first in range(0, count, size):
            batch = {name: np.asarray(values)[first : first + size] for name, values in inputs.items()}
            missing = size - min(size, count - first)  # the last rows are zeros
            padded: dict[str, Any] = {
                n: np.pad(each, [(0, missing), *[(0, 0)] * (each.ndim - 1)]) for n, each in batch.items()
            }
            made = self.forward(blobs=blobs, **padded)
            parts.append({name: data[: size - missing].copy() for name, data in made.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}

    def begins_at(self, start: Names | None) -> list[str]:
        """Return the blobs that a backward pass from `start` starts at; None: where the last forward pass ended."""
        if start is None:
            return [] if self._forward is None else [self.graph.blob(value) for value in self._forward.values]
        return [self.graph.blob(value) for value in self._ends(names_of(start) or ())[0]]

    def _check_start(self, start: str) -> None:
        """Raise an error unless a forward pass from that layer runs all that it can reach."""
        names = self._layer_names
        if start not in names:
            raise unknown_name("layer", start, names)
        if names.index(start) > len(self.inputs):
            raise ValueError(
                f"start: {start!r}, expected {names[len(self.inputs)]!r} or none: a pass begins at the inputs; to begin"
                " later, make a network of the later layers, with an input in front"
            )

    def _known(self, names: Sequence[str]) -> Sequence[str]:
        for name in names:
            self.blobs[name]  # an unknown name raises, and lists close ones
        return names

    def _check_batches(self, arrays: Mapping[str, Array]) -> None:
        """Raise `ShapeError` for an array with another number of rows than its blob has."""
        for name, values in arrays.items():
            if name in self.blobs and np.shape(values)[:1] != self.blobs[name].shape[:1]:
                raise ShapeError(
                    f"{name!r} holds {self.blobs[name].shape[0]} in a batch, and not {np.shape(values)[0]}"
                )

    # ---- what it is made of ----

    @property
    def _layer_names(self) -> list[str]:
        return [*self.inputs, *self.layer_names]

    @property
    def _blob_names(self) -> list[str]:
        return list(self.blobs)

    @property
    def layers(self) -> list[Layer]:
        """The layers, by the numbers of their names in `_layer_names`."""
        inputs = [Layer("Input", {}, name) for name in self.inputs]
        steps = [step.layer for step in self.graph.steps]
        return inputs + [Layer(type(layer).__name__, self.params, layer.name) for layer in steps]

    @property
    def layer_dict(self) -> OrderedDict[str, Layer]:
        """The layers by name."""
        return OrderedDict(zip(self._layer_names, self.layers, strict=True))

    # ---- weights ----

    def copy_from(self, weights: str | os.PathLike[str] | Any) -> None:
        """Take the weights that a caffemodel has for layers of this net, by name; the others stay.

        Raises
        ------
        NetFileError
            For a file that is no caffemodel, or has none of these layers; and as the constructor.
        """
        self.set_params(_Taken(caffe.weights_for(weights, self.graph, self.dtype), self._weights))

    def share_with(self, other: Net) -> None:
        """Take the weights that another net has for layers of the same names and shapes.

        Raises
        ------
        ShapeError
            A layer of the same name has weights of other shapes.
        """
        mine, theirs = self.graph.params, other.graph.params
        for name in mine.keys() & theirs.keys():
            if mine[name] != theirs[name]:
                raise ShapeError(f"layer {name!r} has weights {theirs[name]} in {other.name}, and {mine[name]} here")
        shared = {name: [param.data for param in other.params[name]] for name in mine if name in theirs}
        self.set_params(_Taken(shared, self._weights))

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Write a caffemodel: the layers that run at test time, with their weights, as Caffe reads them.

        Raises
        ------
        NetFileError
            Weights are missing, or the file cannot be written.
        """
        definition = caffe.definition(self._file)
        saved = caffe_pb2.NetParameter(name=self.name)
        for name, shape in definition.inputs.items():
            layer = saved.layer.add(name=name, type="Input", top=[name])
            layer.input_param.shape.add(dim=shape)
        for message in definition.layers:
            layer = saved.layer.add()
            layer.CopyFrom(message)
            layer.ClearField("blobs")
            for param in self.params.get(layer.name, ()):
                layer.blobs.add(shape=caffe_pb2.BlobShape(dim=param.shape)).MergeFromString(packed(param.data))
        with write_errors(filename, NetFileError):
            write_whole(filename, saved.SerializeToString())

    def __getattr__(self, name: str) -> NoReturn:
        more = f": {_MISSING[name]}" if name in _MISSING else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{more}", name=name, obj=self)


_MISSING = {
    "save_hdf5": "`save` writes a caffemodel",
    "load_hdf5": "`copy_from` reads a caffemodel",
    "clear_param_diffs": "weights have no gradients here",
    "set_input_arrays": "write into `net.blobs[name].data`",
    "forward_backward_all": "call `forward` and `backward` for each batch",
    "forward_prefilled": "of Caffe before 2014; call `forward`",
    "backward_prefilled": "of Caffe before 2014; call `backward`",
}


def _more(method: str, keyword: str, names: Sequence[str] | None) -> Sequence[str]:
    """Return pycaffe's list of further blobs; `TypeError` for a layer's name in its place."""
    if isinstance(names, str):
        raise TypeError(f"{method}({names!r}): pycaffe's first argument is a list of blobs; write {keyword}={names!r}")
    return names or ()
