"""What a file says of itself → the order that makes it again. The text is anyone's: it is data."""

from __future__ import annotations

from typing import Any

import msgspec

from ...easy.inputs import Resizing
from ...errors import ProvenanceError
from ...formats import InputSpec
from ...media import LONGEST_NOTE
from ...record.command import Words, changed
from ...record.film import Film
from ...record.provenance import Account, Figure, PictureFacts, parse
from ...record.text import from_json
from ..orders import Network, Order


def order_of(note: str) -> Order | None:
    """Return the order of a dream, a zoom loop or a film, or of the first dream on a sheet; None where it says none."""
    if len(note) > LONGEST_NOTE:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(_ordered(_read(note))), Order)
    except (ProvenanceError, msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _read(note: str) -> Account:
    found = from_json(note, dict[str, Any])
    if "film" in found:
        return msgspec.convert(found, Film)
    return msgspec.convert(found, Figure) if "figure" in found else parse(note)


def _ordered(account: Account) -> Order | None:
    recipe = account.recipe
    if recipe.depth != 16 or recipe.loop is not None:
        recipe = msgspec.structs.replace(recipe, depth=None)  # here others have 8 bits
    if recipe.rendering is not None or account.network.input_spec != InputSpec():
        return None
    named = Words.of(recipe)
    fields = {name: getattr(recipe, name) for name in ("seed", "tile", "size", "noise", "steps")}
    own: dict[str, Any] = {"kind": "dream"}
    if recipe.loop is not None:
        own = {"kind": "zoom", "frames": recipe.loop.frame + 1, **recipe.loop.move, **recipe.loop.curves}
        own["hold"] = recipe.loop.hold
    elif isinstance(account, Film):
        own = {"kind": "film", **{name: getattr(account, name) for name in ("first", "frames", "flow", "cut")}}
        own["carry"] = account.blend
        fields["size"] = account.size
    if named.direction is not None:  # which words lack
        fields |= {"end": recipe.end, "objective": recipe.objective}
        named = Words([], "l2", [])
    given = account.input.height, account.input.width
    if (size := fields.pop("size")) is not None and size != given:
        if Resizing(None, max(size)).of(*given) == size:  # which a page shows, and lets be changed
            own["long_side"], fields["octave_n"] = max(size), recipe.octave_n
        else:
            fields["size"] = size
    return Order(
        picture=account.input.sha256,
        guide=_pixels(account.guide),
        mask=_pixels(account.mask),
        network=Network(account.network.name, account.network.dtype),  # type: ignore[arg-type]  # by its pattern
        layer=tuple(named.layers),
        classes=tuple(named.classes),
        objective=None if named.kind == "l2" else named.kind,
        recipe={
            **changed(recipe, bool(named.classes)),
            **{name: value for name, value in fields.items() if value is not None},
        },
        **own,
    )


def _pixels(facts: PictureFacts | None) -> str | None:
    return None if facts is None else facts.sha256
