"""On a torus the gradient is that of endless copies side by side, and a rolled picture has the rolled one, to the bit.

What is compared with goes through the network in one run: many copies of the picture, of which only the middle is read.
"""

from math import lcm

import numpy as np
import pytest
from scipy import ndimage
from support import graphs, nets

from pydream.dream import objectives
from pydream.errors import ShapeError
from pydream.imageops import native_ops, numpy_ops
from pydream.imageops.torus import TorusOps, origin
from pydream.net import View
from pydream.tiles.net import tiled
from pydream.tiles.plan import plan_tiles, torus_spans
from pydream.tiles.torus import TorusNet

INPUT = nets.inputs(data=(1, 3, 24, 36))
CONV = "convolution_param { num_output: 4 kernel_size: %d stride: %d pad: %d }"
POOL = "pooling_param { pool: %s kernel_size: %d stride: %d pad: %d }"


def conv(name, bottom, *window):
    return nets.layer(name, "Convolution", bottom, name, CONV % window)


def pool(name, bottom, *window):
    return nets.layer(name, "Pooling", bottom, name, POOL % window)


NETS = {
    "padded, and not": (conv("a", "data", 5, 2, 2) + conv("b", "a", 3, 1, 0), {"a": 3, "b": 4}),
    "pooling that rounds up": (conv("a", "data", 3, 1, 1) + pool("b", "a", "MAX", 3, 2, 0), {"a": 3}),
    "means of clipped windows": (conv("a", "data", 3, 2, 1) + pool("b", "a", "AVE", 3, 3, 1), {"a": 3}),
    "wider than the picture": (
        conv("a", "data", 9, 2, 4) + conv("c", "a", 9, 2, 0) + conv("b", "c", 5, 1, 2),
        {"a": 3, "c": 4, "b": 4},
    ),
}


def small(what):
    text, bottoms = NETS[what]
    rng = np.random.default_rng(3)
    kernel = {"a": 5, "b": 3} if what == "padded, and not" else {"a": 9, "c": 9, "b": 5}
    if "wider" not in what and "padded" not in what:
        kernel = {"a": 3}
    drawn = {
        name: [nets.normal(rng, 4, channels, kernel[name], kernel[name]), nets.normal(rng, 4)]
        for name, channels in bottoms.items()
    }
    return nets.build(INPUT + text, runtime="numpy", **drawn)


def noisy(height, width, seed=0):
    return np.random.RandomState(seed).uniform(-120, 130, (3, height, width))


def gradient(worker, net, image, objective, ends=("b",), ox=5, oy=-3):
    net.resize(*image.shape[1:])
    net.image.data[0] = image
    worker.forward(end=ends, tensor=worker.feed(net.image.data[0], ox, oy, native_ops))
    objective(*[worker.blobs[end] for end in ends])
    found = np.array(worker.gradient(ends))[0]
    return found.transpose(2, 0, 1) if net.channels_last else found


def on_torus(net, image, side=0, objective=objectives.objective_L2, ends=("b",)):
    return gradient(TorusNet(net, ends, side), net, image, objective, ends)


@pytest.mark.parametrize("side", [1, 12, 1000])
@pytest.mark.parametrize(
    "views", [[View(7, 2, -3)], [View(35, 4, -12), View(3, 2, 0)], [View(9, 4, 2), View(9, 6, -2)]]
)
def test_each_value_is_in_one_block_and_sees_its_crop_only(views, side):
    size, stride = 24, lcm(*(view.stride for view in views))
    found = torus_spans(size, side, views)
    for place, view in enumerate(views):
        own = [i for span in found for i in range(span.values[place].start, span.values[place].stop)]
        assert own == list(range(size // view.stride))
        for span in found:
            for i in range(span.values[place].start, span.values[place].stop):
                first = i * view.stride + view.start
                assert span.crop.start <= first
                assert first + view.size <= span.crop.stop
            assert (span.values[place].start - span.inside[place].start) * view.stride == span.crop.start
    assert all(span.crop.start % stride == span.crop.stop % stride == 0 for span in found)


@pytest.mark.parametrize("what", NETS)
def test_the_gradient_of_endless_copies(what):
    """In one tile and in several; of one layer, and of two with other strides."""
    net, image = small(what), noisy(24, 36)
    for ends in (("b",), ("a", "b")):

        def objective(*dst):
            for blob in dst:
                objectives.objective_L2(blob)

        copies = gradient(net, net, np.tile(image, (1, 5, 5)), objective, ends)[:, 48:72, 72:108]
        for side in (0, 12):
            found = on_torus(net, image, side, objective, ends)
            assert np.linalg.norm(found - copies) <= 1e-12 * np.linalg.norm(copies)


def test_windows_whose_place_depends_on_the_size():
    """TensorFlow's padding SAME, behind a convolution without any."""

    def build(image):
        valid = graphs.conv((3, 3), 2, "VALID")(image)
        return graphs.conv((5, 5), 2, channels=5)(valid)

    net, image = graphs.net_of(graphs.frozen(build).SerializeToString(), "float64"), noisy(24, 36)
    copies = gradient(net, net, np.tile(image, (1, 5, 5)), objectives.objective_L2, ("out",))[:, 48:72, 72:108]
    found = on_torus(net, image, ends=("out",))
    assert np.linalg.norm(found - copies) <= 1e-12 * np.linalg.norm(copies)


def test_a_picture_that_is_too_small_for_the_layers():
    """Wrapped it is not; its gradient is that of its copies on a larger torus."""
    net, image = small("wider than the picture"), noisy(8, 12)
    with pytest.raises(ShapeError):
        gradient(net, net, image, objectives.objective_L2)
    found = on_torus(net, image)
    copies = on_torus(net, np.tile(image, (1, 2, 3)))
    assert np.linalg.norm(np.tile(found, (1, 2, 3)) - copies) <= 1e-12 * np.linalg.norm(copies)


def test_a_gradient_across_the_seam_against_finite_differences():
    """Of one value in the corner, whose window lies at all four corners of the picture."""
    net, image = small("padded, and not"), noisy(12, 14)
    worker = TorusNet(net, ["a"], 0)

    def energy(image):
        net.resize(12, 14)
        net.image.data[0] = image
        worker.forward(end="a")
        worker.blobs["a"].clear_diff()  # and the values of before
        return float(worker.blobs["a"].data[0, 1, 0, 0])

    found = gradient(worker, net, image, objectives.mean("a", 1, place=(0, 0)), ("a",), 0, 0)
    wanted = np.zeros_like(image)
    for place in np.ndindex(*image.shape):
        moved = image.copy()
        moved[place] += 100
        wanted[place] = (energy(moved) - energy(image)) / 100
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert all(np.abs(found[:, y, x]).max() > 0.01 for y in (0, 11) for x in (0, 13))


def test_a_rolled_image_has_the_rolled_gradient_and_the_rolled_values():
    """To the bit, whatever the objective reads and writes."""
    net = small("means of clipped windows")
    image = noisy(24, 36).astype(net.dtype)
    read = []

    def objective(dst):
        read.append(dst.data.copy())
        dst.diff[...] = np.exp(dst.data / np.abs(dst.data).max())

    for side in (0, 12):
        worker = TorusNet(net, ["b"], side)
        found = gradient(worker, net, image, objective)
        for rows, columns in ((6, 12), (18, 30)):
            rolled = gradient(worker, net, np.roll(image, (rows, columns), (1, 2)), objective)
            np.testing.assert_array_equal(rolled, np.roll(found, (rows, columns), (1, 2)))
            np.testing.assert_array_equal(read[-1], np.roll(read[0], (rows // 6, columns // 6), (2, 3)))


def test_what_has_no_torus():
    text = nets.layer("b", "InnerProduct", "data", "b", "inner_product_param { num_output: 2 }")
    net = nets.build(INPUT + text, b=[np.ones((2, 3 * 24 * 36)), np.ones(2)])
    with pytest.raises(ShapeError, match=r"no seamless dream: a value of 'b' sees .*'b' \(InnerProduct\); use an ear"):
        plan_tiles(net, ["b"], 24, 36, 0, seamless=True)
    net = small("means of clipped windows")
    with pytest.raises(ShapeError, match=r"34x26 pixels without a seam: 'b' takes multiples of 6x6, as 36x24"):
        plan_tiles(net, ["b"], 26, 34, 0, seamless=True)


# ---- image operations ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("before", "after"), [((24, 36), (16, 54)), ((7, 5), (7, 11)), ((5, 1), (3, 4))])
def test_zoom_is_scipys(before, after, dtype):
    image = np.random.RandomState(0).rand(3, *before).astype(dtype)
    factors = (1, after[0] / before[0], after[1] / before[1])
    wanted = ndimage.zoom(image.astype(float), factors, order=1, mode="grid-wrap", grid_mode=True)
    for ops in (native_ops, numpy_ops):
        found = TorusOps(ops).zoom(image, *after)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14 if dtype == "float64" else 1e-7)


def test_rolled_images_are_zoomed_and_measured_alike():
    image = np.random.RandomState(0).uniform(-9, 9, (3, 48, 72)).astype(np.float32)
    rolled = np.roll(image, (16, 24), (1, 2))
    ops = TorusOps(native_ops)
    np.testing.assert_array_equal(ops.zoom(rolled, 36, 54), np.roll(ops.zoom(image, 36, 54), (12, 18), (1, 2)))
    assert ops.mean_abs(rolled) == ops.mean_abs(image)


@pytest.mark.parametrize("cells", [(1, 1), (4, 6)])
def test_the_origin_is_rolled_with_the_image(cells):
    random = np.random.RandomState(0)
    plain, two = random.rand(3, 24, 36), np.zeros((3, 24, 36))
    two[0, 3, 5] = two[0, 15, 7] = 1
    for image in (plain, plain.astype(np.float32), two, np.tile(plain[:, :12, :18], (1, 2, 2)), np.zeros((1, 24, 36))):
        seen = []
        for shift in ((0, 0), (4, 6), (20, 30)):
            rolled = np.roll(image, shift, (1, 2))
            y, x = origin(rolled, cells)
            assert y % cells[0] == x % cells[1] == 0
            seen.append(np.roll(rolled, (-y, -x), (1, 2)).tobytes())
        assert len(set(seen)) == 1


def test_tiles_are_as_they_were():
    """A plan of a picture with edges has one place for each crop."""
    net, image = small("padded, and not"), noisy(24, 36)
    whole = gradient(tiled(net, ["b"], 0), net, image, objectives.objective_L2)
    parts = gradient(tiled(net, ["b"], 12), net, image, objectives.objective_L2)
    assert np.linalg.norm(parts - whole) <= 1e-12 * np.linalg.norm(whole)
