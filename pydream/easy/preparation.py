"""What is prepared is a network, a recipe, and what goes in beside the picture, ready for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec

from ..cluster.tasks import guided
from ..dream.objectives import Objective
from ..dream.octaves import Size
from ..dream.params import find_ends
from ..dream.retouch import Mask, Retouch
from ..dream.watch import Watch
from ..media import read_image
from ..net import Net
from ..picture import Picture, to_pixels
from ..record.command import command_of
from ..record.provenance import DreamAccount, Ingredients, NetFacts, PictureFacts, picture_facts
from ..record.recipe import Recipe, choose_tile, follow
from ..tiles.plan import plan_tiles


@dataclass(frozen=True)
class SidePicture:
    """A guide or a mask: the name that it is given by, and its pixels."""

    given: str
    pixels: Picture

    @classmethod
    def read(cls, path: Path, to_srgb: bool) -> Self:
        """Read it; a mask's numbers are no colours, and as they are stored."""
        return cls(str(path), read_image(path, to_srgb=to_srgb))

    @cached_property
    def facts(self) -> PictureFacts:
        """For the record."""
        return picture_facts(self.given, self.pixels)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A network, a recipe, and what goes in beside the picture.

    Attributes
    ----------
    net : Net
    network : NetFacts
    model, weights : str, path
        Where the network was found.
    recipe : Recipe
        For a picture; noise and a loop are the caller's to add.
    guide, mask : SidePicture, optional
    tile, memory : int, optional
        The side of a tile, and the bytes that the process may take, if they are given.
    """

    net: Net
    network: NetFacts
    model: str
    weights: Path | None = None
    recipe: Recipe
    guide: SidePicture | None = None
    mask: SidePicture | None = None
    tile: int | None = None
    memory: int | None = None

    @cached_property
    def objective(self) -> Objective | None:
        """The guide's, for the recipe's layer."""
        if self.guide is None:
            return None
        return guided(self.net, self.guide.pixels, self.recipe.end, self.guide.facts.name)

    @cached_property
    def retouches(self) -> list[Retouch]:
        """What is done to each step, with the mask."""
        return self.recipe.retouches(None if self.mask is None else Mask.of(self.mask.pixels))

    # ---- dream ----

    def in_tiles(self, size: Size, copies: float = 0, recipe: Recipe | None = None) -> tuple[int, str | None]:
        """Decide on the side of the tiles for a picture, 0 for none, and describe the plan, if there are several.

        `copies` is how many arrays of the picture's size the command keeps, beside a dream's own; `recipe` is the job's
        by default.
        """
        recipe, (height, width) = recipe or self.recipe, size
        side = choose_tile(recipe, self.net, height, width, self.tile, self.memory, self.retouches, copies)
        if side == 0:
            return 0, None
        ends = find_ends(self.net, recipe.end if recipe.score is None else None, recipe.score)
        self.net.resize(height, width)
        plan = plan_tiles(self.net, ends, height, width, side)
        if len(plan) <= 1:
            return side, None
        high, wide = plan.crop
        return side, (
            f"{width}x{height} in {len(plan)} tiles of up to {side} pixels, crops of up to {wide}x{high},"
            f" {plan.cost:.2g} times the work"
        )

    def dream(self, recipe: Recipe, picture: Picture | None, watch: Watch) -> Picture:
        """Dream by a recipe in this process."""
        return to_pixels(follow(recipe, self.net, picture, self.objective, retouches=self.retouches, watch=watch))

    # ---- record ----

    def ingredients(self, input: PictureFacts) -> Ingredients:
        """Return what goes into a dream on a picture."""
        guide, mask = (None if each is None else each.facts for each in (self.guide, self.mask))
        return Ingredients(network=self.network, input=input, guide=guide, mask=mask)

    def as_recorded(self, recipe: Recipe) -> Recipe:
        """Return what a picture says of a recipe: in float64 nothing of tiles, which decide no pixel there."""
        return msgspec.structs.replace(recipe, tile=None) if self.network.dtype == "float64" else recipe

    def command_line(self, command: str, arguments: Sequence[str], recipe: Recipe, **more: Any) -> str:
        """Write the command line that makes the same again; see `command_of`."""
        recipe = self.as_recorded(recipe)
        files: dict[str, Any] = {"model": self.model, "weights": self.weights}
        files |= {"guide": self.guide and self.guide.given, "mask": self.mask and self.mask.given}
        return command_of(command, arguments, recipe, self.network, **{**files, **more})

    def record(self, command: str, recipe: Recipe, input: PictureFacts, pixels: Picture) -> DreamAccount:
        """Return what a picture says of itself; `command` is the whole line."""
        return DreamAccount(
            command=command,
            recipe=self.as_recorded(recipe),
            result=picture_facts("result", pixels),
            **msgspec.structs.asdict(self.ingredients(input)),
        )
