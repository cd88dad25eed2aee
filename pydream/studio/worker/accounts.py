"""What a picture says of itself → the order that makes it again. The text is anyone's: it is data."""

from __future__ import annotations

from typing import Any

import msgspec

from ...errors import ProvenanceError
from ...formats import InputSpec
from ...record.command import Words, changed
from ...record.provenance import DreamAccount, PictureFacts, parse
from ..orders import Network, Order


def order_of(note: str) -> Order | None:
    """Return the order of a dream or of a zoom loop's frame; None where it says none, or nothing."""
    try:
        account = parse(note)
        return msgspec.convert(msgspec.to_builtins(_ordered(account)), Order)
    except (ProvenanceError, msgspec.ValidationError):
        return None


def _ordered(account: DreamAccount) -> Order | None:
    recipe = account.recipe
    if recipe.rendering is not None or account.network.input_spec != InputSpec():
        return None
    named = Words.of(recipe)
    fields = {name: getattr(recipe, name) for name in ("seed", "tile", "size", "noise", "steps")}
    fields = {name: value for name, value in fields.items() if value is not None}
    own: dict[str, Any] = {"kind": "dream"}
    if recipe.loop is not None:
        own = {"kind": "zoom", "frames": recipe.loop.frame + 1, **recipe.loop.move}
    return Order(
        picture=account.input.sha256,
        guide=_pixels(account.guide),
        mask=_pixels(account.mask),
        network=Network(account.network.name, account.network.dtype),  # type: ignore[arg-type]  # by its pattern
        layer=tuple(named.layers),
        classes=tuple(named.classes),
        objective=None if named.kind == "l2" else named.kind,
        recipe={**changed(recipe, bool(named.classes)), **fields},
        **own,
    )


def _pixels(facts: PictureFacts | None) -> str | None:
    return None if facts is None else facts.sha256
