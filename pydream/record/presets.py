"""Presets are names for looks: parameters that go well together, which every option on the command line overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..dream.octaves import AUTO, MOST_OCTAVES, Size, octaves_added, octaves_for
from .recipe import DEFAULTS


@dataclass(frozen=True)
class Preset:
    """A look.

    Attributes
    ----------
    name : str
    about : str
        Where it comes from, or what it looks like.
    params : dict of str
        Of `pydream.record.recipe.Recipe`, by their names there; ``layer`` is its `end`, and a number of octaves may be
        `AUTO`: see `params_for`.
    network : str or None
        The network that the look is known by. None: the built-in one.
    """

    name: str
    about: str
    params: dict[str, Any]
    network: str | None = None


_PRESETS = (
    Preset(
        "2015",
        "the notebook's parameters, with the rounding of its time",
        {"iter_n": 10, "step_size": 1.5, "octave_n": 4, "octave_scale": 1.4, "jitter": 32, "clip": True, "era": "2015"},
        network="bvlc_googlenet",
    ),
    Preset(
        "report",
        "far beyond a dream, until a layer shows what it wants",
        {"iter_n": 47, "step_size": 4.4, "octave_n": 4, "octave_scale": 1.4},
        network="bvlc_googlenet",
    ),
    Preset(
        "tutorial",
        "the 2016 tutorial's numbers in the notebook's step; `pydream visualize` is the tutorial itself",
        {"iter_n": 10, "step_size": 1.5, "octave_n": AUTO, "octave_scale": 1.4, "clip": False},
        network="inception5h",
    ),
    # Of the built-in network, found by looking at dreams of examples/sky.jpg and the notebook's two photographs.
    Preset(
        "dogs",
        "faces with snouts and fur",
        {"layer": "fire8/squeeze1x1", "iter_n": 20, "step_size": 1.5, "octave_n": AUTO},
    ),
    Preset(
        "eyes",
        "eyes in everything round",
        {"layer": "fire6/squeeze1x1", "iter_n": 20, "step_size": 1.5, "octave_n": AUTO},
    ),
    Preset("birds", "beaks, legs and plumage", {"layer": "conv10", "iter_n": 30, "step_size": 1.5, "octave_n": AUTO}),
    Preset("swirls", "curls and whirls", {"layer": "fire5/concat", "iter_n": 20, "step_size": 1.5, "octave_n": AUTO}),
    Preset("strokes", "as if brushed", {"layer": "fire3/concat", "iter_n": 10, "step_size": 1.0, "octave_n": AUTO}),
    Preset(
        "facets", "planes and folds", {"layer": "fire4/expand3x3", "iter_n": 20, "step_size": 1.5, "octave_n": AUTO}
    ),
    Preset(
        "carved",
        "a relief, in the picture's own colours",
        {"layer": "fire3/concat", "iter_n": 20, "step_size": 1.0, "octave_n": AUTO, "keep_colors": True},
    ),
    Preset(
        "plush",
        "soft dogs in loud colours",
        {"layer": "fire8/squeeze1x1", "iter_n": 20, "step_size": 1.5, "octave_n": AUTO, "laplacian": 4},
    ),
    Preset("beads", "rows of beads", {"layer": "fire5/expand3x3", "iter_n": 20, "step_size": 1.0, "octave_n": AUTO}),
)

STRENGTHS = (0.25, 4.0)  # mild, and wild: factors for the iterations
PRESETS = {preset.name: preset for preset in _PRESETS}


def series_iterations(iter_n: int, count: int) -> list[int]:
    """Return the iterations of a series from mild to wild: strengths from 0.25 to 4, each so many times the one before.

    They are rounded, and each is one more than the one before at least.
    """
    mild, wild = STRENGTHS
    found = [0]
    for number in range(count):
        strength = mild * (wild / mild) ** (number / max(count - 1, 1))
        found.append(max(found[-1] + 1, round(strength * iter_n)))
    return found[1:]


def params_for(params: Mapping[str, Any], size: Size | None = None, enlarged: Size | None = None) -> dict[str, Any]:
    """Return a look's parameters for a picture of that size: as numbers, where they depend on it.

    Parameters
    ----------
    params : mapping of str
        A preset's, or those with which some of them were overridden; the recipe's defaults stand for what it lacks.
        ``strength``, a factor for the iterations, is taken out: they are rounded, and at least 1.
    size : (int, int), optional
        Height and width of the picture that is dreamt on. None: unknown yet, and `AUTO` octaves stay so.
    enlarged : (int, int), optional
        Those of the picture that a number of octaves is for: see `octaves_added`.
    """
    found = dict(params)
    octaves, scale = (found.get(name, DEFAULTS[name]) for name in ("octave_n", "octave_scale"))
    if size is not None and octaves == AUTO:
        found["octave_n"] = octaves_for(*size, scale)
    elif size is not None and enlarged is not None:
        found["octave_n"] = min(octaves + octaves_added(size, enlarged, scale), MOST_OCTAVES)
    strength = found.pop("strength", 1)
    if strength != 1:
        found["iter_n"] = max(1, round(strength * found.get("iter_n", DEFAULTS["iter_n"])))
    return found
