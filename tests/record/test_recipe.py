"""A recipe is followed: what is dreamt, from what, with what keywords, and how it is shown."""

import msgspec
import numpy as np
import pytest
from support import nets
from support.watching import watching

import pydream
from pydream.dream.images import stretched
from pydream.dream.keyframes import Curve, WholeCurve
from pydream.dream.notebook import DreamInterrupted
from pydream.dream.objectives import Caricature, Score, Term
from pydream.dream.retouch import (
    Decorrelate,
    DecorrelateColors,
    KeepColors,
    Laplacian,
    Mask,
    PullBack,
    Robust,
    Smooth,
    TotalVariation,
)
from pydream.errors import MemoryTooSmallError
from pydream.media import resized
from pydream.record import Loop, Recipe, Rendering, follow
from pydream.record.recipe import choose_tile

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 36, 3), np.uint8)
STILL = {"scale": 0.05, "rotate": 0.0, "shift": (0.0, 0.0)}
SMALL = {"end": "top", "seed": 7, "iter_n": 2, "octave_n": 2, "jitter": 2}


@pytest.fixture(scope="module")
def net():
    return nets.two_layers("numpy")


def loop(**changes):
    return Loop(**{"frame": 2, **STILL, **changes})


def recipe(**changes):
    return Recipe(**{**SMALL, **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seamless": True, "loop": loop()},
         "seamless: frames of a zoom loop, and pictures of a renderer, have edges that do not meet"),
        ({"seamless": True, "rendering": Rendering(renderer="naive")},
         "seamless: frames of a zoom loop, and pictures of a renderer, have edges that do not meet"),
        ({"objective": (Term("top", weight=Curve(((0, 1.0),))),)},
         "objective: a weight with keyframes, expected a number: it takes a zoom loop"),
        ({"caricature": 1.5, "objective": (Term("top", weight=2.0),)},
         "caricature: it takes up a whole layer, without channels, places and weights"),
        ({"blend": 1.5}, "blend: 1.5, expected a number from 0, the dream, to 1, the picture"),
        ({"blend": float("nan")}, "blend: nan, expected a number from 0, the dream, to 1, the picture"),
    ],
)  # fmt: skip
def test_what_is_no_recipe(changes, why):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the whole message follows)
        recipe(**changes)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        (Loop, {**STILL, "frame": 1, "step_size": Curve(((0, 0.0),))}, "step_size"),
        (Loop, {**STILL, "frame": 1, "octave_n": WholeCurve(((0, 0),))}, "octave_n"),
        (Loop, {**STILL, "frame": 1, "blend": Curve(((0, 2.0),))}, "blend"),
        (Loop, {**STILL, "frame": 1, "scale": float("nan")}, "scale"),
        (Rendering, {"renderer": "lapnorm", "lap_n": -1}, "lap_n"),
        (Rendering, {"renderer": "decorrelated", "power": 99.0}, "power"),
        (Rendering, {"renderer": "maco", "magnitudes": "mine"}, "magnitudes"),
    ],
)
def test_what_is_no_loop_and_no_rendering(kind, values, why):
    with pytest.raises(ValueError, match=f"^{why}: "):
        kind(**values)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "top"),
        ({"objective": (Term("low"), Term("top", weight=2.0))}, str(Score((Term("low"), Term("top", weight=2.0))))),
        ({"caricature": 1.5}, "caricature of top"),
        ({"invert": True, "also": ("net:low", "net:top=2")}, "inversion at top + net:low + net:top=2"),
        ({"rendering": Rendering(renderer="lapnorm", channels=(1, 2))}, "lapnorm of top:1-2"),
        ({"rendering": Rendering(renderer="naive")}, "naive of top"),
    ],
)
def test_in_words(changes, words):
    assert recipe(**changes).dreams_with == words


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"robust_scale": 0.1}, [Robust(0.1, 0.0)]),
        ({"robust_rotate": 5.0, "smooth": 0.5, "laplacian": 3}, [Robust(0.0, 5.0), Smooth(0.5), Laplacian(3)]),
        ({"decorrelate": 0.7, "decorrelate_color": True}, [Decorrelate(0.7), DecorrelateColors(None)]),
        ({"color_correlations": (0.5, 0.25, 0.5)}, [DecorrelateColors((0.5, 0.25, 0.5))]),
        ({"tv": 0.5, "pull_back": 0.25, "keep_colors": True}, [TotalVariation(0.5), PullBack(0.25), KeepColors()]),
    ],
)
def test_retouches(changes, found):
    assert recipe(**changes).retouches() == found


def test_a_mask_comes_last():
    mask = Mask(PICTURE[..., 0] / 255)
    assert recipe(keep_colors=True).retouches(mask) == [KeepColors(), mask]


def test_the_objective_among_the_keywords():
    plain = recipe().dream_params()
    assert plain["end"] == "top"
    assert "objective" not in plain
    caricature = recipe(caricature=1.5).dream_params()["objective"]
    assert isinstance(caricature, Caricature)
    assert caricature.power == 1.5
    terms = (Term("low"), Term("top", weight=2.0))
    scored = recipe(objective=terms).dream_params()
    assert scored["objective"] == Score(terms)
    assert "end" not in scored
    guided = recipe(objective=terms).dream_params(objective=len, retouches=[KeepColors()])
    assert guided["end"] == ("low", "top")
    assert guided["objective"] is len
    assert guided["retouches"] == [KeepColors()]


def test_the_keywords_of_a_loop():
    curve = Curve(((0, 1.0), (9, 2.0)))
    params = recipe(blend=0.25, loop=loop(step_size=curve, hold="both")).loop_params()
    assert {name: params[name] for name in (*STILL, "ease", "step_size", "blend", "hold", "octave_n", "end")} == {
        **STILL, "ease": "linear", "step_size": curve, "blend": 0.25, "hold": "both", "octave_n": 2, "end": "top",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"^the recipe has no loop$"):
        recipe().loop_params()


EVEN = (1.0,) * 15


@pytest.mark.parametrize(
    ("rendering", "params"),
    [
        ({"renderer": "naive"}, {"tile": 32}),
        ({"renderer": "maco", "magnitudes": EVEN}, {"tile": 32, "magnitudes": EVEN}),
        ({"renderer": "multiscale"}, {"octave_n": 2, "octave_scale": 1.4}),
        ({"renderer": "lapnorm"}, {"octave_n": 2, "octave_scale": 1.4}),
        ({"renderer": "lapnorm", "lap_n": 3}, {"octave_n": 2, "octave_scale": 1.4, "lap_n": 3}),
        ({"renderer": "decorrelated", "power": 0.75},
         {"octave_n": 2, "octave_scale": 1.4, "power": 0.75, "robust_scale": 0.1, "robust_rotate": 5.0}),
    ],
)  # fmt: skip
def test_the_keywords_of_a_renderer(rendering, params):
    made = recipe(rendering=Rendering(**rendering), tile=32, robust_scale=0.1, robust_rotate=5.0)
    assert made.render_params() == {"iter_n": 2, "step": 1.5, **params}


def test_no_keywords_of_a_renderer():
    with pytest.raises(ValueError, match=r"^the recipe has no renderer$"):
        recipe().render_params()


OCTAVES = WholeCurve(((0, 1), (2, 3), (4, 1)))


@pytest.mark.parametrize(
    ("changes", "sizes", "work"),
    [
        ({}, [(40, 36), (29, 26)], 2 * (1440 + 754)),
        ({"steps": 1}, [(40, 36), (29, 26)], 1440),
        ({"steps": 100}, [(40, 36), (29, 26)], 2 * (1440 + 754)),
        ({"octave_sizes": ((10, 9), (40, 36))}, [(40, 36), (10, 9)], 2 * (1440 + 90)),
        ({"loop": loop()}, [(40, 36), (29, 26)], 3 * 2 * (1440 + 754)),
        # A loop's frames are counted with the most octaves of any.
        ({"loop": loop(frame=4, octave_n=OCTAVES)}, [(40, 36)], 5 * 2 * (1440 + 754 + 21 * 19)),
        ({"loop": loop(octave_n=OCTAVES)}, [(40, 36), (29, 26), (21, 19)], 3 * 2 * (1440 + 754 + 21 * 19)),
        ({"rendering": Rendering(renderer="naive")}, [(40, 36)], 2 * 1440),
    ],
)
def test_octaves_and_work(changes, sizes, work):
    made = recipe(**changes)
    assert made.sizes(40, 36) == sizes
    assert made.work(40, 36) == work


def test_what_is_made_once_for_a_number_of_octaves():
    frames = []
    made = recipe(loop=loop(octave_n=OCTAVES)).by_octaves([0, 4, 2], lambda at: frames.append(at.loop.frame) or at)
    assert frames == [0, 2]
    assert [each.loop.frame for each in made] == [0, 0, 2]
    assert recipe().by_octaves([0, 9], lambda at: at.loop) == [None, None]


def test_the_start():
    found, rng = recipe().start(PICTURE)
    assert np.array_equal(found, PICTURE)
    assert rng.randint(1 << 30) == np.random.RandomState(7).randint(1 << 30)
    found, _ = recipe(size=(20, 18)).start(PICTURE)
    assert np.array_equal(found, resized(PICTURE, (20, 18)))
    found, rng = recipe(noise=(5, 4)).start(None)
    again = np.random.RandomState(7)
    assert np.array_equal(found, pydream.dream.images.noise(5, 4, again))
    assert rng.randint(1 << 30) == again.randint(1 << 30)  # the dream draws on from there


def test_it_dreams(net):
    dream = follow(recipe(), net, PICTURE)
    rng = np.random.RandomState(7)
    assert np.array_equal(
        dream, pydream.deepdream(net, PICTURE, rng=rng, end="top", iter_n=2, octave_n=2, jitter=2)
    )  # fmt: skip
    mixed = follow(recipe(blend=0.25), net, PICTURE)
    np.testing.assert_allclose(mixed, dream + 0.25 * (PICTURE - dream), rtol=0, atol=1e-9)
    kept = follow(recipe(), net, PICTURE, retouches=[KeepColors()])
    assert np.array_equal(kept, follow(recipe(keep_colors=True), net, PICTURE))


def test_it_is_stretched(net):
    free = recipe(clip=False, stretch=1.0)
    rng = np.random.RandomState(7)
    params = {"end": "top", "iter_n": 2, "octave_n": 2, "jitter": 2, "clip": False}
    assert np.array_equal(
        follow(free, net, PICTURE), stretched(pydream.deepdream(net, PICTURE, rng=rng, **params), 1.0)
    )


def test_it_loops(net):
    made = recipe(loop=loop(), blend=0.25)
    rng = np.random.RandomState(7)
    params = {"end": "top", "iter_n": 2, "octave_n": 2, "jitter": 2, "blend": 0.25}
    frames = list(pydream.zoom_loop(net, PICTURE, frames=3, rng=rng, **params))
    assert np.array_equal(follow(made, net, PICTURE), frames[2])
    assert np.array_equal(follow(made.at(0), net, PICTURE), frames[0])


def test_it_renders(net):
    noise = np.random.RandomState(3).uniform(90, 110, (40, 36, 3))
    made = recipe(rendering=Rendering(renderer="naive", channels=(1,)))
    dream = pydream.dream.tutorial.render_naive(net, "top", (1,), noise, 2, 1.5, rng=np.random.RandomState(7))
    assert np.array_equal(follow(made, net, noise), pydream.dream.tutorial.to_display("naive", dream))


def test_an_interrupted_dream_is_made_as_far_as_it_came(net):
    steps = []
    watch = watching(lambda octave, iteration, image: steps.append((octave, iteration)))
    stopped = follow(recipe(steps=3), net, PICTURE, watch=watch)
    assert steps == [(0, 0), (0, 1), (1, 0)]
    with pytest.raises(DreamInterrupted) as raised:
        follow(recipe(), net, PICTURE, watch=_Stopping(3))
    assert raised.value.steps == 3
    assert np.array_equal(stopped, raised.value.image)
    with pytest.raises(DreamInterrupted):  # by another Ctrl-C than its own
        follow(recipe(steps=4), net, PICTURE, watch=_Stopping(2))


class _Stopping(pydream.Watch):
    def __init__(self, steps):
        self.steps = steps

    def step(self, octave, iteration, image):
        self.steps -= 1
        if self.steps == 0:
            raise KeyboardInterrupt


def test_tiles_are_chosen(net):
    assert choose_tile(recipe(), net, 40, 36, tile=24) == 24
    assert choose_tile(recipe(rendering=Rendering(renderer="multiscale")), net, 40, 36, tile=24) == 0
    assert choose_tile(recipe(rendering=Rendering(renderer="naive"), depth=16), net, 40, 36, tile=24) == 24
    with pytest.raises(MemoryTooSmallError):
        choose_tile(recipe(), net, 40, 36, memory=1)


def test_defaults_are_those_of_a_plain_dream():
    plain = Recipe(end="top", seed=7)
    params = msgspec.structs.asdict(plain)
    assert {name: value for name, value in params.items() if value != pydream.record.recipe.DEFAULTS[name]} == {
        "end": "top", "seed": 7,
    }  # fmt: skip
