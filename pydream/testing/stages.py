"""The image side of a step, stage by stage: inputs, and what NumPy makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..imageops import numpy_ops
from .report import Array

IN_PLACE = frozenset({"ascend", "clip", "ascend_tensor"})

FORMULAS = {
    "roll": "np.roll(np.roll(image, ox, -1), oy, -2)",
    "zoom": "scipy.ndimage.zoom(image, (1, height / H, width / W), order=1)",
    "mean_abs": "np.abs(gradient).mean()",
    "ascend": "image += step_size / np.abs(gradient).mean() * gradient",
    "clip": "image[:] = np.clip(image, low, high)",
    "to_tensor": "roll(image, ox, oy), laid out (1, H, W, C) or (1, C, H, W)",
    "ascend_tensor": "roll(image, ox, oy); ascend; roll(image, -ox, -oy); clip",
}

# Relative, L2. Moving and comparing numbers is exact; the rest rounds a few times, and a sum in another order a few
# times more.
_MOVES = {"float32": 0.0, "float64": 0.0}
_ROUNDS = {"float32": 1e-6, "float64": 1e-14}


@dataclass(frozen=True)
class Stage:
    """A call of a function of `imageops`.

    Attributes
    ----------
    name : str
    function : str
    inputs : dict of str to array
    parameters : dict
    mistakes : dict of str to callable
        What ports do wrong → the same function with that mistake.
    """

    name: str
    function: str
    inputs: dict[str, Array]
    parameters: dict[str, Any]
    mistakes: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        """How far a port may be off that adds up in another order."""
        limits = _MOVES if self.function in ("roll", "clip", "to_tensor") else _ROUNDS
        return limits[str(next(iter(self.inputs.values())).dtype)]

    def run(self, function: Callable[..., Any]) -> dict[str, Array]:
        """Call the function with copies; gives ``result``, what it returns, and ``image``, if it writes into that."""
        inputs = {name: array.copy() for name, array in self.inputs.items()}
        result = function(**inputs, **self.parameters)
        found = {"image": inputs["image"]} if self.function in IN_PLACE else {}
        return found if result is None else {**found, "result": np.asarray(result)}

    def expected(self) -> dict[str, Array]:
        """Give what NumPy and SciPy make of it."""
        return self.run(getattr(numpy_ops, self.function))


def stages() -> Iterator[Stage]:
    """Give the stages in the order of a step, in float32 and float64."""
    for dtype in (np.float32, np.float64):
        yield from _stages(np.dtype(dtype))


def _stages(dtype: np.dtype[Any]) -> Iterator[Stage]:
    def some(*shape: int, seed: int = 0) -> Array:
        return np.random.RandomState(seed).uniform(-120, 150, shape).astype(dtype)

    mean = np.array([104, 116, 122], dtype).reshape(3, 1, 1)
    image, gradient = some(3, 11, 14), some(3, 11, 14, seed=1) * dtype.type(1e-3)
    bounds = {"low": -mean, "high": 255 - mean}

    for ox, oy in ((0, 0), (3, 0), (0, 4), (5, -2), (-32, 31)):
        yield Stage(
            f"roll by {ox} to the right and {oy} down, {dtype}", "roll", {"image": image}, {"ox": ox, "oy": oy}, _ROLLS
        )
    for (h, w), (height, width), what in (
        ((28, 35), (20, 25), "down"),
        ((20, 25), (28, 35), "up"),
        ((8, 56), (6, 40), "to a width where SciPy's last column is 0"),
        ((56, 8), (79, 11), "to a height where SciPy's last row is 0"),
        ((9, 12), (9, 12), "to the same size"),
        ((5, 1), (7, 3), "of one column"),
        ((5, 7), (1, 1), "to one pixel"),
    ):
        name = f"zoom {what}, {w}x{h} to {width}x{height}, {dtype}"
        yield Stage(name, "zoom", {"image": some(3, h, w)}, {"height": height, "width": width}, _ZOOMS)
    yield Stage(f"mean of the gradient's size, {dtype}", "mean_abs", {"gradient": gradient}, {}, _MEANS)
    # More numbers than NumPy adds up in one run: a plain loop in float32 would show.
    large = some(3, 90, 110, seed=2)
    yield Stage(f"mean of many numbers, {dtype}", "mean_abs", {"gradient": large}, {}, _MEANS)
    ascent = {"image": image, "gradient": gradient}
    yield Stage(f"ascend, {dtype}", "ascend", ascent, {"step_size": 1.5}, _ASCENTS)
    # A small mean: an epsilon beside it would show.
    faint = {"image": image, "gradient": gradient * dtype.type(1e-6)}
    yield Stage(f"ascend along a small gradient, {dtype}", "ascend", faint, {"step_size": 4.4}, _ASCENTS)
    yield Stage(f"clip, {dtype}", "clip", {"image": image * 2, **bounds}, {}, _CLIPS)
    for last in (True, False):
        layout = "channels last" if last else "channels first"
        parameters: dict[str, Any] = {"ox": 5, "oy": -2, "channels_last": last}
        yield Stage(f"to_tensor, {layout}, {dtype}", "to_tensor", {"image": image}, parameters, _TENSORS)
        tensor = np.ascontiguousarray(gradient.transpose(1, 2, 0) if last else gradient)[np.newaxis]
        step = {"image": image, "gradient": tensor, **bounds}
        parameters = {"step_size": 1.5, **parameters}
        yield Stage(f"ascend_tensor, {layout}, {dtype}", "ascend_tensor", step, parameters, _STEPS)
        flat = {**step, "gradient": np.zeros_like(tensor)}
        yield Stage(f"ascend_tensor along no gradient, {layout}, {dtype}", "ascend_tensor", flat, parameters, _STEPS)


# What ports do wrong. Each is the function with the mistake in it.


def _without_quirk(image: Array, height: int, width: int) -> Array:
    return _interpolated(image, height, width, lambda out, size: np.arange(out) * (size - 1) / max(out - 1, 1))


def _half_pixels(image: Array, height: int, width: int) -> Array:
    return _interpolated(image, height, width, lambda out, size: (np.arange(out) + 0.5) * size / out - 0.5)


def _legacy_corners(image: Array, height: int, width: int) -> Array:
    return _interpolated(image, height, width, lambda out, size: np.arange(out) * size / out)


def _interpolated(image: Array, height: int, width: int, where: Callable[[int, int], Array]) -> Array:
    for axis, out in ((1, height), (2, width)):
        size = image.shape[axis]
        at = np.clip(where(out, size), 0, size - 1)
        first = np.floor(at).astype(int)
        weight = (at - first).reshape(-1, *[1] * (2 - axis))
        after = np.minimum(first + 1, size - 1)
        image = image.take(first, axis) * (1 - weight) + image.take(after, axis) * weight
    return image


def _nearest(image: Array, height: int, width: int) -> Array:
    return _interpolated(
        image, height, width, lambda out, size: np.round(np.arange(out) * (size - 1) / max(out - 1, 1))
    )


def _ascend(image: Array, gradient: Array, step_size: float, size: Callable[[Array], Any]) -> None:
    with np.errstate(all="ignore"):
        image += step_size / size(gradient) * gradient


def _step(roll: bool, unroll: bool, careful: bool = True) -> Callable[..., Any]:
    def ascend_tensor(
        image: Array,
        gradient: Array,
        step_size: float,
        ox: int,
        oy: int,
        low: Array,
        high: Array,
        channels_last: bool,
    ) -> Any:
        g = np.ascontiguousarray(gradient[0].transpose(2, 0, 1) if channels_last else gradient[0])
        mean = numpy_ops.mean_abs(g)
        if mean or not careful:
            src = numpy_ops.roll(image, ox, oy) if roll else image.copy()
            _ascend(src, g, step_size, numpy_ops.mean_abs)
            image[:] = np.clip(numpy_ops.roll(src, -ox, -oy) if unroll else src, low, high)
        return mean

    return ascend_tensor


_ROLLS: dict[str, Callable[..., Any]] = {
    "ox and oy were swapped": lambda image, ox, oy: numpy_ops.roll(image, oy, ox),
    "it rolled the other way": lambda image, ox, oy: numpy_ops.roll(image, -ox, -oy),
    "ox and oy were swapped, and it rolled the other way": lambda image, ox, oy: numpy_ops.roll(image, -oy, -ox),
}
_ZOOMS: dict[str, Callable[..., Any]] = {
    "the last row or column, which SciPy makes 0 where rounding puts it outside, were not 0": _without_quirk,
    "pixels were areas with half-pixel centres; corners must meet corners": _half_pixels,
    "corners did not meet: (size - 1) / (out - 1) is the step, not size / out": _legacy_corners,
    "the nearest pixel were taken": _nearest,
}
_MEANS: dict[str, Callable[..., Any]] = {
    "it were the mean without the absolute value": lambda gradient: gradient.mean(),
    "it were the standard deviation": lambda gradient: gradient.std(),
    "it were the root of the mean square": lambda gradient: np.sqrt((gradient * gradient).mean()),
    "it were a mean for each channel": lambda gradient: np.abs(gradient).mean((1, 2)),
    "it were a plain sum in float32: NumPy adds up pairwise": lambda gradient: (
        np.add.accumulate(np.abs(gradient).ravel())[-1] / gradient.dtype.type(gradient.size)
    ),
}
_ASCENTS: dict[str, Callable[..., Any]] = {
    "there were an epsilon beside the mean": lambda image, gradient, step_size: _ascend(
        image, gradient, step_size, lambda g: numpy_ops.mean_abs(g) + g.dtype.type(1e-7)
    ),
    "there were an epsilon of 1e-8 beside the mean": lambda image, gradient, step_size: _ascend(
        image, gradient, step_size, lambda g: numpy_ops.mean_abs(g) + g.dtype.type(1e-8)
    ),
    "it were divided by the standard deviation": lambda image, gradient, step_size: _ascend(
        image, gradient, step_size, np.std
    ),
    "each channel had a mean of its own": lambda image, gradient, step_size: _ascend(
        image, gradient, step_size, lambda g: np.abs(g).mean((1, 2), keepdims=True)
    ),
    "it went down": lambda image, gradient, step_size: numpy_ops.ascend(image, gradient, -step_size),
}
_CLIPS: dict[str, Callable[..., Any]] = {
    "it clipped to 0..255: the image is minus the mean": lambda image, low, high: np.clip(image, 0, 255, out=image),
    "channels were reversed": lambda image, low, high: np.clip(image, low[::-1].copy(), high[::-1].copy(), out=image),
}
_TENSORS: dict[str, Callable[..., Any]] = {
    "ox and oy were swapped": lambda image, ox, oy, channels_last: numpy_ops.to_tensor(image, oy, ox, channels_last),
    "it rolled the other way": lambda image, ox, oy, channels_last: numpy_ops.to_tensor(image, -ox, -oy, channels_last),
    "the layout were the other one": lambda image, ox, oy, channels_last: numpy_ops.to_tensor(
        image, ox, oy, not channels_last
    ),
}
_STEPS: dict[str, Callable[..., Any]] = {
    "the image were not rolled as the gradient is": _step(roll=False, unroll=False),
    "the image were not rolled back": _step(roll=True, unroll=False),
    "the image were written though no step can be taken": _step(roll=True, unroll=True, careful=False),
    "ox and oy were swapped": lambda image, gradient, step_size, ox, oy, **rest: numpy_ops.ascend_tensor(
        image, gradient, step_size, oy, ox, **rest
    ),
}
