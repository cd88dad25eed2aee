"""An order and its pictures → what is prepared: network, recipe, guide and mask, and what the dream starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from ...dream.octaves import Size
from ...dream.zoom import zoom_default
from ...easy.inputs import Input, Resizing
from ...easy.look import Look, as_recorded
from ...easy.others import Other
from ...easy.preparation import Prepared, SidePicture, prepare
from ...easy.snippet import snippet_of
from ...errors import ParameterError
from ...media import Dpi, resized
from ...picture import Picture
from ...record.command import Words
from ...record.names import NOISE_SIZE, noise_word, source_word
from ...record.provenance import PictureFacts, noise_facts, picture_facts
from ...record.recipe import Loop, Recipe
from ...zoo.registry import DEFAULT_NETWORK, find_network
from ..messages import Run
from ..orders import Order

_OF_KINDS = {"loop", "rendering"}  # fields of a recipe that an order has other words for, or none
_RECORDED = "dream.png"  # what commands write, as in records of `pydream dream`
_OF_PICTURES = ("size", "noise", "steps", "seed", "tile")  # that are no part of a look


@dataclass(frozen=True)
class Start:
    """What a dream starts from.

    Attributes
    ----------
    picture : (h, w, 3) uint8 array or None
        As it was sent; None: noise.
    size : (int, int)
        Height and width that it is dreamt on at.
    word : str
        For a command line.
    facts : PictureFacts
        For its record.
    dpi : Dpi or None
    """

    picture: Picture | None
    size: Size
    word: str
    facts: PictureFacts
    dpi: Dpi | None = None

    @classmethod
    def of_picture(cls, file: str, name: str, resizing: Resizing) -> Self:
        """Read a picture, which is called `name`."""
        found = Input.of(file, "picture")
        facts = picture_facts(name, found.pixels)
        return cls(found.pixels, resizing.of(*found.pixels.shape[:2]), source_word(name), facts, found.dpi)

    @classmethod
    def of_noise(cls, size: Size) -> Self:
        """Return noise, which the recipe's seed draws."""
        return cls(None, size, noise_word(size), noise_facts(size))


@dataclass(frozen=True)
class Wanted:
    """An order's words, apart.

    Attributes
    ----------
    look : Look
    resizing : Resizing
    noise : (int, int) or None
        Height and width, where the dream starts from that.
    model : str
    more : dict of str
        For `prepare`: seed, tile and steps, where they are given.
    """

    look: Look
    resizing: Resizing
    noise: Size | None
    model: str
    more: dict[str, Any]

    @classmethod
    def of(cls, order: Order) -> Self:
        """Read an order.

        Raises
        ------
        ParameterError
            A value is wrong, or does not go with another.
        UnknownNameError
            There is no such preset or network.
        """
        fields = {name: value for name, value in order.recipe.items() if value is not None}
        if unknown := fields.keys() - (set(Recipe.__struct_fields__) - _OF_KINDS):
            raise ParameterError("recipe", f"it has no {', '.join(map(repr, sorted(unknown)))} in an order")
        if (depth := fields.get("depth")) is not None and (depth != 16 or order.kind != "dream"):
            raise ParameterError("depth", f"{depth!r} in an order of a {order.kind} (expected 16, in one of a dream)")
        apart = {name: as_recorded(name, fields.pop(name)) for name in _OF_PICTURES if name in fields}
        if order.picture is not None and "noise" in apart:
            raise ParameterError("noise", "there is a picture")
        given = {**fields, **_named(order, fields.pop("end", None), fields.pop("objective", ()))}
        given = {name: value for name, value in given.items() if name not in ("end", "objective")}
        look = Look.of(order.preset, order.strength, given)
        model = order.network.name
        if model == DEFAULT_NETWORK and not given["layer"] and not given["classes"]:
            model = look.model
        for name in (model, *(Other.of(words).model for words in look.params.get("also", ()))):
            find_network(name)  # a name of the registry, and no file
        noise = apart.pop("noise", NOISE_SIZE) if order.picture is None else None
        return cls(look, Resizing(apart.pop("size", None), order.long_side), noise, model, apart)

    def start(self, picture: str | None, name: str) -> Start:
        """Read the picture."""
        if picture is None:
            return Start.of_noise(self.resizing.of(*self.noise or NOISE_SIZE))
        return Start.of_picture(picture, name, self.resizing)

    def prepare(self, start: Start, dtype: str, **run: Any) -> Prepared:
        """Load the network and find what is to grow."""
        if start.picture is None:
            params = self.look.params_for(self.noise or NOISE_SIZE, self.resizing) | {"size": None, "noise": start.size}
        else:
            params = self.look.params_for(start.picture.shape[:2], self.resizing)
        prepared = prepare(model=self.model, dtype=dtype, **{**params, **self.more, **run})
        prepared.check()
        if prepared.open_score:
            prepared = prepared.on(None if start.picture is None else resized(start.picture, start.size))
        return prepared


def _named(order: Order, end: Any, objective: Any) -> dict[str, Any]:
    """Return what grows, as `prepare` takes it: in the order's own words, or as a recipe has it."""
    words: dict[str, Any] = {"layer": list(order.layer) or None, "kind": order.objective}
    words |= {"classes": list(order.classes) or None}
    terms = as_recorded("objective", objective)
    if end is None and not terms:
        return words
    if any(value is not None for value in words.values()):
        raise ParameterError("recipe", "with end or objective there, layer, objective and classes are left out")
    named = Words.of(Recipe(end="" if end is None else as_recorded("end", end), objective=terms, seed=0))
    words = {"layer": named.layers or None, "kind": named.kind, "classes": named.classes or None}
    if named.direction is not None:
        if sum(bool(term.vector) for term in terms) > 1:
            raise ParameterError("objective", "it has more than one direction")
        words |= {"direction": named.direction.vector, "direction_power": named.direction.power}
    return words


def loop_of(order: Order) -> Loop:
    """Return how a zoom loop moves, at its first frame; ValueError for what is no move."""
    given: dict[str, Any] = {"scale": order.scale, "rotate": order.rotate, "shift": order.shift}
    move = {name: zoom_default(name) if value is None else value for name, value in given.items()}
    of_order = {name: getattr(order, name) for name in ("ease", "step_size", "octave_n", "blend", "hold")}
    return Loop(frame=0, **of_order, **move)


@dataclass(frozen=True)
class Ordered:
    """An order, ready to be carried out."""

    start: Start
    prepared: Prepared
    output: Path  # without its suffix

    @classmethod
    def of(cls, message: Run, wanted: Wanted | None = None, start: Start | None = None, **recipe: Any) -> Self:
        """Read the pictures and load the network; the tiles are not decided on.

        What is wanted, the start and fields of the recipe are the order's, unless they are given.
        """
        wanted, order, names = wanted or Wanted.of(message.order), message.order, message.names
        start = start or wanted.start(message.picture, names.get("picture", ""))
        sides = {
            "guide": _beside(message.guide, names.get("guide", ""), to_srgb=wanted.look.to_srgb),
            "mask": _beside(message.mask, names.get("mask", ""), to_srgb=False),
        }
        resumed = {} if message.resumed is None else {"seed": message.resumed.seed, "tile": message.resumed.tile}
        prepared = wanted.prepare(start, order.network.dtype, memory=message.memory, **sides, **resumed, **recipe)
        return cls(start, prepared, Path(message.output))

    def tiled(self) -> Recipe:
        """Return the recipe with its tiles decided on."""
        side, _ = self.prepared.in_tiles(self.start.size)
        return msgspec.structs.replace(self.prepared.recipe, tile=side)

    def command(self, recipe: Recipe) -> str:
        """Return the command that makes the dream, the same wherever it is written."""
        return self.prepared.command_line("dream", [self.start.word, "-o", _RECORDED], recipe)

    def snippet(self, recipe: Recipe) -> str | None:
        """Return the same in Python."""
        return snippet_of(self.start.word, _RECORDED, self.prepared, recipe)


def _beside(file: str | None, name: str, to_srgb: bool) -> SidePicture | None:
    return None if file is None else SidePicture(name, SidePicture.read(Path(file), to_srgb).pixels)
