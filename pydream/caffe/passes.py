"""The two passes are traced functions over the steps that a value needs: one trace each, for every image size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..tf import tensorflow
from .graph import Graph, Step
from .tf_layers import RUNNERS, Runner, Tensor, Tensors
from .weights import Params

Memos = dict[str, Tensors]  # key of a step -> what its backward formula reads


class Passes:
    """A graph with weights, traced by TensorFlow where and when a pass is asked for.

    Parameters
    ----------
    graph : Graph
    params : dict of str to list of array
        Weights by layer, as `weights_of` gives them.
    dtype : numpy.dtype
        float32 or float64; float64 makes max pooling tie-tolerant.
    """

    def __init__(self, graph: Graph, params: Params, dtype: np.dtype[Any]) -> None:
        self._graph = graph
        self._params = params
        self._dtype = dtype
        self._runners: dict[tuple[int, ...], Runner[Any]] = {}
        self._traced: dict[Any, Any] = {}

    def forward(self, values: Sequence[int], end: int, inputs: Sequence[Tensor]) -> tuple[list[Tensor], Memos]:
        """Compute values, and the memos of the steps up to and with `end` that they are made of.

        `inputs` has one tensor an input of the graph, in its order.
        """
        tensors, memos = self._forward_function(tuple(values), end, keep_memos=True)(*inputs)
        return tensors, memos

    def values(self, values: Sequence[int], end: int, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute values and nothing else."""
        tensors, _ = self._forward_function(tuple(values), end, keep_memos=False)(*inputs)
        return list(tensors)

    def backward(
        self, values: Sequence[int], start: int, memos: Memos, diffs: Sequence[Tensor], wanted: Sequence[int]
    ) -> list[Tensor]:
        """Compute the gradients at the `wanted` values, given `diffs` at `values`, which step `start` makes."""
        steps = self._graph.needed(list(values), start)
        read = {_key(step): memos[_key(step)] for step in steps}
        key = ("backward", tuple(values), start, tuple(wanted))
        if key not in self._traced:
            self._traced[key] = self._trace_backward(tuple(values), steps, tuple(wanted), read, diffs)
        result: list[Tensor] = self._traced[key](read, list(diffs))
        return result

    def covers(self, memos: Memos, values: Sequence[int], start: int) -> bool:
        """Tell whether the memos suffice to go back from `values`, which step `start` makes."""
        return all(_key(step) in memos for step in self._graph.needed(list(values), start))

    def _runner(self, step: Step) -> Runner[Any]:
        if step.tops not in self._runners:
            layer = step.layer
            with tensorflow().init_scope():  # weights are tensors of the process, not of one trace
                self._runners[step.tops] = RUNNERS[type(layer)](layer, self._params.get(layer.name, []), self._dtype)
        return self._runners[step.tops]

    def _forward_function(self, values: tuple[int, ...], end: int, *, keep_memos: bool) -> Any:
        key = ("forward", values, end, keep_memos)
        if key in self._traced:
            return self._traced[key]
        tf = tensorflow()
        steps = self._graph.needed(list(values), end)
        inputs = self._graph.inputs

        def run(*tensors: Tensor) -> tuple[list[Tensor], Memos]:
            known = dict(zip(inputs.values(), tensors, strict=True))
            memos: Memos = {}
            for step in steps:
                tops, memo = self._runner(step).forward(*(known[value] for value in step.bottoms))
                known.update(zip(step.tops, tops, strict=True))
                if keep_memos:
                    memos[_key(step)] = memo
            return [known[value] for value in values], memos

        specs = [tf.TensorSpec(_open(self._graph.declared[name]), self._dtype) for name in inputs]
        self._traced[key] = tf.function(run, input_signature=specs, autograph=False).get_concrete_function()
        return self._traced[key]

    def _trace_backward(
        self,
        values: tuple[int, ...],
        steps: list[Step],
        wanted: tuple[int, ...],
        memos: Memos,
        diffs: Sequence[Tensor],
    ) -> Any:
        tf = tensorflow()

        def run(memos: Memos, diffs: list[Tensor]) -> list[Tensor]:
            arriving: dict[int, list[Tensor]] = {value: [diff] for value, diff in zip(values, diffs, strict=True)}
            for step in reversed(steps):
                tops = [_total(arriving.get(value, [])) for value in step.tops]
                if all(top is None for top in tops):
                    continue
                given = next(top for top in tops if top is not None)  # tops share a shape where there are several
                tops = [tf.zeros_like(given) if top is None else top for top in tops]
                for value, diff in zip(
                    step.bottoms, self._runner(step).backward(memos[_key(step)], *tops), strict=True
                ):
                    arriving.setdefault(value, []).append(diff)
            return [_total(arriving[value]) for value in wanted]

        def spec(tensor: Tensor) -> Any:
            # Sizes stay open; ranks, the channels of images and the lengths of shape vectors are known.
            dims = tensor.shape.as_list()
            if len(dims) > 1 or tensor.dtype.is_floating:
                dims = [None] * len(dims[:3]) + dims[3:]
            return tf.TensorSpec(dims, tensor.dtype)

        signature = [tf.nest.map_structure(spec, memos), [spec(diff) for diff in diffs]]
        return tf.function(run, input_signature=signature, autograph=False).get_concrete_function()


def _key(step: Step) -> str:
    return "_".join(map(str, step.tops))


def _open(shape: tuple[int, ...]) -> list[int | None]:
    """Caffe's declared shape, as a tensor of any size."""
    if len(shape) == 4:
        return [None, None, None, shape[1]]
    return [None, *shape[1:]]


def _total(diffs: list[Tensor]) -> Tensor | None:
    # Gathered from the last reader to the first; Caffe's Split adds from the first.
    return reduce(lambda a, b: a + b, reversed(diffs)) if diffs else None
