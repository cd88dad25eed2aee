"""Stand-ins for the big frozen graphs: their nodes, ops, attributes and shapes, with weights drawn from a seed.

The real files are 54 and 171 MB and are not to be had everywhere; who must read them is tested with these, which are
made in a second: `python tests/standins.py inception5h FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pydream.runtime.on_tensorflow.door import tensorflow

tensorflow()  # quietly, as whoever imports it first makes it
from tensorflow.core.framework import graph_pb2, types_pb2  # noqa: E402

# 1x1, 3x3_bottleneck, 3x3, 5x5_bottleneck, 5x5, pool_reduce
INCEPTION5H = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 204, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 48, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class _Writer:
    """A GraphDef as it grows, and the channels of what its nodes make."""

    def __init__(self, seed: int) -> None:
        self.graph = graph_pb2.GraphDef()
        self.channels: dict[str, int] = {}
        self._rng = np.random.default_rng(seed)

    def node(self, op: str, name: str, *inputs: str, channels: int | None = None, **attributes: object) -> str:
        """Add a node; it has its first input's channels unless told."""
        node = self.graph.node.add(op=op, name=name, input=inputs)
        for key, value in attributes.items():
            held = node.attr[key]
            match value:
                case bool():
                    held.b = value
                case int() if key in ("T", "dtype", "Tidx", "Tshape", "out_type", "Index"):
                    held.type = value
                case int():
                    held.i = value
                case float():
                    held.f = value
                case str():
                    held.s = value.encode()
                case list():
                    held.list.i.extend(value)
        if channels is None and inputs:
            channels = self.channels.get(inputs[0])
        if channels is not None:
            self.channels[name] = channels
        return name

    def constant(self, name: str, values: object, dtype: type = np.float32) -> str:
        array = np.asarray(values, dtype)
        kind = types_pb2.DT_FLOAT if dtype is np.float32 else types_pb2.DT_INT32
        node = self.node("Const", name, dtype=kind)
        tensor = self.graph.node[-1].attr["value"].tensor
        tensor.dtype = kind
        tensor.tensor_shape.SetInParent()
        for size in array.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = array.tobytes()
        return node

    def normal(self, name: str, shape: tuple[int, ...], scale: float, mean: float = 0.0) -> str:
        values = self._rng.standard_normal(shape, np.float32)
        return self.constant(name, values * np.float32(scale) + np.float32(mean))

    def weights(self, name: str, shape: tuple[int, ...], gain: float = 1.0) -> str:
        """Kernels after He, with which rectified activations neither die nor blow up, however deep."""
        return self.normal(name, shape, gain * (2 / np.prod(shape[:-1])) ** 0.5)

    def write(self, path: Path) -> None:
        path.write_bytes(self.graph.SerializeToString())


_FLOAT, _INT = types_pb2.DT_FLOAT, types_pb2.DT_INT32


def inception5h(path: str | Path, seed: int = 5) -> None:
    """Write the graph of 2015.

    What later versions of TensorFlow added to the ops (data_format, the placeholder's shape) is not in it.
    """
    w = _Writer(seed)
    w.node("Placeholder", "input", channels=3, dtype=_FLOAT)

    def conv(bottom: str, name: str, channels: int, kernel: int, stride: int = 1) -> str:
        kernels = w.weights(f"{name}_w", (kernel, kernel, w.channels[bottom], channels))
        bias = w.normal(f"{name}_b", (channels,), 1.0)  # to pixels' 0 to 255
        made = w.node(
            "Conv2D", f"{name}_pre_relu/conv", bottom, kernels, channels=channels,
            T=_FLOAT, strides=[1, stride, stride, 1], padding="SAME", use_cudnn_on_gpu=True,
        )  # fmt: skip
        return w.node("Relu", name, w.node("BiasAdd", f"{name}_pre_relu", made, bias, T=_FLOAT), T=_FLOAT)

    def pool(op: str, bottom: str, name: str, kernel: int, stride: int, padding: str = "SAME") -> str:
        sizes = {"ksize": [1, kernel, kernel, 1], "strides": [1, stride, stride, 1]}
        return w.node(op, name, bottom, padding=padding, T=_FLOAT, **sizes)

    def norm(bottom: str, name: str) -> str:
        return w.node("LRN", name, bottom, T=_FLOAT, depth_radius=5, bias=1.0, alpha=1e-4, beta=0.5)

    def module(bottom: str, which: str) -> str:
        name, (one, three_in, three, five_in, five, reduce) = f"mixed{which}", INCEPTION5H[which]
        branches = [
            conv(bottom, f"{name}_1x1", one, 1),
            conv(conv(bottom, f"{name}_3x3_bottleneck", three_in, 1), f"{name}_3x3", three, 3),
            conv(conv(bottom, f"{name}_5x5_bottleneck", five_in, 1), f"{name}_5x5", five, 5),
            conv(pool("MaxPool", bottom, f"{name}_pool", 3, 1), f"{name}_pool_reduce", reduce, 1),
        ]
        axis = w.constant(f"{name}/concat_dim", 3, np.int32)
        return w.node("Concat", name, axis, *branches, channels=one + three + five + reduce, N=4, T=_FLOAT)

    def flat(bottom: str, features: int) -> str:
        shape = w.constant(f"{bottom}/reshape/shape", [-1, features], np.int32)
        return w.node("Reshape", f"{bottom}/reshape", bottom, shape, channels=features, T=_FLOAT)

    def product(bottom: str, name: str, weights: str, channels: int, gain: float = 1.0) -> str:
        kernel = w.weights(f"{weights}_w", (w.channels[bottom], channels), gain)
        bias = w.normal(f"{weights}_b", (channels,), 1.0)
        made = w.node(
            "MatMul", f"{name}/matmul", bottom, kernel, channels=channels,
            T=_FLOAT, transpose_a=False, transpose_b=False,
        )  # fmt: skip
        return w.node("BiasAdd", name, made, bias, T=_FLOAT)

    def softmax(bottom: str, name: str) -> str:
        logits = product(bottom, f"{name}_pre_activation", name, 1008, gain=0.02)  # else one class takes all
        return w.node("Softmax", name, logits, T=_FLOAT)

    # The average pools do not pad: from 224 pixels they leave 4x4 and one value, for which nn0 and softmax2 are made.
    def head(bottom: str, index: int) -> str:
        pooled = pool("AvgPool", bottom, f"head{index}_pool", 5, 3, "VALID")
        features = flat(conv(pooled, f"head{index}_bottleneck", 128, 1), 4 * 4 * 128)
        hidden = w.node("Relu", f"nn{index}", product(features, f"nn{index}_pre_relu", f"nn{index}", 1024), T=_FLOAT)
        return softmax(flat(hidden, 1024), f"softmax{index}")

    x = norm(pool("MaxPool", conv("input", "conv2d0", 64, 7, 2), "maxpool0", 3, 2), "localresponsenorm0")
    x = conv(conv(x, "conv2d1", 64, 1), "conv2d2", 192, 3)
    x = pool("MaxPool", norm(x, "localresponsenorm1"), "maxpool1", 3, 2)
    x = pool("MaxPool", module(module(x, "3a"), "3b"), "maxpool4", 3, 2)
    mixed4a = x = module(x, "4a")
    mixed4d = x = module(module(module(x, "4b"), "4c"), "4d")
    x = pool("MaxPool", module(x, "4e"), "maxpool10", 3, 2)
    x = pool("AvgPool", module(module(x, "5a"), "5b"), "avgpool0", 7, 1, "VALID")
    head(mixed4a, 0)
    head(mixed4d, 1)
    softmax(flat(x, 1024), "softmax2")
    w.write(Path(path))


def inception_v4(path: str | Path, seed: int = 4) -> None:
    """Write slim's graph as `freeze_graph` leaves it: weights are read through an Identity, gammas are constants."""
    w = _Writer(seed)
    w.node("Placeholder", "input", channels=3, dtype=_FLOAT)
    shape = w.graph.node[-1].attr["shape"].shape
    for size in (-1, 299, 299, 3):
        shape.dim.add(size=size)
    layout = {"T": _FLOAT, "data_format": "NHWC"}

    def read(name: str) -> str:
        return w.node("Identity", f"{name}/read", name, T=_FLOAT)

    def conv(bottom: str, name: str, channels: int, kernel: str, stride: int = 1, padding: str = "SAME") -> str:
        held, made = f"InceptionV4/{name}", f"InceptionV4/InceptionV4/{name}"
        sizes = tuple(map(int, kernel.split("x")))
        kernels = read(w.weights(f"{held}/weights", (*sizes, w.channels[bottom], channels)))
        x = w.node(
            "Conv2D", f"{made}/Conv2D", bottom, kernels, channels=channels, strides=[1, stride, stride, 1],
            padding=padding, dilations=[1, 1, 1, 1], use_cudnn_on_gpu=True, **layout,
        )  # fmt: skip
        gamma = w.constant(f"{made}/BatchNorm/Const", np.ones(channels))
        beta = read(w.normal(f"{held}/BatchNorm/beta", (channels,), 0.1))
        mean = read(w.normal(f"{held}/BatchNorm/moving_mean", (channels,), 0.1))
        variance = read(w.normal(f"{held}/BatchNorm/moving_variance", (channels,), 0.05, mean=1.0))
        x = w.node(
            "FusedBatchNorm", f"{made}/BatchNorm/FusedBatchNorm", x, gamma, beta, mean, variance,
            epsilon=1e-3, is_training=False, **layout,
        )  # fmt: skip
        return w.node("Relu", f"{made}/Relu", x, T=_FLOAT)

    def pool(op: str, bottom: str, name: str, stride: int, padding: str, kernel: int = 3) -> str:
        sizes = {"ksize": [1, kernel, kernel, 1], "strides": [1, stride, stride, 1]}
        return w.node(op, f"InceptionV4/{name}/{op}", bottom, padding=padding, **sizes, **layout)

    def concat(name: str, *branches: str) -> str:
        axis = w.constant(f"InceptionV4/InceptionV4/{name}/concat/axis", 3, np.int32)
        channels = sum(w.channels[branch] for branch in branches)
        return w.node(
            "ConcatV2", f"InceptionV4/InceptionV4/{name}/concat", *branches, axis, channels=channels,
            N=len(branches), T=_FLOAT, Tidx=_INT,
        )  # fmt: skip

    def chain(bottom: str, branch: str, *convs: tuple[str, int]) -> str:
        for name, channels in convs:
            bottom = conv(bottom, f"{branch}/Conv2d_{name}", channels, name.split("_")[1])
        return bottom

    def shrunk(bottom: str, branch: str, name: str, channels: int, stride: int = 2) -> str:
        return conv(bottom, f"{branch}/Conv2d_{name}_3x3", channels, "3x3", stride, "VALID")

    def max_pool(bottom: str, branch: str, name: str) -> str:
        return pool("MaxPool", bottom, f"InceptionV4/{branch}/MaxPool_{name}_3x3", 2, "VALID")

    def averaged(bottom: str, branch: str, channels: int) -> str:
        x = pool("AvgPool", bottom, f"InceptionV4/{branch}/AvgPool_0a_3x3", 1, "SAME")
        return chain(x, branch, ("0b_1x1", channels))

    def block_a(x: str, name: str) -> str:
        return concat(
            name,
            chain(x, f"{name}/Branch_0", ("0a_1x1", 96)),
            chain(x, f"{name}/Branch_1", ("0a_1x1", 64), ("0b_3x3", 96)),
            chain(x, f"{name}/Branch_2", ("0a_1x1", 64), ("0b_3x3", 96), ("0c_3x3", 96)),
            averaged(x, f"{name}/Branch_3", 96),
        )

    def block_b(x: str, name: str) -> str:
        long = [("0a_1x1", 192), ("0b_7x1", 192), ("0c_1x7", 224), ("0d_7x1", 224), ("0e_1x7", 256)]
        return concat(
            name,
            chain(x, f"{name}/Branch_0", ("0a_1x1", 384)),
            chain(x, f"{name}/Branch_1", ("0a_1x1", 192), ("0b_1x7", 224), ("0c_7x1", 256)),
            chain(x, f"{name}/Branch_2", *long),
            averaged(x, f"{name}/Branch_3", 128),
        )

    def block_c(x: str, name: str) -> str:
        def forked(stem: str, branch: str, *names: str) -> str:
            return concat(branch, *(chain(stem, branch, (each, 256)) for each in names))

        stem1 = chain(x, f"{name}/Branch_1", ("0a_1x1", 384))
        stem2 = chain(x, f"{name}/Branch_2", ("0a_1x1", 384), ("0b_3x1", 448), ("0c_1x3", 512))
        return concat(
            name,
            chain(x, f"{name}/Branch_0", ("0a_1x1", 256)),
            forked(stem1, f"{name}/Branch_1", "0b_1x3", "0c_3x1"),
            forked(stem2, f"{name}/Branch_2", "0d_1x3", "0e_3x1"),
            averaged(x, f"{name}/Branch_3", 256),
        )

    x = conv("input", "Conv2d_1a_3x3", 32, "3x3", 2, "VALID")
    x = conv(x, "Conv2d_2a_3x3", 32, "3x3", padding="VALID")
    x = conv(x, "Conv2d_2b_3x3", 64, "3x3")
    x = concat(
        "Mixed_3a",
        max_pool(x, "Mixed_3a/Branch_0", "0a"),
        shrunk(x, "Mixed_3a/Branch_1", "0a", 96),
    )
    sevens = chain(x, "Mixed_4a/Branch_1", ("0a_1x1", 64), ("0b_1x7", 64), ("0c_7x1", 64))
    x = concat(
        "Mixed_4a",
        shrunk(chain(x, "Mixed_4a/Branch_0", ("0a_1x1", 64)), "Mixed_4a/Branch_0", "1a", 96, 1),
        shrunk(sevens, "Mixed_4a/Branch_1", "1a", 96, 1),
    )
    x = concat(
        "Mixed_5a",
        shrunk(x, "Mixed_5a/Branch_0", "1a", 192),
        max_pool(x, "Mixed_5a/Branch_1", "1a"),
    )
    for letter in "bcde":
        x = block_a(x, f"Mixed_5{letter}")
    threes = chain(x, "Mixed_6a/Branch_1", ("0a_1x1", 192), ("0b_3x3", 224))
    x = concat(
        "Mixed_6a",
        shrunk(x, "Mixed_6a/Branch_0", "1a", 384),
        shrunk(threes, "Mixed_6a/Branch_1", "1a", 256),
        max_pool(x, "Mixed_6a/Branch_2", "1a"),
    )
    for letter in "bcdefgh":
        x = block_b(x, f"Mixed_6{letter}")
    sevens = chain(x, "Mixed_7a/Branch_1", ("0a_1x1", 256), ("0b_1x7", 256), ("0c_7x1", 320))
    x = concat(
        "Mixed_7a",
        shrunk(chain(x, "Mixed_7a/Branch_0", ("0a_1x1", 192)), "Mixed_7a/Branch_0", "1a", 192),
        shrunk(sevens, "Mixed_7a/Branch_1", "1a", 320),
        max_pool(x, "Mixed_7a/Branch_2", "1a"),
    )
    for letter in "bcd":
        x = block_c(x, f"Mixed_7{letter}")

    logits = "InceptionV4/Logits"
    x = pool("AvgPool", x, "Logits/AvgPool_1a", 1, "VALID", kernel=8)
    flat = f"{logits}/PreLogitsFlatten/flatten"
    size = w.node("Shape", f"{flat}/Shape", x, T=_FLOAT, out_type=_INT)
    ends = [w.constant(f"{flat}/strided_slice/{name}", [index], np.int32) for name, index in
            (("stack", 0), ("stack_1", 1), ("stack_2", 1))]  # fmt: skip
    batch = w.node("StridedSlice", f"{flat}/strided_slice", size, *ends, T=_INT, Index=_INT, shrink_axis_mask=1)
    rest = w.constant(f"{flat}/Reshape/shape/1", -1, np.int32)
    shape = w.node("Pack", f"{flat}/Reshape/shape", batch, rest, N=2, T=_INT, axis=0)
    x = w.node("Reshape", f"{flat}/Reshape", x, shape, T=_FLOAT, Tshape=_INT)
    kernel = read(w.weights(f"{logits}/Logits/weights", (1536, 1001), 0.5))
    x = w.node("MatMul", f"{logits}/Logits/MatMul", x, kernel, T=_FLOAT, transpose_a=False, transpose_b=False)
    bias = read(w.normal(f"{logits}/Logits/biases", (1001,), 0.1))
    x = w.node("BiasAdd", f"{logits}/Logits/BiasAdd", x, bias, **layout)
    w.node("Softmax", f"{logits}/Predictions", x, T=_FLOAT)
    w.write(Path(path))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("inception5h", "inception_v4"):
        sys.exit("python tests/standins.py inception5h|inception_v4 FILE")
    {"inception5h": inception5h, "inception_v4": inception_v4}[sys.argv[1]](sys.argv[2])
