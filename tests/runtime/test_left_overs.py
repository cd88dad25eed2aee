"""What one pass leaves for the next: seeds, left-over gradients, and what a reader finds in between."""

import numpy as np
import pytest
from support import nets

import pydream
import pydream.caffe
from pydream.errors import ShapeError
from pydream.runtime.engines import RUNTIMES


@pytest.fixture(params=list(RUNTIMES))
def runtime(request):
    return request.param


@pytest.fixture
def net(runtime):
    net = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime=runtime)
    net.blobs["data"].reshape(1, 3, 67, 71)
    net.blobs["data"].data[...] = np.random.RandomState(0).uniform(-100, 100, (1, 3, 67, 71))
    return net


def gradient(net, end, seed, forward_end=None):
    """The gradient at the input in a fresh net, for a written seed."""
    fresh = pydream.load_net("squeezenet_v1.1", dtype="float64", runtime=type(net.runtime))
    fresh.blobs["data"].reshape(*net.blobs["data"].shape)
    fresh.blobs["data"].data[...] = net.blobs["data"].data
    fresh.forward(end=forward_end or end)
    fresh.blobs[end].diff[...] = seed
    fresh.backward(start=end)
    return fresh.blobs["data"].diff


def test_nothing_written_is_zero(net):
    net.forward(end="fire8/concat")
    assert not net.gradient("fire8/concat").any()
    assert not net.blobs["data"].diff.any()


def test_an_earlier_start_goes_on_from_what_the_later_one_left(net):
    """As in Caffe: the first pass has written the diff of every blob on its way."""
    net.forward(end="fire8/concat")
    net.blobs["fire8/concat"].diff[...] = 1
    whole = net.gradient("fire8/concat").copy()
    for start in ("fire7/concat", "fire5/concat", "fire5/concat", "pool1"):
        np.testing.assert_allclose(net.gradient(start), whole, rtol=1e-12, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(("before", "after"), [("fire8/concat", "fire5/concat"), ("fire7/concat", "fire6/concat")])
def test_a_new_forward_pass_starts_from_zero(net, before, after):
    net.forward(end=before)
    net.blobs[before].diff[...] = 1
    net.backward(start=before)
    net.forward(end=after)
    assert not net.gradient(after).any()


def test_backward_after_a_step_elsewhere(net):
    pydream.make_step(net, end="fire5/concat")
    net.blobs["pool1"].diff[...] = 1
    net.backward(start="pool1")
    image = net.blobs["data"].data.copy()
    net.forward(end="pool1")
    net.blobs["pool1"].diff[...] = 1
    net.backward(start="pool1")
    np.testing.assert_array_equal(net.blobs["data"].diff, gradient(net, "pool1", 1))
    np.testing.assert_array_equal(net.blobs["data"].data, image)


@pytest.mark.parametrize("read", [False, True])
def test_reading_changes_nothing(net, read):
    """The next passes give the same whether a gradient was read or not."""
    net.forward(end="fire5/concat")
    net.blobs["fire5/concat"].copy_data_to_diff()
    net.backward(start="fire5/concat")
    if read:
        for blob in list(net.blobs.values())[:12]:
            assert blob.diff.shape == blob.data.shape
    kept = net.blobs["data"].diff.copy() if read else None
    written = net.blobs["fire5/concat"].data.copy()
    net.forward(end="fire5/concat")
    assert net.blobs["data"].diff.any()  # an input's stays until the next backward pass
    assert kept is None or np.array_equal(net.blobs["data"].diff, kept)
    np.testing.assert_array_equal(net.blobs["fire5/concat"].diff, written)  # what was written stays,
    assert not net.blobs["fire3/concat"].diff.any()  # what was computed goes


def test_a_dream_starts_with_clean_gradients(runtime):
    """An objective that writes a part of `diff` does not find the rest full of an earlier dream's."""
    picture = np.random.RandomState(1).randint(0, 256, (67, 71, 3), np.uint8)

    def channel(dst):
        dst.diff[0, 7] = 1

    def everything(dst):
        dst.diff[:] = dst.data

    def dream(net, objective):
        return pydream.deepdream(
            net, picture, octave_n=1, iter_n=2, end="fire8/concat", objective=objective, rng=np.random.RandomState(0)
        )

    net = pydream.load_net("squeezenet_v1.1", runtime=runtime)
    fresh = dream(net, channel)
    for other in (everything, pydream.objective_L2):
        dream(net, other)
        np.testing.assert_array_equal(dream(net, channel), fresh)


@pytest.mark.parametrize("runtime", ["tensorflow"], indirect=True)
def test_all_blobs_are_read_in_one_more_pass(net):
    """Two traces serve every reader, however many blobs there are."""
    net.forward(end="fire8/concat")
    net.blobs["fire8/concat"].copy_data_to_diff()
    net.backward(start="fire8/concat")
    before = len(net.runtime._traced)
    total = 0.0
    for name in list(net.blobs)[: list(net.blobs).index("fire8/concat")]:
        total += np.abs(net.blobs[name].data).sum() + np.abs(net.blobs[name].diff).sum()
    assert np.isfinite(total)
    assert len(net.runtime._traced) == before + 2


def test_the_tensor_spares_a_copy_of_the_blob(net, monkeypatch):
    moved = []
    original = pydream.runtime.net._moved
    monkeypatch.setattr(
        pydream.runtime.net, "_moved", lambda array, axes: moved.append(array.shape) or original(array, axes)
    )
    pydream.make_step(net)
    assert moved == []


def test_backward_of_every_output(build):
    """`backward()` after `forward()` starts from all the outputs, as pycaffe's does."""
    net = build(
        "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } } }"
        "layer { name: 'split' type: 'Split' bottom: 'data' top: 'a' top: 'b' top: 'c' }"
        "layer { name: 'ra' type: 'ReLU' bottom: 'a' top: 'ra' }"
        "layer { name: 'rb' type: 'TanH' bottom: 'b' top: 'rb' }",
        "float64",
    )
    x = np.random.RandomState(0).randn(1, 2, 3, 4)
    net.blobs["data"].data[...] = x
    assert net.outputs == ["c", "ra", "rb"]
    net.forward()
    net.blobs["ra"].diff[...] = 2
    net.blobs["rb"].diff[...] = 3
    net.backward()
    np.testing.assert_allclose(net.blobs["data"].diff, 2 * (x > 0) + 3 * (1 - np.tanh(x) ** 2), rtol=1e-12)
    net.forward(end="ra")
    net.backward(start="ra")
    assert not net.blobs["b"].diff.any()  # a top of the Split that `ra` does not need


def test_an_in_place_start_leaves_what_it_passed_on(net):
    """Caffe's in-place layer writes its bottom's gradient over its top's."""
    net.forward(end="relu_conv1")
    net.blobs["conv1"].diff[...] = 1
    net.backward(start="relu_conv1")
    np.testing.assert_array_equal(net.blobs["conv1"].diff, net.blobs["conv1"].data > 0)


def test_a_blob_off_the_way_that_does_not_fit_the_picture(build):
    """A pass checks what it needs; TensorFlow's pooling ends the process where its window is larger than the map."""
    net = build(
        nets.inputs(data=(1, 3, 12, 12))
        + nets.layer("pool", "Pooling", "data", "pool", "pooling_param { kernel_size: 3 stride: 2 }")
        + nets.layer("aside", "ReLU", "pool", "aside")
        + nets.layer("end", "ReLU", "data", "end"),
        "float32",
    )
    net.resize(1, 6)
    net.forward(end="end")
    for name in ("pool", "aside"):
        with pytest.raises(ShapeError, match="layer 'pool': 6x1 is too small for a 3x3 window"):
            net.blobs[name].data  # noqa: B018
