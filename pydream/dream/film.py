"""frame → start, blended with the last dream → dream → the next frame: a film whose dream goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import logs
from ..net import Array, Net
from ..picture import Picture, to_pixels
from .bounds import is_real, require, whole_number
from .flow import check_flow, difference, move_along
from .images import MOST_STRETCH, as_shown
from .notebook import deepdream
from .params import check_params, find_ends
from .retouch import Retouch

BLEND = 0.5
CUT = 20.0  # levels: cuts were 30 to 67, pans of up to a quarter of the picture 0 to 9, zooms by 5 % a frame 3 to 13
MOST_CUT = 255.0
FILM_COPIES = 1.75  # arrays of a frame's size beside a dream's: its start, and three pictures of 8 bits


class FramePair(NamedTuple):
    """A frame and its dream, both (H, W, 3) uint8."""

    frame: Picture
    dream: Picture


def dream_frames(
    net: Net,
    frames: Iterable[ArrayLike],
    *,
    blend: float = BLEND,
    flow: bool = False,
    cut: float = CUT,
    seed: int = 0,
    last: FramePair | tuple[Picture, Picture] | None = None,
    clip: bool = True,
    stretch: float = 0.0,
    **dream_params: Any,
) -> Iterator[Picture]:
    """Dream on the frames of a film, each started from the last dream.

    ``start = (1 - blend) * frame + blend * last dream``, from the second frame on, and ``dream = deepdream(start)``.
    A frame is read when its dream is requested, and only the last one is kept, with its dream: memory does not grow
    with the length of the film. Each dream has the same shifts, those of ``RandomState(seed)``: so dreams differ only
    where the film does, and without blending each is what `deepdream` makes of its frame alone.

    Parameters
    ----------
    net : Net
        Its input is reshaped and written, as by `deepdream`.
    frames : iterable of (H, W, 3) array_like
        RGB, 0..255, all of one size; converted to 8 bits by `pydream.picture.to_pixels`.
    blend : float
        Weight of the last dream in the next start: 0..1. At 0 the frames are independent.
    flow : bool
        Move the last dream along with the picture first, by optical flow, and leave it out where the frame shows what
        the frame before did not: see `pydream.dream.flow.move_along`.
    cut : float
        Start a new scene, from the frame alone, where two frames differ by at least this many levels: above 0, at most
        255; 0: never. See `pydream.dream.flow.difference`.
    seed : int
        Seed of the `numpy.random.RandomState` that draws the shifts, 0..2**32 - 1.
    last : (frame, dream), optional
        The pair before the first of `frames`, to resume a film.
    clip
        As for `deepdream`.
    stretch : float
        Percentage of the values that become black, and as many white, if it is above 0: see
        `pydream.dream.images.stretched`.
    **dream_params
        More for `deepdream`: `iter_n`, `octave_n`, `octave_scale`, `end`, `watch`, `era`, `grid`, `backend`,
        `step_size`, `jitter`, `objective`, `retouches`, `tile`. Retouches that keep something of the picture, such as a
        mask or `KeepColors`, keep it of the frame.

    Yields
    ------
    (H, W, 3) uint8 array
        The dream as it is saved: clipped, by `display_range` if `clip` is False, or stretched; fractions dropped. The
        next frame starts from this, so a film can be resumed from its pictures.

    Raises
    ------
    ValueError, TypeError, UnknownNameError, MissingExtraError
        A parameter is out of its range or unknown, or OpenCV is missing for `flow`. Raised at once, before the first
        frame is read.
    ValueError
        A frame is not a picture, or has another size than the one before.
    DreamInterrupted, ShapeError, ZeroGradientError
        As `deepdream`, in the frame that is being made.
    """
    require(is_real(blend) and 0 <= blend <= 1, "blend", blend, "a number, 0..1")
    require(is_real(cut) and 0 <= cut <= MOST_CUT, "cut", cut, f"a number of levels, 0..{MOST_CUT:g}")
    most = f"a percentage, 0..{MOST_STRETCH:g}"
    require(is_real(stretch) and 0 <= stretch <= MOST_STRETCH, "stretch", stretch, most)
    seed = whole_number("seed", seed, 0, 2**32 - 1)
    if "rng" in dream_params:
        raise TypeError("dream_frames has no parameter 'rng': each dream starts with `seed`")
    check_params(clip=clip, **dream_params)
    find_ends(net, dream_params.get("end"), dream_params.get("objective"))
    if flow:
        check_flow()
    retouches = dream_params.get("retouches", ())
    previous = None if last is None else FramePair(*map(to_pixels, last))

    def dreams() -> Iterator[Picture]:
        nonlocal previous
        for number, given in enumerate(frames):
            frame = to_pixels(given, "frame")
            if previous is not None and frame.shape != previous.frame.shape:
                (height, width), (h, w) = frame.shape[:2], previous.frame.shape[:2]
                raise ValueError(f"frame: {width}×{height} pixels, and the one before has {w}×{h}")
            start = _start(frame, previous, blend, flow, cut, retouches)
            dream = deepdream(net, start, clip=clip, rng=np.random.RandomState(seed), **dream_params)
            previous = FramePair(frame, to_pixels(as_shown(dream, clip, stretch)))
            logs.info("frame %s of a film", number)
            yield previous.dream.copy()

    return dreams()


def _start(
    frame: Picture, last: FramePair | None, blend: float, flow: bool, cut: float, retouches: Sequence[Retouch]
) -> Array:
    """Return the picture that a dream starts from."""
    if last is None or blend == 0 or (cut and difference(last.frame, frame) >= cut):
        return frame
    start: Array = frame.astype(np.float32)
    if flow:
        moved = move_along(last.dream, last.frame, frame)
        start += blend * moved.seen[..., np.newaxis] * (moved.picture - start)
    else:
        start += blend * (last.dream - start)
    for retouch in retouches:
        start = retouch.finish(start, frame)
    return start
