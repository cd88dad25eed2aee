"""frame → dream → a little closer → dream → …: the notebook's last loop, a film that the network zooms into."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import imageops
from ..net import Array, Net
from ..picture import as_picture
from .era import MODERN, check_era
from .images import as_image
from .moved import turn
from .notebook import deepdream
from .params import MOST_FRAMES, check_params, find_ends, is_real, require, whole_number

ZOOM_COPIES = 2  # arrays of a frame's size beside a dream's: the frame before, and the start of this one


def zoom_loop(
    net: Net,
    frame: ArrayLike,
    frames: int = 100,
    scale: float = 0.05,
    rotate: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    era: str = MODERN,
    rng: np.random.RandomState | None = None,
    backend: str = "native",
    **dream_params: Any,
) -> Iterator[Array]:
    """Dream into a picture, move into the dream, and dream on: one frame after the other.

    Each frame is made when it is requested. The next one starts from the frame in floats, not from its 8-bit picture,
    and draws on from `rng`; so ``zoom_loop(net, zoom_frame(last, …), frames=remaining, rng=rng)`` continues a loop that
    was stopped at `last`, to the bit.

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
    check_move(scale, rotate, shift, era)
    check_params(rng=rng, backend=backend, **dream_params)
    find_ends(net, dream_params.get("end"), dream_params.get("objective"))
    as_image(net, frame)  # raises for what is not a picture

    def dreams(frame: Array) -> Iterator[Array]:
        for _ in range(frames):
            frame = deepdream(net, frame, rng=rng, backend=backend, era=era, **dream_params)
            yield frame.copy()
            frame = zoom_frame(frame, scale, rotate, shift, era, backend)

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
