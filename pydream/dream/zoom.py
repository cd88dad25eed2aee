"""frame → dream → a little closer → dream → …: the notebook's last loop, a film that the network zooms into."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import imageops, logs
from ..net import Array, Net
from ..picture import as_picture
from .bounds import MOST_FRAMES, is_real, require, whole_number
from .era import MODERN, check_era
from .images import as_image, blended
from .keyframes import LINEAR, Curve, Ease, WholeCurve, as_curve, as_whole, check_ease, value_at
from .light import Hold, Light, check_hold, with_light
from .moved import turn
from .notebook import deepdream
from .objectives import Score
from .octaves import check_octaves, octave_sizes
from .params import check_params, find_ends
from .weights import as_weighted, weighted_at

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
    blend: Given = 0.0,
    hold: Hold | None = None,
    light: Light | None = None,
    ease: Ease = LINEAR,
    first: int = 0,
    **dream_params: Any,
) -> Iterator[Array]:
    """Dream into a picture, move into the dream, and dream on: one frame after the other.

    Each frame is made when it is requested. The next one starts from the frame in floats, not from its 8-bit picture,
    and draws on from `rng`; so ``zoom_loop(net, zoom_frame(last, …), frames=remaining, rng=rng)`` continues a loop that
    was stopped at `last`, to the bit; with keyframes, `zoom_frame` takes their values
    at the next frame, whose number is `first`.

    `scale`, `rotate`, both of `shift`, `blend`, `step_size`, `octave_n` and the weights of an objective that is a
    `Score` may change from frame to frame: in place of a number stand keyframes, as ``{0: 0.05, 60: 0.2}`` or
    ``[(0, 0.05), (60, 0.2)]``. The values at frame n are those that make frame n: the movement from frame n - 1 to it,
    and its steps. Frame 0 is not moved.

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
    blend : float
        Share of what a frame is dreamt on in the frame: ``dream + blend * (start - dream)``, from 0, the dream, to 1.
    hold : {"brightness", "contrast", "both"}, optional
        What of the first frame's light all later frames get, after their dreams: see `pydream.dream.light.with_light`.
    light : Light, optional
        That of the first frame, where a loop is continued; None: of the first frame that is made.
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
    share = as_share(blend)
    check_hold(hold)
    dream_params = {name: _AS[name](value) if name in _AS else value for name, value in dream_params.items()}
    check_params(rng=rng, backend=backend, **_at(first, dream_params, ease))
    ends = find_ends(net, dream_params.get("end"), dream_params.get("objective"))
    height, width = as_image(net, frame).shape[1:]  # raises for what is not a picture
    if isinstance(octaves := dream_params.get("octave_n"), WholeCurve):
        ratio: dict[str, Any] = {name: dream_params[name] for name in {"octave_scale"} & dream_params.keys()}
        for end in ends:
            check_octaves(net, end, octave_sizes(height, width, octaves.largest, era=era, **ratio))
    clip = dream_params.get("clip", True)

    def dream_on(number: int, start: Array) -> Array:
        dream = deepdream(net, start, rng=rng, backend=backend, era=era, **_at(number, dream_params, ease))
        mixed = value_at(share, number, ease)
        return blended(dream, start, mixed) if mixed else dream

    def dreams(frame: Array, light: Light | None) -> Iterator[Array]:
        for number in range(first, first + frames):
            frame = dream_on(number, frame)
            if hold is not None and light is not None:
                frame = with_light(frame, light, hold, clip)
            elif hold is not None:
                light = Light.of(frame)
            logs.info("frame %s of a zoom loop, to %s", number, first + frames - 1)
            yield frame.copy()
            frame = zoom_frame(frame, era=era, backend=backend, **move_at(number + 1, **move))

    return dreams(np.array(frame), light)


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


def as_octaves(octave_n: Given) -> Any:
    """Return a number of octaves as given, or the curve of its keyframes; raise `ValueError` where one is none."""
    curve = as_whole("octave_n", octave_n)
    if isinstance(curve, Curve):
        for _, value in curve.keyframes:
            check_params(octave_n=value)
    return curve


def as_share(blend: Given) -> Any:
    """Return a share as given, or the curve of its keyframes; raise `ValueError` for what is none."""
    curve = as_curve(blend)
    for value in [value for _, value in curve.keyframes] if isinstance(curve, Curve) else [curve]:
        require(is_real(value) and 0 <= value <= 1, "blend", value, "a number, 0..1")
    return curve


_AS = {"step_size": as_steps, "octave_n": as_octaves, "objective": as_weighted}  # what may have keyframes


def _at(frame: int, params: dict[str, Any], ease: Ease) -> dict[str, Any]:
    values = {name: value_at(value, frame, ease) for name, value in params.items()}
    if isinstance(score := values.get("objective"), Score):
        values["objective"] = weighted_at(score, frame, ease)
    return values


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
