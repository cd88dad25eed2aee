"""frame → dream → a little closer → dream → …: the notebook's last loop, a film that the network zooms into."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import imageops
from ..net import Array, Net
from ..picture import as_picture
from .era import MODERN, check_era
from .images import as_image
from .keyframes import LINEAR, Curve, Ease, as_curve, check_ease, value_at
from .moved import turn
from .notebook import deepdream
from .params import MOST_FRAMES, check_params, find_ends, is_real, require, whole_number

Given = float | Curve | Mapping[int, float] | Sequence[tuple[int, float]]  # a number, or its keyframes

ZOOM_COPIES = 2  # arrays of a frame's size beside a dream's: the frame before, and the start of this one


def zoom_loop(
    net: Net,
    frame: ArrayLike,
    frames: int = 100,
    scale: Given = 0.05,
    rotate: Given = 0.0,
    shift: tuple[Given, Given] = (0.0, 0.0),
    era: str = MODERN,
    rng: np.random.RandomState | None = None,
    backend: str = "native",
    *,
    ease: Ease = LINEAR,
    first: int = 0,
    **dream_params: Any,
) -> Iterator[Array]:
    """Dream into a picture, move into the dream, and dream on: one frame after the other.

    Each frame is made when it is requested. The next one starts from the frame in floats, not from its 8-bit picture,
    and draws on from `rng`; so ``zoom_loop(net, zoom_frame(last, …), frames=remaining, rng=rng)`` continues a loop that
    was stopped at `last`, to the bit; with keyframes, `zoom_frame` takes their values
    at the next frame, whose number is `first`.

    `scale`, `rotate`, both of `shift`, and `step_size` may change from frame to frame: in place of a number stand
    keyframes, as ``{0: 0.05, 60: 0.2}`` or ``[(0, 0.05), (60, 0.2)]``. The values at frame n are those that make frame
    n: the movement from frame n - 1 to it, and its steps. Frame 0 is not moved.

    Parameters
    ----------
    net : Net
        Its input is reshaped and written, as by `deepdream`.
    frame : (H, W, 3) array_like
        RGB, 0..255; copied.
    frames : int
        Number of frames, at least 1, at most `MOST_FRAMES`.
    scale, rotate, shift, era, backend
        As for `zoom_frame`; `era` and `backend` for `deepdream` too.
    rng : numpy.random.RandomState, optional
        Draws the shifts of all frames, in order. None: NumPy's global legacy state.
    ease : {"linear", "smooth"}
        From one keyframe to the next: see `Curve.at`.
    first : int
        The number of the first frame that is made, which counts for keyframes alone.
    **dream_params
        More for `deepdream`: `iter_n`, `octave_n`, `octave_scale`, `end`, `clip`, `watch`, `grid`, `step_size`,
        `jitter`, `objective`, `retouches`, `tile`.

    Yields
    ------
    (H, W, 3) array
        The frame, as `deepdream` returns it: float, RGB, unclipped. The caller may keep and change it.

    Raises
    ------
    ValueError, TypeError, UnknownNameError
        A parameter is out of its range or unknown. Raised at once, before the first frame is requested.
    DreamInterrupted, ShapeError, ZeroGradientError
        As `deepdream`, in the frame that is being made.
    """
    frames = whole_number("frames", frames, 1, MOST_FRAMES)
    first = whole_number("first", first, 0, MOST_FRAMES)
    move = as_moves(scale, rotate, shift, ease)
    check_era(era)
    dream_params = {name: as_steps(value) if name == "step_size" else value for name, value in dream_params.items()}
    check_params(rng=rng, backend=backend, **_at(first, dream_params, ease))
    find_ends(net, dream_params.get("end"), dream_params.get("objective"))
    as_image(net, frame)  # raises for what is not a picture

    def dreams(frame: Array) -> Iterator[Array]:
        for number in range(first, first + frames):
            frame = deepdream(net, frame, rng=rng, backend=backend, era=era, **_at(number, dream_params, ease))
            yield frame.copy()
            frame = zoom_frame(frame, era=era, backend=backend, **move_at(number + 1, **move))

    return dreams(np.array(frame))


def zoom_default(parameter: str) -> Any:
    """Return what a parameter of `zoom_loop` is by default."""
    return inspect.signature(zoom_loop).parameters[parameter].default


def zoom_frame(
    frame: ArrayLike,
    scale: float = 0.05,
    rotate: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    era: str = MODERN,
    backend: str = "native",
) -> Array:
    """Move into a frame: ``affine_transform(frame, [1-s, 1-s, 1], [h*s/2, w*s/2, 0], order=1)``.

    Without `shift`, the fixed point is (h/2, w/2), half a pixel below and to the right of the middle. Outside of the
    frame everything is black.

    Parameters
    ----------
    frame : (H, W, 3) array_like
        RGB. float32 and float64 stay as they are, other numbers become float32.
    scale : float
        The `s` above: the part of the width and height that leaves the picture, above -1 and below 1. Below 0 the
        picture shrinks within a black border.
    rotate : float
        Degrees, counter-clockwise as seen.
    shift : (dx, dy)
        Pixels by which the picture moves to the right and down.
    era : {"modern", "2015"}
        Without rotation: whether the notebook's line is computed as today, or as by SciPy before 0.18, which adds the
        offset before it multiplies. Then the fixed point is ``(1-s) * (h/2, w/2)``, and the picture drifts: at 1024x575
        each frame is read 1.28 pixels farther left and 0.72 higher than today.
    backend : {"native", "numpy"}
        The image operations: the C++ module, or SciPy. The same bits.

    Returns
    -------
    (H, W, 3) array
        A new one.

    Raises
    ------
    ValueError
        A parameter is out of its range, or the frame has another shape.
    """
    check_move(scale, rotate, shift, era)
    ops = imageops.backend(backend)
    picture = as_picture(frame, "frame")
    real = np.float64 if picture.dtype == np.float64 else np.float32
    picture = np.ascontiguousarray(picture, real)
    h, w = picture.shape[:2]
    s, (dx, dy) = float(scale), map(float, shift)
    moved: Array
    if rotate == 0:
        # A shift by d reads at o - d. SciPy before 0.18 read at matrix * (o + offset), not at matrix * o + offset.
        first = era != MODERN
        back = 1.0 if first else 1 - s
        moved = ops.affine_transform(picture, [1 - s, 1 - s], [h * s / 2 - back * dy, w * s / 2 - back * dx], first)
    else:
        moved = ops.affine_transform(picture, *turn(1 - s, rotate, (h / 2, w / 2), (h / 2 + dy, w / 2 + dx)))
    return moved


def as_moves(scale: Given, rotate: Given, shift: tuple[Given, Given], ease: Ease = LINEAR) -> dict[str, Any]:
    """Return the keywords for `move_at`, with curves for keyframes; raise `ValueError` for a move that is not one."""
    check_ease(ease)
    pair = tuple(map(as_curve, shift)) if isinstance(shift, Iterable) and not isinstance(shift, str) else shift
    move = {"scale": as_curve(scale), "rotate": as_curve(rotate), "shift": pair, "ease": ease}
    numbers = (move["scale"], move["rotate"], *(pair if isinstance(pair, tuple) else ()))
    curves = [each for each in numbers if isinstance(each, Curve)]
    for frame in {0, *(frame for curve in curves for frame, _ in curve.keyframes)}:
        check_move(**move_at(frame, **move))
    return move


def as_steps(step_size: Given) -> Any:
    """Return a step size as given, or the curve of its keyframes; raise `ValueError` where a step would be none."""
    curve = as_curve(step_size)
    if isinstance(curve, Curve):
        for _, value in curve.keyframes:
            check_params(step_size=value)
        signs = {value > 0 for _, value in curve.keyframes}
        require(len(signs) == 1, "step_size", curve, "keyframes that are all above 0, or all below")
    return curve


def _at(frame: int, params: dict[str, Any], ease: Ease) -> dict[str, Any]:
    return {name: value_at(value, frame, ease) for name, value in params.items()}


def move_at(frame: int, scale: float | Curve, rotate: float | Curve, shift: Any, ease: Ease = LINEAR) -> dict[str, Any]:
    """Return the keywords for `zoom_frame`, of the movement from the frame before to this one."""
    both = tuple(value_at(each, frame, ease) for each in shift) if isinstance(shift, tuple) else shift
    return {**_at(frame, {"scale": scale, "rotate": rotate}, ease), "shift": both}


def check_move(scale: float, rotate: float, shift: tuple[float, float], era: str = MODERN) -> None:
    """Raise `ValueError` for a move that `zoom_frame` cannot make."""
    require(is_real(scale) and -1 < scale < 1, "scale", scale, "a number above -1 and below 1")
    require(_is_finite(rotate), "rotate", rotate, "a finite number of degrees")
    pair = list(shift) if isinstance(shift, Iterable) else []
    require(
        len(pair) == 2 and all(map(_is_finite, pair)),
        "shift",
        shift,
        "two finite numbers of pixels, to the right and down",
    )
    check_era(era)


def _is_finite(value: Any) -> bool:
    return is_real(value) and abs(value) <= sys.float_info.max  # some integers exceed it
