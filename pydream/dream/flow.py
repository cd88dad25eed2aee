"""Two frames of a film: where the picture moved between them, and whether it is the same scene at all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import MissingExtraError, pip_install
from ..net import Array
from ..picture import Picture

THUMBNAIL = 32  # pixels, of width and height
FARTHEST = 8  # a quarter of it
LEAST_SIDE = 64  # of what is given to OpenCV, whose code for smaller pictures reads beyond their edge


class Moved(NamedTuple):
    """A picture that was moved along.

    Attributes
    ----------
    picture : (H, W, 3) float32 array
    seen : (H, W) bool array
        Where what is there was to be seen before, too: elsewhere the picture says nothing.
    """

    picture: Array
    seen: NDArray[np.bool_]


def difference(before: Picture, now: Picture) -> float:
    """Tell how different two frames are, in levels, but for where the camera looks.

    Both are shrunk to 32×32 pixels, each the mean of what it covers; the result is the mean absolute difference of
    their colours in the shift that makes it least, of up to 8 pixels, a quarter of the picture, either way; where the
    shifted pictures do not overlap there is nothing to compare. Frames of one scene are a few levels apart, those of
    two are apart by what is in them.

    Parameters
    ----------
    before, now : (H, W, 3) uint8 array

    Returns
    -------
    float
        0..255.
    """
    first, second = _thumbnail(before), _thumbnail(now)
    least = 255.0
    for down in range(-FARTHEST, FARTHEST + 1):
        for right in range(-FARTHEST, FARTHEST + 1):
            there = first[max(-down, 0) : THUMBNAIL - max(down, 0), max(-right, 0) : THUMBNAIL - max(right, 0)]
            here = second[max(down, 0) : THUMBNAIL - max(-down, 0), max(right, 0) : THUMBNAIL - max(-right, 0)]
            least = min(least, float(np.abs(here - there).mean()))
    return least


def move_along(picture: Picture, before: Picture, now: Picture) -> Moved:
    """Move a picture as the film moves from one frame to the next: what lay on a thing then lies on it now.

    For each pixel p of `now` the flow back F says that what is there was at p + F(p) in `before`, and there the picture
    is read, bilinearly. The flow forth G should lead back again; where ``|F(p) + G(p + F(p))|^2`` is more than
    ``0.01 (|F|^2 + |G|^2) + 0.5``, the two disagree: what is at p was hidden then [1]_. Outside of `before` nothing
    was seen either.

    Flows are OpenCV's, by Dense Inverse Search [2]_ on luma, in one thread: they do not depend on the machine's number
    of processors. Pictures below 64 pixels are continued by their edges up to that.

    Parameters
    ----------
    picture, before, now : (H, W, 3) uint8 array

    Raises
    ------
    MissingExtraError
        If OpenCV is not installed.

    References
    ----------
    .. [1] Sundaram, Brox, Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical flow",
       ECCV 2010.
    .. [2] Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    """
    from scipy.ndimage import map_coordinates

    back, forth = flow(now, before), flow(before, now)
    height, width = back.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    there = y + back[..., 1], x + back[..., 0]

    def read(image: Array) -> Array:
        bands = np.moveaxis(image, -1, 0)
        return np.stack([map_coordinates(band, there, np.float32, order=1, mode="nearest") for band in bands], -1)

    again = read(forth)
    apart, far = _squared(back + again), _squared(back) + _squared(again)
    inside = (there[0] >= 0) & (there[0] <= height - 1) & (there[1] >= 0) & (there[1] <= width - 1)
    return Moved(read(picture), inside & (apart <= 0.01 * far + 0.5))


def flow(frame: Picture, other: Picture) -> NDArray[np.float32]:
    """Find for each pixel of a frame where it is in the other: (H, W, 2), how far to the right and down."""
    cv2 = check_flow()
    height, width = frame.shape[:2]
    edge = ((0, max(LEAST_SIDE - height, 0)), (0, max(LEAST_SIDE - width, 0)))
    greys = (np.asarray(Image.fromarray(each).convert("L")) for each in (frame, other))
    lumas = [np.pad(grey, edge, mode="edge") for grey in greys]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # parts of the picture are searched by themselves, one a thread
    try:
        found: NDArray[np.float32] = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*lumas, None)
    finally:
        cv2.setNumThreads(threads)
    return found[:height, :width]


def check_flow() -> Any:
    """Give OpenCV; `MissingExtraError` where it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError(f"optical flow needs OpenCV ({error}): {pip_install('flow')}") from error
    return cv2


def _thumbnail(frame: Picture) -> Array:
    small = Image.fromarray(frame).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _squared(vectors: Array) -> Array:
    squared: Array = (vectors**2).sum(-1)
    return squared
