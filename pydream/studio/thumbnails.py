"""Small dreams to choose from: of each layer, of a layer's channels, of each look, on the page's own picture.

They are made when there is nothing else to do, those that were asked for last first, and kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ShapeError, StudioError
from ..record.presets import PRESETS
from ..runtime.geometry import BlobFacts, survey
from .catalogue import absence, outline
from .events import Hub, event
from .folder import Folder
from .messages import DrawThumbnails, Thumbnail
from .orders import Network, Order, ThumbnailsWanted

LONG_SIDE = 160  # pixels
RECIPE = {"seed": 0, "octave_n": 2, "iter_n": 16, "step_size": 4.0, "jitter": 8}  # of a layer and of a channel: strong
MOST_PENDING = 500
_BATCH = 8  # one after another is asked for; what is wanted more comes in between
_MOST_DEATHS = 2
_MOST_FAILED = 1000


class Thumbnails:
    """Small dreams that are there, and those that are still to be made."""

    def __init__(self, folder: Folder, hub: Hub) -> None:
        self._folder, self._hub = folder, hub
        self._pending: OrderedDict[str, Order] = OrderedDict()  # key → order; the last is made first
        self._failed: OrderedDict[str, str] = OrderedDict()  # key → error
        self._deaths: dict[str, int] = {}

    def file(self, key: str) -> Path:
        """Return where the one of that key is, or will be."""
        return self._folder.thumbnails / f"{key}.jpg"

    def want(self, named: list[tuple[str, str, Order]]) -> list[dict[str, Any]]:
        """Have small dreams made that are not there.

        Parameters
        ----------
        named : list of (name, label, order)

        Returns
        -------
        list of dict
            ``name``, ``label``, ``key``, whether it is ``ready``, and the ``error`` if it cannot be made.
        """
        absent = {name: absence(name) for name in {order.network.name for _, _, order in named}}
        found: list[dict[str, Any]] = []
        for name, label, order in named:
            key = key_of(order)
            ready = self.file(key).exists()
            error = None if ready else self._failed.get(key) or absent[order.network.name]
            found.append({"name": name, "label": label, "key": key, "ready": ready, "error": error})
        for (_, _, order), item in reversed(list(zip(named, found, strict=True))):
            if not item["ready"] and item["error"] is None:
                self._pending[item["key"]] = order
                self._pending.move_to_end(item["key"])
        while len(self._pending) > MOST_PENDING:
            self._pending.popitem(last=False)
        return found

    def take(self) -> DrawThumbnails | None:
        """Return the next task, of one picture and one network; its items stay pending until they are made."""
        items: list[Thumbnail] = []
        first: Order | None = None
        for key, order in reversed(self._pending.items()):
            first = first or order
            if (order.picture, order.network) == (first.picture, first.network):
                items.append(Thumbnail(key=key, order=order, output=str(self.file(key))))
            if len(items) == _BATCH:
                break
        if first is None:
            return None
        picture = None
        if first.picture is not None:
            entry = self._folder.picture(first.picture)
            if entry is None:
                for item in items:
                    self.fail(item.key, "the picture is not there any more")
                return self.take()
            picture = str(self._folder.shown(entry.id))  # read in no time, and large enough
        return DrawThumbnails(task=secrets.token_hex(6), picture=picture, items=items)

    def made(self, key: str) -> None:
        """Note that one is there."""
        self._pending.pop(key, None)
        self._deaths.pop(key, None)
        self._hub.publish(event("thumbnail", key=key), key=key)

    def fail(self, key: str, error: str) -> None:
        """Note that one cannot be made."""
        self._pending.pop(key, None)
        self._deaths.pop(key, None)
        self._failed[key] = error
        if len(self._failed) > _MOST_FAILED:
            self._failed.popitem(last=False)
        self._hub.publish(event("thumbnail", key=key, error=error), key=key)

    def died(self, key: str, error: str) -> None:
        """Note that the process ended while one was made."""
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] >= _MOST_DEATHS:
            self.fail(key, error)


def key_of(order: Order) -> str:
    """Return the key of a small dream: what it is made of, hashed."""
    return hashlib.sha256(msgspec.json.encode(order)).hexdigest()[:32]


def orders(wanted: ThumbnailsWanted) -> list[tuple[str, str, Order]]:
    """Return the names, labels and orders of small dreams; errors as for a network's name."""
    found = list(_orders(wanted))
    return found[wanted.start : wanted.start + wanted.count]


def _orders(wanted: ThumbnailsWanted) -> Iterator[tuple[str, str, Order]]:
    network = Network(name=wanted.network)

    def order(**fields: Any) -> Order:
        return Order(kind="dream", picture=wanted.picture, long_side=LONG_SIDE, **{"network": network, **fields})

    if wanted.of == "presets":
        for preset in PRESETS.values():
            its = Network(name=preset.network)
            yield preset.name, preset.name, order(network=its, preset=preset.name, recipe={"seed": RECIPE["seed"]})
        return
    layers = {each.name: each for each in _layers(wanted.network)}
    if wanted.of == "layers":
        for name in layers:
            yield name, name, order(layer=(name,), recipe=RECIPE)
        return
    if wanted.layer not in layers:
        raise StudioError(f"no layer {wanted.layer!r} to dream of in {wanted.network}", 404)
    shape = layers[wanted.layer].shape
    for number in range(0 if isinstance(shape, ShapeError) else shape[1]):
        name = f"{wanted.layer}:{number}"
        yield name, f"channel {number}", order(layer=(name,), recipe=RECIPE)


def _layers(network: str) -> list[BlobFacts]:
    net = outline(network)
    if net is None:
        raise StudioError(f"the layers of {network} are not known before it is loaded", 404)
    return [each for each in survey(net.graph, dict(net.graph.declared)) if each.dreamable]
