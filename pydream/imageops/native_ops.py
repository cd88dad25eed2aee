"""image → image, in the C++ of csrc/: the functions of `numpy_ops`, bit for bit, on PYDREAM_NUM_THREADS threads."""

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
        " build it with `pip install -e .` beside setup.py, or choose the backend 'numpy'"
    ) from error

# Elements that NumPy sums pairwise at a time: since 2.3 a whole array, before 2.3 its buffer's size.
_SUM_BLOCK = 8192 if np.lib.NumpyVersion(np.__version__) < "2.3.0.dev0" else np.iinfo(np.intp).max


def roll(image: Image[Real], ox: int, oy: int) -> Image[Real]:
    """As `numpy_ops.roll`."""
    _check.image("image", image)
    return _native.roll(image, *_check.shift(ox, oy, image))


def zoom(image: Image[Real], height: int, width: int) -> Image[Real]:
    """As `numpy_ops.zoom`."""
    _check.image("image", image)
    return _native.zoom(image, *_check.size(height, width, image))


def affine_transform(
    frame: Frame[Real], matrix: ArrayLike, offset: ArrayLike, offset_first: bool = False
) -> Frame[Real]:
    """As `numpy_ops.affine_transform`."""
    _check.frame(frame)
    return _native.affine_transform(frame, *_check.move(matrix, offset), bool(offset_first))


def affine_transform_adjoint(
    frame: Frame[Real], matrix: ArrayLike, offset: ArrayLike, offset_first: bool = False
) -> Frame[Real]:
    """As `numpy_ops.affine_transform_adjoint`."""
    _check.frame(frame)
    return _native.affine_transform_adjoint(frame, *_check.move(matrix, offset), bool(offset_first))


def mean_abs(gradient: Image[Real]) -> Real:
    """As `numpy_ops.mean_abs`."""
    _check.image("gradient", gradient)
    return gradient.dtype.type(_native.mean_abs(gradient, _SUM_BLOCK))


def ascend(image: Image[Real], gradient: Image[Real], step_size: float) -> None:
    """As `numpy_ops.ascend`."""
    _check.image("image", image, written=True)
    _check.gradient(gradient, image)
    _native.ascend(image, gradient, _check.number("step_size", step_size), _SUM_BLOCK)


def clip(image: Image[Real], low: Bounds[Real], high: Bounds[Real]) -> None:
    """As `numpy_ops.clip`."""
    _check.image("image", image, written=True)
    _check.bounds(low, high, image)
    _native.clip(image, low, high)


def to_tensor(image: Image[Real], ox: int, oy: int, channels_last: bool = True) -> Tensor[Real]:
    """As `numpy_ops.to_tensor`."""
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
    """As `numpy_ops.ascend_tensor`."""
    _check.image("image", image, written=True)
    _check.gradient_tensor(gradient, image, channels_last)
    _check.optional_bounds(low, high, image)
    step_size = _check.number("step_size", step_size)
    ox, oy = _check.shift(ox, oy, image)
    mean = _native.ascend_tensor(image, gradient, step_size, ox, oy, low, high, bool(channels_last), _SUM_BLOCK)
    return image.dtype.type(mean)
