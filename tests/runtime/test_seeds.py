"""Where a backward pass starts: affine in the activations, at one layer or at several, in one run or in two."""

import numpy as np
import pytest
from support import nets

from pydream.errors import ShapeError, UnknownNameError
from pydream.net import Affine, Match

# A rectifier in place, branches that are pooled or not, and logits.
TEXT = (
    nets.inputs(data=(1, 3, 9, 8))
    + nets.layer("a", "Convolution", "data", "a", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }")
    + nets.layer("a/relu", "ReLU", "a", "a")
    + nets.layer("pool", "Pooling", "a", "pool", "pooling_param { kernel_size: 3 stride: 2 }")
    + nets.layer("b", "Convolution", "pool", "b", "convolution_param { num_output: 5 kernel_size: 1 }")
    + nets.layer("c", "TanH", "pool", "c")
    + nets.layer("one", "Convolution", "c", "one", "convolution_param { num_output: 1 kernel_size: 2 }")
    + nets.layer("joined", "Concat", "b c", "joined")
    + nets.layer("fc", "InnerProduct", "joined", "fc", "inner_product_param { num_output: 6 }")
    + nets.layer("prob", "Softmax", "fc", "prob")
)


def weights():
    rng = np.random.default_rng(7)
    return {
        "a": [nets.normal(rng, 4, 3, 3, 3), nets.normal(rng, 4)],
        "b": [nets.normal(rng, 5, 4, 1, 1), nets.normal(rng, 5)],
        "one": [nets.normal(rng, 1, 4, 2, 2), nets.normal(rng, 1)],
        "fc": [nets.normal(rng, 6, 9 * 4 * 4), nets.normal(rng, 6)],
    }


def build(runtime, dtype="float64"):
    return nets.build(TEXT, dtype, runtime, **weights())


@pytest.fixture(scope="module", params=["numpy", "native", "tensorflow"])
def net(request):
    made = build(request.param)
    made.blobs["data"].data[...] = nets.spread(np.random.default_rng(1), (1, 3, 9, 8))
    return made


def by_hand(net, seeds):
    """The gradient at the image, each blob's seed sent back in a pass of its own."""
    total = 0
    for name, seed in seeds.items():
        net.forward(end=name)
        net.blobs[name].diff[...] = seed(net.blobs[name].data)
        net.backward(start=name)
        total = total + net.blobs["data"].diff
    return total


NUMBERS = {
    "numbers": (-0.5, 2.0),
    "a number a channel": (np.arange(4.0).reshape(4, 1, 1), -np.arange(4.0).reshape(4, 1, 1)),
    "a number a value": (np.arange(4.0 * 9 * 8).reshape(4, 9, 8), np.ones((9, 8))),
    "a row": (np.arange(8.0), 0),
    "nothing of the values": (0, np.eye(9, 8)),
    "the values": (1, 0),
}


@pytest.mark.parametrize("what", NUMBERS)
@pytest.mark.parametrize("read", ["unread", "data were read", "diff is read"])
def test_drive_affine(net, what, read):
    gain, bias = NUMBERS[what]
    expected = by_hand(net, {"a": lambda data: gain * data + bias})
    net.forward(end="a")
    data = net.blobs["a"].data.copy()
    net.forward(end="a")
    if read == "data were read":
        net.blobs["a"].data  # noqa: B018
    net.blobs["a"].drive(Affine(gain, bias))
    if read == "diff is read":
        np.testing.assert_allclose(net.blobs["a"].diff, gain * data + bias, rtol=1e-13, atol=1e-13)
    net.backward(start="a")
    assert nets.off(net.blobs["data"].diff, expected) < 1e-13
    np.testing.assert_allclose(net.blobs["a"].diff, gain * data + bias, rtol=1e-13, atol=1e-13)


def test_of_logits(net):
    expected = by_hand(net, {"fc": lambda data: np.eye(6)[4]})
    net.forward(end="fc")
    net.blobs["fc"].drive(Affine(0, np.eye(6)[4]))
    net.backward(start="fc")
    assert nets.off(net.blobs["data"].diff, expected) < 1e-13


def test_of_one_channel(net):
    expected = by_hand(net, {"one": lambda data: 3 * data + 1})
    net.forward(end="one")
    net.blobs["one"].drive(Affine(3, 1))
    net.backward(start="one")
    assert nets.off(net.blobs["data"].diff, expected) < 1e-13


def test_a_seed_is_of_the_pass_that_was_last(net):
    net.forward(end="b")
    data = net.blobs["b"].data.copy()
    net.forward(end="b")
    net.blobs["b"].drive(Affine(2, 1))
    net.forward(data=-net.blobs["data"].data)
    np.testing.assert_allclose(net.blobs["b"].diff, 2 * data + 1, rtol=1e-13)
    assert nets.off(net.blobs["b"].data, data) > 0.1
    net.forward(data=-net.blobs["data"].data)


def test_data_that_are_read_after_the_seed(net):
    """The pass has run then, and the seed is still of its values."""
    expected = by_hand(net, {"a": lambda data: 2 * data + 1})
    net.forward(end="a")
    net.blobs["a"].drive(Affine(2, 1))
    data = net.blobs["a"].data.copy()
    net.backward(start="a")
    assert nets.off(net.blobs["data"].diff, expected) < 1e-13
    np.testing.assert_allclose(net.blobs["a"].diff, 2 * data + 1, rtol=1e-13)


def test_what_is_written_over_a_seed_counts(net):
    expected = by_hand(net, {"a": np.ones_like})
    for seed in (None, Affine(2, 1), Match(np.ones((4, 1, 1)))):
        net.forward(end="a")
        net.blobs["a"].drive(seed)
        net.blobs["a"].diff[...] = 1
        net.backward(start="a")
        assert nets.off(net.blobs["data"].diff, expected) < 1e-13


def test_the_last_seed_counts(net):
    expected = by_hand(net, {"a": lambda data: 2 * data + 1})
    for first in (None, Affine(-1, 5), Match(np.ones((4, 1, 1)))):
        net.forward(end="a")
        net.blobs["a"].drive(first)
        net.blobs["a"].drive(Affine(2, 1))
        net.backward(start="a")
        assert nets.off(net.blobs["data"].diff, expected) < 1e-13


@pytest.mark.parametrize("read", [False, True])
def test_a_seed_in_place_of_a_gradient_stays(net, read):
    """What a backward pass left goes with the next forward pass; what an objective drove does not."""
    net.forward(end="b")
    net.blobs["b"].diff[...] = 1
    net.backward(start="b")
    if read:
        assert net.blobs["pool"].data.any()
    net.blobs["pool"].drive(Affine(0, 3))
    net.blobs["c"].drive(Affine(0, 4))  # beyond the end: zeros
    net.forward(end="a")
    assert (net.blobs["pool"].diff == 3).all()
    assert (net.blobs["c"].diff == 4).all()
    assert not net.blobs["a"].diff.any()


def test_a_seed_before_any_pass_is_of_zeros():
    net = build("numpy")
    net.blobs["a"].drive(Affine(2, 3))
    assert (net.blobs["a"].diff == 3).all()
    net.blobs["b"].drive(None)
    assert not net.blobs["b"].diff.any()
    features = np.arange(8.0).reshape(4, 1, 2)
    net.blobs["pool"].drive(Match(features))  # all are equally like zeros: the first
    np.testing.assert_array_equal(net.blobs["pool"].diff[0, :, 1, 2], features[:, 0, 0])


def test_an_input_can_be_driven(net):
    net.blobs["data"].drive(Affine(2, 1))
    np.testing.assert_array_equal(net.blobs["data"].diff, 2 * net.blobs["data"].data + 1)


def test_another_size_forgets_a_seed():
    net = build("numpy")
    net.forward(end="a")
    net.blobs["a"].drive(Affine(2, 3))
    net.blobs["data"].reshape(1, 3, 7, 6)
    assert net.blobs["a"].diff.shape == (1, 4, 7, 6)
    assert not net.blobs["a"].diff.any()


def test_a_twin_has_seeds_of_its_own(net):
    expected = by_hand(net, {"a": lambda data: 2 * data})
    net.forward(end="a")
    net.blobs["a"].drive(Affine(2))
    twin = net.twin()
    twin.forward(end="a")
    assert not twin.blobs["a"].diff.any()
    twin.blobs["a"].drive(Affine(0, 7))
    twin.backward(start="a")
    net.backward(start="a")
    assert nets.off(net.blobs["data"].diff, expected) < 1e-13


@pytest.mark.parametrize("numbers", [np.ones(3), np.ones((2, 4, 1, 1)), np.ones((4, 2, 8)), np.ones((1, 1, 4, 9, 8))])
def test_numbers_that_do_not_fit(net, numbers):
    net.forward(end="a")
    with pytest.raises(ShapeError, match=r"gain of \(.*\) does not broadcast to blob 'a', \(1, 4, 9, 8\)"):
        net.blobs["a"].drive(Affine(numbers))
    with pytest.raises(ShapeError, match="bias of"):
        net.blobs["a"].drive(Affine(1, numbers))


@pytest.mark.parametrize("read", ["unread", "data were read", "diff is read"])
@pytest.mark.parametrize(("end", "guide"), [("a", (4, 5, 7)), ("b", (5, 1, 2)), ("one", (1, 3, 3)), ("a", (4, 40, 50))])
def test_drive_match(net, end, guide, read):
    """At each place the guide's features with the largest dot product: of equal ones the first."""
    features = np.round(nets.normal(np.random.default_rng(2), *guide))  # many are equal
    net.forward(end=end)
    data = net.blobs[end].data.copy()
    expected = np.zeros_like(data)
    for y, x in np.ndindex(*data.shape[2:]):
        likeness = np.einsum("chw,c->hw", features, data[0, :, y, x]).ravel()
        expected[0, :, y, x] = features.reshape(guide[0], -1)[:, likeness.argmax()]
    wanted = by_hand(net, {end: lambda data: expected})
    net.forward(end=end)
    if read == "data were read":
        net.blobs[end].data  # noqa: B018
    net.blobs[end].drive(Match(features))
    if read == "diff is read":
        np.testing.assert_array_equal(net.blobs[end].diff, expected)
    net.backward(start=end)
    assert nets.off(net.blobs["data"].diff, wanted) < 1e-13
    np.testing.assert_array_equal(net.blobs[end].diff, expected)
    with pytest.raises(ShapeError, match=f"features of 7 channels, and blob '{end}' has {guide[0]}"):
        net.blobs[end].drive(Match(np.zeros((7, 2, 2))))


@pytest.mark.parametrize("size", [(1, 1), (31, 33), (32, 32), (45, 47)])
def test_matches_in_blocks(size):
    """Places that fill no block, one to the last, or some and a rest."""
    text = nets.inputs(data=(1, 3, 4, 4)) + nets.layer("it", "TanH", "data", "out")
    image, features = nets.normal(np.random.default_rng(0), 1, 3, *size), nets.normal(np.random.default_rng(1), 3, 6, 5)
    found = []
    for runtime in ("numpy", "tensorflow"):
        net = nets.build(text, runtime=runtime)
        net.blobs["data"].reshape(1, 3, *size)
        net.forward(data=image)
        net.blobs["out"].drive(Match(features))
        net.backward()
        found.append(net.blobs["out"].diff)
    np.testing.assert_array_equal(*found)


def test_a_guided_step_is_one_trace_whatever_the_guide():
    net = build("tensorflow")
    for size in ((2, 3), (5, 4)):
        net.forward(end="a")
        net.blobs["a"].drive(Match(np.ones((4, *size))))
        net.backward(start="a")
    assert [key[0] for key in net.runtime._traced] == ["gradient"]


SEEDS = {"a": (1, 0), "fc": (0, np.eye(6)[2]), "b": (-0.5, 0.25), "one": (2, 0)}


@pytest.mark.parametrize(
    "ends", [("a", "b"), ("b", "a"), ("one", "b"), ("fc", "one", "a"), ("a",), ("one", "a", "fc", "b")]
)
@pytest.mark.parametrize("read", [(), ("a",), ("a", "one", "fc", "b")])
def test_several_layers_at_once(net, ends, read):
    """In one pass, from branches that one another do not need; `a` is what it was before its rectifier."""
    seeds = {name: lambda data, name=name: SEEDS[name][0] * data + SEEDS[name][1] for name in ends}
    expected = by_hand(net, seeds)
    alone = {}
    for name in ends:
        net.forward(end=name)
        alone[name] = net.blobs[name].data.copy()
    found = net.forward(end=ends)
    assert list(found) == list(ends)
    for name in set(read) & set(ends):
        assert nets.off(net.blobs[name].data, alone[name]) < 1e-14
    for name in ends:
        net.blobs[name].drive(Affine(*SEEDS[name]))
    for _ in range(2):  # the second time, as the first
        net.backward(start=ends)
        assert nets.off(net.blobs["data"].diff, expected) < 1e-13
        for name in ends:
            np.testing.assert_allclose(net.blobs[name].diff, seeds[name](alone[name]), rtol=1e-13, atol=1e-13)


def test_several_layers_are_one_trace_whatever_the_numbers():
    net = build("tensorflow")
    for number in range(3):
        net.forward(end=("a", "b"))
        net.blobs["a"].drive(Affine(number, np.full((4, 1, 1), number)))
        net.blobs["b"].copy_data_to_diff()
        net.backward(start=("a", "b"))
    assert [key[0] for key in net.runtime._traced] == ["gradient"]


def test_one_blob_cannot_hold_two_ends(net):
    for ends in (("a", "a/relu"), ("a", "a"), ()):
        with pytest.raises(UnknownNameError, match="expected layers of different blobs"):
            net.forward(end=ends)
    with pytest.raises(UnknownNameError, match="no layer 'nowhere'"):
        net.forward(end=("a", "nowhere"))


def test_backward_needs_what_was_run(net):
    net.forward(end="pool")
    with pytest.raises(ShapeError, match=r"backward from \('a', 'fc'\): run forward to it"):
        net.backward(start=("a", "fc"))


def test_logits(net, squeezenet32):
    assert net.logits == ("fc", 6)
    assert squeezenet32.logits == ("pool10", 1000)
    assert nets.build(nets.inputs(x=(1, 2)) + nets.layer("it", "ReLU", "x", "y")).logits is None
    numbers = nets.inputs(x=(5,)) + nets.layer("it", "Softmax", "x", "y", "softmax_param { axis: 0 }")
    assert nets.build(numbers).logits is None  # no axis of classes
