"""The input gradient of a strided convolution, as a convolution without strides.

A stride of s divides the image into s x s phases: pixels whose padded row and column leave the same remainders. With
``i + pad = s q + r``, the gradient at pixel i, ``sum of W[t] g[o] over s o + t = i + pad``, is a sum over m of
``W[s m + r] g[q - m]``: phase r is an ordinary convolution of g, all phases are one with s x s as many channels, and
what remains is to interleave them. For the few channels of an image this is 1 to 4 times as fast as TensorFlow's
gradient in float32, and slower in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import Tensor

_MOST_CHANNELS = 64  # of all phases

Slide = Callable[[int, int], tuple[int, int]]


class Phases:
    """The gradient's convolution for one kernel.

    Parameters
    ----------
    tf : module
    kernel : (h, w, in, out) array
        The forward convolution's, without holes.
    stride : pair of int
    slide : callable
        As `Convolution.slide`. Both of its results may depend on the remainder of the size by the stride.
    """

    @staticmethod
    def pay(kernel: NDArray[Any], stride: tuple[int, int], dtype: np.dtype[Any]) -> bool:
        """Return whether this is faster than TensorFlow's own gradient."""
        channels = stride[0] * stride[1] * kernel.shape[2]
        return dtype == np.float32 and stride != (1, 1) and channels <= _MOST_CHANNELS

    def __init__(self, tf: Any, kernel: NDArray[Any], stride: tuple[int, int], slide: Slide) -> None:
        self.tf, self.stride = tf, stride
        h, w, self.channels, _ = kernel.shape
        (s_h, s_w), taps = stride, (-(-h // stride[0]), -(-w // stride[1]))
        whole = np.zeros((taps[0] * s_h, taps[1] * s_w, *kernel.shape[2:]), kernel.dtype)
        whole[:h, :w] = kernel
        apart = whole.reshape(taps[0], s_h, taps[1], s_w, *kernel.shape[2:])[::-1, :, ::-1]  # [-m, r, -m, r, in, out]
        self.kernel = tf.constant(
            np.ascontiguousarray(apart.transpose(0, 2, 5, 1, 3, 4)).reshape(*taps, -1, s_h * s_w * self.channels)
        )
        self.padding = [[0, 0], [0, 0], [0, 0], [0, 0]]
        self.starts = []  # by axis, by the remainder of the size: where the image begins among its interleaved phases
        for axis, (s, m) in enumerate(zip(stride, taps, strict=True)):
            reach = kernel.shape[axis]
            slid = [(size, *slide(size, axis)) for size in range(reach * s, (reach + 1) * s)]  # every remainder, from 0
            # The first q that a pixel needs; q - m starts before the gradient's first row, and ends behind its last.
            first = min(m - 1, *(pad // s for _, pad, _ in slid))
            behind = max(0, *(-(-(size + pad) // s) - top for size, pad, top in slid))
            self.padding[1 + axis] = [m - 1 - first, behind]
            self.starts.append([pad - s * first for _, pad, _ in slid])

    def gradient(self, diff: Tensor, shape: Tensor) -> Tensor:
        """Compute the (n, height, width, in) gradient, of that shape, from the one at the top."""
        tf, (s_h, s_w) = self.tf, self.stride
        phases = tf.nn.conv2d(diff, self.kernel, 1, self.padding)
        sizes = tf.shape(phases)
        # (n, q, q', r, r', c) -> (n, q, r, q', r', c)
        apart = tf.reshape(phases, tf.concat((sizes[:3], (s_h, s_w * self.channels)), 0))
        whole = sizes * (1, s_h, s_w, 0) + (0, 0, 0, self.channels)
        image = tf.reshape(tf.transpose(apart, (0, 1, 3, 2, 4)), whole)
        image.set_shape((None, None, None, self.channels))
        return tf.slice(image, (0, *(self._start(axis, shape) for axis in range(2)), 0), shape)

    def _start(self, axis: int, shape: Tensor) -> Any:
        starts = self.starts[axis]
        return starts[0] if len(set(starts)) == 1 else self.tf.gather(starts, shape[1 + axis] % len(starts))
