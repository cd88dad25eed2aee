"""The floor: the multiplications of a network's layers, at the rate that a matrix product reaches on this machine.

A pass cannot be faster than its arithmetic, unless by an algorithm with fewer multiplications (Winograd, FFT). The rate
is that of TensorFlow's product of two square matrices, timed in the same rounds as the passes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ..dream.octaves import Size
from ..runtime.graph import Graph
from ..runtime.layers import Convolution, InnerProduct
from ..runtime.on_tensorflow.door import tensorflow

MATRIX = 2048


def multiplications(graph: Graph, end: str, size: Size) -> int:
    """Count the multiplications of a forward pass to a layer; the gradient back to the image takes as many again.

    Parameters
    ----------
    graph : Graph
    end : str
        A layer's name.
    size : (height, width)
        Size of the image.
    """
    channels = graph.declared[graph.image_input][1]
    inputs = {**graph.declared, graph.image_input: (1, channels, *size)}
    index = graph.index(end)
    total = 0
    for step in graph.needed(list(graph.steps[index].tops), index):
        layer = step.layer
        if isinstance(layer, Convolution):
            places = prod(graph.shape(layer.tops[0], inputs)[2:])
            total += places * prod(graph.params[layer.name][0])
        elif isinstance(layer, InnerProduct):
            total += prod(graph.params[layer.name][0])
    return total


def matrix_product(dtype: str = "float32", side: int = MATRIX) -> Callable[[], object]:
    """Return the function to time for the rate: TensorFlow's product of two matrices, ``side**3`` multiplications."""
    tf = tensorflow()
    rng = np.random.RandomState(0)
    a, b = (tf.constant(rng.uniform(-1, 1, (side, side)), dtype) for _ in range(2))
    # Reading one number makes sure that the product is computed when the call returns.
    return lambda: tf.linalg.matmul(a, b)[0, 0].numpy()


def floor_seconds(product: float, macs: int, side: int = MATRIX) -> float:
    """Return the floor of a forward pass with the gradient at the image, in seconds.

    Parameters
    ----------
    product : float
        Seconds of `matrix_product`.
    macs : int
        `multiplications` of the forward pass.
    """
    return product * 2 * macs / side**3


def gflops(product: float, side: int = MATRIX) -> float:
    """Return the rate in 10^9 operations per second; a multiplication with its addition counts as two."""
    return 2 * side**3 / product / 1e9


def tensorflow_threads() -> tuple[int, int]:
    """Return the threads that TensorFlow uses within an operation and between operations; 0: its own choice."""
    threading = tensorflow().config.threading
    return threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
