"""A direction of a sheet: each of its values makes another order of one."""

from __future__ import annotations

import msgspec

from ..errors import StudioError
from ..record.recipe import Recipe
from .orders import Order

NUMBERS = tuple(
    field.name
    for field in msgspec.structs.fields(Recipe)
    if field.name == "seed" or (type(field.default) in (int, float) and field.name != "tile")
)


def with_value(order: Order, parameter: str, value: float | str) -> Order:
    """Return an order with another value of a parameter; `StudioError` for what a sheet cannot have."""
    if parameter in ("layer", "preset"):
        if not isinstance(value, str):
            raise StudioError(f"{parameter}: {value!r} is no name")
        return msgspec.structs.replace(order, **{parameter: (value,) if parameter == "layer" else value})
    if parameter != "strength" and parameter not in NUMBERS:
        there = ", ".join(("layer", "preset", "strength", *NUMBERS))
        raise StudioError(f"no parameter {parameter!r} for a sheet; there are {there}")
    if isinstance(value, str):
        raise StudioError(f"{parameter}: {value!r} is no number")
    if parameter == "strength":
        return msgspec.structs.replace(order, strength=value)
    whole = int(value) if float(value).is_integer() else value
    return msgspec.structs.replace(order, recipe={**order.recipe, parameter: whole})
