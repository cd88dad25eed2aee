"""TensorFlow as a runtime: each pass is traced once, for images of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from threading import Thread
from typing import Any

import numpy as np

from ...net import ROWS, Array, Seed
from ..base import Memos, Runner, Runtime, Tensor
from ..geometry import channels_vary
from ..graph import Graph, Params, Step
from ..layers import Layer
from .door import find_device, tensorflow
from .fusion import fused
from .layers import FUSED
from .operations import RUNNERS
from .runner import each_once

_MOST_ROOM = 2**28  # bytes of a step
_TOUCHED = 0.65  # of the estimate: what steps take, measured; with other shares TensorFlow takes more in all


class TensorFlowRuntime(Runtime):
    """Runs on a CPU or GPU; each pass is traced when it is first needed."""

    name = "tensorflow"
    runners = RUNNERS
    channels_last = True

    def __init__(self, graph: Graph, params: Params, dtype: np.dtype[Any], device: str = "auto") -> None:
        super().__init__(graph, params, dtype, device)
        self._traced: dict[Any, Callable[..., Any]] = {}
        self._room = 0  # bytes that are to be touched

    def find_device(self, wanted: str) -> str:
        """Return TensorFlow's name of the device; raise `DeviceError` where there is no such device."""
        return find_device(wanted)

    def make_room(self, step: int) -> None:
        """Note a step's size, for `_trace`. Where steps take long, the first touch of their memory does not count."""
        if self.device == "CPU:0" and 0 < step <= _MOST_ROOM and not self._traced:
            self._room = int(step * _TOUCHED)

    def tensor(self, array: Array) -> Tensor:
        """Return an (n, h, w, c) array as a tensor."""
        with tensorflow().device(self.device):
            return tensorflow().convert_to_tensor(array)

    def steps(self, values: Sequence[int], end: int, kept: Iterable[int] = ()) -> list[Step]:
        """As `Runtime.steps`, with pairs that run faster as one; a subclass with other runners runs them one by one."""
        steps = super().steps(values, end)
        made = {*values, *kept, *self._reread}
        return fused(self.graph, steps, made, self.dtype) if self.runners is RUNNERS else steps

    def forward(
        self, values: Sequence[int], end: int, inputs: Sequence[Tensor], kept: Iterable[int] = ()
    ) -> tuple[list[Tensor], Memos]:
        """As `Runtime.forward`, traced."""
        run, key = super().forward, ("forward", tuple(values), end, tuple(kept))
        tensors, memos = self._run(key, lambda *fed: run(values, end, fed, kept), inputs)
        return tensors, memos

    def values(self, values: Sequence[int], end: int, inputs: Sequence[Tensor]) -> list[Tensor]:
        """As `Runtime.values`, in a trace of its own: memos are not computed."""
        run = super().forward
        tensors: list[Tensor] = self._run(("values", tuple(values), end), lambda *fed: run(values, end, fed)[0], inputs)
        return tensors

    def gradient(
        self, values: Sequence[int], end: int, inputs: Sequence[Tensor], seeds: Sequence[Seed], wanted: Sequence[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As `Runtime.gradient`, traced: what the backward pass has read is freed, and nothing is computed twice.

        The numbers of a seed are inputs of the trace: other numbers use the same trace.
        """
        forward, backward = super().forward, super().backward

        def run(*fed: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            tensors, memos = forward(values, end, fed[: len(inputs)], wanted)
            numbers = iter(fed[len(inputs) :])
            made = [seed and type(seed)(*islice(numbers, len(seed))) for seed in seeds]
            diffs = [self.seeded(tensor, seed) for tensor, seed in zip(tensors, made, strict=True)]
            return tensors, backward(values, end, memos, diffs, wanted)

        key = ("gradient", tuple(values), end, tuple(wanted), tuple(type(seed) for seed in seeds))
        numbers = [number for seed in seeds if seed is not None for number in seed]
        found: tuple[list[Tensor], list[Tensor]] = self._run(key, run, inputs, numbers)
        return found

    def match(self, tensor: Tensor, features: Tensor) -> Tensor:
        """As `Runtime.match`, in blocks of as many rows."""
        tf = tensorflow()
        x, y = (tf.reshape(each, (-1, features.shape[-1])) for each in (tensor, features))
        blocks = -(-tf.shape(x)[0] // ROWS)

        def match_block(i: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
            similar = tf.matmul(x[i * ROWS : (i + 1) * ROWS], y, transpose_b=True)
            return i + 1, found.write(i, tf.argmax(similar, 1))

        found = tf.TensorArray(tf.int64, blocks, infer_shape=False, element_shape=(None,))
        _, found = tf.while_loop(lambda i, _: i < blocks, match_block, (0, found), parallel_iterations=1)
        return tf.reshape(tf.gather(y, found.concat()), tf.shape(tensor))

    def total(self, diffs: list[Tensor]) -> Tensor:
        """As `Runtime.total`, in one operation and in this order in every trace."""
        return tensorflow().add_n(diffs[::-1]) if len(diffs) > 1 else diffs[0]

    def _run(
        self, key: tuple[Any, ...], run: Callable[..., Any], inputs: Sequence[Tensor], more: Sequence[Tensor] = ()
    ) -> Any:
        """Run a function of the inputs, and of `more` tensors; it is traced the first time."""
        shapes = [tuple(tensor.shape) if self._exact else _open(tensor.shape) for tensor in inputs]
        key = (*key, *shapes)
        if key not in self._traced:
            signature = [tensorflow().TensorSpec(shape, self.dtype) for shape in shapes]
            self._traced[key] = self._trace(run, signature + [_spec(tensor) for tensor in more])
        with tensorflow().device(self.device):
            return self._traced[key](*inputs, *more)

    def backward(
        self, values: Sequence[int], start: int, memos: Memos, diffs: Sequence[Tensor], wanted: Sequence[int]
    ) -> list[Tensor]:
        """As `Runtime.backward`, traced."""
        key: tuple[Any, ...] = ("backward", tuple(values), start, tuple(wanted))
        read = self.read_back(memos, values, start, wanted)
        if self._exact:
            key += tuple(tuple(tensor.shape) for tensor in tensorflow().nest.flatten([read, list(diffs)]))
        if key not in self._traced:
            run = super().backward
            self._traced[key] = self._trace(
                lambda memos, diffs: run(values, start, memos, diffs, wanted),
                [tensorflow().nest.map_structure(_spec, read), [_spec(diff) for diff in diffs]],
            )
        with tensorflow().device(self.device):
            gradients: list[Tensor] = self._traced[key](read, list(diffs))
        return gradients

    def runner(self, step: Step) -> Runner[Any]:
        """As `Runtime.runner`: weights are tensors of the process, not of the trace that first needs them.

        They are on the device that runs them: others would be copied there at every pass.
        """
        with tensorflow().init_scope(), tensorflow().device(self.device):
            return super().runner(step)

    def runner_type(self, layer: Layer) -> type[Runner[Any]]:
        """As `Runtime.runner_type`, with the layers that `steps` has fused."""
        return FUSED[type(layer)] if type(layer) in FUSED else super().runner_type(layer)

    @cached_property
    def _exact(self) -> bool:
        """Whether a number of channels depends on the picture's size: then each size has traces of its own."""
        return channels_vary(self.graph)

    def _trace(self, run: Callable[..., Any], signature: list[Any]) -> Callable[..., Any]:
        """Trace a function of tensors; meanwhile, as that takes one core only, touch memory that the steps will use."""
        function = tensorflow().function(each_once()(run), input_signature=signature, autograph=False)
        if not self._room:
            untouched: Callable[..., Any] = function.get_concrete_function()
            return untouched
        touching = Thread(target=_touch, args=[self._room], name="pydream-room", daemon=True)
        touching.start()
        traced: Callable[..., Any] = function.get_concrete_function()
        touching.join()  # its memory is free again
        self._room = 0
        return traced


def _touch(room: int) -> None:
    """Have TensorFlow take so many bytes from the system, which it keeps."""
    tf = tensorflow()
    with suppress(tf.errors.ResourceExhaustedError), tf.device("CPU:0"):
        tf.zeros([room], tf.uint8)


def _open(shape: Sequence[int]) -> tuple[int | None, ...]:
    """Return the signature of an input of this shape: images of any size, and any number of them."""
    if len(shape) == 4:
        return (None, None, None, shape[3])
    return (None, *shape[1:])[: len(shape)]


def _spec(tensor: Tensor) -> Any:
    """Return a tensor's signature: sizes are open; ranks, channels of images and lengths of shape vectors are fixed."""
    dims = tensor.shape.as_list()
    if len(dims) > 1 or tensor.dtype.is_floating:
        dims = [None, None, None, dims[3]] if len(dims) == 4 else [None] * len(dims)
    return tensorflow().TensorSpec(dims, tensor.dtype)
