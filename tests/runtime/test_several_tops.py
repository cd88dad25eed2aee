"""Layers of several tops, of which one, some or all have a gradient; and bottoms that get none."""

import numpy as np
import pytest
from support import nets

from pydream.errors import UnknownNameError
from pydream.formats.caffe.layers import graph_of
from pydream.net import Affine
from pydream.runtime.geometry import survey

IMAGE = (1, 4, 5, 6)
SLICE = nets.inputs(data=IMAGE) + nets.layer("parts", "Slice", "data", "a b", "slice_param { slice_point: 1 }")


@pytest.fixture
def image():
    return nets.normal(np.random.default_rng(0), *IMAGE)


def test_a_top_that_nothing_reads_has_no_part_in_the_gradient(build, image):
    net = build(SLICE + nets.layer("power", "Power", "b", "y", "power_param { power: 2 }"))
    net.forward(end="power", data=image)
    net.blobs["y"].diff[...] = 3
    net.backward(start="power")
    wanted = np.zeros(IMAGE)
    wanted[:, 1:] = 6 * image[:, 1:]
    assert np.allclose(net.blobs["data"].diff, wanted, rtol=1e-15)
    assert not net.blobs["a"].diff.any()


@pytest.mark.parametrize("end", ["b", "parts"])
def test_a_seed_at_one_top_is_one_run(build, image, end):
    """By the name of the blob or of the layer; what another top would add is 0."""
    net = build(SLICE)
    net.forward(end=end, data=image)
    net.blobs["b"].drive(Affine(2, 1))
    net.backward(start=end)
    wanted = np.zeros(IMAGE)
    wanted[:, 1:] = 2 * image[:, 1:] + 1
    assert np.array_equal(net.blobs["data"].diff, wanted)
    assert np.array_equal(net.blobs["a"].data, image[:, :1])


def test_the_layer_s_name_is_all_of_its_tops(build, image):
    net = build(SLICE)
    assert list(net.forward(end="parts", data=image)) == ["a", "b"]
    assert list(net.forward(end="b", data=image)) == ["b"]
    net.forward(end=("b", "a"), data=image)
    for name in "ab":
        net.blobs[name].copy_data_to_diff()
    net.backward(start=("b", "a"))
    assert np.array_equal(net.blobs["data"].diff, image)
    with pytest.raises(UnknownNameError):
        net.forward(end=("b", "b"))


def test_what_only_a_size_is_read_of_gets_no_gradient(build, image):
    """Caffe writes nothing, not even zeros, to what a Crop takes the size from: it stays 0."""
    text = (
        nets.inputs(data=IMAGE)
        + nets.layer("pool", "Pooling", "data", "small", "pooling_param { kernel_size: 2 stride: 1 }")
        + nets.layer("cut", "Crop", "data small", "y", "crop_param { offset: 1 }")
    )
    net = build(text)
    net.forward(data=image)
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert not net.blobs["small"].diff.any()
    assert np.array_equal(net.blobs["data"].diff[0, 0], np.pad(np.ones((4, 5)), ((1, 0), (1, 0))))
    text = nets.inputs(data=IMAGE, other=(1, 1, 9, 9)) + nets.layer("cut", "Crop", "other data", "y")
    net = build(text)
    net.forward(data=image)
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert not net.blobs["data"].diff.any()


def test_a_mask_has_no_gradient(build, image):
    net = build(
        nets.inputs(data=IMAGE) + nets.layer("pool", "Pooling", "data", "y mask", "pooling_param { kernel_size: 2 }")
    )
    net.forward(end="pool", data=image)
    net.blobs["mask"].diff[...] = 5
    net.backward(start="pool")
    assert not net.blobs["data"].diff.any()
    net.forward(end="pool", data=image)
    net.blobs["y"].diff[...] = 1
    net.backward(start="pool")
    assert net.blobs["data"].diff.sum() == 4 * 4 * 5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_channels_that_come_of_the_size(build, dtype):
    """Pictures of other sizes have other numbers of channels behind such a Reshape, for every layer there."""
    text = (
        nets.inputs(data=IMAGE)
        + nets.layer("rows", "Reshape", "data", "rows", "reshape_param { shape { dim: 0 dim: -1 dim: 2 dim: 0 } }")
        + nets.layer("norm", "LRN", "rows", "norm")
        + nets.layer("pool", "Pooling", "norm", "y", "pooling_param { kernel_size: 2 }")
    )
    net = build(text, dtype)
    for height, width in ((5, 6), (3, 4), (5, 6), (7, 3)):
        x = nets.normal(np.random.default_rng(height), 1, 4, height, width)
        net.blobs["data"].reshape(*x.shape)
        assert net.forward(data=x)["y"].shape == (1, 2 * height, 1, width - 1)
        net.blobs["y"].diff[...] = 1
        net.backward()
        assert np.count_nonzero(net.blobs["data"].diff) > 0
        net.forward(data=x)
        net.blobs["y"].drive(None)
        net.backward()


def test_what_passes_no_gradient_is_no_layer_to_dream_with():
    text = (
        nets.inputs(data=IMAGE)
        + nets.layer("pool", "Pooling", "data", "y mask", "pooling_param { kernel_size: 2 }")
        + nets.layer("above", "Threshold", "y", "above")
        + nets.layer("double", "Power", "mask", "double", "power_param { scale: 2 }")
        + nets.layer("both", "Eltwise", "y mask", "both")
    )
    facts = survey(graph_of(nets.parse(text), "net"), {"data": IMAGE})
    assert [fact.name for fact in facts if fact.dreamable] == ["y", "both"]


def test_facts_of_each_top():
    facts = {
        fact.name: fact
        for fact in survey(graph_of(nets.parse(SLICE + nets.layer("x", "ReLU", "b", "x")), "net"), {"data": IMAGE})
    }
    assert facts["a"].shape == (1, 1, 5, 6)
    assert facts["b"].shape == facts["x"].shape == (1, 3, 5, 6)
    assert all(facts[name].dreamable for name in "abx")
