"""JAX: `jit` of the gradient."""

import numpy as np

from pydream.bench.network import Passes
from pydream.runtime import layers

from .task import band, ceil_padding, expect_maximum


def jax_ops():
    """Return JAX's function for each layer type, channels last."""
    from jax import lax, nn
    from jax import numpy as jnp

    def convolution(layer, x, kernel, bias=None):
        y = lax.conv_general_dilated(
            x,
            kernel.transpose(2, 3, 1, 0),
            layer.stride,
            [(pad, pad) for pad in layer.pad],
            rhs_dilation=layer.dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=layer.group,
        )
        return y if bias is None else y + bias

    def pooling(layer, x):
        expect_maximum(layer)
        sides = [(0, 0), *ceil_padding(layer, x.shape[1:3]), (0, 0)]
        return lax.reduce_window(x, -np.inf, lax.max, (1, *layer.kernel, 1), (1, *layer.stride, 1), sides)

    def lrn(layer, x):
        scale = x * x @ band(layer, x.shape[3]) + layer.k
        if layer.beta == 0.75:
            return x * lax.rsqrt(scale * jnp.sqrt(scale))
        return x * scale**-layer.beta

    return {
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: lambda layer, x: nn.leaky_relu(x, layer.negative_slope) if layer.negative_slope else nn.relu(x),
        layers.LRN: lrn,
        layers.Concat: lambda layer, *parts: jnp.concatenate(parts, 3),
        layers.Dropout: lambda layer, x: x,
    }


def jitted(task):
    """One compilation per size, with the weights as constants."""
    ops = jax_ops()
    import jax

    @jax.jit
    def gradient(x):
        y, back = jax.vjp(lambda x: task.walk(ops, x), x)
        return back(y)[0]

    about = f"JAX {jax.__version__}, jit, channels last"
    return Passes("jax", lambda x: np.asarray(gradient(x)), True, about)
