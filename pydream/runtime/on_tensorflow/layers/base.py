"""Where Caffe's axes are in a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...base import Tensor

T = TypeVar("T")


def tf_axis(axis: int, rank: int) -> int:
    """Return the place of Caffe's axis in a tensor of TensorFlow's."""
    axis %= rank
    return (0, 3, 1, 2)[axis] if rank == 4 else axis


def laid(sizes: Sequence[T]) -> list[T]:
    """Return what stands in the order of Caffe's axes in the order of a tensor's."""
    return [sizes[axis] for axis in (0, 2, 3, 1)] if len(sizes) == 4 else list(sizes)


def along(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    """Return an array with its axes where those of a tensor of that rank are, from Caffe's `axis` on; others are 1.

    A single number stays one: of a convolution and (1, 1, 1, 1) TensorFlow makes a bias that it then refuses.
    """
    if values.ndim == 0:
        return values
    shape = [1] * rank
    shape[axis : axis + values.ndim] = values.shape
    spread = values.reshape(shape)
    return np.moveaxis(spread, 1, 3) if rank == 4 else spread


def sizes(tf: Any, x: Tensor) -> list[Any]:
    """Return a tensor's sizes in its own order: numbers where they are known, else tensors."""
    return [tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)]


def caffe_order(tf: Any, x: Tensor) -> Tensor:
    """Return a tensor with its axes in Caffe's order."""
    return tf.transpose(x, (0, 3, 1, 2)) if x.shape.rank == 4 else x


def tf_order(tf: Any, x: Tensor) -> Tensor:
    """Return what has its axes in Caffe's order as a tensor."""
    return tf.transpose(x, (0, 2, 3, 1)) if x.shape.rank == 4 else x
