"""What can be known of an order before a network is loaded: that its words are words, and go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ..dream.octaves import Size
from ..easy.inputs import check_size
from ..easy.others import Other
from ..easy.preparation import check_together
from ..errors import PydreamError, StudioError
from ..record.names import NOISE_SIZE
from ..record.recipe import Recipe
from ..record.scoring import Direction, aim_of
from . import catalogue
from .axes import with_value
from .orders import Order
from .worker.orders import Wanted, loop_of


def check(order: Order, size: Size | None) -> None:
    """Check an order's words, and its layers and classes in the network's outline.

    Parameters
    ----------
    order : Order
    size : (int, int) or None
        Height and width of the picture; None: there is none.

    Raises
    ------
    PydreamError
        One line that says what is wrong.
    """
    try:
        for each in (order, *_of_sheet(order)):
            _check_one(each, size)
    except PydreamError:
        raise
    except (ValueError, OverflowError) as error:
        raise StudioError(str(error)) from error


def _check_one(order: Order, size: Size | None) -> None:
    wanted = Wanted.of(order)
    others = [Other.of(each) for each in wanted.look.params.get("also", ())]
    for name in (wanted.model, *(other.model for other in others)):
        if (absence := catalogue.absence(name)) is not None:
            raise StudioError(f"network: {absence}")
    found = size or wanted.noise or NOISE_SIZE
    check_size(*wanted.resizing.of(*found))
    params = wanted.look.params_for(found, wanted.resizing)
    fields = {name: value for name, value in {**params, **wanted.more}.items() if name in Recipe.__struct_fields__}
    if order.kind == "zoom":
        fields["loop"] = loop_of(order)
    recipe = Recipe(**{"end": "", "seed": 0, **fields})
    layer = params.get("layer") or ()
    words: dict[str, Any] = {
        "layers": [layer] if isinstance(layer, str) else layer,
        "classes": params.get("classes") or (),
    }
    words["kind"] = params.get("kind") or "l2"
    guided, vector = order.guide is not None, params.get("direction")
    masked, directed = order.mask is not None, vector is not None
    check_together(**words, guided=guided, masked=masked, directed=directed, recipe=fields)
    for other in others:
        if (outline := catalogue.outline(other.model)) is not None:
            other.term(outline)
    net = catalogue.outline(wanted.model)
    if net is not None:
        direction = None if vector is None else Direction(vector, params["direction_power"])
        aim = aim_of(net, **words, guided=guided, direction=direction)
        msgspec.structs.replace(recipe, end=aim.end, objective=aim.terms)  # raises for weights with keyframes


def _of_sheet(order: Order) -> Iterator[Order]:
    """Yield an order for each value of a sheet's directions."""
    if order.kind != "sweep" and (order.rows or order.columns):
        raise StudioError("rows and columns are of a sheet: kind is 'sweep'")
    axes = [axis for axis in (order.rows, order.columns) if axis is not None]
    if len(axes) == 2 and axes[0].parameter == axes[1].parameter:
        raise StudioError(f"rows and columns are both {axes[0].parameter}")
    for axis in axes:
        for value in axis.values:
            yield with_value(order, axis.parameter, value)
