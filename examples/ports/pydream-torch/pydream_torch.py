"""pydream's networks on PyTorch: `--runtime torch`, on a CPU, on CUDA, or on Apple's MPS (`--device gpu`)."""

import numpy as np
import torch
import torch.nn.functional as F

from pydream import system
from pydream.errors import DeviceError
from pydream.runtime import PortedRuntime, formulas, layers, tf_layers


def convolution(run, layer, weights, *bottoms):
    """A correlation; of several bottoms each by itself."""
    tops = []
    for x in bottoms:
        around = formulas.padding(layer, x.shape)
        pad = [before for before, _ in around]
        if any(behind > before for before, behind in around):
            (above, below), (left, right) = around
            x, pad = F.pad(x, (left, right, above, below)), 0
        bias = weights[1] if layer.bias else None
        tops.append(F.conv2d(x, weights[0], bias, layer.stride, pad, layer.dilation, layer.group))
    return tuple(tops)


def pooling(run, layer, weights, x):
    """In float32 PyTorch's own, which gives all to the first of equal values too."""
    if x.dtype != torch.float32 or layer.average:
        return formulas.pooling(run, layer, weights, x)
    return F.max_pool2d(formulas.pooled(run, layer, x), layer.kernel, layer.stride)


class TorchRuntime(PortedRuntime):
    name = "torch"
    libraries = ("torch",)
    np = torch
    formulas = {  # noqa: RUF012
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: lambda run, layer, _, x: (
            F.leaky_relu(x, layer.negative_slope) if layer.negative_slope else F.relu(x)
        ),
        tf_layers.Conv2D: convolution,
        tf_layers.DepthwiseConv2D: convolution,
    }

    def find_device(self, wanted):
        gpus = [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available() and self.dtype == np.float32:  # which has no float64
            gpus.append(torch.device("mps"))
        kind, _, index = str(wanted).lower().partition(":")
        found = {"cpu": [torch.device("cpu")], "gpu": gpus}
        kind = ("gpu" if gpus else "cpu") if kind == "auto" else kind
        if kind not in found or int(index or 0) >= len(found[kind]):
            raise DeviceError(
                f"no device {wanted!r}: PyTorch has {len(gpus)} GPUs for {self.dtype}; 'cpu' and 'auto' would work"
            )
        self._device = found[kind][int(index or 0)]
        if threads := system.requested_threads():
            torch.set_num_threads(threads)
        return f"{kind.upper()}:{int(index or 0)}"

    def tensor(self, array):
        made = torch.tensor(array, device=self._device)
        return made.contiguous(memory_format=torch.channels_last) if made.ndim == 4 else made

    def array(self, tensor):
        return super().array(tensor.cpu())

    def pad(self, x, widths, value):
        return F.pad(x, [width for pair in reversed(widths) for width in pair], value=value)

    def differentiate(self, function, bottoms):
        leaves = [bottom.detach().requires_grad_() for bottom in bottoms]
        with torch.enable_grad():
            tops = function(*leaves)

        def pull(diffs):
            return torch.autograd.grad(tops, leaves, diffs, retain_graph=True, allow_unused=True)

        return tuple(top.detach() for top in tops), pull
