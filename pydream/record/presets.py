"""Presets are names for looks: parameters that go well together, which every option on the command line overrides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..dream.octaves import AUTO, MOST_OCTAVES, Size, octaves_added, octaves_for
from ..zoo.registry import DEFAULT_NETWORK
from .recipe import DEFAULTS, Recipe

# What a class needs beside a layer's parameters. Found by looking at flamingos, cats and dogs on examples/sky.jpg: with
# less they are grey and hard to make out, with more Laplacian levels garish. In a large photograph, with the notebook's
# octaves, they are small scraps.
CLASS_SMOOTHING = {"smooth": 0.5, "laplacian": 3}
CLASS_ITERATIONS = 20
SMOOTHING = {*CLASS_SMOOTHING, "tv", "decorrelate"}


@dataclass(frozen=True)
class Preset:
    """A look.

    Attributes
    ----------
    name : str
    about : str
        Where it comes from, or what it looks like.
    params : dict of str
        Of `pydream.record.recipe.Recipe`, by their names there; ``layer`` is its `end`, or a tuple of several, each as
        the command line takes it, and a number of octaves may be `AUTO`: see `params_for`.
    network : str
        The network that the look is known by, which has the layers.
    """

    name: str
    about: str
    params: dict[str, Any]
    network: str = DEFAULT_NETWORK

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, each as the command line takes it; none: the network's own."""
        named: str | tuple[str, ...] = self.params.get("layer", ())
        return (named,) if isinstance(named, str) else tuple(named)

    @property
    def model(self) -> str | None:
        """The network as `--model` names it; None: the default one."""
        return None if self.network == DEFAULT_NETWORK else self.network

    def note(self, model: str) -> str | None:
        """Return a line about a network that the look is not known by; None: it is known by that."""
        if model == self.network:
            return None
        return f"{self.name} is known by {self.network}, and this is {model}: it will look otherwise"


_GOOGLENET = "bvlc_googlenet"

_ROBUST = {"robust_scale": 0.1, "robust_rotate": 10.0}

# Found by looking, on the six pictures of docs/looks.md; the strong ones first.
_PRESETS = (
    Preset(
        "dogs",
        "dogs' faces, fur and many eyes",
        {"layer": "fire7/concat", "iter_n": 30, "octave_n": AUTO, "smooth": 0.5},
    ),
    Preset(
        "eyes",
        "eyes in everything round, with faces around them",
        {"layer": ("fire8/squeeze1x1", "fire6/squeeze1x1"), "iter_n": 30, "octave_n": AUTO, "smooth": 0.5},
    ),
    Preset(
        "masks",
        "round faces of dogs, each by itself in a picture that stays",
        {"layer": "fire8/squeeze1x1:29", "iter_n": 30, "octave_n": AUTO, "smooth": 0.7},
    ),
    Preset(
        "plush",
        "soft dogs in loud colours",
        {"layer": "fire8/squeeze1x1", "iter_n": 20, "octave_n": AUTO, "laplacian": 4},
    ),
    Preset(
        "birds",
        "birds that stand, of all kinds",
        {"layer": "conv10:7-24,80-100,127-146", "iter_n": 30, "octave_n": AUTO, "smooth": 0.7},  # ImageNet's birds
    ),
    Preset(
        "scales",
        "round scales that overlap, as of a fish",
        {"layer": "fire8/squeeze1x1:44", "iter_n": 30, "octave_n": AUTO, "smooth": 0.7},
    ),
    Preset(
        "hounds",
        "dogs with heads, ears and legs, in light and shadow",
        {
            "layer": "conv10:151-268",  # ImageNet's dogs
            "iter_n": 30,
            "octave_n": AUTO,
            "decorrelate": 0.7,
            "decorrelate_color": True,
            **_ROBUST,
        },
    ),
    Preset(
        "flock",
        "large birds with heads and beaks, as if painted",
        {"layer": "conv10:7-24,80-100,127-146", "iter_n": 30, "octave_n": AUTO, "decorrelate": 0.7, **_ROBUST},
    ),
    Preset("swirls", "curls and whirls", {"layer": "fire5/concat", "iter_n": 30, "octave_n": AUTO, "smooth": 0.5}),
    Preset(
        "towers",
        "temples, towers, cars and faces",
        {"layer": "inception_4c/output", "iter_n": 30, "octave_n": AUTO, "smooth": 0.5},
        network=_GOOGLENET,
    ),
    Preset(
        "creatures",
        "birds, beasts and insects",
        {"layer": "inception_4d/output", "iter_n": 30, "octave_n": AUTO},
        network=_GOOGLENET,
    ),
    Preset(
        "fair",
        "tents, lace and machines, as on a fair at night",
        {"layer": "inception_4e/output", "iter_n": 30, "octave_n": AUTO, "smooth": 0.5},
        network=_GOOGLENET,
    ),
    Preset(
        "starry",
        "spirals and strokes of fur, as if painted",
        {"layer": "inception_3b/output", "iter_n": 20, "octave_n": AUTO},
        network=_GOOGLENET,
    ),
    Preset(
        "report",
        "far beyond a dream, until a layer shows what it wants",
        {"iter_n": 47, "step_size": 4.4, "octave_n": 4, "octave_scale": 1.4},
        network=_GOOGLENET,
    ),
    Preset(
        "facets",
        "planes with dark edges, as in a cubist's painting",
        {"layer": "fire4/squeeze1x1", "iter_n": 20, "octave_n": AUTO, "smooth": 0.5},
    ),
    Preset(
        "beads",
        "strings of beads",
        {"layer": "fire5/expand3x3", "iter_n": 20, "octave_n": AUTO, "smooth": 0.7},
    ),
    Preset("strokes", "as if brushed", {"layer": "fire3/concat", "iter_n": 10, "step_size": 1.0, "octave_n": AUTO}),
    Preset(
        "carved",
        "a relief, in the picture's own colours",
        {"layer": "fire3/concat", "iter_n": 20, "step_size": 1.0, "octave_n": AUTO, "keep_colors": True},
    ),
    Preset(
        "2015",
        "the notebook's parameters, with the rounding of its time",
        {"iter_n": 10, "step_size": 1.5, "octave_n": 4, "octave_scale": 1.4, "jitter": 32, "clip": True, "era": "2015"},
        network=_GOOGLENET,
    ),
    Preset(
        "tutorial",
        "the 2016 tutorial's numbers in the notebook's step; `pydream visualize` is the tutorial itself",
        {"iter_n": 10, "step_size": 1.5, "octave_n": AUTO, "octave_scale": 1.4, "clip": False, "stretch": 1.0},
        network="inception5h",
    ),
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


# A zoom loop dreams on what it has dreamt, so a frame takes fewer steps than a picture: with the 10 that are the
# notebook's, the built-in network's frames have burnt out by the eighth. Found by looking at frames 1, 4, 8, 16.
ZOOM: dict[str, Any] = {"layer": ("fire7/concat",), "iter_n": 3}
ZOOM_FPS = 25  # of its film


def zoom_params(
    *,
    built_in: bool,
    given: Collection[str],
    of_look: Collection[str],
    preset: Preset | None = None,
    earlier: Recipe | None = None,
) -> dict[str, Any]:
    """Return the parameters of a zoom loop that are others than a picture's: iterations that last, and their layer.

    Those of the notebook are for other networks, for a layer or an objective that is given, and for a loop that is
    resumed and had them. The iterations of a preset or a class, which are for one picture, are no more than these.

    Parameters
    ----------
    built_in : bool
        Whether the network is.
    given, of_look : collection of str
        Which of ``layer``, ``classes``, ``kind``, ``guide`` and ``iter_n`` are given, and which are a preset's or come
        with a class.
    preset : Preset, optional
    earlier : Recipe, optional
        Of the loop that is resumed.
    """
    if "iter_n" in of_look and (preset is None or preset.layers):  # without a preset it is a class that has them
        return {"iter_n": ZOOM["iter_n"] if built_in else DEFAULTS["iter_n"]}
    others = given or of_look or (earlier is not None and earlier.end not in ZOOM["layer"])
    return ZOOM if built_in and not others else {}


def with_class(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a dream of a class: with what that needs, where `params` say nothing of it.

    A classifier's gradient is grain, so it is smoothed, unless something smooths already.
    """
    return {
        "iter_n": CLASS_ITERATIONS,
        "octave_n": AUTO,
        **({} if params.keys() & SMOOTHING else CLASS_SMOOTHING),
        **params,
    }


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
    if found.get("octave_sizes") is not None:
        found["octave_n"] = len(found["octave_sizes"])
    octaves, scale = (found.get(name, DEFAULTS[name]) for name in ("octave_n", "octave_scale"))
    if size is not None and octaves == AUTO:
        found["octave_n"] = octaves_for(*size, scale)
    elif size is not None and enlarged is not None and found.get("octave_sizes") is None:
        found["octave_n"] = min(octaves + octaves_added(size, enlarged, scale), MOST_OCTAVES)
    strength = found.pop("strength", 1)
    if strength != 1:
        found["iter_n"] = max(1, round(strength * found.get("iter_n", DEFAULTS["iter_n"])))
    return found
