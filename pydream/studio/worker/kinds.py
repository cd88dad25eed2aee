"""Which function carries out what; its module is imported when it is needed, so that a small task need not wait."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..messages import (
    Classify,
    DecodePicture,
    DrawThumbnails,
    EncodePicture,
    Finished,
    Message,
    ReplayPicture,
    Run,
    Warm,
)
from ..orders import OrderKind
from .task import Task

# The kind of an order → the module whose `run` carries it out,
ORDERS: dict[OrderKind, str] = {"dream": "dreams", "sweep": "sheets", "zoom": "loops", "film": "films"}
# and of other messages the module and its function.
OTHERS: dict[type[Message], tuple[str, str]] = {
    Warm: ("dreams", "warm"),
    DrawThumbnails: ("thumbnails", "draw"),
    ReplayPicture: ("replays", "replay"),
    Classify: ("predictions", "classify"),
    DecodePicture: ("pictures", "decode"),
    EncodePicture: ("pictures", "encode"),
}


def function_for(message: Message) -> Callable[[Task[Any]], Finished]:
    """Return the function that carries out a task."""
    module, name = (ORDERS[message.order.kind], "run") if isinstance(message, Run) else OTHERS[type(message)]
    found: Callable[[Task[Any]], Finished] = getattr(import_module(f".{module}", __package__), name)
    return found
