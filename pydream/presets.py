"""Presets are names for looks: parameters that go well together, which every option on the command line overrides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A look.

    Attributes
    ----------
    name : str
    about : str
        Where it comes from, or what it looks like.
    params : dict of str
        Of `pydream.recipe.Recipe`, by their names there; ``layer`` is its `end`.
    """

    name: str
    about: str
    params: dict[str, Any]


_PRESETS = (
    Preset(
        "2015",
        "the notebook's defaults, with the rounding of its time",
        {"iter_n": 10, "step_size": 1.5, "octave_n": 4, "octave_scale": 1.4, "jitter": 32, "clip": True, "era": "2015"},
    ),
    Preset(
        "report",
        "strong enhancement, to tell layers apart",
        {"iter_n": 47, "step_size": 4.4, "octave_n": 4, "octave_scale": 1.4},
    ),
    Preset(
        "tutorial",
        "the numbers of the 2016 TensorFlow tutorial's deepdream, in the notebook's step",
        {"iter_n": 10, "step_size": 1.5, "octave_n": 4, "octave_scale": 1.4, "clip": False},
    ),
)

PRESETS = {preset.name: preset for preset in _PRESETS}
