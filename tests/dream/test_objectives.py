"""Scores: their gradients against finite differences, how they are written, and dreams with them."""

from itertools import permutations

import numpy as np
import pytest
from support import nets

import pydream
from pydream.bench.clock import TimedNet
from pydream.dream import objectives
from pydream.dream.objectives import Score, Term, channels_text, class_logit, l2, mean, objective_L2
from pydream.errors import ShapeError, UnknownNameError
from pydream.net import Blob

TEXT = (
    nets.inputs(data=(1, 3, 8, 7))
    + nets.layer("low", "Convolution", "data", "low", "convolution_param { num_output: 4 kernel_size: 3 }")
    + nets.layer("low/relu", "ReLU", "low", "low")
    + nets.layer("mid", "Convolution", "low", "mid", "convolution_param { num_output: 5 kernel_size: 2 stride: 2 }")
    + nets.layer("mid/tanh", "TanH", "mid", "mid")
    + nets.layer("side", "Pooling", "low", "side", "pooling_param { kernel_size: 2 stride: 2 }")
    + nets.layer("top", "Convolution", "mid", "top", "convolution_param { num_output: 6 kernel_size: 1 }")
    + nets.layer("logits", "Pooling", "top", "logits", "pooling_param { pool: AVE global_pooling: true }")
    + nets.layer("prob", "Softmax", "logits", "prob")
)
SIZE = (8, 7)


def build(runtime):
    rng = np.random.default_rng(3)
    return nets.build(
        TEXT,
        "float64",
        runtime,
        low=[nets.normal(rng, 4, 3, 3, 3), nets.normal(rng, 4)],
        mid=[nets.normal(rng, 5, 4, 2, 2) / 4, nets.normal(rng, 5)],
        top=[nets.normal(rng, 6, 5, 1, 1), nets.normal(rng, 6)],
    )


@pytest.fixture(scope="module")
def plain():
    return build("numpy")


@pytest.fixture(scope="module", params=["numpy", "native", "tensorflow"])
def net(request):
    return build(request.param)


@pytest.fixture
def image():
    return nets.spread(np.random.default_rng(5), (1, 3, *SIZE), -100, 130)


def values(net, image, *layers):
    """The activations, each layer's by a pass of its own, and as it is when its first layer has run."""
    net.blobs["data"].reshape(*image.shape)
    net.blobs["data"].data[...] = image
    found = []
    for layer in layers:
        net.forward(end=layer)
        found.append(net.blobs[layer].data[0])
    return found


VECTOR = np.array([0.5, -1.0, 2.0, 0.25, -0.75, 1.5])


def along(x, power):
    """The score of a direction at each place, as lucid has it."""
    dot = np.tensordot(VECTOR, x, 1)
    cosine = dot / np.linalg.norm(x, axis=0) / np.linalg.norm(VECTOR)
    return dot * np.maximum(cosine, 0.1) ** power


# A score → the same in NumPy, of activations.
SCORES = {
    "l2 of a layer": (l2("mid"), ["mid"], lambda x: (x**2).sum() / 2),
    "l2 of what a rectifier overwrites": (l2("low"), ["low"], lambda x: (x**2).sum() / 2),
    "l2 of channels": (l2("top", (1, 4)), ["top"], lambda x: (x[[1, 4]] ** 2).sum() / 2),
    "mean": (mean("mid"), ["mid"], lambda x: x.mean()),
    "mean of a channel": (mean("low", 2), ["low"], lambda x: x[2].mean()),
    "mean of channels": (mean("low", range(1, 4)), ["low"], lambda x: x[1:4].mean()),
    "sum": (objectives.total("top"), ["top"], lambda x: x.sum()),
    "sum of channels": (objectives.total("side", [3, 0]), ["side"], lambda x: x[[0, 3]].sum()),
    "a class": (objectives.total("logits", 3), ["logits"], lambda x: x[3].item()),
    "away from": (-l2("mid"), ["mid"], lambda x: -(x**2).sum() / 2),
    "weights": (0.25 * l2("mid", 0) * 3, ["mid"], lambda x: 0.75 * (x[0] ** 2).sum() / 2),
    "two kinds of one layer": (
        l2("top") - 2 * mean("top", 5),
        ["top"],
        lambda x: (x**2).sum() / 2 - 2 * x[5].mean(),
    ),
    "mean of a neuron": (mean("mid", 3, place=(2, 1)), ["mid"], lambda x: x[3, 2, 1]),
    "l2 of channels in the middle": (
        l2("top", (1, 4), place="center"),
        ["top"],
        lambda x: (x[[1, 4], x.shape[1] // 2, x.shape[2] // 2] ** 2).sum() / 2,
    ),
    "a place beside a layer": (
        0.5 * mean("top", place=(0, 1)) - objectives.total("top", 2) + l2("top"),
        ["top"],
        lambda x: 0.5 * x[:, 0, 1].mean() - x[2].sum() + (x**2).sum() / 2,
    ),
    "a direction": (objectives.direction("top", VECTOR), ["top"], lambda x: along(x, 0).mean()),
    "a direction with a power": (objectives.direction("top", VECTOR, 2), ["top"], lambda x: along(x, 2).mean()),
    "a direction at a place, beside others": (
        objectives.direction("top", VECTOR, 1.5, place=(0, 1))
        - 2 * objectives.direction("top", VECTOR, place="center")
        + 0.1 * objectives.direction("logits", VECTOR, 1)
        + 0.01 * l2("top", 3),
        ["top", "logits"],
        lambda x, logits: (
            along(x, 1.5)[0, 1]
            - 2 * along(x, 0)[x.shape[1] // 2, x.shape[2] // 2]
            + 0.1 * along(logits, 1).mean()
            + 0.01 * (x[3] ** 2).sum() / 2
        ),
    ),
    "several layers": (
        l2("mid", (0, 1)) + 1e-3 * l2("low") - 0.5 * objectives.total("side", 1) + class_logit(build("numpy"), 4),
        ["mid", "low", "side", "logits"],
        lambda mid, low, side, logits: (
            (mid[:2] ** 2).sum() / 2 + 1e-3 * (low**2).sum() / 2 - 0.5 * side[1].sum() + logits[4].item()
        ),
    ),
}


@pytest.mark.parametrize("what", SCORES)
def test_gradients_against_finite_differences(net, plain, image, what):
    score, layers, value = SCORES[what]
    net.blobs["data"].reshape(*image.shape)
    net.blobs["data"].data[...] = image
    ends = score.ends if len(score.ends) > 1 else score.ends[0]
    net.forward(end=ends)
    score(*(net.blobs[end] for end in score.ends))
    net.backward(start=ends)
    gradient = net.blobs["data"].diff
    numerical = np.zeros_like(image)
    step = 1e-4  # no kink is as near as that; what is not linear is so by less than the limit
    for place in np.ndindex(*image.shape):
        moved = image.copy()
        moved[place] += step
        numerical[place] = value(*values(plain, moved, *layers))
        moved[place] -= 2 * step
        numerical[place] -= value(*values(plain, moved, *layers))
    assert nets.off(gradient, numerical / (2 * step)) < 1e-6


def test_both_sides_of_the_least_cosine_are_tested(plain, image):
    x = values(plain, image, "top")[0]
    close = along(x, 1) > 0.1 * np.tensordot(VECTOR, x, 1)
    assert 0 < close.sum() < close.size


@pytest.mark.parametrize("power", [0, 2])
def test_a_direction_in_tiles(squeezenet64, power):
    picture = np.random.RandomState(0).randint(0, 256, (60, 90, 3), np.uint8)
    score = objectives.direction("fire4/concat", np.random.RandomState(1).normal(size=256), power)
    params = {"objective": score, "octave_n": 2, "iter_n": 1}
    whole, tiled = (
        pydream.deepdream(squeezenet64, picture, rng=np.random.RandomState(1), tile=tile, **params) for tile in (0, 48)
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_a_direction_of_one_channel_is_its_mean(plain, image):
    values(plain, image, "top")
    found = []
    for score in (mean("top", 2), objectives.direction("top", np.eye(6)[2])):
        score(plain.blobs["top"])
        found.append(plain.blobs["top"].diff.copy())
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("vector", "more", "text"),
    [
        ([[1.0]], {}, r"float64 of shape \(1, 1\), expected a number for each channel"),
        ([0, 0], {}, "finite numbers, and not only 0"),
        ([1e39, 0], {}, "finite numbers"),
        ([1, 2], {"power": -1}, "cosine_power: -1.0, expected 0 to 100"),
        (np.zeros(0), {}, r"vector: float64 of shape \(0,\), expected a number for each channel"),
        (np.ones(100_001), {}, r"float64 of shape \(100001,\), expected a number for each channel"),
    ],
)
def test_what_is_no_direction(vector, more, text):
    with pytest.raises(ValueError, match=text):
        objectives.direction("top", vector, **more)


def test_a_direction_is_written_as_short_as_its_type():
    assert objectives.direction("a", np.float32([0.1, 1])).terms[0].vector == (0.1, 1.0)


def test_channels_that_a_layer_lacks(plain):
    objectives.check_channels(plain, "nowhere", ())
    objectives.check_channels(plain, "top", (0, 5))
    with pytest.raises(UnknownNameError, match="no channel 6 in 'top', which has 6: 0 to 5"):
        objectives.check_channels(plain, "top", (0, 6))


def test_a_direction_of_another_layer(plain):
    with pytest.raises(ShapeError, match="a direction of 2 numbers, and 'top' has 6 channels"):
        objectives.direction("top", [1, 2]).check(plain)
    with pytest.raises(ValueError, match="a direction has a mean or a sum, of all channels"):
        Term("top", "mean", (1,), vector=(1.0,))
    with pytest.raises(ValueError, match="a direction has a mean or a sum, of all channels"):
        Term("top", "l2", vector=(1.0,))


def test_the_whole_layer_is_the_notebooks_objective(squeezenet32):
    picture = np.random.RandomState(0).randint(0, 256, (60, 70, 3), np.uint8)
    same = [
        pydream.deepdream(squeezenet32, picture, octave_n=2, iter_n=2, rng=np.random.RandomState(0), **params)
        for params in ({"end": "fire8/concat"}, {"objective": l2("fire8/concat")}, {"end": ("fire8/concat",)})
    ]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])


def test_a_step_with_several_layers_is_one_pass_each_way(squeezenet64):
    """And one trace; the notebook's objective takes several layers as well."""
    picture = np.random.RandomState(0).randint(0, 256, (60, 70, 3), np.uint8)
    ends = ("fire4/concat", "fire6/concat")
    found = []
    for params in ({"objective": l2(ends[0]) + l2(ends[1])}, {"end": ends}, {"end": ends, "objective": objective_L2}):
        net = TimedNet(squeezenet64)
        found.append(pydream.deepdream(net, picture, octave_n=1, iter_n=3, rng=np.random.RandomState(0), **params))
        assert (len(net.forwards), len(net.backwards)) == (3, 3)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_an_objective_of_ones_own_gets_every_layers_blob(squeezenet64):
    picture = np.random.RandomState(0).randint(0, 256, (60, 70, 3), np.uint8)
    ends = ("fire4/concat", "fire6/concat")

    def mine(low, high):
        low.diff[...] = 0.5 * low.data
        high.diff[...] = 0
        high.diff[0, 3] = 1

    found = [
        pydream.deepdream(squeezenet64, picture, octave_n=1, iter_n=2, rng=np.random.RandomState(0), **params)
        for params in (
            {"end": ends, "objective": mine},
            {"objective": 0.5 * l2(ends[0]) + objectives.total(ends[1], 3)},
        )
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


def test_away_from_is_the_other_way(squeezenet64):
    """One step against a channel lowers what a step for it raises."""
    picture = np.random.RandomState(0).randint(0, 256, (60, 70, 3), np.uint8)
    score = mean("fire4/concat", range(20))
    level = {}
    for sign in (1, 0, -1):
        dream = picture
        if sign:
            dream = pydream.deepdream(squeezenet64, picture, octave_n=1, iter_n=4, jitter=0, objective=sign * score)
        squeezenet64.blobs["data"].reshape(1, 3, 60, 70)
        squeezenet64.blobs["data"].data[0] = pydream.preprocess(squeezenet64, dream)
        squeezenet64.forward(end="fire4/concat")
        level[sign] = squeezenet64.blobs["fire4/concat"].data[0, :20].mean()
    assert level[-1] < level[0] < level[1]


class PlainBlob(Blob):
    """A port's blob that overrides no default."""

    data = diff = shape = None

    def __init__(self, data):
        self.data, self.diff, self.shape = data, np.zeros_like(data), data.shape

    def reshape(self, *dims):
        raise NotImplementedError


def test_ports_without_a_drive_of_their_own():
    blob = PlainBlob(np.arange(24.0).reshape(1, 4, 2, 3))
    (l2("x", 1) + 6 * mean("x", (2, 3)))(blob)
    np.testing.assert_array_equal(blob.diff[0, 1], blob.data[0, 1])
    np.testing.assert_array_equal(blob.diff[0, 2:], 0.5)
    assert not blob.diff[0, 0].any()
    l2("x")(blob)
    np.testing.assert_array_equal(blob.diff, blob.data)
    with pytest.raises(ValueError, match="zip"):
        l2("x")(blob, blob)


def test_terms_of_one_layer_add_up_in_any_order():
    x = np.array([3.0, 4.0])  # along the vector, where the gradient of x·v cos(x, v) is v
    terms = [
        (l2("x"), x),
        (objectives.total("x", 0), (1, 0)),
        (objectives.direction("x", x), x),
        (objectives.direction("x", x, 1), x),
    ]
    for (first, of_first), (second, of_second) in permutations(terms, 2):
        blob = PlainBlob(x.reshape(1, 2, 1, 1))
        (first + 2 * second)(blob)
        np.testing.assert_allclose(blob.diff.ravel(), of_first + 2 * np.array(of_second), rtol=1e-12)


def test_how_scores_are_written():
    score = mean("a", 7) - 0.5 * l2("b") + 3 * objectives.total("c:0", [3, 4, 5, 9])
    assert repr(score) == "mean of 'a':7 - 0.5 * l2 of 'b' + 3 * sum of 'c:0':3-5,9"
    assert repr(-l2("b")) == "-l2 of 'b'"
    assert repr(mean("a", 7, place=(3, 4)) + l2("b", place="center")) == "mean of 'a':7@3,4 + l2 of 'b'@center"
    assert repr(objectives.direction("a", [1, 2])) == "mean of 'a' along a direction"
    written = "mean of 'a'@3,4 along a direction, power 2"
    assert repr(objectives.direction("a", [1, 2], 2, place=(3, 4))) == written
    assert score.ends == ("a", "b", "c:0")
    assert (l2("a") + l2("b") + mean("a")).ends == ("a", "b")
    assert score == Score(score.terms)
    assert len({score, Score(score.terms)}) == 1
    assert channels_text([1, 2, 4, 3]) == "1-2,4,3"
    with pytest.raises(TypeError):
        score + 1


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Term("a", "max"), "kind: 'max', expected one of 'l2', 'mean', 'sum'"),
        (lambda: Term("a", weight=float("nan")), "weight: nan, expected a finite number"),
        (lambda: float("inf") * l2("a"), "weight: inf"),
        (lambda: l2("a", -1), "each at least 0"),
        (lambda: l2("a", [3, 4, 4]), "channels: 3-4,4, expected each once"),
        (lambda: Score(()), "at least one term"),
    ],
)
def test_what_is_no_score(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_the_middle_of_a_grid():
    for height, width, middle in ((6, 8, (3, 4)), (7, 5, (3, 2)), (1, 1, (0, 0)), (9, 10, (4, 5))):
        assert Term("a", place="center").index((2, height, width)) == ([0, 1], *middle)


def test_places_that_are_not_there():
    shape = (4, 2, 3)
    assert Term("a", place=(1, 2)).index(shape) == ([0, 1, 2, 3], 1, 2)
    for place in ((2, 2), (1, 3)):
        with pytest.raises(
            ShapeError, match=r"no place \d,\d in 'a', whose grid has 2 rows and 3 columns .*: 0,0 to 1,2"
        ):
            Term("a", place=place).index(shape)


def test_layers_and_channels_that_are_not_there(squeezenet32):
    picture = np.zeros((60, 70, 3))
    for objective, text in (
        (l2("fire8/conct"), "no blob 'fire8/conct'; close: 'fire8/concat'"),
        (mean("conv1") + l2("fire8/relu_expand1x1"), "name that blob"),
        (mean("conv1", [3, 64]), "no channel 64 in 'conv1', which has 64: 0 to 63"),
    ):
        with pytest.raises(UnknownNameError, match=text):
            pydream.deepdream(squeezenet32, picture, octave_n=1, iter_n=1, objective=objective)
    with pytest.raises(ValueError, match=r"end: 'conv1', but the objective is l2 of 'pool1'; .* leave `end` out"):
        pydream.deepdream(squeezenet32, picture, end="conv1", objective=l2("pool1"))
    with pytest.raises(ValueError, match="expected one layer or several different ones"):
        pydream.deepdream(squeezenet32, picture, end=("conv1", "conv1"))
    with pytest.raises(ShapeError, match="'fire9/concat'"):  # the deeper of the two
        pydream.deepdream(squeezenet32, np.zeros((12, 12, 3)), octave_n=1, objective=l2("conv1") + l2("fire9/concat"))


def test_classes(squeezenet32, googlenet32):
    assert class_logit(squeezenet32, "tabby") == objectives.total("pool10", 281)
    assert class_logit(squeezenet32, "piano") == 0.5 * objectives.total("pool10", (579, 881))
    assert class_logit(googlenet32, 985) == objectives.total("loss3/classifier", 985)
    picture = np.full((300, 300, 3), 127, np.uint8)
    with pytest.raises(ShapeError, match=r"'loss3/classifier' fits only the size .*data 3x224x224"):
        pydream.deepdream(googlenet32, picture, octave_n=1, objective=class_logit(googlenet32, "daisy"))


def test_a_class_of_a_network_without_names(plain, image):
    plain.blobs["data"].reshape(*image.shape)
    assert class_logit(plain, 5) == objectives.total("logits", 5)
    with pytest.raises(UnknownNameError, match="no class 6; there are 6, 0 to 5"):
        class_logit(plain, 6)
    with pytest.raises(UnknownNameError, match="for a network with 6 classes; use a number, 0 to 5"):
        class_logit(plain, "tabby")
    none = nets.build(nets.inputs(data=(1, 3, 4, 4)) + nets.layer("it", "ReLU", "data", "y"))
    with pytest.raises(UnknownNameError, match="has no softmax and so no classes"):
        class_logit(none, 0)


def test_a_class_dream_raises_its_logit(squeezenet32):
    picture = np.random.RandomState(1).randint(0, 256, (120, 130, 3), np.uint8)
    levels = []
    for iter_n in (1, 10):
        params = {"octave_n": 1, "iter_n": iter_n, "objective": class_logit(squeezenet32, "tabby")}
        pydream.deepdream(squeezenet32, picture, rng=np.random.RandomState(0), **params)
        levels.append(squeezenet32.forward(end="pool10")["pool10"][0, 281].item())
    assert levels[1] > levels[0] + 1
