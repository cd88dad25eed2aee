"""PyTorch, channels_last, LRN as a product with a band matrix: eager, and compiled."""

from pydream.bench.network import Passes
from pydream.runtime import layers

from .task import band, expect_maximum


def torch_ops():
    """Return PyTorch's function for each layer type; weights are made into tensors once, channels_last."""
    import torch
    from torch.nn import functional

    class Normalised(torch.autograd.Function):
        """LRN with its gradient by hand: two passes over memory fewer than autograd's."""

        @staticmethod
        def forward(ctx, x, band, k, beta):
            scale = functional.conv2d(x * x, band, k)
            # A power takes many times as long as roots.
            factor = scale.sqrt().mul_(scale).rsqrt_() if beta == 0.75 else scale**-beta
            ctx.save_for_backward(x, scale, factor, band)
            ctx.beta = beta
            return x * factor

        @staticmethod
        def backward(ctx, g):
            x, scale, factor, band = ctx.saved_tensors
            through = g * factor
            others = functional.conv2d((through * x).div_(scale), band)  # the band is symmetric
            return through.addcmul_(x, others, value=-2 * ctx.beta), None, None, None

    kept = {}  # name and place of a layer's weights -> their tensor

    def tensor(layer, place, make):
        if (layer.name, place) not in kept:
            made = torch.tensor(make())
            kept[layer.name, place] = made.to(memory_format=torch.channels_last) if made.ndim == 4 else made
        return kept[layer.name, place]

    def convolution(layer, x, *weights):
        kernel, *bias = (tensor(layer, place, lambda array=array: array) for place, array in enumerate(weights))
        return functional.conv2d(
            x, kernel, bias[0] if bias else None, layer.stride, layer.pad, layer.dilation, layer.group
        )

    def pooling(layer, x):
        expect_maximum(layer)
        return functional.max_pool2d(x, layer.kernel, layer.stride, layer.pad, ceil_mode=layer.round_up)

    def lrn(layer, x):
        kernel = tensor(layer, "band", lambda: band(layer, x.shape[1])[:, :, None, None])
        bias = tensor(layer, "k", lambda: [layer.k] * x.shape[1])
        return Normalised.apply(x, kernel, bias, layer.beta)

    def relu(layer, x):
        # In place: a convolution's gradient at its input does not read its output.
        return functional.leaky_relu(x, layer.negative_slope) if layer.negative_slope else functional.relu_(x)

    return {
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: relu,
        layers.LRN: lrn,
        layers.Concat: lambda layer, *parts: torch.cat(parts, 1),
        layers.Dropout: lambda layer, x: x,
    }


def eager(task):
    """Autograd, with the image as its only variable."""
    ops = torch_ops()
    import torch

    return _passes("torch", task, lambda x: task.walk(ops, x), f"PyTorch {torch.__version__}, eager")


def compiled(task):
    """`torch.compile`, one graph a size."""
    ops = torch_ops()
    import torch

    with torch.no_grad():  # makes the tensors of the weights
        task.walk(ops, torch.zeros(1, *task.graph.declared[task.graph.image_input][1:]))
    network = torch.compile(lambda x: task.walk(ops, x), fullgraph=True, dynamic=False)
    return _passes("torch.compile", task, network, f"PyTorch {torch.__version__}, torch.compile")


def _passes(name, task, network, about):
    import torch

    torch.set_num_threads(task.threads)

    def gradient(x):
        image = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()  # as it lies in memory, it is channels_last
        y = network(image)
        (g,) = torch.autograd.grad(y, image, y.detach())
        return g.permute(0, 2, 3, 1).contiguous().numpy()

    return Passes(name, gradient, True, f"{about}, channels_last, {torch.get_num_threads()} threads")
