"""Where layers in place overwrite what Caffe's backward reads, its gradient comes out and not the derivative."""

import warnings

import numpy as np
import pytest
from support import nets, oracle

import pydream
from pydream.errors import NetFileError, UnlikeCaffeWarning

SHAPE = (2, 3, 4, 5)
X = nets.normal(np.random.default_rng(0), *SHAPE)
G = nets.normal(np.random.default_rng(1), *SHAPE)
ROW = "inner_product_param { num_output: 7 bias_term: false }"
DOUBLE = nets.layer("double", "Scale", "y", "y", "scale_param { num_axes: 0 }")


def build_net(build, *layers, dtype="float64", **weights):
    """Layers on the blob y, which is a copy of the input."""
    return build(nets.inputs(x=SHAPE) + nets.layer("copy", "Dropout", "x", "y") + "".join(layers), dtype, **weights)


def gradient(net, x=X, diff=G, end=None):
    net.forward(end=end, x=x)
    (blob,) = [end] if end else net.outputs
    net.blobs[blob].diff[...] = diff
    net.backward(start=end)
    return net.blobs["x"].diff.copy()


def lrn_scale(x):
    near = np.pad(x * x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return 1 + 0.5 / 3 * (near[:, :-2] + near[:, 1:-1] + near[:, 2:])


def lrn(x, y, g, in_place):
    """What CrossChannelBackward computes; in place with s^-beta written over g, and y in place of x."""
    s = lrn_scale(x)
    passed = (s**-0.75 if in_place else g) * s**-0.75
    ratio = np.pad((passed if in_place else g) * y / s, ((0, 0), (1, 1), (0, 0), (0, 0)))
    x = y if in_place else x
    return passed - 2 * 0.5 * 0.75 / 3 * x * (ratio[:, :-2] + ratio[:, 1:-1] + ratio[:, 2:])


def mvn(x, y, g, in_place):
    mean = lambda v: v.mean((2, 3), keepdims=True)  # noqa: E731
    s = np.sqrt(mean((x - mean(x)) ** 2)) + 1e-9
    if in_place:
        return -2 * (y + y.sum((2, 3), keepdims=True)) * mean(g * y) / s
    return (g - mean(g) - y * mean(g * y)) / s


def softmax(x, y, g, in_place):
    return y * (g - (g * y).sum(1, keepdims=True))


LRN = "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }"
POWER = "power_param {{ power: {} scale: 0.5 shift: {} }}"

# Type, constants; the gradient of x, what is in the top's blob at last, g, and whether the top is the bottom's blob.
CASES = [
    ("ReLU", "relu_param { negative_slope: -0.5 }", lambda x, y, g, at: g * np.where((y if at else x) > 0, 1, -0.5)),
    ("Sigmoid", "", lambda x, y, g, at: g * y * (1 - y)),
    ("TanH", "", lambda x, y, g, at: g * (1 - y * y)),
    ("ELU", "elu_param { alpha: 0.5 }", lambda x, y, g, at: np.where((y if at else x) > 0, g, g * (0.5 + y))),
    ("Exp", "exp_param { scale: 0.5 }", lambda x, y, g, at: g * y * 0.5),
    ("Swish", "", lambda x, y, g, at: g * (y + (1 - y) / (1 + np.exp(-x)))),
    ("BNLL", "", lambda x, y, g, at: g / (1 + np.exp(-(y if at else x)))),
    ("Clip", "clip_param { min: -0.5 max: 0.5 }", lambda x, y, g, at: g * (np.abs(y if at else x) <= 0.5)),
    ("Log", "log_param { scale: 0.5 shift: 9 }", lambda x, y, g, at: (0.5 / (9 + y / 2)) ** 2 if at else g / (18 + x)),
    ("Power", POWER.format(1, 3), lambda x, y, g, at: np.full(SHAPE, 0.25) if at else g / 2),
    ("Power", POWER.format(0, 3), lambda x, y, g, at: np.zeros(SHAPE)),
    ("Power", POWER.format(2, 3), lambda x, y, g, at: (3 + y / 2) ** 2 if at else g * (3 + x / 2)),
    ("Power", POWER.format(3, 0), lambda x, y, g, at: np.full(SHAPE, 9.0) if at else g * 3 * y / x),
    ("Power", POWER.format(3, 9),
     lambda x, y, g, at: (1.5 * y / (9 + y / 2)) ** 2 if at else g * 1.5 * y / (9 + x / 2)),
    ("Softmax", "", softmax),
    ("LRN", LRN, lrn),
    ("MVN", "", mvn),
    ("MVN", "mvn_param { normalize_variance: false }", lambda x, y, g, at: g - g.mean((2, 3), keepdims=True)),
]  # fmt: skip


@pytest.mark.parametrize("at", [False, True], ids=["behind", "in place"])
def test_what_is_overwritten_is_read(build, at):
    """Each layer alone, and with a layer in place behind it; in place itself, and as the maker of a blob."""
    for kind, rest, formula in CASES:
        it = nets.layer("it", kind, "y", "y", rest) if at else nets.layer("it", kind, "x", "y", rest)
        for behind in (False, True):
            before = nets.layer("copy", "Dropout", "x", "y") if at else ""
            text = nets.inputs(x=SHAPE) + before + it + (DOUBLE if behind else "")
            net = build(text, **({"double": [2.0]} if behind else {}))
            top = net.forward(x=X)["y"]
            if kind == "LRN" and at:
                assert np.allclose(top / (2 if behind else 1), lrn_scale(X) ** -1.5, rtol=1e-12)
            wanted = formula(X, top, G * 2 if behind else G, at)
            assert nets.off(gradient(net), wanted) < 1e-12, (kind, rest, behind)


def test_what_keeps_its_values_is_right(build):
    batch = "batch_norm_param { use_global_stats: false }"
    net = build_net(
        build,
        nets.layer("bn", "BatchNorm", "y", "y", batch),
        nets.layer("prelu", "PReLU", "y", "y"),
        nets.layer("bias", "Bias", "y", "y"),
        DOUBLE,
        bn=[np.zeros(3), np.zeros(3), np.zeros(1)],
        prelu=[np.float64([0.25, -0.5, 2])],
        bias=[np.float64([1, 2, 3])],
        double=[2.0],
    )
    y, first = oracle.batch_statistics(X)
    _, second = oracle.prelu(y, np.float64([0.25, -0.5, 2]))
    assert nets.off(gradient(net), first(second(2 * G)[0])[0]) < 1e-12


def test_a_sum_onto_its_own_bottom(build):
    """Caffe empties the top before it adds: the first bottom counts as 0, and all the same has its gradient."""
    text = nets.inputs(x=SHAPE, b=SHAPE) + nets.layer("copy", "Dropout", "x", "y")
    text += nets.layer("it", "Eltwise", "y b", "y", "eltwise_param { coeff: 0.5 coeff: -2 }")
    net = build(text)
    assert np.array_equal(net.forward(x=X, b=G)["y"], -2 * G)
    net.blobs["y"].diff[...] = G
    net.backward()
    assert np.array_equal(net.blobs["x"].diff, G / 2)
    assert np.array_equal(net.blobs["b"].diff, -G)  # of what has been written over the gradient that came


def test_what_has_not_run_overwrites_nothing(build):
    text = nets.inputs(x=SHAPE) + nets.layer("y", "TanH", "x", "y") + DOUBLE + nets.layer("z", "ReLU", "y", "z")
    right, doubled = (G * (1 - (k * np.tanh(X)) ** 2) for k in (1, 2))
    for read in (False, True):
        net = build(text, double=[2.0])
        assert nets.off(gradient(net, end="y"), right) < 1e-12
        net.forward(x=X)
        if read:
            assert net.blobs["z"].data.any()
        net.blobs["y"].diff[...] = G
        net.backward(start="y")  # the layer in place behind it has run by now
        assert nets.off(net.blobs["x"].diff, doubled) < 1e-12


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_rectifier_that_would_be_one_with_the_pooling(build, dtype):
    """TensorFlow runs a rectifier and a pooling as one, unless what it makes is read back."""
    pooling = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
    text = nets.inputs(x=SHAPE) + nets.layer("y", "TanH", "x", "y") + nets.layer("bend", "ReLU", "y", "y")
    net = build(text + nets.layer("z", "Pooling", "y", "z", pooling), dtype)
    y = np.maximum(np.tanh(X), 0)
    _, pool = oracle.max_pooling(y, kernel=(2, 2), stride=(2, 2))
    diff = G[:, :, :2, :3]
    wanted = pool(diff)[0] * (y > 0) * (1 - y * y)
    assert nets.off(gradient(net, diff=diff, end="z"), wanted) < (1e-12 if dtype == "float64" else 1e-6)


SHARING = {
    "Split": ("", lambda v: v),
    "Flatten": ("", lambda v: v.reshape(2, -1)),
    "Reshape": ("reshape_param { shape { dim: 0 dim: -1 } }", lambda v: v.reshape(2, -1)),
    "Slice": ("", lambda v: v),
    "Concat": ("", lambda v: v),
}


@pytest.mark.parametrize("kind", SHARING)
def test_memory_that_blobs_share(build, kind):
    """A layer in place on one changes all that are read later; gradients go as if nothing was shared."""
    rest, fold = SHARING[kind]
    tops = "a b" if kind == "Split" else "a"
    other = "b" if kind == "Split" else "y"
    net = build_net(
        build,
        nets.layer("early", "Power", "y", "early", "power_param { scale: 3 }"),
        nets.layer("share", kind, "y", tops, rest),
        nets.layer("bend", "ReLU", "a", "a"),
        nets.layer("late", "Power", other, "late", "power_param { scale: 2 }"),
    )
    assert net.layer_names == ["copy", "early", "share", "bend", "late"]
    net.forward(x=X)
    assert np.array_equal(net.blobs["early"].data, 3 * X)
    assert np.array_equal(net.blobs["a"].data, fold(np.maximum(X, 0)))
    assert np.array_equal(net.blobs["late"].data, 2 * np.maximum(X, 0))
    net.blobs["early"].diff[...] = net.blobs["late"].diff[...] = G
    net.blobs["a"].diff[...] = fold(G)
    net.backward()
    assert nets.off(net.blobs["x"].diff, 3 * G + 2 * G + G * (X > 0)) < 1e-12


def test_what_may_differ_is_said(tmp_path):
    text = (
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 5\n'
        + nets.layer("c", "Convolution", "data", "c", "convolution_param { num_output: 3 kernel_size: 1 }")
        + nets.layer("y", "TanH", "c", "y")
    )
    shared = nets.layer("flat", "Flatten", "y", "flat") + nets.layer("bend", "ReLU", "flat", "flat")
    weights = nets.weights(c=[np.ones((3, 3, 1, 1)), np.zeros(3)]).SerializeToString()
    (tmp_path / "net.caffemodel").write_bytes(weights)
    for rest, said in (
        ("", None),
        (shared, "net: Caffe's gradient may be another where layers overwrite what it reads: 'bend'"),
        (nets.layer("most", "Eltwise", "y data", "y", "eltwise_param { operation: MAX }"), "reads: 'most'"),
    ):
        (tmp_path / "net.prototxt").write_text(text + rest)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pydream.load_net(tmp_path / "net.prototxt", runtime="numpy")
        found = [str(each.message) for each in caught if each.category is UnlikeCaffeWarning]
        assert len(found) == (said is not None)
        assert not said or said in found[0]


def test_memory_that_too_many_blobs_share(build):
    names = [f"t{i}" for i in range(200)]
    text = nets.inputs(x=(1, 1)) + nets.layer("it", "Split", "x", " ".join(names))
    text += "".join(nets.layer(name, "ReLU", name, name) for name in names)
    with pytest.raises(NetFileError, match="in place on memory that too many blobs share"):
        build(text)
