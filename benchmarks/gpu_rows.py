"""The rows of gpu.py that have a right answer: settings, kernels, results, memory and traces."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format

import pydream
from pydream.bench import inputs, network, table
from pydream.bench.timing import distance
from pydream.errors import NetFileError
from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe.layers import graph_of
from pydream.imageops import native_ops
from pydream.media import read_image
from pydream.picture import to_pixels
from pydream.runtime.net import Net
from pydream.runtime.on_tensorflow.door import find_device, part, tensorflow
from pydream.tiles.net import tiled
from pydream.zoo.load import find_files

ROOT = Path(__file__).resolve().parents[1]
SQUEEZENET, GOOGLENET = "squeezenet_v1.1", "bvlc_googlenet"
ENDS = {SQUEEZENET: "fire8/concat", GOOGLENET: "inception_4c/output"}
FAST, EXACT = network.FAST, network.EXACT
GROWN = 1e6  # bytes: what a later dream may leave behind
POOLINGS = {
    "3×3, stride 2": "kernel_size: 3 stride: 2",
    "3×3, padded": "kernel_size: 3 pad: 1",
    "global": "global_pooling: true",
}


@dataclass(frozen=True)
class Row:
    """A line of the table; `ok` is None where nothing is expected, or nothing was measured."""

    what: str
    expected: str
    measured: str
    ok: bool | None = None


@dataclass(frozen=True)
class Place:
    """Where the rows are measured, and on how much.

    Attributes
    ----------
    name : str
        cpu, or gpu:N.
    sizes : tuple of (height, width)
        Of the pictures that are timed; the first is compared with the CPU.
    side : int
        Of the matrices whose product makes the floor.
    seconds : float
        How long a step is timed.
    shared : path
        The developers' folder.
    """

    name: str
    sizes: tuple[tuple[int, int], ...] = ((575, 1024), (2160, 3840))
    side: int = 4096
    seconds: float = 2.0
    shared: Path = field(default_factory=lambda: Path(os.environ.get("PYDREAM_SHARED", ROOT.parent / "shared")))

    def net(self, model: str, dtype: str, device: str | None = None) -> Net:
        """Return a network on the device; raise `NetFileError` where its weights are missing."""
        return _loaded(model, self._weights(model), dtype, device or self.name)

    def any_net(self, model: str, dtype: str, device: str | None = None) -> Net:
        """Return a network on the device, with random weights where its own are missing."""
        if self.has(model):
            return self.net(model, dtype, device)
        return _drawn(model, dtype, device or self.name)

    def has(self, model: str) -> bool:
        """Return whether a network's weights are there."""
        try:
            find_files(model, self._weights(model))
        except NetFileError:
            return False
        return True

    def _weights(self, model: str) -> Path | None:
        path = self.shared / "models" / f"{model}.caffemodel"
        return path if path.is_file() else None

    def golden(self, name: str) -> Any:
        """Return a file of Caffe's results; raise `FileNotFoundError` where it is missing."""
        own = [ROOT / "pydream" / "testing" / name, ROOT / "tests" / "data" / name]
        return np.load(next(filter(Path.is_file, own), self.shared / "golden" / name))

    @property
    def device(self) -> str:
        """TensorFlow's name."""
        return find_device(self.name)

    @property
    def gpu(self) -> Any:
        """TensorFlow's object; None for the CPU."""
        kind, _, number = self.device.partition(":")
        return tensorflow().config.list_physical_devices("GPU")[int(number)] if kind == "GPU" else None


@cache
def _loaded(model: str, weights: Path | None, dtype: str, device: str) -> Net:
    return pydream.load_net(model, weights, dtype=dtype, runtime="tensorflow", device=device)


@cache
def _drawn(model: str, dtype: str, device: str) -> Net:
    return _outline(model).load(dtype, device=device, runtime="tensorflow")


@cache
def _outline(model: str) -> network.Subject:
    return network.Subject.find(model, None, ENDS[model], stand_in=True)


def at_most(what: str, most: float, measured: float) -> Row:
    """Return the row of a number with a bound; NaN is beyond any."""
    return Row(what, f"≤ {most:g}", f"{measured:.2g}", bool(measured <= most))


def none_of(what: str, count: int, total: int) -> Row:
    """Return the row of things of which there should be none."""
    return Row(what, "0", f"{count} of {total}", count == 0)


# What runs there, and how.


def settings(place: Place) -> Iterator[Row]:
    """Memory is taken as it is needed, and float32 is float32."""
    tf = tensorflow()
    if not place.gpu:
        yield Row("memory growth", "on", "not measured: not a GPU")
    else:
        growth = bool(tf.config.experimental.get_memory_growth(place.gpu))
        yield Row("memory growth", "on", "on" if growth else "off", growth)
        off = not tf.config.experimental.tensor_float_32_execution_enabled()
        yield Row("TensorFloat-32", "off", "off" if off else "on", off)


def kernels(place: Place) -> Iterator[Row]:
    """Every operation of the passes has a kernel for GPUs: another one would run on the CPU, with copies around it."""
    registered = part("tensorflow.python.framework.kernels").get_registered_kernels_for_op
    for model, end in ENDS.items():
        for dtype in (FAST, EXACT):
            net = place.any_net(model, dtype)
            _gradient(net, end, inputs.image(64, 96, net.mean))
            found = [op for trace in net.runtime._traced.values() for op in trace.graph.get_operations()]
            found = [op for op in found if op.type != "Placeholder"]
            missing = {op.type for op in found if not any(_fits(op, each) for each in registered(op.type).kernel)}
            measured = " ".join([f"{len(missing)} of {len(found)}", *sorted(missing)])
            what = f"{model}, {dtype}: kinds of operations without a kernel for GPUs"
            yield Row(what, "0", measured, not missing)


def _fits(op: Any, kernel: Any) -> bool:
    """Return whether a GPU runs the operation by this kernel."""

    def fits(constraint: Any) -> bool:
        wanted = op.get_attr(constraint.name)
        wanted = wanted if isinstance(wanted, list) else [wanted]
        allowed = constraint.allowed_values.list.type
        return not allowed or all(getattr(each, "as_datatype_enum", None) in allowed for each in wanted)

    return kernel.device_type in ("GPU", "DEFAULT") and all(map(fits, kernel.constraint))


def refusal(place: Place) -> Iterator[Row]:
    """A GPU that is not there is one line, not another device."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "pydream", "dream", "noise:64x48", "-o", f"{folder}/out.png"]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        environment = os.environ | {"PYTHONPATH": path}
        run = subprocess.run([*command, "--device", "gpu:9"], capture_output=True, text=True, env=environment)
    lines = run.stderr.strip().splitlines()
    ok = run.returncode == 1 and len(lines) == 1 and "no GPU 9" in lines[0]
    yield Row("pydream dream --device gpu:9", "exit code 1, a line", f"{run.returncode}, {' / '.join(lines)}", ok)


# The same results.


def _gradient(net: Net, end: str, image: Any) -> Any:
    """Return the gradient of half a layer's squares at a (3, h, w) image."""
    return network.passes_of(net, end, "").way(np.asarray(image, net.dtype))()


def small_exact_dreams(place: Place) -> Iterator[Row]:
    """Our own picture's dream is Caffe's, in one run and in tiles."""
    yield from _exact_dream(place, SQUEEZENET, "golden.npz", octave_n=3, iter_n=6, tile=0)
    yield from _exact_dream(place, SQUEEZENET, "golden.npz", octave_n=3, iter_n=6, tile=96)


def googlenet_exact_dream(place: Place) -> Iterator[Row]:
    yield from _exact_dream(place, GOOGLENET, "googlenet_4c_256x144.npz", octave_n=3, tile=0)


def dream_of_2015(place: Place) -> Iterator[Row]:
    image = place.shared / "images" / "sky1024px.jpg"
    yield from _exact_dream(place, GOOGLENET, "googlenet_4c_1024x575.npz", image, tile=0)


def _exact_dream(place: Place, model: str, name: str, image: Path | None = None, **params: Any) -> Iterator[Row]:
    tiles = f" in tiles of {params['tile']}" if params["tile"] else ""
    what = f"{name.removesuffix('.npz')}, float64{tiles}: bytes unlike Caffe's"
    try:
        net, golden = place.net(model, EXACT), place.golden(name)
        picture = read_image(image) if image else golden["image"]
    except (NetFileError, OSError) as error:
        yield Row(what, "0", f"not measured: {error}")
        return
    found = to_pixels(pydream.deepdream(net, picture, rng=np.random.RandomState(0), **params))
    yield none_of(what, int(np.count_nonzero(found != golden["out_u8"])), found.size)


def gradients(place: Place) -> Iterator[Row]:
    """Both dtypes against Caffe's float64, with the limits of tests/dream/test_exactness.py."""
    for model, name in ((SQUEEZENET, "squeezenet_own_gradients.npz"), (GOOGLENET, "googlenet_gradients.npz")):
        try:
            golden, nets = place.golden(name), {dtype: place.net(model, dtype) for dtype in (EXACT, FAST)}
        except (NetFileError, OSError) as error:
            yield Row(f"{model}: gradients against Caffe's", "≤ 1e-09", f"not measured: {error}")
            continue
        worst, values = dict.fromkeys(nets, 0.0), 0.0
        ends = [key.removeprefix("g:") for key in golden if key.startswith("g:")]
        for end in ends:
            made = {}
            for dtype, net in nets.items():
                found = _gradient(net, end, pydream.preprocess(net, golden["image"]))[0]
                worst[dtype] = max(worst[dtype], distance(found, golden[f"g:{end}"]))
                made[dtype] = net.blobs[end].data.copy()
            values = max(values, distance(made[FAST], made[EXACT]))
        of = f"of {len(ends)} layers, the largest distance"
        yield at_most(f"{model}: gradients {of} from Caffe's, float64", 1e-9, worst[EXACT])
        yield at_most(f"{model}: gradients {of} from Caffe's float64, float32", 1e-5, worst[FAST])
        yield at_most(f"{model}: values {of}, float32 from float64", 2e-6, values)
        apart = [_random_image(nets, ENDS[model], seed) for seed in range(3)]
        yield at_most(f"{model}: gradient on noise, float32 from float64", 2e-2, max(apart))


def _random_image(nets: dict[str, Net], end: str, seed: int) -> float:
    image = np.random.RandomState(seed).uniform(0, 255, (97, 128, 3)).astype(np.float32)
    found = {dtype: _gradient(net, end, pydream.preprocess(net, image)).copy() for dtype, net in nets.items()}
    return distance(found[FAST], found[EXACT])


def pooling_gradient(place: Place) -> Iterator[Row]:
    """The operation of the exact mode's max pooling backwards: is there a kernel, and does it add up the same?"""
    tf, rng = tensorflow(), np.random.RandomState(0)
    out, kernel, stride, shape = (37, 53), 3, 2, (1, 75, 107, 16)
    corner = (np.arange(out[0])[:, None, None] * stride * shape[2] + np.arange(out[1])[:, None] * stride) * shape[3]
    tap = rng.randint(0, kernel, (2, 1, *out, shape[3]))
    places = corner + (tap[0] * shape[2] + tap[1]) * shape[3] + np.arange(shape[3])
    diff = rng.standard_normal(places.shape)
    found = {}
    for device in ("CPU:0", place.device):
        with tf.device(device):
            found[device] = tf.raw_ops.MaxPoolGradWithArgmax(
                input=tf.zeros(shape, tf.float64),
                grad=tf.constant(diff),
                argmax=tf.constant(places),
                ksize=[1, kernel, kernel, 1],
                strides=[1, stride, stride, 1],
                padding="VALID",
            )
    there = found[place.device]
    ran = there.device.rpartition("device:")[2]
    yield Row("MaxPoolGradWithArgmax, float64: runs on", place.device, ran, ran == place.device)
    apart = distance(there.numpy(), found["CPU:0"].numpy())
    yield at_most("MaxPoolGradWithArgmax, float64: distance from the CPU's", 1e-12, apart)


def winners(place: Place) -> Iterator[Row]:
    """Of equal values the first wins, and gets the gradient; in float64 of values that are nearly equal, too."""
    for dtype in (EXACT, FAST):
        for name, text in POOLINGS.items():
            both = [_pooled(text, dtype, *where) for where in (("numpy", "cpu"), ("tensorflow", place.name))]
            (top, back), (their_top, their_back) = both
            wrong = int(np.count_nonzero(top != their_top))
            yield none_of(f"max pooling, {name}, {dtype}: values unlike NumPy's", wrong, top.size)
            limit = 1e-12 if dtype == EXACT else 1e-6
            yield at_most(f"max pooling, {name}, {dtype}: gradient from NumPy's", limit, distance(their_back, back))


def _pooled(text: str, dtype: str, runtime: str, device: str) -> tuple[Any, Any]:
    """Return the maxima, and the gradient for random numbers at them, of a picture with many ties."""
    definition = f"""
        layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 8 dim: 45 dim: 62 }} }} }}
        layer {{ name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param {{ {text} }} }}
    """
    graph = graph_of(text_format.Parse(definition, caffe_pb2.NetParameter()), "pooling")
    net, rng = Net(graph, {}, dtype, runtime, device), np.random.RandomState(1)
    values = rng.randint(1, 4, (1, 8, 45, 62)).astype(np.float64)
    if dtype == EXACT:
        values += rng.uniform(0, 1e-12, values.shape)
    net.blobs["data"].data[...] = values
    net.forward(end="pool")
    top = net.blobs["pool"].data.copy()
    net.blobs["pool"].diff[...] = rng.standard_normal(top.shape)
    net.backward(start="pool")
    return top, net.blobs["data"].diff.copy()


def tiles(place: Place) -> Iterator[Row]:
    """The gradient in tiles is the gradient, as docs/tiles.md promises."""
    for dtype, most in ((EXACT, 1e-10), (FAST, network.POOLING_ALLOWED)):
        net, end = place.net(SQUEEZENET, dtype), ENDS[SQUEEZENET]
        image = inputs.image(195, 277, net.mean)
        whole = _gradient(net, end, image)[0].copy()
        net.blobs["data"].data[0] = image
        worker = tiled(net, (end,), 96)
        worker.forward(end=end, tensor=worker.feed(net.blobs["data"].data[0], 0, 0, native_ops))
        network.objective_L2(worker.blobs[end])
        parts = np.array(worker.gradient((end,)))[0].transpose(2, 0, 1)
        yield at_most(
            f"{SQUEEZENET}, 277x195 in tiles of 96, {dtype}: gradient from the whole's", most, distance(parts, whole)
        )


def again(place: Place) -> Iterator[Row]:
    """A dream in float32 is the same every time on one machine."""
    net, picture = place.net(SQUEEZENET, FAST), inputs.picture(192, 256)
    made = [to_pixels(pydream.deepdream(net, picture, rng=np.random.RandomState(0), tile=0)) for _ in range(2)]
    yield none_of(
        "a float32 dream again, 256x192: other bytes", int(np.count_nonzero(made[0] != made[1])), made[0].size
    )


# Memory and traces.


def memory(place: Place) -> Iterator[Row]:
    """A dream takes what tiles expect of it, and a second one no more."""
    net, end, size = place.net(SQUEEZENET, FAST), ENDS[SQUEEZENET], place.sizes[0]
    about = f"{SQUEEZENET}'s dream, {table.size(*size)}, float32"
    if not place.gpu:
        yield Row(f"{about}: memory of the GPU", "the estimate of a step", "not measured: not a GPU")
        return
    about_memory = tensorflow().config.experimental
    picture, before = inputs.picture(*size), about_memory.get_memory_info(place.device)["current"]
    left = []
    about_memory.reset_memory_stats(place.device)
    for _ in range(2):
        pydream.deepdream(net, picture, rng=np.random.RandomState(0), iter_n=3, tile=0)
        left.append(about_memory.get_memory_info(place.device)["current"])
    taken = about_memory.get_memory_info(place.device)["peak"] - before
    estimate = net.step_bytes([end], *size) + picture.nbytes
    expected = f"≤ {table.memory(estimate)}, the estimate of a step"
    yield Row(f"{about}: memory of the GPU", expected, table.memory(taken), taken <= estimate)
    yield at_most(f"{about}: bytes that a second leaves", GROWN, left[1] - left[0])


def traces(place: Place) -> Iterator[Row]:
    """One trace serves every size."""
    for dtype in (FAST, EXACT):
        net, end = place.net(SQUEEZENET, dtype), ENDS[SQUEEZENET]
        counts = []
        for size in ((120, 160), (97, 131), (240, 180), (64, 300)):
            _gradient(net, end, inputs.image(*size, net.mean))
            counts.append(len(net.runtime._traced))
        yield none_of(f"{SQUEEZENET}, {dtype}: new traces for three more sizes", counts[-1] - counts[0], 3)
