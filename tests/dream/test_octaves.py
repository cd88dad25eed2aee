"""How many octaves a picture's size asks for: the smallest has about 160 pixels on its short side."""

import numpy as np
import pytest

from pydream.dream.notebook import deepdream
from pydream.dream.octaves import AUTO, octave_sizes, octaves_for
from pydream.dream.params import check_params
from pydream.record.presets import PRESETS, params_for


@pytest.mark.parametrize("scale", [1.1, 1.4, 2.0])
@pytest.mark.parametrize("size", [(576, 1024), (3024, 4032), (4032, 3024), (1500, 1125), (10000, 20000)])
def test_the_smallest_is_as_near_to_160_as_the_scale_allows(size, scale):
    smallest = min(octave_sizes(*size, octaves_for(*size, scale), scale)[-1])
    assert scale**-0.52 < smallest / 160 < scale**0.52  # half a step; sizes are rounded


@pytest.mark.parametrize(
    ("side", "number"),
    [(3024, 10), (576, 5), (439, 4), (240, 4), (132, 4), (100, 3), (64, 2), (56, 1), (48, 1), (20, 1), (1, 1)],
)
def test_small_pictures_have_what_the_notebook_gives_them_as_far_as_that_is_sensible(side, number):
    assert octaves_for(side, 2 * side, 1.4) == octaves_for(2 * side, side, 1.4) == number


def test_the_extremes_of_the_scale():
    assert octaves_for(3000, 4000, 1.0) == 1
    assert octaves_for(3000, 4000, 1.0 + 1e-9) == 1000
    assert octaves_for(3000, 4000, 1e9) == 1


def test_a_look_has_numbers_for_a_size():
    look = {"octave_n": AUTO, "octave_scale": 2.0, "iter_n": 20, "clip": False}
    assert params_for(look, (640, 900)) == {**look, "octave_n": 3}
    assert params_for({"octave_n": AUTO}, (3024, 4032)) == {"octave_n": 10}
    assert params_for(look) == look  # without a size they stay open
    assert params_for({"octave_n": 4}, (3024, 4032)) == {"octave_n": 4}
    assert look["octave_n"] == AUTO


@pytest.mark.parametrize(
    ("strength", "given", "number"), [(0.25, 10, 2), (2, 10, 20), (4, 30, 120), (0.25, 1, 1), (1, 7, 7), (0.5, None, 5)]
)
def test_strength_scales_the_iterations(strength, given, number):
    params = {} if given is None else {"iter_n": given}
    assert params_for({**params, "strength": strength}, (9, 9)) == {"iter_n": number}


def test_all_looks_but_two_go_by_the_size():
    numbers = {name: preset.params.get("octave_n") for name, preset in PRESETS.items()}
    assert {name: number for name, number in numbers.items() if number != AUTO} == {"2015": 4, "report": 4}


def test_sizes_by_hand():
    assert octave_sizes(48, 60, by_hand=[(20, 25), (48, 60)]) == [(48, 60), (20, 25)]
    with pytest.raises(ValueError, match="octave_sizes: the last is 60x40, and the picture 60x48: resize it, or chan"):
        octave_sizes(48, 60, by_hand=[(40, 60)])
    for sizes, what in [
        ([(49, 2), (48, 60)], "2x49 before 60x48, expected the largest last"),
        ([(0, 2), (48, 60)], "2x0 before 60x48, expected the largest last"),
        ([], "0 sizes, expected 1 to 1000"),
        ([(1, 1)] * 1001, "1001 sizes, expected 1 to 1000"),
    ]:
        with pytest.raises(ValueError, match=f"octave_sizes: {what}"):
            check_params(octave_sizes=sizes)


def test_a_dream_at_sizes_by_hand(squeezenet32):
    """Those of the notebook's rule, said by hand, are the notebook's dream; others another."""
    picture = np.random.RandomState(0).randint(0, 256, (48, 64, 3), np.uint8)

    def dream(**params):
        rng = np.random.RandomState(1)
        return deepdream(squeezenet32, picture, 1, end="fire2/concat", rng=rng, **params)

    by_rule = dream(octave_n=3, octave_scale=1.4)
    np.testing.assert_array_equal(dream(octave_sizes=octave_sizes(48, 64, 3)[::-1]), by_rule)
    assert not np.array_equal(dream(octave_sizes=[(24, 32), (30, 64), (48, 64)]), by_rule)
