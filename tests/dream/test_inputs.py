"""Dreams on networks whose input is not the notebook's: of one channel, which is grey, and of any name."""

import numpy as np
import pytest
from support import inputs, nets

import pydream
from pydream import imageops, renderers, tutorial
from pydream.caffe import Classifier
from pydream.dream.images import deprocess, preprocess
from pydream.dream.notebook import deepdream, make_step
from pydream.dream.retouch import Decorrelate, KeepColors, Laplacian, Mask, PullBack, Smooth, TotalVariation, ascend
from pydream.dream.zoom import zoom_loop
from pydream.errors import ShapeError, UnknownNameError
from pydream.net import as_mean
from pydream.picture import grey
from pydream.tiles.net import tiled

PICTURE = np.random.default_rng(1).integers(0, 256, (26, 31, 3), dtype=np.uint8)
SHORT = {"end": "two", "octave_n": 2, "octave_scale": 1.3, "iter_n": 2, "jitter": 3}
MEAN = 100.0


def classifier(channels=1, name="data", runtime="numpy", dtype="float64", **more):
    weights = nets.weights(**inputs.weights(channels))
    mean = np.full(channels, MEAN)
    return Classifier(nets.parse(inputs.text(channels, name, **more)), weights, mean=mean, runtime=runtime, dtype=dtype)


@pytest.fixture
def net():
    return classifier()


def dream(net, picture=PICTURE, **more):
    return deepdream(net, picture, rng=np.random.RandomState(0), **{**SHORT, **more})


def is_grey(picture):
    return picture.shape[2] == 3 and (picture == picture[..., :1]).all()


def test_a_step_is_the_notebooks_on_one_plane(net):
    """Written out for a plane, with the picture's luma for its pixels."""
    luma = PICTURE.astype(np.float64) @ [0.299, 0.587, 0.114]
    net.resize(*luma.shape)
    net.image.data[0, 0] = luma - MEAN
    make_step(net, 1.5, "two", jitter=4, rng=np.random.RandomState(5))

    ox, oy = np.random.RandomState(5).randint(-4, 5, 2)
    shifted = np.roll(np.roll(luma - MEAN, ox, -1), oy, -2)
    _, g = nets.passes(classifier(), "two", shifted[np.newaxis, np.newaxis])
    shifted += 1.5 / np.abs(g).mean() * g[0, 0]
    wanted = np.clip(np.roll(np.roll(shifted, -ox, -1), -oy, -2), -MEAN, 255 - MEAN)
    np.testing.assert_allclose(net.image.data[0, 0], wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_backends_make_the_same_grey_bits(dtype):
    made = [dream(classifier(dtype=dtype), backend=backend) for backend in ("native", "numpy")]
    np.testing.assert_array_equal(*made)
    assert is_grey(made[0])
    assert made[0].dtype == dtype


@pytest.mark.parametrize("layout", [True, False], ids=["last", "first"])
def test_operations_on_one_plane_are_the_same_bits(layout):
    rng = np.random.default_rng(2)
    plane = rng.normal(0, 50, (1, 33, 70)).astype(np.float32)
    bounds = [np.full((1, 1, 1), value, np.float32) for value in (-60, 60)]
    found = []
    for name in ("native", "numpy"):
        ops, image = imageops.backend(name), plane.copy()
        tensor = ops.to_tensor(image, 5, -7, layout)
        mean = ops.ascend_tensor(image, 3 * tensor, -4.5, 5, -7, *bounds, layout)
        found.append((tensor, mean, image, ops.zoom(image, 20, 90)))
    for native, numpy in zip(*found, strict=True):
        np.testing.assert_array_equal(native, numpy)


def test_both_runtimes_and_tiles_dream_the_same(net):
    wanted = dream(net)
    np.testing.assert_allclose(dream(classifier(runtime="tensorflow")), wanted, rtol=0, atol=1e-9)
    np.testing.assert_allclose(dream(net, tile=10), wanted, rtol=0, atol=1e-9)
    net.resize(26, 31)
    tiles = tiled(net, ["two"], 10)
    assert tiles.image is net.image
    assert tiles.blobs["two"].shape == (1, 5, 13, 16)  # of the whole picture


def test_what_is_grey_stays_so_to_the_bit(net):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = np.repeat(levels[..., np.newaxis], 3, axis=2)
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(grey(*np.rollaxis(picture.astype(dtype), 2)), levels)
    np.testing.assert_array_equal(preprocess(net, picture)[0], levels - MEAN)
    np.testing.assert_array_equal(deprocess(net, preprocess(net, picture)), picture)
    np.testing.assert_allclose(
        preprocess(net, PICTURE)[0], PICTURE @ np.float64([0.299, 0.587, 0.114]) - MEAN, atol=1e-12
    )


@pytest.mark.parametrize(
    "retouch",
    [Smooth(1.0), Laplacian(2), Decorrelate(1.0), TotalVariation(0.5), PullBack(0.05)],
    ids=lambda each: type(each).__name__,
)
def test_retouches_work_on_a_plane(net, retouch):
    made = dream(net, retouches=[retouch])
    assert is_grey(made)
    assert not np.array_equal(made, dream(net))


def test_colours_can_be_kept_and_masked(net):
    """Both take the picture itself, in its colours."""
    kept = dream(net, np.full((20, 20, 3), (90, 120, 150), np.uint8), retouches=[KeepColors()])
    np.testing.assert_allclose(np.diff(kept, axis=2), 30, atol=1e-9)
    mask = np.zeros((26, 31))
    mask[:, 16:] = 1
    made = dream(net, retouches=[Mask(mask)])
    np.testing.assert_array_equal(made[:, :16], PICTURE[:, :16])
    assert is_grey(made[:, 16:])


def test_films_and_zooms_of_grey_dreams(net):
    zoomed = list(zoom_loop(net, PICTURE, 2, rng=np.random.RandomState(0), **SHORT))
    filmed = list(pydream.dream_frames(net, [PICTURE, PICTURE[::-1]], cut=0, **SHORT))
    assert all(map(is_grey, zoomed))
    np.testing.assert_array_equal(filmed[0], np.uint8(np.clip(dream(net), 0, 255)))
    assert not np.array_equal(filmed[1], np.uint8(np.clip(dream(net, PICTURE[::-1]), 0, 255)))  # half the last dream


@pytest.mark.parametrize("name", sorted(renderers.RENDERERS))
def test_the_renderers_are_grey(net, name):
    made = renderers.RENDERERS[name](net, "two", 1, PICTURE, 2, rng=np.random.RandomState(0))
    assert is_grey(made)
    assert made.std() > 0


def test_the_tutorials_gradient_is_that_of_a_grey_picture(net):
    t_grad = tutorial.score_gradient(net, "two", 1)
    picture = np.repeat(np.float64(PICTURE[..., :1]), 3, axis=2)
    changed = picture.copy()
    changed[8, 9] += 1e-3
    score = []
    for each in (picture, changed):
        net.resize(*each.shape[:2])
        net.image.data[0] = preprocess(net, each)
        net.forward(end="two")
        score.append(net.blobs["two"].data[0, 1].mean())
    np.testing.assert_allclose(t_grad(picture)[8, 9], (score[1] - score[0]) / 1e-3, rtol=1e-6)


def test_guides_and_classes(net):
    guide = pydream.objectives.objective_guide(net, PICTURE[:20], "two")
    assert is_grey(dream(net, objective=guide))
    score = pydream.objectives.class_logit(net, 2)
    assert is_grey(deepdream(net, PICTURE[:24, :24], 1, 1, jitter=0, objective=score))


@pytest.mark.parametrize(
    ("mean", "channels", "order", "wanted"),
    [
        ([7], 3, "BGR", [7, 7, 7]),
        ([7], 1, "BGR", [7]),
        ([1, 2, 3], 3, "BGR", [1, 2, 3]),
        ([10, 20, 30], 1, "BGR", [0.114 * 10 + 0.587 * 20 + 0.299 * 30]),
        ([10, 20, 30], 1, "RGB", [0.299 * 10 + 0.587 * 20 + 0.114 * 30]),
        (np.ones((3, 1, 1)), 3, "RGB", [1, 1, 1]),
    ],
)
def test_a_mean_fits_the_input(mean, channels, order, wanted):
    found = as_mean(mean, (1, channels, 9, 9), order)
    assert found.shape == (channels, 1, 1)
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-15)


def test_a_mean_that_fits_no_picture_is_refused():
    for mean in ([1, 2], 5.0, np.zeros((3, 4, 4))):
        with pytest.raises(ValueError, match=r"mean: shape .*, expected one number a channel"):
            as_mean(mean, (1, 3, 9, 9), "BGR")


def test_an_input_of_any_name_dreams_as_data_does():
    wanted = dream(classifier(3))
    net = classifier(3, name="image")
    assert net.image_input == "image"
    assert next(iter(net.blobs)) == "image"
    assert "data" not in list(net.blobs)
    assert net.blobs["data"] is net.blobs["image"] is net.image  # as the notebook's code calls it
    np.testing.assert_array_equal(dream(net), wanted)
    np.testing.assert_allclose(dream(net, tile=10), wanted, rtol=0, atol=1e-9)
    assert tiled(net, ["two"], 10).image is net.image
    for name in ("image", "data"):
        with pytest.raises(UnknownNameError, match=f"'{name}' is the image itself"):
            dream(net, end=name)


def test_the_image_is_the_input_with_a_pictures_axes():
    """Others keep the shapes that they are declared with, whatever the picture's size is."""
    others = nets.inputs(im_info=(1, 3), mask=(1, 1, 9, 9), rois=(2, 5))
    text = others + inputs.text(3, "image")
    weights = nets.weights(**inputs.weights(3))
    net = Classifier(nets.parse(text), weights, mean=[MEAN], runtime="numpy", dtype="float64")
    assert net.image_input == "image"
    np.testing.assert_array_equal(dream(net), dream(classifier(3)))
    assert [net.blobs[name].shape for name in ("im_info", "mask", "rois")] == [(1, 3), (1, 1, 9, 9), (2, 5)]
    named = nets.inputs(image=(1, 3, 9, 9)) + inputs.text(1, "data")
    assert (
        pydream.caffe.Net(nets.parse(named), nets.weights(**inputs.weights(1)), runtime="numpy").image_input == "data"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 4, 24, 24), "takes 4 channels; a picture has 3, or 1"), ((2, 5), r"takes \(2, 5\) at 'data'; a picture has")],
)
def test_other_inputs_are_no_pictures(shape, message):
    text = nets.inputs(data=shape) + nets.layer("relu", "ReLU", "data", "one")
    net = Classifier(nets.parse(text), nets.weights(), runtime="numpy")
    with pytest.raises(ShapeError, match=message):
        deepdream(net, PICTURE, end="one")
    with pytest.raises(ShapeError, match=message):
        pydream.objectives.objective_guide(net, PICTURE, "one")


def test_a_step_below_zero_climbs_down(net):
    def strength(made):
        net.resize(*made.shape[:2])
        net.image.data[0] = preprocess(net, made)
        net.forward(end="two")
        return float(np.square(net.blobs["two"].data).sum())

    down, up = (dream(net, step_size=size) for size in (-1.5, 1.5))
    assert strength(down) < strength(PICTURE) < strength(up)
    np.testing.assert_array_equal(dream(net, step_size=-1.5, backend="numpy"), down)


@pytest.mark.parametrize(
    ("retouch", "size"),
    [
        (PullBack(0.4, np.zeros((1, 9, 8))), np.abs),
        (TotalVariation(8.0), lambda image: np.abs(np.diff(image, axis=1))),
    ],
    ids=["pull", "total variation"],
)
def test_only_the_dream_climbs_down(retouch, size):
    """A pull stays a pull, and grain still fades."""
    before = np.random.default_rng(0).normal(0, 40, (1, 9, 8))
    for step_size in (1.5, -1.5):
        image, g = before.copy(), np.random.default_rng(1).normal(0, 1e-3, before.shape)
        ascend(imageops.backend("numpy"), image, g, step_size, None, None, [retouch])
        assert size(image).mean() < 0.9 * size(before).mean()


def test_a_retouched_step_down_is_the_opposite():
    found = []
    for step_size in (2.5, -2.5):
        image, g = np.zeros((1, 9, 8)), np.random.default_rng(1).normal(size=(1, 9, 8))
        ascend(imageops.backend("native"), image, g, step_size, None, None, [Smooth(1.0)])
        found.append(image)
    np.testing.assert_array_equal(found[0], -found[1])
    assert np.abs(found[0]).mean() == pytest.approx(2.5)
