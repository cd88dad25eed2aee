"""The network side of a dream's step, over what the machine could do at best and over a straightforward version.

    python benchmarks/passes.py [--model NAME] [--layer NAME] [--size HxW] [--repeats N] [--exact] [--dream] [--json]

In one process, in turns, so that a noisy machine is noisy for all:

- `floor`: the multiplications of the convolutions, forward and back to the input, at the rate of a matrix product
- `pydream`: forward, objective and backward through the public net, as `make_step` has them
- `tensorflow`: `tf.function`, `GradientTape` and `tf.nn`, with the sizes known to the trace
- `torch`: PyTorch eager, channels_last, where it can be imported
- `exact`: pydream in float64, with `--exact`

Before anything is timed, all are found to give the same gradient. `--dream` makes the dream of 4 octaves × 10 steps
instead, twice, and tells what of it was not steps, and the most memory that the process had. Networks without weights
in PYDREAM_MODELS get random ones. Machines are noisy: ratios within one run count.
"""

import argparse
import functools
import importlib.util
import itertools
import json
import os
import platform
import resource
import statistics
import sys
import time

import numpy as np

import pydream
from pydream import caffe, zoo
from pydream.caffe import layers
from pydream.caffe.definition import define, read_model
from pydream.caffe.graph import Graph
from pydream.caffe.proto import caffe_pb2
from pydream.tf import tensorflow

SAME = 5e-3  # relative, in L2: different kernels in float32, where a few near-ties of maxima flip
MATMUL = 2048


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bvlc_googlenet")
    parser.add_argument("--layer", help="default: the model's")
    parser.add_argument("--size", default="575x1024", help="height x width")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--dream", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    height, width = map(int, args.size.split("x"))
    net = load(args.model, args.layer, "float32")
    end = args.layer or net.default_end
    report = {"model": args.model, "layer": end, "size": [height, width], **machine()}
    if args.dream:
        report |= dream(net, end, height, width)
    else:
        report |= passes(net, args, end, height, width)
    print(json.dumps(report, indent=1) if args.json else as_text(report))


# Networks.


def load(model, end, dtype):
    """A network of the zoo; without weights, its layers up to `end` with random ones of the usual scale."""
    entry = zoo.find_network(model)
    if zoo.find_weights(entry):
        return pydream.load_net(model, dtype=dtype)
    end = end or entry.default_layer
    proto = read_model(entry.folder / "deploy.prototxt")
    last = min(i for i, layer in enumerate(proto.layer) if end in layer.top)
    del proto.layer[last + 1 :]
    weights, rng = caffe_pb2.NetParameter(), np.random.default_rng(0)
    for name, shapes in Graph(define(proto, model)).params.items():
        layer = weights.layer.add(name=name)
        for shape in shapes:
            blob = layer.blobs.add()
            blob.shape.dim.extend(shape)
            scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
            blob.data.extend((scale * rng.standard_normal(np.prod(shape))).astype(np.float32).tolist())
    net = caffe.Net(proto, weights, dtype=dtype)
    net.default_end = end
    return net


def steps_to(net, end):
    graph = net._graph
    index = graph.index(end)
    return graph.needed(list(graph.steps[index].tops), index)


def multiplications(net, end):
    """How many multiplications the convolutions up to `end` take forward."""
    total = 0
    inputs = {"data": net.blobs["data"].shape}
    for step in steps_to(net, end):
        if isinstance(step.layer, layers.Convolution):
            _, _, h, w = net._graph.shape(step.layer.tops[0], inputs)
            total += h * w * net.params[step.layer.name][0].data.size
    return total


# The same network, straightforward. Each maker gives a function image -> gradient, both (1, h, w, 3).


def walk(net, end, ops, x):
    """Run the layers up to `end` on `x` by the library's `ops`, one for each of the types that these networks have."""
    blobs = {"data": x}
    for step in steps_to(net, end):
        layer = step.layer
        weights = [param.data for param in net.params.get(layer.name, [])]
        blobs[layer.tops[0]] = ops[type(layer)](layer, *(blobs[bottom] for bottom in layer.bottoms), *weights)
    return blobs[end]


def straightforward_tensorflow(net, end):
    tf = tensorflow()

    def convolution(layer, x, kernel, bias):
        (top, left), (down, right) = layer.pad, layer.pad
        # TensorFlow's convolutions know groups forward, but not back on a CPU.
        parts = [
            tf.nn.conv2d(part, part_kernel, layer.stride, [[0, 0], [top, down], [left, right], [0, 0]])
            for part, part_kernel in zip(
                tf.split(x, layer.group, axis=3), np.split(kernel.transpose(2, 3, 1, 0), layer.group, 3), strict=True
            )
        ]
        return tf.nn.bias_add(tf.concat(parts, 3) if layer.group > 1 else parts[0], bias)

    def pooling(layer, x):
        assert not layer.average
        if layer.stride == (1, 1):
            return tf.nn.max_pool2d(x, layer.kernel, 1, "SAME")
        outs = [layer.out_size(x.shape[1 + axis], axis) for axis in (0, 1)]
        beyond = [
            (out - 1) * s + k - x.shape[1 + axis]
            for axis, (out, s, k) in enumerate(zip(outs, layer.stride, layer.kernel, strict=True))
        ]
        if max(beyond) > 0:
            x = tf.pad(x, [[0, 0], [0, max(beyond[0], 0)], [0, max(beyond[1], 0)], [0, 0]], constant_values=-np.inf)
        return tf.nn.max_pool2d(x, layer.kernel, layer.stride, "VALID")

    ops = {
        layers.Convolution: convolution,
        layers.Pooling: pooling,
        layers.ReLU: lambda layer, x: tf.nn.relu(x),
        layers.LRN: lambda layer, x: tf.nn.lrn(
            x, layer.local_size // 2, layer.k, layer.alpha / layer.local_size, layer.beta
        ),
        layers.Concat: lambda layer, *parts: tf.concat(parts, 3),
    }

    @tf.function(autograph=False)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = walk(net, end, ops, x)
            half = 0.5 * tf.reduce_sum(y * y)
        return tape.gradient(half, x)

    return lambda x: gradient(x).numpy()


def straightforward_torch(net, end):
    import torch
    from torch.nn import functional

    @functools.cache
    def tensor(array_id):
        array = arrays[array_id]
        return torch.tensor(array).to(memory_format=torch.channels_last) if array.ndim == 4 else torch.tensor(array)

    arrays = {id(param.data): param.data for params in net.params.values() for param in params}
    ops = {
        layers.Convolution: lambda layer, x, kernel, bias: functional.conv2d(
            x, tensor(id(kernel)), tensor(id(bias)), layer.stride, layer.pad, groups=layer.group
        ),
        layers.Pooling: lambda layer, x: functional.max_pool2d(
            x, layer.kernel, layer.stride, layer.pad, ceil_mode=layer.round_up
        ),
        layers.ReLU: lambda layer, x: functional.relu(x),
        layers.LRN: lambda layer, x: functional.local_response_norm(
            x, layer.local_size, layer.alpha, layer.beta, layer.k
        ),
        layers.Concat: lambda layer, *parts: torch.cat(parts, 1),
    }

    def gradient(x):
        image = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()  # channels_last as it stands
        y = walk(net, end, ops, image)
        (g,) = torch.autograd.grad(y, image, y.detach())
        return g.permute(0, 2, 3, 1).contiguous().numpy()

    return gradient


def ours(net, end):
    def gradient(x):
        net.forward(end=end, tensor=x)
        pydream.objective_L2(net.blobs[end])
        return net.backward(start=end)

    return gradient


# Measuring.


def passes(net, args, end, height, width):
    tf = tensorflow()
    net.blobs["data"].reshape(1, 3, height, width)
    image = picture(height, width)[np.newaxis] - net.mean.reshape(3)
    ways = {"pydream": ours(net, end), "tensorflow": straightforward_tensorflow(net, end)}
    if importlib.util.find_spec("torch"):
        ways["torch"] = straightforward_torch(net, end)
    expected = ways["pydream"](image).copy()
    for name, gradient in ways.items():
        off = np.linalg.norm(gradient(image) - expected) / np.linalg.norm(expected)
        if off > SAME:
            sys.exit(f"{name} gives another gradient: off by {off:.1e} in L2, want {SAME:.0e}")
    runs = {name: functools.partial(gradient, image) for name, gradient in ways.items()}
    if args.exact:
        exact = load(args.model, args.layer, "float64")
        exact.blobs["data"].reshape(1, 3, height, width)
        runs["exact"] = functools.partial(ours(exact, end), image.astype(np.float64))
    a, b = (tf.constant(np.random.RandomState(i).rand(MATMUL, MATMUL), tf.float32) for i in (0, 1))
    product = tf.function(lambda a, b: tf.reduce_max(tf.matmul(a, b)))
    runs["floor"] = lambda: product(a, b).numpy()
    times = {name: [] for name in runs}
    work = {name: [] for name in runs}  # of all threads: what is left to compare where others use the machine
    for run in runs.values():
        for _ in range(2):
            run()
    for _ in range(args.repeats):
        for name, run in runs.items():
            start, busy = time.perf_counter(), time.process_time()
            run()
            times[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - busy)
    macs = multiplications(net, end)
    rate = 2 * MATMUL**3 / statistics.median(times["floor"])
    for each in (times, work):
        each["floor"] = [seconds * 2 * macs / MATMUL**3 for seconds in each["floor"]]
    return {
        "gmac": macs / 1e9,
        "gflops": rate / 1e9,
        "seconds": {name: quartiles(each) for name, each in times.items()},
        "ratios": ratios(times),
        "ratios of CPU time": ratios(work),
    }


def ratios(times):
    """Of medians."""
    medians = {name: statistics.median(each) for name, each in times.items()}
    found = {
        f"pydream / {name}": medians["pydream"] / medians[name]
        for name in ("floor", "tensorflow", "torch")
        if name in medians
    }
    if "exact" in medians:
        found["exact / pydream"] = medians["exact"] / medians["pydream"]
    return found


def dream(net, end, height, width):
    """Two dreams: what was not steps, and the memory."""
    seconds, marks = [], []
    base = picture(height, width)
    for _ in range(2):
        marks.append([])
        start = time.perf_counter()
        pydream.deepdream(
            net,
            base,
            end=end,
            rng=np.random.RandomState(0),
            on_step=lambda octave, i, vis: marks[-1].append((octave, time.perf_counter())),
        )
        seconds.append(time.perf_counter() - start)
    first, second = seconds
    steps = {}  # octave -> the time of its steps but the first of each octave, which pays for what is new
    for each in marks:
        for (_, before), (octave, now) in itertools.pairwise(each):
            steps.setdefault(octave, []).append(now - before)
    usual = sum(10 * statistics.median(times) for times in steps.values())
    return {
        "dream": {
            "first": first,
            "second": second,
            "steps": usual,
            "first: not steps": first / usual - 1,
            "second: not steps": second / usual - 1,
            "most memory, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        }
    }


def picture(height, width):
    """Soft clouds and some grain: no flat places, where rounding would choose the maximum."""
    rng = np.random.RandomState(0)
    y, x = np.mgrid[:height, :width]
    waves = sum(
        np.sin(x[..., None] / rng.uniform(8, 90, 3) + y[..., None] / rng.uniform(8, 90, 3) + rng.uniform(0, 6, 3))
        for _ in range(8)
    )
    return np.float32(np.clip(128 + 14 * waves + rng.normal(0, 6, (height, width, 3)), 0, 255))


def quartiles(times):
    low, middle, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return {"median": middle, "quartiles": [low, high], "least": min(times)}


def machine():
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        cpu = names[0] if names else cpu
    versions = {"python": platform.python_version(), "numpy": np.__version__, "tensorflow": tensorflow().__version__}
    load = os.getloadavg()[0]
    return {"machine": {"cpu": cpu, "cores": os.cpu_count(), "load before": load}, "versions": versions}


def as_text(report):
    size = "x".join(map(str, report["size"]))
    about = report["machine"]
    lines = [
        f"{report['model']} {report['layer']}, {size}, float32",
        f"{about['cpu']}, {about['cores']} cores, load before {about['load before']:.2f}; "
        + ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
    ]
    if "dream" in report:
        return "\n".join(lines + [f"{what:20} {value:8.3f}" for what, value in report["dream"].items()])
    lines.append(f"{report['gmac']:.2f} GMAC forward; matmul {report['gflops']:.0f} GFLOP/s")
    for name, spread in report["seconds"].items():
        low, high = spread["quartiles"]
        lines.append(f"{name:20} {spread['median']:8.4f} s   quartiles {low:.4f} .. {high:.4f}")
    for what, ratio in report["ratios"].items():
        lines.append(f"{what:20} {ratio:8.3f}     of CPU time {report['ratios of CPU time'][what]:.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
