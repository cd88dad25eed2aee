"""Retouches: gradients against finite differences, what a mask promises, colours, and the order of things."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage
from support.watching import watching

import pydream
from pydream.dream.colors import color_correlations, root
from pydream.dream.laplacian import lap_normalize
from pydream.dream.objectives import l2, mean
from pydream.dream.retouch import (
    Decorrelate,
    DecorrelateColors,
    KeepColors,
    Laplacian,
    Mask,
    PullBack,
    Retouch,
    Smooth,
    TotalVariation,
    total_variation_gradient,
)
from pydream.dream.spectrum import COLORS, divide_spectrum
from pydream.errors import ZeroGradientError

QUICK = {"octave_n": 2, "iter_n": 2}
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def picture():
    return np.random.RandomState(5).randint(0, 256, (70, 91, 3), np.uint8)


@pytest.fixture
def image():
    return np.random.RandomState(1).uniform(-110, 140, (3, 9, 7))


def change_of(shape):
    """As a step has it: of mean size 1."""
    g = np.random.RandomState(2).standard_normal(shape)
    return g / np.abs(g).mean()


def dream(net, picture, **params):
    return pydream.deepdream(net, picture, **{"rng": np.random.RandomState(0), **QUICK, **params})


def saved(dream):
    return np.uint8(np.clip(dream, 0, 255))


def slopes(energy, image, step=1e-4):
    """The gradient of a number at an image, by central differences."""
    found = np.zeros_like(image)
    for place in np.ndindex(*image.shape):
        moved = image.copy()
        moved[place] += step
        found[place] = energy(moved)
        moved[place] -= 2 * step
        found[place] -= energy(moved)
    return found / (2 * step)


def total_variation(image):
    """In loops."""
    total = 0.0
    _, height, width = image.shape
    for c, y, x in np.ndindex(*image.shape):
        dx = image[c, y, x + 1] - image[c, y, x] if x + 1 < width else 0
        dy = image[c, y + 1, x] - image[c, y, x] if y + 1 < height else 0
        total += (dx * dx + dy * dy + 1) ** 0.5
    return total


def off(got, wanted):
    return np.linalg.norm(got - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("shape", [(3, 5, 6), (3, 1, 4), (3, 4, 1), (3, 1, 1)])
def test_total_variation_against_finite_differences(shape):
    image = np.random.RandomState(3).uniform(-3, 3, shape)
    found = total_variation_gradient(image)
    wanted = slopes(total_variation, image)
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    change = change_of(shape)
    np.testing.assert_allclose(TotalVariation(0.3).change(change, image), change - 0.3 * wanted, atol=1e-8)


def test_pull_back_against_finite_differences(image):
    base = np.random.RandomState(4).uniform(-110, 140, image.shape)
    wanted = slopes(lambda moved: ((moved - base) ** 2).sum() / 2, image)
    change = change_of(image.shape)
    assert off(PullBack(0.02).at(base).change(change, image), change - 0.02 * wanted) < 1e-8
    with pytest.raises(ValueError, match="PullBack: it has no base"):
        PullBack(0.02).change(change, image)


def test_smooth(image):
    change = change_of(image.shape)
    found = Smooth(1.5).change(change, image)
    each = np.stack([ndimage.gaussian_filter(channel, 1.5, mode="nearest") for channel in change])
    assert off(found, each * np.abs(change).mean() / np.abs(each).mean()) < 1e-13
    np.testing.assert_array_equal(Smooth(1.5).change(np.zeros_like(change), image), 0)


def test_laplacian(image):
    """The tutorial's formula, which is tested by itself; the step is as long as it was."""
    change = change_of(image.shape)
    found = Laplacian(2).change(change, image)
    bands = lap_normalize(change.transpose(1, 2, 0), 2).transpose(2, 0, 1)
    assert off(found, bands / np.abs(bands).mean()) < 1e-12


def test_decorrelate(image):
    """The formula of `divide_spectrum`, which is tested by itself; the step is as long as it was, in its own dtype."""
    change = change_of(image.shape)
    divided = divide_spectrum(change, 0.7, (1, 2))
    for dtype, most in ((np.float64, 1e-12), (np.float32, 1e-6)):
        found = Decorrelate(0.7).change(change.astype(dtype), image.astype(dtype))
        assert found.dtype == dtype
        assert off(found, divided / np.abs(divided).mean()) < most
    np.testing.assert_array_equal(Decorrelate(0.7).change(np.zeros_like(change), image), 0)
    level = np.full_like(change, 1.5)
    np.testing.assert_allclose(Decorrelate(0.7).change(level, image), level, rtol=1e-12)


def test_decorrelate_colors(image):
    """The matrix, at each pixel; a network of one channel has no colours."""
    change = change_of(image.shape)
    mixed = np.einsum("ij,jhw->ihw", COLORS, change)
    for dtype, most in ((np.float64, 1e-12), (np.float32, 1e-6)):
        found = DecorrelateColors().change(change.astype(dtype), image.astype(dtype))
        assert found.dtype == dtype
        assert off(found, mixed / np.abs(mixed).mean()) < most
    np.testing.assert_array_equal(DecorrelateColors().change(change[:1], image[:1]), change[:1])


def test_colors_of_pictures(image):
    """The root of NumPy's correlations of the pixels, in the order of the net's channels."""
    rng = np.random.RandomState(3)
    mixed = rng.normal(128, 20, (40, 50, 3)) @ [[1, 0.3, 0.2], [0.5, 1, 0.6], [0.1, 0.2, 1]]
    pictures = [np.uint8(np.clip(mixed[:, :, :], 0, 255)), np.uint8(np.clip(mixed[:20, ::-1] / 3, 0, 255))]
    covariance = np.mean([np.cov(each.reshape(-1, 3).T, ddof=0) for each in pictures], axis=0)
    deviations = np.sqrt(np.diag(covariance))
    matrix = covariance / np.outer(deviations, deviations)
    found = color_correlations(pictures)
    np.testing.assert_allclose(found, [matrix[0, 1], matrix[0, 2], matrix[1, 2]], atol=1e-4)
    assert found == tuple(round(each, 4) for each in found)

    change, rgb = change_of(image.shape), root(found)
    np.testing.assert_allclose(rgb @ rgb, matrix, atol=1e-4)
    np.testing.assert_allclose(root((0.9, 0.81, 0.9)), COLORS, atol=1e-15)
    for order, step in (("RGB", 1), ("BGR", -1)):
        net = SimpleNamespace(channel_order=order)
        expected = np.einsum("ij,jhw->ihw", rgb, change[::step])[::step]
        result = DecorrelateColors(found).on(net).change(change, image)
        assert off(result, expected / np.abs(expected).mean()) < 1e-12


@pytest.mark.parametrize("wrong", [(1, 1, 1), (0.9, 0.9, -0.9), (float("nan"), 0, 0), (2, 0, 0)])
def test_no_colors(wrong):
    with pytest.raises(ValueError, match="no correlations of three colours"):
        DecorrelateColors(wrong)
    with pytest.raises(ValueError, match="no picture with contrast"):
        color_correlations([np.full((4, 4, 3), 9, np.uint8)])


def test_keep_colors(image):
    """Steps go along the greys; in the end luma is the dream's, hue the picture's, and chroma as far as it fits."""
    change = change_of(image.shape)
    np.testing.assert_allclose(KeepColors().change(change, image), np.stack([change.mean(0)] * 3), rtol=1e-13)
    rng = np.random.RandomState(6)
    picture, dreamt = rng.randint(0, 256, (40, 50, 3), np.uint8), rng.uniform(-20, 275, (40, 50, 3))
    found = KeepColors().finish(dreamt, picture)
    assert found.min() > -1e-9
    assert found.max() < 255 + 1e-9
    np.testing.assert_allclose(found @ LUMA, np.clip(dreamt, 0, 255) @ LUMA, atol=1e-9)
    before, after = picture - (picture @ LUMA)[..., None], found - (found @ LUMA)[..., None]
    share = (before * after).sum(-1) / np.maximum((before**2).sum(-1), 1e-9)
    np.testing.assert_allclose(after, share[..., None] * before, atol=1e-9)
    assert share.max() < 1 + 1e-9
    full = np.abs(share - 1) < 1e-9
    assert 0.2 < full.mean() < 1
    edge = np.minimum(found, 255 - found).min(-1)
    assert edge[~full].max() < 1e-9  # chroma is lost only where a channel is at its end
    np.testing.assert_allclose(KeepColors().finish(picture.astype(float), picture), picture, atol=1e-9)
    grey = np.full((2, 2, 3), 90, np.uint8)
    np.testing.assert_allclose(KeepColors().finish(grey + 30.0, grey), 120)


def test_colours_of_a_dream(squeezenet32, picture):
    found = dream(squeezenet32, picture, retouches=[KeepColors()])
    assert np.abs(found - picture).mean() > 0.5
    inside = (found.min(-1) > 1) & (found.max(-1) < 254)
    assert inside.mean() > 0.5
    chroma = found - picture - (found - picture).mean(-1, keepdims=True)
    assert np.abs(chroma[inside]).max() < 1e-3


# ---- Masks ----


def disk(height, width):
    y, x = np.mgrid[:height, :width]
    return np.clip((25 - np.hypot(y - height / 2, x - width / 2)) / 8, 0, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("jitter", [0, 32])
@pytest.mark.parametrize(
    "others",
    [
        [],
        [Smooth(1), Laplacian(2), Decorrelate(1), DecorrelateColors(), TotalVariation(1), PullBack(0.1), KeepColors()],
    ],
)
def test_black_is_the_picture_to_the_byte(squeezenet32, squeezenet64, picture, dtype, jitter, others):
    net = squeezenet32 if dtype == "float32" else squeezenet64
    mask = disk(70, 91)
    found = dream(net, picture, jitter=jitter, retouches=[*others, Mask(mask)])
    np.testing.assert_array_equal(found[mask == 0], picture[mask == 0])
    np.testing.assert_array_equal(saved(found)[mask == 0], picture[mask == 0])
    changed = np.abs(found - picture).mean(-1)
    assert changed[mask == 1].mean() > 0.5
    assert 0 < changed[(mask > 0) & (mask < 0.3)].mean() < changed[mask == 1].mean()


def test_black_is_the_picture_whatever_the_mean():
    """(x - m) + m is not always x."""
    net = pydream.load_net("squeezenet_v1.1")

    class Odd:
        mean = np.array([103.939, 116.779, 123.68], np.float32).reshape(3, 1, 1)

        def __getattr__(self, name):
            return getattr(net, name)

    picture = np.random.RandomState(0).randint(0, 256, (40, 50, 3), np.uint8)
    mask = np.zeros((40, 50))
    mask[10:20, 10:20] = 1
    found = dream(Odd(), picture, octave_n=1, retouches=[Mask(mask)])
    np.testing.assert_array_equal(found[mask == 0], picture[mask == 0])
    assert np.any(found[mask == 1] != picture[mask == 1])


def test_one_step_under_a_mask(squeezenet64, picture):
    """Where it is white, a step is as without; where it is grey, that share of it."""
    mask = np.zeros((70, 91))
    mask[20:50, 30:60], mask[20:50, 60:70] = 1, 0.25
    params = {"octave_n": 1, "iter_n": 1, "clip": False}
    free = dream(squeezenet64, picture, **params) - picture
    np.testing.assert_allclose(
        dream(squeezenet64, picture, retouches=[Mask(mask)], **params) - picture, free * mask[..., None], atol=1e-7
    )


def test_an_interrupted_dream_keeps_the_promise(squeezenet32, picture):
    mask = disk(70, 91)
    for stop_at in ((0, 0), (1, 0)):

        def stop(octave, i, image, stop_at=stop_at):
            if (octave, i) == stop_at:
                raise KeyboardInterrupt

        with pytest.raises(pydream.DreamInterrupted) as caught:
            dream(squeezenet32, picture, retouches=[Mask(mask)], watch=watching(step=stop))
        np.testing.assert_array_equal(caught.value.image[mask == 0], picture[mask == 0])
        assert np.any(caught.value.image != picture)


def test_a_mask_is_stretched():
    """Each pixel has the mean of what falls on it."""
    mask = np.random.RandomState(0).uniform(0, 1, (6, 8)).astype(np.float32)
    mask[:2, :2] = 0
    ones = np.ones((3, 3, 4))
    means = mask.reshape(3, 2, 4, 2).mean((1, 3))
    np.testing.assert_allclose(Mask(mask).at(ones).change(ones, ones)[0], means, rtol=1e-6)
    np.testing.assert_allclose(Mask(mask).change(ones, ones)[0], means, rtol=1e-6)
    assert means[0, 0] == Mask(mask).change(ones, ones)[0, 0, 0] == 0
    twice = np.ones((3, 12, 16))
    np.testing.assert_array_equal(Mask(mask).change(twice, twice)[1], mask.repeat(2, 0).repeat(2, 1))


def test_a_picture_as_a_mask():
    picture = np.zeros((1, 6, 3), np.uint8)
    picture[0, 1], picture[0, 2:5], picture[0, 5] = 255, np.diag([255] * 3), 51
    ones = np.ones((3, 1, 6))
    np.testing.assert_allclose(Mask.of(picture).change(ones, ones)[0, 0], [0, 1, 0.299, 0.587, 0.114, 0.2], atol=1e-7)


# ---- Steps and dreams ----


def test_without_retouches_nothing_is_otherwise(squeezenet32, picture):
    plain = dream(squeezenet32, picture)
    np.testing.assert_array_equal(dream(squeezenet32, picture, retouches=[]), plain)
    # One that does nothing: the same formula, rounded elsewhere.
    assert np.abs(dream(squeezenet32, picture, octave_n=1, iter_n=1, retouches=[Retouch()])
                  - dream(squeezenet32, picture, octave_n=1, iter_n=1)).max() < 1e-3  # fmt: skip


def test_one_that_does_nothing_is_the_notebooks_step(squeezenet64, picture):
    for backend in ("native", "numpy"):
        found = dream(squeezenet64, picture, backend=backend, retouches=[Retouch()])
        np.testing.assert_allclose(found, dream(squeezenet64, picture, backend=backend), atol=1e-9)


def test_they_work_one_after_the_other(squeezenet64, picture):
    seen = []

    class Noting(Retouch):
        def __init__(self, name):
            self.name = name

        def at(self, base):
            seen.append((self.name, "at", base.shape))
            return self

        def change(self, change, image):
            seen.append((self.name, "change", image.shape, round(float(np.abs(change).mean()), 9)))
            return change / 2

        def finish(self, dream, picture):
            seen.append((self.name, "finish", dream.shape))
            return dream + 1

    out = dream(squeezenet64, picture, iter_n=1, clip=False, retouches=[Noting("a"), Noting("b")])
    assert seen == [
        *((name, "at", (3, 50, 65)) for name in "ab"),
        ("a", "change", (3, 50, 65), 1.0),
        ("b", "change", (3, 50, 65), 0.5),
        *((name, "at", (3, 70, 91)) for name in "ab"),
        ("a", "change", (3, 70, 91), 1.0),
        ("b", "change", (3, 70, 91), 0.5),
        ("a", "finish", (70, 91, 3)),
        ("b", "finish", (70, 91, 3)),
    ]
    image = squeezenet64.blobs["data"].data[0]
    np.testing.assert_allclose(out, pydream.deprocess(squeezenet64, image) + 2, atol=1e-9)


def test_the_gradient_lies_as_the_picture_does(squeezenet64, picture):
    """Whatever the jitter: a retouch sees it where the image is."""
    seen = []

    class Seen(Retouch):
        def change(self, change, image):
            seen.append(change)
            return change

    before = pydream.preprocess(squeezenet64, picture)
    squeezenet64.blobs["data"].reshape(1, *before.shape)
    squeezenet64.blobs["data"].data[0] = before
    pydream.make_step(squeezenet64, 2.0, clip=False, rng=np.random.RandomState(3), retouches=[Seen()])
    np.testing.assert_allclose(squeezenet64.blobs["data"].data[0] - before, 2.0 * seen[0], atol=1e-9)


def test_pull_and_smoothness_do_what_they_say(squeezenet32, picture):
    params = {"iter_n": 8, "octave_n": 2}
    free, pulled, smooth = (
        dream(squeezenet32, picture, retouches=retouches, **params)
        for retouches in ([], [PullBack(0.1)], [TotalVariation(1.0)])
    )
    assert np.abs(pulled - picture).mean() < 0.8 * np.abs(free - picture).mean()
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.9 * np.abs(np.diff(free, axis=0)).mean()


def test_in_a_loop(squeezenet32, picture):
    """A mask lies on every frame's start."""
    mask = disk(70, 91)
    frames = pydream.zoom_loop(
        squeezenet32, picture, 2, rng=np.random.RandomState(0), retouches=[Mask(mask)],
        objective=l2("fire4/concat") - 0.5 * l2("conv1"), **QUICK,
    )  # fmt: skip
    start = picture
    for frame in frames:
        np.testing.assert_array_equal(frame[mask == 0], np.float32(start)[mask == 0])
        start = pydream.zoom_frame(frame)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Smooth(0), "sigma: 0, expected a number above 0, at most 100"),
        (lambda: Smooth(float("nan")), "sigma: nan"),
        (lambda: Laplacian(0), "levels: 0"),
        (lambda: Laplacian(1.5), "levels: 1.5, expected a whole number"),
        (lambda: Laplacian(17), "levels: 17, expected a number above 0, at most 16"),
        (lambda: Decorrelate(0), "power: 0, expected a number above 0, at most 4"),
        (lambda: Decorrelate(float("nan")), "power: nan"),
        (lambda: TotalVariation(-1), "weight: -1"),
        (lambda: PullBack(1.5), "weight: 1.5, expected a number above 0, at most 1"),
        (lambda: Mask(np.zeros((4, 5, 3))), r"mask: shape \(4, 5, 3\), expected \(h, w\)"),
        (lambda: Mask(np.zeros((0, 5))), "mask: shape"),
        (lambda: Mask([[0, 255]]), "expected numbers from 0, black, to 1, white"),
        (lambda: Mask([[0, float("nan")]]), "expected numbers from 0"),
    ],
)
def test_what_is_out_of_range(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_a_dream_takes_retouches_only(squeezenet32, picture):
    with pytest.raises(ValueError, match=r"retouches: .*, expected a sequence of retouches"):
        dream(squeezenet32, picture, retouches=[lambda change, image: change])


def test_a_step_that_cannot_be_taken_leaves_the_image(squeezenet32):
    """Unclipped pixels too."""
    src = squeezenet32.blobs["data"]
    src.reshape(1, 3, 40, 50)
    src.data[...] = 500
    dead = mean("fire9/concat", 3)
    with pytest.raises(ZeroGradientError, match=r"the gradient of mean of 'fire9/concat':3 at the image is zero"):
        pydream.make_step(squeezenet32, objective=dead, retouches=[Smooth(1)], rng=np.random.RandomState(0))
    assert (src.data == 500).all()
