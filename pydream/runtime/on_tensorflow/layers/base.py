"""Where Caffe's axes are in a tensor."""

from __future__ import annotations


def tf_axis(axis: int, rank: int) -> int:
    """Return the place of Caffe's axis in a tensor of TensorFlow's."""
    axis %= rank
    return (0, 3, 1, 2)[axis] if rank == 4 else axis
