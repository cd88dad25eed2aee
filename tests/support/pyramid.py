"""The tutorial's Laplacian pyramid, in its own TensorFlow operations."""

import numpy as np

from pydream.runtime.on_tensorflow.door import tensorflow


def tf_pyramid(dtype):
    """The tutorial's functions, on (1, H, W, C) tensors."""
    tf = tensorflow()
    line = np.array([1, 4, 6, 4, 1], dtype)
    square = np.outer(line, line)

    def kernel(channels):
        return square[:, :, None, None] / square.sum() * np.eye(channels, dtype=dtype)

    def split(img):
        k = kernel(img.shape[-1])
        lo = tf.nn.conv2d(img, k, [1, 2, 2, 1], "SAME")
        return lo, img - tf.nn.conv2d_transpose(lo, k * 4, tf.shape(img), [1, 2, 2, 1])

    def split_n(img, n):
        levels = []
        for _ in range(n):
            img, hi = split(img)
            levels.append(hi)
        return [*levels, img][::-1]

    def merge(levels):
        img = levels[0]
        for hi in levels[1:]:
            img = tf.nn.conv2d_transpose(img, kernel(hi.shape[-1]) * 4, tf.shape(hi), [1, 2, 2, 1]) + hi
        return img

    def normalize(img, n):
        bands = [b / tf.maximum(tf.sqrt(tf.reduce_mean(tf.square(b))), 1e-10) for b in split_n(img, n)]
        return merge(bands)

    return split, split_n, normalize
