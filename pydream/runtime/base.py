"""A runtime runs a graph: a runner for each layer, and the two passes over the steps that a value needs.

The passes are written here once, in terms of the runners' formulas. NumPy runs them as they stand, TensorFlow traces
them; another library is another subclass of `Runtime` with runners of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..net import Array, Match, Seed
from . import layers
from .graph import Graph, Params, Step

Tensor = Any  # the library's own
Tensors = tuple[Tensor, ...]
Memos = dict[str, Tensors]  # key of a step -> what its backward formula reads
L = TypeVar("L", bound=layers.Layer)


# What Caffe starts its search for the maximum from, and so what stands for the padding.
LOWEST = -float(np.finfo(np.float32).max)
# numerics.md section 3: values this close count as equal in float64, so that rounding does not pick the winner.
TIE = 1e-9


class Runner(ABC, Generic[L]):
    """A layer as two formulas: bottoms -> tops and a memo; memo and the tops' gradients -> the bottoms' gradients.

    Attributes
    ----------
    memory : tuple of {"bottom", "top", ""}
        Where Caffe's backward reads each entry of the memo: in the blob of the first bottom or top, as layers in place
        have left it, or in what the layer keeps itself.
    """

    memory: ClassVar[tuple[str, ...]] = ()

    def __init__(self, layer: L, params: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        self.layer = layer
        self.dtype = dtype
        self.prepare([np.asarray(param, dtype) for param in params])

    def prepare(self, params: list[NDArray[Any]]) -> None:
        """Bring the weights into the form that the passes use."""

    @abstractmethod
    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        """Compute the tops, and the memo: all that `backward` reads."""

    @abstractmethod
    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        """Compute the gradients at the bottoms from those at the tops; None stands for none, both ways.

        A top that nothing reads has none; one of them has. A bottom has none where its values do not count.
        """

    @classmethod
    def reads(cls, layer: L) -> tuple[str, ...]:
        """Return `memory`, which may depend on the layer."""
        return cls.memory

    def reread(self, memo: Tensors, **overwritten: Tensor) -> Tensors:
        """Return the memo with what now is in the "bottom" or in the "top"."""
        kept = (*self.reads(self.layer), *[""] * len(memo))
        return tuple(overwritten.get(where, entry) for where, entry in zip(kept, memo, strict=False))


class Runtime(ABC):
    """A graph with weights, ready to run.

    Parameters
    ----------
    graph : Graph
    params : mapping of str to list of array
        Layer → its weights, in Caffe's order: asked for when the layer is first needed.
    dtype : numpy.dtype
        float32 or float64; float64 makes max pooling tie-tolerant.
    device : {"auto", "cpu", "gpu", "gpu:N"}

    Attributes
    ----------
    name : str
    libraries : tuple of str
        Distributions beside pydream's own that decide its numbers: a picture's record has their versions.
    runners : mapping of layer type to Runner type
    channels_last : bool
        Four-axis tensors are (n, h, w, c), else (n, c, h, w).
    memory_factors : mapping of str to float
        Dtype → the memory that a step takes at most, relative to all values that it makes.
    device : str
        Where it runs: ``"CPU:0"`` or ``"GPU:N"``.

    Raises
    ------
    DeviceError
        If there is no such device.
    """

    runners: ClassVar[Mapping[type[layers.Layer], type[Runner[Any]]]]
    channels_last: ClassVar[bool]
    name: ClassVar[str] = "a runtime of one's own"
    libraries: ClassVar[tuple[str, ...]] = ()
    # Measured (docs/tiles.md). In float64 max pooling looks for ties, which takes more.
    memory_factors: ClassVar[Mapping[str, float]] = {"float32": 1.1, "float64": 1.6}

    def __init__(self, graph: Graph, params: Params, dtype: np.dtype[Any], device: str = "auto") -> None:
        self.graph = graph
        self.dtype = dtype
        self.device = self.find_device(device)
        self._params = params
        self._made: dict[str, Runner[Any]] = {}
        self._prepared: set[tuple[tuple[int, ...], int]] = set()

    @abstractmethod
    def find_device(self, wanted: str) -> str:
        """Return the device's name; raise `DeviceError` where there is no such device."""

    @abstractmethod
    def tensor(self, array: Array) -> Tensor:
        """Return an array in this runtime's layout as a tensor, which may share the array's memory."""

    def array(self, tensor: Tensor) -> Array:
        """Return a tensor as a C-contiguous, read-only array, which may share the tensor's memory."""
        shared = np.asarray(tensor, order="C")[...]  # 0 axes stay 0
        shared.flags.writeable = False
        return shared

    def make_room(self, step: int) -> None:  # noqa: B027 (a runtime may do nothing)
        """Take memory for a step of so many bytes, by estimate, while the first one is prepared."""

    def steps(self, values: Sequence[int], end: int, kept: Iterable[int] = ()) -> list[Step]:
        """Return the steps that compute `values`, up to and including `end`, in running order.

        A runtime may run several steps as one, but not where that leaves out a value that is `kept`.
        """
        return self.graph.needed(list(values), end)

    def prepare(self, values: Sequence[int], end: int) -> None:
        """Make the runners that `forward` needs; raise `NetFileError` for weights that cannot be used."""
        asked = (tuple(values), end)
        if asked not in self._prepared:  # once: a dream asks before every step
            for step in self.steps(values, end):
                self.runner(step)
            self._prepared.add(asked)

    def run(self, key: tuple[Any, ...], passes: Callable[..., Any], *tensors: Any) -> Any:
        """Run passes over the graph, a function of (lists and dicts of) tensors.

        A library that compiles functions does it here: those of one key are the same but for the tensors' shapes.
        """
        return passes(*tensors)

    def forward(
        self, values: Sequence[int], end: int, inputs: Sequence[Tensor], kept: Iterable[int] = ()
    ) -> tuple[list[Tensor], Memos]:
        """Compute values, and the memos of the steps up to and including `end` that they are made of.

        `inputs` has one tensor for each input of the graph, in its order; `kept` are the values whose gradients
        `backward` is to compute.
        """
        kept = tuple(kept)
        key = ("forward", tuple(values), end, kept)
        made: tuple[list[Tensor], Memos]
        made = self.run(key, lambda inputs: self._forward(values, end, inputs, kept), list(inputs))
        return made

    def _forward(
        self, values: Sequence[int], end: int, inputs: Sequence[Tensor], kept: Iterable[int] = ()
    ) -> tuple[list[Tensor], Memos]:
        known = dict(zip(self.graph.inputs.values(), inputs, strict=True))
        memos = {}
        steps = self.steps(values, end, kept)
        last = {value: step for step in steps for value in (*step.tops, *step.bottoms)}
        for value in {*values, *self._reread}:
            last.pop(value, None)
        for step in steps:
            tops, memos[_key(step)] = self.runner(step).forward(*(known[value] for value in step.bottoms))
            known.update(zip(step.tops, tops, strict=True))
            del tops
            for value in {*step.bottoms, *step.tops}:
                if last.get(value) is step:  # what is not read again is freed, unless a memo has it
                    del known[value]
        for step in steps:
            now = {where: known[value] for where, value in self._overwritten(step, end).items() if value in known}
            if now:
                memos[_key(step)] = self.runner(step).reread(memos[_key(step)], **now)
        return [known[value] for value in values], memos

    @cached_property
    def _reread(self) -> set[int]:
        """The values that a backward formula of another step reads, as they are in its blobs by then."""
        steps = self.graph.steps
        found = [(value, step) for step in steps for value in self._overwritten(step, len(steps)).values()]
        return {value for value, step in found if value not in step.tops}

    def _overwritten(self, step: Step, end: int) -> dict[str, int]:
        """Return what is in those blobs that a step's backward reads, where layers in place have run over them."""
        read = self.reads(step)
        found = {}
        for where, values in (("bottom", step.bottoms), ("top", step.tops)):
            value = self.graph.overwritten(values[0], end) if where in read else None
            if value is not None:
                found[where] = value
        return found

    def later(self, values: Sequence[int], start: int, end: int) -> list[int]:
        """Return what steps behind `start` and up to `end` have left where `backward` from `start` reads."""
        found = [self._overwritten(step, end) for step in self.graph.needed(list(values), start)] if end > start else []
        return [value for each in found for value in each.values() if self.graph.maker(value) > start]

    def unlike_caffe(self) -> list[str]:
        """Return the layers around which Caffe's gradient may be another, as they overwrite what it reads back."""
        read: set[str] = set()
        for step in self.graph.steps:
            where = self.reads(step)
            read.update(step.layer.bottoms[: "bottom" in where], step.layer.tops[: "top" in where])
        maxima = [
            layer.name
            for layer in (step.layer for step in self.graph.steps)
            if isinstance(layer, layers.Eltwise) and layer.in_place and layer.operation != "SUM"
        ]
        return [*maxima, *(name for name, blob in self.graph.unread if blob in read)]

    def values(self, values: Sequence[int], end: int, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute values and nothing else."""
        key = ("values", tuple(values), end)
        tensors: list[Tensor] = self.run(key, lambda inputs: self._forward(values, end, inputs)[0], list(inputs))
        return tensors

    def backward(
        self, values: Sequence[int], start: int, memos: Memos, diffs: Sequence[Tensor], wanted: Sequence[int]
    ) -> list[Tensor]:
        """Compute the gradients at the `wanted` values, given `diffs` at `values`.

        `values` are made by the steps up to and including `start`. Where one is made of another, the gradients add up.
        At a value that no gradient reaches it is None.
        """
        key = ("backward", tuple(values), start, tuple(wanted))
        found: list[Tensor]
        found = self.run(
            key, lambda memos, diffs: self._backward(values, start, memos, diffs, wanted), memos, list(diffs)
        )
        return found

    def _backward(
        self, values: Sequence[int], start: int, memos: Memos, diffs: Sequence[Tensor], wanted: Sequence[int]
    ) -> list[Tensor]:
        arriving: dict[int, list[Tensor]] = {value: [diff] for value, diff in zip(values, diffs, strict=True)}
        for step in reversed(self.steps(values, start, wanted)):
            reached = any(value in arriving for value in step.tops)
            tops = [self.total(arriving[value]) if value in arriving else None for value in step.tops]
            for value in step.tops:
                if value not in wanted:
                    arriving.pop(value, None)  # freed: nothing else reads it
            if reached:
                bottoms = self.runner(step).backward(memos[_key(step)], *tops)
                del tops
                for value, diff in zip(step.bottoms, bottoms, strict=True):
                    if diff is not None:
                        arriving.setdefault(value, []).append(diff)
                del bottoms
        return [self.total(arriving[value]) if value in arriving else None for value in wanted]

    def gradient(
        self, values: Sequence[int], end: int, inputs: Sequence[Tensor], seeds: Sequence[Seed], wanted: Sequence[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Compute values and, from a seed at each, the gradients at the `wanted` ones: forward and back at once."""
        kinds: list[type[Any]] = [type(seed) for seed in seeds]

        def passes(inputs: Sequence[Tensor], numbers: Sequence[Sequence[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
            tensors, memos = self._forward(values, end, inputs, wanted)
            memos = _ReadOnce(memos)
            made = [kind(*of) if of else None for kind, of in zip(kinds, numbers, strict=True)]
            diffs = [self.seeded(tensor, seed) for tensor, seed in zip(tensors, made, strict=True)]
            return tensors, self._backward(values, end, memos, diffs, wanted)

        key = ("gradient", tuple(values), end, tuple(wanted), *kinds)
        found: tuple[list[Tensor], list[Tensor]]
        found = self.run(key, passes, list(inputs), [list(seed or ()) for seed in seeds])
        return found

    def seeded(self, tensor: Tensor, seed: Seed) -> Tensor:
        """Compute the gradient that a backward pass starts with at a value."""
        if seed is None:
            return tensor
        if isinstance(seed, Match):
            return seed.gain * self.match(tensor, seed.features)
        return seed.gain * tensor + seed.bias

    @abstractmethod
    def match(self, tensor: Tensor, features: Tensor) -> Tensor:
        """Return for each place of one image's `tensor` the features that are most like it, as `best_match` does."""

    def total(self, diffs: list[Tensor]) -> Tensor:
        """Add up the gradients at a value, from its last reader to the first; Caffe's Split adds from the first."""
        return reduce(lambda a, b: a + b, reversed(diffs))

    def covers(self, memos: Memos, values: Sequence[int], start: int, wanted: Iterable[int]) -> bool:
        """Return whether the memos suffice for `backward`."""
        return all(_key(step) in memos for step in self.steps(values, start, wanted))

    def read_back(self, memos: Memos, values: Sequence[int], start: int, wanted: Iterable[int]) -> Memos:
        """Return the memos that `backward` reads."""
        return {_key(step): memos[_key(step)] for step in self.steps(values, start, wanted)}

    def runner(self, step: Step) -> Runner[Any]:
        """Return the runner of a step, made when it is first needed."""
        key = _key(step)
        if key not in self._made:
            self._made[key] = self.make_runner(step)
        return self._made[key]

    def make_runner(self, step: Step) -> Runner[Any]:
        """Return a new runner of a step."""
        return self.runner_type(step.layer)(step.layer, self.weights(step.layer), self.dtype)

    def weights(self, layer: layers.Layer) -> Sequence[NDArray[Any]]:
        """Return the weights of a layer."""
        return self._params.get(layer.name, [])

    def reads(self, step: Step) -> tuple[str, ...]:
        """Return where a step's backward reads in blobs, as `Runner.reads` does."""
        return self.runner_type(step.layer).reads(step.layer)

    def runner_type(self, layer: layers.Layer) -> type[Runner[Any]]:
        """Return the type of the runner for a layer."""
        return self.runners[type(layer)]


def _key(step: Step) -> str:
    """Return the name of a step: one that runs others too is another."""
    return "_".join(map(str, (step.layer.type, *step.bottoms, "to", *step.tops)))


class _ReadOnce(dict[str, Tensors]):
    """Memos of a backward pass that is not run again: each is dropped as it is read."""

    def __getitem__(self, key: str) -> Tensors:
        return self.pop(key)
