"""Motion between frames is that which the frames were moved by, and a cut is none."""

import sys

import cv2
import numpy as np
import pytest
from support.motion import landscape, window

from pydream.dream.film import CUT
from pydream.dream.flow import difference, flow, move_along
from pydream.errors import MissingExtraError

# ---- flow ----


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, 0), (0, 5), (-4, 2), (6, -7)])
def test_flow_is_the_shift(down, right):
    picture = landscape()
    before, now = window(picture, 20, 30), window(picture, 20 + down, 30 + right)
    found = flow(now, before)  # what is at p now was at p + shift of the window
    assert found.shape == (96, 128, 2)
    assert found.dtype == np.float32
    inner = found[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(inner, (0, 1)), [right, down], atol=0.1)
    assert np.abs(inner - (right, down)).mean() < 0.3


def test_flow_does_not_depend_on_threads():
    picture = landscape(1)
    before, now = window(picture, 20, 30), window(picture, 23, 27)
    threads = cv2.getNumThreads()
    try:
        fields = []
        for number in (1, 2, 5):
            cv2.setNumThreads(number)
            fields.append(flow(now, before))
            assert cv2.getNumThreads() == number  # as it was
    finally:
        cv2.setNumThreads(threads)
    for field in fields[1:]:
        np.testing.assert_array_equal(field, fields[0])


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (12, 12), (13, 50), (16, 16), (17, 46), (63, 64), (64, 64)])
def test_flow_of_small_frames(size):
    frame = np.full((*size, 3), 7, np.uint8)
    np.testing.assert_array_equal(flow(frame, frame), np.zeros((*size, 2)))
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert flow(noise, frame).shape == (*size, 2)


def test_a_picture_moves_along():
    """What lies on the landscape, unlike it, is moved as the landscape is; what comes in was not seen."""
    picture, dream = landscape(), landscape(7)
    before, now = window(picture, 20, 30), window(picture, 23, 36)
    moved = move_along(window(dream, 20, 30), before, now)
    wanted = window(dream, 23, 36).astype(float)
    assert moved.picture.dtype == np.float32
    assert moved.seen[10:80, 10:110].mean() > 0.97
    assert not moved.seen[-3:].any()
    assert not moved.seen[:, -6:].any()
    apart = np.abs(moved.picture - wanted)[10:80, 10:110][moved.seen[10:80, 10:110]]
    still = np.abs(window(dream, 20, 30) - wanted)[10:80, 10:110]
    assert apart.mean() < 0.1 * still.mean()


def test_what_was_hidden_was_not_seen():
    """A square moves to the right over a ground that stands still: behind it the ground comes out."""
    ground, thing = window(landscape(3), 0, 0), window(landscape(4), 0, 0)

    def frame(right):
        made = ground.copy()
        made[30:62, right : right + 32] = thing[:32, :32]
        return made

    moved = move_along(ground, frame(40), frame(46))
    assert moved.seen[34:58, 41:45].mean() < 0.3
    assert moved.seen[34:58, 54:70].mean() > 0.9
    assert moved.seen[5:25].mean() > 0.95


def test_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"optical flow needs OpenCV .*: pip install 'pydeepdream\[flow\]'"):
        flow(landscape(), landscape())


# ---- cuts ----


def test_difference_of_nothing():
    picture = window(landscape(), 0, 0)
    assert difference(picture, picture) == 0
    assert difference(picture, np.clip(picture.astype(int) + 4, 0, 255).astype(np.uint8)) == pytest.approx(4, abs=1)


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_is_more_different_than_a_fast_pan(seed):
    picture = landscape(seed, 200, 400)
    for down, right in ((0, 30), (20, 0), (-15, 20)):  # a quarter of the width: four frames for a whole new picture
        assert difference(window(picture, 50, 100), window(picture, 50 + down, 100 + right)) < 0.6 * CUT
    other = landscape(seed + 10, 200, 400)
    assert difference(window(picture, 50, 100), window(other, 50, 100)) > 1.2 * CUT
    assert difference(window(picture, 50, 100), np.zeros((96, 128, 3), np.uint8)) > CUT


def test_difference_is_the_least_over_shifts():
    """The same once more, in another way: thumbnails of blocks that are means, shifted one by one."""
    draw = np.random.default_rng(0)
    first, second = (draw.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(2))
    small = [each.reshape(32, 2, 32, 3, 3).mean((1, 3)) for each in (first, second)]
    found = []
    for down in range(-8, 9):
        for right in range(-8, 9):
            apart = [
                np.abs(small[0][y - down, x - right] - small[1][y, x]).mean()
                for y in range(32)
                for x in range(32)
                if 0 <= y - down < 32 and 0 <= x - right < 32
            ]
            found.append(np.mean(apart))
    assert difference(first, second) == pytest.approx(min(found), abs=0.5)  # the thumbnail's values are rounded
