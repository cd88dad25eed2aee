"""The image side of a step and of the zoom loop, stage by stage: inputs, and NumPy's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from ..imageops import numpy_ops
from .report import Array

IN_PLACE = frozenset({"ascend", "clip", "ascend_tensor"})

FORMULAS = {
    "roll": "np.roll(np.roll(image, ox, -1), oy, -2)",
    "zoom": "scipy.ndimage.zoom(image, (1, height / H, width / W), order=1); an image of that size already is copied",
    "mean_abs": "np.abs(gradient).mean()",
    "ascend": "image += step_size / np.abs(gradient).mean() * gradient",
    "clip": "image[:] = np.clip(image, low, high)",
    "to_tensor": "roll(image, ox, oy), laid out (1, H, W, C) or (1, C, H, W)",
    "ascend_tensor": (
        "roll(image, ox, oy); ascend by the gradient, which is of the rolled image and laid out (1, H, W, C) or "
        "(1, C, H, W); roll(image, -ox, -oy); clip. The result is mean|gradient|; where that is 0, or not finite, no "
        "step is taken: the image stays as it is, unclipped"
    ),
    "affine_transform": (
        "scipy.ndimage.affine_transform(frame, [*matrix, 1], [*offset, 0], order=1): output o = (y, x) is the frame at "
        "matrix * o + offset, 0 outside; with offset_first, as in SciPy before 0.18, at matrix * (o + offset)"
    ),
}

# Relative, L2. Moving and comparing numbers is exact; other functions round a few times, and a sum in another order a
# few times more.
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
        A common mistake → the same function with that mistake.
    """

    name: str
    function: str
    inputs: dict[str, Array]
    parameters: dict[str, Any]
    mistakes: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        """The largest difference of a port that adds up in another order."""
        limits = _MOVES if self.function in ("roll", "clip", "to_tensor") else _ROUNDS
        return limits[str(next(iter(self.inputs.values())).dtype)]

    def run(self, function: Callable[..., Any]) -> dict[str, Array]:
        """Call the function with copies; return its ``result``, and ``image`` if it writes to that."""
        inputs = {name: array.copy() for name, array in self.inputs.items()}
        result = function(**inputs, **self.parameters)
        found = {"image": inputs["image"]} if self.function in IN_PLACE else {}
        return found if result is None else {**found, "result": np.asarray(result)}

    def expected(self) -> dict[str, Array]:
        """Return NumPy's and SciPy's results."""
        return self.run(getattr(numpy_ops, self.function))


def stages() -> Iterator[Stage]:
    """Yield the stages in the order of a step, then between two frames, in float32 and float64."""
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
        yield Stage(f"ascend_tensor, {layout}, {dtype}", "ascend_tensor", step, parameters, STEP_MISTAKES)
        flat = {**step, "gradient": np.zeros_like(tensor)}
        yield Stage(
            f"ascend_tensor along no gradient, {layout}, {dtype}", "ascend_tensor", flat, parameters, STEP_MISTAKES
        )
    for what, (h, w), matrix, offset, first in (
        ("5 % closer, even sides", (20, 28), [0.95, 0.95], [20 * 0.05 / 2, 28 * 0.05 / 2], False),
        ("5 % closer, odd sides", (21, 29), [0.95, 0.95], [21 * 0.05 / 2, 29 * 0.05 / 2], False),
        ("5 % closer as by SciPy before 0.18", (20, 28), [0.95, 0.95], [20 * 0.05 / 2, 28 * 0.05 / 2], True),
        ("farther, with a border of 0", (20, 28), [1.3, 1.2], [-20 * 0.3 / 2, -28 * 0.2 / 2], False),
        ("10 % closer and turned", (21, 28), [[0.88, 0.19], [-0.19, 0.88]], [-1.37, 3.71], False),
    ):
        name, frame = f"affine_transform, {what}, {w}x{h}, {dtype}", {"frame": some(h, w, 3)}
        move = {"matrix": matrix, "offset": offset, "offset_first": first}
        yield Stage(name, "affine_transform", frame, move, _FRAME_MOVES)


# Common mistakes of ports. Each is the function with the mistake in it.


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


def _affine(frame: Array, matrix: Array, offset: Array, order: Any = 1, mode: Any = "constant") -> Array:
    """Read at ``matrix @ o + offset``, with options that `imageops` does not have."""
    whole = np.eye(3)
    whole[:2, :2] = matrix
    moved: Array = ndimage.affine_transform(frame, whole, [*offset, 0], order=order, mode=mode)
    return moved


def _read_at(frame: Array, matrix: Any, offset: Any, offset_first: bool, **choice: Any) -> Array:
    full = np.diag(matrix) if np.ndim(matrix) == 1 else np.array(matrix)
    return _affine(frame, full, full @ offset if offset_first else offset, **choice)


def _put_to(frame: Array, matrix: Any, offset: Any, offset_first: bool) -> Array:
    inverse = np.linalg.inv(np.diag(matrix) if np.ndim(matrix) == 1 else matrix)
    return _affine(frame, inverse, -np.array(offset) if offset_first else -inverse @ offset)


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
STEP_MISTAKES: dict[str, Callable[..., Any]] = {
    "the image were not rolled as the gradient is": _step(roll=False, unroll=False),
    "the image were not rolled back": _step(roll=True, unroll=False),
    "the image were written though no step can be taken": _step(roll=True, unroll=True, careful=False),
    "ox and oy were swapped": lambda image, gradient, step_size, ox, oy, **rest: numpy_ops.ascend_tensor(
        image, gradient, step_size, oy, ox, **rest
    ),
}
_FRAME_MOVES: dict[str, Callable[..., Any]] = {
    "the offset were added before multiplying, as in SciPy before 0.18": (
        lambda frame, matrix, offset, offset_first: numpy_ops.affine_transform(frame, matrix, offset, True)
    ),
    "the offset were added after multiplying, as in SciPy since 0.18": (
        lambda frame, matrix, offset, offset_first: numpy_ops.affine_transform(frame, matrix, offset, False)
    ),
    "y and x were swapped": lambda frame, matrix, offset, offset_first: numpy_ops.affine_transform(
        frame, np.flip(matrix), offset[::-1], offset_first
    ),
    "it turned the other way": lambda frame, matrix, offset, offset_first: numpy_ops.affine_transform(
        frame, np.transpose(matrix), offset, offset_first
    ),
    "pixels were put to matrix * o + offset, and not read from there": _put_to,
    "the nearest pixel were taken": lambda **call: _read_at(**call, order=0),
    "pixels from outside were the border's, not 0": lambda **call: _read_at(**call, mode="nearest"),
}
