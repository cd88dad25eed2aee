"""A gradient in tiles is the gradient: for every kind of layer, border, size and objective, against the untiled one.

What is compared with goes through the network in one run, which other tests hold to Caffe's own results. In float64 the
two differ in the order of sums only: 1e-10 is what is promised, 1e-15 what is measured.
"""

import gc
import tracemalloc
from math import ceil, gcd, lcm

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from support import nets
from support.watching import watching

import pydream
from pydream import caffe, system
from pydream.bench.clock import TimedNet
from pydream.dream import objectives, retouch
from pydream.dream.notebook import dream_copies
from pydream.dream.together import Also, Together
from pydream.errors import MemoryTooSmallError, ShapeError, UnknownNameError
from pydream.formats.caffe.layers import graph_of
from pydream.imageops import native_ops
from pydream.net import Affine, Net, View, Wrapper
from pydream.picture import to_pixels
from pydream.system import Limit
from pydream.tiles import fitting
from pydream.tiles.fitting import OVERHEAD, check_limit, choose_side
from pydream.tiles.net import tiled
from pydream.tiles.plan import plan_tiles, spans

SIZES = [(131, 177), (112, 158), (165, 99)]  # odd and even, one column of blocks or several


def gradient(net, ends, objective, image, side):
    """The gradient of an objective at an image, laid out as the image is, and how many tiles it took."""
    ends = (ends,) if isinstance(ends, str) else ends
    net.blobs["data"].reshape(1, *image.shape)
    net.blobs["data"].data[0] = image
    worker = tiled(net, ends, side)
    tiles = len(plan_tiles(net, ends, *image.shape[1:], side)) if side else 1
    worker.forward(end=ends, tensor=worker.feed(net.blobs["data"].data[0], 5, -3, native_ops))
    objective(*[worker.blobs[end] for end in ends])
    found = np.array(worker.gradient(ends))[0]
    np.testing.assert_array_equal(net.blobs["data"].data[0], image.astype(net.dtype))  # as it was
    return (found.transpose(2, 0, 1) if net.channels_last else found), tiles


def off(net, ends, image, side, objective=objectives.objective_L2, tiles=2):
    """How far the gradient in tiles is from the one in one run; relative, L2."""
    whole, _ = gradient(net, ends, objective, image, 0)
    parts, count = gradient(net, ends, objective, image, side)
    assert count >= tiles
    assert np.linalg.norm(whole) > 0
    return np.linalg.norm(parts - whole) / np.linalg.norm(whole)


def noisy(size, seed=0):
    """An image of noise with a flat, white part: for pooling, values that are equal on paper."""
    image = np.random.RandomState(seed).uniform(-120, 130, (3, *size))
    image[:, : size[0] // 3, : size[1] // 2] = 130
    return image


# What there is to see along an axis, without a network.


@pytest.mark.parametrize("size", [1, 7, 16, 100, 101, 227])
@pytest.mark.parametrize("side", [1, 8, 32, 50, 1000])
@pytest.mark.parametrize(
    "layers",
    [
        [(View(1, 1, 0), lambda n: n)],
        [(View(7, 2, -3), lambda n: (n - 1) // 2 + 1)],
        [(View(11, 4, 0), lambda n: max((n - 11) // 4 + 1, 0))],
        [(View(35, 8, -12), lambda n: -(-n // 8)), (View(3, 2, 0), lambda n: max(-(-(n - 3) // 2) + 1, 0))],
        [(View(9, 4, -2), lambda n: n // 4), (View(9, 6, -2), lambda n: n // 6)],
    ],
)
def test_each_value_is_in_one_block_and_sees_nothing_outside_its_crop(size, side, layers):
    views, counts = [view for view, _ in layers], [count(size) for _, count in layers]
    found = spans(size, side, views, counts)
    stride = lcm(*(view.stride for view in views))
    for place, (view, count) in enumerate(zip(views, counts, strict=True)):
        own = [i for span in found for i in range(span.values[place].start, span.values[place].stop)]
        assert own == list(range(count))
        for span in found:
            for i in range(span.values[place].start, span.values[place].stop):
                seen = range(i * view.stride + view.start, i * view.stride + view.start + view.size)
                inside = [pixel for pixel in seen if 0 <= pixel < size]
                assert all(span.crop.start <= pixel < span.crop.stop for pixel in inside)
            shift = span.values[place].start - span.inside[place].start
            assert shift * view.stride == span.crop.start
    for span in found:
        assert 0 <= span.crop.start < span.crop.stop <= size
        assert span.crop.start % stride == 0
        assert (size - span.crop.stop) % stride == 0


def test_blocks_are_of_about_one_size_and_no_larger_than_asked():
    found = spans(4320, 1600, [View(299, 16, -135)], [270])
    own = [span.values[0].stop - span.values[0].start for span in found]
    assert own == [90, 90, 90]
    assert [(span.crop.start, span.crop.stop) for span in found] == [(0, 1600), (1296, 3040), (2736, 4320)]


# Small networks, each for one way to go wrong.

INPUT = nets.inputs(data=(1, 3, 40, 40))
CONV = "convolution_param { num_output: 4 kernel_size: %d stride: %d pad: %d }"
POOL = "pooling_param { pool: %s kernel_size: %d stride: %d pad: %d }"


def conv(name, bottom, kernel, stride, pad):
    return nets.layer(name, "Convolution", bottom, name, CONV % (kernel, stride, pad))


def pool(name, bottom, how, kernel, stride, pad):
    return nets.layer(name, "Pooling", bottom, name, POOL % (how, kernel, stride, pad))


def deconv(name, bottom, kernel, stride, pad):
    return nets.layer(name, "Deconvolution", bottom, name, CONV % (kernel, stride, pad))


SMALL = {
    "a stride of 3, padded": conv("a", "data", 5, 3, 2) + conv("b", "a", 3, 1, 1),
    "pooling that rounds up": pool("a", "data", "MAX", 3, 2, 0) + pool("b", "a", "MAX", 3, 2, 0),
    "pooling that rounds up, padded": pool("a", "data", "MAX", 3, 2, 1) + pool("b", "a", "AVE", 3, 2, 1),
    "means of clipped windows": pool("a", "data", "AVE", 4, 3, 0) + pool("b", "a", "AVE", 3, 2, 1),
    "windows with gaps": conv("a", "data", 2, 3, 0) + pool("b", "a", "MAX", 1, 2, 0),
    "dilated": nets.layer(
        "b", "Convolution", "data", "b", "convolution_param { num_output: 4 kernel_size: 3 dilation: 3 pad: 3 }"
    ),
    "branches of other reach": conv("a", "data", 3, 2, 1)
    + conv("near", "a", 1, 1, 0)
    + conv("far", "a", 5, 1, 2)
    + nets.layer("both", "Concat", "near far", "both")
    + nets.layer("b", "Eltwise", "near far", "b", "eltwise_param { operation: PROD }"),
    "in place, and normalised": conv("a", "data", 3, 1, 1)
    + nets.layer("relu", "ReLU", "a", "a")
    + nets.layer("norm", "LRN", "a", "norm", "lrn_param { local_size: 3 alpha: 0.1 }")
    + pool("b", "norm", "MAX", 2, 2, 0)
    + nets.layer("soft", "Softmax", "b", "soft"),
    "stretched, and cut to fit": conv("a", "data", 3, 2, 1)
    + pool("p", "a", "MAX", 3, 2, 0)
    + deconv("up", "p", 4, 2, 0)
    + nets.layer("cut", "Crop", "up a", "cut", "crop_param { offset: 1 }")
    + nets.layer("sum", "Eltwise", "a cut", "sum")
    + deconv("again", "sum", 5, 2, 1)
    + nets.layer("b", "Crop", "again data", "b"),
    "stretched, with gaps": conv("a", "data", 1, 3, 0) + deconv("up", "a", 1, 3, 0) + conv("b", "up", 2, 1, 1),
    "in parts": conv("a", "data", 3, 2, 1)
    + nets.layer("parts", "Slice", "a", "low high", "slice_param { slice_point: 1 }")
    + pool("b", "high", "MAX", 2, 2, 0)
    + nets.layer("twice", "Tile", "low", "twice", "tile_param { tiles: 2 }"),
}


def small(text, runtime="numpy"):
    """A network with weights drawn from a seed."""
    rng = np.random.default_rng(3)
    graph = graph_of(nets.parse(INPUT + text), "small")
    drawn = {layer: [nets.normal(rng, *shape) for shape in shapes] for layer, shapes in graph.params.items()}
    return nets.build(INPUT + text, runtime=runtime, **drawn)


@pytest.mark.parametrize("what", SMALL)
def test_small_networks_at_every_size(what):
    """Every remainder by every stride there is, at the right and the bottom border."""
    net = small(SMALL[what])
    ends = [name for name in net.blobs if name != "data"]
    for height in range(29, 42):
        image = noisy((height, 70 - height), seed=height)
        for end in ends:
            assert off(net, end, image, 12) < 1e-10, (end, height)


def test_small_networks_have_a_border_that_matters():
    """The tests above would find crops that do not lie as the picture does."""
    net = small(SMALL["pooling that rounds up"])
    image = noisy((37, 36))
    whole, _ = gradient(net, "b", objectives.objective_L2, image, 0)
    cut, _ = gradient(net, "b", objectives.objective_L2, np.ascontiguousarray(image[:, :, :30]), 0)
    assert np.abs(cut[:, :, 20:] - whole[:, :, 20:30]).max() > 1


@st.composite
def chains(draw):
    """A network of a few convolutions and poolings, of any window, stride and padding that gives numbers in Caffe."""
    text, bottom, apart = "", "data", 1
    for number in range(draw(st.integers(1, 4))):
        name = f"l{number}"
        how = draw(st.sampled_from(["conv", "MAX", "AVE", "deconv"]))
        stride = draw(st.integers(1, 3))
        if how == "deconv":
            stride = gcd(stride, apart)  # others have no tiles
            kernel = draw(st.integers(1, 5))
            text += deconv(name, bottom, kernel, stride, draw(st.integers(0, (kernel - 1) // 2)))
            bottom, apart = name, apart // stride
            continue
        apart *= stride
        kernel = draw(st.integers(1 if how == "conv" else stride, 5))  # a pooling window may have nothing in it
        window = (kernel, stride, draw(st.integers(0, kernel - 1)))
        text += conv(name, bottom, *window) if how == "conv" else pool(name, bottom, how, *window)
        bottom = name
    return text, bottom


@settings(max_examples=50, deadline=None)
@given(chains(), st.integers(24, 50), st.integers(24, 50), st.integers(6, 30), st.integers(0, 1000))
def test_whatever_the_windows(chain, height, width, side, seed):
    text, end = chain
    image = np.random.RandomState(seed).uniform(-120, 130, (3, height, width))
    try:
        net = small(text)
        whole, _ = gradient(net, end, objectives.objective_L2, image, 0)
    except ShapeError:
        reject()  # too small for its windows
    tiled, _ = gradient(net, end, objectives.objective_L2, image, side)
    assert np.linalg.norm(tiled - whole) <= 1e-10 * np.linalg.norm(whole)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            pool("b", "data", "MAX", 1, 1, 0).replace("kernel_size: 1 stride: 1 pad: 0", "global_pooling: true"),
            "'b' (Po",
        ),
        (nets.layer("b", "InnerProduct", "data", "b", "inner_product_param { num_output: 2 }"), "'b' (InnerProduct)"),
        (nets.layer("b", "Softmax", "data", "b", "softmax_param { axis: 2 }"), "'b' (Softmax)"),
        (nets.layer("f", "Flatten", "data", "f") + nets.layer("b", "ReLU", "f", "b"), "'f' (Flatten)"),
        (deconv("b", "data", 4, 2, 1), "'b' (Deconvolution)"),
        (nets.layer("parts", "Slice", "data", "a b", "slice_param { axis: 2 }"), "'parts' (Slice)"),
    ],
)
def test_what_sees_the_whole_picture_has_no_tiles(text, reason):
    net = small(text)
    picture = np.full((40, 40, 3), 9.0)
    with pytest.raises(ShapeError) as raised:
        pydream.deepdream(net, picture, end="b", octave_n=1, iter_n=1, tile=16)
    assert f"sees the whole picture: through the layer {reason}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert choose_side(net, ["b"], 40, 40) == 0


def test_another_input_has_no_tiles():
    text = nets.inputs(data=(1, 3, 40, 40), more=(1, 3, 40, 40)) + nets.layer("b", "Eltwise", "data more", "b")
    net = nets.build(text, runtime="numpy")
    with pytest.raises(ShapeError, match="the input 'more' too"):
        plan_tiles(net, ["b"], 40, 40, 16)


def test_weights_as_a_blob_have_no_tiles():
    weights = "parameter_param { shape { dim: 1 dim: 3 dim: 40 dim: 40 } }"
    net = small(nets.layer("p", "Parameter", "", "p", weights) + nets.layer("b", "Eltwise", "data p", "b"))
    with pytest.raises(ShapeError, match=r"the layer 'p' \(Parameter\) too, which has no part"):
        plan_tiles(net, ["b"], 40, 40, 16)


def test_a_port_that_cannot_tell_runs_on_whole_pictures(numpy_squeezenet64):
    class Port(Wrapper):
        locality, step_bytes, twin = Net.locality, Net.step_bytes, Net.twin

    port = Port(numpy_squeezenet64)
    assert choose_side(port, ["fire8/concat"], 10**5, 10**5) == 0
    picture = np.full((64, 64, 3), 9.0)
    with pytest.raises(ShapeError, match=r"runs on whole pictures.*tile 0"):
        pydream.deepdream(port, picture, end="fire8/concat", octave_n=1, iter_n=1, tile=16)
    assert pydream.deepdream(port, picture, end="fire8/concat", octave_n=1, iter_n=1).shape == picture.shape


def test_gradients_of_another_shape_are_refused(squeezenet64, picture):
    class Wrong(Wrapper):
        def gradients_of(self, parts):
            return (gradient[:, :1] for gradient in super().gradients_of(parts))

    with pytest.raises(ShapeError, match=r"a tile's gradient is float64 \(1, 1, .*expected float64 \(1, "):
        dream(Wrong(squeezenet64), picture, tile=64, octave_n=1, iter_n=1)


def test_a_wrapper_in_tiles_is_the_net_in_tiles(squeezenet64, picture):
    """And a clock around it runs: the one of `pydream reproduce`, which once hid that a net can tell what it sees."""
    clock = TimedNet(squeezenet64)
    found = dream(clock, picture, tile=64, octave_n=1, iter_n=2)
    np.testing.assert_array_equal(found, dream(squeezenet64, picture, tile=64, octave_n=1, iter_n=2))
    assert len(clock.backwards) == 2 * len(plan_tiles(squeezenet64, ["fire5/concat"], 130, 171, 64))
    assert clock.locality("fire5/concat") == squeezenet64.locality("fire5/concat")
    assert clock.step_bytes(["fire5/concat"], 100, 90) == squeezenet64.step_bytes(["fire5/concat"], 100, 90)


# The built-in networks.


@pytest.mark.parametrize(
    "end", ["conv1", "pool1", "fire2/squeeze1x1", "fire3/concat", "pool3", "pool5", "fire8/concat", "conv10"]
)
def test_squeezenet(squeezenet64, end):
    for size in SIZES:
        assert off(squeezenet64, end, noisy(size), 48) < 1e-10


@pytest.mark.parametrize(
    "end",
    ["conv1/7x7_s2", "pool2/3x3_s2", "inception_3b/5x5_reduce", "inception_4c/output", "inception_5b/output"],
)
def test_googlenet(googlenet64, end):
    for size in SIZES[:2]:
        assert off(googlenet64, end, noisy(size), 64) < 1e-10


@pytest.fixture(scope="module")
def alexnet64(root):
    """AlexNet as far as pool5, with weights drawn from a seed."""
    definition = nets.parse((root / "models" / "bvlc_alexnet" / "deploy.prototxt").read_text())
    del definition.layer[[layer.name for layer in definition.layer].index("fc6") :]
    shapes = graph_of(definition, "AlexNet").params
    rng = np.random.default_rng(6)
    weights = nets.weights(
        **{
            name: [rng.standard_normal(shape, np.float32) * (2 / np.prod(shape[1:])) ** 0.5 for shape in each]
            for name, each in shapes.items()
        }
    )
    return caffe.Net(definition, weights, dtype="float64", device="cpu")


@pytest.mark.parametrize("end", ["conv1", "norm1", "pool1", "conv2", "conv4", "pool5"])
def test_alexnet(alexnet64, end):
    for size in SIZES:
        assert off(alexnet64, end, noisy(size), 48) < 1e-10


@pytest.mark.parametrize("end", ["conv2d0", "maxpool4", "mixed4c"])
def test_a_frozen_graph_whose_padding_goes_by_the_size(inception5h_pb, end):
    net = pydream.load_net("inception5h", inception5h_pb, dtype="float64")
    for size in SIZES:
        assert off(net, end, noisy(size), 48) < 1e-10


def test_float32_is_off_by_its_rounding(squeezenet32, squeezenet64):
    """No farther from float64 than the gradient in one run, but for chance."""
    image = np.random.RandomState(2).uniform(-120, 130, (3, 131, 177)).astype(np.float32)
    exact, _ = gradient(squeezenet64, "fire5/concat", objectives.objective_L2, image, 0)
    errors = [
        np.linalg.norm(gradient(squeezenet32, "fire5/concat", objectives.objective_L2, image, side)[0] - exact)
        for side in (0, 48)
    ]
    assert errors[1] <= 2 * errors[0] + 1e-6 * np.linalg.norm(exact)


# Objectives.


def by_hand(dst):
    """The notebook's way: read what there is, write what is wanted; here with a mean over all places."""
    dst.diff[0, 3:] = (dst.data - dst.data.mean())[0, 3:]


OBJECTIVES = {
    "channels": objectives.l2("fire5/concat", (1, 5)) - 0.5 * objectives.total("fire5/concat", 7),
    "a mean": objectives.mean("fire5/concat", 3),
    "a neuron, beside channels": objectives.l2("fire5/concat", 3, place=(4, 2)) + objectives.mean("fire5/concat", 7),
    "layers of other strides": objectives.mean("fire5/concat", 3) + 2 * objectives.l2("conv1"),
    "by hand": by_hand,
    "one number a value": lambda dst: dst.drive(Affine(np.arange(np.prod(dst.shape)).reshape(dst.shape) / 1e4, 1.5)),
    "data that are read first": lambda dst: (dst.data.max(), dst.copy_data_to_diff()),
}


@pytest.mark.parametrize("what", OBJECTIVES)
def test_objectives(squeezenet64, what):
    objective = OBJECTIVES[what]
    ends = objective.ends if isinstance(objective, objectives.Score) else "fire5/concat"
    assert off(squeezenet64, ends, noisy(SIZES[0]), 48, objective) < 1e-10


def test_a_guide(squeezenet64):
    guide = np.random.RandomState(4).uniform(0, 255, (90, 70, 3))
    objective = objectives.objective_guide(squeezenet64, guide, "fire5/concat")
    assert off(squeezenet64, "fire5/concat", noisy(SIZES[0]), 48, objective) < 1e-10


def test_numbers_that_do_not_fit_the_layer(squeezenet64):
    with pytest.raises(ValueError, match="broadcast"):
        gradient(squeezenet64, "fire5/concat", lambda dst: dst.drive(Affine(np.ones((2, 1, 1)))), noisy(SIZES[0]), 48)


# Dreams.


@pytest.fixture(scope="module")
def picture():
    return np.random.RandomState(5).uniform(0, 255, (130, 171, 3))


def dream(net, picture, **params):
    params = {"octave_n": 2, "iter_n": 3, "end": "fire5/concat", **params}
    return pydream.deepdream(net, picture, rng=np.random.RandomState(1), **params)


def test_a_dream_in_tiles_is_the_dream_to_the_byte(squeezenet64, picture):
    whole, small = (dream(squeezenet64, picture, tile=tile) for tile in (0, 64))
    np.testing.assert_array_equal(np.uint8(np.clip(small, 0, 255)), np.uint8(np.clip(whole, 0, 255)))
    assert np.abs(small - whole).max() < 1e-8
    assert np.abs(whole - picture).mean() > 1


def test_a_tile_as_large_as_the_picture_is_the_untiled_dream_to_the_bit(squeezenet64, picture):
    np.testing.assert_array_equal(dream(squeezenet64, picture, tile=1000), dream(squeezenet64, picture, tile=0))


def test_the_layer_is_not_computed_whole(squeezenet64, picture):
    """What tiles are for: the picture's own network computes nothing, and only crops are run."""
    sizes = []
    net = squeezenet64.twin()
    twin = net.twin

    def counting():
        other = twin()
        forward = other.forward
        other.forward = lambda end, tensor: (sizes.append(tensor.shape[1:3]), forward(end, tensor=tensor))[1]
        return other

    net.twin = counting
    dream(net, picture, octave_n=1, iter_n=2, tile=64)
    assert len(sizes) == 2 * len(plan_tiles(net, ["fire5/concat"], 130, 171, 64))
    assert max(map(max, sizes)) < 171
    assert net._forward is None
    assert net.blobs["fire5/concat"]._diff is None


@pytest.mark.parametrize("tile", [-1, 1.5, "64"])
def test_tile_is_a_whole_number(squeezenet64, picture, tile):
    with pytest.raises((ValueError, TypeError), match="tile"):
        dream(squeezenet64, picture, tile=tile)


# How many arrays of the picture's size there are at a time, counted by tracemalloc.

SIDE = 800  # so that tiles, and what Python itself has, are little beside it
LITTLE = 0.15


@pytest.fixture(scope="module")
def little():
    """A network that holds next to nothing, and a picture for it."""
    picture = np.random.RandomState(0).randint(0, 256, (SIDE, SIDE, 3), np.uint8)
    weights = [nets.normal(np.random.default_rng(3), 1, 3, 3, 3), np.zeros(1)]
    text = conv("a", "data", 3, 4, 1).replace("num_output: 4", "num_output: 1")
    return nets.build(INPUT + text, dtype="float32", runtime="numpy", a=weights), picture


def copies(little, stop_at=None, **params):
    """The most arrays of the picture's size that a dream and its 8-bit pixels hold, in the network's dtype."""
    net, picture = little
    done = 0

    def step(octave, i, image):
        nonlocal done
        done += 1
        if done == stop_at:
            raise KeyboardInterrupt

    params = {"octave_n": 3, "octave_scale": 1.4, "iter_n": 2, "tile": 100, "end": "a", **params}
    net.blobs["data"].reshape(1, 3, 40, 40)
    tracemalloc.start()
    try:
        dream = pydream.deepdream(net, picture, rng=np.random.RandomState(1), watch=watching(step=step), **params)
    except pydream.DreamInterrupted as interrupted:
        dream = interrupted.image
    to_pixels(dream)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done == (stop_at or 6)
    return most / (3 * SIDE * SIDE * net.dtype.itemsize)


@pytest.mark.parametrize("stop_at", [None, 1, 2, 3, 4, 5, 6])
def test_copies_of_the_picture(little, stop_at):
    """The image and its gradient; at the end the image, the dream and its pixels."""
    assert 2 < copies(little, stop_at) <= dream_copies() + LITTLE


def test_copies_of_a_picture_that_is_not_clipped(little):
    assert 3 < copies(little, clip=False) <= dream_copies(clip=False) + LITTLE


def test_copies_of_a_picture_with_retouches(little):
    every = [
        retouch.Robust(),
        retouch.Smooth(1),
        retouch.Laplacian(2),
        retouch.Decorrelate(1),
        retouch.DecorrelateColors(),
        retouch.TotalVariation(0.3),
        retouch.PullBack(0.1),
        retouch.KeepColors(),
        retouch.Mask(np.ones((9, 9))),
    ]
    each = [copies(little, retouches=[one]) for one in every]
    assert max(each) <= copies(little, retouches=every) <= dream_copies(every) + LITTLE


def test_copies_of_a_picture_without_a_seam(little):
    assert 6 < copies(little, seamless=True, clip=False) <= dream_copies(clip=False, seamless=True) + LITTLE


def test_copies_of_a_picture_that_networks_see_together(little):
    net, picture = little
    together = Together(net, Also(net.twin(), "a"), Also(net.twin(), "a"))
    found = copies((together, picture))
    assert 2.25 + LITTLE < found <= dream_copies() + together.copies + LITTLE


def test_steps_leave_no_garbage(little):
    """A net is a reference cycle; what it computed of a tile does not wait for the garbage collector."""
    net, picture = little

    def reading(dst):
        dst.diff[...] = dst.data

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        rng = np.random.RandomState(1)
        pydream.deepdream(net, picture, 10, 1, end="a", tile=400, objective=reading, rng=rng)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert left / (3 * SIDE * SIDE * net.dtype.itemsize) <= 1 + LITTLE  # the image


# Between two tiles.


def interrupted(net, picture, **params):
    with pytest.raises(pydream.DreamInterrupted) as caught:
        dream(net, picture, tile=64, octave_n=3, iter_n=2, **params)
    return caught.value


def test_ctrl_c_between_tiles_costs_that_step_only(squeezenet32, picture):
    """At every step of every octave: what is kept is, to the bit, what Ctrl-C after the step before had kept."""

    def after(steps):
        def on_step(octave, i, image):
            if 2 * octave + i + 1 == steps:
                raise KeyboardInterrupt

        return on_step

    def within(steps):
        ended = []

        def on_tile(done, tiles):
            ended.extend([done] * (done == tiles))
            if len(ended) == steps and done == 1:
                raise KeyboardInterrupt

        return on_tile

    for steps in range(6):
        stopped = interrupted(squeezenet32, picture, watch=watching(tile=within(steps)))
        assert stopped.steps == steps
        if steps == 0:
            np.testing.assert_allclose(stopped.image, picture, atol=1e-4)
        else:
            wanted = interrupted(squeezenet32, picture, watch=watching(step=after(steps))).image
            np.testing.assert_array_equal(stopped.image, wanted)


def test_an_unknown_layer_is_named(squeezenet32):
    net = tiled(squeezenet32, ["fire5/concat"], 32)
    net.blobs["data"].reshape(1, 3, 130, 171)
    with pytest.raises(UnknownNameError, match="no tiled blob 'fire8/concat'; close: 'fire5/concat'"):
        pydream.make_step(net, end="fire8/concat")


def test_tiles_are_counted(squeezenet32, picture):
    counted = []
    dream(squeezenet32, picture, tile=64, octave_n=1, iter_n=2, watch=watching(tile=lambda *each: counted.append(each)))
    squeezenet32.blobs["data"].reshape(1, 3, *picture.shape[:2])
    tiles = len(plan_tiles(squeezenet32, ["fire5/concat"], *picture.shape[:2], 64))
    assert tiles > 1
    assert counted == [(done, tiles) for done in range(1, tiles + 1)] * 2
    counted.clear()
    dream(squeezenet32, picture, tile=0, octave_n=1, iter_n=2, watch=watching(tile=lambda *each: counted.append(each)))
    assert not counted


# What fits.


def test_tiles_where_the_picture_does_not_fit(squeezenet32, monkeypatch):
    end = ["fire8/concat"]
    pictures = OVERHEAD + int(2.25 * 3 * 2000 * 3000 * 4)
    needed = squeezenet32.step_bytes(end, 2000, 3000) + pictures + 3 * 2000 * 3000 * 4  # one run has a tensor too
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: 2 * needed)
    assert choose_side(squeezenet32, end, 2000, 3000) == 0
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: 2 * needed - 1)
    side = choose_side(squeezenet32, end, 2000, 3000)
    assert side > 0
    squeezenet32.blobs["data"].reshape(1, 3, 2000, 3000)
    plan = plan_tiles(squeezenet32, end, 2000, 3000, side)
    assert len(plan) > 1
    assert squeezenet32.step_bytes(end, *plan.crop) + pictures <= needed
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: None)  # unknown
    assert choose_side(squeezenet32, end, 10**5, 10**5) == 0


def test_memory_that_was_given_counts_what_there_is_already(squeezenet32, monkeypatch):
    monkeypatch.setattr("pydream.tiles.fitting.resident_bytes", lambda: 10**9)
    assert choose_side(squeezenet32, ["fire8/concat"], 400, 600, memory=2 * 10**9) == 0
    small = choose_side(squeezenet32, ["fire8/concat"], 4000, 6000, memory=3 * 10**9)
    large = choose_side(squeezenet32, ["fire8/concat"], 4000, 6000, memory=4 * 10**9)
    assert 0 < small < large
    with pytest.raises(MemoryTooSmallError, match=r"6000x4000 pixels and 'fire8/concat': about .* GB would do"):
        choose_side(squeezenet32, ["fire8/concat"], 4000, 6000, memory=10**9)


def test_a_dream_decides_by_itself(squeezenet64, picture, monkeypatch):
    """With little memory it goes in tiles, and comes out as it would have without."""
    whole = dream(squeezenet64, picture, tile=0, octave_n=1, iter_n=1)
    monkeypatch.setattr("pydream.tiles.fitting.free_bytes", lambda: 10**6)
    seen = []
    monkeypatch.setattr(
        "pydream.dream.notebook.tiled",
        lambda net, ends, side, *more: (seen.append(side), tiled(net, ends, side, *more))[1],
    )
    small = dream(squeezenet64, picture, octave_n=1, iter_n=1)
    assert min(seen) > 0
    assert np.abs(small - whole).max() < 1e-10


# Limits of the process.


@pytest.fixture
def limited(monkeypatch):
    """Say what a limit on address space leaves."""

    def limited(left):
        system.tightest_limit.cache_clear()
        monkeypatch.setattr(system, "limits", lambda **_: [Limit("address space", "ulimit -v", left)])

    yield limited
    system.tightest_limit.cache_clear()


def test_a_limit_decides_as_what_is_free_does(squeezenet32, limited, monkeypatch):
    monkeypatch.setattr(fitting, "free_bytes", lambda: None)
    ends, size = ["fire8/concat"], (1600, 2400)
    limited(10**11)
    assert choose_side(squeezenet32, ends, *size) == 0
    sides = []
    for left in (3 * 10**9, 15 * 10**8):
        limited(left)
        side = choose_side(squeezenet32, ends, *size)
        check_limit(squeezenet32, ends, *size, side)  # what is chosen is not refused
        with pytest.raises(MemoryTooSmallError, match=r"GB too low for 2400x1600 pixels .* without tiles: ulimit -v"):
            check_limit(squeezenet32, ends, *size, 0)
        assert choose_side(squeezenet32, ends, *size, memory=10**12) == side  # a limit holds whatever is said
        sides.append(side)
    assert sides[0] > sides[1] > 0


def test_a_limit_that_is_too_low_is_refused_before_a_step(squeezenet32, limited):
    limited(3 * 10**8)
    img = np.zeros((1600, 2400, 3), np.float32)
    with pytest.raises(MemoryTooSmallError, match=r"about 0\.\d+ GB too low .* in tiles of 16: ulimit -v"):
        pydream.deepdream(squeezenet32, img, end="fire8/concat", watch=watching(step=lambda *_: pytest.fail("a step")))


@pytest.mark.parametrize("side", [0, 96])
def test_a_limit_counts_what_a_picture_without_a_seam_adds(squeezenet32, limited, side):
    """The crop has a margin on all sides, which goes around the picture."""
    ends, size = ["fire8/concat"], (64, 96)
    squeezenet32.blobs["data"].reshape(1, 3, *size)
    needed = {}
    for seamless in (False, True):
        crop = plan_tiles(squeezenet32, ends, *size, side, seamless).crop if side or seamless else size
        limited(0)
        beside = int((3 + squeezenet32.copies) * 3 * size[0] * size[1] * 4)
        needed[seamless] = system.missing_bytes(beside, squeezenet32.step_bytes(ends, *crop), tiled=side > 0)
    assert needed[True] > needed[False] > 0
    for seamless in (False, True):
        limited(ceil(needed[seamless]))
        check_limit(squeezenet32, ends, *size, side, seamless=seamless)
        limited(ceil(needed[seamless]) - 1)
        with pytest.raises(MemoryTooSmallError, match="GB too low for 96x64 pixels and 'fire8/concat'"):
            check_limit(squeezenet32, ends, *size, side, seamless=seamless)


def test_a_limit_is_asked_once(squeezenet32, limited, monkeypatch):
    """What the first dream's steps have taken is there for the next one's."""
    limited(10**11)
    choose_side(squeezenet32, ["fire8/concat"], 100, 100)
    monkeypatch.setattr(system, "limits", lambda **_: pytest.fail("again"))
    check_limit(squeezenet32, ["fire8/concat"], 100, 100, 0)
