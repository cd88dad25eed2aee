"""The zoom loop: the notebook's frames bit for bit, then or now; where pixels go; that it stops and goes on."""

import math

import numpy as np
import pytest
from scipy import ndimage
from support import notebook
from support.watching import watching

import pydream
from pydream.errors import ShapeError, UnknownNameError

QUICK = {"octave_n": 2, "iter_n": 1}


@pytest.fixture
def picture():
    return np.random.RandomState(5).randint(0, 256, (64, 81, 3), np.uint8)


def zoom(net, picture, **params):
    return pydream.zoom_loop(net, picture, **{"rng": np.random.RandomState(0), "frames": 3, **QUICK, **params})


def read_at(frame, y, x):
    """A picture of the pixels at given coordinates: what SciPy makes of an affine transform, whichever its formula."""
    y, x = np.broadcast_arrays(y, x)
    planes = [ndimage.map_coordinates(plane, [y, x], order=1) for plane in np.moveaxis(frame, 2, 0)]
    return np.stack(planes, axis=2)


def ramp(h, w):
    """A float64 picture whose pixels hold where they are: y, x, 0."""
    return np.dstack([*np.mgrid[:h, :w], np.zeros((h, w))]).astype(np.float64)


def dot(h, w, y, x):
    frame = np.zeros((h, w, 3))
    frame[y, x] = 255
    return frame


def brightest(frame):
    return np.unravel_index(frame[..., 0].argmax(), frame.shape[:2])


# The loop


@pytest.mark.parametrize("size", [(64, 82), (65, 81)])
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_the_notebooks_loop(root, tmp_path, size, backend):
    folder = root / "models" / "squeezenet_v1.1"
    net = notebook.load(folder / "deploy.prototxt", folder / "squeezenet_v1.1.caffemodel", tmp_path / "tmp.prototxt")
    img = np.random.RandomState(5).randint(0, 256, (*size, 3), np.uint8)
    np.random.seed(0)
    theirs = notebook.zoom_loop(net, img, frames=3, end="fire8/concat", **QUICK)
    np.random.seed(0)
    ours = list(pydream.zoom_loop(net, img, frames=3, end="fire8/concat", backend=backend, **QUICK))
    assert len(ours) == len(theirs) == 3
    for frame, wanted in zip(ours, theirs, strict=True):
        assert frame.dtype == np.float32
        np.testing.assert_array_equal(frame, wanted)
    # A RandomState of the same seed draws what the global state draws, through all frames.
    for frame, wanted in zip(zoom(net, img, end="fire8/concat"), theirs, strict=True):
        np.testing.assert_array_equal(frame, wanted)


def test_the_notebooks_loop_of_2015(squeezenet32):
    """The same with SciPy before 0.18; an octave of 46.5 columns shows that the era is the dream's too."""
    img = np.random.RandomState(5).randint(0, 256, (70, 93, 3), np.uint8)
    rng, frame, s = np.random.RandomState(0), img, 0.05
    h, w = img.shape[:2]
    for found in zoom(squeezenet32, img, era="2015", octave_scale=2):
        frame = pydream.deepdream(squeezenet32, frame, rng=rng, era="2015", octave_scale=2, **QUICK)
        np.testing.assert_array_equal(found, frame)
        y, x = (1 - s) * (np.arange(h) + h * s / 2), (1 - s) * (np.arange(w) + w * s / 2)
        frame = read_at(frame, y[:, np.newaxis], x)
    modern = list(zoom(squeezenet32, img, octave_scale=2))
    assert np.abs(found - modern[-1]).mean() > 1


def test_the_float_frame_is_fed_back(squeezenet32, picture):
    first, second = zoom(squeezenet32, picture, frames=2)
    for fed, same in ((first, True), (np.uint8(np.clip(first, 0, 255)), False)):
        rng = np.random.RandomState(0)
        pydream.deepdream(squeezenet32, picture, rng=rng, **QUICK)
        again = pydream.deepdream(squeezenet32, pydream.zoom_frame(fed), rng=rng, **QUICK)
        assert np.array_equal(again, second) == same


def test_other_movements_reach_the_loop(squeezenet32, picture):
    params = {"scale": -0.1, "rotate": 3.5, "shift": (1.5, -2)}
    first, second = zoom(squeezenet32, picture, frames=2, **params)
    rng = np.random.RandomState(0)
    frame = pydream.deepdream(squeezenet32, picture, rng=rng, **QUICK)
    np.testing.assert_array_equal(first, frame)
    frame = pydream.deepdream(squeezenet32, pydream.zoom_frame(frame, **params), rng=rng, **QUICK)
    np.testing.assert_array_equal(second, frame)


def test_float64(squeezenet64, picture):
    first, second = zoom(squeezenet64, picture, frames=2)
    assert first.dtype == second.dtype == np.float64
    assert second.shape == picture.shape
    again = list(zoom(squeezenet64, picture, frames=2, backend="numpy"))
    np.testing.assert_array_equal(again, [first, second])


def test_frames_are_made_when_asked_for(squeezenet32, picture):
    steps = []
    frames = zoom(squeezenet32, picture, watch=watching(step=lambda *step: steps.append(step[:2])))
    assert steps == []
    next(frames)
    assert steps == [(0, 0), (1, 0)]
    next(frames)
    assert len(steps) == 4


def test_frames_are_the_callers(squeezenet32, picture):
    """What is written into a frame, or into the first picture after the call, does not come back."""
    wanted = list(zoom(squeezenet32, picture))
    assert not np.may_share_memory(wanted[0], wanted[1])
    given = picture.copy()
    frames = zoom(squeezenet32, given)
    given[:] = 0
    for frame, kept in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame, kept)
        frame[:] = 0


def test_a_restart_gives_the_same_frames(squeezenet32, picture):
    params = {"scale": 0.03, "rotate": 2, "shift": (1, 0.5), "era": "2015"}
    wanted = list(zoom(squeezenet32, picture, frames=4, **params))
    rng = np.random.RandomState(0)
    frames = zoom(squeezenet32, picture, frames=4, rng=rng, **params)
    next(frames)
    last, state = next(frames), rng.get_state()
    frames.close()

    restored = np.random.RandomState(99)
    restored.set_state(state)
    rest = zoom(squeezenet32, pydream.zoom_frame(last, **params), frames=2, rng=restored, **params)
    np.testing.assert_array_equal(list(rest), wanted[2:])


def test_interruption(squeezenet32, picture):
    def stop(octave, i, image):
        steps.append(octave)
        if len(steps) == 3:
            raise KeyboardInterrupt

    steps = []
    frames = zoom(squeezenet32, picture, watch=watching(step=stop))
    next(frames)
    with pytest.raises(pydream.DreamInterrupted) as caught:
        next(frames)
    assert caught.value.steps == 1
    assert caught.value.image.shape == picture.shape


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"frames": 0}, ValueError, "frames: 0, expected at least 1"),
        ({"frames": 2.5}, ValueError, "frames: 2.5, expected a whole number"),
        ({"scale": 1}, ValueError, "scale: 1, expected a number above -1 and below 1"),
        ({"scale": -1.0}, ValueError, "scale: -1.0, expected a number above -1 and below 1"),
        ({"scale": math.nan}, ValueError, "scale: nan, expected a number above -1 and below 1"),
        ({"scale": "5%"}, ValueError, "scale: 5%, expected a number above -1 and below 1"),
        ({"rotate": math.inf}, ValueError, "rotate: inf, expected a finite number of degrees"),
        ({"rotate": 10**400}, ValueError, f"rotate: {10**400}, expected a finite number of degrees"),
        ({"rotate": None}, ValueError, "rotate: None, expected a finite number of degrees"),
        ({"shift": (1, math.nan)}, ValueError, "shift: (1, nan), expected two finite numbers of pixels"),
        ({"shift": (1, 2, 3)}, ValueError, "shift: (1, 2, 3), expected two finite numbers of pixels"),
        ({"shift": 4}, ValueError, "shift: 4, expected two finite numbers of pixels"),
        ({"shift": "ab"}, ValueError, "shift: ab, expected two finite numbers of pixels"),
        ({"era": "2016"}, ValueError, "era: '2016', expected one of 'modern', '2015'"),
        ({"backend": "cuda"}, ValueError, "'cuda' is not a backend"),
        ({"rng": np.random.default_rng(0)}, ValueError, "expected a numpy.random.RandomState"),
        ({"iter_n": 0}, ValueError, "iter_n: 0, expected at least 1"),
        ({"octave_n": 0}, ValueError, "octave_n: 0, expected at least 1"),
        ({"octave_scale": 0.5}, ValueError, "octave_scale: 0.5, expected a number of at least 1"),
        ({"step_size": 0}, ValueError, "step_size: 0, expected a number above 0"),
        ({"jitter": -1}, ValueError, "jitter: -1, expected at least 0"),
        ({"end": "fire8/conct"}, UnknownNameError, "no blob 'fire8/conct'; close: 'fire8/concat'"),
        ({"octaves": 3}, TypeError, "a dream has no parameter 'octaves'; there are: 'iter_n', 'octave_n',"),
        ({"frame": np.zeros((8, 8))}, ValueError, "img: shape (8, 8), expected (H, W, 3), RGB"),
        ({"frame": np.full((40, 40, 3), np.nan)}, ValueError, "img: NaN or infinity"),
    ],
)
def test_bad_parameters_are_refused_at_once(squeezenet32, picture, params, error, text):
    with pytest.raises(error) as caught:
        zoom(squeezenet32, **{"picture": params.pop("frame", picture), **params})
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_too_small(squeezenet32):
    with pytest.raises(ShapeError, match="does not fit 'fire8/concat'"):
        next(zoom(squeezenet32, np.zeros((3, 3, 3)), octave_n=1))


# Between two frames


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(64, 82), (65, 81), (1, 7), (2, 1)])
@pytest.mark.parametrize("s", [0.05, 0.3, 0.0, -0.2])
def test_the_notebooks_line(size, s, dtype, backend):
    frame = np.random.RandomState(1).uniform(0, 255, (*size, 3)).astype(dtype)
    h, w = size
    wanted = ndimage.affine_transform(frame, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1)
    found = pydream.zoom_frame(frame, s, backend=backend)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, wanted)
    then = read_at(frame, ((1 - s) * (np.arange(h) + h * s / 2))[:, np.newaxis], (1 - s) * (np.arange(w) + w * s / 2))
    np.testing.assert_array_equal(pydream.zoom_frame(frame, s, era="2015", backend=backend), then)


def test_drift_of_2015():
    now, then = (pydream.zoom_frame(ramp(575, 1024), era=era) for era in ("modern", "2015"))
    apart = (now - then)[:-1, :-1, :2]  # where the rest is 0 is another matter
    np.testing.assert_allclose(apart[..., 0], 0.71875, atol=1e-9)
    np.testing.assert_allclose(apart[..., 1], 1.28, atol=1e-9)


@pytest.mark.parametrize("size", [(64, 82), (65, 81)])
@pytest.mark.parametrize("rotate", [0, 30])
def test_the_point_that_stays(size, rotate):
    """(h/2, w/2) is a pixel of a picture with even sides, and between four pixels of one with odd sides."""
    h, w = size
    moved = pydream.zoom_frame(ramp(h, w), rotate=rotate)
    around = moved[h // 2 : (h + 1) // 2 + 1, w // 2 : (w + 1) // 2 + 1].mean((0, 1))
    np.testing.assert_allclose(around, [h / 2, w / 2, 0], atol=1e-9)


def test_zooming_out_leaves_a_black_border():
    moved = pydream.zoom_frame(np.full((80, 120, 3), 200.0), scale=-0.5)
    # Read at 1.5 * o - 20 and 1.5 * o - 30: within from 14 to 66, and from 20 to 99.
    assert (moved[14:67, 20:100] == 200).all()
    assert moved.sum() == moved[14:67, 20:100].sum()


@pytest.mark.parametrize("era", ["modern", "2015"])
@pytest.mark.parametrize(("shift", "to"), [((7, 0), (20, 37)), ((0, 7), (27, 30)), ((-5, -3), (17, 25))])
def test_directions_of_shift(shift, to, era):
    """dx is to the right, dy down, whole pixels exactly."""
    moved = pydream.zoom_frame(dot(60, 80, 20, 30), scale=0, shift=shift, era=era)
    np.testing.assert_array_equal(moved, dot(60, 80, *to))


@pytest.mark.parametrize(
    "params", [{}, {"era": "2015"}, {"rotate": 20}, {"rotate": 20, "era": "2015"}, {"scale": -0.3}]
)
def test_a_shift_moves_the_moved_picture(params):
    """By pixels of the new frame, not of the one it is read from."""
    frame = np.random.RandomState(2).uniform(0, 255, (50, 70, 3))
    still, moved = pydream.zoom_frame(frame, **params), pydream.zoom_frame(frame, shift=(4, 3), **params)
    inside = np.s_[8:-8, 8:-8]  # rounding decides at the border of what is outside
    np.testing.assert_allclose(moved[3:, 4:][inside], still[:-3, :-4][inside], atol=1e-9)


@pytest.mark.parametrize(
    ("rotate", "to"),
    [(90, (10, 40)), (180, (30, 20)), (-90, (50, 40)), (45, (30 - 14, 40 + 14)), (360, (30, 60))],
)
def test_directions_of_rotation(rotate, to):
    """A dot to the right of (h/2, w/2) goes up first: counter-clockwise."""
    moved = pydream.zoom_frame(dot(60, 80, 30, 60), scale=0, rotate=rotate)
    assert brightest(moved) == to


def test_rotation_is_of_no_era():
    frame = np.random.RandomState(2).uniform(0, 255, (50, 70, 3))
    for params in ({"rotate": 1.5}, {"rotate": -70, "shift": (3, -2), "scale": 0.2}):
        now, then = (pydream.zoom_frame(frame, **params, era=era) for era in ("modern", "2015"))
        np.testing.assert_array_equal(now, then)


def test_rotation_and_scale_against_coordinates():
    """With complex numbers: x - iy turns the plane as it is seen, with y up."""
    frame, (h, w), s, rotate, (dx, dy) = ramp(50, 70), (50, 70), 0.1, 25, (2, -1)
    y, x = np.mgrid[:h, :w]
    seen = (x - dx - w / 2) - 1j * (y - dy - h / 2)
    read = seen * (1 - s) * np.exp(-1j * np.radians(rotate))  # what is read stands clockwise of where it goes
    wanted = read_at(frame, h / 2 - read.imag, w / 2 + read.real)
    moved = pydream.zoom_frame(frame, s, rotate, (dx, dy))
    inside = wanted[..., 0] * wanted[..., 1] > 0
    assert inside.mean() > 0.7
    np.testing.assert_allclose(moved[inside], wanted[inside], atol=1e-9)


def test_no_movement_is_a_copy():
    frame = np.random.RandomState(2).uniform(0, 255, (5, 7, 3)).astype(np.float32)
    moved = pydream.zoom_frame(frame, scale=0)
    np.testing.assert_array_equal(moved, frame)
    assert not np.may_share_memory(moved, frame)


def test_any_array_is_a_frame():
    frame = np.random.RandomState(2).randint(0, 256, (50, 70, 3), np.uint8)
    wanted = pydream.zoom_frame(np.float32(frame))
    assert wanted.dtype == np.float32
    for given in (frame, frame.astype(np.int64), frame.tolist(), np.asfortranarray(frame), frame.astype(">f4")):
        np.testing.assert_array_equal(pydream.zoom_frame(given), wanted)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"frame": np.zeros((4, 5))}, "frame: shape (4, 5), expected (H, W, 3), RGB"),
        ({"frame": np.zeros((4, 5, 4))}, "frame: shape (4, 5, 4), expected (H, W, 3), RGB"),
        ({"frame": np.zeros((0, 5, 3))}, "frame: shape (0, 5, 3), expected (H, W, 3), RGB"),
        ({"scale": 1.5}, "scale: 1.5, expected a number above -1 and below 1"),
        ({"rotate": math.nan}, "rotate: nan, expected a finite number of degrees"),
        ({"shift": (math.inf, 0)}, "shift: (inf, 0), expected two finite numbers of pixels, to the right and down"),
        ({"era": "today"}, "era: 'today', expected one of 'modern', '2015'"),
        ({"backend": "cuda"}, "'cuda' is not a backend (expected 'native' or 'numpy')"),
    ],
)
def test_bad_movements(params, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        pydream.zoom_frame(**{"frame": np.zeros((4, 5, 3)), **params})
    assert str(caught.value) == text


# ---- grid ----


def test_grid_in_the_loop(squeezenet32, picture):
    """It is the dreams'; what is moved of a frame is on the grid already."""
    frames = list(pydream.zoom_loop(squeezenet32, picture, frames=3, grid=1 / 8, rng=np.random.RandomState(0), **QUICK))
    rng = np.random.RandomState(0)
    frame = picture
    for found in frames:
        frame = pydream.deepdream(squeezenet32, frame, rng=rng, grid=1 / 8, **QUICK)
        np.testing.assert_array_equal(found, frame)
        np.testing.assert_array_equal(frame * 8, np.rint(frame * 8))
        frame = pydream.zoom_frame(frame)
