"""A port: pydream's networks on PyTorch, with autograd for the way back.

`TorchNet` is all that a dream needs of a runtime (`pydream.net.Net`), for the layer types of SqueezeNet and GoogLeNet.
Reading the files is pydream's; what is PyTorch's is a function a layer type, and `TorchNet` below. In float64 its
pictures are Caffe's, byte for byte: `python examples/ports/torch_net.py` checks that, and dreams.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

import pydream
from pydream import net, zoo
from pydream.errors import ShapeError
from pydream.formats import caffe
from pydream.net import Net, names_of
from pydream.runtime import layers

# A layer: its facts, its weights and its bottoms -> its top. Gradients are autograd's, where those are Caffe's.


def convolution(layer, weights, x):
    weight, bias = weights if layer.bias else (*weights, None)
    return F.conv2d(x, weight, bias, layer.stride, layer.pad, layer.dilation, layer.group)


def inner_product(layer, weights, x):
    weight, bias = weights if layer.bias else (*weights, None)
    return F.linear(x.flatten(1), weight.T if layer.transpose else weight, bias)


def pooling(layer, _, x):
    if layer.everything:
        layer = replace(layer, everything=False, kernel=tuple(x.shape[2:]))
    size, pad, stride, kernel = x.shape[2:], layer.pad, layer.stride, layer.kernel
    out = [layer.out_size(size[axis], axis) for axis in (0, 1)]  # rounded up, so the last window may stand over
    over = [(out[axis] - 1) * stride[axis] + kernel[axis] - pad[axis] - size[axis] for axis in (0, 1)]
    filler = 0.0 if layer.average else torch.finfo(torch.float32).min
    padded = F.pad(x, (pad[1], over[1], pad[0], over[0]), value=filler)
    if layer.average:
        counts = []  # padding counts, what lies beyond it does not
        for axis in (0, 1):
            first = torch.arange(out[axis]) * stride[axis] - pad[axis]
            counts.append((first + kernel[axis]).clamp(max=size[axis] + pad[axis]) - first)
        return F.avg_pool2d(padded, kernel, stride, divisor_override=1) / (counts[0][:, None] * counts[1])
    if x.dtype == torch.float32:
        return F.max_pool2d(padded, kernel, stride)  # of equal values the first, row by row, as in Caffe
    # The exact mode: a later value of the window wins only if it is larger by more than rounding could make it.
    taps = padded.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]).flatten(4)
    with torch.no_grad():
        best, winner = taps[..., 0], torch.zeros(taps.shape[:4], dtype=torch.int64)
        for place in range(1, taps.shape[4]):
            wins = taps[..., place] > best + 1e-9 * (1 + best.abs())
            best, winner = torch.where(wins, taps[..., place], best), torch.where(wins, place, winner)
    return taps.gather(4, winner[..., None])[..., 0]


def lrn(layer, _, x):
    channels, reach = x.shape[1], layer.local_size // 2
    squares = F.pad(x * x, (0, 0, 0, 0, reach, reach))
    total = sum(squares[:, i : i + channels] for i in range(layer.local_size))
    return x * (layer.k + layer.alpha / layer.local_size * total) ** -layer.beta


RUN = {
    layers.Concat: lambda layer, _, *bottoms: torch.cat(bottoms, layer.axis),
    layers.Convolution: convolution,
    layers.Dropout: lambda layer, _, x: x,
    layers.InnerProduct: inner_product,
    layers.LRN: lrn,
    layers.Pooling: pooling,
    layers.ReLU: lambda layer, _, x: F.leaky_relu(x, layer.negative_slope),
    layers.Softmax: lambda layer, _, x: F.softmax(x, layer.axis),
}


class Blob(net.Blob):
    """`data` and `diff` as arrays, made where somebody asks for them."""

    def __init__(self, net, name):
        self._net, self._name = net, name
        self.forget()

    def forget(self):
        self._data = self._diff = None

    @property
    def shape(self):
        return self._net.graph.shape(self._name, {"data": self._net.size})

    @property
    def data(self):
        if self._data is None:
            computed = self._net.tops.get(self._name)
            self._data = np.zeros(self.shape, self._net.dtype) if computed is None else computed.detach().numpy().copy()
        return self._data

    @property
    def diff(self):
        if self._diff is None:
            self._diff = np.zeros(self.shape, self._net.dtype)
        return self._diff

    def reshape(self, *dims):
        if dims != self._net.size:
            self._net.size = dims
            for blob in self._net.blobs.values():
                blob.forget()


class Blobs(dict):
    """By name; a name that is none raises what lists the close ones."""

    def __init__(self, net):
        super().__init__((name, Blob(net, name)) for name in net.graph.blobs)
        self._graph = net.graph

    def __missing__(self, name):
        raise self._graph.unknown_blob(name)


class TorchNet(Net):
    """A network of the registry (`pydream models`), with PyTorch."""

    channels_last = False
    channel_order = "BGR"

    def __init__(self, name="squeezenet_v1.1", weights=None, dtype="float64"):
        entry = zoo.find_network(name)
        self.name, self.default_end, self.dtype = name, entry.default_layer, np.dtype(dtype)
        self.mean = np.array(entry.mean, self.dtype).reshape(3, 1, 1)
        self.graph, params = caffe.read(entry.definition, weights or zoo.find_weights(entry), dtype)
        self.weights = {layer: [torch.tensor(array) for array in arrays] for layer, arrays in params.items()}
        self.size = self.graph.declared["data"]
        self.image, self.tops = None, {}  # of the last forward pass: blobs where it ended
        self.blobs = Blobs(self)

    def forward(self, end=None, *, tensor=None):
        # The first layer of each name: an in-place ReLU behind it does not run, or not on what it made.
        indices = [self.graph.index(name) for name in names_of(end) or [None]]
        ends = {self.graph.steps[i].layer.tops[0]: self.graph.steps[i].tops[0] for i in indices}
        shapes = {name: self.blobs[name].shape for name in ends}  # says what does not fit
        image = self.blobs["data"].data if tensor is None else tensor
        self.image = torch.tensor(image, requires_grad=True)
        values = {0: self.image}
        for step in self.graph.needed(list(ends.values()), max(indices)):
            layer, bottoms = step.layer, [values[value] for value in step.bottoms]
            values[step.tops[0]] = RUN[type(layer)](layer, self.weights.get(layer.name, []), *bottoms)
        self.tops = {name: values[value] for name, value in ends.items()}
        for name, top in self.tops.items():
            assert tuple(top.shape) == shapes[name]
            self.blobs[name]._data = None  # its diff stays, as in Caffe
        return {name: self.blobs[name].data for name in self.tops}

    def backward(self, start=None):
        names = names_of(start) or list(self.tops)
        blobs = [self.graph.steps[self.graph.index(name)].layer.tops[0] for name in names]
        if not self.tops or set(blobs) != set(self.tops):
            raise ShapeError(f"backward from {start!r}: the last forward pass ended at {list(self.tops)}")
        # A gradient starts from zero: what the last pass left behind does not count.
        seeds = [torch.tensor(self.blobs[blob].diff) for blob in blobs]
        tops = [self.tops[blob] for blob in blobs]
        (gradient,) = torch.autograd.grad(tops, self.image, seeds, retain_graph=True)
        self.blobs["data"]._diff = gradient.numpy()
        return gradient.numpy().copy()

    def reshape(self):
        self.graph.check({"data": self.size})


if __name__ == "__main__":
    from pydream import testing
    from pydream.media import read_image, write_image

    net = TorchNet()
    for check in (testing.check_net, testing.check_dream):
        print(str(check(net)).splitlines()[0])
    dream = pydream.deepdream(net, read_image("examples/sky.jpg"), rng=np.random.RandomState(0))
    write_image("torch_dream.png", dream)
