"""A film's dreams are `deepdream` of what they start from, and what they start from is the formula."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from support.motion import landscape, window

import pydream
from pydream.dream.film import FramePair
from pydream.dream.flow import difference, move_along
from pydream.dream.images import stretched
from pydream.dream.objectives import mean
from pydream.dream.retouch import KeepColors, Mask
from pydream.picture import to_pixels

SHORT = {"octave_n": 1, "iter_n": 2, "jitter": 4}


@pytest.fixture(scope="module")
def net():
    return pydream.load_net("squeezenet_v1.1")


def pan(count=4, step=4):
    picture = landscape()
    return [window(picture, 20, 10 + step * number, 48, 64) for number in range(count)]


def dreamt(net, start, seed=0, **params):
    return to_pixels(pydream.deepdream(net, start, rng=np.random.RandomState(seed), **SHORT | params))


def dreams(net, frames, **params):
    return list(pydream.dream_frames(net, frames, **SHORT | params))


def test_without_blending_each_frame_is_dreamt_on_alone(net):
    """With the same seed for all: each is what `pydream dream` makes of it."""
    frames = pan()
    for dream, frame in zip(dreams(net, frames, blend=0, seed=5), frames, strict=True):
        assert dream.dtype == np.uint8
        np.testing.assert_array_equal(dream, dreamt(net, frame, 5))


def test_each_starts_from_the_last_dream(net):
    frames = pan()
    last = None
    for frame, dream in zip(frames, dreams(net, frames, blend=0.25), strict=True):
        start = frame if last is None else np.float32(0.75 * frame + 0.25 * last)
        np.testing.assert_array_equal(dream, dreamt(net, start))
        last = dream.astype(np.float64)


def test_with_flow_the_last_dream_is_moved(net):
    frames = pan(3)
    made = dreams(net, frames, blend=0.5, flow=True)
    moved = move_along(made[0], frames[0], frames[1])
    assert 0.3 < moved.seen.mean() < 1
    start = frames[1].astype(np.float32)
    start[moved.seen] += np.float32(0.5) * (moved.picture - start)[moved.seen]
    np.testing.assert_array_equal(made[1], dreamt(net, start))


def test_flow_takes_the_flicker_away(net):
    """On a moving picture the dream moves along: what lay on a thing lies on it in the next frame."""
    picture = landscape()
    frames = [window(picture, 30, 20 + 6 * number, 64, 96) for number in range(5)]

    def flicker(made):
        apart = []
        for before, now in pairwise(made[1:]):
            apart.append(np.abs(before[:, 6:].astype(float) - now[:, :-6]).mean())  # the motion is known
        return np.mean(apart)

    alone, blended, moved = (
        flicker(dreams(net, frames, blend=blend, flow=flow, iter_n=4))
        for blend, flow in ((0, False), (0.7, False), (0.7, True))
    )
    assert moved < 0.8 * alone
    assert moved < 0.8 * blended


def test_a_cut_begins_afresh(net):
    frames = [*pan(2), *(window(landscape(11), 20, 10 + 4 * number, 48, 64) for number in range(2))]
    assert difference(frames[0], frames[1]) < 20 < difference(frames[1], frames[2])
    made = dreams(net, frames, blend=0.5)
    np.testing.assert_array_equal(made[2], dreamt(net, frames[2]))
    assert (made[3] != dreamt(net, frames[3])).any()
    never = dreams(net, frames, blend=0.5, cut=0)
    np.testing.assert_array_equal(never[:2], made[:2])
    np.testing.assert_array_equal(never[2], dreamt(net, np.float32(0.5 * frames[2] + 0.5 * never[1])))
    still = [frames[0], frames[0] ^ 1, frames[1]]  # no two are the same
    for dream, frame in zip(dreams(net, still, blend=0.5, cut=0.1), still, strict=True):
        np.testing.assert_array_equal(dream, dreamt(net, frame))


@pytest.mark.parametrize("flow", [False, True])
def test_a_film_is_gone_on_with(net, flow):
    frames = pan(5)
    whole = dreams(net, frames, flow=flow)
    for done in (1, 3):
        last = FramePair(frames[done - 1], whole[done - 1])
        np.testing.assert_array_equal(dreams(net, frames[done:], flow=flow, last=last), whole[done:])


def test_frames_are_asked_for_one_by_one(net):
    asked = []

    def frames():
        for number, frame in enumerate(pan()):
            asked.append(number)
            yield frame

    film = pydream.dream_frames(net, frames(), **SHORT)
    assert asked == []
    for number, dream in enumerate(film):
        assert asked == list(range(number + 1))
        dream[...] = 0  # it is the caller's
    np.testing.assert_array_equal(dreams(net, iter(pan())), dreams(net, pan()))


def test_parameters_reach_the_dream(net):
    frame = pan(1)[0]
    params = {"objective": mean("fire4/concat"), "step_size": 3.0, "octave_n": 2, "octave_scale": 1.2}
    (dream,) = dreams(net, [frame], **params)
    np.testing.assert_array_equal(dream, dreamt(net, frame, **params))
    (dream,) = dreams(net, [frame], clip=False, step_size=30)
    rescaled = pydream.dream.notebook.display_range(
        pydream.deepdream(net, frame, clip=False, step_size=30, rng=np.random.RandomState(0), **SHORT)
    )
    np.testing.assert_array_equal(dream, to_pixels(rescaled))
    (dream,) = dreams(net, [frame], clip=False, step_size=30, stretch=2)
    unclipped = pydream.deepdream(net, frame, clip=False, step_size=30, rng=np.random.RandomState(0), **SHORT)
    np.testing.assert_array_equal(dream, to_pixels(stretched(unclipped, 2)))
    with pytest.raises(ValueError, match=r"stretch: 50, expected a percentage, 0\.\.49"):
        pydream.dream_frames(net, [frame], stretch=50)


def test_what_a_mask_keeps_is_the_frame(net):
    """And not a blend of it with the last one."""
    frames = pan()
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[:, 32:] = 255
    for dream, frame in zip(dreams(net, frames, blend=0.8, retouches=[Mask.of(mask)]), frames, strict=True):
        np.testing.assert_array_equal(dream[:, :31], frame[:, :31])
        assert (dream[:, 34:] != frame[:, 34:]).any()


def test_colours_that_are_kept_are_the_frames(net):
    """In YCbCr, as JPEG has it: up to what is clipped and cut off."""
    frames = [np.full((48, 64, 3), colour, np.uint8) for colour in ((150, 100, 100), (100, 100, 150))]
    frames = [frame + np.uint8(pan(1)[0] // 16) for frame in frames]
    made = dreams(net, frames, blend=0.9, cut=0, retouches=[KeepColors()])

    def colours(picture):
        red, green, blue = np.moveaxis(picture.astype(float), -1, 0)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        return np.stack([(blue - luma) / 1.772, (red - luma) / 1.402])

    assert np.abs(colours(made[1]) - colours(frames[1])).mean() < 1
    assert np.abs(colours(frames[0]) - colours(frames[1])).mean() > 20


@pytest.mark.parametrize(
    ("params", "error", "why"),
    [
        ({"blend": -0.1}, ValueError, "blend"),
        ({"blend": float("nan")}, ValueError, "blend"),
        ({"blend": 1.5}, ValueError, "blend: 1.5, expected a number, 0..1"),
        ({"cut": -1}, ValueError, "cut"),
        ({"cut": 256}, ValueError, "cut"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**32}, ValueError, "seed"),
        ({"rng": np.random.RandomState(0)}, TypeError, "no parameter 'rng'"),
        ({"iterations": 3}, TypeError, "no parameter 'iterations'"),
        ({"iter_n": 0}, ValueError, "iter_n"),
        ({"end": "nothing"}, KeyError, "no blob 'nothing'"),
    ],
)
def test_bad_parameters_are_refused_at_once(net, params, error, why):
    def never():
        raise AssertionError("a frame was asked for")
        yield

    with pytest.raises(error, match=why):
        pydream.dream_frames(net, never(), **params)


def test_flow_without_opencv_is_refused_at_once(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(pydream.PydreamError, match=r"pip install 'pydeepdream\[flow\]'"):
        pydream.dream_frames(net, pan(), flow=True)


def test_frames_of_several_sizes(net):
    film = pydream.dream_frames(net, [pan()[0], np.zeros((48, 48, 3))], **SHORT)
    next(film)
    with pytest.raises(ValueError, match="frame: 48×48 pixels, and the one before has 64×48"):
        next(film)
    with pytest.raises(ValueError, match="shape"):
        next(pydream.dream_frames(net, [np.zeros((48, 48))]))
