"""image → image, in the 2015 notebook's own NumPy and SciPy expressions."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from pydream.imageops import _check
from pydream.imageops._check import Bounds, Frame, Image, Numbers, Real, Tensor


def roll(image: Image[Real], ox: int, oy: int) -> Image[Real]:
    """Shift an image circularly: np.roll(np.roll(image, ox, -1), oy, -2).

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous
    ox, oy : int
        Pixels to the right and down, of either sign and any size.

    Returns
    -------
    (C, H, W) of image's dtype
        A new array.

    Raises
    ------
    TypeError, ValueError
        An argument is not as described; the message names it. The same in all functions here.
    """
    _check.image("image", image)
    ox, oy = _check.shift(ox, oy, image)
    return np.roll(np.roll(image, ox, -1), oy, -2)


def zoom(image: Image[Real], height: int, width: int) -> Image[Real]:
    """Resample an image to another size: scipy.ndimage.zoom(image, (1, height/H, width/W), order=1).

    Corners stay corners: coordinates are `o * ((in - 1) / (out - 1))` in double. Where rounding pushes the
    last one above `in - 1` (490 → 350, 976 → 697, 979 → 699), SciPy makes the whole last row or column 0, and
    so does this function. The same size returns a copy, as in SciPy since 1.16.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous
    height, width : int
        The new size, at least 1.

    Returns
    -------
    (C, height, width) of image's dtype
        A new array.

    Raises
    ------
    ValueError
        The size is below 1, or the image larger than memory can address.
    MemoryError
        There is not enough memory for the image.
    """
    _check.image("image", image)
    height, width = _check.size(height, width, image)
    h, w = image.shape[-2:]
    if (height, width) == (h, w):
        return image.copy()  # before SciPy 1.16, a NaN would spread to its neighbours
    zoomed: Image[Real] = ndimage.zoom(image, (1, height / h, width / w), order=1)
    return zoomed


def affine_transform(
    frame: Frame[Real], matrix: ArrayLike, offset: ArrayLike, offset_first: bool = False
) -> Frame[Real]:
    """Move a frame: ``scipy.ndimage.affine_transform(frame, [*matrix, 1], [*offset, 0], order=1)``.

    Output `o` = (y, x) is the frame at `matrix * o + offset`, interpolated linearly, and 0 where that is outside. The
    coordinate is computed in double and rounded as in SciPy since 1.16: with a diagonal matrix as
    `matrix * (o + offset / matrix)`, else along each axis as `(offset + m[0] * y) + m[1] * x`, where `m` is its row of
    the matrix. A NaN or infinity also reaches the neighbours of the pixels that read it, across channels too, although
    its weight is 0 there.

    Parameters
    ----------
    frame : (H, W, C) float32 or float64, C-contiguous
        A picture with its channels last, as in the zoom loop; the other functions here take (C, H, W).
    matrix : (2,) or (2, 2) array_like of finite numbers
        The diagonal or the whole matrix, over the axes H and W. Channels are not mixed.
    offset : (2,) array_like of finite numbers
        Pixels along H and W.
    offset_first : bool
        Whether a diagonal, (2,), reads at `matrix * (o + offset)`, as in SciPy before 0.18. It has no effect with
        (2, 2), which SciPy has not changed.

    Returns
    -------
    (H, W, C) of frame's dtype
        A new array.

    Raises
    ------
    TypeError, ValueError
        An argument is not as described; the message names it.
    """
    _check.frame(frame)
    m, d = _check.move(matrix, offset)
    moved: Frame[Real]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        if m.ndim == 1 and not offset_first:
            # SciPy before 1.16 warns of the change that `offset_first` undoes.
            warnings.filterwarnings("ignore", "The behavior of affine_transform", UserWarning)
            moved = ndimage.affine_transform(frame, np.append(m, 1), np.append(d, 0), order=1)
            return moved
        # The same at coordinates computed here. For `offset_first` SciPy has no other way left: it divides the offset
        # by the matrix, and not every offset can result from that. Before 1.16 it also added (2, 2) in another order.
        y, x = (at[..., np.newaxis] for at in _places(frame, m, d, offset_first))
        moved = ndimage.map_coordinates(frame, np.broadcast_arrays(y, x, np.arange(frame.shape[2])), order=1)
    return moved


def affine_transform_adjoint(
    frame: Frame[Real], matrix: ArrayLike, offset: ArrayLike, offset_first: bool = False
) -> Frame[Real]:
    """Bring a gradient back through `affine_transform`: its matrix of weights transposed, so ⟨T x, y⟩ = ⟨x, Tᵀ y⟩.

    An output of `affine_transform` is a sum of four pixels times their weights, or 0. Here the value at each output is
    added to these four pixels, times the same weights. Sums are in double, in a fixed order: over the frame's pixels
    row by row, and for each over its weights, the upper two first; the result is rounded to the frame's dtype at the
    end. A NaN or infinity reaches all four pixels, although a weight may be 0, and no other channel.

    Parameters
    ----------
    frame : (H, W, C) float32 or float64, C-contiguous
        The gradient at the result of `affine_transform`.
    matrix, offset, offset_first
        Those of `affine_transform`.

    Returns
    -------
    (H, W, C) of frame's dtype
        The gradient at the frame that `affine_transform` took: a new array.

    Raises
    ------
    TypeError, ValueError
        An argument is not as described; the message names it.
    """
    _check.frame(frame)
    m, d = _check.move(matrix, offset)
    height, width, channels = frame.shape
    with np.errstate(all="ignore"):
        y, x = np.broadcast_arrays(*_places(frame, m, d, offset_first))
        inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
        rows, by_y = _taps(y[inside], height)
        columns, by_x = _taps(x[inside], width)
        # (n, 2, 2): the outputs that read inside, in order, and the four pixels of each
        pixels = rows[:, :, np.newaxis] * width + columns[:, np.newaxis]
        back = np.empty_like(frame)
        for channel in range(channels):
            values = frame[inside, channel].astype(np.float64)[:, np.newaxis, np.newaxis]
            weighted = values * by_y[:, :, np.newaxis] * by_x[:, np.newaxis]
            sums = np.bincount(pixels.ravel(), weighted.ravel(), height * width)  # adds one after the other
            back[:, :, channel] = sums.reshape(height, width)
    return back


def _places(frame: Frame[Real], m: Numbers, d: Numbers, offset_first: bool) -> tuple[Numbers, Numbers]:
    """Return the row and the column, in double, that each output of an affine transform reads at."""
    y, x = np.ogrid[: frame.shape[0], : frame.shape[1]]
    if m.ndim == 1:
        first = d if offset_first else d / m
        return m[0] * (y + first[0]), m[1] * (x + first[1])
    return (d[0] + m[0, 0] * y) + m[0, 1] * x, (d[1] + m[1, 0] * y) + m[1, 1] * x


def _taps(at: Numbers, size: int) -> tuple[NDArray[np.intp], Numbers]:
    """Return, (n, 2), the two neighbours of places along an axis and their weights; the last one's next is mirrored."""
    first = at.astype(np.intp)
    after = np.where(first + 1 < size, first + 1, max(size - 2, 0))
    weight = 1 - (at - first)
    return np.stack([first, after], -1), np.stack([weight, 1 - weight], -1)


def mean_abs(gradient: Image[Real]) -> Real:
    """Compute mean|g|: np.abs(gradient).mean(), which sums pairwise in the order of (C, H, W).

    Parameters
    ----------
    gradient : (C, H, W) float32 or float64, C-contiguous

    Returns
    -------
    scalar of gradient's dtype
        NaN or infinity if the gradient contains them or the sum overflows.
    """
    _check.image("gradient", gradient)
    with np.errstate(all="ignore"):
        mean: Real = np.abs(gradient).mean()
    return mean


def ascend(image: Image[Real], gradient: Image[Real], step_size: float) -> None:
    """Take a gradient step of a given mean size, in place: image += step_size / mean|g| * g.

    `step_size / mean|g|` is rounded to the image's dtype, then its product with g, then the sum. A mean of 0 results in
    NaN and infinity, as in the notebook; `ascend_tensor` leaves the image unchanged then.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous, written
    gradient : (C, H, W) of image's dtype, C-contiguous, sharing no memory with image
    step_size : float
        Mean absolute change of a pixel.
    """
    _check.image("image", image, written=True)
    _check.gradient(gradient, image)
    step_size = _check.number("step_size", step_size)
    with np.errstate(all="ignore"):
        image += step_size / mean_abs(gradient) * gradient


def clip(image: Image[Real], low: Bounds[Real], high: Bounds[Real]) -> None:
    """Limit each channel to its bounds, in place: image[:] = np.clip(image, low, high).

    NaN stays NaN, a NaN bound makes its channel NaN, and where low is above high the result is high.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous, written
    low, high : (C, 1, 1) of image's dtype, C-contiguous, sharing no memory with image
    """
    _check.image("image", image, written=True)
    _check.bounds(low, high, image)
    image[:] = np.clip(image, low, high)


def to_tensor(image: Image[Real], ox: int, oy: int, channels_last: bool = True) -> Tensor[Real]:
    """Shift an image circularly, in the layout of the network's input.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous
    ox, oy : int
        Pixels to the right and down, as in `roll`.
    channels_last : bool
        Whether the network takes (1, H, W, C), as TensorFlow on a CPU does, or (1, C, H, W).

    Returns
    -------
    (1, H, W, C) or (1, C, H, W) of image's dtype
        A new C-contiguous array.
    """
    rolled = roll(image, ox, oy)
    return np.ascontiguousarray(rolled.transpose(1, 2, 0) if channels_last else rolled)[np.newaxis]


def ascend_tensor(
    image: Image[Real],
    gradient: Tensor[Real],
    step_size: float,
    ox: int,
    oy: int,
    low: Bounds[Real] | None = None,
    high: Bounds[Real] | None = None,
    channels_last: bool = True,
) -> Real:
    """Roll, `ascend`, roll back and `clip` in one call, in place, by the gradient in the network's layout.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous, written
        The image that was passed to `to_tensor`, not rolled.
    gradient : (1, H, W, C) or, without channels_last, (1, C, H, W) of image's dtype, C-contiguous
        The gradient with respect to `to_tensor`'s result, sharing no memory with image. It may be read-only.
    step_size : float
        Mean absolute change of a pixel.
    ox, oy : int
        The shift that was passed to `to_tensor`.
    low, high : (C, 1, 1) of image's dtype, C-contiguous, sharing no memory with image, optional
        Bounds to clip to; both or neither.
    channels_last : bool
        Whether the gradient is (1, H, W, C), as in `to_tensor`.

    Returns
    -------
    scalar of image's dtype
        mean|g|, as `mean_abs` of the gradient in (C, H, W). If it is not finite, or 0, or so small that
        step_size / mean|g| overflows (0 is returned then), the image is unchanged.
    """
    _check.image("image", image, written=True)
    _check.gradient_tensor(gradient, image, channels_last)
    _check.optional_bounds(low, high, image)
    step_size = _check.number("step_size", step_size)
    ox, oy = _check.shift(ox, oy, image)
    g = np.ascontiguousarray(gradient[0].transpose(2, 0, 1) if channels_last else gradient[0])
    mean: Real = mean_abs(g)
    with np.errstate(all="ignore"):
        rate = step_size / mean
    if not (np.isfinite(mean) and np.isfinite(rate)):
        return mean * 0 if np.isfinite(mean) else mean

    src = roll(image, ox, oy)
    ascend(src, g, step_size)
    image[:] = roll(src, -ox, -oy)
    if low is not None and high is not None:
        clip(image, low, high)
    return mean
