"""pydream's networks on JAX: `--runtime jax`, on a CPU or GPU, compiled once for each size of picture."""

import jax

jax.config.update("jax_enable_x64", True)  # before anything is computed: float64 is the exact mode

import numpy as np  # noqa: E402
from jax import lax  # noqa: E402
from jax import numpy as jnp  # noqa: E402

from pydream.errors import DeviceError  # noqa: E402
from pydream.runtime import PortedRuntime, layers, tf_layers  # noqa: E402
from pydream.runtime.formulas import padding  # noqa: E402


def convolution(run, layer, weights, *bottoms):
    """A correlation; of several bottoms each by itself."""
    tops = []
    for x in bottoms:
        top = lax.conv_general_dilated(
            x,
            weights[0],
            layer.stride,
            padding(layer, x.shape),
            rhs_dilation=layer.dilation,
            feature_group_count=layer.group,
            precision="highest",
        )
        tops.append(top + weights[1].reshape(-1, 1, 1) if layer.bias else top)
    return tuple(tops)


class JaxRuntime(PortedRuntime):
    name = "jax"
    libraries = ("jax", "jaxlib")
    np = jnp
    formulas = {  # noqa: RUF012
        layers.Convolution: convolution,
        tf_layers.Conv2D: convolution,
        tf_layers.DepthwiseConv2D: convolution,
    }

    def __init__(self, graph, params, dtype, device="auto"):
        super().__init__(graph, params, dtype, device)
        self._compiled = {}

    def find_device(self, wanted):
        kind, _, index = str(wanted).lower().partition(":")
        found = {"cpu": jax.devices("cpu"), "gpu": [each for each in jax.devices() if each.platform != "cpu"]}
        kind = ("gpu" if found["gpu"] else "cpu") if kind == "auto" else kind
        if kind not in found or int(index or 0) >= len(found[kind]):
            raise DeviceError(f"no device {wanted!r}: JAX has {len(found['gpu'])} GPUs; 'cpu' and 'auto' would work")
        self._device = found[kind][int(index or 0)]
        return f"{kind.upper()}:{int(index or 0)}"

    def tensor(self, array):
        # A copy, always: on a CPU a tensor may share the array's memory, and the computation may run later.
        return jax.device_put(np.array(array), self._device)

    def pad(self, x, widths, value):
        return jnp.pad(x, widths, constant_values=value)

    def differentiate(self, function, bottoms):
        return jax.vjp(function, *bottoms)

    def in_numpy(self, function, shapes, tensors):
        results = tuple(jax.ShapeDtypeStruct(shape, self.dtype) for shape in shapes)
        called = lambda *arrays: tuple(np.asarray(each, self.dtype) for each in function(*map(np.asarray, arrays)))  # noqa: E731
        return jax.pure_callback(called, results, *tensors)

    def run(self, key, passes, *tensors):
        if key[0] != "gradient":  # not a dream's step: compiling takes longer than running it op by op
            return passes(*tensors)
        if key not in self._compiled:
            self._compiled[key] = jax.jit(passes)
        return self._compiled[key](*tensors)
