"""A look's parameters as numbers, for a picture, a zoom loop, a series or a class."""

import pytest

from pydream.record import Recipe
from pydream.record.presets import (
    CLASS_SMOOTHING,
    PRESETS,
    ZOOM,
    params_for,
    series_iterations,
    with_class,
    zoom_params,
)


@pytest.mark.parametrize(
    ("name", "layers", "model"),
    [
        ("eyes", ("fire8/squeeze1x1", "fire6/squeeze1x1"), None),
        ("dogs", ("fire7/concat",), None),
        ("report", (), "bvlc_googlenet"),
    ],
)
def test_what_a_preset_is_for(name, layers, model):
    assert PRESETS[name].layers == layers
    assert PRESETS[name].model == model


def test_a_network_that_a_look_is_not_known_by_is_named():
    dogs = PRESETS["dogs"]
    assert dogs.note("squeezenet_v1.1") is None
    assert dogs.note("net") == "dogs is known by squeezenet_v1.1, and this is net: it will look otherwise"


@pytest.mark.parametrize(
    ("iter_n", "count", "series"),
    [(10, 1, [2]), (10, 5, [2, 5, 10, 20, 40]), (1, 4, [1, 2, 3, 4]), (10, 0, [])],
)
def test_a_series_grows_from_a_quarter_to_four_times(iter_n, count, series):
    assert series_iterations(iter_n, count) == series


@pytest.mark.parametrize(
    ("said", "params"),
    [
        ({}, ZOOM),
        ({"built_in": False}, {}),
        ({"given": ["layer"]}, {}),
        ({"of_look": ["layer"]}, {}),
        ({"earlier": Recipe(end="conv", seed=7)}, {}),
        ({"earlier": Recipe(end="fire7/concat", seed=7)}, ZOOM),
        ({"of_look": ["iter_n"]}, {"iter_n": 3}),  # a class
        ({"of_look": ["iter_n"], "built_in": False}, {"iter_n": 10}),
        ({"of_look": ["iter_n"], "preset": PRESETS["dogs"]}, {"iter_n": 3}),
        ({"of_look": ["iter_n"], "preset": PRESETS["report"]}, {}),  # it has the network's own layer
    ],
)
def test_a_zoom_loop_has_iterations_that_last(said, params):
    assert zoom_params(**{"built_in": True, "given": (), "of_look": (), **said}) == params


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, {"iter_n": 20, "octave_n": "auto", **CLASS_SMOOTHING}),
        ({"iter_n": 5, "tv": 0.5}, {"octave_n": "auto"}),
        ({"octave_n": 2, "decorrelate": 0.7}, {"iter_n": 20}),
    ],
)
def test_a_class_is_smoothed_unless_something_smooths(given, added):
    assert with_class(given) == {**given, **added}


@pytest.mark.parametrize(
    ("params", "sizes", "found"),
    [
        ({"octave_n": "auto"}, [], {"octave_n": "auto"}),
        ({"octave_n": "auto"}, [(300, 400)], {"octave_n": 4}),
        ({"octave_n": 3, "octave_scale": 2.0}, [(400, 400), (100, 100)], {"octave_n": 5, "octave_scale": 2.0}),
        ({"octave_n": 3, "octave_scale": 2.0}, [(100, 100), (400, 400)], {"octave_n": 3, "octave_scale": 2.0}),
        ({"octave_n": 999, "octave_scale": 2.0}, [(400, 400), (100, 100)], {"octave_n": 1000, "octave_scale": 2.0}),
        ({"octave_sizes": ((4, 4), (8, 8))}, [(8, 8), (2, 2)], {"octave_n": 2, "octave_sizes": ((4, 4), (8, 8))}),
        ({"octave_sizes": None}, [], {"octave_sizes": None}),
        ({"strength": 2.0}, [], {"iter_n": 20}),
        ({"strength": 0.01, "iter_n": 30}, [], {"iter_n": 1}),
        ({"strength": 1, "tv": 0.5}, [], {"tv": 0.5}),
    ],
)
def test_parameters_for_a_size(params, sizes, found):
    before = dict(params)
    assert params_for(params, *sizes) == found
    assert params == before
