"""The input gradient of a convolution that strides, as a convolution that does not.

A stride of s sees the image as s x s phases: the pixels whose padded row and column leave the same remainders. With
``i + pad = s q + r``, the gradient at pixel i, ``sum of W[t] g[o] over s o + t = i + pad``, is a sum over m of
``W[s m + r] g[q - m]``: phase r is an ordinary convolution of g, all phases are one with s x s as many channels, and
what remains is to interleave them. For the few channels of an image this is 1 to 4 times as fast as TensorFlow's
gradient in float32, and slower in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .runtime import Tensor

_MOST_CHANNELS = 64  # of all phases


class Phases:
    """The gradient's convolution for one kernel.

    Parameters
    ----------
    tf : module
    kernel : (h, w, in, out) array
        The forward convolution's, without holes.
    stride, pad : pair of int
    """

    @staticmethod
    def pay(kernel: NDArray[Any], stride: tuple[int, int], dtype: np.dtype[Any]) -> bool:
        """Tell whether this way is the faster one."""
        channels = stride[0] * stride[1] * kernel.shape[2]
        return dtype == np.float32 and stride != (1, 1) and channels <= _MOST_CHANNELS

    def __init__(self, tf: Any, kernel: NDArray[Any], stride: tuple[int, int], pad: tuple[int, int]) -> None:
        self.tf, self.stride = tf, stride
        h, w, self.channels, _ = kernel.shape
        (s_h, s_w), (rows, columns) = stride, (-(-h // stride[0]), -(-w // stride[1]))
        whole = np.zeros((rows * s_h, columns * s_w, *kernel.shape[2:]), kernel.dtype)
        whole[:h, :w] = kernel
        taps = whole.reshape(rows, s_h, columns, s_w, *kernel.shape[2:])[::-1, :, ::-1]  # [-m, r, -m, r, in, out]
        self.kernel = tf.constant(
            np.ascontiguousarray(taps.transpose(0, 2, 5, 1, 3, 4)).reshape(rows, columns, -1, s_h * s_w * self.channels)
        )
        # The first q that a pixel needs; q - m starts before the gradient's first row, and ends behind its last.
        first = [min(p // s, m - 1) for p, s, m in zip(pad, stride, (rows, columns), strict=True)]
        before = [m - 1 - q for m, q in zip((rows, columns), first, strict=True)]
        behind = [_behind(*axis) for axis in zip((h, w), stride, pad, strict=True)]
        self.padding = [[0, 0], [before[0], behind[0]], [before[1], behind[1]], [0, 0]]
        self.start = [p - s * q for p, s, q in zip(pad, stride, first, strict=True)]

    def gradient(self, diff: Tensor, height: Tensor, width: Tensor) -> Tensor:
        """Give the (n, height, width, in) gradient for the one at the top."""
        tf, (s_h, s_w) = self.tf, self.stride
        phases = tf.nn.conv2d(diff, self.kernel, 1, self.padding)
        n, rows, columns = (tf.shape(phases)[axis] for axis in range(3))
        # (n, q, q', r, r', c) -> (n, q, r, q', r', c)
        apart = tf.reshape(phases, (n, rows, columns, s_h, s_w * self.channels))
        image = tf.reshape(tf.transpose(apart, (0, 1, 3, 2, 4)), (n, rows * s_h, columns * s_w, self.channels))
        return tf.slice(image, (0, *self.start, 0), (n, height, width, self.channels))


def _behind(kernel: int, stride: int, pad: int) -> int:
    """How many rows the phases of an image can have more than the top, over all remainders of its size."""
    phases = (-(-size // stride) for size in range(stride))  # of the image and the padding before it
    tops = ((size + pad - kernel) // stride + 1 for size in range(stride))
    return max(0, *(a - b for a, b in zip(phases, tops, strict=True)))
