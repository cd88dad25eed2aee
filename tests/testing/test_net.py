"""Our runtimes pass; ports with a mistake are caught where it shows first, and the mistake is named."""

import numpy as np
import pytest
from support import nets, oracle

import pydream
from pydream import net as seam
from pydream.dream import objectives
from pydream.dream.objectives import objective_guide
from pydream.errors import ShapeError
from pydream.formats.caffe.layers import graph_of
from pydream.net import Affine, Match
from pydream.runtime import layers
from pydream.runtime.on_numpy.runtime import NumpyRuntime
from pydream.testing import ConformanceError, check_net
from pydream.testing.mistakes import KNOWN

CONV, POOL, RELU = (NumpyRuntime.runners[kind] for kind in (layers.Convolution, layers.Pooling, layers.ReLU))


def load(dtype="float64", **runners):
    """The built-in network with other runners: Pooling=…, ReLU=…."""
    changed = {getattr(layers, kind): runner for kind, runner in runners.items()}
    runtime = type("Port", (NumpyRuntime,), {"runners": {**NumpyRuntime.runners, **changed}})
    return pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime=runtime)


class Port:
    """A network that delegates to another; subclasses and attributes change parts."""

    def __init__(self, net):
        self.net = net

    def __getattr__(self, name):
        return getattr(self.net, name)


def first_failure(net):
    with pytest.raises(ConformanceError) as error:
        check_net(net)
    failure = error.value.report.failures[0]
    assert str(error.value).splitlines()[1] == f"  {failure.name}: {failure.fault}"
    return failure


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("runtime", ["tensorflow", "numpy"])
def test_ours(runtime, dtype):
    report = check_net(pydream.load_net("squeezenet_v1.1", dtype=dtype, runtime=runtime))
    names = [step.name for step in report.steps]
    assert "forward to 'pool10'" in names
    assert "backward from 'fire8/concat'" in names
    assert ("backward from 'prob' in a flat picture of 255" in names) == (dtype == "float64")
    assert "gradients in other blobs" in names
    assert str(report).startswith("check_net of squeezenet_v1.1: ")


def test_another_network(shared):
    weights = shared / "models" / "bvlc_googlenet.caffemodel"
    net = pydream.load_net("bvlc_googlenet", weights, dtype="float32", runtime="numpy")
    report = check_net(net, "bvlc_googlenet", weights)
    assert "backward from 'inception_5b/output'" in [step.name for step in report.steps]

    class Undivided(NumpyRuntime.runners[layers.LRN]):
        def neighbours(self, x):
            return super().neighbours(x) * self.layer.local_size

    class Mine(NumpyRuntime):
        runners = {**NumpyRuntime.runners, layers.LRN: Undivided}  # noqa: RUF012

    net = pydream.load_net("bvlc_googlenet", weights, dtype="float64", runtime=Mine)
    with pytest.raises(ConformanceError, match=r"forward to 'pool1/norm1': .* as if LRN's alpha were not divided"):
        check_net(net, "bvlc_googlenet", weights)


# A network of the rarer layers.


def conv(**numbers):
    return "convolution_param { " + " ".join(f"{name}: {number}" for name, number in numbers.items()) + " }"


RARE = nets.inputs(data=(1, 3, 64, 83)) + "".join(
    nets.layer(name, kind, bottoms, tops, rest)
    for name, kind, bottoms, tops, rest in (
        ("conv", "Convolution", "data", "conv", conv(num_output=4, kernel_size=5, stride=2)),
        ("prelu", "PReLU", "conv", "conv", ""),
        ("pool", "Pooling", "conv", "pool mask", "pooling_param { kernel_size: 3 stride: 2 }"),
        ("within", "LRN", "pool", "within", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.01 k: 2 }"),
        ("batch", "BatchNorm", "within", "batch", "batch_norm_param { use_global_stats: false }"),
        ("elu", "ELU", "batch", "batch", ""),
        ("up", "Deconvolution", "batch", "up", conv(num_output=4, kernel_size=4, stride=2)),
        ("cut", "Crop", "up conv", "cut", "crop_param { offset: 1 }"),
        ("parts", "Slice", "cut", "low high", ""),
        ("largest", "Eltwise", "low high", "largest", "eltwise_param { operation: MAX }"),
        ("mvn", "MVN", "largest", "mvn", "mvn_param { eps: 0.1 }"),
        ("columns", "Im2col", "mvn", "columns", conv(kernel_size=2, stride=3)),
        ("twice", "Tile", "columns", "twice", "tile_param { tiles: 2 }"),
        ("groups", "Reshape", "twice", "groups", "reshape_param { axis: 1 num_axes: 1 shape { dim: 4 dim: -1 } }"),
        ("flat", "Flatten", "groups", "flat", "flatten_param { axis: 1 end_axis: 2 }"),
        ("pyramid", "SPP", "flat", "pyramid", "spp_param { pyramid_height: 2 }"),
        ("sum", "Reduction", "pyramid", "sum", "reduction_param { operation: SUMSQ }"),
    )
)


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare")
    graph = graph_of(nets.parse(RARE), "rare")
    rng = np.random.default_rng(0)
    drawn = {name: [nets.normal(rng, *shape) for shape in shapes] for name, shapes in graph.params.items()}
    (folder / "net.prototxt").write_text(RARE)
    (folder / "net.caffemodel").write_bytes(nets.weights(**drawn).SerializeToString())
    return folder / "net.prototxt", folder / "net.caffemodel"


@pytest.mark.parametrize("runtime", ["tensorflow", "numpy"])
def test_rarer_layers(rare, runtime):
    report = check_net(pydream.load_net(*rare, dtype="float64", runtime=runtime), *rare)
    names = [step.name for step in report.steps]
    assert {"forward to 'mask'", "forward to 'sum'", "backward from 'sum'", "backward from 'mask'"} <= set(names)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["Deconvolution"], "forward to 'up': .*deconvolution kernels were flipped"),
        (["Flatten", "Reshape"], "forward to 'groups': .*flattened in TensorFlow's order"),
        (["LRN"], "forward to 'within': .*LRN within a channel had a k"),
        (["BatchNorm"], "forward to 'batch': .*divided by the count less one"),
        (["MVN"], "forward to 'mvn': .*eps were added to the variance"),
    ],
)
def test_mistakes_in_rarer_layers(rare, kinds, words):
    wrong = [mistake for mistake in KNOWN if {kind.__name__ for kind in mistake.runners} == set(kinds)]
    net = pydream.load_net(*rare, dtype="float64", runtime=wrong[-1].runtime())
    with pytest.raises(ConformanceError, match=words):
        check_net(net, *rare)


# Means.


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        ((104, 117, 123), "as if it were ImageNet's, 104, 117, 123; the notebook's is 104, 116, 122"),
        ((122, 116, 104), "as if its channels were RGB and not BGR"),
        ((0, 0, 0), "as if there were none"),
        ((100, 100, 100), "at most 22"),
    ],
)
def test_mean(mean, words):
    net = load()
    net.transformer.mean["data"] = np.float64(mean).reshape(3, 1, 1)
    failure = first_failure(net)
    assert failure.name == "mean"
    assert words in failure.fault


def test_shape_of_the_mean():
    net = Port(load())
    net.mean = net.net.mean.ravel()
    assert "as if its shape were (3,)" in first_failure(net).fault


# Forward.


class Same(POOL):
    """As TensorFlow's SAME, with the oracle's windows."""

    def forward(self, *bottoms):
        (x,) = bottoms
        if self.layer.everything:
            return super().forward(x)
        wide = []
        for size in x.shape[2:]:
            missing = max((-(-size // 2) - 1) * 2 + 3 - size, 0)
            wide.append((missing // 2, missing - missing // 2))
        top, _ = oracle.max_pooling(
            np.pad(x, ((0, 0), (0, 0), *wide), constant_values=-1e30), kernel=(3, 3), stride=(2, 2), floor=True
        )
        return (top.astype(x.dtype),), ()


class Floored(POOL):
    def forward(self, *bottoms):
        (x,) = bottoms
        if self.layer.everything:
            return super().forward(x)
        top, _ = oracle.max_pooling(x, kernel=(3, 3), stride=(2, 2), floor=True)
        return (top.astype(x.dtype),), ()


class Flipped(CONV):
    def prepare(self, params):
        super().prepare([np.flip(params[0], (2, 3)), params[1]])


class RGB(CONV):
    def prepare(self, params):
        weights, bias = params
        super().prepare([weights[:, ::-1] if weights.shape[1] == 3 else weights, bias])


@pytest.mark.parametrize(
    ("runners", "first", "words"),
    [
        ({"Pooling": Same}, "forward to 'pool1'", "pooling were padded as TensorFlow's SAME"),
        ({"Pooling": Floored}, "forward to 'pool3'", "pooling sizes were rounded down"),
        ({"Convolution": Flipped}, "forward to 'conv1'", "convolution kernels were flipped"),
        ({"Convolution": RGB}, "forward to 'conv1'", "the image were RGB and not BGR"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_forward(runners, first, words, dtype):
    failure = first_failure(load(dtype, **runners))
    assert failure.name == first
    assert f"as if {words}" in failure.fault or f" or {words}" in failure.fault


def test_shapes():
    class Blob(Port):
        @property
        def shape(self):
            n, c, h, w = self.net.shape
            return (n, c, h - 1, w) if h == 15 else (n, c, h, w)

    net = Port(load())
    net.blobs = {name: Blob(blob) if name == "pool1" else blob for name, blob in net.net.blobs.items()}
    failure = first_failure(net)
    assert failure.name == "shape of 'pool1' at 83x64"
    assert failure.fault == "(1, 64, 14, 20), expected (1, 64, 15, 20)"


class PostReLU(Port):
    """Runs on to the ReLU behind a convolution."""

    def _last(self, end):
        return [name for name, tops in self.net.top_names.items() if end in tops][-1]

    def forward(self, end=None, *, tensor=None):
        return self.net.forward(end=self._last(end), tensor=tensor)

    def backward(self, start=None):
        return self.net.gradient(self._last(start))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_after_the_rectifier(dtype):
    failure = first_failure(PostReLU(load(dtype)))
    assert failure.name == "forward to 'conv1'"
    assert "the in-place layer behind it, a ReLU, had run" in failure.fault


def test_after_the_rectifier_on_the_way_back_only():
    net = PostReLU(load())
    net.forward = net.net.forward

    def backward(start=None):
        net.net.forward(end=net._last(start))
        return net.net.gradient(net._last(start))

    net.backward = backward
    failure = first_failure(net)
    assert failure.name == "backward from 'conv1'"
    assert "the in-place layer behind it, a ReLU, had run" in failure.fault


# Backward.


class Chosen(POOL):
    """Max pooling whose gradient goes where `choose` says, of a window's values in the order of rows."""

    def backward(self, memo, *diffs):
        if self.layer.everything:
            return super().backward(memo, *diffs)
        _, shape, padded_shape = memo
        (x,), (diff,) = self.seen, diffs
        dx = np.zeros(padded_shape)
        n, c, height, width = diff.shape
        for row in range(height):
            for column in range(width):
                window = x[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
                best = window.max(axis=(2, 3), keepdims=True)
                equal = window >= best - 1e-9 * (1 + np.abs(best))
                share = self.choose(equal.reshape(n, c, -1)).reshape(window.shape)
                at = dx[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
                at[:, :, : window.shape[2], : window.shape[3]] += share * diff[:, :, row, column, None, None]
        return (dx[:, :, : shape[2], : shape[3]],)

    def forward(self, *bottoms):
        self.seen = bottoms
        return super().forward(*bottoms)


class Last(Chosen):
    def choose(self, equal):
        share = np.zeros(equal.shape)
        last = equal.shape[-1] - 1 - equal[..., ::-1].argmax(-1)
        np.put_along_axis(share, last[..., None], 1, -1)
        return share


class Shared(Chosen):
    def choose(self, equal):
        return equal / equal.sum(-1, keepdims=True)


class All(Chosen):
    def choose(self, equal):
        return equal


class Intolerant(POOL):
    def beats(self, tap, best):
        rounding = 1e-13 * np.random.default_rng(0).standard_normal(tap.shape)  # there on every machine
        return tap > best * (1 + rounding)


class Guided(RELU):
    def backward(self, memo, *diffs):
        return (np.where((memo[0] > 0) & (diffs[0] > 0), diffs[0], 0),)


@pytest.mark.parametrize(
    ("runners", "words"),
    [
        ({"Pooling": Last}, "of equal values in max pooling the last had the gradient"),
        ({"Pooling": Shared}, "equal values in max pooling shared the gradient"),
        ({"Pooling": All}, "each of equal values in max pooling had all of the gradient"),
        ({"ReLU": Guided}, "ReLU dropped negative gradients"),
    ],
)
def test_backward(runners, words):
    failure = first_failure(load(**runners))
    assert failure.name.startswith("backward from")
    assert f"as if {words}" in failure.fault or f" or {words}" in failure.fault


def test_no_tolerance_for_ties():
    """What rounding does to equal values has no name, but the hint says where to look."""
    failure = first_failure(load(Pooling=Intolerant))
    assert failure.name.startswith("backward from")
    assert "the order of ties in max pooling" in failure.fault


# What a dream relies on beside the numbers.


def test_gradients_that_add_up():
    class Adds(Port):
        total = 0

        def forward(self, end=None, *, tensor=None):
            self.total = 0
            return self.net.forward(end=end, tensor=tensor)

        def backward(self, start=None):
            self.total = self.total + self.net.gradient(start)
            self.net.blobs["data"].diff[...] = self.total
            return self.total

    failure = first_failure(Adds(load()))
    assert failure.name == "backward a second time"
    assert "as if gradients added up" in failure.fault


def test_what_other_blobs_hold():
    class Leftovers(Port):
        def backward(self, start=None):
            extra = 0
            if start != "conv1" and self.net.blobs["conv1"].diff.any():
                extra = self.net.gradient("conv1").copy()
            gradient = self.net.gradient(start) + extra
            self.net.blobs["data"].diff[...] = gradient
            return gradient

        def forward(self, end=None, *, tensor=None):
            return self.net.forward(end=end, tensor=tensor)

    net = Leftovers(load())
    for name in net.blobs:  # of a fresh process
        assert not net.blobs[name].diff.any()
    with pytest.raises(ConformanceError) as error:
        check_net(net)
    assert any("backward" in s.name or s.name == "gradients in other blobs" for s in error.value.report.failures)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"channels_last": True}, "forward with a tensor|channels_last were the other layout's"),
        ({"dtype": np.dtype("float16")}, "dtype: float16, expected float32 or float64"),
        ({"blobs": {}}, "names of the blobs: missing: "),
    ],
)
def test_facts(attributes, words):
    net = Port(load())
    vars(net).update(attributes)
    with pytest.raises(ConformanceError, match=words):
        check_net(net)


def test_names_that_are_none():
    class Anything(dict):
        def __missing__(self, key):
            return None

    net = Port(load())
    net.blobs = Anything(net.net.blobs)
    with pytest.raises(ConformanceError, match=r"an unknown name: .* raised no KeyError"):
        check_net(net)


def test_an_image_that_a_tensor_is_written_into():
    class Writes(Port):
        def forward(self, end=None, *, tensor=None):
            if tensor is not None:
                self.net.blobs["data"].data[...] = tensor
            return self.net.forward(end=end)

    with pytest.raises(ConformanceError, match=r"the image beside a tensor: .* must stay unshifted"):
        check_net(Writes(load()))


def test_a_port_that_breaks():
    class Breaks(Port):
        def backward(self, start=None):
            raise MemoryError("no more")

    failure = first_failure(Breaks(load()))
    assert failure.fault == "raised MemoryError: no more"


def test_a_size_that_is_too_small():
    class Blob(Port):
        @property
        def shape(self):
            try:
                return self.net.shape
            except ShapeError:
                raise RuntimeError("the port's own") from None

    class Blobs(Port):
        def __getitem__(self, name):
            blob = self.net[name]
            return blob if name == "data" else Blob(blob)

        def __iter__(self):
            return iter(self.net)

        def __len__(self):
            return len(self.net)

    net = Port(load())
    net.blobs = Blobs(net.net.blobs)
    with pytest.raises(ConformanceError, match="at 2x2 the shape of 'prob' raised RuntimeError, expected"):
        check_net(net)


# Scores: several layers, and gradients that are affine in the activations.


class Wrapped(Port):
    """A network whose blobs are wrapped."""

    def __init__(self, net, wrap):
        super().__init__(net)
        self.blobs = _Blobs(net.blobs, wrap)


class _Blobs(Port):
    def __init__(self, blobs, wrap):
        super().__init__(blobs)
        self.wrap = wrap

    def __getitem__(self, name):
        return self.wrap(self.net[name])

    def __iter__(self):
        return iter(self.net)

    def __len__(self):
        return len(self.net)


def test_a_seed_without_its_bias():
    class Blob(Port):
        def drive(self, seed):
            self.net.drive(seed._replace(bias=0) if isinstance(seed, Affine) else seed)

    with pytest.raises(ConformanceError, match=r"drive\(Affine\): off by .* as if the bias were left out"):
        check_net(Wrapped(load(), Blob))


def test_matches_that_are_the_last_of_all():
    class Blob(Port):
        def drive(self, seed):
            last = isinstance(seed, Match) and seed.features[:, ::-1, ::-1].copy() * 0 + seed.features[:, -1:, -1:]
            self.net.drive(Match(last) if isinstance(seed, Match) else seed)

    with pytest.raises(ConformanceError, match=r"\n  drive\(Match\): off by "):
        check_net(Wrapped(load(), Blob))


def test_one_of_two_ends():
    class Last(Port):
        def backward(self, start=None):
            return self.net.gradient(start if start is None or isinstance(start, str) else start[-1:])

    with pytest.raises(ConformanceError, match=r"at once: off by .* as if 'fire8/concat' alone had a gradient"):
        check_net(Last(load()))


def test_a_port_of_what_is_abstract_alone():
    """All else has defaults: seeds, what is fed, and that it runs on whole pictures."""

    class Blob(seam.Blob):
        def __init__(self, blob):
            self._blob = blob

        shape = property(lambda self: self._blob.shape)
        data = property(lambda self: self._blob.data)
        diff = property(lambda self: self._blob.diff)

        def reshape(self, *dims):
            self._blob.reshape(*dims)

    class Least(seam.Net):
        def __init__(self, inner):
            self._inner = inner
            self.name, self.dtype, self.mean = "least", inner.dtype, inner.mean
            self.channel_order, self.channels_last = inner.channel_order, inner.channels_last
            self.default_end = inner.default_end
            self.blobs = _Blobs(inner.blobs, Blob)

        def forward(self, end=None, *, tensor=None):
            return self._inner.forward(end=end, tensor=tensor)

        def backward(self, start=None):
            return self._inner.gradient(start)

        def reshape(self):
            self._inner.reshape()

    port = Least(load())
    steps = [step.name for step in check_net(port).steps]
    assert "copy_data_to_diff" in steps
    assert {"drive(Affine)", "drive(Match)"} <= set(steps)
    picture = np.random.RandomState(0).randint(0, 256, (40, 50, 3), np.uint8)
    for objective in (objectives.mean("fire4/concat", range(9)), objective_guide(port, picture[::-1], "fire4/concat")):
        found = [
            pydream.deepdream(
                which, picture, 2, 1, end="fire4/concat", objective=objective, rng=np.random.RandomState(0)
            )
            for which in (port, port._inner)
        ]
        np.testing.assert_allclose(*found, atol=1e-9)
