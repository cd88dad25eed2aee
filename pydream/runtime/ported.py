"""A runtime of a library that differentiates: formulas, and NumPy's runners for the layers that have none.

A port writes where its tensors are, how a function is differentiated, and formulas for the layers that cost time; those
of `formulas` it has already. The others run in NumPy, between two copies, so that every network runs from the start.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..net import ROWS
from . import layers
from .base import Runner, Runtime, Tensor, Tensors
from .formulas import FORMULAS, ONLY, Formula
from .graph import Step
from .layers import Layer, Shape
from .on_numpy import NumpyRuntime

Pull = Callable[[Tensors], Tensors]  # the gradients at the tops -> those at the bottoms


class PortedRuntime(Runtime):
    """Base: runs formulas that a library differentiates, on tensors with Caffe's axes, (n, c, h, w).

    Attributes
    ----------
    np : module, or the like
        The library's `abs`, `amax`, `concatenate`, `exp`, `tanh`, `where` and `zeros_like`, with NumPy's arguments.
    formulas : mapping of layer type to callable
        ``(run, layer, weights, *bottoms) -> top``, or a tuple of tops; `run` is the runtime. In place of those of
        `pydream.runtime.formulas`, or beside them.
    """

    np: ClassVar[Any]
    formulas: ClassVar[Mapping[type[Layer], Formula]] = {}
    runners: ClassVar[Mapping[type[Layer], type[Runner[Any]]]]
    channels_last = False
    # Measured on two networks at 575x1024: up to 1.9 and 2.2, GoogLeNet's (LRN's and the maximum's parts are kept).
    memory_factors: ClassVar = {"float32": 2.0, "float64": 2.3}

    def __init_subclass__(cls) -> None:
        cls.formulas = {**FORMULAS, **cls.formulas}
        cls.runners = {**dict.fromkeys(NumpyRuntime.runners, NumpyRunner), **dict.fromkeys(cls.formulas, FormulaRunner)}

    @abstractmethod
    def differentiate(self, function: Callable[..., Tensors], bottoms: Tensors) -> tuple[Tensors, Pull]:
        """Compute a function's tops, and what computes the gradients at the bottoms; None stands for none."""

    @abstractmethod
    def pad(self, x: Tensor, widths: Sequence[tuple[int, int]], value: float) -> Tensor:
        """Return a tensor with so many values before and behind on each axis."""

    def in_numpy(self, function: Callable[..., Sequence[Any]], shapes: Sequence[Shape], tensors: Tensors) -> Tensors:
        """Compute a function of arrays whose results have these shapes; a library that compiles calls back."""
        return tuple(map(self.tensor, function(*map(self.array, tensors))))

    def match(self, tensor: Tensor, features: Tensor) -> Tensor:
        """As `Runtime.match`, in blocks of as many places."""
        x, y = (each[0].reshape((each.shape[1], -1)) for each in (tensor, features))
        found = [(x[:, i : i + ROWS].T @ y).argmax(1) for i in range(0, x.shape[1], ROWS)]
        return self.np.concatenate([y[:, each] for each in found], axis=1).reshape(tensor.shape)

    def make_runner(self, step: Step) -> Runner[Any]:
        """As `Runtime.make_runner`, of a formula or of NumPy's runner."""
        kind: Any = FormulaRunner if self.has_formula(step) else NumpyRunner
        return kind(self, step.layer, self.weights(step.layer))  # type: ignore[no-any-return]

    def reads(self, step: Step) -> tuple[str, ...]:
        """As `Runtime.reads`: a formula keeps what it needs."""
        return () if self.has_formula(step) else NumpyRuntime.runners[type(step.layer)].reads(step.layer)

    def has_formula(self, step: Step) -> bool:
        """Return whether a step has a formula, and layers in place leave what Caffe's backward reads there."""
        layer = step.layer
        if type(layer) not in self.formulas or not ONLY.get(type(layer), lambda _: True)(layer):
            return False
        if isinstance(layer, layers.ReLU) and layer.in_place and layer.negative_slope >= 0:
            return True  # whose signs stay
        numpy = NumpyRuntime.runners.get(type(layer))
        read = () if numpy is None else numpy.reads(layer)
        blobs = (*step.bottoms[: "bottom" in read], *step.tops[: "top" in read])
        return all(self.graph.overwritten(value, len(self.graph.steps)) is None for value in blobs)


class FormulaRunner(Runner[Any]):
    """A layer as one formula, which the library differentiates."""

    def __init__(self, run: PortedRuntime, layer: Layer, params: Sequence[NDArray[Any]]) -> None:
        self.run, self.formula = run, run.formulas[type(layer)]
        super().__init__(layer, params, run.dtype)

    def prepare(self, params: list[NDArray[Any]]) -> None:
        """Make tensors of the weights; of BatchNorm's the factor and the offset that they come to."""
        prepared = self.layer.affine(*params) if isinstance(self.layer, layers.BatchNorm) else params
        self.weights = [self.run.tensor(np.asarray(array, self.dtype, order="C")) for array in prepared]

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        """As `Runner.forward`."""
        tops, pull = self.run.differentiate(partial(self._tops, self.run, self.layer, self.weights), bottoms)
        return tops, (pull, *(tops if tops[1:] else ()))

    def _tops(self, *given: Any) -> Tensors:
        made = self.formula(*given)
        return made if isinstance(made, tuple) else (made,)

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        """As `Runner.backward`; a top that nothing reads has a gradient of zeros."""
        pull, *tops = memo
        zeros = self.run.np.zeros_like
        return tuple(pull(tuple(zeros(tops[i]) if diff is None else diff for i, diff in enumerate(diffs))))


class NumpyRunner(Runner[Any]):
    """NumPy's runner; on the way back it runs forward again, so that arrays alone pass between the libraries."""

    def __init__(self, run: PortedRuntime, layer: Layer, params: Sequence[NDArray[Any]]) -> None:
        self.run, self.runner = run, NumpyRuntime.runners[type(layer)](layer, params, run.dtype)
        super().__init__(layer, [], run.dtype)

    def forward(self, *bottoms: Tensor) -> tuple[Tensors, Tensors]:
        """As `Runner.forward`."""
        shapes = self.layer.top_shapes(*(tuple(bottom.shape) for bottom in bottoms))

        def tops(*arrays: NDArray[Any]) -> Sequence[Any]:
            with np.errstate(all="ignore"):
                return self.runner.forward(*arrays)[0]

        return self.run.in_numpy(tops, shapes, bottoms), (bottoms, {})

    def reread(self, memo: Tensors, **overwritten: Tensor) -> Tensors:
        """As `Runner.reread`."""
        return memo[0], overwritten

    def backward(self, memo: Tensors, *diffs: Tensor) -> Tensors:
        """As `Runner.backward`."""
        bottoms, overwritten = memo
        arriving = [place for place, diff in enumerate(diffs) if diff is not None]
        arriving = [place for place in arriving if place < self.layer.drives]
        if not arriving:
            return (None,) * len(bottoms)

        def back(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
            given = iter(arrays)
            read = [next(given) for _ in bottoms]
            with np.errstate(all="ignore"):
                _, kept = self.runner.forward(*read)
                if overwritten:
                    kept = self.runner.reread(kept, **{where: next(given) for where in overwritten})
                passed = dict(zip(arriving, given, strict=True))
                found = self.runner.backward(kept, *(passed.get(place) for place in range(len(diffs))))
            return [np.zeros_like(x) if diff is None else diff for x, diff in zip(read, found, strict=True)]

        tensors = (*bottoms, *overwritten.values(), *(diffs[place] for place in arriving))
        return self.run.in_numpy(back, [tuple(bottom.shape) for bottom in bottoms], tensors)
