"""What TensorFlow runs in another way than layer by layer: the same numbers."""

import contextlib

import numpy as np
import pytest
from support import nets

import pydream
from pydream.runtime import layers
from pydream.runtime.on_tensorflow.door import prepare_gpus, tensorflow
from pydream.runtime.on_tensorflow.fusion import ConcatConvolution, RectifiedPooling
from pydream.runtime.on_tensorflow.layers import RUNNERS
from pydream.runtime.on_tensorflow.runner import TFRunner
from pydream.runtime.on_tensorflow.runtime import TensorFlowRuntime

SIZES = [(11, 12), (12, 13), (13, 11), (14, 16), (17, 15)]


def both_ways(net, x, diff):
    """The output for an input of (n, c, h, w), and the gradient there for `diff` at the output."""
    net.blobs["data"].reshape(*x.shape)
    net.blobs["data"].data[...] = x
    net.forward()
    (end,) = net.outputs
    net.blobs[end].diff[...] = diff(net.blobs[end].shape)
    net.backward()
    return net.blobs[end].data, net.blobs["data"].diff


def normal(shape):
    return np.random.RandomState(1).standard_normal(shape)


@pytest.mark.parametrize(
    ("kernel", "stride", "pad"),
    [((7, 7), (2, 2), (3, 3)), ((11, 11), (4, 4), (0, 0)), ((3, 3), (2, 2), (0, 0)), ((3, 3), (2, 2), (1, 1)),
     ((2, 5), (3, 2), (1, 4)), ((1, 1), (2, 2), (0, 0)), ((2, 2), (3, 3), (2, 0)), ((4, 3), (1, 3), (5, 4)),
     ((3, 3), (2, 2), (5, 6))],
)  # fmt: skip
def test_phases_at_every_size(kernel, stride, pad):
    """A strided convolution's gradient is a convolution to the stride's phases: whatever the remainders of the size."""
    text = (
        f"convolution_param {{ num_output: 5 kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} "
        f"stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} }}"
    )
    text = nets.inputs(data=(1, 3, 12, 12)) + nets.layer("conv", "Convolution", "data", "conv", text)
    weights = {"conv": [nets.normal(np.random.default_rng(0), 5, 3, *kernel), np.ones(5)]}
    found = nets.build(text, "float32", **weights)
    expected = nets.build(text, "float64", runtime="numpy", **weights)
    assert found.runtime.runner(found.graph.steps[0]).phases is not None
    for size in SIZES:
        x = np.random.RandomState(0).standard_normal((2, 3, *size))
        for mine, theirs in zip(both_ways(found, x, normal), both_ways(expected, x, normal), strict=True):
            assert nets.off(mine, theirs) < 2e-6, size


POOLED = (
    nets.inputs(data=(1, 2, 9, 9))
    + nets.layer("relu", "ReLU", "data", "data")
    + nets.layer("pool", "Pooling", "data", "pool", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
)


def kinds(net, values):
    return [type(step.layer) for step in net.runtime.steps(values, 1)]


@pytest.mark.parametrize(
    ("text", "fused"),
    [
        (POOLED, True),
        (
            POOLED.replace(
                '"ReLU" bottom: "data" top: "data"',
                '"ReLU" bottom: "data" top: "data" relu_param { negative_slope: 0.1 }',
            ),
            False,
        ),
        (POOLED.replace("kernel_size", "pool: AVE kernel_size"), False),
        (POOLED.replace("kernel_size: 3 stride: 2 pad: 1", "global_pooling: true"), True),
        (
            POOLED + nets.layer("sum", "Eltwise", "pool pool", "sum") + nets.layer("aside", "TanH", "data", "aside"),
            True,
        ),
        (POOLED + nets.layer("join", "Flatten", "data", "flat"), True),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rectifier_and_the_pooling_that_reads_it_are_one(text, fused, dtype):
    net, plain = nets.build(text, dtype), nets.build(text, "float64", runtime="numpy")
    pool = net.graph.index("pool")
    (pooled,) = net.graph.steps[pool].tops
    assert [type(step.layer) for step in net.runtime.steps([pooled], pool)] == (
        [RectifiedPooling] if fused else [layers.ReLU, layers.Pooling]
    )
    for size in [(9, 9), (8, 7)]:
        x = nets.spread(np.random.default_rng(3), (2, 2, *size))
        found = []
        for each in (net, plain):
            each.blobs["data"].reshape(*x.shape)
            each.blobs["data"].data[...] = x
            each.forward(end="pool")
            each.blobs["pool"].diff[...] = normal(each.blobs["pool"].shape)
            each.backward(start="pool")
            found.append((each.blobs["pool"].data, each.blobs["data"].diff))
        for mine, theirs in zip(*found, strict=True):
            assert nets.off(mine, theirs) < (1e-12 if dtype == "float64" else 2e-6)


CONCATENATED = (
    nets.inputs(data=(1, 4, 9, 9), other=(1, 3, 9, 9))
    + nets.layer("side by side", "Concat", "data other", "both")
    + nets.layer("conv", "Convolution", "both", "conv", "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }")
)


@pytest.mark.parametrize(
    ("text", "fused"),
    [
        (CONCATENATED, True),
        (CONCATENATED.replace("pad: 1", "stride: 2"), True),
        (CONCATENATED.replace("pad: 1", "pad: 1 dilation: 2 pad: 0"), True),
        (CONCATENATED.replace("pad: 1", "bias_term: false"), True),
        (
            CONCATENATED.replace('bottom: "other"', 'bottom: "data"').replace(
                "shape {dim: 1 dim: 3", "shape {dim: 1 dim: 4"
            ),
            True,
        ),
        (CONCATENATED.replace('bottom: "other"', 'bottom: "other" bottom: "data"'), False),
        (CONCATENATED.replace("pad: 1", "pad: 1 group: 1") + nets.layer("more", "TanH", "both", "more"), False),
    ],
)
def test_a_concatenation_and_the_convolution_that_reads_it_are_one(text, fused):
    rng = np.random.default_rng(0)
    channels = 4 * text.count('bottom: "data" bottom: "data"') or 3
    ins = 4 + channels + 4 * text.count('bottom: "other" bottom: "data"')
    weights = {"conv": [nets.normal(rng, 6, ins, 3, 3), *([] if "bias_term" in text else [nets.normal(rng, 6)])]}
    net, plain = nets.build(text, "float32", **weights), nets.build(text, "float64", runtime="numpy", **weights)
    conv = net.graph.index("conv")
    values = [step.tops[0] for step in net.graph.steps[conv:]]
    last = len(net.graph.steps) - 1
    kinds = [type(step.layer) for step in net.runtime.steps(values, last)][:2]
    assert (kinds[0] is ConcatConvolution) == fused
    exact = nets.build(text, "float64", **weights)
    assert type(exact.runtime.steps(values, last)[0].layer) is layers.Concat
    for size in [(9, 9), (8, 7)]:
        found = []
        for each in (net, plain):
            for name, count in (("data", 4), ("other", channels)):
                each.blobs[name].reshape(2, count, *size)
                each.blobs[name].data[...] = np.random.RandomState(count).standard_normal((2, count, *size))
            each.forward(end="conv")
            each.blobs["conv"].diff[...] = normal(each.blobs["conv"].shape)
            each.backward(start="conv")
            found.append((each.blobs["conv"].data, each.blobs["data"].diff, each.blobs["other"].diff))
        for mine, theirs in zip(*found, strict=True):
            assert nets.off(mine, theirs) < 2e-6


JOINED = (
    nets.inputs(data=(1, 4, 9, 9))
    + nets.layer("one", "Convolution", "data", "one", "convolution_param { num_output: 3 kernel_size: 1 }")
    + nets.layer("relu", "ReLU", "one", "one")
    + nets.layer("both", "Concat", "one data", "both")
    + nets.layer("pool", "Pooling", "both", "pool", "pooling_param { kernel_size: 3 stride: 2 }")
    + nets.layer("conv", "Convolution", "pool", "conv", "convolution_param { num_output: 5 kernel_size: 1 }")
)


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        (JOINED, True),
        (JOINED.replace("kernel_size: 3", "pad: 1 kernel_size: 3"), True),
        (JOINED.replace('bottom: "one" bottom: "data"', 'bottom: "one" bottom: "data" bottom: "one"'), False),
        (JOINED.replace('bottom: "one" bottom: "data"', 'bottom: "one" bottom: "one"'), False),
        (JOINED.replace("kernel_size: 3", "pool: AVE kernel_size: 3"), False),
        (JOINED + nets.layer("more", "TanH", "both", "more"), False),
    ],
)
def test_what_is_pooled_before_it_is_concatenated(text, apart):
    """Each part's maximum is the whole's; a concatenation that others read, or that is wanted, is made."""
    rng = np.random.default_rng(0)
    ins = 7 + 3 * text.count('bottom: "data" bottom: "one"') - text.count('bottom: "one" bottom: "one"')
    shapes = {"one": (3, 4, 1, 1), "conv": (5, ins, 1, 1)}
    weights = {name: [nets.normal(rng, *shape), nets.normal(rng, shape[0])] for name, shape in shapes.items()}
    net, plain = nets.build(text, "float32", **weights), nets.build(text, "float64", runtime="numpy", **weights)
    values = [net.graph.first_value(name) for name in net.outputs]
    last = len(net.graph.steps) - 1

    def kinds(each, *kept):
        return [type(step.layer) for step in each.runtime.steps(values, last, kept)]

    assert (kinds(net) == [layers.Convolution, RectifiedPooling, layers.Pooling, ConcatConvolution]) == apart
    assert layers.Concat in kinds(net, net.graph.first_value("both"))
    assert layers.Concat in kinds(nets.build(text, "float64", **weights))
    for size in [(9, 9), (8, 7)]:
        found = []
        for each in (net, plain):
            each.blobs["data"].reshape(2, 4, *size)
            each.blobs["data"].data[...] = nets.spread(np.random.default_rng(1), (2, 4, *size))
            each.forward(end="conv")
            each.blobs["conv"].diff[...] = normal(each.blobs["conv"].shape)
            each.backward(start="conv")
            found.append((each.blobs["conv"].data, each.blobs["data"].diff, each.blobs["both"].diff))
        for mine, theirs in zip(*found, strict=True):
            assert nets.off(mine, theirs) < 2e-6


@pytest.mark.parametrize("copied", [True, False])
def test_the_gradient_at_a_concatenation_that_is_not_made(copied):
    """It is computed when it is read, whether forward and backward were one trace or two."""
    rng = np.random.default_rng(0)
    weights = {"conv": [nets.normal(rng, 6, 7, 3, 3), nets.normal(rng, 6)]}
    found = []
    for dtype, runtime in (("float32", "tensorflow"), ("float64", "numpy")):
        net = nets.build(CONCATENATED, dtype, runtime=runtime, **weights)
        for blob in (net.blobs["data"], net.blobs["other"]):
            blob.data[...] = np.random.RandomState(2).standard_normal(blob.shape)
        net.forward(end="conv")
        if copied:
            net.blobs["conv"].copy_data_to_diff()
        else:
            net.blobs["conv"].diff[...] = normal(net.blobs["conv"].shape)
        net.backward(start="conv")
        found.append([net.blobs[name].diff for name in ("data", "both", "other")])
    for mine, theirs in zip(*found, strict=True):
        assert nets.off(mine, theirs) < 2e-6


@pytest.mark.parametrize(
    ("text", "kind", "shapes"),
    [(POOLED, RectifiedPooling, []), (CONCATENATED, ConcatConvolution, [(6, 7, 3, 3), (6,)])],
)
def test_backward_of_what_is_one_reads_the_memo_alone(text, kind, shapes):
    """Runners that have not run forward go back from the memos of others."""
    rng = np.random.default_rng(0)
    weights = {"conv": [nets.normal(rng, *shape) for shape in shapes]} if shapes else {}
    found = []
    for new in (False, True):
        net = nets.build(text, "float32", **weights)
        for name in net.inputs:
            net.blobs[name].data[...] = nets.spread(np.random.default_rng(3), net.blobs[name].shape)
        (end,) = net.outputs
        assert net.forward()[end].any()
        assert [type(runner.layer) for runner in net.runtime._made.values()] == [kind]
        if new:
            net.runtime._made.clear()
        net.blobs[end].diff[...] = normal(net.blobs[end].shape)
        net.backward()
        found.append([net.blobs[name].diff for name in net.inputs])
    for kept, made_anew in zip(*found, strict=True):
        np.testing.assert_array_equal(kept, made_anew)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 3)])
def test_largest_values_at_every_size(kernel, stride):
    """Whatever the stride leaves of a map: what TensorFlow need not pad is pooled as what it must."""
    text = nets.inputs(data=(1, 2, 12, 12)) + nets.layer(
        "pool", "Pooling", "data", "pool", f"pooling_param {{ kernel_size: {kernel} stride: {stride} }}"
    )
    found, expected = nets.build(text, "float32"), nets.build(text, "float64", runtime="numpy")
    for size in [(h, w) for h in range(6, 12) for w in range(6, 12)]:
        x = nets.spread(np.random.default_rng(1), (2, 2, *size), high=-1.0)  # all below 0, which would be a padding's
        for mine, theirs in zip(both_ways(found, x, normal), both_ways(expected, x, normal), strict=True):
            assert nets.off(mine, theirs) < 1e-6, size


def test_what_is_asked_for_is_made():
    """A rectifier whose value is wanted, or read by others as well, is run."""
    net = nets.build(POOLED + nets.layer("join", "Eltwise", "data data", "join"))
    _, rectified, pooled, joined = range(4)
    for values in ([rectified, pooled], [pooled, joined]):
        assert [type(step.layer) for step in net.runtime.steps(values, 2)][:2] == [layers.ReLU, layers.Pooling]


def test_runners_of_ones_own_run_one_by_one():
    class Mine(TensorFlowRuntime):
        runners = {**RUNNERS}  # noqa: RUF012

    net = nets.build(POOLED, runtime=Mine)
    assert [type(step.layer) for step in net.runtime.steps([2], 1)] == [layers.ReLU, layers.Pooling]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(97, 128), (66, 75)])
def test_at_once_and_one_after_the_other_are_the_same_bits(dtype, size):
    """A dream with the notebook's objective is one trace; two where the activations are read first."""
    net = pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime="tensorflow")
    net.blobs["data"].reshape(1, 3, *size)
    net.blobs["data"].data[...] = np.random.RandomState(0).uniform(-100, 130, (1, 3, *size))
    net.forward(end="fire8/concat")
    net.blobs["fire8/concat"].copy_data_to_diff()
    at_once = net.gradient("fire8/concat")
    copied = net.blobs["fire8/concat"].diff.copy()
    net.forward(end="fire8/concat")
    net.blobs["fire8/concat"].diff[...] = net.blobs["fire8/concat"].data
    np.testing.assert_array_equal(net.gradient("fire8/concat"), at_once)
    np.testing.assert_array_equal(net.blobs["fire8/concat"].diff, copied)
    assert {key[0] for key in net.runtime._traced} == {"gradient", "forward", "backward"}


def test_a_copy_is_of_the_pass_that_was_last():
    """It is made when it is read; the next pass does not change it."""
    net = nets.build(nets.inputs(data=(1, 3)) + nets.layer("it", "TanH", "data", "out"))
    net.forward(data=[[1, 2, 3]])
    net.blobs["out"].copy_data_to_diff()
    net.forward(data=[[4, 5, 6]])
    np.testing.assert_allclose(net.blobs["out"].diff, np.tanh([[1, 2, 3]]), rtol=1e-12)
    np.testing.assert_allclose(net.blobs["out"].data, np.tanh([[4, 5, 6]]), rtol=1e-12)


def test_weights_are_on_the_device_that_runs_them(monkeypatch):
    """Elsewhere they would be copied at every pass."""
    tf, scopes, seen = tensorflow(), [], []

    @contextlib.contextmanager
    def device(name):
        scopes.append(name)
        yield
        scopes.pop()

    def constant(runner, array):
        seen.append(scopes[-1:])
        return tf.constant(np.asarray(array, runner.dtype))

    net = nets.build(
        nets.inputs(data=(1, 2, 4, 5))
        + nets.layer("fc", "InnerProduct", "data", "fc", "inner_product_param { num_output: 3 }"),
        fc=[np.ones((3, 40)), np.ones(3)],
    )
    monkeypatch.setattr(tf, "device", device)
    monkeypatch.setattr(TFRunner, "constant", constant)
    net.forward()
    assert seen == [["CPU:0"]] * 2
    assert not scopes


class FakeGpus:
    """TensorFlow with so many GPUs: what is set before anything runs on them."""

    def __init__(self, count):
        self.config = self.experimental = self
        self.gpus, self.set = [f"gpu {number}" for number in range(count)], []

    def list_physical_devices(self, kind):
        return self.gpus if kind == "GPU" else ["cpu"]

    def set_memory_growth(self, gpu, grows):
        self.set.append((gpu, grows))

    def enable_tensor_float_32_execution(self, on):
        self.set.append(("TensorFloat-32", on))


def test_a_gpu_is_shared_and_multiplies_float32():
    gpus = FakeGpus(2)
    prepare_gpus(gpus)
    assert gpus.set == [("gpu 0", True), ("gpu 1", True), ("TensorFloat-32", False)]
    prepare_gpus(none := FakeGpus(0))
    assert not none.set
