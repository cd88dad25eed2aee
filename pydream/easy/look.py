"""A look is what a preset says, and what was said over it; a picture's size makes a recipe's parameters of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np

from ..dream.bounds import is_real, require
from ..dream.era import MODERN
from ..dream.octaves import AUTO, Size
from ..dream.params import check_params
from ..errors import ParameterError
from ..net import unknown_name
from ..record.presets import PRESETS, STRENGTHS, Preset, params_for, with_class
from ..record.recipe import Recipe
from ..zoo.registry import DEFAULT_NETWORK
from .inputs import Resizing

_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Recipe)}


class Look(NamedTuple):
    """What a dream is to look like, whatever its picture.

    Attributes
    ----------
    params : dict of str
        As `prepare` takes them; a number of octaves may be `AUTO`.
    strength : float
        Factor of the iterations.
    preset : Preset or None
    """

    params: dict[str, Any]
    strength: float = 1.0
    preset: Preset | None = None

    @classmethod
    def of(cls, preset: str | None, strength: float, given: Mapping[str, Any]) -> Self:
        """Return a preset's look, over which others were `given`: those that are None were not.

        Raises
        ------
        ParameterError
            A value is wrong.
        UnknownNameError
            There is no such preset.
        """
        if preset is not None and preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        mild, wild = STRENGTHS
        require(is_real(strength) and mild <= strength <= wild, "strength", strength, f"{mild} to {wild}")
        chosen = None if preset is None else PRESETS[preset]
        params: dict[str, Any] = {} if chosen is None else dict(chosen.params)
        params |= {name: as_recorded(name, value) for name, value in given.items() if value is not None}
        counts = ("iter_n", "octave_n", "octave_scale")
        check_params(**{name: params[name] for name in counts if params.get(name, AUTO) != AUTO})
        return cls(with_class(params) if params.get("classes") else params, strength, chosen)

    @property
    def model(self) -> str:
        """The network that it is known by, or the default one."""
        return self.preset.network if self.preset is not None and self.preset.layers else DEFAULT_NETWORK

    @property
    def to_srgb(self) -> bool:
        """Whether colours of pictures become sRGB by their profiles: not as in 2015."""
        return bool(self.params.get("era", MODERN) == MODERN)

    def params_for(self, given: Size, resizing: Resizing) -> dict[str, Any]:
        """Return the parameters for a picture of a size, which is resized first."""
        size = resizing.of(*given)
        params = params_for({**self.params, "strength": self.strength}, size, resizing.counted(given))
        return {**params, "size": None if size == given else size}


def as_recorded(name: str, value: Any) -> Any:
    """Return an argument as a record has it, NumPy's numbers as Python's; `ParameterError` for another type."""
    if name not in _FIELDS or (name == "octave_n" and value == AUTO):
        return value
    value = value.item() if isinstance(value, np.generic) else value
    try:
        return msgspec.convert(value, _FIELDS[name])
    except msgspec.ValidationError as error:
        raise ParameterError(name, f"{value!r}: {error}") from None
