"""The dream beyond the notebook: parameters, previews, interruption, and what it says when it cannot go on."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage
from support.watching import watching

import pydream
from pydream.bench.clock import TimedNet
from pydream.dream.era import round_half
from pydream.dream.images import as_shown, display_range, stretched
from pydream.dream.octaves import check_octaves, octave_sizes
from pydream.errors import ShapeError, UnknownNameError, ZeroGradientError
from pydream.tiles.fitting import check_limit, choose_side

QUICK = {"octave_n": 2, "iter_n": 2}


@pytest.fixture
def picture():
    return np.random.RandomState(5).randint(0, 256, (70, 91, 3), np.uint8)


def dream(net, picture, **params):
    return pydream.deepdream(net, picture, **{"rng": np.random.RandomState(0), **QUICK, **params})


def test_result(squeezenet32, picture):
    before = picture.copy()
    out = dream(squeezenet32, picture)
    assert out.shape == picture.shape
    assert out.dtype == np.float32
    assert 0 <= out.min() < out.max() <= 255
    assert np.abs(out - picture).mean() > 1
    np.testing.assert_array_equal(picture, before)


def test_the_same_again(squeezenet32, squeezenet64, picture):
    for net in (squeezenet32, squeezenet64):
        np.testing.assert_array_equal(dream(net, picture), dream(net, picture))


def test_a_second_dream_owes_nothing_to_the_first(picture):
    """As in a fresh Caffe process: no gradient is left over, whatever was dreamt before."""
    fresh = dream(pydream.load_net("squeezenet_v1.1"), picture)
    used = pydream.load_net("squeezenet_v1.1")
    dream(used, picture[::-1], end="fire4/concat")
    dream(used, picture, end="fire9/expand1x1", octave_n=1)
    np.testing.assert_array_equal(dream(used, picture), fresh)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_backends_agree(squeezenet32, picture, backend):
    np.testing.assert_array_equal(dream(squeezenet32, picture, backend=backend), dream(squeezenet32, picture))


def test_threads_do_not_matter(root):
    """float64: the same 8-bit picture on 1 and 2 threads. (float32 promises that of one thread count only.)"""
    program = (
        "import hashlib, numpy as np, pydream\n"
        "net = pydream.load_net('squeezenet_v1.1', dtype='float64')\n"
        "picture = np.random.RandomState(0).randint(0, 256, (130, 171, 3), np.uint8)\n"
        "out = pydream.deepdream(net, picture, octave_n=2, iter_n=4, rng=np.random.RandomState(0))\n"
        "print(hashlib.sha256(np.uint8(np.clip(out, 0, 255)).tobytes()).hexdigest())\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={**os.environ, "PYDREAM_NUM_THREADS": str(threads)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in (1, 2)
    }
    assert len(hashes) == 1


class OtherMachine(TimedNet):
    """A network whose gradients are a few roundings off, as those of other BLAS kernels and threads are."""

    def backward(self, start=None):
        g = super().backward(start)
        return g * (1 + np.random.RandomState(int(abs(g.flat[0]) * 1e9) % 1000).uniform(-1e-15, 1e-15, g.shape))


def test_on_a_grid_rounding_makes_no_difference(squeezenet64, picture):
    """Without, what differs by a rounding error is fed to the next step, and grows."""
    free = [dream(net, picture, iter_n=5) for net in (squeezenet64, OtherMachine(squeezenet64))]
    assert 0 < np.abs(free[0] - free[1]).max() < 1e-9
    settled = [dream(net, picture, iter_n=5, grid=1 / 64) for net in (squeezenet64, OtherMachine(squeezenet64))]
    np.testing.assert_array_equal(*settled)
    np.testing.assert_array_equal(settled[0] * 64, np.rint(settled[0] * 64))
    assert 0 <= settled[0].min() < settled[0].max() <= 255


def test_each_step_is_on_the_grid(squeezenet32, picture):
    seen = []
    out = dream(squeezenet32, picture, grid=1 / 8, watch=watching(step=lambda octave, i, image: seen.append(image)))
    assert out.dtype == np.float32
    for image in seen:
        np.testing.assert_array_equal(image * 8, np.rint(image * 8))
    np.testing.assert_array_equal(out, seen[-1])
    first = dream(squeezenet32, picture, octave_n=1, iter_n=1)
    np.testing.assert_array_equal(
        dream(squeezenet32, picture, octave_n=1, iter_n=1, grid=1 / 8), np.rint(first * np.float32(8)) / 8
    )


@pytest.mark.parametrize("grid", [0, 0.1, 3, 2, 2.0**-17, -0.5, math.nan, math.inf, "1"])
def test_grids_that_are_none(squeezenet32, picture, grid):
    with pytest.raises(ValueError, match=f"grid: {grid}, expected a power of two from"):
        dream(squeezenet32, picture, grid=grid)


def test_activations_stay_in_tensorflow(squeezenet32, picture, monkeypatch):
    """With the notebook's own objective nothing but the image goes in and its gradient comes out."""
    from pydream.runtime import net as net_module

    moved = []
    monkeypatch.setattr(net_module, "_moved", lambda array, axes: moved.append(array.shape))
    dream(squeezenet32, picture)
    assert moved == []


def test_previews(squeezenet32, picture):
    seen = []
    out = dream(squeezenet32, picture, watch=watching(step=lambda octave, i, image: seen.append((octave, i, image))))
    assert [(octave, i, image.shape) for octave, i, image in seen] == [
        (0, 0, (50, 65, 3)),
        (0, 1, (50, 65, 3)),
        (1, 0, (70, 91, 3)),
        (1, 1, (70, 91, 3)),
    ]
    np.testing.assert_array_equal(seen[-1][2], out)


def test_no_clip(squeezenet32, picture):
    seen = []
    out = dream(
        squeezenet32, picture, clip=False, step_size=20, watch=watching(step=lambda *step: seen.append(step[2]))
    )
    assert out.max() > 255  # the returned array is untouched,
    np.testing.assert_array_equal(seen[-1], display_range(out))  # only what is shown is rescaled
    assert np.percentile(seen[-1], 99.98) == pytest.approx(255)


@pytest.mark.parametrize("clip", [True, False])
def test_octaves_are_watched(squeezenet32, picture, clip):
    octaves, last_steps = [], {}
    out = dream(
        squeezenet32,
        picture,
        clip=clip,
        step_size=20,
        watch=watching(
            octave=lambda *octave: octaves.append(octave),
            step=lambda octave, i, image: last_steps.update({octave: image}),
        ),
    )
    assert [octave for octave, _, _ in octaves] == [0, 1]
    np.testing.assert_allclose(octaves[1][1], picture, atol=1e-4)  # minus the mean and plus it
    smaller = ndimage.zoom(picture.astype(np.float64), (1 / 1.4, 1 / 1.4, 1), order=1)
    np.testing.assert_allclose(octaves[0][1], smaller, atol=1e-3)
    np.testing.assert_array_equal(octaves[1][2], out)
    for octave, base, image in octaves:
        np.testing.assert_array_equal(image if clip else display_range(image), last_steps[octave])
        assert np.abs(image - base).mean() > 1


def test_stretched_by_percentiles():
    """A few values far off change neither the others' range nor their order."""
    values = np.linspace(50, 150, 3000).reshape(10, 100, 3).astype(np.float32)
    values[0, 0], values[9, 99] = -5000, 9000
    picture = stretched(values, 1)
    assert (picture.dtype, picture.shape) == (np.float32, values.shape)
    assert np.percentile(picture, [1, 99]) == pytest.approx([0, 255], abs=1e-3)
    assert np.mean(picture < 0) == np.mean(picture > 255) == 0.01
    np.testing.assert_allclose(picture, (values - np.float32(51.0)) * np.float32(255 / 98), atol=0.2)
    assert np.percentile(display_range(values), 99) < 5  # the notebook's: nearly black
    np.testing.assert_array_equal(as_shown(values, clip=False, stretch=1), picture)
    np.testing.assert_array_equal(as_shown(values, clip=True, stretch=1), picture)
    np.testing.assert_array_equal(as_shown(values, clip=False), display_range(values))
    assert as_shown(values, clip=True) is values
    grey = np.full((4, 4, 3), 7.0)
    assert stretched(grey, 2) is grey


def test_nothing_to_see_is_shown_as_it_is():
    np.testing.assert_array_equal(display_range(np.zeros((4, 4, 3))), 0)


def test_interruption_keeps_what_was_done(squeezenet32, picture):
    seen = []

    def stop(octave, i, image):
        seen.append(image)
        if (octave, i) == (1, 0):
            raise KeyboardInterrupt

    with pytest.raises(pydream.DreamInterrupted) as caught:
        dream(squeezenet32, picture, watch=watching(step=stop))
    assert caught.value.steps == 3
    assert str(caught.value) == "interrupted after 3 steps; the dream so far is in .image of this exception"
    np.testing.assert_array_equal(caught.value.image, seen[-1])

    def stop_early(octave, i, image):
        raise KeyboardInterrupt

    with pytest.raises(pydream.DreamInterrupted) as caught:
        dream(squeezenet32, picture, watch=watching(step=stop_early))
    assert caught.value.steps == 1
    assert caught.value.image.shape == picture.shape  # the small octave's details, at full size
    assert 0 < np.abs(caught.value.image - picture).mean() < 10


@pytest.mark.parametrize("octave", [0, 1, 2])
@pytest.mark.parametrize("octave_scale", [1, 1.4])
def test_interruption_in_any_octave(squeezenet32, picture, octave_scale, octave):
    """The details so far, on the picture: not the picture once more, where an octave has its size already."""

    def stop(at, i, image):
        if at == octave:
            raise KeyboardInterrupt

    with pytest.raises(pydream.DreamInterrupted) as caught:
        dream(squeezenet32, picture, octave_n=3, octave_scale=octave_scale, step_size=0.01, watch=watching(step=stop))
    assert 0 < np.abs(caught.value.image - picture).mean() < 0.1


@pytest.mark.parametrize("method", ["step", "octave", "tile"])
def test_a_watch_that_interrupts_keeps_what_was_done(squeezenet32, picture, method):
    class Stop(pydream.Watch):
        steps = 0

        def step(self, octave, iteration, image):
            self.steps += 1
            self.called("step", octave)

        def octave(self, octave, base, image):
            self.called("octave", octave)

        def tile(self, done, tiles):
            self.called("tile", self.steps // QUICK["iter_n"])

        def called(self, by, octave):
            if by == method and octave == 1:
                self.seen = True
                raise KeyboardInterrupt

    watch = Stop()
    with pytest.raises(pydream.DreamInterrupted) as caught:
        dream(squeezenet32, picture, watch=watch, tile=32)
    assert watch.seen
    assert caught.value.steps == watch.steps == {"step": 3, "octave": 4, "tile": 2}[method]
    assert caught.value.image.shape == picture.shape
    whole = dream(squeezenet32, picture, tile=32)
    if method == "octave":  # all steps are done
        np.testing.assert_array_equal(caught.value.image, whole)
    else:
        assert 0 < np.abs(caught.value.image - picture).mean() < np.abs(whole - picture).mean()


def test_pictures_are_made_for_a_watch_that_asks_only(squeezenet32, picture, monkeypatch):
    """Otherwise only the result is turned into a picture."""
    from pydream.dream import images, notebook, octaves

    made = []

    def counting(net, image):
        made.append(image.shape)
        return images.deprocess(net, image)

    monkeypatch.setattr(notebook, "deprocess", counting)
    monkeypatch.setattr(octaves, "deprocess", counting)
    dream(squeezenet32, picture, watch=pydream.Watch())
    assert made == [(3, 70, 91)]
    made.clear()
    dream(squeezenet32, picture, watch=watching(octave=lambda *_: None))
    assert made == [(3, 50, 65)] * 2 + [(3, 70, 91)] * 3


def test_class_dream(squeezenet32):
    """One-hot gradients at the logits, at the training size."""
    picture = np.full((227, 227, 3), 127, np.uint8)

    def tabby(dst):
        dst.diff[...] = 0
        dst.diff[0, 281] = 1

    scores = []
    for iter_n in (1, 10):
        pydream.deepdream(
            squeezenet32,
            picture,
            octave_n=1,
            iter_n=iter_n,
            end="conv10",
            objective=tabby,
            rng=np.random.RandomState(0),
        )
        scores.append(squeezenet32.forward(end="conv10")["conv10"][0, 281].mean())
    assert scores[1] > scores[0] + 1


def test_class_dream_with_googlenet(googlenet32):
    picture = np.full((224, 224, 3), 127, np.uint8)

    def tabby(dst):
        dst.diff[...] = 0
        dst.diff[0, 281] = 1

    scores = []
    for end, iter_n in (("loss3/classifier", 1), ("loss3/classifier", 8), ("prob", 8)):
        pydream.deepdream(
            googlenet32, picture, octave_n=1, iter_n=iter_n, end=end, objective=tabby, rng=np.random.RandomState(0)
        )
        scores.append(googlenet32.forward()["prob"][0, 281].item())
    assert scores[1] > 2 * scores[0]
    assert scores[2] > scores[0]
    with pytest.raises(ShapeError, match=r"'loss3/classifier' fits only the size .*data 3x224x224"):
        pydream.deepdream(googlenet32, picture[:200], octave_n=1, end="loss3/classifier", objective=tabby)


def test_octave_sizes():
    assert octave_sizes(575, 1024) == [(575, 1024), (411, 731), (294, 522), (210, 373)]
    assert octave_sizes(7, 21, 2, 2.0) == [(7, 21), (4, 10)]  # halves to even
    assert octave_sizes(7, 21, 2, 2.0, era="2015") == [(7, 21), (4, 11)]  # halves up
    assert octave_sizes(575, 1024, era="2015") == octave_sizes(575, 1024)


def test_era(squeezenet32, picture):
    """Only a size that ends in a half tells 2015 from now: 45.5 columns are 46 either way, 46.5 are not."""
    modern = dream(squeezenet32, picture, octave_scale=2, era="modern")
    np.testing.assert_array_equal(modern, dream(squeezenet32, picture, octave_scale=2))
    np.testing.assert_array_equal(modern, dream(squeezenet32, picture, octave_scale=2, era="2015"))
    wider = np.hstack([picture, picture[:, :2]])
    seen = {}
    for era in ("modern", "2015"):
        sizes = seen[era] = []
        dream(
            squeezenet32,
            wider,
            octave_scale=2,
            era=era,
            watch=watching(step=lambda *a, sizes=sizes: sizes.append(a[2].shape[1])),
        )
    assert seen == {"modern": [46, 46, 93, 93], "2015": [47, 47, 93, 93]}
    with pytest.raises(ValueError, match="era: '2016', expected one of 'modern', '2015'"):
        dream(squeezenet32, picture, era="2016")


def test_round_half():
    for x, modern, then in [(2.5, 2, 3), (3.5, 4, 4), (0.5, 0, 1), (0.49999999999999994, 0, 0), (2.4, 2, 2), (7, 7, 7)]:
        assert (round_half(x), round_half(x, "2015")) == (modern, then)


def test_default_layer(squeezenet32, googlenet32):
    from pydream.dream.params import find_end

    assert find_end(squeezenet32, None) == "fire8/concat"
    assert find_end(googlenet32, None) == "inception_4c/output"


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"end": "fire8/conct"}, UnknownNameError, "no blob 'fire8/conct'; close: 'fire8/concat'"),
        ({"end": "fire8/relu_expand1x1"}, UnknownNameError, "in place on the blob 'fire8/expand1x1'; name that blob"),
        ({"end": "data"}, UnknownNameError, "the image itself"),
        ({"octave_n": 0}, ValueError, "octave_n: 0, expected at least 1, at most 1000"),
        ({"octave_n": 2.5}, ValueError, "octave_n: 2.5"),
        ({"iter_n": 0}, ValueError, "iter_n: 0"),
        ({"octave_scale": math.nan}, ValueError, "octave_scale: nan, expected a number of at least 1"),
        ({"octave_scale": 0}, ValueError, "octave_scale: 0"),
        ({"step_size": math.nan}, ValueError, "step_size: nan"),
        ({"step_size": math.inf}, ValueError, "step_size: inf"),
        ({"step_size": -256}, ValueError, "step_size: -256"),
        ({"step_size": 1e308}, ValueError, "step_size: 1e+308, expected a number above 0, at most 255"),
        ({"octave_scale": 0.9}, ValueError, "octave_scale: 0.9, expected a number of at least 1"),
        ({"octave_n": 10**9}, ValueError, "octave_n: 1000000000"),
        ({"iter_n": math.nan}, ValueError, "iter_n: nan, expected a whole number"),
        ({"jitter": math.inf}, ValueError, "jitter: inf, expected a whole number"),
        ({"jitter": 10**6}, ValueError, "jitter: 1000000, expected at least 0, at most 100000"),
        ({"step_size": "x"}, ValueError, "step_size: x, expected a number"),
        ({"octave_scale": None}, ValueError, "octave_scale: None, expected a number"),
        ({"rng": np.random.default_rng(0)}, ValueError, "expected a numpy.random.RandomState"),
        ({"jitter": -1}, ValueError, "jitter: -1"),
        ({"backend": "cuda"}, ValueError, "native"),
    ],
)
def test_bad_parameters(squeezenet32, picture, params, error, text):
    with pytest.raises(error) as caught:
        dream(squeezenet32, picture, **params)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "octave_n", "text"),
    [
        ((1, 1), 1, "the picture (1x1) does not fit 'fire8/concat': it needs at least"),
        ((3, 2000), 4, "octave 1 of 4 (729x1) does not fit 'fire8/concat': it needs at least"),
        ((60, 90), 8, "octave 1 of 8 (9x6) is too small for 'fire8/concat': use at most"),
    ],
)
def test_small_pictures(squeezenet32, shape, octave_n, text):
    with pytest.raises(ShapeError) as caught:
        pydream.deepdream(squeezenet32, np.zeros((*shape, 3)), octave_n=octave_n)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_advice_on_size_holds(squeezenet32):
    """The size and the number of octaves that the message names do work, and one less or more does not."""
    with pytest.raises(ShapeError, match="at least 17x17"):
        check_octaves(squeezenet32, "fire8/concat", [(16, 16)])
    check_octaves(squeezenet32, "fire8/concat", [(17, 17)])
    sizes = octave_sizes(60, 90, 8)
    with pytest.raises(ShapeError, match="at most 4 octaves"):
        check_octaves(squeezenet32, "fire8/concat", sizes)
    check_octaves(squeezenet32, "fire8/concat", sizes[:4])


@pytest.mark.parametrize(
    "picture", [np.zeros((8, 8)), np.zeros((8, 8, 4)), np.zeros((0, 8, 3)), np.full((40, 40, 3), np.nan)]
)
def test_no_picture(squeezenet32, picture):
    with pytest.raises(ValueError, match="img: "):
        pydream.deepdream(squeezenet32, picture)


def test_a_large_octave_is_made_in_tiles_only(squeezenet32):
    ends, size = ["fire8/concat"], (12000, 12000)
    check_octaves(squeezenet32, *ends, [size, (8571, 8571)])
    with pytest.raises(ShapeError, match=r"layer 'conv1' would make 1x64x5999x5999 values, more than 2147483647"):
        check_limit(squeezenet32, ends, *size, 0)
    check_limit(squeezenet32, ends, *size, 1024)
    assert choose_side(squeezenet32, ends, *size, memory=10**15) > 0


def test_octaves_of_a_class_dream(googlenet32):
    """Only the size that the network was made for will do, so a larger picture is no advice."""
    with pytest.raises(ShapeError) as caught:
        check_octaves(googlenet32, "prob", octave_sizes(224, 224))
    assert "use at most 1 octave (" in str(caught.value)


def test_a_batch_is_refused():
    net = pydream.load_net("squeezenet_v1.1")
    net.blobs["data"].reshape(2, 3, 64, 64)
    with pytest.raises(ShapeError, match="the input holds 2 images; a step takes one"):
        pydream.make_step(net)


def test_a_guide_of_another_layer_is_refused(squeezenet32, picture):
    objective = pydream.objective_guide(squeezenet32, picture, "fire3/concat")
    with pytest.raises(ShapeError, match="the guide's features are of 'fire3/concat', 128 channels"):
        dream(squeezenet32, picture, end="fire8/concat", objective=objective)
    with pytest.raises(ValueError, match="img: shape"):
        pydream.objective_guide(squeezenet32, picture[0], "fire3/concat")


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_zero_gradient(squeezenet32, picture, backend):
    """Caffe's picture would be NaN; ours is left as it was, and the layer is named."""

    def nothing(dst):
        dst.diff[...] = 0

    src = squeezenet32.blobs["data"]
    src.reshape(1, 3, *picture.shape[:2])
    src.data[0] = pydream.preprocess(squeezenet32, picture)
    before = src.data.copy()
    with pytest.raises(ZeroGradientError, match="'fire8/concat' at the image is zero"):
        pydream.make_step(squeezenet32, objective=nothing, backend=backend)
    np.testing.assert_array_equal(src.data, before)

    def broken(dst):
        dst.diff[...] = np.nan

    with pytest.raises(ZeroGradientError, match="not finite"):
        pydream.make_step(squeezenet32, objective=broken, backend=backend)
    np.testing.assert_array_equal(src.data, before)
