"""image → image, in the C++ of csrc/: `numpy_ops` with the same bits, on PYDREAM_NUM_THREADS threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pydream.imageops import _check
from pydream.imageops._check import Bounds, Frame, Image, Real, Tensor

try:
    from pydream.imageops import _native
except ImportError as error:
    raise ImportError(
        f"the compiled image core cannot be loaded ({error});"
        " build it with `pip install -e .` where setup.py is, or choose the backend 'numpy'"
    ) from error

# A sum over a whole array is pairwise since NumPy 2.3. Before, NumPy added up blocks of its buffer's size, each of them
# pairwise.
_SUM_BLOCK = 8192 if np.lib.NumpyVersion(np.__version__) < "2.3.0.dev0" else np.iinfo(np.intp).max


def roll(image: Image[Real], ox: int, oy: int) -> Image[Real]:
    """Shift an image in a circle: np.roll(np.roll(image, ox, -1), oy, -2).

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
        An argument is not as above; the text names it. So in all functions here.
    """
    _check.image("image", image)
    return _native.roll(image, *_check.shift(ox, oy, image))


def zoom(image: Image[Real], height: int, width: int) -> Image[Real]:
    """Resample to another size: scipy.ndimage.zoom(image, (1, height/H, width/W), order=1).

    Corners stay corners: coordinates are `o * ((in - 1) / (out - 1))` in double. Where rounding pushes the
    last one above `in - 1` (490 → 350, 976 → 697, 979 → 699), SciPy makes the whole last row or column 0, and
    that is part of the reference result. The same size gives a copy, as in SciPy since 1.16.

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
        The size is below 1 or beyond what memory could address.
    MemoryError
        It is beyond what memory there is.
    """
    _check.image("image", image)
    return _native.zoom(image, *_check.size(height, width, image))


def affine_transform(
    frame: Frame[Real], matrix: ArrayLike, offset: ArrayLike, offset_first: bool = False
) -> Frame[Real]:
    """Move a picture: scipy.ndimage.affine_transform(frame, [*matrix, 1], [*offset, 0], order=1).

    Output `o` = (y, x) is the picture at `matrix * o + offset`, between pixels linearly, and 0 where that is outside.
    The place is rounded as in SciPy since 1.16, in double: with a diagonal matrix `matrix * (o + offset / matrix)`,
    else along each axis `(offset + m[0] * y) + m[1] * x`, `m` being its row of the matrix. A NaN or infinity reaches
    the neighbours of the pixels that read it, although its weight is 0 there, in the channels too.

    Parameters
    ----------
    frame : (H, W, C) float32 or float64, C-contiguous
        A picture with its channels last, as the zoom loop has it; the other functions here take (C, H, W).
    matrix : (2,) or (2, 2) array_like of finite numbers
        The diagonal, or all of it, over the axes H and W. Channels stay apart.
    offset : (2,) array_like of finite numbers
        Pixels along H and W.
    offset_first : bool
        Whether (2,), a diagonal, reads at `matrix * (o + offset)`, as in SciPy before 0.18. With (2, 2) nothing has
        changed since, and this has no effect.

    Returns
    -------
    (H, W, C) of frame's dtype
        A new array.

    Raises
    ------
    TypeError, ValueError
        An argument is not as above; the text names it.
    """
    _check.frame(frame)
    m, d = _check.finite("matrix", matrix, (2,), (2, 2)), _check.finite("offset", offset, (2,))
    return _native.affine_transform(frame, m, d, bool(offset_first))


def mean_abs(gradient: Image[Real]) -> Real:
    """Return mean|g|: np.abs(gradient).mean(), which sums pairwise in the order of (C, H, W).

    Parameters
    ----------
    gradient : (C, H, W) float32 or float64, C-contiguous

    Returns
    -------
    scalar of gradient's dtype
        NaN or infinity where the gradient has them or the sum overflows.
    """
    _check.image("gradient", gradient)
    return gradient.dtype.type(_native.mean_abs(gradient, _SUM_BLOCK))


def ascend(image: Image[Real], gradient: Image[Real], step_size: float) -> None:
    """Make a gradient step of known mean size, in place: image += step_size / mean|g| * g.

    `step_size / mean|g|` is rounded to the image's dtype, then its product with g, then the sum. A mean of 0
    gives what the division gives, NaN and infinity; `ascend_tensor` is the one that leaves the image alone.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous, written
    gradient : (C, H, W) of image's dtype, C-contiguous, sharing no memory with image
    step_size : float
        Mean change of a pixel.
    """
    _check.image("image", image, written=True)
    _check.gradient(gradient, image)
    _native.ascend(image, gradient, _check.number("step_size", step_size), _SUM_BLOCK)


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
    _native.clip(image, low, high)


def to_tensor(image: Image[Real], ox: int, oy: int, channels_last: bool = True) -> Tensor[Real]:
    """Shift an image in a circle and lay it out as the network takes it.

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
    _check.image("image", image)
    return _native.to_tensor(image, *_check.shift(ox, oy, image), bool(channels_last))


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
    """Roll, `ascend`, roll back and `clip` in one, in place, from the gradient as the network gives it.

    Parameters
    ----------
    image : (C, H, W) float32 or float64, C-contiguous, written
        The image as it was given to `to_tensor`, not rolled.
    gradient : (1, H, W, C) or, without channels_last, (1, C, H, W) of image's dtype, C-contiguous
        The gradient of what `to_tensor` returned, sharing no memory with image. It may be read-only.
    step_size : float
        Mean change of a pixel.
    ox, oy : int
        The shift that was given to `to_tensor`.
    low, high : (C, 1, 1) of image's dtype, C-contiguous, sharing no memory with image, optional
        Bounds to clip to; both or none.
    channels_last : bool
        Which of the two layouts the gradient has.

    Returns
    -------
    scalar of image's dtype
        mean|g|, as `mean_abs` of the gradient in (C, H, W). Where it is not finite, or 0, or so small that
        step_size / mean|g| overflows (given as 0 too), the image is left untouched.
    """
    _check.image("image", image, written=True)
    _check.gradient_tensor(gradient, image, channels_last)
    _check.optional_bounds(low, high, image)
    step_size = _check.number("step_size", step_size)
    ox, oy = _check.shift(ox, oy, image)
    mean = _native.ascend_tensor(image, gradient, step_size, ox, oy, low, high, bool(channels_last), _SUM_BLOCK)
    return image.dtype.type(mean)
