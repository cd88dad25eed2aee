"""Two frames of a film: where the picture moved between them, and whether they show the same scene."""

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
LEAST_SIDE = 64  # OpenCV's code for smaller pictures reads beyond their edge


class Moved(NamedTuple):
    """A picture that was moved along.

    Attributes
    ----------
    picture : (H, W, 3) float32 array
    seen : (H, W) bool array
        Where the frame before shows the same point; elsewhere `picture` is meaningless.
    """

    picture: Array
    seen: NDArray[np.bool_]


def difference(before: Picture, now: Picture) -> float:
    """Measure how different two frames are, in levels, apart from a move of the camera.

    Both are shrunk to 32×32 pixels, each the mean of what it covers. The result is the mean absolute difference of
    their colours where they overlap, at the shift that makes it least, of up to 8 pixels, a quarter of the picture, in
    each direction. Frames of one scene are a few levels apart; those of two scenes differ by their content.

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
    """Move a picture as the film moves from one frame to the next, so that it stays on the objects it lay on.

    For each pixel p of `now` the backward flow F says that this point was at p + F(p) in `before`, where the picture is
    read, bilinearly. The forward flow G should lead back again; where ``|F(p) + G(p + F(p))|^2`` is more than
    ``0.01 (|F|^2 + |G|^2) + 0.5``, the two disagree: the point was hidden in `before` [1]_. Points from outside of
    `before` are not seen either.

    Flows are OpenCV's, by Dense Inverse Search [2]_ on luma, in one thread: they do not depend on the machine's number
    of processors. Sides below 64 pixels are padded to that by repeating the edge.

    Parameters
    ----------
    picture, before, now : (H, W, 3) uint8 array

    Raises
    ------
    MissingExtraError
        OpenCV is not installed.

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
    """Compute how far each pixel of a frame is to the right and down in the other: (H, W, 2)."""
    cv2 = check_flow()
    height, width = frame.shape[:2]
    edge = ((0, max(LEAST_SIDE - height, 0)), (0, max(LEAST_SIDE - width, 0)))
    greys = (np.asarray(Image.fromarray(each).convert("L")) for each in (frame, other))
    lumas = [np.pad(grey, edge, mode="edge") for grey in greys]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # with several, each searches a part of the picture by itself
    try:
        found: NDArray[np.float32] = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*lumas, None)
    finally:
        cv2.setNumThreads(threads)
    return found[:height, :width]


def check_flow() -> Any:
    """Return OpenCV; `MissingExtraError` if it is not installed, or too old."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError(f"optical flow needs OpenCV ({error}): {pip_install('flow')}") from error
    if not hasattr(cv2, "DISOpticalFlow_create"):
        raise MissingExtraError(f"optical flow needs OpenCV 4 or later, this has no DIS: {pip_install('flow')}")
    return cv2


def _thumbnail(frame: Picture) -> Array:
    small = Image.fromarray(frame).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _squared(vectors: Array) -> Array:
    squared: Array = (vectors**2).sum(-1)
    return squared
